"""Which webhooks are believed (attacks W-1 and W-7 of the battery)."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from portal.gateways.payments import WebhookRefused
from portal.gateways.signatures import verify

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "api_version": "2026-05-27.dahlia",
    "created": int(NOON.timestamp()),
    "livemode": False,
    "account": "acct_1",
    "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
}
BODY = json.dumps(EVENT).encode()


def signed(body: bytes = BODY, *secrets: str, at: datetime = NOON) -> str:
    stamp = int(at.timestamp())
    parts = [
        hmac.new(secret.encode(), b"%d." % stamp + body, hashlib.sha256).hexdigest()
        for secret in secrets or ("whsec_new",)
    ]
    return f"t={stamp}," + ",".join(f"v1={part}" for part in parts)


def test_a_signed_event_gives_its_envelope() -> None:
    event = verify(BODY, signature=signed(), secrets=["whsec_new"], now=NOON)
    assert (event.id, event.type, event.stripe_account) == ("evt_1", EVENT["type"], "acct_1")
    assert (event.object_id, event.object_type) == ("pi_1", "payment_intent")
    assert event.created_at == NOON


@pytest.mark.parametrize("signer", ["whsec_old", "whsec_new"])
def test_either_secret_is_believed_while_it_rotates(signer: str) -> None:
    header = signed(BODY, signer)
    assert verify(BODY, signature=header, secrets=["whsec_new", "whsec_old"], now=NOON)


def test_one_of_several_signatures_is_enough() -> None:
    header = signed(BODY, "whsec_other", "whsec_new")
    assert verify(BODY, signature=header, secrets=["whsec_new"], now=NOON)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "t=,v1=",
        "v1=" + "0" * 64,
        "t=1717243200",
        "t=١٢٣,v1=00",
        signed(BODY, "whsec_wrong"),
        signed(BODY).replace("v1=", "v0="),
        signed(BODY) + ",t=1",
        signed(BODY) + "é" * 5000,
        "t=" + "9" * 400 + ",v1=00",
    ],
)
def test_a_bad_signature_is_refused(header: str | None) -> None:
    with pytest.raises(WebhookRefused):
        verify(BODY, signature=header, secrets=["whsec_new"], now=NOON)


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_a_signature_from_another_time_is_refused(seconds: int) -> None:
    header = signed(at=NOON + timedelta(seconds=seconds))
    with pytest.raises(WebhookRefused, match="five minutes"):
        verify(BODY, signature=header, secrets=["whsec_new"], now=NOON)


def test_a_body_serialized_again_is_refused() -> None:
    again = json.dumps(EVENT, indent=2).encode()
    with pytest.raises(WebhookRefused):
        verify(again, signature=signed(), secrets=["whsec_new"], now=NOON)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        b"[" * 100_000,
        json.dumps(EVENT | {"id": 7}).encode(),
        json.dumps(EVENT | {"id": "e" * 300}).encode(),
        json.dumps(EVENT | {"id": "evt_\0"}).encode(),
        json.dumps(EVENT | {"type": "\ud800"}).encode(),
        json.dumps(EVENT | {"account": "acct_\0"}).encode(),
        json.dumps(EVENT | {"account": 7}).encode(),
        json.dumps(EVENT | {"data": {"object": {"id": "pi_\0"}}}).encode(),
        json.dumps(EVENT | {"data": {"object": []}}).encode(),
        json.dumps(EVENT | {"created": 10**40}).encode(),
    ],
    ids=lambda body: body[:12].decode(errors="replace"),
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        verify(body, signature=signed(body), secrets=["whsec_new"], now=NOON)


def test_no_secret_believes_nobody() -> None:
    with pytest.raises(WebhookRefused):
        verify(BODY, signature=signed(BODY, ""), secrets=[], now=NOON)
