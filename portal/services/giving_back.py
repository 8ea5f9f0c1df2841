"""Refunds that staff decide: how much may go back, and who said so."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.help import kept_words
from portal.domain.money import Cents, Money
from portal.domain.statuses import PaymentStatus
from portal.models import Account, Chargeback, Payment, PaymentPurpose, Refund, Staff
from portal.services import evidence, forgiveness, refunds
from portal.services.ledger import lock_account

GONE = {str(status) for status in refunds.GOING_BACK} | {refunds.WANTED}


class NothingToGiveBack(DomainError):
    """The payment has not arrived, or all of it went back, or the bank took it back."""

    message = N_("Nothing of this payment can be given back.")


class TooMuchToGiveBack(DomainError):
    """More than is left of the payment."""

    message = N_("At most %(most)s of this payment can be given back.")


WON = ("won", "warning_closed", "prevented")
"""How a chargeback ends whose money stays here."""


class GivenBackMeanwhile(DomainError):
    """What is left of the payment is not what the page showed: a second press, or somebody else."""

    message = N_("Money of this payment went back meanwhile. Look at it again before you go on.")


class ReasonMissing(DomainError):
    """A refund needs a reason on the record."""

    message = N_("Write why the money goes back.")


def refundable(session: Session, payment: Payment) -> Cents:
    """What is left of a payment to give back, in cents: nothing while a chargeback stands."""
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
    if payment.status is not PaymentStatus.SUCCEEDED or payment.purpose is PaymentPurpose.METHOD:
        return Cents(0)
    if any(one.payment_id == payment.id and one.status not in WON for one in chargebacks):
        return Cents(0)
    mine = (one for one in refunds if one.payment_id == payment.id)
    gone = (one.amount_cents for one in mine if one.status in GONE)
    return Cents(payment.amount_cents - sum(gone))


def require_left(session: Session, payment: Payment, shown_cents: Cents) -> None:
    """Go on only if as much is left as a page showed, so that two presses give back once.

    Locks the account until the caller's commit. Raises GivenBackMeanwhile.
    """
    lock_account(session, payment.account_id)
    if refundable(session, payment) != shown_cents:
        raise GivenBackMeanwhile


def give_back(
    session: Session,
    payment: Payment,
    amount_cents: Cents,
    *,
    reason: str,
    staff: Staff,
    now: datetime,
) -> Refund:
    """Ask for money to go back to the debtor, on the record; the caller commits.

    Locks the account, so that two members of staff give back no more than was paid. What was paid
    too much is the debtor's; any more of a settlement's payment ends the settlement. Raises
    ReasonMissing, NothingToGiveBack, TooMuchToGiveBack, TextTooLong, CardNumberTyped (PC-01).
    """
    if not (words := kept_words(reason)):
        raise ReasonMissing
    account = lock_account(session, payment.account_id)
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
            "actor": evidence.staff(staff.id),
            "payment": str(payment.id),
            "reference": payment.reference,
            "amount_cents": amount_cents,
            "currency": payment.currency,
            "reason": words,
        },
        now=now,
    )
    cause = _cause(session, account, amount_cents)
    return refunds.give_back(session, payment, amount_cents, cause=cause, now=now)


def _cause(session: Session, account: Account, amount_cents: Cents) -> str:
    owed_back = amount_cents <= refunds.overpaid_cents(session, account)
    return forgiveness.OWED_BACK if owed_back else refunds.STAFF
