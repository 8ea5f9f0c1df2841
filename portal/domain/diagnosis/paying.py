"""Causes that lie in the last attempt to pay: what the bank said, and what became of the page.

Why a bank reports a card as lost, stolen or used by somebody else is never told to whoever holds
it, so that evidence names no code.
"""

from collections.abc import Iterator

from portal.domain import N_
from portal.domain.declines import NEEDS_DEBTOR, REVOKED, is_bank
from portal.domain.diagnosis.facts import Cause, Facts, Paid, Remedy, Seen, Shows, Source
from portal.domain.statuses import PaymentStatus as P

NO_FUNDS = {"insufficient_funds", "withdrawal_count_limit_exceeded", "card_velocity_exceeded"}
EXPIRED = {"expired_card", "invalid_expiry_month", "invalid_expiry_year"}
REPORTED = {
    *("fraudulent", "lost_card", "merchant_blacklist", "pickup_card", "restricted_card"),
    *("security_violation", "stolen_card"),
}
MISTYPED = {
    *("incorrect_address", "incorrect_cvc", "incorrect_number", "incorrect_pin", "incorrect_zip"),
    *("invalid_cvc", "invalid_number", "invalid_pin"),
}
TAKEN = (P.CREATED, P.OPEN, P.FAILED, P.NEEDS_DEBTOR, P.EXPIRED, P.CANCELED)
"""Where a decline may be the last word: nothing was taken since."""


def _kind(paid: Paid) -> str:
    """What kind of no a bank gave; empty where it gave none."""
    said = {code for code in paid.codes if code}
    if paid.status not in TAKEN or not (said or paid.status == P.NEEDS_DEBTOR):
        return ""
    if said & REVOKED:
        return "permission_ended"
    if paid.status == P.NEEDS_DEBTOR or said & NEEDS_DEBTOR:
        return "bank_asks_owner"
    if paid.funding and is_bank(paid.funding):
        return "debit_returned"
    kinds = {"no_funds": NO_FUNDS, "card_expired": EXPIRED, "card_reported": REPORTED}
    kinds["card_mistyped"] = MISTYPED
    found = (kind for kind, codes in kinds.items() if said & codes)
    return next(found, "bank_refused" if paid.asked else "stripe_refused")


def _declined(kind: str) -> Shows:
    def shows(facts: Facts) -> Iterator[Seen]:
        paid = facts.paid
        if paid is not None and _kind(paid) == kind:
            code = paid.codes[1] or paid.codes[0] or ""
            said = {"amount": paid.amount, "code": code.replace("_", " ")}
            yield Seen(at=paid.at, said=said, about=paid.id)

    return shows


def _stands(*statuses: P, page: bool) -> Shows:
    """Where the last attempt stands so, with a page at Stripe or without, and no bank said no."""

    def shows(facts: Facts) -> Iterator[Seen]:
        paid = facts.paid
        if paid is None or paid.status not in statuses or _kind(paid):
            return
        if paid.on_page is page:
            said = {"amount": paid.amount, "until": paid.page_until or paid.at}
            yield Seen(at=paid.at, said=said, about=paid.id)

    return shows


def _on_its_way(facts: Facts) -> Iterator[Seen]:
    paid = facts.paid
    if paid is not None and paid.status in (P.ATTEMPTING, P.PROCESSING):
        yield Seen(at=paid.at, said={"amount": paid.amount}, about=paid.id)


CAUSES = (
    Cause(
        code="payment_processing",
        sure=True,
        title=N_("A payment is on its way"),
        seen=N_("%(amount)s was started and is not resolved. A second one could pay it twice."),
        source=Source.PAYMENTS,
        tell=N_("Your payment is on its way. Please do not pay again. A bank can take 5 days."),
        remedy=Remedy.NONE,
        shows=_on_its_way,
    ),
    Cause(
        code="bank_asks_owner",
        title=N_("The bank wants its customer to confirm"),
        seen=N_("%(amount)s was not taken: the bank asks for the owner of the card (%(code)s)."),
        source=Source.PAYMENTS,
        tell=N_("Your bank wants you to confirm this. Open your account and pay it there."),
        remedy=Remedy.OTHER_WAY_TO_PAY,
        shows=_declined("bank_asks_owner"),
    ),
    Cause(
        code="no_funds",
        title=N_("The bank says there is not enough money"),
        seen=N_("%(amount)s was not taken (%(code)s)."),
        source=Source.PAYMENTS,
        tell=N_("Your bank did not let this payment through. Pay less, later, or by another card."),
        remedy=Remedy.OTHER_WAY_TO_PAY,
        shows=_declined("no_funds"),
    ),
    Cause(
        code="card_expired",
        title=N_("The card has expired"),
        seen=N_("%(amount)s was not taken (%(code)s)."),
        source=Source.PAYMENTS,
        tell=N_("That card is out of date. Use your new card, or pay from a bank account."),
        remedy=Remedy.OTHER_WAY_TO_PAY,
        shows=_declined("card_expired"),
    ),
    Cause(
        code="card_reported",
        title=N_("The bank refuses this card for good: do not say why"),
        seen=N_("%(amount)s was not taken. The bank’s reason is not for whoever holds the card."),
        source=Source.PAYMENTS,
        tell=N_(
            "Your bank did not let this payment through. Please ask your bank, or pay "
            "in another way."
        ),
        remedy=Remedy.OTHER_WAY_TO_PAY,
        shows=_declined("card_reported"),
    ),
    Cause(
        code="card_mistyped",
        title=N_("The card’s details were not right"),
        seen=N_("%(amount)s was not taken (%(code)s)."),
        source=Source.PAYMENTS,
        tell=N_("Something of the card was not typed right. Check its numbers and try again."),
        remedy=Remedy.OTHER_WAY_TO_PAY,
        shows=_declined("card_mistyped"),
    ),
    Cause(
        code="permission_ended",
        title=N_("The bank says that nobody allowed the charge"),
        seen=N_("%(amount)s was not taken (%(code)s), and the permission has ended."),
        source=Source.PAYMENTS,
        tell=N_("Your bank stopped our charges. We charge nothing more. You can pay by yourself."),
        remedy=Remedy.OTHER_WAY_TO_PAY,
        shows=_declined("permission_ended"),
    ),
    Cause(
        code="debit_returned",
        title=N_("The bank sent the debit back"),
        seen=N_("%(amount)s came back from the bank account (%(code)s)."),
        source=Source.PAYMENTS,
        tell=N_("Your bank sent the payment back. Nothing was taken. Pay again, or with a card."),
        remedy=Remedy.OTHER_WAY_TO_PAY,
        shows=_declined("debit_returned"),
    ),
    Cause(
        code="bank_refused",
        title=N_("The bank refuses the card"),
        seen=N_("%(amount)s was not taken (%(code)s)."),
        source=Source.PAYMENTS,
        tell=N_("Your bank did not let this payment through. Ask your bank, or use another card."),
        remedy=Remedy.OTHER_WAY_TO_PAY,
        shows=_declined("bank_refused"),
    ),
    Cause(
        code="stripe_refused",
        title=N_("Stripe does not open a payment page for this client"),
        seen=N_("%(amount)s could not be asked for (%(code)s). An operator has to look at it."),
        source=Source.PAYMENTS,
        tell=N_("We cannot take payments at the moment. Nothing was taken. We call you back."),
        remedy=Remedy.WRITE,
        shows=_declined("stripe_refused"),
    ),
    Cause(
        code="stripe_silent",
        title=N_("Stripe did not answer"),
        seen=N_("%(amount)s was started, and no payment page was opened."),
        source=Source.PAYMENTS,
        tell=N_("The payment page did not open. Nothing was taken. Try again in a few minutes."),
        remedy=Remedy.NONE,
        shows=_stands(P.CREATED, page=False),
    ),
    Cause(
        code="page_left",
        title=N_("They left the payment page before they paid"),
        seen=N_("The page for %(amount)s is open until %(until)s, and nothing was paid."),
        source=Source.PAYMENTS,
        tell=N_("Your payment is not finished. Open your account and go on with it."),
        remedy=Remedy.LINK,
        shows=_stands(P.OPEN, page=True),
    ),
    Cause(
        code="page_expired",
        title=N_("The payment page closed before they paid"),
        seen=N_("The page for %(amount)s closed, and nothing was paid."),
        source=Source.PAYMENTS,
        tell=N_("The payment page closes after an hour. Nothing was taken. Begin again."),
        remedy=Remedy.LINK,
        shows=_stands(P.EXPIRED, P.CANCELED, page=True),
    ),
)
