"""Forms that need something first: what was typed is kept, and offered until it is sent."""

from dataclasses import dataclass
from datetime import datetime

from flask import flash
from werkzeug.wrappers import Response

from portal.addresses import fill
from portal.domain import N_
from portal.models import Account
from portal.security import current_staff
from portal.security.held import HELD, set_aside
from portal.services import held_forms
from portal.web import gettext as _
from portal.web import now, see_other, session, url_for

PAGES = {
    "support.correct": N_("Correct who this person is"),
    "support.new_address": N_("Add an address"),
    "support.payment_link": N_("Send a page to pay on"),
    "support.change_plan": N_("Move or skip a payment"),
}
"""They open only while the personal data shows, or while somebody who is known is on the line."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """What was typed into a form of an account and not sent; ``url`` has the form with it."""

    title: str
    url: str
    typed_at: datetime
    until: datetime


def first(to: str) -> Response:
    """Send who opens a form to what it needs first; what they typed is kept, and they are told."""
    if set_aside():
        flash(
            _(
                "What you typed has NOT been sent. It is kept for you: the page of the account"
                " leads back to it."
            ),
            "warn",
        )
    return see_other(to)


def ask_who(account: Account) -> Response:
    """Ask first who is on the line about an account."""
    return first(url_for("support.caller", account_id=account.id))


def unsent_of(account: Account) -> list[Unsent]:
    """What whoever reads this page typed about an account and can go on with."""
    pages = {fill("", name, {"account_id": account.id}): title for name, title in PAGES.items()}
    kept = held_forms.kept_for(session, current_staff().id, pages, now=now())
    return [
        Unsent(pages[path], f"{path}?{HELD}={one.id}", one.held_at, one.held_at + held_forms.KEPT)
        for path, one in kept.items()
    ]
