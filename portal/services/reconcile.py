"""Reconciliation: what Stripe has against what we have, over its objects and not its events.

What cannot be taken over is told, and taken up again the next time; it does not keep the rest
waiting.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from portal.db import commit, hook, set_tenant
from portal.domain.statuses import PaymentStatus
from portal.gateways.payments import (
    DisputeStatus,
    GatewayError,
    GatewayUnavailable,
    PaymentGateway,
)
from portal.models import (
    Account,
    Chargeback,
    Client,
    EntryKind,
    LedgerEntry,
    Payment,
    Refund,
)
from portal.services import chargebacks, charging, inbox, readings, refunds, settling
from portal.services.ledger import lock_payment
from portal.services.payments import UNRESOLVED, locked
from portal.services.refunds import KEY_LASTS
from portal.services.stripe_lists import reconcile_account

log = logging.getLogger(__name__)

STALE = timedelta(minutes=10)
# Bank debits take days: they are looked at less often.
PROCESSING_STALE = timedelta(hours=1)
BATCH = 50

Item = TypeVar("Item")


def unresolved(session: Session, client_id: UUID, *, now: datetime) -> list[UUID]:
    """Payments that have not ended and that Stripe was not asked about lately, up to a batch.

    Those that were looked at longest ago come first, so that none is left out.
    """
    slow = Payment.status == PaymentStatus.PROCESSING
    return list(
        session.scalars(
            select(Payment.id)
            .where(
                Payment.client_id == client_id,
                Payment.status.in_(UNRESOLVED),
                or_(
                    and_(~slow, Payment.posted_at <= now - STALE),
                    and_(slow, Payment.posted_at <= now - PROCESSING_STALE),
                ),
            )
            .order_by(Payment.posted_at, Payment.id)
            .limit(BATCH)
        )
    )


def sweep_payment(
    session: Session, gateway: PaymentGateway, payment_id: UUID, *, now: datetime
) -> None:
    """Finish one unresolved attempt; commits. Raises GatewayUnavailable: it stays for the next run.

    Stripe is read. Only an off-session charge that Stripe does not know, that is younger than its
    key and still permitted, is posted again, under the same key. Nothing is concluded while
    somebody asked less than ten minutes ago: a list may lack what was just made.
    """
    payment = locked(session, payment_id)
    asked_at = payment.posted_at or payment.created_at
    if payment.status not in UNRESOLVED or now - asked_at < STALE:
        commit(session, "sweep.early")
        return
    account = session.get_one(Account, (payment.client_id, payment.account_id))
    where = readings.pointer(payment, account.stripe_customer)
    attempting = payment.status == PaymentStatus.ATTEMPTING
    payment.posted_at = now
    commit(session, "sweep.read")
    hook("stripe.sweep")
    reading = readings.read(gateway, where)
    hook("stripe.sweep.done")
    if reading.found:
        settling.apply(session, payment_id, reading, now=now)
        commit(session, "sweep.settled")
    elif attempting and now - where.created_at < KEY_LASTS:
        charging.post_charge(session, gateway, payment_id, now=now)
    else:
        _drop(session, payment_id, now=now)


def _drop(session: Session, payment_id: UUID, *, now: datetime) -> None:
    """Stripe does not know the attempt and it must not be posted again: it came to nothing."""
    _, payment = lock_payment(session, payment_id)
    settling.drop(session, payment, now=now)
    commit(session, "sweep.dropped")


def _each(session: Session, items: Iterable[Item], take: Callable[[Item], object]) -> int:
    """Take each of these; returns how many could not be taken, which the log tells."""
    left = 0
    for item in items:
        try:
            take(item)
        except GatewayError as error:
            session.rollback()
            log.warning("Stripe gave no answer about %s: %s", item or "our own account", error)
            left += 1
        except Exception:
            session.rollback()
            log.exception("%s could not be taken over", item)
            left += 1
    return left


def reread_unfinished(
    session: Session, gateway: PaymentGateway, client_id: UUID, *, now: datetime
) -> int:
    """Read again each refund and chargeback of a client that had not ended when last read; commits.

    A list by creation date does not bring back what changed months later. Refunds that are wanted
    and were not asked for lately, since their job was lost, are asked for. Returns how many could
    not be finished.
    """
    set_tenant(session, client_id)
    open_refunds = _open_refunds(session, client_id)
    open_disputes = _open_disputes(session, client_id)
    wanted = session.scalars(
        select(Refund.id)
        .where(
            Refund.client_id == client_id,
            Refund.status == refunds.WANTED,
            Refund.posted_at <= now - STALE,
        )
        .order_by(Refund.posted_at, Refund.id)
        .limit(BATCH)
    ).all()
    commit(session, "reread.read")
    left = _each(
        session,
        open_refunds,
        lambda one: inbox.take_refund(session, gateway, one[0], one[1], now=now),
    )
    left += _each(
        session,
        open_disputes,
        lambda one: inbox.take_dispute(session, gateway, one[0], one[1], now=now),
    )
    left += _each(session, wanted, lambda own: refunds.post_refund(session, gateway, own, now=now))
    return left


Found = Sequence[tuple[str, str | None]]


def _open_refunds(session: Session, client_id: UUID) -> Found:
    rows = session.execute(
        select(Refund.refund_id, Payment.stripe_account)
        .join(Payment, (Payment.client_id == Refund.client_id) & (Payment.id == Refund.payment_id))
        .where(
            Refund.client_id == client_id,
            Refund.refund_id.is_not(None),
            Refund.status.not_in(map(str, refunds.FINAL)),
        )
        .order_by(Refund.id)
    )
    return [(refund_id or "", account) for refund_id, account in rows]


def _open_disputes(session: Session, client_id: UUID) -> Found:
    """Chargebacks that go on, and won ones whose money has not come back yet."""
    came_back = select(LedgerEntry.id).where(
        LedgerEntry.client_id == Chargeback.client_id,
        LedgerEntry.payment_id == Chargeback.payment_id,
        LedgerEntry.kind == EntryKind.CHARGEBACK_REVERSED,
    )
    ended = Chargeback.status.in_(map(str, chargebacks.FINAL))
    short = and_(Chargeback.status == str(DisputeStatus.WON), ~came_back.exists())
    rows = session.execute(
        select(Chargeback.dispute_id, Payment.stripe_account)
        .join(
            Payment,
            (Payment.client_id == Chargeback.client_id) & (Payment.id == Chargeback.payment_id),
        )
        .where(Chargeback.client_id == client_id, or_(~ended, short))
        .order_by(Chargeback.id)
    )
    return [(dispute_id, account) for dispute_id, account in rows]


def sweep(session: Session, gateway: PaymentGateway, client_id: UUID, *, now: datetime) -> int:
    """Finish a batch of a client's unresolved attempts; commits. Returns how many still hang."""
    set_tenant(session, client_id)
    found = unresolved(session, client_id, now=now)
    return _each(session, found, lambda one: sweep_payment(session, gateway, one, now=now))


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many objects at Stripe are ours, and how many of our own attempts could not be finished.

    What Stripe lists and we could not take over is told by `stripe_lists.failures`.
    """

    ours: int
    unfinished: int


def reconcile(
    session: Session, gateway: PaymentGateway, client_ids: Iterable[UUID], *, now: datetime
) -> Reconciled:
    """Sweep, re-read and go over Stripe's objects for these clients; commits.

    Raises GatewayUnavailable where a whole list could not be read.
    """
    accounts: set[str | None] = set()
    unfinished = 0
    for client_id in client_ids:
        set_tenant(session, client_id)
        accounts.add(session.get_one(Client, client_id).stripe_account)
        unfinished += sweep(session, gateway, client_id, now=now)
        unfinished += reread_unfinished(session, gateway, client_id, now=now)
    found: list[int] = []
    left = _each(
        session,
        sorted(accounts, key=str),
        lambda one: found.append(reconcile_account(session, gateway, one, now=now)),
    )
    if left:
        raise GatewayUnavailable(f"lists of {left} Stripe accounts could not be read")
    return Reconciled(sum(found), unfinished)
