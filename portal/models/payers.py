"""Links by which somebody else pays for a debtor."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from portal.domain.money import Cents
from portal.models.base import Base, Owned, belongs_to, of_client
from portal.models.payments import PaymentPurpose


class PayerLink(Owned, Base):
    """What a debtor asked somebody else to pay: one amount, once, seen without any debt (PR-05).

    ``public_id`` is the short random id inside the signed token. An account has at most one that
    is not closed; the debtor closes it, or making another one does.
    """

    __tablename__ = "payer_link"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        belongs_to("arrangement"),
        belongs_to("installment"),
        UniqueConstraint("public_id"),
        Index(
            "uq_payer_link_one_open",
            "client_id",
            "account_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        CheckConstraint("expires_at > issued_at", name="expires_later"),
        CheckConstraint("amount_cents > 0", name="amount_positive"),
    )

    account_id: Mapped[UUID]
    public_id: Mapped[str]
    purpose: Mapped[PaymentPurpose]
    amount_cents: Mapped[Cents]
    currency: Mapped[str]
    arrangement_id: Mapped[UUID | None]
    installment_id: Mapped[UUID | None]
    reference: Mapped[str]
    locale: Mapped[str]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
