"""What came after an acceptance: permission, copies, money, changes; from the later leaves."""

from collections.abc import Callable, Iterator, Sequence

from portal.domain import N_, labels
from portal.domain.amendments import Change
from portal.domain.outgoing import reason_of
from portal.services.certificates.parts import (
    Exact,
    Method,
    Moment,
    Notes,
    Row,
    Rows,
    Said,
    Section,
    Table,
    Utc,
    day,
    money,
    say,
)
from portal.services.evidence import Entry, Payload
from portal.services.timeline import Words

COPIES = ("agreement_copy", "authorization_copy")

Line = Callable[[Payload, str], Words]
"""A sentence from a payload, and the currency of the agreement where the payload has none."""


def since(entries: Sequence[Entry], record: Payload, n: int) -> tuple[Entry, ...]:
    """The leaves after an acceptance that belong to it, oldest first.

    What names no arrangement belongs to it until the next one of the account was agreed to; an
    acceptance that takes its place is the last of these.
    """
    later = sorted((entry for entry in entries if entry.n > n), key=lambda entry: entry.n)
    return tuple(_belonging(later, record))


def _belonging(later: Sequence[Entry], record: Payload) -> Iterator[Entry]:
    current = True
    for entry in later:
        payload = entry.payload
        if entry.type == "acceptance":
            if current and payload.get("supersedes") == record["arrangement"]:
                yield entry
            current = False
        elif _is_of(payload, record, current=current):
            yield entry


def _is_of(payload: Payload, record: Payload, *, current: bool) -> bool:
    """Whether a leaf is about this agreement: a copy without a name may be of an older one."""
    if not payload or "arrangement" in payload:
        return bool(payload) and bool(payload["arrangement"] == record["arrangement"])
    accepted_at = record["assent"]["accepted_at"]
    return current and bool(payload.get("queued_at", accepted_at) >= accepted_at)


def permission(record: Payload, entries: Sequence[Entry]) -> Section:
    """The permission to charge a saved card or bank account, if one was given (PY-05)."""
    title = say(N_("Permission to charge"))
    given = record.get("authorization")
    if given is None:
        no = say(N_("No permission to charge was given. Nothing is taken automatically."))
        return Section(title, (Notes((no,)),))
    single = given["kind"] == "single"
    kind = N_("For one payment") if single else N_("For the payments of this agreement")
    first, last = day(given, "first_on"), day(given, "last_on")
    span = say(N_("From %(first)s to %(last)s"), first=first, last=last)
    most = say(N_("Never more than %(amount)s in all"), amount=money(given, "cap_cents"))
    saved = [*_methods(entries)] or [say(N_("None was saved when this page was made."))]
    rows = [
        Row(say(N_("What for")), (say(kind), most, first if first == last else span)),
        Row(say(N_("Words of the permission")), (Exact(given["document_sha256"]),)),
        Row(say(N_("Card or bank account")), tuple(saved)),
    ]
    ends = [entry for entry in entries if entry.type == "authorization.revoked"]
    rows += [Row(say(N_("Ended")), (Moment(end.at), *_reason(end.payload))) for end in ends]
    return Section(title, (Rows(tuple(rows)),))


def _methods(entries: Sequence[Entry]) -> Iterator[Said]:
    for entry in entries:
        if entry.type == "authorization.granted" and "method" in entry.payload:
            yield say(N_("%(method)s, since %(at)s"), method=_method(entry), at=Moment(entry.at))


def _method(entry: Entry) -> Method:
    method = entry.payload["method"]
    return Method(method.get("brand"), method.get("last4"))


def _reason(payload: Payload) -> Iterator[Words]:
    """A reason that is one of ours; what staff wrote for each other stays in the record."""
    if payload.get("reason") in labels.REASONS:
        yield say(N_("Reason: %(reason)s"), reason=say(labels.REASONS[payload["reason"]]))


def delivery(entries: Sequence[Entry]) -> Section:
    """The copies that were sent: what, by which way, when, and what became of it (EV-02)."""
    title = say(N_("Copies sent"))
    about = [entry for entry in entries if entry.payload.get("template") in COPIES]
    if not about:
        none = say(N_("No copy had been sent yet when this page was made."))
        return Section(title, (Notes((none,)),))
    rows = tuple(
        (
            say(labels.TEMPLATES[entry.payload["template"]]),
            say(N_("%(channel)s: %(outcome)s"), **_sent(entry)),
            Moment(entry.at),
            Utc(entry.at),
        )
        for entry in about
        if entry.type in OUTCOMES
    )
    head = (say(N_("What was sent")), say(N_("Way")), say(N_("Local time")), "UTC")
    return Section(title, (Table(say(N_("Each copy, and what became of it")), head, rows),))


OUTCOMES = {
    "letter.queued": N_("written, to be printed"),
    "letter.sent": N_("posted"),
    "message.sent": N_("sent"),
    "message.delivered": N_("delivered"),
    "message.bounced": N_("came back, nobody is at that address"),
    "message.failed": N_("not delivered"),
    "message.suppressed": N_("held back. %(why)s"),
}


def _sent(entry: Entry) -> dict[str, Words]:
    channel = str(entry.payload["channel"])
    why = say(reason_of(str(entry.payload.get("rule", ""))))
    return {
        "channel": say(labels.CHANNELS.get(channel, channel)),
        "outcome": say(OUTCOMES[entry.type], why=why),
    }


def came_later(record: Payload, entries: Sequence[Entry]) -> Section:
    """Payments, refunds, changes and endings since, one line each."""
    title = say(N_("What came later"))
    currency = record["terms"]["currency"]
    told = [entry for entry in entries if entry.type in LATER and _counts(entry)]
    if not told:
        none = say(N_("Nothing more had happened when this page was made."))
        return Section(title, (Notes((none,)),))
    rows = tuple(
        (LATER[entry.type](entry.payload, currency), Moment(entry.at), Utc(entry.at))
        for entry in told
    )
    head = (say(N_("What happened")), say(N_("Local time")), "UTC")
    return Section(title, (Table(say(N_("In the order of the record")), head, rows),))


def outcome(record: Payload, entries: Sequence[Entry]) -> tuple[Said, ...]:
    """Where the agreement is over, or was, the newest word on it."""
    ends = [entry for entry in entries if entry.type in ENDINGS]
    if not ends:
        return ()
    what = LATER[ends[-1].type](ends[-1].payload, record["terms"]["currency"])
    return (say(N_("Later: %(what)s, %(at)s"), what=what, at=Moment(ends[-1].at)),)


def _counts(entry: Entry) -> bool:
    """Saving a card is a payment of nothing, which the permission tells."""
    return entry.payload.get("amount_cents") != 0


def _line(message: str) -> Line:
    """The sentence, filled with the payload's amount, reference and reason where it has them."""

    def line(payload: Payload, currency: str) -> Words:
        params: dict[str, object] = {"reference": payload.get("reference", "")}
        if "amount_cents" in payload:
            of = payload.get("currency", currency)
            params["amount"] = money(payload, currency=of)
        return say(message, **params)

    return line


LESS_OWED = N_("The plan became shorter, because less is owed")
CHANGED = {
    Change.MOVED: N_("The debtor moved a payment to another day"),
    Change.SKIPPED: N_("The debtor skipped a payment, which comes last now"),
    Change.PAUSED: N_("The debtor let the plan rest for one payment"),
    Change.REPLANNED: N_("The debtor changed how the rest is paid"),
    Change.SHORTENED: N_("The plan became shorter after an extra payment of %(amount)s"),
    Change.LOWERED: N_("The payments became smaller after an extra payment of %(amount)s"),
    Change.SPREAD: N_("The debtor added what was missing to the later payments"),
}


FOR_THEM = {
    Change.MOVED: N_("By telephone, the debtor moved a payment to another day"),
    Change.SKIPPED: N_("By telephone, the debtor skipped a payment, which comes last now"),
    Change.PAUSED: N_("The plan rests, and its payments have later dates"),
}
"""What was changed by others than the debtor."""


def _amended(payload: Payload, currency: str) -> Words:
    if "kind" not in payload:
        return _line(LESS_OWED)(payload, currency)
    kind = Change(payload["kind"])
    others = payload["actor"]["kind"] != "debtor"
    message = FOR_THEM.get(kind, CHANGED[kind]) if others else CHANGED[kind]
    return _line(message)(payload, currency)


LATER: dict[str, Line] = {
    "acceptance": _line(N_("A new agreement took its place: %(reference)s")),
    "arrangement.amended": _amended,
    "arrangement.broken": _line(N_("The agreement ended, because it was not paid")),
    "arrangement.canceled": _line(N_("The agreement was ended")),
    "arrangement.completed": _line(N_("All of it was paid, and the agreement is fulfilled")),
    "arrangement.withdrawn": _line(N_("The agreement was taken back before a payment")),
    "authorization.granted": _line(N_("A card or bank account was saved for the payments")),
    "authorization.revoked": _line(N_("The permission to charge ended")),
    "forgiveness.restored": _line(N_("%(amount)s is forgiven again")),
    "forgiveness.reversed": _line(N_("A payment went back, and %(amount)s is owed again")),
    "payment.charged_back": _line(N_("The bank took %(amount)s back")),
    "payment.chargeback_reversed": _line(N_("The bank paid %(amount)s again")),
    "payment.failed": _line(N_("%(amount)s did not go through, payment %(reference)s")),
    "payment.processing": _line(N_("%(amount)s is on its way, payment %(reference)s")),
    "payment.refund_failed": _line(N_("A refund of %(amount)s did not arrive")),
    "payment.refunded": _line(N_("%(amount)s was paid back")),
    "arrangement.reopened": _line(N_("The agreement runs on, because a payment does not count")),
    "payment.returned": _line(N_("%(amount)s does not count any more, payment %(reference)s")),
    "payment.succeeded": _line(N_("%(amount)s was paid, payment %(reference)s")),
}
"""For each type of leaf that a certificate tells, its line."""

ENDINGS = (
    "acceptance",
    *("arrangement.broken", "arrangement.canceled", "arrangement.completed"),
    *("arrangement.reopened", "arrangement.withdrawn"),
    *("forgiveness.restored", "forgiveness.reversed"),
)
