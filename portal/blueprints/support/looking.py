"""See what they see: a debtor's own pages, in their language, in which nothing can be done."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import flask
from flask import abort, current_app, g
from werkzeug.exceptions import HTTPException

from portal import addresses
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.db import commit
from portal.domain import N_
from portal.domain.access import Permission
from portal.models import Account, Client, Debtor
from portal.runtime import Runtime
from portal.security import audience, current_staff
from portal.services import looking
from portal.services.standing import zone_of
from portal.web import (
    Face,
    Preview,
    locale,
    now,
    prefer,
    say,
    scope,
    session,
    show_as_preview,
    wear,
)
from portal.web import gettext as _

PAGES = {
    "balance": ("debtor.account", N_("Balance")),
    "accounts": ("debtor.accounts", N_("Accounts")),
    "plan": ("debtor.plan", N_("Choose a plan")),
    "part": ("debtor.part", N_("Pay a part")),
    "agreement": ("debtor.arrangement", N_("Agreement")),
    "proposal": ("debtor.proposal", N_("Proposal")),
    "messages": ("debtor.messages", N_("Thread")),
    "preferences": ("debtor.preferences", N_("How we contact them")),
    "history": ("debtor.history", N_("What happened")),
}
"""The pages that staff may look at: each with the debtor's own view, and what staff call it."""

OF_ALL = ("debtor.accounts", "debtor.preferences")
"""Those about no one account."""

NOWHERE = "#main"
ELSEWHERE = re.compile(r'href="/(?!support/|static/|theme/)[^"]*"')
FORM, CONTROL = re.compile(r"<form\b[^>]*>"), re.compile(r"<(button|input|select|textarea)\b")
SENDS = re.compile(r' (?:form|formaction|formnovalidate)(?:="[^"]*")?(?=[ >])')
TOKEN = re.compile(r'<input\b[^>]*name="csrf_token"[^>]*>')


@dataclass(frozen=True, slots=True)
class Look(Preview):
    """A debtor's page as staff look at it, with its banner in their own ``language``."""

    says: str = ""
    ends: str = ""
    language: str = ""


@bp.get("/accounts/<uuid:account_id>/as-debtor/<name>")
@audience(Permission.SEE_ACCOUNTS)
def look(account_id: UUID, name: str) -> Any:
    """One page as the debtor sees it; that somebody looked is on the record before it is shown."""
    account = open_account(account_id)
    if name not in PAGES:
        abort(404)
    client = session.get_one(Client, account.client_id)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    looking.look(session, account, name, staff=current_staff(), now=now())
    commit(session, "staff.looked")
    banner = _banner(account)
    scope(account.client_id)
    looking.only_read(session)
    _dress(client, debtor)
    show_as_preview(banner, lambda endpoint: _leads(account, endpoint))
    return _page_of(account, PAGES[name][0])


def _banner(account: Account) -> Look:
    """What staff read above the page, in their own language."""
    return Look(
        note=_("Account %(reference)s, as the debtor sees it", reference=account.reference),
        says=_("Nothing can be pressed or sent here. The debtor can read that you looked."),
        ends=_("Back to the account"),
        back=flask.url_for("support.account", account_id=account.id),
        others=tuple((_here(account, page), say(words)) for page, (_view, words) in PAGES.items()),
        language=locale().replace("_", "-"),
    )


def _here(account: Account, page: str) -> str:
    return flask.url_for("support.look", account_id=account.id, name=page)


def _dress(client: Client, debtor: Debtor) -> None:
    """The debtor's face of their client, in the debtor's language."""
    prefer(language=debtor.language, country=client.country)
    g.person = None
    wear(
        Face(
            sender=client.trade_name,
            phone=client.phone,
            hours=client.phone_hours,
            email=client.email,
            street_address=client.street_address,
            brand=client.brand_color,
            action=client.action_color,
            logo=addresses.of_logo(flask.request.script_root, client.id, client.logo),
            time_zone=zone_of(debtor),
            help_url=NOWHERE,
        )
    )


def _leads(account: Account, endpoint: str) -> str | None:
    """Where the link to a debtor's page goes instead: to the same page here, or nowhere."""
    place = endpoint.removeprefix("debtor")
    if not place.startswith(".") and not endpoint.startswith("public."):
        return None
    known = {view.removeprefix("debtor"): page for page, (view, _words) in PAGES.items()}
    return _here(account, known[place]) if place in known else NOWHERE


def _page_of(account: Account, endpoint: str) -> Any:
    """What the debtor's own view answers to somebody who only reads, with all of it still."""
    runtime: Runtime = current_app.extensions["portal"]
    view: Any = current_app.view_functions[endpoint]
    g.visit = looking.reader(account, locale=locale()[:2], now=now())
    wanted = {} if endpoint in OF_ALL else {"account_id": account.id}
    if view.audience.beside:
        given = {"now": now(), **wanted}
        g.beside = looking.read_as(runtime.read, g.visit, view.audience.beside, given)
    try:
        answer = current_app.make_response(view(**wanted))
    except HTTPException as stopped:
        if stopped.response is None:
            raise
        answer = current_app.make_response(stopped.response)
    if answer.location == NOWHERE:  # the debtor is sent to where staff do not go
        abort(404)
    answer.set_data(_still(answer.get_data(as_text=True)))
    return answer


def _still(html: str) -> str:
    """The page without any form, its controls switched off, its own addresses leading nowhere."""
    html = TOKEN.sub("", ELSEWHERE.sub(f'href="{NOWHERE}"', html))
    html = FORM.sub("<div>", html).replace("</form>", "</div>")
    return CONTROL.sub(r"<\1 disabled", SENDS.sub("", html))
