"""Refunds: full, partial, slow, failed later."""

from typing import Any

from portal.sandbox import balance, forms, listing
from portal.sandbox.errors import ApiError, invalid
from portal.sandbox.events import emit
from portal.sandbox.forms import Shape
from portal.sandbox.instruments import BY_NAME, Bank
from portal.sandbox.store import Thing
from portal.sandbox.world import Scope

URL = "/v1/refunds"
CREATE: Shape = {
    **forms.EXPAND,
    "payment_intent": forms.text(),
    "charge": forms.text(),
    "amount": forms.whole(1),
    "metadata": forms.metadata,
    "reason": forms.one_of("duplicate", "fraudulent", "requested_by_customer"),
}
LIST: Shape = {**listing.DATED, "charge": forms.text(), "payment_intent": forms.text()}


def create(scope: Scope, params: dict[str, Any]) -> Thing:
    """POST /v1/refunds."""
    charge = _charge(scope, params)
    left = charge["amount"] - charge["amount_refunded"]
    _check(charge, left)
    amount = params.get("amount", left)
    if amount > left:
        raise invalid(
            f"Refund amount ({_dollars(amount)}) is greater than unrefunded amount on charge"
            f" ({_dollars(left)})",
            param="amount",
        )
    refund = scope.save(_new(scope, charge, amount, params))
    _take_back(scope, charge, refund)
    emit(scope, "refund.created", refund)
    emit(scope, "charge.refunded", charge)
    return refund


def _charge(scope: Scope, params: dict[str, Any]) -> Thing:
    if "charge" in params:
        return scope.need("charge", params["charge"], param="charge")
    if "payment_intent" not in params:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or"
            " charge."
        )
    intent = scope.need("payment_intent", params["payment_intent"], param="payment_intent")
    charge = scope.find("charge", intent["latest_charge"])
    if intent["status"] != "succeeded" or charge is None:
        raise invalid(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        )
    return charge


def _check(charge: Thing, left: int) -> None:
    if charge.get("_charged_back"):
        raise invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if left <= 0:
        raise invalid(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02}"


def _new(scope: Scope, charge: Thing, amount: int, params: dict[str, Any]) -> Thing:
    by_card = charge["payment_method_details"]["type"] == "card"
    kind = "card" if by_card else "us_bank_transfer"
    details: Thing = {"reference": None, "reference_status": "pending"}
    if by_card:
        details = {"reference_status": "pending", "reference_type": "acquirer_reference_number"}
        details["type"] = "refund"
    slow = _behavior(charge) == "refund_waits" or not by_card
    return {
        "id": scope.new_id("re" if by_card else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": scope.now,
        "currency": charge["currency"],
        "destination_details": {"type": kind, kind: details},
        "metadata": params.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if slow else "succeeded",
        "transfer_reversal": None,
    }


def _behavior(charge: Thing) -> str:
    instrument = BY_NAME[charge["_instrument"]]
    return "" if isinstance(instrument, Bank) else instrument.aftermath


def _take_back(scope: Scope, charge: Thing, refund: Thing) -> None:
    by_card = charge["payment_method_details"]["type"] == "card"
    kind = "refund" if by_card else "payment_refund"
    movement = balance.book(scope, refund, amount=-refund["amount"], kind=kind)
    scope.save(refund, balance_transaction=movement["id"])
    _count(scope, charge, refund["amount"])
    if refund["status"] == "pending":
        scope.later(scope.world.delays.refund_s, "refund.finish", refund["id"])
    elif _behavior(charge) == "refund_fails":
        scope.later(scope.world.delays.refund_s, "refund.fail", refund["id"])


def _count(scope: Scope, charge: Thing, amount: int) -> None:
    refunded = charge["amount_refunded"] + amount
    scope.save(charge, amount_refunded=refunded, refunded=refunded >= charge["amount"])


def finish(scope: Scope, refund_id: str) -> Thing:
    """A pending refund reaches the debtor."""
    refund = scope.need("refund", refund_id)
    if refund["status"] != "pending":
        return refund
    scope.save(refund, status="succeeded")
    emit(scope, "refund.updated", refund)
    return refund


def fail(scope: Scope, refund_id: str) -> Thing:
    """A refund comes back: the money is ours again, and still owed to the debtor."""
    refund = scope.need("refund", refund_id)
    if refund["status"] not in ("pending", "succeeded"):
        raise ApiError(400, "invalid_request_error", "This refund has ended.")
    movement = balance.book(scope, refund, amount=refund["amount"], kind="refund_failure")
    scope.save(
        refund,
        status="failed",
        failure_reason="lost_or_stolen_card",
        failure_balance_transaction=movement["id"],
    )
    _count(scope, scope.need("charge", refund["charge"]), -refund["amount"])
    emit(scope, "refund.updated", refund)
    emit(scope, "refund.failed", refund)
    return refund


def retrieve(scope: Scope, params: dict[str, Any], refund: str) -> Thing:
    """GET /v1/refunds/{refund}."""
    return scope.need("refund", refund)


def listed(scope: Scope, params: dict[str, Any]) -> Thing:
    """GET /v1/refunds."""
    found = scope.store.newest("refund", account=scope.account, intent=params.get("payment_intent"))
    return listing.page(scope, params, listing.matching(found, params, "charge"), URL)
