"""Send links to the client's debtors: first who would get one, then the button."""

from typing import Any

from flask import current_app, flash, request

from portal.blueprints.client import ADMIN, bp, current_client
from portal.blueprints.consoles import page
from portal.security import audience, current_staff, keys
from portal.services.campaigns import Campaign, CampaignReport, request_links, send_links
from portal.services.reports import campaigns, debtors_up_to
from portal.web import gettext as _
from portal.web import now, see_other, session, url_for

MOST_COUNTED = 20_000


@bp.get("/links")
@audience(ADMIN)
def links() -> Any:
    """Who would get a link now, how many are held back and why, and what was sent so far."""
    client = current_client()
    many = debtors_up_to(session, client.id, MOST_COUNTED + 1) > MOST_COUNTED
    report = _count() if "count" in request.args and not many else None
    return page(
        "client/links.html",
        section="links",
        report=report,
        many=many,
        sent=campaigns(session, client),
        zone=client.time_zone,
    )


def _count() -> CampaignReport:
    texter = current_app.extensions["portal"].texter
    campaign = Campaign(client_id=current_client().id)
    return send_links(session, campaign, keys=keys(), texter=texter, now=now(), dry_run=True)


@bp.post("/links/send")
@audience(ADMIN)
def send() -> Any:
    """Let a worker send them; each is decided again when it leaves."""
    begun = request_links(session, current_client().id, by=current_staff().id)
    session.commit()
    if begun:
        flash(_("The links are being sent. Each leaves at an hour when we may write."), "ok")
    else:
        flash(_("Links are being sent already."), "ok")
    return see_other(url_for("client.links"))
