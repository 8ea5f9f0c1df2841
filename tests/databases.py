"""How the tests come by a database: one migrated template, cloned in milliseconds."""

import fcntl
import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import URL, Engine, event, make_url, text
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.db import conninfo, driver_url, make_engine
from portal.embedded import FAST, EmbeddedServer
from portal.roles import ensure_database
from portal.schema import MIGRATIONS, upgrade

VAR = Path(__file__).resolve().parent.parent / "var"
SIGNED = VAR / "test-evidence"
"""What the tests' signers keep: of random clients, so it is never read again."""
_numbers = itertools.count()


@dataclass(frozen=True)
class Database:
    """One database of the test server, as each role reaches it."""

    admin: URL

    def url(self, role: str) -> str:
        """The address of a role; with the admin's password where there is one."""
        return self.admin.set(username=role).render_as_string(hide_password=False)

    @property
    def settings(self) -> Settings:
        """The settings of a demo on this database."""
        return Settings.from_env(
            {
                "DATABASE_URL": self.url("portal_app"),
                "WORKER_DATABASE_URL": self.url("portal_worker"),
                "MIGRATION_DATABASE_URL": self.url("portal_owner"),
                "EVIDENCE_FOLDER": str(SIGNED),
            }
        )


def web_engine(database: Database) -> Engine:
    """An engine that is ``portal_app``, so that row-level security and grants hold.

    The superuser who logged in gave that role away; `acting_as` alone takes another.
    """
    engine = make_engine(database.admin)
    event.listen(engine, "connect", _become_web)
    return engine


def _become_web(connection: psycopg.Connection[tuple[str]], _record: object) -> None:
    connection.execute("SET SESSION AUTHORIZATION portal_app")
    connection.commit()


@contextmanager
def acting_as(role: str, session: Session) -> Iterator[None]:
    """What somebody else does, within the web's transaction: a command hires, the owner looks."""
    session.flush()
    session.execute(text(f"SET LOCAL SESSION AUTHORIZATION {role}"))
    try:
        yield
        session.flush()
    finally:
        session.execute(text("SET LOCAL SESSION AUTHORIZATION portal_app"))


def server_address() -> URL:
    """The superuser's address: ``TEST_DATABASE_URL``, or the embedded server, started."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        return driver_url(given)
    embedded = _embedded().start()
    return make_url(embedded.url("postgres", "postgres"))


def stop_idle_server() -> None:
    """Stop the embedded server unless somebody is connected; starting again is quick."""
    server = _embedded()
    if not os.environ.get("TEST_DATABASE_URL") and server.answers():
        with psycopg.connect(server.dsn()) as connection:
            others = """
                SELECT count(*) FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
            idle = connection.execute(others).fetchone() == (0,)
        if idle:
            server.stop()


def _embedded() -> EmbeddedServer:
    return EmbeddedServer(VAR / "testpg", FAST)


def migrated_template(server: URL) -> str:
    """The name of a database with today's schema that nobody is connected to."""
    name = f"template_{_schema_hash()}"
    VAR.mkdir(exist_ok=True)
    with (VAR / ".template.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process migrates, the others wait
        with psycopg.connect(conninfo(server), autocommit=True) as admin:
            ready = "SELECT datistemplate FROM pg_database WHERE datname = %s"
            if admin.execute(ready, (name,)).fetchone() != (True,):
                _drop_databases(admin)
                ensure_database(conninfo(server), name, password=server.password)
                upgrade(Database(server.set(database=name)).url("portal_owner"))
                admin.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE true')
    return name


def _schema_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(MIGRATIONS.rglob("*")):
        if path.suffix in (".py", ".sql"):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _drop_databases(admin: psycopg.Connection[tuple[str]]) -> None:
    old = admin.execute("SELECT datname FROM pg_database WHERE datname ~ '^(template|test)_'")
    for (name,) in old.fetchall():
        admin.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE false')
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def cloned(server: URL, template: str) -> Iterator[Database]:
    """A copy of the template for as long as it is needed."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(conninfo(server), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" OWNER portal_owner TEMPLATE "{template}"')
        try:
            yield Database(server.set(database=name))
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
