"""How long placing takes, against COPY of the same checked rows into the same tables.

    python benchmarks/placement.py [rows=100000]

One run, one server, one schema: a file is written, placed, and then the rows that it became are
copied into a second, empty database as its superuser. Target: database time at most twice the
COPY's, memory of the placing process at most 150 MB however long the file is. The file and the
server lie under var/benchmark and are reused and removed, in this order.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from portal.db import conninfo, make_engine, tenant_session  # noqa: E402
from portal.embedded import EmbeddedServer  # noqa: E402
from portal.gateways import vault  # noqa: E402
from portal.models import Client, fresh_id  # noqa: E402
from portal.roles import ensure_database  # noqa: E402
from portal.schema import upgrade  # noqa: E402
from portal.services.placements import (  # noqa: E402
    Watch,
    inspect_file,
    place_file,
    placing,  # noqa: E402
)

FOLDER = PROJECT / "var" / "benchmark"
NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)
TABLES = (
    *("placement", "debtor", "contact", "account", "ledger_entry", "placement_row"),
    *("chain", "chain_key", "leaf", "leaf_payload", "pending_leaf"),
)
FIRST = ("Dana", "José", "Marie", "Wei", "Aisha", "Luc", "Carmen", "Noah", "Grace", "Élise")
LAST = ("Reyes", "Tremblay", "Smith", "Nguyen", "O’Neil", "García", "Roy", "Chen", "Patel", "Côté")
PLACES = (
    ("NY", "12207", "US", "212"),
    ("CA", "94103", "US", "415"),
    ("TX", "73301", "US", "512"),
    ("IL", "60601", "US", "312"),
    ("ON", "M5V 2T6", "CA", "416"),
    ("QC", "H2Y 1C6", "CA", "514"),
)
HEADER = (
    "account_number,original_creditor,current_creditor,product,first_name,last_name,date_of_birth,"
    "ssn_last4,email,phone,address_1,city,region,postal_code,country,language,default_date,"
    "itemization_type,itemization_date,itemization_balance,interest_since,fees_since,"
    "payments_since,credits_since,current_balance,currency"
)


def line(n: int) -> str:
    """One account, as different from the next as real ones are."""
    region, code, country, area = PLACES[n % len(PLACES)]
    first, last = FIRST[n % len(FIRST)], LAST[n // 7 % len(LAST)]
    born_on = date(1940, 1, 1) + timedelta(days=n * 37 % 22_000)
    default_on = date(2022, 1, 1) + timedelta(days=n * 11 % 1_600)
    cents, interest = 4_000 + n * 7919 % 900_000, n * 31 % 9_000
    total = cents + interest + 2_500
    return (
        f"BM-{n:09d},Meridian Bank,Harbor Recovery LLC,credit card,{first},{last},"
        f"{born_on},{n * 13 % 10_000:04d},d{n}@example.com,{area}-{200 + n // 10_000 % 799}-"
        f"{n % 10_000:04d},{n % 9_000} Elm Street,Springfield,{region},{code},{country},en,"
        f"{default_on},charge_off,{default_on},{cents / 100:.2f},{interest / 100:.2f},25.00,0.00,"
        f"0.00,{total / 100:.2f},{'USD' if country == 'US' else 'CAD'}"
    )


def written(rows: int) -> Path:
    """The file of that many rows."""
    path = FOLDER / f"placement-{rows}.csv"
    if not path.exists():
        with path.open("w", encoding="utf-8") as target:
            target.write(HEADER + "\n")
            target.writelines(line(n) + "\n" for n in range(rows))
    return path


def a_client() -> Client:
    """The agency whose file it is."""
    return Client(
        id=fresh_id(),
        slug="benchmark",
        legal_name="Harbor Recovery LLC",
        trade_name="Harbor Recovery",
        sender_name="Harbor Services",
        street_address="12 Pier Road, Portland, OR 97201",
        phone="1-800-555-0100",
        phone_hours="Monday to Friday, 8 AM to 6 PM",
        email="help@harbor.example",
        country="US",
        currency="USD",
        time_zone="America/New_York",
        collector_role="third_party_agency",
        languages=["en"],
        identity_factors=["date_of_birth"],
        created_at=NOW,
    )


class Clock:
    """Wall time of the calls that land batches, and CPU time of the server's process."""

    def __init__(self, connection: Any) -> None:
        pid = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
        self.stat = Path(f"/proc/{pid}/stat")
        self.wall = 0.0
        self.first_cpu = self.cpu()

    def cpu(self) -> float:
        """Seconds of CPU that the server's process has used."""
        parts = self.stat.read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / 100

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of this block."""
        started = time.perf_counter()
        yield
        self.wall += time.perf_counter() - started


def place(rows: int, url: str) -> None:
    """Place the file and print seconds in all, in the database, of the server, and peak memory."""
    vault.use(vault.Vault([b"k" * 32]))
    engine = make_engine(url, pool_size=1, max_overflow=0)
    client = a_client()
    with tenant_session(engine, [client.id]) as session:
        session.add(client)
        session.commit()
        clock = Clock(session.connection().connection.driver_connection)
        session.commit()
        land, commit = placing.land, placing.commit

        def timed_land(*arguments: Any, **named: Any) -> Any:
            with clock.running():
                return land(*arguments, **named)

        def timed_commit(*arguments: Any) -> None:
            with clock.running():
                commit(*arguments)

        placing.land, placing.commit = timed_land, timed_commit
        started = time.perf_counter()
        file = inspect_file(written(rows))
        report = place_file(session, client, file, pepper=b"pepper", now=NOW, watch=Watch())
        whole = time.perf_counter() - started
        cpu = clock.cpu() - clock.first_cpu
    if report.landed != rows:
        raise SystemExit(f"{report.landed} of {rows} rows landed: {report.first_refusals[:3]}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(whole, clock.wall, cpu, peak, client.id)


def copied(rows: int, source: str, target: str) -> tuple[float, float]:
    """Copy what was placed into an empty database; seconds of wall and of the server's CPU."""
    wall = 0.0
    with psycopg.connect(source) as left, psycopg.connect(target) as right:
        right.execute("ALTER TABLE placement_row DISABLE TRIGGER append_only_whole")
        clock = Clock(right)
        for table in ("client", *TABLES):
            dump = FOLDER / f"{table}.copy"
            with dump.open("wb") as out, left.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                for block in copy:
                    out.write(block)
            started = time.perf_counter()
            with dump.open("rb") as data, right.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                while block := data.read(1 << 18):
                    copy.write(block)
            right.commit()
            wall += time.perf_counter() - started
            dump.unlink()
        landed = right.execute("SELECT count(*) FROM account").fetchone()
        cpu = clock.cpu() - clock.first_cpu
    if landed != (rows,):
        raise SystemExit(f"COPY brought {landed} accounts, not {rows}")
    return wall, cpu


def main() -> None:
    """Run both ways and print the ratios."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    FOLDER.mkdir(parents=True, exist_ok=True)
    written(rows)
    server = EmbeddedServer(FOLDER / "postgres").start()
    for name in ("placed", "copied"):
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        ensure_database(server.dsn(), name)
        upgrade(server.url(name, "portal_owner"))
    command = [sys.executable, __file__, str(rows), server.url("placed", "portal_worker")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    whole, wall, cpu, peak, _ = done.stdout.split()
    urls = [conninfo(server.url(name, "postgres")) for name in ("placed", "copied")]
    copy_wall, copy_cpu = copied(rows, *urls)
    server.stop()
    print(f"{rows:,} rows placed in {float(whole):.1f} s: {rows / float(whole):,.0f} rows/s")
    print(f"peak memory of the placing process: {float(peak):.0f} MB (at most 150)")
    print(f"landing {float(wall):.1f} s, COPY {copy_wall:.1f} s")
    print(f"ratio: {float(wall) / copy_wall:.2f} in wall time (at most 2.00)")
    print(f"ratio: {float(cpu) / copy_cpu:.2f} in CPU time of the server")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        place(int(sys.argv[1]), sys.argv[2])
    else:
        main()
