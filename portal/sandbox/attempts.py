"""One attempt to pay a PaymentIntent with a method: paid, declined, processing, or to confirm.

Each returns None, or Stripe's error object; the PaymentIntent is saved either way.
"""

from typing import Any

from portal.sandbox import charges, mandates, methods
from portal.sandbox.events import emit
from portal.sandbox.instruments import FAILURES, NEEDS_DEBTOR, Bank, Card, Decline
from portal.sandbox.store import Thing, shown
from portal.sandbox.world import Scope

DOCS = "https://docs.stripe.com/error-codes/"
BLOCKED = Decline(
    "bank_account_unusable", "bank_account_unusable", "The bank account cannot be debited.", None
)
NOT_AUTHENTICATED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or"
    " a new PaymentMethod to attempt to fulfill this PaymentIntent again."
)


def attempt(
    scope: Scope,
    intent: Thing,
    method: Thing,
    *,
    off_session: bool = False,
    authenticated: bool = False,
) -> Thing | None:
    """Try to collect with this method."""
    methods.usable_by(method, intent["customer"])
    instrument = methods.instrument_of(method)
    if isinstance(instrument, Bank):
        return _debit(scope, intent, method)
    if not authenticated and _must_authenticate(instrument, method, off_session):
        if off_session:
            return decline(scope, intent, method, NEEDS_DEBTOR)
        return _ask_debtor(scope, intent, method)
    if instrument.decline:
        return decline(scope, intent, method, instrument.decline)
    return _succeed(scope, intent, method, authenticated=authenticated)


def _must_authenticate(card: Card, method: Thing, off_session: bool) -> bool:
    if card.authentication == "unless_saved":
        return not (off_session and method.get("_authenticated"))
    return card.authentication == "always"


def _ask_debtor(scope: Scope, intent: Thing, method: Thing) -> Thing | None:
    scope.save(
        intent,
        status="requires_action",
        payment_method=method["id"],
        next_action={
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect"},
        },
    )
    emit(scope, "payment_intent.requires_action", intent)
    return None


def _succeed(scope: Scope, intent: Thing, method: Thing, *, authenticated: bool) -> Thing | None:
    _keep_or_spend(scope, intent, method, authenticated=authenticated)
    charge = charges.paid(scope, intent, method)
    _settle(scope, intent, method, charge)
    card = methods.instrument_of(method)
    if card.aftermath in ("dispute", "inquiry"):
        scope.later(scope.world.delays.dispute_s, f"dispute.{card.aftermath}", charge["id"])
    return None


def _keep_or_spend(scope: Scope, intent: Thing, method: Thing, *, authenticated: bool) -> None:
    if authenticated and intent["setup_future_usage"]:
        scope.save(method, _authenticated=True)
    if intent["setup_future_usage"] and intent["customer"]:
        methods.attach_to(scope, method, intent["customer"])
    elif method["customer"] is None:
        scope.save(method, _spent=True)


def _settle(scope: Scope, intent: Thing, method: Thing, charge: Thing) -> None:
    scope.save(
        intent,
        status="succeeded",
        amount_received=intent["amount"],
        latest_charge=charge["id"],
        payment_method=method["id"],
        next_action=None,
        last_payment_error=None,
    )
    tell_paid(scope, intent)


def tell_paid(scope: Scope, intent: Thing) -> None:
    """Say that the PaymentIntent is paid."""
    emit(scope, "payment_intent.succeeded", intent)


def decline(scope: Scope, intent: Thing, method: Thing, why: Decline) -> Thing:
    """Refuse the charge, as the bank did."""
    charge = charges.declined(scope, intent, method, why)
    error = _card_error(why, method, charge=charge["id"])
    fail(scope, intent, error, charge["id"])
    return error


def refuse_authentication(scope: Scope, intent: Thing, method: Thing) -> Thing:
    """The debtor did not pass the bank's check: nothing was charged."""
    code = "payment_intent_authentication_failure"
    error = {
        "code": code,
        "doc_url": DOCS + code.replace("_", "-"),
        "message": NOT_AUTHENTICATED,
        "payment_method": shown(method),
        "type": "invalid_request_error",
    }
    fail(scope, intent, error, intent["latest_charge"])
    return error


def fail(scope: Scope, intent: Thing, error: Thing, charge_id: str | None) -> None:
    """Leave the PaymentIntent open for another method, with the error on it."""
    scope.save(
        intent,
        status="requires_payment_method",
        last_payment_error=error,
        latest_charge=charge_id,
        payment_method=None,
        next_action=None,
    )
    emit(scope, "payment_intent.payment_failed", intent)


def _debit(scope: Scope, intent: Thing, method: Thing) -> Thing | None:
    if method.get("_blocked"):
        error = _card_error(BLOCKED, method)
        fail(scope, intent, error, intent["latest_charge"])
        return error
    mandate = method.get("_mandate") or mandates.grant(scope, method)
    _keep_or_spend(scope, intent, method, authenticated=False)
    charge = charges.debited(scope, intent, method, mandate=mandate)
    scope.save(
        intent,
        status="processing",
        latest_charge=charge["id"],
        payment_method=method["id"],
        last_payment_error=None,
    )
    emit(scope, "payment_intent.processing", intent)
    bank = methods.instrument_of(method)
    if isinstance(bank, Bank) and bank.settles:
        scope.later(scope.world.delays.debit_s, "debit.finish", charge["id"])
    return None


def _card_error(why: Decline, method: Thing, *, charge: str | None = None) -> Thing:
    error: dict[str, Any] = {
        "advice_code": why.advice_code,
        "charge": charge,
        "code": why.code,
        "decline_code": why.decline_code,
        "doc_url": DOCS + why.code.replace("_", "-"),
        "message": why.message,
        "network_advice_code": why.network_advice_code,
        "network_decline_code": why.network_decline_code,
        "payment_method": shown(method),
        "type": "card_error",
    }
    return {name: value for name, value in error.items() if value is not None}


def bank_error(method: Thing, charge: Thing, failure: str) -> Thing:
    """The error of a debit that came back."""
    return {
        "charge": charge["id"],
        "code": failure,
        "doc_url": DOCS + failure.replace("_", "-"),
        "message": FAILURES[failure],
        "payment_method": shown(method),
        "type": "invalid_request_error",
    }
