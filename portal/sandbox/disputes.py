"""Disputes: the bank takes a charge back, gives it back, keeps it, or only asks."""

from typing import Any

from portal.sandbox import balance, forms, listing
from portal.sandbox.errors import invalid
from portal.sandbox.events import emit
from portal.sandbox.forms import Shape
from portal.sandbox.store import Thing
from portal.sandbox.world import Scope

URL = "/v1/disputes"
LIST: Shape = {**listing.DATED, "charge": forms.text(), "payment_intent": forms.text()}
RESPOND_S = 9 * 86_400
ENDED = ("won", "lost", "warning_closed", "prevented")


def open_dispute(
    scope: Scope,
    charge_id: str,
    *,
    reason: str = "fraudulent",
    inquiry: bool = False,
    amount: int | None = None,
) -> Thing:
    """The debtor's bank disputes a charge; an inquiry moves no money."""
    charge = scope.need("charge", charge_id)
    if charge["status"] != "succeeded":
        raise invalid("Only a paid charge can be disputed.")
    dispute = _new(scope, charge, amount or charge["amount"], reason=reason, inquiry=inquiry)
    scope.save(dispute)
    scope.save(charge, disputed=True)
    emit(scope, "charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(scope, dispute, charge)
    if charge["payment_method_details"]["type"] != "card":
        return close(scope, dispute["id"], won=False)
    return dispute


def _new(scope: Scope, charge: Thing, amount: int, *, reason: str, inquiry: bool) -> Thing:
    dispute: Thing = {
        "id": scope.new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": scope.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": scope.now + RESPOND_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    details = charge["payment_method_details"]
    if details["type"] == "card":
        card = {
            "brand": details["card"]["brand"],
            "case_type": "inquiry" if inquiry else "chargeback",
            "network_reason_code": "10.4",
        }
        dispute["payment_method_details"] = {"type": "card", "card": card}
    return dispute


def _withdraw(scope: Scope, dispute: Thing, charge: Thing) -> None:
    _move(scope, dispute, -dispute["amount"], fee=balance.DISPUTE_FEE)
    scope.save(charge, _charged_back=True)
    emit(scope, "charge.dispute.funds_withdrawn", dispute)


def _move(scope: Scope, dispute: Thing, amount: int, *, fee: int) -> None:
    movement = balance.book(scope, dispute, amount=amount, kind="adjustment", fee=fee)
    moved = [*dispute["balance_transactions"], movement]
    scope.save(dispute, balance_transactions=moved)


def escalate(scope: Scope, dispute_id: str) -> Thing:
    """An inquiry becomes a chargeback."""
    dispute = scope.need("dispute", dispute_id)
    if not dispute["status"].startswith("warning_needs"):
        raise invalid("Only an open inquiry can become a chargeback.")
    scope.save(dispute, status="needs_response", is_charge_refundable=False)
    emit(scope, "charge.dispute.updated", dispute)
    _withdraw(scope, dispute, scope.need("charge", dispute["charge"]))
    return dispute


def close(scope: Scope, dispute_id: str, *, won: bool) -> Thing:
    """The bank decides; what was withdrawn comes back when the dispute is won."""
    dispute = scope.need("dispute", dispute_id)
    if dispute["status"] in ENDED:
        raise invalid("This dispute has ended.")
    inquiry = dispute["status"].startswith("warning")
    ending = "warning_closed" if inquiry else "won" if won else "lost"
    scope.save(dispute, status=ending, is_charge_refundable=False)
    reinstated = won and not inquiry
    if reinstated:
        _move(scope, dispute, dispute["amount"], fee=-balance.DISPUTE_FEE)
    emit(scope, "charge.dispute.closed", dispute)
    if reinstated:
        emit(scope, "charge.dispute.funds_reinstated", dispute)
        scope.save(scope.need("charge", dispute["charge"]), _charged_back=False)
    return dispute


def retrieve(scope: Scope, params: dict[str, Any], dispute: str) -> Thing:
    """GET /v1/disputes/{dispute}."""
    return scope.need("dispute", dispute)


def listed(scope: Scope, params: dict[str, Any]) -> Thing:
    """GET /v1/disputes."""
    found = scope.store.newest(
        "dispute", account=scope.account, intent=params.get("payment_intent")
    )
    return listing.page(scope, params, listing.matching(found, params, "charge"), URL)
