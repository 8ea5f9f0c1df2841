"""What each process can do to staff and to Stripe's events, tried as PostgreSQL's roles."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from portal.db import PortalSession, conninfo
from portal.models import fresh_id
from portal.services import inbox
from tests.databases import Database, acting_as
from tests.factories import NOW

SAM = UUID("01a20000-0000-7000-8000-000000000001")
OTTO = UUID("01a20000-0000-7000-8000-000000000002")
BODY = b'{"customer_details": {"email": "dana@mail.example"}}'

Connection = psycopg.Connection[Any]


@pytest.fixture
def staffed(fresh_db: Database) -> Database:
    """Sam and Otto work here, both are logged in, and one event of Stripe's has come."""
    staff = "INSERT INTO staff (id, email, name, role, password_hash, created_at) VALUES"
    log_in = """
        INSERT INTO staff_session
          (id, staff_id, token_hash, ip, user_agent, started_at, expires_at) VALUES"""
    event = """
        INSERT INTO stripe_event
          (event_id, type, object_id, livemode, body, received_at, attempts) VALUES"""
    with psycopg.connect(conninfo(fresh_db.url("portal_owner"))) as owner:
        for who, name in ((SAM, "sam"), (OTTO, "otto")):
            person = (who, f"{name}@harbor.example", name, "agent", f"hash of {name}", NOW)
            owner.execute(f"{staff} (%s, %s, %s, %s, %s, %s)", person)
            once = (who, who, name.encode(), "::1", "test", NOW, NOW + timedelta(hours=1))
            owner.execute(f"{log_in} (%s, %s, %s, %s, %s, %s, %s)", once)
        told = ("evt_1", "refund.created", "re_1", False, BODY, NOW, 0)
        owner.execute(f"{event} (%s, %s, %s, %s, %s, %s, %s)", told)
    return fresh_db


@pytest.fixture
def web(staffed: Database) -> Iterator[Connection]:
    """The web's connection, at a page that Sam reads."""
    with psycopg.connect(conninfo(staffed.url("portal_app")), autocommit=True) as web:
        web.execute("SELECT set_config('app.staff_id', %s, false)", (str(SAM),))
        yield web


@pytest.fixture
def worker(staffed: Database) -> Iterator[Connection]:
    """The worker's connection."""
    with psycopg.connect(conninfo(staffed.url("portal_worker")), autocommit=True) as worker:
        yield worker


def only(connection: Connection, statement: str, *given: object) -> Any:
    row = connection.execute(statement, given or None).fetchone()
    return row and row[0]


def test_a_page_sees_the_rows_of_the_staff_who_reads_it_and_no_others(web: Connection):
    for table, column in (("staff", "id"), ("staff_session", "staff_id")):
        assert web.execute(f"SELECT {column} FROM {table}").fetchall() == [(SAM,)]
    assert web.execute("SELECT password_hash FROM staff").fetchall() == [("hash of sam",)]
    for nobody in ("", str(fresh_id())):
        web.execute("SELECT set_config('app.staff_id', %s, false)", (nobody,))
        for table in ("staff", "staff_session", "staff_client"):
            assert only(web, f"SELECT count(*) FROM {table}") == 0


def test_a_page_changes_nobody_elses_password_or_log_in(web: Connection, staffed: Database):
    web.execute("UPDATE staff SET password_hash = 'known'")
    web.execute("UPDATE staff_session SET ended_at = now()")
    with psycopg.connect(conninfo(staffed.url("portal_owner"))) as owner:
        hashes = owner.execute("SELECT password_hash FROM staff ORDER BY name").fetchall()
        assert hashes == [("hash of otto",), ("known",)]
        ended = "SELECT staff_id FROM staff_session WHERE ended_at IS NOT NULL"
        assert owner.execute(ended).fetchall() == [(SAM,)]


@pytest.mark.parametrize(
    "forbidden",
    [
        "UPDATE staff SET role = 'operator'",
        "UPDATE staff SET disabled_at = NULL",
        "UPDATE staff SET email = 'mine@harbor.example'",
        "DELETE FROM staff",
        """INSERT INTO staff (id, email, name, role, password_hash, created_at)
           VALUES (gen_random_uuid(), 'new@harbor.example', 'New', 'operator', '-', now())""",
        f"INSERT INTO staff_client VALUES ('{SAM}', gen_random_uuid())",
        "DELETE FROM staff_client",
        f"UPDATE staff_session SET staff_id = '{OTTO}'",
        "UPDATE staff_session SET expires_at = now() + interval '9 years'",
        "DELETE FROM staff_session",
        f"""INSERT INTO staff_session
            (id, staff_id, token_hash, ip, user_agent, started_at, expires_at)
            VALUES (gen_random_uuid(), '{OTTO}', 'mine', '', '', now(), now())""",
        f"""INSERT INTO staff_second_step (staff_id, last_step, enrolled_at)
            VALUES ('{OTTO}', 0, now())""",
        "DELETE FROM staff_second_step",
        "UPDATE staff_recovery_code SET code_hash = ''",
        "UPDATE staff_recovery_code SET created_at = now()",
        """INSERT INTO staff_invitation
           (id, email, name, role, client_ids, created_at, expires_at, sends)
           VALUES (gen_random_uuid(), 'a@b.example', 'A', 'operator', '{}', now(), now(), 1)""",
        "UPDATE staff_invitation SET role = 'operator'",
        "UPDATE staff_event SET kind = 'log_in'",
        f"""INSERT INTO held_form (staff_id, id, path, sealed, held_at)
            VALUES ('{OTTO}', gen_random_uuid(), '/', '', now())""",
        "SELECT body FROM stripe_event",
        "SELECT event_id FROM stripe_event",
        "INSERT INTO stripe_event SELECT * FROM stripe_event",
        "UPDATE stripe_event SET handled_at = now()",
        "DELETE FROM stripe_event",
        """INSERT INTO stripe_event
           (event_id, type, livemode, body, received_at, handled_at, attempts)
           VALUES ('evt_2', 'refund.created', false, '', now(), now(), 0)""",
        "SELECT name FROM watermark",
        "SELECT why FROM reconcile_failure",
        "SELECT version_num FROM alembic_version",
    ],
)
def test_the_web_is_refused(web: Connection, forbidden: str):
    with pytest.raises(InsufficientPrivilege):
        web.execute(forbidden)


def test_an_agent_reaches_nobody_whatever_a_page_asks(web: Connection):
    """Roles and clients of others are changed by functions that ask who is logged in."""
    assert web.execute("SELECT id FROM staff_in_reach()").fetchall() == []
    change = "SELECT change_staff(%s, 'agent', NULL, %s, NULL)"
    assert only(web, change, OTTO, "compliance") == "out of reach"
    assert only(web, change, SAM, "operator") == "out of reach"
    assert only(web, "SELECT staff_may_invite('agent', '{}')") is False
    assert only(web, "SELECT accept_invitation(%s, %s, '-', now())", SAM, OTTO) is False


def test_the_door_finds_a_person_by_address_and_a_log_in_by_its_cookie(web: Connection):
    """Before anybody is known the web learns an id, and of staff in a timeline the name."""
    assert only(web, "SELECT resolve_staff('otto@harbor.example')") == OTTO
    assert only(web, "SELECT resolve_staff('%')") is None
    assert only(web, "SELECT resolve_staff_session(%s)", b"otto") == OTTO
    assert only(web, "SELECT resolve_staff_session(%s)", b"") is None
    names = "SELECT staff_id, name FROM resolve_staff_names(%s)"
    assert web.execute(names, ([OTTO],)).fetchall() == [(OTTO, "otto")]


@pytest.mark.parametrize(
    "forbidden",
    [
        "SELECT password_hash FROM staff",
        "UPDATE staff SET password_hash = 'known'",
        "SELECT token_hash FROM staff_session",
        f"INSERT INTO staff_session (staff_id) VALUES ('{SAM}')",
        "SELECT resolve_staff('sam@harbor.example')",
        "SELECT change_staff(NULL, 'agent', NULL, 'operator', NULL)",
        "SELECT revoke_invitations_of(NULL, now())",
        "SELECT code_hash FROM staff_recovery_code",
        "SELECT sealed FROM held_form",
        "SELECT path FROM held_form",
        "UPDATE held_form SET held_at = now()",
        "SELECT body FROM stripe_event",
        "UPDATE stripe_event SET body = ''",
        "DELETE FROM stripe_event",
    ],
)
def test_a_worker_is_refused(worker: Connection, forbidden: str):
    with pytest.raises(InsufficientPrivilege):
        worker.execute(forbidden)


def test_the_web_puts_an_event_in_and_the_worker_takes_it_up(session: PortalSession):
    told = inbox.GatewayEvent(
        id="evt_9",
        type="unknown.kind",
        stripe_account=None,
        livemode=False,
        object_id=None,
        object_type=None,
        api_version=None,
        created_at=NOW,
    )
    assert inbox.receive(session, told, BODY, now=NOW)
    assert not inbox.receive(session, told, BODY, now=NOW)
    session.commit()
    with acting_as("portal_worker", session):
        assert inbox.waiting(session, now=NOW) == ["evt_9"]
        gateway: Any = None
        inbox.handle(session, gateway, "evt_9", livemode=False, now=NOW)
        assert inbox.waiting(session, now=NOW) == []
