"""What the gateway sends, judged by Stripe's published document, and what it makes of answers."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from portal.domain.money import Cents
from portal.gateways.payments import (
    CheckoutMode,
    CheckoutOrder,
    ForeignCheckoutUrl,
    GatewayRefused,
    GatewayUnavailable,
    IdempotencyKeyReused,
    OffSessionCharge,
)
from portal.gateways.stripe import API_VERSION, StripeGateway
from tests.sandbox.contract import the_contract

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Wire:
    """Stands where the network is: notes requests, answers what it was told."""

    def __init__(self, status: int = 200, body: object = None) -> None:
        self.status, self.body = status, body
        self.sent: list[tuple[str, str, Mapping[str, str], str]] = []

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        self.sent.append((method, url, headers, body.decode()))
        if isinstance(self.body, Exception):
            raise self.body
        raw = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return self.status, {"Request-Id": "req_1"}, raw


def gateway(wire: Wire) -> StripeGateway:
    return StripeGateway(
        "sk_test_dana", http=wire, checkout_origins=["https://checkout.stripe.com"]
    )


def order(mode: CheckoutMode, **given: object) -> CheckoutOrder:
    fields = {
        "mode": mode,
        "customer_id": "cus_1",
        "currency": "USD",
        "product_name": "Payment",
        "success_url": "https://pay.example/done?checkout={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://pay.example/plan",
        "locale": "es-419",
        "expires_at": NOON,
        "metadata": {"client": "c", "payment": "p"},
        "amount_cents": None if mode is CheckoutMode.SAVE else Cents(120_00),
        "display_name": "Cleo Collections",
    }
    return CheckoutOrder(**fields | given)  # type: ignore[arg-type]


def session(**given: object) -> dict[str, object]:
    return {
        "id": "cs_test_1",
        "mode": "payment",
        "status": "open",
        "payment_status": "unpaid",
        "url": "https://checkout.stripe.com/c/pay/cs_test_1",
        "amount_total": 120_00,
        "currency": "usd",
        "customer": "cus_1",
        "created": 1,
        "expires_at": 2,
        "object": "checkout.session",
    } | given


def test_the_version_sent_is_the_contracts() -> None:
    wire = Wire(body={"id": "cus_1", "object": "customer"})
    gateway(wire).create_customer(metadata={}, idempotency_key="k")
    assert the_contract().version == API_VERSION
    assert wire.sent[0][2]["Stripe-Version"] == API_VERSION


@pytest.mark.parametrize("mode", CheckoutMode)
def test_a_checkout_order_is_one_that_stripe_publishes(mode: CheckoutMode) -> None:
    wire = Wire(body=session())
    gateway(wire).create_checkout(order(mode), idempotency_key="k", stripe_account="acct_1")
    method, url, headers, body = wire.sent[0]
    params = the_contract().request(method, url, body)
    assert "payment_method_types" not in params
    assert "{CHECKOUT_SESSION_ID}" in params["success_url"]
    assert (headers["Idempotency-Key"], headers["Stripe-Account"]) == ("k", "acct_1")
    assert ("setup_intent_data" in params) is (mode is CheckoutMode.SAVE)
    saves = params.get("payment_intent_data", {}).get("setup_future_usage")
    assert (saves == "off_session") is (mode is CheckoutMode.PAY_AND_SAVE)


def test_a_page_elsewhere_is_refused() -> None:
    wire = Wire(body=session(url="https://checkout.stripe.com.evil.example/c/pay/cs_test_1"))
    with pytest.raises(ForeignCheckoutUrl, match=r"evil\.example"):
        gateway(wire).create_checkout(order(CheckoutMode.PAY), idempotency_key="k")


def test_an_off_session_charge_is_one_that_stripe_publishes() -> None:
    wire = Wire(status=500, body={"error": {"type": "api_error"}})
    charge = OffSessionCharge("cus_1", "pm_1", Cents(50_00), "USD", {"payment": "p"})
    with pytest.raises(GatewayUnavailable):
        gateway(wire).charge_off_session(charge, idempotency_key="k")
    method, url, _, body = wire.sent[0]
    params = the_contract().request(method, url, body)
    assert (params["off_session"], params["confirm"], params["amount"]) == (True, True, 50_00)
    assert len(wire.sent) == 3, "two retries"
    assert {sent[2]["Idempotency-Key"] for sent in wire.sent} == {"k"}


@pytest.mark.parametrize(
    "wire",
    [
        Wire(body=TimeoutError("cut off")),
        Wire(body=ConnectionResetError("cut off")),
        Wire(status=200, body=b"<html>proxy</html>"),
        Wire(status=200, body=b"\xff\xfe"),
        Wire(status=200, body={"object": "checkout.session"}),
        Wire(status=200, body=session(status="imagined")),
        Wire(status=502, body=b"bad gateway"),
        Wire(status=503, body={"error": {"type": "api_error"}}),
        Wire(status=429, body={"error": {"type": "invalid_request_error", "code": "rate_limit"}}),
        Wire(status=409, body={"error": {"type": "idempotency_error"}}),
        Wire(status=401, body={"error": {"type": "invalid_request_error", "message": "No key"}}),
        Wire(status=403, body={"error": {"type": "invalid_request_error", "message": "No right"}}),
    ],
    ids=lambda wire: f"{wire.status} {str(wire.body)[:40]}",
)
def test_no_readable_answer_means_unknown(wire: Wire) -> None:
    with pytest.raises(GatewayUnavailable):
        gateway(wire).retrieve_checkout("cs_test_1")


@pytest.mark.parametrize("status", [400, 404])
def test_a_refusal_keeps_stripes_code(status: int) -> None:
    error = {"type": "invalid_request_error", "code": "resource_missing", "message": "No such"}
    with pytest.raises(GatewayRefused, match="No such") as refused:
        gateway(Wire(status=status, body={"error": error})).retrieve_payment("pi_1")
    assert refused.value.status == status


def test_a_key_used_for_something_else_is_named() -> None:
    wire = Wire(status=400, body={"error": {"type": "idempotency_error", "message": "Keys"}})
    with pytest.raises(IdempotencyKeyReused):
        gateway(wire).refund("pi_1", amount_cents=Cents(1), metadata={}, idempotency_key="k")


def test_an_error_in_the_middle_of_a_list_is_ours() -> None:
    wire = Wire(status=500, body={"error": {"type": "api_error"}})
    with pytest.raises(GatewayUnavailable):
        list(gateway(wire).list_payments(since=NOON))
    the_contract().request("GET", wire.sent[0][1])
