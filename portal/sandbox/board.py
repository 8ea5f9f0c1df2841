"""The control board at /sandbox: what staff of a demo do as the bank, the network and Stripe.

Forms for people, the same addresses with ``Accept: application/json`` for programs.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from portal.sandbox import control, delivery, timers
from portal.sandbox.errors import ApiError, invalid
from portal.sandbox.faults import Fault
from portal.sandbox.instruments import FAILURES
from portal.sandbox.pages import TEMPLATES, html, redirect
from portal.sandbox.store import Thing, shown
from portal.sandbox.words import EN
from portal.sandbox.world import World

MOST_SHOWN = 50
LONGEST_AMOUNT = 12
Given = Mapping[str, str]


def _amount(given: Given) -> int | None:
    text = given.get("amount", "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= LONGEST_AMOUNT):
        raise invalid(f"{text[:40]!r} is no amount in cents.", param="amount")
    return int(text) if text else None


def _refund(world: World, given: Given) -> Any:
    return control.refund(world, given["payment"], amount=_amount(given))


def _finish_refund(world: World, given: Given) -> Any:
    failed = given.get("failed") == "true"
    return control.finish_refund(world, given["refund"], failed=failed)


def _dispute(world: World, given: Given) -> Any:
    inquiry = given.get("inquiry") == "true"
    return control.dispute(world, given["payment"], inquiry=inquiry, amount=_amount(given))


def _escalate(world: World, given: Given) -> Any:
    return control.escalate(world, given["dispute"])


def _close(world: World, given: Given) -> Any:
    return control.close_dispute(world, given["dispute"], won=given.get("won") == "true")


def _debit(world: World, given: Given) -> Any:
    return control.finish_debit(world, given["payment"], failure=given.get("failure") or None)


def _pay(world: World, given: Given) -> Any:
    outcome = control.pay(
        world, given["checkout"], given["name"], passed=given.get("passed") != "false"
    )
    return vars(outcome)


ACTIONS: dict[str, Callable[[World, Given], Any]] = {
    "refund": _refund,
    "refund/finish": _finish_refund,
    "dispute": _dispute,
    "dispute/escalate": _escalate,
    "dispute/close": _close,
    "debit": _debit,
    "pay": _pay,
    "switches": control.turn,
    "faults": control.plan,
}
READINGS: dict[str, Callable[[World], Any]] = {
    "payments": control.payments,
    "history": lambda world: world.store.history(),
    "events": lambda world: [shown(event) for event in world.store.newest("event")],
    "deliveries": delivery.waiting,
}


def act(world: World, request: Request, action: str) -> Response:
    """POST /sandbox/{action}."""
    if request.headers.get("Origin", world.base_url) != world.base_url:
        return _json({"error": {"message": "Use the sandbox's own page."}}, 403)
    try:
        result = ACTIONS[action](world, request.form)
    except ApiError as error:
        return _failed(request, error)
    except KeyError as absent:
        return _failed(request, invalid(f"There is no {absent.args[0]!r} here."))
    return _json(result) if _wants_json(request) else redirect("/sandbox")


def _failed(request: Request, error: ApiError) -> Response:
    if _wants_json(request):
        return _json(error.body, error.status)
    page = TEMPLATES.get_template("closed.html").render(
        lang="en", words=EN, message=error.error["message"], onward="/sandbox"
    )
    return html(page, error.status)


def read(world: World, reading: str) -> Response:
    """GET /sandbox/{reading}.json."""
    if reading not in READINGS:
        return _json({"error": {"message": "There is no such reading."}}, 404)
    return _json(READINGS[reading](world))


def board(world: World, request: Request) -> Response:
    """GET /sandbox."""
    with world.store.transaction():
        timers.run(world)
    page = TEMPLATES.get_template("board.html").render(
        lang="en",
        words=EN,
        payments=control.payments(world)[:MOST_SHOWN],
        waiting=_counted(delivery.waiting(world)),
        switches=vars(world.switches),
        plans=world.faults.plans,
        faults=list(Fault),
        failures=list(FAILURES),
    )
    return html(page)


def _counted(deliveries: list[Thing]) -> dict[str, int]:
    states = [one["state"] for one in deliveries]
    return {state: states.count(state) for state in sorted(set(states))}


def _wants_json(request: Request) -> bool:
    return request.accept_mimetypes.best == "application/json"


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(shown(value), indent=2), status, mimetype="application/json")
