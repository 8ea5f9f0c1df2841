"""The jobs of the record: places, signed heads, looking over it, and what an alarm does (EV-08)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session, sessionmaker

from portal import evidence_tasks, tasks
from portal.cli.evidence import retention
from portal.db import PortalSession, make_engine, set_hook, tenant_session
from portal.domain.capabilities import NotAllowedNow
from portal.domain.holds import Capability
from portal.domain.statuses import AccountStatus
from portal.gateways.clock import SetClock
from portal.gateways.mail import Mail, OutboxMailer
from portal.models import (
    Account,
    Client,
    Debtor,
    EvidenceAlarm,
    Noted,
    Role,
    Staff,
    fresh_id,
)
from portal.runtime import Runtime, build_runtime
from portal.services import alarms, erasures, evidence, record_state, staff_events, standing, tree
from portal.services.evidence import log_name
from portal.services.links import issue_link
from portal.services.retention import FIRST, Asked
from portal.services.staff import NewStaff, create_staff
from portal.services.succession import WhyMissing, begin_anew
from tests.databases import Database
from tests.factories import NOW, make_account, make_dana, make_debtor


@pytest.fixture
def runtime(fresh_db: Database, tmp_path: Path) -> Iterator[Runtime]:
    """A worker on a database of its own, whose signer remembers in a folder of its own."""
    settings = replace(fresh_db.settings, evidence_folder=tmp_path / "signed")
    runtime = replace(build_runtime(settings, worker=True), clock=SetClock(NOW))
    tasks.use(runtime)
    yield runtime
    tasks.use(None)
    runtime.sessions.kw["bind"].dispose()


@pytest.fixture
def account(runtime: Runtime) -> Account:
    """Dana's account, with three leaves more than it began with."""
    with tenant_session(runtime.sessions) as session:
        account = make_dana(session)
        session.commit()
        for n in range(3):
            tell(session, account, n)
        session.commit()
    return account


def tell(session: Session, account: Account, n: int) -> None:
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type="note.written",
        payload={"actor": evidence.SYSTEM, "n": n},
        now=NOW,
    )


def as_superuser(database: Database, *statements: str) -> None:
    engine = create_engine(database.admin)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            assert connection.execute(text(statement)).rowcount != 0, statement
    engine.dispose()


def alarms_of(runtime: Runtime, client_id: UUID) -> list[EvidenceAlarm]:
    with tenant_session(runtime.sessions, [client_id]) as session:
        return list(alarms.open_alarms(session, client_id))


def test_new_leaves_are_placed_signed_and_looked_over(runtime: Runtime, account: Account) -> None:
    client = str(account.client_id)
    evidence_tasks.sequence(client)
    evidence_tasks.look_over_new(client)
    evidence_tasks.look_over(client)
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        signed = tree.newest_checkpoint(session, account.client_id)
        assert signed is not None
        assert signed.size == tree.size_of(session, account.client_id) >= 3
        seen = record_state.last_check(session, account.client_id, whole=True)
        assert seen is not None
        assert (seen.size, seen.broken) == (signed.size, 0)
        assert session.get_one(Client, account.client_id).frozen_at is None
    assert [one.head.size for one in runtime.signer.seen(log_name(account.client_id))] == [
        signed.size
    ]


def test_a_deleted_leaf_raises_an_alarm_and_stops_agreements_until_somebody_answers_for_it(
    runtime: Runtime, account: Account, fresh_db: Database
) -> None:
    """EV-04, EV-08"""
    client = str(account.client_id)
    evidence_tasks.sequence(client)
    as_superuser(fresh_db, f"DELETE FROM leaf WHERE chain_id = '{account.chain_id}' AND n = 1")
    evidence_tasks.look_over(client)
    found = alarms_of(runtime, account.client_id)
    assert f"leaf 2 of {account.chain_id}: leaf 1 is missing" in [one.place for one in found]
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        mine = session.get_one(Account, (account.client_id, account.id))
        with pytest.raises(NotAllowedNow, match="Please call us"):
            standing.require(session, mine, Capability.ACCEPT, now=NOW)
        standing.require(session, mine, Capability.PAY, now=NOW)
        staff = Staff(id=fresh_id(), name="Cory")
        for one in found:
            alarm = session.get_one(EvidenceAlarm, (one.client_id, one.id))
            alarms.clear(session, alarm, reason="Restored from last night", staff=staff, now=NOW)
        session.commit()
        standing.require(session, mine, Capability.ACCEPT, now=NOW)
    evidence_tasks.look_over(client)
    assert alarms_of(runtime, account.client_id) == [], "it was answered for"


def test_a_6_who_opens_accounts_faster_than_they_are_read_raises_an_alarm_that_stops_nothing(
    runtime: Runtime, account: Account
) -> None:
    """A-6"""
    client = str(account.client_id)
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        new = NewStaff(
            email="sam@harbor.example",
            name="Sam",
            role=Role.AGENT,
            password="correct horse battery staple",
            clients=[account.client_id],
        )
        sam = create_staff(session, new, now=NOW)
        for _ in range(staff_events.MANY):
            staff_events.note(
                session,
                Noted.OPENED,
                staff=sam.id,
                now=runtime.clock.now(),
                client_id=account.client_id,
                account_id=str(fresh_id()),
            )
        session.commit()
    evidence_tasks.look_over_new(client)
    (alarm,) = alarms_of(runtime, account.client_id)
    assert alarm.invariant == staff_events.HASTY
    assert str(sam.id) in alarm.place
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        assert session.get_one(Client, account.client_id).frozen_at is None


def test_what_is_new_is_looked_over_without_the_rest(
    runtime: Runtime, account: Account, fresh_db: Database
) -> None:
    client = str(account.client_id)
    evidence_tasks.sequence(client)
    evidence_tasks.look_over_new(client)
    as_superuser(
        fresh_db, f"UPDATE leaf SET type = 'x' WHERE chain_id = '{account.chain_id}' AND n = 1"
    )
    evidence_tasks.look_over_new(client)
    assert alarms_of(runtime, account.client_id) == [], "nothing is new on that chain"
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        tell(session, account, 9)
        session.commit()
    evidence_tasks.look_over_new(client)
    assert alarms_of(runtime, account.client_id)


def test_a_new_leaf_beside_one_of_somebody_else_raises_no_alarm(
    runtime: Runtime, account: Account
) -> None:
    """Both are under one subtree; only the new one's chain is looked at."""
    client = str(account.client_id)
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        debtor = make_debtor(session, session.get_one(Client, account.client_id))
        other = make_account(session, debtor)
        session.commit()
        for n in range(9, 13):
            tell(session, other if n % 2 else account, n)
            session.commit()
            evidence_tasks.sequence(client)
            evidence_tasks.look_over_new(client)
    assert alarms_of(runtime, account.client_id) == []


def test_an_older_database_makes_the_signer_refuse_and_raises_an_alarm(
    runtime: Runtime, account: Account, fresh_db: Database
) -> None:
    """EV-05"""
    client = str(account.client_id)
    evidence_tasks.sequence(client)
    as_superuser(
        fresh_db,
        "DELETE FROM checkpoint",
        "DELETE FROM leaf_position",
        "DELETE FROM tree_node",
        "INSERT INTO pending_leaf SELECT client_id, chain_id, n FROM leaf WHERE n < 2",
    )
    evidence_tasks.sequence(client)
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        tell(session, account, 8)
        session.commit()
    evidence_tasks.sequence(client)
    (alarm,) = [
        one for one in alarms_of(runtime, account.client_id) if "an older copy" in one.place
    ]
    assert alarm.invariant == "the tree continues every checkpoint that is kept outside"


def test_an_alarm_about_money_or_contact_does_not_stop_agreements(
    runtime: Runtime, account: Account, fresh_db: Database
) -> None:
    client = str(account.client_id)
    as_superuser(fresh_db, "UPDATE account SET balance_cents = balance_cents + 1")
    evidence_tasks.look_over(client)
    (alarm,) = alarms_of(runtime, account.client_id)
    assert alarm.invariant == "a balance is the sum of its ledger"
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        assert session.get_one(Client, account.client_id).frozen_at is None


def test_leaves_that_are_written_while_it_is_looked_over_raise_no_alarm(
    runtime: Runtime, account: Account
) -> None:
    """Everything is read as it was at one instant; copies outside are older than it."""
    wrote = []

    def write_meanwhile(name: str) -> None:
        if name in ("before looking over", "while looking over"):
            with tenant_session(runtime.sessions, [account.client_id]) as session:
                tell(session, account, 7)
                session.commit()
                wrote.append(tree.seal_log(session, account.client_id, runtime.signer, NOW))

    set_hook(write_meanwhile)
    try:
        evidence_tasks.look_over(str(account.client_id))
    finally:
        set_hook(None)
    assert [one.head.size for one in wrote] == [wrote[0].head.size, wrote[0].head.size + 1]
    assert alarms_of(runtime, account.client_id) == []


def test_the_compliance_mailbox_gets_the_signed_head_each_day(
    runtime: Runtime, account: Account
) -> None:
    """EV-05"""
    sent: list[Mail] = []

    class Server(OutboxMailer):
        """A mail server that takes everything."""

        def send(self, mail: Mail, body: bytes) -> str:
            sent.append(mail)
            return super().send(mail, body)

    tasks.use(replace(runtime, mailer=Server()))
    evidence_tasks.sequence(str(account.client_id))
    evidence_tasks.report(str(account.client_id))
    assert sent == [], "there is no mailbox yet"
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        session.get_one(Client, account.client_id).compliance_email = "law@northgate.example"
        session.commit()
        signed = tree.newest_checkpoint(session, account.client_id)
    assert signed is not None
    evidence_tasks.look_over(str(account.client_id))
    evidence_tasks.report(str(account.client_id))
    (mail,) = sent
    assert mail.to == "law@northgate.example"
    assert signed.note in mail.text
    assert mail.attached[0].body == signed.note.encode()
    assert "Everything held." in mail.text
    assert "No alarm is open." in mail.text


def test_a_log_that_lost_entries_for_good_is_signed_anew_and_says_so(
    runtime: Runtime, account: Account, fresh_db: Database
) -> None:
    client = str(account.client_id)
    evidence_tasks.sequence(client)
    as_superuser(
        fresh_db,
        f"DELETE FROM leaf WHERE chain_id = '{account.chain_id}' AND n > 0",
        f"DELETE FROM leaf_payload WHERE chain_id = '{account.chain_id}' AND n > 0",
        f"UPDATE chain SET n = 0, hash = f.hash FROM leaf f WHERE f.chain_id = id AND f.n = 0"
        f" AND id = '{account.chain_id}'",
        "DELETE FROM checkpoint",
        "DELETE FROM leaf_position",
        "DELETE FROM tree_node",
        "INSERT INTO pending_leaf SELECT client_id, chain_id, n FROM leaf",
    )
    evidence_tasks.sequence(client)
    assert alarms_of(runtime, account.client_id)
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        for one in alarms.open_alarms(session, account.client_id):
            alarms.clear(session, one, reason="Disk lost", staff=Staff(id=fresh_id()), now=NOW)
        session.commit()
    evidence_tasks.sequence(client)
    assert alarms_of(runtime, account.client_id), "it is raised again while nothing is signed"
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        actor = evidence.SYSTEM
        with pytest.raises(WhyMissing):
            begin_anew(session, account.client_id, runtime.signer, reason=" ", actor=actor, now=NOW)
        seen = begin_anew(
            session, account.client_id, runtime.signer, reason="Disk lost", actor=actor, now=NOW
        )
        assert seen is not None
        for one in alarms.open_alarms(session, account.client_id):
            alarms.clear(session, one, reason="Disk lost", staff=Staff(id=fresh_id()), now=NOW)
        session.commit()
    evidence_tasks.sequence(client)
    evidence_tasks.look_over(client)
    assert alarms_of(runtime, account.client_id) == []


def test_a_signer_whose_memory_is_gone_or_damaged_signs_nothing(
    runtime: Runtime, account: Account
) -> None:
    """EV-05: an emptied folder is no first time."""
    client = str(account.client_id)
    evidence_tasks.sequence(client)
    (path,) = runtime.settings.evidence_folder.iterdir()
    kept = path.read_text()
    for damaged in (None, kept.replace("=", "!")):
        path.unlink() if damaged is None else path.write_text(damaged)
        with tenant_session(runtime.sessions, [account.client_id]) as session:
            for n in range(300):
                tell(session, account, n)
            session.commit()
        evidence_tasks.sequence(client)
        evidence_tasks.look_over(client)
        found = {one.invariant for one in alarms_of(runtime, account.client_id)}
        assert found & {"the tree continues every checkpoint that is kept outside"}
        path.write_text(kept)
    assert "the record can be looked over" in found


def test_a_batch_goes_on_where_one_record_breaks(
    runtime: Runtime, account: Account, fresh_db: Database
) -> None:
    """EV-07: each night the job erases what it could not erase before."""
    client, old = account.client_id, NOW - timedelta(days=3660)
    with tenant_session(runtime.sessions, [client]) as session:
        debtor = session.get_one(Debtor, (client, account.debtor_id))
        given = {"status": "recalled", "placed_at": old, "sol_expires_on": None}
        lost, gone = sorted(make_account(session, debtor, **given).id for _ in range(2))
        session.commit()
    asked_by, approved_by = Staff(id=fresh_id()), Staff(id=fresh_id())
    web = make_engine(fresh_db.url("portal_app"))
    with tenant_session(sessionmaker(web, class_=PortalSession), [client]) as session:
        of = Asked(session.get_one(Client, client), NOW.date(), NOW)
        batch = erasures.ask(session, of, FIRST, "Clean-up", staff=asked_by, now=NOW)
        erasures.approve(session, batch, staff=approved_by, now=NOW)
        batch_id = str(batch.id)
        session.commit()
    web.dispose()

    def lose(name: str) -> None:
        if name == "before evidence.erased" and not broke:
            broke.append(name)
            raise RuntimeError("the machine was switched off")

    broke: list[str] = []
    set_hook(lose)
    with pytest.raises(RuntimeError):
        evidence_tasks.erase(str(client), batch_id)
    set_hook(None)
    assert erased(runtime, client) == [gone]
    evidence_tasks.erase_rest(str(client))
    assert erased(runtime, client) == [lost, gone]


def test_the_command_lists_what_may_be_erased_and_erases_nothing(
    runtime: Runtime, account: Account, fresh_db: Database
) -> None:
    """RT-01"""
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        slug = session.get_one(Client, account.client_id).slug
        session.get_one(Account, (account.client_id, account.id)).status = AccountStatus.RECALLED
        session.commit()
    environ = {"DATABASE_URL": fresh_db.url("portal_app")}
    environ["WORKER_DATABASE_URL"] = fresh_db.url("portal_worker")
    asked = ["--client", slug, "--as-of"]
    before = CliRunner().invoke(retention, [*asked, "2031-05-01"], env=environ)
    assert before.output == (
        "0 records have passed their last day by 2031-05-01; 0 are held back.\n"
    )
    after = CliRunner().invoke(retention, [*asked, "2031-05-02"], env=environ)
    assert after.output == (
        f"{account.reference}: last activity 2026-11-23, kept until 2031-05-01 (limitation),"
        " 3 leaves, 0 documents: may be erased\n"
        "1 records have passed their last day by 2031-05-02; 0 are held back.\n"
    )
    sooner = CliRunner().invoke(retention, [*asked, "2029-11-24", "--no-limitation"], env=environ)
    assert "1 records" in sooner.output
    unknown = CliRunner().invoke(retention, ["--client", "nobody"], env=environ)
    assert "There is no client nobody" in unknown.output
    assert erased(runtime, account.client_id) == []


def erased(runtime: Runtime, client_id: UUID) -> list[UUID]:
    with tenant_session(runtime.sessions, [client_id]) as session:
        gone = select(Account.id).where(Account.erased_at.is_not(None)).order_by(Account.id)
        return list(session.scalars(gone))


def test_an_account_that_went_to_another_person_is_no_fault(
    runtime: Runtime, account: Account
) -> None:
    """Its record still names the links of whom it was placed with first."""
    with tenant_session(runtime.sessions, [account.client_id]) as session:
        first = session.get_one(Debtor, (account.client_id, account.debtor_id))
        issue_link(session, first, keys=runtime.settings.keys, now=NOW)
        other = make_debtor(session, session.get_one(Client, account.client_id))
        mine = session.get_one(Account, (account.client_id, account.id))
        mine.debtor_id = other.id
        session.commit()
    for look_over in (evidence_tasks.look_over_new, evidence_tasks.look_over):
        look_over(str(account.client_id))
        assert alarms_of(runtime, account.client_id) == []
