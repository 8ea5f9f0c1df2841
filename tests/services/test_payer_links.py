"""Somebody else pays: only what was asked, never more than is owed, once, and like the debtor."""

from typing import Any

import pytest

from portal.domain import DomainError
from portal.domain.capabilities import NotAllowedNow
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.offers import PaymentTooLarge, RestTooSmall
from portal.domain.statuses import ArrangementStatus, PaymentStatus
from portal.gateways.payments import GatewayEvent
from portal.models import Authorization, Debtor, Payment
from portal.sandbox import control
from portal.services import evidence, inbox, notices, payer_links, payments, reconcile, reminders
from portal.services.links import token_of_id
from portal.services.message_facts import facts_of
from portal.services.payable import NothingToPay
from portal.services.payer_links import (
    FirstPaymentFirst,
    PayerLinkOver,
    PayerState,
    PayerView,
    issue,
    live_link,
    open_link,
    revoke,
    token_of,
)
from portal.services.payments import PaymentOnItsWay
from portal.services.standing import set_hold
from portal.services.timeline import timeline
from tests.databases import acting_as
from tests.factories import KEYS, happened, make_contact
from tests.services.paying import Till, first_payment, make_plan, parts_of


def ask(till: Till, amount: int, **given: Any) -> PayerView:
    """Dana makes a link; somebody opens it."""
    link = issue(till.session, till.account, Cents(amount), now=till.now, **given)
    till.session.commit()
    return look(till, token_of(KEYS, link))


def look(till: Till, token: str) -> PayerView:
    found = open_link(till.session, token, keys=KEYS, now=till.now)
    assert found is not None
    return found


def again(till: Till, asked: PayerView) -> PayerView:
    till.session.expire_all()
    return look(till, token_of(KEYS, asked.link))


def start(till: Till, asked: PayerView, **given: Any) -> Payment:
    """Whoever holds the link goes to Checkout."""
    wanted = {
        "amount": asked.due.amount_cents,
        "arrangement_id": asked.due.arrangement_id,
        "installment_id": asked.due.installment_id,
        "payer_link_id": asked.link.id,
        "reference": asked.link.reference,
    }
    return till.start(**(wanted | given))


def leaves(till: Till) -> list[str]:
    return [leaf.type for leaf in happened(till.session, till.account)]


def test_a_payment_through_a_link_counts_and_bears_its_mark(till: Till):
    asked = ask(till, 50_00)
    assert (asked.state, asked.due.amount_cents) == (PayerState.LIVE, 50_00)
    paid = start(till, asked)
    assert paid.reference == asked.link.reference
    till.pay(paid)
    assert till.land(paid).status == PaymentStatus.SUCCEEDED
    assert (till.balance, again(till, asked).state) == (1190_00, PayerState.PAID)
    entry = happened(till.session, till.account)[-1]
    assert entry.payload["payer_link"] == str(asked.link.id)
    lines = timeline(
        till.session, till.account, evidence.account_leaves(till.session, till.account)
    )
    assert "from somebody the debtor asked" in lines[0].detail.message
    assert "Asked somebody else to pay" in [line.title for line in lines]
    assert till.broken() == []


def test_the_sweeper_settles_it_like_the_landing_page(till: Till):
    paid = start(till, ask(till, 50_00))
    till.pay(paid)
    till.wait(hours=2)
    with acting_as("portal_worker", till.session):
        reconcile.reconcile(till.session, till.gateway, [till.account.client_id], now=till.now)
    till.land(paid)
    assert (till.balance, till.entries) == (1190_00, [("payment", -50_00)])


def test_a_link_is_for_one_payment(till: Till):
    asked = ask(till, 50_00)
    paid = start(till, asked)
    till.pay(paid)
    till.land(paid)
    with pytest.raises(DomainError):
        start(till, asked)
    assert (len(till.charges), till.balance) == (1, 1190_00)


def test_a_second_link_only_after_the_first_is_over(till: Till):
    first = ask(till, 50_00)
    assert ask(till, 70_00).link.id == first.link.id
    revoke(till.session, till.account, now=till.now)
    assert ask(till, 70_00).due.amount_cents == 70_00
    assert leaves(till)[-3:] == ["payer_link.issued", "payer_link.revoked", "payer_link.issued"]


@pytest.mark.parametrize(
    ("amount", "error"),
    [(1240_01, PaymentTooLarge), (1239_90, RestTooSmall), (0, DomainError)],
)
def test_nobody_is_asked_for_what_cannot_be_paid(till: Till, amount: int, error: type[Exception]):
    with pytest.raises(error):
        ask(till, amount)


def test_never_more_than_is_owed_at_that_moment(till: Till):
    asked = ask(till, 1240_00)
    mine = till.start(1000_00)
    till.pay(mine)
    till.land(mine)
    with pytest.raises(NothingToPay):
        start(till, asked)  # what the page showed a minute ago
    asked = again(till, asked)
    assert asked.due.amount_cents == 240_00
    paid = start(till, asked)
    till.pay(paid)
    till.land(paid)
    assert (till.balance, till.refunds) == (0, [])


@pytest.mark.parametrize("change", [{"amount": 60_00}, {"amount": 40_00}])
def test_never_another_amount_than_was_asked(till: Till, change: dict[str, int]):
    with pytest.raises(NothingToPay):
        start(till, ask(till, 50_00), **change)


def test_a_withdrawn_link_pays_nothing_and_its_open_page_is_closed(till: Till):
    asked = ask(till, 50_00)
    paid = start(till, asked)
    revoke(till.session, till.account, now=till.now)
    till.session.commit()
    payments.release_checkout(till.session, till.gateway, till.account.id, now=till.now)
    till.session.refresh(paid)
    assert paid.status == PaymentStatus.EXPIRED
    assert again(till, asked).state is PayerState.REVOKED
    with pytest.raises(PayerLinkOver):
        start(till, asked)
    revoke(till.session, till.account, now=till.now)
    assert leaves(till).count("payer_link.revoked") == 1


def test_money_begun_before_the_link_was_withdrawn_counts(till: Till):
    asked = ask(till, 50_00)
    paid = start(till, asked)
    till.pay(paid)
    revoke(till.session, till.account, now=till.now)
    till.land(paid)
    assert (till.balance, again(till, asked).state) == (1190_00, PayerState.PAID)


def test_after_seven_days_it_is_over(till: Till):
    asked = ask(till, 50_00)
    till.wait(days=7)
    assert again(till, asked).state is PayerState.EXPIRED
    with pytest.raises(PayerLinkOver):
        start(till, asked)
    assert live_link(till.session, till.account, now=till.now) is None


def test_a_hold_closes_it_until_it_is_lifted(till: Till):
    asked = ask(till, 50_00)
    set_hold(
        till.session,
        till.account,
        HoldKind.BANKRUPTCY,
        source="staff",
        actor=evidence.SYSTEM,
        now=till.now,
    )
    assert again(till, asked).state is PayerState.CLOSED
    with pytest.raises(NotAllowedNow):
        start(till, asked)


def test_the_debtors_own_page_goes_first(till: Till):
    asked = ask(till, 50_00)
    mine = till.start(1240_00)
    with pytest.raises(PaymentOnItsWay):
        start(till, asked)
    till.session.refresh(mine)
    assert mine.status == PaymentStatus.OPEN  # nobody else closed it


def test_the_debtor_may_pay_although_a_helpers_page_is_open(till: Till):
    theirs = start(till, ask(till, 50_00))
    mine = till.start(100_00)
    till.session.refresh(theirs)
    assert (theirs.status, mine.status) == (PaymentStatus.EXPIRED, PaymentStatus.OPEN)
    assert mine.payer_link_id is None


def test_the_same_link_opens_the_same_page_again(till: Till):
    asked = ask(till, 50_00)
    assert start(till, asked).id == start(till, asked).id


def test_the_next_payment_of_a_plan_is_paid_like_the_debtors_own_and_saves_no_card(till: Till):
    agreed = make_plan(till, (124_00,) * 10)
    asked = ask(till, 124_00, next_only=True)
    paid = start(till, asked)
    till.pay(paid)
    till.land(paid)
    parts = parts_of(till, agreed)
    assert [part.status for part in parts[:2]] == ["paid", "scheduled"]
    assert agreed.status == ArrangementStatus.ACTIVE
    permission = till.all(Authorization)[0]
    assert (permission.status, permission.method_id) == ("awaiting_method", None)
    assert till.charges[0]["setup_future_usage"] is None
    assert till.broken() == []


def test_once_the_debtor_paid_that_payment_the_link_takes_no_other_one(till: Till):
    agreed = make_plan(till, (124_00,) * 10, method="manual")
    asked = ask(till, 124_00, next_only=True)
    first_payment(till, agreed)
    assert again(till, asked).state is PayerState.CLOSED
    with pytest.raises(DomainError):
        start(till, asked)
    assert [part.status for part in parts_of(till, agreed)[:2]] == ["paid", "scheduled"]


def test_another_amount_pays_the_due_payments_in_order(till: Till):
    agreed = make_plan(till, (124_00,) * 10, method="manual")
    first_payment(till, agreed)
    paid = start(till, ask(till, 150_00))
    till.pay(paid)
    till.land(paid)
    assert [part.paid_cents for part in parts_of(till, agreed)[:4]] == [124_00, 124_00, 26_00, 0]
    assert till.broken() == []


def test_no_payment_of_a_plan_is_left_with_less_than_can_be_charged(till: Till):
    """Stripe takes nothing under 50 cents: the plan could not be kept."""
    agreed = make_plan(till, (124_00,) * 10, method="manual")
    first_payment(till, agreed)
    with pytest.raises(RestTooSmall) as refused:
        ask(till, 247_80)
    told = {name: str(value) for name, value in refused.value.params.items()}
    assert told == {"rest": "$0.20", "balance": "$248.00", "most": "$247.50"}


def test_what_a_link_takes_leaves_enough_of_a_payment_although_others_were_paid(till: Till):
    agreed = make_plan(till, (100_00, 124_20, *(124_00,) * 8, 23_80), method="manual")
    asked = ask(till, 248_00)
    first_payment(till, agreed)
    asked = again(till, asked)
    assert asked.due.amount_cents == 247_70
    paid = start(till, asked)
    till.pay(paid)
    till.land(paid)
    assert [part.amount_cents - part.paid_cents for part in parts_of(till, agreed)[:3]] == [
        0,
        0,
        50,
    ]
    assert till.broken() == []


def test_all_of_a_settlement_is_what_was_agreed_and_no_cent_more(till: Till):
    agreed = make_plan(till, (868_00,), method="manual", kind="settlement")
    with pytest.raises(PaymentTooLarge):
        ask(till, 1240_00)
    paid = start(till, ask(till, 868_00))
    till.pay(paid)
    till.land(paid)
    till.session.refresh(agreed)
    assert (agreed.status, till.balance) == (ArrangementStatus.COMPLETED, 0)
    assert till.broken() == []


def test_a_link_from_before_a_settlement_takes_only_what_is_left_of_it(till: Till):
    asked = ask(till, 1240_00)
    make_plan(till, (868_00,), method="manual", kind="settlement")
    with pytest.raises(NothingToPay):
        start(till, asked)
    asked = again(till, asked)
    assert asked.due.amount_cents == 868_00
    paid = start(till, asked)
    till.pay(paid)
    till.land(paid)
    assert (till.balance, till.refunds, till.broken()) == (0, [], [])


def test_less_than_the_first_payment_does_not_begin_an_agreement(till: Till):
    asked = ask(till, 50_00)
    make_plan(till, (868_00,), method="manual", kind="settlement")
    assert again(till, asked).state is PayerState.CLOSED
    revoke(till.session, till.account, now=till.now)
    with pytest.raises(FirstPaymentFirst):
        ask(till, 50_00)


def test_a_bank_debit_of_a_helper_is_on_its_way_and_then_there(till: Till):
    asked = ask(till, 50_00)
    paid = start(till, asked)
    till.pay(paid, "bank_success")
    assert till.land(paid).status == PaymentStatus.PROCESSING
    assert again(till, asked).state is PayerState.MOVING
    control.finish_debit(till.stripe.world, paid.intent_id or "")
    till.land(paid)
    assert (till.balance, again(till, asked).state) == (1190_00, PayerState.PAID)


def test_the_debtor_gets_no_message_about_a_page_that_a_helper_left(till: Till):
    paid = start(till, ask(till, 50_00))
    till.wait(hours=25)
    till.land(paid)
    assert paid.status == PaymentStatus.EXPIRED
    assert reminders.remind(till.session, till.account.client_id, now=till.now) == []


def test_tokens_of_links_to_debtors_and_to_payers_open_nothing_of_the_other(till: Till):
    asked = ask(till, 50_00)
    as_access = token_of_id(KEYS, asked.link.public_id)
    assert open_link(till.session, as_access, keys=KEYS, now=till.now) is None
    for wrong in ("", "x" * 27, token_of(KEYS, asked.link)[:-1] + "?"):
        assert open_link(till.session, wrong, keys=KEYS, now=till.now) is None


def test_a_payment_of_another_link_or_of_the_debtor_is_not_shown(till: Till):
    asked = ask(till, 50_00)
    mine = till.start(100_00)
    assert payer_links.payment_through(till.session, asked.link, mine.id) is None


def test_verify_names_a_link_through_which_more_came_than_was_asked(till: Till):
    asked = ask(till, 50_00)
    start(till, asked).amount_cents = Cents(60_00)
    assert [one.where for one in till.broken()] == [asked.link.reference]


def test_the_debtors_receipt_says_who_paid_and_nothing_of_their_card(till: Till):
    paid = start(till, ask(till, 50_00))
    till.pay(paid)
    till.land(paid)
    debtor = till.session.get_one(Debtor, (till.account.client_id, till.account.debtor_id))
    contact = make_contact(till.session, debtor)
    [receipt] = notices.tell(
        till.session, till.account, "receipt", fact="payment:again", payment=paid, now=till.now
    )
    said = facts_of(till.session, receipt, contact, keys=KEYS, now=till.now).values
    assert said["by_payer"]
    assert (said["method_brand"], said["method_last4"]) == (None, None)
    assert paid.method_last4 == "4242"


def test_the_webhook_settles_it_like_the_landing_page(till: Till):
    asked = ask(till, 50_00)
    paid = start(till, asked)
    till.pay(paid)
    page = paid.checkout_id or ""
    told = GatewayEvent(
        id="evt_1",
        type="checkout.session.completed",
        stripe_account=None,
        livemode=False,
        object_id=page,
        object_type="checkout.session",
        api_version=None,
        created_at=till.now,
    )
    inbox.receive(till.session, told, b"{}", now=till.now)
    till.session.commit()
    with acting_as("portal_worker", till.session):
        inbox.handle(till.session, till.gateway, "evt_1", livemode=False, now=till.now)
    till.session.refresh(paid)
    assert paid.status == PaymentStatus.SUCCEEDED
    till.land(paid)
    assert (till.entries, again(till, asked).state) == ([("payment", -50_00)], PayerState.PAID)
