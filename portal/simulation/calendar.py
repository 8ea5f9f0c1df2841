"""The jobs of a simulated day: what cron would have started, and the queue worked off in process.

The periodic jobs come from the queue's own registry, so one that is added runs here unasked.
"""

import inspect
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from procrastinate import JobContext, utils
from procrastinate.jobs import Job
from procrastinate.tasks import Task
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.jobs import jobs
from portal.runtime import Runtime

log = logging.getLogger(__name__)

SELDOM = {
    "evidence.look_over_new_all": timedelta(days=14),
    "evidence.look_over_all": timedelta(days=60),
}
"""Jobs that only look whether the record holds run this seldom: the end checks all of it."""
OFTEN = timedelta(minutes=15)
BATCH = 200
_TAKE = text("""
    UPDATE procrastinate_jobs SET status = 'doing' WHERE id IN (
      SELECT id FROM procrastinate_jobs
      WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= :now)
      ORDER BY priority DESC, id LIMIT :most)
    RETURNING id, task_name, args, attempts, priority, queue_name, lock, queueing_lock""")
_READY = text("""
    SELECT EXISTS (SELECT FROM procrastinate_jobs
      WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= :now))""")
_DONE = text("DELETE FROM procrastinate_jobs WHERE id = ANY(:ids)")
_FAILED = text("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = :id")
_AGAIN = text("""
    UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1, scheduled_at = :at
    WHERE id = :id""")


class Calendar:
    """The scheduler and the worker of a simulation.

    The queue's own housekeeping is left out: it goes by the machine's clock.
    """

    def __init__(self, runtime: Runtime, start: datetime) -> None:
        jobs.perform_import_paths()  # type: ignore[no-untyped-call]
        self._runtime, self._start = runtime, start
        self._since: dict[str, datetime] = {}
        self._periodic = [
            (one.task, one.croniter)
            for one in jobs.periodic_registry.periodic_tasks.values()
            if not inspect.iscoroutinefunction(one.task.func)
        ]
        self._seldom = dict.fromkeys(SELDOM, start)
        self.ran: Counter[str] = Counter()
        self.given_up: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def work(self, *, only_often: bool = False) -> None:
        """Start what cron has started since the last time, each job once, and empty the queue.

        ``only_often``: no job that cron starts more seldom than each quarter of an hour.
        """
        now = self._runtime.clock.now()
        for task in self._due(now, only_often=only_often):
            self._run(task, {"timestamp": int(now.timestamp())})
        self.drain()

    def _due(self, now: datetime, *, only_often: bool) -> Iterator[Task[..., Any, Any]]:
        fired = []
        for task, cron in self._periodic:
            at = cron.get_prev(datetime, start_time=now)
            often = at - cron.get_prev(datetime) <= OFTEN
            due = at > self._since.get(task.name, self._start)
            if due and (often or not only_often) and self._is_time(task.name, now):
                self._since[task.name] = now
                fired.append((at, task.name, task))
        for _, _, task in sorted(fired, key=lambda one: one[:2]):
            yield task

    def _is_time(self, name: str, now: datetime) -> bool:
        if name not in SELDOM:
            return True
        if now - self._seldom[name] < SELDOM[name]:
            return False
        self._seldom[name] = now
        return True

    def is_ready(self) -> bool:
        """Whether a job waits whose time has come."""
        with self._runtime.sessions() as session:
            return bool(session.scalar(_READY, {"now": self._runtime.clock.now()}))

    def drain(self) -> None:
        """Run every job that is ready, and those that they bring, until none is left."""
        while batch := self._take():
            done = [job.id for job in batch if self._perform(job)]
            with self._runtime.sessions() as session:
                session.execute(_DONE, {"ids": done})
                session.commit()

    def _take(self) -> list[Job]:
        with self._runtime.sessions() as session:
            wanted = {"now": self._runtime.clock.now(), "most": BATCH}
            rows = session.execute(_TAKE, wanted).mappings().all()
            session.commit()
        ordered = sorted(rows, key=lambda row: (-row["priority"], row["id"]))
        return [Job.from_row({**row, "status": "doing", "scheduled_at": None}) for row in ordered]

    def _perform(self, job: Job) -> bool:
        """Whether the job is over and done; one that failed waits for its next try, or stays."""
        task = jobs.tasks[job.task_name]
        try:
            self._run(task, job.task_kwargs, job)
        except Exception as error:  # as a worker does: the job is tried again, or given up
            try:
                with self._runtime.sessions() as session:
                    self._put_back(session, task, job, error)
                    session.commit()
            except IntegrityError:  # its twin waits already and does the same
                return True
            return False
        return True

    def _put_back(
        self, session: Session, task: Task[..., Any, Any], job: Job, error: Exception
    ) -> None:
        strategy = task.retry_strategy
        decision = strategy.get_retry_decision(exception=error, job=job) if strategy else None
        if decision is None or decision.retry_at is None:
            self.given_up[job.task_name] += 1
            log.error("Job %s was given up", job.task_name, exc_info=error)
            session.execute(_FAILED, {"id": job.id})
            return
        wait = round((decision.retry_at - utils.utcnow()).total_seconds())
        at = self._runtime.clock.now() + timedelta(seconds=wait)
        session.execute(_AGAIN, {"id": job.id, "at": at})

    def _run(
        self, task: Task[..., Any, Any], given: dict[str, Any], job: Job | None = None
    ) -> None:
        began = time.perf_counter()
        if task.pass_context and job is not None:
            context = JobContext(
                app=jobs, job=job, start_timestamp=began, abort_reason=lambda: None
            )
            task.func(context, **given)
        else:
            task.func(**given)
        self.ran[task.name] += 1
        self.seconds[task.name] += time.perf_counter() - began
