"""Ways through the pages of an agreement, as a person with a browser takes them."""

from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession
from portal.gateways.clock import SetClock
from portal.models import Arrangement, Payment
from portal.sandbox import control
from tests.factories import make_policy
from tests.pages.debtors import Dana, come_in, make_visitor
from tests.pages.reading import spaced, tree
from tests.sandbox.checked import CheckedStripe

PLAN = {"amount": "10400", "frequency": "monthly", "start": "today", "method": "automatic"}


def enter(
    http: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    **given: Any,
) -> Dana:
    """Dana, whose client has a policy, past the identity check."""
    visitor = make_visitor(session, settings, clock.now(), **given)
    make_policy(session, visitor.client)
    session.commit()
    come_in(http, session, visitor)
    return visitor


def path(dana: Dana) -> str:
    """Her account's address."""
    return f"/account/{dana.account.id}"


def main_of(page: TestResponse) -> Element:
    """The main part of a page."""
    main = tree(page).find(".//main")
    assert main is not None
    return main


def links(page: TestResponse) -> dict[str, str]:
    """Where the links of a page lead, by their words."""
    return {spaced(link): link.get("href", "") for link in main_of(page).iter("a")}


def link(page: TestResponse, words: str) -> str:
    """Where the first link with these words leads."""
    return next(to for said, to in links(page).items() if words in said)


def form(page: TestResponse, action: str = "") -> dict[str, str]:
    """What a form holds before somebody fills it in; ``action``: the end of its address."""
    for found in main_of(page).iter("form"):
        if found.get("action", "").endswith(action):
            return _held(found)
    raise AssertionError(f"the page has no form to {action!r}")


def _held(found: Element) -> dict[str, str]:
    held = {}
    for field in found.iter("input"):
        ticked = field.get("type") not in ("radio", "checkbox") or "checked" in field.attrib
        if ticked and field.get("name"):
            held[field.get("name", "")] = field.get("value", "")
    return held


def send(http: FlaskClient, page: TestResponse, to: str, **typed: str) -> TestResponse:
    """Fill in the form of a page and send it to an address."""
    held = form(page, urlsplit(to).path if _has_action(page, to) else "")
    return http.post(to, data=held | typed)


def _has_action(page: TestResponse, to: str) -> bool:
    actions = (found.get("action", "") for found in main_of(page).iter("form"))
    return any(action.endswith(urlsplit(to).path) for action in actions if action)


def review(http: FlaskClient, dana: Dana, words: str) -> TestResponse:
    """The review behind a link of the balance."""
    return http.get(link(http.get(path(dana)), words))


def choose_plan(http: FlaskClient, dana: Dana, **typed: str) -> TestResponse:
    """Fill in the plan page and go where it leads."""
    to = f"{path(dana)}/plan"
    answered = send(http, http.get(to), to, **(PLAN | typed))
    assert answered.status_code == 303, answered.get_data(as_text=True)
    return http.get(answered.location)


def accept(http: FlaskClient, dana: Dana, page: TestResponse, **typed: str) -> TestResponse:
    """Press the button of a review."""
    return send(http, page, f"{path(dana)}/accept", **typed)


def newest(session: Session, kind: type[Any]) -> Any:
    """The row that was written last."""
    session.expire_all()
    return session.scalars(select(kind).order_by(kind.id.desc()).limit(1)).one()


def agreed(session: Session) -> Arrangement:
    """The newest arrangement."""
    found: Arrangement = newest(session, Arrangement)
    return found


def pay_at_stripe(session: Session, stripe: CheckedStripe, name: str = "visa") -> str:
    """Go through the open Checkout page; returns the address of our landing page."""
    payment: Payment = newest(session, Payment)
    control.pay(stripe.world, payment.checkout_id or "", name)
    return f"/payment/{payment.id}?session_id={payment.checkout_id}"
