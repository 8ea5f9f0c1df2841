"""Which texts of law a moment needs, by the ids of their documents."""

from portal.domain import N_
from portal.domain.debts import CollectorRole, Country, is_debt_collector

CARD_DISCLOSURE = "card-disclosure"
"""PY-04: original creditor, reference and where to learn more, before any card is asked for."""

AUTHORIZATION_CHANGED = "authorization-changed"
"""PY-05: the permission for a changed schedule, to charge the method that is saved already."""

AUTHORIZATION_COPY = "authorization-copy"
"""PY-05: the permission with its method, sent once the method is known."""

AGREEMENT_HEADING = "agreement-heading"

TITLES = {
    "review": N_("The page with every date and amount"),
    **dict.fromkeys(("terms-full", "terms-settlement", "terms-plan"), N_("The terms in words")),
    "authorization": N_("Permission for automatic payments"),
    "pad-rights": N_("Rights with a Canadian bank account"),
    "paying-by-hand": N_("Paying by hand"),
    "offer-renewal": N_("Last day of the offer"),
    "card-disclosure": N_("Who is paid, and for what"),
    "electronic-copy": N_("Agreeing online, and a copy on paper"),
    "debt-collector-initial": N_("Notice of a debt collector"),
    "debt-collector-subsequent": N_("Notice of a debt collector"),
    "agreement": N_("The agreement, as a copy to keep"),
}
"""What was on the page of an agreement, by its name on the record."""


def collector_line(role: CollectorRole, *, first: bool) -> str | None:
    """The line by which a debt collector says what it is, or None for any other role (TX-01).

    ``first``: nothing has been said to this debtor about this debt before. It stands on every page
    after identity and in every message about the debt, in the language of the rest. Creditors and
    servicers must not show it (15 USC 1692e(11), 12 CFR 1006.18(e)).
    """
    if not is_debt_collector(role):
        return None
    return "debt-collector-initial" if first else "debt-collector-subsequent"


def review_documents(
    kind: str, *, country: Country, automatic: bool, expiring: bool
) -> tuple[str, ...]:
    """The documents of a review page, in reading order, beside the collector's line (PY-03).

    ``kind`` is full, settlement or plan. ``automatic``: later payments are charged to a saved
    method, so the authorization is shown (PY-05), in Canada with the rights of a pre-authorized
    debit. ``expiring``: the offer has a last day (TX-02).
    """
    documents = [f"terms-{kind}"]
    if automatic:
        documents.append("authorization")
        if country is Country.CA:
            documents.append("pad-rights")
    elif kind == "plan":
        documents.append("paying-by-hand")
    if expiring:
        documents.append("offer-renewal")
    return (*documents, CARD_DISCLOSURE, "electronic-copy")
