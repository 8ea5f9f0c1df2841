"""People who work here, what they may do, and where they are logged in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.access import Role
from portal.models.base import Base, belongs_to, fresh_id, of_client


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


class RecentAccount(Base):
    """When a member of staff last opened an account: their own few newest, not a record."""

    __tablename__ = "recent_account"
    __table_args__ = (of_client(), belongs_to("account"))

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    opened_at: Mapped[datetime]
