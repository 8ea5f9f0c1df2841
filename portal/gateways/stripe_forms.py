"""What Stripe is sent: its parameters, built from our own values."""

from typing import Any

from portal.gateways.payments import CheckoutMode, CheckoutOrder, OffSessionCharge

WHOLE_PAYMENT = ["latest_charge", "payment_method"]
NEW_CREDIT = (
    "affirm",
    "afterpay_clearpay",
    "alma",
    "billie",
    "klarna",
    "scalapay",
    "sunbit",
    "zip",
)


def checkout(order: CheckoutOrder) -> dict[str, Any]:
    """A hosted Checkout Session for ``order``: dynamic methods, no new credit to pay a debt."""
    form: dict[str, Any] = {
        "mode": "setup" if order.mode is CheckoutMode.SAVE else "payment",
        "ui_mode": "hosted_page",
        "customer": order.customer_id,
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
        "locale": order.locale,
        "expires_at": int(order.expires_at.timestamp()),
        "metadata": dict(order.metadata),
        "excluded_payment_method_types": list(NEW_CREDIT),
    }
    if order.display_name:
        form["branding_settings"] = {"display_name": order.display_name}
    if order.mode is CheckoutMode.SAVE:
        saving = {"setup_intent_data": {"metadata": dict(order.metadata)}}
        return form | saving | {"currency": order.currency.lower()}
    return form | _payment_form(order)


def charge(order: OffSessionCharge) -> dict[str, Any]:
    """A PaymentIntent confirmed at once with a saved method; nothing that would redirect."""
    return {
        "amount": order.amount_cents,
        "currency": order.currency.lower(),
        "customer": order.customer_id,
        "payment_method": order.method_id,
        "off_session": True,
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": dict(order.metadata),
        "expand": WHOLE_PAYMENT,
    }


def _payment_form(order: CheckoutOrder) -> dict[str, Any]:
    intent: dict[str, Any] = {"metadata": dict(order.metadata)}
    if order.mode is CheckoutMode.PAY_AND_SAVE:
        intent["setup_future_usage"] = "off_session"
    price = {
        "currency": order.currency.lower(),
        "unit_amount": order.amount_cents,
        "product_data": {"name": order.product_name},
    }
    return {
        "line_items": [{"quantity": 1, "price_data": price}],
        "payment_intent_data": intent,
        "submit_type": "pay",
    }
