"""A campaign against its bare rows: the same links and messages claimed and written by plain SQL.

    python benchmarks/campaign.py [debtors]

Prints the database time of both and their ratio (at most 3), and the CPU time that signing a
million links takes.
"""

import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from portal.db import commit, conninfo, make_engine, tenant_session
from portal.embedded import EmbeddedServer
from portal.gateways.sms import OutboxTexter
from portal.roles import ensure_database
from portal.schema import upgrade
from portal.services import campaigns
from portal.services.campaigns import BATCH, Campaign, send_links
from portal.services.links import token_of_id
from tests.factories import KEYS, NOW, make_account, make_client, make_contact, make_debtor

FOLDER = Path("/tmp/portal-benchmark-campaign")  # noqa: S108
SIGNED = 50_000


@dataclass(slots=True)
class Clock:
    """Seconds that an engine's statements and commits took."""

    spent: float = 0.0
    began: float = 0.0

    def watch(self, engine: Engine) -> None:
        """Count every statement of this engine from now on."""
        event.listen(engine, "before_cursor_execute", self._begin)
        event.listen(engine, "after_cursor_execute", self._end)

    def commit(self, session: Session, name: str) -> None:
        """Commit as the portal does, and count it."""
        session.flush()
        began = time.perf_counter()
        commit(session, name)
        self.spent += time.perf_counter() - began

    def _begin(self, *_: Any) -> None:
        self.began = time.perf_counter()

    def _end(self, *_: Any) -> None:
        self.spent += time.perf_counter() - self.began


def campaign(url: str, debtors: int) -> float:
    """Send a link to so many debtors; seconds in the database."""
    engine, clock = make_engine(url), Clock()
    with tenant_session(engine) as session:
        client = make_client(session)
        for _ in range(debtors):
            debtor = make_debtor(session, client)
            make_contact(session, debtor)
            make_account(session, debtor)
        session.commit()
        session.expunge_all()
        clock.watch(engine)
        campaigns.commit = clock.commit
        chosen = Campaign(client_id=client.id)
        report = send_links(session, chosen, keys=KEYS, texter=OutboxTexter(), now=NOW)
    if report.goes != debtors:
        raise SystemExit(f"{report.goes} of {debtors} links went out: {report.held}")
    return clock.spent


def bare(dsn: str, debtors: int) -> float:
    """Write the same rows again, a batch at a time behind SKIP LOCKED; seconds in the database."""
    spent = 0.0
    with psycopg.connect(dsn) as connection:
        links = connection.execute("SELECT * FROM access_link").fetchall()
        rows = connection.execute(
            "SELECT id, client_id, debtor_id, contact_id, link_id, channel, template, locale,"
            " dedupe_key, asked_for, status, created_at, send_at, attempts, '{}' FROM message"
        ).fetchall()
        connection.execute("DELETE FROM message")
        connection.execute("DELETE FROM access_link")
        connection.commit()
        places = ", ".join(["%s"] * len(links[0]))
        named = (
            "INSERT INTO message (id, client_id, debtor_id, contact_id, link_id, channel,"
            " template, locale, dedupe_key, asked_for, status, created_at, send_at, attempts,"
            f" context) VALUES ({', '.join(['%s'] * 15)})"
        )
        for at in range(0, debtors, BATCH):
            started = time.perf_counter()
            connection.execute(
                f"SELECT id FROM debtor LIMIT {BATCH} FOR UPDATE SKIP LOCKED"  # noqa: S608
            )
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO access_link VALUES ({places})",  # noqa: S608
                    links[at : at + BATCH],
                )
                cursor.executemany(named, rows[at : at + BATCH])
            connection.commit()
            spent += time.perf_counter() - started
        written = connection.execute("SELECT count(*) FROM message").fetchone()
    if written != (debtors,):
        raise SystemExit(f"the bare way wrote {written} messages, not {debtors}")
    return spent


def main() -> None:
    """Run both ways and print the ratio."""
    debtors = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000
    FOLDER.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(FOLDER / "postgres").start()
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            admin.execute("DROP DATABASE IF EXISTS campaign WITH (FORCE)")
        ensure_database(server.dsn(), "campaign")
        upgrade(server.url("campaign", "portal_owner"))
        ours = campaign(server.url("campaign", "portal_worker"), debtors)
        theirs = bare(conninfo(server.url("campaign", "postgres")), debtors)
    finally:
        server.stop()
        shutil.rmtree(FOLDER)
    began = time.process_time()
    for number in range(SIGNED):
        token_of_id(KEYS, f"{number:012}")
    signing = (time.process_time() - began) / SIGNED * 1e6
    print(f"{debtors:,} links: {ours:.2f} s in the database, bare rows {theirs:.2f} s")
    print(f"ratio: {ours / theirs:.2f} in database time (at most 3.00)")
    print(f"a million links signed in {signing:.1f} s of CPU (at most 20)")


if __name__ == "__main__":
    main()
