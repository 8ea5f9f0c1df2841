"""What the queues cost the console beside a million accounts.

    python benchmarks/queues.py [accounts]

Of each sort of thing that can wait there is one for each account, and one in a hundred waits.
Printed are milliseconds, each the middle of 21: all queues counted in one statement, and for each
queue its first page and a page in its middle.
"""

import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg
from campaign import fill
from sqlalchemy.orm import Session

from portal.db import conninfo, make_engine, tenant_session
from portal.domain.waiting import Queue
from portal.embedded import EmbeddedServer
from portal.roles import ensure_database
from portal.schema import upgrade
from portal.services.queues import PAGE, counts, waiting
from tests.factories import NOW

FOLDER = Path("/tmp/portal-benchmark-queues")  # noqa: S108
ROUNDS = 21
WAITS = "CASE WHEN mod(n, 100) = 0 THEN {} ELSE {} END"
AT = NOW.isoformat()
TOPICS = "ARRAY['amount-wrong', 'cannot-pay', 'question', 'adviser']"
NO_ADDRESS = """
    UPDATE debtor SET address_line = '' WHERE ('x' || right(id::text, 8))::bit(32)::int % 100 = 0"""
DAY = "date '2026-01-01' + mod(n, 365)"

# For each table what all its rows have, and what differs; of accounts and debtors n is the id.
ROWS: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    "proposal": (
        {"kind": "plan", "wish": {}, "policy_version": 1, "balance_cents": 1, "locale": "en"},
        {
            "reference": "'P-' || n",
            "submitted_at": f"'{AT}'",
            "answer_due_on": DAY,
            "status": WAITS.format("'submitted'", "'declined'"),
        },
    ),
    "help_request": (
        {"answers": {}, "locale": "en", "opened_at": AT},
        {
            "reference": "'H-' || n",
            "promised_on": DAY,
            "status": WAITS.format("'opened'", "'answered'"),
            "topic": f"({TOPICS})[1 + mod(n / 100, 4)]",
        },
    ),
    "money_exception": (
        {"kind": "chargeback", "detail": "Look.", "opened_at": AT},
        {"source": "'s-' || n", "resolved_at": WAITS.format("NULL", f"'{AT}'")},
    ),
    "lock_out": (
        {"at": AT, "until": AT},
        {"closed_at": WAITS.format("NULL", f"'{AT}'")},
    ),
    "arrangement": (
        {"kind": "plan", "method": "automatic", "offer_key": "k", "policy_version": 1}
        | {"total_cents": 1, "balance_cents": 1, "saved_cents": 0, "currency": "USD"}
        | {"terms": "{}", "terms_sha256": "\\x00", "locale": "en", "accepted_at": AT},
        {"reference": "'A-' || n", "status": "'active'"},
    ),
    "installment": (
        {"n": 1, "amount_cents": 1, "paid_cents": 0, "attempts": 0},
        {
            "arrangement_id": "m.id",
            "due_on": DAY,
            "status": WAITS.format("'failed'", "'scheduled'"),
        },
    ),
    "message": (
        {"channel": "letter", "context": {}, "locale": "en", "asked_for": False, "decided": False}
        | {"created_at": AT, "send_at": AT, "attempts": 0, "status": "queued"},
        {"dedupe_key": "'m-' || n", "template": WAITS.format("'receipt'", "'link'")},
    ),
}


def wait(dsn: str, client_id: UUID, accounts: int) -> None:
    """Let one thing in a hundred of each sort wait."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(NO_ADDRESS)
        for table, (same, differs) in ROWS.items():
            more = ", ".join(f"'{name}', {sql}" for name, sql in differs.items())
            whose = {"client_id": str(client_id)} | same
            connection.execute(
                f"""INSERT INTO {table}
                SELECT (jsonb_populate_record(NULL::{table}, %s::jsonb || jsonb_build_object(
                  'id', m.id, 'account_id', m.id, 'debtor_id', m.id, {more}))).*
                FROM (SELECT n, CAST('01a00000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)
                  AS id FROM generate_series(2, %s) n) m""",  # noqa: S608
                (json.dumps(whose), accounts),
            )
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")


def middle(work: Callable[[], object]) -> float:
    """Milliseconds of the middle round."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def measure(session: Session) -> None:
    found = counts(session)
    print(f"counted in one statement: {middle(lambda: counts(session)):.1f} ms")
    for queue in Queue:
        page = waiting(session, queue, now=NOW)
        if len(page) <= PAGE:
            print(f"{queue}: {found.waiting[queue]}")
            continue
        first = middle(lambda queue=queue: waiting(session, queue, now=NOW))
        last, pages = page[PAGE - 1].cursor, 1
        while pages < 20 and len(page) > PAGE:
            page, pages = waiting(session, queue, now=NOW, after=last), pages + 1
            last = page[:PAGE][-1].cursor
        later = middle(lambda queue=queue, last=last: waiting(session, queue, now=NOW, after=last))
        print(f"{queue}: first page {first:.1f} ms, after {pages} pages {later:.1f} ms")


def main() -> None:
    """Fill a database, let things wait in it, and time the queues as the web's own role."""
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    FOLDER.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(FOLDER / "postgres").start()
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            admin.execute("DROP DATABASE IF EXISTS queues WITH (FORCE)")
        ensure_database(server.dsn(), "queues")
        upgrade(server.url("queues", "portal_owner"))
        dsn = conninfo(server.url("queues", "postgres"))
        client_id = fill(server.url("queues", "portal_worker"), dsn, accounts)
        wait(dsn, client_id, accounts)
        with tenant_session(
            make_engine(server.url("queues", "portal_app")), [client_id]
        ) as session:
            measure(session)
    finally:
        server.stop()
        shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
