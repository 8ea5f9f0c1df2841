"""Who works on what waits, and whom the identity check has locked out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.waiting import Queue
from portal.models.base import Base, Owned, belongs_to, of_client


class Claim(Base):
    """One thing in a queue is one person's until a time; the row stays for the next one.

    ``until`` None: it is assigned, until it is done or given back, or they work for the client no
    more. ``item_id`` is the id of a proposal, request, question … as ``queue`` says.
    """

    __tablename__ = "claim"
    __table_args__ = (
        of_client(),
        Index("ix_claim_staff", "staff_id", "until"),
        CheckConstraint("until >= taken_at", name="until_later"),
    )

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    queue: Mapped[Queue] = mapped_column(primary_key=True)
    item_id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID]
    taken_at: Mapped[datetime]
    until: Mapped[datetime | None]


class LockOut(Owned, Base):
    """A debtor failed the identity check until it was locked; open until they pass, or are helped.

    ``until`` is when the newest lock ends; ``closed_by`` None: they passed by themselves.
    """

    __tablename__ = "lock_out"
    __table_args__ = (
        of_client(),
        belongs_to("debtor"),
        belongs_to("account"),
        Index(
            "uq_lock_out_open",
            "client_id",
            "debtor_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_lock_out_open",
            "client_id",
            "at",
            "id",
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    debtor_id: Mapped[UUID]
    account_id: Mapped[UUID]
    at: Mapped[datetime]
    until: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
