"""The client console: a client's own accounts, offer limits and money."""

from flask import Blueprint, g

from portal.domain import N_
from portal.domain.access import Permission
from portal.models import Client
from portal.security import may
from portal.web import Destination, Face, prefer, session, url_for, wear

bp = Blueprint("client", __name__, url_prefix="/client")

PLACES = (
    ("accounts", N_("Accounts"), "client.home", Permission.SEE_CLIENT),
    ("placements", N_("Placements"), "client.placements", Permission.SEE_CLIENT),
    ("offers", N_("Offers"), "client.offers", Permission.SEE_CLIENT),
    ("campaigns", N_("Campaigns"), "client.campaigns", Permission.SEE_CLIENT),
    ("money", N_("Money"), "client.money", Permission.SEE_CLIENT),
    ("branding", N_("Branding"), "client.branding", Permission.BRAND),
)


@bp.before_request
def navigate() -> None:
    """Show the page as the client's own, with where its reader may go."""
    client_id = session.info["client_ids"][0]
    g.client = session.get_one(Client, client_id)
    prefer(country=g.client.country)
    wear(Face(sender=g.client.trade_name, time_zone=g.client.time_zone))
    g.person = g.person.reaching(
        Destination(section=section, label=label, url=url_for(endpoint))
        for section, label, endpoint, needed in PLACES
        if may(needed)
    )


def current_client() -> Client:
    """The client whose people read this page."""
    client: Client = g.client
    return client


from portal.blueprints.client import (  # noqa: E402, F401
    accounts,
    branding,
    campaigns,
    limit_checking,
    limit_drafts,
    limits,
    money,
    money_limits,
    placements,
    preview,
    rehearsing,
)
