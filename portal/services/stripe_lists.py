"""The lists of one Stripe account: each payment, refund and dispute is taken over, or noted.

Objects are read page by page while they are taken, and no transaction is open meanwhile.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.db import commit
from portal.gateways.payments import (
    GatewayError,
    GatewayPayment,
    GatewayRefund,
    PaymentGateway,
)
from portal.models import ReconcileFailure, Refund, Watermark
from portal.services import inbox, readings, settling
from portal.services.readings import Reading

log = logging.getLogger(__name__)

BATCH = 50
OVERLAP = timedelta(days=1)
# A refund can come back from the bank up to a month after it succeeded.
COMES_BACK = timedelta(days=45)
FIRST_LOOK = datetime(2020, 1, 1, tzinfo=UTC)
PAYMENT, REFUND, DISPUTE = "payment", "refund", "dispute"
PLATFORM = "platform"
LONGEST_WHY = 300


def reconcile_account(
    session: Session, gateway: PaymentGateway, stripe_account: str | None, *, now: datetime
) -> int:
    """Go over every payment, refund and dispute of one Stripe account since the last time; commits.

    Returns how many objects were ours. Lists are taken page by page, and a day is read twice, since
    lists lag; refunds are read again for as long as they can come back. An object that cannot be
    taken over is noted, and first of all tried again the next time: the watermark goes past it.
    Raises GatewayUnavailable where a list broke off: the watermark stays.
    """
    name = f"stripe:{stripe_account or PLATFORM}"
    mark = session.get(Watermark, name, populate_existing=True)
    reached_at = mark.reached_at if mark else FIRST_LOOK
    commit(session, "reconcile.read")
    one = _Taking(session, gateway, stripe_account, now)
    one.again()
    one.over(reached_at)
    session.merge(Watermark(name=name, reached_at=now))
    commit(session, "reconcile.done")
    return one.ours


def failures(session: Session, *, most: int) -> tuple[Sequence[ReconcileFailure], int]:
    """The Stripe objects that wait to be taken over, the oldest first, and how many there are."""
    oldest = select(ReconcileFailure).order_by(ReconcileFailure.first_at).limit(most)
    count = session.scalar(select(func.count()).select_from(ReconcileFailure))
    return session.scalars(oldest).all(), count or 0


@dataclass
class _Taking:
    """Taking over what lists of one Stripe account hold."""

    session: Session
    gateway: PaymentGateway
    stripe_account: str | None
    now: datetime
    ours: int = 0

    def over(self, reached_at: datetime) -> None:
        """Everything that was made since then."""
        gateway, account, since = self.gateway, self.stripe_account, reached_at - OVERLAP
        for intent in gateway.list_payments(
            since=since, stripe_account=account, unreadable=partial(self._note, PAYMENT)
        ):
            self._try(PAYMENT, intent.id, partial(self._payment, intent))
        for made in gateway.list_refunds(
            since=reached_at - COMES_BACK,
            stripe_account=account,
            unreadable=partial(self._note, REFUND),
        ):
            self._try(REFUND, made.id, partial(self._refund, made))
        for told in gateway.list_disputes(
            since=since, stripe_account=account, unreadable=partial(self._note, DISPUTE)
        ):
            self._try(DISPUTE, told.id, partial(self._read_dispute, told.id))

    def again(self) -> None:
        """What could not be taken over before, each read again by its id."""
        take = {
            PAYMENT: self._read_payment,
            REFUND: self._read_refund,
            DISPUTE: self._read_dispute,
        }
        after = ""
        while batch := self._failed(after):
            for kind, object_id in batch:
                if self._try(kind, object_id, partial(take[kind], object_id)):
                    self._forget(object_id)
            after = batch[-1][1]

    def _failed(self, after: str) -> Sequence[tuple[str, str]]:
        rows = self.session.execute(
            select(ReconcileFailure.kind, ReconcileFailure.object_id)
            .where(
                ReconcileFailure.stripe_account == (self.stripe_account or PLATFORM),
                ReconcileFailure.object_id > after,
            )
            .order_by(ReconcileFailure.object_id)
            .limit(BATCH)
        )
        found = [(kind, object_id) for kind, object_id in rows]
        commit(self.session, "reconcile.failed")
        return found

    def _try(self, kind: str, object_id: str, take: Callable[[], None]) -> bool:
        """Take an object over, or note that it could not be."""
        try:
            take()
        except Exception as error:
            self.session.rollback()
            self._note(kind, object_id, error)
            return False
        return True

    def _note(self, kind: str, object_id: str, error: Exception) -> None:
        if isinstance(error, GatewayError):
            log.warning("Stripe gave no answer about %s: %s", object_id, error)
        else:
            log.error("%s could not be taken over", object_id, exc_info=error)
        row = insert(ReconcileFailure).values(
            stripe_account=self.stripe_account or PLATFORM,
            object_id=object_id,
            kind=kind,
            why=f"{type(error).__name__}: {error}".splitlines()[0][:LONGEST_WHY],
            first_at=self.now,
            last_at=self.now,
        )
        self.session.execute(
            row.on_conflict_do_update(
                index_elements=["stripe_account", "object_id"],
                set_={"why": row.excluded.why, "last_at": row.excluded.last_at},
            )
        )
        commit(self.session, "reconcile.noted")

    def _forget(self, object_id: str) -> None:
        self.session.execute(
            delete(ReconcileFailure).where(
                ReconcileFailure.stripe_account == (self.stripe_account or PLATFORM),
                ReconcileFailure.object_id == object_id,
            )
        )
        commit(self.session, "reconcile.forgotten")

    def _read_payment(self, intent_id: str) -> None:
        found = readings.read_intent(self.gateway, intent_id, stripe_account=self.stripe_account)
        if found.intent is not None:
            self._payment(found.intent)

    def _payment(self, intent: GatewayPayment) -> None:
        payment_id = inbox.find_payment(self.session, [intent.metadata], self.stripe_account)
        if payment_id is not None:
            settling.apply(self.session, payment_id, Reading(intent=intent), now=self.now)
        commit(self.session, "reconcile.payment")
        self.ours += payment_id is not None

    def _refund(self, made: GatewayRefund) -> None:
        """A refund as it was listed, unless it stands so with us already."""
        if inbox.scope_to_payment(self.session, made.intent_id, self.stripe_account) is not None:
            known = self.session.scalar(select(Refund.status).where(Refund.refund_id == made.id))
            if known == made.status:
                commit(self.session, "reconcile.known")
                self.ours += 1
                return
        commit(self.session, "reconcile.unknown")
        self._read_refund(made.id)

    def _read_refund(self, refund_id: str) -> None:
        taken = inbox.take_refund(
            self.session, self.gateway, refund_id, self.stripe_account, now=self.now
        )
        self.ours += taken == inbox.HANDLED

    def _read_dispute(self, dispute_id: str) -> None:
        """A dispute, read again: the list may be older than its movements."""
        taken = inbox.take_dispute(
            self.session, self.gateway, dispute_id, self.stripe_account, now=self.now
        )
        self.ours += taken == inbox.HANDLED
