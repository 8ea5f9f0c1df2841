"""The part of Stripe's API that the sandbox speaks: each path, its parameters, its function."""

from collections.abc import Callable
from dataclasses import dataclass, field

from werkzeug.routing import Map, Rule

from portal.sandbox import (
    balance,
    charges,
    checkout,
    customers,
    disputes,
    events,
    forms,
    intents,
    mandates,
    methods,
    refunds,
    setups,
)
from portal.sandbox.forms import Shape
from portal.sandbox.store import Thing


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked for."""

    method: str
    path: str
    perform: Callable[..., Thing]
    shape: Shape = field(default_factory=lambda: forms.EXPAND)
    required: tuple[str, ...] = ()


OPERATIONS = (
    Operation("POST", "/v1/customers", customers.create, customers.CREATE),
    Operation("GET", "/v1/customers/<customer>", customers.retrieve),
    Operation("GET", "/v1/customers/<customer>/payment_methods", methods.of_customer, methods.LIST),
    Operation("POST", checkout.URL, checkout.create, checkout.CREATE, ("mode", "success_url")),
    Operation("GET", checkout.URL, checkout.listed, checkout.LIST),
    Operation("GET", f"{checkout.URL}/<session>", checkout.retrieve),
    Operation("POST", f"{checkout.URL}/<session>/expire", checkout.expire),
    Operation("POST", intents.URL, intents.create, intents.CREATE, ("amount", "currency")),
    Operation("GET", intents.URL, intents.listed, intents.LIST),
    Operation("GET", f"{intents.URL}/<intent>", intents.retrieve),
    Operation("POST", f"{intents.URL}/<intent>/cancel", intents.cancel, intents.CANCEL),
    Operation("GET", setups.URL, setups.listed, setups.LIST),
    Operation("GET", f"{setups.URL}/<intent>", setups.retrieve),
    Operation("GET", charges.URL, charges.listed, charges.LIST),
    Operation("GET", f"{charges.URL}/<charge>", charges.retrieve),
    Operation("POST", refunds.URL, refunds.create, refunds.CREATE),
    Operation("GET", refunds.URL, refunds.listed, refunds.LIST),
    Operation("GET", f"{refunds.URL}/<refund>", refunds.retrieve),
    Operation("GET", disputes.URL, disputes.listed, disputes.LIST),
    Operation("GET", f"{disputes.URL}/<dispute>", disputes.retrieve),
    Operation("GET", "/v1/payment_methods/<payment_method>", methods.retrieve),
    Operation(
        "POST",
        "/v1/payment_methods/<payment_method>/attach",
        methods.attach,
        methods.ATTACH,
        ("customer",),
    ),
    Operation("POST", "/v1/payment_methods/<payment_method>/detach", methods.detach),
    Operation("GET", events.URL, events.listed, events.LIST),
    Operation("GET", f"{events.URL}/<event>", events.retrieve),
    Operation("GET", "/v1/mandates/<mandate>", mandates.retrieve),
    Operation("GET", "/v1/balance_transactions/<movement>", balance.retrieve),
)
URLS = Map(
    [Rule(one.path, methods=[one.method], endpoint=str(n)) for n, one in enumerate(OPERATIONS)],
    strict_slashes=False,
    merge_slashes=False,
)
