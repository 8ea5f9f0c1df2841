"""Money by check and cash: it counts once, by two people above a limit, and can come back."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.domain import DomainError
from portal.domain.capabilities import NotAllowedNow
from portal.domain.counter import CounterKind, Why
from portal.domain.help import CardNumberTyped
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.statuses import ArrangementStatus
from portal.models import Client, LookOutcome, Message, Payment, Role, SecondLook, Staff
from portal.services import foreseeing, second_person
from portal.services.amending import PaymentMoving
from portal.services.charging import charge_installment
from portal.services.counter_payments import (
    DayNotPossible,
    MoreThanOwed,
    MustGoBack,
    NumberMissing,
    Received,
    RecordedBefore,
    kept_number,
)
from portal.services.counter_returns import NotByHand, ReturnedBefore
from portal.services.dossier import ReasonMissing
from portal.services.evidence import account_leaves
from portal.services.giving_back import NotThroughStripe
from portal.services.second_person import (
    Act,
    ChangedSince,
    DecidedBefore,
    NotAskedByYou,
    SamePerson,
    SecondPersonWaits,
)
from tests.factories import TODAY
from tests.pages.staff import make_staff
from tests.services.paying import Till, first_payment, make_plan, parts_of, send_copy
from tests.services.test_message_facts import Post, prove, send

DAY = TODAY


@pytest.fixture
def sue(till: Till) -> Staff:
    """Sue, who opens the post."""
    return staff(till)


@pytest.fixture
def otto(till: Till) -> Staff:
    """Otto, who looks at it again."""
    return staff(till)


def staff(till: Till, role: Role = Role.SUPERVISOR) -> Staff:
    """Somebody who works for the client of the till."""
    client = till.session.get_one(Client, till.account.client_id)
    made = make_staff(till.session, role, client)
    till.session.expunge(made)
    return made


def check(till: Till, cents: int, **given: Any) -> Act:
    """A check over so much, received on the day of the till."""
    values = {"kind": CounterKind.CHECK, "received_on": DAY, "number": "1017"}
    received = Received(amount_cents=Cents(cents), **(values | given))
    return second_person.recording(till.account, received, "by post")


def do(till: Till, act: Act, by: Staff) -> SecondLook:
    """Look at what an act does, then do it, as the page does."""
    mark = foreseeing.foresee(till.session, act, now=till.now).mark
    foreseeing.require(till.session, act, mark, now=till.now)
    look = second_person.ask(till.session, act, staff=by, now=till.now)
    till.session.flush()
    return look


def paid_by(till: Till, cents: int, by: Staff, **given: Any) -> Payment:
    """A payment that one person recorded."""
    look = do(till, check(till, cents, **given), by)
    assert look.outcome is LookOutcome.NOT_NEEDED
    return till.session.get_one(Payment, (look.client_id, look.payment_id))


def bounced(till: Till, payment: Payment, by: Staff, why: Why = Why.RETURNED) -> SecondLook:
    """The bank returns a check."""
    return do(till, second_person.returning(payment, why, "no funds"), by)


def told(till: Till) -> list[str]:
    """The messages to the debtor, in their order."""
    return [one.template for one in till.all(Message)]


def limit(till: Till, cents: int) -> None:
    """One person may move so much alone."""
    client = till.session.get_one(Client, till.account.client_id)
    client.counter_limit_cents = client.refund_limit_cents = Cents(cents)
    till.session.flush()


def test_a_check_counts_once_with_a_receipt_and_a_leaf_that_says_who_recorded_it(
    till: Till, sue: Staff
) -> None:
    payment = paid_by(till, 240_00, sue)
    assert till.balance == 1000_00
    assert till.entries == [("payment", -240_00)]
    assert told(till) == ["receipt"]
    (leaf,) = (x for x in account_leaves(till.session, till.account) if x.type.startswith("paym"))
    assert leaf.payload["actor"] == {"kind": "staff", "id": str(sue.id)}
    assert leaf.payload["number"] == "1017"
    assert payment.intent_id is None
    assert till.broken() == []


def test_what_a_page_shows_is_what_happens_and_nothing_stays_of_the_showing(
    till: Till, sue: Staff
) -> None:
    agreed = make_plan(till, (300_00, 300_00, 268_00), method="manual", kind="settlement")
    act = check(till, 400_00)
    before = foreseeing.foresee(till.session, act, now=till.now)
    assert till.balance == 1240_00
    assert till.entries == []
    assert told(till) == []
    assert [one.after_cents for one in before.parts] == [0, 200_00]
    do(till, act, sue)
    assert till.balance == before.after_cents == 840_00
    assert [p.amount_cents - p.paid_cents for p in parts_of(till, agreed)] == [0, 200_00, 268_00]
    assert told(till) == list(before.templates)
    assert till.broken() == []


def test_the_last_check_of_a_settlement_forgives_the_rest_and_closes_the_account(
    till: Till, sue: Staff
) -> None:
    agreed = make_plan(till, (500_00, 368_00), method="manual", kind="settlement")
    paid_by(till, 500_00, sue)
    limit(till, 10_000_00)
    act = check(till, 368_00, number="1018")
    assert foreseeing.foresee(till.session, act, now=till.now).forgiven_cents == 372_00
    do(till, act, sue)
    till.session.refresh(agreed)
    assert (till.balance, agreed.status) == (0, ArrangementStatus.COMPLETED)
    assert till.account.status == "settled"
    assert till.broken() == []


def test_more_than_can_be_applied_is_refused_with_what_is_owed(till: Till, sue: Staff) -> None:
    with pytest.raises(MoreThanOwed, match="1,240.00"):
        do(till, check(till, 1240_01), sue)
    make_plan(till, (500_00, 368_00), method="manual", kind="settlement")
    with pytest.raises(MoreThanOwed, match="868.00"):
        do(till, check(till, 868_01), sue)
    assert till.balance == 1240_00


@pytest.mark.parametrize("days", [-1, 1])
def test_the_day_is_between_the_placement_and_today(till: Till, sue: Staff, days: int) -> None:
    """By the client's calendar: today and the day of placement are taken."""
    paid_by(till, 10_00, sue, received_on=till.account.placed_at.date())
    first = till.account.placed_at.date() if days < 0 else DAY
    with pytest.raises(DayNotPossible):
        do(till, check(till, 10_00, received_on=first + timedelta(days=days), number="2"), sue)


def test_a_check_has_a_number_and_counts_once(till: Till, sue: Staff) -> None:
    with pytest.raises(NumberMissing):
        kept_number(" ", CounterKind.CHECK)
    assert kept_number(" ", CounterKind.CASH) is None
    with pytest.raises(CardNumberTyped):
        kept_number("4242 4242 4242 4242", CounterKind.TRANSFER)
    payment = paid_by(till, 20_00, sue)
    with pytest.raises(RecordedBefore, match=payment.reference):
        do(till, check(till, 20_00), sue)
    bounced(till, payment, sue)
    paid_by(till, 20_00, sue)
    assert till.broken() == []


def test_what_was_shown_must_still_be_so_and_two_presses_count_once(till: Till, sue: Staff) -> None:
    act = check(till, 20_00, kind=CounterKind.CASH, number=None)
    mark = foreseeing.foresee(till.session, act, now=till.now).mark
    second_person.ask(till.session, act, staff=sue, now=till.now)
    with pytest.raises(ChangedSince):
        foreseeing.require(till.session, act, mark, now=till.now)


def test_while_money_is_on_its_way_at_stripe_nothing_is_recorded(till: Till, sue: Staff) -> None:
    """At most one payment of an account is open."""
    till.start(50_00)
    with pytest.raises(PaymentMoving):
        do(till, check(till, 20_00), sue)


def test_a_hold_that_forbids_money_sends_the_check_back(till: Till, sue: Staff) -> None:
    """DH-05. A dispute leaves it to staff (DH-01)."""
    till.hold(HoldKind.DISPUTE)
    paid_by(till, 20_00, sue)
    till.hold(HoldKind.IDENTITY_THEFT)
    with pytest.raises(MustGoBack, match="DH-05"):
        do(till, check(till, 20_00, number="2"), sue)


def test_what_a_check_covered_is_not_charged_again(till: Till, sue: Staff) -> None:
    """PY-09"""
    agreed = make_plan(till, (104_00, 104_00, 104_00))
    first_payment(till, agreed)
    send_copy(till)
    till.wait(days=29)
    paid_by(till, 104_00, sue, received_on=till.now.date())
    till.wait(days=1)
    second = parts_of(till, agreed)[1]
    assert charge_installment(till.session, till.gateway, second.id, now=till.now) is None
    till.wait(days=30)
    third = parts_of(till, agreed)[2]
    assert charge_installment(till.session, till.gateway, third.id, now=till.now) is not None
    assert [one["amount"] for one in till.charges] == [104_00, 104_00]
    assert till.broken() == []


def test_a_first_payment_by_check_starts_a_plan_whose_card_was_never_saved(
    till: Till, sue: Staff
) -> None:
    agreed = make_plan(till, (104_00, 104_00))
    paid_by(till, 104_00, sue)
    till.session.refresh(agreed)
    assert agreed.status == ArrangementStatus.ACTIVE
    second = parts_of(till, agreed)[1]
    till.wait(days=30)
    assert charge_installment(till.session, till.gateway, second.id, now=till.now) is None
    assert till.broken() == []


def test_above_the_limit_nothing_moves_until_another_person_approves(
    till: Till, sue: Staff, otto: Staff
) -> None:
    look = do(till, check(till, 500_01), sue)
    assert look.outcome is LookOutcome.WAITS
    assert (till.balance, told(till)) == (1240_00, [])
    with pytest.raises(SamePerson):
        second_person.approve(till.session, look, staff=sue, now=till.now)
    with pytest.raises(SecondPersonWaits):
        do(till, check(till, 1_00, number="2"), sue)
    second_person.approve(till.session, look, staff=otto, now=till.now)
    assert till.balance == 739_99
    with pytest.raises(DecidedBefore, match=otto.name):
        second_person.approve(till.session, look, staff=staff(till), now=till.now)
    assert till.entries == [("payment", -500_01)]
    leaves = {x.type: x.payload for x in account_leaves(till.session, till.account)}
    assert leaves["second_look.asked"]["actor"]["id"] == str(sue.id)
    assert leaves["second_look.approved"]["actor"]["id"] == str(otto.id)
    assert leaves["payment.succeeded"]["approved_by"] == str(otto.id)
    assert till.broken() == []


@pytest.mark.parametrize(("limit_cents", "outcome"), [(0, "waits"), (99, "waits"), (100, "alone")])
def test_one_person_moves_up_to_the_limit(
    till: Till, sue: Staff, limit_cents: int, outcome: str
) -> None:
    """Limit − 1, limit; 0 always needs two."""
    limit(till, limit_cents)
    look = do(till, check(till, 100), sue)
    assert (look.outcome is LookOutcome.WAITS) == (outcome == "waits")


def test_a_limit_is_not_passed_by_in_small_steps(till: Till, sue: Staff, otto: Staff) -> None:
    paid_by(till, 300_00, sue)
    look = do(till, check(till, 200_01, number="2"), otto)
    assert look.outcome is LookOutcome.WAITS
    second_person.withdraw(till.session, look, staff=otto, now=till.now)
    till.wait(days=1)
    paid_by(till, 200_01, otto, number="3")
    assert till.broken() == []


def test_it_is_declined_with_a_reason_or_taken_back_by_who_asked(
    till: Till, sue: Staff, otto: Staff
) -> None:
    look = do(till, check(till, 600_00), sue)
    with pytest.raises(ReasonMissing):
        second_person.decline(till.session, look, " ", staff=otto, now=till.now)
    with pytest.raises(NotAskedByYou):
        second_person.withdraw(till.session, look, staff=otto, now=till.now)
    second_person.decline(till.session, look, "not ours", staff=otto, now=till.now)
    with pytest.raises(DecidedBefore, match="declined"):
        second_person.withdraw(till.session, look, staff=sue, now=till.now)
    again = do(till, check(till, 600_00), sue)
    second_person.withdraw(till.session, again, staff=sue, now=till.now)
    assert till.balance == 1240_00
    assert till.broken() == []


def test_a_returned_check_is_owed_again_and_its_parts_wait_again(till: Till, sue: Staff) -> None:
    agreed = make_plan(till, (100_00, 100_00, 100_00), method="manual")
    payment = paid_by(till, 150_00, sue)
    bounced(till, payment, sue)
    assert till.balance == 1240_00
    assert till.entries == [("payment", -150_00), ("returned", 150_00)]
    assert [(p.paid_cents, p.status) for p in parts_of(till, agreed)] == [(0, "scheduled")] * 3
    assert told(till) == ["receipt", "payment_returned"]
    with pytest.raises(ReturnedBefore):
        bounced(till, payment, sue)
    assert till.broken() == []


def test_a_returned_last_check_takes_the_forgiveness_back_and_the_settlement_can_be_paid_again(
    till: Till, sue: Staff
) -> None:
    limit(till, 10_000_00)
    agreed = make_plan(till, (868_00,), method="manual", kind="settlement")
    payment = paid_by(till, 868_00, sue)
    assert till.balance == 0
    till.wait(days=2)
    bounced(till, payment, sue)
    till.session.refresh(agreed)
    assert (till.balance, till.account.status) == (1240_00, "open")
    assert agreed.status == ArrangementStatus.ACTIVE
    assert till.broken() == []
    paid_by(till, 868_00, sue, number="2")
    till.session.refresh(agreed)
    assert (till.balance, agreed.status) == (0, ArrangementStatus.COMPLETED)
    assert till.broken() == []


def test_an_agreement_that_another_one_came_after_does_not_run_on(till: Till, sue: Staff) -> None:
    limit(till, 10_000_00)
    agreed = make_plan(till, (868_00,), method="manual", kind="settlement")
    payment = paid_by(till, 868_00, sue)
    till.lower(-500_00)
    another = make_plan(till, (250_00, 250_00), method="manual")
    bounced(till, payment, sue)
    till.session.refresh(agreed)
    assert (agreed.status, another.status) == ("broken", "awaiting_first_payment")
    assert till.balance == 1740_00
    assert till.broken() == []


def test_an_earlier_check_of_a_paid_settlement_that_comes_back_ends_it(
    till: Till, sue: Staff
) -> None:
    limit(till, 10_000_00)
    agreed = make_plan(till, (500_00, 368_00), method="manual", kind="settlement")
    first = paid_by(till, 500_00, sue)
    till.wait(days=1)
    paid_by(till, 368_00, sue, number="2")
    bounced(till, first, sue)
    till.session.refresh(agreed)
    assert (till.balance, agreed.status) == (872_00, ArrangementStatus.BROKEN)
    assert till.broken() == []


def test_the_debtor_reads_by_which_check_they_paid_and_that_it_came_back(
    till: Till, sue: Staff
) -> None:
    """PY-12"""
    prove(till.session, till.account)
    payment = paid_by(till, 240_00, sue)
    receipt = send(till, Post(), "receipt").body or ""
    assert "Paid with: Check no. 1017" in receipt
    assert "Left to pay on this account: $1,000.00" in receipt
    bounced(till, payment, sue)
    returned = send(till, Post(), "payment_returned").body or ""
    assert "A payment of $240.00 (Check no. 1017, November 23, 2026) does not count" in returned
    assert "You owe $1,240.00 now." in returned


def test_a_mistake_is_undone_alone_on_its_day_and_by_two_later(till: Till, sue: Staff) -> None:
    payment = paid_by(till, 20_00, sue)
    assert bounced(till, payment, sue, Why.MISTAKE).outcome is LookOutcome.NOT_NEEDED
    other = paid_by(till, 20_00, sue)
    till.wait(days=1)
    assert bounced(till, other, sue, Why.MISTAKE).outcome is LookOutcome.WAITS


def test_stripes_payments_are_not_returned_and_checks_are_not_refunded(
    till: Till, sue: Staff
) -> None:
    by_card = till.paid(50_00)
    with pytest.raises(NotByHand):
        bounced(till, by_card, sue)
    payment = paid_by(till, 20_00, sue)
    with pytest.raises(NotThroughStripe):
        do(till, second_person.refunding(payment, Cents(20_00), "asked"), sue)


def test_a_refund_above_the_limit_waits_and_is_asked_for_once(
    till: Till, sue: Staff, otto: Staff
) -> None:
    payment = till.paid(600_00)
    act = second_person.refunding(payment, Cents(600_00), "asked")
    seen = foreseeing.foresee(till.session, act, now=till.now)
    assert (seen.before_cents, seen.after_cents) == (640_00, 1240_00)
    look = do(till, act, sue)
    assert till.refunds == []
    with pytest.raises(SecondPersonWaits):
        do(till, second_person.refunding(payment, Cents(1_00), "asked"), otto)
    second_person.approve(till.session, look, staff=otto, now=till.now)
    assert [one.amount_cents for one in till.refunds] == [600_00]
    assert till.broken() == []


STEP = st.tuples(st.sampled_from(("check", "bounce", "day")), st.integers(1, 400_00))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEP, max_size=8), kind=st.sampled_from(("plan", "settlement")))
def test_whatever_comes_by_check_and_comes_back_the_books_hold(
    till: Till, sue: Staff, steps: list[tuple[str, int]], kind: str
) -> None:
    """Money is never doubled: what is owed is what was owed less what is here."""
    with till.session.begin_nested() as world:
        limit(till, 1_000_000_00)
        make_plan(till, (300_00, 300_00, 268_00), method="manual", kind=kind)
        for n, (what, cents) in enumerate(steps):
            try:
                _step(till, sue, what, cents, number=str(n))
            except (DomainError, NotAllowedNow):
                continue
            assert till.broken() == [], steps
            assert till.balance >= 0
        world.rollback()
    till.session.expire_all()


def _step(till: Till, sue: Staff, what: str, cents: int, *, number: str) -> None:
    if what == "day":
        till.wait(days=1)
    elif what == "bounce":
        by_hand = [one for one in till.all(Payment) if one.counter_kind]
        if by_hand:
            bounced(till, by_hand[cents % len(by_hand)], sue)
    elif what == "check":
        with till.session.begin_nested():
            do(till, check(till, cents, number=number), sue)
