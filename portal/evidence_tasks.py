"""The jobs of the record: places in the tree, signed heads, looking over what is there, erasing."""

import logging
from collections.abc import Sequence
from uuid import UUID

from portal.db import commit
from portal.jobs import Backoff, jobs
from portal.reporting import compliance_mail
from portal.services import erasing, watch
from portal.services.compliance_mail import daily
from portal.services.openings import open_ledger
from portal.tasks import current, fan_out, open_session

log = logging.getLogger(__name__)

RECORD = Backoff(attempts=5, first_s=20)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="evidence.sequence_all", queue="system", queueing_lock="evidence.sequence_all")
def sequence_all(timestamp: int) -> None:
    """Every minute: give new leaves their places, client by client."""
    fan_out("evidence.sequence")


@jobs.task(name="evidence.sequence", queue="system", retry=RECORD)
def sequence(client_id: str) -> None:
    """Place a client's new leaves, and sign the tree where that is due."""
    runtime = current()
    with open_session(client_id) as session:
        watch.sequence(session, UUID(client_id), runtime.signer, now=runtime.clock.now())


@jobs.periodic(cron="7,22,37,52 * * * *")
@jobs.task(name="evidence.look_over_new_all", queueing_lock="evidence.look_over_new_all")
def look_over_new_all(timestamp: int) -> None:
    """Every quarter of an hour: look over what is new, client by client."""
    fan_out("evidence.look_over_new")


@jobs.task(name="evidence.look_over_new", retry=RECORD)
def look_over_new(client_id: str) -> None:
    """Look over the chains of a client that have new leaves."""
    _look_over(client_id, whole=False)


@jobs.periodic(cron="41 2 * * *")
@jobs.task(name="evidence.look_over_all", queueing_lock="evidence.look_over_all")
def look_over_all(timestamp: int) -> None:
    """Every night: look over the whole record, client by client."""
    fan_out("evidence.look_over")


@jobs.task(name="evidence.look_over", retry=RECORD)
def look_over(client_id: str) -> None:
    """Look over all of a client's record."""
    _look_over(client_id, whole=True)


@jobs.periodic(cron="11 12 * * *")
@jobs.task(name="evidence.report_all", queueing_lock="evidence.report_all")
def report_all(timestamp: int) -> None:
    """Every day: send each client's compliance mailbox the newest signed head."""
    fan_out("evidence.report")


@jobs.task(name="evidence.report", retry=RECORD)
def report(client_id: str) -> None:
    """Send one client's compliance mailbox what it keeps."""
    runtime = current()
    with open_session(client_id) as session:
        told = daily(session, UUID(client_id), now=runtime.clock.now())
        mail = compliance_mail(told, runtime.settings.base_url) if told else None
        session.rollback()
    if mail is not None:
        runtime.mailer.send(mail, runtime.mailer.message_bytes(mail))


@jobs.task(name="evidence.erase", retry=RECORD)
def erase(client_id: str, batch_id: str) -> None:
    """Erase the records of a batch that was just approved."""
    _erase(UUID(client_id), [UUID(batch_id)])


@jobs.periodic(cron="17 4 * * *")
@jobs.task(name="evidence.erase_all", queueing_lock="evidence.erase_all")
def erase_all(timestamp: int) -> None:
    """Every night: go on with batches that could not be finished, client by client."""
    fan_out("evidence.erase_rest")


@jobs.task(name="evidence.erase_rest", retry=RECORD)
def erase_rest(client_id: str) -> None:
    """Erase what is left of a client's approved batches."""
    with open_session(client_id) as session:
        batches = erasing.approved(session, UUID(client_id))
    _erase(UUID(client_id), batches)


def _look_over(client_id: str, *, whole: bool) -> None:
    runtime = current()
    with open_session(client_id) as session:
        now = runtime.clock.now()
        if open_ledger(session, UUID(client_id), now=now):
            commit(session, "evidence.opened")
        watch.look_over(session, UUID(client_id), runtime.signer, whole=whole, now=now)
        commit(session, "evidence.looked_over")


def _erase(client: UUID, batches: Sequence[UUID]) -> None:
    """Each record by itself, so that one that breaks holds up no other."""
    runtime, broken = current(), []
    with open_session(str(client)) as session:
        for batch in batches:
            for one in erasing.waiting(session, client, batch):
                try:
                    erasing.erase(session, client, one, now=runtime.clock.now())
                    commit(session, "evidence.erased")
                except Exception as error:  # the others are erased before it is tried again
                    session.rollback()
                    log.exception("Record %s was not erased", one)
                    broken.append(error)
            erasing.finish(session, client, batch, now=runtime.clock.now())
            commit(session, "evidence.erasures_finished")
    if broken:
        raise broken[0]
