"""PY-07, PY-12: which notices a part of a plan wants, and on which days they may leave."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.domain.debts import CollectorRole
from portal.domain.noticing import (
    Days,
    Notice,
    PlannedPart,
    ToldBy,
    accounting_on,
    debit_days,
    is_new_york_collection,
    leaves_at,
    may_debit,
    satisfied_until,
    told_by,
    wanted,
)
from portal.domain.schedules import Frequency

DUE = date(2027, 1, 5)


def part(due_on: date = DUE, **given: object) -> PlannedPart:
    values = {
        "amount_cents": 104_00,
        "automatic": True,
        "frequency": Frequency.MONTHLY,
        "agreed_on": date(2026, 11, 23),
    }
    return PlannedPart(due_on=due_on, **(values | given))  # type: ignore[arg-type]


def business_days_between(first: date, last: date) -> int:
    """Weekdays after the first day, up to the last one."""
    days = (first + timedelta(days=n + 1) for n in range((last - first).days))
    return sum(day.weekday() < 5 for day in days)


def test_py_07_the_notice_of_january_fifth_leaves_from_the_22nd_to_the_26th_of_december():
    (notice, reminder) = wanted(part())
    assert notice.notice is Notice.DEBIT
    assert notice.days == Days(date(2026, 12, 22), date(2026, 12, 26))
    assert reminder.notice is Notice.REMINDER
    assert reminder.days == Days(date(2027, 1, 2), date(2027, 1, 2))


def test_py_07_every_day_of_it_keeps_all_three_laws_for_five_years():
    """F9: Reg F's 3 to 10 business days, Reg E's and Payments Canada's 10 days."""
    for n in range(365 * 5):
        due_on = date(2026, 1, 1) + timedelta(days=n)
        days = debit_days(due_on)
        assert (due_on - days.last_on).days >= 10
        assert business_days_between(days.last_on, due_on) >= 3
        assert business_days_between(days.first_on, due_on) <= 10


@pytest.mark.parametrize(
    ("ahead", "by"), [(0, ToldBy.COPY), (5, ToldBy.COPY), (14, ToldBy.COPY), (15, None), (43, None)]
)
def test_py_07_a_debit_soon_after_agreeing_is_told_of_by_the_copy(ahead: int, by: ToldBy | None):
    soon = part(date(2026, 11, 23) + timedelta(days=ahead))
    assert told_by(soon) is by
    assert (Notice.DEBIT in {one.notice for one in wanted(soon)}) is (by is None)


@pytest.mark.parametrize("frequency", [Frequency.WEEKLY, Frequency.EVERY_TWO_WEEKS])
@pytest.mark.parametrize("automatic", [True, False])
def test_py_07_a_weekly_plan_has_one_kind_of_notice_and_no_reminders(
    frequency: Frequency, automatic: bool
):
    (one,) = wanted(part(frequency=frequency, automatic=automatic), (1, 7))
    assert (one.notice, one.days) == (Notice.AHEAD, debit_days(DUE))
    assert told_by(part(frequency=frequency)) is ToldBy.SCHEDULE


def test_a_weekly_part_that_was_just_agreed_needs_no_list():
    assert list(wanted(part(date(2026, 12, 1), frequency=Frequency.WEEKLY))) == []


def test_who_pays_by_hand_is_reminded_and_has_no_notice_of_a_debit():
    said = list(wanted(part(automatic=False), (1, 7)))
    assert [(one.notice, one.before) for one in said] == [
        *((Notice.REMINDER, before) for before in (1, 3, 7))
    ]


def test_nobody_is_reminded_of_what_they_agreed_to_on_that_day():
    due_on = date(2026, 11, 26)
    assert list(wanted(part(due_on))) == []
    assert [one.before for one in wanted(part(due_on), (1,))] == [1]


@pytest.mark.parametrize(
    ("now", "leaves"),
    [
        ("2026-12-20T12:00", "2026-12-22T13:00"),  # too early: at eight on the first of its days
        ("2026-12-22T17:00", "2026-12-22T17:00"),
        ("2026-12-23T03:00", "2026-12-23T13:00"),  # ten in the evening: the next morning
        ("2026-12-26T22:00", "2026-12-26T22:00"),
        ("2026-12-27T03:00", None),  # ten in the evening of the last day
        ("2026-12-28T17:00", None),
    ],
)
def test_ct_01_a_notice_moves_inside_the_hours_and_never_out_of_its_days(
    now: str, leaves: str | None
):
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = leaves_at(debit_days(DUE), at, calendar="America/New_York", zones=["America/New_York"])
    assert found == (datetime.fromisoformat(leaves).replace(tzinfo=UTC) if leaves else None)


def test_ct_02_it_waits_for_an_hour_that_suits_every_zone():
    at = datetime(2026, 12, 22, 13, 0, tzinfo=UTC)
    zones = ["America/New_York", "America/Los_Angeles"]
    found = leaves_at(debit_days(DUE), at, calendar="America/New_York", zones=zones)
    assert found == datetime(2026, 12, 22, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "allowed"),
    [
        ([], False),
        ([(date(2026, 12, 21), 104_00)], False),
        ([(date(2026, 12, 22), 104_00)], True),
        ([(date(2026, 12, 26), 104_00)], True),
        ([(date(2026, 12, 27), 104_00)], False),
        ([(date(2026, 12, 24), 103_99)], False),  # more is taken than was told
        ([(date(2026, 12, 24), 120_00)], True),  # less is
    ],
)
def test_py_07_without_a_notice_in_its_days_the_debit_is_blocked(left, allowed: bool):
    assert may_debit(part(), left) is allowed


def test_py_07_what_the_copy_or_the_weekly_schedule_tells_of_is_not_blocked():
    assert may_debit(part(date(2026, 12, 7)), [])
    assert may_debit(part(frequency=Frequency.WEEKLY), [])


@pytest.mark.parametrize(
    ("today", "due"),
    [
        ("2026-11-30", None),
        ("2027-02-27", None),
        ("2027-02-28", "2027-02-28"),  # the 30th of a month that has none
        ("2027-05-29", "2027-02-28"),
        ("2027-05-30", "2027-05-30"),
        ("2029-12-31", "2029-11-30"),
    ],
)
def test_py_12_an_accounting_is_due_each_quarter(today: str, due: str | None):
    found = accounting_on(date(2026, 11, 30), date.fromisoformat(today))
    assert found == (date.fromisoformat(due) if due else None)


@pytest.mark.parametrize(
    ("region", "role", "rules"),
    [
        ("NY", CollectorRole.THIRD_PARTY_AGENCY, True),
        ("US-NY", CollectorRole.DEBT_BUYER, True),
        ("NY", CollectorRole.FIRST_PARTY_CREDITOR, False),
        ("NJ", CollectorRole.THIRD_PARTY_AGENCY, False),
    ],
)
def test_py_12_new_york_rules_collectors_and_no_creditor(region: str, role, rules: bool):
    assert is_new_york_collection("US", region, role) is rules


def test_py_12_a_satisfaction_letter_has_twenty_working_days():
    assert satisfied_until(date(2026, 11, 23), "US") == date(2026, 12, 22)
