"""portal send-links as an operator runs it, and the worker that sends what it queued."""

import asyncio
import mailbox
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email import message_from_string
from pathlib import Path
from uuid import UUID

import pytest
from procrastinate import JobContext
from procrastinate.jobs import Job
from sqlalchemy import select

from portal import tasks
from portal.db import PortalSession, make_engine, tenant_session
from portal.domain.statuses import AccountStatus, MessageStatus
from portal.embedded import PROJECT
from portal.gateways.clock import SetClock
from portal.jobs import jobs, run_worker
from portal.models import Contact, ContactStop, Debtor, Message
from portal.runtime import build_runtime
from portal.services.campaign_control import Plan, draw_up
from portal.services.dispatch import dispatch
from portal.services.messages import queue
from portal.services.optouts import opt_out
from portal.writing import carriers_of
from tests.databases import Database
from tests.factories import NOW, make_account, make_client, make_contact, make_debtor
from tests.gateways.test_receipts import bounce

Portal = Callable[..., subprocess.CompletedProcess[str]]
NOT_HELD = select(Message).where(Message.status != MessageStatus.SUPPRESSED)
"""All but the row of the account that was taken back."""


@pytest.fixture
def client_id(fresh_db: Database) -> UUID:
    """Three of northgate's debtors can be written to, one account was taken back."""
    engine = make_engine(fresh_db.url("portal_app"))
    with tenant_session(engine) as session:
        client = make_client(session, slug="northgate")
        for reference in ("NG-1", "NG-2", "NG-3", "NG-4"):
            debtor = make_debtor(session, client)
            make_contact(session, debtor)
            account = make_account(session, debtor, reference=reference)
        account.status = AccountStatus.RECALLED
        session.commit()
    engine.dispose()
    return client.id


@pytest.fixture
def portal(fresh_db: Database, client_id: UUID) -> Portal:
    """The command, run against that database."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "portal", *arguments],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(PROJECT),
                "DATABASE_URL": fresh_db.url("portal_app"),
                "WORKER_DATABASE_URL": fresh_db.url("portal_worker"),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_send_links_says_who_gets_one_and_who_does_not(portal: Portal):
    dry = portal("send-links", "northgate", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert dry.stdout.startswith("northgate: 3 links would go out")
    assert "1 held back." in dry.stdout
    assert "1 DH-09: Nothing is owed" in dry.stdout
    one = portal("send-links", "northgate", "--only", "NG-2")
    assert "1 links go out" in one.stdout
    rest = portal("send-links", "northgate")
    assert "2 links go out" in rest.stdout
    assert "1 repeated: The same message waits" in rest.stdout


def test_what_cannot_be_meant_is_one_line(portal: Portal):
    unknown = portal("send-links", "southgate")
    assert unknown.returncode == 2
    assert "There is no client 'southgate'. The clients are: northgate." in unknown.stderr
    nobody = portal("send-links", "northgate", "--only", "NG-77")
    assert (nobody.returncode, nobody.stderr) == (1, "portal: There is no account NG-77.\n")


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
def worker(fresh_db: Database, clock: SetClock):
    """What a worker's process works with, on a clock that is set."""
    runtime = replace(build_runtime(fresh_db.settings, worker=True), clock=clock)
    tasks.use(runtime)
    yield runtime
    tasks.use(None)
    runtime.sessions.kw["bind"].dispose()


def send_links(client_id: UUID) -> None:
    job = Job(queue="messages", lock=None, queueing_lock=None, task_name="", id=1)
    context = JobContext(app=jobs, job=job, start_timestamp=0, abort_reason=lambda: None)
    with tasks.open_session(str(client_id)) as session:
        now = tasks.current().clock.now()
        campaign = draw_up(session, client_id, Plan(name="May"), by=None, now=now, at=now)
        session.commit()
        tasks.send_links(context, str(client_id), str(campaign.id))


def work(fresh_db: Database) -> None:
    address = fresh_db.url("portal_worker")
    asyncio.run(
        run_worker(
            address,
            once=True,
            queues=["messages"],
            listen_notify=False,
            install_signal_handlers=False,
        )
    )


def test_a_worker_sends_what_is_queued(fresh_db: Database, client_id: UUID, worker):
    send_links(client_id)
    work(fresh_db)
    with tenant_session(worker.sessions, [client_id]) as session:
        sent = session.scalars(NOT_HELD).all()
        assert [one.status for one in sent] == [MessageStatus.SENT] * 3


def test_one_message_that_breaks_does_not_hold_up_the_rest(
    fresh_db: Database, client_id: UUID, worker
):
    class Fragile(type(worker.mailer)):  # type: ignore[misc]
        def send(self, mail, body):
            if mail.to == broken:
                raise RuntimeError("a bug")
            return super().send(mail, body)

    with tenant_session(worker.sessions, [client_id]) as session:
        send_links(client_id)
        waiting = session.scalars(NOT_HELD.order_by(Message.id)).all()
        broken = session.get_one(Contact, (client_id, waiting[0].contact_id)).address
    tasks.use(replace(worker, mailer=Fragile()))
    with pytest.raises(RuntimeError):
        tasks.dispatch_messages(str(client_id), [str(one.id) for one in waiting])
    with tenant_session(worker.sessions, [client_id]) as session:
        now_is = [one.status for one in session.scalars(NOT_HELD.order_by(Message.id))]
    assert now_is == [MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.SENT]


def test_a_message_that_hangs_is_put_into_the_queue_again(
    fresh_db: Database, client_id: UUID, worker, clock: SetClock
):
    send_links(client_id)
    clock.advance(timedelta(minutes=16))
    tasks.retry_messages(str(client_id))
    tasks.retry_all_messages(0)
    work(fresh_db)
    with tenant_session(worker.sessions, [client_id]) as session:
        assert {one.status for one in session.scalars(NOT_HELD)} == {MessageStatus.SENT}
        assert {one.attempts for one in session.scalars(NOT_HELD)} == {1}


def some_debtor(session: PortalSession, client_id: UUID) -> Debtor:
    found = session.scalars(select(Debtor).where(Debtor.client_id == client_id)).first()
    assert found is not None
    return found


def test_ct_05_two_workers_never_exceed_the_cap_together(client_id: UUID, worker):
    """CT-05"""
    with tenant_session(worker.sessions, [client_id]) as session:
        debtor = some_debtor(session, client_id)
        ids = [
            queue(
                session,
                debtor,
                template="link",
                context={},
                dedupe_key=f"link:{n}",
                now=NOW,
            )[0].id
            for n in range(8)
        ]
        session.commit()

    def send(message_id: UUID) -> MessageStatus | None:
        with tenant_session(worker.sessions, [client_id]) as session:
            carriers = carriers_of(worker)
            return dispatch(session, client_id, message_id, carriers=carriers, now=NOW)

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(send, ids))
    assert sorted(done) == [MessageStatus.DEFERRED] * 7 + [MessageStatus.SENT]  # type: ignore[type-var]


def test_the_same_message_in_two_hands_is_sent_once(client_id: UUID, worker):
    with tenant_session(worker.sessions, [client_id]) as session:
        debtor = some_debtor(session, client_id)
        (message,) = queue(
            session, debtor, template="thread_reply", context={}, dedupe_key="one", now=NOW
        )
        session.commit()

    def send(_: int) -> MessageStatus | None:
        with tenant_session(worker.sessions, [client_id]) as session:
            carriers = carriers_of(worker)
            return dispatch(session, client_id, message.id, carriers=carriers, now=NOW)

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(send, range(6)))
    assert done.count(MessageStatus.SENT) == 1
    assert done.count(None) == 5


def test_ec_05_stopping_while_workers_send_leaves_nothing_behind(client_id: UUID, worker):
    """EC-05: whatever left before the stop left; nothing waits or leaves after it."""
    with tenant_session(worker.sessions, [client_id]) as session:
        debtor = some_debtor(session, client_id)
        make_account(session, debtor)
        ids = [
            queue(session, debtor, template="thread_reply", context={}, dedupe_key=f"{n}", now=NOW)[
                0
            ].id
            for n in range(12)
        ]
        session.commit()

    def send(message_id: UUID) -> None:
        with tenant_session(worker.sessions, [client_id]) as session:
            dispatch(session, client_id, message_id, carriers=carriers_of(worker), now=NOW)

    def stop(_: UUID) -> None:
        with tenant_session(worker.sessions, [client_id]) as session:
            contact = session.scalars(select(Contact).where(Contact.debtor_id == debtor.id)).one()
            opt_out(session, contact, source="test", now=NOW)
            session.commit()

    with ThreadPoolExecutor(6) as pool:
        work_list = [(send, one) for one in ids[:6]] + [(stop, ids[0])]
        work_list += [(send, one) for one in ids[6:]] + [(stop, ids[0])]
        for done in [pool.submit(act, one) for act, one in work_list]:
            done.result()
    with tenant_session(worker.sessions, [client_id]) as session:
        found = session.scalars(select(Message)).all()
        assert {one.status for one in found} <= {MessageStatus.SENT, MessageStatus.SUPPRESSED}
        assert len(session.scalars(select(ContactStop)).all()) == 1


HOSTILE = {
    "a date past all years": ("-0500", "-1200", "Mon, 23 Nov 2026", "Fri, 31 Dec 9999"),
    "a zero byte in the domain": ("Dana@Mail.example", "dana@ma\0il.example"),
    "a surrogate in the domain": ("Dana@Mail.example", "dana@mail\udcff.example"),
    "many messages in each other": ("From: MAILER", "Content-Type: message/rfc822\n\n" * 3000),
}


@pytest.mark.parametrize("changed", HOSTILE.values(), ids=HOSTILE)
def test_ec_09_no_mail_of_a_stranger_stops_the_mailbox(
    portal: Portal, tmp_path: Path, changed: tuple[str, ...]
) -> None:
    """EC-05, EC-09: anybody may write there; what cannot be read is no report, the rest goes on."""
    raw = bounce()
    for old, new in zip(changed[::2], changed[1::2], strict=True):
        raw = raw.replace(old, new)
    mails = (raw, bounce(more="X-Other: yes"))
    lines = "".join(f"From x Mon Nov 23 12:00:00 2026\n{mail}\n" for mail in mails)
    (tmp_path / "box").write_bytes(lines.encode("utf-8", "surrogateescape"))
    for again in ("stray", "stray"):
        taken = portal("messages", "bounces", str(tmp_path / "box"))
        assert f"bounced ({again})" in taken.stdout, taken.stderr
        assert sum(int(line.split()[0]) for line in taken.stdout.splitlines()) == 2


def test_ec_09_bounces_of_a_mailbox_are_taken_in_once(
    portal: Portal, fresh_db: Database, client_id: UUID, tmp_path: Path
) -> None:
    """EC-09: a bounce closes the address, whatever else lies in that mailbox has no effect."""
    engine = make_engine(fresh_db.url("portal_app"))
    with tenant_session(engine, [client_id]) as session:
        debtor = session.scalars(select(Debtor).limit(1)).one()
        contact = session.scalars(select(Contact).where(Contact.debtor_id == debtor.id)).one()
        told = {"template": "thread_reply", "context": {}, "dedupe_key": "one", "now": NOW}
        (message,) = queue(session, debtor, **told)
        message.status, message.sent_at = MessageStatus.SENT, NOW
        message.address = contact.address
        session.commit()
    box = mailbox.mbox(tmp_path / "box")
    returned = bounce(ours=f"<{message.id}@pay.example>").replace("Dana@Mail.example", "")
    for raw in (returned, bounce(), "Subject: hello\n\nIt is me.\n"):
        box.add(message_from_string(raw))
    box.close()
    first, second = (portal("messages", "bounces", str(tmp_path / "box")) for _ in range(2))
    assert first.stdout.splitlines() == [
        "1 bounced (kept)",
        "1 bounced (stray)",
        "1 no report",
    ], first.stderr
    assert "1 bounced (known)" in second.stdout
    with tenant_session(engine, [client_id]) as session:
        assert [one.kind for one in session.scalars(select(ContactStop))] == ["bounced"]
        assert session.get_one(Message, (client_id, message.id)).status is MessageStatus.FAILED
    engine.dispose()
