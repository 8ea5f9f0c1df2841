"""Checkout Sessions: opened over the API, completed on the hosted page, expired."""

from typing import Any

from portal.sandbox import forms, intents, listing, setups
from portal.sandbox.errors import invalid
from portal.sandbox.events import emit
from portal.sandbox.forms import Shape
from portal.sandbox.store import Thing
from portal.sandbox.world import Scope

URL = "/v1/checkout/sessions"
SHORTEST_S, LONGEST_S = 30 * 60, 24 * 3600
CLOCK_SLACK_S = 60
LOCALES = ("auto", "en", "en-GB", "es", "es-419", "fr", "fr-CA")
PRICE = forms.hash_of(
    {
        "currency": forms.CURRENCY,
        "unit_amount": forms.whole(),
        "product_data": forms.hash_of({"name": forms.text()}, "name"),
    },
    "currency",
    "unit_amount",
    "product_data",
)
CREATE: Shape = {
    **forms.EXPAND,
    "mode": forms.one_of("payment", "setup"),
    "ui_mode": forms.one_of("hosted_page"),
    "customer": forms.text(),
    "currency": forms.CURRENCY,
    "success_url": forms.web_address,
    "cancel_url": forms.web_address,
    "locale": forms.one_of(*LOCALES),
    "expires_at": forms.whole(),
    "metadata": forms.metadata,
    "client_reference_id": forms.text(200),
    "submit_type": forms.one_of("auto", "pay"),
    "excluded_payment_method_types": forms.list_of(forms.text(100)),
    "branding_settings": forms.hash_of({"display_name": forms.text()}),
    "line_items": forms.list_of(
        forms.hash_of({"quantity": forms.whole(1, 999), "price_data": PRICE}, "price_data")
    ),
    "payment_intent_data": forms.hash_of(
        {
            "metadata": forms.metadata,
            "description": forms.text(1000),
            "setup_future_usage": forms.one_of("off_session", "on_session"),
        }
    ),
    "setup_intent_data": forms.hash_of({"metadata": forms.metadata}),
}
LIST: Shape = {
    **listing.DATED,
    "customer": forms.text(),
    "payment_intent": forms.text(),
    "status": forms.one_of("complete", "expired", "open"),
}
BRANDING: Thing = {
    "background_color": "#ffffff",
    "border_style": "rounded",
    "button_color": "#0074d4",
    "display_name": "Sandbox",
    "font_family": "default",
    "icon": None,
    "logo": None,
}
BLANK: Thing = {
    "object": "checkout.session",
    "adaptive_pricing": None,
    "after_expiration": None,
    "allow_promotion_codes": None,
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "billing_address_collection": None,
    "client_secret": None,
    "collected_information": None,
    "consent": None,
    "consent_collection": None,
    "currency_conversion": None,
    "custom_fields": [],
    "custom_text": {
        "after_submit": None,
        "shipping_address": None,
        "submit": None,
        "terms_of_service_acceptance": None,
    },
    "customer_creation": None,
    "customer_details": None,
    "customer_email": None,
    "discounts": [],
    "invoice": None,
    "invoice_creation": None,
    "livemode": False,
    "origin_context": None,
    "payment_intent": None,
    "payment_link": None,
    "payment_method_configuration_details": {"id": "pmc_sandbox", "parent": None},
    "payment_method_options": {},
    "permissions": None,
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "saved_payment_method_options": None,
    "setup_intent": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "shipping_options": [],
    "status": "open",
    "subscription": None,
    "ui_mode": "hosted_page",
    "wallet_options": None,
}


def create(scope: Scope, params: dict[str, Any]) -> Thing:
    """POST /v1/checkout/sessions."""
    paying = params["mode"] == "payment"
    expires_at = _expiry(scope, params)
    total, currency = _total(params) if paying else (None, _setup_currency(params))
    if customer := params.get("customer"):
        scope.need("customer", customer, param="customer")
    session = _new(scope, params, total, currency)
    session["expires_at"] = expires_at
    if not paying:
        metadata = params.get("setup_intent_data", {}).get("metadata", {})
        setup = setups.new(scope, customer=customer, currency=currency, metadata=metadata)
        session["setup_intent"] = setup["id"]
    scope.later(expires_at - scope.now, "checkout.expire", session["id"])
    return scope.save(session)


def _expiry(scope: Scope, params: dict[str, Any]) -> int:
    asked = int(params.get("expires_at", scope.now + LONGEST_S))
    ahead = asked - scope.now
    if not SHORTEST_S - CLOCK_SLACK_S <= ahead <= LONGEST_S + CLOCK_SLACK_S:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout"
            " Session creation.",
            param="expires_at",
        )
    return asked


def _total(params: dict[str, Any]) -> tuple[int, str]:
    if "setup_intent_data" in params:
        raise invalid("`setup_intent_data` only goes with `setup` mode.", param="setup_intent_data")
    lines = params.get("line_items")
    if not lines:
        raise invalid(
            "You must provide `line_items` in `payment` mode.",
            code="parameter_missing",
            param="line_items",
        )
    currencies = {line["price_data"]["currency"] for line in lines}
    currencies |= {params.get("currency", lines[0]["price_data"]["currency"])}
    if len(currencies) > 1:
        raise invalid("All prices must have the session's currency.", param="line_items")
    total = sum(line["price_data"]["unit_amount"] * line.get("quantity", 1) for line in lines)
    currency = currencies.pop()
    intents.check_amount(total, currency, "line_items")
    return total, currency


def _setup_currency(params: dict[str, Any]) -> str:
    for name in ("line_items", "payment_intent_data", "submit_type"):
        if name in params:
            raise invalid(f"`{name}` does not go with `setup` mode.", param=name)
    if "currency" not in params:
        raise invalid(
            "`currency` is required in `setup` mode without `payment_method_types`.",
            code="parameter_missing",
            param="currency",
        )
    return str(params["currency"])


def _new(scope: Scope, params: dict[str, Any], total: int | None, currency: str) -> Thing:
    session_id = scope.new_id("cs_test")
    return {
        **BLANK,
        "url": f"{scope.world.base_url}/c/pay/{session_id}",
        "id": session_id,
        "amount_subtotal": total,
        "amount_total": total,
        "branding_settings": BRANDING | params.get("branding_settings", {}),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": scope.now,
        "currency": currency,
        "customer": params.get("customer"),
        "locale": params.get("locale"),
        "metadata": params.get("metadata", {}),
        "mode": params["mode"],
        "payment_method_collection": "always" if total is None else "if_required",
        "payment_method_types": _offered(params, currency),
        "payment_status": "no_payment_required" if total is None else "unpaid",
        "submit_type": params.get("submit_type"),
        "success_url": params["success_url"],
        "total_details": total and {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "_product": _product(params),
        "_intent": params.get("payment_intent_data", {}),
    }


def _offered(params: dict[str, Any], currency: str) -> list[str]:
    excluded = params.get("excluded_payment_method_types", [])
    return [kind for kind in intents.kinds(currency) if kind not in excluded]


def _product(params: dict[str, Any]) -> str:
    lines = params.get("line_items")
    return str(lines[0]["price_data"]["product_data"]["name"]) if lines else ""


def complete(scope: Scope, session: Thing, *, payment_status: str) -> Thing:
    """The hosted page has done its work; money may still be on its way."""
    scope.save(
        session,
        status="complete",
        payment_status=payment_status,
        url=None,
        customer_details={
            "address": None,
            "business_name": None,
            "email": None,
            "individual_name": None,
            "name": None,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
    )
    emit(scope, "checkout.session.completed", session)
    return session


def settle(scope: Scope, intent: Thing, *, paid: bool) -> None:
    """A bank debit begun on a hosted page has been paid, or came back."""
    session = scope.find("checkout.session", intent.get("_checkout"))
    if session is None:
        return
    if paid:
        scope.save(session, payment_status="paid")
    ending = "succeeded" if paid else "failed"
    emit(scope, f"checkout.session.async_payment_{ending}", session)


def expire(scope: Scope, params: dict[str, Any], session: str) -> Thing:
    """POST /v1/checkout/sessions/{session}/expire."""
    found = scope.need("checkout.session", session)
    if found["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
            f" Session has a status of `{found['status']}`."
        )
    return close(scope, found)


def close(scope: Scope, session: Thing) -> Thing:
    """Nobody can pay on this page any more."""
    if intent := scope.find("payment_intent", session["payment_intent"]):
        intents.abandon(scope, intent, "abandoned")
    if setup := scope.find("setup_intent", session["setup_intent"]):
        setups.abandon(scope, setup)
    scope.save(session, status="expired", url=None)
    emit(scope, "checkout.session.expired", session)
    return session


def run_out(scope: Scope, session_id: str) -> None:
    """The page's time is over; one that is complete or expired stays so."""
    session = scope.need("checkout.session", session_id)
    if session["status"] == "open":
        close(scope, session)


def retrieve(scope: Scope, params: dict[str, Any], session: str) -> Thing:
    """GET /v1/checkout/sessions/{session}."""
    return scope.need("checkout.session", session)


def listed(scope: Scope, params: dict[str, Any]) -> Thing:
    """GET /v1/checkout/sessions."""
    found = scope.store.newest(
        "checkout.session",
        account=scope.account,
        customer=params.get("customer"),
        intent=params.get("payment_intent"),
    )
    return listing.page(scope, params, listing.matching(found, params, "status"), URL)
