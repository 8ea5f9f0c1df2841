"""Keys as Stripe keeps them, and requests that go wrong on their way."""

import json
from collections.abc import Mapping
from random import Random

import pytest

from portal.domain.money import Cents
from portal.gateways.payments import (
    GatewayRefused,
    GatewayUnavailable,
    IdempotencyKeyReused,
    IntentStatus,
)
from portal.sandbox.faults import Fault
from portal.sandbox.inprocess import InProcess
from tests.sandbox.asks import charge, make_order, save_method
from tests.sandbox.checked import BASE_URL, CheckedStripe

HEADERS = {
    "Authorization": "Bearer sk_test_otto",
    "Content-Type": "application/x-www-form-urlencoded",
}


def post(
    stripe: CheckedStripe, path: str, body: str, key: str = "", **headers: str
) -> tuple[int, Mapping[str, str], dict[str, object]]:
    """A request that need not be one that Stripe publishes."""
    sent = HEADERS | {"Idempotency-Key": key} | headers
    given = {name: value for name, value in sent.items() if value}
    raw = InProcess(stripe.sandbox)
    status, answered, text = raw("POST", f"{BASE_URL}{path}", given, body.encode())
    return status, answered, json.loads(text)


def test_the_same_key_charges_once(stripe: CheckedStripe, customer: str) -> None:
    first = charge(stripe, customer, "pm_card_visa", key="k")
    second = charge(stripe, customer, "pm_card_visa", key="k")
    assert first == second
    assert len(stripe.sandbox.things("charge")) == 1


def test_a_replay_says_so(stripe: CheckedStripe) -> None:
    _, first, made = post(stripe, "/v1/customers", "name=Dana", "k")
    _, second, again = post(stripe, "/v1/customers", "name=Dana", "k")
    assert made == again
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert second["Original-Request"] == first["Request-Id"]


def test_a_decline_is_replayed_too(stripe: CheckedStripe, customer: str) -> None:
    first = charge(stripe, customer, "pm_card_chargeDeclined", key="k")
    second = charge(stripe, customer, "pm_card_chargeDeclined", key="k")
    assert first == second
    assert len(stripe.sandbox.things("payment_intent")) == 1


def test_a_key_with_other_parameters_is_refused(stripe: CheckedStripe, customer: str) -> None:
    charge(stripe, customer, "pm_card_visa", 50_00, key="k")
    with pytest.raises(IdempotencyKeyReused, match="same parameters"):
        charge(stripe, customer, "pm_card_visa", 50_01, key="k")
    with pytest.raises(IdempotencyKeyReused, match="same endpoint"):
        stripe.gateway.create_customer(metadata={}, idempotency_key="k")
    assert len(stripe.sandbox.things("charge")) == 1


def test_keys_belong_to_one_account(stripe: CheckedStripe) -> None:
    ours = stripe.gateway.create_customer(metadata={}, idempotency_key="k")
    theirs = stripe.gateway.create_customer(
        metadata={}, idempotency_key="k", stripe_account="acct_1"
    )
    assert ours != theirs


def test_a_key_is_forgotten_after_a_day(stripe: CheckedStripe, customer: str) -> None:
    charge(stripe, customer, "pm_card_visa", key="k")
    stripe.clock.advance(hours=23, minutes=59)
    charge(stripe, customer, "pm_card_visa", key="k")
    assert len(stripe.sandbox.things("charge")) == 1
    stripe.clock.advance(minutes=1)
    charge(stripe, customer, "pm_card_visa", key="k")
    assert len(stripe.sandbox.things("charge")) == 2


def test_nothing_is_kept_of_a_request_that_fails_validation(stripe: CheckedStripe) -> None:
    status, _, _ = post(stripe, "/v1/customers", "nam=Dana", "k")
    assert status == 400
    status, _, _ = post(stripe, "/v1/customers", "name=Dana", "k")
    assert status == 200


def test_a_refusal_while_executing_is_kept(stripe: CheckedStripe, customer: str) -> None:
    body = f"payment_intent=pi_nothing&metadata[by]={customer}"
    first = post(stripe, "/v1/refunds", body, "k")
    second = post(stripe, "/v1/refunds", body, "k")
    assert first[0] == second[0] == 400
    assert "Idempotent-Replayed" in second[1]


def test_a_key_in_use_conflicts(stripe: CheckedStripe, customer: str) -> None:
    seen: list[tuple[int, object]] = []

    def meanwhile() -> None:
        status, _, body = post(stripe, "/v1/customers", "name=Dana", "k")
        seen.append((status, body["error"]["code"]))  # type: ignore[index]

    stripe.sandbox.wait = meanwhile
    stripe.sandbox.fail_next(Fault.SLOW)
    status, _, _ = post(stripe, "/v1/customers", "name=Dana", "k")
    assert (status, seen) == (200, [(409, "idempotency_key_in_use")])
    assert len(stripe.sandbox.things("customer")) == 2


def test_a_request_cut_off_after_it_was_executed_is_done_once(
    stripe: CheckedStripe, customer: str
) -> None:
    stripe.sandbox.fail_next(Fault.DROP_AFTER, method="POST")
    payment = charge(stripe, customer, "pm_card_visa")
    assert payment.status is IntentStatus.SUCCEEDED, "the SDK asked again with its key"
    assert len(stripe.sandbox.things("charge")) == 1


def test_a_network_that_stays_away_leaves_the_outcome_unknown(
    stripe: CheckedStripe, customer: str
) -> None:
    stripe.sandbox.fail_next(Fault.DROP_AFTER, times=3)
    with pytest.raises(GatewayUnavailable):
        charge(stripe, customer, "pm_card_visa", key="k")
    assert len(stripe.sandbox.things("charge")) == 1
    assert charge(stripe, customer, "pm_card_visa", key="k").received_cents == 50_00
    assert len(stripe.sandbox.things("charge")) == 1


def test_a_request_cut_off_before_it_was_executed_did_nothing(
    stripe: CheckedStripe, customer: str
) -> None:
    stripe.sandbox.fail_next(Fault.DROP_BEFORE, times=3)
    with pytest.raises(GatewayUnavailable):
        charge(stripe, customer, "pm_card_visa", key="k")
    assert not stripe.sandbox.things("payment_intent")


@pytest.mark.parametrize(("fault", "charges"), [(Fault.ERROR_BEFORE, 0), (Fault.ERROR_AFTER, 1)])
def test_a_500_is_what_the_key_keeps(
    stripe: CheckedStripe, customer: str, fault: Fault, charges: int
) -> None:
    stripe.sandbox.fail_next(fault, method="POST")
    for _ in range(2):
        with pytest.raises(GatewayUnavailable):
            charge(stripe, customer, "pm_card_visa", key="k")
    assert len(stripe.sandbox.things("charge")) == charges
    requests = [one for one in stripe.sandbox.history if one.get("key") == "k"]
    assert [one["status"] for one in requests] == [500, 500], "and the SDK does not insist"


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.RATE_LIMITED])
def test_a_closed_door_is_not_kept(stripe: CheckedStripe, customer: str, fault: Fault) -> None:
    stripe.sandbox.fail_next(fault, times=3)
    with pytest.raises(GatewayUnavailable):
        charge(stripe, customer, "pm_card_visa", key="k")
    stripe.world.faults.plans.clear()
    assert charge(stripe, customer, "pm_card_visa", key="k").received_cents == 50_00


def test_half_a_body_is_no_answer(stripe: CheckedStripe, customer: str) -> None:
    stripe.sandbox.fail_next(Fault.MALFORMED, method="POST")
    with pytest.raises(GatewayUnavailable):
        charge(stripe, customer, "pm_card_visa", key="k")
    assert len(stripe.sandbox.things("charge")) == 1


def test_a_fault_waits_for_its_request(stripe: CheckedStripe, customer: str) -> None:
    stripe.sandbox.fail_next(Fault.ERROR_BEFORE, method="POST", path="/v1/refunds")
    payment = charge(stripe, customer, "pm_card_visa")
    with pytest.raises(GatewayUnavailable):
        stripe.gateway.refund(
            payment.id, amount_cents=Cents(1_00), metadata={}, idempotency_key="r"
        )


def test_drawn_faults_are_the_same_for_the_same_seed(stripe: CheckedStripe, customer: str) -> None:
    def run(seed: int) -> list[str]:
        stripe.http.rng = Random(seed)
        stripe.http.rates = {Fault.DROP_AFTER: 0.3, Fault.RATE_LIMITED: 0.2, Fault.MALFORMED: 0.1}
        before = len(stripe.sandbox.history)
        for n in range(12):
            try:
                charge(stripe, customer, "pm_card_visa", key=f"{seed}-{before}-{n}")
            except GatewayUnavailable:
                continue
        asked = [one for one in stripe.sandbox.history[before:] if one["kind"] == "request"]
        return [str(one["fault"]) for one in asked]

    first, second, other = run(7), run(7), run(8)
    assert first == second
    assert first != other
    assert {"drop_after", "rate_limited", "malformed", "None"} == set(first)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer sk_live_real"}, 401),
        ({"Authorization": "Bearer pk_test_public"}, 401),
        ({"Authorization": "Basic ////"}, 401),
        ({"Authorization": "Basic c2tfdGVzdF9vdHRvOg=="}, 200),
        ({"Stripe-Account": "nobody"}, 403),
        ({"Stripe-Version": "2020-08-27"}, 400),
        ({"Idempotency-Key": "k" * 256}, 400),
    ],
)
def test_who_may_ask(stripe: CheckedStripe, headers: dict[str, str], status: int) -> None:
    got, _, body = post(stripe, "/v1/customers", "name=Dana", **headers)
    assert got == status
    assert ("error" in body) is (status != 200)
    assert "sk_live_real" not in json.dumps(body)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/customers", "nam=Dana", "parameter_unknown"),
        ("/v1/customers", "name=", "parameter_invalid_empty"),
        ("/v1/customers", "name=" + "n" * 257, None),
        ("/v1/customers", "name=%FF", None),
        ("/v1/customers", "name=a&name=b", None),
        ("/v1/customers", "metadata=x", None),
        ("/v1/customers", "a[b][c][d][e][f][g]=1", None),
        ("/v1/customers", "[]=1", None),
        ("/v1/customers", "&".join(f"a{n}=1" for n in range(3000)), None),
        ("/v1/payment_intents", "currency=usd", "parameter_missing"),
        ("/v1/payment_intents", "currency=usd&amount=1e3", "parameter_invalid_integer"),
        ("/v1/payment_intents", "currency=usd&amount=5000&confirm=yes", None),
        ("/v1/payment_intents", "currency=eur&amount=5000", None),
        ("/v1/payment_intents", "currency=usd&amount=5000&off_session=true", None),
        (
            "/v1/payment_intents",
            "currency=usd&amount=5000&confirm=true&payment_method=pm_card_visa",
            None,
        ),
        ("/v1/payment_intents", "currency=usd&amount=5000&payment_method=pm_x", "resource_missing"),
        ("/v1/refunds", "amount=5", None),
        ("/v1/refunds", "payment_intent=pi_1&expand[]=mood", "resource_missing"),
        ("/v1/checkout/sessions", "mode=payment&success_url=https://a.example", None),
        ("/v1/checkout/sessions", "mode=setup&success_url=https://a.example", "parameter_missing"),
        (
            "/v1/checkout/sessions",
            "mode=payment&success_url=https://a.example&payment_method_types[]=card",
            "parameter_unknown",
        ),
        ("/v1/checkout/sessions", "mode=payment&ui_mode=hosted&success_url=https://a.ex", None),
        ("/v1/nowhere", "", None),
    ],
)
def test_what_stripe_would_not_understand_is_refused(
    stripe: CheckedStripe, path: str, body: str, code: str | None
) -> None:
    status, _, reply = post(stripe, path, body)
    error = reply["error"]
    assert isinstance(error, dict)
    assert (status in (400, 404), error["type"]) == (True, "invalid_request_error")
    if code:
        assert error["code"] == code


def test_an_unknown_object_is_not_found(stripe: CheckedStripe) -> None:
    for ask in (stripe.gateway.retrieve_payment, stripe.gateway.retrieve_refund):
        with pytest.raises(GatewayRefused) as refused:
            ask("pi_nothing")
        assert (refused.value.code, refused.value.status) == ("resource_missing", 404)


def test_the_history_keeps_every_request(stripe: CheckedStripe, customer: str) -> None:
    order = make_order(stripe, customer)
    stripe.gateway.create_checkout(order, idempotency_key="k")
    save_method(stripe, customer)
    asked = [one for one in stripe.sandbox.history if one["kind"] == "request"]
    assert (asked[1]["key"], asked[1]["status"]) == ("k", 200)
    assert asked[1]["params"]["metadata"] == {"client": "cleo", "payment": "p1"}
    told = [one for one in stripe.sandbox.history if one["kind"] == "event"]
    assert {one["type"] for one in told} >= {"checkout.session.completed", "setup_intent.succeeded"}
