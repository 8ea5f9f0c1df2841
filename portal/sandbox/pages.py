"""The hosted Checkout page, without JavaScript."""

from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from werkzeug.wrappers import Request, Response

from portal.sandbox import hosted, timers
from portal.sandbox.instruments import BY_NAME, Bank, Card
from portal.sandbox.store import Thing
from portal.sandbox.words import LANGUAGES, language, money
from portal.sandbox.world import Scope, World

TEMPLATES = Environment(
    loader=PackageLoader("portal.sandbox"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)
OFFERED_CARDS = {
    "visa": "pays",
    "mastercard": "pays",
    "visa_debit": "pays",
    "mastercard_prepaid": "pays",
    "visa_chargeDeclined": "declines",
    "visa_chargeDeclinedInsufficientFunds": "no_funds",
    "authenticationRequired": "asks",
    "createDispute": "disputes",
}
SAVED_CARDS = OFFERED_CARDS | {"chargeCustomerFail": "later"}
OFFERED_BANKS = {"bank_success": "settles", "bank_insufficientFunds": "returns"}
LARGEST_FORM = 10_000


def checkout_page(world: World, request: Request, session_id: str) -> Response:
    """GET and POST /c/pay/{session}: choose a test card or account, or type a number."""
    with world.store.transaction():
        timers.run(world)
        scope = Scope(world, world.store.account_of(session_id) or "")
        session = hosted.open_session(scope, session_id)
        if session is None:
            return _closed(scope, request, session_id)
        if request.method == "GET":
            return _pay(request, session)
        form = request.form
        outcome = hosted.submit(
            scope, session, name=form.get("name", "")[:100], number=form.get("number", "")[:40]
        )
        return _after(request, session, outcome)


def authentication_page(world: World, request: Request, session_id: str) -> Response:
    """GET and POST /c/pay/{session}/authenticate: the bank's question."""
    with world.store.transaction():
        timers.run(world)
        scope = Scope(world, world.store.account_of(session_id) or "")
        session = hosted.open_session(scope, session_id)
        if session is None:
            return _closed(scope, request, session_id)
        if request.method == "GET":
            return _render(request, "authenticate.html", session, amount=_amount(request, session))
        passed = request.form.get("passed") == "yes"
        return _after(request, session, hosted.authenticate(scope, session, passed=passed))


def _after(request: Request, session: Thing, outcome: hosted.Outcome) -> Response:
    if outcome.step == "done":
        return redirect(hosted.success_url(session))
    if outcome.step == "authenticate":
        return redirect(f"/c/pay/{session['id']}/authenticate")
    if outcome.step == "again":
        return redirect(f"/c/pay/{session['id']}")
    return _pay(request, session, error=outcome.error or "error")


def _pay(request: Request, session: Thing, *, error: str | None = None) -> Response:
    words = LANGUAGES[_language(request, session)]
    kinds = session["payment_method_types"]
    cards = SAVED_CARDS if session["mode"] == "setup" else OFFERED_CARDS
    return _render(
        request,
        "pay.html",
        session,
        status=422 if error else 200,
        error=words.get(error, words["error"]) if error else None,
        amount=_amount(request, session),
        saves=bool(session["_intent"].get("setup_future_usage")),
        cards=_offers(cards, Card, words) if "card" in kinds else [],
        banks=_offers(OFFERED_BANKS, Bank, words) if "us_bank_account" in kinds else [],
    )


def _offers(offered: dict[str, str], kind: type, words: Any) -> list[tuple[Any, str]]:
    known = ((BY_NAME[name], words[does]) for name, does in offered.items())
    return [(one, does) for one, does in known if isinstance(one, kind)]


def _closed(scope: Scope, request: Request, session_id: str) -> Response:
    session = scope.find("checkout.session", session_id)
    status = session["status"] if session else "missing"
    words = LANGUAGES[_language(request, session)]
    onward = None
    if session:
        complete = status == "complete"
        onward = hosted.success_url(session) if complete else session["cancel_url"]
    return _render(
        request,
        "closed.html",
        session,
        status=404 if session is None else 200,
        message=words[status],
        onward=onward,
    )


def _amount(request: Request, session: Thing) -> str:
    if session["amount_total"] is None:
        return ""
    return money(session["amount_total"], session["currency"], _language(request, session))


def _language(request: Request, session: Thing | None) -> str:
    locale = session["locale"] if session else None
    return language(locale, request.headers.get("Accept-Language", ""))


def _render(
    request: Request, template: str, session: Thing | None, *, status: int = 200, **values: Any
) -> Response:
    code = _language(request, session)
    page = TEMPLATES.get_template(template).render(
        lang=code, words=LANGUAGES[code], session=session, **values
    )
    return html(page, status, [session["success_url"]] if session else [])


def html(page: str, status: int = 200, onward: list[str] | None = None) -> Response:
    """A page with the headers of a careful one; forms may lead to the addresses in ``onward``."""
    targets = {"'self'"} | {_origin(url) for url in onward or []}
    response = Response(page, status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none';"
        f" frame-ancestors 'none'; form-action {' '.join(sorted(targets))}"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def redirect(location: str) -> Response:
    """Go on with a GET."""
    response = Response("", 303)
    response.headers["Location"] = location
    response.headers["Cache-Control"] = "no-store"
    return response
