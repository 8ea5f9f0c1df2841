"""The support console: find an account, see what happened, help."""

from flask import Blueprint, g

from portal.blueprints.support.naming import TITLES
from portal.domain import N_
from portal.domain.access import Permission
from portal.security import may
from portal.services.queues import counts
from portal.web import Destination, session, url_for

bp = Blueprint("support", __name__, url_prefix="/support")


@bp.before_request
def navigate() -> None:
    """Put the console's destinations beside the page, with how much waits in each."""
    g.waiting = counts(session)
    links = (
        ("search", N_("Search"), url_for("support.home"), 0),
        *(
            (str(one), title, url_for("support.queue", kind=one), g.waiting.waiting[one])
            for one, title in TITLES.items()
        ),
        ("letters", N_("Letters"), url_for("support.letters"), g.waiting.letters),
        *_beside(),
    )
    g.person = g.person.reaching(
        Destination(section=section, label=label, url=url, count=count)
        for section, label, url, count in links
    )


def _beside() -> tuple[tuple[str, str, str, int], ...]:
    if not may(Permission.EXAMINE):
        return ()
    return (("record", N_("The record"), url_for("compliance.home"), 0),)


from portal.blueprints.support import (  # noqa: E402, F401
    accounts,
    calling,
    closing,
    contacting,
    holds,
    letters,
    linking,
    past,
    proposals,
    questions,
    queues,
    refunds,
    requests,
    wishes,
)
