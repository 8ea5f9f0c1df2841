"""The validation period (VN-03, VN-07) and working days."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.calendars import add_working_days, easter_on, is_working_day
from portal.domain.debts import CollectorRole, DebtPurpose
from portal.domain.validation import (
    assumed_receipt_on,
    earliest_deadline_on,
    needs_validation_notice,
    validation_ends_on,
)


def test_vn_03_vector_skips_thanksgiving() -> None:
    provided_on = date(2026, 11, 23)
    assert assumed_receipt_on(provided_on) == date(2026, 12, 1)
    assert validation_ends_on(provided_on) == date(2026, 12, 31)


def test_vn_07_the_first_deadline_is_the_day_after_the_period() -> None:
    assert earliest_deadline_on(date(2026, 11, 23)) == date(2027, 1, 1)
    assert earliest_deadline_on(None) is None


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)))
def test_vn_03_the_period_is_never_shorter_than_the_rule(provided_on: date) -> None:
    assert assumed_receipt_on(provided_on) - provided_on >= timedelta(days=5)
    assert validation_ends_on(provided_on) == assumed_receipt_on(provided_on) + timedelta(30)
    assert is_working_day(assumed_receipt_on(provided_on))


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 1),
        date(2026, 1, 19),
        date(2026, 2, 16),
        date(2026, 5, 25),
        date(2026, 6, 19),
        date(2026, 9, 7),
        date(2026, 10, 12),
        date(2026, 11, 11),
        date(2026, 11, 26),
        date(2026, 12, 25),
    ],
)
def test_the_holidays_of_5_usc_6103_a(day: date) -> None:
    assert not is_working_day(day)


@pytest.mark.parametrize(
    "day", [date(2026, 7, 3), date(2027, 7, 5), date(2027, 12, 31), date(2027, 12, 24)]
)
def test_a_holiday_on_a_weekend_is_observed_beside_it(day: date) -> None:
    assert day.weekday() < 5
    assert not is_working_day(day)


def test_the_holidays_of_canada() -> None:
    expected = {
        date(2027, 1, 1),
        date(2027, 3, 26),
        date(2027, 5, 24),
        date(2027, 7, 1),
        date(2027, 9, 6),
        date(2027, 9, 30),
        date(2027, 10, 11),
        date(2027, 11, 11),
        date(2027, 12, 27),
        date(2027, 12, 28),
    }
    days = (date(2027, 1, 1) + timedelta(n) for n in range(365))
    closed = {d for d in days if d.weekday() < 5 and not is_working_day(d, country="CA")}
    assert closed == expected


@pytest.mark.parametrize(
    ("year", "easter"),
    [(2024, date(2024, 3, 31)), (2025, date(2025, 4, 20)), (2026, date(2026, 4, 5))]
    + [(2027, date(2027, 3, 28)), (2038, date(2038, 4, 25)), (2000, date(2000, 4, 23))],
)
def test_easter(year: int, easter: date) -> None:
    assert easter_on(year) == easter


def test_a_promise_counts_working_days_only() -> None:
    assert add_working_days(date(2026, 11, 25), 2) == date(2026, 11, 30)
    assert add_working_days(date(2026, 11, 25), 2, country="CA") == date(2026, 11, 27)
    assert add_working_days(date(2026, 11, 28), 0) == date(2026, 11, 28)


@pytest.mark.parametrize(
    ("role", "purpose", "needed"),
    [
        (CollectorRole.THIRD_PARTY_AGENCY, DebtPurpose.CONSUMER, True),
        (CollectorRole.DEBT_BUYER, DebtPurpose.CA_COVERED_COMMERCIAL, True),
        (CollectorRole.LAW_FIRM, DebtPurpose.CONSUMER, True),
        (CollectorRole.LAW_FIRM, DebtPurpose.COMMERCIAL, False),
        (CollectorRole.FIRST_PARTY_CREDITOR, DebtPurpose.CONSUMER, False),
        (CollectorRole.SERVICER_CURRENT, DebtPurpose.CONSUMER, False),
    ],
)
def test_vn_01_only_debt_collectors_owe_a_notice(
    role: CollectorRole, purpose: DebtPurpose, needed: bool
) -> None:
    assert needs_validation_notice(role, purpose) is needed
