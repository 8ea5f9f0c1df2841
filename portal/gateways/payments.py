"""What a payment processor is asked and what it answers, in our own frozen values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from portal.domain.money import Cents

HttpTransport = Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
"""``(method, url, headers, body) -> (status, headers, body)``; raises OSError when cut off."""


class GatewayError(Exception):
    """Stripe did not do what was asked, or did not say so."""


class GatewayUnavailable(GatewayError):
    """No readable answer (network, 5xx, 429): whether it was done is unknown; read, or repeat."""


class GatewayRefused(GatewayError):
    """Stripe understood and declined to do it; repeating it unchanged does not help."""

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message, self.code, self.status = message, code, status


class IdempotencyKeyReused(GatewayRefused):
    """The key already belongs to other parameters: the first request stands, this one does not."""


class ForeignCheckoutUrl(GatewayError):
    """A Checkout page outside the allowed origins: nobody may be sent there."""

    def __init__(self, checkout_id: str, origin: str) -> None:
        super().__init__(f"{checkout_id} has a page at {origin or 'no web address'}")
        self.checkout_id, self.origin = checkout_id, origin


class WebhookRefused(GatewayError):
    """The signature, its age or the body of a webhook is not what Stripe sends."""


class CheckoutMode(StrEnum):
    """What a Checkout page is for."""

    PAY = "payment"
    PAY_AND_SAVE = "payment_and_save"
    SAVE = "setup"


class CheckoutStatus(StrEnum):
    """Where a Checkout page stands."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


class IntentStatus(StrEnum):
    """Where a PaymentIntent or SetupIntent stands, in Stripe's words."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    REQUIRES_CAPTURE = "requires_capture"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class RefundStatus(StrEnum):
    """Where money going back stands."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class DisputeStatus(StrEnum):
    """Where a chargeback stands; the ``warning_*`` ones are inquiries, which move no money."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """One hosted Checkout page to open; ``amount_cents`` is None where a method is only saved.

    ``product_name`` and ``metadata`` must not tell a debt: Stripe and the bank show them.
    """

    mode: CheckoutMode
    customer_id: str
    currency: str
    product_name: str
    success_url: str
    cancel_url: str
    locale: str
    expires_at: datetime
    metadata: Mapping[str, str]
    amount_cents: Cents | None = None
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class OffSessionCharge:
    """One charge of a saved method while its owner is away."""

    customer_id: str
    method_id: str
    amount_cents: Cents
    currency: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GatewayMethod:
    """A card or bank account: what may be shown of it, and its id where it can be reached."""

    kind: str
    id: str | None = None
    customer_id: str | None = None
    brand: str | None = None
    last4: str | None = None
    funding: str | None = None
    expires_month: int | None = None
    expires_year: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt was declined; ``message`` is Stripe's English, for staff only."""

    code: str | None
    decline_code: str | None = None
    advice_code: str | None = None
    network_advice_code: str | None = None
    network_decline_code: str | None = None
    message: str | None = None

    @property
    def needs_debtor(self) -> bool:
        """Whether the bank wants the debtor present: a Checkout page can still succeed."""
        return "authentication_required" in (self.code, self.decline_code)


@dataclass(frozen=True, slots=True)
class GatewayCheckout:
    """A Checkout page as it stands; ``paid`` is true only once the money is there."""

    id: str
    mode: str
    status: CheckoutStatus
    payment_status: str
    url: str | None
    amount_cents: Cents | None
    currency: str | None
    customer_id: str | None
    intent_id: str | None
    setup_id: str | None
    created_at: datetime
    expires_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def paid(self) -> bool:
        """Whether Stripe says the money is collected."""
        return self.payment_status == "paid"


@dataclass(frozen=True, slots=True)
class GatewayPayment:
    """A PaymentIntent with its latest charge, as it stands; ``raw`` is its JSON."""

    id: str
    status: IntentStatus
    amount_cents: Cents
    received_cents: Cents
    refunded_cents: Cents
    disputed: bool
    currency: str
    customer_id: str | None
    charge_id: str | None
    method: GatewayMethod | None
    failure: Failure | None
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class GatewaySetup:
    """A SetupIntent: a method saved without a payment, as it stands."""

    id: str
    status: IntentStatus
    customer_id: str | None
    method: GatewayMethod | None
    mandate_id: str | None
    failure: Failure | None
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """One refund as it stands; ``raw`` is its JSON."""

    id: str
    status: RefundStatus
    amount_cents: Cents
    currency: str
    intent_id: str | None
    charge_id: str | None
    failure_reason: str | None
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class DisputeMovement:
    """Money that a dispute moved: negative when withdrawn, positive when reinstated; no fees."""

    id: str
    amount_cents: Cents
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class GatewayDispute:
    """A chargeback as it stands; what it moved is in ``movements``, empty for an inquiry."""

    id: str
    status: DisputeStatus
    amount_cents: Cents
    currency: str
    intent_id: str | None
    charge_id: str
    reason: str
    respond_by: datetime | None
    created_at: datetime
    movements: tuple[DisputeMovement, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """The envelope of a webhook: a hint which object to read again, never its state."""

    id: str
    type: str
    stripe_account: str | None
    livemode: bool
    object_id: str | None
    object_type: str | None
    api_version: str | None
    created_at: datetime


Unreadable = Callable[[str, GatewayError], None]
"""Told of each object of a list that cannot be read, by its id; the list goes on after it."""


class PaymentGateway(Protocol):
    """The payment processor, as services see it.

    Every call raises GatewayUnavailable or GatewayRefused and nothing else of the processor's.
    ``stripe_account`` is the connected account, None for the platform's own. Lists come newest
    first and fetch their pages while they are read: hold no transaction open meanwhile. Without
    ``unreadable`` an object that cannot be read ends its list with GatewayUnavailable.
    """

    def create_customer(
        self,
        *,
        metadata: Mapping[str, str],
        idempotency_key: str,
        stripe_account: str | None = None,
    ) -> str:
        """Open a customer, to find what belongs to one debt by; returns its id."""
        ...

    def create_checkout(
        self, order: CheckoutOrder, *, idempotency_key: str, stripe_account: str | None = None
    ) -> GatewayCheckout:
        """Open a hosted page. Raises ForeignCheckoutUrl too."""
        ...

    def retrieve_checkout(
        self, checkout_id: str, *, stripe_account: str | None = None
    ) -> GatewayCheckout: ...

    def expire_checkout(
        self, checkout_id: str, *, stripe_account: str | None = None
    ) -> GatewayCheckout:
        """Close an open page. GatewayRefused when it is no longer open: read it again."""
        ...

    def list_checkouts(
        self, customer_id: str, *, stripe_account: str | None = None
    ) -> Iterator[GatewayCheckout]: ...

    def charge_off_session(
        self, charge: OffSessionCharge, *, idempotency_key: str, stripe_account: str | None = None
    ) -> GatewayPayment:
        """Charge a saved method; a decline is an answer (``failure``), not an exception."""
        ...

    def retrieve_payment(
        self, intent_id: str, *, stripe_account: str | None = None
    ) -> GatewayPayment: ...

    def list_payments(
        self,
        *,
        customer_id: str | None = None,
        since: datetime | None = None,
        stripe_account: str | None = None,
        unreadable: Unreadable | None = None,
    ) -> Iterator[GatewayPayment]: ...

    def cancel_payment(
        self, intent_id: str, *, stripe_account: str | None = None
    ) -> GatewayPayment:
        """Give up an attempt that has not been paid. GatewayRefused when it is too late."""
        ...

    def retrieve_setup(
        self, setup_id: str, *, stripe_account: str | None = None
    ) -> GatewaySetup: ...

    def refund(
        self,
        intent_id: str,
        *,
        amount_cents: Cents,
        metadata: Mapping[str, str],
        idempotency_key: str,
        stripe_account: str | None = None,
    ) -> GatewayRefund:
        """Send money back. Final refusals: ``charge_already_refunded``, ``charge_disputed``."""
        ...

    def retrieve_refund(
        self, refund_id: str, *, stripe_account: str | None = None
    ) -> GatewayRefund: ...

    def list_refunds(
        self,
        *,
        intent_id: str | None = None,
        since: datetime | None = None,
        stripe_account: str | None = None,
        unreadable: Unreadable | None = None,
    ) -> Iterator[GatewayRefund]: ...

    def retrieve_dispute(
        self, dispute_id: str, *, stripe_account: str | None = None
    ) -> GatewayDispute: ...

    def list_disputes(
        self,
        *,
        intent_id: str | None = None,
        since: datetime | None = None,
        stripe_account: str | None = None,
        unreadable: Unreadable | None = None,
    ) -> Iterator[GatewayDispute]: ...

    def retrieve_method(
        self, method_id: str, *, stripe_account: str | None = None
    ) -> GatewayMethod: ...

    def detach_method(self, method_id: str, *, stripe_account: str | None = None) -> None:
        """Forget a saved method: it can never be charged again. Doing it twice is harmless."""
        ...

    def verify_webhook(
        self, body: bytes, *, signature: str | None, secrets: Sequence[str], now: datetime
    ) -> GatewayEvent:
        """The event in a webhook's raw body. Raises WebhookRefused."""
        ...
