"""What a piece of work really says to PostgreSQL, whoever in it speaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that leave for PostgreSQL in this block, as the driver sends them."""
    said: list[str] = []
    execute = psycopg.Cursor.execute

    def noted(cursor: psycopg.Cursor[Any], query: Any, *args: Any, **given: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        said.append(" ".join(text.split()))
        return execute(cursor, query, *args, **given)

    psycopg.Cursor.execute = noted  # type: ignore[method-assign, assignment]
    try:
        yield said
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
