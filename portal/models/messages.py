"""What we sent or held back, what people wrote to us, and the help they asked for."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.channels import Channel
from portal.domain.deliveries import Fate
from portal.domain.statuses import MessageStatus
from portal.models.base import Base, Json, Owned, belongs_to, fresh_id, of_client


class Message(Owned, Base):
    """Something we sent, or did not: rendered when it is dispatched, kept exactly as sent.

    ``dedupe_key`` names the fact it tells, so that a fact is told once. A suppressed or deferred
    message keeps the rule's id in ``rule`` (RT-02). ``decided``: a person sends it despite a hold.
    ``batch_id``: the leaf of that batch names it in its list.
    ``segments``: how many parts a text takes on its way.
    ``turn_at``: when a campaign that has a pace let it go; None while it waits for its turn.
    """

    __tablename__ = "message"
    __table_args__ = (
        of_client(),
        belongs_to("debtor"),
        belongs_to("account"),
        belongs_to("contact"),
        belongs_to("access_link", "link_id"),
        belongs_to("campaign"),
        UniqueConstraint("client_id", "dedupe_key"),
        Index(
            "ix_message_campaign",
            "client_id",
            "campaign_id",
            "id",
            postgresql_where=text("campaign_id IS NOT NULL"),
        ),
        Index(
            "ix_message_turn",
            "client_id",
            "campaign_id",
            "send_at",
            postgresql_where=text(
                "campaign_id IS NOT NULL AND turn_at IS NULL AND status IN ('queued', 'deferred')"
            ),
        ),
        Index("ix_message_debtor", "client_id", "debtor_id"),
        Index(
            "ix_message_waiting",
            "client_id",
            "send_at",
            postgresql_where=text(
                "status IN ('queued', 'deferred', 'sending') AND channel <> 'letter'"
            ),
        ),
        Index("ix_message_id", "id"),
        Index(
            "ix_message_letters",
            "client_id",
            "created_at",
            postgresql_where=text("status = 'queued' AND channel = 'letter'"),
        ),
        Index(
            "ix_message_copies",
            "client_id",
            "created_at",
            "id",
            postgresql_where=text(
                "status = 'queued' AND channel = 'letter' AND template <> 'link'"
            ),
        ),
    )

    debtor_id: Mapped[UUID]
    account_id: Mapped[UUID | None]
    contact_id: Mapped[UUID | None]
    link_id: Mapped[UUID | None]
    batch_id: Mapped[UUID | None]
    campaign_id: Mapped[UUID | None]
    turn_at: Mapped[datetime | None]
    channel: Mapped[Channel]
    template: Mapped[str]
    context: Mapped[Json]
    locale: Mapped[str]
    dedupe_key: Mapped[str]
    asked_for: Mapped[bool] = mapped_column(default=False)
    decided: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    status: Mapped[MessageStatus]
    rule: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]
    send_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    address: Mapped[str | None]
    subject: Mapped[str | None]
    body: Mapped[str | None]
    body_html: Mapped[str | None]
    headers: Mapped[Json | None]
    provider_id: Mapped[str | None]
    error: Mapped[str | None]
    segments: Mapped[int | None]


class Delivery(Owned, Base):
    """One word of a carrier about a message of ours, as it came; written once (EC-09).

    ``event_id`` is the carrier's own name for it, so that a word told twice is one; ``code`` is its
    reason, as an SMTP status or a number of Twilio's; ``at`` is the carrier's time.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        of_client(),
        belongs_to("message"),
        UniqueConstraint("client_id", "carrier", "event_id"),
        Index("ix_delivery_message", "client_id", "message_id"),
    )

    message_id: Mapped[UUID]
    carrier: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[Fate]
    code: Mapped[str]
    at: Mapped[datetime]
    received_at: Mapped[datetime]


class StrayDelivery(Base):
    """A carrier's word about no message of ours, without the address that it names."""

    __tablename__ = "stray_delivery"
    __table_args__ = (UniqueConstraint("carrier", "event_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id)
    carrier: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[Fate]
    code: Mapped[str]
    domain: Mapped[str | None]
    received_at: Mapped[datetime]


class ThreadEntry(Owned, Base):
    """One entry of an account's single thread between the debtor and staff."""

    __tablename__ = "thread_entry"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        Index("ix_thread_entry_account", "client_id", "account_id", "at"),
    )

    account_id: Mapped[UUID]
    help_request_id: Mapped[UUID | None]
    proposal_id: Mapped[UUID | None]
    staff_id: Mapped[UUID | None]
    body: Mapped[str]
    at: Mapped[datetime]


class HelpStatus(StrEnum):
    """Where a help request stands."""

    OPENED = "opened"
    ANSWERED = "answered"
    CLOSED = "closed"


class HelpRequest(Owned, Base):
    """A debtor asked for help on one topic: it sets its hold and promises a date for the answer."""

    __tablename__ = "help_request"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        belongs_to("hold"),
        UniqueConstraint("client_id", "reference"),
        Index("ix_help_request_status", "client_id", "status", "promised_on"),
        Index("ix_help_request_account", "client_id", "account_id"),
    )

    account_id: Mapped[UUID]
    hold_id: Mapped[UUID | None]
    reference: Mapped[str]
    topic: Mapped[str]
    status: Mapped[HelpStatus]
    answers: Mapped[Json]
    locale: Mapped[str]
    opened_at: Mapped[datetime]
    promised_on: Mapped[date]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None]
