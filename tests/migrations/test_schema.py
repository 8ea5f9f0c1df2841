"""The migrations and the models tell the same story."""

import ast
import json
import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager
from psycopg.rows import namedtuple_row
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from portal.db import conninfo
from portal.domain.likeness import keys_like
from portal.models import Base
from portal.roles import ensure_database
from portal.schema import MIGRATIONS, alembic_config, powers, upgrade
from portal.services.sealing import Opener
from tests.databases import Database

VERSIONS = sorted((MIGRATIONS / "versions").glob("*.py"))

RETIRED = {"policy_draft"}
"""Tables that only the release before reads; the next release drops them."""


def _ours(name: str | None, kind: str, parents: object) -> bool:
    theirs = (name or "").startswith("procrastinate_") or name in RETIRED
    return not (kind == "table" and theirs)


def test_the_newest_migration_is_what_the_models_say(fresh_db):
    engine = create_engine(fresh_db.url("portal_owner"))
    options = {"compare_type": True, "compare_server_default": True, "include_name": _ours}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert differences == []


def test_upgrading_twice_changes_nothing(fresh_db):
    upgrade(fresh_db.url("portal_owner"))
    engine = create_engine(fresh_db.url("portal_owner"))
    with engine.connect() as connection:
        versions = connection.execute(text("SELECT version_num FROM alembic_version")).all()
    engine.dispose()
    assert versions == [(VERSIONS[-1].stem,)]


@pytest.fixture
def empty(server):
    """A database without a table."""
    name = f"test_{os.getpid()}_empty"
    ensure_database(conninfo(server), name, password=server.password)
    yield Database(server.set(database=name))
    with psycopg.connect(conninfo(server), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}"')


A_CLIENT = """
    INSERT INTO client VALUES (gen_random_uuid(), 'n', 'N', 'N', 'N', '1 Pier', '1-800-555-0100',
        'all day', 'n@n.example', NULL, 'US', 'USD', 'America/New_York', 'creditor', '{en}',
        '#1f4e79', 14, '{}', true, false, 3, '{}', '{}', NULL, gen_random_uuid(), now())"""
DRAFTS_OF_TWO = """
    INSERT INTO policy_draft (client_id, id, staff_id, base_version, document, saved_at)
    SELECT c.id, gen_random_uuid(), s.staff, 1, s.document, s.at FROM client c, (VALUES
        (gen_random_uuid(), '{"old": 1}', now() - interval '1 day'),
        (gen_random_uuid(), '{"new": 1}', now())) AS s (staff, document, at)"""


def test_the_newest_draft_is_copied_and_the_release_before_keeps_its_table(empty):
    """PY-01: who saved it counts as its author."""
    config = alembic_config(empty.url("portal_owner"))
    command.upgrade(config, "0010_rehearsals")
    with psycopg.connect(conninfo(empty.admin)) as admin:
        admin.execute(A_CLIENT)
        admin.execute(DRAFTS_OF_TWO)
    upgrade(empty.url("portal_owner"))
    with psycopg.connect(conninfo(empty.admin)) as admin:
        copied = admin.execute("SELECT document, authors = ARRAY[saved_by] FROM offer_draft")
        assert copied.fetchall() == [('{"new": 1}', True)]
        assert admin.execute("SELECT count(*) FROM policy_draft").fetchone() == (2,)
        guarded = "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'policy_draft'"
        assert admin.execute(guarded).fetchone() == (True,)
        may = "SELECT has_table_privilege('portal_app', 'policy_draft', %s)"
        for privilege in ("SELECT", "INSERT", "UPDATE"):
            assert admin.execute(may, [privilege]).fetchone() == (True,)


IN_THE_CLEAR = """
    INSERT INTO chain SELECT id, chain_id, 0, now(), sha256('one') FROM client;
    INSERT INTO leaf SELECT id, chain_id, 0, 'campaign.sent', now(), '{"n":0}', sha256('one')
      FROM client;
    INSERT INTO document SELECT id, sha256('shown'), 'text/plain', 'shown', now() FROM client;
    INSERT INTO document SELECT id, sha256('other'), 'text/plain', 'other', now() FROM client;
    INSERT INTO leaf_payload SELECT id, chain_id, 0, '{"documents":[{"sha256":"'
      || encode(sha256('shown'), 'hex') || '"}]}', decode(repeat('5a', 32), 'hex') FROM client"""
SEALED = """
    SELECT t.chain_id, t.key_id, t.sealed, k.master, k.sealed AS wrapped FROM {} t
    JOIN chain_key k ON k.id = t.key_id"""


def test_what_was_in_the_clear_is_sealed_kept_and_waits_for_its_place(empty):
    """EV-07: payloads and documents of the release before open with their chain's key."""
    command.upgrade(alembic_config(empty.url("portal_owner")), "0014_draft_authors")
    with psycopg.connect(conninfo(empty.admin)) as admin:
        admin.execute(A_CLIENT)
        admin.execute(IN_THE_CLEAR)
    upgrade(empty.url("portal_owner"))
    with psycopg.connect(conninfo(empty.admin), row_factory=namedtuple_row) as admin:
        (told,) = admin.execute(SEALED.format("leaf_payload")).fetchall()
        opened = Opener().open(told) or b""
        assert opened[:32] == b"Z" * 32
        assert json.loads(opened[32:])["documents"][0]["sha256"] == sha256(b"shown").hexdigest()
        kept = admin.execute(SEALED.format("document")).fetchall()
        assert {Opener().open(row) for row in kept} == {b"shown", b"other"}
        assert admin.execute("SELECT n FROM pending_leaf").fetchall() == [(0,)]
        gone = "SELECT to_regclass('open_document')"
        assert admin.execute(gone).fetchone() == (None,)
        with pytest.raises(psycopg.Error, match="append-only"):
            admin.execute("UPDATE leaf_payload SET n = 1")


A_DEBTOR = """
    INSERT INTO debtor (client_id, id, first_name, last_name, name_key, language, region, country,
      created_at)
    SELECT id, id, 'José', 'García', 'jose garcia', 'es', 'NY', 'US', now() FROM client"""


def test_who_was_there_before_is_found_by_two_words_and_by_likeness(empty):
    command.upgrade(alembic_config(empty.url("portal_owner")), "0028_campaign_letters")
    with psycopg.connect(conninfo(empty.admin)) as admin:
        admin.execute(A_CLIENT)
        admin.execute(A_DEBTOR)
    upgrade(empty.url("portal_owner"))
    with psycopg.connect(conninfo(empty.admin)) as admin:
        words = admin.execute("SELECT word FROM debtor_word ORDER BY 1").fetchall()
        assert words == [("garcia",), ("garcia jose",), ("jose",)]
        like = "SELECT DISTINCT word FROM word_key WHERE key = ANY(%s)"
        assert admin.execute(like, [list(keys_like("gracia"))]).fetchall() == [("garcia",)]


def test_two_machines_may_upgrade_at_once(empty):
    database = empty
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database.url("portal_app"),
        "MIGRATION_DATABASE_URL": database.url("portal_owner"),
    }
    command = [sys.executable, "-m", "portal", "upgrade"]
    machines = [subprocess.Popen(command, cwd=MIGRATIONS.parent, env=environ) for _ in range(2)]
    assert [machine.wait(60) for machine in machines] == [0, 0]


def test_a_table_in_use_stops_a_migration_instead_of_the_portal(fresh_db):
    """A migration waits five seconds for its lock; requests would queue behind it for longer."""
    with psycopg.connect(conninfo(fresh_db.url("portal_owner"))) as user:
        user.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(OperationalError, match="lock timeout"):
            upgrade(fresh_db.url("portal_owner"))


def test_an_upgrade_tells_of_logins_with_too_much_power(fresh_db):
    assert powers(fresh_db.url("portal_app")) == []
    assert powers(fresh_db.url("portal_worker")) == []
    (owner,) = powers(fresh_db.url("portal_owner"))
    assert "owns tables" in owner
    (admin,) = powers(fresh_db.admin)
    assert "row-level security" in admin


def test_the_migrations_are_one_line_of_history():
    script = ScriptDirectory.from_config(alembic_config("postgresql://"))
    history = [revision.revision for revision in script.walk_revisions()]
    assert history[::-1] == [path.stem for path in VERSIONS]


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_migration_is_named_by_number_and_words(path: Path):
    assert re.fullmatch(r"\d{4}(_[a-z0-9]+)+", path.stem)
    assert len(path.stem) <= 32, "Alembic keeps 32 characters of a revision's name"
    assert (ast.get_docstring(ast.parse(path.read_text())) or "").endswith(".")


def test_the_queue_has_the_schema_of_the_installed_procrastinate():
    """After an upgrade of Procrastinate: one revision for each of its new SQL files."""
    frozen = MIGRATIONS / "sql" / "procrastinate_schema_3.10.0.sql"
    assert frozen.read_text() == SchemaManager.get_schema()


def test_the_web_cannot_read_or_delete_jobs(fresh_db):
    with psycopg.connect(conninfo(fresh_db.url("portal_app"))) as connection:
        for statement in ("SELECT args FROM procrastinate_jobs", "DELETE FROM procrastinate_jobs"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()


def test_only_the_owner_may_become_the_resolver_and_it_inherits_nothing(fresh_db):
    query = """
        SELECT member::regrole::text, inherit_option, set_option FROM pg_auth_members
        WHERE roleid = 'portal_resolver'::regrole"""
    with psycopg.connect(conninfo(fresh_db.url("portal_owner"))) as connection:
        assert connection.execute(query).fetchall() == [("portal_owner", False, True)]
        roles = (
            "SELECT rolname FROM pg_roles WHERE rolname ~ '^portal_' AND (rolbypassrls OR rolsuper)"
        )
        assert connection.execute(roles).fetchall() == []
