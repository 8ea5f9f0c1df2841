"""What Stripe says of one payment, read outside any transaction."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from portal.gateways.payments import (
    GatewayCheckout,
    GatewayPayment,
    GatewaySetup,
    PaymentGateway,
)
from portal.models import Payment


@dataclass(frozen=True, slots=True)
class PaymentPointer:
    """Where a payment is found at Stripe; copied out of the row, so that no transaction is open."""

    client_id: UUID
    payment_id: UUID
    stripe_account: str | None
    customer_id: str | None
    checkout_id: str | None
    intent_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """One payment's objects at Stripe as they stood when they were read; absent ones are None."""

    checkout: GatewayCheckout | None = None
    intent: GatewayPayment | None = None
    setup: GatewaySetup | None = None

    @property
    def found(self) -> bool:
        """Whether Stripe knows the payment at all."""
        return any((self.checkout, self.intent, self.setup))


def pointer(payment: Payment, customer_id: str | None) -> PaymentPointer:
    """Where to look for this payment."""
    return PaymentPointer(
        client_id=payment.client_id,
        payment_id=payment.id,
        stripe_account=payment.stripe_account,
        customer_id=customer_id,
        checkout_id=payment.checkout_id,
        intent_id=payment.intent_id,
        created_at=payment.created_at,
    )


def read(gateway: PaymentGateway, where: PaymentPointer) -> Reading:
    """Fetch a payment from Stripe by its id there, else by its mark on the customer's objects.

    Raises GatewayUnavailable when Stripe gives no readable answer: nothing is known then.
    """
    if where.checkout_id is not None:
        return read_checkout(gateway, where.checkout_id, stripe_account=where.stripe_account)
    if where.intent_id is not None:
        return read_intent(gateway, where.intent_id, stripe_account=where.stripe_account)
    return _search(gateway, where)


def read_checkout(
    gateway: PaymentGateway, checkout_id: str, *, stripe_account: str | None
) -> Reading:
    """A Checkout page with the intent behind it."""
    page = gateway.retrieve_checkout(checkout_id, stripe_account=stripe_account)
    return _behind(gateway, page, stripe_account=stripe_account)


def read_intent(gateway: PaymentGateway, intent_id: str, *, stripe_account: str | None) -> Reading:
    """A PaymentIntent alone."""
    return Reading(intent=gateway.retrieve_payment(intent_id, stripe_account=stripe_account))


def read_setup(gateway: PaymentGateway, setup_id: str, *, stripe_account: str | None) -> Reading:
    """A SetupIntent alone."""
    return Reading(setup=gateway.retrieve_setup(setup_id, stripe_account=stripe_account))


def _search(gateway: PaymentGateway, where: PaymentPointer) -> Reading:
    if where.customer_id is None:
        return Reading()
    mark = str(where.payment_id)
    for page in gateway.list_checkouts(where.customer_id, stripe_account=where.stripe_account):
        if page.metadata.get("payment") == mark:
            return _behind(gateway, page, stripe_account=where.stripe_account)
    charges = gateway.list_payments(
        customer_id=where.customer_id, stripe_account=where.stripe_account
    )
    for intent in charges:
        if intent.metadata.get("payment") == mark:
            return Reading(intent=intent)
    return Reading()


def _behind(
    gateway: PaymentGateway, page: GatewayCheckout, *, stripe_account: str | None
) -> Reading:
    found = Reading(checkout=page)
    if page.intent_id is not None:
        intent = gateway.retrieve_payment(page.intent_id, stripe_account=stripe_account)
        found = replace(found, intent=intent)
    if page.setup_id is not None:
        setup = gateway.retrieve_setup(page.setup_id, stripe_account=stripe_account)
        found = replace(found, setup=setup)
    return found
