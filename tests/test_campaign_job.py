"""A campaign that is cut off goes on by itself, and nobody is written to twice (CT-05)."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select, text

from portal import tasks
from portal.db import conninfo, make_engine, make_sessions, set_hook, tenant_session
from portal.embedded import PROJECT
from portal.gateways.clock import SetClock
from portal.jobs import enqueue, run_worker
from portal.models import Campaign, Debtor, Message, fresh_id
from portal.runtime import Runtime, build_runtime
from portal.services import campaign_audience
from portal.services.campaign_control import Plan, draw_up, resume, schedule, send_soon
from tests.databases import Database
from tests.factories import NOW, make_account, make_client, make_contact, make_debtor

PEOPLE = 5
SAM = fresh_id()
DYING = f"""
import os, signal
from portal import db
from portal.cli import main
from portal.services import campaign_audience

def die(name):
    if name == "after campaign.batch":
        os.kill(os.getpid(), signal.{signal.SIGKILL.name})

campaign_audience.BATCH = 2
db.set_hook(die)
main(["worker", "--once", "--queues", "messages"])
"""


@pytest.fixture
def client_id(fresh_db: Database) -> UUID:
    """Five people who can be written to, and a campaign that Sam has asked for."""
    engine = make_engine(fresh_db.url("portal_app"))
    with tenant_session(engine) as session:
        client = make_client(session)
        for _ in range(PEOPLE):
            debtor = make_debtor(session, client)
            make_contact(session, debtor)
            make_account(session, debtor)
        campaign = draw_up(session, client.id, Plan(name="May"), by=SAM, now=NOW)
        schedule(session, campaign, None, by=SAM, now=NOW)
        session.commit()
    engine.dispose()
    return client.id


@pytest.fixture
def runtime(fresh_db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A worker that sends to two people at a time, on connections that can be told apart."""
    monkeypatch.setattr(campaign_audience, "BATCH", 2)
    named = {"connect_args": {"application_name": "campaign"}}
    sessions = make_sessions(make_engine(fresh_db.url("portal_worker"), **named))
    built = build_runtime(fresh_db.settings, worker=True)
    runtime = replace(built, clock=SetClock(NOW), sessions=sessions)
    tasks.use(runtime)
    yield runtime
    tasks.use(None)
    set_hook(None)
    sessions.kw["bind"].dispose()
    built.sessions.kw["bind"].dispose()


def work(fresh_db: Database, queue: str = "messages") -> None:
    """Do whatever waits in a queue, at whatever hour it was put off to."""
    with psycopg.connect(conninfo(fresh_db.url("portal_worker"))) as connection:
        connection.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL")
    given: dict[str, Any] = {"listen_notify": False, "install_signal_handlers": False}
    address = fresh_db.url("portal_worker")
    with ThreadPoolExecutor(1) as pool:  # a browser's tests leave a loop behind in this one
        worker = run_worker(address, once=True, queues=[queue], **given)
        pool.submit(asyncio.run, worker).result()


def jobs_of(runtime: Runtime) -> Counter[str]:
    """How many jobs of campaigns are in each state."""
    asked = "SELECT status::text FROM procrastinate_jobs WHERE task_name = 'messages.send_links'"
    with tenant_session(runtime.sessions) as session:
        return Counter(session.scalars(text(asked)))


def sent(runtime: Runtime, client_id: UUID) -> Campaign:
    """The client's campaign as its page tells it; everybody has at most one message."""
    with tenant_session(runtime.sessions, [client_id]) as session:
        each = Counter(session.scalars(select(Message.debtor_id)))
        assert set(each.values()) <= {1}
        assert set(each) <= set(session.scalars(select(Debtor.id)))
        return session.scalars(select(Campaign)).one()


def cut_at(fresh_db: Database, batch: int, *, meanwhile: Any = None) -> None:
    """Let PostgreSQL end the campaign's connection when this batch is about to be committed."""
    seen: list[str] = []

    def cut(name: str) -> None:
        if name != "before campaign.batch":
            return
        seen.append(name)
        if len(seen) == batch:
            if meanwhile:
                meanwhile()
            end = """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'campaign' AND datname = current_database()"""
            with psycopg.connect(conninfo(fresh_db.admin)) as admin:
                admin.execute(end)

    set_hook(cut)


def test_a_worker_that_dies_between_two_batches_is_relieved(
    fresh_db: Database, client_id: UUID, runtime: Runtime
):
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "DATABASE_URL": fresh_db.url("portal_app"),
        "WORKER_DATABASE_URL": fresh_db.url("portal_worker"),
    }
    died = subprocess.run([sys.executable, "-c", DYING], env=environ, check=False)
    assert died.returncode == -signal.SIGKILL
    assert sent(runtime, client_id).goes == 2
    assert jobs_of(runtime) == {"doing": 1}
    with tenant_session(runtime.sessions) as session:
        long_ago = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '9 minutes'"
        session.execute(text(long_ago))
        enqueue(session, "jobs.recover_stalled", timestamp=0)
        session.commit()
    work(fresh_db, "system")
    work(fresh_db)
    campaign = sent(runtime, client_id)
    assert (campaign.goes, campaign.held) == (PEOPLE, {})
    assert jobs_of(runtime) == {"succeeded": 1}


def test_a_database_that_goes_away_lets_the_campaign_wait_and_go_on(
    fresh_db: Database, client_id: UUID, runtime: Runtime
):
    cut_at(fresh_db, 2)
    work(fresh_db)
    assert jobs_of(runtime) == {"todo": 1}
    assert sent(runtime, client_id).goes == 2
    work(fresh_db)
    campaign = sent(runtime, client_id)
    assert (campaign.goes, campaign.held, campaign.cut_off_at) == (PEOPLE, {}, None)
    assert jobs_of(runtime) == {"succeeded": 1}


def test_where_a_second_job_of_it_waits_already_that_one_goes_on(
    fresh_db: Database, client_id: UUID, runtime: Runtime
):
    """A job that waits for its retry beside a twin would run for ever."""

    def take_up_again() -> None:
        with tenant_session(runtime.sessions, [client_id]) as session:
            send_soon(session, session.scalars(select(Campaign)).one())
            session.commit()

    cut_at(fresh_db, 2, meanwhile=take_up_again)
    work(fresh_db)
    assert jobs_of(runtime) == {"failed": 1, "todo": 1}
    work(fresh_db)
    assert jobs_of(runtime) == {"failed": 1, "succeeded": 1}
    assert sent(runtime, client_id).goes == PEOPLE


def test_a_campaign_that_fails_each_time_is_paused_and_goes_on_when_its_client_says_so(
    fresh_db: Database, client_id: UUID, runtime: Runtime
):
    def fail(name: str) -> None:
        if name == "before campaign.batch":
            raise RuntimeError("a bug")

    set_hook(fail)
    for _ in range(tasks.CAMPAIGN.attempts):
        assert sent(runtime, client_id).cut_off_at is None
        work(fresh_db)
    assert jobs_of(runtime) == {"failed": 1}
    campaign = sent(runtime, client_id)
    assert (campaign.goes, campaign.status, campaign.cut_off_at) == (0, "paused", NOW)
    set_hook(None)
    with tenant_session(runtime.sessions, [client_id]) as session:
        resume(session, session.scalars(select(Campaign)).one(), by=SAM, now=NOW)
        session.commit()
    work(fresh_db)
    assert sent(runtime, client_id).goes == PEOPLE
