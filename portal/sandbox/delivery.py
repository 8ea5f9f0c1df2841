"""Webhooks: signed, sent, sent again for up to three days, in order or not."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import requests

from portal.sandbox.store import Thing, shown
from portal.sandbox.world import Endpoint, World

Post = Callable[[str, bytes, Mapping[str, str]], int]
"""``(url, body, headers) -> status``; raises OSError when nobody answers."""

RETRY_AFTER_S = (15, 60, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 12 * 3600)
GIVE_UP_S = 3 * 86_400
TIMEOUT_S = 10


def post_over_http(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send a webhook as Stripe does: no redirects, a short patience."""
    answer = requests.post(
        url, data=body, headers=dict(headers), timeout=TIMEOUT_S, allow_redirects=False
    )
    return answer.status_code


def sign(body: bytes, secrets: tuple[str, ...], at: int) -> str:
    """The ``Stripe-Signature`` header, with a signature by each secret."""
    signed = b"%d." % at + body
    digests = (hmac.new(one.encode(), signed, hashlib.sha256).hexdigest() for one in secrets)
    return ",".join([f"t={at}", *(f"v1={digest}" for digest in digests)])


def deliver(world: World, post: Post) -> int:
    """Send what is due on the sandbox's clock; returns how many were taken."""
    taken = 0
    for delivery in _claim(world):
        endpoint = world.endpoints[delivery["endpoint"]]
        body = _body(world, delivery["event"])
        status = _send(post, endpoint, body, world.now)
        taken += 200 <= status < 300
        _conclude(world, delivery, status)
    return taken


def _claim(world: World) -> list[Thing]:
    with world.store.transaction():
        rows = world.store.rows(
            "SELECT * FROM delivery WHERE state = 'pending' AND due <= ? ORDER BY due, seq",
            world.now,
        )
        world.store.rows(
            "UPDATE delivery SET state = 'sending' WHERE state = 'pending' AND due <= ?", world.now
        )
    due = [dict(row) for row in rows if row["endpoint"] < len(world.endpoints)]
    if world.switches.reorder:
        world.rng.shuffle(due)
    return due


def _body(world: World, event_id: str) -> bytes:
    account = world.store.account_of(event_id) or ""
    event = world.store.get(account, "event", event_id)
    return json.dumps(shown(event), indent=2).encode()


def _send(post: Post, endpoint: Endpoint, body: bytes, now: int) -> int:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (sandbox)",
        "Stripe-Signature": sign(body, endpoint.secrets, now),
    }
    try:
        return post(endpoint.url, body, headers)
    except OSError:
        return 0


def _conclude(world: World, delivery: Thing, status: int) -> None:
    attempts = delivery["attempts"] + 1
    due, state = delivery["due"], "done"
    if not 200 <= status < 300:
        wait = RETRY_AFTER_S[min(attempts, len(RETRY_AFTER_S)) - 1]
        due = world.now + wait
        state = "pending" if due - delivery["first"] <= GIVE_UP_S else "failed"
    with world.store.transaction():
        world.store.rows(
            "UPDATE delivery SET state = ?, due = ?, attempts = ? WHERE seq = ?",
            *(state, due, attempts, delivery["seq"]),
        )
        world.store.note(
            world.now,
            "delivery",
            event=delivery["event"],
            endpoint=delivery["endpoint"],
            attempt=attempts,
            status=status,
        )


def waiting(world: World) -> list[dict[str, Any]]:
    """The deliveries that have not been taken yet, and those that were dropped."""
    return [
        dict(row)
        for row in world.store.rows("SELECT * FROM delivery WHERE state != 'done' ORDER BY seq")
    ]
