"""The operator's console: clients, staff, jobs, provider settings, lock-outs, and who did what."""

from flask import Blueprint, g

from portal.domain import N_
from portal.web import Destination, url_for

bp = Blueprint("operator", __name__, url_prefix="/operator")

LAYOUT = "operator/base.html"

PLACES = (
    ("clients", N_("Clients"), "operator.home"),
    ("team", N_("Staff"), "staff.team"),
    ("roles", N_("Roles"), "operator.roles"),
    ("health", N_("Jobs and messages"), "operator.health"),
    ("lock-outs", N_("Lock-outs"), "operator.lock_outs"),
    ("settings", N_("Settings"), "operator.settings"),
    ("events", N_("What staff did"), "operator.events"),
    ("accounts", N_("Accounts"), "support.home"),
    ("record", N_("The record"), "compliance.home"),
)


@bp.before_request
def navigate() -> None:
    """Put the console's destinations beside the page."""
    g.person = g.person.reaching(
        Destination(section=section, label=label, url=url_for(endpoint))
        for section, label, endpoint in PLACES
    )


from portal.blueprints.operating import (  # noqa: E402, F401
    clients,
    events,
    health,
    locking,
    roles,
    settings,
)
