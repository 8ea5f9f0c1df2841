"""How far a campaign is, and what came of it: from messages, openings, agreements and payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal.domain.statuses import MessageStatus
from portal.models import Campaign, Message

SHOWN = 50

# Each later step is counted among those who verified by the campaign's own link, from then on.
_OUTCOMES = text("""
    WITH sent AS MATERIALIZED (
      SELECT m.debtor_id, m.link_id, m.status, k.verified_at FROM message m
      JOIN access_link k ON (k.client_id, k.id) = (m.client_id, m.link_id)
      WHERE m.client_id = :client AND m.campaign_id = :campaign
        AND m.status IN ('sent', 'delivered')
    ), opened AS (
      SELECT o.link_id, bool_or(o.opener = 'person') AS by_person FROM sent s
      JOIN link_opening o ON o.client_id = :client AND o.link_id = s.link_id GROUP BY o.link_id
    ), came AS MATERIALIZED (SELECT * FROM sent WHERE verified_at IS NOT NULL)
    SELECT count(*) AS handed_over,
      count(*) FILTER (WHERE s.status = 'delivered') AS delivered,
      count(*) FILTER (WHERE o.by_person OR s.verified_at IS NOT NULL) AS opened,
      count(*) FILTER (WHERE NOT o.by_person AND s.verified_at IS NULL) AS scanned,
      count(s.verified_at) AS verified,
      (SELECT count(*) FROM came c WHERE EXISTS (SELECT FROM account a JOIN arrangement r
        ON (r.client_id, r.account_id) = (a.client_id, a.id) AND r.accepted_at >= c.verified_at
        WHERE a.client_id = :client AND a.debtor_id = c.debtor_id)) AS arranged,
      (SELECT count(*) FROM came c WHERE EXISTS (SELECT FROM account a JOIN payment p
        ON (p.client_id, p.account_id) = (a.client_id, a.id) AND p.status = 'succeeded'
          AND p.settled_at >= c.verified_at
        WHERE a.client_id = :client AND a.debtor_id = c.debtor_id)) AS paid
    FROM sent s LEFT JOIN opened o ON o.link_id = s.link_id""")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Of the messages of a campaign: how many left and arrived, and what their readers did.

    ``delivered``: the carrier said so. ``opened``: by a person. ``scanned``: only by scanners of
    mail and previews of chats, which is no contact. The later steps are of those who verified.
    """

    handed_over: int = 0
    delivered: int = 0
    opened: int = 0
    scanned: int = 0
    verified: int = 0
    arranged: int = 0
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How many messages of a campaign left, wait, were held back later, or failed."""

    left: int
    waiting: int
    held_back: int
    failed: int
    next_at: datetime | None


def outcomes_of(session: Session, campaign: Campaign) -> Outcomes:
    """What came of a campaign so far."""
    values = {"client": campaign.client_id, "campaign": campaign.id}
    return Outcomes(*session.execute(_OUTCOMES, values).one())


def progress_of(session: Session, campaign: Campaign) -> Progress:
    """How far a campaign is."""
    mine = (Message.client_id == campaign.client_id, Message.campaign_id == campaign.id)
    rows = session.execute(
        select(Message.status, func.count(), func.min(Message.send_at))
        .where(*mine)
        .group_by(Message.status)
    ).all()
    number = {status: count for status, count, _ in rows}
    waits = (MessageStatus.QUEUED, MessageStatus.DEFERRED, MessageStatus.SENDING)
    next_at = min((at for status, _, at in rows if status in waits), default=None)
    return Progress(
        left=sum(number.get(one, 0) for one in (MessageStatus.SENT, MessageStatus.DELIVERED)),
        waiting=sum(number.get(one, 0) for one in waits),
        held_back=number.get(MessageStatus.SUPPRESSED, 0),
        failed=number.get(MessageStatus.FAILED, 0),
        next_at=next_at,
    )


def newest(
    session: Session, client_id: UUID, *, before: UUID | None = None, size: int = SHOWN
) -> Sequence[Campaign]:
    """A client's campaigns, the newest first."""
    query = select(Campaign).where(Campaign.client_id == client_id)
    if before is not None:
        query = query.where(Campaign.id < before)
    return session.scalars(query.order_by(Campaign.id.desc()).limit(size)).all()
