"""Sessions: what a tenant sees, and the named points around a commit."""

from uuid import UUID

import pytest
from sqlalchemy import text

from portal import db
from portal.db import commit, hook, make_engine, make_sessions, set_hook, set_tenant, tenant_session

SEEN = text("SELECT current_setting('app.client_ids', true)")
ROW = text("INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp) VALUES ('x', 1)")
ROWS = text("SELECT count(*) FROM procrastinate_periodic_defers")
CLEO, OTHER = UUID(int=1), UUID(int=2)


def seen(session) -> str:
    return session.execute(SEEN).scalar_one()


def test_a_session_names_its_clients_in_every_transaction(engine):
    with tenant_session(engine, [CLEO, OTHER]) as session:
        assert seen(session) == f"{{{CLEO},{OTHER}}}"
        session.commit()
        assert seen(session) == f"{{{CLEO},{OTHER}}}"


def test_a_session_without_clients_names_none(engine):
    with tenant_session(engine) as session:
        assert seen(session) in (None, "")


def test_the_next_transaction_on_the_connection_starts_without_a_client(engine):
    with engine.connect() as connection:
        with tenant_session(make_sessions(connection), [CLEO]) as session:
            assert seen(session) != "{}"
            session.commit()
        assert connection.execute(SEEN).scalar_one() in (None, "")


def test_the_tenant_can_change_inside_a_transaction(engine):
    with tenant_session(engine) as session:
        assert seen(session) in (None, "")
        set_tenant(session, CLEO)
        assert seen(session) == f"{{{CLEO}}}"


def test_a_savepoint_keeps_the_tenant(engine):
    with tenant_session(engine, [CLEO]) as session:
        with session.begin_nested():
            assert seen(session) == f"{{{CLEO}}}"
        assert seen(session) == f"{{{CLEO}}}"


def test_what_nobody_commits_is_rolled_back(fresh_db):
    engine = make_engine(fresh_db.url("portal_worker"))
    with tenant_session(engine) as session:
        session.execute(ROW)
    with tenant_session(engine) as session:
        assert session.scalar(ROWS) == 0
        session.execute(ROW)
        session.commit()
    with tenant_session(engine) as session:
        assert session.scalar(ROWS) == 1
    engine.dispose()


@pytest.fixture(autouse=True)
def _nobody_listens_afterwards():
    yield
    set_hook(None)


def test_a_commit_passes_two_named_points(session):
    points: list[str] = []
    set_hook(points.append)
    commit(session, "payment.opened")
    hook("stripe.asked")
    set_hook(None)
    hook("nobody listens")
    assert points == ["before payment.opened", "after payment.opened", "stripe.asked"]


def test_a_crash_before_the_commit_leaves_nothing(fresh_db):
    engine = make_engine(fresh_db.url("portal_worker"))

    def crash(name: str) -> None:
        raise RuntimeError(name)

    set_hook(crash)
    with tenant_session(engine) as session:
        session.execute(ROW)
        with pytest.raises(RuntimeError, match="before it"):
            commit(session, "it")
    with tenant_session(engine) as session:
        assert session.scalar(ROWS) == 0
    engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_an_address_means_the_same_driver(scheme: str):
    url = f"{scheme}://u:word@h/d"
    assert db.driver_url(url).drivername == "postgresql+psycopg"
    assert db.conninfo(url) == "postgresql://u:word@h/d"


def test_behind_a_pooler_nothing_is_prepared(database):
    engine = make_engine(database.url("portal_app"), pooled=True)
    with engine.connect() as connection:
        assert connection.connection.driver_connection.prepare_threshold is None
    engine.dispose()
