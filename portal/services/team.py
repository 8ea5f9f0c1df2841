"""The people whom somebody looks after: who they are, their role, and whether they may come in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from portal.db import set_staff
from portal.domain import N_, DomainError
from portal.domain.access import Permission, may
from portal.models import Noted, Role, Staff, StaffEvent
from portal.services import left_calls, second_steps
from portal.services.hiring import MAY_INVITE, NotYours, revoke_of
from portal.services.staff import check_clients, end_sessions, names_of
from portal.services.staff_events import note

CHANGES = (Noted.ROLE_CHANGED, Noted.DISABLED, Noted.ENABLED)


class NoSuchStaff(DomainError):
    message = N_("Nobody works here under the address %(email)s.")


class ChangedMeanwhile(DomainError):
    """A colleague changed somebody's access since whoever is second looked."""

    message = N_(
        "%(name)s changed this person’s access since you opened this page. Nothing of yours was"
        " done. Look at it again first."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """A member of staff as whoever looks after them sees them; ``seen_at`` is their last log-in."""

    id: UUID
    email: str
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    client_ids: tuple[UUID, ...]
    enrolled: bool
    seen_at: datetime | None


def colleagues(session: Session, by: Staff) -> Sequence[Colleague]:
    """Whom this person may look after, by name."""
    rows = session.execute(text("SELECT * FROM staff_in_reach() ORDER BY name, id")).mappings()
    found = [
        Colleague(**{**row, "role": Role(row["role"]), "client_ids": tuple(row["client_ids"])})
        for row in rows
    ]
    return [one for one in found if one.role in MAY_INVITE.get(by.role, ())]


def colleague(session: Session, staff_id: UUID, by: Staff) -> Colleague:
    """One of them. Raises NoResultFound."""
    for one in colleagues(session, by):
        if one.id == staff_id:
            return one
    raise NoResultFound


def change_role(session: Session, whom: Colleague, role: Role, *, by: Staff, now: datetime) -> None:
    """Give somebody another role; they log in again with it. The caller commits.

    Raises NotYours, WrongClients, ChangedMeanwhile.
    """
    if role is whom.role:
        return
    if role not in MAY_INVITE.get(by.role, ()):
        raise NotYours
    check_clients(role, len(whom.client_ids))
    _change(session, whom, role, whom.disabled_at, by=by)
    _end(session, whom, by, now)
    revoke_of(session, whom.id, by=by, now=now)
    if not may(role, Permission.CONTACT):
        _hang_up(session, whom, by, now)
    changed = f"{whom.role} → {role}"
    note(session, Noted.ROLE_CHANGED, staff=whom.id, now=now, role=changed, by=by.id)


def disable(session: Session, whom: Colleague, *, by: Staff, now: datetime) -> None:
    """Let somebody in no more, from the next request on. The caller commits.

    What they invited to is taken back. Raises NotYours, ChangedMeanwhile.
    """
    if whom.disabled_at is None:
        _change(session, whom, whom.role, now, by=by)
        _end(session, whom, by, now)
        revoke_of(session, whom.id, by=by, now=now)
        _hang_up(session, whom, by, now)
        note(session, Noted.DISABLED, staff=whom.id, now=now, by=by.id)


def enable(session: Session, whom: Colleague, *, by: Staff, now: datetime) -> None:
    """Let somebody in again, with the password they had. The caller commits.

    Raises NotYours, ChangedMeanwhile.
    """
    if whom.disabled_at is not None:
        _change(session, whom, whom.role, None, by=by)
        note(session, Noted.ENABLED, staff=whom.id, now=now, by=by.id)


def reset_second_step(session: Session, whom: Colleague, *, by: Staff, now: datetime) -> None:
    """Take somebody's second step back and end their log-ins. The caller commits.

    Whoever then has their password sets up a new one, so ask first who they are.
    """
    with _as(session, whom, by):
        second_steps.remove(session, whom.id, now=now)
    _end(session, whom, by, now)
    note(session, Noted.SECOND_STEP_RESET, staff=whom.id, now=now, by=by.id)


def reset_second_step_of(session: Session, email: str, *, now: datetime) -> None:
    """The same by command, for an operator whom nobody else looks after. The caller commits.

    Raises NoSuchStaff.
    """
    address = email.strip().casefold()
    staff_id = session.scalar(select(Staff.id).where(Staff.email == address))
    if staff_id is None:
        raise NoSuchStaff(email=address)
    second_steps.remove(session, staff_id, now=now)
    end_sessions(session, staff_id, now=now)
    note(session, Noted.SECOND_STEP_RESET, staff=staff_id, now=now)


def _change(
    session: Session, whom: Colleague, role: Role, disabled_at: datetime | None, *, by: Staff
) -> None:
    """Write it unless somebody else wrote since ``whom`` was read."""
    asked = text("SELECT change_staff(:whom, :seen_role, :seen_at, :role, :disabled_at)")
    seen = {"whom": whom.id, "seen_role": whom.role.value, "seen_at": whom.disabled_at}
    done = session.scalar(asked, {**seen, "role": role.value, "disabled_at": disabled_at})
    if done == "changed before":
        raise changed_meanwhile(session, whom, by)
    if done != "changed":
        raise NotYours


def changed_meanwhile(session: Session, whom: Colleague, by: Staff) -> ChangedMeanwhile:
    """Who changed somebody's access last, to be told to whoever comes second."""
    last = session.scalars(
        select(StaffEvent.detail)
        .where(StaffEvent.staff_id == whom.id, StaffEvent.kind.in_(CHANGES))
        .order_by(StaffEvent.at.desc(), StaffEvent.id.desc())
        .limit(1)
    ).first()
    who = UUID(last["by"]) if last and last.get("by") else by.id
    return ChangedMeanwhile(name=names_of(session, [who]).get(who, ""))


def _end(session: Session, whom: Colleague, by: Staff, now: datetime) -> None:
    with _as(session, whom, by):
        ended = end_sessions(session, whom.id, now=now)
    if ended:
        note(session, Noted.SESSIONS_ENDED, staff=whom.id, now=now, by=by.id)


def _hang_up(session: Session, whom: Colleague, by: Staff, now: datetime) -> None:
    with _as(session, whom, by):
        left_calls.hang_up(session, session.get_one(Staff, whom.id), now=now)


@contextmanager
def _as(session: Session, whom: Colleague, by: Staff) -> Iterator[None]:
    """See the rows of somebody in reach for a moment."""
    set_staff(session, whom.id)
    try:
        yield
    finally:
        set_staff(session, by.id)
