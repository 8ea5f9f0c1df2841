"""Stripe, through its own SDK: the only module that imports it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import stripe

from portal.domain.money import Cents
from portal.gateways import signatures, stripe_forms, stripe_objects
from portal.gateways.payments import (
    CheckoutOrder,
    ForeignCheckoutUrl,
    GatewayCheckout,
    GatewayDispute,
    GatewayEvent,
    GatewayMethod,
    GatewayPayment,
    GatewayRefund,
    GatewayRefused,
    GatewaySetup,
    GatewayUnavailable,
    HttpTransport,
    IdempotencyKeyReused,
    OffSessionCharge,
    PaymentGateway,
    Unreadable,
)
from portal.gateways.stripe_forms import WHOLE_PAYMENT

API_VERSION = "2026-05-27.dahlia"
API_BASE = "https://api.stripe.com"
CHECKOUT_ORIGINS = ("https://checkout.stripe.com",)
PAGE_SIZE = 100
KEY_IN_USE = 409

T = TypeVar("T")
stripe.enable_telemetry = False


class StripeGateway(PaymentGateway):
    """A ``PaymentGateway`` that speaks to Stripe, or to whatever answers at ``api_base``.

    ``timeout_s`` is (connect, read). ``http`` replaces the network, for simulations.
    """

    def __init__(
        self,
        secret_key: str,
        *,
        api_base: str | None = None,
        checkout_origins: Sequence[str] = CHECKOUT_ORIGINS,
        timeout_s: tuple[float, float] = (5, 20),
        max_network_retries: int = 2,
        http: HttpTransport | None = None,
    ) -> None:
        self._origins = frozenset(checkout_origins)
        client = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base or API_BASE},
            max_network_retries=max_network_retries,
            http_client=_Injected(http) if http else stripe.RequestsClient(timeout=timeout_s),
        )
        self._v1 = client.v1

    def create_customer(
        self,
        *,
        metadata: Mapping[str, str],
        idempotency_key: str,
        stripe_account: str | None = None,
    ) -> str:
        with _errors():
            made = self._v1.customers.create(
                {"metadata": dict(metadata)}, _options(stripe_account, idempotency_key)
            )
            return made.id

    def create_checkout(
        self, order: CheckoutOrder, *, idempotency_key: str, stripe_account: str | None = None
    ) -> GatewayCheckout:
        with _errors():
            made = self._v1.checkout.sessions.create(
                cast(Any, stripe_forms.checkout(order)), _options(stripe_account, idempotency_key)
            )
            opened = stripe_objects.checkout(made.to_dict())
        origin = _origin(opened.url)
        if opened.url is not None and origin not in self._origins:
            raise ForeignCheckoutUrl(opened.id, origin)
        return opened

    def retrieve_checkout(
        self, checkout_id: str, *, stripe_account: str | None = None
    ) -> GatewayCheckout:
        with _errors():
            found = self._v1.checkout.sessions.retrieve(
                checkout_id, options=_options(stripe_account)
            )
            return stripe_objects.checkout(found.to_dict())

    def expire_checkout(
        self, checkout_id: str, *, stripe_account: str | None = None
    ) -> GatewayCheckout:
        with _errors():
            closed = self._v1.checkout.sessions.expire(
                checkout_id, options=_options(stripe_account)
            )
            return stripe_objects.checkout(closed.to_dict())

    def list_checkouts(
        self, customer_id: str, *, stripe_account: str | None = None
    ) -> Iterator[GatewayCheckout]:
        return _pages(
            self._v1.checkout.sessions.list,
            {"customer": customer_id},
            stripe_account=stripe_account,
            read=stripe_objects.checkout,
        )

    def charge_off_session(
        self, charge: OffSessionCharge, *, idempotency_key: str, stripe_account: str | None = None
    ) -> GatewayPayment:
        with _errors():
            try:
                made = self._v1.payment_intents.create(
                    cast(Any, stripe_forms.charge(charge)),
                    _options(stripe_account, idempotency_key),
                )
                return stripe_objects.payment(made.to_dict())
            except stripe.CardError as declined:
                return stripe_objects.payment(_declined_intent(declined))

    def retrieve_payment(
        self, intent_id: str, *, stripe_account: str | None = None
    ) -> GatewayPayment:
        with _errors():
            found = self._v1.payment_intents.retrieve(
                intent_id, {"expand": WHOLE_PAYMENT}, _options(stripe_account)
            )
            return stripe_objects.payment(found.to_dict())

    def list_payments(
        self,
        *,
        customer_id: str | None = None,
        since: datetime | None = None,
        stripe_account: str | None = None,
        unreadable: Unreadable | None = None,
    ) -> Iterator[GatewayPayment]:
        return _pages(
            self._v1.payment_intents.list,
            _given(customer=customer_id, created=_since(since))
            | {"expand": [f"data.{name}" for name in WHOLE_PAYMENT]},
            stripe_account=stripe_account,
            read=stripe_objects.payment,
            unreadable=unreadable,
        )

    def cancel_payment(
        self, intent_id: str, *, stripe_account: str | None = None
    ) -> GatewayPayment:
        with _errors():
            canceled = self._v1.payment_intents.cancel(
                intent_id, {"expand": WHOLE_PAYMENT}, _options(stripe_account)
            )
            return stripe_objects.payment(canceled.to_dict())

    def retrieve_setup(self, setup_id: str, *, stripe_account: str | None = None) -> GatewaySetup:
        with _errors():
            found = self._v1.setup_intents.retrieve(
                setup_id, {"expand": ["payment_method"]}, _options(stripe_account)
            )
            return stripe_objects.setup(found.to_dict())

    def refund(
        self,
        intent_id: str,
        *,
        amount_cents: Cents,
        metadata: Mapping[str, str],
        idempotency_key: str,
        stripe_account: str | None = None,
    ) -> GatewayRefund:
        with _errors():
            made = self._v1.refunds.create(
                {"payment_intent": intent_id, "amount": amount_cents, "metadata": dict(metadata)},
                _options(stripe_account, idempotency_key),
            )
            return stripe_objects.refund(made.to_dict())

    def retrieve_refund(
        self, refund_id: str, *, stripe_account: str | None = None
    ) -> GatewayRefund:
        with _errors():
            found = self._v1.refunds.retrieve(refund_id, options=_options(stripe_account))
            return stripe_objects.refund(found.to_dict())

    def list_refunds(
        self,
        *,
        intent_id: str | None = None,
        since: datetime | None = None,
        stripe_account: str | None = None,
        unreadable: Unreadable | None = None,
    ) -> Iterator[GatewayRefund]:
        return _pages(
            self._v1.refunds.list,
            _given(payment_intent=intent_id, created=_since(since)),
            stripe_account=stripe_account,
            read=stripe_objects.refund,
            unreadable=unreadable,
        )

    def retrieve_dispute(
        self, dispute_id: str, *, stripe_account: str | None = None
    ) -> GatewayDispute:
        with _errors():
            found = self._v1.disputes.retrieve(dispute_id, options=_options(stripe_account))
            return stripe_objects.dispute(found.to_dict())

    def list_disputes(
        self,
        *,
        intent_id: str | None = None,
        since: datetime | None = None,
        stripe_account: str | None = None,
        unreadable: Unreadable | None = None,
    ) -> Iterator[GatewayDispute]:
        return _pages(
            self._v1.disputes.list,
            _given(payment_intent=intent_id, created=_since(since)),
            stripe_account=stripe_account,
            read=stripe_objects.dispute,
            unreadable=unreadable,
        )

    def retrieve_method(
        self, method_id: str, *, stripe_account: str | None = None
    ) -> GatewayMethod:
        with _errors():
            found = self._v1.payment_methods.retrieve(method_id, options=_options(stripe_account))
            return stripe_objects.method(found.to_dict())

    def detach_method(self, method_id: str, *, stripe_account: str | None = None) -> None:
        if self.retrieve_method(method_id, stripe_account=stripe_account).customer_id is None:
            return
        with _errors():
            self._v1.payment_methods.detach(method_id, options=_options(stripe_account))

    def verify_webhook(
        self, body: bytes, *, signature: str | None, secrets: Sequence[str], now: datetime
    ) -> GatewayEvent:
        return signatures.verify(body, signature=signature, secrets=secrets, now=now)


class _Injected(stripe.HTTPClient):
    """Carries the SDK's requests over an ``HttpTransport``; retries do not sleep."""

    name = "injected"

    def __init__(self, http: HttpTransport) -> None:
        super().__init__()
        self._http = http

    def request(  # type: ignore[override]
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        sent = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            status, answered, body = self._http(method.upper(), url, headers or {}, sent)
        except OSError as cut:
            failed = stripe.APIConnectionError(str(cut), should_retry=True)  # type: ignore[no-untyped-call]
            raise failed from cut
        return body, status, {name.lower(): value for name, value in answered.items()}

    def _sleep_time_seconds(self, *_: object) -> float:
        return 0.0

    def close(self) -> None:
        """Nothing to close."""


# A key that Stripe does not take is our fault: nothing is known of the debtor's card or bank.
UNREACHABLE = (
    stripe.APIError,
    stripe.APIConnectionError,
    stripe.AuthenticationError,
    stripe.PermissionError,
    stripe.RateLimitError,
)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except stripe.IdempotencyError as error:
        if error.http_status == KEY_IN_USE:  # the first request with this key is still running
            raise GatewayUnavailable(str(error)) from error
        raise IdempotencyKeyReused(
            str(error.user_message), code="idempotency_error", status=error.http_status
        ) from error
    except UNREACHABLE as error:
        raise GatewayUnavailable(str(error)) from error
    except stripe.StripeError as error:
        raise GatewayRefused(
            str(error.user_message), code=error.code, status=error.http_status
        ) from error
    except (AttributeError, KeyError, TypeError, ValueError) as unreadable:
        raise GatewayUnavailable(f"an answer without {unreadable}") from unreadable


def _pages(
    ask: Callable[..., Any],
    params: dict[str, Any],
    *,
    stripe_account: str | None,
    read: Callable[[Mapping[str, Any]], T],
    unreadable: Unreadable | None = None,
) -> Iterator[T]:
    """Every object of a list, page after page; errors are ours even in mid-list."""
    with _errors():
        for found in ask(
            params | {"limit": PAGE_SIZE}, _options(stripe_account)
        ).auto_paging_iter():
            try:
                with _errors():
                    item = read(found.to_dict())
            except GatewayUnavailable as error:
                if unreadable is None:
                    raise
                unreadable(found.id, error)
            else:
                yield item


def _options(
    stripe_account: str | None, idempotency_key: str | None = None
) -> stripe.RequestOptions:
    return {"stripe_account": stripe_account, "idempotency_key": idempotency_key}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _since(at: datetime | None) -> dict[str, int] | None:
    return None if at is None else {"gte": int(at.timestamp())}


def _origin(url: str | None) -> str:
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _declined_intent(declined: stripe.CardError) -> Mapping[str, Any]:
    body = cast(Mapping[str, Any], declined.json_body)
    error: Mapping[str, Any] = body["error"]
    intent: Mapping[str, Any] | None = error.get("payment_intent")
    if intent is None:
        raise declined
    return {**intent, "last_payment_error": intent.get("last_payment_error") or error}
