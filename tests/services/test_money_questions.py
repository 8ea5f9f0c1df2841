"""What a person decides about money is posted once, as it was shown, with one leaf."""

from pathlib import Path

import pytest
from sqlalchemy import select

from portal.domain.capabilities import NotAllowedNow
from portal.domain.money import Cents
from portal.domain.statuses import AccountStatus
from portal.models import (
    Account,
    Arrangement,
    Client,
    EntryKind,
    LookOutcome,
    MoneyException,
    Role,
    SecondLook,
    Staff,
)
from portal.sandbox import control
from portal.services import (
    foreseeing,
    money_questions,
    question_looks,
    refunds,
    second_person,
)
from portal.services.answering import AnsweredBefore, NoteMissing
from portal.services.charging import charge_installment
from portal.services.evidence import account_leaves
from portal.services.ledger import lock_account, open_exception, post
from portal.services.money_questions import Decision, DecisionNotPossible, Option
from portal.services.second_person import SamePerson, SecondPersonWaits
from tests.pages.staff import make_staff
from tests.services.paying import Till, first_payment, make_plan, parts_of, send_copy
from tests.services.placing import Placer


@pytest.fixture
def otto(till: Till) -> Staff:
    """Otto, who decides about money."""
    otto = make_staff(till.session, Role.OPERATOR)
    till.session.expunge(otto)  # a worker reads no staff again
    return otto


def newest(till: Till) -> MoneyException:
    """The question that was asked last."""
    found = till.all(MoneyException)[-1]
    assert isinstance(found, MoneyException)
    return found


def found(till: Till, decision: Decision, question: MoneyException | None = None) -> Option:
    """A decision as the page offers it."""
    offered = money_questions.options(till.session, question or newest(till))
    return next(one for one in offered if one.decision is decision)


def offered(till: Till, question: MoneyException | None = None) -> list[Decision]:
    """What the page offers."""
    options = money_questions.options(till.session, question or newest(till))
    return [one.decision for one in options]


def decide(till: Till, option: Option, otto: Staff, question: MoneyException | None = None) -> None:
    """Decide what was offered."""
    money_questions.decide(
        till.session,
        question or newest(till),
        option.mark,
        "looked at it",
        staff=otto,
        now=till.now,
    )


def give_back(till: Till) -> None:
    """The jobs that ask Stripe for what is wanted."""
    for refund in till.refunds:
        refunds.post_refund(till.session, till.gateway, refund.id, now=till.now)


@pytest.fixture
def desk(till: Till, tmp_path: Path) -> Placer:
    """Dana's account comes from a file of the client."""
    client = till.session.get_one(Client, till.account.client_id)
    desk = Placer(till.session, client, tmp_path)
    assert desk.row().landed == 1
    till.account = till.session.scalars(select(Account).where(Account.reference == "NG-1001")).one()
    return desk


def place_again(till: Till, desk: Placer, figure: str) -> None:
    """The client's next file names another balance."""
    desk.row(now=till.now, current_balance=figure)


def test_a_figure_placed_during_a_payment_is_taken_once(
    till: Till, desk: Placer, otto: Staff
) -> None:
    """VN-02: the balance moves by the difference to the client's own last figure."""
    paying = till.start(50_00)
    place_again(till, desk, "1100.00")
    assert (till.balance, till.questions) == (1240_00, ["placed_balance"])
    till.pay(paying)
    till.land(paying)
    taken = found(till, Decision.APPLY)
    assert (taken.balance_cents, taken.back_cents) == (1050_00, 0)
    decide(till, taken, otto)
    assert till.balance == 1050_00
    assert till.account.last_placed_cents == 1100_00
    assert till.entries == [("payment", -50_00), ("adjusted", -140_00)]
    with pytest.raises(AnsweredBefore):
        decide(till, taken, otto)
    place_again(till, desk, "1100.00")
    assert till.balance == 1050_00
    last = account_leaves(till.session, till.account)[-1]
    assert last.type == "exception.resolved"
    assert (last.payload["decision"], last.payload["balance_cents"]) == ("apply", 1050_00)
    assert till.broken() == []


def test_a_figure_that_is_left_changes_nothing(till: Till, desk: Placer, otto: Staff) -> None:
    till.start(50_00)
    place_again(till, desk, "1100.00")
    decide(till, found(till, Decision.CLOSE), otto)
    assert (till.balance, till.account.last_placed_cents) == (1240_00, 1240_00)
    assert newest(till).resolution == "looked at it"


def test_a_figure_below_what_was_paid_gives_the_rest_back(
    till: Till, desk: Placer, otto: Staff
) -> None:
    for cents in (600_00, 300_00):
        paid = till.start(cents)
        till.pay(paid)
        till.land(paid)
    place_again(till, desk, "500.00")
    taken = found(till, Decision.APPLY)
    assert (taken.balance_cents, taken.back_cents, taken.left_cents) == (-400_00, 400_00, 0)
    decide(till, taken, otto)
    assert sorted(refund.amount_cents for refund in till.refunds) == [100_00, 300_00]
    give_back(till)
    assert (till.balance, till.account.status) == (0, AccountStatus.PAID)
    assert till.broken() == []


def test_only_the_newest_figure_can_be_taken_and_answers_the_older_ones(
    till: Till, desk: Placer, otto: Staff
) -> None:
    till.start(50_00)
    place_again(till, desk, "1100.00")
    older = newest(till)
    till.wait(days=1)
    place_again(till, desk, "1000.00")
    assert offered(till, older) == [Decision.CLOSE]
    decide(till, found(till, Decision.APPLY), otto)
    assert till.balance == 1000_00
    assert all(one.resolved_at for one in till.all(MoneyException))


def test_what_changed_since_the_page_was_read_is_not_decided(
    till: Till, desk: Placer, otto: Staff
) -> None:
    till.start(50_00)
    place_again(till, desk, "1100.00")
    taken = found(till, Decision.APPLY)
    till.pay(till.newest())
    till.land(till.newest())
    with pytest.raises(DecisionNotPossible):
        decide(till, taken, otto)
    assert till.entries == [("payment", -50_00)]


def overpay(till: Till, cents: int) -> None:
    """Dana paid all, and then less is owed."""
    payment = till.start(1240_00)
    till.pay(payment)
    till.land(payment)
    post(
        till.session,
        lock_account(till.session, till.account.id),
        kind=EntryKind.ADJUSTED,
        source="question:later",
        amount_cents=Cents(-cents),
        now=till.now,
    )
    open_exception(
        till.session,
        till.account,
        kind="paid_too_much",
        source=f"payment:{payment.id}",
        detail="Look.",
        now=till.now,
    )


def test_what_was_paid_too_much_is_given_back(till: Till, otto: Staff) -> None:
    overpay(till, 90_00)
    assert offered(till) == [Decision.GIVE_BACK, Decision.OUTSIDE]
    decide(till, found(till, Decision.GIVE_BACK), otto)
    assert till.broken() == []
    give_back(till)
    assert (till.balance, [one.cause for one in till.refunds]) == (0, ["paid_too_much"])
    assert till.broken() == []


def say_outside(till: Till, who: Staff) -> SecondLook:
    """Say that Dana has the money already."""
    mark, given = found(till, Decision.OUTSIDE).mark, {"staff": who, "now": till.now}
    look = question_looks.decide(till.session, newest(till), mark, "Sent by check.", **given)
    assert look is not None
    return look


def test_what_the_debtor_got_another_way_is_in_the_books(till: Till, otto: Staff) -> None:
    overpay(till, 90_00)
    assert say_outside(till, otto).outcome is LookOutcome.NOT_NEEDED
    assert (till.balance, till.refunds) == (0, [])
    last = account_leaves(till.session, till.account)[-1]
    assert (last.type, last.payload["decision"]) == ("exception.resolved", "outside")
    assert till.broken() == []


def test_nobody_says_so_without_the_limit_being_asked(till: Till, otto: Staff) -> None:
    overpay(till, 90_00)
    with pytest.raises(DecisionNotPossible):
        decide(till, found(till, Decision.OUTSIDE), otto)
    assert till.balance == -90_00


def test_above_the_limit_a_second_person_says_so_too(till: Till, otto: Staff) -> None:
    """One person alone writes off no amount that the debtor would be owed."""
    overpay(till, 500_01)
    look, question = say_outside(till, otto), newest(till)
    assert look.outcome is LookOutcome.WAITS
    assert (till.balance, question.resolved_at) == (-500_01, None)
    with pytest.raises(SecondPersonWaits):
        say_outside(till, otto)
    with pytest.raises(SamePerson):
        second_person.approve(till.session, look, staff=otto, now=till.now)
    sue = make_staff(till.session, Role.OPERATOR)
    effects = foreseeing.foresee(till.session, second_person.act_of(look), now=till.now)
    assert (effects.before_cents, effects.after_cents) == (-500_01, 0)
    second_person.approve(till.session, look, staff=sue, now=till.now)
    assert (till.balance, question.resolved_by) == (0, otto.id)
    last = account_leaves(till.session, till.account)[-1]
    assert last.payload["actor"] == {"kind": "staff", "id": str(otto.id)}
    assert last.payload["approved_by"] == str(sue.id)
    assert till.broken() == []


def test_what_changed_while_it_waited_is_not_approved(till: Till, otto: Staff) -> None:
    """The excess is another one now, though the balance afterwards would be the same."""
    overpay(till, 500_01)
    look = say_outside(till, otto)
    locked = lock_account(till.session, till.account.id)
    moved = {"source": "question:still later", "amount_cents": Cents(-1_00), "now": till.now}
    post(till.session, locked, kind=EntryKind.ADJUSTED, **moved)
    with pytest.raises(DecisionNotPossible):
        second_person.approve(
            till.session, look, staff=make_staff(till.session, Role.OPERATOR), now=till.now
        )


def test_what_goes_back_either_way_counts_together(till: Till, otto: Staff) -> None:
    """A limit is not passed by giving one half back by Stripe and the other in words."""
    overpay(till, 510_00)
    refund = second_person.refunding(till.newest(), Cents(150_00), "Paid twice")
    second_person.ask(till.session, refund, staff=otto, now=till.now)
    option, given = found(till, Decision.OUTSIDE), {"now": till.now}
    assert question_looks.needs_second(till.session, newest(till), option, **given)
    till.wait(days=1)
    given = {"now": till.now}
    assert not question_looks.needs_second(till.session, newest(till), option, **given)


def test_an_excess_cannot_be_closed_with_words_alone(till: Till, otto: Staff) -> None:
    overpay(till, 90_00)
    option = Option(decision=Decision.CLOSE, balance_cents=Cents(-90_00))
    with pytest.raises(DecisionNotPossible):
        decide(till, option, otto)


def test_a_refund_that_was_refused_is_asked_for_again(till: Till, otto: Staff) -> None:
    payment = till.start(50_00)
    till.pay(payment)
    till.land(payment)
    wanted = refunds.give_back(
        till.session, payment, Cents(20_00), cause=refunds.STAFF, now=till.now
    )
    till.wait(days=2)
    refunds.post_refund(till.session, till.gateway, wanted.id, now=till.now)
    assert till.questions == ["refund_refused"]
    again = found(till, Decision.ASK_AGAIN)
    assert again.back_cents == 20_00
    decide(till, again, otto)
    refunds.post_refund(till.session, till.gateway, till.refunds[-1].id, now=till.now)
    assert till.balance == 1210_00
    assert till.entries == [("payment", -50_00), ("refund", 20_00)]
    assert till.broken() == []


def test_a_decision_needs_a_note(till: Till, otto: Staff) -> None:
    overpay(till, 90_00)
    option = found(till, Decision.GIVE_BACK)
    with pytest.raises(NoteMissing):
        money_questions.decide(
            till.session, newest(till), option.mark, " ", staff=otto, now=till.now
        )
    assert till.refunds == []


def left_over(till: Till, desk: Placer) -> Arrangement:
    """A plan of $310.00 a month, one of them paid, of which the client's figure leaves 30 cents."""
    agreed = make_plan(till, (310_00,) * 4)
    first_payment(till, agreed)
    send_copy(till)
    place_again(till, desk, "310.30")
    assert till.balance == 30
    return agreed


def test_a_rest_that_nobody_can_be_charged_is_written_off(
    till: Till, desk: Placer, otto: Staff
) -> None:
    """PY-01: no part of a plan waits for a payment that Stripe does not take."""
    agreed = left_over(till, desk)
    till.wait(days=30)
    part = parts_of(till, agreed)[1]
    charged = charge_installment(till.session, till.gateway, part.id, now=till.now)
    assert (part.amount_cents, charged) == (30, None)
    with pytest.raises(NotAllowedNow, match="too little to pay by card"):
        till.start(30)
    assert till.questions == ["too_little_left"]
    assert "$0.30 is left" in newest(till).detail
    assert offered(till) == [Decision.WRITE_OFF, Decision.CLOSE]
    decide(till, found(till, Decision.WRITE_OFF), otto)
    till.session.refresh(agreed)
    assert (till.balance, till.account.status) == (0, AccountStatus.SETTLED)
    assert (agreed.status, agreed.ended_reason) == ("completed", "nothing_owed")
    assert till.entries[-1] == ("forgiven", -30)
    assert till.broken() == []
    newest(till).resolved_by = None
    assert ["what is forgiven" in one.invariant for one in till.broken()] == [True]


def test_a_rest_that_is_kept_stays_owed_until_the_balance_moves(
    till: Till, desk: Placer, otto: Staff
) -> None:
    left_over(till, desk)
    decide(till, found(till, Decision.CLOSE), otto)
    assert (till.balance, till.account.status) == (30, AccountStatus.OPEN)
    place_again(till, desk, "310.20")
    assert till.questions == ["too_little_left"] * 2
    place_again(till, desk, "400.00")
    assert (till.balance, newest(till).resolution) == (90_00, "The balance has changed since.")
    assert till.broken() == []


def test_a_refund_in_the_dashboard_that_leaves_a_rest_is_asked_about(till: Till) -> None:
    paid = till.start(1240_00)
    till.pay(paid)
    till.land(paid)
    control.refund(till.stripe.world, paid.intent_id or "", amount=30)
    till.reconcile()
    assert (till.balance, till.account.status) == (30, AccountStatus.OPEN)
    assert "too_little_left" in till.questions


def test_a_new_account_with_too_little_is_asked_about(till: Till, desk: Placer) -> None:
    desk.row(now=till.now, account_number="NG-1002", current_balance="0.30")
    assert till.questions == ["too_little_left"]
