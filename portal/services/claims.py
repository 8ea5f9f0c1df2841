"""One thing of a queue is one person's for a while, so that no two do the same work.

A claim keeps colleagues off; what makes an answer the only one is the row itself, under its lock.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, TimeOfDay
from portal.domain.access import Permission, holders
from portal.domain.waiting import HELD_FOR, Queue
from portal.models import Account, Claim, Client, Staff
from portal.services import evidence
from portal.services.answering import over
from portal.services.ledger import lock_account
from portal.services.queues import SOURCES, Waiting, entries, find, waiting
from portal.services.staff import names_of

NEEDS = {Queue.QUESTIONS: Permission.GIVE_BACK}
"""What a queue's entries need to be worked on, where it is not to answer."""
_COLLEAGUES = text("SELECT staff_id, name FROM resolve_colleagues(:client_id, :roles)")
Key = tuple[UUID, Queue, UUID]


class HeldByAnother(DomainError):
    """Somebody else has it, until a time of the client's clock."""

    message = N_(
        "%(name)s has this until %(until)s. Ask %(name)s to give it back, or take the next one."
    )


class NoColleague(DomainError):
    """Work was to be given to somebody who may not do it for this client."""

    message = N_("Choose somebody who answers for this client.")


def take(session: Session, queue: Queue, item_id: UUID, *, staff: Staff, now: datetime) -> Waiting:
    """Have an entry for a quarter of an hour; locks its account. The caller commits.

    Raises HeldByAnother, AnsweredBefore or OverMeanwhile where it does not wait any more, and
    NoResultFound where there is no such entry.
    """
    found = _found(session, queue, item_id, now)
    lock_account(session, found.account.id)
    if not _claim(session, found, staff, now):
        raise _held(session, found.client, key_of(found), now)
    return found


def take_next(session: Session, queue: Queue, *, staff: Staff, now: datetime) -> Waiting | None:
    """Have the first entry that nobody has and nobody is taking; None where there is none.

    Locks its account, and passes over what others have locked. The caller commits.
    """
    free = entries(session, queue, now=now).where(Claim.item_id.is_(None)).limit(1)
    free = free.with_for_update(of=Account, skip_locked=True)
    while row := session.execute(free).first():
        found = find(session, queue, row[0].id, now=now)
        if _claim(session, found, staff, now):  # else it was taken while this looked
            return found
    return None


def give_back(
    session: Session, queue: Queue, item_id: UUID, *, staff: Staff, now: datetime
) -> None:
    """Let others have what one has; nothing where one has it no more. The caller commits."""
    found = find(session, queue, item_id, now=now)
    lock_account(session, found.account.id)
    if _renew(session, key_of(found), staff, now, until=now):
        _tell(session, found, "queue.given_back", staff, now)


def assign(
    session: Session, queue: Queue, item_id: UUID, *, to: UUID, by: Staff, now: datetime
) -> None:
    """Give an entry to a colleague, or to oneself, whoever has it; the caller commits.

    Raises NoResultFound, NoColleague.
    """
    found = find(session, queue, item_id, now=now)
    lock_account(session, found.account.id)
    name = colleagues(session, found, by).get(to)
    if name is None:
        raise NoColleague
    _put(session, key_of(found), to, now, over=True)
    _tell(session, found, "queue.assigned", by, now, to=str(to), name=name)


def colleagues(session: Session, found: Waiting, me: Staff) -> dict[UUID, str]:
    """Who may work on an entry, by name; whoever asks is among them."""
    roles = sorted(holders(NEEDS.get(found.queue, Permission.ANSWER)))
    rows = session.execute(_COLLEAGUES, {"client_id": found.client.id, "roles": roles})
    return {me.id: me.name} | {row.staff_id: row.name for row in rows}


def work_on(session: Session, key: Key, *, staff: Staff, now: datetime) -> None:
    """Make sure that nobody else has it, and have it for longer if one has it.

    The caller commits. Raises HeldByAnother.
    """
    held = in_force(session, key, now=now)
    if held is None:
        return
    if held.staff_id != staff.id:
        raise _held(session, session.get_one(Client, key[0]), key, now)
    _renew(session, key, staff, now, until=now + HELD_FOR)


def in_force(session: Session, key: Key, *, now: datetime) -> Claim | None:
    """Who has something now."""
    wanted = _is(key)
    return session.scalars(select(Claim).where(*wanted, Claim.until > now)).one_or_none()


def mine(session: Session, staff: Staff, *, now: datetime) -> Sequence[Waiting]:
    """All that a member of staff has now and that still waits, the queues in their order."""
    has = (Claim.staff_id == staff.id, Claim.until > now)
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


def _found(session: Session, queue: Queue, item_id: UUID, now: datetime) -> Waiting:
    """An entry that waits, or what became of it."""
    try:
        return find(session, queue, item_id, now=now)
    except NoResultFound:
        table = SOURCES[queue].table
        mine = table.client_id.in_(session.info["client_ids"])
        known = session.scalars(select(table).where(mine, table.id == item_id)).one()
        raise over(session, known) from None


def _claim(session: Session, found: Waiting, staff: Staff, now: datetime) -> bool:
    """Have it unless somebody else does; said on the record where it is new."""
    before = in_force(session, key_of(found), now=now)
    if not _put(session, key_of(found), staff.id, now):
        return False
    if before is None:
        _tell(session, found, "queue.taken", staff, now)
    return True


def _put(session: Session, key: Key, staff_id: UUID, now: datetime, *, over: bool = False) -> bool:
    row = {"staff_id": staff_id, "taken_at": now, "until": now + HELD_FOR}
    free = None if over else or_(Claim.until <= now, Claim.staff_id == staff_id)
    made = session.execute(
        insert(Claim)
        .values(client_id=key[0], queue=key[1], item_id=key[2], **row)
        .on_conflict_do_update(constraint="pk_claim", set_=row, where=free)
        .returning(Claim.staff_id)
    )
    return made.first() is not None


def _renew(session: Session, key: Key, staff: Staff, now: datetime, *, until: datetime) -> bool:
    whose = (*_is(key), Claim.staff_id == staff.id, Claim.until > now)
    changed = session.execute(update(Claim).where(*whose).values(until=until))
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def _held(session: Session, client: Client, key: Key, now: datetime) -> HeldByAnother:
    claim = session.scalars(select(Claim).where(*_is(key))).one()
    name = names_of(session, [claim.staff_id]).get(claim.staff_id, "")
    return HeldByAnother(name=name, until=TimeOfDay(claim.until, client.time_zone))


def _tell(
    session: Session, found: Waiting, kind: str, staff: Staff, now: datetime, **more: str
) -> None:
    what = {"queue": str(found.queue), "item": str(found.item.id), **more}
    evidence.record(
        session,
        client_id=found.client.id,
        chain_id=found.account.chain_id,
        type=kind,
        payload={"actor": evidence.staff(staff.id), **what},
        now=now,
    )
