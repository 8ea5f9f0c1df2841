"""The sandbox as a server of its own, as the demo runs it."""

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from portal.sandbox.app import Sandbox
from portal.sandbox.store import Store
from portal.sandbox.world import Delays, Endpoint, World

LOG = logging.getLogger(__name__)
TICK_S = 0.5
DEMO_DELAYS = Delays(debit_s=45, refund_s=20, dispute_s=30)


class _Quiet(WSGIRequestHandler):
    """No line for each request; a request that is cut off takes its connection with it."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""

    def connection_dropped(self, error: BaseException, environ: object = None) -> None:
        """Hang up, rather than wait for the next request."""
        self.close_connection = True


class Server:
    """A running sandbox: requests in threads, timers and webhooks in one thread beside them."""

    def __init__(self, sandbox: Sandbox, host: str, port: int) -> None:
        self.sandbox = sandbox
        self._stopped = threading.Event()
        self._http: BaseWSGIServer = make_server(
            host, port, sandbox, threaded=True, request_handler=_Quiet
        )
        self.url = f"http://{host}:{self._http.port}"
        sandbox.world.base_url = self.url
        self._threads = (
            threading.Thread(target=self._http.serve_forever, daemon=True),
            threading.Thread(target=self._tick, daemon=True),
        )

    def start(self) -> "Server":
        """Answer from now on; returns at once."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Stop both threads and close the port and the database."""
        self._stopped.set()
        self._http.shutdown()
        for thread in self._threads:
            thread.join(timeout=15)
        self._http.server_close()
        self.sandbox.world.store.close()

    def wait(self) -> None:
        """Serve until somebody interrupts."""
        with suppress(KeyboardInterrupt):
            self._stopped.wait()

    def _tick(self) -> None:
        while not self._stopped.wait(TICK_S):
            try:
                self.sandbox.deliver()
            except Exception:
                LOG.exception("the sandbox could not send its webhooks")


def start(  # noqa: PLR0913 - the options of one command
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    path: str = ":memory:",
    webhook_url: str | None = None,
    secrets: Sequence[str] = (),
    delays: Delays = DEMO_DELAYS,
) -> Server:
    """Start a sandbox on ``port`` (0: any free one), its state kept in the file ``path``.

    Events go to ``webhook_url``, signed with each of ``secrets``.
    """
    endpoints = (Endpoint(webhook_url, tuple(secrets)),) if webhook_url else ()
    world = World(Store(path), delays=delays, endpoints=endpoints)
    return Server(Sandbox(world), host, port).start()
