"""Balance transactions: what each movement did to the Stripe balance, fee and net."""

from typing import Any

from portal.sandbox.store import Thing
from portal.sandbox.world import Scope

CARD_FEE_BPS, CARD_FEE_CENTS = 290, 30
DEBIT_FEE_BPS, DEBIT_FEE_MOST = 80, 500
DISPUTE_FEE = 1500
SETTLES_AFTER_S = 2 * 86_400


def card_fee(amount: int) -> int:
    """Stripe's usual fee for a card: 2.9 % and 30 cents."""
    return amount * CARD_FEE_BPS // 10_000 + CARD_FEE_CENTS


def debit_fee(amount: int) -> int:
    """Stripe's usual fee for ACH: 0.8 %, at most 5.00."""
    return min(amount * DEBIT_FEE_BPS // 10_000, DEBIT_FEE_MOST)


def book(scope: Scope, source: Thing, *, amount: int, kind: str, fee: int = 0) -> Thing:
    """Move ``amount`` cents (negative: out) because of ``source``."""
    currency = source["currency"]
    detail = {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    movement: Thing = {
        "id": scope.new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": scope.now + SETTLES_AFTER_S,
        "balance_type": "payments",
        "created": scope.now,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [detail] if fee else [],
        "net": amount - fee,
        "reporting_category": _category(kind, amount),
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
    return scope.save(movement)


def _category(kind: str, amount: int) -> str:
    if kind == "adjustment":
        return "dispute" if amount < 0 else "dispute_reversal"
    return {"payment": "charge", "payment_refund": "refund"}.get(kind, kind)


def retrieve(scope: Scope, params: dict[str, Any], movement: str) -> Thing:
    """GET /v1/balance_transactions/{id}."""
    return scope.need("balance_transaction", movement)
