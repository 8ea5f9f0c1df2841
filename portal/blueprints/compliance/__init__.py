"""The compliance console: is the record in order, what does it say, and who was given it."""

from flask import Blueprint, g

from portal.domain import N_
from portal.web import Destination, url_for

bp = Blueprint("compliance", __name__, url_prefix="/compliance")

LAYOUT = "compliance/base.html"

PLACES = (
    ("state", N_("The record"), "compliance.home"),
    ("find", N_("Find"), "compliance.find"),
    ("exports", N_("Exports"), "compliance.exported"),
    ("settings", N_("Compliance mailbox"), "compliance.settings"),
    ("accounts", N_("Accounts"), "support.home"),
)


@bp.before_request
def navigate() -> None:
    """Put the console's destinations beside the page."""
    g.person = g.person.reaching(
        Destination(section=section, label=label, url=url_for(endpoint))
        for section, label, endpoint in PLACES
    )


from portal.blueprints.compliance import (  # noqa: E402, F401
    exports,
    finding,
    reading,
    records,
    settings,
    state,
)
