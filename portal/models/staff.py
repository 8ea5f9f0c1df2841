"""People who work here, where they are logged in, and what they did beside the record."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.access import Role
from portal.models.base import Base, Json, fresh_id


class Staff(Base):
    """A person who works for a client, for the agency or for the operator."""

    __tablename__ = "staff"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[Role]
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class StaffClient(Base):
    """Which clients' accounts a member of staff may see."""

    __tablename__ = "staff_client"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("client.id"), primary_key=True)


class StaffSession(Base):
    """One log-in of a member of staff, refused at the next request once it is ended."""

    __tablename__ = "staff_session"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    ip: Mapped[str]
    user_agent: Mapped[str]
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Noted(StrEnum):
    """What of staff's doing is kept although no account's record has it."""

    REFUSED = "refused"
    MISSING = "missing"
    OPENED = "opened"
    JOB_RETRIED = "job_retried"
    LOCK_LIFTED = "lock_lifted"


class StaffEvent(Base):
    """One thing that a member of staff did or tried, kept for whoever answers for them.

    Never changed and never deleted. A member of staff sees their own, an operator everybody's.
    ``detail`` has ids and codes, and a reason where one was given.
    """

    __tablename__ = "staff_event"
    __table_args__ = (
        Index("ix_staff_event_at", "at", "id"),
        Index("ix_staff_event_staff", "staff_id", "kind", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    client_id: Mapped[UUID | None] = mapped_column(ForeignKey("client.id"))
    at: Mapped[datetime]
    kind: Mapped[Noted]
    detail: Mapped[Json]
    ip: Mapped[str | None]
