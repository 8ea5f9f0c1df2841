"""Where the sandbox keeps what happened: SQLite, in a file for the demo, in memory for tests.

Objects are Stripe's JSON. A key that begins with ``_`` is the sandbox's own and never shown.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Thing = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS thing (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, kind TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, customer TEXT, intent TEXT,
    body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS thing_by_kind ON thing (account, kind, seq);
CREATE INDEX IF NOT EXISTS thing_by_customer ON thing (customer, kind);
CREATE INDEX IF NOT EXISTS thing_by_intent ON thing (intent, kind);
CREATE TABLE IF NOT EXISTS reply (
    account TEXT NOT NULL, key TEXT NOT NULL, endpoint TEXT NOT NULL, params TEXT NOT NULL,
    at INTEGER NOT NULL, request TEXT NOT NULL, status INTEGER, body TEXT,
    PRIMARY KEY (account, key));
CREATE TABLE IF NOT EXISTS timer (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, due INTEGER NOT NULL, account TEXT NOT NULL,
    action TEXT NOT NULL, thing TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS timer_by_due ON timer (due, seq);
CREATE TABLE IF NOT EXISTS delivery (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint INTEGER NOT NULL,
    first INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS delivery_by_due ON delivery (state, due, seq);
CREATE INDEX IF NOT EXISTS delivery_by_event ON delivery (event);
CREATE TABLE IF NOT EXISTS history (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL);
UPDATE delivery SET state = 'pending' WHERE state = 'sending';
DELETE FROM reply WHERE status IS NULL;
"""


class Store:
    """Objects by id, per connected account; one writer at a time."""

    def __init__(self, path: str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing of it; an inner one belongs to the outer."""
        with self._lock:
            if not self._depth:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._leave("ROLLBACK")
                raise
            self._leave("COMMIT")

    def _leave(self, ending: str) -> None:
        self._depth -= 1
        if not self._depth:
            self._db.execute(ending)

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """The rows of one statement."""
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def put(self, account: str, thing: Thing) -> None:
        """Keep an object, new or changed."""
        with self.transaction():
            self._db.execute(
                "INSERT INTO thing (account, kind, id, created, customer, intent, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " customer = excluded.customer, intent = excluded.intent, body = excluded.body",
                (
                    account,
                    thing["object"],
                    thing["id"],
                    thing.get("created", 0),
                    thing.get("customer"),
                    thing.get("payment_intent"),
                    json.dumps(thing),
                ),
            )

    def get(self, account: str, kind: str, thing_id: str) -> Thing | None:
        """An object of this account, or nothing."""
        found = self.rows(
            "SELECT body FROM thing WHERE id = ? AND account = ? AND kind = ?",
            thing_id,
            account,
            kind,
        )
        return dict(json.loads(found[0]["body"])) if found else None

    def account_of(self, thing_id: str) -> str | None:
        """Which account an object belongs to, or nothing when there is no such object."""
        found = self.rows("SELECT account FROM thing WHERE id = ?", thing_id)
        return found[0]["account"] if found else None

    def newest(
        self,
        kind: str,
        *,
        account: str | None = None,
        customer: str | None = None,
        intent: str | None = None,
    ) -> list[Thing]:
        """Objects of a kind, newest first; ``account`` None: of every account."""
        asked = {"account": account, "customer": customer, "intent": intent}
        given = {name: value for name, value in asked.items() if value is not None}
        where = "".join(f" AND {name} = ?" for name in given)
        statement = f"SELECT body FROM thing WHERE kind = ?{where} ORDER BY seq DESC"  # noqa: S608
        return [
            dict(json.loads(row["body"])) for row in self.rows(statement, kind, *given.values())
        ]

    def note(self, at: int, kind: str, **body: Any) -> None:
        """Add a line to the history, which nothing ever changes."""
        with self.transaction():
            self._db.execute(
                "INSERT INTO history (at, kind, body) VALUES (?, ?, ?)",
                (at, kind, json.dumps(body)),
            )

    def history(self) -> list[Thing]:
        """Everything that was asked, told and decided, in order."""
        return [
            {"seq": row["seq"], "at": row["at"], "kind": row["kind"], **json.loads(row["body"])}
            for row in self.rows("SELECT * FROM history ORDER BY seq")
        ]


def shown(value: Any) -> Any:
    """A copy of an object without the sandbox's own keys."""
    if isinstance(value, dict):
        return {key: shown(one) for key, one in value.items() if not key.startswith("_")}
    if isinstance(value, list):
        return [shown(one) for one in value]
    return value
