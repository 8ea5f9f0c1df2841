from collections.abc import Container
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain import DomainError
from portal.domain import proposals as wishes
from portal.domain import terms as written
from portal.domain.admission import admit, grant
from portal.domain.building import build, choice_of
from portal.domain.facts import AccountFacts
from portal.domain.limits import (
    AutomaticNotOffered,
    FirstPaymentTooLate,
    OfferNotInPolicy,
    TooManyInstallments,
)
from portal.domain.money import Cents
from portal.domain.negotiation import answer
from portal.domain.offers import offers
from portal.domain.paydays import (
    LAST_DAY,
    LAST_WORKING_DAY,
    DayNotInMonth,
    DaysTooClose,
    OpenDays,
    kept_days,
    open_days,
    paydays,
)
from portal.domain.policy import DueDays, Policy, SavedMethod
from portal.domain.proposals import Agreed, Proposal, wish_terms
from portal.domain.schedules import Frequency, most_parts_within
from portal.domain.terms import Choice, Method
from portal.models import Debtor
from portal.rules.holidays import region_holidays
from portal.rules.regions import all_regions
from portal.services.standing import today_of
from tests.domain.policies import DAYS, proposals, situations
from tests.domain.test_offers import DANA, TODAY
from tests.domain.test_policy import PLAN, POLICY

OREGON = region_holidays("US", "OR")
WORKING = replace(
    POLICY,
    plan=replace(
        PLAN, due_days=DueDays.WORKING_DAYS, frequencies=tuple(Frequency), maximum_months=60
    ),
)
DANA_IN_OREGON = replace(DANA, region="OR", holidays=OREGON)
PAIRS = [(a, b) for a in range(1, 25) for b in range(a + 7, min(a + 23, 31) + 1)]
LONG = st.dates(date(2026, 1, 1), date(2056, 12, 31))


@st.composite
def rhythms(draw: st.DrawFn) -> tuple[Frequency, tuple[int, ...]]:
    """A rhythm with days of the month, where it can have them, or without."""
    frequency = draw(st.sampled_from(Frequency))
    named = {
        Frequency.TWICE_A_MONTH: st.sampled_from(PAIRS),
        Frequency.MONTHLY: st.tuples(st.integers(LAST_WORKING_DAY, LAST_DAY)),
    }
    return frequency, draw(st.just(()) | named.get(frequency, st.just(())))


def dates(
    start: str, frequency: Frequency, *days: int, count: int = 4, opened: OpenDays | None = None
) -> list[str]:
    found = paydays(
        date.fromisoformat(start), frequency, count, days=days, opened=opened or OpenDays()
    )
    return [day.isoformat() for day in found.dates]


@pytest.mark.parametrize(
    ("start", "days", "then"),
    [
        ("2026-12-01", (1, 15), ["2026-12-01", "2026-12-15", "2027-01-01", "2027-01-15"]),
        ("2026-12-02", (1, 15), ["2026-12-15", "2027-01-01", "2027-01-15", "2027-02-01"]),
        ("2028-01-20", (15, 31), ["2028-01-31", "2028-02-15", "2028-02-29", "2028-03-15"]),
        ("2027-02-16", (15, 31), ["2027-02-28", "2027-03-15", "2027-03-31", "2027-04-15"]),
        ("2027-02-25", (24, 31), ["2027-02-28", "2027-03-24", "2027-03-31", "2027-04-24"]),
        ("2027-02-01", (7, 30), ["2027-02-07", "2027-02-28", "2027-03-07", "2027-03-30"]),
    ],
)
def test_twice_a_month_keeps_to_two_days(
    start: str, days: tuple[int, int], then: list[str]
) -> None:
    """M-6."""
    assert dates(start, Frequency.TWICE_A_MONTH, *days) == then


@pytest.mark.parametrize(
    ("start", "day", "then"),
    [
        ("2026-11-22", 15, ["2026-12-15", "2027-01-15", "2027-02-15", "2027-03-15"]),
        ("2028-01-31", 31, ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]),
        ("2027-01-30", 30, ["2027-01-30", "2027-02-28", "2027-03-30", "2027-04-30"]),
        ("2027-04-30", 0, ["2027-04-30", "2027-05-31", "2027-06-30", "2027-07-30"]),
        ("2028-02-29", 29, ["2028-02-29", "2028-03-29", "2028-04-29", "2028-05-29"]),
    ],
)
def test_monthly_keeps_to_its_day(start: str, day: int, then: list[str]) -> None:
    """M-6."""
    assert dates(start, Frequency.MONTHLY, day) == then


def test_the_last_working_day_is_before_a_holiday_whatever_the_policy_says() -> None:
    """Memorial Day 2027 is May 31, and Juneteenth is no month's end."""
    opened = OpenDays(holidays=OREGON)
    assert dates("2027-05-01", Frequency.MONTHLY, 0, opened=opened)[0] == "2027-05-28"
    assert dates("2027-05-29", Frequency.MONTHLY, 0, opened=opened)[0] == "2027-06-30"


def test_a_payment_moves_off_a_closed_day_to_the_next_open_one_and_comes_back() -> None:
    """Christmas 2026 is a Friday; New Year's Day 2027 is one too."""
    weekdays = OpenDays(DueDays.WEEKDAYS, OREGON)
    working = OpenDays(DueDays.WORKING_DAYS, OREGON)
    every = ["2026-12-25", "2027-01-01", "2027-01-08", "2027-01-15"]
    later = ["2026-12-28", "2027-01-04", "2027-01-08", "2027-01-15"]
    assert dates("2026-12-25", Frequency.WEEKLY, opened=weekdays) == every
    assert dates("2026-12-25", Frequency.WEEKLY, opened=working) == later
    moved = paydays(date(2026, 12, 25), Frequency.WEEKLY, 2, opened=working)
    assert moved.anchor_on == date(2026, 12, 25)
    monthly = ["2026-12-07", "2027-01-06", "2027-02-08", "2027-03-08"]
    assert dates("2026-12-06", Frequency.MONTHLY, opened=weekdays) == monthly


def test_what_is_due_today_is_paid_today_whatever_day_it_is() -> None:
    sunday = date(2026, 11, 22)
    opened = OpenDays(DueDays.WORKING_DAYS, OREGON, today=sunday)
    assert dates("2026-11-22", Frequency.WEEKLY, count=2, opened=opened) == [
        "2026-11-22",
        "2026-11-30",
    ]


class Closed:
    """Holidays of a place that never works."""

    def __contains__(self, day: object) -> bool:
        return True


class Unasked:
    """Holidays that nobody may look up."""

    def __contains__(self, day: object) -> bool:
        raise AssertionError(day)


def test_a_balance_is_shown_without_a_look_at_holidays() -> None:
    """They are worked out when a date is asked for, which most pages never do."""
    assert offers(replace(DANA, holidays=Unasked()), WORKING, TODAY)


@pytest.mark.parametrize("days", [(), (15,), (0,)])
def test_a_region_that_never_works_still_has_dates(days: tuple[int, ...]) -> None:
    opened = OpenDays(DueDays.WORKING_DAYS, Closed())
    found = dates("2026-12-15", Frequency.MONTHLY, *days, opened=opened)
    assert len(set(found)) == 4


@given(rhythms(), LONG, st.sampled_from(all_regions()), st.sampled_from(DueDays), st.data())
def test_dates_rise_on_open_days_near_their_rhythm(
    rhythm: tuple[Frequency, tuple[int, ...]],
    start: date,
    region: Any,
    due_days: DueDays,
    data: st.DataObject,
) -> None:
    """Over every region, day and pair, to 2060; longer than a month never passes without one."""
    frequency, days = rhythm
    holidays = region_holidays(region.country, region.code)
    opened = OpenDays(due_days, holidays)
    count = data.draw(st.integers(1, 48))
    found = paydays(start, frequency, count, days=days, opened=opened)
    counted = paydays(start, frequency, count, days=days, opened=OpenDays(holidays=holidays))
    assert all(before < after for before, after in pairwise(found.dates))
    assert all(day >= start for day in found.dates)
    for day, wanted in zip(found.dates, counted.dates, strict=True):
        assert timedelta() <= day - wanted <= timedelta(days=6)
        assert due_days is DueDays.ANY_DAY or day.weekday() < 5
        assert due_days is not DueDays.WORKING_DAYS or day not in holidays
        if days == (LAST_WORKING_DAY,):
            assert day.weekday() < 5
            assert day not in holidays
            assert day == wanted
        elif days:
            assert wanted.day in days or (wanted + timedelta(days=1)).day == 1
    again = paydays(found.anchor_on or found.dates[0], frequency, count, days=days, opened=opened)
    assert again == found


@given(LONG, st.sampled_from(PAIRS), st.integers(0, 800))
def test_so_many_days_hold_the_payments_of_any_two_days(
    start: date, days: tuple[int, int], longest: int
) -> None:
    count = most_parts_within(Frequency.TWICE_A_MONTH, longest, apart=days[1] - days[0])
    found = paydays(start, Frequency.TWICE_A_MONTH, count, days=days).dates
    assert 0 <= (found[-1] - found[0]).days <= longest


def test_two_days_far_apart_fit_less_often_into_the_longest_plan() -> None:
    assert WORKING.plan is not None
    short = replace(WORKING, plan=replace(WORKING.plan, maximum_days=20))
    choice = Choice("plan", Cents(620_00), frequency=Frequency.TWICE_A_MONTH, days=(1, 15))
    assert len(build(choice, DANA, short, TODAY).schedule) == 2
    with pytest.raises(TooManyInstallments) as refused:
        build(replace(choice, days=(1, 22)), DANA, short, TODAY)
    assert refused.value.params["most"] == 1


@pytest.mark.parametrize(
    ("frequency", "days", "error"),
    [
        (Frequency.TWICE_A_MONTH, (1, 7), DaysTooClose),
        (Frequency.TWICE_A_MONTH, (1, 25), DaysTooClose),
        (Frequency.TWICE_A_MONTH, (15, 15), DaysTooClose),
        (Frequency.TWICE_A_MONTH, (0, 15), DayNotInMonth),
        (Frequency.MONTHLY, (32,), DayNotInMonth),
        (Frequency.MONTHLY, (-1,), DayNotInMonth),
    ],
)
def test_days_that_cannot_be_kept_are_refused(
    frequency: Frequency, days: tuple[int, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        kept_days(frequency, days)
    with pytest.raises(error):
        build(Choice("plan", Cents(104_00), frequency=frequency, days=days), DANA, WORKING, TODAY)


def test_days_of_another_rhythm_do_not_matter() -> None:
    assert kept_days(Frequency.WEEKLY, (99,)) == ()
    assert kept_days(Frequency.MONTHLY, (1, 15)) == kept_days(Frequency.TWICE_A_MONTH, (15,)) == ()
    assert kept_days(Frequency.TWICE_A_MONTH, (31, 15)) == (15, 31)


def test_a_plan_on_paydays_is_written_down_with_its_days() -> None:
    choice = Choice(
        "plan",
        Cents(104_00),
        frequency=Frequency.TWICE_A_MONTH,
        first_on=date(2026, 12, 2),
        days=(15, 31),
    )
    terms = build(choice, DANA_IN_OREGON, WORKING, TODAY)
    assert [day.isoformat() for day, _ in terms.schedule[:4]] == [
        "2026-12-15",
        "2026-12-31",
        "2027-01-15",
        "2027-02-01",
    ]
    assert terms.moved
    assert admit(terms, DANA_IN_OREGON, WORKING, TODAY) == terms
    said = written.to_dict(terms)
    assert said["days"] == [15, 31]
    assert "anchor_on" not in said
    assert written.from_dict(said) == terms


def test_terms_of_before_there_were_paydays_keep_their_bytes() -> None:
    """EV-03: what is as it always was is not written."""
    terms = build(Choice("plan", Cents(104_00)), DANA, POLICY, TODAY)
    said = written.to_dict(terms)
    assert not {"days", "anchor_on"} & set(said)
    assert written.canonical_bytes(written.from_dict(said)) == written.canonical_bytes(terms)


def test_dates_that_nobody_moved_or_that_moved_elsewhere_are_refused() -> None:
    """PY-01."""
    sunday = Choice("plan", Cents(104_00), first_on=date(2026, 12, 6))
    terms = build(sunday, DANA_IN_OREGON, WORKING, TODAY)
    assert (terms.first_on, terms.anchor_on) == (date(2026, 12, 7), date(2026, 12, 6))
    free = build(sunday, DANA_IN_OREGON, POLICY, TODAY)
    for wrong in (
        replace(terms, anchor_on=None),
        replace(terms, anchor_on=date(2026, 12, 7)),
        replace(terms, anchor_on=date(2026, 12, 5)),
        replace(terms, days=(7,)),
        replace(terms, schedule=free.schedule, anchor_on=None),
        replace(terms, schedule=free.schedule),
    ):
        with pytest.raises(OfferNotInPolicy):
            admit(wrong, DANA_IN_OREGON, WORKING, TODAY)


def test_the_latest_first_day_moves_with_the_payment() -> None:
    assert WORKING.plan is not None
    latest = TODAY + timedelta(days=WORKING.plan.first_payment_within_days)
    day = latest - timedelta(days=(latest.weekday() - 5) % 7)
    soon = replace(
        WORKING, plan=replace(WORKING.plan, first_payment_within_days=(day - TODAY).days)
    )
    terms = build(Choice("plan", Cents(104_00), first_on=day), DANA_IN_OREGON, soon, TODAY)
    assert (day.weekday(), terms.first_on) == (5, day + timedelta(days=2))
    assert admit(terms, DANA_IN_OREGON, soon, TODAY) == terms
    late = Choice("plan", Cents(104_00), first_on=day + timedelta(days=1))
    with pytest.raises(FirstPaymentTooLate):
        build(late, DANA_IN_OREGON, soon, TODAY)


@given(situations(), rhythms(), st.sampled_from(DueDays), st.data())
def test_every_rhythm_of_every_account_is_built_admitted_and_built_again(
    situation: tuple[AccountFacts, Policy, date],
    rhythm: tuple[Frequency, tuple[int, ...]],
    due_days: DueDays,
    data: st.DataObject,
) -> None:
    """PY-01, VN-07: never before today, and inside the validation period only if asked for."""
    account, policy, today = situation
    frequency, days = rhythm
    account = replace(account, balance_cents=Cents(1_240_00), holidays=OREGON)
    plan = replace(PLAN, frequencies=tuple(Frequency), due_days=due_days)
    agree = replace(policy.agree, maximum_months=90)
    policy = replace(policy, plan=plan, agree=agree, from_on=None, to_on=None)
    asked = today + timedelta(days=data.draw(st.integers(0, 30)))
    choice = Choice("plan", Cents(104_00), frequency=frequency, first_on=asked, days=days)
    try:
        terms = build(choice, account, policy, today)
    except FirstPaymentTooLate:
        assert days, "only a day of the month can be further off than was asked"
        return
    assert admit(terms, account, policy, today) == terms
    assert build(choice_of(terms), account, policy, today) == terms
    assert written.from_dict(written.to_dict(terms)) == terms
    assert terms.first_on >= asked
    opened = open_days(account, policy, today)
    assert all(opened.on_or_after(day) == day for day, _ in terms.schedule)


@given(situations(), rhythms(), st.data())
def test_what_is_agreed_at_once_is_on_the_days_that_were_proposed(
    situation: tuple[AccountFacts, Policy, date],
    rhythm: tuple[Frequency, tuple[int, ...]],
    data: st.DataObject,
) -> None:
    account, policy, today = situation
    wish = data.draw(proposals(account, policy, today))
    wish = replace(wish, frequency=rhythm[0], days=rhythm[1])
    try:
        said = answer(wish, account, policy, today)
    except DomainError:
        return
    if isinstance(said, Agreed) and len(said.terms.schedule) > 1:
        count = len(said.terms.schedule)
        wanted = paydays(wish.first_on, wish.frequency, count, days=wish.days)
        opened = open_days(account, policy, today)
        moved = [opened.on_or_after(day) for day in wanted.dates]
        assert [day for day, _ in said.terms.schedule] == moved
        assert said.terms.days == wish.days


def test_granted_terms_keep_their_dates_though_a_holiday_is_added() -> None:
    """What a person promised stands until its last day, whatever a newer calendar says."""
    wish = Proposal(date(2026, 12, 6), amount_cents=Cents(104_00), days=(6,))
    wanted = wish_terms(wish, DANA_IN_OREGON, WORKING)
    granted = grant(wanted, DANA_IN_OREGON, WORKING, TODAY, valid_until=date(2026, 12, 20))
    assert granted.first_on == date(2026, 12, 7)
    monday: Container[date] = {date(2026, 12, 7)}
    newer = replace(DANA, holidays=monday)
    assert admit(granted, newer, WORKING, TODAY, granted=granted) == granted


def test_granted_terms_that_nobody_took_up_start_on_the_next_payday() -> None:
    wish = Proposal(
        date(2026, 12, 1), None, Cents(104_00), Frequency.TWICE_A_MONTH, Method.MANUAL, (1, 15)
    )
    wanted = wish_terms(wish, DANA_IN_OREGON, WORKING)
    granted = grant(wanted, DANA_IN_OREGON, WORKING, TODAY, valid_until=date(2026, 12, 20))
    day = date(2026, 12, 4)
    later = granted.starting(day, open_days(DANA_IN_OREGON, WORKING, day))
    assert later.first_on == date(2026, 12, 15)
    assert admit(later, DANA_IN_OREGON, WORKING, day, granted=granted) == later
    other = replace(granted, days=())
    with pytest.raises(OfferNotInPolicy):
        admit(later, DANA_IN_OREGON, WORKING, day, granted=other)


def test_settlements_in_parts_move_off_closed_days_too() -> None:
    choice = Choice(
        "settlement:8000:3", count=3, frequency=Frequency.WEEKLY, first_on=date(2026, 11, 26)
    )
    terms = build(choice, DANA_IN_OREGON, WORKING, TODAY)
    assert [day.isoformat() for day, _ in terms.schedule] == [
        "2026-11-27",
        "2026-12-03",
        "2026-12-10",
    ]
    assert admit(terms, DANA_IN_OREGON, WORKING, TODAY) == terms
    assert build(choice_of(terms), DANA_IN_OREGON, WORKING, TODAY) == terms


def test_a_policy_without_saved_methods_has_plans_by_hand_only() -> None:
    """PY-06: by hand is always possible, automatic only where it is offered."""
    assert WORKING.plan is not None
    by_hand = replace(WORKING, plan=replace(WORKING.plan, saved_method=SavedMethod.NOT_OFFERED))
    required = replace(WORKING, plan=replace(WORKING.plan, saved_method=SavedMethod.REQUIRED))
    choice = Choice("plan", Cents(104_00), method=Method.AUTOMATIC)
    terms = build(choice, DANA, by_hand, TODAY)
    assert terms.method is Method.MANUAL
    assert admit(terms, DANA, by_hand, TODAY) == terms
    with pytest.raises(AutomaticNotOffered):
        admit(replace(terms, method=Method.AUTOMATIC), DANA, by_hand, TODAY)
    for method in Method:
        kept = build(replace(choice, method=method), DANA, required, TODAY)
        assert admit(kept, DANA, required, TODAY).method is method


@pytest.mark.parametrize(
    ("zone", "day"),
    [("America/New_York", date(2027, 3, 14)), ("America/New_York", date(2027, 11, 7))],
)
def test_the_day_the_clocks_change_is_a_day_like_any_other(zone: str, day: date) -> None:
    """Dates are days in the debtor's own calendar: 23 or 25 hours long, they stay one day."""
    assert str(day) in dates(str(day - timedelta(days=14)), Frequency.WEEKLY)
    debtor = Debtor(time_zone=zone)
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    next_day = day + timedelta(days=1)
    ends = datetime(next_day.year, next_day.month, next_day.day, tzinfo=ZoneInfo(zone))
    second = timedelta(seconds=1)
    assert today_of(debtor, midnight - second) == day - timedelta(days=1)
    assert today_of(debtor, midnight) == today_of(debtor, ends.astimezone(UTC) - second) == day
    assert today_of(debtor, ends.astimezone(UTC)) == next_day


@pytest.mark.parametrize(
    ("country", "region", "day", "closed"),
    [
        ("US", "OR", date(2026, 11, 26), True),
        ("US", "TX", date(2027, 3, 2), True),
        ("US", "OR", date(2027, 3, 2), False),
        ("US", "CA", date(2027, 3, 31), True),
        ("US", "", date(2027, 7, 5), True),
        ("US", "AE", date(2027, 7, 5), True),
        ("US", "OR", date(2027, 12, 31), True),
        ("CA", "QC", date(2027, 6, 24), True),
        ("CA", "ON", date(2027, 6, 24), False),
        ("CA", "ON", date(2027, 2, 15), True),
        ("CA", "XX", date(2027, 7, 1), True),
    ],
)
def test_a_region_has_its_own_holidays(country: str, region: str, day: date, closed: bool) -> None:
    assert (day in region_holidays(country, region)) is closed


def test_every_region_of_ours_has_holidays() -> None:
    for region in all_regions():
        assert date(2027, 12, 25) in region_holidays(region.country, region.code), region.code


@given(DAYS)
def test_proposals_carry_their_days(day: date) -> None:
    wish = Proposal(day, Cents(500_00), Cents(40_00), Frequency.TWICE_A_MONTH, days=(1, 15))
    said = wishes.to_dict(wish)
    assert said["days"] == [1, 15]
    assert wishes.from_dict(said) == wish
    assert "days" not in wishes.to_dict(replace(wish, days=()))
