"""What a client's admin does with a campaign: draw it up, schedule, pause, go on, stop (RT-02)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.audience import EVERYBODY, Audience, to_json
from portal.domain.evidence import format_time
from portal.domain.statuses import CampaignStatus, MessageStatus, MoveNotAllowed, move
from portal.jobs import enqueue
from portal.models import Campaign, Client, Message, fresh_id
from portal.services import evidence
from portal.services.evidence import Payload

TEMPLATE = "link"
LONGEST_NAME = 120
FURTHEST = timedelta(days=366)
"""How far ahead a campaign may begin: limits and audiences change."""
OPEN = (CampaignStatus.SCHEDULED, CampaignStatus.RUNNING, CampaignStatus.PAUSED)
WAITING = (MessageStatus.QUEUED, MessageStatus.DEFERRED)


class NameMissing(DomainError):
    """A campaign without a name cannot be told from others."""

    message = N_("Give the campaign a name.")


class TimePast(DomainError):
    """A campaign cannot begin before now."""

    message = N_("Choose a time that is still to come.")


class TimeTooFar(DomainError):
    """A campaign begins within a year."""

    message = N_("Choose a time within the next year.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a campaign is to be: whom it is for, how, and how fast; ``per_minute`` None: at once.

    ``letters``: who can be reached in no other way gets one.
    """

    name: str
    audience: Audience = EVERYBODY
    email_only: bool = False
    letters: bool = False
    per_minute: int | None = None


def draw_up(  # noqa: PLR0913
    session: Session,
    client_id: UUID,
    plan: Plan,
    *,
    by: UUID | None,
    now: datetime,
    at: datetime | None = None,
) -> Campaign:
    """Write down a campaign; ``by`` is staff. Raises NameMissing.

    It sends nothing yet, but where ``at`` says when it begins: then the caller has its messages
    written.
    """
    name = plan.name.strip()[:LONGEST_NAME]
    if not name:
        raise NameMissing
    campaign = Campaign(
        client_id=client_id,
        id=fresh_id(),
        name=name,
        audience=to_json(plan.audience),
        template=TEMPLATE,
        email_only=plan.email_only,
        letters=plan.letters,
        status=CampaignStatus.SCHEDULED if at else CampaignStatus.DRAFT,
        scheduled_at=at,
        per_minute=plan.per_minute,
        created_by=by,
        created_at=now,
    )
    session.add(campaign)
    _tell(session, campaign, "campaign.drawn_up", by, now, **_said(campaign))
    return campaign


def schedule(
    session: Session, campaign: Campaign, at: datetime | None, *, by: UUID | None, now: datetime
) -> None:
    """Let a draft begin at an instant, or as soon as a worker is free where ``at`` is None.

    The caller commits. Raises TimePast, TimeTooFar, MoveNotAllowed.
    """
    if at is not None and at <= now:
        raise TimePast
    if at is not None and at - now > FURTHEST:
        raise TimeTooFar
    if lock(session, campaign).status is not CampaignStatus.DRAFT:
        raise MoveNotAllowed
    _move(session, campaign, CampaignStatus.SCHEDULED)
    campaign.scheduled_at, campaign.cut_off_at = at or now, None
    told = {"at": format_time(at or now)}
    _tell(session, campaign, "campaign.scheduled", by, now, **told)
    send_soon(session, campaign, at=at)


def send_soon(session: Session, campaign: Campaign, *, at: datetime | None = None) -> None:
    """Let a worker write the messages of a campaign; one such job waits at most."""
    enqueue(
        session,
        "messages.send_links",
        client_id=campaign.client_id,
        campaign=campaign.id,
        run_at=at,
        queueing_lock=f"messages.send_links:{campaign.id}",
    )


def pause(session: Session, campaign: Campaign, *, by: UUID | None, now: datetime) -> None:
    """Let nothing leave until somebody lets it go on; what is being handed over leaves.

    The caller commits. Raises MoveNotAllowed.
    """
    _move(session, campaign, CampaignStatus.PAUSED)
    _tell(session, campaign, "campaign.paused", by, now)


def resume(session: Session, campaign: Campaign, *, by: UUID | None, now: datetime) -> None:
    """Go on after a pause, or after it was cut off. The caller commits. Raises MoveNotAllowed."""
    if lock(session, campaign).status is not CampaignStatus.PAUSED:
        raise MoveNotAllowed
    begun = campaign.started_at is not None
    _move(session, campaign, CampaignStatus.RUNNING if begun else CampaignStatus.SCHEDULED)
    campaign.cut_off_at = None
    _tell(session, campaign, "campaign.resumed", by, now)
    if campaign.prepared_at is None:
        waits = not begun and campaign.scheduled_at and campaign.scheduled_at > now
        send_soon(session, campaign, at=campaign.scheduled_at if waits else None)
    release_soon(session, campaign)


def stop(session: Session, campaign: Campaign, *, by: UUID | None, now: datetime) -> int:
    """End a campaign for good: what has not left never leaves; how many messages that is.

    A job drops them on the record. The caller commits. Raises MoveNotAllowed.
    """
    _move(session, campaign, CampaignStatus.STOPPED)
    campaign.ended_at = now
    left = waiting_in(session, campaign)
    _tell(session, campaign, "campaign.stopped", by, now, left=left)
    release_soon(session, campaign)
    return left


def release_soon(session: Session, campaign: Campaign, *, at: datetime | None = None) -> None:
    """Let a worker see to what of a campaign waits; one job, and one for later, waits at most."""
    enqueue(
        session,
        "messages.release",
        client_id=campaign.client_id,
        campaign=campaign.id,
        run_at=at,
        queueing_lock=f"messages.release:{campaign.id}{':later' if at else ''}",
    )


def waiting_in(session: Session, campaign: Campaign) -> int:
    """How many messages of a campaign have not left and may still."""
    query = select(func.count()).where(
        Message.client_id == campaign.client_id,
        Message.campaign_id == campaign.id,
        Message.status.in_(WAITING),
    )
    return session.scalar(query) or 0


def cut_off(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """Record that a campaign was given up before its end, and pause it. The caller commits."""
    _move(session, campaign, CampaignStatus.PAUSED)
    campaign.cut_off_at = now
    _tell(session, campaign, "campaign.interrupted", None, now)


def finish(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """Record that all of a campaign has left or was held back. The caller commits."""
    campaign.status, campaign.ended_at = move(campaign.status, CampaignStatus.DONE), now
    held = sum(campaign.held.values())
    _tell(session, campaign, "campaign.finished", None, now, goes=campaign.goes, held_back=held)


def campaign_of(session: Session, client_id: UUID, campaign_id: UUID) -> Campaign:
    """A client's campaign. Raises NoResultFound."""
    return session.get_one(Campaign, (client_id, campaign_id))


def lock(session: Session, campaign: Campaign) -> Campaign:
    """The campaign as it is now; whoever else would change it waits for the transaction's end."""
    session.refresh(campaign, with_for_update=True)
    return campaign


def _move(session: Session, campaign: Campaign, to: CampaignStatus) -> None:
    before = lock(session, campaign).status
    if before is to:
        raise MoveNotAllowed
    campaign.status = move(before, to)


def _said(campaign: Campaign) -> Payload:
    """What a campaign is to be, as its leaf tells it."""
    pace = {"per_minute": campaign.per_minute} if campaign.per_minute else {}
    names = ("name", "audience", "template", "email_only", "letters")
    return {name: getattr(campaign, name) for name in names} | pace


def _tell(
    session: Session, campaign: Campaign, kind: str, by: UUID | None, now: datetime, **said: object
) -> None:
    client = session.get_one(Client, campaign.client_id)
    payload = {"actor": evidence.staff(by) if by else evidence.SYSTEM, "campaign": str(campaign.id)}
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type=kind,
        payload=payload | said,
        now=now,
    )
