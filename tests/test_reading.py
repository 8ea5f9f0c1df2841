"""Reading alone: one statement on a connection of its own that leaves nothing behind."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from portal.db import Reader, conninfo, make_engine, tenant_session
from portal.domain.keys import Keys
from portal.services.attempts import Allowed, Mark, Scope, take
from tests.databases import Database
from tests.factories import NOW
from tests.statements import statements

SEEN = "SELECT current_setting('app.client_ids', true)"
SCOPED = "SELECT set_config('app.client_ids', %(ids)s, true)"
PID = "SELECT pg_backend_pid()"
CLEO = UUID(int=1)


@pytest.fixture
def reader(database: Database) -> Iterator[Reader]:
    """A reader of the web's; one after the other, all it reads goes over one connection."""
    reader = Reader(database.url("portal_app"))
    yield reader
    reader.close()


def cut(database: Database, pid: int) -> None:
    """End somebody's connection, as a restart of the server would."""
    with psycopg.connect(conninfo(database.url("portal_app"))) as it:
        it.execute("SELECT pg_terminate_backend(%s)", (pid,))


def test_what_one_statement_may_see_the_next_may_not(reader: Reader):
    assert reader(SCOPED, {"ids": f"{{{CLEO}}}"}) == (f"{{{CLEO}}}",)
    assert reader(SEEN, {}) in ((None,), ("",))


def test_reading_is_one_round_trip_on_a_connection_that_stays(reader: Reader):
    with statements() as said:
        assert reader(PID, {}) == reader(PID, {})
    assert said == [PID, PID]


def test_what_a_page_reads_is_prepared_once(reader: Reader):
    for _ in range(8):
        reader(SCOPED, {"ids": f"{{{CLEO}}}"})
    row = reader("SELECT count(*) FROM pg_prepared_statements", {})
    assert row is not None
    assert row[0] > 0


def test_behind_a_pooler_nothing_is_prepared(database: Database):
    reader = Reader(database.url("portal_app"), pooled=True)
    for _ in range(8):
        reader(SEEN, {})
    assert reader("SELECT count(*) FROM pg_prepared_statements", {}) == (0,)
    reader.close()


def test_a_connection_that_broke_is_replaced_and_nobody_notices(reader: Reader, database: Database):
    row = reader(PID, {})
    assert row is not None
    cut(database, row[0])
    assert reader("SELECT 1", {}) == (1,)


def test_a_server_that_is_away_is_said_as_the_session_says_it(database: Database):
    away = make_url(database.url("portal_app")).set(query={"host": "/nowhere"})
    with pytest.raises(OperationalError):
        Reader(away)("SELECT 1", {})


def test_a_wrong_statement_leaves_the_connection_fit(reader: Reader):
    before = reader(PID, {})
    with pytest.raises((psycopg.Error, SQLAlchemyError)):
        reader("SELECT 1/%(by)s", {"by": 0})
    assert reader(PID, {}) == before


def test_readers_at_once_have_a_connection_each(reader: Reader):
    slow = "SELECT pg_backend_pid(), pg_sleep(0.2)"
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: reader(slow, {}), range(4)))
    assert len({row[0] for row in found if row}) == 4


def test_attempts_are_counted_beside_a_session_that_worked(fresh_db: Database):
    """Battery I-4: whatever becomes of the request's transaction, the attempt stays counted."""
    engine = make_engine(fresh_db.url("portal_app"))
    marks, keys = [Mark(Scope.LINK, "a link")], Keys((b"k" * 32,), b"p" * 32, "http://x")
    for work in (False, True):
        with tenant_session(engine) as session:
            if work:
                session.execute(text("SELECT 1"))
            assert isinstance(take(session, keys, marks, now=NOW), Allowed)
            session.rollback()
    with tenant_session(engine) as session:
        assert session.scalar(text("SELECT count FROM attempt_counter")) == 2
    engine.dispose()
