"""Consent to get required copies online only, and the letters that go where none stands (ES-01)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.statuses import ConsentStatus
from portal.models.base import Base, Owned, belongs_to, of_client


class EsignConsent(Owned, Base):
    """A debtor's consent to get required copies at one e-mail address only, and how it was shown.

    It begins with a sample sent to that address: ``sample_sha256`` is the document whose code the
    debtor has to type, ``tries`` how often something else was typed. ``text_sha256`` is the
    statement as it was shown last.
    """

    __tablename__ = "esign_consent"
    __table_args__ = (
        of_client(),
        belongs_to("debtor"),
        belongs_to("contact"),
        belongs_to("debtor_session", "session_id"),
        Index(
            "uq_esign_consent_one_asked",
            "client_id",
            "debtor_id",
            unique=True,
            postgresql_where=text("status = 'asked'"),
        ),
        Index(
            "uq_esign_consent_one_consented",
            "client_id",
            "debtor_id",
            unique=True,
            postgresql_where=text("status = 'consented'"),
        ),
        Index("ix_esign_consent_debtor", "client_id", "debtor_id", "asked_at"),
        CheckConstraint(
            "status NOT IN ('consented', 'withdrawn') OR consented_at IS NOT NULL",
            name="consented_at",
        ),
        CheckConstraint("(status = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn_at"),
    )

    debtor_id: Mapped[UUID]
    contact_id: Mapped[UUID]
    session_id: Mapped[UUID]
    status: Mapped[ConsentStatus]
    scope: Mapped[str]
    text_version: Mapped[int]
    text_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    locale: Mapped[str]
    sample_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    tries: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime]
    consented_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class LetterBatch(Owned, Base):
    """Letters of one client that were printed together; finished once it is said which left."""

    __tablename__ = "letter_batch"
    __table_args__ = (
        of_client(),
        UniqueConstraint("client_id", "reference"),
        Index(
            "ix_letter_batch_open",
            "client_id",
            "printed_at",
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    reference: Mapped[str]
    printed_at: Mapped[datetime]
    printed_by: Mapped[UUID]
    finished_at: Mapped[datetime | None]
    finished_by: Mapped[UUID | None]


class Letter(Owned, Base):
    """A message on paper, exactly as it was printed; the message says what became of it.

    ``recipient`` is the address on it, a line each. ``enclosure_sha256`` is the document that goes
    along, ``link_id`` the link whose code is in it. What did not leave is printed anew, in another
    batch.
    """

    __tablename__ = "letter"
    __table_args__ = (
        of_client(),
        belongs_to("letter_batch", "batch_id"),
        belongs_to("message"),
        belongs_to("access_link", "link_id"),
        UniqueConstraint("client_id", "batch_id", "n"),
        Index("ix_letter_message", "client_id", "message_id"),
    )

    batch_id: Mapped[UUID]
    message_id: Mapped[UUID]
    link_id: Mapped[UUID | None]
    n: Mapped[int]
    recipient: Mapped[str]
    document_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    enclosure_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    sent_at: Mapped[datetime | None]
