"""A rehearsal goes on by itself, batch by batch, and says so where it was given up."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select, text

from portal import tasks
from portal.db import make_engine, make_sessions, set_hook, tenant_session
from portal.domain.policy import Policy
from portal.gateways.clock import SetClock
from portal.models import Rehearsal, RehearsalStatus, Role, Staff, fresh_id
from portal.runtime import Runtime, build_runtime
from portal.services import rehearsals
from tests.databases import Database
from tests.factories import NOW, make_account, make_client, make_debtor
from tests.test_campaign_job import work

PEOPLE = 5
CLEO = Staff(id=fresh_id(), email="cleo@northgate.example", name="Cleo", role=Role.CLIENT_ADMIN)


@pytest.fixture
def client_id(fresh_db: Database) -> UUID:
    """Five open accounts, and a rehearsal that Cleo has asked for."""
    engine = make_engine(fresh_db.url("portal_app"))
    with tenant_session(engine) as session:
        client = make_client(session)
        for _ in range(PEOPLE):
            make_account(session, make_debtor(session, client))
        rehearsals.ask(session, client.id, Policy(1, "USD"), staff=CLEO, now=NOW)
        session.commit()
    engine.dispose()
    return client.id


@pytest.fixture
def runtime(fresh_db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A worker that counts two accounts at a time."""
    monkeypatch.setattr(rehearsals, "BATCH", 2)
    sessions = make_sessions(make_engine(fresh_db.url("portal_worker")))
    built = build_runtime(fresh_db.settings, worker=True)
    runtime = replace(built, clock=SetClock(NOW), sessions=sessions)
    tasks.use(runtime)
    yield runtime
    tasks.use(None)
    set_hook(None)
    sessions.kw["bind"].dispose()
    built.sessions.kw["bind"].dispose()


def told(runtime: Runtime, client_id: UUID) -> tuple[RehearsalStatus, int, list[str]]:
    """How far the rehearsal is, and what the record says of it."""
    types = "SELECT type FROM leaf WHERE type LIKE 'policy.rehears%' ORDER BY n"
    with tenant_session(runtime.sessions, [client_id]) as session:
        found = session.scalars(select(Rehearsal)).one()
        return found.status, found.done, list(session.scalars(text(types)))


def fail_at(batch: int, *, always: bool) -> None:
    """Break off when this batch is about to be committed."""
    seen: list[str] = []

    def fail(name: str) -> None:
        if name == "before rehearsal.batch":
            seen.append(name)
            if len(seen) == batch or (always and len(seen) > batch):
                raise RuntimeError("a bug")

    set_hook(fail)


def test_a_batch_that_breaks_off_is_counted_again_and_the_rest_follows(
    fresh_db: Database, client_id: UUID, runtime: Runtime
):
    fail_at(2, always=False)
    reached = []
    for _ in range(6):
        work(fresh_db, "default")
        reached.append(told(runtime, client_id)[1])
    assert sorted(reached) == reached
    assert (reached[0], reached[-1]) == (2, PEOPLE)
    asked = ["policy.rehearsal_asked"]
    expected = (RehearsalStatus.COMPLETED, PEOPLE, [*asked, "policy.rehearsed"])
    assert told(runtime, client_id) == expected


def test_a_rehearsal_that_fails_each_time_is_given_up_on_the_record(
    fresh_db: Database, client_id: UUID, runtime: Runtime
):
    fail_at(2, always=True)
    for _ in range(1 + tasks.REHEARSAL.attempts):
        work(fresh_db, "default")
    types = ["policy.rehearsal_asked", "policy.rehearsal_interrupted"]
    assert told(runtime, client_id) == (RehearsalStatus.INTERRUPTED, 2, types)
