"""The charges of a saved method so far, and whether it may be charged once more (PY-09)."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import declines
from portal.domain.declines import TRY_LATER, Outcome, Try
from portal.domain.money import Cents
from portal.domain.paydays import OpenDays
from portal.domain.policy import DueDays, Keeping
from portal.domain.statuses import AuthorizationStatus, MessageStatus, PaymentStatus
from portal.models import (
    Account,
    Arrangement,
    Authorization,
    Debtor,
    Installment,
    Message,
    Payment,
    PaymentPurpose,
)
from portal.rules.holidays import region_holidays
from portal.services import authorizations
from portal.services.keeping import policy_of
from portal.services.standing import today_of

TOLD_OF_FAILURE = "payment_failed"
FAILED = (PaymentStatus.FAILED, PaymentStatus.NEEDS_DEBTOR)
LEFT = (MessageStatus.SENT, MessageStatus.DELIVERED)


def outcome_of(payment: Payment) -> Outcome | None:
    """What follows from an attempt that failed; None where it did not."""
    if payment.status not in FAILED:
        return None
    codes = (payment.failure_code, payment.decline_code, payment.advice_code)
    return declines.outcome(*codes, asks=payment.status == PaymentStatus.NEEDS_DEBTOR)


def may_charge(
    session: Session,
    account: Account,
    part: Installment,
    permission: Authorization,
    *,
    today: date,
) -> bool:
    """Whether a saved method may be charged for what is open of a part, by all its tries so far.

    A bank debit is presented again only once its debtor was told so (PY-09).
    """
    known = _tries(session, account, permission.method_id, part)
    if not _may_try(known, part, permission, on=today):
        return False
    bank = declines.is_bank(permission.method_funding)
    again = any(one.of_part for one in known) and part.next_attempt_on is not None
    return not (again and bank) or _was_announced(session, part)


def takes(
    session: Session, account: Account, agreed: Arrangement, part: Installment, *, on: date
) -> Authorization | None:
    """The permission under which a part is taken on a day; None where its debtor pays it then.

    ``may_charge`` asks the same on the day itself (PY-09).
    """
    found = authorizations.current(session, agreed)
    if found is None or found.status != AuthorizationStatus.GRANTED:
        return None
    known = _tries(session, account, found.method_id, part)
    return found if _may_try(known, part, found, on=on) else None


def _may_try(
    known: Sequence[Try], part: Installment, permission: Authorization, *, on: date
) -> bool:
    cents = Cents(part.amount_cents - part.paid_cents)
    bank = declines.is_bank(permission.method_funding)
    return declines.may_try(known, cents, bank=bank, today=on)


def is_over(session: Session, account: Account, method_id: str | None) -> bool:
    """Whether a saved method was declined for good, so that the debtor must pay another way."""
    return declines.is_over(_tries(session, account, method_id))


def usable(session: Session, account: Account, agreed: Arrangement) -> Authorization | None:
    """The permission under which due parts are charged; None where none is in force any more.

    One whose method was declined for good is of no use, so its debtor pays another way.
    """
    found = authorizations.current(session, agreed)
    if found is None or found.status != AuthorizationStatus.GRANTED:
        return None
    return None if is_over(session, account, found.method_id) else found


def next_try_on(
    session: Session, account: Account, payment: Payment, part: Installment, *, failed_on: date
) -> date | None:
    """When a part whose charge failed today is tried again by itself; None where it is not.

    A payment that its debtor tried to make changes nothing of a try that was announced.
    """
    if payment.checkout_id is not None:
        announced = part.next_attempt_on
        return announced if announced is not None and announced > failed_on else None
    agreed = session.get_one(Arrangement, (part.client_id, part.arrangement_id))
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    known = [one for one in _tries(session, account, payment.method_id, part) if one.of_part]
    policy = policy_of(session, agreed)
    grace = timedelta(days=(policy.keeping if policy else Keeping()).grace_days)
    holidays = region_holidays(debtor.country, debtor.region)
    return declines.next_try(
        known,
        failed_on=failed_on,
        bank=declines.is_bank(payment.method_funding),
        patient_until=(part.late_since or part.due_on) + grace,
        opened=OpenDays(DueDays.WORKING_DAYS, holidays),
    )


def _tries(
    session: Session, account: Account, method_id: str | None, part: Installment | None = None
) -> Sequence[Try]:
    session.flush()
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    rows = session.scalars(
        select(Payment)
        .where(
            Payment.client_id == account.client_id,
            Payment.account_id == account.id,
            Payment.method_id == method_id,
            Payment.purpose == PaymentPurpose.INSTALLMENT,
            Payment.checkout_id.is_(None),
            Payment.status != PaymentStatus.CANCELED,
        )
        .order_by(Payment.created_at, Payment.id)
    )
    part_id: UUID | None = part.id if part else None
    return [
        Try(
            on=today_of(debtor, row.created_at),
            cents=row.amount_cents,
            of_part=row.installment_id == part_id,
            outcome=outcome_of(row),
            advised=row.advice_code == TRY_LATER,
        )
        for row in rows
    ]


def _was_announced(session: Session, part: Installment) -> bool:
    """Whether the message left that says when the last failure of a part is tried again."""
    last = session.scalar(
        select(Payment.id)
        .where(
            Payment.client_id == part.client_id,
            Payment.installment_id == part.id,
            Payment.status.in_(FAILED),
        )
        .order_by(Payment.created_at.desc(), Payment.id.desc())
        .limit(1)
    )
    left = select(Message.id).where(
        Message.client_id == part.client_id,
        Message.dedupe_key == f"{TOLD_OF_FAILURE}:failed:{last}",
        Message.status.in_(LEFT),
    )
    return session.scalar(left.limit(1)) is not None
