"""What the messages about money that was lost again say: what went, what is owed, what ended."""

from sqlalchemy import func, select

from portal.domain.statuses import LIVE
from portal.models import Arrangement, Authorization, EntryKind, LedgerEntry, Message, Payment
from portal.services.message_subject import OutOfDate, Subject, Values

WITHDRAWN = (EntryKind.CHARGEBACK, EntryKind.CHARGEBACK_REVERSED)
CHARGEBACK = "chargeback"
LETTERS = ("account_paid", "plan_completed")
"""What we write once nothing is owed any more."""


def charged_back(subject: Subject) -> Values:
    """What a bank took back of a payment. Raises OutOfDate where it has given all of it back."""
    payment: Payment = subject.row(Payment, "payment")
    gone = subject.session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.amount_cents), 0)).where(
            LedgerEntry.client_id == payment.client_id,
            LedgerEntry.payment_id == payment.id,
            LedgerEntry.kind.in_(WITHDRAWN),
        )
    )
    if not gone or gone <= 0:
        raise OutOfDate
    account = subject.account
    owed = max(account.balance_cents, 0)
    return {
        "amount": (int(gone), payment.currency),
        "paid_on": subject.day(payment.settled_at or payment.created_at),
        "owed": (owed, payment.currency),
        "account_reference": account.reference,
        "stopped": _stopped(subject),
        "letter": owed > 0 and _had_letter(subject),
    }


def returned(subject: Subject) -> Values:
    """What does not count any more of what staff had recorded, and what is owed now."""
    payment: Payment = subject.row(Payment, "payment")
    account = subject.account
    taken_back = select(LedgerEntry.id).where(
        LedgerEntry.client_id == payment.client_id,
        LedgerEntry.payment_id == payment.id,
        LedgerEntry.kind == EntryKind.RETURNED,
    )
    if subject.session.scalar(taken_back.limit(1)) is None:
        raise OutOfDate
    owed = max(account.balance_cents, 0)
    return {
        "amount": (payment.amount_cents, payment.currency),
        "counter": (payment.counter_kind, payment.counter_number),
        "paid_on": payment.received_on,
        "owed": (owed, payment.currency),
        "account_reference": account.reference,
        "letter": owed > 0 and _had_letter(subject),
    }


def _stopped(subject: Subject) -> bool:
    """Whether an agreement goes on without the automatic payments that it had."""
    ended = (
        select(Authorization.id)
        .join(
            Arrangement,
            (Arrangement.client_id == Authorization.client_id)
            & (Arrangement.id == Authorization.arrangement_id),
        )
        .where(
            Arrangement.client_id == subject.client.id,
            Arrangement.account_id == subject.account.id,
            Arrangement.status.in_(LIVE),
            Authorization.revoked_reason == CHARGEBACK,
        )
    )
    return subject.session.scalar(ended.limit(1)) is not None


def _had_letter(subject: Subject) -> bool:
    """Whether we wrote before that nothing is owed."""
    written = select(Message.id).where(
        Message.client_id == subject.client.id,
        Message.account_id == subject.account.id,
        Message.template.in_(LETTERS),
        Message.created_at <= subject.message.created_at,
    )
    return subject.session.scalar(written.limit(1)) is not None
