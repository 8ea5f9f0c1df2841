"""One sandbox: its clock, its memory, its switches; and one account's view of it."""

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random, SystemRandom
from typing import Any

from portal.sandbox.errors import missing
from portal.sandbox.faults import Faults, Switches
from portal.sandbox.store import Store, Thing

API_VERSION = "2026-05-27.dahlia"
ALPHABET = string.ascii_letters + string.digits
LENGTHS = {"cs_test": 58, "cus": 14}


@dataclass(frozen=True)
class Endpoint:
    """Where events are sent, and the secrets that sign them (several while they rotate)."""

    url: str
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Delays:
    """How long Stripe's slow things take, in seconds; the default is as long as in life."""

    debit_s: int = 4 * 86_400
    refund_s: int = 5 * 86_400
    dispute_s: int = 60


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@dataclass
class World:
    """Everything that one sandbox is made of."""

    store: Store = field(default_factory=Store)
    clock: Callable[[], datetime] = utc_now
    rng: Random = field(default_factory=SystemRandom)
    base_url: str = "http://stripe.sandbox"
    delays: Delays = field(default_factory=Delays)
    endpoints: tuple[Endpoint, ...] = ()
    switches: Switches = field(default_factory=Switches)
    faults: Faults = field(default_factory=Faults)

    @property
    def now(self) -> int:
        """Seconds since 1970 on the sandbox's clock."""
        return int(self.clock().timestamp())

    def new_id(self, prefix: str) -> str:
        """An id of the shape that Stripe gives."""
        length = LENGTHS.get(prefix, 24)
        return f"{prefix}_" + "".join(self.rng.choices(ALPHABET, k=length))


@dataclass(frozen=True)
class Scope:
    """One account's view of the world, during one request or one timer."""

    world: World
    account: str = ""
    request: Mapping[str, str | None] | None = None

    @property
    def now(self) -> int:
        """Seconds since 1970 on the sandbox's clock."""
        return self.world.now

    @property
    def store(self) -> Store:
        """Where the objects are."""
        return self.world.store

    def new_id(self, prefix: str) -> str:
        """An id of the shape that Stripe gives."""
        return self.world.new_id(prefix)

    def find(self, kind: str, thing_id: str | None) -> Thing | None:
        """An object of this account, or nothing."""
        return self.store.get(self.account, kind, thing_id) if thing_id else None

    def need(self, kind: str, thing_id: str, *, param: str = "id") -> Thing:
        """An object of this account; a ``resource_missing`` error without it."""
        found = self.find(kind, thing_id)
        if found is None:
            raise missing(kind, thing_id, param=param)
        return found

    def save(self, thing: Thing, **changes: Any) -> Thing:
        """Keep an object with some changes; returns it."""
        thing.update(changes)
        self.store.put(self.account, thing)
        return thing

    def later(self, seconds: int, action: str, thing_id: str) -> None:
        """Have an action of ``timers`` done to an object when the clock gets there."""
        with self.store.transaction():
            self.store.rows(
                "INSERT INTO timer (due, account, action, thing) VALUES (?, ?, ?, ?)",
                self.now + seconds,
                self.account,
                action,
                thing_id,
            )
