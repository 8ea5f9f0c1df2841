"""Stripe's webhook: verified, kept once, answered only when kept (battery W-1, W-2, W-5, W-7)."""

import dataclasses
import hashlib
import hmac
import json
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from portal.app import create_app
from portal.config import Settings
from portal.db import PortalSession
from portal.gateways.clock import SetClock
from portal.models import StripeEvent
from portal.runtime import Runtime
from tests.databases import acting_as

SECRETS = ("whsec_new", "whsec_old")


@pytest.fixture
def stripe_calls(settings: Settings, runtime: Runtime) -> FlaskClient:
    """Stripe's side of the webhook, with two secrets in rotation."""
    settings = dataclasses.replace(settings, stripe_webhook_secrets=SECRETS)
    return create_app(settings, dataclasses.replace(runtime, settings=settings)).test_client()


def event(event_id: str = "evt_1", kind: str = "payment_intent.succeeded") -> bytes:
    told = {
        "id": event_id,
        "object": "event",
        "api_version": "2026-05-27.dahlia",
        "created": 1_795_000_000,
        "livemode": False,
        "pending_webhooks": 1,
        "type": kind,
        "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    }
    return json.dumps(told).encode()


def signature(body: bytes, clock: SetClock, secret: str = SECRETS[0], age_s: int = 0) -> str:
    at = int(clock.now().timestamp()) - age_s
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def send(http: FlaskClient, body: bytes, signed: str) -> int:
    return http.post("/stripe/webhook", data=body, headers={"Stripe-Signature": signed}).status_code


def kept(session: PortalSession) -> int:
    with acting_as("portal_owner", session):
        return session.query(StripeEvent).count()


def test_a_signed_event_is_kept_once_and_its_work_is_queued(
    stripe_calls: FlaskClient, clock: SetClock, session: PortalSession
):
    """PY-11: sent again, and signed with a new secret, it is still one event."""
    body = event()
    for secret in SECRETS * 2:
        assert send(stripe_calls, body, signature(body, clock, secret)) == 200
    assert kept(session) == 1
    with acting_as("portal_owner", session):
        found = session.query(StripeEvent).one()
        assert found.body == body
    assert found.handled_at is None


@pytest.mark.parametrize("kind", ["none", "forged", "old", "future", "altered"])
def test_an_event_that_stripe_did_not_sign_leaves_nothing(
    kind: str, stripe_calls: FlaskClient, clock: SetClock, session: PortalSession
):
    """PY-11: forged, replayed later, or altered."""
    body = event()
    signed = {
        "none": "",
        "forged": signature(body, clock, "whsec_other"),
        "old": signature(body, clock, age_s=301),
        "future": signature(body, clock, age_s=-86_400),
        "altered": signature(body + b" ", clock),
    }[kind]
    assert send(stripe_calls, body, signed) == 400
    assert kept(session) == 0


def test_an_event_of_a_kind_we_do_not_know_is_kept_too(
    stripe_calls: FlaskClient, clock: SetClock, session: PortalSession
):
    body = event("evt_2", "invoice.created")
    assert send(stripe_calls, body, signature(body, clock)) == 200
    assert kept(session) == 1


def test_an_event_that_cannot_be_kept_is_not_answered_with_200(
    stripe_calls: FlaskClient,
    clock: SetClock,
    sessions: Callable[..., PortalSession],
):
    body = event()
    with sessions() as other:
        other.execute(text("SET LOCAL default_transaction_read_only = on"))
        other.execute(text("SET LOCAL transaction_read_only = on"))
        assert send(stripe_calls, body, signature(body, clock)) >= 500


def test_a_body_that_is_too_large_is_refused(stripe_calls: FlaskClient, clock: SetClock):
    body = b"x" * (13 * 1024 * 1024)
    assert send(stripe_calls, body, signature(body, clock)) == 413
