"""Attempts are counted exactly, before the check, and a lock ends by itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db import PortalSession, make_engine, make_sessions, set_hook
from portal.models import AttemptCounter
from portal.services.attempts import (
    Allowed,
    Locked,
    Mark,
    Scope,
    forget_old,
    forgive,
    locked,
    network,
    take,
)
from tests.databases import Database
from tests.factories import KEYS, NOW

LINK = Mark(Scope.LINK, "a link")
MINUTE = timedelta(minutes=1)


def try_(session: PortalSession, *marks: Mark, at=NOW) -> Allowed | Locked:
    return take(session, KEYS, marks or (LINK,), now=at)


def test_five_tries_then_a_lock_of_half_an_hour(session: PortalSession):
    left = [try_(session) for _ in range(5)]
    assert left == [Allowed(4, 1), Allowed(3, 2), Allowed(2, 3), Allowed(1, 4), Allowed(0, 5)]
    assert try_(session) == Locked(NOW + 30 * MINUTE, Scope.LINK)
    assert locked(session, KEYS, [LINK], now=NOW + 29 * MINUTE) is not None
    assert locked(session, KEYS, [LINK], now=NOW + 30 * MINUTE) is None
    assert try_(session, at=NOW + 30 * MINUTE) == Allowed(4, 6)


def test_each_lock_is_twice_as_long_up_to_a_day(session: PortalSession):
    at, waits = NOW, []
    for _ in range(8):
        for _ in range(5):
            assert isinstance(try_(session, at=at), Allowed)
        refused = try_(session, at=at)
        assert isinstance(refused, Locked)
        waits.append((refused.until - at) // MINUTE)
        at = refused.until
    assert waits == [30, 60, 120, 240, 480, 960, 1440, 1440]


def test_a_quiet_day_after_the_lock_forgets_it(session: PortalSession):
    for _ in range(5):
        try_(session)
    assert try_(session, at=NOW + timedelta(hours=24, minutes=31)) == Allowed(4, 1)
    for _ in range(4):
        try_(session, at=NOW + timedelta(hours=24, minutes=31))
    refused = try_(session, at=NOW + timedelta(hours=24, minutes=32))
    assert isinstance(refused, Locked)
    assert refused.until == NOW + timedelta(hours=24, minutes=61)


def test_a_lock_under_one_mark_counts_under_no_other(session: PortalSession):
    for _ in range(5):
        try_(session)
    other = Mark(Scope.ACCOUNT, "a debtor")
    assert isinstance(try_(session, LINK, other), Locked)
    counted = session.scalars(select(AttemptCounter.scope)).all()
    assert counted == ["link"]


def test_a_network_is_throttled_and_never_locked(session: PortalSession):
    shared = network("203.0.113.9")
    for _ in range(100):
        assert isinstance(try_(session, shared), Allowed)
    for _ in range(3):
        refused = try_(session, shared, at=NOW + MINUTE)
        assert refused == Locked(NOW + 10 * MINUTE, Scope.NETWORK)
    assert isinstance(try_(session, shared, at=NOW + 10 * MINUTE), Allowed)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.9", "::ffff:203.0.113.9", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.9", "203.0.113.10", False),
        (None, "not an address", True),
    ],
)
def test_a_network_is_an_ipv4_address_or_a_64(one: str, other: str, same: bool):
    assert (network(one) == network(other)) is same


def test_who_has_proved_themselves_starts_anew(session: PortalSession):
    for _ in range(5):
        try_(session)
    forgive(session, KEYS, [LINK])
    assert try_(session) == Allowed(4, 1)


def test_what_becomes_of_the_caller_does_not_undo_a_count(fresh_db: Database):
    sessions = make_sessions(make_engine(fresh_db.url("portal_app")))
    with sessions() as session:
        try_(session)
        session.rollback()
    with sessions() as session:
        assert try_(session) == Allowed(3, 2)


def test_twenty_at_once_at_four_of_five_count_one_more(fresh_db: Database):
    """Counted before the check: parallel guesses cannot race past the limit."""
    engine = make_engine(fresh_db.url("portal_app"), pool_size=20)
    sessions = make_sessions(engine)

    def guess(_: int) -> Allowed | Locked:
        with sessions() as session:
            return try_(session, LINK, network("203.0.113.9"))

    with sessions() as session:
        for _ in range(4):
            try_(session)
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(guess, range(20)))
    assert [type(outcome) for outcome in outcomes].count(Allowed) == 1
    with sessions() as session:
        counts = dict(session.execute(select(AttemptCounter.scope, AttemptCounter.count)).all())
    assert counts == {"link": 5, "network": 1}
    engine.dispose()


def test_a_crash_after_the_count_leaves_it_counted(fresh_db: Database):
    sessions = make_sessions(make_engine(fresh_db.url("portal_app")))

    def crash(point: str) -> None:
        if point == "after attempts.take":
            raise KeyboardInterrupt

    set_hook(crash)
    try:
        with sessions() as session, pytest.raises(KeyboardInterrupt):
            try_(session)
    finally:
        set_hook(None)
    with sessions() as session:
        assert try_(session) == Allowed(3, 2)


def test_the_table_tells_nobody_who_tried(session: PortalSession):
    try_(session, Mark(Scope.LOG_IN, "sam@harbor.example"))
    row = session.scalars(select(AttemptCounter)).one()
    assert len(row.key_hash) == 32
    assert b"sam" not in row.key_hash


def test_old_counters_are_deleted_and_locks_kept(session: PortalSession):
    try_(session, Mark(Scope.LINK, "old"), at=NOW - timedelta(days=4))
    try_(session)
    forget_old(session, now=NOW)
    assert len(session.scalars(select(AttemptCounter)).all()) == 1
