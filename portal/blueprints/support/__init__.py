"""The support console: find an account, see what happened, help."""

from flask import Blueprint, g

from portal.blueprints.consoles import EXAMINERS
from portal.domain import N_
from portal.security import current_staff
from portal.services.letter_batches import how_many_wait
from portal.services.queues import counts
from portal.services.waiting_looks import how_many_look
from portal.web import Destination, session, url_for

bp = Blueprint("support", __name__, url_prefix="/support")


@bp.before_request
def navigate() -> None:
    """Put the console's destinations beside the page, with how much waits in each."""
    waiting = counts(session)
    links = (
        ("search", N_("Search"), "support.home", 0),
        ("proposals", N_("Proposals"), "support.proposals", waiting.proposals),
        ("requests", N_("Help requests"), "support.requests", waiting.requests),
        ("calls", N_("Calls and texts"), "support.calls", waiting.calls),
        ("questions", N_("Money questions"), "support.questions", waiting.questions),
        ("second_looks", N_("Second person"), "support.second_looks", how_many_look(session)),
        ("letters", N_("Letters"), "support.letters", how_many_wait(session)),
        *([("record", N_("The record"), "compliance.home", 0)] if _examines() else ()),
    )
    g.person = g.person.reaching(
        Destination(section=section, label=label, url=url_for(endpoint), count=count)
        for section, label, endpoint, count in links
    )


def _examines() -> bool:
    return current_staff().role in EXAMINERS


from portal.blueprints.support import (  # noqa: E402, F401
    accounts,
    calling,
    closing,
    contacting,
    counter,
    holds,
    letters,
    linking,
    proposals,
    questions,
    queues,
    refunds,
    second_looks,
    wishes,
)
