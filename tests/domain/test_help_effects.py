"""What a request stops is what its holds forbid, in sentences (DH-08)."""

from datetime import date, timedelta

import pytest

from portal.domain import help_effects as said
from portal.domain.capabilities import AccountStanding, Capabilities, capabilities
from portal.domain.debts import CollectorRole, DebtPurpose
from portal.domain.help import OPTIONS, Topic, holds_for
from portal.domain.help_effects import NextPayment, Situation, effects
from portal.domain.holds import HOLD_MATRIX, Capability, HoldKind, Permission, permissions_under
from portal.domain.money import Cents
from portal.domain.statuses import AccountStatus
from portal.domain.validation import is_in_time

TODAY = date(2026, 11, 23)
NEXT = NextPayment(date(2026, 12, 4), Cents(104_00), "USD")


def allowed(*holds: HoldKind) -> Capabilities:
    standing = AccountStanding(
        role=CollectorRole.FIRST_PARTY_CREDITOR,
        purpose=DebtPurpose.CONSUMER,
        status=AccountStatus.OPEN,
        balance_cents=Cents(1_240_00),
        currency="USD",
        validation_notice_sent_on=None,
        sol_expires_on=None,
    )
    return capabilities(standing, holds, TODAY)


def sentences(*kinds: HoldKind, **given: object) -> list[str]:
    situation = Situation(**{"allowed": allowed(), **given})  # type: ignore[arg-type]
    return [message for message, _ in effects(kinds, situation)]


@pytest.mark.parametrize("kind", HoldKind)
def test_an_automatic_plan_is_said_to_stop_exactly_where_it_does(kind: HoldKind) -> None:
    stops = permissions_under(kind)[Capability.CHARGE] is not Permission.ALLOWED
    words = sentences(kind, planned=True, next_payment=NEXT)
    assert (said.NO_CHARGE in words) is stops
    assert (said.CHARGES_ON in words) is not stops


@pytest.mark.parametrize("kind", HoldKind)
def test_paying_is_offered_exactly_where_it_is_open(kind: HoldKind) -> None:
    closed = permissions_under(kind)[Capability.PAY] is not Permission.ALLOWED
    words = sentences(kind)
    assert (said.NO_NEED in words) is closed
    assert (said.STILL_PAY in words) is not closed


def test_who_owes_nothing_is_told_nothing_about_paying() -> None:
    assert sentences(HoldKind.ALREADY_PAID, owing=False) == [said.NO_REMINDERS]


def test_a_hold_that_was_there_before_still_counts() -> None:
    words = sentences(
        HoldKind.CEASE_ALL, allowed=allowed(HoldKind.HARDSHIP), planned=True, next_payment=NEXT
    )
    assert said.NO_CHARGE in words
    assert said.CHARGES_ON in sentences(HoldKind.CEASE_ALL, next_payment=NEXT)


def test_a_rest_says_until_when_and_that_the_dates_move() -> None:
    """DH-08: it ends on its day, answered or not."""
    asked: dict[str, object] = {"planned": True, "next_payment": NEXT, "moves": True}
    after = NEXT.due_on + timedelta(days=20)
    words = sentences(HoldKind.HARDSHIP, rest_until=after, **asked)
    assert words == [
        *(said.NO_CHARGE_BEFORE, said.NOT_THE_NEXT, said.NO_REMINDERS_BEFORE),
        *(said.STILL_PAY, said.DATES_MOVE),
    ]
    words = sentences(HoldKind.HARDSHIP, rest_until=NEXT.due_on, **asked | {"moves": False})
    assert said.THE_NEXT in words
    assert said.PLAN_STAYS in words
    assert said.NO_CHARGE in sentences(HoldKind.NOT_MY_DEBT, rest_until=after, **asked)


def test_nothing_held_changes_nothing_and_charges_go_on() -> None:
    assert sentences(next_payment=NEXT) == [said.NOTHING_CHANGES, said.CHARGES_ON, said.THE_NEXT]


def test_every_hold_has_something_to_say() -> None:
    assert all(sentences(kind) for kind in HOLD_MATRIX)


@pytest.mark.parametrize("topic", [Topic.NOT_MY_DEBT, Topic.AMOUNT_WRONG])
def test_every_answer_of_a_dispute_stops_the_same_for_the_debtor(topic: Topic) -> None:
    """One list stands above the button, whatever is ticked (VN-05)."""
    told = {
        tuple(sentences(*holds_for(topic, [option]), planned=True, next_payment=NEXT))
        for option in OPTIONS[topic]
    }
    assert len(told) == 1


def test_a_dispute_takes_several_answers_and_no_other_topic_does() -> None:
    """VN-05, DH-01, DH-02"""
    assert holds_for(Topic.NOT_MY_DEBT, ["not-mine", "original-creditor", "not-mine"]) == (
        HoldKind.NOT_MY_DEBT,
        HoldKind.ORIGINAL_CREDITOR_REQUEST,
    )
    assert holds_for(Topic.QUESTION, []) == ()
    for options in (["lawyer", "debt-adviser"], ["amount"], []):
        with pytest.raises(KeyError):
            holds_for(Topic.ADVISER, options)


def test_a_dispute_is_in_time_while_it_is_the_last_day_anywhere_the_debtor_may_be() -> None:
    """DH-01"""
    last = date(2026, 11, 30)
    assert is_in_time([last], last)
    assert is_in_time([date(2026, 12, 1), last], last)
    assert not is_in_time([date(2026, 12, 1)], last)
    assert not is_in_time([TODAY], None)
