"""The demo's processes: started together, stopped together, and waited for until they answer."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import requests

PATIENCE_S = 60
STOP_S = 20


class DidNotStart(RuntimeError):
    """A part of the demo ended, or did not answer in time; its last words are in its log."""


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep every other demo out of a folder; the system lets go when the process ends.

    Raises DidNotStart where one is running: two would share one database, and the first to end
    would take it from the other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            raise DidNotStart(
                "A demo is already running on this data. Use that one, or end it with Ctrl-C first."
            ) from taken
        yield


class Processes:
    """Child processes with a log each; one that ends by itself ends them all."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start one process; what it prints goes into ``<name>.log``."""
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **env},
            )

    def pid(self, name: str) -> int:
        """The process id of what was started under this name."""
        return self._running[name].pid

    def wait_for(self, url: str) -> None:
        """Return once this address answers. Raises DidNotStart."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self.check()
            try:
                if requests.get(url, timeout=5).status_code < 500:
                    return
            except requests.RequestException:
                time.sleep(0.1)
        raise DidNotStart(f"{url} does not answer; see {self._logs}.")

    def check(self) -> None:
        """Go on only while everything runs. Raises DidNotStart."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise DidNotStart(
                    f"The {name} ended with code {process.returncode}: "
                    f"{_last_line(self._logs / f'{name}.log')}"
                )

    def serve(self) -> None:
        """Run until interrupted, or until a part ends by itself (DidNotStart)."""
        while True:
            self.check()
            time.sleep(0.3)

    def stop(self) -> None:
        """End everything that was started, the newest first."""
        for process in reversed(self._running.values()):
            if process.poll() is None:
                process.terminate()
        for process in self._running.values():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def python(*arguments: str) -> list[str]:
    """A command of this very interpreter."""
    return [sys.executable, *arguments]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int) -> None:
    """Go on only if nobody listens on this port. Raises DidNotStart."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as taken:
            raise DidNotStart(
                f"Port {port} cannot be used ({taken.strerror}). Name another one with --port,"
                " or let --port 0 take any that is free."
            ) from taken


def interrupt_on_termination() -> None:
    """Let SIGTERM end the demo as Ctrl-C does, which works for a demo in the background too."""

    def interrupted(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupted)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "it said nothing"
