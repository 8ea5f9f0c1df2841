"""Campaigns: whom one is for, who is held back, when it begins, and what came of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, current_app, flash, request

from portal.blueprints.client import bp, current_client
from portal.blueprints.client.campaign_form import BeginForm, CampaignForm
from portal.blueprints.client.limit_words import segment_words
from portal.blueprints.consoles import attempt, because, download, page
from portal.domain import labels
from portal.domain.access import Permission
from portal.domain.outgoing import Rule
from portal.domain.pages import parts_of, text_of
from portal.domain.statuses import CampaignStatus, MoveNotAllowed
from portal.gateways.sms import Texter
from portal.i18n import LANGUAGES
from portal.models import Campaign, Channel
from portal.security import audience, current_staff, danger
from portal.services import (
    campaign_audience,
    campaign_control,
    campaign_counting,
    campaign_progress,
)
from portal.services.campaigns import wanted_by
from portal.services.message_facts import MessageFacts
from portal.services.printing import Recipient
from portal.services.reports import debtors_up_to
from portal.services.staff import names_of
from portal.web import explain, now, see_other, session, url_for
from portal.web import gettext as _
from portal.writing import write, write_letter

COLUMNS = ("reference", "rule", "reason")
OUTSIDE = ("from", "to", "date")
"""What of a letter stands above its words, by the names of its page."""


def _texter() -> Texter:
    texter: Texter = current_app.extensions["portal"].texter
    return texter


def _campaign(campaign_id: UUID) -> Campaign:
    return campaign_control.campaign_of(session, current_client().id, campaign_id)


@bp.get("/campaigns", endpoint="campaigns")
@audience(Permission.SEE_CLIENT)
def listed() -> Any:
    """The client's campaigns, the newest first."""
    client = current_client()
    before = request.args.get("before", type=UUID)
    size = campaign_progress.SHOWN
    found = campaign_progress.newest(session, client.id, before=before, size=size + 1)
    shown = found[:size]
    return page(
        "client/campaigns.html",
        section="campaigns",
        found=shown,
        states=labels.CAMPAIGNS,
        following=url_for("client.campaigns", before=shown[-1].id) if len(found) > size else None,
        zone=client.time_zone,
    )


@bp.route("/campaigns/new", methods=["GET", "POST"])
@audience(Permission.CAMPAIGN)
def new_campaign() -> Any:
    """Say whom a campaign is for: it is drawn up, and sends nothing yet."""
    client, staff = current_client(), current_staff()
    segments = campaign_audience.segments_of(session, client.id, now())
    form = CampaignForm()
    form.offer(client, segments)
    made: list[Campaign] = []

    def draw_up() -> None:
        plan = form.plan(segments)
        made.append(campaign_control.draw_up(session, client.id, plan, by=staff.id, now=now()))
        if _many():
            campaign_counting.count_soon(session, made[0])

    if form.validate_on_submit() and attempt(form, draw_up):
        return see_other(url_for("client.campaign", campaign_id=made[0].id))
    answer = page("client/new_campaign.html", section="campaigns", form=form)
    return (answer, 422) if form.errors else answer


@bp.get("/campaigns/<uuid:campaign_id>", endpoint="campaign")
@audience(Permission.SEE_CLIENT)
def shown(campaign_id: UUID) -> Any:
    """A draft with who would get it and what they read, or how far a campaign is."""
    return _page(_campaign(campaign_id), BeginForm())


def _page(campaign: Campaign, form: BeginForm) -> Any:
    client = current_client()
    wanted = wanted_by(session, campaign)
    draft = campaign.status is CampaignStatus.DRAFT
    told: dict[str, Any] = {}
    if draft:
        many = told["many"] = _many()
        told["count"] = (
            campaign_counting.kept_count(campaign)
            if many
            else campaign_audience.count(session, wanted, texter=_texter(), now=now())
        )
    else:
        told |= _how_it_goes(campaign)
    by = campaign.created_by
    answer = page(
        "client/campaign.html",
        section="campaigns",
        found=campaign,
        wanted=wanted.audience,
        by=names_of(session, [by]).get(by, "") if by else "",
        segment=segment_words(wanted.audience.segment) if wanted.audience.segment else None,
        languages=LANGUAGES,
        previews=list(_previews(campaign)) if draft else (),
        form=form,
        states=labels.CAMPAIGNS,
        last_links=labels.LAST_LINKS,
        channels=labels.CHANNELS,
        zone=client.time_zone,
        currency=client.currency,
        **told,
    )
    return (answer, 422) if form.errors else answer


def _how_it_goes(campaign: Campaign) -> dict[str, Any]:
    most = campaign_audience.SHOWN
    named = list(campaign_progress.unreached(session, campaign, size=most + 1))
    return {
        "progress": campaign_progress.progress_of(session, campaign, now=now()),
        "outcomes": campaign_progress.outcomes_of(session, campaign),
        "reasons": campaign_progress.reasons_of(session, campaign),
        "named": named[:most],
        "more": len(named) > most,
        "unnamed": {Rule.ARRANGED, Rule.REPEATED} & campaign.held.keys(),
    }


def _many() -> bool:
    """True where the client has too many debtors for a page to wait until they are counted."""
    most = campaign_counting.AT_ONCE
    return debtors_up_to(session, current_client().id, most + 1) > most


def _previews(campaign: Campaign) -> Iterator[tuple[str, Any, Any, str | None]]:
    """What is read in each language: its name, the email, the text and the letter that may go."""
    client = current_client()
    spoken = wanted_by(session, campaign).audience.languages or tuple(client.languages)
    texts = client.sms_enabled and not campaign.email_only
    for code in spoken:
        email, text = (write(_facts(campaign, code, one)) for one in (Channel.EMAIL, Channel.SMS))
        letter = _letter(campaign, code) if campaign.letters else None
        yield LANGUAGES[code], email, text if texts else None, letter


def _letter(campaign: Campaign, language: str) -> str:
    """The words of a letter, as they stand on paper below the address."""
    facts = replace(_facts(campaign, language, Channel.LETTER), link_code="····-····")
    to, today = Recipient(("…",)), now().date()
    parts = parts_of(write_letter(facts, to, today, base_url=request.host_url.rstrip("/")))
    return "\n\n".join(text_of(one["runs"]) for one in parts if one.get("class") not in OUTSIDE)


def _facts(campaign: Campaign, language: str, channel: Channel) -> MessageFacts:
    client = current_client()
    until = (now() + timedelta(days=client.link_days)).date()
    return MessageFacts(
        template=campaign.template,
        channel=channel,
        language=language,
        country=client.country,
        sender=client.sender_name,
        street_address=client.street_address,
        phone=client.phone,
        private=False,
        link_url=f"{request.host_url}l/…",
        link_until=until,
        unsubscribe_url=f"{request.host_url}…" if channel is Channel.EMAIL else None,
        values={},
        zone=client.time_zone,
    )


@bp.get("/campaigns/<uuid:campaign_id>/held-back.csv")
@audience(Permission.EXPORT)
@danger
def held_back_file(campaign_id: UUID) -> Response:
    """Whom a draft would hold back now, or whom a campaign did not reach, with the reason."""
    return download("held-back.csv", COLUMNS, _lines(_campaign(campaign_id)))


def _lines(campaign: Campaign) -> Iterator[list[object]]:
    if campaign.status is CampaignStatus.DRAFT:
        wanted = wanted_by(session, campaign)
        found = campaign_audience.every_excluded(session, wanted, texter=_texter(), now=now())
    else:
        found = campaign_progress.unreached(session, campaign)
    for one in found:
        yield [one.reference, one.rule, because(one.rule)]


@bp.route("/campaigns/<uuid:campaign_id>/schedule", methods=["GET", "POST"])
@audience(Permission.CAMPAIGN)
@danger
def schedule_campaign(campaign_id: UUID) -> Any:
    """Begin it now, or at a day and time of the client's zone."""
    campaign, form, staff = _campaign(campaign_id), BeginForm(), current_staff()
    at_once = "now" in request.form

    def schedule() -> None:
        at = None if at_once else form.at(current_client())
        campaign_control.schedule(session, campaign, at, by=staff.id, now=now())

    if form.validate_on_submit() and attempt(form, schedule):
        told = _("The campaign begins. Each message leaves at an hour when we may write.")
        flash(told if at_once else _("The campaign is scheduled."), "ok")
        return see_other(url_for("client.campaign", campaign_id=campaign_id))
    if (found := _campaign(campaign_id)).status is CampaignStatus.DRAFT:
        return _page(found, form)
    flash(explain(MoveNotAllowed()), "err")
    return see_other(url_for("client.campaign", campaign_id=campaign_id))


@bp.post("/campaigns/<uuid:campaign_id>/pause")
@audience(Permission.CAMPAIGN)
def pause_campaign(campaign_id: UUID) -> Any:
    """Let nothing leave until it goes on."""
    told = _("Paused. Nothing leaves until you let it go on.")
    return _done(campaign_id, campaign_control.pause, told)


@bp.post("/campaigns/<uuid:campaign_id>/resume")
@audience(Permission.CAMPAIGN)
def resume_campaign(campaign_id: UUID) -> Any:
    """Let it go on."""
    return _done(campaign_id, campaign_control.resume, _("The campaign goes on."))


@bp.post("/campaigns/<uuid:campaign_id>/stop")
@audience(Permission.CAMPAIGN)
def stop_campaign(campaign_id: UUID) -> Any:
    """End it for good: what has not left never leaves."""
    told = _("Stopped. What was not sent is not sent.")
    return _done(campaign_id, campaign_control.stop, told)


@bp.post("/campaigns/<uuid:campaign_id>/count")
@audience(Permission.CAMPAIGN)
def count_campaign(campaign_id: UUID) -> Any:
    """Let a worker count again who would get a draft."""

    def count_again(_session: object, campaign: Campaign, **_by: object) -> None:
        campaign_counting.count_soon(session, campaign)

    return _done(campaign_id, count_again, _("We are counting. Look again in a moment."))


def _done(campaign_id: UUID, act: Callable[..., object], told: str) -> Any:
    campaign, staff = _campaign(campaign_id), current_staff()
    try:
        act(session, campaign, by=staff.id, now=now())
    except MoveNotAllowed as refused:
        session.rollback()
        flash(explain(refused), "err")
    else:
        session.commit()
        flash(told, "ok")
    return see_other(url_for("client.campaign", campaign_id=campaign_id))
