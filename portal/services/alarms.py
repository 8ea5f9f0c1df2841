"""Alarms of the record: raised where it does not hold, answered for by a person (EV-08).

While one that concerns the record is open, nothing can be agreed with its client.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.evidence import format_time
from portal.domain.help import kept_words
from portal.models import Client, EvidenceAlarm, Staff
from portal.services import evidence

if TYPE_CHECKING:
    from portal.services.verify import Broken

log = logging.getLogger(__name__)


class AlarmCleared(DomainError):
    """Somebody answered for it before."""

    message = N_("Somebody dealt with this alarm already.")


class ReasonMissing(DomainError):
    """An alarm is cleared with what was found out."""

    message = N_("Write what you found out and what was done about it.")


def raise_alarms(
    session: Session,
    client_id: UUID,
    found: Iterable["Broken"],
    *,
    now: datetime,
    gone_by: datetime | None = None,
    again: bool = False,
) -> Sequence[EvidenceAlarm]:
    """Raise an alarm for each broken invariant that has none, and freeze; returns the new ones.

    What somebody answered for stays answered, unless it was not there any more at the last run over
    everything (``gone_by``), or is to be raised ``again`` while it lasts. The caller commits.
    """
    known = {
        (one.invariant, one.place): one
        for one in session.scalars(
            select(EvidenceAlarm).where(EvidenceAlarm.client_id == client_id)
        )
    }
    raised = []
    for broken in found:
        alarm = known.get((broken.invariant, broken.where))
        if alarm is None:
            alarm = known[broken.invariant, broken.where] = _raise(session, client_id, broken, now)
            raised.append(alarm)
        elif alarm.cleared_at and (again or (gone_by and alarm.seen_at < gone_by)):
            alarm.cleared_at = alarm.cleared_by = alarm.reason = None
            alarm.found_at = now
            _tell_raised(session, alarm, now)
            raised.append(alarm)
        alarm.seen_at = now
    _freeze(session, client_id, now)
    return raised


def clear(
    session: Session, alarm: EvidenceAlarm, *, reason: str, staff: Staff, now: datetime
) -> None:
    """Answer for an alarm; with the last one that freezes, agreements are taken again.

    The caller commits. Raises ReasonMissing, AlarmCleared, TextTooLong, CardNumberTyped (PC-01).
    """
    why = kept_words(reason)
    if not why:
        raise ReasonMissing
    session.refresh(alarm, with_for_update=True)
    if alarm.cleared_at is not None:
        raise AlarmCleared
    alarm.cleared_at, alarm.cleared_by, alarm.reason = now, staff.id, why
    facts = {"invariant": alarm.invariant, "place": alarm.place, "reason": why}
    _tell(session, alarm, "alarm.cleared", facts | {"actor": evidence.staff(staff.id)}, now)
    _freeze(session, alarm.client_id, now)


def open_alarms(session: Session, client_id: UUID) -> Sequence[EvidenceAlarm]:
    """The alarms that nobody answered for, the oldest first."""
    return session.scalars(
        select(EvidenceAlarm)
        .where(EvidenceAlarm.client_id == client_id, EvidenceAlarm.cleared_at.is_(None))
        .order_by(EvidenceAlarm.found_at, EvidenceAlarm.id)
    ).all()


def freezes(alarm: EvidenceAlarm) -> bool:
    """Whether nothing can be agreed while this alarm is open."""
    # The web has no other use for the invariants than compliance's home page.
    from portal.services.verify import FREEZING  # noqa: PLC0415

    return alarm.invariant in FREEZING


def _raise(session: Session, client_id: UUID, broken: "Broken", now: datetime) -> EvidenceAlarm:
    alarm = EvidenceAlarm(
        client_id=client_id,
        invariant=broken.invariant,
        place=broken.where,
        found_at=now,
        seen_at=now,
    )
    session.add(alarm)
    _tell_raised(session, alarm, now)
    return alarm


def _tell_raised(session: Session, alarm: EvidenceAlarm, now: datetime) -> None:
    log.error("The record of %s: %s: %s", alarm.client_id, alarm.invariant, alarm.place)
    facts = {"invariant": alarm.invariant, "place": alarm.place, "actor": evidence.SYSTEM}
    _tell(session, alarm, "alarm.raised", facts, now)


def _tell(
    session: Session, alarm: EvidenceAlarm, kind: str, payload: evidence.Payload, now: datetime
) -> None:
    client = session.get_one(Client, alarm.client_id)
    chain = {"client_id": client.id, "chain_id": client.chain_id}
    evidence.record(session, **chain, type=kind, payload=payload, now=now)


def _freeze(session: Session, client_id: UUID, now: datetime) -> None:
    session.flush()
    frozen = any(freezes(one) for one in open_alarms(session, client_id))
    client = session.get_one(Client, client_id, populate_existing=True)
    if frozen != (client.frozen_at is not None):
        client.frozen_at = now if frozen else None
        _tell_frozen(session, client, now)


def _tell_frozen(session: Session, client: Client, now: datetime) -> None:
    chain = {"client_id": client.id, "chain_id": client.chain_id}
    told: evidence.Payload = {"actor": evidence.SYSTEM}
    if client.frozen_at is None:
        evidence.record(session, **chain, type="client.unfrozen", payload=told, now=now)
    else:
        told["frozen_at"] = format_time(client.frozen_at)
        evidence.record(session, **chain, type="client.frozen", payload=told, now=now)
