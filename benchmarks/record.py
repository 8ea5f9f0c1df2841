"""How fast leaves get their places, and how long the whole record takes to verify, with its memory.

    python benchmarks/record.py [leaves=1000000]

Chains of fifty leaves of one client, with the bytes that the portal itself would have written. Then
one sequencer places all of them and signs, and one worker looks over the whole record, each in a
process of its own. Targets: 2,000 leaves a second placed; a million verified in minutes, with flat
memory.
The server lies under var/benchmark.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import psycopg

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from benchmarks.rehearsal import ACCOUNTS, DEBTORS, NOW, a_client  # noqa: E402
from portal.db import conninfo, make_engine, tenant_session  # noqa: E402
from portal.domain.evidence import (  # noqa: E402
    FIRST_PREV,
    SALT_BYTES,
    Leaf,
    canonical,
    commitment,
    format_time,
    leaf_bytes,
    leaf_hash,
)
from portal.embedded import EmbeddedServer  # noqa: E402
from portal.gateways import vault  # noqa: E402
from portal.gateways.signer import Signer  # noqa: E402
from portal.models import fresh_id  # noqa: E402
from portal.roles import ensure_database  # noqa: E402
from portal.schema import upgrade  # noqa: E402
from portal.services import tree, watch  # noqa: E402
from portal.services.evidence import log_name  # noqa: E402

FOLDER = PROJECT / "var" / "benchmark"
A_CHAIN = 50
COLUMNS = {
    "chain": "client_id, id, n, at, hash",
    "chain_key": "client_id, id, chain_id, master, sealed, created_at",
    "leaf": "client_id, chain_id, n, type, at, body, hash",
    "leaf_payload": "client_id, chain_id, n, key_id, sealed",
    "pending_leaf": "client_id, chain_id, n",
}


def use_keys() -> None:
    """What this process seals with."""
    vault.use(vault.Vault([b"k" * 32]))


def payload(n: int) -> bytes:
    """What a leaf of middle size says."""
    said = {
        "actor": {"kind": "system", "id": "portal"},
        "type": "note.written",
        "v": 1,
        "number": n,
        "words": "José Ñandú 李 " * 20,
    }
    return canonical(said)


def rows(client_id: UUID, chain_id: UUID) -> Iterator[tuple[str, tuple[object, ...]]]:
    """One whole chain, row by row, with the table that each belongs to."""
    key_id, secret, salt = fresh_id(), vault.fresh_key(), b"s" * SALT_BYTES
    wrapped = vault.current().wrap(secret, key_id.bytes)
    yield "chain_key", (client_id, key_id, chain_id, wrapped.master, wrapped.sealed, NOW)
    prev, log, at = FIRST_PREV, log_name(client_id), format_time(NOW)
    for n in range(A_CHAIN):
        said = payload(n)
        commit = commitment(salt, said)
        body = leaf_bytes(Leaf(log, chain_id, n, prev, "note.written", at, commit))
        prev = leaf_hash(body)
        sealed = vault.seal(secret, salt + said, chain_id.bytes)
        place = (client_id, chain_id, n)
        yield "leaf", (*place, "note.written", NOW, body.decode(), bytes.fromhex(prev))
        yield "leaf_payload", (*place, key_id, sealed)
        yield "pending_leaf", place
    yield "chain", (client_id, chain_id, A_CHAIN - 1, NOW, bytes.fromhex(prev))


def fill(server: EmbeddedServer, leaves: int) -> UUID:
    """A database with so many leaves of one client's accounts, none of them placed."""
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS recorded WITH (FORCE)")
    ensure_database(server.dsn(), "recorded")
    upgrade(server.url("recorded", "portal_owner"))
    client = a_client()
    with tenant_session(make_engine(server.url("recorded", "portal_worker")), [client.id]) as one:
        one.add(client)
        one.commit()
    address = conninfo(server.url("recorded", "postgres"))
    with psycopg.connect(address, autocommit=True) as admin:
        given = {"client": client.id, "accounts": leaves // A_CHAIN, "now": NOW}
        given["placement"] = uuid4()
        admin.execute("SET session_replication_role = replica")
        admin.execute(DEBTORS, given)
        admin.execute(ACCOUNTS, given)
        admin.execute(
            "INSERT INTO ledger_entry (client_id, id, account_id, kind, source, amount_cents, at)"
            " SELECT client_id, id, id, 'placed', 'placement', balance_cents, placed_at"
            " FROM account"
        )
        chains = [one for (one,) in admin.execute("SELECT chain_id FROM account").fetchall()]
        for start in range(0, len(chains), 500):
            _copy(admin, client.id, chains[start : start + 500])
        admin.execute("ANALYZE")
    return client.id


def _copy(admin: psycopg.Connection[tuple[object, ...]], client_id: UUID, some: list[UUID]) -> None:
    found: dict[str, list[tuple[object, ...]]] = {table: [] for table in COLUMNS}
    for chain_id in some:
        for table, row in rows(client_id, chain_id):
            found[table].append(row)
    for table, lines in found.items():
        with admin.cursor().copy(f"COPY {table} ({COLUMNS[table]}) FROM STDIN") as copy:
            for line in lines:
                copy.write_row(line)


def run(url: str, client_id: UUID, folder: str, what: str) -> None:
    """Place and sign, or look over all of it; print seconds, own CPU, peak memory, and how many."""
    use_keys()
    signer = Signer(sha256(b"benchmark").digest(), Path(folder))
    started, used = time.perf_counter(), time.process_time()
    with tenant_session(make_engine(url), [client_id]) as session:
        if what == "place":
            count = tree.place_all(session, client_id)
            tree.sign(session, client_id, signer, NOW)
        else:
            count = len(watch.look_over(session, client_id, signer, whole=True, now=NOW))
        session.commit()
    whole, cpu = time.perf_counter() - started, time.process_time() - used
    print(count, whole, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Place and verify a tenth and all of the leaves, and print both."""
    leaves = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    use_keys()
    FOLDER.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(FOLDER / "postgres").start()
    for number in (leaves // 10, leaves):
        client_id = fill(server, number)
        url = server.url("recorded", "portal_worker")
        with TemporaryDirectory() as folder:
            for what in ("place", "verify"):
                command = [sys.executable, __file__, url, str(client_id), folder, what]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                count, whole, cpu, peak = map(float, done.stdout.split())
                said = "placed and signed" if what == "place" else f"verified, {count:.0f} alarms"
                print(
                    f"{number:,} leaves {said} in {whole:.1f} s ({cpu:.1f} s of own CPU):"
                    f" {number / whole:,.0f} leaves/s; peak memory {peak:.0f} MB",
                    flush=True,
                )
    server.stop()


if __name__ == "__main__":
    if len(sys.argv) == 5:
        run(sys.argv[1], UUID(sys.argv[2]), *sys.argv[3:])
    else:
        main()
