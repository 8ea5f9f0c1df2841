"""What a payment does to the arrangement it belongs to: allocation, progress, completion."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain.money import Cents, minimum_charge, share_of
from portal.domain.statuses import (
    LIVE,
    ArrangementStatus,
    InstallmentStatus,
    PaymentStatus,
    move,
)
from portal.domain.terms import Method
from portal.models import (
    Account,
    Arrangement,
    Debtor,
    Installment,
    Payment,
    PaymentAllocation,
)
from portal.services import amending, authorizations, evidence, forgiveness, notices, tries
from portal.services.arrangements import UNPAID, shorten_to_balance
from portal.services.keeping import due_part
from portal.services.ledger import close_if_settled, lock_row, open_exception
from portal.services.open_proposals import Closed, close_open
from portal.services.satisfaction import tell_paid
from portal.services.standing import today_of

NOTHING = Cents(0)


def lock_arrangement(session: Session, payment: Payment) -> Arrangement | None:
    """The arrangement a payment belongs to, locked after its account."""
    if payment.arrangement_id is None:
        return None
    return lock_row(session, Arrangement, (payment.client_id, payment.arrangement_id))


def lock_installments(session: Session, arrangement: Arrangement) -> list[Installment]:
    """All parts of an arrangement in order, locked."""
    session.flush()
    return list(
        session.scalars(
            select(Installment)
            .where(Installment.arrangement_id == arrangement.id)
            .order_by(Installment.n)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def begin(session: Session, payment: Payment) -> None:
    """Mark the installment a payment is for as being collected."""
    if payment.installment_id is not None:
        part = lock_row(session, Installment, (payment.client_id, payment.installment_id))
        if part.status in (InstallmentStatus.SCHEDULED, InstallmentStatus.FAILED):
            part.status = move(part.status, InstallmentStatus.PROCESSING)


def release(session: Session, payment: Payment, *, failed_at: datetime | None = None) -> None:
    """The attempt came to nothing: its installment waits again, or is failed and tried later.

    One that its debtor tried to pay before its day waits for that day. One of an arrangement that
    is over is over too. A first payment is waited for from its last failure.
    """
    if payment.installment_id is None:
        return
    part = lock_row(session, Installment, (payment.client_id, payment.installment_id))
    if part.status in (InstallmentStatus.PAID, InstallmentStatus.CANCELED):
        return
    agreed = lock_row(session, Arrangement, (part.client_id, part.arrangement_id))
    if agreed.status not in LIVE:
        part.status = move(part.status, InstallmentStatus.CANCELED)
        return
    account = session.get_one(Account, (payment.client_id, payment.account_id))
    debtor = session.get_one(Debtor, (payment.client_id, account.debtor_id))
    today = today_of(debtor, failed_at) if failed_at else None
    due_on = max(part.due_on, part.late_since or part.due_on)
    early = today is not None and payment.checkout_id is not None and today < due_on
    if today is None or early or payment.status == PaymentStatus.CANCELED:
        if part.status == InstallmentStatus.PROCESSING:
            part.status = move(part.status, InstallmentStatus.SCHEDULED)
        return
    part.status = move(part.status, InstallmentStatus.FAILED)
    part.dealt_with_at = part.dealt_with_by = None
    part.next_attempt_on = tries.next_try_on(session, account, payment, part, failed_on=today)
    waiting = agreed.status == ArrangementStatus.AWAITING_FIRST_PAYMENT
    part.told_on = today if waiting else part.told_on or today


def fulfil(session: Session, account: Account, payment: Payment, *, now: datetime) -> None:
    """Allocate a succeeded payment and take its arrangement as far as the money takes it.

    Money begun before an arrangement was withdrawn is honoured: the arrangement comes back. The
    account is locked by the caller, who commits.
    """
    agreed = lock_arrangement(session, payment)
    if agreed is None:
        _beside(session, account, payment, now=now)
        return
    if agreed.status not in (*LIVE, ArrangementStatus.WITHDRAWN):
        _ask(session, payment, f"{agreed.reference} was {agreed.status} when this was paid", now)
        release(session, payment)
        _outside(session, account, payment, now=now)
        return
    if agreed.status == ArrangementStatus.WITHDRAWN:
        if not _revive(session, payment, agreed, now):
            _outside(session, account, payment, now=now)
            return
        close_open(session, account, Closed.AGREED_OTHERWISE, actor=evidence.SYSTEM, now=now)
    parts = lock_installments(session, agreed)
    extra = amending.take_extra(session, account, agreed, payment, now=now)
    if extra is None:
        _spread(session, payment, parts, now=now)
    else:
        _allocate(session, payment, extra, payment.amount_cents, now=now)
    if agreed.status == ArrangementStatus.AWAITING_FIRST_PAYMENT:
        agreed.status = move(agreed.status, ArrangementStatus.ACTIVE)
    _go_on(session, account, payment, agreed, parts, now=now)


def _beside(session: Session, account: Account, payment: Payment, *, now: datetime) -> None:
    """Money that names no arrangement: what is late of a running one is paid first, then a rest.

    So somebody who pays on another way is not told any more that a payment is missing.
    """
    agreed = _running(session, account)
    parts = lock_installments(session, agreed) if agreed else []
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    today = today_of(debtor, now)
    late = [part for part in parts if due_part(part).is_late(today)]
    ahead = [part for part in parts if part.status in UNPAID and part not in late]
    _spread(session, payment, late, beyond=Cents(sum(map(_open, ahead))), now=now)
    _go_on(session, account, payment, agreed, parts, now=now)


def _running(session: Session, account: Account) -> Arrangement | None:
    return session.scalar(
        select(Arrangement)
        .where(
            Arrangement.client_id == account.client_id,
            Arrangement.account_id == account.id,
            Arrangement.status == ArrangementStatus.ACTIVE,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _go_on(
    session: Session,
    account: Account,
    payment: Payment,
    agreed: Arrangement | None,
    parts: list[Installment],
    *,
    now: datetime,
) -> None:
    """An arrangement whose parts are all paid is complete; any other collects what is owed."""
    session.flush()
    over = (InstallmentStatus.PAID, InstallmentStatus.CANCELED)
    if agreed is not None and all(part.status in over for part in parts):
        _complete(session, account, agreed, now=now)
    shorten_to_balance(session, account, now)
    close_if_settled(session, account, now)
    tell_paid(session, account, payment, now=now)


def _outside(session: Session, account: Account, payment: Payment, *, now: datetime) -> None:
    """Money beside the arrangement: a live one then collects only what is still owed."""
    _allocate(session, payment, None, payment.amount_cents, now=now)
    shorten_to_balance(session, account, now)
    close_if_settled(session, account, now)
    tell_paid(session, account, payment, now=now)


def _revive(session: Session, payment: Payment, agreed: Arrangement, now: datetime) -> bool:
    """Bring a withdrawn arrangement back for money begun before; not if another took its place."""
    other = session.scalar(
        select(func.count())
        .select_from(Arrangement)
        .where(
            Arrangement.account_id == agreed.account_id,
            Arrangement.status.in_(LIVE),
            Arrangement.id != agreed.id,
        )
    )
    if other:
        _ask(session, payment, f"{agreed.reference} was withdrawn and replaced, then paid", now)
        return False
    agreed.status = move(agreed.status, ArrangementStatus.ACTIVE)
    agreed.ended_at, agreed.ended_reason = None, None
    agreed.method = str(Method.MANUAL)  # its permission to charge later ended with the withdrawal
    left = agreed.total_cents
    for part in lock_installments(session, agreed):
        if part.status == InstallmentStatus.CANCELED and left > 0:  # what was cut before stays cut
            part.status = move(part.status, InstallmentStatus.SCHEDULED)
        left = Cents(left - part.amount_cents)
    return True


def _spread(
    session: Session,
    payment: Payment,
    parts: list[Installment],
    *,
    beyond: Cents = NOTHING,
    now: datetime,
) -> None:
    """The installment it was paid for first, then the oldest unpaid ones; a rest has none.

    ``beyond``: what can be paid after them. No part keeps less than Stripe takes, if what comes
    after can have the difference.
    """
    left, least = payment.amount_cents, minimum_charge(payment.currency)
    named = [part for part in parts if part.id == payment.installment_id]
    others = [part for part in parts if part.id != payment.installment_id]
    unpaid = [part for part in named + others if part.status in UNPAID and _open(part) > 0]
    after = Cents(beyond + sum(map(_open, unpaid)))
    for part in unpaid:
        if left <= 0:
            break
        after = Cents(after - _open(part))
        taken = share_of(left, _open(part), after, least=least)
        _take(part, taken)
        if taken > 0:
            _allocate(session, payment, part, taken, now=now)
        left = Cents(left - taken)
    if left > 0:
        _allocate(session, payment, None, left, now=now)


def _open(part: Installment) -> Cents:
    return Cents(part.amount_cents - part.paid_cents)


def _take(part: Installment, cents: Cents) -> None:
    part.paid_cents = Cents(part.paid_cents + cents)
    if part.paid_cents == part.amount_cents:
        part.status = move(part.status, InstallmentStatus.PAID)
        part.next_attempt_on = part.told_on = part.late_since = None
    elif part.status == InstallmentStatus.PROCESSING:
        part.status = move(part.status, InstallmentStatus.SCHEDULED)


def _allocate(
    session: Session,
    payment: Payment,
    part: Installment | None,
    amount_cents: Cents,
    *,
    now: datetime,
) -> None:
    session.add(
        PaymentAllocation(
            client_id=payment.client_id,
            payment_id=payment.id,
            account_id=payment.account_id,
            installment_id=part.id if part else None,
            amount_cents=amount_cents,
            at=now,
        )
    )


def _complete(session: Session, account: Account, agreed: Arrangement, *, now: datetime) -> None:
    agreed.status = move(agreed.status, ArrangementStatus.COMPLETED)
    agreed.ended_at, agreed.ended_reason = now, "paid"
    forgiven = forgiveness.forgive(session, account, agreed, now=now)
    if agreed.status != ArrangementStatus.COMPLETED:
        return
    authorizations.revoke(session, account, agreed, reason="paid", actor=evidence.SYSTEM, now=now)
    evidence.record(
        session,
        client_id=agreed.client_id,
        chain_id=account.chain_id,
        type="arrangement.completed",
        payload={
            "actor": evidence.SYSTEM,
            "arrangement": str(agreed.id),
            "reference": agreed.reference,
            "total_cents": agreed.total_cents,
            "forgiven_cents": forgiven,
            "balance_cents": account.balance_cents,
        },
        now=now,
    )
    fact = f"completed:{agreed.id}:{now.isoformat()}"  # one that a return opened completes again
    notices.tell(session, account, "plan_completed", fact=fact, now=now)


def _ask(session: Session, payment: Payment, detail: str, now: datetime) -> None:
    open_exception(
        session,
        session.get_one(Account, (payment.client_id, payment.account_id)),
        kind="paid_outside_arrangement",
        source=f"payment:{payment.id}",
        detail=detail,
        now=now,
    )
