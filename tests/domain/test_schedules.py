from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.money import NOTHING, AmountNotPositive, Cents, PartTooSmall
from portal.domain.schedules import (
    MOST_PARTS,
    DateTooFar,
    Frequency,
    Schedule,
    ScheduleCannotGrow,
    ScheduleTooLong,
    count_parts,
    due_dates,
    most_parts,
    parts_by_amount,
    parts_by_count,
    schedule,
    shorten,
)
from tests.domain.policies import DAYS

LEAST = Cents(50)
TOTALS = st.integers(50, 10_000_00).map(Cents)


@pytest.mark.parametrize(
    ("frequency", "first_on", "then"),
    [
        (Frequency.WEEKLY, "2026-12-28", ["2027-01-04", "2027-01-11"]),
        (Frequency.EVERY_TWO_WEEKS, "2028-02-22", ["2028-03-07", "2028-03-21"]),
        (Frequency.MONTHLY, "2027-12-31", ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]),
        (Frequency.MONTHLY, "2027-01-30", ["2027-02-28", "2027-03-30"]),
        (Frequency.MONTHLY, "2028-02-29", ["2028-03-29"]),
        (Frequency.TWICE_A_MONTH, "2027-01-01", ["2027-01-16", "2027-02-01", "2027-02-16"]),
        (Frequency.TWICE_A_MONTH, "2027-01-15", ["2027-01-30", "2027-02-15", "2027-02-28"]),
        (Frequency.TWICE_A_MONTH, "2027-01-16", ["2027-02-01", "2027-02-16", "2027-03-01"]),
        (Frequency.TWICE_A_MONTH, "2027-01-31", ["2027-02-16", "2027-02-28", "2027-03-16"]),
    ],
)
def test_dates_keep_their_anchor(frequency: Frequency, first_on: str, then: list[str]) -> None:
    """M-6."""
    dates = due_dates(date.fromisoformat(first_on), frequency, len(then) + 1)
    assert [day.isoformat() for day in dates] == [first_on, *then]


@given(DAYS, st.sampled_from(Frequency), st.integers(1, 120))
def test_dates_rise_and_stay_near_their_rhythm(
    first_on: date, frequency: Frequency, count: int
) -> None:
    dates = due_dates(first_on, frequency, count)
    assert dates[0] == first_on
    assert len(dates) == count
    widest = {"weekly": 7, "every_two_weeks": 14, "twice_a_month": 17, "monthly": 31}[frequency]
    assert all(0 < (after - before).days <= widest for before, after in pairwise(dates))


@given(DAYS, st.integers(1, 60))
def test_a_month_end_comes_back_to_its_day(first_on: date, count: int) -> None:
    for day in due_dates(first_on, Frequency.MONTHLY, count):
        assert day.day == first_on.day or (day + timedelta(days=1)).day == 1


@given(DAYS, st.sampled_from(Frequency), st.integers(1, 120))
def test_so_many_months_hold_so_many_payments(
    first_on: date, frequency: Frequency, months: int
) -> None:
    dates = due_dates(first_on, frequency, most_parts(frequency, months))
    span = due_dates(first_on, Frequency.MONTHLY, months + 1)[-1]
    assert dates[-1] < span + timedelta(days=7)


def test_a_year_holds_52_26_24_or_12_payments() -> None:
    assert [most_parts(frequency, 12) for frequency in Frequency] == [52, 26, 24, 12]


def test_dates_beyond_any_plan_are_refused() -> None:
    with pytest.raises(DateTooFar):
        due_dates(date(9990, 1, 1), Frequency.WEEKLY, 2)
    with pytest.raises(DateTooFar):
        due_dates(date(8999, 12, 1), Frequency.MONTHLY, 1_000)
    with pytest.raises(ScheduleTooLong):
        due_dates(date(2027, 1, 1), Frequency.WEEKLY, 10**9)


def test_a_plan_of_104_dollars() -> None:
    parts = parts_by_amount(Cents(1_240_00), Cents(104_00), minimum=LEAST)
    assert parts == (*(104_00,) * 11, 96_00)


def test_a_rest_too_small_to_charge_joins_the_payment_before_it() -> None:
    parts = parts_by_amount(Cents(100_30), Cents(50_00), minimum=LEAST)
    assert parts == (50_00, 50_30)


def test_a_down_payment_comes_first() -> None:
    parts = parts_by_amount(Cents(500_00), Cents(100_00), minimum=LEAST, down=Cents(250_00))
    assert parts == (250_00, 100_00, 100_00, 50_00)
    assert parts_by_count(Cents(500_00), 3, down=Cents(250_00)) == (250_00, 125_00, 125_00)


@given(TOTALS, st.integers(50, 10_000_00).map(Cents), st.just(NOTHING) | TOTALS)
def test_payments_sum_to_the_total(total: Cents, amount: Cents, down: Cents) -> None:
    if count_parts(total, amount, minimum=LEAST, down=down) > MOST_PARTS:
        with pytest.raises(ScheduleTooLong):
            parts_by_amount(total, amount, minimum=LEAST, down=down)
        return
    parts = parts_by_amount(total, amount, minimum=LEAST, down=down)
    assert sum(parts) == total
    assert min(parts) >= LEAST
    assert len(parts) == count_parts(total, amount, minimum=LEAST, down=down)
    assert set(parts[1:-1]) <= {amount}
    assert parts[0] >= min(total, max(down, amount))
    assert parts[-1] < amount + LEAST or len(parts) == 1


@given(TOTALS, st.integers(1, 10_000_00), st.integers(0, 5_000), st.just(NOTHING) | TOTALS)
def test_more_each_time_never_takes_longer(
    total: Cents, amount: int, more: int, down: Cents
) -> None:
    less = count_parts(total, Cents(amount), minimum=LEAST, down=down)
    assert count_parts(total, Cents(amount + more), minimum=LEAST, down=down) <= less


@given(TOTALS, st.integers(1, 100), st.just(NOTHING) | TOTALS)
def test_so_many_payments_sum_to_the_total(total: Cents, count: int, down: Cents) -> None:
    try:
        parts = parts_by_count(total, count, down=down)
    except AmountNotPositive:
        assert total < count or total - down < count - 1
        return
    assert sum(parts) == total
    assert len(parts) == count
    assert min(parts) > 0


def test_a_schedule_has_no_part_that_cannot_be_charged() -> None:
    with pytest.raises(PartTooSmall) as raised:
        dated((40, 60))
    assert str(raised.value) == "Each payment must be at least $0.50."


@pytest.mark.parametrize(
    ("before", "new_total", "after"),
    [
        ((100_00, 100_00, 100_00), 300_00, (100_00, 100_00, 100_00)),
        ((100_00, 100_00, 100_00), 250_00, (100_00, 100_00, 50_00)),
        ((100_00, 100_00, 100_00), 200_00, (100_00, 100_00)),
        ((100_00, 100_00, 100_00), 200_30, (100_00, 99_80, 50)),
        ((100_00, 100_00, 100_00), 1, (1,)),
        ((100_00, 100_00, 100_00), 0, ()),
        ((60, 60), 90, (90,)),
    ],
)
def test_a_lower_balance_shortens_a_plan_from_its_end(
    before: tuple[int, ...], new_total: int, after: tuple[int, ...]
) -> None:
    plan = dated(before)
    left = shorten(plan, Cents(new_total), minimum=LEAST)
    assert tuple(cents for _, cents in left) == after
    assert [day for day, _ in left] == [day for day, _ in plan][: len(left)]


@given(st.lists(st.integers(1_00, 500_00), min_size=1, max_size=30), st.data())
def test_a_shortened_plan_never_asks_for_more(amounts: list[int], data: st.DataObject) -> None:
    plan = dated(tuple(amounts))
    new_total = Cents(data.draw(st.integers(0, sum(amounts))))
    left = shorten(plan, new_total, minimum=LEAST)
    assert sum(cents for _, cents in left) == new_total
    assert all(cents <= was for (_, cents), (_, was) in zip(left, plan, strict=False))
    assert all(cents >= LEAST for _, cents in left) or new_total < LEAST
    assert shorten(left, new_total, minimum=LEAST) == left


def test_a_plan_never_grows() -> None:
    with pytest.raises(ScheduleCannotGrow):
        shorten(dated((100_00,)), Cents(100_01), minimum=LEAST)


def dated(amounts: tuple[int, ...]) -> Schedule:
    return schedule(
        Cents(sum(amounts)),
        [Cents(cents) for cents in amounts],
        due_dates(date(2026, 12, 4), Frequency.MONTHLY, len(amounts)),
        currency="USD",
    )
