"""What happened, told as Stripe's snapshot events, and queued for whoever listens."""

from typing import Any

from portal.sandbox import forms, listing
from portal.sandbox.errors import missing
from portal.sandbox.forms import Shape
from portal.sandbox.store import Thing, shown
from portal.sandbox.world import API_VERSION, Scope

URL = "/v1/events"
KEPT_S = 30 * 86_400
LIST: Shape = {
    **listing.DATED,
    "type": forms.text(),
    "types": forms.list_of(forms.text()),
    "delivery_success": forms.flag,
}


def emit(scope: Scope, kind: str, thing: Thing) -> Thing:
    """Tell that ``kind`` happened to an object as it now stands."""
    event: Thing = {
        "id": scope.new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": scope.now,
        "data": {"object": shown(thing)},
        "livemode": False,
        "pending_webhooks": len(scope.world.endpoints),
        "request": dict(scope.request or {"id": None, "idempotency_key": None}),
        "type": kind,
    }
    if scope.account:
        event["account"] = scope.account
    scope.save(event)
    scope.store.note(
        scope.now, "event", event=event["id"], type=kind, account=scope.account, object=thing["id"]
    )
    queue(scope, event["id"])
    return event


def queue(scope: Scope, event_id: str) -> None:
    """Have an event sent to every endpoint, as the switches say."""
    for number in range(len(scope.world.endpoints)):
        _queue(scope, event_id, number)


def _queue(scope: Scope, event_id: str, endpoint: int) -> None:
    switches, draw = scope.world.switches, scope.world.rng.random
    state = "dropped" if draw() < switches.drop else "pending"
    copies = 2 if draw() < switches.double else 1
    wait = switches.late_s if draw() < switches.late else 0
    for _ in range(copies):
        scope.store.rows(
            "INSERT INTO delivery (event, endpoint, first, due, state) VALUES (?, ?, ?, ?, ?)",
            event_id,
            endpoint,
            scope.now,
            scope.now + wait,
            state,
        )


def delivered(scope: Scope, event_id: str) -> bool:
    """Whether every endpoint has taken the event."""
    open_ones = scope.store.rows(
        "SELECT 1 FROM delivery WHERE event = ? AND state != 'done' LIMIT 1", event_id
    )
    return not open_ones


def retrieve(scope: Scope, params: dict[str, Any], event: str) -> Thing:
    """GET /v1/events/{id}, for 30 days."""
    found = scope.need("event", event)
    if found["created"] < scope.now - KEPT_S:
        raise missing("event", event)
    return found


def listed(scope: Scope, params: dict[str, Any]) -> Thing:
    """GET /v1/events, 30 days back."""
    oldest = scope.now - KEPT_S
    found = scope.store.newest("event", account=scope.account)
    kinds = params.get("types") or ([params["type"]] if "type" in params else None)
    wanted = [
        event
        for event in found
        if event["created"] >= oldest and (kinds is None or event["type"] in kinds)
    ]
    if "delivery_success" in params:
        asked = params["delivery_success"]
        wanted = [event for event in wanted if delivered(scope, event["id"]) is asked]
    return listing.page(scope, params, wanted, URL)
