"""A campaign's messages prepared: links, rows, jobs, and a leaf for each batch over its list.

    python benchmarks/campaign.py [debtors]

Prints messages a second, the CPU time of the process that prepares them and the time that the bare
rows take, its peak memory and how much of it came after the first tenth (flat: a million debtors
take no more than ten thousand), and the CPU time that signing a million links takes.
"""

import resource
import shutil
import sys
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg
from sqlalchemy.orm import Session

from portal.db import commit, conninfo, make_engine, tenant_session
from portal.embedded import EmbeddedServer
from portal.gateways import vault
from portal.gateways.sms import OutboxTexter
from portal.roles import ensure_database
from portal.schema import upgrade
from portal.services import campaigns
from portal.services.campaign_audience import BATCH
from portal.services.campaign_control import Plan, draw_up
from portal.services.links import token_of_id
from tests.factories import KEYS, NOW, make_account, make_client, make_contact, make_debtor

FOLDER = Path("/tmp/portal-benchmark-campaign")  # noqa: S108
SIGNED = 50_000
MEGABYTE = 1024
COMPARED = 20_000

# Copies of one debtor with an address and an account, in the order in which ids rise.
COPIES = """
    INSERT INTO {table}
    SELECT (jsonb_populate_record(one.r, jsonb_build_object('id', m.id) || {more})).*
    FROM (SELECT r FROM {table} r LIMIT 1) one, (SELECT n, CAST('01a00000-0000-7000-8000-'
      || lpad(to_hex(n), 12, '0') AS uuid) AS id FROM generate_series(2, %s) n) m"""
MORE = {
    "debtor": "jsonb_build_object('external_key', 'D-' || n)",
    "contact": "jsonb_build_object('debtor_id', m.id, 'address', 'd' || n || '@mail.example')",
    "account": "jsonb_build_object('debtor_id', m.id, 'chain_id', m.id, 'reference', 'B-' || n)",
}


@dataclass(slots=True)
class Memory:
    """The largest resident size of this process so far, in megabytes, after each tenth."""

    tenths: list[float]

    def look(self) -> None:
        """Keep what it is now."""
        self.tenths.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE)


def fill(url: str, dsn: str, debtors: int) -> UUID:
    """A client with so many debtors, each with an address and an account."""
    with tenant_session(make_engine(url)) as session:
        client = make_client(session)
        debtor = make_debtor(session, client)
        make_contact(session, debtor)
        make_account(session, debtor)
        session.commit()
        client_id = client.id
    with psycopg.connect(dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        for table, more in MORE.items():
            connection.execute(COPIES.format(table=table, more=more), (debtors,))
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    return client_id


def campaign(url: str, client_id: UUID, debtors: int) -> tuple[float, float, Memory]:
    """Prepare a message for each; seconds in all, seconds of this process's CPU, and memory."""
    memory, batches = Memory([]), count(1)
    every = max(debtors // BATCH // 10, 1)

    def commit_and_look(session: Session, name: str) -> None:
        commit(session, name)
        if next(batches) % every == 0:
            memory.look()

    campaigns.commit = commit_and_look
    with tenant_session(make_engine(url), [client_id]) as session:
        chosen = draw_up(session, client_id, Plan(name="all"), by=None, now=NOW, at=NOW)
        session.commit()
        began, worked = time.perf_counter(), time.process_time()
        report = campaigns.send_links(session, chosen, keys=KEYS, texter=OutboxTexter(), now=NOW)
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
    if report.goes != debtors:
        raise SystemExit(f"{report.goes} of {debtors} links went out: {report.held}")
    return seconds, worked, memory


def bare(dsn: str, debtors: int) -> float:
    """Write the same rows again, a batch at a time behind SKIP LOCKED; seconds in the database."""
    spent = 0.0
    with psycopg.connect(dsn) as connection:
        first = "SELECT {} FROM access_link ORDER BY id LIMIT %s"
        links = connection.execute(first.format("*"), (debtors,)).fetchall()
        rows = connection.execute(
            "SELECT id, client_id, debtor_id, contact_id, link_id, channel, template, locale,"
            " dedupe_key, asked_for, status, created_at, send_at, attempts, '{}' FROM message"
            f" WHERE link_id IN ({first.format('id')}) ORDER BY link_id",
            (debtors,),
        ).fetchall()
        connection.execute("SET session_replication_role = replica")  # append-only tables too
        connection.execute("TRUNCATE message, access_link CASCADE")
        connection.execute("RESET session_replication_role")
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
    vault.use(vault.Vault([b"k" * 32]))
    FOLDER.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(FOLDER / "postgres").start()
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            admin.execute("DROP DATABASE IF EXISTS campaign WITH (FORCE)")
        ensure_database(server.dsn(), "campaign")
        upgrade(server.url("campaign", "portal_owner"))
        url, dsn = server.url("campaign", "portal_worker"), server.url("campaign", "postgres")
        client_id = fill(url, conninfo(dsn), debtors)
        seconds, worked, memory = campaign(url, client_id, debtors)
        print(f"{debtors:,} messages in {seconds:.1f} s: {debtors / seconds:,.0f} a second")
        first, last = memory.tenths[0], memory.tenths[-1]
        print(f"memory at most {last:.0f} MB, {last - first:+.0f} MB after the first tenth")
        theirs = bare(conninfo(dsn), min(debtors, COMPARED)) * debtors / min(debtors, COMPARED)
    finally:
        server.stop()
        shutil.rmtree(FOLDER)
    began = time.process_time()
    for number in range(SIGNED):
        token_of_id(KEYS, f"{number:012}")
    signing = (time.process_time() - began) / SIGNED * 1e6
    print(f"{worked:.1f} s of CPU here; the bare rows alone take {theirs:.1f} s")
    print(f"a million links signed in {signing:.1f} s of CPU (at most 20)")


if __name__ == "__main__":
    main()
