"""The webhook inbox: keep each event once, then read the object that it hints at."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.db import commit, hook, set_tenant
from portal.gateways.payments import (
    GatewayEvent,
    GatewayRefused,
    GatewayUnavailable,
    PaymentGateway,
)
from portal.jobs import enqueue
from portal.models import Payment, StripeEvent
from portal.services import chargebacks, readings, refunds, settling

log = logging.getLogger(__name__)

BATCH = 50
# An event is tried again after half a minute, then after twice as long each time: for three days.
FIRST_WAIT_S = 30
MAX_ATTEMPTS = 14
HANDLED, FOREIGN, OTHER_MODE, UNKNOWN_TYPE = "handled", "not ours", "other mode", "unknown type"


def receive(session: Session, event: GatewayEvent, body: bytes, *, now: datetime) -> bool:
    """Keep a verified event and its raw body, and queue the work; False where it was there before.

    The caller commits, and answers 200 only then.
    """
    kept = session.execute(
        insert(StripeEvent)
        .values(
            event_id=event.id,
            stripe_account=event.stripe_account,
            type=event.type,
            object_id=event.object_id,
            livemode=event.livemode,
            body=body,
            received_at=now,
            attempts=0,
        )
        .on_conflict_do_nothing()
        .execution_options(preserve_rowcount=True)
    )
    landed = cast("CursorResult[Any]", kept).rowcount == 1
    if landed:
        enqueue(session, "stripe.handle_events", queueing_lock="stripe.handle_events")
    return landed


def waiting(session: Session, *, now: datetime) -> Sequence[str]:
    """Events to handle now: those not tried yet first, then those whose wait is over; a batch."""
    wait_s = (func.power(2, StripeEvent.attempts) - 1) * FIRST_WAIT_S
    return session.scalars(
        select(StripeEvent.event_id)
        .where(
            StripeEvent.handled_at.is_(None),
            StripeEvent.attempts < MAX_ATTEMPTS,
            StripeEvent.received_at + func.make_interval(0, 0, 0, 0, 0, 0, wait_s) <= now,
        )
        .order_by(StripeEvent.attempts, StripeEvent.received_at, StripeEvent.event_id)
        .limit(BATCH)
    ).all()


def handle(
    session: Session, gateway: PaymentGateway, event_id: str, *, livemode: bool, now: datetime
) -> None:
    """Take over the present state of the object that an event is about; commits.

    The event itself is never believed: late, doubled and reordered ones end in the same state.
    Where Stripe gives no answer, or we cannot take it, the event stays and is tried again later;
    it does not keep the others waiting.
    """
    event = session.scalars(select(StripeEvent).where(StripeEvent.event_id == event_id)).one()
    kind, object_id, account = event.type, event.object_id or "", event.stripe_account
    other_mode = event.livemode != livemode
    commit(session, "event.read")
    try:
        outcome = (
            OTHER_MODE if other_mode else _take(session, gateway, kind, object_id, account, now)
        )
    except GatewayUnavailable:
        _count(session, event_id)
        return
    except GatewayRefused as refused:
        outcome = f"refused: {refused.code}"
    except Exception:
        session.rollback()
        log.exception("Stripe event %s could not be taken over", event_id)
        _count(session, event_id)
        return
    _done(session, event_id, outcome, now=now)


def _take(
    session: Session,
    gateway: PaymentGateway,
    kind: str,
    object_id: str,
    stripe_account: str | None,
    now: datetime,
) -> str:
    family = kind.rpartition(".")[0]
    hook("stripe.event")
    if family == "checkout.session":
        reading = readings.read_checkout(gateway, object_id, stripe_account=stripe_account)
        return _settle(session, reading, stripe_account, now=now)
    if family == "payment_intent":
        reading = readings.read_intent(gateway, object_id, stripe_account=stripe_account)
        return _settle(session, reading, stripe_account, now=now)
    if family == "setup_intent":
        reading = readings.read_setup(gateway, object_id, stripe_account=stripe_account)
        return _settle(session, reading, stripe_account, now=now)
    if family in ("refund", "charge.refund"):
        return take_refund(session, gateway, object_id, stripe_account, now=now)
    if family == "charge.dispute":
        return take_dispute(session, gateway, object_id, stripe_account, now=now)
    return UNKNOWN_TYPE


def _settle(
    session: Session, reading: readings.Reading, stripe_account: str | None, *, now: datetime
) -> str:
    objects = (reading.checkout, reading.intent, reading.setup)
    marks = [found.metadata for found in objects if found is not None]
    payment_id = find_payment(session, marks, stripe_account)
    if payment_id is None:
        return FOREIGN
    settling.apply(session, payment_id, reading, now=now)
    commit(session, "event.settled")
    return HANDLED


def take_refund(
    session: Session,
    gateway: PaymentGateway,
    refund_id: str,
    stripe_account: str | None,
    *,
    now: datetime,
) -> str:
    """Read a refund of Stripe's and take it over, its payment first; commits."""
    made = gateway.retrieve_refund(refund_id, stripe_account=stripe_account)
    payment_id = payment_of_intent(session, gateway, made.intent_id, stripe_account, now=now)
    if payment_id is None:
        return FOREIGN
    refunds.apply_refund(session, payment_id, made, now=now)
    commit(session, "event.refunded")
    return HANDLED


def take_dispute(
    session: Session,
    gateway: PaymentGateway,
    dispute_id: str,
    stripe_account: str | None,
    *,
    now: datetime,
) -> str:
    """Read a dispute of Stripe's and take it over, its payment first; commits."""
    told = gateway.retrieve_dispute(dispute_id, stripe_account=stripe_account)
    payment_id = payment_of_intent(session, gateway, told.intent_id, stripe_account, now=now)
    if payment_id is None:
        return FOREIGN
    chargebacks.apply_dispute(session, payment_id, told, now=now)
    commit(session, "event.disputed")
    return HANDLED


def payment_of_intent(
    session: Session,
    gateway: PaymentGateway,
    intent_id: str | None,
    stripe_account: str | None,
    *,
    now: datetime,
) -> UUID | None:
    """Our payment behind an intent, settled first: a refund never arrives before its payment."""
    if intent_id is None:
        return None
    reading = readings.read_intent(gateway, intent_id, stripe_account=stripe_account)
    marks = [reading.intent.metadata] if reading.intent else []
    payment_id = find_payment(session, marks, stripe_account)
    if payment_id is not None:
        settling.apply(session, payment_id, reading, now=now)
    commit(session, "event.settled")  # nobody is asked while a transaction is open
    return payment_id


def find_payment(
    session: Session, marks: Sequence[object], stripe_account: str | None
) -> UUID | None:
    """The payment whose mark an object bears, after scoping the session to its client.

    The mark is checked against our row and its Stripe account; a stranger's mark finds nothing.
    """
    for mark in marks:
        client_id, payment_id = _ids(mark)
        if client_id is None or payment_id is None:
            continue
        set_tenant(session, client_id)
        found = session.get(Payment, (client_id, payment_id))
        if found is not None and found.stripe_account == stripe_account:
            return found.id
    return None


def scope_to_payment(
    session: Session, stripe_id: str | None, stripe_account: str | None
) -> UUID | None:
    """The payment that keeps this intent or page, after scoping the session to its client."""
    found = session.execute(
        text("SELECT client_id, payment_id FROM resolve_payment(:account, :wanted)"),
        {"account": stripe_account, "wanted": stripe_id or ""},
    ).first()
    if found is None:
        return None
    set_tenant(session, found.client_id)
    payment_id: UUID = found.payment_id
    return payment_id


def _ids(mark: object) -> tuple[UUID | None, UUID | None]:
    if not hasattr(mark, "get"):
        return None, None
    try:
        return UUID(mark.get("client", "")), UUID(mark.get("payment", ""))
    except ValueError:
        return None, None


def _count(session: Session, event_id: str) -> None:
    session.rollback()
    event = session.get_one(StripeEvent, event_id, with_for_update=True, populate_existing=True)
    event.attempts += 1
    if event.attempts == MAX_ATTEMPTS:
        log.error("Stripe event %s was given up after %s attempts", event_id, MAX_ATTEMPTS)
    commit(session, "event.counted")


def _done(session: Session, event_id: str, outcome: str, *, now: datetime) -> None:
    event = session.get_one(StripeEvent, event_id, with_for_update=True, populate_existing=True)
    event.handled_at, event.outcome = now, outcome
    event.attempts += 1
    commit(session, "event.handled")
