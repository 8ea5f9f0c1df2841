"""Charges: the attempts of a PaymentIntent, the declined ones too."""

from typing import Any

from portal.sandbox import balance, forms, listing
from portal.sandbox.events import emit
from portal.sandbox.forms import Shape
from portal.sandbox.instruments import FAILURES, Decline
from portal.sandbox.store import Thing
from portal.sandbox.world import Scope

LIST: Shape = {**listing.DATED, "customer": forms.text(), "payment_intent": forms.text()}
URL = "/v1/charges"
APPROVED: Thing = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 20,
    "seller_message": "Payment complete.",
    "type": "authorized",
}
BLANK: Thing = {
    "object": "charge",
    "amount_captured": 0,
    "amount_refunded": 0,
    "application": None,
    "application_fee": None,
    "application_fee_amount": None,
    "balance_transaction": None,
    "calculated_statement_descriptor": "SANDBOX",
    "disputed": False,
    "failure_balance_transaction": None,
    "failure_code": None,
    "failure_message": None,
    "fraud_details": {},
    "livemode": False,
    "on_behalf_of": None,
    "paid": False,
    "receipt_email": None,
    "receipt_number": None,
    "receipt_url": None,
    "refunded": False,
    "review": None,
    "shipping": None,
    "source_transfer": None,
    "statement_descriptor": None,
    "statement_descriptor_suffix": None,
    "transfer_data": None,
    "transfer_group": None,
}


def paid(scope: Scope, intent: Thing, method: Thing) -> Thing:
    """A card charge that went through at once."""
    charge = _new(scope, intent, method, status="succeeded", outcome=APPROVED)
    _collect(scope, charge)
    emit(scope, "charge.succeeded", charge)
    return charge


def declined(scope: Scope, intent: Thing, method: Thing, decline: Decline) -> Thing:
    """A card charge that the bank refused."""
    outcome = APPROVED | {
        "advice_code": decline.advice_code,
        "network_advice_code": decline.network_advice_code,
        "network_decline_code": decline.network_decline_code,
        "network_status": "declined_by_network",
        "reason": decline.decline_code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }
    charge = _new(scope, intent, method, status="failed", outcome=outcome)
    scope.save(charge, failure_code=decline.code, failure_message=decline.message)
    emit(scope, "charge.failed", charge)
    return charge


def debited(scope: Scope, intent: Thing, method: Thing, *, mandate: str) -> Thing:
    """A bank debit that is on its way."""
    charge = _new(scope, intent, method, status="pending", outcome=APPROVED)
    charge["payment_method_details"]["us_bank_account"]["mandate"] = mandate
    scope.save(charge)
    emit(scope, "charge.pending", charge)
    return charge


def arrived(scope: Scope, charge: Thing) -> None:
    """A bank debit has been paid."""
    charge["status"] = "succeeded"
    _collect(scope, charge)
    emit(scope, "charge.succeeded", charge)


def returned(scope: Scope, charge: Thing, failure: str) -> None:
    """A bank debit came back."""
    scope.save(
        charge, status="failed", failure_code=failure, failure_message=FAILURES[failure], paid=False
    )
    emit(scope, "charge.failed", charge)


def _collect(scope: Scope, charge: Thing) -> None:
    amount = charge["amount"]
    by_card = charge["payment_method_details"]["type"] == "card"
    movement = balance.book(
        scope,
        charge,
        amount=amount,
        kind="charge" if by_card else "payment",
        fee=balance.card_fee(amount) if by_card else balance.debit_fee(amount),
    )
    scope.save(
        charge,
        paid=True,
        captured=True,
        amount_captured=amount,
        balance_transaction=movement["id"],
    )


def _new(scope: Scope, intent: Thing, method: Thing, *, status: str, outcome: Thing) -> Thing:
    kind = method["type"]
    charge: Thing = {
        **BLANK,
        "id": scope.new_id("ch" if kind == "card" else "py"),
        "amount": intent["amount"],
        "billing_details": method["billing_details"],
        "captured": status == "pending",
        "created": scope.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "metadata": dict(intent["metadata"]),
        "outcome": dict(outcome),
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"type": kind, kind: _details(method)},
        "status": status,
        "_instrument": method["_instrument"],
    }
    return scope.save(charge)


def _details(method: Thing) -> Thing:
    if method["type"] == "us_bank_account":
        shared = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4")
        bank = {name: method["us_bank_account"][name] for name in shared}
        return bank | {"payment_reference": None, "routing_number": "110000000"}
    card = method["card"]
    kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding")
    return {name: card[name] for name in kept} | {
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "network": card["brand"],
        "three_d_secure": None,
        "wallet": None,
    }


def retrieve(scope: Scope, params: dict[str, Any], charge: str) -> Thing:
    """GET /v1/charges/{charge}."""
    return scope.need("charge", charge)


def listed(scope: Scope, params: dict[str, Any]) -> Thing:
    """GET /v1/charges."""
    found = scope.store.newest("charge", account=scope.account)
    wanted = listing.matching(found, params, "customer", "payment_intent")
    return listing.page(scope, params, wanted, URL)
