"""Money that goes back: by us, by the bank."""

import pytest

from portal.domain.money import Cents
from portal.gateways.payments import (
    DisputeStatus,
    GatewayPayment,
    GatewayRefund,
    GatewayRefused,
    RefundStatus,
)
from portal.sandbox import control
from tests.sandbox.asks import charge, paid
from tests.sandbox.checked import CheckedStripe


def refund(stripe: CheckedStripe, payment: GatewayPayment, amount: int, key: str) -> GatewayRefund:
    return stripe.gateway.refund(
        payment.id, amount_cents=Cents(amount), metadata={"refund": key}, idempotency_key=key
    )


def test_partial_refunds_add_up_to_the_charge(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_visa", 100_00)
    parts = [refund(stripe, payment, part, f"r{part}") for part in (30_00, 30_01, 39_99)]
    assert {part.status for part in parts} == {RefundStatus.SUCCEEDED}
    after = stripe.gateway.retrieve_payment(payment.id)
    assert after.refunded_cents == 100_00
    listed = list(stripe.gateway.list_refunds(intent_id=payment.id))
    assert [one.id for one in listed] == [part.id for part in parts][::-1]
    with pytest.raises(GatewayRefused) as refused:
        refund(stripe, payment, 1, "more")
    assert refused.value.code == "charge_already_refunded"


def test_more_than_what_is_left_is_refused(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_visa", 100_00)
    refund(stripe, payment, 60_00, "first")
    with pytest.raises(GatewayRefused, match=r"\$40\.01.*\$40\.00"):
        refund(stripe, payment, 40_01, "second")
    assert stripe.gateway.retrieve_payment(payment.id).refunded_cents == 60_00


def test_a_payment_that_is_not_paid_cannot_be_refunded(
    stripe: CheckedStripe, customer: str
) -> None:
    for token in ("pm_card_chargeDeclined", "pm_usBankAccount_success"):
        payment = charge(stripe, customer, token)
        with pytest.raises(GatewayRefused, match="successful charge"):
            refund(stripe, payment, 10_00, token)


def test_a_slow_refund_arrives_later(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_pendingRefund")
    made = refund(stripe, payment, 50_00, "slow")
    assert made.status is RefundStatus.PENDING
    stripe.clock.advance(days=5)
    assert stripe.gateway.retrieve_refund(made.id).status is RefundStatus.SUCCEEDED
    assert stripe.event_types[-1] == "refund.updated"


def test_a_refund_fails_after_it_succeeded(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_refundFail")
    made = refund(stripe, payment, 50_00, "failing")
    assert made.status is RefundStatus.SUCCEEDED
    stripe.clock.advance(days=5)
    failed = stripe.gateway.retrieve_refund(made.id)
    assert failed.status is RefundStatus.FAILED
    assert failed.failure_reason is not None
    assert stripe.gateway.retrieve_payment(payment.id).refunded_cents == 0
    assert stripe.event_types[-1] == "refund.failed"
    assert refund(stripe, payment, 50_00, "again").status is RefundStatus.SUCCEEDED


def test_a_refund_from_the_dashboard_is_found(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_visa")
    stripe.clock.advance(days=1)
    made = control.refund(stripe.world, payment.id, amount=12_00)
    (found,) = stripe.gateway.list_refunds(since=stripe.clock.now)
    assert (found.id, found.amount_cents) == (made["id"], 12_00)
    assert (found.intent_id, found.charge_id) == (payment.id, payment.charge_id)


def test_a_lost_dispute_takes_the_money(stripe: CheckedStripe, customer: str) -> None:
    payment = paid(stripe, customer, "createDispute")
    stripe.clock.advance(minutes=1)
    (dispute,) = stripe.gateway.list_disputes(intent_id=payment.id)
    assert dispute.status is DisputeStatus.NEEDS_RESPONSE
    assert [moved.amount_cents for moved in dispute.movements] == [-120_00]
    assert stripe.gateway.retrieve_payment(payment.id).disputed
    with pytest.raises(GatewayRefused) as refused:
        refund(stripe, payment, 1_00, "late")
    assert refused.value.code == "charge_disputed"
    control.close_dispute(stripe.world, dispute.id, won=False)
    lost = stripe.gateway.retrieve_dispute(dispute.id)
    assert (lost.status, lost.movements) == (DisputeStatus.LOST, dispute.movements)


def test_a_won_dispute_gives_it_back(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_visa")
    made = control.dispute(stripe.world, payment.id)
    stripe.clock.advance(days=30)
    control.close_dispute(stripe.world, made["id"], won=True)
    won = stripe.gateway.retrieve_dispute(made["id"])
    assert won.status is DisputeStatus.WON
    assert [moved.amount_cents for moved in won.movements] == [-50_00, 50_00]
    assert len({moved.id for moved in won.movements}) == 2
    assert stripe.event_types[-2:] == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
    with pytest.raises(Exception, match="ended"):
        control.close_dispute(stripe.world, made["id"], won=True)


def test_an_inquiry_moves_no_money(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_visa")
    made = control.dispute(stripe.world, payment.id, inquiry=True)
    inquiry = stripe.gateway.retrieve_dispute(made["id"])
    assert (inquiry.status, inquiry.movements) == (DisputeStatus.WARNING_NEEDS_RESPONSE, ())
    assert inquiry.respond_by is not None
    assert refund(stripe, payment, 10_00, "goodwill").status is RefundStatus.SUCCEEDED
    control.close_dispute(stripe.world, made["id"], won=False)
    closed = stripe.gateway.retrieve_dispute(made["id"])
    assert (closed.status, closed.movements) == (DisputeStatus.WARNING_CLOSED, ())


def test_an_inquiry_becomes_a_chargeback(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_visa")
    made = control.dispute(stripe.world, payment.id, inquiry=True)
    control.escalate(stripe.world, made["id"])
    escalated = stripe.gateway.retrieve_dispute(made["id"])
    assert escalated.status is DisputeStatus.NEEDS_RESPONSE
    assert [moved.amount_cents for moved in escalated.movements] == [-50_00]


def test_one_charge_is_disputed_twice_after_a_refund(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_card_visa", 100_00)
    refund(stripe, payment, 40_00, "part")
    for amount in (30_00, 30_00):
        control.dispute(stripe.world, payment.id, amount=amount)
    disputes = list(stripe.gateway.list_disputes(since=stripe.clock.now))
    assert [one.amount_cents for one in disputes] == [30_00, 30_00]


def test_a_returned_debit_is_final(stripe: CheckedStripe, customer: str) -> None:
    payment = charge(stripe, customer, "pm_usBankAccount_dispute")
    control.finish_debit(stripe.world, payment.id)
    stripe.clock.advance(minutes=2)
    (dispute,) = stripe.gateway.list_disputes(intent_id=payment.id)
    assert dispute.status is DisputeStatus.LOST
    assert [moved.amount_cents for moved in dispute.movements] == [-50_00]
