"""Mishaps that once cost money or a permission: each has happened, and comes to nothing now."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from portal.db import set_hook
from portal.domain.money import Cents
from portal.domain.statuses import ArrangementStatus, InstallmentStatus, PaymentStatus
from portal.gateways.payments import Failure, GatewayUnavailable, IntentStatus
from portal.gateways.stripe import StripeGateway
from portal.models import Arrangement, Authorization
from portal.sandbox import control
from portal.sandbox.faults import Fault
from portal.services import arrangements, charging, reconcile, refunds, settling
from portal.services.evidence import debtor
from portal.services.readings import Reading, read_intent
from tests.services.paying import Till, first_payment, make_plan, parts_of, pay_part


@contextmanager
def meanwhile(at: str, act: Any) -> Iterator[None]:
    """Something happens once, when the portal reaches a named point."""
    done: list[str] = []

    def between(name: str) -> None:
        if name == at and not done:
            done.append(name)
            act()

    set_hook(between)
    try:
        yield
    finally:
        set_hook(None)
    assert done, f"{at} was not reached"


def running(till: Till) -> Arrangement:
    """A plan of two parts, the first paid, the second due today."""
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.wait(days=30)
    return agreed


def charge(till: Till, agreed: Arrangement) -> None:
    """The run that charges the second part."""
    second = parts_of(till, agreed)[1].id
    charging.charge_installment(till.session, till.gateway, second, now=till.now)


def stop(till: Till, agreed: Arrangement) -> None:
    """The debtor stops automatic payments, elsewhere, and a little time goes by."""
    actor = debtor(till.account.debtor_id)
    arrangements.stop_automatic(till.session, agreed, actor=actor, now=till.now)
    till.session.commit()
    till.wait(seconds=5)


def test_a_stop_between_our_row_and_stripe_is_heard(till: Till) -> None:
    """PY-08: what has not begun by then never begins."""
    agreed = running(till)
    with meanwhile("after charge.created", lambda: stop(till, agreed)):
        charge(till, agreed)
    assert till.newest().status == PaymentStatus.CANCELED
    assert len(till.charges) == 1
    assert parts_of(till, agreed)[1].status == InstallmentStatus.SCHEDULED
    assert till.broken() == []


def test_a_charge_that_overtook_a_stop_goes_back_in_full(till: Till) -> None:
    """PY-08: it was on its way to Stripe when the debtor stopped it."""
    agreed = running(till)
    with meanwhile("stripe.charge", lambda: stop(till, agreed)):
        charge(till, agreed)
    (refund,) = till.refunds
    assert (refund.cause, refund.amount_cents) == ("charged_after_stop", 620_00)
    refunds.post_refund(till.session, till.gateway, refund.id, now=till.now)
    assert till.balance == 620_00
    assert parts_of(till, agreed)[1].paid_cents == 0
    assert till.questions == ["charged_after_stop"]
    assert till.broken() == []


def test_a_settlement_paid_by_hand_after_that_still_forgives_its_rest(till: Till) -> None:
    """What goes back had never paid a part, so nothing of the agreed sum is missing."""
    agreed = make_plan(till, (434_00, 300_00, 134_00), kind="settlement")
    first_payment(till, agreed)
    till.wait(days=30)
    with meanwhile("stripe.charge", lambda: stop(till, agreed)):
        charge(till, agreed)
    for part in parts_of(till, agreed)[1:]:
        pay_part(till, part)
    refunds.post_refund(till.session, till.gateway, till.refunds[0].id, now=till.now)
    till.session.refresh(agreed)
    assert (agreed.status, till.balance) == (ArrangementStatus.COMPLETED, 0)
    assert till.entries[-2:] == [("forgiven", -372_00), ("refund", 300_00)]
    assert till.broken() == []


def test_a_refund_whose_job_was_lost_is_asked_for_once(till: Till) -> None:
    payment = till.start(50_00)
    till.pay(payment)
    till.land(payment)
    refunds.give_back(till.session, payment, Cents(50_00), cause=refunds.STAFF, now=till.now)
    till.wait(minutes=11)
    for _ in range(2):
        reconcile.reread_unfinished(till.session, till.gateway, payment.client_id, now=till.now)
    assert len(till.stripe.sandbox.things("refund")) == 1
    assert till.balance == 1240_00


def test_a_refund_whose_answer_was_lost_is_not_made_twice(till: Till) -> None:
    payment = till.start(50_00)
    till.pay(payment)
    till.land(payment)
    wanted = refunds.give_back(
        till.session, payment, Cents(20_00), cause=refunds.STAFF, now=till.now
    )
    till.stripe.world.faults.plan(Fault.DROP_AFTER, times=3, method="POST", path="/v1/refunds")
    with pytest.raises(GatewayUnavailable):
        refunds.post_refund(till.session, till.gateway, wanted.id, now=till.now)
    till.wait(hours=1)
    refunds.post_refund(till.session, till.gateway, wanted.id, now=till.now)
    assert [one["amount"] for one in till.stripe.sandbox.things("refund")] == [20_00]
    assert till.balance == 1210_00


def test_a_refund_that_comes_back_a_month_later_is_noticed(till: Till) -> None:
    payment = till.start(50_00)
    till.pay(payment)
    till.land(payment)
    made = control.refund(till.stripe.world, payment.intent_id or "")
    for _ in range(2):
        till.reconcile()
        till.wait(days=30)
    assert till.balance == 1240_00
    control.finish_refund(till.stripe.world, made["id"], failed=True)
    till.reconcile()
    assert till.balance == 1190_00
    assert till.broken() == []


def test_a_debit_that_was_not_allowed_ends_the_permission_and_is_not_repeated(
    till: Till,
) -> None:
    """PY-09"""
    agreed = make_plan(till, (620_00, 620_00))
    saved = till.start(0, purpose="method", arrangement_id=agreed.id)
    till.pay(saved, "bank_success")
    till.land(saved)
    first = parts_of(till, agreed)[0].id
    charging.charge_installment(till.session, till.gateway, first, now=till.now)
    intent_id = till.newest().intent_id or ""
    control.finish_debit(till.stripe.world, intent_id, failure="debit_not_authorized")
    till.land(till.newest())
    assert till.all(Authorization)[0].revoked_reason == "debit_not_authorized"
    till.session.refresh(agreed)
    assert agreed.method == "manual"
    assert parts_of(till, agreed)[0].next_attempt_on is None
    assert till.broken() == []


@pytest.mark.parametrize(
    "code",
    ["revocation_of_authorization", "revocation_of_all_authorizations", "stop_payment_order"],
)
def test_a_permission_taken_back_at_the_bank_ends_here_too(till: Till, code: str) -> None:
    """PY-08, PY-09"""
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.wait(days=31)
    second = parts_of(till, agreed)[1]
    till.stripe.world.faults.plan(
        Fault.DROP_AFTER, times=3, method="POST", path="/v1/payment_intents"
    )
    charging.charge_installment(till.session, till.gateway, second.id, now=till.now)
    charged = till.newest()
    assert charged.status == PaymentStatus.ATTEMPTING
    intent_id = control.payments(till.stripe.world)[0]["id"]
    found = read_intent(till.gateway, intent_id, stripe_account=None)
    assert found.intent is not None
    refused = replace(
        found.intent,
        status=IntentStatus.REQUIRES_PAYMENT_METHOD,
        failure=Failure(code="card_declined", decline_code=code),
    )
    settling.apply(till.session, charged.id, Reading(intent=refused), now=till.now)
    assert till.all(Authorization)[0].revoked_reason == "debit_not_authorized"
    assert parts_of(till, agreed)[1].next_attempt_on is None


def test_a_key_that_stripe_does_not_take_is_nobodys_failed_payment(till: Till) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.wait(days=31)
    second = parts_of(till, agreed)[1]
    stranger = StripeGateway("sk_live_wrong", checkout_origins=[], http=till.stripe.http)
    charging.charge_installment(till.session, stranger, second.id, now=till.now)
    assert till.newest().status == PaymentStatus.ATTEMPTING
    till.session.refresh(second)
    assert second.status == InstallmentStatus.PROCESSING
    assert second.next_attempt_on is None


def test_what_was_read_before_a_success_does_not_undo_it(till: Till) -> None:
    payment = till.start(50_00)
    till.pay(payment, "bank_success")
    till.land(payment)
    early = read_intent(till.gateway, payment.intent_id or "", stripe_account=None)
    control.finish_debit(till.stripe.world, payment.intent_id or "")
    till.land(payment)
    assert early.intent is not None
    failed = replace(early.intent, status=IntentStatus.REQUIRES_PAYMENT_METHOD)
    for late in (early, Reading(intent=failed)):
        settling.apply(till.session, payment.id, late, now=till.now)
    assert (till.newest().status, till.balance) == (PaymentStatus.SUCCEEDED, 1190_00)


@pytest.mark.parametrize(
    "wrong", [{"amount_cents": Cents(1)}, {"currency": "eur"}, {"metadata": {}}]
)
def test_a_charge_that_is_not_what_was_asked_for_is_applied_to_nothing(
    till: Till, wrong: dict[str, Any]
) -> None:
    payment = till.start(50_00)
    till.pay(payment)
    page = till.gateway.retrieve_checkout(payment.checkout_id or "")
    intent = till.gateway.retrieve_payment(page.intent_id or "")
    settling.apply(till.session, payment.id, Reading(intent=replace(intent, **wrong)), now=till.now)
    assert (till.balance, till.entries, till.questions) == (1240_00, [], ["stripe_mismatch"])


def test_parts_that_piled_up_are_not_taken_on_one_day(till: Till) -> None:
    """PY-05: a day's debit is one part, as it was agreed."""
    agreed = make_plan(till, (310_00, 310_00, 310_00, 310_00))
    first_payment(till, agreed)
    parts = parts_of(till, agreed)
    parts[2].due_on = parts[1].due_on
    till.wait(days=30)
    for part in parts[1:3]:
        charging.charge_installment(till.session, till.gateway, part.id, now=till.now)
    assert len(till.charges) == 2
    till.wait(days=1)
    charging.charge_installment(till.session, till.gateway, parts[2].id, now=till.now)
    assert len(till.charges) == 3


def test_a_chargeback_stops_the_plan_that_runs_now_too(till: Till) -> None:
    """PY-09: the debtor's bank says no to us, whichever payment it is about."""
    earlier = till.start(40_00)
    till.pay(earlier)
    till.land(earlier)
    agreed = make_plan(till, (600_00, 600_00))
    first_payment(till, agreed)
    control.dispute(till.stripe.world, earlier.intent_id or "")
    till.reconcile()
    till.wait(days=30)
    assert charging.due_installments(till.session, agreed.client_id, now=till.now) == []
    till.session.refresh(agreed)
    assert (agreed.status, agreed.method) == (ArrangementStatus.ACTIVE, "manual")
    assert till.balance == 640_00
