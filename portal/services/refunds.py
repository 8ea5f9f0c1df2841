"""Refunds: asked for here or in Stripe's dashboard, they reach the ledger the same way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db import commit, hook
from portal.domain.money import Cents, Money
from portal.gateways.payments import (
    GatewayRefund,
    GatewayRefused,
    PaymentGateway,
    RefundStatus,
)
from portal.jobs import enqueue
from portal.models import Account, EntryKind, Payment, Refund, fresh_id
from portal.services import forgiveness, notices
from portal.services.arrangements import shorten_to_balance
from portal.services.ledger import (
    close_if_settled,
    keep_object,
    lock_account,
    lock_payment,
    lock_row,
    open_exception,
    post,
    record_money,
)

WANTED, REFUSED = "wanted", "refused"
STAFF = "staff"
# Stripe may forget a key once it is a day old; from an hour before that, only reading is safe.
KEY_LASTS = timedelta(hours=23)
# How long a list at Stripe may lack what was just made.
UNSEEN = timedelta(minutes=10)
FINAL = (RefundStatus.SUCCEEDED, RefundStatus.FAILED, RefundStatus.CANCELED)
FAILED = (RefundStatus.FAILED, RefundStatus.CANCELED)
GOING_BACK = (RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION, RefundStatus.SUCCEEDED)


def give_back(
    session: Session, payment: Payment, amount_cents: Cents, *, cause: str, now: datetime
) -> Refund:
    """Ask for money to go back: the row and its job now, Stripe after the caller's commit.

    ``cause`` is ``STAFF``, or one of forgiveness's two; an excess is asked for once.
    """
    refund_id = fresh_id()
    wanted = Refund(
        client_id=payment.client_id,
        id=refund_id,
        payment_id=payment.id,
        idempotency_key=f"refund-{refund_id}",
        status=WANTED,
        cause=cause,
        amount_cents=amount_cents,
        created_at=now,
        posted_at=now,
    )
    session.add(wanted)
    session.flush()
    enqueue(session, "payments.refund", client_id=payment.client_id, refund_id=refund_id)
    return wanted


def give_back_excess(
    session: Session, account: Account, payment: Payment, *, now: datetime
) -> None:
    """Ask for what this payment brought beyond what is owed; the account is locked by the caller.

    What is wanted back already is not asked for again. What this payment cannot give, because it
    went back otherwise, is put before a person.
    """
    excess = overpaid_cents(session, account)
    if excess <= 0:
        return
    part = Cents(min(excess, left_cents(session, payment)))
    if part > 0:
        give_back(session, payment, part, cause=forgiveness.OWED_BACK, now=now)
    if part < excess:
        open_exception(
            session,
            account,
            kind="paid_too_much",
            source=f"payment:{payment.id}",
            detail=f"{Money(Cents(excess - part), account.currency)} were paid too much"
            " and cannot go back by themselves.",
            now=now,
        )


def overpaid_cents(session: Session, account: Account) -> Cents:
    """What was paid beyond what is owed and is not on its way back yet."""
    return Cents(max(-account.balance_cents - leaving_cents(session, account), 0))


def leaving_cents(session: Session, account: Account) -> Cents:
    """What is in the balance of an account and was asked to go back."""
    session.flush()
    on_its_way = session.scalar(
        select(func.coalesce(func.sum(Refund.amount_cents), 0))
        .join(Payment, (Payment.client_id == Refund.client_id) & (Payment.id == Refund.payment_id))
        .where(
            Payment.client_id == account.client_id,
            Payment.account_id == account.id,
            Refund.status == WANTED,
        )
    )
    return Cents(int(on_its_way or 0))


def left_cents(session: Session, payment: Payment) -> Cents:
    """What of a payment did not go back and is not wanted back; nothing of what is no Stripe's."""
    if payment.counter_kind is not None:
        return Cents(0)
    gone = session.scalar(
        select(func.coalesce(func.sum(Refund.amount_cents), 0)).where(
            Refund.client_id == payment.client_id,
            Refund.payment_id == payment.id,
            Refund.status.in_((WANTED, *map(str, GOING_BACK))),
        )
    )
    return Cents(payment.amount_cents - int(gone or 0))


def post_refund(
    session: Session, gateway: PaymentGateway, refund_id: UUID, *, now: datetime
) -> None:
    """Ask Stripe for a wanted refund, or find the one it made; commits.

    Repeated under one key for 23 hours. After that Stripe is only read, and where it does not know
    the refund a person decides. Raises GatewayUnavailable: the job comes again.
    """
    asked = _asked(session, refund_id, now=now)
    if asked is None:
        return
    try:
        hook("stripe.refund")
        made = _find(gateway, asked, refund_id) if asked.late else _ask_stripe(gateway, asked)
        hook("stripe.refund.done")
    except GatewayRefused as refused:
        _give_up(session, refund_id, refused.code or "refused", now=now)
        return
    if made is None:
        _give_up(session, refund_id, "Stripe does not know it a day later", now=now)
        return
    apply_refund(session, asked.payment_id, made, now=now)
    commit(session, "refund.applied")


def _ask_stripe(gateway: PaymentGateway, asked: "_Asked") -> GatewayRefund:
    return gateway.refund(
        asked.intent_id,
        amount_cents=asked.amount_cents,
        metadata=asked.mark,
        idempotency_key=asked.key,
        stripe_account=asked.stripe_account,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """All that a refund is asked with, copied out of our rows before Stripe is asked."""

    payment_id: UUID
    intent_id: str
    stripe_account: str | None
    amount_cents: Cents
    mark: dict[str, str]
    key: str
    late: bool


def _asked(session: Session, refund_id: UUID, *, now: datetime) -> _Asked | None:
    """What to ask, once it is noted that it is asked now; None where nothing is to be asked."""
    found = session.scalars(select(Refund).where(Refund.id == refund_id)).one()
    wanted = lock_row(session, Refund, (found.client_id, found.id))
    payment = session.get_one(Payment, (wanted.client_id, wanted.payment_id))
    late = now - wanted.created_at >= KEY_LASTS
    last_asked = wanted.posted_at or wanted.created_at
    over = wanted.status != WANTED or wanted.idempotency_key is None or payment.intent_id is None
    if over or (late and now - last_asked < UNSEEN):
        commit(session, "refund.waits")
        return None
    wanted.posted_at = wanted.posted_at if late else now
    mark = {"client": str(wanted.client_id), "payment": str(payment.id), "refund": str(refund_id)}
    commit(session, "refund.asked")
    return _Asked(
        payment.id,
        payment.intent_id or "",
        payment.stripe_account,
        wanted.amount_cents,
        mark,
        wanted.idempotency_key or "",
        late,
    )


def _find(gateway: PaymentGateway, asked: _Asked, refund_id: UUID) -> GatewayRefund | None:
    for made in gateway.list_refunds(
        intent_id=asked.intent_id, stripe_account=asked.stripe_account
    ):
        if made.metadata.get("refund") == str(refund_id):
            return made
    return None


def _give_up(session: Session, refund_id: UUID, why: str, *, now: datetime) -> None:
    wanted = session.scalars(select(Refund).where(Refund.id == refund_id)).one()
    account, payment = lock_payment(session, wanted.payment_id)
    session.refresh(wanted)
    if wanted.status == WANTED:
        wanted.status, wanted.settled_at = REFUSED, now
        open_exception(
            session,
            account,
            kind="refund_refused",
            source=f"refund:{wanted.id}",
            detail=f"{wanted.cause}: {Money(Cents(wanted.amount_cents), account.currency)}"
            f" of {payment.reference}: {why}",
            now=now,
        )
    commit(session, "refund.refused")


def apply_refund(session: Session, payment_id: UUID, made: GatewayRefund, *, now: datetime) -> None:
    """Bring one refund to where Stripe says it is: its row, the ledger, the record.

    Money on its way back counts as gone; where it fails, a second entry says so. Locks the
    account; the caller commits.
    """
    account, payment = lock_payment(session, payment_id)
    refund = _row(session, payment, made, now=now)
    if refund.status in FAILED or (refund.status in FINAL and refund.status == made.status):
        return  # what came back never goes out again: what says so was read before
    if made.status in GOING_BACK and post(
        session,
        account,
        kind=EntryKind.REFUND,
        source=f"refund:{made.id}",
        amount_cents=made.amount_cents,
        now=now,
        payment=payment,
    ):
        facts = _facts(refund, made) | keep_object(session, account, "refund", made.raw, now)
        record_money(session, account, payment, "payment.refunded", facts, now=now)
        forgiveness.judge(session, account, payment, f"refund:{made.id}", now)
        notices.tell(
            session, account, "refund_made", fact=f"refund:{made.id}", payment=payment, now=now
        )
        if refund.idempotency_key is None:
            _ask(session, payment, made, "was made in Stripe's dashboard", now=now)
    if made.status in FAILED:
        _came_back(session, payment, refund, made, now=now)
    refund.status = str(made.status)
    refund.settled_at = now if made.status in FINAL else None
    session.flush()


def _came_back(
    session: Session, payment: Payment, refund: Refund, made: GatewayRefund, *, now: datetime
) -> None:
    account = lock_account(session, payment.account_id)
    posted = refund.status in (str(status) for status in GOING_BACK)
    if posted and post(
        session,
        account,
        kind=EntryKind.REFUND_FAILED,
        source=f"refund:{made.id}",
        amount_cents=Cents(-made.amount_cents),
        now=now,
        payment=payment,
    ):
        facts = _facts(refund, made)
        record_money(session, account, payment, "payment.refund_failed", facts, now=now)
        forgiveness.judge(session, account, payment, f"refund:{made.id}:failed", now)
        shorten_to_balance(session, account, now)
        close_if_settled(session, account, now)
    _ask(session, payment, made, f"came to nothing ({made.failure_reason or made.status})", now=now)


def _row(session: Session, payment: Payment, made: GatewayRefund, *, now: datetime) -> Refund:
    """Our row of a Stripe refund: known by its id, by our mark on it, or new from the dashboard."""
    fresh = {"populate_existing": True}
    known = session.scalars(
        select(Refund).where(Refund.refund_id == made.id).execution_options(**fresh)
    ).one_or_none()
    if known is not None:
        return known
    ours = session.scalars(
        select(Refund)
        .where(
            Refund.payment_id == payment.id,
            Refund.refund_id.is_(None),
            Refund.id == _uuid(made.metadata.get("refund")),
        )
        .execution_options(**fresh)
    ).one_or_none()
    if ours is not None:
        ours.refund_id = made.id
        return ours
    account = lock_account(session, payment.account_id)
    owed_back = overpaid_cents(session, account) >= made.amount_cents
    found = Refund(
        client_id=payment.client_id,
        id=fresh_id(),
        payment_id=payment.id,
        refund_id=made.id,
        status=WANTED,
        cause=forgiveness.OWED_BACK if owed_back else "dashboard",
        amount_cents=made.amount_cents,
        created_at=now,
    )
    session.add(found)
    session.flush()
    return found


def _facts(refund: Refund, made: GatewayRefund) -> dict[str, object]:
    return {"refund": made.id, "cause": refund.cause, "amount_cents": made.amount_cents}


def _ask(
    session: Session, payment: Payment, made: GatewayRefund, what: str, *, now: datetime
) -> None:
    account = lock_account(session, payment.account_id)
    amount = Money(made.amount_cents, account.currency)
    open_exception(
        session,
        account,
        kind="refund_to_review",
        source=f"refund:{made.id}:{made.status}",
        detail=f"Refund of {amount} of {payment.reference} {what}.",
        now=now,
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
