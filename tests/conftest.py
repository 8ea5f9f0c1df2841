"""The database of the tests: real PostgreSQL, one SAVEPOINT a test.

One server's data is kept between runs, one template per version of the schema, one clone per xdist
worker. ``fresh_db`` gives a database of its own to a test that really commits.
``TEST_DATABASE_URL`` (a superuser's) runs the same on a server of yours.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import URL, Connection, Engine

from portal.config import Settings
from portal.db import PortalSession, Reading, Row
from portal.gateways import vault
from portal.gateways.vault import Vault
from tests.databases import (
    Database,
    cloned,
    migrated_template,
    server_address,
    stop_idle_server,
    web_engine,
)

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave no server behind, unless another run still uses it."""
    if not hasattr(session.config, "workerinput"):
        stop_idle_server()


@pytest.fixture(scope="session", autouse=True)
def master_key() -> None:
    """What this process seals the record with, where no runtime was built."""
    vault.use(Vault(Settings.from_env({}).evidence_keys))


@pytest.fixture(scope="session")
def server() -> URL:
    """The superuser's address of the test server."""
    return server_address()


@pytest.fixture(scope="session")
def template(server: URL) -> str:
    """The name of a migrated database that nobody is connected to."""
    return migrated_template(server)


@pytest.fixture(scope="session")
def database(server: URL, template: str) -> Iterator[Database]:
    """The database of this test process; every test leaves it empty."""
    with cloned(server, template) as clone:
        yield clone


@pytest.fixture
def fresh_db(server: URL, template: str) -> Iterator[Database]:
    """A database of its own, for tests with real commits: workers, threads, lock-outs."""
    with cloned(server, template) as clone:
        yield clone


@pytest.fixture(scope="session")
def settings(database: Database) -> Settings:
    """The settings of a demo on this process's database."""
    return database.settings


@pytest.fixture(scope="session")
def engine(database: Database) -> Iterator[Engine]:
    """The web's engine: it is ``portal_app``, so row-level security and grants hold."""
    engine = web_engine(database)
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
def read(connection: Connection) -> Reading:
    """Reads alone, as the web does, on the test's connection: what it sets ends with it."""

    def read(statement: str, values: Mapping[str, object]) -> Row | None:
        with connection.begin_nested() as alone:
            driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
            row = driver.execute(statement, values).fetchone()
            alone.rollback()
        return row

    return read


@pytest.fixture
def session(sessions: Callable[..., PortalSession]) -> Iterator[PortalSession]:
    """A session that sees no client yet: ``make_client`` (or ``set_tenant``) shows it one."""
    with sessions() as session:
        yield session
