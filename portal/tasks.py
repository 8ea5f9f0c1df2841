"""The jobs: each opens a session, calls one service and commits.

Tasks take ids, are idempotent, and work on batches. What they need from outside a job is the
``Runtime`` that the worker (or a test) gives them once.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from uuid import UUID

from procrastinate import JobContext
from sqlalchemy.orm import Session

from portal.db import commit, set_tenant
from portal.jobs import Backoff, enqueue, jobs
from portal.runtime import Runtime
from portal.services import (
    arrangements,
    attempts,
    campaign_control,
    campaign_counting,
    campaign_release,
    campaigns,
    charging,
    dispatch,
    ending_proposals,
    held_forms,
    inbox,
    late_proposals,
    links,
    messages,
    payments,
    reconcile,
    refunds,
    rehearsals,
    reminders,
    renewals,
)
from portal.services.clients import clients
from portal.writing import carriers_of

log = logging.getLogger(__name__)

MONEY = Backoff(attempts=10, first_s=30)
LINKS = Backoff(attempts=5, first_s=10)
MESSAGES = Backoff(attempts=5, first_s=30)
CAMPAIGN = Backoff(attempts=8, first_s=30)
REHEARSAL = Backoff(attempts=5, first_s=10)

_runtime: Runtime | None = None


def use(runtime: Runtime | None) -> None:
    """Give the tasks of this process what they work with."""
    global _runtime  # noqa: PLW0603
    _runtime = runtime


def current() -> Runtime:
    """What the tasks of this process work with; it must have been given before one runs."""
    if _runtime is None:
        raise RuntimeError("No runtime is set: call tasks.use() before a task runs.")
    return _runtime


@contextmanager
def open_session(client_id: str | None = None) -> Iterator[Session]:
    """A session of this process that sees one client, or none."""
    with current().sessions() as session:
        if client_id is not None:
            set_tenant(session, UUID(client_id))
        yield session


def fan_out(task_name: str) -> None:
    """One job for each client, at most one of them waiting."""
    with open_session() as session:
        for client_id in clients(session).values():
            enqueue(
                session, task_name, client_id=client_id, queueing_lock=f"{task_name}:{client_id}"
            )
        commit(session, f"{task_name}.fanned_out")


def one_by_one(
    name: str, client_id: str, due: Callable[..., Sequence[UUID]], act: Callable[..., object]
) -> None:
    """Do something to each row of a client's that is due, each in a transaction of its own.

    One that fails is told to the log, and keeps none of the others from their turn.
    """
    now, client, after = current().clock.now(), UUID(client_id), None
    with open_session(client_id) as session:
        while batch := due(session, client, now=now, after=after):
            for one in batch:
                try:
                    act(session, client, one, now=now)
                    commit(session, name)
                except Exception:  # it is due again at the next run
                    session.rollback()
                    log.exception("%s failed for %s", name, one)
            after = batch[-1]


@jobs.periodic(cron="* * * * *")
@jobs.task(name="stripe.retry_events", queue="money", queueing_lock="stripe.retry_events")
def retry_events(timestamp: int) -> None:
    """Every minute: take up events that could not be handled when they came."""
    handle_events()


@jobs.task(name="stripe.handle_events", queue="money")
def handle_events() -> None:
    """Take over what the waiting webhook events hint at."""
    runtime = current()
    with open_session() as session:
        for event_id in inbox.waiting(session, now=runtime.clock.now()):
            inbox.handle(
                session,
                runtime.stripe,
                event_id,
                livemode=runtime.livemode,
                now=runtime.clock.now(),
            )


@jobs.task(name="payments.refund", queue="money", retry=MONEY)
def refund(client_id: str, refund_id: str) -> None:
    """Ask Stripe for a refund that is wanted."""
    runtime = current()
    with open_session(client_id) as session:
        refunds.post_refund(session, runtime.stripe, UUID(refund_id), now=runtime.clock.now())


@jobs.task(name="payments.release", queue="money", retry=MONEY)
def release(client_id: str, account_id: str) -> None:
    """Close an account's open Checkout page; what was paid on it meanwhile is taken over."""
    runtime = current()
    with open_session(client_id) as session, suppress(payments.PaymentOnItsWay):
        payments.release_checkout(
            session, runtime.stripe, UUID(account_id), now=runtime.clock.now()
        )


@jobs.periodic(cron="*/15 * * * *")
@jobs.task(name="payments.charge", queue="money", queueing_lock="payments.charge")
def charge(timestamp: int) -> None:
    """Every quarter of an hour: charge what is due, client by client."""
    fan_out("payments.charge_due")


@jobs.task(name="payments.charge_due", queue="money")
def charge_due(client_id: str, after: str | None = None) -> None:
    """Charge one batch of a client's due installments, and queue the next batch."""
    runtime = current()
    now = runtime.clock.now()
    with open_session(client_id) as session:
        batch = charging.due_installments(
            session, UUID(client_id), now=now, after=UUID(after) if after else None
        )
        if len(batch) == charging.BATCH:
            enqueue(session, "payments.charge_due", client_id=client_id, after=batch[-1])
        commit(session, "charge.batched")
        for installment_id in batch:
            try:
                at = runtime.clock.now()  # a hold that was set meanwhile has begun by then
                charging.charge_installment(session, runtime.stripe, installment_id, now=at)
            except Exception:  # one that fails must not keep the others from their day
                session.rollback()
                log.exception("installment %s could not be charged", installment_id)


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="payments.sweep_all", queue="money", queueing_lock="payments.sweep_all")
def sweep_all(timestamp: int) -> None:
    """Every five minutes: finish attempts that hang, client by client."""
    fan_out("payments.sweep")


@jobs.task(name="payments.sweep", queue="money")
def sweep(client_id: str) -> None:
    """Finish one batch of a client's unresolved payments by reading Stripe."""
    runtime = current()
    with open_session(client_id) as session:
        reconcile.sweep(session, runtime.stripe, UUID(client_id), now=runtime.clock.now())


@jobs.periodic(cron="23 * * * *")
@jobs.task(name="payments.reconcile", queue="money", queueing_lock="payments.reconcile")
def reconcile_all(timestamp: int) -> None:
    """Every hour: go over Stripe's objects since the last time."""
    runtime = current()
    with open_session() as session:
        ids = list(clients(session).values())
        reconcile.reconcile(session, runtime.stripe, ids, now=runtime.clock.now())


@jobs.task(name="links.send_new", retry=LINKS)
def send_new_links(request: str, sealed: str) -> None:
    """Send a new link to everybody who has this address on file, each in their own transaction."""
    keys, now = current().settings.keys, current().clock.now()
    with open_session() as session:
        debtors = renewals.debtors_at(session, sealed, keys=keys)
    for client_id, debtor_id in debtors:
        with open_session(str(client_id)) as session:
            renewals.send_new(session, debtor_id, sealed, request=UUID(request), keys=keys, now=now)
            commit(session, "links.send_new")


@jobs.task(name="links.send_again", retry=LINKS)
def send_link_again(request: str, client_id: str, link_id: str) -> None:
    """Send a new link where one that stopped working went."""
    keys, now = current().settings.keys, current().clock.now()
    with open_session(client_id) as session:
        opened = links.load_link(session, UUID(client_id), UUID(link_id), now)
        renewals.send_again(session, opened, request=UUID(request), keys=keys, now=now)
        commit(session, "links.send_again")


@jobs.periodic(cron="41 * * * *")
@jobs.task(name="attempts.forget_old", queueing_lock="attempts.forget_old")
def forget_old_attempts(timestamp: int) -> None:
    """Delete counters that nothing needs any more, and forms that were kept for too long."""
    with open_session() as session:
        attempts.forget_old(session, now=current().clock.now())
        held_forms.forget_old(session, now=current().clock.now())
        commit(session, "attempts.forget_old")


@jobs.periodic(cron="31 * * * *")
@jobs.task(name="proposals.expire_all", queueing_lock="proposals.expire_all")
def expire_all_proposals(timestamp: int) -> None:
    """Every hour: expire granted terms that nobody took, and what else is over, by client."""
    fan_out("proposals.expire")


@jobs.task(name="proposals.expire")
def expire_proposals(client_id: str) -> None:
    """End a client's proposals that are over by themselves, each in a transaction of its own."""
    overdue, expire = ending_proposals.overdue, ending_proposals.expire_due
    one_by_one("proposals.expire", client_id, overdue, expire)


@jobs.periodic(cron="33 * * * *")
@jobs.task(name="proposals.chase_all", queueing_lock="proposals.chase_all")
def chase_all_proposals(timestamp: int) -> None:
    """Every hour: take proposals that nobody answered in time a step further, by client."""
    fan_out("proposals.chase")


@jobs.task(name="proposals.chase")
def chase_proposals(client_id: str) -> None:
    """Escalate or answer a client's late proposals, each in a transaction of its own."""
    one_by_one("proposals.chase", client_id, late_proposals.late, late_proposals.chase)


@jobs.periodic(cron="37 * * * *")
@jobs.task(name="arrangements.expire_all", queueing_lock="arrangements.expire_all")
def expire_all_arrangements(timestamp: int) -> None:
    """Every hour: take back agreements whose first payment did not come, client by client."""
    fan_out("arrangements.expire")


@jobs.task(name="arrangements.expire")
def expire_arrangements(client_id: str) -> None:
    """Take back a client's agreements that waited too long, each in a transaction of its own."""
    one_by_one("arrangements.expire", client_id, arrangements.overdue, arrangements.expire_due)


@jobs.task(name="messages.dispatch", queue="messages", retry=MESSAGES)
def dispatch_messages(client_id: str, message_ids: list[str]) -> None:
    """Send messages, each at the time it is its turn; one that breaks does not hold up the rest."""
    runtime, broken = current(), []
    carriers = carriers_of(runtime)
    for message_id in map(UUID, message_ids):
        try:
            with open_session(client_id) as session:
                dispatch.dispatch(
                    session,
                    UUID(client_id),
                    message_id,
                    carriers=carriers,
                    now=runtime.clock.now(),
                )
        except Exception as error:  # the others go out before the job is tried again
            log.exception("Message %s was not dispatched", message_id)
            broken.append(error)
    if broken:
        raise broken[0]


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="messages.retry_all", queue="messages", queueing_lock="messages.retry_all")
def retry_all_messages(timestamp: int) -> None:
    """Every five minutes: take up messages that hang, client by client."""
    fan_out("messages.retry")


@jobs.task(name="messages.retry", queue="messages")
def retry_messages(client_id: str) -> None:
    """Put a client's overdue messages into the queue again, in batches."""
    with open_session(client_id) as session:
        now = current().clock.now()
        hanging = dispatch.overdue(session, UUID(client_id), now)
        messages.enqueue_dispatch(session, UUID(client_id), hanging)
        campaign_release.look_after(session, UUID(client_id), now=now)
        commit(session, "messages.retry")


@jobs.periodic(cron="47 * * * *")
@jobs.task(name="messages.remind_all", queue="messages", queueing_lock="messages.remind_all")
def remind_all(timestamp: int) -> None:
    """Every hour: one calm message after a checkout that was left, client by client."""
    fan_out("messages.remind")


@jobs.task(name="messages.remind", queue="messages")
def remind(client_id: str) -> None:
    """Queue a client's reminders, a batch a transaction."""
    now, after = current().clock.now(), None
    with open_session(client_id) as session:
        while batch := reminders.remind(session, UUID(client_id), now=now, after=after):
            commit(session, "messages.remind")
            after = batch[-1]


@jobs.task(name="messages.send_links", queue="messages", retry=CAMPAIGN, pass_context=True)
def send_links(context: JobContext, client_id: str, campaign: str) -> None:
    """Write the messages of a campaign; cut off, it goes on by itself."""
    try:
        _send_links(client_id, campaign)
    except Exception:
        if CAMPAIGN.is_last(context.job):
            log.exception("Campaign %s was given up after %s tries", campaign, CAMPAIGN.attempts)
            with open_session(client_id) as session:
                given_up = campaign_control.campaign_of(session, UUID(client_id), UUID(campaign))
                campaign_control.cut_off(session, given_up, now=current().clock.now())
                commit(session, "campaign.interrupted")
        raise


@jobs.task(name="messages.count_links", queue="messages", retry=LINKS)
def count_links(client_id: str, campaign: str) -> None:
    """Count who would get a draft that is for too many to be counted on its page."""
    with open_session(client_id) as session:
        found = campaign_control.campaign_of(session, UUID(client_id), UUID(campaign))
        runtime = current()
        now = runtime.clock.now()
        campaign_counting.keep_count(session, found, texter=runtime.texter, now=now)
        commit(session, "campaign.counted")


def _send_links(client_id: str, campaign: str) -> None:
    runtime = current()
    with open_session(client_id) as session:
        campaigns.send_links(
            session,
            campaign_control.campaign_of(session, UUID(client_id), UUID(campaign)),
            keys=runtime.settings.keys,
            texter=runtime.texter,
            now=runtime.clock.now(),
        )


@jobs.task(name="messages.release", queue="messages")
def release_messages(client_id: str, campaign: str) -> None:
    """Let the next messages of a campaign go, as many as its pace allows."""
    with open_session(client_id) as session:
        now = current().clock.now()
        campaign_release.release(session, UUID(client_id), UUID(campaign), now=now)
        commit(session, "campaign.released")


@jobs.task(name="policy.rehearse", retry=REHEARSAL, pass_context=True)
def rehearse(context: JobContext, client_id: str, rehearsal_id: str) -> None:
    """Count one batch of a rehearsal, and queue the next; given up at last, the record says so."""
    ids = (UUID(client_id), UUID(rehearsal_id))
    try:
        with open_session(client_id) as session:
            rehearsals.run_batch(session, *ids, now=current().clock.now())
            commit(session, "rehearsal.batch")
    except Exception:
        if REHEARSAL.is_last(context.job):
            log.exception("Rehearsal %s was given up", rehearsal_id)
            with open_session(client_id) as session:
                rehearsals.interrupt(session, *ids, now=current().clock.now())
                commit(session, "rehearsal.interrupted")
        raise
