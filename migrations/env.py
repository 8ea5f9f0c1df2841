"""How migrations run: one at a time over all machines, each in its own transaction."""

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from portal.models import Base


def ours(name: str | None, kind: str, parents: object) -> bool:
    """Whether autogenerate may look at it: Procrastinate keeps its own tables."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def run(connection: Connection) -> None:
    # Session-wide, before the time-outs: a second deploy waits for the first to end.
    connection.execute(text("SELECT pg_advisory_lock(hashtext('portal migrations'))"))
    # A migration that cannot get its lock at once must not queue all the portal behind it.
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.execute(text("SET statement_timeout = '15min'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=ours,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


engine = create_engine(context.config.attributes["url"], poolclass=NullPool)
with engine.connect() as connection:
    run(connection)
