"""People who work here, where they are logged in, and what they did beside the record."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
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


class Noted(StrEnum):
    """What of staff's doing is kept although no account's record has it."""

    LOG_IN = "log_in"
    LOG_IN_REFUSED = "log_in.refused"
    LOG_IN_LOCKED = "log_in.locked"
    LOG_OUT = "log_out"
    PROVED = "proved"
    PROOF_REFUSED = "proof.refused"
    RECOVERY_USED = "recovery.used"
    RECOVERY_MADE = "recovery.made"
    SECOND_STEP_SET = "second_step.set"
    SECOND_STEP_RESET = "second_step.reset"
    PASSWORD_ASKED = "password.asked"  # noqa: S105
    PASSWORD_CHANGED = "password.changed"  # noqa: S105
    SESSION_ENDED = "session.ended"
    SESSIONS_ENDED = "sessions.ended"
    INVITED = "invited"
    INVITATION_SENT = "invitation.sent"
    INVITATION_REVOKED = "invitation.revoked"
    JOINED = "joined"
    ROLE_CHANGED = "role.changed"
    DISABLED = "disabled"
    ENABLED = "enabled"
    REFUSED = "refused"
    MISSING = "missing"
    OPENED = "opened"
    JOB_RETRIED = "job.retried"
    LOCK_LIFTED = "lock.lifted"


class StaffEvent(Base):
    """One thing that a member of staff did or tried, or that was done to their access (PR-03).

    Never changed and never deleted. ``staff_id`` is whom it is about; whoever did it to somebody
    else stands in ``detail`` as ``by``. ``detail`` has ids and codes, and a reason where one was
    given. Read by whom it is about, by whoever looks after them, and by operators.
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


class HeldForm(Base):
    """What somebody typed into a form that was not taken: sealed, for them alone, for an hour."""

    __tablename__ = "held_form"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id)
    path: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    held_at: Mapped[datetime]
