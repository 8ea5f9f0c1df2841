"""Send links again to many: who gets one, who is held back and by what, and how far it is."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from flask import abort, flash
from sqlalchemy import select
from wtforms import DateField, RadioField, SelectChoice, SelectField  # type: ignore[attr-defined]
from wtforms.validators import Optional

from portal.blueprints.consoles import attempt, options, page
from portal.blueprints.support import bp
from portal.blueprints.support.sending import texter
from portal.domain import N_, labels
from portal.domain.access import Permission
from portal.domain.audience import Audience, LastLink
from portal.domain.statuses import CampaignStatus, MoveNotAllowed
from portal.models import Campaign, Channel, Client
from portal.security import audience, current_staff, danger
from portal.services import (
    campaign_audience,
    campaign_control,
    campaign_counting,
    campaign_progress,
)
from portal.services.campaign_control import Plan
from portal.services.campaigns import wanted_by
from portal.services.reports import debtors_up_to
from portal.web import Form, explain, now, see_other, session, url_for
from portal.web import gettext as _

ANY = ""


class ResendForm(Form):
    """Whose newest link is looked for."""

    client = SelectField(N_("Client"))
    state = RadioField(
        N_("What became of their newest link?"),
        choices=options(labels.LAST_LINKS),
        default="expired",
    )
    channel = SelectField(
        N_("How it went"),
        choices=[
            SelectChoice(ANY, N_("Any way")),
            *(SelectChoice(one, labels.CHANNELS[one]) for one in Channel),
        ],
    )
    before = DateField(
        N_("Made before this day"), [Optional()], description=N_("Leave it empty for any day.")
    )

    def audience(self) -> Audience:
        """The filter as chosen."""
        chosen: date | None = self.before.data
        return Audience(
            last_link=LastLink(self.state.data),
            last_channel=Channel(self.channel.data) if self.channel.data else None,
            last_before=chosen,
        )


@bp.route("/resend", methods=["GET", "POST"])
@audience(Permission.SUPERVISE)
def resend() -> Any:
    """Choose whose links are sent again; who that is is counted before anything leaves."""
    form, made = ResendForm(), list[Campaign]()
    mine = Client.id.in_(session.info["client_ids"])
    seen = session.scalars(select(Client).where(mine).order_by(Client.trade_name))
    form.client.choices = [SelectChoice(str(one.id), one.trade_name) for one in seen]

    def do() -> None:
        client_id, by = UUID(form.client.data), current_staff().id
        plan = Plan(name=_("Links sent again"), audience=form.audience())
        made.append(campaign_control.draw_up(session, client_id, plan, by=by, now=now()))
        if _many(client_id):
            campaign_counting.count_soon(session, made[0])

    if form.validate_on_submit() and attempt(form, do):
        return see_other(url_for("support.resent", campaign_id=made[0].id))
    answer = page("support/resend.html", section="resend", form=form)
    return (answer, 422) if form.errors else answer


def _many(client_id: UUID) -> bool:
    """True where the client has too many debtors for a page to wait until they are counted."""
    most = campaign_counting.AT_ONCE
    return debtors_up_to(session, client_id, most + 1) > most


def _campaign(campaign_id: UUID) -> Campaign:
    """A sending of this page; a client's own campaigns are on the client's pages."""
    mine = Campaign.client_id.in_(session.info["client_ids"])
    found = session.scalars(select(Campaign).where(mine, Campaign.id == campaign_id)).one()
    if "last_link" not in found.audience:
        abort(404)
    return found


@bp.get("/resend/<uuid:campaign_id>")
@audience(Permission.SUPERVISE)
def resent(campaign_id: UUID) -> Any:
    """Who would get a link and who is held back by which rule; afterwards, how far it is."""
    found = _campaign(campaign_id)
    client = session.get_one(Client, found.client_id)
    draft = found.status is CampaignStatus.DRAFT
    return page(
        "support/resent.html",
        section="resend",
        found=found,
        client=client,
        wanted=wanted_by(session, found).audience,
        states=labels.LAST_LINKS,
        statuses=labels.CAMPAIGNS,
        channels=labels.CHANNELS,
        zone=client.time_zone,
        **(_count(found) if draft else _how_it_goes(found)),
    )


def _count(found: Campaign) -> dict[str, Any]:
    if _many(found.client_id):
        return {"count": campaign_counting.kept_count(found)}
    wanted = wanted_by(session, found)
    return {"count": campaign_audience.count(session, wanted, texter=texter(), now=now())}


def _how_it_goes(found: Campaign) -> dict[str, Any]:
    most = campaign_audience.SHOWN
    return {
        "progress": campaign_progress.progress_of(session, found, now=now()),
        "outcomes": campaign_progress.outcomes_of(session, found),
        "named": list(campaign_progress.unreached(session, found, size=most)),
    }


@bp.post("/resend/<uuid:campaign_id>/begin")
@audience(Permission.SUPERVISE)
@danger
def begin_resending(campaign_id: UUID) -> Any:
    """Let a worker send them, a batch at a time; each is asked about once more then."""
    found, by = _campaign(campaign_id), current_staff().id
    return _done(
        found,
        lambda: campaign_control.schedule(session, found, None, by=by, now=now()),
        _("The links are being sent. Each leaves at an hour when we may write."),
    )


@bp.post("/resend/<uuid:campaign_id>/stop")
@audience(Permission.SUPERVISE)
def stop_resending(campaign_id: UUID) -> Any:
    """Send no more of them: what has not left never leaves."""
    found, by = _campaign(campaign_id), current_staff().id
    return _done(
        found,
        lambda: campaign_control.stop(session, found, by=by, now=now()),
        _("Stopped. What was not sent is not sent."),
    )


def _done(found: Campaign, act: Callable[[], object], told: str) -> Any:
    here = url_for("support.resent", campaign_id=found.id)
    try:
        act()
    except MoveNotAllowed as refused:
        session.rollback()
        flash(explain(refused), "err")
    else:
        session.commit()
        flash(told, "ok")
    return see_other(here)
