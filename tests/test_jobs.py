"""The queue: a job exists exactly if the transaction that wanted it did."""

import asyncio
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from procrastinate.jobs import Job
from sqlalchemy import text

from portal.db import make_engine, tenant_session
from portal.jobs import MAX_RECOVERIES, Backoff, enqueue, enqueue_batch, jobs, run_worker

COUNT = text("SELECT count(id) FROM procrastinate_jobs")
LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def ran():
    """What the tasks of these tests did, in order."""
    log: list[str] = []

    @jobs.task(name="test.note")
    def note(word: str) -> None:
        log.append(word)

    @jobs.task(name="test.fail", retry=Backoff(attempts=2, first_s=3600))
    def fail() -> None:
        log.append("fail")
        raise RuntimeError("on purpose")

    yield log
    for name in ("test.note", "test.fail"):
        del jobs.tasks[name]


@pytest.fixture
def worker_engine(fresh_db):
    engine = make_engine(fresh_db.url("portal_worker"))
    yield engine
    engine.dispose()


def work(fresh_db) -> None:
    address = fresh_db.url("portal_worker")
    asyncio.run(
        run_worker(
            address,
            once=True,
            queues=["default", "mail", "system"],
            listen_notify=False,
            install_signal_handlers=False,
        )
    )


def test_a_rolled_back_transaction_leaves_no_job(session):
    enqueue(session, "test.note", word="never")
    assert session.scalar(COUNT) == 1
    session.rollback()
    assert session.scalar(COUNT) == 0


def test_the_web_may_put_jobs_into_the_queue(session):
    assert isinstance(enqueue(session, "test.note", word="from the web"), int)


def test_a_queueing_lock_keeps_one_waiting_job_and_the_transaction(session):
    first = enqueue(session, "test.note", queueing_lock="one", word="a")
    second = enqueue(session, "test.note", queueing_lock="one", word="b")
    assert first is not None
    assert second is None
    session.commit()
    assert session.scalar(COUNT) == 1


def test_a_batch_is_one_statement_with_one_job_each(session):
    ids = enqueue_batch(session, "test.note", [{"word": str(n)} for n in range(50)], run_at=LATER)
    assert len(set(ids)) == 50
    assert enqueue_batch(session, "test.note", []) == []


def test_a_worker_runs_what_was_committed(fresh_db, worker_engine, ran):
    client_id = uuid4()
    with tenant_session(worker_engine) as session:
        enqueue(session, "test.note", word=client_id)
        enqueue(session, "test.note", word="later", run_at=LATER)
        enqueue(session, "test.note", word="first", priority=10)
        session.commit()
    work(fresh_db)
    assert ran == ["first", str(client_id)]


def test_a_task_can_enqueue_in_its_own_transaction(fresh_db, worker_engine, ran):
    @jobs.task(name="test.chain")
    def chain() -> None:
        with tenant_session(worker_engine) as session:
            enqueue(session, "test.note", word="chained")
            session.commit()

    with tenant_session(worker_engine) as session:
        enqueue(session, "test.chain")
        session.commit()
    work(fresh_db)
    work(fresh_db)
    del jobs.tasks["test.chain"]
    assert ran == ["chained"]


def test_a_failing_job_waits_and_then_fails_for_good(fresh_db, worker_engine, ran):
    states = text("SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = :name")
    due = text("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = :name")
    name = {"name": "test.fail"}
    with tenant_session(worker_engine) as session:
        enqueue(session, "test.fail")
        session.commit()
        work(fresh_db)
        assert session.execute(states, name).one() == ("todo", 1)
        session.execute(due, name)
        session.commit()
        work(fresh_db)
        assert session.execute(states, name).one() == ("failed", 2)


@pytest.mark.parametrize(
    ("attempts", "becomes"), [(0, "todo"), (MAX_RECOVERIES, "failed")], ids=["again", "given up"]
)
def test_the_job_of_a_dead_worker_is_taken_over(fresh_db, worker_engine, attempts, becomes):
    dead = text("""
        WITH worker AS (
            INSERT INTO procrastinate_workers (last_heartbeat)
            VALUES (now() - interval '10 minutes') RETURNING id)
        UPDATE procrastinate_jobs SET status = 'doing', attempts = :attempts,
            worker_id = (SELECT id FROM worker) WHERE task_name = 'test.note'""")
    with tenant_session(worker_engine) as session:
        enqueue(session, "test.note", word="x", run_at=LATER)
        session.execute(dead, {"attempts": attempts})
        enqueue(session, "jobs.recover_stalled", timestamp=0)
        session.commit()
        work(fresh_db)
        state = text("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'test.note'")
        assert session.scalar(state) == becomes


@pytest.mark.parametrize(("was", "again"), [("failed", True), ("cancelled", False)])
def test_a_job_that_failed_is_queued_again_when_an_operator_asks(
    fresh_db, worker_engine, was, again
):
    ended = text("UPDATE procrastinate_jobs SET status = :was WHERE task_name = 'test.note'")
    with tenant_session(worker_engine) as session:
        job = enqueue(session, "test.note", word="x", run_at=LATER)
        session.execute(ended, {"was": was})
        enqueue(session, "jobs.retry_failed", job_id=job)
        session.commit()
        work(fresh_db)
        tried = text("SELECT attempts FROM procrastinate_jobs WHERE task_name = 'test.note'")
        assert (session.scalar(tried) > 0) is again


def test_a_stopping_worker_shows_that_it_lives_while_it_finishes(fresh_db, worker_engine):
    """Else its jobs would count as stalled, and a second worker would run them again."""
    started, finish = threading.Event(), threading.Event()

    @jobs.task(name="test.long")
    def long() -> None:
        started.set()
        finish.wait(20)

    def beat(session) -> datetime:
        return session.scalar(text("SELECT last_heartbeat FROM procrastinate_workers"))

    async def stop_while_it_works() -> bool:
        worker = asyncio.create_task(
            run_worker(
                fresh_db.url("portal_worker"),
                install_signal_handlers=False,
                update_heartbeat_interval=0.1,
                listen_notify=False,
            )
        )
        await asyncio.to_thread(started.wait, 20)
        worker.cancel()
        await asyncio.sleep(0.3)
        with tenant_session(worker_engine) as session:
            before = beat(session)
        await asyncio.sleep(0.5)
        with tenant_session(worker_engine) as session:
            after = beat(session)
        finish.set()
        with suppress(asyncio.CancelledError):
            await worker
        return after > before

    with tenant_session(worker_engine) as session:
        enqueue(session, "test.long")
        session.commit()
    lived = asyncio.run(stop_while_it_works())
    del jobs.tasks["test.long"]
    assert lived
    with tenant_session(worker_engine) as session:
        states = session.scalars(
            text("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'test.long'")
        )
        assert states.all() == ["succeeded"]


def test_old_jobs_go_and_failed_ones_stay(fresh_db, worker_engine):
    old = text("UPDATE procrastinate_jobs SET status = CAST(:status AS procrastinate_job_status)")
    age = text("UPDATE procrastinate_events SET at = now() - interval '30 days'")
    for status in ("succeeded", "failed"):
        with tenant_session(worker_engine) as session:
            session.execute(text("DELETE FROM procrastinate_jobs"))
            enqueue(session, "test.note", word=status)
            session.execute(old, {"status": "doing"})
            session.execute(old, {"status": status})
            session.execute(age)
            enqueue(session, "jobs.delete_old", timestamp=0)
            session.commit()
            work(fresh_db)
            left = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'test.note'")
            assert session.scalar(left) == (status == "failed")


def test_the_wait_doubles_up_to_its_cap_and_ends():
    strategy = Backoff(attempts=6, first_s=10, cap_s=60)
    before = datetime.now(UTC)
    waits = []
    for attempts in range(6):
        job = Job(queue="q", lock=None, queueing_lock=None, task_name="t", attempts=attempts, id=17)
        decision = strategy.get_retry_decision(exception=RuntimeError(), job=job)
        waits.append(decision and round((decision.retry_at - before) / timedelta(seconds=1)))
    assert waits == [10, 20, 40, 60, 60, None]
