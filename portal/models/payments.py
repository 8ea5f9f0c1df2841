"""Payments, refunds, chargebacks and what Stripe told us."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.counter import CounterKind
from portal.domain.money import Cents
from portal.domain.statuses import PaymentStatus
from portal.models.base import Base, Owned, belongs_to, of_client

OPEN = (
    PaymentStatus.CREATED,
    PaymentStatus.OPEN,
    PaymentStatus.ATTEMPTING,
    PaymentStatus.PROCESSING,
)
OPEN_STATUSES = "('created', 'open', 'attempting', 'processing')"


class PaymentPurpose(StrEnum):
    """What one attempt is for."""

    ONE_OFF = "one_off"
    FIRST = "first"
    INSTALLMENT = "installment"
    METHOD = "method"


class Payment(Owned, Base):
    """One attempt to collect (METHOD: to save a way to pay), written before Stripe is asked.

    ``idempotency_key`` derives from the row. ``posted_at`` is when Stripe was last asked; once 23
    hours have gone by, or the arrangement was stopped, the attempt is finished only by reading.
    ``permitted_at`` is when an off-session charge was last found permitted, right before Stripe was
    asked for it. ``effect``: what an extra payment does to the rest of its arrangement.
    ``counter_kind``, ``counter_number`` and ``received_on`` are of money that came outside of
    Stripe, of which there is an attempt only once it is here.
    """

    __tablename__ = "payment"
    __table_args__ = (
        of_client(),
        belongs_to("account"),
        belongs_to("arrangement"),
        belongs_to("installment"),
        belongs_to("payer_link"),
        Index(
            "uq_payment_one_open",
            "client_id",
            "account_id",
            unique=True,
            postgresql_where=text(f"status IN {OPEN_STATUSES}"),
        ),
        Index(
            "ix_payment_unresolved",
            "client_id",
            "created_at",
            postgresql_where=text(f"status IN {OPEN_STATUSES}"),
        ),
        Index("ix_payment_account", "client_id", "account_id"),
        Index(
            "ix_payment_payer_link",
            "client_id",
            "payer_link_id",
            postgresql_where=text("payer_link_id IS NOT NULL"),
        ),
        Index("ix_payment_reference", "client_id", "reference"),
        UniqueConstraint("idempotency_key"),
        Index(
            "uq_payment_intent",
            "intent_id",
            "stripe_account",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("intent_id IS NOT NULL"),
        ),
        Index(
            "uq_payment_checkout",
            "checkout_id",
            "stripe_account",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("checkout_id IS NOT NULL"),
        ),
        CheckConstraint("(amount_cents > 0) = (purpose <> 'method')", name="amount_positive"),
        CheckConstraint(
            "(counter_kind IS NULL) = (received_on IS NULL) AND (counter_kind IS NULL OR"
            " (status = 'succeeded' AND checkout_id IS NULL AND intent_id IS NULL"
            " AND method_id IS NULL))",
            name="counter_without_stripe",
        ),
    )

    account_id: Mapped[UUID]
    arrangement_id: Mapped[UUID | None]
    installment_id: Mapped[UUID | None]
    payer_link_id: Mapped[UUID | None]
    purpose: Mapped[PaymentPurpose]
    status: Mapped[PaymentStatus]
    amount_cents: Mapped[Cents]
    currency: Mapped[str]
    reference: Mapped[str]
    locale: Mapped[str]
    idempotency_key: Mapped[str]
    stripe_account: Mapped[str | None]
    checkout_id: Mapped[str | None]
    checkout_url: Mapped[str | None]
    checkout_expires_at: Mapped[datetime | None]
    intent_id: Mapped[str | None]
    setup_id: Mapped[str | None]
    method_id: Mapped[str | None]
    method_brand: Mapped[str | None]
    method_last4: Mapped[str | None]
    method_funding: Mapped[str | None]
    effect: Mapped[str | None]
    counter_kind: Mapped[CounterKind | None]
    counter_number: Mapped[str | None]
    received_on: Mapped[date | None]
    failure_code: Mapped[str | None]
    decline_code: Mapped[str | None]
    advice_code: Mapped[str | None]
    created_at: Mapped[datetime]
    posted_at: Mapped[datetime | None]
    permitted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


class PaymentAllocation(Owned, Base):
    """Where a succeeded payment went: account and installment, as the debtor chose (DH-07).

    What a payment that was returned had paid is taken back by a negative one.
    """

    __tablename__ = "payment_allocation"
    __table_args__ = (
        of_client(),
        belongs_to("payment"),
        belongs_to("account"),
        belongs_to("installment"),
        Index("ix_payment_allocation_payment", "client_id", "payment_id"),
        Index("ix_payment_allocation_installment", "client_id", "installment_id"),
        CheckConstraint("amount_cents <> 0", name="moves"),
    )

    payment_id: Mapped[UUID]
    account_id: Mapped[UUID]
    installment_id: Mapped[UUID | None]
    amount_cents: Mapped[Cents]
    at: Mapped[datetime]


class Refund(Owned, Base):
    """Money back to the debtor, from here or Stripe's dashboard; one row per Stripe refund."""

    __tablename__ = "refund"
    __table_args__ = (
        of_client(),
        belongs_to("payment"),
        UniqueConstraint("client_id", "refund_id"),
        UniqueConstraint("idempotency_key"),
        Index("ix_refund_payment", "client_id", "payment_id"),
        CheckConstraint("amount_cents > 0", name="amount_positive"),
    )

    payment_id: Mapped[UUID]
    refund_id: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    status: Mapped[str]
    cause: Mapped[str]
    amount_cents: Mapped[Cents]
    created_at: Mapped[datetime]
    posted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


class Chargeback(Owned, Base):
    """Stripe's "dispute" about one payment; money moves only when Stripe says it did."""

    __tablename__ = "chargeback"
    __table_args__ = (
        of_client(),
        belongs_to("payment"),
        UniqueConstraint("client_id", "dispute_id"),
        Index("ix_chargeback_payment", "client_id", "payment_id"),
    )

    payment_id: Mapped[UUID]
    dispute_id: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str | None]
    amount_cents: Mapped[Cents]
    created_at: Mapped[datetime]


class StripeEvent(Base):
    """The webhook inbox: each event under its own id, as received; a hint, never the truth.

    The body is kept for whoever asks what came; no process of ours may read it again.
    """

    __tablename__ = "stripe_event"
    __table_args__ = (
        Index(
            "ix_stripe_event_unhandled",
            "received_at",
            postgresql_where=text("handled_at IS NULL"),
        ),
    )

    event_id: Mapped[str] = mapped_column(primary_key=True)
    stripe_account: Mapped[str | None]
    type: Mapped[str]
    object_id: Mapped[str | None]
    livemode: Mapped[bool]
    body: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)


class Watermark(Base):
    """How far a reconciliation has read, per Stripe account and kind of object."""

    __tablename__ = "watermark"

    name: Mapped[str] = mapped_column(primary_key=True)
    reached_at: Mapped[datetime]


class ReconcileFailure(Base):
    """A Stripe object that could not be taken over; it is tried at each run until it is.

    ``stripe_account`` is ``platform`` for our own.
    """

    __tablename__ = "reconcile_failure"

    stripe_account: Mapped[str] = mapped_column(primary_key=True)
    object_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    why: Mapped[str]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
