"""Roles and databases: what must exist before the first migration."""

from typing import Any

import psycopg
from psycopg import sql

LOGIN_ROLES = ("portal_app", "portal_worker")
RESOLVER_ROLE = "portal_resolver"
OWNER_ROLE = "portal_owner"


def ensure_roles(
    connection: psycopg.Connection[Any], *, owner: str = "", passwords: dict[str, str]
) -> None:
    """Create the roles that are missing and let the owner act as the resolver.

    The resolver looks up links and log-ins before a client is known. The owner may become it
    (``SET``) to make its functions, but does not inherit what it sees.
    """
    for role in LOGIN_ROLES:
        _create_role(connection, role, "LOGIN", passwords.get(role))
    _create_role(connection, RESOLVER_ROLE, "NOLOGIN", None)
    owner = owner or connection.info.user
    membership = """
        SELECT rolsuper OR EXISTS (
            SELECT 1 FROM pg_auth_members m
            WHERE m.member = o.oid AND m.roleid = to_regrole(%s) AND m.set_option)
        FROM pg_roles o WHERE rolname = %s"""
    row = connection.execute(membership, (RESOLVER_ROLE, owner)).fetchone()
    if row and not row[0]:
        grant = sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE")
        connection.execute(grant.format(sql.Identifier(RESOLVER_ROLE), sql.Identifier(owner)))


def _create_role(
    connection: psycopg.Connection[Any], role: str, login: str, password: str | None
) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
        return
    statement = sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role), sql.SQL(login))
    if password:
        # Hashed here, so that the server's log never holds the password.
        hashed = connection.pgconn.encrypt_password(
            password.encode(), role.encode(), b"scram-sha-256"
        )
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(hashed.decode()))
    try:
        connection.execute(statement)
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        return  # another process was faster


def ensure_database(
    admin: str, name: str, *, template: str = "template0", password: str | None = None
) -> None:
    """Create the roles and an empty database (or a copy of ``template``) of the owner's.

    ``admin`` is a connection string of a superuser. An existing database is left alone.
    """
    passwords = dict.fromkeys((OWNER_ROLE, *LOGIN_ROLES), password) if password else {}
    with psycopg.connect(admin, autocommit=True) as connection:
        _create_role(connection, OWNER_ROLE, "LOGIN", password)
        ensure_roles(connection, owner=OWNER_ROLE, passwords=passwords)
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if found.fetchone():
            return
        create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(OWNER_ROLE), sql.Identifier(template)
        )
        try:
            connection.execute(create)
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return  # another process was faster
