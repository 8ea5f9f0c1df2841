"""How far a campaign is, and what came of it: from messages, openings, agreements and payments."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, case, func, select, text
from sqlalchemy.orm import Session

from portal.domain.channels import Channel
from portal.domain.outgoing import FAILED
from portal.domain.statuses import MessageStatus
from portal.models import Account, Campaign, Message
from portal.services.campaign_audience import Excluded
from portal.services.campaign_control import WAITING
from portal.services.campaign_release import EVERY

SHOWN = 50
NEVER_LEFT = (MessageStatus.SUPPRESSED, MessageStatus.FAILED)
_RULE = case(
    (Message.status == MessageStatus.FAILED, FAILED), else_=func.coalesce(Message.rule, "")
)
_CODE = case(
    (
        Message.status == MessageStatus.FAILED,
        func.coalesce(func.substring(Message.error, r"^[0-9]+(?:\.[0-9]+)*"), ""),
    ),
    else_="",
)
"""A carrier's own number for why it gave up, if it gave one; its words may name an address."""

# Each later step is counted among those who verified by the campaign's own link, from then on.
_OUTCOMES = text("""
    WITH sent AS MATERIALIZED (
      SELECT m.debtor_id, k.id AS link_id, m.status, k.verified_at FROM message m
      LEFT JOIN letter r ON (r.client_id, r.message_id) = (m.client_id, m.id)
        AND m.channel = 'letter' AND r.sent_at IS NOT NULL
      JOIN access_link k
        ON (k.client_id, k.id) = (m.client_id, coalesce(m.link_id, r.link_id))
      WHERE m.client_id = :client AND m.campaign_id = :campaign
        AND m.status IN ('sent', 'delivered')
    ), opened AS (
      SELECT o.link_id, bool_or(o.opener IN ('person', 'in_app')) AS by_person FROM sent s
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
    """How many messages of a campaign left, wait, were held back later, or failed.

    ``to_print``, ``printed`` and ``posted`` are its letters: on the list, on paper, and gone.
    ``next_at``: when the next of those that leave by themselves have their turn, now at the
    earliest.
    """

    left: int
    waiting: int
    held_back: int
    failed: int
    next_at: datetime | None
    to_print: int = 0
    printed: int = 0
    posted: int = 0

    @property
    def by_letter(self) -> bool:
        """Whether a letter waits or went."""
        return self.to_print + self.printed + self.posted > 0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why messages of a campaign never left, though they were written, and how many people missed
    them; ``code`` is a carrier's own, where it gave one up.
    """

    rule: str
    code: str
    people: int


def outcomes_of(session: Session, campaign: Campaign) -> Outcomes:
    """What came of a campaign so far."""
    values = {"client": campaign.client_id, "campaign": campaign.id}
    return Outcomes(*session.execute(_OUTCOMES, values).one())


def progress_of(session: Session, campaign: Campaign, *, now: datetime) -> Progress:
    """How far a campaign is."""
    turn = campaign.released_at + EVERY if campaign.released_at else now
    leaves_at = case(
        (Message.turn_at.is_(None), func.greatest(Message.send_at, turn)), else_=Message.send_at
    )
    by_letter = Message.channel == Channel.LETTER
    rows = session.execute(
        select(Message.status, by_letter, func.count(), func.min(leaves_at))
        .where(Message.client_id == campaign.client_id, Message.campaign_id == campaign.id)
        .group_by(Message.status, by_letter)
    ).all()
    letters = {status: count for status, paper, count, _ in rows if paper}
    number = Counter(letters)
    number.update({status: count for status, paper, count, _ in rows if not paper})
    next_at = min(
        (at for status, paper, _, at in rows if status in WAITING and not paper), default=None
    )
    return Progress(
        left=number[MessageStatus.SENT] + number[MessageStatus.DELIVERED],
        waiting=sum(number[one] for one in (*WAITING, MessageStatus.SENDING)),
        held_back=number[MessageStatus.SUPPRESSED],
        failed=number[MessageStatus.FAILED],
        next_at=max(next_at, now) if next_at else None,
        to_print=letters.get(MessageStatus.QUEUED, 0),
        printed=letters.get(MessageStatus.SENDING, 0),
        posted=letters.get(MessageStatus.SENT, 0),
    )


def reasons_of(session: Session, campaign: Campaign) -> Sequence[Reason]:
    """Why messages of a campaign never left after they were written, the most frequent first."""
    query = (
        select(_RULE.label("why"), _CODE.label("code"), func.count())
        .where(
            Message.client_id == campaign.client_id,
            Message.campaign_id == campaign.id,
            Message.status.in_(NEVER_LEFT),
        )
        .group_by("why", "code")
        .order_by(func.count().desc(), "why", "code")
    )
    return [Reason(*row) for row in session.execute(query)]


def unreached(
    session: Session, campaign: Campaign, *, size: int | None = None
) -> Iterator[Excluded]:
    """The accounts of those whom a campaign did not reach, each with the rule, by their reference.

    ``size``: at most so many. Who had agreed at its start, or waited for the same message, is in
    its counts alone.
    """
    query: Select[str, UUID, str] = (
        select(Account.reference, Account.id, _RULE)
        .join(
            Message,
            (Message.client_id == Account.client_id) & (Message.debtor_id == Account.debtor_id),
        )
        .where(
            Message.client_id == campaign.client_id,
            Message.batch_id == campaign.id,
            Message.status.in_(NEVER_LEFT),
        )
        .order_by(Account.reference)
        .limit(size)
    )
    for row in session.execute(query, execution_options={"yield_per": 1000}):
        yield Excluded(*row)


def newest(
    session: Session, client_id: UUID, *, before: UUID | None = None, size: int = SHOWN
) -> Sequence[Campaign]:
    """A client's campaigns, the newest first."""
    query = select(Campaign).where(Campaign.client_id == client_id)
    if before is not None:
        query = query.where(Campaign.id < before)
    return session.scalars(query.order_by(Campaign.id.desc()).limit(size)).all()
