"""Engine and session: plain SQLAlchemy, the tenant of every transaction, and named commits."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from queue import Empty, SimpleQueue
from typing import Any, cast
from uuid import UUID

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

Row = tuple[Any, ...]
Reading = Callable[[str, Mapping[str, object]], Row | None]
"""Whatever reads like a `Reader`."""

RESTED_S = 20.0
_SET_SCOPE = text(
    "SELECT set_config('app.client_ids', :ids, true), set_config('app.staff_id', :staff, true)"
)


class PortalSession(Session):
    """A session whose transactions see only the clients in ``info["client_ids"]``.

    Row-level security reads the list from ``app.client_ids``; without one nothing is visible. Of
    the tables of staff the web sees what belongs to ``info["staff_id"]``, by ``app.staff_id``.
    """


@event.listens_for(PortalSession, "after_begin")
def _scope(session: PortalSession, transaction: SessionTransaction, connection: Connection) -> None:
    # The setting ends with its transaction, so a session that sees nobody need not say so.
    if transaction.nested:
        return
    if session.info.get("client_ids") or session.info.get("staff_id"):
        _apply(session, connection)


def _apply(session: Session, connection: Connection) -> None:
    ids = ",".join(map(str, session.info.get("client_ids") or ()))
    staff_id = session.info.get("staff_id")
    connection.execute(_SET_SCOPE, {"ids": f"{{{ids}}}", "staff": str(staff_id or "")})


def set_tenant(session: Session, *client_ids: UUID) -> None:
    """Let the session see these clients and no others, from now on.

    Works before and inside a transaction: a link is resolved first, its client known after.
    """
    _rescope(session, client_ids=client_ids)


def begin_snapshot(session: Session) -> None:
    """Begin a transaction that sees the database as it is now, until it ends."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def set_staff(session: Session, staff_id: UUID | None) -> None:
    """Let the session see this member of staff's own rows and nobody else's, from now on."""
    _rescope(session, staff_id=staff_id)


def _rescope(session: Session, **scope: object) -> None:
    session.info.update(scope)
    if session.in_transaction():
        session.flush()
        _apply(session, session.connection())


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


class Reader:
    """Reads one row by one SELECT that stands alone, on connections that do nothing else.

    That is one round trip, and what a statement sets for its transaction ends with it. For what
    every page of a debtor reads: it costs a third of the same in a session.
    """

    def __init__(self, url: str | URL, *, pooled: bool = False) -> None:
        options: dict[str, Any] = {"prepare_threshold": None} if pooled else {}
        options |= {"autocommit": True, "cursor_factory": psycopg.RawCursor}
        self._connect = partial(psycopg.connect, conninfo(url), **options)
        self._idle: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()

    def __call__(self, statement: str, values: Mapping[str, object]) -> Row | None:
        """The only row; placeholders are ``%(name)s``. Raises OperationalError.

        It reads again where a connection broke while nobody used it: that does no harm.
        """
        try:
            return self._read(self._take(), statement, values)
        except psycopg.OperationalError as error:
            raise OperationalError(statement, None, error) from error

    def close(self) -> None:
        """Close the connections that nobody reads on now."""
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()

    def _take(self) -> psycopg.Connection[Any]:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._connect()

    def _read(
        self, driver: psycopg.Connection[Any], statement: str, values: Mapping[str, object]
    ) -> Row | None:
        query, names = _numbered(statement)
        given = [values[name] for name in names]
        try:
            return driver.execute(query, given).fetchone()
        except psycopg.OperationalError:
            if not driver.closed:
                raise
            driver = self._connect()
            return driver.execute(query, given).fetchone()
        finally:
            if not driver.closed:
                self._idle.put(driver)


class _Numbers(dict[str, str]):
    """Numbers names in the order in which they are asked for."""

    def __missing__(self, name: str) -> str:
        return self.setdefault(name, f"${len(self) + 1}")


@lru_cache(64)
def _numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """A statement with PostgreSQL's own placeholders, and the names that they stand for.

    Psycopg, which remembers only short statements, would take a page's apart for every request.
    """
    numbers = _Numbers()
    return (statement % numbers).encode(), tuple(numbers)


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
