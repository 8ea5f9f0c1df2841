"""People who work here, what they may do, and where they are logged in."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Json, fresh_id


class Role(StrEnum):
    """What a member of staff is here for."""

    CLIENT_ADMIN = "client_admin"
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    COMPLIANCE = "compliance"
    OPERATOR = "operator"


class Staff(Base):
    """A person who works for a client, for the agency or for the operator."""

    __tablename__ = "staff"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[Role]
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    password_set_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    disabled_at: Mapped[datetime | None]


class StaffClient(Base):
    """Which clients' accounts a member of staff may see."""

    __tablename__ = "staff_client"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("client.id"), primary_key=True)


class StaffSession(Base):
    """One log-in of a member of staff, refused at the next request once it is ended.

    ``proved_at`` is when they last proved who they are, which a dangerous act asks for.
    """

    __tablename__ = "staff_session"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    ip: Mapped[str]
    user_agent: Mapped[str]
    started_at: Mapped[datetime]
    proved_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StaffSecondStep(Base):
    """What makes the codes of a member of staff: sealed, and None once it was taken back.

    ``last_step`` is the last 30 seconds of which a code was taken: none is taken twice.
    """

    __tablename__ = "staff_second_step"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    master: Mapped[str | None]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger)
    enrolled_at: Mapped[datetime]


class StaffRecoveryCode(Base):
    """One code on paper that stands in for a lost telephone, once; only its keyed hash is kept."""

    __tablename__ = "staff_recovery_code"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    created_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]


class StaffInvitation(Base):
    """Somebody who may begin to work here. One is open for each address.

    ``sends`` numbers its links: only the newest opens. Nobody in ``invited_by``: a command did.
    """

    __tablename__ = "staff_invitation"
    __table_args__ = (
        Index(
            "uq_staff_invitation_open",
            "email",
            unique=True,
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id)
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[Role]
    client_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    invited_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    sends: Mapped[int]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    staff_id: Mapped[UUID | None]


class StaffEvent(Base):
    """Something that happened to somebody's access, written once and changed by nobody (PR-03).

    ``staff_id`` is whom it is about; whoever did it to them stands in ``detail`` as ``by``.
    """

    __tablename__ = "staff_event"
    __table_args__ = (Index("ix_staff_event_staff_id", "staff_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id)
    staff_id: Mapped[UUID | None]
    client_id: Mapped[UUID | None]
    at: Mapped[datetime]
    kind: Mapped[str]
    detail: Mapped[Json]
    ip: Mapped[str | None]


class HeldForm(Base):
    """What somebody typed into a form that was not taken: sealed, for them alone, for an hour."""

    __tablename__ = "held_form"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id)
    path: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    held_at: Mapped[datetime]
