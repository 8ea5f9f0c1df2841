"""Many rows of a table in one statement: copied beside it, then taken over.

COPY into a table with row-level security is not possible, into a temporary one it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql
from sqlalchemy.orm import Session

from portal.db import psycopg_connection

_STAGE = sql.SQL("""
    DROP TABLE IF EXISTS pg_temp.staged;
    CREATE TEMP TABLE staged ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA""")
_COPY = sql.SQL("COPY pg_temp.staged ({columns}) FROM STDIN")
_MOVE = sql.SQL("""
    INSERT INTO {table} ({columns}) SELECT {columns} FROM pg_temp.staged
    ON CONFLICT DO NOTHING RETURNING {returning}""")


def write_rows(
    session: Session,
    table: str,
    rows: Sequence[Mapping[str, object]],
    *,
    returning: Sequence[str] = ("id",),
) -> list[tuple[Any, ...]]:
    """Write rows that all have the same columns; those that were written, by these columns.

    A row that meets another one under a unique key is left out.
    """
    if not rows:
        return []
    session.flush()
    columns = list(rows[0])
    names = {
        "table": sql.Identifier(table),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
        "returning": sql.SQL(", ").join(map(sql.Identifier, returning)),
    }
    with psycopg_connection(session).cursor() as cursor:
        cursor.execute(_STAGE.format(**names))
        with cursor.copy(_COPY.format(**names)) as copy:
            for row in rows:
                copy.write_row([row[column] for column in columns])
        return cursor.execute(_MOVE.format(**names)).fetchall()
