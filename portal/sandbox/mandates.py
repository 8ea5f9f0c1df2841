"""Mandates: a bank account holder's permission to debit it."""

from typing import Any

from portal.sandbox.store import Thing
from portal.sandbox.world import Scope


def grant(scope: Scope, method: Thing) -> str:
    """The id of a new mandate for a bank account, accepted on the hosted page."""
    mandate: Thing = {
        "id": scope.new_id("mandate"),
        "object": "mandate",
        "customer_acceptance": {
            "accepted_at": scope.now,
            "online": {"ip_address": None, "user_agent": None},
            "type": "online",
        },
        "livemode": False,
        "multi_use": {},
        "payment_method": method["id"],
        "payment_method_details": {"type": "us_bank_account", "us_bank_account": {}},
        "status": "active",
        "type": "multi_use",
    }
    scope.save(mandate)
    scope.save(method, _mandate=mandate["id"])
    return str(mandate["id"])


def retrieve(scope: Scope, params: dict[str, Any], mandate: str) -> Thing:
    """GET /v1/mandates/{mandate}."""
    return scope.need("mandate", mandate)
