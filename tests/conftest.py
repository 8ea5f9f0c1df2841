"""The database of the tests: real PostgreSQL, migrated once, cloned cheaply.

One server is kept between runs, one template per version of the schema, one clone per xdist
worker, one SAVEPOINT per test. ``fresh_db`` gives a database of its own to a test that commits.
``TEST_DATABASE_URL`` (a superuser's) runs the same on a server of yours.
"""

import fcntl
import hashlib
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL, Connection, Engine, make_url

from portal.config import Settings
from portal.db import PortalSession, conninfo, driver_url, make_engine
from portal.embedded import FAST, EmbeddedServer
from portal.schema import MIGRATIONS, ensure_database, upgrade

VAR = Path(__file__).resolve().parent.parent / "var"
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
            }
        )


def _schema_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(MIGRATIONS.rglob("*")):
        if path.suffix in (".py", ".sql"):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@pytest.fixture(scope="session")
def server() -> URL:
    """The superuser's address of the test server."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        return driver_url(given)
    embedded = EmbeddedServer(VAR / "testpg", FAST).start()
    return make_url(embedded.url("postgres", "postgres"))


@pytest.fixture(scope="session")
def template(server: URL) -> str:
    """The name of a migrated database that nobody is connected to."""
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


def _drop_databases(admin: psycopg.Connection[tuple[str]]) -> None:
    old = admin.execute("SELECT datname FROM pg_database WHERE datname ~ '^(template|test)_'")
    for (name,) in old.fetchall():
        admin.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE false')
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _clone(server: URL, template: str) -> Iterator[Database]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(conninfo(server), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" OWNER portal_owner TEMPLATE "{template}"')
        try:
            yield Database(server.set(database=name))
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def database(server: URL, template: str) -> Iterator[Database]:
    """The database of this test process; every test leaves it empty."""
    with _clone(server, template) as clone:
        yield clone


@pytest.fixture(scope="session")
def settings(database: Database) -> Settings:
    """The settings of a demo on this process's database."""
    return database.settings


@pytest.fixture(scope="session")
def engine(database: Database) -> Iterator[Engine]:
    """The web's engine: it logs in as ``portal_app``, so row-level security and grants hold."""
    engine = make_engine(database.url("portal_app"))
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """The one connection of a test; whatever happens on it is rolled back."""
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def sessions(connection: Connection) -> Callable[..., PortalSession]:
    """A factory of sessions that share the test's connection: one sees what another commits."""

    def make(**options: object) -> PortalSession:
        given = {"expire_on_commit": False, "join_transaction_mode": "create_savepoint", **options}
        return PortalSession(bind=connection, **given)  # type: ignore[arg-type]

    return make


@pytest.fixture
def session(sessions: Callable[..., PortalSession]) -> Iterator[PortalSession]:
    """A session that sees no client yet: ``make_client`` (or ``set_tenant``) shows it one."""
    with sessions() as session:
        yield session


@pytest.fixture
def fresh_db(server: URL, template: str) -> Iterator[Database]:
    """A database of its own, for tests with real commits: workers, threads, lock-outs."""
    with _clone(server, template) as clone:
        yield clone
