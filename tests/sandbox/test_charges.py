"""Charging a saved method while its owner is away."""

import pytest

from portal.domain.money import Cents
from portal.gateways.payments import (
    CheckoutMode,
    GatewayRefused,
    IntentStatus,
    OffSessionCharge,
)
from portal.sandbox import control
from tests.sandbox.asks import charge, open_checkout, paid, save_method
from tests.sandbox.checked import CheckedStripe


def test_a_saved_card_is_charged(stripe: CheckedStripe, customer: str) -> None:
    method = save_method(stripe, customer, "mastercard_debit")
    payment = charge(stripe, customer, method)
    assert (payment.status, payment.received_cents) == (IntentStatus.SUCCEEDED, 50_00)
    assert payment.method is not None
    assert (payment.method.brand, payment.method.funding) == ("mastercard", "debit")
    assert payment.metadata == {"payment": "p2"}


@pytest.mark.parametrize(
    ("token", "code", "decline_code", "advice_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
        (
            "pm_card_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
            "try_again_later",
        ),
        (
            "pm_card_visa_chargeDeclinedLostCard",
            "card_declined",
            "lost_card",
            "do_not_try_again",
        ),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "do_not_try_again"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", None),
        (
            "pm_card_authenticationRequired",
            "authentication_required",
            "authentication_required",
            None,
        ),
    ],
)
def test_a_decline_is_an_answer(
    stripe: CheckedStripe,
    customer: str,
    token: str,
    code: str,
    decline_code: str,
    advice_code: str | None,
) -> None:
    payment = charge(stripe, customer, token)
    assert payment.status is IntentStatus.REQUIRES_PAYMENT_METHOD
    assert payment.received_cents == 0
    assert payment.failure is not None
    assert (payment.failure.code, payment.failure.decline_code) == (code, decline_code)
    if advice_code:
        assert payment.failure.advice_code == advice_code
    assert payment.failure.needs_debtor is (code == "authentication_required")
    again = stripe.gateway.retrieve_payment(payment.id)
    assert (again.status, again.failure) == (payment.status, payment.failure)
    assert stripe.event_types[-2:] == ["charge.failed", "payment_intent.payment_failed"]


def test_a_card_can_be_saved_and_fail_later(stripe: CheckedStripe, customer: str) -> None:
    method = save_method(stripe, customer, "chargeCustomerFail")
    assert charge(stripe, customer, method).failure is not None


def test_a_card_authenticated_when_saved_needs_nobody_later(
    stripe: CheckedStripe, customer: str
) -> None:
    always = save_method(stripe, customer, "authenticationRequired")
    once = save_method(stripe, customer, "authenticationRequiredOnSetup")
    assert charge(stripe, customer, once).status is IntentStatus.SUCCEEDED
    failure = charge(stripe, customer, always).failure
    assert failure is not None
    assert failure.needs_debtor


def test_a_detached_method_is_never_charged_again(stripe: CheckedStripe, customer: str) -> None:
    method = save_method(stripe, customer)
    stripe.gateway.detach_method(method)
    stripe.gateway.detach_method(method)
    assert stripe.gateway.retrieve_method(method).customer_id is None
    with pytest.raises(GatewayRefused, match="detached from a Customer"):
        charge(stripe, customer, method)


def test_a_card_used_once_without_saving_is_spent(stripe: CheckedStripe, customer: str) -> None:
    method = paid(stripe, customer).method
    assert method is not None
    with pytest.raises(GatewayRefused, match="may not be used again"):
        charge(stripe, customer, method.id or "")


def test_a_method_of_somebody_else_is_refused(stripe: CheckedStripe, customer: str) -> None:
    method = save_method(stripe, customer)
    other = stripe.gateway.create_customer(metadata={}, idempotency_key="other")
    with pytest.raises(GatewayRefused, match="another Customer"):
        charge(stripe, other, method)


@pytest.mark.parametrize("amount", [0, 49, 100_000_000])
def test_an_amount_stripe_does_not_take_is_refused(
    stripe: CheckedStripe, customer: str, amount: int
) -> None:
    method = save_method(stripe, customer)
    with pytest.raises(GatewayRefused):
        charge(stripe, customer, method, amount)


def test_a_declined_attempt_can_be_given_up(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_chargeDeclined")
    assert stripe.gateway.cancel_payment(payment.id).status is IntentStatus.CANCELED
    with pytest.raises(GatewayRefused) as refused:
        stripe.gateway.cancel_payment(payment.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_a_paid_charge_cannot_be_given_up(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_visa")
    with pytest.raises(GatewayRefused, match="succeeded"):
        stripe.gateway.cancel_payment(payment.id)


def test_payments_are_found_by_customer_and_by_time(stripe: CheckedStripe, customer: str) -> None:
    early = charge(stripe, customer, "pm_card_visa")
    stripe.clock.advance(hours=1)
    late = [charge(stripe, customer, "pm_card_visa").id for _ in range(3)]
    by_customer = [one.id for one in stripe.gateway.list_payments(customer_id=customer)]
    since = [one.id for one in stripe.gateway.list_payments(since=stripe.clock.now)]
    assert by_customer == [*late[::-1], early.id]
    assert since == late[::-1]
    first = next(iter(stripe.gateway.list_payments(since=stripe.clock.now)))
    assert first.method is not None, "lists carry the method and the charge"
    assert first.charge_id is not None


def test_a_late_list_misses_what_is_new(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_visa")
    stripe.world.switches.list_lag_s = 10
    assert not list(stripe.gateway.list_payments(customer_id=customer))
    assert stripe.gateway.retrieve_payment(payment.id).id == payment.id
    stripe.clock.advance(seconds=10)
    assert [one.id for one in stripe.gateway.list_payments(customer_id=customer)] == [payment.id]


def test_a_canadian_charge_takes_cards_only(stripe: CheckedStripe, customer: str) -> None:
    checkout = open_checkout(stripe, customer, currency="CAD", locale="fr-CA")
    outcome = control.pay(stripe.world, checkout.id, "bank_success")
    assert outcome.step == "error"
    asked = OffSessionCharge(customer, "pm_card_visa", Cents(10_00), "CAD", {})
    assert stripe.gateway.charge_off_session(asked, idempotency_key="ca").currency == "CAD"


def test_a_bank_debit_takes_days(stripe: CheckedStripe, customer: str) -> None:
    payment = paid(stripe, customer, "bank_success", mode=CheckoutMode.PAY_AND_SAVE)
    checkout = next(iter(stripe.gateway.list_checkouts(customer)))
    assert (payment.status, payment.received_cents) == (IntentStatus.PROCESSING, 0)
    assert (checkout.status, checkout.payment_status) == ("complete", "unpaid")
    with pytest.raises(GatewayRefused, match="processing"):
        stripe.gateway.cancel_payment(payment.id)
    stripe.clock.advance(days=4)
    stripe.sandbox.run_timers()
    arrived = stripe.gateway.retrieve_payment(payment.id)
    assert (arrived.status, arrived.received_cents) == (IntentStatus.SUCCEEDED, 120_00)
    assert stripe.gateway.retrieve_checkout(checkout.id).paid
    assert stripe.event_types[-1] == "checkout.session.async_payment_succeeded"
    assert payment.method is not None
    assert (payment.method.kind, payment.method.last4) == ("us_bank_account", "6789")


def test_a_bank_debit_comes_back(stripe: CheckedStripe, customer: str) -> None:
    payment = paid(stripe, customer, "bank_insufficientFunds", mode=CheckoutMode.PAY_AND_SAVE)
    control.finish_debit(stripe.world, payment.id)
    failed = stripe.gateway.retrieve_payment(payment.id)
    assert failed.status is IntentStatus.REQUIRES_PAYMENT_METHOD
    assert failed.failure is not None
    assert failed.failure.code == "insufficient_funds"
    assert stripe.event_types[-1] == "checkout.session.async_payment_failed"
    assert payment.method is not None
    again = charge(stripe, customer, payment.method.id or "")
    assert again.status is IntentStatus.PROCESSING, "insufficient funds do not block the account"


def test_a_return_blocks_the_bank_account(stripe: CheckedStripe, customer: str) -> None:
    method = save_method(stripe, customer, "bank_success")
    payment = charge(stripe, customer, method)
    control.finish_debit(stripe.world, payment.id, failure="account_closed")
    blocked = charge(stripe, customer, method)
    assert blocked.failure is not None
    assert blocked.failure.code == "bank_account_unusable"


def test_a_saved_bank_account_has_a_mandate(stripe: CheckedStripe, customer: str) -> None:
    save_method(stripe, customer, "bank_success")
    checkout = next(iter(stripe.gateway.list_checkouts(customer)))
    mandate = stripe.gateway.retrieve_setup(checkout.setup_id or "").mandate_id
    assert mandate is not None
    assert mandate.startswith("mandate_")
