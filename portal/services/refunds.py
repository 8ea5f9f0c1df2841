"""Refunds: asked for here or in Stripe's dashboard, they reach the ledger the same way."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import commit, hook
from portal.domain.money import Cents
from portal.gateways.payments import (
    GatewayRefund,
    GatewayRefused,
    PaymentGateway,
    RefundStatus,
)
from portal.jobs import enqueue
from portal.models import EntryKind, Payment, Refund, fresh_id
from portal.services import evidence, notices
from portal.services.ledger import lock_account, open_exception, post

WANTED, REFUSED = "wanted", "refused"
OURS = ("paid_too_much", "charged_after_stop", "staff")
# Stripe may forget a key once it is a day old; from an hour before that, only reading is safe.
KEY_LASTS = timedelta(hours=23)
FINAL = (RefundStatus.SUCCEEDED, RefundStatus.FAILED, RefundStatus.CANCELED)
GOING_BACK = (RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION, RefundStatus.SUCCEEDED)


def give_back(
    session: Session, payment: Payment, amount_cents: Cents, *, cause: str, now: datetime
) -> Refund:
    """Ask for money to go back: the row and its job now, Stripe after the caller's commit.

    ``cause`` is one of ``OURS``; the excess of one payment is asked for once.
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


def post_refund(
    session: Session, gateway: PaymentGateway, refund_id: UUID, *, now: datetime
) -> None:
    """Ask Stripe for a wanted refund, or find the one it made; commits.

    After 23 hours only reading is safe. Raises GatewayUnavailable: the job comes again.
    """
    wanted = session.scalars(select(Refund).where(Refund.id == refund_id)).one()
    if wanted.status != WANTED or wanted.idempotency_key is None:
        return
    payment = session.scalars(select(Payment).where(Payment.id == wanted.payment_id)).one()
    key, amount_cents, client_id = wanted.idempotency_key, wanted.amount_cents, wanted.client_id
    intent_id, stripe_account = payment.intent_id, payment.stripe_account
    late = now - wanted.created_at >= KEY_LASTS
    commit(session, "refund.read")
    if intent_id is None:
        return
    mark = {"client": str(client_id), "payment": str(payment.id), "refund": str(refund_id)}
    try:
        hook("stripe.refund")
        made = _find(gateway, intent_id, stripe_account, refund_id) if late else None
        if made is None and not late:
            made = gateway.refund(
                intent_id,
                amount_cents=amount_cents,
                metadata=mark,
                idempotency_key=key,
                stripe_account=stripe_account,
            )
        hook("stripe.refund.done")
    except GatewayRefused as refused:
        _give_up(session, refund_id, refused.code or "refused", now=now)
        return
    if made is None:
        _give_up(session, refund_id, "not found after a day", now=now)
        return
    apply_refund(session, payment.id, made, now=now)
    commit(session, "refund.applied")


def _find(
    gateway: PaymentGateway, intent_id: str, stripe_account: str | None, refund_id: UUID
) -> GatewayRefund | None:
    for made in gateway.list_refunds(intent_id=intent_id, stripe_account=stripe_account):
        if made.metadata.get("refund") == str(refund_id):
            return made
    return None


def _give_up(session: Session, refund_id: UUID, why: str, *, now: datetime) -> None:
    wanted = session.scalars(select(Refund).where(Refund.id == refund_id)).one()
    payment = session.scalars(select(Payment).where(Payment.id == wanted.payment_id)).one()
    account = lock_account(session, payment.account_id)
    session.refresh(wanted)
    if wanted.status == WANTED:
        wanted.status, wanted.settled_at = REFUSED, now
        open_exception(
            session,
            account,
            kind="refund_refused",
            source=f"refund:{wanted.id}",
            detail=f"{wanted.cause}: {wanted.amount_cents} cents of {payment.reference}: {why}",
            now=now,
        )
    commit(session, "refund.refused")


def apply_refund(session: Session, payment_id: UUID, made: GatewayRefund, *, now: datetime) -> None:
    """Bring one refund to where Stripe says it is: its row, the ledger, the record.

    Money on its way back counts as gone; where it fails, a second entry says so. Locks the
    account; the caller commits.
    """
    payment = session.scalars(select(Payment).where(Payment.id == payment_id)).one()
    account = lock_account(session, payment.account_id)
    refund = _row(session, payment, made, now=now)
    if refund.status in FINAL and refund.status == made.status:
        return
    if made.status in GOING_BACK and post(
        session,
        account,
        kind=EntryKind.REFUND,
        source=f"refund:{made.id}",
        amount_cents=made.amount_cents,
        now=now,
        payment=payment,
    ):
        _record(session, payment, refund, made, "payment.refunded", now=now)
        notices.tell(
            session, account, "refund_made", fact=f"refund:{made.id}", payment=payment, now=now
        )
        if refund.cause not in OURS:
            _ask(session, payment, made, "was made in Stripe's dashboard", now=now)
    if made.status in (RefundStatus.FAILED, RefundStatus.CANCELED):
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
        _record(session, payment, refund, made, "payment.refund_failed", now=now)
    _ask(session, payment, made, f"came to nothing ({made.failure_reason or made.status})", now=now)


def _row(session: Session, payment: Payment, made: GatewayRefund, *, now: datetime) -> Refund:
    """Our row of a Stripe refund: known by its id, by our mark on it, or new from the dashboard."""
    known = session.scalars(select(Refund).where(Refund.refund_id == made.id)).one_or_none()
    if known is not None:
        return known
    ours = session.scalars(
        select(Refund).where(
            Refund.payment_id == payment.id,
            Refund.refund_id.is_(None),
            Refund.id == _uuid(made.metadata.get("refund")),
        )
    ).one_or_none()
    if ours is not None:
        ours.refund_id = made.id
        return ours
    found = Refund(
        client_id=payment.client_id,
        id=fresh_id(),
        payment_id=payment.id,
        refund_id=made.id,
        status=WANTED,
        cause="dashboard",
        amount_cents=made.amount_cents,
        created_at=now,
    )
    session.add(found)
    session.flush()
    return found


def _record(
    session: Session,
    payment: Payment,
    refund: Refund,
    made: GatewayRefund,
    kind: str,
    *,
    now: datetime,
) -> None:
    account = lock_account(session, payment.account_id)
    payload: dict[str, object] = {
        "actor": evidence.STRIPE,
        "payment": str(payment.id),
        "refund": made.id,
        "cause": refund.cause,
        "amount_cents": made.amount_cents,
        "currency": payment.currency,
        "balance_cents": account.balance_cents,
    }
    if payment.arrangement_id is not None:
        payload["arrangement"] = str(payment.arrangement_id)
    evidence.record(
        session,
        client_id=payment.client_id,
        chain_id=account.chain_id,
        type=kind,
        payload=payload,
        now=now,
    )


def _ask(
    session: Session, payment: Payment, made: GatewayRefund, what: str, *, now: datetime
) -> None:
    open_exception(
        session,
        lock_account(session, payment.account_id),
        kind="refund_to_review",
        source=f"refund:{made.id}:{made.status}",
        detail=f"Refund of {made.amount_cents} cents of {payment.reference} {what}.",
        now=now,
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
