"""Stripe's objects, decoded JSON, read into our own values."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from portal.domain.money import Cents
from portal.gateways.payments import (
    CheckoutStatus,
    DisputeMovement,
    DisputeStatus,
    Failure,
    GatewayCheckout,
    GatewayDispute,
    GatewayMethod,
    GatewayPayment,
    GatewayRefund,
    GatewaySetup,
    IntentStatus,
    RefundStatus,
)

Json = Mapping[str, Any]


def checkout(given: Json) -> GatewayCheckout:
    """A Checkout Session."""
    total = given.get("amount_total")
    return GatewayCheckout(
        id=given["id"],
        mode=given["mode"],
        status=CheckoutStatus(given["status"]),
        payment_status=given["payment_status"],
        url=given.get("url"),
        amount_cents=None if total is None else Cents(total),
        currency=_currency(given),
        customer_id=_id(given.get("customer")),
        intent_id=_id(given.get("payment_intent")),
        setup_id=_id(given.get("setup_intent")),
        created_at=_at(given["created"]),
        expires_at=_at(given["expires_at"]),
        metadata=_metadata(given),
    )


def payment(given: Json) -> GatewayPayment:
    """A PaymentIntent, with ``latest_charge`` and ``payment_method`` expanded where it has them."""
    charge = _expanded(given.get("latest_charge"))
    return GatewayPayment(
        id=given["id"],
        status=IntentStatus(given["status"]),
        amount_cents=Cents(given["amount"]),
        received_cents=Cents(given["amount_received"]),
        refunded_cents=Cents(charge.get("amount_refunded", 0)),
        disputed=bool(charge.get("disputed", False)),
        currency=given["currency"].upper(),
        customer_id=_id(given.get("customer")),
        charge_id=_id(given.get("latest_charge")),
        method=_used_method(given, charge),
        failure=failure(given.get("last_payment_error")),
        created_at=_at(given["created"]),
        metadata=_metadata(given),
        raw=_raw(given),
    )


def setup(given: Json) -> GatewaySetup:
    """A SetupIntent, with ``payment_method`` expanded."""
    saved = _expanded(given.get("payment_method"))
    return GatewaySetup(
        id=given["id"],
        status=IntentStatus(given["status"]),
        customer_id=_id(given.get("customer")),
        method=method(saved) if saved else None,
        mandate_id=_id(given.get("mandate")),
        failure=failure(given.get("last_setup_error")),
        created_at=_at(given["created"]),
        metadata=_metadata(given),
    )


def refund(given: Json) -> GatewayRefund:
    """A Refund."""
    return GatewayRefund(
        id=given["id"],
        status=RefundStatus(given["status"]),
        amount_cents=Cents(given["amount"]),
        currency=given["currency"].upper(),
        intent_id=_id(given.get("payment_intent")),
        charge_id=_id(given.get("charge")),
        failure_reason=given.get("failure_reason"),
        created_at=_at(given["created"]),
        metadata=_metadata(given),
        raw=_raw(given),
    )


def dispute(given: Json) -> GatewayDispute:
    """A Dispute, with the balance transactions that withdrew and reinstated money."""
    due = given["evidence_details"].get("due_by")
    return GatewayDispute(
        id=given["id"],
        status=DisputeStatus(given["status"]),
        amount_cents=Cents(given["amount"]),
        currency=given["currency"].upper(),
        intent_id=_id(given.get("payment_intent")),
        charge_id=_id(given["charge"]) or "",
        reason=given["reason"],
        respond_by=None if due is None else _at(due),
        created_at=_at(given["created"]),
        movements=tuple(_movement(given, one) for one in given["balance_transactions"]),
    )


def _raw(given: Json) -> bytes:
    """An object as JSON with its keys in order: what the record keeps of it."""
    return json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _movement(told: Json, one: Json) -> DisputeMovement:
    """What a balance transaction moved, in the dispute's currency.

    Stripe books it in the currency in which the account is settled; what is owed again is what
    was disputed.
    """
    cents = one["amount"]
    if one["currency"] != told["currency"]:
        cents = -told["amount"] if cents < 0 else told["amount"]
    return DisputeMovement(one["id"], Cents(cents), _at(one["created"]))


def method(given: Json) -> GatewayMethod:
    """A PaymentMethod: card and bank account in full, any other by its kind."""
    return _method(given["type"], given.get(given["type"]), given)


def failure(given: Json | None) -> Failure | None:
    """An error inside an intent or a reply."""
    if not given:
        return None
    return Failure(
        code=given.get("code"),
        decline_code=given.get("decline_code"),
        advice_code=given.get("advice_code"),
        network_advice_code=given.get("network_advice_code"),
        network_decline_code=given.get("network_decline_code"),
        message=given.get("message"),
    )


def _used_method(given: Json, charge: Json) -> GatewayMethod | None:
    if chosen := _expanded(given.get("payment_method")):
        return method(chosen)
    if failed := _expanded((given.get("last_payment_error") or {}).get("payment_method")):
        return method(failed)
    details = charge.get("payment_method_details")
    return _method(details["type"], details.get(details["type"]), {}) if details else None


def _method(kind: str, details: Json | None, whole: Json) -> GatewayMethod:
    details = details or {}
    return GatewayMethod(
        kind=kind,
        id=whole.get("id"),
        customer_id=_id(whole.get("customer")),
        brand=details.get("brand") or details.get("bank_name"),
        last4=details.get("last4"),
        funding=details.get("funding") or details.get("account_type"),
        expires_month=details.get("exp_month"),
        expires_year=details.get("exp_year"),
    )


def _expanded(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _id(value: object) -> str | None:
    given = value.get("id") if isinstance(value, Mapping) else value
    return given if isinstance(given, str) else None


def _currency(given: Json) -> str | None:
    currency = given.get("currency")
    return currency.upper() if currency else None


def _metadata(given: Json) -> dict[str, str]:
    return dict(given.get("metadata") or {})


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
