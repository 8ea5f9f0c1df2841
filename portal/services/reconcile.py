"""Reconciliation: what Stripe has against what we have, over its objects and not its events.

What cannot be taken over is told to the log and taken up again the next time; it does not keep the
rest waiting.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from portal.db import commit, hook, set_tenant
from portal.domain.statuses import PaymentStatus
from portal.gateways.payments import (
    DisputeStatus,
    GatewayDispute,
    GatewayError,
    GatewayPayment,
    GatewayRefund,
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
    Watermark,
)
from portal.services import chargebacks, charging, inbox, readings, refunds, settling
from portal.services.ledger import lock_payment
from portal.services.payments import UNRESOLVED, locked
from portal.services.readings import Reading
from portal.services.refunds import KEY_LASTS

log = logging.getLogger(__name__)

STALE = timedelta(minutes=10)
# Bank debits take days: they are looked at less often.
PROCESSING_STALE = timedelta(hours=1)
BATCH = 50
OVERLAP = timedelta(days=1)
# A refund can come back from the bank up to a month after it succeeded.
COMES_BACK = timedelta(days=45)
FIRST_LOOK = datetime(2020, 1, 1, tzinfo=UTC)


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


def _each(
    session: Session, items: Iterable[Item], take: Callable[[Item], object]
) -> Sequence[Item]:
    """Take each of these; returns those that could not be taken, which the log tells."""
    left = []
    for item in items:
        try:
            take(item)
        except GatewayError as error:
            session.rollback()
            log.warning("Stripe gave no answer about %s: %s", item or "our own account", error)
            left.append(item)
        except Exception:
            session.rollback()
            log.exception("%s could not be taken over", item)
            left.append(item)
    return left


def reconcile_account(
    session: Session, gateway: PaymentGateway, stripe_account: str | None, *, now: datetime
) -> int:
    """Go over every payment, refund and dispute of one Stripe account since the last time; commits.

    Returns how many objects were ours. The watermark moves only when all were taken, and a day is
    read twice, since lists lag; refunds are read again for as long as they can come back.
    """
    name = f"stripe:{stripe_account or 'platform'}"
    mark = session.get(Watermark, name, populate_existing=True)
    reached_at = mark.reached_at if mark else FIRST_LOOK
    commit(session, "reconcile.read")
    since = reached_at - OVERLAP
    intents = list(gateway.list_payments(since=since, stripe_account=stripe_account))
    made = list(gateway.list_refunds(since=reached_at - COMES_BACK, stripe_account=stripe_account))
    told = list(gateway.list_disputes(since=since, stripe_account=stripe_account))
    one = _Taking(session, gateway, stripe_account, now)
    left = len(_each(session, intents, one.payment))
    left += len(_each(session, made, one.refund)) + len(_each(session, told, one.dispute))
    if not left:
        session.merge(Watermark(name=name, reached_at=now))
    commit(session, "reconcile.done")
    return one.ours


@dataclass
class _Taking:
    """Taking over what lists of one Stripe account hold."""

    session: Session
    gateway: PaymentGateway
    stripe_account: str | None
    now: datetime
    ours: int = 0

    def payment(self, intent: GatewayPayment) -> None:
        """A payment as it was listed."""
        payment_id = inbox.find_payment(self.session, [intent.metadata], self.stripe_account)
        if payment_id is not None:
            settling.apply(self.session, payment_id, Reading(intent=intent), now=self.now)
        commit(self.session, "reconcile.payment")
        self.ours += payment_id is not None

    def refund(self, made: GatewayRefund) -> None:
        """A refund as it was listed, unless it stands so with us already."""
        if inbox.scope_to_payment(self.session, made.intent_id, self.stripe_account) is not None:
            known = self.session.scalar(select(Refund.status).where(Refund.refund_id == made.id))
            if known == made.status:
                commit(self.session, "reconcile.known")
                self.ours += 1
                return
        commit(self.session, "reconcile.unknown")
        taken = inbox.take_refund(
            self.session, self.gateway, made.id, self.stripe_account, now=self.now
        )
        self.ours += taken == inbox.HANDLED

    def dispute(self, told: GatewayDispute) -> None:
        """A dispute, read again: the list may be older than its movements."""
        taken = inbox.take_dispute(
            self.session, self.gateway, told.id, self.stripe_account, now=self.now
        )
        self.ours += taken == inbox.HANDLED


def reread_unfinished(
    session: Session, gateway: PaymentGateway, client_id: UUID, *, now: datetime
) -> None:
    """Read again each refund and chargeback of a client that had not ended when last read; commits.

    A list by creation date does not bring back what changed months later. Refunds that are wanted
    and were not asked for lately, since their job was lost, are asked for.
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
    _each(
        session,
        open_refunds,
        lambda one: inbox.take_refund(session, gateway, one[0], one[1], now=now),
    )
    _each(
        session,
        open_disputes,
        lambda one: inbox.take_dispute(session, gateway, one[0], one[1], now=now),
    )
    _each(session, wanted, lambda own: refunds.post_refund(session, gateway, own, now=now))


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


def sweep(session: Session, gateway: PaymentGateway, client_id: UUID, *, now: datetime) -> None:
    """Finish a batch of a client's unresolved attempts; commits."""
    set_tenant(session, client_id)
    found = unresolved(session, client_id, now=now)
    _each(session, found, lambda one: sweep_payment(session, gateway, one, now=now))


def reconcile(
    session: Session, gateway: PaymentGateway, client_ids: Iterable[UUID], *, now: datetime
) -> int:
    """Sweep, re-read and go over Stripe's objects for these clients; commits. Returns ours.

    Raises GatewayUnavailable where a whole list could not be read.
    """
    accounts: set[str | None] = set()
    for client_id in client_ids:
        set_tenant(session, client_id)
        accounts.add(session.get_one(Client, client_id).stripe_account)
        sweep(session, gateway, client_id, now=now)
        reread_unfinished(session, gateway, client_id, now=now)
    found: list[int] = []
    left = _each(
        session,
        sorted(accounts, key=str),
        lambda one: found.append(reconcile_account(session, gateway, one, now=now)),
    )
    if left:
        raise GatewayUnavailable(f"lists of {len(left)} Stripe accounts could not be read")
    return sum(found)
