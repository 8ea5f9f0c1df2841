"""The judge itself: it must be able to say no."""

import pytest

from tests.sandbox.checked import CheckedStripe
from tests.sandbox.contract import Contract, ContractBroken, the_contract


@pytest.fixture(scope="module")
def contract() -> Contract:
    return the_contract()


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", "/v1/refunds", "amount=ten"),
        ("POST", "/v1/refunds", "reason=boredom"),
        ("POST", "/v1/refunds", "payment_intent=pi_1&fee=1"),
        ("POST", "/v1/payment_intents", "amount=100"),
        ("POST", "/v1/checkout/sessions", "ui_mode=hosted"),
        ("POST", "/v1/checkout/sessions", "line_items[0][price_data][currency]=usd&mode=gift"),
        ("POST", "/v1/payment_intents", "amount=1&currency=usd&statement_descriptor=" + "x" * 23),
        ("GET", "/v1/disputes?since=1", ""),
        ("GET", "/v1/nothing", ""),
        ("POST", "/v1/customers", "metadata=1&metadata[a]=2"),
    ],
)
def test_a_request_stripe_does_not_publish_is_refused(
    contract: Contract, method: str, url: str, body: str
) -> None:
    with pytest.raises(ContractBroken):
        contract.request(method, url, body)


def test_form_text_is_read_as_the_types_it_stands_for(contract: Contract) -> None:
    params = contract.request(
        "POST", "/v1/payment_intents", "amount=5&currency=usd&confirm=true&expand[0]=customer"
    )
    assert params == {"amount": 5, "currency": "usd", "confirm": True, "expand": ["customer"]}


def test_a_reply_or_event_with_a_wrong_field_is_refused(
    stripe: CheckedStripe, customer: str
) -> None:
    contract = the_contract()
    (thing,) = stripe.sandbox.things("customer")
    contract.reply("GET", f"/v1/customers/{customer}", 200, thing)
    (event,) = stripe.sandbox.things("event")
    contract.event(event)
    for broken in (thing | {"created": "now"}, thing | {"mood": "good"}):
        with pytest.raises(ContractBroken):
            contract.reply("GET", f"/v1/customers/{customer}", 200, broken)
    for wrong in ({"type": "customer.imagined"}, {"type": "charge.succeeded"}, {"livemode": 0}):
        with pytest.raises(ContractBroken):
            contract.event(event | wrong)
