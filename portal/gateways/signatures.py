"""Webhook signatures as Stripe documents them: HMAC-SHA256 over ``timestamp.body``."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from portal.gateways.payments import GatewayEvent, WebhookRefused

TOLERANCE_S = 300
LONGEST_HEADER = 4096


def verify(
    body: bytes, *, signature: str | None, secrets: Sequence[str], now: datetime
) -> GatewayEvent:
    """The event in ``body``, signed with any of ``secrets`` within 300 s of ``now``.

    Also refuses a timestamp from the future, which Stripe's own library accepts.
    Raises WebhookRefused.
    """
    stamp, given = _parts(signature)
    expected = [_digest(body, stamp, secret) for secret in secrets]
    if not any(hmac.compare_digest(one, two) for one in expected for two in given):
        raise WebhookRefused("no signature matches")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE_S:
        raise WebhookRefused("the signature's time is more than five minutes away")
    return _envelope(body)


def _parts(header: str | None) -> tuple[str, list[bytes]]:
    if not header or len(header) > LONGEST_HEADER:
        raise WebhookRefused("no usable signature header")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in pairs if name == "t"]
    given = [value.encode() for name, _, value in pairs if name == "v1"]
    if len(stamps) != 1 or not (stamps[0].isascii() and stamps[0].isdigit()) or not given:
        raise WebhookRefused("the signature header has no single time and signature")
    return stamps[0][:15], given


def _digest(body: bytes, stamp: str, secret: str) -> bytes:
    signed = stamp.encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()


def _envelope(body: bytes) -> GatewayEvent:
    try:
        event = json.loads(body)
        thing = event["data"]["object"]
        return GatewayEvent(
            id=_text(event, "id"),
            type=_text(event, "type"),
            stripe_account=_text(event, "account") if event.get("account") is not None else None,
            livemode=bool(event["livemode"]),
            object_id=_text(thing, "id") if thing.get("id") is not None else None,
            object_type=thing.get("object"),
            api_version=event.get("api_version"),
            created_at=datetime.fromtimestamp(event["created"], UTC),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as bad:
        raise WebhookRefused("the body is not an event") from bad


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event[name]
    if not isinstance(value, str) or not 0 < len(value) <= 255 or not value.isprintable():
        raise ValueError(name)
    return value
