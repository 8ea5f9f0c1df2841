"""Debtors at the door: the cookie of a visit, how long it holds, and whose page they see.

The cookie carries the visit's token and when it was last seen, signed, so that thirty idle
minutes are kept without a write on any page.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from flask import current_app, g, request
from itsdangerous import BadSignature, Signer
from werkzeug.wrappers import Response

from portal import addresses
from portal.db import commit, set_tenant
from portal.domain.keys import Keys
from portal.domain.wording import clean_text
from portal.models import Client
from portal.runtime import Runtime
from portal.security.forms import bind
from portal.security.signing import signer
from portal.services.identity import Passed
from portal.services.links import OpenedLink, token_of_id
from portal.services.visits import (
    NOTHING,
    USER_AGENT_LENGTH,
    Browser,
    FoundVisit,
    end_visit,
    find_visit,
    start_visit,
)
from portal.web import (
    Face,
    SessionClosed,
    asked_language,
    now,
    prefer,
    scope,
    session,
    url_for,
    wear,
)

IDLE = timedelta(minutes=30)
LONGEST_COOKIE = 256


@dataclass(frozen=True, slots=True)
class Pass:
    """What the cookie says: the visit's token, when it was last seen, and the language chosen."""

    token: str
    seen_at: datetime
    language: str


def _runtime() -> Runtime:
    found: Runtime = current_app.extensions["portal"]
    return found


def keys() -> Keys:
    """The portal's secrets, for services that take them."""
    return _runtime().settings.keys


def browser() -> Browser:
    """Where this request comes from, fit to keep: headers hold whatever somebody sends."""
    address, agent = request.remote_addr or "", request.user_agent.string
    return Browser(clean_text(address[:64]), clean_text(agent[:USER_AGENT_LENGTH]))


def visit_cookie_name() -> str:
    """The cookie's name; with https one that no other host or path can set."""
    return "__Host-visit" if _secure() else "visit"


def _secure() -> bool:
    return keys().base_url.startswith("https://")


@lru_cache(8)
def _signer(with_keys: Keys) -> Signer:
    return signer(with_keys, "portal.visit.v1")


def seal_pass(held: Pass) -> str:
    """The cookie's value."""
    value = f"{held.token}.{int(held.seen_at.timestamp())}.{held.language}"
    return _signer(keys()).sign(value).decode()


def read_pass() -> Pass | None:
    """What the request's cookie says, if we signed it."""
    sealed = request.cookies.get(visit_cookie_name(), "")
    if not sealed or len(sealed) > LONGEST_COOKIE:
        return None
    try:
        value = _signer(keys()).unsign(sealed.encode("utf-8", "replace")).decode()
    except BadSignature:
        return None
    token, seen, language = value.split(".")
    return Pass(token, datetime.fromtimestamp(int(seen), UTC), language)


def admit_debtor(beside: str | None = None) -> None:
    """Let the debtor of the cookie in and scope the session to them. Raises SessionClosed.

    One statement, in which the page may read ``beside``. A visit that ended, or whose link was
    revoked, or that nobody used for half an hour is closed, with the way back to the identity
    check.
    """
    held, found = _visit(beside)
    if held is None or found is None:
        raise SessionClosed(url_for("debtor.start"))
    if not _is_open(held, found):
        _show_out(found)
    _welcome(found, held)


def recognize() -> None:
    """Show a page for anyone as the neutral sender of the debtor who reads it, if one does."""
    held, found = _visit()
    if held and found and _is_open(held, found):
        wear_neutral(found.face)
        prefer(language=held.language or found.visit.locale, country=found.face["country"])


def is_inside(opened: OpenedLink) -> bool:
    """Whether this browser has a visit open that began with this very link."""
    held, found = _visit()
    if held is None or found is None:
        return False
    return _is_open(held, found) and found.visit.link_id == opened.link.id


def _visit(beside: str | None = None) -> tuple[Pass | None, FoundVisit | None]:
    held = read_pass()
    if held is None:
        return None, None
    at = now()
    wanted = {"now": at, **(request.view_args or {})} if beside else NOTHING
    return held, find_visit(_runtime().read, held.token, now=at, beside=beside, wanted=wanted)


def _is_open(held: Pass, found: FoundVisit) -> bool:
    return found.open and now() < held.seen_at + IDLE


def _show_out(found: FoundVisit) -> None:
    wear_neutral(found.face)
    prefer(language=found.visit.locale, country=found.face["country"])
    token = token_of_id(keys(), found.public_id)
    raise SessionClosed(url_for("debtor.link", token=token))


def _welcome(found: FoundVisit, held: Pass) -> None:
    language = asked_language() or held.language or found.visit.locale
    at = now()
    scope(found.visit.client_id)
    here = g._get_current_object()
    here.visit = found.visit
    if language != found.visit.locale:
        here.visit = replace(found.visit, locale=language)
    here.beside = found.beside
    here.visit_pass = Pass(held.token, at, language)
    here.remembers_language = True
    bind("visit", held.token)
    prefer(language=language, country=found.face["country"])
    face = _face(found.face, min(at + IDLE, found.expires_at))
    logo = addresses.of_logo(request.script_root, found.visit.client_id, found.face["logo"])
    wear(replace(face, logo=logo))


def _face(client: dict[str, Any], closes_at: datetime) -> Face:
    return Face(
        sender=client["trade_name"],
        phone=client["phone"],
        hours=client["phone_hours"],
        email=client["email"],
        street_address=client["street_address"],
        brand=client["brand_color"],
        action=client["action_color"],
        time_zone=client["time_zone"],
        closes_at=closes_at,
        close_url=url_for("debtor.close"),
        stay_url=url_for("debtor.stay"),
    )


def wear_neutral(client: Client | dict[str, Any], *, help_url: str | None = None) -> None:
    """Show the page as the client's neutral sender: no creditor, no look, nothing of a debt."""
    names = ("sender_name", "phone", "phone_hours", "street_address", "time_zone")
    said = client if isinstance(client, dict) else {one: getattr(client, one) for one in names}
    wear(
        Face(
            sender=said["sender_name"],
            phone=said["phone"],
            hours=said["phone_hours"],
            street_address=said["street_address"],
            time_zone=said["time_zone"],
            help_url=help_url,
        )
    )


def let_in(opened: OpenedLink, passed: Passed) -> None:
    """Begin the visit of somebody who has just proved who they are, under a new token; commits.

    A visit that this browser still had, maybe with another client, is ended.
    """
    _, token = start_visit(session, opened, passed, browser=browser(), now=now())
    commit(session, "visits.start")
    if before := _visit()[1]:
        end_visit(session, before.visit, now=now())
        commit(session, "visits.end")
        set_tenant(session, opened.client.id)
    g.visit_pass = Pass(token, now(), asked_language() or "")


def let_out() -> None:
    """End the visit of this browser, if it has one; commits."""
    if found := _visit()[1]:
        end_visit(session, found.visit, now=now())
        commit(session, "visits.end")
    g.visit_pass = None


def give_cookie(response: Response) -> Response:
    """After each page of a debtor: the cookie with the time it was last seen, or none any more."""
    if "visit_pass" not in g:
        return response
    held: Pass | None = g.visit_pass
    given: dict[str, Any] = {"path": "/", "secure": _secure(), "httponly": True, "samesite": "Lax"}
    if held is None:
        response.delete_cookie(visit_cookie_name(), **given)
    else:
        response.set_cookie(visit_cookie_name(), seal_pass(held), **given)
    return response
