"""Acceptances a second with their leaves, against the identical transaction without them.

    python benchmarks/acceptance.py [acceptances=320] [rounds=3]

One, eight and sixteen writers, each a process with its own connection, accept a plan on accounts
of one client: with leaves, without them, and with leaves while a sequencer places and signs every
second. The cells alternate within a round; the middle of the rounds is printed. Targets: 0.8 of
what it is without leaves, 0.65 with checkpoints. The server lies under var/benchmark.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from uuid import UUID

import psycopg

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from portal.db import make_engine, tenant_session  # noqa: E402
from portal.embedded import EmbeddedServer  # noqa: E402
from portal.gateways import vault  # noqa: E402
from portal.gateways.signer import Signer  # noqa: E402
from portal.models import Account  # noqa: E402
from portal.roles import ensure_database  # noqa: E402
from portal.schema import upgrade  # noqa: E402
from portal.services import evidence, tree  # noqa: E402
from portal.services.acceptance import accept  # noqa: E402
from portal.services.visits import Visit  # noqa: E402
from tests.factories import (  # noqa: E402
    NOW,
    make_account,
    make_client,
    make_debtor,
    make_policy,
    make_visit,
)
from tests.services.test_acceptance import page_of, picked, plan  # noqa: E402

FOLDER = PROJECT / "var" / "benchmark"
WRITERS = (1, 8, 16)
MODES = ("without leaves", "with leaves", "and checkpoints")
CONTEXT = get_context("fork")


def use_keys() -> None:
    """What this process seals with."""
    vault.use(vault.Vault([b"k" * 32]))


def seed(url: str, accounts: int) -> tuple[UUID, list[tuple[UUID, Visit]]]:
    """A client with a policy and so many accounts of as many debtors, each in a visit."""
    engine = make_engine(url)
    with tenant_session(engine) as session:
        client = make_client(session)
        make_policy(session, client)
        found = []
        for _ in range(accounts):
            account = make_account(session, make_debtor(session, client))
            found.append((account.id, make_visit(session, account)))
        session.commit()
    engine.dispose()
    return client.id, found


def write(
    url: str,
    client_id: UUID,
    accounts: list[tuple[UUID, Visit]],
    mode: str,
    ready: Barrier,
    took: object,
) -> None:
    """Accept on each account, in a transaction each; the seconds go to ``took``."""
    use_keys()
    if mode == MODES[0]:
        evidence.record = lambda *_given, **_named: SimpleNamespace(n=0)
    engine = make_engine(url)
    pages = []
    with tenant_session(engine, [client_id]) as session:
        for account_id, visit in accounts:
            account = session.get_one(Account, (client_id, account_id))
            chosen = picked(account, plan())
            page = page_of(session, account, chosen)
            pages.append((account, chosen, page, visit))
    ready.wait()
    started = time.perf_counter()
    for account, chosen, page, visit in pages:
        with tenant_session(engine, [client_id]) as session:
            mine = session.get_one(Account, (client_id, account.id))
            accept(session, mine, picked=chosen, reviewed=page, visit=visit, now=NOW)
            session.commit()
    took.put(time.perf_counter() - started)  # type: ignore[attr-defined]
    engine.dispose()


def sequence(url: str, client_id: UUID, folder: str, stop: Event, counted: object) -> None:
    """Place and sign every second until told to stop; how many leaves were signed."""
    use_keys()
    signer, engine, last = Signer(b"s" * 32, Path(folder)), make_engine(url), 0
    while not stop.wait(1):
        with tenant_session(engine, [client_id]) as session:
            tree.place_all(session, client_id)
            signed = tree.sign(session, client_id, signer, NOW)
            session.commit()
            last = signed.head.size if signed else last
    counted.put(last)  # type: ignore[attr-defined]
    engine.dispose()


@contextmanager
def checkpoints(url: str, client_id: UUID, folder: str, *, on: bool) -> Iterator[None]:
    """A sequencer beside what is measured, where that is asked for."""
    if not on:
        yield
        return
    stop, counted = CONTEXT.Event(), CONTEXT.Queue()
    process = CONTEXT.Process(target=sequence, args=(url, client_id, folder, stop, counted))
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join()


def cell(
    url: str, client_id: UUID, accounts: list[tuple[UUID, Visit]], mode: str, writers: int
) -> float:
    """Acceptances a second of so many writers, from the first one's start to the last one's end."""
    ready, took = CONTEXT.Barrier(writers), CONTEXT.Queue()
    shares = [accounts[n::writers] for n in range(writers)]
    with (
        TemporaryDirectory() as folder,
        checkpoints(url, client_id, folder, on=mode == MODES[2]),
    ):
        processes = [
            CONTEXT.Process(target=write, args=(url, client_id, share, mode, ready, took))
            for share in shares
        ]
        for process in processes:
            process.start()
        seconds = max(took.get() for _ in processes)
        for process in processes:
            process.join()
    return len(accounts) / seconds


def main() -> None:
    """Measure every cell in turn, round after round, and print the middle of each."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 320
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    use_keys()
    FOLDER.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(FOLDER / "postgres").start()
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS accepted WITH (FORCE)")
    ensure_database(server.dsn(), "accepted")
    upgrade(server.url("accepted", "portal_owner"))
    url = server.url("accepted", "portal_app")
    cells = [(writers, mode) for writers in WRITERS for mode in MODES]
    found: dict[tuple[int, str], list[float]] = {one: [] for one in cells}
    for _ in range(rounds):
        for writers, mode in cells:
            client_id, accounts = seed(url, count)
            found[writers, mode].append(cell(url, client_id, accounts, mode, writers))
    for writers in WRITERS:
        base = median(found[writers, MODES[0]])
        rates = {mode: median(found[writers, mode]) for mode in MODES}
        said = [f"{mode} {rate:,.0f}/s ({rate / base:.2f})" for mode, rate in rates.items()]
        print(f"{writers:2} writers: " + ", ".join(said))
    server.stop()


if __name__ == "__main__":
    main()
