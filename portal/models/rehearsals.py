"""Rehearsals of offer limits: what a draft would change, before anybody is offered anything."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.money import Cents
from portal.domain.rehearsal import Difference
from portal.models.base import Base, Json, Owned, belongs_to, of_client


class RehearsalStatus(StrEnum):
    """How far a rehearsal got."""

    STARTED = "started"
    COMPLETED = "completed"
    INTERRUPTED = "interrupted"


class Rehearsal(Owned, Base):
    """A document of limits run over all open accounts, each as it stands at ``started_at``.

    ``sha256`` is of the document's canonical bytes. ``live_version`` is what it is compared with;
    None: nothing was in force. ``after`` is the last account that ``figures`` has counted.
    """

    __tablename__ = "rehearsal"
    __table_args__ = (
        of_client(),
        Index("ix_rehearsal_document", "client_id", "sha256", "started_at"),
    )

    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    document: Mapped[str]
    live_version: Mapped[int | None]
    status: Mapped[RehearsalStatus] = mapped_column(default=RehearsalStatus.STARTED)
    asked_by: Mapped[UUID]
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    after: Mapped[UUID | None]
    figures: Mapped[Json] = mapped_column(default=dict)


class RehearsalChange(Base):
    """One account that would be offered something else: the best of either side, in cents.

    ``offers_before`` and ``offers_after`` list all, as ``domain.rehearsal.written`` does. ``seen``:
    its debtor had a visit since the live version came into force.
    """

    __tablename__ = "rehearsal_change"
    __table_args__ = (
        of_client(),
        belongs_to("rehearsal"),
        Index(
            "ix_rehearsal_change_losing",
            "client_id",
            "rehearsal_id",
            "account_id",
            postgresql_where=text("difference IN ('worse', 'different', 'gone')"),
        ),
    )

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    rehearsal_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str]
    difference: Mapped[Difference]
    settlement_before_cents: Mapped[Cents | None]
    settlement_after_cents: Mapped[Cents | None]
    plan_before_cents: Mapped[Cents | None]
    plan_after_cents: Mapped[Cents | None]
    offers_before: Mapped[str]
    offers_after: Mapped[str]
    seen: Mapped[bool]
