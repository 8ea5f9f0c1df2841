"""The sandbox without a network: what the gateway's ``http`` argument takes.

Faults are drawn from an injected random source, so that a seed replays them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlsplit

from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request

from portal.sandbox.app import Sandbox
from portal.sandbox.faults import Fault


@dataclass
class InProcess:
    """Calls the WSGI application directly; raises OSError where a network would.

    ``rates`` gives the chance of each fault, for each request.
    """

    sandbox: Sandbox
    rng: Random = field(default_factory=lambda: Random(0))  # noqa: S311
    rates: Mapping[Fault, float] = field(default_factory=dict)

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One request of the SDK."""
        if fault := self._draw():
            self.sandbox.fail_next(fault)
        parts = urlsplit(url)
        request = Request.from_values(
            path=parts.path,
            query_string=parts.query,
            base_url=self.sandbox.world.base_url,
            method=method,
            headers=dict(headers),
            data=body or None,
        )
        chunks, status, answered = run_wsgi_app(self.sandbox, request.environ, buffered=True)
        return int(status.split(" ", 1)[0]), dict(answered), b"".join(chunks)

    def _draw(self) -> Fault | None:
        drawn = self.rng.random() if self.rates else 1.0
        for fault, rate in self.rates.items():
            drawn -= rate
            if drawn < 0:
                return fault
        return None
