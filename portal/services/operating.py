"""What an operator looks at: clients, jobs, webhooks and what was sent, in numbers.

Jobs and events are answered by functions of the database that tell an operator alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, func, literal, select, text, tuple_
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.deliveries import Fate
from portal.domain.statuses import AccountStatus, MessageStatus
from portal.jobs import STALLED_S, enqueue
from portal.models import Account, Client, Delivery, Message, Noted, OfferPolicy, Staff
from portal.services.inbox import MAX_ATTEMPTS
from portal.services.staff_events import note

A_DAY = timedelta(days=1)
SHOWN = 50
CLIENTS = 50
"""On one page."""
MOST_COUNTED = 10_000
"""Counting the accounts of one client stops here."""
WAITING = (MessageStatus.QUEUED, MessageStatus.DEFERRED, MessageStatus.SENDING)


class RetryWaits(DomainError):
    """A job is asked for again once."""

    message = N_("Somebody asked for this already. It is tried again in a moment.")


@dataclass(frozen=True, slots=True)
class ClientState:
    """A client with how many of its accounts are open, and whether limits are in force.

    ``accounts`` are counted up to ``MOST_COUNTED``.
    """

    client: Client
    accounts: int
    has_limits: bool


@dataclass(frozen=True, slots=True)
class Sending:
    """What became of the messages of one channel in the last day, and what waits now."""

    channel: str
    sent: int
    bounced: int
    failed: int
    waiting: int


def client_states(session: Session, *, after: UUID | None = None) -> list[ClientState]:
    """A page of the clients that the session sees and one more, by name; ``after`` goes on."""
    live = (Account.client_id == Client.id, Account.status == AccountStatus.OPEN)
    some = select(literal(1)).where(*live).limit(MOST_COUNTED).correlate(Client).subquery()
    accounts = select(func.count()).select_from(some).scalar_subquery()
    limits = exists().where(OfferPolicy.client_id == Client.id)
    query = select(Client, accounts, limits)
    if after is not None and (last := session.get(Client, after)) is not None:
        query = query.where(tuple_(Client.trade_name, Client.id) > (last.trade_name, last.id))
    rows = session.execute(
        query.where(Client.id.in_(tuple(session.info["client_ids"])))
        .order_by(Client.trade_name, Client.id)
        .limit(CLIENTS + 1)
    )
    return [ClientState(*row) for row in rows]


def jobs_by_task(session: Session) -> Sequence[Row[Any]]:
    """How many jobs of each task wait, run, are stalled or failed; since when the oldest waits."""
    asked = text("SELECT * FROM operator_jobs(:silent)")
    return session.execute(asked, {"silent": timedelta(seconds=STALLED_S)}).all()


def failed_jobs(session: Session) -> Sequence[Row[Any]]:
    """The newest jobs that failed for good."""
    return session.execute(text("SELECT * FROM operator_failed_jobs(:most)"), {"most": SHOWN}).all()


def workers(session: Session) -> Sequence[Row[Any]]:
    """The workers that are known, by when they were last heard of."""
    return session.execute(text("SELECT * FROM operator_workers()")).all()


def failed_job(session: Session, job_id: int) -> Row[Any] | None:
    """One of the newest jobs that failed for good."""
    return next((one for one in failed_jobs(session) if one.job_id == job_id), None)


def retry_job(session: Session, job: Row[Any], *, staff: Staff, now: datetime) -> None:
    """Have a failed job tried again, and keep who wanted that. The caller commits.

    A task does the same however often it runs. Raises RetryWaits.
    """
    lock = f"jobs.retry_failed:{job.job_id}"
    if enqueue(session, "jobs.retry_failed", job_id=job.job_id, queueing_lock=lock) is None:
        raise RetryWaits
    number, task = str(job.job_id), str(job.task_name)
    note(session, Noted.JOB_RETRIED, staff=staff.id, now=now, job_id=number, task=task)


def webhooks(session: Session, *, now: datetime) -> Row[Any]:
    """Stripe's events: the newest, those of the last day, and what of them was not taken over."""
    asked = text("SELECT * FROM operator_webhooks(:since, :most)")
    return session.execute(asked, {"since": now - A_DAY, "most": MAX_ATTEMPTS}).one()


def sendings(session: Session, *, now: datetime) -> list[Sending]:
    """What left in the last day and what waits, by channel, over all clients that are seen."""
    mine, since = Message.client_id.in_(session.info["client_ids"]), now - A_DAY
    of_today = select(
        Message.channel,
        func.count().filter(Message.sent_at > since),
        func.count().filter(Message.status == MessageStatus.FAILED, Message.created_at > since),
        func.count().filter(Message.status.in_(WAITING)),
    )
    recent = (Message.created_at > since) | (Message.sent_at > since)
    rows = session.execute(
        of_today.where(mine, recent | Message.status.in_(WAITING))
        .group_by(Message.channel)
        .order_by(Message.channel)
    )
    bounced = _bounced(session, since)
    return [
        Sending(channel, sent, bounced.get(channel, 0), failed, waiting)
        for channel, sent, failed, waiting in rows
    ]


def _bounced(session: Session, since: datetime) -> dict[str, int]:
    query = (
        select(Message.channel, func.count(Message.id.distinct()))
        .join(
            Delivery,
            (Delivery.client_id == Message.client_id) & (Delivery.message_id == Message.id),
        )
        .where(
            Delivery.client_id.in_(session.info["client_ids"]),
            Delivery.received_at > since,
            Delivery.kind == Fate.BOUNCED,
        )
        .group_by(Message.channel)
    )
    return {channel: number for channel, number in session.execute(query)}
