"""SetupIntents: a method saved on a hosted page without a payment."""

from typing import Any

from portal.sandbox import forms, listing, mandates, methods
from portal.sandbox.attempts import DOCS
from portal.sandbox.events import emit
from portal.sandbox.forms import Shape
from portal.sandbox.instruments import Bank
from portal.sandbox.intents import kinds
from portal.sandbox.store import Thing, shown
from portal.sandbox.world import Scope

URL = "/v1/setup_intents"
LIST: Shape = {**listing.DATED, "customer": forms.text(), "payment_method": forms.text()}


def new(scope: Scope, *, customer: str | None, currency: str, metadata: dict[str, str]) -> Thing:
    """A SetupIntent that waits for its method."""
    setup_id = scope.new_id("seti")
    setup: Thing = {
        "id": setup_id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{setup_id}_secret_{scope.new_id('x')[2:]}",
        "created": scope.now,
        "customer": customer,
        "description": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": metadata,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": kinds(currency),
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }
    scope.save(setup)
    emit(scope, "setup_intent.created", setup)
    return setup


def attempt(
    scope: Scope, setup: Thing, method: Thing, *, authenticated: bool = False
) -> Thing | None:
    """Try to save this method; Stripe's error object when the bank refuses."""
    instrument = methods.instrument_of(method)
    if isinstance(instrument, Bank):
        return _succeed(scope, setup, method, mandate=mandates.grant(scope, method))
    if instrument.authentication != "never" and not authenticated:
        return _ask_debtor(scope, setup, method)
    if instrument.decline and not instrument.saves:
        code, message = instrument.decline.code, instrument.decline.message
        error = _error(code, message, method, decline_code=instrument.decline.decline_code)
        return _fail(scope, setup, error)
    scope.save(method, _authenticated=authenticated)
    return _succeed(scope, setup, method, mandate=None)


def refuse_authentication(scope: Scope, setup: Thing, method: Thing) -> Thing:
    """The debtor did not pass the bank's check."""
    message = (
        "The latest attempt to set up the payment method has failed because authentication failed."
    )
    return _fail(scope, setup, _error("setup_intent_authentication_failure", message, method))


def _succeed(scope: Scope, setup: Thing, method: Thing, *, mandate: str | None) -> Thing | None:
    if setup["customer"]:
        methods.attach_to(scope, method, setup["customer"])
    scope.save(
        setup,
        status="succeeded",
        payment_method=method["id"],
        mandate=mandate,
        next_action=None,
        last_setup_error=None,
    )
    emit(scope, "setup_intent.succeeded", setup)
    return None


def _ask_debtor(scope: Scope, setup: Thing, method: Thing) -> Thing | None:
    scope.save(
        setup,
        status="requires_action",
        payment_method=method["id"],
        next_action={
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect"},
        },
    )
    emit(scope, "setup_intent.requires_action", setup)
    return None


def _fail(scope: Scope, setup: Thing, error: Thing) -> Thing:
    scope.save(
        setup,
        status="requires_payment_method",
        payment_method=None,
        last_setup_error=error,
        next_action=None,
    )
    emit(scope, "setup_intent.setup_failed", setup)
    return error


def _error(code: str, message: str, method: Thing, **more: str) -> Thing:
    return {
        "code": code,
        "doc_url": DOCS + code.replace("_", "-"),
        "message": message,
        "payment_method": shown(method),
        "type": "card_error" if more else "invalid_request_error",
        **more,
    }


def abandon(scope: Scope, setup: Thing) -> Thing:
    """Close a SetupIntent that saved nothing."""
    scope.save(setup, status="canceled", cancellation_reason="abandoned", next_action=None)
    emit(scope, "setup_intent.canceled", setup)
    return setup


def retrieve(scope: Scope, params: dict[str, Any], intent: str) -> Thing:
    """GET /v1/setup_intents/{intent}."""
    return scope.need("setup_intent", intent)


def listed(scope: Scope, params: dict[str, Any]) -> Thing:
    """GET /v1/setup_intents."""
    found = scope.store.newest("setup_intent", account=scope.account)
    wanted = listing.matching(found, params, "customer", "payment_method")
    return listing.page(scope, params, wanted, URL)
