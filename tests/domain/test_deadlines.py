"""A hold moves a last day by the time it takes, counts once, and moves nothing else."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from portal.domain.deadlines import Held, Promise, first_payment_until, last_day
from portal.domain.holds import Capability, HoldKind

ZONE = "America/New_York"
PROMISE = Promise(
    until=date(2026, 12, 15),
    since=datetime(2026, 12, 1, 12, tzinfo=UTC),
    needs=(Capability.PAY,),
    zone=ZONE,
)
NOW = datetime(2027, 2, 1, 17, tzinfo=UTC)


def at(month: int, day: int) -> datetime:
    return datetime(2027 if month < 6 else 2026, month, day, 17, tzinfo=UTC)


def held(began: datetime, ended: datetime | None, kind: HoldKind = HoldKind.DISPUTE) -> Held:
    return Held(kind, began, ended)


TEN_TO_TWENTY = held(at(12, 10), at(12, 20))


@pytest.mark.parametrize(
    ("holds", "until"),
    [
        ([], date(2026, 12, 15)),
        ([TEN_TO_TWENTY], date(2026, 12, 27)),  # five days were left: patience is longer
        ([held(at(12, 2), at(12, 20))], date(2027, 1, 2)),  # the 13 that were left
        ([TEN_TO_TWENTY, held(at(12, 12), at(12, 24))], date(2026, 12, 31)),
        ([TEN_TO_TWENTY, held(at(12, 22), at(12, 28))], date(2027, 1, 4)),
        ([held(at(12, 10), None)], date(2027, 2, 8)),
        ([held(at(12, 16), at(12, 20))], date(2026, 12, 15)),  # too late to keep anything
        ([held(at(11, 20), at(11, 28))], date(2026, 12, 15)),  # over before it was promised
        ([held(at(12, 10), at(12, 20), HoldKind.HARDSHIP)], date(2026, 12, 27)),  # nobody asked
        ([held(at(12, 10), at(12, 20), HoldKind.CEASE_ALL)], date(2026, 12, 15)),
    ],
)
def test_a_last_day_is_moved_by_the_holds_that_kept_somebody_from_it(
    holds: list[Held], until: date
) -> None:
    """DH-08: whatever the order in which the rows are read."""
    assert last_day(PROMISE, holds, NOW) == last_day(PROMISE, holds[::-1], NOW) == until


@pytest.mark.parametrize(
    ("barred_on", "until"),
    [
        (date(2026, 12, 24), date(2026, 12, 23)),
        (date(2026, 12, 12), date(2026, 12, 15)),
        (date(2031, 5, 1), date(2026, 12, 27)),
    ],
)
def test_no_hold_moves_a_last_day_past_the_limitation_period(barred_on: date, until: date) -> None:
    """TB-01"""
    assert last_day(replace(PROMISE, barred_on=barred_on), [TEN_TO_TWENTY], NOW) == until


def test_a_first_payment_is_waited_for_a_week_and_not_longer_than_its_offer() -> None:
    due, until = date(2026, 12, 8), date(2026, 12, 10)
    assert first_payment_until(due, None, None, None, tried=False) == date(2026, 12, 15)
    assert first_payment_until(due, None, None, until, tried=False) == until
    assert first_payment_until(due, date(2026, 12, 12), None, until, tried=True) == date(
        2026, 12, 19
    )
    rested = date(2027, 1, 8)
    assert first_payment_until(rested, None, None, until, tried=False) == date(2027, 1, 15)


@pytest.mark.parametrize(("again_on", "told_on"), [(12, 8), (None, 12), (10, 12), (12, None)])
def test_a_first_payment_that_failed_is_waited_for_from_its_last_failure_or_next_try(
    again_on: int | None, told_on: int | None
) -> None:
    days = (date(2026, 12, day) if day else None for day in (again_on, told_on))
    until = first_payment_until(date(2026, 12, 8), *days, date(2026, 12, 9), tried=True)
    assert until == date(2026, 12, 19)
