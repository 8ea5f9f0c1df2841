"""References met so far in a file, kept beside memory: a file may hold any number of them."""

import hashlib
import sqlite3
from types import TracebackType
from typing import Self

_CACHE_KB = 8_192


class SeenReferences:
    """Tells a reference that stood in an earlier line; only hashes touch the disk.

    A temporary database of its own, with a bounded cache: memory does not grow with the file.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def earlier_line(self, reference: str, line: int) -> int | None:
        """The line on which the reference stood first, or None where this is the first."""
        key = hashlib.blake2b(reference.encode(), digest_size=16).digest()
        added = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line))
        if added.rowcount:
            return None
        found = self._db.execute("SELECT line FROM seen WHERE key = ?", (key,)).fetchone()
        return int(found[0])
