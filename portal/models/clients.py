"""Clients, their offer policies and the batches of accounts they hand over."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.debts import CollectorRole
from portal.domain.money import Cents
from portal.models.base import Base, Json, Owned, belongs_to, fresh_id, of_client


class Client(Base):
    """The creditor or agency who placed accounts, is remitted to, and whose name debtors see.

    ``sender_name``, ``street_address`` and ``phone`` are neutral: they stand on pages before
    identity is verified. ``trade_name``, ``license_line``, colors and logo may give collection
    away and wait. ``logo`` describes the row of `ClientLogo` that pages show. Nothing can be
    agreed while ``frozen_at`` is set: the record did not hold when it was looked over.
    ``sms_registration``: the ids under which carriers know the client's texts (EC-07). Up to
    ``counter_limit_cents`` and ``refund_limit_cents`` one person moves money, above them two.
    """

    __tablename__ = "client"
    __table_args__ = (
        CheckConstraint("link_days BETWEEN 1 AND 90", name="link_days"),
        CheckConstraint("brand_color ~ '^#[0-9a-f]{6}$'", name="brand_color"),
        CheckConstraint("counter_limit_cents >= 0 AND refund_limit_cents >= 0", name="limits"),
        CheckConstraint("action_color ~ '^#[0-9a-f]{6}$'", name="action_color"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id)
    slug: Mapped[str] = mapped_column(unique=True)
    legal_name: Mapped[str]
    trade_name: Mapped[str]
    sender_name: Mapped[str]
    street_address: Mapped[str]
    phone: Mapped[str]
    phone_hours: Mapped[str]
    email: Mapped[str]
    license_line: Mapped[str | None]
    country: Mapped[str]
    currency: Mapped[str]
    time_zone: Mapped[str]
    collector_role: Mapped[CollectorRole]
    languages: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    brand_color: Mapped[str] = mapped_column(default="#1f4e79")
    action_color: Mapped[str | None]
    logo: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    link_days: Mapped[int] = mapped_column(default=14)
    identity_factors: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    identity_codes: Mapped[bool] = mapped_column(default=True)
    sms_enabled: Mapped[bool] = mapped_column(default=False)
    sms_registration: Mapped[str | None]
    answer_working_days: Mapped[int] = mapped_column(default=3)
    placement_defaults: Mapped[Json] = mapped_column(default=dict)
    header_synonyms: Mapped[Json] = mapped_column(default=dict)
    stripe_account: Mapped[str | None]
    drafts_saved: Mapped[int] = mapped_column(server_default=text("0"))
    counter_limit_cents: Mapped[Cents] = mapped_column(server_default=text("50000"))
    refund_limit_cents: Mapped[Cents] = mapped_column(server_default=text("50000"))
    chain_id: Mapped[UUID] = mapped_column(default=fresh_id, unique=True)
    compliance_email: Mapped[str | None]
    frozen_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    @property
    def texts(self) -> bool:
        """Whether it wants text messages, and carriers know it; not whether they take them."""
        return self.sms_enabled and bool(self.sms_registration)


class ClientLogo(Base):
    """The clean bytes of a logo that a client's pages show or once showed, named by their hash."""

    __tablename__ = "client_logo"
    __table_args__ = (
        of_client(),
        CheckConstraint("octet_length(body) <= 5120", name="small"),
        CheckConstraint("sha256 = sha256(body)", name="named_by_hash"),
    )

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    media: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    width: Mapped[int]
    height: Mapped[int]
    saved_at: Mapped[datetime]


class OfferPolicy(Owned, Base):
    """One immutable numbered version of a client's limits.

    It is in force from ``live_from`` (None: from its publication) until a later version is.
    ``published_by`` saved it last, ``authors`` are all who wrote any of it, ``approved_by`` is the
    second person, who wrote nothing. ``restores`` is the older version whose limits it brings back.
    """

    __tablename__ = "offer_policy"
    __table_args__ = (
        of_client(),
        UniqueConstraint("client_id", "version"),
        CheckConstraint("version > 0", name="version_positive"),
        CheckConstraint("approved_by <> published_by", name="two_people"),
        CheckConstraint("approved_by <> ALL (authors)", name="approver_wrote_nothing"),
    )

    version: Mapped[int]
    document: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    published_at: Mapped[datetime]
    published_by: Mapped[UUID | None]
    authors: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    live_from: Mapped[datetime | None]
    approved_by: Mapped[UUID | None]
    rehearsal_id: Mapped[UUID | None]
    restores: Mapped[int | None]

    @property
    def starts_at(self) -> datetime:
        """When it is in force from, unless a later version is before that."""
        return self.live_from or self.published_at


class PolicyDraft(Owned, Base):
    """Limits that a client works on, exactly as typed; at most one draft at a time.

    ``document`` is None while it could not be published. ``revision`` counts how often it was
    saved, ``base_version`` is the version it was begun from. ``authors`` are all who changed it
    since, the first one first; ``alone`` is what that one had written before anybody else did.
    ``note`` is what the second person said who sent it back.
    """

    __tablename__ = "offer_draft"
    __table_args__ = (of_client(), UniqueConstraint("client_id"))

    base_version: Mapped[int]
    revision: Mapped[int]
    typed: Mapped[Json]
    document: Mapped[str | None]
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    restores: Mapped[int | None]
    saved_by: Mapped[UUID]
    saved_at: Mapped[datetime]
    authors: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    alone: Mapped[Json | None]
    note: Mapped[str | None]
    noted_by: Mapped[UUID | None]

    @property
    def writers(self) -> list[UUID]:
        """Who may not approve it: everybody who wrote any of it."""
        return list(dict.fromkeys([*self.authors, self.saved_by]))


class PlacementStatus(StrEnum):
    """How far a placement got."""

    STARTED = "started"
    COMPLETED = "completed"
    INTERRUPTED = "interrupted"


class PlacementKind(StrEnum):
    """Accounts handed over, or taken back."""

    PLACED = "placed"
    RECALLED = "recalled"


class Placement(Owned, Base):
    """One batch of accounts from a client: the file's hash and what became of its rows."""

    __tablename__ = "placement"
    __table_args__ = (of_client(),)

    kind: Mapped[PlacementKind]
    status: Mapped[PlacementStatus]
    file_name: Mapped[str]
    file_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    placed_by: Mapped[UUID | None]
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    rows: Mapped[int] = mapped_column(default=0)
    landed: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    warned: Mapped[int] = mapped_column(default=0)


class PlacementRow(Base):
    """What became of one line of a placement file."""

    __tablename__ = "placement_row"
    __table_args__ = (of_client(), belongs_to("placement"))

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    placement_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    reference: Mapped[str | None]
    column: Mapped[str | None]
    reason: Mapped[str | None]


class NoteTemplate(Owned, Base):
    """Words that staff begin a note with, on the list of a client until it is taken off."""

    __tablename__ = "note_template"
    __table_args__ = (of_client(),)

    title: Mapped[str]
    body: Mapped[str]
    kept_by: Mapped[UUID]
    kept_at: Mapped[datetime]
    dropped_at: Mapped[datetime | None]
