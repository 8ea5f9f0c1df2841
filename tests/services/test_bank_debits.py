"""PY-10: a bank debit given once covers one debit, and what is pending is not paid."""

from datetime import timedelta

import pytest

from portal.domain.money import Cents
from portal.domain.statuses import AuthorizationStatus, InstallmentStatus, PaymentStatus
from portal.gateways.payments import GatewayRefused, OffSessionCharge
from portal.models import Authorization, Payment, PaymentPurpose
from portal.sandbox import control
from portal.services import charging
from tests.services.paying import Till, first_payment, make_plan, parts_of


def debited(till: Till, payment: Payment) -> Payment:
    """The bank says yes, and Stripe tells us."""
    control.finish_debit(till.stripe.world, payment.intent_id or "")
    return till.land(payment)


def test_py_10_a_one_time_debit_leaves_nothing_to_debit_a_second_time(till: Till) -> None:
    """A pre-authorized debit of Canada comes to us as one of Stripe's bank debits."""
    payment = debited(till, till.paid(50_00, "bank_success"))
    assert (payment.status, payment.method_id) == (PaymentStatus.SUCCEEDED, None)
    assert till.all(Authorization) == []
    used = till.gateway.retrieve_payment(payment.intent_id or "").method
    assert used is not None
    again = OffSessionCharge(
        customer_id=till.account.stripe_customer or "",
        method_id=used.id or "",
        amount_cents=Cents(50_00),
        currency="USD",
        metadata={},
    )
    with pytest.raises(GatewayRefused):
        till.gateway.charge_off_session(again, idempotency_key="second")
    assert till.balance == 1190_00


def test_py_10_a_part_paid_by_a_one_time_debit_does_not_let_the_next_one_be_charged(
    till: Till,
) -> None:
    agreed = make_plan(till, (620_00, 620_00), method="manual")
    debited(till, first_payment(till, agreed, "bank_success"))
    till.wait(days=30)
    second = parts_of(till, agreed)[1]
    assert charging.due_installments(till.session, agreed.client_id, now=till.now) == []
    assert charging.charge_installment(till.session, till.gateway, second.id, now=till.now) is None
    assert [one.status for one in till.all(Payment)] == ["succeeded"]


def test_py_10_a_one_time_debit_is_no_permission_though_one_is_waited_for(till: Till) -> None:
    """A page that kept nothing never grants what a plan by hand turns to in the meantime."""
    agreed = make_plan(till, (620_00, 620_00), method="manual")
    first = parts_of(till, agreed)[0]
    payment = till.start(
        620_00,
        purpose=PaymentPurpose.FIRST,
        arrangement_id=agreed.id,
        installment_id=first.id,
    )
    till.pay(payment, "bank_success")
    agreed.method = "automatic"
    waits = Authorization(
        client_id=agreed.client_id,
        arrangement_id=agreed.id,
        status=AuthorizationStatus.AWAITING_METHOD,
        document_sha256=bytes(32),
        cap_cents=Cents(620_00),
        created_at=till.now,
    )
    till.session.add(waits)
    till.session.flush()
    debited(till, till.land(payment))
    assert parts_of(till, agreed)[0].status == InstallmentStatus.PAID
    assert waits.status == AuthorizationStatus.AWAITING_METHOD
    till.wait(days=30)
    second = parts_of(till, agreed)[1].id
    assert charging.charge_installment(till.session, till.gateway, second, now=till.now) is None


def test_py_10_a_debit_that_was_kept_for_a_plan_is_charged_again(till: Till) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    payment = debited(till, first_payment(till, agreed, "bank_success"))
    granted = till.all(Authorization)[0]
    assert granted.status == AuthorizationStatus.GRANTED
    assert granted.method_id == payment.method_id is not None


def test_py_10_a_charge_that_is_pending_is_no_paid_part_and_a_failure_opens_it_again(
    till: Till,
) -> None:
    agreed = make_plan(till, (620_00, 620_00), method="manual")
    payment = first_payment(till, agreed, "bank_success")
    assert parts_of(till, agreed)[0].status == InstallmentStatus.PROCESSING
    assert till.balance == 1240_00
    till.wait(days=4)
    control.finish_debit(till.stripe.world, payment.intent_id or "", failure="insufficient_funds")
    assert till.land(payment).status == PaymentStatus.FAILED
    assert parts_of(till, agreed)[0].paid_cents == 0
    assert till.balance == 1240_00
    assert till.now - payment.created_at >= timedelta(days=4)


def test_a_part_paid_before_its_day_by_a_debit_that_comes_back_is_charged_on_its_day(
    till: Till,
) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.wait(days=10)
    part = parts_of(till, agreed)[1]
    payment = till.start(
        620_00,
        purpose=PaymentPurpose.INSTALLMENT,
        arrangement_id=agreed.id,
        installment_id=part.id,
    )
    till.pay(payment, "bank_success")
    till.land(payment)
    till.wait(days=4)
    control.finish_debit(till.stripe.world, payment.intent_id or "", failure="insufficient_funds")
    assert till.land(payment).status == PaymentStatus.FAILED
    part = parts_of(till, agreed)[1]
    assert (part.status, part.told_on) == (InstallmentStatus.SCHEDULED, None)
    till.wait(days=16)
    charged = charging.charge_installment(till.session, till.gateway, part.id, now=till.now)
    assert charged is not None
    assert (charged.status, till.balance) == (PaymentStatus.SUCCEEDED, 0)
