"""Migrations: how a database comes to the newest schema."""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import URL

from portal.db import conninfo, driver_url
from portal.roles import ensure_roles

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
OLDEST = 16_00_00


class UnsuitableDatabase(RuntimeError):
    """The portal cannot run on this database; the text says why."""


def upgrade(url: str | URL, *, passwords: dict[str, str] | None = None) -> None:
    """Bring the database to the newest schema; safe to run twice and from two machines.

    ``url`` is a direct address of the owner. Missing roles are created, with the passwords
    given by role name. Raises ``UnsuitableDatabase``, ``psycopg.Error`` or
    ``sqlalchemy.exc.DBAPIError``.
    """
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        if connection.info.server_version < OLDEST:
            raise UnsuitableDatabase(
                f"PostgreSQL {OLDEST // 10000} or newer is needed; this is "
                f"{connection.info.server_version // 10000}."
            )
        ensure_roles(connection, passwords=passwords or {})
    command.upgrade(alembic_config(url), "head")


def powers(url: str | URL) -> list[str]:
    """What a login of the portal can do and should not, one sentence each; good is empty."""
    query = """
        SELECT rolsuper OR rolbypassrls,
            EXISTS (SELECT 1 FROM pg_tables
                WHERE schemaname = 'public' AND pg_has_role(tableowner, 'MEMBER'))
        FROM pg_roles WHERE rolname = current_user"""
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        sees_all, owns = connection.execute(query).fetchone() or (False, False)
        user = connection.info.user
    if sees_all:
        return [f"{user} is not bound by row-level security: one client could see another's."]
    return [f"{user} owns tables: it could switch off what forbids changes."] if owns else []


def alembic_config(url: str | URL) -> Config:
    """Alembic's configuration for this address; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = driver_url(url)
    return config
