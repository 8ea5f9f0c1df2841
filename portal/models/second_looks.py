"""Movements of money that staff ask for, and the second person that large ones need."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped

from portal.domain.money import Cents
from portal.models.base import Base, Json, Owned, belongs_to, of_client


class LookKind(StrEnum):
    """What is asked for."""

    COUNTER_PAYMENT = "counter_payment"
    RETURN = "return"
    REFUND = "refund"
    OUTSIDE = "outside"


class LookOutcome(StrEnum):
    """What became of it."""

    NOT_NEEDED = "not_needed"
    WAITS = "waits"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class SecondLook(Owned, Base):
    """One movement of money that a member of staff asked for; one at a time waits for an account.

    ``counted_cents`` is what the limit was held against: the amount, and what one person moved
    alone on the account in the day before. ``details`` has what only one kind of act needs.
    ``payment_id`` is the payment that was made of it, or from which money goes back.
    """

    __tablename__ = "second_look"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        belongs_to("payment"),
        Index(
            "uq_second_look_one_waits",
            "client_id",
            "account_id",
            unique=True,
            postgresql_where=text("outcome = 'waits'"),
        ),
        Index(
            "ix_second_look_waits",
            "client_id",
            "asked_at",
            "id",
            postgresql_where=text("outcome = 'waits'"),
        ),
        Index("ix_second_look_account", "client_id", "account_id", "asked_at"),
        Index("ix_second_look_payment", "client_id", "payment_id"),
        CheckConstraint("amount_cents > 0", name="amount_positive"),
        CheckConstraint(
            "outcome <> 'not_needed' OR counted_cents <= limit_cents", name="alone_within_limit"
        ),
        CheckConstraint(
            "outcome NOT IN ('approved', 'declined') OR decided_by <> asked_by", name="two_people"
        ),
        CheckConstraint(
            "(outcome IN ('not_needed', 'waits')) = (decided_at IS NULL)"
            " AND (decided_by IS NULL) = (decided_at IS NULL)",
            name="decided",
        ),
    )

    account_id: Mapped[UUID]
    payment_id: Mapped[UUID | None]
    kind: Mapped[LookKind]
    outcome: Mapped[LookOutcome]
    amount_cents: Mapped[Cents]
    counted_cents: Mapped[Cents]
    limit_cents: Mapped[Cents]
    currency: Mapped[str]
    reason: Mapped[str]
    details: Mapped[Json]
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    answer: Mapped[str | None]
