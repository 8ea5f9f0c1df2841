"""Counted attempts: exact whatever runs at once, and counted before anything is checked.

Counters are kept under keyed hashes, so the table tells nothing about links, people or networks.
Counting has a transaction of its own: what becomes of the caller's cannot undo it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from sqlalchemy import ColumnElement, Interval, case, delete, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.db import commit
from portal.domain.keys import Keys
from portal.models import AttemptCounter

LONGEST_LOCK = timedelta(hours=24)
KEPT = timedelta(days=3)
MOST_CLOSED = 200


class Scope(StrEnum):
    """What is counted."""

    LINK = "link"
    ACCOUNT = "account"
    CALLER = "caller"
    NETWORK = "network"
    LOG_IN = "log_in"
    SECOND_STEP = "second_step"
    NEW_PASSWORD = "new_password"  # noqa: S105
    CODE = "code"
    NEW_LINK = "new_link"
    CALL_ME = "call_me"
    PAYER_LINK = "payer_link"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries in a window; then a lock that doubles each time, or a wait for the window.

    ``lock`` None means throttled: the next window brings new tries, and nothing grows.
    """

    tries: int
    window: timedelta
    lock: timedelta | None = None


HOUR, DAY, HALF_HOUR = timedelta(hours=1), timedelta(days=1), timedelta(minutes=30)
LIMITS: dict[Scope, Limit] = {
    Scope.LINK: Limit(5, DAY, HALF_HOUR),
    Scope.ACCOUNT: Limit(10, DAY, HALF_HOUR),  # over all links of the debtor
    Scope.CALLER: Limit(5, DAY, HALF_HOUR),
    Scope.LOG_IN: Limit(5, DAY, HALF_HOUR),
    Scope.SECOND_STEP: Limit(5, DAY, HALF_HOUR),
    Scope.NEW_PASSWORD: Limit(3, HOUR),
    Scope.NETWORK: Limit(100, timedelta(minutes=10)),  # carriers share addresses: never locked
    Scope.CODE: Limit(3, HOUR),
    Scope.NEW_LINK: Limit(3, HOUR),
    Scope.CALL_ME: Limit(3, DAY),
    Scope.PAYER_LINK: Limit(10, HOUR),
    Scope.BUNDLE: Limit(30, timedelta(minutes=15)),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose attempts are counted: a link, an account, a network, a log-in, by its own key."""

    scope: Scope
    key: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """The attempt was counted and may go on; ``left`` more may follow before a lock.

    ``made`` is how many were counted under what locks, this one included.
    """

    left: int
    made: int


@dataclass(frozen=True, slots=True)
class Locked:
    """The attempt was refused and not counted; ``scope`` says whose limit was reached."""

    until: datetime
    scope: Scope


def network(address: str | None) -> Mark:
    """The network of an address: an IPv4 address itself, the /64 of an IPv6 address."""
    return known_network(address or "") or Mark(Scope.NETWORK, "unknown")


def known_network(address: str) -> Mark | None:
    """The same, or None where it is no address of a network."""
    try:
        ip = ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, IPv4Address):
        return Mark(Scope.NETWORK, str(ip))
    if ip.ipv4_mapped:
        return Mark(Scope.NETWORK, str(ip.ipv4_mapped))
    return Mark(Scope.NETWORK, str(ip_network((ip, 64), strict=False)))


def take(session: Session, keys: Keys, marks: Iterable[Mark], *, now: datetime) -> Allowed | Locked:
    """Count one attempt under every mark, or under none if one of them is locked.

    Commits a transaction of its own, before the caller checks anything: of attempts that run at
    once, exactly as many go on as there were tries left.
    """
    with Session(session.bind, join_transaction_mode="create_savepoint") as own:
        counters = _held(own, keys, marks, now)
        if refusal := _refusal(counters, now):
            own.rollback()
            return refusal
        left = [_count(counter, now) for counter in counters]
        made = [one.count for one in counters if LIMITS[Scope(one.scope)].lock is not None]
        commit(own, "attempts.take")
    found = (tries for tries in left if tries is not None)
    return Allowed(min(found, default=0), max(made, default=0))


def locked(session: Session, keys: Keys, marks: Iterable[Mark], *, now: datetime) -> Locked | None:
    """Whether an attempt under these marks would be refused now; counts nothing."""
    known = tuple_(AttemptCounter.scope, AttemptCounter.key_hash)
    counters = session.scalars(
        select(AttemptCounter)
        .where(known.in_(_hashed(keys, marks)))
        .execution_options(populate_existing=True)
    ).all()
    return _refusal(counters, now)


def forgive(session: Session, keys: Keys, marks: Iterable[Mark]) -> None:
    """Forget the attempts of somebody who has now proved who they are. The caller commits."""
    known = tuple_(AttemptCounter.scope, AttemptCounter.key_hash)
    session.execute(delete(AttemptCounter).where(known.in_(_hashed(keys, marks))))


@dataclass(frozen=True, slots=True)
class Closed:
    """What is closed now: the counter's scope and mark, which name nobody, and until when."""

    scope: Scope
    mark: str
    count: int
    until: datetime


def closed(session: Session, *, now: datetime) -> list[Closed]:
    """What is locked or used up now, what opens last first; at most ``MOST_CLOSED``."""
    return _closed(session, now, AttemptCounter.window_started_at > now - KEPT)


def closed_of(
    session: Session, keys: Keys, marks: Iterable[Mark], *, now: datetime
) -> list[Closed]:
    """What of these marks is locked or used up now."""
    known = tuple_(AttemptCounter.scope, AttemptCounter.key_hash)
    return _closed(session, now, known.in_(_hashed(keys, marks)))


def find_closed(session: Session, scope: str, mark: str, *, now: datetime) -> Closed | None:
    """One of those, by its scope and mark."""
    try:
        same = AttemptCounter.key_hash == bytes.fromhex(mark)
    except ValueError:
        return None
    return next(iter(_closed(session, now, AttemptCounter.scope == scope, same)), None)


def _closed(session: Session, now: datetime, *which: ColumnElement[bool]) -> list[Closed]:
    ends = {scope.value: _ends(limit) for scope, limit in LIMITS.items()}
    until = case(ends, value=AttemptCounter.scope)
    found = (
        select(AttemptCounter, until.label("until"))
        .where(*which, until > now)
        .order_by(until.desc(), AttemptCounter.key_hash.desc())
        .limit(MOST_CLOSED)
    )
    return [
        Closed(Scope(one.scope), one.key_hash.hex(), one.count, ends_at)
        for one, ends_at in session.execute(found)
    ]


def _ends(limit: Limit) -> ColumnElement[Any]:
    """Until when a counter of this limit is closed; null where it is not."""
    if limit.lock is not None:
        return AttemptCounter.locked_until.expression
    used_up = AttemptCounter.count >= limit.tries
    return case((used_up, AttemptCounter.window_started_at + literal(limit.window, Interval)))


def forget_old(session: Session, *, now: datetime) -> None:
    """Delete counters that no window or lock needs any more. The caller commits."""
    session.execute(delete(AttemptCounter).where(AttemptCounter.window_started_at < now - KEPT))


def _hashed(keys: Keys, marks: Iterable[Mark]) -> list[tuple[str, bytes]]:
    """The rows' keys, in the one order in which everybody locks them."""
    return sorted(
        {
            (m.scope.value, keys.peppered("attempts", m.scope.encode(), m.key.encode()))
            for m in marks
        }
    )


def _held(
    own: Session, keys: Keys, marks: Iterable[Mark], now: datetime
) -> Sequence[AttemptCounter]:
    hashed = _hashed(keys, marks)
    new = [
        {"scope": scope, "key_hash": key_hash, "window_started_at": now, "count": 0}
        for scope, key_hash in hashed
    ]
    own.execute(insert(AttemptCounter).values(new).on_conflict_do_nothing())
    return own.scalars(
        select(AttemptCounter)
        .where(tuple_(AttemptCounter.scope, AttemptCounter.key_hash).in_(hashed))
        .order_by(AttemptCounter.scope, AttemptCounter.key_hash)
        .with_for_update()
    ).all()


def _refusal(counters: Sequence[AttemptCounter], now: datetime) -> Locked | None:
    found = [
        Locked(until, Scope(counter.scope))
        for counter in counters
        if (until := _closed_until(counter)) is not None and until > now
    ]
    return max(found, key=lambda refusal: refusal.until, default=None)


def _closed_until(counter: AttemptCounter) -> datetime | None:
    limit = LIMITS[Scope(counter.scope)]
    if limit.lock is not None:
        return counter.locked_until
    used_up = counter.count >= limit.tries
    return counter.window_started_at + limit.window if used_up else None


def _count(counter: AttemptCounter, now: datetime) -> int | None:
    """Count one attempt; how many are left before a lock, None where nothing locks."""
    limit = LIMITS[Scope(counter.scope)]
    if counter.window_started_at + limit.window <= now:
        counter.count, counter.window_started_at = 0, now
    counter.count += 1
    if limit.lock is None:
        return None
    used = counter.count % limit.tries
    if used == 0:
        longer = limit.lock * 2 ** min(counter.count // limit.tries - 1, 10)
        counter.locked_until = now + min(longer, LONGEST_LOCK)
        counter.window_started_at = counter.locked_until
        return 0
    return limit.tries - used
