"""What happened on your account: every leaf that a debtor reads, in their own words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import abort, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.common import refuse_copies, show, welcome
from portal.i18n import voice
from portal.security import audience, current_visit
from portal.services.balance import read_with
from portal.services.evidence import account_leaves
from portal.services.timeline.debtor import OWN, Line, happened
from portal.services.timeline.wording import Words
from portal.web import locale, now, session, url_for

ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day of the debtor's calendar, the last thing first."""

    on: date
    lines: Sequence[Line]


@bp.get("/account/<uuid:account_id>/history")
@audience("debtor")
def history(account_id: UUID) -> ResponseReturnValue:
    """What happened on the account, newest first; a hold that forbids to show the debt leaves it.

    It is kept back only where it is doubtful that the reader is the debtor, as copies are.
    """
    found = read_with(session, current_visit(), account_id, OWN, now=now())
    if found is None:
        abort(404)
    view, own = found
    welcome(view)
    refuse_copies(view)
    lines = happened(view.account, account_leaves(session, view.account), own or ())
    first = _first(lines)
    return show(
        "debtor/history.html",
        view,
        days=[*_days(lines[first : first + ON_A_PAGE], view.zone)],
        said=said,
        **_pages(account_id, lines, first),
    )


def _first(lines: Sequence[Line]) -> int:
    """Where the page begins: with the newest line before the one that the address names."""
    before = request.args.get("before", type=int)
    if before is None:
        return 0
    return next((at for at, line in enumerate(lines) if line.n < before), 0)


def _pages(account_id: UUID, lines: Sequence[Line], first: int) -> dict[str, Any]:
    """The ways to what came later and to what came earlier; None where there is nothing."""
    to = {"account_id": account_id}
    later = earlier = None
    if first:
        newer = first - ON_A_PAGE
        before = {"before": lines[newer - 1].n} if newer > 0 else {}
        later = url_for(".history", **to, **before)
    if first + ON_A_PAGE < len(lines):
        earlier = url_for(".history", **to, before=lines[first + ON_A_PAGE - 1].n)
    return {"later": later, "earlier": earlier}


def _days(lines: Iterable[Line], zone: str) -> Iterable[Day]:
    here = ZoneInfo(zone)
    for day, of_it in groupby(lines, lambda line: line.at.astimezone(here).date()):
        yield Day(day, [*of_it])


def said(words: Words) -> Markup:
    """A sentence in the page's language; a reference in it stays in one piece."""
    speaker = voice(locale())
    params = {
        name: said(value)
        if isinstance(value, Words)
        else Markup('<bdi class="one">{}</bdi>').format(value)
        if name == "reference"
        else speaker.spell(value)
        for name, value in words.params.items()
    }
    return Markup(speaker.lookup(words.message)) % params  # noqa: S704 - what fills it is escaped
