"""How many accounts a second a draft of limits is rehearsed on, and that memory stays flat.

    python benchmarks/rehearsal.py [accounts=100000]

A policy of twelve bands for three segments against one that gives less, so that most accounts
change: first over a tenth of the accounts, then over all, each in a process of its own, as one
worker does it. Target: 10,000 accounts a second, and as much memory for the whole as for a tenth.
The server lies under var/benchmark.
"""

import resource
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from portal.db import commit, conninfo, make_engine, tenant_session  # noqa: E402
from portal.domain.facts import PaymentHistory  # noqa: E402
from portal.domain.policy import (  # noqa: E402
    Band,
    PlanLimits,
    Policy,
    ProposalLimits,
    Segment,
    Tier,
    canonical_bytes,
)
from portal.domain.rehearsal import Figures  # noqa: E402
from portal.domain.schedules import Frequency  # noqa: E402
from portal.embedded import EmbeddedServer  # noqa: E402
from portal.models import (  # noqa: E402
    Client,
    OfferPolicy,
    Rehearsal,
    RehearsalStatus,
    fresh_id,
)
from portal.roles import ensure_database  # noqa: E402
from portal.schema import upgrade  # noqa: E402
from portal.services import rehearsals  # noqa: E402

FOLDER = PROJECT / "var" / "benchmark"
NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)
SEGMENTS = (
    Segment("cards", products=("credit card",)),
    Segment("west", products=("loan", "energy"), regions=("CA", "TX")),
    Segment(
        "paid", products=("loan", "energy"), regions=("NY",), histories=(PaymentHistory.HAS_PAID,)
    ),
)
SIZES = ((0, 500_00), (500_00, 5_000_00), (5_000_00, None))
BANDS = tuple(
    Band(low, high, tiers=(Tier(60_00), Tier(70_00, 3), Tier(80_00, 6)), segment=name)
    for name in ("", *(one.name for one in SEGMENTS))
    for low, high in SIZES
)
LIVE = Policy(
    version=1,
    currency="USD",
    bands=BANDS,
    segments=SEGMENTS,
    plan=PlanLimits(25_00, 24, (Frequency.MONTHLY, Frequency.EVERY_TWO_WEEKS)),
    agree=ProposalLimits(55_00, 20_00, 30),
    review=ProposalLimits(40_00, 10_00, 48),
)
DRAFT = replace(
    LIVE,
    bands=tuple(
        replace(band, tiers=(Tier(65_00), Tier(70_00, 3), Tier(80_00, 6))) for band in BANDS
    ),
)

DEBTORS = """
    INSERT INTO debtor (client_id, id, first_name, last_name, name_key, language, region, country,
      created_at)
    SELECT %(client)s, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Dana',
      'Reyes', 'dana reyes', 'en', (ARRAY['NY', 'CA', 'TX'])[1 + n %% 3], 'US', %(now)s
    FROM generate_series(1, %(accounts)s) n"""
ACCOUNTS = """
    INSERT INTO account (client_id, id, debtor_id, placement_id, reference, status,
      original_creditor, current_creditor, product, debt_category, debt_purpose,
      is_consumer_financial_product, default_at_placement, collector_role, default_on, currency,
      itemization_kind, itemization_on, itemization_cents, interest_cents, fees_cents,
      payments_cents, credits_cents, itemized_cents, last_placed_cents, balance_cents,
      validation_notice_sent_on, validation_ends_on, sol_expires_on, chain_id, row_sha256,
      placed_at, updated_at)
    SELECT %(client)s, d, d, %(placement)s, 'BM-' || n, 'open', 'Bank', 'Bank',
      (ARRAY['credit card', 'loan', 'energy'])[1 + n / 3 %% 3], 'other', 'consumer', false, true,
      'first_party_creditor', date '2022-01-01' + n * 11 %% 1600, 'USD', 'last_statement',
      date '2026-01-01', cents, 0, 0, 0, 0, cents, cents, cents, date '2026-06-01',
      date '2026-07-10', date '2031-01-01', gen_random_uuid(), ''::bytea,
      timestamptz '2026-06-01' + n %% 100 * interval '1 day', %(now)s
    FROM generate_series(1, %(accounts)s) n,
      LATERAL (SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS d,
        4000 + n::bigint * 7919 %% 900000 AS cents) x"""
PAID = """
    INSERT INTO ledger_entry (client_id, id, account_id, kind, source, amount_cents, at)
    SELECT client_id, id, id, 'payment', 'payment:1', -100, %(now)s
    FROM account WHERE get_byte(uuid_send(id), 15) %% 8 = 0"""
HELD = """
    INSERT INTO hold (client_id, id, account_id, kind, source, starts_at)
    SELECT client_id, id, id, 'dispute', 'staff', %(now)s
    FROM account WHERE get_byte(uuid_send(id), 15) %% 50 = 0"""


def a_client() -> Client:
    """The creditor whose accounts they are."""
    return Client(
        id=fresh_id(),
        slug="benchmark",
        legal_name="Northgate Energy LLC",
        trade_name="Northgate Energy",
        sender_name="Northgate",
        street_address="12 Pier Road, Portland, OR 97201",
        phone="1-800-555-0100",
        phone_hours="Monday to Friday, 8 AM to 6 PM",
        email="help@northgate.example",
        country="US",
        currency="USD",
        time_zone="America/New_York",
        collector_role="first_party_creditor",
        languages=["en"],
        identity_factors=["date_of_birth"],
        created_at=NOW,
    )


def document(client: Client, limits: Policy) -> dict[str, Any]:
    """The columns that hold a policy."""
    body = canonical_bytes(limits)
    return {"client_id": client.id, "document": body.decode(), "sha256": sha256(body).digest()}


def fill(server: EmbeddedServer, name: str, accounts: int) -> tuple[UUID, UUID]:
    """A database with so many open accounts of one client, and the rehearsal of a draft."""
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    ensure_database(server.dsn(), name)
    upgrade(server.url(name, "portal_owner"))
    client = a_client()
    with tenant_session(make_engine(server.url(name, "portal_worker")), [client.id]) as session:
        session.add(client)
        session.flush()
        session.add(OfferPolicy(version=1, published_at=NOW, **document(client, LIVE)))
        found = Rehearsal(
            id=fresh_id(),
            live_version=1,
            asked_by=fresh_id(),
            started_at=NOW,
            **document(client, DRAFT),
        )
        session.add(found)
        session.commit()
    with psycopg.connect(conninfo(server.url(name, "postgres")), autocommit=True) as admin:
        placement = fresh_id()
        given = {"client": client.id, "accounts": accounts, "placement": placement, "now": NOW}
        admin.execute(
            "INSERT INTO placement (client_id, id, kind, status, file_name, started_at, rows,"
            " landed, updated, unchanged, refused, warned) VALUES (%(client)s, %(placement)s,"
            " 'placed', 'completed', 'a.csv', %(now)s, 0, 0, 0, 0, 0, 0)",
            given,
        )
        for statement in (DEBTORS, ACCOUNTS, PAID, HELD):
            admin.execute(statement, given)
        admin.execute("ANALYZE")
    return client.id, found.id


def rehearse(url: str, client_id: UUID, rehearsal_id: UUID) -> None:
    """Count batch after batch, and print seconds, seconds of own CPU, peak memory and changes."""
    engine = make_engine(url)
    started, used = time.perf_counter(), time.process_time()
    status = RehearsalStatus.STARTED
    while status is RehearsalStatus.STARTED:
        with tenant_session(engine, [client_id]) as session:
            rehearsals.run_batch(session, client_id, rehearsal_id, now=NOW)
            found = session.get_one(Rehearsal, (client_id, rehearsal_id))
            commit(session, "rehearsal.batch")
            status = found.status
    whole, cpu = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(found.done, whole, cpu, peak, Figures(found.figures).loses.accounts)


def main() -> None:
    """Rehearse over a tenth and over all, and print both."""
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    FOLDER.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(FOLDER / "postgres").start()
    for number in (accounts // 10, accounts):
        ids = fill(server, "rehearsed", number)
        address = server.url("rehearsed", "portal_worker")
        command = [sys.executable, __file__, address, *map(str, ids)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        counted, whole, cpu, peak, loses = map(float, done.stdout.split())
        if counted != number:
            raise SystemExit(f"{counted:,.0f} of {number:,} accounts were counted")
        print(
            f"{number:,} accounts in {whole:.1f} s ({cpu:.1f} s of own CPU):"
            f" {number / whole:,.0f} accounts/s; {loses:,.0f} lose something;"
            f" peak memory {peak:.0f} MB"
        )
    server.stop()


if __name__ == "__main__":
    if len(sys.argv) == 4:
        rehearse(sys.argv[1], UUID(sys.argv[2]), UUID(sys.argv[3]))
    else:
        main()
