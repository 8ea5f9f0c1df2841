"""The job queue: Procrastinate in the portal's own database.

A job is put into the queue by ``enqueue`` in the caller's transaction: it exists exactly if the
rows it speaks of do. A job runs at least once, so every task is idempotent.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from procrastinate import (
    App,
    BaseRetryStrategy,
    JobContext,
    PsycopgConnector,
    RetryDecision,
    SyncPsycopgConnector,
    exceptions,
    utils,
)
from procrastinate.jobs import Job, JobDeferrer, Status
from procrastinate.manager import JobManager
from procrastinate.worker import Worker
from sqlalchemy import URL
from sqlalchemy.orm import Session

from portal.db import conninfo, psycopg_connection

log = logging.getLogger(__name__)

HEARTBEAT_S = 10.0
GRACEFUL_S = 30.0
# Longer than a graceful end and two heartbeats, else a draining job would run a second time.
STALLED_S = 60.0
MAX_RECOVERIES = 5
KEEP_HOURS = 7 * 24


class DrainWorker(Worker):
    """A worker that keeps its heartbeat while it finishes its jobs, so nobody takes them over.

    A job that is to be tried again ends instead where another with its lock waits already, which
    does the same; Procrastinate's own worker would leave it running for ever.
    """

    async def _persist_job_status(self, *given: Any, **named: Any) -> None:
        try:
            await super()._persist_job_status(*given, **named)
        except exceptions.UniqueViolation:
            await super()._persist_job_status(*given, **named | {"retry_decision": None})

    async def _shutdown(self, side_tasks: list[Any]) -> None:
        heartbeat = [task for task in side_tasks if task.get_name() == "update_heartbeats"]
        others = [task for task in side_tasks if task not in heartbeat]
        await utils.cancel_and_capture_errors(others)
        try:
            await super()._shutdown(side_tasks=[])
        finally:
            await utils.cancel_and_capture_errors(heartbeat)


class Jobs(App):
    """The queue and the tasks registered on it."""

    def _worker(self, **options: Any) -> Worker:
        return DrainWorker(app=self, **{**self.worker_defaults, **options})


jobs = Jobs(
    connector=PsycopgConnector(),
    import_paths=[
        "portal.tasks",
        "portal.plan_tasks",
        "portal.evidence_tasks",
        "portal.staff_tasks",
    ],
    worker_defaults={
        "concurrency": 4,
        "shutdown_graceful_timeout": GRACEFUL_S,
        "update_heartbeat_interval": HEARTBEAT_S,
        "stalled_worker_timeout": STALLED_S,
    },
)

# Never opened: it only knows the queue's SQL. Inside a worker the queue's own connector is
# asynchronous and cannot use the connection of a session.
_manager = JobManager(SyncPsycopgConnector())


class Backoff(BaseRetryStrategy):
    """Try again after ``first_s`` seconds, then twice as long each time, up to ``cap_s``.

    A few per cent differ from job to job, so that a thousand jobs that failed together do not
    come back together.
    """

    def __init__(self, *, attempts: int, first_s: int, cap_s: int = 3600) -> None:
        self.attempts, self.first_s, self.cap_s = attempts, first_s, cap_s

    def is_last(self, job: Job) -> bool:
        """Whether the job is not tried again if it fails now."""
        return job.attempts + 1 >= self.attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When to run the job again, or never."""
        if self.is_last(job):
            return None
        wait = min(self.first_s * 2**job.attempts, self.cap_s)
        spread = wait * ((job.id or 0) % 17) // 100
        return RetryDecision(retry_in={"seconds": wait + spread})


def enqueue(
    session: Session,
    task_name: str,
    /,
    *,
    queueing_lock: str | None = None,
    priority: int | None = None,
    run_at: datetime | None = None,
    **arguments: object,
) -> int | None:
    """Put a job for the named task into the queue, in the session's own transaction.

    ``queueing_lock``: at most one waiting job with this name; a second call returns None.
    ``run_at``: aware; not before then. Arguments are ids and plain values; a UUID becomes text.
    """
    options = {"queueing_lock": queueing_lock, "priority": priority, "schedule_at": run_at}
    deferrer = _deferrer(session, task_name, options)
    if not deferrer.job.queueing_lock:
        return deferrer.defer(**_plain(arguments))
    try:
        with session.begin_nested():  # a duplicate would end the whole transaction
            deferrer.connection = psycopg_connection(session)  # the savepoint begins here
            return deferrer.defer(**_plain(arguments))
    except exceptions.AlreadyEnqueued:
        return None
    except AssertionError as error:
        # Procrastinate reads the name of the lock from the detail of PostgreSQL's message, which
        # is not shown to a role that may not read the column, nor in English everywhere.
        if not isinstance(error.__context__, psycopg.errors.UniqueViolation):
            raise
        return None


def enqueue_batch(
    session: Session,
    task_name: str,
    /,
    batch: Iterable[Mapping[str, object]],
    *,
    run_at: datetime | None = None,
) -> list[int]:
    """Put one job for each set of arguments into the queue, in one statement."""
    rows = [_plain(arguments) for arguments in batch]
    if not rows:
        return []
    return _deferrer(session, task_name, {"schedule_at": run_at}).batch_defer(*rows)


def _deferrer(session: Session, task_name: str, options: dict[str, Any]) -> JobDeferrer:
    deferrer = jobs.configure_task(task_name, connection=psycopg_connection(session), **options)
    deferrer.job_manager = _manager
    return deferrer


def _plain(arguments: Mapping[str, object]) -> dict[str, Any]:
    return {k: str(v) if isinstance(v, UUID) else v for k, v in arguments.items()}


async def run_worker(url: str | URL, *, once: bool = False, **options: Any) -> None:
    """Work on the queue at this direct address until told to stop.

    ``once``: return when no job is ready. Other options are those of Procrastinate's worker.
    """
    pool = max(4, options.get("concurrency", 4))
    connector = PsycopgConnector(conninfo=conninfo(url), min_size=2, max_size=pool)
    with jobs.replace_connector(connector):
        async with jobs.open_async():
            await jobs.run_worker_async(wait=not once, **options)


@jobs.periodic(cron="* * * * *")
@jobs.task(
    name="jobs.recover_stalled",
    queue="system",
    queueing_lock="jobs.recover_stalled",
    priority=100,
    pass_context=True,
)
async def recover_stalled(context: JobContext, timestamp: int) -> None:
    """Queue the jobs of workers that died again; give up on a job that kills its workers."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
        try:
            await _recover(manager, job)
        except exceptions.UniqueViolation:  # the same job waits already: this one is superseded
            await manager.finish_job(job, status=Status.FAILED, delete_job=False)


async def _recover(manager: JobManager, job: Job) -> None:
    if job.attempts >= MAX_RECOVERIES:
        await manager.finish_job(job, status=Status.FAILED, delete_job=False)
        log.error("Stalled job %s (%s) given up", job.id, job.task_name)
        return
    again_at = datetime.now(UTC) + timedelta(seconds=2**job.attempts)
    await manager.retry_job(job, retry_at=again_at)
    log.warning("Stalled job %s (%s) queued again", job.id, job.task_name)


@jobs.task(name="jobs.retry_failed", queue="system", pass_context=True)
async def retry_failed(context: JobContext, job_id: int) -> None:
    """Queue a job that failed for good again, as an operator asked; any other is left alone."""
    manager = context.app.job_manager
    for job in await manager.list_jobs_async(id=job_id, status=Status.FAILED.value):
        try:
            await manager.retry_job(job)
        except exceptions.UniqueViolation:
            log.info("Job %s (%s) waits already under another number", job.id, job.task_name)


@jobs.periodic(cron="17 3 * * *")
@jobs.task(
    name="jobs.delete_old", queue="system", queueing_lock="jobs.delete_old", pass_context=True
)
async def delete_old(context: JobContext, timestamp: int) -> None:
    """Delete jobs that ended a week ago; the failed stay, business facts have their own tables."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=KEEP_HOURS, include_cancelled=True, include_aborted=True
    )
