"""Reconciliation: what Stripe has against what we have, over its objects and not its events."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import commit, hook, set_tenant
from portal.domain.holds import Capability
from portal.domain.statuses import AuthorizationStatus, PaymentStatus, move
from portal.gateways.payments import GatewayUnavailable, PaymentGateway
from portal.models import (
    Account,
    Arrangement,
    Chargeback,
    Client,
    Payment,
    Refund,
    Watermark,
)
from portal.services import (
    authorizations,
    chargebacks,
    charging,
    fulfilling,
    inbox,
    readings,
    refunds,
    settling,
)
from portal.services.arrangements import LIVE
from portal.services.ledger import lock_account
from portal.services.payments import REPEATABLE, UNRESOLVED
from portal.services.readings import Reading
from portal.services.refunds import KEY_LASTS
from portal.services.standing import standing

STALE = timedelta(minutes=10)
BATCH = 50
OVERLAP = timedelta(days=1)
FIRST_LOOK = datetime(2020, 1, 1, tzinfo=UTC)


def unresolved(session: Session, client_id: UUID, *, now: datetime) -> list[UUID]:
    """Payments that began a while ago and have not ended, oldest first, up to a batch."""
    return list(
        session.scalars(
            select(Payment.id)
            .where(
                Payment.client_id == client_id,
                Payment.status.in_(UNRESOLVED),
                Payment.created_at <= now - STALE,
            )
            .order_by(Payment.created_at, Payment.id)
            .limit(BATCH)
        )
    )


def sweep_payment(
    session: Session, gateway: PaymentGateway, payment_id: UUID, *, now: datetime
) -> None:
    """Finish one unresolved attempt; commits. Raises GatewayUnavailable: it stays for the next run.

    Stripe is read. Only an off-session charge that Stripe does not know, that is younger than its
    key and still permitted, is posted again, under the same key.
    """
    payment = session.scalars(select(Payment).where(Payment.id == payment_id)).one()
    if payment.status not in UNRESOLVED:
        return
    account = session.get_one(Account, (payment.client_id, payment.account_id))
    where = readings.pointer(payment, account.stripe_customer)
    commit(session, "sweep.read")
    hook("stripe.sweep")
    reading = readings.read(gateway, where)
    if reading.found:
        settling.apply(session, payment_id, reading, now=now)
        commit(session, "sweep.settled")
    elif _may_post_again(session, payment_id, now=now):
        commit(session, "sweep.again")
        charging.post_charge(session, gateway, payment_id, now=now)
    else:
        _drop(session, payment_id, now=now)


def _may_post_again(session: Session, payment_id: UUID, *, now: datetime) -> bool:
    payment = session.scalars(select(Payment).where(Payment.id == payment_id)).one()
    if payment.status != PaymentStatus.ATTEMPTING or now - payment.created_at >= KEY_LASTS:
        return False
    account = lock_account(session, payment.account_id)
    agreed = session.get_one(Arrangement, (payment.client_id, payment.arrangement_id))
    permission = authorizations.current(session, agreed)
    return (
        agreed.status in LIVE
        and permission is not None
        and permission.status == AuthorizationStatus.GRANTED
        and permission.method_id == payment.method_id
        and account.balance_cents >= payment.amount_cents
        and standing(session, account, now).of(Capability.CHARGE).allowed
    )


def _drop(session: Session, payment_id: UUID, *, now: datetime) -> None:
    """Stripe does not know the attempt and it must not be posted again: it came to nothing."""
    account_id = session.scalars(select(Payment.account_id).where(Payment.id == payment_id)).one()
    lock_account(session, account_id)
    payment = session.scalars(
        select(Payment).where(Payment.id == payment_id).with_for_update()
    ).one()
    young = payment.status == PaymentStatus.CREATED and now - payment.created_at < REPEATABLE
    if payment.status in (PaymentStatus.CREATED, PaymentStatus.ATTEMPTING) and not young:
        payment.status = move(payment.status, PaymentStatus.CANCELED)
        payment.settled_at = now
        fulfilling.release(session, payment)
    commit(session, "sweep.dropped")


def reconcile_account(
    session: Session, gateway: PaymentGateway, stripe_account: str | None, *, now: datetime
) -> int:
    """Go over every payment, refund and dispute of one Stripe account since the last time; commits.

    Returns how many objects were ours. The watermark moves only when all were read, and a day is
    read twice, since lists lag.
    """
    name = f"stripe:{stripe_account or 'platform'}"
    mark = session.get(Watermark, name)
    since = (mark.reached_at if mark else FIRST_LOOK) - OVERLAP
    commit(session, "reconcile.read")
    ours = 0
    for intent in list(gateway.list_payments(since=since, stripe_account=stripe_account)):
        ours += _take_payment(session, Reading(intent=intent), stripe_account, now=now)
    for made in list(gateway.list_refunds(since=since, stripe_account=stripe_account)):
        ours += _take_refund(session, gateway, made.id, stripe_account, now=now)
    for told in list(gateway.list_disputes(since=since, stripe_account=stripe_account)):
        ours += _take_dispute(session, gateway, told.id, stripe_account, now=now)
    session.merge(Watermark(name=name, reached_at=now))
    commit(session, "reconcile.done")
    return ours


def _take_payment(
    session: Session, reading: Reading, stripe_account: str | None, *, now: datetime
) -> bool:
    marks = [reading.intent.metadata] if reading.intent else []
    payment_id = inbox.find_payment(session, marks, stripe_account)
    if payment_id is not None:
        settling.apply(session, payment_id, reading, now=now)
    commit(session, "reconcile.payment")
    return payment_id is not None


def _take_refund(
    session: Session,
    gateway: PaymentGateway,
    refund_id: str,
    stripe_account: str | None,
    *,
    now: datetime,
) -> bool:
    made = gateway.retrieve_refund(refund_id, stripe_account=stripe_account)
    payment_id = inbox.payment_of_intent(session, gateway, made.intent_id, stripe_account, now=now)
    if payment_id is not None:
        refunds.apply_refund(session, payment_id, made, now=now)
    commit(session, "reconcile.refund")
    return payment_id is not None


def _take_dispute(
    session: Session,
    gateway: PaymentGateway,
    dispute_id: str,
    stripe_account: str | None,
    *,
    now: datetime,
) -> bool:
    told = gateway.retrieve_dispute(dispute_id, stripe_account=stripe_account)
    payment_id = inbox.payment_of_intent(session, gateway, told.intent_id, stripe_account, now=now)
    if payment_id is not None:
        chargebacks.apply_dispute(session, payment_id, told, now=now)
    commit(session, "reconcile.dispute")
    return payment_id is not None


def reread_unfinished(
    session: Session, gateway: PaymentGateway, client_id: UUID, *, now: datetime
) -> None:
    """Read again each refund and chargeback of a client that had not ended when last read; commits.

    A list by creation date does not bring back what changed months later.
    """
    set_tenant(session, client_id)
    open_refunds = session.execute(
        select(Refund.refund_id, Payment.stripe_account)
        .join(Payment, (Payment.client_id == Refund.client_id) & (Payment.id == Refund.payment_id))
        .where(Refund.refund_id.is_not(None), Refund.status.not_in(map(str, refunds.FINAL)))
    ).all()
    open_disputes = session.execute(
        select(Chargeback.dispute_id, Payment.stripe_account)
        .join(
            Payment,
            (Payment.client_id == Chargeback.client_id) & (Payment.id == Chargeback.payment_id),
        )
        .where(Chargeback.status.not_in(map(str, chargebacks.FINAL)))
    ).all()
    wanted = session.scalars(
        select(Refund.id).where(Refund.status == refunds.WANTED, Refund.posted_at <= now - STALE)
    ).all()
    commit(session, "reread.read")
    for refund_id, account in open_refunds:
        _take_refund(session, gateway, refund_id or "", account, now=now)
    for dispute_id, account in open_disputes:
        _take_dispute(session, gateway, dispute_id, account, now=now)
    for own_id in wanted:
        refunds.post_refund(session, gateway, own_id, now=now)


def sweep(session: Session, gateway: PaymentGateway, client_id: UUID, *, now: datetime) -> None:
    """Finish a batch of a client's unresolved attempts; commits.

    One that Stripe does not answer for stays, and does not keep the others waiting.
    """
    set_tenant(session, client_id)
    for payment_id in unresolved(session, client_id, now=now):
        try:
            sweep_payment(session, gateway, payment_id, now=now)
        except GatewayUnavailable:
            session.rollback()


def reconcile(
    session: Session, gateway: PaymentGateway, client_ids: Iterable[UUID], *, now: datetime
) -> int:
    """Sweep, re-read and go over Stripe's objects for these clients; commits. Returns ours."""
    accounts: set[str | None] = set()
    for client_id in client_ids:
        set_tenant(session, client_id)
        accounts.add(session.get_one(Client, client_id).stripe_account)
        sweep(session, gateway, client_id, now=now)
        reread_unfinished(session, gateway, client_id, now=now)
    return sum(
        reconcile_account(session, gateway, one, now=now) for one in sorted(accounts, key=str)
    )
