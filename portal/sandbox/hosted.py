"""The hosted Checkout page's actions: choose a card or an account, pass the bank's check."""

from dataclasses import dataclass

from portal.sandbox import attempts, checkout, intents, methods, setups
from portal.sandbox.instruments import BY_NAME, Decline, by_number
from portal.sandbox.store import Thing
from portal.sandbox.world import Scope


@dataclass(frozen=True)
class Outcome:
    """Where the debtor goes next: ``done``, ``authenticate``, ``again``, or ``error`` with why."""

    step: str
    error: str | None = None


def open_session(scope: Scope, session_id: str) -> Thing | None:
    """The session, when somebody can still pay on it."""
    session = scope.find("checkout.session", session_id)
    return session if session and session["status"] == "open" else None


def submit(scope: Scope, session: Thing, *, name: str = "", number: str = "") -> Outcome:
    """Pay or save with a test card or account, by its name or its typed number."""
    if not name:
        typed = by_number(number)
        if isinstance(typed, Decline):
            return Outcome("error", typed.decline_code)
        name = typed.name
    if name not in BY_NAME or _kind(name) not in session["payment_method_types"]:
        return Outcome("error", "incorrect_number")
    method = methods.create(scope, name)
    return _attempt(scope, session, method, authenticated=False)


def _kind(name: str) -> str:
    return "us_bank_account" if name.startswith("bank_") else "card"


def _attempt(scope: Scope, session: Thing, method: Thing, *, authenticated: bool) -> Outcome:
    thing = _subject(scope, session)
    if session["mode"] == "setup":
        error = setups.attempt(scope, thing, method, authenticated=authenticated)
    else:
        error = attempts.attempt(scope, thing, method, authenticated=authenticated)
    return _conclude(scope, session, thing, error)


def authenticate(scope: Scope, session: Thing, *, passed: bool) -> Outcome:
    """The bank's check, passed or failed, of a method that needs one."""
    thing = _subject(scope, session)
    if thing["status"] != "requires_action":
        return Outcome("again")
    method = scope.need("payment_method", thing["payment_method"])
    if passed:
        return _attempt(scope, session, method, authenticated=True)
    refuse = setups if session["mode"] == "setup" else attempts
    error = refuse.refuse_authentication(scope, thing, method)
    return _conclude(scope, session, thing, error)


def _subject(scope: Scope, session: Thing) -> Thing:
    if session["mode"] == "setup":
        return scope.need("setup_intent", session["setup_intent"])
    if session["payment_intent"]:
        return scope.need("payment_intent", session["payment_intent"])
    asked = session["_intent"]
    intent = intents.new(
        scope,
        {
            "amount": session["amount_total"],
            "currency": session["currency"],
            "customer": session["customer"],
            "_checkout": session["id"],
            **asked,
        },
    )
    scope.save(session, payment_intent=intent["id"])
    return intent


def _conclude(scope: Scope, session: Thing, thing: Thing, error: Thing | None) -> Outcome:
    if error is not None:
        return Outcome("error", error.get("decline_code") or error["code"])
    if thing["status"] == "requires_action":
        return Outcome("authenticate")
    paid = {"succeeded": "paid", "processing": "unpaid"}
    status = "no_payment_required" if session["mode"] == "setup" else paid[thing["status"]]
    checkout.complete(scope, session, payment_status=status)
    return Outcome("done")


def success_url(session: Thing) -> str:
    """Where a completed session sends the debtor."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
