"""Lists: newest first, in pages, filtered by creation time, late where a switch says so."""

from typing import Any

from portal.sandbox import forms
from portal.sandbox.errors import invalid
from portal.sandbox.forms import Shape
from portal.sandbox.store import Thing
from portal.sandbox.world import Scope

PAGE: Shape = {
    **forms.EXPAND,
    "limit": forms.whole(1, 100),
    "starting_after": forms.text(),
    "ending_before": forms.text(),
}
DATED: Shape = {**PAGE, "created": forms.moment_or_range}
USUAL_LIMIT = 10


def page(scope: Scope, params: dict[str, Any], things: list[Thing], url: str) -> Thing:
    """One page of ``things``, which come newest first."""
    seen = [one for one in things if _visible(scope, one) and _within(one, params.get("created"))]
    limit = params.get("limit", USUAL_LIMIT)
    ids = [one["id"] for one in seen]
    if "ending_before" in params:
        end = _position(ids, params, "ending_before")
        return _list(seen[max(0, end - limit) : end], more=end > limit, url=url)
    start = _position(ids, params, "starting_after") + 1 if "starting_after" in params else 0
    return _list(seen[start : start + limit], more=len(seen) > start + limit, url=url)


def matching(things: list[Thing], params: dict[str, Any], *names: str) -> list[Thing]:
    """The things whose fields equal the parameters of these names, where given."""
    asked = {name: params[name] for name in names if name in params}
    return [one for one in things if all(one.get(name) == v for name, v in asked.items())]


def _visible(scope: Scope, thing: Thing) -> bool:
    lag = scope.world.switches.list_lag_s
    return not lag or bool(thing["created"] <= scope.now - lag)


def _within(thing: Thing, asked: dict[str, int] | None) -> bool:
    created = thing["created"]
    tests = {
        "gt": created.__gt__,
        "gte": created.__ge__,
        "lt": created.__lt__,
        "lte": created.__le__,
    }
    return all(tests[word](bound) for word, bound in (asked or {}).items())


def _position(ids: list[str], params: dict[str, Any], name: str) -> int:
    if params[name] not in ids:
        raise invalid(
            f"No such object: '{params[name]}'", code="resource_missing", param=name, status=400
        )
    return ids.index(params[name])


def _list(things: list[Thing], *, more: bool, url: str) -> Thing:
    return {"object": "list", "data": things, "has_more": more, "url": url}
