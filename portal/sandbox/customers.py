"""Customers: who a payment or a saved method belongs to."""

from typing import Any

from portal.sandbox import forms
from portal.sandbox.events import emit
from portal.sandbox.forms import Shape
from portal.sandbox.store import Thing
from portal.sandbox.world import Scope

CREATE: Shape = {
    **forms.EXPAND,
    "metadata": forms.metadata,
    "name": forms.text(256),
    "email": forms.text(512),
    "description": forms.text(),
}


def create(scope: Scope, params: dict[str, Any]) -> Thing:
    """POST /v1/customers."""
    customer: Thing = {
        "id": scope.new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": scope.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": params.get("description"),
        "discount": None,
        "email": params.get("email"),
        "invoice_prefix": scope.new_id("x")[2:10].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "name": params.get("name"),
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    scope.save(customer)
    emit(scope, "customer.created", customer)
    return customer


def retrieve(scope: Scope, params: dict[str, Any], customer: str) -> Thing:
    """GET /v1/customers/{customer}."""
    return scope.need("customer", customer)
