"""Pages that only read: the tenant of the connection, before and after the session's own work.

These really end their transactions on a pool of one connection, so that whatever one reader left
behind, the next would see.
"""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from portal.db import PortalSession, conninfo, make_engine, read_row, set_tenant, tenant_session
from portal.domain.keys import Keys
from portal.services.attempts import Allowed, Mark, Scope, take
from tests.factories import NOW
from tests.statements import statements

ROW = "INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp) VALUES ('x', 1)"
SEEN = "SELECT current_setting('app.client_ids', true)"
SCOPE = "SELECT set_config('app.client_ids', %(ids)s, true)"
CLEO, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture
def engine(database) -> Iterator[Engine]:
    """A pool of one connection, so that readers follow each other on it."""
    engine = make_engine(database.url("portal_app"), pool_size=1, max_overflow=0, pool_timeout=2)
    yield engine
    engine.dispose()


def seen(session: PortalSession) -> str:
    row = read_row(session, SEEN, {})
    assert row is not None
    return row[0] or ""


def let_in(session: PortalSession, client_id: UUID) -> None:
    read_row(session, SCOPE, {"ids": f"{{{client_id}}}"})
    session.scoped_to(client_id)


def test_one_connection_and_one_transaction_serve_reading_and_work(engine: Engine):
    with tenant_session(engine) as session:
        let_in(session, CLEO)
        here = read_row(session, "SELECT pg_backend_pid(), now()", {})
        there = session.execute(text("SELECT pg_backend_pid(), now()")).one()
        assert here == tuple(there)


def test_work_after_reading_keeps_the_scope_without_asking_again(engine: Engine):
    with tenant_session(engine) as session:
        let_in(session, CLEO)
        with statements() as said:
            assert session.execute(text(SEEN)).scalar_one() == f"{{{CLEO}}}"
        assert not [one for one in said if "set_config" in one]
        session.commit()
        assert session.execute(text(SEEN)).scalar_one() == f"{{{CLEO}}}"
        assert seen(session) == f"{{{CLEO}}}"


def test_reading_right_after_a_commit_has_its_scope(engine: Engine):
    with tenant_session(engine) as session:
        let_in(session, CLEO)
        session.execute(text("SELECT 1"))
        session.commit()
        assert seen(session) == f"{{{CLEO}}}"


def test_a_commit_ends_a_transaction_that_only_read(engine: Engine):
    with tenant_session(engine) as session:
        let_in(session, CLEO)
        held = session.driver()
        assert held.info.transaction_status == TransactionStatus.INTRANS
        session.commit()
        assert held.info.transaction_status == TransactionStatus.IDLE
        assert seen(session) == f"{{{CLEO}}}", "what is read next has its scope"
    with tenant_session(engine) as session:
        assert seen(session) == ""


def test_the_next_reader_on_the_connection_sees_no_client(engine: Engine):
    with tenant_session(engine) as session:
        let_in(session, CLEO)
        assert seen(session) == f"{{{CLEO}}}"
    with tenant_session(engine) as session:
        assert seen(session) == ""


def test_a_session_that_names_its_clients_reads_in_their_scope(engine: Engine):
    with tenant_session(engine, [OTHER]) as session:
        assert seen(session) == f"{{{OTHER}}}"


def test_the_tenant_may_change_between_two_readings(engine: Engine):
    with tenant_session(engine) as session:
        let_in(session, CLEO)
        set_tenant(session, OTHER)
        assert seen(session) == f"{{{OTHER}}}"
    with tenant_session(engine) as session:
        let_in(session, CLEO)
        set_tenant(session)
        assert seen(session) in ("", "{}")


def test_work_that_nobody_commits_is_rolled_back_though_it_began_with_a_reading(fresh_db):
    engine = make_engine(fresh_db.url("portal_worker"), pool_size=1, max_overflow=0)
    for _ in range(2):
        with tenant_session(engine) as session:
            count = read_row(session, "SELECT count(*) FROM procrastinate_periodic_defers", {})
            assert count == (0,)
            session.execute(text(ROW))
    engine.dispose()


def test_what_a_page_reads_is_prepared_once(engine: Engine):
    for _ in range(8):
        with tenant_session(engine) as session:
            let_in(session, CLEO)
    with tenant_session(engine) as session:
        row = read_row(session, "SELECT count(*) FROM pg_prepared_statements", {})
    assert row is not None
    assert row[0] > 0


def test_a_connection_that_broke_is_replaced(engine: Engine):
    with tenant_session(engine) as session:
        pid = read_row(session, "SELECT pg_backend_pid()", {})
        assert pid is not None
        with psycopg.connect(conninfo(engine.url)) as it:
            it.execute("SELECT pg_terminate_backend(%s)", pid)
        with pytest.raises(OperationalError):
            read_row(session, "SELECT 1", {})
        assert read_row(session, "SELECT 1", {}) == (1,)
    with tenant_session(engine) as session:
        assert read_row(session, "SELECT 1", {}) == (1,)


def test_a_connection_that_broke_after_the_last_reading_hurts_nobody(engine: Engine):
    with tenant_session(engine) as session:
        pid = read_row(session, "SELECT pg_backend_pid()", {})
        assert pid is not None
        with psycopg.connect(conninfo(engine.url)) as it:
            it.execute("SELECT pg_terminate_backend(%s)", pid)
    with tenant_session(engine) as session:
        assert read_row(session, "SELECT 1", {}) == (1,)


def test_attempts_are_counted_beside_a_session_that_only_read(fresh_db):
    """Battery I-4: whatever becomes of the request's transaction, the attempt stays counted."""
    engine = make_engine(fresh_db.url("portal_app"))
    marks, keys = [Mark(Scope.LINK, "a link")], Keys((b"k" * 32,), b"p" * 32, "http://x")
    for work in (False, True):
        with tenant_session(engine) as session:
            let_in(session, CLEO)
            if work:
                session.execute(text("SELECT 1"))
            assert isinstance(take(session, keys, marks, now=NOW), Allowed)
            session.rollback()
    with tenant_session(engine) as session:
        assert session.scalar(text("SELECT count FROM attempt_counter")) == 2
    engine.dispose()
