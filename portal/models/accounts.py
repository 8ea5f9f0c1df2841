"""Debtors, the ways to reach them, and their accounts."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole
from portal.domain.money import Cents
from portal.domain.statuses import AccountStatus
from portal.models.base import Base, Json, Owned, belongs_to, fresh_id, of_client


class Debtor(Owned, Base):
    """The person. Identity answers are kept only as keyed hashes; the address is for letters.

    Accounts join one debtor only by the client's own number, or by ``join_key``: exact name, date
    of birth and last four. Never by likeness.
    """

    __tablename__ = "debtor"
    __table_args__ = (
        of_client(),
        UniqueConstraint("client_id", "debtor_number"),
        Index(
            "uq_debtor_join_key",
            "client_id",
            "join_key",
            unique=True,
            postgresql_where=text("join_key IS NOT NULL AND debtor_number IS NULL"),
        ),
        Index(
            "ix_debtor_last_four",
            "client_id",
            "last_four_hash",
            "id",
            postgresql_where=text("last_four_hash IS NOT NULL"),
        ),
    )

    debtor_number: Mapped[str | None]
    join_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    first_name: Mapped[str]
    last_name: Mapped[str]
    name_key: Mapped[str]
    language: Mapped[str]
    language_chosen_at: Mapped[datetime | None]
    date_of_birth_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    postal_code_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    last_four_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    address_line: Mapped[str | None]
    city: Mapped[str | None]
    region: Mapped[str]
    postal_code: Mapped[str | None]
    country: Mapped[str]
    time_zone: Mapped[str | None]
    created_at: Mapped[datetime]

    @property
    def has_address(self) -> bool:
        """Whether a letter would arrive: a street, a city and a postal code are on file."""
        return bool(self.address_line and self.city and self.postal_code)


class DebtorWord(Base):
    """One word of a debtor's ``name_key``, or two of them in order, kept by a trigger.

    So any word finds the debtor, and any two of them do without looking through all who share one.
    """

    __tablename__ = "debtor_word"
    __table_args__ = (of_client(),)

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    debtor_id: Mapped[UUID] = mapped_column(primary_key=True)


class WordKey(Base):
    """A key under which a word of the client's names is looked up (`portal.domain.likeness`).

    There are as many as there are different words, however many debtors share them. Compared byte
    by byte, so that the start of a word is a range of the index.
    """

    __tablename__ = "word_key"
    __table_args__ = (of_client(), Index("ix_word_key_word", "client_id", "word"))

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)


class Correction(Base):
    """A fact of a debtor that staff corrected, and what the client's file had said of it.

    As long as files go on saying ``placed``, the correction stands; the first file with another
    value is taken over (decision 0044). ``field`` is the debtor's column.
    """

    __tablename__ = "correction"
    __table_args__ = (of_client(), belongs_to("debtor"))

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[UUID] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    placed: Mapped[str | None]
    corrected_by: Mapped[UUID]
    corrected_at: Mapped[datetime]


class Contact(Owned, Base):
    """One e-mail address or phone number of a debtor, with the permission to use it.

    ``address`` is normalised (lower case e-mail, E.164 phone); ``zones`` are a phone's time zones.
    ``permission_basis`` is what was said of it when it came; what proves it stands in
    `ContactPermission`. ``at_work``: an employer is known to provide it (CT-07).
    """

    __tablename__ = "contact"
    __table_args__ = (
        of_client(),
        belongs_to("debtor"),
        UniqueConstraint("client_id", "debtor_id", "channel", "address"),
        Index("ix_contact_address", "address", "channel", "client_id"),
        CheckConstraint("channel IN ('email', 'sms')", name="channel"),
    )

    debtor_id: Mapped[UUID]
    channel: Mapped[Channel]
    address: Mapped[str]
    zones: Mapped[str | None]
    permission_basis: Mapped[str]
    source: Mapped[str]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    at_work: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class StopKind(StrEnum):
    """Why an address is closed to us. ``unread``: a text that may mean stop waits for a person."""

    OPTED_OUT = "opted_out"
    WRONG_PERSON = "wrong_person"
    BOUNCED = "bounced"
    REASSIGNED = "reassigned"
    UNREAD = "unread"


class ContactStop(Owned, Base):
    """An address we may not use, whoever's record it stands in; lifted only on the record."""

    __tablename__ = "contact_stop"
    __table_args__ = (
        of_client(),
        Index(
            "uq_contact_stop_active",
            "client_id",
            "channel",
            "address",
            "kind",
            unique=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    channel: Mapped[Channel]
    address: Mapped[str]
    kind: Mapped[StopKind]
    source: Mapped[str]
    stopped_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]


class Account(Owned, Base):
    """One debt that a client placed for collection; ``reference`` is what people read aloud.

    The itemization stays as first placed and sums (VN-02); what came after is ledger lines.
    ``balance_cents`` is a cache of the ledger's sum, written under the row's lock.
    ``last_placed_cents`` is the client's own latest figure, which portal payments do not move.
    ``erased_at``: its record up to then was erased.
    """

    __tablename__ = "account"
    __table_args__ = (
        of_client(),
        belongs_to("debtor"),
        belongs_to("placement"),
        UniqueConstraint("client_id", "reference"),
        Index("ix_account_debtor", "client_id", "debtor_id"),
        Index("ix_account_status", "client_id", "status", "reference"),
        Index("ix_account_chain", "client_id", "chain_id"),
        CheckConstraint(
            "itemization_cents + interest_cents + fees_cents - payments_cents - credits_cents"
            " = itemized_cents",
            name="itemization_sums",
        ),
        CheckConstraint("itemized_cents > 0", name="placed_positive"),
    )

    debtor_id: Mapped[UUID]
    placement_id: Mapped[UUID]
    reference: Mapped[str]
    status: Mapped[AccountStatus] = mapped_column(default=AccountStatus.OPEN)
    original_creditor: Mapped[str]
    current_creditor: Mapped[str]
    product: Mapped[str]
    debt_category: Mapped[str]
    debt_purpose: Mapped[str]
    is_consumer_financial_product: Mapped[bool]
    default_at_placement: Mapped[bool]
    collector_role: Mapped[CollectorRole]
    default_on: Mapped[date | None]
    charge_off_on: Mapped[date | None]
    last_payment_on: Mapped[date | None]
    judgment: Mapped[Json | None]
    currency: Mapped[str]
    itemization_kind: Mapped[str]
    itemization_on: Mapped[date]
    itemization_cents: Mapped[Cents]
    interest_cents: Mapped[Cents]
    fees_cents: Mapped[Cents]
    payments_cents: Mapped[Cents]
    credits_cents: Mapped[Cents]
    itemized_cents: Mapped[Cents]
    last_placed_cents: Mapped[Cents]
    balance_cents: Mapped[Cents]
    validation_notice_sent_on: Mapped[date | None]
    validation_ends_on: Mapped[date | None]
    sol_expires_on: Mapped[date | None]
    chain_id: Mapped[UUID] = mapped_column(default=fresh_id)
    row_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    stripe_customer: Mapped[str | None]
    placed_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    recalled_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]


class Hold(Owned, Base):
    """A reason that forbids some capabilities of an account (compliance Appendix B)."""

    __tablename__ = "hold"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        Index("ix_hold_account", "client_id", "account_id"),
    )

    account_id: Mapped[UUID]
    kind: Mapped[str]
    source: Mapped[str]
    evidence: Mapped[str | None]
    starts_at: Mapped[datetime]
    review_on: Mapped[date | None]
    ends_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]
    lifted_reason: Mapped[str | None]
