"""The support console: find an account, see what happened, help."""

from flask import Blueprint, g

from portal.db import commit
from portal.domain import N_
from portal.domain.access import Permission
from portal.security import by_itself, current_staff, may
from portal.services import call_sessions
from portal.services.letter_batches import how_many_wait
from portal.services.queues import counts
from portal.web import Destination, now, session, url_for

bp = Blueprint("support", __name__, url_prefix="/support")


@bp.before_request
def navigate() -> None:
    """Put the console's destinations beside the page, with how much waits in each."""
    if not by_itself() and call_sessions.keep_up(session, current_staff(), now=now()):
        commit(session, "call_sessions.keep_up")
    waiting = counts(session)
    links = (
        ("search", N_("Search"), "support.home", 0),
        ("proposals", N_("Proposals"), "support.proposals", waiting.proposals),
        ("requests", N_("Help requests"), "support.requests", waiting.requests),
        ("calls", N_("Calls and texts"), "support.calls", waiting.calls),
        ("questions", N_("Money questions"), "support.questions", waiting.questions),
        ("letters", N_("Letters"), "support.letters", how_many_wait(session)),
        *([("resend", N_("Send links again"), "support.resend", 0)] if _supervises() else ()),
        *([("record", N_("The record"), "compliance.home", 0)] if may(Permission.EXAMINE) else ()),
        *([("operator", N_("Operation"), "operator.home", 0)] if may(Permission.OPERATE) else ()),
    )
    g.person = g.person.reaching(
        Destination(section=section, label=label, url=url_for(endpoint), count=count)
        for section, label, endpoint, count in links
    )


def _supervises() -> bool:
    return may(Permission.SUPERVISE)


from portal.blueprints.support import (  # noqa: E402, F401
    accounts,
    addresses,
    callers,
    calling,
    changing,
    closing,
    contacting,
    corrections,
    holds,
    letters,
    linking,
    marks,
    messages,
    notes,
    phone_payments,
    proposals,
    questions,
    queues,
    refunds,
    resending,
    wishes,
)
