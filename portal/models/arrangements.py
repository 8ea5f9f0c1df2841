"""What was agreed: arrangements, installments, authorizations and proposals."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.money import Cents
from portal.domain.statuses import (
    ArrangementStatus,
    AuthorizationStatus,
    InstallmentStatus,
    ProposalStatus,
)
from portal.models.base import Base, Json, Owned, belongs_to, of_client


class Arrangement(Owned, Base):
    """What a debtor and a client agreed; at most one is live for each account.

    ``terms`` are the canonical bytes that were reviewed; the acceptance names their hash, and that
    of the debtor's copy.
    ``counted_cents`` was paid before, since its offer was shown, and is off the total;
    ``paid_before_cents`` is what had been paid when it was shown. None: nothing counted.
    """

    __tablename__ = "arrangement"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        UniqueConstraint("client_id", "reference"),
        Index(
            "uq_arrangement_one_live",
            "client_id",
            "account_id",
            unique=True,
            postgresql_where=text("status IN ('awaiting_first_payment', 'active')"),
        ),
        Index("ix_arrangement_account", "client_id", "account_id"),
        CheckConstraint("total_cents > 0", name="total_positive"),
        CheckConstraint("method IN ('automatic', 'manual')", name="method"),
    )

    account_id: Mapped[UUID]
    reference: Mapped[str]
    kind: Mapped[str]
    status: Mapped[ArrangementStatus]
    method: Mapped[str]
    frequency: Mapped[str | None]
    offer_key: Mapped[str]
    policy_version: Mapped[int]
    total_cents: Mapped[Cents]
    balance_cents: Mapped[Cents]
    saved_cents: Mapped[Cents]
    counted_cents: Mapped[Cents | None]
    paid_before_cents: Mapped[Cents | None]
    currency: Mapped[str]
    terms: Mapped[str]
    terms_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    copy_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    proposal_id: Mapped[UUID | None]
    valid_until: Mapped[date | None]
    locale: Mapped[str]
    accepted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None]


class Installment(Owned, Base):
    """One dated part of an arrangement; the parts sum to its total to the cent.

    ``late_since`` is the day from which it counts as late, where that is not its date: it was
    moved after it had failed, or we had not charged it. ``told_on`` is when its debtor was told.
    ``dealt_with_at`` is when somebody of the staff had done what could be done about its newest
    failure.
    """

    __tablename__ = "installment"
    __table_args__ = (
        of_client(),
        belongs_to("arrangement"),
        UniqueConstraint("client_id", "arrangement_id", "n"),
        Index(
            "ix_installment_due",
            "client_id",
            "due_on",
            postgresql_where=text("status IN ('scheduled', 'failed')"),
        ),
        Index(
            "ix_installment_given_up",
            "client_id",
            "due_on",
            "id",
            postgresql_where=text(
                "status = 'failed' AND next_attempt_on IS NULL AND dealt_with_at IS NULL"
            ),
        ),
        CheckConstraint("amount_cents > 0", name="amount_positive"),
        CheckConstraint("paid_cents BETWEEN 0 AND amount_cents", name="paid_within"),
        CheckConstraint(
            "(dealt_with_at IS NULL) = (dealt_with_by IS NULL)", name="dealt_with_by_somebody"
        ),
    )

    arrangement_id: Mapped[UUID]
    n: Mapped[int]
    due_on: Mapped[date]
    amount_cents: Mapped[Cents]
    paid_cents: Mapped[Cents] = mapped_column(default=Cents(0))
    status: Mapped[InstallmentStatus]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_on: Mapped[date | None]
    late_since: Mapped[date | None]
    told_on: Mapped[date | None]
    dealt_with_at: Mapped[datetime | None]
    dealt_with_by: Mapped[UUID | None]


class Authorization(Owned, Base):
    """Permission to charge a saved method later (PY-05); nothing is charged off-session without it.

    It awaits its method at acceptance; settling adds the method, grants it and queues the copy.
    ``copied_at`` is when that copy had left, kept with the first charge.
    """

    __tablename__ = "payment_authorization"
    __table_args__ = (
        of_client(),
        belongs_to("arrangement"),
        Index(
            "uq_payment_authorization_one_granted",
            "client_id",
            "arrangement_id",
            unique=True,
            postgresql_where=text("status = 'granted'"),
        ),
        Index("ix_payment_authorization_arrangement", "client_id", "arrangement_id"),
        CheckConstraint(
            "status <> 'granted' OR (granted_at IS NOT NULL AND method_id IS NOT NULL)",
            name="granted_has_method",
        ),
    )

    arrangement_id: Mapped[UUID]
    status: Mapped[AuthorizationStatus]
    document_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    cap_cents: Mapped[Cents]
    method_id: Mapped[str | None]
    method_brand: Mapped[str | None]
    method_last4: Mapped[str | None]
    method_funding: Mapped[str | None]
    created_at: Mapped[datetime]
    granted_at: Mapped[datetime | None]
    copied_at: Mapped[datetime | None]
    copy_message_id: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None]


class Amendment(Owned, Base):
    """One change of a running arrangement that its debtor made; never changed itself.

    ``before`` and ``after`` are its parts, paid and unpaid, ``rhythm`` the one from then on.
    ``counts``: it used up one of the client's concessions. ``change_sha256`` is the hash of what
    was agreed to, ``document_sha256`` that of the page that showed it.
    """

    __tablename__ = "amendment"
    __table_args__ = (
        of_client(),
        belongs_to("arrangement"),
        belongs_to("account"),
        UniqueConstraint("client_id", "arrangement_id", "n"),
        Index("ix_amendment_account", "client_id", "account_id"),
    )

    arrangement_id: Mapped[UUID]
    account_id: Mapped[UUID]
    n: Mapped[int]
    kind: Mapped[str]
    counts: Mapped[bool]
    before: Mapped[Json]
    after: Mapped[Json]
    rhythm: Mapped[Json]
    actor: Mapped[Json]
    at: Mapped[datetime]
    change_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    document_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)


class Proposal(Owned, Base):
    """What a debtor suggests; binds nobody until reviewed terms are accepted (PY-02)."""

    __tablename__ = "proposal"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        UniqueConstraint("client_id", "reference"),
        Index(
            "uq_proposal_one_open",
            "client_id",
            "account_id",
            unique=True,
            postgresql_where=text("status IN ('submitted', 'countered', 'accepted')"),
        ),
        Index("ix_proposal_status", "client_id", "status", "answer_due_on"),
    )

    account_id: Mapped[UUID]
    reference: Mapped[str]
    status: Mapped[ProposalStatus]
    kind: Mapped[str]
    wish: Mapped[Json]
    note: Mapped[str | None]
    policy_version: Mapped[int]
    balance_cents: Mapped[Cents]
    locale: Mapped[str]
    submitted_at: Mapped[datetime]
    answer_due_on: Mapped[date]
    escalated_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None]
    answer_reason: Mapped[str | None]
    granted_terms: Mapped[Json | None]
    granted_until: Mapped[date | None]
