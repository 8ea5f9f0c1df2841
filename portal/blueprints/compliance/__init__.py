"""The compliance console: is the record in order, what does it say, and who was given it."""

from flask import Blueprint, g

from portal.domain import N_
from portal.domain.access import Permission
from portal.security import may
from portal.web import Destination, url_for

bp = Blueprint("compliance", __name__, url_prefix="/compliance")

LAYOUT = "compliance/base.html"

PLACES = (
    ("state", N_("The record"), "compliance.home"),
    ("find", N_("Find"), "compliance.find"),
    ("exports", N_("Exports"), "compliance.exported"),
    ("retention", N_("Old records"), "compliance.retention"),
    ("legal-holds", N_("Legal holds"), "compliance.legal_holds"),
    ("settings", N_("Compliance mailbox"), "compliance.settings"),
    ("accounts", N_("Accounts"), "support.home"),
    ("operator", N_("Operation"), "operator.home"),
)
NEEDED = {
    "retention": Permission.KEEP_RECORDS,
    "legal-holds": Permission.KEEP_RECORDS,
    "operator": Permission.OPERATE,
}
"""What it takes to see a place that is not for everybody in this console."""


@bp.before_request
def navigate() -> None:
    """Put the console's destinations beside the page: those that its reader may open."""
    g.person = g.person.reaching(
        Destination(section=section, label=label, url=url_for(endpoint))
        for section, label, endpoint in PLACES
        if section not in NEEDED or may(NEEDED[section])
    )


from portal.blueprints.compliance import (  # noqa: E402, F401
    exports,
    finding,
    holding,
    reading,
    records,
    retention,
    settings,
    state,
)
