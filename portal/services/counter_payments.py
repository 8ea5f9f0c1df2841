"""Money that arrives outside of Stripe: recorded by staff, and applied like any other payment.

Whoever calls has a second person's consent where one is needed (``second_person``). See
docs/decisions/0043-money-by-hand.md.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from portal.domain import N_, DomainError
from portal.domain.counter import NEEDS_NUMBER, CounterKind
from portal.domain.help import kept_words
from portal.domain.money import Cents, Money
from portal.domain.statuses import LIVE, PaymentStatus
from portal.domain.terms import Kind
from portal.models import Account, Client, Debtor, EntryKind, LedgerEntry, Payment, PaymentPurpose
from portal.services import fulfilling, notices
from portal.services.amending import refuse_moving
from portal.services.arrangements import UNPAID, arrangement_of, installments_of
from portal.services.evidence import Payload
from portal.services.ledger import post, record_money
from portal.services.payable import Asked, new_payment
from portal.services.standing import standing

LONGEST_NUMBER = 60


class MoreThanOwed(DomainError):
    """The money is more than can be applied, and none of it can go back by Stripe."""

    message = N_(
        "At most %(most)s can be recorded on this account. Send back what is more, because Stripe"
        " cannot give it back."
    )


class DayNotPossible(DomainError):
    """It was received before the account was here, or on a day that has not come."""

    message = N_("The day must be from %(first)s, when the account was placed, up to today.")


class NumberMissing(DomainError):
    """Checks and money orders are told apart by their numbers."""

    message = N_("Write the number of the check or money order.")


class RecordedBefore(DomainError):
    """This check counts already."""

    message = N_("%(number)s is recorded on this account already, as payment %(reference)s.")


class MustGoBack(DomainError):
    """A hold or a rule forbids to take money on this account."""

    message = N_("No money may be taken on this account now (%(rules)s). Send it back.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What came in: what as, cents, on which day of the client's calendar, under which number."""

    kind: CounterKind
    amount_cents: Cents
    received_on: date
    number: str | None = None


def kept_number(typed: str | None, kind: CounterKind) -> str | None:
    """The number of a check or transfer, fit to keep and to print on a receipt.

    Raises NumberMissing, TextTooLong, CardNumberTyped (PC-01).
    """
    number = kept_words(typed, most=LONGEST_NUMBER) or None
    if number is None and kind in NEEDS_NUMBER:
        raise NumberMissing
    return number


def record(
    session: Session, account: Account, received: Received, said: Payload, *, now: datetime
) -> Payment:
    """Count money that is here: one ledger entry, the live agreement's parts, and a receipt.

    ``said``: who recorded it, for the leaf. The account is locked by the caller, who commits.
    Raises MustGoBack, PaymentMoving, DayNotPossible, MoreThanOwed, RecordedBefore.
    """
    _check(session, account, received, now=now)
    payment = _row(session, account, received, now=now)
    post(
        session,
        account,
        kind=EntryKind.PAYMENT,
        source=f"payment:{payment.id}",
        amount_cents=Cents(-payment.amount_cents),
        now=now,
        payment=payment,
    )
    record_money(session, account, payment, "payment.succeeded", _facts(payment) | said, now=now)
    fulfilling.fulfil(session, account, payment, now=now)
    fact = f"payment:{payment.id}"
    notices.tell(session, account, "receipt", fact=fact, payment=payment, now=now)
    return payment


def most_cents(session: Session, account: Account) -> Cents:
    """The most that can be applied: what is owed, or what an open settlement still collects."""
    agreed = arrangement_of(session, account)
    if agreed is None or agreed.status not in LIVE or agreed.kind != Kind.SETTLEMENT:
        return account.balance_cents
    parts = [part for part in installments_of(session, agreed) if part.status in UNPAID]
    return Cents(sum(part.amount_cents - part.paid_cents for part in parts))


def _check(session: Session, account: Account, received: Received, *, now: datetime) -> None:
    verdict = standing(session, account, now).pay
    if not verdict.staff_allowed:
        raise MustGoBack(rules=", ".join(verdict.rules))
    refuse_moving(session, account)
    zone = ZoneInfo(session.get_one(Client, account.client_id).time_zone)
    first = account.placed_at.astimezone(zone).date()
    if not first <= received.received_on <= now.astimezone(zone).date():
        raise DayNotPossible(first=first)
    if received.amount_cents > (most := most_cents(session, account)):
        raise MoreThanOwed(most=Money(most, account.currency))
    if received.number and (known := _known(session, account.id, received)):
        raise RecordedBefore(number=received.number, reference=known)


def _known(session: Session, account_id: UUID, received: Received) -> str | None:
    """The payment that has this number already, unless it was returned."""
    back = aliased(LedgerEntry)
    returned = select(back.id).where(
        back.client_id == Payment.client_id,
        back.payment_id == Payment.id,
        back.kind == EntryKind.RETURNED,
    )
    return session.scalar(
        select(Payment.reference).where(
            Payment.account_id == account_id,
            Payment.counter_kind == received.kind,
            Payment.counter_number == received.number,
            ~returned.exists(),
        )
    )


def _row(session: Session, account: Account, received: Received, *, now: datetime) -> Payment:
    agreed = arrangement_of(session, account)
    asked = Asked(
        account_id=account.id,
        purpose=PaymentPurpose.ONE_OFF,
        amount_cents=received.amount_cents,
        arrangement_id=agreed.id if agreed and agreed.status in LIVE else None,
    )
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    status, locale = PaymentStatus.SUCCEEDED, debtor.language
    payment = new_payment(session, account, asked, status=status, locale=locale, now=now)
    payment.counter_kind, payment.counter_number = received.kind, received.number
    payment.received_on, payment.settled_at, payment.posted_at = received.received_on, now, None
    session.flush()
    return payment


def _facts(payment: Payment) -> Payload:
    return {
        "reference": payment.reference,
        "purpose": str(payment.purpose),
        "amount_cents": payment.amount_cents,
        "came_as": str(payment.counter_kind),
        "received_on": payment.received_on.isoformat() if payment.received_on else "",
        **({"number": payment.counter_number} if payment.counter_number else {}),
    }
