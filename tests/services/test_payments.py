"""Paying: one charge counts once, nothing is lost, nothing is taken twice."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from portal.db import set_hook
from portal.domain.capabilities import NotAllowedNow
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.statuses import ArrangementStatus, InstallmentStatus, PaymentStatus
from portal.gateways.payments import GatewayUnavailable
from portal.models import Arrangement, Authorization, Debtor, Message, Payment
from portal.sandbox import control
from portal.sandbox.faults import Fault
from portal.services import (
    arrangements,
    authorizations,
    charging,
    fulfilling,
    payments,
    reconcile,
    refunds,
)
from portal.services.evidence import account_leaves, debtor
from portal.services.payable import NothingToPay
from tests.factories import happened, make_contact
from tests.services.paying import Till, first_payment, make_plan, parts_of, send_waiting


def test_a_part_payment_lowers_the_balance_once_however_often_it_is_told(till: Till) -> None:
    payment = till.start(50_00)
    assert till.balance == 1240_00
    till.pay(payment)
    for _ in range(3):
        till.land(payment)
    till.reconcile()
    assert till.balance == 1190_00
    assert till.entries == [("payment", -50_00)]
    assert [leaf.type for leaf in happened(till.session, till.account)] == ["payment.succeeded"]
    assert [m.template for m in till.all(Message)] == ["receipt"]
    assert till.broken() == []


def test_asking_again_gives_the_same_page_and_no_second_attempt(till: Till) -> None:
    first = payments.start_checkout(till.session, till.gateway, till.request(), now=till.now)
    again = payments.start_checkout(till.session, till.gateway, till.request(), now=till.now)
    assert first == again
    assert len(till.stripe.sandbox.things("checkout.session")) == 1


def test_another_amount_closes_the_first_page_before_it_opens_its_own(till: Till) -> None:
    first = till.start(50_00)
    second = till.start(60_00)
    assert first.status == PaymentStatus.EXPIRED
    assert second.status == PaymentStatus.OPEN
    page = till.gateway.retrieve_checkout(first.checkout_id or "")
    assert page.status == "expired"


def test_a_page_that_was_paid_in_another_tab_is_not_paid_again(till: Till) -> None:
    first = till.start(50_00)
    till.pay(first)
    with pytest.raises(payments.PaymentOnItsWay) as found:
        till.start(60_00)
    assert found.value.payment_id == first.id
    assert till.balance == 1190_00


def test_py_10_a_bank_debit_is_on_its_way_and_never_paid_until_stripe_says_so(
    till: Till,
) -> None:
    payment = till.start(50_00)
    till.pay(payment, "bank_success")
    assert till.land(payment).status == PaymentStatus.PROCESSING
    assert till.balance == 1240_00
    assert [one.template for one in till.all(Message)] == ["payment_processing"]
    with pytest.raises(payments.PaymentOnItsWay):
        till.start(60_00)
    control.finish_debit(till.stripe.world, till.newest().intent_id or "")
    assert till.land(payment).status == PaymentStatus.SUCCEEDED
    assert till.balance == 1190_00


def test_py_10_a_failure_after_pending_restores_what_is_owed_and_tells_the_debtor(
    till: Till,
) -> None:
    payment = till.paid(50_00, "bank_success")
    control.finish_debit(
        till.stripe.world, till.newest().intent_id or "", failure="insufficient_funds"
    )
    assert till.land(payment).status == PaymentStatus.FAILED
    assert till.balance == 1240_00
    told = [one.template for one in till.all(Message)]
    assert told == ["payment_processing", "payment_failed"]
    assert till.start(50_00).status == PaymentStatus.OPEN
    assert till.broken() == []


def opened_without_answer(till: Till) -> Payment:
    """An attempt whose page was made, and nothing came back from Stripe."""
    till.stripe.world.faults.plan(
        Fault.DROP_AFTER, times=3, method="POST", path="/v1/checkout/sessions"
    )
    with pytest.raises(GatewayUnavailable):
        till.start(50_00)
    return till.newest()


def test_no_answer_from_stripe_keeps_the_attempt_and_its_key(till: Till) -> None:
    waiting = opened_without_answer(till)
    assert waiting.status == PaymentStatus.CREATED
    assert till.start(50_00).id == waiting.id
    assert len(till.stripe.sandbox.things("checkout.session")) == 1


def test_an_attempt_that_stripe_made_but_never_answered_for_is_found_by_its_mark(
    till: Till,
) -> None:
    lost = opened_without_answer(till)
    till.wait(hours=2)
    reconcile.sweep(till.session, till.gateway, lost.client_id, now=till.now)
    till.session.refresh(lost)
    assert lost.status == PaymentStatus.EXPIRED
    assert lost.checkout_id is not None


def test_more_than_is_owed_is_never_asked_for(till: Till) -> None:
    with pytest.raises(NothingToPay):
        till.start(1240_01)
    assert till.stripe.sandbox.things("checkout.session") == []


def test_a_held_account_takes_no_payment(till: Till) -> None:
    till.hold(HoldKind.DISPUTE)
    with pytest.raises(NotAllowedNow):
        till.start(50_00)


def test_a_balance_lowered_while_a_page_was_open_gives_the_excess_back(till: Till) -> None:
    payment = till.start(1240_00)
    till.lower(200_00)
    till.pay(payment)
    till.land(payment)
    assert [refund.amount_cents for refund in till.refunds] == [200_00]
    refunds.post_refund(till.session, till.gateway, till.refunds[0].id, now=till.now)
    refunds.post_refund(till.session, till.gateway, till.refunds[0].id, now=till.now)
    assert till.balance == 0
    assert till.account.status == "paid"
    assert till.entries[-1] == ("refund", 200_00)
    assert till.broken() == []


def test_a_plan_begins_with_its_first_payment_and_keeps_the_card(till: Till) -> None:
    agreed = make_plan(till, (104_00,) * 11 + (96_00,))
    first_payment(till, agreed)
    till.session.refresh(agreed)
    assert agreed.status == ArrangementStatus.ACTIVE
    assert parts_of(till, agreed)[0].status == InstallmentStatus.PAID
    granted = till.all(Authorization)[0]
    assert (granted.status, granted.method_last4) == ("granted", "4242")
    types = [leaf.type for leaf in happened(till.session, till.account)]
    assert types[1:] == ["acceptance", "payment.succeeded", "authorization.granted"]
    assert sorted(m.template for m in till.all(Message)) == ["authorization_copy", "receipt"]


def test_a_due_installment_is_charged_once_by_any_number_of_runs(till: Till) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.wait(days=29)
    due = charging.due_installments(till.session, agreed.client_id, now=till.now)
    for one in due:
        charging.charge_installment(till.session, till.gateway, one, now=till.now)
    assert till.balance == 620_00
    till.wait(days=1)
    second = parts_of(till, agreed)[1].id
    for _ in range(3):
        charging.charge_installment(till.session, till.gateway, second, now=till.now)
    assert till.balance == 0
    assert len(till.charges) == 2
    till.session.refresh(agreed)
    assert agreed.status == ArrangementStatus.COMPLETED
    assert till.account.status == "paid"
    assert till.broken() == []


def test_ev_06_a_charge_says_which_saved_method_was_allowed_and_no_other_payment_does(
    till: Till,
) -> None:
    """The order of a bundle is checked by it: permission, then charge."""
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.wait(days=30)
    second = parts_of(till, agreed)[1].id
    charging.charge_installment(till.session, till.gateway, second, now=till.now)
    told = [leaf.payload for leaf in account_leaves(till.session, till.account)]
    allowed = [one["method"]["payment_method"] for one in told if one["type"].endswith("granted")]
    first, charged = [one for one in told if one["type"] == "payment.succeeded"]
    assert [charged["saved_method"]] == allowed
    assert "saved_method" not in first


def test_a_settlement_paid_forgives_the_rest(till: Till) -> None:
    agreed = make_plan(till, (868_00,), method="manual", kind="settlement", frequency=None)
    first_payment(till, agreed)
    assert till.balance == 0
    assert till.entries == [("payment", -868_00), ("forgiven", -372_00)]
    assert till.account.status == "settled"
    assert till.broken() == []


@pytest.mark.parametrize(
    ("card", "told", "tries"),
    [
        ("chargeCustomerFail", False, 3),
        ("bank_insufficientFunds", True, 2),
        ("bank_insufficientFunds", False, 1),
    ],
)
def test_py_09_what_failed_is_presented_again_as_often_as_it_may_be(
    till: Till, card: str, told: bool, tries: int
) -> None:
    """PY-09: near paydays within 14 days; a bank debit only once its debtor was told so."""
    make_contact(till.session, till.session.scalars(select(Debtor)).one())
    agreed = make_plan(till, (620_00, 620_00))
    saved = till.start(0, purpose="method", arrangement_id=agreed.id)
    till.pay(saved, card)
    till.land(saved)
    first = parts_of(till, agreed)[0].id
    charged = []
    for _ in range(40):
        one = charging.charge_installment(till.session, till.gateway, first, now=till.now)
        charged += [one] if one else []
        till.wait(days=1)
        for payment in charged:
            if payment.status == "processing":
                till.land(payment)
        send_waiting(till, authorizations.COPY)
        if told:
            send_waiting(till, "payment_failed")
    assert len(charged) == tries
    assert till.balance == 1240_00
    assert till.broken() == []


@pytest.mark.parametrize("code", ["lost_card", "expired_card", "stolen_card"])
def test_py_09_a_card_that_is_gone_is_not_tried_again(till: Till, code: str) -> None:
    """PY-09"""
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.wait(days=31)
    second = parts_of(till, agreed)[1]
    failed = charging.charge_installment(till.session, till.gateway, second.id, now=till.now)
    assert failed is not None
    failed.status, failed.decline_code = PaymentStatus.FAILED, code
    second.status = InstallmentStatus.PROCESSING
    fulfilling.release(till.session, failed, failed_at=till.now)
    assert second.next_attempt_on is None


def test_stopped_automatic_payments_are_never_charged(till: Till) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    arrangements.stop_automatic(
        till.session, agreed, actor=debtor(till.account.debtor_id), now=till.now
    )
    till.wait(days=30)
    second = parts_of(till, agreed)[1].id
    assert charging.charge_installment(till.session, till.gateway, second, now=till.now) is None
    assert len(till.charges) == 1


def charged_without_answer(till: Till) -> Arrangement:
    """A plan whose second installment was charged, and nothing came back from Stripe."""
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.wait(days=30)
    till.stripe.world.faults.plan(
        Fault.DROP_BEFORE, times=3, method="POST", path="/v1/payment_intents"
    )
    charging.charge_installment(
        till.session, till.gateway, parts_of(till, agreed)[1].id, now=till.now
    )
    return agreed


def test_a_charge_whose_answer_was_lost_is_repeated_under_the_same_key(till: Till) -> None:
    agreed = charged_without_answer(till)
    assert till.newest().status == PaymentStatus.ATTEMPTING
    till.wait(minutes=11)
    reconcile.sweep(till.session, till.gateway, agreed.client_id, now=till.now)
    assert till.balance == 0
    assert len(till.charges) == 2


def test_a_charge_that_was_lost_after_a_stop_is_only_read(till: Till) -> None:
    agreed = charged_without_answer(till)
    arrangements.stop_automatic(
        till.session, agreed, actor=debtor(till.account.debtor_id), now=till.now
    )
    till.wait(minutes=11)
    reconcile.sweep(till.session, till.gateway, agreed.client_id, now=till.now)
    assert till.newest().status == PaymentStatus.CANCELED
    assert len(till.charges) == 1
    assert till.balance == 620_00


def test_a_refund_made_in_the_dashboard_arrives_and_is_asked_about(till: Till) -> None:
    payment = till.paid(50_00)
    control.refund(till.stripe.world, payment.intent_id or "", amount=20_00)
    for _ in range(2):
        till.reconcile()
    assert till.balance == 1210_00
    assert till.entries[-1] == ("refund", 20_00)
    assert till.questions == ["refund_to_review"]
    assert till.broken() == []


def test_partial_refunds_each_count(till: Till) -> None:
    payment = till.paid(100_00)
    for cents in (30_00, 30_00, 40_00):
        control.refund(till.stripe.world, payment.intent_id or "", amount=cents)
        till.reconcile()
    assert till.balance == 1240_00
    assert till.broken() == []


def test_a_chargeback_takes_the_money_back_out_and_ends_the_permission(till: Till) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    payment = first_payment(till, agreed)
    opened = control.dispute(till.stripe.world, payment.intent_id or "")
    till.reconcile()
    assert till.balance == 1240_00
    assert till.all(Authorization)[0].status == "revoked"
    control.close_dispute(till.stripe.world, opened["id"], won=True)
    reconcile.reread_unfinished(till.session, till.gateway, agreed.client_id, now=till.now)
    assert till.balance == 620_00
    assert [kind for kind, _ in till.entries][1:] == ["chargeback", "chargeback_reversed"]
    assert till.broken() == []


def test_an_inquiry_moves_no_money(till: Till) -> None:
    payment = till.paid(50_00)
    control.dispute(till.stripe.world, payment.intent_id or "", inquiry=True)
    till.reconcile()
    assert till.balance == 1190_00


def test_money_begun_before_an_arrangement_was_withdrawn_is_honoured(till: Till) -> None:
    agreed = make_plan(till, (620_00, 620_00), method="manual")
    first = parts_of(till, agreed)[0]
    payment = till.start(620_00, purpose="first", arrangement_id=agreed.id, installment_id=first.id)
    arrangements.withdraw(till.session, agreed, actor=debtor(till.account.debtor_id), now=till.now)
    till.pay(payment)
    till.land(payment)
    till.session.refresh(agreed)
    assert agreed.status == ArrangementStatus.ACTIVE
    assert [str(p.status) for p in parts_of(till, agreed)] == ["paid", "scheduled"]
    assert till.broken() == []


def test_dates_long_gone_are_not_charged_when_a_hold_ends(till: Till) -> None:
    """PY-05: nothing is taken on a day that nobody agreed to."""
    agreed = make_plan(till, (310_00, 310_00, 310_00, 310_00))
    first_payment(till, agreed)
    till.wait(days=75)
    charged = [
        charging.charge_installment(till.session, till.gateway, part.id, now=till.now)
        for part in parts_of(till, agreed)[1:]
    ]
    assert charged == [None, None, None]
    assert len(till.charges) == 1


def test_an_open_page_is_not_given_out_again_under_a_hold(till: Till) -> None:
    """DH-08: the page is closed at Stripe instead, so that nobody can pay on it."""
    open_page = till.start(50_00)
    till.hold(HoldKind.IDENTITY_THEFT)
    with pytest.raises(NotAllowedNow):
        till.start(50_00)
    page = till.gateway.retrieve_checkout(open_page.checkout_id or "")
    assert page.status == "expired"


def test_a_refund_unknown_a_day_later_is_not_asked_for_again(till: Till) -> None:
    payment = till.paid(50_00)
    refunds.give_back(till.session, payment, Cents(50_00), cause="staff", now=till.now)
    till.wait(hours=24)
    refunds.post_refund(till.session, till.gateway, till.refunds[0].id, now=till.now)
    assert till.stripe.sandbox.things("refund") == []
    assert "refund_refused" in till.questions


def test_a_hold_has_the_open_page_closed_by_a_job(till: Till) -> None:
    """DH-01: "we take no payment while we check" holds for a page that is open already."""
    till.start(50_00)
    till.hold(HoldKind.DISPUTE)
    payments.release_checkout(till.session, till.gateway, till.account.id, now=till.now)
    assert till.newest().status == PaymentStatus.EXPIRED
    queued = text("SELECT count(id) FROM procrastinate_jobs")
    assert till.session.scalar(queued) >= 1


def test_a_hold_set_while_the_job_runs_is_seen_before_stripe_is_asked(till: Till) -> None:
    """DH-08: also where the machine that set it has a clock that runs ahead."""
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.wait(days=30)

    def between(name: str) -> None:
        if name == "after charge.created":
            till.hold(HoldKind.DISPUTE, now=till.now + timedelta(seconds=1))
            till.session.commit()

    set_hook(between)
    try:
        charging.charge_installment(
            till.session, till.gateway, parts_of(till, agreed)[1].id, now=till.now
        )
    finally:
        set_hook(None)
    assert len(till.charges) == 1


def test_a_page_that_ran_out_unpaid_is_on_the_record(till: Till) -> None:
    """Invariant 10"""
    payment = till.start(50_00)
    till.wait(minutes=61)
    till.land(payment)
    assert till.newest().status == PaymentStatus.EXPIRED
    assert account_leaves(till.session, till.account)[-1].type == "payment.expired"
    assert till.broken() == []
