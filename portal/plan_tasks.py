"""The jobs of running plans: notices before payments, and what is late."""

from uuid import UUID

from portal.db import commit
from portal.jobs import jobs
from portal.services import accountings, breaking, plan_notices, rests
from portal.tasks import current, fan_out, one_by_one, open_session


@jobs.periodic(cron="39 * * * *")
@jobs.task(name="arrangements.look_after_all", queueing_lock="arrangements.look_after_all")
def look_after_all_arrangements(timestamp: int) -> None:
    """Every hour: tell debtors of late payments, and end what was not kept, client by client."""
    fan_out("arrangements.look_after")


@jobs.task(name="arrangements.look_after")
def look_after_arrangements(client_id: str) -> None:
    """Look after a client's arrangements with late parts, each in a transaction of its own."""
    one_by_one("arrangements.look_after", client_id, breaking.late, breaking.look_after)


@jobs.periodic(cron="7 * * * *")
@jobs.task(name="plans.notify_all", queue="messages", queueing_lock="plans.notify_all")
def notify_all(timestamp: int) -> None:
    """Every hour: tell debtors of the payments of their plans that come, client by client."""
    fan_out("plans.notify")


@jobs.task(name="plans.notify", queue="messages")
def notify(client_id: str) -> None:
    """Queue the notices of a client's plans, a batch a transaction."""
    now = current().clock.now()
    with open_session(client_id) as session:
        for look in (plan_notices.give, accountings.give):
            after = None
            while batch := look(session, UUID(client_id), now=now, after=after):
                commit(session, "plans.notify")
                after = batch[-1]


@jobs.periodic(cron="53 * * * *")
@jobs.task(name="rests.tell_all", queue="messages", queueing_lock="rests.tell_all")
def tell_all_rests(timestamp: int) -> None:
    """Every hour: move what still must rest, and tell debtors of a near end, client by client."""
    fan_out("rests.tell")


@jobs.task(name="rests.tell", queue="messages")
def tell_rests(client_id: str) -> None:
    """Move plans that a client's rests could not move yet, and tell of rests that end soon."""
    one_by_one("rests.move", client_id, rests.unmoved, rests.move_later)
    one_by_one("rests.tell", client_id, rests.ending, rests.tell)
