"""What the pages before identity share: the link of the address, whose page it is, a lock."""

from flask import abort, make_response
from werkzeug.wrappers import Response

from portal.domain.statuses import LIVE, AccountStatus
from portal.security import keys, wear_neutral
from portal.services.arrangements import arrangement_of
from portal.services.attempts import Locked, Scope
from portal.services.links import LinkState, OpenedLink, accounts_of, open_token
from portal.web import now, prefer, render, session, url_for


def opened_link(token: str) -> OpenedLink:
    """The link of a token, shown as its neutral sender's page; every other token is one 404."""
    opened = open_token(session, token, keys=keys(), now=now())
    if opened is None:
        abort(404)
    wear_neutral(opened.client, help_url=url_for("debtor.call_me", token=token))
    prefer(language=opened.link.locale, country=opened.client.country)
    return opened


def stopped(token: str, opened: OpenedLink) -> Response | None:
    """The page of a link that opens no more, or None while it does."""
    if opened.state is LinkState.LIVE:
        return None
    return make_response(render("debtor/stopped.html", token=token, opened=opened), 410)


def locked_page(locked: Locked, *, token: str | None = None) -> Response:
    """The page that asks to wait, with when, and the ways to a person."""
    shared = locked.scope is Scope.NETWORK
    page = render("debtor/locked.html", token=token, until=locked.until, shared=shared)
    wait = max(1, int((locked.until - now()).total_seconds()))
    return make_response(page, 429, {"Retry-After": str(wait)})


def home_of(opened: OpenedLink) -> str:
    """Where a verified debtor begins: at what they agreed, their one balance, or the list."""
    shown = [
        account
        for account in accounts_of(session, opened.debtor)
        if account.status != AccountStatus.RECALLED
    ]
    if len(shown) != 1:
        return "/accounts"
    here = f"/account/{shown[0].id}"
    agreed = arrangement_of(session, shown[0])
    return f"{here}/arrangement" if agreed and agreed.status in LIVE else here
