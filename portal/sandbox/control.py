"""What the demo's staff and the tests do to the sandbox from outside of Stripe's API."""

from collections.abc import Mapping
from typing import Any

from portal.sandbox import disputes, events, hosted, refunds, timers
from portal.sandbox.errors import invalid, missing
from portal.sandbox.faults import Fault
from portal.sandbox.instruments import BY_NAME, FAILURES
from portal.sandbox.store import Thing, shown
from portal.sandbox.world import Scope, World

LONGEST_S = 366 * 86_400


def scope_of(world: World, thing_id: str) -> Scope:
    """The account that an object belongs to, whichever that is."""
    account = world.store.account_of(thing_id)
    if account is None:
        raise missing("object", thing_id)
    return Scope(world, account)


def pay(world: World, session_id: str, name: str, *, passed: bool = True) -> hosted.Outcome:
    """Go through a hosted page with a test card or account; ``passed``: the bank's check."""
    scope = scope_of(world, session_id)
    with world.store.transaction():
        timers.run(world)
        session = hosted.open_session(scope, session_id)
        if session is None:
            raise invalid("This page is closed.")
        outcome = hosted.submit(scope, session, name=name)
        if outcome.step == "authenticate":
            outcome = hosted.authenticate(scope, session, passed=passed)
        return outcome


def refund(world: World, intent_id: str, *, amount: int | None = None) -> Thing:
    """Refund a payment, as somebody would in Stripe's dashboard."""
    scope = scope_of(world, intent_id)
    params: dict[str, Any] = {"payment_intent": intent_id}
    with world.store.transaction():
        return refunds.create(scope, params if amount is None else params | {"amount": amount})


def finish_refund(world: World, refund_id: str, *, failed: bool = False) -> Thing:
    """Let a refund arrive, or come back."""
    scope = scope_of(world, refund_id)
    with world.store.transaction():
        return refunds.fail(scope, refund_id) if failed else refunds.finish(scope, refund_id)


def finish_debit(world: World, intent_id: str, *, failure: str | None = None) -> Thing:
    """Let a bank debit end now: as its test account says, or with the failure given."""
    scope = scope_of(world, intent_id)
    if failure is not None and failure not in FAILURES:
        raise invalid(f"A debit fails with one of {', '.join(FAILURES)}.", param="failure")
    intent = scope.need("payment_intent", intent_id)
    if intent["status"] != "processing":
        raise invalid("This payment is not a bank debit on its way.")
    with world.store.transaction():
        return timers.finish_debit(scope, intent["latest_charge"], failure)


def dispute(
    world: World, intent_id: str, *, inquiry: bool = False, amount: int | None = None
) -> Thing:
    """Let the debtor's bank dispute a payment, or only ask about it."""
    scope = scope_of(world, intent_id)
    charge = scope.need("payment_intent", intent_id)["latest_charge"]
    with world.store.transaction():
        return disputes.open_dispute(scope, charge or "", inquiry=inquiry, amount=amount)


def escalate(world: World, dispute_id: str) -> Thing:
    """Let an inquiry become a chargeback."""
    with world.store.transaction():
        return disputes.escalate(scope_of(world, dispute_id), dispute_id)


def close_dispute(world: World, dispute_id: str, *, won: bool) -> Thing:
    """Let the bank decide a dispute."""
    with world.store.transaction():
        return disputes.close(scope_of(world, dispute_id), dispute_id, won=won)


def forge(world: World, event_id: str, **changes: Any) -> Thing:
    """Send an event again as another one: other account, livemode, version or unknown type."""
    scope = scope_of(world, event_id)
    original = scope.need("event", event_id)
    with world.store.transaction():
        forged = {**original, "id": scope.new_id("evt"), "_forged": True, **changes}
        scope.save(forged)
        events.queue(scope, forged["id"])
    return shown(forged)  # type: ignore[no-any-return]


def payments(world: World) -> list[Thing]:
    """Every PaymentIntent of every account, newest first, with its refunds and disputes."""
    store = world.store
    listed = []
    for intent in store.newest("payment_intent"):
        related = {
            "refunds": store.newest("refund", intent=intent["id"]),
            "disputes": store.newest("dispute", intent=intent["id"]),
        }
        listed.append(shown(intent) | shown(related) | {"account": store.account_of(intent["id"])})
    return listed


def turn(world: World, given: Mapping[str, str]) -> dict[str, Any]:
    """Set the switches that are named, all or none; returns all of them."""
    known = vars(world.switches)
    wanted = {
        name: _switch(type(known[name]), value) for name, value in given.items() if name in known
    }
    known.update(wanted)
    return known.copy()


def _switch(kind: type, value: str) -> bool | int | float:
    if kind is bool:
        return value in ("true", "on", "1")
    try:
        read = int(value or "0") if kind is int else float(value or "0")
    except ValueError as bad:
        raise invalid(f"{value[:40]!r} is not a number.") from bad
    if not 0 <= read <= (LONGEST_S if kind is int else 1):
        raise invalid(f"{value[:40]!r} is no rate from 0 to 1, and no number of seconds in a year.")
    return read


def plan(world: World, given: Mapping[str, str]) -> list[dict[str, Any]]:
    """Let the next requests fail; returns what is planned."""
    if given.get("fault") not in set(Fault):
        raise invalid(f"A fault is one of {', '.join(Fault)}.", param="fault")
    times = given.get("times") or "1"
    if not (times.isascii() and times.isdigit() and len(times) <= 4):
        raise invalid(f"{times[:40]!r} is no number of times.", param="times")
    world.faults.plan(
        Fault(given["fault"]),
        times=int(times),
        method=given.get("method", ""),
        path=given.get("path", ""),
    )
    return [vars(one).copy() for one in world.faults.plans]


def change_method(world: World, method_id: str, name: str) -> Thing:
    """Let a saved card or account behave like another test card or account from now on."""
    if name not in BY_NAME:
        raise invalid("There is no test card or account of this name.", param="name")
    scope = scope_of(world, method_id)
    with world.store.transaction():
        return scope.save(scope.need("payment_method", method_id), _instrument=name)
