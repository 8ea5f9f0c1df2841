"""PaymentIntents: created, confirmed off-session, read, canceled."""

from typing import Any

from portal.sandbox import attempts, forms, listing, methods
from portal.sandbox.errors import ApiError, invalid, too_soon
from portal.sandbox.events import emit
from portal.sandbox.forms import Shape
from portal.sandbox.store import Thing, shown
from portal.sandbox.world import Scope

SMALLEST_CENTS, LARGEST_CENTS = 50, 99_999_999
URL = "/v1/payment_intents"
CREATE: Shape = {
    **forms.EXPAND,
    "amount": forms.whole(1),
    "currency": forms.CURRENCY,
    "customer": forms.text(),
    "payment_method": forms.text(),
    "confirm": forms.flag,
    "off_session": forms.flag,
    "metadata": forms.metadata,
    "description": forms.text(1000),
    "setup_future_usage": forms.one_of("off_session", "on_session"),
    "return_url": forms.web_address,
    "automatic_payment_methods": forms.hash_of(
        {"enabled": forms.flag, "allow_redirects": forms.one_of("always", "never")}, "enabled"
    ),
}
CANCEL: Shape = {
    **forms.EXPAND,
    "cancellation_reason": forms.one_of(
        "abandoned", "duplicate", "fraudulent", "requested_by_customer"
    ),
}
LIST: Shape = {**listing.DATED, "customer": forms.text()}
BLANK: Thing = {
    "object": "payment_intent",
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "amount_received": 0,
    "application": None,
    "application_fee_amount": None,
    "canceled_at": None,
    "cancellation_reason": None,
    "capture_method": "automatic_async",
    "confirmation_method": "automatic",
    "last_payment_error": None,
    "latest_charge": None,
    "livemode": False,
    "next_action": None,
    "on_behalf_of": None,
    "payment_method_options": {},
    "processing": None,
    "receipt_email": None,
    "review": None,
    "shipping": None,
    "statement_descriptor": None,
    "statement_descriptor_suffix": None,
    "transfer_data": None,
    "transfer_group": None,
}
CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
NEEDS_RETURN_URL = (
    "This PaymentIntent is configured to accept payment methods enabled in your Dashboard."
    " Because some of these payment methods might redirect your customer off of your page, you"
    " must provide a `return_url`. If you don't want to accept redirect-based payment methods,"
    " set `automatic_payment_methods[enabled]` to `true` and"
    " `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and"
    " Payment Intents."
)


def create(scope: Scope, params: dict[str, Any]) -> Thing:
    """POST /v1/payment_intents; raises the card's error with the PaymentIntent inside."""
    _check(params)
    check_amount(params["amount"], params["currency"], "amount")
    customer = params.get("customer")
    if customer:
        scope.need("customer", customer, param="customer")
    method = None
    if "payment_method" in params:
        method = methods.resolve(scope, params["payment_method"], param="payment_method")
        methods.usable_by(method, customer)
    intent = new(scope, params | {"_method": method and method["id"]})
    if params.get("confirm") and method:
        confirm(scope, intent, method, off_session=params.get("off_session", False))
    return intent


def _check(params: dict[str, Any]) -> None:
    if params.get("off_session") and not params.get("confirm"):
        raise invalid("off_session can only be used with confirm=true", param="off_session")
    if not params.get("confirm"):
        return
    if "payment_method" not in params:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    automatic = params.get("automatic_payment_methods", {})
    if automatic.get("allow_redirects") != "never" and "return_url" not in params:
        raise invalid(NEEDS_RETURN_URL, param="return_url")


def check_amount(amount: int, currency: str, param: str) -> None:
    """Refuse what Stripe is too small or too large for."""
    if amount < SMALLEST_CENTS:
        raise invalid(
            f"Amount must be at least $0.50 {currency}", code="amount_too_small", param=param
        )
    if amount > LARGEST_CENTS:
        raise invalid(
            f"Amount must be no more than $999,999.99 {currency}",
            code="amount_too_large",
            param=param,
        )


def new(scope: Scope, params: dict[str, Any]) -> Thing:
    """A PaymentIntent that nobody has tried to pay yet."""
    intent_id = scope.new_id("pi")
    method = params.get("_method")
    currency = params["currency"]
    intent: Thing = {
        **BLANK,
        "client_secret": f"{intent_id}_secret_{scope.new_id('x')[2:]}",
        "id": intent_id,
        "amount": params["amount"],
        "automatic_payment_methods": params.get("automatic_payment_methods")
        or {"allow_redirects": "always", "enabled": True},
        "created": scope.now,
        "currency": currency,
        "customer": params.get("customer"),
        "description": params.get("description"),
        "metadata": params.get("metadata", {}),
        "payment_method": method,
        "payment_method_types": kinds(currency),
        "setup_future_usage": params.get("setup_future_usage"),
        "status": "requires_confirmation" if method else "requires_payment_method",
        "_checkout": params.get("_checkout"),
    }
    scope.save(intent)
    emit(scope, "payment_intent.created", intent)
    return intent


def kinds(currency: str) -> list[str]:
    """The kinds of method that the sandbox's dashboard has switched on."""
    return ["card", "us_bank_account"] if currency == "usd" else ["card"]


def confirm(scope: Scope, intent: Thing, method: Thing, *, off_session: bool) -> None:
    """Try to pay; raises the card's error."""
    error = attempts.attempt(scope, intent, method, off_session=off_session)
    if error is not None:
        more = {name: value for name, value in error.items() if name not in ("type", "message")}
        raise ApiError(402, error["type"], error["message"], **more, payment_intent=shown(intent))


def cancel(scope: Scope, params: dict[str, Any], intent: str) -> Thing:
    """POST /v1/payment_intents/{intent}/cancel."""
    found = scope.need("payment_intent", intent)
    if found["status"] not in CANCELABLE:
        raise too_soon(found["status"], "cancel", intent)
    if found.get("_checkout"):
        raise invalid(
            "You cannot cancel a PaymentIntent created by a Checkout Session. Expire the"
            " Checkout Session instead."
        )
    return abandon(scope, found, params.get("cancellation_reason"))


def abandon(scope: Scope, intent: Thing, reason: str | None) -> Thing:
    """Close a PaymentIntent that was not paid."""
    scope.save(
        intent,
        status="canceled",
        canceled_at=scope.now,
        cancellation_reason=reason,
        next_action=None,
    )
    emit(scope, "payment_intent.canceled", intent)
    return intent


def retrieve(scope: Scope, params: dict[str, Any], intent: str) -> Thing:
    """GET /v1/payment_intents/{intent}."""
    return scope.need("payment_intent", intent)


def listed(scope: Scope, params: dict[str, Any]) -> Thing:
    """GET /v1/payment_intents."""
    found = scope.store.newest(
        "payment_intent", account=scope.account, customer=params.get("customer")
    )
    return listing.page(scope, params, found, URL)
