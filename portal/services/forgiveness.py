"""What a settlement forgives: in force as long as the agreed sum is with us, and no longer.

The agreed sum is what was allocated to the settlement's installments, and what was paid before and
counted towards it. A chargeback, a bank debit
that came back and a refund take of it; a refund of what was paid too much does not, since that sum
was never agreed. See docs/decisions/0007-forgiveness.md.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from portal.domain.money import Cents
from portal.domain.statuses import ArrangementStatus, move
from portal.models import (
    Account,
    Arrangement,
    EntryKind,
    Installment,
    LedgerEntry,
    Payment,
    PaymentAllocation,
    Refund,
    ShownOffer,
)
from portal.services import evidence, notices
from portal.services.ledger import MONEY, lock_row, paid_cents, post

OWED_BACK, UNDONE = "paid_too_much", "charged_after_stop"
"""Refunds that take nothing of an agreed sum: of an excess, and of what was no payment of it."""

LOST, PAID = "payment_lost", "paid"
"""Why a settlement is over: a payment of it went back, or all of it is here."""

KINDS = (EntryKind.FORGIVEN, EntryKind.FORGIVENESS_REVERSED)


def forgive(session: Session, account: Account, agreed: Arrangement, *, now: datetime) -> Cents:
    """Forgive what a settlement leaves, now that its last installment is paid; returns the cents.

    Where a payment of it has gone back already, both entries are posted and nothing is forgiven
    until it comes again. The account and the arrangement are locked by the caller.
    """
    if agreed.kind != "settlement":
        return Cents(0)
    lost = lost_cents(session, agreed)
    rest = max(account.balance_cents + _leaving_cents(session, account) - lost, 0)
    if rest:
        again = f":{now.isoformat()}" if _forgave_before(session, agreed) else ""
        _move(session, account, f"arrangement:{agreed.id}{again}", -rest, now=now)
    if not lost:
        return Cents(rest)
    _reverse(session, account, agreed, "paid", now=now)
    return Cents(0)


def owe_again(
    session: Session, account: Account, agreed: Arrangement, fact: str, *, now: datetime
) -> Cents:
    """Owe again what a settlement forgave that runs on, since it was not paid; returns the cents.

    ``fact`` names the payment that does not count any more. The account is locked by the caller.
    """
    owed_again = -_sum(session, _of(agreed))
    if owed_again:
        _move(session, account, f"arrangement:{agreed.id}:{fact}", owed_again, now=now)
    return Cents(owed_again)


def judge(session: Session, account: Account, payment: Payment, fact: str, now: datetime) -> None:
    """Ask again whether a paid settlement stands, after money of a payment of it went or came back.

    ``fact`` names what moved. Taken from below the agreed sum, it ends and what it forgave is owed
    again; all there again, it stands as before. The account is locked by the caller, who commits.
    """
    for arrangement_id in _resting_on(session, payment):
        agreed = lock_row(session, Arrangement, (payment.client_id, arrangement_id))
        lost = lost_cents(session, agreed)
        if agreed.status == ArrangementStatus.COMPLETED and lost:
            _reverse(session, account, agreed, fact, now=now)
        elif agreed.status == ArrangementStatus.BROKEN and agreed.ended_reason == LOST and not lost:
            _restore(session, account, agreed, fact, now=now)


def _resting_on(session: Session, payment: Payment) -> Sequence[UUID]:
    """The settlements that money of a payment may be in: its own, and those it may count for."""
    return session.scalars(
        select(Arrangement.id)
        .where(
            Arrangement.client_id == payment.client_id,
            Arrangement.account_id == payment.account_id,
            Arrangement.kind == "settlement",
            (Arrangement.id == payment.arrangement_id) | Arrangement.counted_cents.is_not(None),
        )
        .order_by(Arrangement.id)
    ).all()


def at_stake(session: Session, payment: Payment) -> Cents:
    """What is forgiven now and would be owed again if this payment went back."""
    resting = [
        session.get_one(Arrangement, (payment.client_id, one))
        for one in _resting_on(session, payment)
        if one != payment.arrangement_id or _paid_a_part(session, payment)
    ]
    return Cents(-sum(_sum(session, _of(agreed)) for agreed in resting))


def _paid_a_part(session: Session, payment: Payment) -> bool:
    paid_a_part = select(PaymentAllocation.id).where(
        PaymentAllocation.client_id == payment.client_id,
        PaymentAllocation.payment_id == payment.id,
        PaymentAllocation.installment_id.is_not(None),
    )
    return session.scalar(paid_a_part.limit(1)) is not None


def lost_cents(session: Session, agreed: Arrangement) -> Cents:
    """How much of what was paid for an arrangement is not with us any more.

    That is what was allocated to it; and where money of before counted towards it, all of both.
    """
    counted = _lost_of_counted(session, agreed)
    return Cents(max(counted, gone_of_parts(session, agreed.client_id, agreed.id)))


def _lost_of_counted(session: Session, agreed: Arrangement) -> int:
    if agreed.counted_cents is None or agreed.paid_before_cents is None:
        return 0
    here = paid_cents(session, agreed.account_id) - agreed.paid_before_cents
    return agreed.total_cents + agreed.counted_cents - here - _gone_of_older(session, agreed)


def _gone_of_older(session: Session, agreed: Arrangement) -> int:
    """What went back, since an agreement, of payments from before its offer was shown.

    They never counted towards it.
    """
    shown_at = (
        select(func.min(ShownOffer.shown_at))
        .where(
            ShownOffer.client_id == agreed.client_id,
            ShownOffer.account_id == agreed.account_id,
            ShownOffer.policy_version == agreed.policy_version,
            ShownOffer.key == agreed.offer_key,
            ShownOffer.paid_cents == agreed.paid_before_cents,
        )
        .scalar_subquery()
    )
    landed = aliased(LedgerEntry)
    older = select(landed.id).where(
        landed.client_id == LedgerEntry.client_id,
        landed.payment_id == LedgerEntry.payment_id,
        landed.kind == EntryKind.PAYMENT,
        landed.at < shown_at,
    )
    return _sum(
        session,
        (LedgerEntry.client_id == agreed.client_id)
        & (LedgerEntry.account_id == agreed.account_id)
        & LedgerEntry.kind.in_(MONEY)
        & (LedgerEntry.kind != EntryKind.PAYMENT)
        & (LedgerEntry.at > agreed.accepted_at)
        & older.exists(),
    )


def gone_of_parts(session: Session, client_id: UUID, arrangement_id: UUID) -> Cents:
    """How much of what was paid on an arrangement's parts is not with us any more."""
    shares = session.execute(
        select(
            PaymentAllocation.payment_id,
            Payment.amount_cents,
            func.sum(PaymentAllocation.amount_cents),
        )
        .join(
            Installment,
            (Installment.client_id == PaymentAllocation.client_id)
            & (Installment.id == PaymentAllocation.installment_id),
        )
        .join(
            Payment,
            (Payment.client_id == PaymentAllocation.client_id)
            & (Payment.id == PaymentAllocation.payment_id),
        )
        .where(Installment.client_id == client_id, Installment.arrangement_id == arrangement_id)
        .group_by(PaymentAllocation.payment_id, Payment.amount_cents)
    ).all()
    lost = 0
    for payment_id, amount, share in shares:
        kept = amount - _gone_cents(session, client_id, payment_id)
        lost += max(int(share) - kept, 0)
    return Cents(lost)


def _gone_cents(session: Session, client_id: UUID, payment_id: UUID) -> int:
    """What of a payment went back, but for what was paid too much."""
    owed_back = select(Refund.id).where(
        Refund.client_id == LedgerEntry.client_id,
        Refund.payment_id == LedgerEntry.payment_id,
        LedgerEntry.source == "refund:" + Refund.refund_id,
        Refund.cause == OWED_BACK,
    )
    return _sum(
        session,
        (LedgerEntry.client_id == client_id)
        & (LedgerEntry.payment_id == payment_id)
        & (LedgerEntry.kind != EntryKind.PAYMENT)
        & ~owed_back.exists(),
    )


def _leaving_cents(session: Session, account: Account) -> int:
    """What is in the balance and on its way back, since it never paid this settlement."""
    leaving = session.scalar(
        select(func.coalesce(func.sum(Refund.amount_cents), 0))
        .join(Payment, (Payment.client_id == Refund.client_id) & (Payment.id == Refund.payment_id))
        .where(
            Payment.client_id == account.client_id,
            Payment.account_id == account.id,
            Refund.status == "wanted",
            Refund.cause.in_((OWED_BACK, UNDONE)),
        )
    )
    return int(leaving or 0)


def _reverse(
    session: Session, account: Account, agreed: Arrangement, fact: str, *, now: datetime
) -> None:
    agreed.status = move(agreed.status, ArrangementStatus.BROKEN)
    agreed.ended_at, agreed.ended_reason = now, LOST
    owed_again = owe_again(session, account, agreed, fact, now=now)
    _record(session, account, agreed, "forgiveness.reversed", owed_again, now=now)


def _restore(
    session: Session, account: Account, agreed: Arrangement, fact: str, *, now: datetime
) -> None:
    """Forgive it again, less what a later settlement of the same debt has forgiven since."""
    agreed.status = move(agreed.status, ArrangementStatus.COMPLETED)
    since = agreed.ended_at or now
    agreed.ended_at, agreed.ended_reason = now, PAID
    first = _sum(session, _of(agreed) & (LedgerEntry.source == f"arrangement:{agreed.id}"))
    later = _sum(
        session,
        (LedgerEntry.client_id == account.client_id)
        & (LedgerEntry.account_id == account.id)
        & LedgerEntry.kind.in_(KINDS)
        & ~LedgerEntry.source.startswith(f"arrangement:{agreed.id}")
        & (LedgerEntry.at >= since),
    )
    again = max(-first + later, 0)
    if again:
        _move(session, account, f"arrangement:{agreed.id}:{fact}", -again, now=now)
    notices.tell(session, account, "plan_completed", fact=f"completed:{agreed.id}:{fact}", now=now)
    _record(session, account, agreed, "forgiveness.restored", again, now=now)


def _move(
    session: Session, account: Account, source: str, amount_cents: int, *, now: datetime
) -> None:
    kind = EntryKind.FORGIVEN if amount_cents < 0 else EntryKind.FORGIVENESS_REVERSED
    post(session, account, kind=kind, source=source, amount_cents=Cents(amount_cents), now=now)


def _forgave_before(session: Session, agreed: Arrangement) -> bool:
    return session.scalar(select(LedgerEntry.id).where(_of(agreed)).limit(1)) is not None


def _of(agreed: Arrangement) -> ColumnElement[bool]:
    """The entries of one settlement's forgiveness: what it forgave, reversed, forgave again."""
    return (
        (LedgerEntry.client_id == agreed.client_id)
        & (LedgerEntry.account_id == agreed.account_id)
        & LedgerEntry.kind.in_(KINDS)
        & LedgerEntry.source.startswith(f"arrangement:{agreed.id}")
    )


def _sum(session: Session, where: ColumnElement[bool]) -> int:
    session.flush()
    found = session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.amount_cents), 0)).where(where)
    )
    return int(found or 0)


def _record(
    session: Session,
    account: Account,
    agreed: Arrangement,
    kind: str,
    amount_cents: int,
    *,
    now: datetime,
) -> None:
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=kind,
        payload={
            "actor": evidence.SYSTEM,
            "arrangement": str(agreed.id),
            "reference": agreed.reference,
            "amount_cents": amount_cents,
            "currency": account.currency,
            "balance_cents": account.balance_cents,
        },
        now=now,
    )
