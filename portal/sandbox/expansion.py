"""Ids replaced by their objects, where a request asks for it."""

from portal.sandbox.errors import invalid
from portal.sandbox.store import Thing
from portal.sandbox.world import Scope

KINDS = {
    "balance_transaction": "balance_transaction",
    "charge": "charge",
    "customer": "customer",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
    "setup_intent": "setup_intent",
}
NOT_ON = {("charge", "payment_method")}
DEEPEST = 4


def expand(scope: Scope, thing: Thing, paths: list[str]) -> Thing:
    """A copy of ``thing`` in which the ids at these paths are objects."""
    expanded = dict(thing)
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise invalid("You cannot expand more than 4 levels of a property", param="expand")
        if expanded["object"] == "list":
            _into_list(scope, expanded, steps)
        else:
            _into(scope, expanded, steps)
    return expanded


def _into_list(scope: Scope, listed: Thing, steps: list[str]) -> None:
    if steps[0] != "data":
        raise _cannot(steps[0])
    listed["data"] = [dict(one) for one in listed["data"]]
    for one in listed["data"]:
        _into(scope, one, steps[1:])


def _into(scope: Scope, thing: Thing, steps: list[str]) -> None:
    if not steps:
        return
    name, *rest = steps
    kind = KINDS.get(name)
    if kind is None or name not in thing or (thing["object"], name) in NOT_ON:
        raise _cannot(name)
    if isinstance(thing[name], str):
        thing[name] = dict(scope.need(kind, thing[name]))
    if isinstance(thing[name], dict):
        _into(scope, thing[name], rest)


def _cannot(name: str) -> Exception:
    return invalid(f"This property cannot be expanded ({name}).", param="expand")
