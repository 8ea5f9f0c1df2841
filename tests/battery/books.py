"""Stripe's own books in the sandbox: what was really taken, given back and withdrawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portal.sandbox.store import Thing
from portal.sandbox.world import World

GONE = ("pending", "requires_action", "succeeded")


@dataclass(frozen=True)
class Taken:
    """One PaymentIntent that bears our mark, with all that became of its money."""

    intent_id: str
    payment_id: UUID
    status: str
    amount_cents: int
    created: int
    off_session: bool
    refunds: tuple[Thing, ...]
    movements: tuple[Thing, ...]

    @property
    def succeeded(self) -> bool:
        """Whether the money came."""
        return self.status == "succeeded"

    @property
    def refunded_cents(self) -> int:
        """What went back, or is on its way."""
        return sum(one["amount"] for one in self.refunds if one["status"] in GONE)

    @property
    def withdrawn_cents(self) -> int:
        """What banks took back by disputes, less what they gave back."""
        return -sum(one["amount"] for one in self.movements)

    @property
    def net_cents(self) -> int:
        """What is left of it."""
        paid = self.amount_cents if self.succeeded else 0
        return paid - self.refunded_cents - self.withdrawn_cents


def mark_of(thing: Mapping[str, Any]) -> UUID | None:
    """The payment that an object bears the mark of."""
    found = (thing.get("metadata") or {}).get("payment")
    return UUID(found) if found else None


def taken(world: World) -> list[Taken]:
    """Every PaymentIntent of ours, oldest first."""
    store = world.store
    found = []
    for intent in reversed(store.newest("payment_intent")):
        if (payment_id := mark_of(intent)) is None:
            continue
        disputes = store.newest("dispute", intent=intent["id"])
        found.append(
            Taken(
                intent_id=intent["id"],
                payment_id=payment_id,
                status=intent["status"],
                amount_cents=intent["amount"],
                created=intent["created"],
                off_session=not intent.get("_checkout"),
                refunds=tuple(store.newest("refund", intent=intent["id"])),
                movements=tuple(
                    movement for one in disputes for movement in one["balance_transactions"]
                ),
            )
        )
    return found


def open_pages(world: World) -> list[Thing]:
    """The Checkout sessions that somebody could pay on now."""
    return [one for one in world.store.newest("checkout.session") if one["status"] == "open"]
