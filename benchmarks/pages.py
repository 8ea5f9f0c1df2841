"""What the balance page costs, against a bare Flask app in the same run on the same server.

    python benchmarks/pages.py [requests=3000] [rounds=5]

Both run under gunicorn with one sync worker and are asked in turns by eight connections. Printed
are CPU per request and requests per second, each as the median of the rounds' ratios portal / bare,
the bytes on the wire, how far the slowest hundredth is from the middle, and the worker's memory.
Targets: at most 1.5 times the CPU, p99 at most 3 times p50, at most 100 MB. Data lies under
var/benchmark.
"""

import http.client
import os
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import requests
from itsdangerous import URLSafeSerializer

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))
FOLDER = PROJECT / "var" / "benchmark"
os.environ.setdefault("PORTAL_PGDATA", str(FOLDER / "pages"))

from portal.config import load  # noqa: E402
from portal.demo import acting, seeding  # noqa: E402
from portal.demo.browsing import NetworkLine  # noqa: E402
from portal.demo.processes import Processes, free_port, python  # noqa: E402
from portal.embedded import EmbeddedServer, default_folder  # noqa: E402
from portal.runtime import build_runtime  # noqa: E402
from portal.schema import upgrade  # noqa: E402

CONNECTIONS = 8


@dataclass
class Round:
    """One round of one server: CPU microseconds a request, requests a second, latencies in ms."""

    cpu_us: float
    per_second: float
    p50_ms: float
    p99_ms: float


def ask(url: str, headers: dict[str, str], requests_each: int, found: list[float]) -> None:
    """One connection after another, as gunicorn's sync workers want them."""
    parts = urlsplit(url)
    for _ in range(requests_each):
        began = time.perf_counter()
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        connection.request("GET", parts.path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            raise SystemExit(f"{url} answered {answer.status}")
        found.append((time.perf_counter() - began) * 1000)


def measure(pid: int, url: str, headers: dict[str, str], number: int) -> Round:
    """Send ``number`` requests over eight connections and see what the server's worker spent."""
    worker = psutil.Process(pid).children()[0]
    before, began = worker.cpu_times(), time.perf_counter()
    latencies: list[float] = []
    threads = [
        threading.Thread(target=ask, args=(url, headers, number // CONNECTIONS, latencies))
        for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, after = time.perf_counter() - began, worker.cpu_times()
    spent = after.user + after.system - before.user - before.system
    latencies.sort()
    done = len(latencies)
    return Round(spent / done * 1e6, done / took, latencies[done // 2], latencies[int(done * 0.99)])


def gunicorn(processes: Processes, name: str, app: str, port: int, env: dict[str, str]) -> int:
    """Start one server with one worker; returns its process id."""
    command = ("-m", "gunicorn", "-w", "1", "-b", f"127.0.0.1:{port}", "--preload", app)
    processes.start(name, python(*command), {"PYTHONPATH": str(PROJECT), **env})
    return processes.pid(name)


def report(name: str, rounds: list[Round], bytes_on_the_wire: int) -> None:
    """One line of figures, medians over the rounds."""
    middle = [
        statistics.median(getattr(one, figure) for one in rounds)
        for figure in ("cpu_us", "per_second", "p50_ms", "p99_ms")
    ]
    print(
        f"{name:8} {middle[0]:7.0f} us CPU  {middle[1]:6.0f} /s"
        f"  p50 {middle[2]:5.1f} ms  p99 {middle[3]:5.1f} ms  {bytes_on_the_wire:6d} bytes"
    )


def main(number: int, rounds: int) -> None:
    """Measure, print, stop everything."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    processes = Processes(FOLDER / "log")
    here, there = free_port(), free_port()
    base = f"http://127.0.0.1:{here}"
    os.environ |= {"BASE_URL": base, "STRIPE_API_BASE": base}
    settings = load()
    upgrade(settings.migration_database_url)
    runtime = build_runtime(settings, worker=True)
    seeding.seed(runtime)
    invited = next(one for one in seeding.invite(runtime) if one.scenario.name == "settlement")
    server = EmbeddedServer(default_folder())
    try:
        portal = gunicorn(processes, "portal", "wsgi:app", here, {})
        processes.wait_for(f"{base}/healthz")
        line = NetworkLine("en")
        browser = acting.enter(invited, line)
        headers = {"Cookie": line.cookies, "Accept-Encoding": "gzip", "Accept-Language": "en"}
        size = len(browser.text.encode())
        owner = {"BARE_DATABASE_URL": server.url("portal", "postgres"), "BARE_BYTES": str(size)}
        bare = gunicorn(processes, "bare", "benchmarks.bare:app", there, owner)
        ids = (str(invited.account.client_id), str(invited.account.id))
        token = URLSafeSerializer("a secret of the benchmark").dumps(ids)
        bare_url = f"http://127.0.0.1:{there}/a/{token}"
        processes.wait_for(bare_url)
        compare(
            {"portal": (portal, browser.url), "bare": (bare, bare_url)}, headers, number, rounds
        )
    finally:
        processes.stop()
        server.stop()


def compare(
    servers: dict[str, tuple[int, str]], headers: dict[str, str], number: int, rounds: int
) -> None:
    """Ask both in turns and print the figures and the ratios of each round's pair."""
    found: dict[str, list[Round]] = {name: [] for name in servers}
    sizes = {}
    for name, (pid, url) in servers.items():
        answer = requests.get(url, headers=headers, timeout=30, stream=True)
        sizes[name] = len(answer.raw.read(decode_content=False))
        measure(pid, url, headers, 200)
    for _ in range(rounds):
        for name, (pid, url) in servers.items():
            found[name].append(measure(pid, url, headers, number))
    for name, measured in found.items():
        report(name, measured, sizes[name])
    pairs = list(zip(found["portal"], found["bare"], strict=True))
    cpu = statistics.median(ours.cpu_us / theirs.cpu_us for ours, theirs in pairs)
    rate = statistics.median(ours.per_second / theirs.per_second for ours, theirs in pairs)
    print(f"portal / bare: {cpu:.2f} x CPU per request (target 1.5), {rate:.2f} x requests/s")
    spread = statistics.median(one.p99_ms / one.p50_ms for one in found["portal"])
    print(f"p99 / p50: {spread:.2f} (target 3)")
    memory = psutil.Process(servers["portal"][0]).children()[0].memory_info()
    print(f"memory of the worker: {memory.rss / 2**20:.0f} MB (target 100)")


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:3]]
    main(*(given + [3000, 5][len(given) :]))
