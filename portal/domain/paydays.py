"""Paydays: the days of the month that a rhythm keeps to, and the open days payments move to."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count as numbers
from itertools import islice
from typing import Final

from portal.domain import N_, DomainError
from portal.domain.facts import AccountFacts
from portal.domain.policy import DueDays, Policy
from portal.domain.schedules import MOST_PARTS, Frequency, ScheduleTooLong, add_months, due_dates

LAST_WORKING_DAY: Final = 0
LAST_DAY: Final = 31
CLOSEST, WIDEST = 7, 23
FRIDAY, SATURDAY = 4, 5
PAID_ON: Final = (1, 15)
LONGEST_CLOSED: Final = 31
DAY: Final = timedelta(days=1)
NAMED_DAYS: Final = {Frequency.MONTHLY: 1, Frequency.TWICE_A_MONTH: 2}
"""How many days of the month a rhythm can keep to."""


class DaysTooClose(DomainError):
    """Two days of the month between which nobody is paid again."""

    message = N_("Choose two days that are 7 to 23 days apart, for example the 1st and the 15th.")


class DayNotInMonth(DomainError):
    """A day that no month has."""

    message = N_("Choose a day of the month from 1 to 31.")


@dataclass(frozen=True, slots=True)
class OpenDays:
    """The days on which a payment may be due in the debtor's region.

    ``today`` is one whatever day it is: what is due today is paid while the page is open.
    """

    due_days: DueDays = DueDays.ANY_DAY
    holidays: Container[date] = frozenset()
    today: date | None = None

    def on_or_after(self, day: date) -> date:
        """The day itself if it is open, else the next open one.

        Later, never earlier: what is paid out to the debtor on a closed day is there by then, and
        nobody is worse off with more time. A region that is closed for a month keeps the day.
        """
        ahead = (day + n * DAY for n in range(1, LONGEST_CLOSED))
        return day if self._open(day) else next(filter(self._open, ahead), day)

    def last_working_day(self, day: date) -> date:
        """The last day of the month of ``day`` that is neither a weekend nor a holiday."""
        last = add_months(day, 0, LAST_DAY)
        back = (last - n * DAY for n in range(last.day))
        return next((found for found in back if self._working(found)), last)

    def _open(self, day: date) -> bool:
        if self.due_days is DueDays.ANY_DAY or day == self.today:
            return True
        weekdays = self.due_days is DueDays.WEEKDAYS
        return day.weekday() < SATURDAY if weekdays else self._working(day)

    def _working(self, day: date) -> bool:
        return day.weekday() < SATURDAY and day not in self.holidays


EVERY_DAY: Final = OpenDays()


@dataclass(frozen=True, slots=True)
class Paydays:
    """The dates of payments, strictly rising.

    ``anchor_on`` is the day from which they are counted, where the first moved away from it.
    """

    dates: tuple[date, ...]
    anchor_on: date | None


def open_days(account: AccountFacts, policy: Policy, today: date | None = None) -> OpenDays:
    """On which days payments of this account may be due under this policy."""
    due_days = policy.plan.due_days if policy.plan else DueDays.ANY_DAY
    return OpenDays(due_days, account.holidays, today)


def kept_days(frequency: Frequency, days: tuple[int, ...]) -> tuple[int, ...]:
    """The days of the month of a rhythm in order; none where it is counted from the first date.

    Two for twice a month (31: the last day), one for monthly (0: the last working day); what
    belongs to another rhythm is left out. Raises DayNotInMonth, DaysTooClose.
    """
    wanted = NAMED_DAYS.get(frequency, 0)
    if not wanted or len(days) != wanted:
        return ()
    first = LAST_WORKING_DAY if wanted == 1 else 1
    if not all(first <= day <= LAST_DAY for day in days):
        raise DayNotInMonth
    kept = tuple(sorted(days))
    if wanted > 1 and not CLOSEST <= kept[1] - kept[0] <= WIDEST:
        raise DaysTooClose
    return kept


def paydays(
    start_on: date,
    frequency: Frequency,
    count: int,
    *,
    days: tuple[int, ...] = (),
    opened: OpenDays = EVERY_DAY,
) -> Paydays:
    """So many dates of a rhythm from the first that it has on or after a day.

    A date that is closed moves to the next open day; the last working day is open by its name.
    ``days`` are as ``kept_days`` gives them. Raises DateTooFar, ScheduleTooLong.
    """
    if count > MOST_PARTS:
        raise ScheduleTooLong
    counted = (
        tuple(islice(_named(start_on, days, opened), count))
        if days
        else due_dates(start_on, frequency, count)
    )
    if opened.due_days is DueDays.ANY_DAY:
        return Paydays(counted, None)
    dates: list[date] = []
    for day in counted:
        after = dates[-1] + DAY if dates else day
        dates.append(opened.on_or_after(max(day, after)))
    return Paydays(tuple(dates), counted[0] if counted[0] != dates[0] else None)


def likely_paydays(first_on: date, last_on: date, opened: OpenDays) -> tuple[date, ...]:
    """The open days of a span near which most people are paid, in order.

    The 1st, the 15th, the last working day of a month, and Fridays; a closed one moves to the next
    open day.
    """
    span = (first_on + n * DAY for n in range((last_on - first_on).days + 1))
    moved = {opened.on_or_after(day) for day in span if _likely(day, opened)}
    return tuple(sorted(day for day in moved if day <= last_on))


def _likely(day: date, opened: OpenDays) -> bool:
    return day.day in PAID_ON or day.weekday() == FRIDAY or day == opened.last_working_day(day)


def _named(start_on: date, days: tuple[int, ...], opened: OpenDays) -> Iterator[date]:
    """The days of this month and of all that follow, without those before the start."""
    for n in numbers():
        for day in days:
            found = add_months(start_on, n, day or LAST_DAY)
            if day == LAST_WORKING_DAY:
                found = opened.last_working_day(found)
            if found >= start_on:
                yield found
