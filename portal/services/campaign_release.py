"""What of a campaign leaves when: its pace, its pauses, and its end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.domain.channels import Channel
from portal.domain.outgoing import Rule
from portal.domain.statuses import CampaignStatus, MessageStatus
from portal.models import Campaign, Client, Message
from portal.services import evidence
from portal.services.campaign_control import (
    WAITING,
    finish,
    lock,
    release_soon,
    send_soon,
)
from portal.services.messages import enqueue_dispatch

EVERY = timedelta(minutes=1)
LOST = timedelta(minutes=15)
"""A campaign whose messages are not written by then may have lost its job; two share the work."""
MOST_A_MINUTE = 10_000
"""Messages that leave in a minute after a pause, where the campaign has no pace of its own."""
AT_ONCE = 1_000
"""Messages that are dropped under one leaf."""
MANIFEST = "text/plain; charset=utf-8"
UNFINISHED = (*WAITING, MessageStatus.SENDING)
HALTED = {
    CampaignStatus.PAUSED: Rule.CAMPAIGN_PAUSED,
    CampaignStatus.STOPPED: Rule.CAMPAIGN_STOPPED,
}


def halted(session: Session, message: Message) -> Rule | None:
    """The rule that keeps a message of a campaign here, asked right before it is handed over."""
    if message.campaign_id is None:
        return None
    status = session.scalar(
        select(Campaign.status).where(
            Campaign.client_id == message.client_id, Campaign.id == message.campaign_id
        )
    )
    return HALTED.get(status) if status else None


def waits_for_turn(session: Session, message: Message) -> bool:
    """Give a message back to its campaign until its turn, if that has a pace or a pause."""
    if message.campaign_id is None:
        return False
    campaign = session.get_one(
        Campaign, (message.client_id, message.campaign_id), populate_existing=True
    )
    if campaign.per_minute is None and campaign.status is CampaignStatus.RUNNING:
        return False
    message.turn_at = None
    return True


def release(session: Session, client_id: UUID, campaign_id: UUID, *, now: datetime) -> None:
    """Let the next messages of a campaign go, or drop those of one that was stopped.

    What there is to do later is in the queue then. The caller commits.
    """
    campaign = lock(session, session.get_one(Campaign, (client_id, campaign_id)))
    if campaign.status is CampaignStatus.STOPPED:
        _drop_some(session, campaign, now)
    elif campaign.status is CampaignStatus.RUNNING:
        _go_on(session, campaign, now)


def look_after(session: Session, client_id: UUID, *, now: datetime) -> None:
    """Take up campaigns whose job may be lost: those that run for long, and those stopped.

    The caller commits.
    """
    for campaign in session.scalars(
        select(Campaign).where(
            Campaign.client_id == client_id,
            Campaign.status.in_((CampaignStatus.RUNNING, CampaignStatus.STOPPED)),
        )
    ):
        running = campaign.status is CampaignStatus.RUNNING
        long_ago = campaign.started_at is not None and campaign.started_at <= now - LOST
        if running and campaign.prepared_at is None and long_ago:
            send_soon(session, campaign)
        if running or _is_any(session, campaign, WAITING):
            release_soon(session, campaign)


def _go_on(session: Session, campaign: Campaign, now: datetime) -> None:
    next_at = campaign.released_at + EVERY if campaign.released_at else now
    if next_at <= now:
        enqueue_dispatch(session, campaign.client_id, _turn(session, campaign, now))
        campaign.released_at, next_at = now, now + EVERY
    if not campaign.prepared_at or _is_any(session, campaign, UNFINISHED, but=Channel.LETTER):
        release_soon(session, campaign, at=next_at)
    elif not _is_any(session, campaign, UNFINISHED):  # else it is looked after until letters left
        finish(session, campaign, now=now)


def _turn(session: Session, campaign: Campaign, now: datetime) -> Sequence[UUID]:
    """The messages whose turn is now: as many as a minute has room for, the oldest first."""
    ids = session.scalars(
        select(Message.id)
        .where(
            Message.client_id == campaign.client_id,
            Message.campaign_id == campaign.id,
            Message.turn_at.is_(None),
            Message.status.in_(WAITING),
            Message.send_at <= now,
        )
        .order_by(Message.send_at, Message.id)
        .limit(campaign.per_minute or MOST_A_MINUTE)
        .with_for_update(skip_locked=True)
    ).all()
    _change(session, campaign, ids, turn_at=now, send_at=now)
    return ids


def _drop_some(session: Session, campaign: Campaign, now: datetime) -> None:
    """Never send the next messages of a stopped campaign: one leaf names each (RT-02)."""
    ids = session.scalars(
        select(Message.id)
        .where(
            Message.client_id == campaign.client_id,
            Message.campaign_id == campaign.id,
            Message.status.in_(WAITING),
        )
        .order_by(Message.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    if not ids:
        return
    rule = Rule.CAMPAIGN_STOPPED
    _change(session, campaign, ids, status=MessageStatus.SUPPRESSED, rule=rule)
    client = session.get_one(Client, campaign.client_id)
    manifest = "".join(f"message {one} held {rule}\n" for one in ids).encode()
    digest = evidence.store_document(session, client.id, client.chain_id, MANIFEST, manifest, now)
    payload = {
        "actor": evidence.SYSTEM,
        "campaign": str(campaign.id),
        "left": len(ids),
        "rule": str(rule),
        "documents": [{"name": "manifest", "sha256": digest}],
    }
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type="campaign.dropped",
        payload=payload,
        now=now,
    )
    release_soon(session, campaign)


def _change(session: Session, campaign: Campaign, ids: Sequence[UUID], **values: object) -> None:
    session.execute(
        update(Message)
        .where(Message.client_id == campaign.client_id, Message.id.in_(ids))
        .values(values)
        .execution_options(synchronize_session=False)
    )


def _is_any(
    session: Session,
    campaign: Campaign,
    statuses: Sequence[MessageStatus],
    *,
    but: Channel | None = None,
) -> bool:
    found = select(Message.id).where(
        Message.client_id == campaign.client_id,
        Message.campaign_id == campaign.id,
        Message.status.in_(statuses),
    )
    if but is not None:
        found = found.where(Message.channel != but)
    return session.scalar(found.limit(1)) is not None
