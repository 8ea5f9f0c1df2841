"""Refunds that staff decide: how much may go back, and who said so."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.money import Cents, Money
from portal.domain.statuses import PaymentStatus
from portal.models import Account, Chargeback, Payment, PaymentPurpose, Refund
from portal.services import evidence, forgiveness, refunds

GONE = {str(status) for status in refunds.GOING_BACK} | {refunds.WANTED}


class NothingToGiveBack(DomainError):
    """The payment has not arrived, or all of it went back, or the bank took it back."""

    message = N_("Nothing of this payment can be given back.")


class TooMuchToGiveBack(DomainError):
    """More than is left of the payment."""

    message = N_("At most %(most)s of this payment can be given back.")


WON = ("won", "warning_closed", "prevented")
"""How a chargeback ends whose money stays here."""


class NotThroughStripe(DomainError):
    """It did not come through Stripe, so it cannot go back that way."""

    message = N_(
        "This payment came by check, cash or transfer, so Stripe cannot give it back. Send the"
        " money yourself. A check that the bank returned is recorded as returned."
    )


def refundable(session: Session, payment: Payment) -> Cents:
    """What is left of a payment for Stripe to give back, in cents.

    Nothing while a chargeback stands, and of what did not come through Stripe.
    """
    disputes = (Chargeback.client_id == payment.client_id, Chargeback.payment_id == payment.id)
    given = (Refund.client_id == payment.client_id, Refund.payment_id == payment.id)
    return left_of(
        payment,
        session.scalars(select(Refund).where(*given)).all(),
        session.scalars(select(Chargeback).where(*disputes)).all(),
    )


def left_of(
    payment: Payment, refunds: Iterable[Refund], chargebacks: Iterable[Chargeback]
) -> Cents:
    """The same from rows that were read, of this payment and perhaps of others."""
    collected = payment.status is PaymentStatus.SUCCEEDED and payment.counter_kind is None
    if not collected or payment.purpose is PaymentPurpose.METHOD:
        return Cents(0)
    if any(one.payment_id == payment.id and one.status not in WON for one in chargebacks):
        return Cents(0)
    mine = (one for one in refunds if one.payment_id == payment.id)
    gone = (one.amount_cents for one in mine if one.status in GONE)
    return Cents(payment.amount_cents - sum(gone))


def give_back(
    session: Session,
    account: Account,
    payment: Payment,
    amount_cents: Cents,
    said: evidence.Payload,
    *,
    now: datetime,
) -> Refund:
    """Ask for money to go back to the debtor, on the record; the caller commits.

    What was paid too much is the debtor's; any more of a settlement's payment ends the settlement.
    ``said``: who asked, and why, for the leaf. The account is locked by the caller, so that two
    members of staff give back no more than was paid. Raises NothingToGiveBack, TooMuchToGiveBack,
    NotThroughStripe.
    """
    if payment.counter_kind is not None:
        raise NotThroughStripe
    most = refundable(session, payment)
    if most <= 0:
        raise NothingToGiveBack
    if not 0 < amount_cents <= most:
        raise TooMuchToGiveBack(most=Money(most, payment.currency))
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type="refund.asked",
        payload={
            "payment": str(payment.id),
            "reference": payment.reference,
            "amount_cents": amount_cents,
            "currency": payment.currency,
            **said,
        },
        now=now,
    )
    cause = _cause(session, account, amount_cents)
    return refunds.give_back(session, payment, amount_cents, cause=cause, now=now)


def _cause(session: Session, account: Account, amount_cents: Cents) -> str:
    owed_back = amount_cents <= refunds.overpaid_cents(session, account)
    return forgiveness.OWED_BACK if owed_back else refunds.STAFF
