"""What a debtor can change of a running plan alone: to the cent and the day, within the limits."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.domain import DomainError
from portal.domain.amendments import (
    Amendment,
    Change,
    ChangeTooLate,
    DateNotPossible,
    DueFirst,
    FirstPaymentFirst,
    NoChangeLeft,
    NoDateLeft,
    NothingChanges,
    PartNotThere,
    Running,
    SettlementTooLong,
    dates_for,
    move,
    pause,
    rhythm_from_dict,
    rhythm_of,
    rhythm_to_dict,
    skip,
)
from portal.domain.curing import CureNotPossible, spread
from portal.domain.extra_payments import (
    Effect,
    EnoughToPayOff,
    PaymentsTooSmall,
    RestTooSmall,
    pay_extra,
)
from portal.domain.facts import AccountFacts
from portal.domain.limits import FrequencyNotOffered, InstallmentTooSmall
from portal.domain.money import Cents, PartTooSmall
from portal.domain.paydays import OpenDays, paydays
from portal.domain.policy import Band, Concessions, DueDays, PlanLimits, Policy, Tier
from portal.domain.replanning import (
    NotAPlan,
    ReplannedTooLong,
    frequencies_of,
    limits_of,
    replan,
    smallest_of,
)
from portal.domain.schedules import Frequency
from portal.domain.terms import Kind, Terms

LEAST = 50
NONE = Concessions()
GENEROUS = Concessions(skips=3, moves=3, pauses=3)
TODAY = date(2026, 11, 22)


def limits(**given: object) -> Policy:
    plan = PlanLimits(frequencies=tuple(Frequency), maximum_months=12)
    values = {"plan": plan, "concessions": GENEROUS} | given
    return Policy(version=1, currency="USD", **values)  # type: ignore[arg-type]


def running(
    amounts: list[int],
    *,
    first_on: date = date(2026, 12, 14),
    frequency: Frequency = Frequency.MONTHLY,
    kind: Kind = Kind.PLAN,
    **given: object,
) -> Running:
    """A plan of which nothing is due yet, paid by hand."""
    dates = paydays(first_on, frequency, len(amounts)).dates
    parts = tuple(zip(dates, map(Cents, amounts), strict=True))
    total = Cents(sum(amounts))
    terms = Terms(
        kind=kind,
        key="plan" if kind is Kind.PLAN else "settlement:7000:3",
        policy_version=1,
        currency="USD",
        balance_cents=total if kind is Kind.PLAN else Cents(2 * total),
        total_cents=total,
        schedule=parts,
        frequency=frequency if len(amounts) > 1 else None,
    )
    values = {
        "policy": limits(),
        "paid_parts": 0,
        "today": TODAY,
        "agreed_on": TODAY,
        "opened": OpenDays(),
    } | given
    return Running(terms=terms, rhythm=rhythm_of(terms), parts=parts, **values)  # type: ignore[arg-type]


def facts(plan: Running) -> AccountFacts:
    return AccountFacts(plan.terms.balance_cents, "USD", placed_on=plan.agreed_on)


def days(changed: Amendment) -> list[str]:
    return [due_on.isoformat() for due_on, _ in changed.after]


def cents(changed: Amendment) -> list[int]:
    return [amount for _, amount in changed.after]


AMOUNTS = st.lists(st.integers(LEAST, 500_00), min_size=1, max_size=30)
PLANS = st.builds(
    running,
    AMOUNTS,
    first_on=st.dates(date(2026, 11, 20), date(2028, 3, 2)),
    frequency=st.sampled_from(Frequency),
    automatic=st.booleans(),
    opened=st.builds(OpenDays, st.sampled_from(DueDays)),
)


def any_change(plan: Running, change: Change, amount: Cents) -> Amendment:
    """A change of some kind of the next payment, or of all."""
    first_on = plan.open[0][0]
    match change:
        case Change.MOVED:
            return move(plan, first_on, first_on + timedelta(days=3))
        case Change.SKIPPED:
            return skip(plan, first_on)
        case Change.PAUSED:
            return pause(plan)
        case Change.REPLANNED:
            return replan(plan, facts(plan), Frequency.WEEKLY, amount)
        case Change.SPREAD:
            return spread(plan, first_on)
    return pay_extra(plan, amount, Effect.SHORTEN if change is Change.SHORTENED else Effect.LOWER)


def holds(plan: Running, changed: Amendment, *, paid: int = 0) -> None:
    """What is true of every change."""
    assert sum(cents(changed)) == sum(c for _, c in plan.parts) - paid
    assert all(before < after for (before, _), (after, _) in pairwise(changed.after))
    assert min(cents(changed)) >= LEAST
    assert changed.before == plan.parts


@given(PLANS, st.data())
def test_a_moved_payment_keeps_its_amount_and_its_place(plan: Running, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(plan.parts) - 1))
    due_on = plan.parts[place][0]
    to = due_on + timedelta(days=data.draw(st.integers(-3, 40)))
    try:
        changed = move(plan, due_on, to)
    except DomainError:
        return
    holds(plan, changed)
    assert cents(changed) == [c for _, c in plan.parts]
    assert changed.after[place][0] >= max(to, due_on + timedelta(days=1))
    assert plan.opened.on_or_after(changed.after[place][0]) == changed.after[place][0]


@given(PLANS, st.data())
def test_every_date_that_is_offered_can_be_had(plan: Running, data: st.DataObject) -> None:
    due_on = data.draw(st.sampled_from(plan.parts))[0]
    try:
        earliest, latest = dates_for(plan, due_on)
    except DomainError:
        return
    for to in (earliest, latest):
        holds(plan, move(plan, due_on, to))
    with pytest.raises(DateNotPossible):
        move(plan, due_on, earliest - timedelta(days=1))


@given(PLANS, st.data())
def test_a_skipped_payment_comes_last_and_no_other_changes(
    plan: Running, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(plan.parts) - 1))
    due_on, amount = plan.parts[place]
    assume(plan.until(due_on) >= plan.today)
    changed = skip(plan, due_on)
    holds(plan, changed)
    assert changed.after[-1][1] == amount
    assert changed.after[:-1] == (*plan.parts[:place], *plan.parts[place + 1 :])


@given(PLANS, st.integers(1, 60), st.integers(1, 30))
def test_what_is_late_is_moved_before_the_next_payment_and_uses_up_nothing(
    plan: Running, late_by: int, grace: int
) -> None:
    due_on = plan.parts[0][0]
    until = due_on + timedelta(days=late_by + grace)
    late = replace(plan, today=due_on + timedelta(days=late_by), policy=limits(concessions=NONE))
    assume(len(late.parts) == 1 or late.today < late.parts[1][0])
    try:
        earliest, latest = dates_for(late, due_on, cure_until=until)
    except NoDateLeft:
        return
    assert late.today < earliest <= latest <= until
    for to in (earliest, latest):
        changed = move(late, due_on, to, cure_until=until)
        holds(late, changed)
        assert (changed.after[0], changed.counts) == ((to, plan.parts[0][1]), False)


@given(PLANS, st.integers(1, 400))
def test_what_is_late_is_spread_to_the_cent_and_what_was_announced_stays(
    plan: Running, days_on: int
) -> None:
    today = plan.parts[0][0] + timedelta(days=days_on)
    late = [due_on for due_on, _ in plan.parts if due_on < today]
    try:
        changed = spread(replace(plan, today=today), late[-1])
    except CureNotPossible:
        return
    holds(plan, changed)
    most = max(c for _, c in plan.parts) * 3 // 2
    for due_on, amount in plan.parts[len(late) :]:
        if due_on <= today + timedelta(days=14):
            assert dict(changed.after)[due_on] == amount
        else:
            assert amount < dict(changed.after)[due_on] <= most


def test_only_what_is_late_by_its_date_can_be_spread() -> None:
    plan = running([104_00] * 6, first_on=date(2026, 11, 20))
    assert cents(spread(plan, date(2026, 11, 20))) == [124_80] * 5
    for wrong in (date(2026, 11, 19), date(2026, 11, 21), date(2026, 12, 20)):
        with pytest.raises(CureNotPossible):
            spread(plan, wrong)


def test_py_07_a_part_that_waits_by_our_omission_is_neither_late_nor_in_the_way() -> None:
    """What counts against nobody is not spread, and does not stop what else can be chosen."""
    plan = running([104_00] * 8, first_on=date(2026, 11, 20), frequency=Frequency.EVERY_TWO_WEEKS)
    waits = replace(
        plan, today=date(2026, 11, 25), later=((date(2026, 11, 20), date(2026, 12, 7)),)
    )
    assert waits.due == ()
    assert cents(pay_extra(waits, Cents(104_00), Effect.SHORTEN)) == [104_00] * 7
    assert days(replan(waits, facts(waits), Frequency.MONTHLY, Cents(104_00)))[0] == "2026-12-07"
    late = replace(waits, today=date(2026, 12, 5))
    spread_out = spread(late, date(2026, 12, 4))
    assert spread_out.after[0] == (date(2026, 11, 20), 104_00)
    assert sum(cents(spread_out)) == 8 * 104_00
    with pytest.raises(CureNotPossible):
        spread(late, date(2026, 11, 20))
    with pytest.raises(DueFirst):
        pay_extra(late, Cents(50_00), Effect.SHORTEN)


@given(PLANS)
def test_a_pause_moves_every_payment_to_the_date_of_the_next(plan: Running) -> None:
    assume(plan.open)
    changed = pause(plan)
    holds(plan, changed)
    assert cents(changed) == [c for _, c in plan.parts]
    assert changed.after[: len(plan.due)] == plan.due
    assert [d for d, _ in changed.after[len(plan.due) : -1]] == [d for d, _ in plan.open[1:]]


@given(PLANS, st.integers(1, 20_000_00).map(Cents), st.sampled_from(Effect))
def test_an_extra_payment_leaves_the_rest_to_the_cent(
    plan: Running, amount: Cents, effect: Effect
) -> None:
    try:
        changed = pay_extra(plan, amount, effect)
    except DomainError:
        return
    holds(plan, changed, paid=amount)
    assert not changed.larger
    kept = dict(plan.parts)
    assert all(kept[due_on] >= c or effect is Effect.SHORTEN for due_on, c in changed.after)
    if effect is Effect.LOWER:
        assert [d for d, _ in changed.after] == [d for d, _ in plan.parts]


@given(PLANS, st.sampled_from(Frequency), st.integers(1, 900_00).map(Cents))
def test_what_is_planned_anew_keeps_its_first_date_and_ends_in_time(
    plan: Running, frequency: Frequency, amount: Cents
) -> None:
    try:
        changed = replan(plan, facts(plan), frequency, amount)
    except DomainError:
        return
    holds(plan, changed)
    assert changed.after[0][0] == plan.parts[0][0]
    assert changed.after[-1][0] <= max(plan.parts[-1][0], date(plan.parts[0][0].year + 1, 12, 31))


@given(PLANS, st.sampled_from(Frequency))
def test_the_smallest_amount_that_is_named_can_be_had(plan: Running, frequency: Frequency) -> None:
    assume(not plan.due)
    smallest = smallest_of(plan, limits_of(plan, facts(plan)), frequency)
    try:
        changed = replan(plan, facts(plan), frequency, smallest)
    except NothingChanges:
        assert len(plan.parts) == 1 or frequency is plan.rhythm.frequency
        return
    holds(plan, changed)
    assert changed.rhythm.frequency is frequency
    assert max(cents for _, cents in changed.after[:-1] or changed.after) >= smallest


@given(PLANS, st.lists(st.tuples(st.sampled_from(Change), st.integers(1, 300_00)), max_size=8))
def test_changes_after_changes_keep_every_promise(
    plan: Running, wishes: list[tuple[Change, int]]
) -> None:
    agreed_cents, paid = plan.left_cents, 0
    for change, number in wishes:
        assume(plan.open)
        try:
            changed = any_change(plan, change, Cents(number))
        except DomainError:
            continue
        extra = number if change in (Change.SHORTENED, Change.LOWERED) else 0
        holds(plan, changed, paid=extra)
        paid += extra
        plan = replace(plan, parts=changed.after, rhythm=changed.rhythm)
    assert plan.left_cents + paid == agreed_cents


def test_month_ends_and_february_29_keep_their_anchor() -> None:
    plan = running([100_00, 100_00], first_on=date(2027, 12, 31))
    changed = skip(plan, date(2027, 12, 31))
    assert days(changed) == ["2028-01-31", "2028-02-29"]
    again = replace(plan, parts=changed.after)
    assert days(pause(again)) == ["2028-02-29", "2028-03-31"]
    leap = running([100_00], first_on=date(2028, 2, 29))
    assert days(skip(leap, date(2028, 2, 29))) == ["2028-03-29"]


def test_a_payment_is_moved_up_to_the_day_before_the_next_and_off_closed_days() -> None:
    plan = running([104_00, 104_00], opened=OpenDays(DueDays.WEEKDAYS))
    assert dates_for(plan, date(2026, 12, 14)) == (date(2026, 12, 15), date(2027, 1, 13))
    assert days(move(plan, date(2026, 12, 14), date(2026, 12, 19)))[0] == "2026-12-21"
    for to in (date(2026, 12, 14), date(2027, 1, 14), date(2027, 1, 15)):
        with pytest.raises(DateNotPossible):
            move(plan, date(2026, 12, 14), to)


def test_a_daily_neighbor_leaves_no_date() -> None:
    plan = running([50_00, 50_00])
    close = ((date(2026, 12, 14), Cents(50_00)), (date(2026, 12, 15), Cents(50_00)))
    with pytest.raises(NoDateLeft):
        dates_for(replace(plan, parts=close), date(2026, 12, 14))


def test_the_cut_off_is_the_day_before_where_a_card_is_charged_and_the_day_itself_where_not() -> (
    None
):
    by_hand = running([50_00, 50_00], first_on=TODAY)
    by_card = replace(by_hand, automatic=True)
    assert move(by_hand, TODAY, TODAY + timedelta(days=1)).change is Change.MOVED
    with pytest.raises(ChangeTooLate) as late:
        move(by_card, TODAY, TODAY + timedelta(days=1))
    assert late.value.params == {"until": TODAY - timedelta(days=1)}
    assert by_card.due == by_card.parts[:1]


def test_concessions_are_used_up_but_not_by_a_cure() -> None:
    used = running([50_00, 50_00], first_on=TODAY - timedelta(days=2), used=GENEROUS)
    until = TODAY + timedelta(days=9)
    for change in (lambda: move(used, used.parts[1][0], until), lambda: pause(used)):
        with pytest.raises(NoChangeLeft):
            change()
    cured = move(used, used.parts[0][0], until, cure_until=until)
    assert not cured.counts
    assert cured.after[0][0] == until
    with pytest.raises(DateNotPossible):
        move(used, used.parts[0][0], until + timedelta(days=1), cure_until=until)


def test_before_the_first_payment_only_its_date_moves_and_never_past_a_settlements_deadline() -> (
    None
):
    until = date(2026, 12, 18)
    plan = running([50_00, 50_00], kind=Kind.SETTLEMENT, waiting=True, first_until=until)
    assert dates_for(plan, date(2026, 12, 14))[1] == until
    for change in (
        lambda: skip(plan, date(2026, 12, 14)),
        lambda: pause(plan),
        lambda: pay_extra(plan, Cents(10_00), Effect.LOWER),
    ):
        with pytest.raises(FirstPaymentFirst):
            change()


def test_a_settlement_is_skipped_only_as_long_as_its_offer_allows() -> None:
    bands = (Band(tiers=(Tier(pay_bps=7000, max_parts=3),)),)
    shorter = running([50_00, 50_00], kind=Kind.SETTLEMENT, policy=limits(bands=bands))
    changed = skip(shorter, date(2026, 12, 14))
    assert days(changed) == ["2027-01-14", "2027-02-14"]
    with pytest.raises(SettlementTooLong) as refused:
        skip(replace(shorter, parts=changed.after), date(2027, 1, 14))
    assert refused.value.params == {"latest": date(2027, 2, 14)}
    with pytest.raises(SettlementTooLong):
        pause(replace(shorter, parts=changed.after))
    with pytest.raises(NotAPlan):
        replan(shorter, facts(shorter), Frequency.WEEKLY, Cents(10_00))


def test_the_one_payment_of_a_settlement_is_moved_up_to_the_last_day_of_its_offer() -> None:
    until = date(2026, 12, 18)
    plan = running([50_00], kind=Kind.SETTLEMENT, waiting=True, first_until=until)
    offered = replace(plan, terms=replace(plan.terms, valid_until=until))
    assert dates_for(offered, date(2026, 12, 14))[1] == until
    with pytest.raises(NoDateLeft):
        dates_for(plan, date(2026, 12, 14))


def test_an_extra_payment_shortens_or_lowers() -> None:
    plan = running([104_00] * 11 + [96_00])
    shorter = pay_extra(plan, Cents(100_00), Effect.SHORTEN)
    assert cents(shorter) == [104_00] * 10 + [100_00]
    assert cents(pay_extra(plan, Cents(100_00), Effect.LOWER)) == [95_00] * 12
    assert cents(pay_extra(plan, Cents(100_01), Effect.LOWER)) == [94_99] * 1 + [95_00] * 11


def test_an_extra_payment_that_cannot_be_is_refused_with_what_can() -> None:
    plan = running([10_00, 10_00])
    with pytest.raises(PartTooSmall):
        pay_extra(plan, Cents(49), Effect.SHORTEN)
    with pytest.raises(EnoughToPayOff):
        pay_extra(plan, Cents(20_00), Effect.SHORTEN)
    with pytest.raises(RestTooSmall) as refused:
        pay_extra(plan, Cents(19_51), Effect.SHORTEN)
    assert refused.value.params["most"].cents == 19_50
    with pytest.raises(PaymentsTooSmall):
        pay_extra(plan, Cents(19_02), Effect.LOWER)
    with pytest.raises(DueFirst):
        pay_extra(replace(plan, today=date(2026, 12, 14)), Cents(5_00), Effect.LOWER)


def test_one_cent_that_is_left_can_be_moved_and_is_paid_off_not_added_to() -> None:
    plan = running([10_00])
    cent = replace(plan, parts=((date(2026, 12, 14), Cents(1)),))
    assert cents(move(cent, date(2026, 12, 14), date(2026, 12, 20))) == [1]
    with pytest.raises(EnoughToPayOff):
        pay_extra(cent, Cents(50), Effect.SHORTEN)


def test_another_rhythm_begins_on_the_next_date_and_keeps_to_the_limits() -> None:
    plan = running([104_00] * 11 + [96_00])
    weekly = replan(plan, facts(plan), Frequency.WEEKLY, Cents(40_00))
    assert days(weekly)[:3] == ["2026-12-14", "2026-12-21", "2026-12-28"]
    assert cents(weekly) == [40_00] * 31
    assert weekly.rhythm == rhythm_from_dict(rhythm_to_dict(weekly.rhythm))
    with pytest.raises(InstallmentTooSmall):
        replan(plan, facts(plan), Frequency.WEEKLY, Cents(20_00))
    with pytest.raises(ReplannedTooLong) as refused:
        replan(plan, facts(plan), Frequency.MONTHLY, Cents(60_00))
    assert refused.value.params["smallest"].cents == 103_30
    with pytest.raises(NothingChanges):
        replan(plan, facts(plan), Frequency.MONTHLY, Cents(104_00))
    with pytest.raises(DueFirst):
        replan(replace(plan, today=date(2026, 12, 15)), facts(plan), Frequency.WEEKLY, Cents(40_00))
    strict = replace(plan, policy=limits(plan=PlanLimits()))
    with pytest.raises(FrequencyNotOffered):
        replan(strict, facts(plan), Frequency.WEEKLY, Cents(104_00))
    assert frequencies_of(strict, limits_of(strict, facts(plan))) == (Frequency.MONTHLY,)


def test_what_is_not_there_any_more_is_said() -> None:
    with pytest.raises(PartNotThere):
        skip(running([50_00]), date(2026, 12, 13))
