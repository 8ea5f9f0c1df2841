"""Checkout over the API: opened, paid, expired, listed."""

from datetime import timedelta

import pytest

from portal.gateways.payments import (
    CheckoutMode,
    CheckoutStatus,
    GatewayRefused,
    IntentStatus,
)
from portal.sandbox import control
from tests.sandbox.asks import make_order, open_checkout, paid, pay
from tests.sandbox.checked import BASE_URL, CheckedStripe


def test_a_page_opens_on_the_sandboxs_origin(stripe: CheckedStripe, customer: str) -> None:
    checkout = open_checkout(stripe, customer)
    assert checkout.status is CheckoutStatus.OPEN
    assert checkout.url == f"{BASE_URL}/c/pay/{checkout.id}"
    assert checkout.id.startswith("cs_test_")
    assert (checkout.amount_cents, checkout.currency, checkout.paid) == (120_00, "USD", False)
    assert checkout.intent_id is None, "there is no intent before the first attempt"


def test_a_paid_page_has_its_payment(stripe: CheckedStripe, customer: str) -> None:
    checkout = pay(stripe, customer)
    assert (checkout.status, checkout.paid, checkout.url) == (CheckoutStatus.COMPLETE, True, None)
    payment = stripe.gateway.retrieve_payment(checkout.intent_id or "")
    assert payment.status is IntentStatus.SUCCEEDED
    assert payment.received_cents == 120_00
    assert payment.metadata == {"client": "cleo", "payment": "p1"}
    assert payment.method is not None
    assert (payment.method.brand, payment.method.last4) == ("visa", "4242")
    assert (payment.method.funding, payment.method.customer_id) == ("credit", None)
    assert stripe.event_types[-4:] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


@pytest.mark.parametrize(
    ("name", "brand", "funding"),
    [
        ("mastercard", "mastercard", "credit"),
        ("visa_debit", "visa", "debit"),
        ("mastercard_prepaid", "mastercard", "prepaid"),
    ],
)
def test_a_card_is_named_by_brand_and_funding(
    stripe: CheckedStripe, customer: str, name: str, brand: str, funding: str
) -> None:
    method = paid(stripe, customer, name).method
    assert method is not None
    assert (method.brand, method.funding) == (brand, funding)


def test_a_first_payment_saves_its_method(stripe: CheckedStripe, customer: str) -> None:
    payment = paid(stripe, customer, mode=CheckoutMode.PAY_AND_SAVE)
    assert payment.method is not None
    assert payment.method.customer_id == customer
    assert "payment_method.attached" in stripe.event_types


def test_a_method_is_saved_without_a_payment(stripe: CheckedStripe, customer: str) -> None:
    checkout = pay(stripe, customer, mode=CheckoutMode.SAVE)
    setup = stripe.gateway.retrieve_setup(checkout.setup_id or "")
    assert checkout.payment_status == "no_payment_required"
    assert setup.status is IntentStatus.SUCCEEDED
    assert setup.method is not None
    assert setup.method.customer_id == customer
    assert setup.metadata["payment"] == "p1"


def test_a_declined_card_leaves_the_page_open(stripe: CheckedStripe, customer: str) -> None:
    checkout = pay(stripe, customer, "visa_chargeDeclinedInsufficientFunds")
    assert checkout.status is CheckoutStatus.OPEN
    payment = stripe.gateway.retrieve_payment(checkout.intent_id or "")
    assert payment.status is IntentStatus.REQUIRES_PAYMENT_METHOD
    assert payment.failure is not None
    assert payment.failure.decline_code == "insufficient_funds"
    assert payment.method is not None, "the declined card can be named"
    control.pay(stripe.world, checkout.id, "visa")
    again = stripe.gateway.retrieve_payment(checkout.intent_id or "")
    assert (again.status, again.failure) == (IntentStatus.SUCCEEDED, None)


def test_a_bank_that_asks_is_answered(stripe: CheckedStripe, customer: str) -> None:
    assert pay(stripe, customer, "authenticationRequired").paid
    assert "payment_intent.requires_action" in stripe.event_types


def test_a_bank_that_is_refused_declines(stripe: CheckedStripe, customer: str) -> None:
    checkout = pay(stripe, customer, "authenticationRequired", passed=False)
    payment = stripe.gateway.retrieve_payment(checkout.intent_id or "")
    assert checkout.status is CheckoutStatus.OPEN
    assert payment.failure is not None
    assert payment.failure.code == "payment_intent_authentication_failure"


def test_a_page_runs_out(stripe: CheckedStripe, customer: str) -> None:
    checkout = open_checkout(stripe, customer)
    stripe.clock.advance(hours=1)
    expired = stripe.gateway.retrieve_checkout(checkout.id)
    assert (expired.status, expired.url) == (CheckoutStatus.EXPIRED, None)
    assert "checkout.session.expired" in stripe.event_types


def test_an_open_page_can_be_expired_once(stripe: CheckedStripe, customer: str) -> None:
    checkout = open_checkout(stripe, customer)
    assert stripe.gateway.expire_checkout(checkout.id).status is CheckoutStatus.EXPIRED
    with pytest.raises(GatewayRefused, match="`expired`"):
        stripe.gateway.expire_checkout(checkout.id)


def test_a_paid_page_cannot_be_expired(stripe: CheckedStripe, customer: str) -> None:
    checkout = pay(stripe, customer)
    with pytest.raises(GatewayRefused, match="`complete`"):
        stripe.gateway.expire_checkout(checkout.id)


def test_expiring_gives_up_the_declined_attempt(stripe: CheckedStripe, customer: str) -> None:
    checkout = pay(stripe, customer, "visa_chargeDeclined")
    with pytest.raises(GatewayRefused, match="Expire the Checkout Session"):
        stripe.gateway.cancel_payment(checkout.intent_id or "")
    stripe.gateway.expire_checkout(checkout.id)
    payment = stripe.gateway.retrieve_payment(checkout.intent_id or "")
    assert payment.status is IntentStatus.CANCELED


def test_two_pages_for_one_debt_can_both_be_paid(stripe: CheckedStripe, customer: str) -> None:
    first, second = open_checkout(stripe, customer), open_checkout(stripe, customer)
    for checkout in (first, second):
        control.pay(stripe.world, checkout.id, "visa")
    assert [one.paid for one in stripe.gateway.list_checkouts(customer)] == [True, True]


def test_pages_are_listed_newest_first_over_several_calls(
    stripe: CheckedStripe, customer: str
) -> None:
    opened = [open_checkout(stripe, customer).id for _ in range(103)]
    other = stripe.gateway.create_customer(metadata={}, idempotency_key="other")
    open_checkout(stripe, other)
    listed = [one.id for one in stripe.gateway.list_checkouts(customer)]
    assert listed == opened[::-1]


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"expires_in": timedelta(minutes=20)}, "expires_at"),
        ({"expires_in": timedelta(hours=25)}, "expires_at"),
        ({"amount_cents": 49}, "50"),
        ({"amount_cents": 100_000_000}, "999,999.99"),
        ({"success_url": "/done"}, "URL"),
        ({"customer_id": "cus_nobody"}, "No such customer"),
        ({"metadata": {"k": "v" * 501}}, "metadata"),
        ({"metadata": {str(n): "v" for n in range(51)}}, "metadata"),
    ],
)
def test_a_page_that_stripe_would_not_open_is_refused(
    stripe: CheckedStripe, customer: str, given: dict[str, object], param: str
) -> None:
    if "expires_in" in given:
        given = {"expires_at": stripe.clock.now + given["expires_in"]}  # type: ignore[operator]
    order = make_order(stripe, customer, **given)
    with pytest.raises(GatewayRefused, match=param):
        stripe.gateway.create_checkout(order, idempotency_key="k")


def test_accounts_do_not_see_each_other(stripe: CheckedStripe, customer: str) -> None:
    checkout = open_checkout(stripe, customer)
    with pytest.raises(GatewayRefused) as refused:
        stripe.gateway.retrieve_checkout(checkout.id, stripe_account="acct_other")
    assert (refused.value.code, refused.value.status) == ("resource_missing", 404)
    theirs = stripe.gateway.create_customer(
        metadata={}, idempotency_key="customer", stripe_account="acct_other"
    )
    order = make_order(stripe, theirs)
    for n in range(101):
        stripe.gateway.create_checkout(
            order, idempotency_key=f"theirs-{n}", stripe_account="acct_other"
        )
    listed = stripe.gateway.list_checkouts(theirs, stripe_account="acct_other")
    assert len(list(listed)) == 101
    stripe.sandbox.deliver()
    assert b'"account": "acct_other"' in stripe.inbox.received[-1][0]
