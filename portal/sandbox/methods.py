"""PaymentMethods: made from test cards and test accounts, attached to customers, detached."""

from typing import Any

from portal.sandbox import forms, listing
from portal.sandbox.errors import invalid, missing
from portal.sandbox.events import emit
from portal.sandbox.forms import Shape
from portal.sandbox.instruments import BY_NAME, TOKENS, Bank, Card, Instrument
from portal.sandbox.store import Thing
from portal.sandbox.world import Scope

ATTACH: Shape = {**forms.EXPAND, "customer": forms.text()}
LIST: Shape = {**listing.PAGE, "type": forms.text()}
USED_UP = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
    " attachment, shared with a connected account without Customer attachment, or was detached"
    " from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must"
    " attach it to a Customer first."
)
NOBODY: Thing = {
    "address": {
        "city": None,
        "country": None,
        "line1": None,
        "line2": None,
        "postal_code": None,
        "state": None,
    },
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}


def create(scope: Scope, name: str) -> Thing:
    """A new PaymentMethod of the test card or account of this name; it belongs to nobody."""
    instrument = BY_NAME[name]
    kind = "card" if isinstance(instrument, Card) else "us_bank_account"
    method: Thing = {
        "id": scope.new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": NOBODY,
        "created": scope.now,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": kind,
        kind: _card(instrument) if isinstance(instrument, Card) else _bank(instrument),
        "_instrument": name,
    }
    return scope.save(method)


def _card(card: Card) -> Thing:
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"sandbox{card.number[-8:]}",
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _bank(bank: Bank) -> Thing:
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": f"sandbox{bank.last4}",
        "last4": bank.last4,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": "110000000",
        "status_details": {},
    }


def instrument_of(method: Thing) -> Instrument:
    """The test card or account behind a PaymentMethod."""
    return BY_NAME[method["_instrument"]]


def resolve(scope: Scope, method_id: str, *, param: str) -> Thing:
    """The PaymentMethod of an id, or a new one of a test token such as ``pm_card_visa``."""
    if name := TOKENS.get(method_id):
        return create(scope, name)
    return scope.need("payment_method", method_id, param=param)


def usable_by(method: Thing, customer: str | None) -> None:
    """Refuse a method that is spent, or that belongs to somebody else."""
    if method.get("_spent"):
        raise invalid(USED_UP, param="payment_method")
    if method["customer"] is not None and method["customer"] != customer:
        whose = "a Customer. Please include" if customer is None else "another Customer. Include"
        raise invalid(
            f"The provided PaymentMethod belongs to {whose} the Customer in the `customer` "
            "parameter on the PaymentIntent.",
            param="payment_method",
        )


def attach_to(scope: Scope, method: Thing, customer: str) -> Thing:
    """Save a method for a customer."""
    if method["customer"] == customer:
        return method
    scope.save(method, customer=customer)
    emit(scope, "payment_method.attached", method)
    return method


def retrieve(scope: Scope, params: dict[str, Any], payment_method: str) -> Thing:
    """GET /v1/payment_methods/{payment_method}."""
    return scope.need("payment_method", payment_method)


def attach(scope: Scope, params: dict[str, Any], payment_method: str) -> Thing:
    """POST /v1/payment_methods/{payment_method}/attach, test tokens included."""
    customer = scope.need("customer", params["customer"], param="customer")
    method = resolve(scope, payment_method, param="id")
    usable_by(method, customer["id"])
    instrument = instrument_of(method)
    if isinstance(instrument, Card) and not instrument.saves and instrument.decline:
        raise invalid(
            instrument.decline.message, code=instrument.decline.code, param="", status=402
        )
    return attach_to(scope, method, customer["id"])


def detach(scope: Scope, params: dict[str, Any], payment_method: str) -> Thing:
    """POST /v1/payment_methods/{payment_method}/detach: it can never be used again."""
    method = scope.need("payment_method", payment_method)
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is"
            " impossible."
        )
    scope.save(method, customer=None, _spent=True)
    emit(scope, "payment_method.detached", method)
    return method


def of_customer(scope: Scope, params: dict[str, Any], customer: str) -> Thing:
    """GET /v1/customers/{customer}/payment_methods."""
    if scope.find("customer", customer) is None:
        raise missing("customer", customer)
    found = scope.store.newest("payment_method", account=scope.account, customer=customer)
    kind = params.pop("type", None)
    wanted = [method for method in found if kind in (None, method["type"])]
    return listing.page(scope, params, wanted, f"/v1/customers/{customer}/payment_methods")
