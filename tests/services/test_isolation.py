"""Who may touch what, as PostgreSQL holds it: clients apart, and records that nobody changes.

The tables come from the models, so that a new one without a policy fails here.
"""

from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from portal.db import PortalSession, conninfo, set_tenant
from portal.models import Base, Client, fresh_id
from tests.databases import Database
from tests.factories import (
    NOW,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_link,
    make_payment,
    make_placement,
    make_policy,
)

QUEUE = "the web puts jobs in and reads none, and workers serve every client: test_schema.py"
OPEN = {
    "alembic_version": "the owner's alone: no other role has a grant",
    "attempt_counter": "keyed hashes and numbers, of attempts before anybody is known",
    "procrastinate_events": QUEUE,
    "procrastinate_jobs": QUEUE,
    "procrastinate_periodic_defers": QUEUE,
    "procrastinate_workers": QUEUE,
}
"""Tables without row-level security, each with its reason."""

SHARED = {
    *("attempt_counter", "reconcile_failure", "staff", "staff_client", "staff_session"),
    *("staff_second_step", "staff_recovery_code", "staff_invitation", "staff_event", "held_form"),
    *("stray_delivery", "stripe_event", "watermark"),
}
"""Tables without a client: staff and what belongs to no client's debtor."""

OWNED = sorted(
    name
    for name, table in Base.metadata.tables.items()
    if "client_id" in table.columns and name not in SHARED
)
APPEND_ONLY = (
    *("document", "leaf", "leaf_payload", "ledger_entry", "offer_policy"),
    *("payment_allocation", "placement_row", "thread_entry"),
    *("leaf_position", "tree_node", "checkpoint", "log_key", "evidence_check"),
    *("delivery", "staff_event"),
)
RUNNERS = ("portal_app", "portal_worker")
COLUMN_OF = {name: "client_id" for name in OWNED} | {"client": "id"}


def test_every_table_is_a_clients_or_known_to_be_shared():
    """A new table gets a policy in its migration, or a place in SHARED and grants of its own."""
    assert set(Base.metadata.tables) == {"client", *OWNED, *SHARED}


def test_every_table_of_the_database_has_row_level_security(session: PortalSession):
    """Whatever made it; it binds the owner too. OPEN names the exceptions, each with its reason."""
    tables = """
        SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'f', 'm', 'v')"""
    found = {name: walled for name, walled in session.execute(text(tables))}
    assert found == dict.fromkeys(found, True) | dict.fromkeys(OPEN, False)


@pytest.mark.parametrize("table", COLUMN_OF)
def test_row_level_security_holds_for_every_role(session: PortalSession, table: str):
    forced = (
        "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = :name ::regclass"
    )
    assert session.scalar(text(forced), {"name": table})
    policies = session.execute(
        text(
            "SELECT cmd, permissive, roles::text[], qual, with_check FROM pg_policies"
            " WHERE tablename = :name"
        ),
        {"name": table},
    ).all()
    found = [one for one in policies if one.roles != ["portal_resolver"]]
    assert len(found) == 1, "one policy for everything: several permissive ones add up"
    cmd, permissive, roles, shown, written = found[0]
    assert (cmd, permissive) == ("ALL", "PERMISSIVE")
    assert set(RUNNERS) <= set(roles)
    assert shown == written
    assert shown.startswith(f"({COLUMN_OF[table]} = ANY (")
    assert "app_client_ids()" in shown


@pytest.fixture
def two_clients(session: PortalSession) -> tuple[UUID, UUID]:
    """Northgate and Harbor with the same rows each; the session sees Northgate."""
    ids = []
    for slug in ("northgate", "harbor"):
        client = make_client(session, slug=slug)
        make_policy(session, client)
        debtor = make_debtor(session, client)
        make_contact(session, debtor)
        make_placement(session, client)
        account = make_account(session, debtor)
        make_link(session, debtor)
        make_payment(session, account)
        ids.append(client.id)
    set_tenant(session, ids[0])
    return ids[0], ids[1]


@pytest.mark.parametrize("table", COLUMN_OF)
def test_a_client_sees_none_of_anothers_rows(session: PortalSession, two_clients, table: str):
    mine, theirs = two_clients
    column = Base.metadata.tables[table].c[COLUMN_OF[table]]
    seen = set(session.scalars(select(column)))
    assert seen <= {mine}
    set_tenant(session, theirs)
    assert set(session.scalars(select(column))) == ({theirs} if seen else set())
    set_tenant(session)
    session.execute(text("SELECT set_config('app.client_ids', '', true)"))
    assert session.scalar(select(func.count()).select_from(column.table)) == 0


def test_the_rows_that_were_hidden_are_there(session: PortalSession, two_clients):
    """Else the test above could not fail."""
    filled = [
        table
        for table, column in COLUMN_OF.items()
        if session.scalars(select(Base.metadata.tables[table].c[column])).first()
    ]
    assert set(filled) >= {
        *("client", "offer_policy", "debtor", "contact", "placement", "account"),
        *("ledger_entry", "access_link", "payment", "chain", "leaf", "leaf_payload"),
    }


@pytest.mark.parametrize("table", OWNED)
def test_nobody_writes_a_row_for_another_client(session: PortalSession, two_clients, table: str):
    """The policy is asked before any constraint, so one column is enough."""
    _, theirs = two_clients
    statement = text(f"INSERT INTO {table} (client_id) VALUES (:theirs)")
    with pytest.raises(ProgrammingError, match="row-level security"):
        session.execute(statement, {"theirs": theirs})


def test_a_client_cannot_be_added_or_taken_over_by_another(session: PortalSession, two_clients):
    _, theirs = two_clients
    taken = text("UPDATE client SET slug = 'mine-now' WHERE id = :theirs")
    assert session.execute(taken, {"theirs": theirs}).rowcount == 0  # type: ignore[attr-defined]
    given_away = text("UPDATE debtor SET client_id = :theirs")
    with pytest.raises(ProgrammingError, match="row-level security"):
        session.execute(given_away, {"theirs": theirs})


@pytest.mark.parametrize("role", RUNNERS)
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_no_process_may_change_a_record(session: PortalSession, role: str, table: str):
    for privilege, allowed in (
        *(("SELECT", True), ("INSERT", True)),
        *(("UPDATE", False), ("DELETE", False), ("TRUNCATE", False), ("TRIGGER", False)),
    ):
        asked = text("SELECT has_table_privilege(:role, :name, :privilege)")
        given = {"role": role, "name": table, "privilege": privilege}
        assert session.scalar(asked, given) is allowed, privilege
    columns = text("SELECT has_any_column_privilege(:role, :name, 'UPDATE')")
    assert session.scalar(columns, {"role": role, "name": table}) is False


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        (
            "esign_consent",
            {
                *("status", "text_version", "text_sha256", "locale", "tries", "session_id"),
                *("consented_at", "withdrawn_at"),
            },
        ),
        ("letter_batch", {"finished_at", "finished_by"}),
        ("letter", {"sent_at"}),
    ],
)
def test_what_was_tried_out_and_what_was_printed_cannot_be_changed_later(
    session: PortalSession, table: str, changed: set[str]
):
    """ES-01, ES-02: a page keeps what became of them, and jobs only read them."""
    asked = text("SELECT has_column_privilege(:role, :name, :column, 'UPDATE')")
    columns = [column.name for column in Base.metadata.tables[table].columns]
    for role, allowed in (("portal_app", changed), ("portal_worker", set())):
        given = {"role": role, "name": table}
        assert {c for c in columns if session.scalar(asked, given | {"column": c})} == allowed


@pytest.mark.parametrize(
    ("table", "web", "worker"),
    [
        (
            "legal_hold",
            {"lifted_by", "lifted_at", "lifted_reason"},
            {"reason", "matter", "lifted_reason"},
        ),
        (
            "erasure_batch",
            {"status", "decided_by", "decided_at", "note"},
            {"status", "finished_at"},
        ),
        (
            "erasure",
            set(),
            {"status", "rule", "last_day", "leaves", "documents", "why", "leaf_n", "at"},
        ),
        ("chain_key", set(), {"master", "sealed", "destroyed_at"}),
        (
            "campaign",
            {"status", "scheduled_at", "cut_off_at", "ended_at"},
            {
                *("status", "scheduled_at", "cut_off_at", "ended_at", "started_at", "prepared_at"),
                *("released_at", "after", "goes", "later", "held", "counted", "counted_at"),
            },
        ),
        ("link_opening", set(), set()),
        (
            "call_session",
            {
                *("call_id", "seen_at", "verified_at", "method", "ended_at", "disposition"),
                "note",
            },
            {"note"},
        ),
        (
            "second_look",
            {"outcome", "decided_by", "decided_at", "answer", "payment_id"},
            {"reason", "details", "answer"},
        ),
    ],
)
def test_the_web_asks_for_what_the_worker_carries_out(
    session: PortalSession, table: str, web: set[str], worker: set[str]
):
    """EV-07, RT-02: neither can change what was asked for, by whom, and about whom."""
    asked = text("SELECT has_column_privilege(:role, :name, :column, 'UPDATE')")
    columns = [column.name for column in Base.metadata.tables[table].columns]
    for role, allowed in (("portal_app", web), ("portal_worker", worker)):
        given = {"role": role, "name": table}
        assert {c for c in columns if session.scalar(asked, given | {"column": c})} == allowed


@pytest.mark.parametrize("role", RUNNERS)
def test_no_process_may_delete_but_what_is_forgotten(session: PortalSession, role: str):
    """Only drafts, counters, queues and words to search by go."""
    asked = text("SELECT has_table_privilege(:role, :name, 'DELETE')")
    deletable = {
        name for name in Base.metadata.tables if session.scalar(asked, {"role": role, "name": name})
    }
    own = {"reconcile_failure", "rehearsal_change"} if role == "portal_worker" else set()
    both = {"attempt_counter", "debtor_word", "held_form", "offer_draft", "pending_leaf"}
    both |= {"word_key"}
    assert deletable == {*both, *own}


def test_nobody_but_our_processes_asks_a_resolver(session: PortalSession):
    """A function is everybody's until it is taken from PUBLIC by its owner."""
    functions = """
        SELECT p.proname, array(SELECT coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC')
            FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a ORDER BY 1)
        FROM pg_proc AS p WHERE p.prosecdef AND p.proowner = 'portal_resolver'::regrole"""
    found = {name: set(granted) for name, granted in session.execute(text(functions))}
    staff = {"resolve_staff", "resolve_staff_session", "resolve_staff_names"}
    staff |= {name for name in found if name.startswith("operator_")}
    assert staff < set(found)
    for name, granted in found.items():
        runners = {"portal_app"} if name in staff else set(RUNNERS)
        assert granted == {"portal_resolver", "portal_owner", *runners}, name


@pytest.fixture
def owner(fresh_db: Database):
    """A connection as the owner of the tables."""
    with psycopg.connect(conninfo(fresh_db.url("portal_owner"))) as connection:
        yield connection


def test_not_even_the_owner_changes_a_record(owner: psycopg.Connection):
    triggers = """
        SELECT tgname, tgenabled, tgtype FROM pg_trigger
        WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgname LIKE 'append_only%%'"""
    row, before, delete, update, truncate = 1, 2, 8, 16, 32
    for table in APPEND_ONLY:
        found = {name: (enabled, kind) for name, enabled, kind in owner.execute(triggers, (table,))}
        assert found == {
            "append_only": ("O", row | before | delete | update),
            "append_only_whole": ("O", before | truncate),
        }
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            owner.execute(f"TRUNCATE {table} CASCADE")
        owner.rollback()


def test_the_owner_cannot_rewrite_a_written_record(owner: psycopg.Connection):
    client_id, version_id = fresh_id(), fresh_id()
    owner.execute("SELECT set_config('app.client_ids', %s, false)", (f"{{{client_id}}}",))
    names = [column.name for column in Client.__table__.columns if not column.nullable]
    given = {
        **dict.fromkeys(names, "x"),
        **{"id": client_id, "chain_id": fresh_id(), "created_at": NOW, "brand_color": "#1f4e79"},
        **{"link_days": 14, "identity_codes": True, "sms_enabled": False},
        **{
            "answer_working_days": 3,
            "drafts_saved": 0,
            "counter_limit_cents": 0,
            "refund_limit_cents": 0,
            "languages": ["en"],
            "identity_factors": ["postal_code"],
        },
        **{"placement_defaults": "{}", "header_synonyms": "{}"},
    }
    given["collector_role"] = "first_party_creditor"
    places = ", ".join(f"%({name})s" for name in names)
    owner.execute(f"INSERT INTO client ({', '.join(names)}) VALUES ({places})", given)
    owner.execute(
        "INSERT INTO offer_policy (client_id, id, version, document, sha256, published_at)"
        " VALUES (%s, %s, 1, '{}', ''::bytea, %s)",
        (client_id, version_id, NOW),
    )
    owner.commit()
    for change in ("UPDATE offer_policy SET document = '{}'", "DELETE FROM offer_policy"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            owner.execute(change)
        owner.rollback()
    owner.commit()
