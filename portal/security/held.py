"""Forms that came when a log-in was over, or before something they need: kept, and given back."""

from urllib.parse import urlencode, urlsplit
from uuid import UUID

from flask import current_app, g, request
from werkzeug.datastructures import MultiDict

from portal.db import commit
from portal.security.forms import SAFE, bind, refuse_forgeries
from portal.security.visitors import keys
from portal.services import held_forms
from portal.services.staff import find_ended
from portal.web import CsrfRejected, now, session

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


def set_aside() -> bool:
    """Keep what was sent to a page that needs something first; whether anything is kept. Commits.

    What was kept before and only asked for again stays as it is.
    """
    if request.method in SAFE:
        return "held" in g
    return HELD in _keep(g.member.staff.id)


def let_go() -> None:
    """Forget what was kept of this page's form: it is sent. The caller commits."""
    held_forms.let_go(session, g.member.staff.id, request.path)


def _here() -> str:
    """This page's address without what was kept for it before: what came now is newer."""
    asked = [(name, value) for name, value in request.args.items(multi=True) if name != HELD]
    return f"{request.path}?{urlencode(asked)}" if asked else request.path


def _keep(staff_id: UUID) -> dict[str, str]:
    page = _here()
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
    """Have what was kept of this page's form ready for it (``web.taken_back``)."""
    form_id = request.args.get(HELD, type=UUID)
    if form_id is None or request.method not in SAFE:
        return
    found = held_forms.take_back(session, staff_id, form_id, request.path, keys(), now=now())
    if found:
        g.held = MultiDict(found)
