"""How a debtor comes in: links, one-time codes, sessions, and counted attempts."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.channels import Channel
from portal.domain.money import Cents
from portal.models.base import Base, Owned, belongs_to, of_client


class AccessLink(Owned, Base):
    """A signed link to one debtor: opened again until it expires or is revoked, never "used up".

    ``public_id`` is the short random id inside the signed token, useless without the key;
    ``code_hash`` is the keyed hash of the code typed from a letter.
    """

    __tablename__ = "access_link"
    __table_args__ = (
        of_client(),
        belongs_to("debtor"),
        belongs_to("contact"),
        UniqueConstraint("public_id"),
        UniqueConstraint("code_hash"),
        Index("ix_access_link_debtor", "client_id", "debtor_id"),
        CheckConstraint("expires_at > issued_at", name="expires_later"),
    )

    debtor_id: Mapped[UUID]
    contact_id: Mapped[UUID | None]
    channel: Mapped[Channel]
    public_id: Mapped[str]
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    locale: Mapped[str]
    issued_at: Mapped[datetime]
    issued_by: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None]
    verified_at: Mapped[datetime | None]


class PayerLink(Owned, Base):
    """A signed link with which somebody else may pay once: it shows an amount and a reference.

    ``installment_id`` is the one payment of an arrangement that was asked for, if it was one.
    """

    __tablename__ = "payer_link"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        belongs_to("installment"),
        UniqueConstraint("public_id"),
        UniqueConstraint("client_id", "reference"),
        Index("ix_payer_link_account", "client_id", "account_id"),
        CheckConstraint("amount_cents > 0", name="amount_positive"),
        CheckConstraint("expires_at > issued_at", name="expires_later"),
    )

    account_id: Mapped[UUID]
    installment_id: Mapped[UUID | None]
    public_id: Mapped[str]
    reference: Mapped[str]
    amount_cents: Mapped[Cents]
    currency: Mapped[str]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class OneTimeCode(Owned, Base):
    """A code sent to an address on file, good for ten minutes, kept as a keyed hash."""

    __tablename__ = "one_time_code"
    __table_args__ = (
        of_client(),
        belongs_to("debtor"),
        belongs_to("contact"),
        Index("ix_one_time_code_link", "client_id", "link_id"),
    )

    debtor_id: Mapped[UUID]
    link_id: Mapped[UUID]
    contact_id: Mapped[UUID]
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    passed_at: Mapped[datetime | None]


class DebtorSession(Owned, Base):
    """A debtor's verified visit; ended by "close this page", by revocation, or by time.

    ``identity_attempts`` is how many tries were counted until the check passed, that one included.
    """

    __tablename__ = "debtor_session"
    __table_args__ = (
        of_client(),
        belongs_to("debtor"),
        belongs_to("access_link", "link_id"),
        UniqueConstraint("token_hash"),
        Index("ix_debtor_session_debtor", "client_id", "debtor_id"),
    )

    debtor_id: Mapped[UUID]
    link_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    identity_method: Mapped[str]
    identity_attempts: Mapped[int | None]
    ip: Mapped[str]
    user_agent: Mapped[str]
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ShownOffer(Base):
    """A settlement as the debtor could first see it in a visit; it is kept until its last day.

    ``balance_cents`` is what was owed then, ``paid_cents`` all that was paid here on the account
    until then, less what went back.
    """

    __tablename__ = "shown_offer"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        belongs_to("debtor_session", "session_id"),
    )

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    policy_version: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    total_cents: Mapped[Cents] = mapped_column(primary_key=True)
    valid_until: Mapped[date] = mapped_column(primary_key=True)
    balance_cents: Mapped[Cents] = mapped_column(primary_key=True)
    paid_cents: Mapped[Cents] = mapped_column(primary_key=True)
    parts: Mapped[int]
    shown_at: Mapped[datetime]
    session_id: Mapped[UUID]


class AttemptCounter(Base):
    """Counted attempts under keyed hashes: of a link, an account, a log-in, a network."""

    __tablename__ = "attempt_counter"

    scope: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    window_started_at: Mapped[datetime]
    count: Mapped[int]
    locked_until: Mapped[datetime | None]
