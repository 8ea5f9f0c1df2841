"""What the tests ask Stripe for, with believable defaults."""

from datetime import timedelta
from itertools import count
from typing import Any

from portal.domain.money import Cents
from portal.gateways.payments import (
    CheckoutMode,
    CheckoutOrder,
    GatewayCheckout,
    GatewayPayment,
    OffSessionCharge,
)
from portal.sandbox import control
from tests.sandbox.checked import CheckedStripe

_keys = count(1)


def make_order(stripe: CheckedStripe, customer: str, **given: Any) -> CheckoutOrder:
    """A page for 120.00 USD, open for an hour."""
    mode = given.get("mode", CheckoutMode.PAY)
    fields = {
        "mode": mode,
        "customer_id": customer,
        "currency": "USD",
        "product_name": "Payment",
        "success_url": "https://pay.example/done?checkout={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://pay.example/plan",
        "locale": "en",
        "expires_at": stripe.clock.now + timedelta(hours=1),
        "metadata": {"client": "cleo", "payment": "p1"},
        "amount_cents": None if mode is CheckoutMode.SAVE else Cents(120_00),
    }
    return CheckoutOrder(**fields | given)  # type: ignore[arg-type]


def open_checkout(stripe: CheckedStripe, customer: str, **given: Any) -> GatewayCheckout:
    """An open page."""
    return stripe.gateway.create_checkout(
        make_order(stripe, customer, **given), idempotency_key=f"checkout-{next(_keys)}"
    )


def pay(
    stripe: CheckedStripe, customer: str, name: str = "visa", *, passed: bool = True, **given: Any
) -> GatewayCheckout:
    """A page that a debtor has gone through with a test card or account."""
    checkout = open_checkout(stripe, customer, **given)
    control.pay(stripe.world, checkout.id, name, passed=passed)
    return stripe.gateway.retrieve_checkout(checkout.id)


def paid(stripe: CheckedStripe, customer: str, name: str = "visa", **given: Any) -> GatewayPayment:
    """The payment of such a page."""
    checkout = pay(stripe, customer, name, **given)
    assert checkout.intent_id
    return stripe.gateway.retrieve_payment(checkout.intent_id)


def charge(
    stripe: CheckedStripe, customer: str, method: str, amount: int = 50_00, *, key: str = ""
) -> GatewayPayment:
    """A charge while the debtor is away."""
    asked = OffSessionCharge(customer, method, Cents(amount), "USD", {"payment": "p2"})
    return stripe.gateway.charge_off_session(asked, idempotency_key=key or f"charge-{next(_keys)}")


def save_method(stripe: CheckedStripe, customer: str, name: str = "visa") -> str:
    """The id of a method saved on a page."""
    checkout = pay(stripe, customer, name, mode=CheckoutMode.SAVE)
    setup = stripe.gateway.retrieve_setup(checkout.setup_id or "")
    assert setup.method
    assert setup.method.id
    return setup.method.id
