"""A check that came back, or a payment recorded by mistake: what it paid is owed again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.counter import Why
from portal.domain.money import Cents
from portal.domain.statuses import LIVE, ArrangementStatus, InstallmentStatus, move
from portal.domain.terms import Method
from portal.models import (
    Account,
    Arrangement,
    EntryKind,
    Installment,
    LedgerEntry,
    Payment,
    PaymentAllocation,
)
from portal.services import evidence, forgiveness, notices
from portal.services.arrangements import arrangement_of, lock_parts, said_part
from portal.services.evidence import Payload
from portal.services.ledger import lock_row, post, record_money

TOLD = "payment_returned"


class NotByHand(DomainError):
    """Stripe collected this payment; it goes back as a refund."""

    message = N_("This payment came through Stripe. Give it back as a refund.")


class ReturnedBefore(DomainError):
    """It does not count any more already."""

    message = N_("This payment was taken back already.")


def is_returned(session: Session, payment: Payment) -> bool:
    """Whether a payment that was recorded does not count any more."""
    session.flush()
    back = select(LedgerEntry.id).where(
        LedgerEntry.client_id == payment.client_id,
        LedgerEntry.payment_id == payment.id,
        LedgerEntry.kind == EntryKind.RETURNED,
    )
    return session.scalar(back.limit(1)) is not None


def require_returnable(session: Session, payment: Payment) -> None:
    """Go on only with a payment that staff recorded and that counts.

    Raises NotByHand, ReturnedBefore.
    """
    if payment.counter_kind is None:
        raise NotByHand
    if is_returned(session, payment):
        raise ReturnedBefore


def take_back(
    session: Session, account: Account, payment: Payment, why: Why, said: Payload, *, now: datetime
) -> None:
    """Take a recorded payment out of the account again, and tell the debtor why.

    The parts it paid are open again, and so is an agreement that it completed, whose forgiveness
    ends; any other agreement that is over is judged as after a chargeback. ``said``: who took it
    back, for the leaf. The account is locked by the caller, who commits. Raises as
    ``require_returnable``.
    """
    require_returnable(session, payment)
    fact = f"returned:{payment.id}"
    amount, kind = payment.amount_cents, EntryKind.RETURNED
    post(session, account, kind=kind, source=fact, amount_cents=amount, now=now, payment=payment)
    told = {"reference": payment.reference, "amount_cents": amount, "why": str(why)}
    record_money(session, account, payment, "payment.returned", told | said, now=now)
    agreed = _agreement(session, payment)
    over = agreed is not None and agreed.status not in LIVE
    if agreed is not None and over and not _completed_it(session, account, agreed, payment):
        forgiveness.judge(session, account, payment, fact, now)
    else:
        parts = _reopen(session, payment, agreed, now=now)
        if agreed is not None and over:
            _run_again(session, account, agreed, parts, fact, now=now)
    notices.tell(session, account, TOLD, fact=fact, payment=payment, now=now)


def _agreement(session: Session, payment: Payment) -> Arrangement | None:
    if payment.arrangement_id is None:
        return None
    return lock_row(session, Arrangement, (payment.client_id, payment.arrangement_id))


def _completed_it(
    session: Session, account: Account, agreed: Arrangement, payment: Payment
) -> bool:
    """Whether this payment was the last one of an agreement that no other one came after."""
    paid = agreed.status == ArrangementStatus.COMPLETED and agreed.ended_reason == forgiveness.PAID
    newest = arrangement_of(session, account)
    return paid and agreed.ended_at == payment.settled_at and newest is agreed


def _reopen(
    session: Session, payment: Payment, agreed: Arrangement | None, *, now: datetime
) -> Sequence[Installment]:
    """Take each share of the payment back; a part that it paid waits again. Returns all parts."""
    parts = lock_parts(session, agreed) if agreed else []
    by_id = {part.id: part for part in parts}
    for share in _shares(session, payment):
        if share.installment_id is not None:
            _open(by_id[share.installment_id], share.amount_cents)
        session.add(
            PaymentAllocation(
                client_id=payment.client_id,
                payment_id=payment.id,
                account_id=payment.account_id,
                installment_id=share.installment_id,
                amount_cents=Cents(-share.amount_cents),
                at=now,
            )
        )
    session.flush()
    return parts


def _shares(session: Session, payment: Payment) -> Sequence[PaymentAllocation]:
    return session.scalars(
        select(PaymentAllocation)
        .where(
            PaymentAllocation.client_id == payment.client_id,
            PaymentAllocation.payment_id == payment.id,
        )
        .order_by(PaymentAllocation.id)
    ).all()


def _open(part: Installment, cents: Cents) -> None:
    part.paid_cents = Cents(part.paid_cents - cents)
    if part.status == InstallmentStatus.PAID:
        part.status = move(part.status, InstallmentStatus.SCHEDULED)


def _run_again(
    session: Session,
    account: Account,
    agreed: Arrangement,
    parts: Sequence[Installment],
    fact: str,
    *,
    now: datetime,
) -> None:
    """An agreement runs on by hand: its permission to charge ended with its last payment."""
    agreed.status = move(agreed.status, ArrangementStatus.ACTIVE)
    agreed.ended_at, agreed.ended_reason = None, None
    agreed.method = str(Method.MANUAL)
    owed_again = forgiveness.owe_again(session, account, agreed, fact, now=now)
    evidence.record(
        session,
        client_id=agreed.client_id,
        chain_id=account.chain_id,
        type="arrangement.reopened",
        payload={
            "actor": evidence.SYSTEM,
            "arrangement": str(agreed.id),
            "reference": agreed.reference,
            "parts": [said_part(part) for part in parts],
            "owed_again_cents": owed_again,
            "currency": account.currency,
            "balance_cents": account.balance_cents,
        },
        now=now,
    )
