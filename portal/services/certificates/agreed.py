"""Who agreed to what, and what was on the page."""

from collections.abc import Iterator

from portal.domain import N_, disclosures, labels
from portal.domain.debts import ITEMIZED_ON
from portal.domain.money import Cents, Money
from portal.domain.terms import Basis, Method
from portal.services.certificates.parts import (
    Exact,
    Notes,
    Row,
    Rows,
    Said,
    Section,
    Table,
    Tongue,
    Zone,
    day,
    moment,
    money,
    quote,
    say,
)
from portal.services.evidence import Payload
from portal.services.timeline import Words

BASES = {
    Basis.OFFERED: N_("Offered on the page"),
    Basis.AGREED: N_("Suggested by the person, and accepted at once"),
    Basis.GRANTED: N_("Suggested by the person, and answered by the company"),
}

METHODS = {
    Method.AUTOMATIC: N_("Taken automatically from a saved card or bank account"),
    Method.MANUAL: N_("Made by hand, one at a time"),
}


def who(record: Payload) -> Section:
    """The company, the person, and how it was known who it is."""
    client, party, visit = record["client"], record["party"], record["visit"]
    known = [say(N_("Known as %(name)s"), name=client["trade_name"])]
    company: list[Said] = [client["legal_name"]]
    company += known if client["trade_name"] != client["legal_name"] else []
    company.append(say(labels.COLLECTORS.get(client["role"], client["role"])))
    company += [client["license"]] if "license" in client else []
    place = (
        say(N_("Internet address: %(ip)s"), ip=visit["ip"]),
        say(N_("Time zone: %(zone)s"), zone=Zone(visit["time_zone"])),
    )
    rows = (
        Row(say(N_("Company")), tuple(company)),
        Row(say(N_("Person")), (party["name_shown"], say(N_("The page showed this name")))),
        Row(say(N_("Identity check")), tuple(_identity(party["identity"]))),
        Row(say(N_("From where")), place),
    )
    return Section(say(N_("Who agreed")), (Rows(rows),))


def _identity(identity: Payload) -> Iterator[Said]:
    for factor in identity["factors"]:
        yield say(labels.IDENTITY.get(factor, factor))
    first, later = N_("Passed at the first try"), N_("Passed at try %(tries)s")
    tries = identity.get("attempts")
    if tries is not None:
        yield say(first if tries == 1 else later, tries=tries)
    yield moment(identity, "passed_at")


def what(record: Payload) -> Section:
    """The debt with its itemization, and the exact terms with every date."""
    debt = record["debt"]
    rows = (
        Row(say(N_("First owed to")), (debt["original_creditor"],)),
        Row(say(N_("Now owed to")), (debt["current_creditor"],)),
        Row(say(N_("Account")), (debt["reference"],)),
    )
    return Section(
        say(N_("What was agreed")),
        (Rows(rows), _itemization(debt), Rows(tuple(_terms(record))), _schedule(record["terms"])),
    )


def _itemization(debt: Payload) -> Table:
    item, currency = debt["itemization"], debt["currency"]
    first = say(ITEMIZED_ON[item["kind"]], day=day(item, "on"))
    lines: tuple[tuple[Said, int], ...] = (
        (first, item["amount_cents"]),
        (say(N_("Interest since")), item["interest_cents"]),
        (say(N_("Fees since")), item["fees_cents"]),
        (say(N_("Paid since")), -item["payments_cents"]),
        (say(N_("Credits since")), -item["credits_cents"]),
        (say(N_("When the company got the account")), item["sum_cents"]),
    )
    changed = debt["balance_cents"] - item["sum_cents"]
    since = ((say(N_("Changed after that")), changed),) if changed else ()
    return Table(
        caption=say(N_("How the amount came about")),
        head=(say(N_("What")), say(N_("Amount"))),
        rows=tuple((what, Money(Cents(cents), currency)) for what, cents in (*lines, *since)),
        total=(say(N_("Owed at the moment of agreeing")), money(debt, "balance_cents")),
        amounts=True,
    )


def _terms(record: Payload) -> Iterator[Row]:
    terms, offer = record["terms"], record["offer"]
    kind = say(labels.KINDS.get(terms["kind"], terms["kind"]))
    yield Row(say(N_("Kind of agreement")), (kind, say(BASES[Basis(offer["basis"])])))
    yield Row(say(N_("To pay")), (money(terms, "total_cents"), *_sums(terms, offer)))
    yield Row(say(N_("Payments")), tuple(_payments(terms)))
    if "valid_until" in terms:
        yield Row(say(N_("Could be agreed until")), (day(terms, "valid_until"),))
    limits = say(N_("Version %(version)s"), version=offer["policy_version"])
    yield Row(say(N_("Offer limits of the company")), (limits, Exact(offer["policy_sha256"])))
    yield Row(say(N_("Offer")), (Exact(offer["key"]),))
    yield Row(say(N_("Fingerprint of the terms")), (Exact(record["terms_sha256"]),))
    if "supersedes" in record:
        yield Row(say(N_("Takes the place of")), (Exact(record["supersedes"]),))


def _sums(terms: Payload, offer: Payload) -> Iterator[Words]:
    """What was paid before and counts for the offer, and what is forgiven at the end."""
    if "counted_cents" in offer:
        counted = money(offer, "counted_cents", currency=terms["currency"])
        yield say(N_("%(amount)s that was paid before counts too"), amount=counted)
    if terms["saved_cents"]:
        text = N_("%(saved)s of %(balance)s is forgiven once it is paid")
        saved, balance = money(terms, "saved_cents"), money(terms, "balance_cents")
        yield say(text, saved=saved, balance=balance)


def _payments(terms: Payload) -> Iterator[Words]:
    parts = len(terms["schedule"])
    if parts == 1:
        yield say(N_("One payment"))
        return
    rhythm = say(labels.FREQUENCIES[terms.get("frequency", "monthly")])
    yield say(N_("%(parts)s payments. %(rhythm)s."), parts=parts, rhythm=rhythm)
    if "down_payment_cents" in terms:
        least = money(terms, "down_payment_cents")
        yield say(N_("At least %(amount)s with the first one"), amount=least)
    yield say(METHODS[Method(terms["method"])])


def _schedule(terms: Payload) -> Table:
    currency = terms["currency"]
    return Table(
        caption=say(N_("All dates and amounts")),
        head=(say(N_("Number")), say(N_("Date")), say(N_("Amount"))),
        rows=tuple(
            (part["n"], day(part, "due_on"), money(part, currency=currency))
            for part in terms["schedule"]
        ),
        total=(say(N_("Total")), "", money(terms, "total_cents")),
        amounts=True,
    )


def shown(record: Payload) -> Section:
    """Every text that was on the page, and the copy to keep, by their hashes."""
    told = Notes(
        (
            say(N_("These texts were on the page when the button was pressed.")),
            say(N_("The folder “documents” has each one, under the fingerprint that stands here.")),
        )
    )
    texts = [Row(_name(one["doc_id"]), tuple(_text(one))) for one in record["disclosures"]]
    copies = [Row(_name(one["name"]), (Exact(one["sha256"]),)) for one in record["documents"]]
    return Section(say(N_("What was on the page")), (told, Rows((*texts, *copies))))


def _name(text: str) -> Words:
    return say(disclosures.TITLES.get(text, text))


def _text(text: Payload) -> Iterator[Said]:
    yield say(
        N_("%(language)s, version %(version)s, shown: %(at)s"),
        language=Tongue(text["locale"]),
        version=text["version"],
        at=moment(text, "shown_at"),
    )
    if "acknowledged_at" in text:
        label, at = quote(text["control_label"]), moment(text, "acknowledged_at")
        yield say(N_("Ticked: %(label)s, %(at)s"), label=label, at=at)
    yield Exact(text["sha256"])
