"""The support console: find an account, see what happened, help."""

from collections.abc import Iterator

from flask import Blueprint, g

from portal.blueprints.support.naming import TITLES
from portal.db import commit
from portal.domain import N_
from portal.domain.access import Permission
from portal.security import by_itself, current_staff, may
from portal.services import call_sessions
from portal.services.queues import UNCOUNTED, counts
from portal.web import Destination, now, session, url_for

bp = Blueprint("support", __name__, url_prefix="/support")


@bp.before_request
def navigate() -> None:
    """Put the console's destinations beside the page, with how much waits in each."""
    if not by_itself() and call_sessions.keep_up(session, current_staff(), now=now()):
        commit(session, "call_sessions.keep_up")
    g.waiting = UNCOUNTED if by_itself() else counts(session)  # a panel shows no numbers
    links = (
        ("search", N_("Search"), url_for("support.home"), 0),
        *(
            (str(one), title, url_for("support.queue", kind=one), g.waiting.waiting[one])
            for one, title in TITLES.items()
        ),
        ("printing", N_("Letters"), url_for("support.letters"), g.waiting.letters),
        *_beside(),
    )
    g.section = "search"  # of every page that is in no queue
    g.person = g.person.reaching(
        Destination(section=section, label=label, url=url, count=count)
        for section, label, url, count in links
    )


def _beside() -> Iterator[tuple[str, str, str, int]]:
    places = (
        (Permission.SUPERVISE, "resend", N_("Send links again"), "support.resend"),
        (Permission.EXAMINE, "record", N_("The record"), "compliance.home"),
        (Permission.OPERATE, "operator", N_("Operation"), "operator.home"),
    )
    for needed, section, label, endpoint in places:
        if may(needed):
            yield section, label, url_for(endpoint), 0


from portal.blueprints.support import (  # noqa: E402, F401
    accounts,
    addresses,
    callers,
    calling,
    changing,
    charges,
    closing,
    contacting,
    corrections,
    counter,
    diagnosing,
    holds,
    letters,
    linking,
    looking,
    marks,
    messages,
    notes,
    past,
    phone_payments,
    proposals,
    questions,
    queues,
    refunds,
    requests,
    resending,
    second_looks,
    wishes,
)
