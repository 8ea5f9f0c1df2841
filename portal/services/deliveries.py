"""What carriers say of messages they took: kept, told on the record, and acted on (EC-05, EC-09).

Each word counts once, whatever the order. What bounced counts as not sent: a required copy of it
goes by letter, and so does what waits for that address.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain.deliveries import CLOSING, LOST, TOLD, Fate, Report
from portal.domain.outgoing import Rule
from portal.domain.statuses import MessageStatus, move
from portal.models import (
    Channel,
    Contact,
    Delivery,
    Message,
    StopKind,
    StrayDelivery,
    fresh_id,
)
from portal.services import evidence
from portal.services.clearance import contact_of
from portal.services.messages import drop, lock_waiting, send_by_letter, tell
from portal.services.optouts import opt_out
from portal.services.stops import stop_address

GONE = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.FAILED)
"""What has left; a word about what is still in our hands waits until it has."""

_RESOLVE = text("SELECT client_id FROM resolve_message(:wanted)")
_HOLDERS = text(
    "SELECT DISTINCT client_id FROM resolve_contacts(:channel, :address) ORDER BY client_id"
)


class Outcome(StrEnum):
    """What became of a carrier's word."""

    KEPT = "kept"
    KNOWN = "known"
    STRAY = "stray"


def take_report(
    session: Session, report: Report, channel: Channel, *, by_address: bool = False, now: datetime
) -> Outcome:
    """Keep a carrier's word about a message of ours and do what follows from it, once.

    ``by_address``: the carrier proved who it is, so that a word without our message's id counts for
    the newest message of each client to that address. A word about nothing of ours is kept apart.
    The caller commits.
    """
    found = _messages(session, report, channel, by_address=by_address)
    if not found:
        _keep_stray(session, report, now)
        return Outcome.STRAY
    outcomes = [_take(session, key, report, now) for key in found]
    return Outcome.KEPT if Outcome.KEPT in outcomes else Outcome.KNOWN


def catch_up(session: Session, message: Message, *, now: datetime) -> None:
    """Do what follows from words that came before it was known that a message had left."""
    for row in _rows(session, message):
        _act(session, message, row, now=now)


def deliveries_of(session: Session, messages: Sequence[Message]) -> dict[UUID, list[Delivery]]:
    """The carriers' words about these messages of one client, by message, the oldest first."""
    found: dict[UUID, list[Delivery]] = {}
    if messages:
        rows = session.scalars(
            select(Delivery)
            .where(
                Delivery.client_id == messages[0].client_id,
                Delivery.message_id.in_([one.id for one in messages]),
            )
            .order_by(Delivery.at, Delivery.id)
        )
        for row in rows:
            found.setdefault(row.message_id, []).append(row)
    return found


def _messages(
    session: Session, report: Report, channel: Channel, *, by_address: bool
) -> Sequence[tuple[UUID, UUID]]:
    """(client, message) of what a word is about."""
    if report.message_id is not None:
        client_id = session.scalar(_RESOLVE, {"wanted": report.message_id})
        return [(client_id, report.message_id)] if client_id else []
    if not by_address or report.address is None:
        return []
    return list(_newest(session, report.address, channel))


def _newest(session: Session, address: str, channel: Channel) -> Iterator[tuple[UUID, UUID]]:
    """The newest message of each client that uses an address, if one went there."""
    holders = session.scalars(_HOLDERS, {"channel": channel, "address": address}).all()
    for client_id in holders:
        set_tenant(session, client_id)
        newest = session.scalar(
            select(Message.id)
            .where(
                Message.client_id == client_id,
                Message.channel == channel,
                Message.address == address,
                Message.status.in_(GONE),
            )
            .order_by(Message.id.desc())
            .limit(1)
        )
        if newest is not None:
            yield client_id, newest


def _keep_stray(session: Session, report: Report, now: datetime) -> None:
    _, at, domain = (report.address or "").rpartition("@")
    row = insert(StrayDelivery).values(
        id=fresh_id(),
        carrier=report.carrier,
        event_id=report.event_id,
        kind=report.kind,
        code=report.code,
        domain=domain[:253] if at else None,
        received_at=now,
    )
    session.execute(row.on_conflict_do_nothing())


def _take(session: Session, key: tuple[UUID, UUID], report: Report, now: datetime) -> Outcome:
    set_tenant(session, key[0])
    message = session.get_one(Message, key, with_for_update=True, populate_existing=True)
    elsewhere = report.address not in (None, message.address)  # it was forwarded from ours
    kind = Fate.FAILED if elsewhere and report.kind is Fate.BOUNCED else report.kind
    row = insert(Delivery).values(
        client_id=message.client_id,
        id=fresh_id(),
        message_id=message.id,
        carrier=report.carrier,
        event_id=report.event_id,
        kind=kind,
        code=report.code,
        at=min(report.at or now, now),
        received_at=now,
    )
    kept = session.scalars(row.on_conflict_do_nothing().returning(Delivery)).one_or_none()
    if kept is None:
        return Outcome.KNOWN
    if message.status in GONE and message.sent_at is not None:
        _act(session, message, kept, now=now)
    return Outcome.KEPT


def _act(session: Session, message: Message, row: Delivery, *, now: datetime) -> None:
    if row.kind not in TOLD:
        return
    contact = contact_of(session, message)
    closes = contact is not None and row.kind in CLOSING and contact.address == message.address
    waiting = lock_waiting(session, contact) if contact and closes else ()
    _move(message, row)
    facts = {"delivery": str(row.id), "code": row.code, "carrier": row.carrier}
    tell(session, message, f"message.{row.kind}", facts, now=now)
    if row.kind in LOST:
        send_by_letter(session, message, now=now)
    if contact and closes:
        _close(session, contact, row.kind, waiting, now)


def _move(message: Message, row: Delivery) -> None:
    if row.kind is Fate.DELIVERED and message.status is MessageStatus.SENT:
        message.status = move(message.status, MessageStatus.DELIVERED)
    elif row.kind in LOST:
        message.status = move(message.status, MessageStatus.FAILED)
        message.error = row.code or str(row.kind)


def _close(
    session: Session, contact: Contact, fate: Fate, waiting: Sequence[Message], now: datetime
) -> None:
    if fate is Fate.COMPLAINED:
        opt_out(session, contact, source="complaint", keep=(), now=now)
        return
    actor = evidence.SYSTEM
    stop_address(session, contact, StopKind.BOUNCED, source="bounce", actor=actor, now=now)
    for message in waiting:
        drop(session, message, Rule.BOUNCED, now=now)


def _rows(session: Session, message: Message) -> Sequence[Delivery]:
    return session.scalars(
        select(Delivery)
        .where(Delivery.client_id == message.client_id, Delivery.message_id == message.id)
        .order_by(Delivery.at, Delivery.id)
    ).all()
