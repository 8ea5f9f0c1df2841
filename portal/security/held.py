"""Forms that came when a log-in was over, or had to be proved: kept, and given back after it."""

from urllib.parse import urlsplit
from uuid import UUID

from flask import current_app, flash, g, request
from werkzeug.datastructures import MultiDict

from portal.db import commit
from portal.security.forms import SAFE, bind, refuse_forgeries
from portal.security.visitors import keys
from portal.services import held_forms
from portal.services.staff import find_ended
from portal.web import CsrfRejected, now, session
from portal.web import gettext as _

HELD = "held"


def keep_over_log_in(token: str) -> dict[str, str]:
    """Keep a form that came after the log-in of this token was over; the way back to its page.

    Only a form of our own page, sent by a browser that was logged in, is kept. Commits.
    """
    over = find_ended(session, token) if token else None
    if over is None:
        return {}
    bind("staff", str(over.id))
    try:
        refuse_forgeries()
    except CsrfRejected:
        return {}
    return _keep(over.staff_id)


NEVER = frozenset({"support.on_the_line"})
"""Pages whose forms are not kept: what a caller answered is in no row."""


def keep_over_proof(staff_id: UUID) -> dict[str, str]:
    """Keep the form of somebody who must first prove who they are; the way back. Commits."""
    return _keep(staff_id)


def _keep(staff_id: UUID) -> dict[str, str]:
    page = request.full_path.rstrip("?")
    if not _can_be_opened(request.path):
        return {"next": urlsplit(request.referrer or "").path or "/console"}
    if not request.form or request.endpoint in NEVER:
        return {"next": page}
    typed = request.form.items(multi=True)
    held = held_forms.hold(session, staff_id, request.path, typed, keys(), now=now())
    commit(session, "staff.form_held")
    return {"next": page} | ({HELD: str(held)} if held else {})


def _can_be_opened(path: str) -> bool:
    adapter = current_app.url_map.bind_to_environ(request.environ)
    return adapter.test(path, method="GET")


def give_back(staff_id: UUID) -> None:
    """Put what was kept of this page's form back into it, and say that it was not sent."""
    form_id = request.args.get(HELD, type=UUID)
    if form_id is None or request.method not in SAFE:
        return
    found = held_forms.take_back(session, staff_id, form_id, request.path, keys(), now=now())
    if found:
        g.held = MultiDict(found)
        flash(_("What you typed is back in the form. It has NOT been sent yet."), "warn")
