"""Engine and session: plain SQLAlchemy, the tenant of every transaction, and named commits."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

RESTED_S = 20.0
_SET_TENANT = text("SELECT set_config('app.client_ids', :ids, true)")


class PortalSession(Session):
    """A session whose transactions see only the clients in ``info["client_ids"]``.

    Row-level security reads the list from ``app.client_ids``; without one nothing is visible.
    What `read_row` reads before the first ORM statement goes straight to the connection on which
    the session will work, in the same transaction: a page that only reads does not pay for more.
    """

    _reading: Connection | None = None
    _scoped_to: tuple[UUID, ...] = ()
    _begun = False

    def driver(self) -> psycopg.Connection[Any]:
        """The psycopg connection of the open transaction; one begins if there is none."""
        found = self._before_orm() or self.connection()
        return cast("psycopg.Connection[Any]", found.connection.driver_connection)

    def scoped_to(self, *client_ids: UUID) -> None:
        """Note that a statement has just scoped the open transaction to these clients by itself."""
        self.info["client_ids"] = client_ids
        if self._reading is not None and not self._begun:
            self._scoped_to = client_ids

    def get_bind(self, *args: Any, **given: Any) -> Engine | Connection:
        """The connection that was read from, else ``bind``, where other transactions begin."""
        return self._reading or super().get_bind(*args, **given)

    def commit(self) -> None:
        """Commit the transaction, one that only read too: none is open while others are asked."""
        super().commit()
        if self._reading is not None and not self._begun:
            self._end_reading(self._reading)
            self._scoped_to = ()

    def close(self) -> None:
        """End the transaction and give its connection back."""
        super().close()
        self._give_back()

    def invalidate(self) -> None:
        """Throw away a connection that broke."""
        super().invalidate()
        if self._reading is not None:
            self._reading.invalidate()
        self._give_back()

    def _before_orm(self) -> Connection | None:
        """The connection as long as nothing but `read_row` used it, in the scope it has."""
        wanted = tuple(self.info.get("client_ids") or ())
        if self._begun or self.in_transaction() or wanted != self._scoped_to:
            return None
        if self._reading is None and isinstance(self.bind, Engine):
            self._reading = self.bind.connect()
        return self._reading

    def _give_back(self) -> None:
        read_only, self._scoped_to, self._begun = not self._begun, (), False
        if self._reading is not None:
            if read_only and not self._reading.invalidated:
                self._end_reading(self._reading)
            self._reading.close()
            self._reading = None

    @staticmethod
    def _end_reading(reading: Connection) -> None:
        """Commit what changed nothing: a rollback would forget the prepared statements."""
        try:
            reading.connection.commit()
        except psycopg.OperationalError:
            reading.invalidate()


@event.listens_for(PortalSession, "after_begin")
def _scope(session: PortalSession, transaction: SessionTransaction, connection: Connection) -> None:
    # The setting ends with its transaction, so a session that sees nobody need not say so.
    if transaction.nested:
        return
    already, session._scoped_to, session._begun = session._scoped_to, (), True
    client_ids = tuple(session.info.get("client_ids") or ())
    if client_ids != already:
        _apply(connection, client_ids)


def _apply(connection: Connection, client_ids: Iterable[UUID]) -> None:
    connection.execute(_SET_TENANT, {"ids": "{" + ",".join(map(str, client_ids)) + "}"})


def set_tenant(session: Session, *client_ids: UUID) -> None:
    """Let the session see these clients and no others, from now on.

    Works before and inside a transaction: a link is resolved first, its client known after.
    """
    session.info["client_ids"] = client_ids
    if session.in_transaction():
        session.flush()
        _apply(session.connection(), client_ids)


def driver_url(url: str | URL) -> URL:
    """The same address with the driver we use; ``postgres://`` and ``postgresql://`` both do."""
    return make_url(url).set(drivername="postgresql+psycopg")


def conninfo(url: str | URL) -> str:
    """The address as libpq and psycopg read it."""
    plain = make_url(url).set(drivername="postgresql")
    return plain.render_as_string(hide_password=False)


def make_engine(url: str | URL, *, pooled: bool = False, **options: Any) -> Engine:
    """An engine on this address.

    ``pooled``: the address is a transaction pooler (PgBouncer), so connections are its business
    and statements may not be prepared.
    """
    if pooled:
        defaults = {"poolclass": NullPool, "connect_args": {"prepare_threshold": None}}
    else:
        defaults = {"pool_size": 5, "max_overflow": 5}
    engine = create_engine(driver_url(url), **(defaults | options))
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", _ping_rested)
    return engine


def _note_rest(_dbapi: object, record: ConnectionPoolEntry | None) -> None:
    if record is not None:
        record.info["rests_since"] = time.monotonic()


def _ping_rested(dbapi: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Look whether a connection that rested still lives; one that worked just now does."""
    if time.monotonic() - record.info.get("rests_since", time.monotonic()) < RESTED_S:
        return
    try:
        dbapi.execute("SELECT 1")
        dbapi.rollback()
    except psycopg.OperationalError as gone:
        raise DisconnectionError from gone


def make_sessions(engine: Engine) -> sessionmaker[PortalSession]:
    """A factory of sessions on this engine; loaded rows stay readable after a commit."""
    return sessionmaker(engine, class_=PortalSession, expire_on_commit=False)


@contextmanager
def tenant_session(
    source: Engine | sessionmaker[PortalSession], client_ids: Iterable[UUID] = ()
) -> Iterator[PortalSession]:
    """A session that sees these clients; what nobody committed is rolled back at the end."""
    sessions = make_sessions(source) if isinstance(source, Engine) else source
    with sessions(info={"client_ids": tuple(client_ids)}) as session:
        yield session


def psycopg_connection(session: Session) -> psycopg.Connection[Any]:
    """The psycopg connection that carries this session's open transaction."""
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)


def read_row(
    session: PortalSession, statement: str, values: Mapping[str, object]
) -> tuple[Any, ...] | None:
    """The only row of a SELECT, straight from the driver within the session's transaction.

    For what every page of a debtor reads: it costs a third. Placeholders are ``%(name)s``.
    Raises OperationalError as the session would.
    """
    session.flush()
    try:
        return session.driver().execute(statement, values).fetchone()
    except psycopg.OperationalError as error:
        session.invalidate()
        raise OperationalError(statement, None, error) from error


def _nothing(name: str) -> None:
    pass


_hook: Callable[[str], None] = _nothing


def set_hook(listener: Callable[[str], None] | None) -> None:
    """Call this function at every named point from now on; ``None`` ends it."""
    global _hook  # noqa: PLW0603
    _hook = listener or _nothing


def hook(name: str) -> None:
    """A named point at a commit or an outside call, where tests stop, crash or switch threads."""
    _hook(name)


def commit(session: Session, name: str) -> None:
    """Commit, with named points on both sides."""
    hook(f"before {name}")
    session.commit()
    hook(f"after {name}")
