"""Campaigns: links sent to many debtors of a client; and who opened links, by kind alone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.openings import Opener
from portal.domain.statuses import CampaignStatus
from portal.models.base import Base, Json, Owned, belongs_to, of_client


class Campaign(Owned, Base):
    """A link for each debtor of an audience who may have one, as fast as its client wants.

    ``audience`` is what `domain.audience` reads; ``letters``: who can be reached in no other way
    gets one. ``per_minute`` None: all at once; letters have no pace. ``after`` is the last debtor
    of the batches that are on record, ``held`` counts who was held back by rule.
    ``cut_off_at``: it was given up by itself and is paused. ``prepared_at``: every message is
    written, which does not say that it left. ``released_at``: when the last ones had their turn.
    ``counted``: who would get a draft at ``counted_at``, as `services.campaign_counting` keeps it.
    """

    __tablename__ = "campaign"
    __table_args__ = (
        of_client(),
        Index("ix_campaign_newest", "client_id", "created_at"),
        CheckConstraint("per_minute > 0", name="per_minute_positive"),
    )

    name: Mapped[str]
    audience: Mapped[Json]
    template: Mapped[str]
    email_only: Mapped[bool] = mapped_column(default=False)
    letters: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    status: Mapped[CampaignStatus] = mapped_column(default=CampaignStatus.DRAFT)
    per_minute: Mapped[int | None]
    scheduled_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    prepared_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    cut_off_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    after: Mapped[UUID | None]
    goes: Mapped[int] = mapped_column(default=0)
    later: Mapped[int] = mapped_column(default=0)
    held: Mapped[Json] = mapped_column(default=dict)
    counted: Mapped[Json | None]
    counted_at: Mapped[datetime | None]


class LinkOpening(Owned, Base):
    """That a link was opened, when and by what kind of visitor; nothing about who."""

    __tablename__ = "link_opening"
    __table_args__ = (
        of_client(),
        belongs_to("access_link", "link_id"),
        Index("ix_link_opening_link", "client_id", "link_id", "at"),
    )

    link_id: Mapped[UUID]
    at: Mapped[datetime]
    opener: Mapped[Opener]
