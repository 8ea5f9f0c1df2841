"""Events: signed, delivered, delivered again, dropped, doubled, late and out of order."""

import json

import pytest

from portal.gateways.payments import GatewayEvent, WebhookRefused
from portal.sandbox import control
from tests.sandbox.asks import charge, pay
from tests.sandbox.checked import SECRETS, CheckedStripe


def read(stripe: CheckedStripe, secret: str = SECRETS[1]) -> list[GatewayEvent]:
    return [
        stripe.gateway.verify_webhook(
            body, signature=signature, secrets=[secret], now=stripe.clock.now
        )
        for body, signature in stripe.inbox.received
    ]


@pytest.mark.parametrize("secret", SECRETS)
def test_events_are_signed_with_every_secret(
    stripe: CheckedStripe, customer: str, secret: str
) -> None:
    checkout = pay(stripe, customer)
    stripe.sandbox.deliver()
    completed = read(stripe, secret)[-1]
    assert (completed.type, completed.object_id) == ("checkout.session.completed", checkout.id)
    assert completed.created_at == stripe.clock.now
    assert (completed.livemode, completed.stripe_account) == (False, None)


def test_a_changed_body_is_not_believed(stripe: CheckedStripe, customer: str) -> None:
    stripe.sandbox.deliver()
    body, signature = stripe.inbox.received[0]
    with pytest.raises(WebhookRefused):
        stripe.gateway.verify_webhook(
            body.replace(b"cus_", b"cuz_"),
            signature=signature,
            secrets=SECRETS,
            now=stripe.clock.now,
        )


def test_what_is_taken_is_not_sent_again(stripe: CheckedStripe, customer: str) -> None:
    assert stripe.sandbox.deliver() == 1
    stripe.clock.advance(days=1)
    assert stripe.sandbox.deliver() == 0
    assert stripe.inbox.types == ["customer.created"]


@pytest.mark.parametrize("status", [0, 302, 400, 500])
def test_what_is_not_taken_is_sent_for_three_days(
    stripe: CheckedStripe, customer: str, status: int
) -> None:
    stripe.inbox.status = status
    for _ in range(24 * 5):
        stripe.sandbox.deliver()
        stripe.clock.advance(hours=1)
    attempts = len(stripe.inbox.received)
    assert 8 <= attempts <= 16
    stripe.inbox.status = 200
    stripe.clock.advance(days=2)
    assert stripe.sandbox.deliver() == 0, "after three days it is given up"
    assert len({body for body, _ in stripe.inbox.received}) == 1
    tried = [one["status"] for one in stripe.sandbox.history if one["kind"] == "delivery"]
    assert tried == [status] * attempts


def test_a_retry_succeeds_when_the_portal_is_back(stripe: CheckedStripe, customer: str) -> None:
    stripe.inbox.status = 503
    stripe.sandbox.deliver()
    stripe.inbox.status = 200
    assert stripe.sandbox.deliver() == 0, "not before its time"
    stripe.clock.advance(seconds=15)
    assert stripe.sandbox.deliver() == 1
    assert len(read(stripe)) == 2


def test_dropped_events_never_arrive_but_are_known(stripe: CheckedStripe, customer: str) -> None:
    stripe.sandbox.deliver()
    stripe.world.switches.drop = 1.0
    charge(stripe, customer, "pm_card_visa")
    stripe.clock.advance(days=4)
    assert stripe.sandbox.deliver() == 0
    assert "charge.succeeded" in stripe.event_types


def test_doubled_events_arrive_twice(stripe: CheckedStripe, customer: str) -> None:
    stripe.world.switches.double = 1.0
    charge(stripe, customer, "pm_card_visa")
    stripe.sandbox.deliver()
    assert stripe.inbox.types.count("charge.succeeded") == 2


def test_late_events_wait(stripe: CheckedStripe, customer: str) -> None:
    stripe.sandbox.deliver()
    stripe.world.switches.late, stripe.world.switches.late_s = 1.0, 7200
    charge(stripe, customer, "pm_card_visa")
    stripe.clock.advance(seconds=7199)
    assert stripe.sandbox.deliver() == 0
    stripe.clock.advance(seconds=1)
    assert stripe.sandbox.deliver() == 3


def test_reordered_events_come_in_another_order(stripe: CheckedStripe, customer: str) -> None:
    stripe.world.switches.reorder = True
    for _ in range(4):
        charge(stripe, customer, "pm_card_visa")
    stripe.sandbox.deliver()
    assert stripe.inbox.types != stripe.event_types
    assert sorted(stripe.inbox.types) == sorted(stripe.event_types)


def test_an_event_is_told_as_something_else(stripe: CheckedStripe, customer: str) -> None:
    charge(stripe, customer, "pm_card_visa")
    stripe.sandbox.deliver()
    event = stripe.sandbox.things("event")[0]
    stripe.inbox.received.clear()
    control.forge(stripe.world, event["id"], livemode=True)
    control.forge(stripe.world, event["id"], account="acct_other", livemode=True)
    control.forge(stripe.world, event["id"], type="forged.thing", api_version="2099-01-01.x")
    stripe.sandbox.deliver()
    live, other, unknown = read(stripe)
    assert live.livemode
    assert other.stripe_account == "acct_other"
    assert (unknown.type, unknown.api_version) == ("forged.thing", "2099-01-01.x")
    assert len({live.id, other.id, unknown.id, event["id"]}) == 4


def test_events_can_be_read_for_thirty_days(stripe: CheckedStripe, customer: str) -> None:
    raw = stripe.http
    url, headers = "http://stripe.sandbox/v1/events", {"Authorization": "Bearer sk_test_otto"}
    stripe.sandbox.deliver()
    stripe.world.switches.drop = 1.0
    stripe.clock.advance(days=1)
    charge(stripe, customer, "pm_card_visa")

    def types(query: str) -> list[str]:
        _, _, body = raw("GET", f"{url}?{query}", headers, b"")
        return [event["type"] for event in json.loads(body)["data"]]

    assert types("delivery_success=true") == ["customer.created"]
    assert types("types[]=charge.succeeded&types[]=customer.created") == [
        "charge.succeeded",
        "customer.created",
    ]
    assert len(types("delivery_success=false")) == 3
    assert types("type=charge.succeeded&limit=1") == ["charge.succeeded"]
    stripe.clock.advance(days=29, seconds=1)
    assert types("type=customer.created") == []
    assert types("type=charge.succeeded") == ["charge.succeeded"]
