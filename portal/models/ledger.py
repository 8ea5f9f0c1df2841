"""The ledger: signed movements of an account's balance, and nothing else."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.money import Cents
from portal.models.base import Base, Owned, belongs_to, of_client


class EntryKind(StrEnum):
    """Why the balance moved."""

    PLACED = "placed"
    ADJUSTED = "adjusted"
    PAYMENT = "payment"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    CHARGEBACK = "chargeback"
    CHARGEBACK_REVERSED = "chargeback_reversed"
    RETURNED = "returned"
    FORGIVEN = "forgiven"
    FORGIVENESS_REVERSED = "forgiveness_reversed"
    RECALLED = "recalled"


class LedgerEntry(Owned, Base):
    """One signed movement of an account's balance, append-only: more owed is positive.

    Unique on (source, kind, account), so that a fact lands once however often it is told.
    ``payment_id`` is set where money moved: the payment, or what was refunded or charged back.
    ``on_record``: what says what is owed is in a leaf: of its own, or of the file it came in.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        belongs_to("payment"),
        UniqueConstraint("client_id", "account_id", "kind", "source"),
        Index("ix_ledger_entry_at", "client_id", "at"),
        CheckConstraint("amount_cents <> 0", name="moves"),
    )

    account_id: Mapped[UUID]
    kind: Mapped[EntryKind]
    source: Mapped[str]
    amount_cents: Mapped[Cents]
    at: Mapped[datetime]
    payment_id: Mapped[UUID | None]
    on_record: Mapped[bool] = mapped_column(server_default=false())


class MoneyException(Owned, Base):
    """A question about money that a person must answer: nothing is guessed, nothing is lost."""

    __tablename__ = "money_exception"
    __table_args__ = (
        of_client(),
        Index("ix_money_exception_open", "client_id", "resolved_at"),
        UniqueConstraint("client_id", "kind", "source"),
    )

    account_id: Mapped[UUID | None]
    kind: Mapped[str]
    source: Mapped[str]
    detail: Mapped[str]
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[UUID | None]
    resolution: Mapped[str | None]
