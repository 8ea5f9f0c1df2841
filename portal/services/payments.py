"""Beginning a payment: our row first, Stripe second, and one open attempt for each account."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import commit, hook
from portal.domain import N_, DomainError
from portal.domain.holds import Capability
from portal.domain.statuses import PaymentStatus, move
from portal.gateways.payments import (
    CheckoutMode,
    CheckoutOrder,
    CheckoutStatus,
    GatewayCheckout,
    GatewayError,
    GatewayRefused,
    IdempotencyKeyReused,
    PaymentGateway,
)
from portal.models import Account, Arrangement, Client, Payment, PaymentPurpose
from portal.models.payments import OPEN
from portal.services import authorizations, payer_links, readings, settling
from portal.services.ledger import lock_account
from portal.services.payable import Asked, check_owed, new_payment
from portal.services.standing import standing

UNRESOLVED = OPEN
CHECKOUT_LASTS = timedelta(minutes=60)
# How long an attempt without an answer is asked for again under its key. A key that Stripe answered
# with an error goes on answering with it, so later the attempt is looked up, closed and replaced.
REPEATABLE = timedelta(minutes=2)
REUSABLE = timedelta(minutes=5)
METADATA_CLIENT, METADATA_PAYMENT = "client", "payment"


class PaymentOnItsWay(DomainError):
    """Another attempt to pay this account is not resolved yet; a second could pay it twice."""

    message = N_("A payment for this account is on its way. You do not need to pay again.")

    def __init__(self, payment_id: UUID) -> None:
        super().__init__()
        self.payment_id = payment_id


class PaymentNotPossible(DomainError):
    """Stripe does not take this payment as asked; nothing was taken."""

    message = N_("We could not open the payment page. Nothing was taken. Please call us.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest(Asked):
    """What is to be paid on a Checkout page, in which language, and where its exits lead.

    ``landing`` gives the absolute address of our page about a payment's id. ``reference`` is the
    one that whoever pays was told; without it there is a new one.
    """

    locale: str
    reference: str | None = None
    landing: Callable[[UUID], str]


@dataclass(frozen=True, slots=True)
class _Draft:
    """All that a Checkout page is made of, read from our rows before Stripe is asked."""

    where: readings.PaymentPointer
    order: CheckoutOrder
    idempotency_key: str


def start_checkout(
    session: Session, gateway: PaymentGateway, wanted: CheckoutRequest, *, now: datetime
) -> str:
    """Open a Checkout page for an account and return its address.

    The open attempt's page is returned again if it is for the same thing; any other is closed at
    Stripe first, but only for the debtor. Commits on the way: the row exists before Stripe is
    asked, no transaction spans the network, and a crash at any line leaves an attempt that
    ``sweep`` finishes.
    Raises PaymentOnItsWay, PaymentNotPossible, NothingToPay, ArrangementOver, OfferExpired,
    NotAllowedNow, or GatewayUnavailable (nothing was taken; asking again goes on with it).
    """
    found = open_attempt(session, wanted.account_id)
    if found is not None:
        if wanted.payer_link_id is not None and wanted.payer_link_id != found.payer_link_id:
            raise PaymentOnItsWay(found.id)
        _check_again(session, gateway, found, wanted, now=now)
        url = _resume(session, gateway, found, wanted, now=now)
        if url is not None:
            return url
    payment = _write(session, wanted, now=now)
    return _post(session, gateway, payment.id, wanted.landing)


def open_attempt(session: Session, account_id: UUID) -> Payment | None:
    """The account's one unresolved payment, if there is one."""
    return session.scalars(
        select(Payment).where(Payment.account_id == account_id, Payment.status.in_(UNRESOLVED))
    ).one_or_none()


def locked(session: Session, payment_id: UUID) -> Payment:
    """A payment as it stands, locked; its account is locked before where both are."""
    return session.scalars(
        select(Payment)
        .where(Payment.id == payment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def release_checkout(
    session: Session, gateway: PaymentGateway, account_id: UUID, *, now: datetime
) -> None:
    """Close the account's open Checkout page at Stripe, so that something else can be chosen.

    Commits. Raises PaymentOnItsWay when it was paid, or is being paid, after all.
    """
    found = open_attempt(session, account_id)
    if found is not None:
        _close(session, gateway, found, now=now)


def _resume(
    session: Session,
    gateway: PaymentGateway,
    found: Payment,
    wanted: CheckoutRequest,
    *,
    now: datetime,
) -> str | None:
    same = _same(found, wanted) and not authorizations.ended_since(session, found)
    if found.status == PaymentStatus.CREATED and same and now - found.created_at < REPEATABLE:
        return _post(session, gateway, found.id, wanted.landing)
    closes_at = found.checkout_expires_at
    if found.status == PaymentStatus.OPEN and same and closes_at and closes_at - now > REUSABLE:
        reading = _read(session, gateway, found)
        if reading.checkout and reading.checkout.status == CheckoutStatus.OPEN:
            return reading.checkout.url
    _close(session, gateway, found, now=now)
    return None


def _same(found: Payment, wanted: CheckoutRequest) -> bool:
    return (
        found.purpose == wanted.purpose
        and found.amount_cents == wanted.amount_cents
        and found.arrangement_id == wanted.arrangement_id
        and found.installment_id == wanted.installment_id
        and found.payer_link_id == wanted.payer_link_id
        and found.effect == wanted.effect
    )


def _read(session: Session, gateway: PaymentGateway, payment: Payment) -> readings.Reading:
    customer = session.scalar(
        select(Account.stripe_customer).where(Account.id == payment.account_id)
    )
    where = readings.pointer(payment, customer)
    commit(session, "payment.read")
    hook("stripe.read")
    reading = readings.read(gateway, where)
    hook("stripe.read.done")
    return reading


def _close(session: Session, gateway: PaymentGateway, found: Payment, *, now: datetime) -> None:
    """Make sure that nobody can pay this attempt any more, or take what was paid."""
    payment_id, account_id, stripe_account = found.id, found.account_id, found.stripe_account
    if found.status in (PaymentStatus.ATTEMPTING, PaymentStatus.PROCESSING):
        raise PaymentOnItsWay(payment_id)
    reading = _read(session, gateway, found)
    page = reading.checkout
    if page is not None and page.status == CheckoutStatus.OPEN:
        try:
            hook("stripe.expire")
            gateway.expire_checkout(page.id, stripe_account=stripe_account)
        except GatewayRefused:
            hook("stripe.raced")
        reading = readings.read_checkout(gateway, page.id, stripe_account=stripe_account)
    if reading.found:
        settled = settling.apply(session, payment_id, reading, now=now)
        paid = settled.status == PaymentStatus.SUCCEEDED
        commit(session, "payment.closed")
        if paid:
            raise PaymentOnItsWay(payment_id)
    else:
        lock_account(session, account_id)
        lost = locked(session, payment_id)
        if lost.status == PaymentStatus.CREATED:
            lost.status = move(lost.status, PaymentStatus.CANCELED)
        commit(session, "payment.dropped")
    if (left := open_attempt(session, account_id)) is not None:
        raise PaymentOnItsWay(left.id)


def _check(session: Session, wanted: CheckoutRequest, *, now: datetime) -> Account:
    """The account, locked, where this may be asked for now."""
    account = lock_account(session, wanted.account_id)
    saves_only = wanted.purpose == PaymentPurpose.METHOD
    standing(session, account, now).require(Capability.CHARGE if saves_only else Capability.PAY)
    check_owed(session, account, wanted, now=now)
    if wanted.payer_link_id is not None:
        payer_links.check_link(session, account, wanted, now=now)
    return account


def _check_again(
    session: Session,
    gateway: PaymentGateway,
    found: Payment,
    wanted: CheckoutRequest,
    *,
    now: datetime,
) -> None:
    """An open page is given out again only where a new one would be; else it is closed."""
    try:
        _check(session, wanted, now=now)
        commit(session, "payment.checked")
    except DomainError:
        session.rollback()
        _close(session, gateway, found, now=now)
        raise


def _write(session: Session, wanted: CheckoutRequest, *, now: datetime) -> Payment:
    account = _check(session, wanted, now=now)
    if (found := open_attempt(session, account.id)) is not None:
        raise PaymentOnItsWay(found.id)
    payment = new_payment(
        session, account, wanted, status=PaymentStatus.CREATED, locale=wanted.locale, now=now
    )
    payment.reference = wanted.reference or payment.reference
    commit(session, "payment.created")
    return payment


def _post(
    session: Session,
    gateway: PaymentGateway,
    payment_id: UUID,
    landing: Callable[[UUID], str],
) -> str:
    payment = session.scalars(select(Payment).where(Payment.id == payment_id)).one()
    customer = ensure_customer(session, gateway, payment.account_id, payment.stripe_account)
    draft = _draft(session, payment, customer, landing)
    commit(session, "payment.drafted")
    try:
        hook("stripe.checkout")
        page = gateway.create_checkout(
            draft.order,
            idempotency_key=draft.idempotency_key,
            stripe_account=draft.where.stripe_account,
        )
        hook("stripe.checkout.done")
    except IdempotencyKeyReused as reused:  # another tab asked for the same in other words
        raise PaymentOnItsWay(payment_id) from reused
    except GatewayRefused as refused:
        _refused(session, payment_id, refused)
        raise PaymentNotPossible from refused
    if not _opened(session, payment_id, page):
        _forget(gateway, page, draft.where.stripe_account)
        raise PaymentOnItsWay(payment_id)
    if page.url is None:
        raise PaymentOnItsWay(payment_id)
    return page.url


def _forget(gateway: PaymentGateway, page: GatewayCheckout, stripe_account: str | None) -> None:
    """Close a page that was opened too late; nobody was told its address, so it may stay open."""
    try:
        gateway.expire_checkout(page.id, stripe_account=stripe_account)
    except GatewayError:
        hook("stripe.raced")


def ensure_customer(
    session: Session, gateway: PaymentGateway, account_id: UUID, stripe_account: str | None
) -> str:
    """The Stripe customer of one account, opened if it has none: recovery lists by it. Commits."""
    account = session.scalars(select(Account).where(Account.id == account_id)).one()
    if account.stripe_customer is not None:
        return account.stripe_customer
    client_id = account.client_id
    commit(session, "customer.wanted")
    hook("stripe.customer")
    made = gateway.create_customer(
        metadata={METADATA_CLIENT: str(client_id)},
        idempotency_key=f"customer-{account_id}",
        stripe_account=stripe_account,
    )
    locked = lock_account(session, account_id)
    locked.stripe_customer = locked.stripe_customer or made
    kept = locked.stripe_customer
    commit(session, "customer.kept")
    return kept


def _draft(
    session: Session, payment: Payment, customer: str, landing: Callable[[UUID], str]
) -> _Draft:
    client = session.get_one(Client, payment.client_id)
    here = landing(payment.id)
    order = CheckoutOrder(
        mode=_mode(session, payment),
        customer_id=customer,
        currency=payment.currency,
        product_name=payment.reference,
        success_url=f"{here}?session_id={{CHECKOUT_SESSION_ID}}",
        cancel_url=here,
        locale=payment.locale,
        expires_at=payment.created_at + CHECKOUT_LASTS,
        metadata={METADATA_CLIENT: str(payment.client_id), METADATA_PAYMENT: str(payment.id)},
        amount_cents=payment.amount_cents or None,
        display_name=client.sender_name,
    )
    return _Draft(readings.pointer(payment, customer), order, payment.idempotency_key)


def _mode(session: Session, payment: Payment) -> CheckoutMode:
    if payment.purpose == PaymentPurpose.METHOD:
        return CheckoutMode.SAVE
    if payment.purpose == PaymentPurpose.FIRST and payment.arrangement_id is not None:
        agreed = session.get_one(Arrangement, (payment.client_id, payment.arrangement_id))
        if agreed.method == "automatic":
            return CheckoutMode.PAY_AND_SAVE
    return CheckoutMode.PAY


def _opened(session: Session, payment_id: UUID, page: GatewayCheckout) -> bool:
    """Keep the page's id; False where another tab gave this attempt up while Stripe was asked."""
    payment = locked(session, payment_id)
    if payment.status in (PaymentStatus.CREATED, PaymentStatus.OPEN):
        payment.status = move(payment.status, PaymentStatus.OPEN)
    ours = payment.status == PaymentStatus.OPEN
    payment.checkout_id, payment.checkout_expires_at = page.id, page.expires_at
    payment.checkout_url = page.url if ours else None
    commit(session, "payment.opened")
    return ours


def _refused(session: Session, payment_id: UUID, refused: GatewayRefused) -> None:
    payment = locked(session, payment_id)
    if payment.status == PaymentStatus.CREATED:
        payment.status = move(payment.status, PaymentStatus.FAILED)
        payment.failure_code = refused.code or "refused"
    commit(session, "payment.refused")


def refresh(
    session: Session, gateway: PaymentGateway, payment_id: UUID, *, now: datetime
) -> Payment:
    """Read a payment at Stripe and take over what it says, as the landing page does.

    Commits. Raises GatewayUnavailable, with nothing changed.
    """
    payment = session.scalars(select(Payment).where(Payment.id == payment_id)).one()
    reading = _read(session, gateway, payment)
    if reading.found:
        settling.apply(session, payment_id, reading, now=now)
        commit(session, "payment.settled")
    return session.scalars(select(Payment).where(Payment.id == payment_id)).one()
