"""The sandbox under its judge: every request, reply and event is held against Stripe's document.

Any test that needs Stripe uses ``checked_stripe``; the fixture is in ``conftest.py``.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from portal.gateways.stripe import StripeGateway
from portal.sandbox.app import Sandbox
from portal.sandbox.inprocess import InProcess
from portal.sandbox.world import Endpoint, World
from tests.sandbox.contract import the_contract

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECRETS = ("whsec_old", "whsec_new")
BASE_URL = "http://stripe.sandbox"


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **given: float) -> None:
        """Move it by a timedelta's arguments."""
        self.now += timedelta(**given)


@dataclass
class Inbox:
    """Where webhooks arrive; answers with ``status``, or hangs up when it is 0."""

    status: int = 200
    received: list[tuple[bytes, str]] = field(default_factory=list)

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        event = json.loads(body)
        if event["livemode"] is False and "forged" not in event["type"]:
            the_contract().event(event)
        self.received.append((body, headers["Stripe-Signature"]))
        if not self.status:
            raise ConnectionRefusedError(url)
        return self.status

    @property
    def types(self) -> list[str]:
        """What arrived, in order."""
        return [json.loads(body)["type"] for body, _ in self.received]


@dataclass
class CheckedInProcess(InProcess):
    """The in-process transport, with the contract on both sides of it."""

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        the_contract().request(method, url, body.decode())
        status, answered, reply = super().__call__(method, url, headers, body)
        try:
            decoded = json.loads(reply)
        except ValueError:
            return status, answered, reply  # a fault of the sandbox's: half a body
        the_contract().reply(method, url, status, decoded)
        return status, answered, reply


@dataclass
class CheckedStripe:
    """A sandbox, the gateway that speaks to it, and where its webhooks arrive."""

    sandbox: Sandbox
    gateway: StripeGateway
    http: CheckedInProcess
    clock: Clock
    inbox: Inbox

    @property
    def world(self) -> World:
        """What ``portal.sandbox.control`` acts on."""
        return self.sandbox.world

    @property
    def event_types(self) -> list[str]:
        """Everything that happened, oldest first."""
        return [one["type"] for one in reversed(self.sandbox.things("event"))]


@contextmanager
def checked_stripe(*, seed: int = 0, clock: Clock | None = None) -> Iterator[CheckedStripe]:
    """A new sandbox in memory; at the end, every event that it ever told is checked."""
    clock, inbox, rng = clock or Clock(), Inbox(), Random(seed)
    endpoint = Endpoint("http://portal.test/webhooks/stripe", SECRETS)
    world = World(clock=clock, rng=rng, base_url=BASE_URL, endpoints=(endpoint,))
    sandbox = Sandbox(world, post=inbox)
    http = CheckedInProcess(sandbox, Random(seed + 1))
    gateway = StripeGateway("sk_test_dana", checkout_origins=[BASE_URL], http=http)
    yield CheckedStripe(sandbox, gateway, http, clock, inbox)
    for event in world.store.newest("event"):
        if not event.get("_forged"):
            the_contract().event(event)
    world.store.close()
