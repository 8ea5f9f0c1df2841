"""What keeps records from erasure, and how records are erased after their last day."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from portal.models.base import Base, Owned, belongs_to, of_client


class LegalHold(Owned, Base):
    """Somebody may need an account's record before a court: nothing of it is erased until lifted.

    ``matter`` is the case it is needed for, in the words of who set it.
    """

    __tablename__ = "legal_hold"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        Index("ix_legal_hold_account", "client_id", "account_id"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_reason IS NULL)", name="lifted_with_reason"),
    )

    account_id: Mapped[UUID]
    reason: Mapped[str]
    matter: Mapped[str]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime]
    lifted_by: Mapped[UUID | None]
    lifted_at: Mapped[datetime | None]
    lifted_reason: Mapped[str | None]


class BatchStatus(StrEnum):
    """How far a batch of erasures got."""

    ASKED = "asked"
    DECLINED = "declined"
    APPROVED = "approved"
    FINISHED = "finished"


class ErasureBatch(Owned, Base):
    """Records that one person wants erased; nothing happens before a second one approves.

    ``limitation``: a record was to be kept until its debt's limitation period was over, too.
    """

    __tablename__ = "erasure_batch"
    __table_args__ = (
        of_client(),
        Index("ix_erasure_batch_asked", "client_id", "asked_at"),
        CheckConstraint("decided_by <> asked_by", name="two_people"),
        CheckConstraint(
            "(status = 'asked') = (decided_by IS NULL) AND (decided_by IS NULL)"
            " = (decided_at IS NULL)",
            name="decided",
        ),
    )

    status: Mapped[BatchStatus]
    limitation: Mapped[bool]
    reason: Mapped[str]
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    note: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class ErasureStatus(StrEnum):
    """What became of one record of a batch."""

    WAITING = "waiting"
    ERASED = "erased"
    SKIPPED = "skipped"


class Erasure(Owned, Base):
    """One record of a batch: what decided its last day, and what was destroyed.

    ``leaf_n`` is the place of its leaf on the client's own chain. ``why`` names what held back a
    record that was skipped.
    """

    __tablename__ = "erasure"
    __table_args__ = (
        of_client(),
        belongs_to("erasure_batch", "batch_id"),
        belongs_to("account"),
        UniqueConstraint("client_id", "batch_id", "account_id"),
        Index("ix_erasure_account", "client_id", "account_id"),
        Index(
            "ix_erasure_waiting",
            "client_id",
            "batch_id",
            "account_id",
            postgresql_where=text("status = 'waiting'"),
        ),
        CheckConstraint("(status = 'erased') = (leaf_n IS NOT NULL)", name="told"),
        CheckConstraint("(status = 'waiting') = (at IS NULL)", name="done"),
    )

    batch_id: Mapped[UUID]
    account_id: Mapped[UUID]
    chain_id: Mapped[UUID]
    reference: Mapped[str]
    status: Mapped[ErasureStatus]
    rule: Mapped[str]
    last_day: Mapped[date]
    leaves: Mapped[int]
    documents: Mapped[int]
    why: Mapped[str | None]
    leaf_n: Mapped[int | None]
    at: Mapped[datetime | None]
