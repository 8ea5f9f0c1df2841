"""One thing of a queue is one person's, for a while or until it is done; no two do the same work.

A claim keeps colleagues off; what makes an answer the only one is the row itself, under its lock.
See docs/decisions/0045-queues.md and 0049-assigned-work.md.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, TimeOfDay
from portal.domain.access import holders
from portal.domain.waiting import HELD_FOR, Queue, needed_for
from portal.models import Account, Claim, Client, Staff
from portal.services import evidence
from portal.services.answering import over
from portal.services.ledger import lock_account, lock_row
from portal.services.queues import SOURCES, Waiting, entries, find, in_force, waiting
from portal.services.second_person import SamePerson
from portal.services.staff import names_of

_COLLEAGUES = text("SELECT staff_id, name FROM resolve_colleagues(:client_id, :roles)")
Key = tuple[UUID, Queue, UUID]


class HeldByAnother(DomainError):
    """Somebody else has it, until a time of the client's clock."""

    message = N_(
        "%(name)s has this until %(until)s. Ask %(name)s to give it back, or take the next one."
    )


class AssignedToAnother(HeldByAnother):
    """Somebody else has it until it is done."""

    message = N_(
        "This is assigned to %(name)s. Ask %(name)s to give it back, or take the next one."
    )


class NoColleague(DomainError):
    """Work was to be given to somebody who may not do it for this client."""

    message = N_("Choose somebody who answers for this client.")


def take(session: Session, queue: Queue, item_id: UUID, *, staff: Staff, now: datetime) -> Waiting:
    """Have an entry for a quarter of an hour; locks its account. The caller commits.

    Raises HeldByAnother, SamePerson, AnsweredBefore or OverMeanwhile where it does not wait any
    more, and NoResultFound where there is no such entry.
    """
    found = entry_of(session, queue, item_id, now=now)
    _lock(session, found)
    _may(found, staff.id)
    if not _claim(session, found, staff, now):
        raise _held(session, found.client, key_of(found))
    return found


def keep(session: Session, queue: Queue, item_id: UUID, *, staff: Staff, now: datetime) -> Waiting:
    """Have an entry assigned to oneself until it is done; locks its account. The caller commits.

    Raises as take does.
    """
    found = entry_of(session, queue, item_id, now=now)
    _lock(session, found)
    _may(found, staff.id)
    if not _put(session, key_of(found), staff.id, now, until=None):
        raise _held(session, found.client, key_of(found))
    _tell(session, found, "queue.assigned", staff, now, to=str(staff.id), name=staff.name)
    return found


def take_next(session: Session, queue: Queue, *, staff: Staff, now: datetime) -> Waiting | None:
    """Have the first entry that nobody has and nobody is taking; None where there is none.

    Locks its account, and passes over what others have locked. The caller commits.
    """
    source = SOURCES[queue]
    free = entries(session, queue, now=now).where(Claim.item_id.is_(None)).limit(1)
    if source.not_by is not None:
        free = free.where(source.not_by != staff.id)
    locked = source.table if source.account is None else Account
    free = free.with_for_update(of=locked, skip_locked=True)
    while row := session.execute(free).first():
        found = find(session, queue, row[0].id, now=now)
        if _claim(session, found, staff, now):  # else it was taken while this looked
            return found
    return None


def give_back(
    session: Session, queue: Queue, item_id: UUID, *, staff: Staff, now: datetime
) -> None:
    """Let others have what one has; nothing where nobody has it. The caller commits.

    Raises HeldByAnother, and what entry_of raises.
    """
    found = entry_of(session, queue, item_id, now=now)
    _lock(session, found)
    if _end(session, key_of(found), staff, now):
        _tell(session, found, "queue.given_back", staff, now)
    elif holder(session, key_of(found), now=now) is not None:
        raise _held(session, found.client, key_of(found))


def assign(
    session: Session, queue: Queue, item_id: UUID, *, to: UUID, by: Staff, now: datetime
) -> None:
    """Give an entry to a colleague, or to oneself, until it is done, whoever has it.

    The caller commits. Raises NoColleague, and what entry_of raises.
    """
    found = entry_of(session, queue, item_id, now=now)
    _lock(session, found)
    name = colleagues(session, found, by).get(to)
    if name is None:
        raise NoColleague
    _put(session, key_of(found), to, now, until=None, over=True)
    _tell(session, found, "queue.assigned", by, now, to=str(to), name=name)


def entry_of(session: Session, queue: Queue, item_id: UUID, *, now: datetime) -> Waiting:
    """An entry that waits.

    Raises AnsweredBefore or OverMeanwhile where it does not wait any more, and NoResultFound where
    there is no such entry.
    """
    try:
        return find(session, queue, item_id, now=now)
    except NoResultFound:
        table = SOURCES[queue].table
        mine = table.client_id.in_(session.info["client_ids"])
        known = session.scalars(select(table).where(mine, table.id == item_id)).one()
        raise over(session, known) from None


def colleagues(session: Session, found: Waiting, me: Staff) -> dict[UUID, str]:
    """Who may work on an entry, by name; whoever asks is among them if they may."""
    roles = sorted(holders(needed_for(found.queue)))
    rows = session.execute(_COLLEAGUES, {"client_id": found.client.id, "roles": roles})
    people = {me.id: me.name} | {row.staff_id: row.name for row in rows}
    return {one: name for one, name in people.items() if one != _not_by(found)}


def work_on(session: Session, key: Key, *, staff: Staff, now: datetime) -> None:
    """Make sure that nobody else has it, and have it for longer if one has it.

    The caller commits. Raises HeldByAnother.
    """
    held = holder(session, key, now=now)
    if held is None:
        return
    if held.staff_id != staff.id:
        raise _held(session, session.get_one(Client, key[0]), key)
    if held.until is not None:
        held.until = now + HELD_FOR
        session.flush()


def done(session: Session, key: Key, *, now: datetime) -> None:
    """End the claim of an entry that does not wait any more; the caller commits."""
    try:
        find(session, key[1], key[2], now=now)
    except NoResultFound:
        ends = update(Claim).where(*_is(key), in_force(now)).values(until=now)
        session.execute(ends.execution_options(synchronize_session=False))


def holder(session: Session, key: Key, *, now: datetime) -> Claim | None:
    """Who has something now."""
    found = select(Claim).where(*_is(key), in_force(now))
    return session.scalars(found.execution_options(populate_existing=True)).one_or_none()


def of(staff: Staff, *, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The condition under which an entry is with a member of staff now."""
    return Claim.staff_id == staff.id, in_force(now)


def mine(session: Session, staff: Staff, *, now: datetime) -> Sequence[Waiting]:
    """All that a member of staff has now and that still waits, the queues in their order."""
    has = of(staff, now=now)
    queues = session.scalars(
        select(Claim.queue).where(Claim.client_id.in_(session.info["client_ids"]), *has).distinct()
    ).all()
    return [
        entry
        for queue in Queue
        if queue in queues
        for entry in waiting(session, queue, now=now, only=has)
    ]


def key_of(found: Waiting) -> Key:
    """What names an entry to its claim."""
    return found.client.id, found.queue, found.item.id


def _is(key: Key) -> tuple[Any, ...]:
    return Claim.client_id == key[0], Claim.queue == key[1], Claim.item_id == key[2]


def _lock(session: Session, found: Waiting) -> None:
    if found.account is not None:
        lock_account(session, found.account.id)
    else:
        lock_row(session, type(found.item), (found.client.id, found.item.id))


def _not_by(found: Waiting) -> UUID | None:
    """Who may not do this: somebody else must."""
    column = SOURCES[found.queue].not_by
    return getattr(found.item, column.key) if column is not None else None


def _may(found: Waiting, staff_id: UUID) -> None:
    if _not_by(found) == staff_id:
        raise SamePerson


def _claim(session: Session, found: Waiting, staff: Staff, now: datetime) -> bool:
    """Have it unless somebody else does; said on the record where it is new."""
    before = holder(session, key_of(found), now=now)
    if before is not None and before.until is None:
        return before.staff_id == staff.id
    if not _put(session, key_of(found), staff.id, now, until=now + HELD_FOR):
        return False
    if before is None:
        _tell(session, found, "queue.taken", staff, now)
    return True


def _put(  # noqa: PLR0913
    session: Session,
    key: Key,
    staff_id: UUID,
    now: datetime,
    *,
    until: datetime | None,
    over: bool = False,
) -> bool:
    row = {"staff_id": staff_id, "taken_at": now, "until": until}
    free = None if over else or_(~in_force(now), Claim.staff_id == staff_id)
    made = session.execute(
        insert(Claim)
        .values(client_id=key[0], queue=key[1], item_id=key[2], **row)
        .on_conflict_do_update(constraint="pk_claim", set_=row, where=free)
        .returning(Claim.staff_id)
    )
    return made.first() is not None


def _end(session: Session, key: Key, staff: Staff, now: datetime) -> bool:
    whose = (*_is(key), *of(staff, now=now))
    ends = update(Claim).where(*whose).values(until=now)
    changed = session.execute(ends.execution_options(synchronize_session=False))
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def _held(session: Session, client: Client, key: Key) -> HeldByAnother:
    claim = session.scalars(select(Claim).where(*_is(key))).one()
    name = names_of(session, [claim.staff_id]).get(claim.staff_id, "")
    if claim.until is None:
        return AssignedToAnother(name=name)
    return HeldByAnother(name=name, until=TimeOfDay(claim.until, client.time_zone))


def _tell(
    session: Session, found: Waiting, kind: str, staff: Staff, now: datetime, **more: str
) -> None:
    what = {"queue": str(found.queue), "item": str(found.item.id), **more}
    evidence.record(
        session,
        client_id=found.client.id,
        chain_id=(found.account or found.client).chain_id,
        type=kind,
        payload={"actor": evidence.staff(staff.id), **what},
        now=now,
    )
