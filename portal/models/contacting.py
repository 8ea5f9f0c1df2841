"""What permits an address, what people want of us, which notices came first, and calls."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.callers import Disposition
from portal.domain.calls import Ground, Outcome
from portal.domain.permissions import Basis
from portal.domain.wishes import WishKind
from portal.models.base import Base, Owned, belongs_to, of_client


class ContactPermission(Owned, Base):
    """One piece of evidence that an address may be used, as it was recorded (EC-01, EC-02).

    ``words`` are the person's own or those beside the field, ``document_sha256`` the copy of a
    creditor's notice. ``at`` is when it happened: the consent, the text, the check.
    """

    __tablename__ = "contact_permission"
    __table_args__ = (
        of_client(),
        belongs_to("contact"),
        Index("ix_contact_permission_contact", "client_id", "contact_id"),
    )

    contact_id: Mapped[UUID]
    basis: Mapped[Basis]
    source: Mapped[str]
    words: Mapped[str | None]
    notice_sent_on: Mapped[date | None]
    deadline_on: Mapped[date | None]
    document_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]


class ContactPreference(Owned, Base):
    """How a person wants to be written to, in force from when it was said until it ended (CT-03).

    ``value`` is as ``domain.wishes`` writes it; ``words`` are what the person said. ``source``
    names where it was said; ``recorded_by`` is the member of staff who heard it.
    """

    __tablename__ = "contact_preference"
    __table_args__ = (
        of_client(),
        belongs_to("debtor"),
        Index(
            "uq_contact_preference_in_force",
            "client_id",
            "debtor_id",
            "kind",
            "value",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("ended_at >= stated_at", name="ends_after"),
    )

    debtor_id: Mapped[UUID]
    kind: Mapped[WishKind]
    value: Mapped[str]
    words: Mapped[str | None]
    source: Mapped[str]
    stated_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]


class FirstNotice(Owned, Base):
    """A notice about an account that a province wants before anything else is written (CA-01).

    ``on_paper``: it was mailed. ``missed_at``: the debtor says that it did not come, so its wait
    begins again with the next one.
    """

    __tablename__ = "first_notice"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        UniqueConstraint("client_id", "account_id", "sent_on", "on_paper"),
    )

    account_id: Mapped[UUID]
    sent_on: Mapped[date]
    on_paper: Mapped[bool]
    source: Mapped[str]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]
    missed_at: Mapped[datetime | None]


class CallAttempt(Owned, Base):
    """One telephone call about an account: who began it, and how it went (CT-06).

    ``on_day`` is the debtor's. ``contact_id`` or ``request_id`` says whose number it is; both are
    None where the debtor called us. ``ground``: why it does not count, or who let it be with which
    ``reason``. ``consented``: the debtor agreed in it to be called again within seven days.
    """

    __tablename__ = "call_attempt"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        belongs_to("contact"),
        belongs_to("help_request", "request_id"),
        Index("ix_call_attempt_account", "client_id", "account_id", "at"),
        CheckConstraint("(outcome IS NULL) = (logged_at IS NULL)", name="logged_with_outcome"),
        CheckConstraint("ground <> 'supervisor' OR reason IS NOT NULL", name="supervisor_says_why"),
        CheckConstraint("outcome = 'conversation' OR NOT consented", name="consents_in_words"),
    )

    account_id: Mapped[UUID]
    contact_id: Mapped[UUID | None]
    request_id: Mapped[UUID | None]
    number: Mapped[str]
    at: Mapped[datetime]
    on_day: Mapped[date]
    staff_id: Mapped[UUID]
    ground: Mapped[Ground | None]
    reason: Mapped[str | None]
    outcome: Mapped[Outcome | None]
    consented: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    note: Mapped[str | None]
    logged_at: Mapped[datetime | None]
    logged_by: Mapped[UUID | None]


class CallSession(Owned, Base):
    """A member of staff on the telephone with somebody, who may be known to be the debtor.

    ``call_id`` is our call to them, or their call as it was logged. ``log_in_id`` names the log-in
    it was opened in and ends with. ``seen_at``: when its member of staff last worked on it.
    ``verified_at``: the answers matched, by the facts in ``method``.
    """

    __tablename__ = "call_session"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        belongs_to("debtor"),
        belongs_to("call_attempt", "call_id"),
        Index(
            "uq_call_session_open",
            "staff_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_call_session_account", "client_id", "account_id", "opened_at"),
        CheckConstraint("(disposition IS NULL) = (ended_at IS NULL)", name="ends_somehow"),
        CheckConstraint("(method IS NULL) = (verified_at IS NULL)", name="known_somehow"),
        CheckConstraint(
            "disposition <> 'spoke' OR verified_at IS NOT NULL", name="speaks_with_who_is_known"
        ),
    )

    account_id: Mapped[UUID]
    debtor_id: Mapped[UUID]
    staff_id: Mapped[UUID]
    log_in_id: Mapped[UUID]
    call_id: Mapped[UUID | None]
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    method: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    disposition: Mapped[Disposition | None]
    note: Mapped[str | None]
