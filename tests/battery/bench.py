"""The database that simulations run on: real commits, emptied between two seeds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import URL, Engine
from sqlalchemy.orm import sessionmaker

from portal.config import Settings
from portal.db import PortalSession, conninfo, make_engine, make_sessions
from portal.gateways import vault
from tests.databases import Database, cloned, migrated_template, server_address

KEPT = ("alembic_version",)


@dataclass
class Bench:
    """One database of its own with an engine for the web, one for the worker, one for the judge."""

    database: Database
    web_engine: Engine = field(init=False)
    worker_engine: Engine = field(init=False)
    judge: psycopg.Connection[Any] = field(init=False)

    def __post_init__(self) -> None:
        options: dict[str, Any] = {"pool_pre_ping": False, "pool_size": 6}
        self.web_engine = make_engine(self.database.url("portal_app"), **options)
        self.worker_engine = make_engine(self.database.url("portal_worker"), **options)
        self.judge = psycopg.connect(conninfo(self.database.admin), autocommit=True)
        tables = self.judge.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        ).fetchall()
        self._tables = [name for (name,) in tables if name not in KEPT]

    @property
    def settings(self) -> Settings:
        """The settings of a demo on this database."""
        return self.database.settings

    @property
    def web(self) -> sessionmaker[PortalSession]:
        """Sessions as the web opens them."""
        return make_sessions(self.web_engine)

    @property
    def worker(self) -> sessionmaker[PortalSession]:
        """Sessions as the worker opens them."""
        return make_sessions(self.worker_engine)

    @property
    def in_transaction(self) -> int:
        """How many sessions of the portal hold a transaction open at this moment."""
        return self.web_engine.pool.checkedout() + self.worker_engine.pool.checkedout()  # type: ignore[attr-defined]

    def empty(self) -> None:
        """Delete every row, append-only or not: each seed begins with nothing."""
        self.doctor("; ".join(f'DELETE FROM "{table}"' for table in self._tables))

    def doctor(self, statements: str) -> None:
        """Write what nobody may, past triggers and references."""
        self.judge.execute(f"SET session_replication_role = replica; {statements}; RESET ALL")

    def rows(self, query: str, **values: object) -> list[Any]:
        """What a query of the judge finds, whoever's row it is."""
        return self.judge.execute(query, values or None).fetchall()

    def close(self) -> None:
        """Give every connection back."""
        self.judge.close()
        self.web_engine.dispose()
        self.worker_engine.dispose()


@contextmanager
def opened(server: URL | None = None, template: str | None = None) -> Iterator[Bench]:
    """A bench on a fresh clone of today's schema."""
    server = server or server_address()
    vault.use(vault.Vault(Settings.from_env({}).evidence_keys))
    with cloned(server, template or migrated_template(server)) as database:
        bench = Bench(database)
        try:
            yield bench
        finally:
            bench.close()
