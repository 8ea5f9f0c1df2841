"""What the debtor of a running plan is told of, and on which days it may leave (PY-07, PY-12).

Days are of the debtor's own calendar, instants aware UTC, amounts cents.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from portal.domain.calendars import add_working_days
from portal.domain.debts import CollectorRole, is_debt_collector
from portal.domain.policy import REMINDED_BEFORE
from portal.domain.schedules import Frequency, add_months
from portal.domain.windows import next_opening

DAY: Final = timedelta(days=1)
EARLIEST, LATEST = 14, 10
"""How many days before a debit its notice leaves: 3 to 10 business days (12 CFR 1006.22(c)(1)),
10 days (12 CFR 1005.10(d)) and 10 calendar days (Payments Canada H1) all at once."""
TOLD_BY_COPY: Final = 14
"""A debit within so many days of agreeing is told of by the copy of what was agreed."""
OFTEN: Final = (Frequency.WEEKLY, Frequency.EVERY_TWO_WEEKS)
"""The rhythms in which one debit's notice would fall together with the debit before it."""
QUARTER: Final = 3
SATISFIED_WITHIN: Final = 20
"""Working days until a satisfaction letter: 23 NYCRR 1.5, kept everywhere."""
CONFIRMED_WITHIN: Final = 5
"""Working days until the written confirmation of an agreement: 23 NYCRR 1.5, kept everywhere."""
EXEMPT_INCOME: Final = "ny-exempt-income"
NEW_YORK: Final = ("US", "NY")


class Notice(StrEnum):
    """The kinds of notices of a running plan; each is the name of its message."""

    DEBIT = "pre_debit_notice"
    AHEAD = "payments_ahead"
    REMINDER = "payment_reminder"


class ToldBy(StrEnum):
    """What tells of a debit that has no notice of its own.

    ``COPY``: a written notice must come 3 to 10 business days before (12 CFR 1006.22(c)(1)), and
    the copy of what was just agreed is one, with every date and amount; within five days none is
    wanted at all. ``SCHEDULE``: the weekly schedule itself was agreed to (12 CFR 1005.10(b)).
    """

    COPY = "copy"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Days:
    """From which day to which one, both included."""

    first_on: date
    last_on: date

    def __contains__(self, day: date) -> bool:
        return self.first_on <= day <= self.last_on


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPart:
    """One dated part of a plan that is not paid.

    ``automatic``: it is taken from a saved method. ``agreed_on``: the day on which the debtor was
    given the copy that tells of this date and amount.
    """

    due_on: date
    amount_cents: int
    automatic: bool
    frequency: Frequency | None
    agreed_on: date

    @property
    def often(self) -> bool:
        """Whether it is of a plan that gets one notice a month."""
        return self.frequency in OFTEN


@dataclass(frozen=True, slots=True)
class Wanted:
    """A notice and the days on which it may leave; ``before`` is how many days ahead it is."""

    notice: Notice
    days: Days
    before: int


def debit_days(due_on: date) -> Days:
    """The days on which the notice of a debit leaves: 14 to 10 before it (PY-07)."""
    return Days(due_on - EARLIEST * DAY, due_on - LATEST * DAY)


def told_by(part: PlannedPart) -> ToldBy | None:
    """What tells of a debit already, so that it wants no notice of its own; None where nothing."""
    if part.due_on <= part.agreed_on + TOLD_BY_COPY * DAY:
        return ToldBy.COPY
    return ToldBy.SCHEDULE if part.often else None


def wanted(part: PlannedPart, extra_reminders: Iterable[int] = ()) -> Iterator[Wanted]:
    """The notices that one part wants; what was agreed on the same day or later is known anyway.

    A plan paid every week or two has one notice a month and no reminders; a debit else has its own
    notice. ``extra_reminders``: so many days before, besides the third day.
    """
    if part.often:
        if told_by(part) is not ToldBy.COPY:
            yield Wanted(Notice.AHEAD, debit_days(part.due_on), EARLIEST)
        return
    if part.automatic and told_by(part) is None:
        yield Wanted(Notice.DEBIT, debit_days(part.due_on), EARLIEST)
    for before in sorted({REMINDED_BEFORE, *extra_reminders}):
        on = part.due_on - before * DAY
        if on > part.agreed_on:
            yield Wanted(Notice.REMINDER, Days(on, on), before)


def leaves_at(days: Days, now: datetime, *, calendar: str, zones: Iterable[str]) -> datetime | None:
    """The first instant from ``now`` on at which a notice may leave on one of its days.

    ``calendar`` is the zone whose days count, ``zones`` are all in which its hour must be
    convenient (CT-02). None where it is too late, or there is no such hour.
    """
    begins = datetime.combine(days.first_on, datetime.min.time(), tzinfo=ZoneInfo(calendar))
    found = next_opening(max(now, begins.astimezone(now.tzinfo)), zones)
    if found is None or found.astimezone(ZoneInfo(calendar)).date() > days.last_on:
        return None
    return found


def may_debit(part: PlannedPart, left: Iterable[tuple[date, int]]) -> bool:
    """Whether a debit's notice was given, or is not wanted; ``left``: each one's day and amount.

    A notice of a larger amount is good for less: what is taken has only become smaller. Without a
    notice the debit is blocked (PY-07).
    """
    if told_by(part) is not None:
        return True
    days = debit_days(part.due_on)
    return any(day in days and cents >= part.amount_cents for day, cents in left)


def is_new_york_collection(country: str, region: str, role: CollectorRole) -> bool:
    """Whether 23 NYCRR 1 rules: a debt collector, and a debtor who lives in New York."""
    bare = region.partition("-")[2] or region
    return (country, bare) == NEW_YORK and is_debt_collector(role)


def accounting_on(agreed_on: date, today: date) -> date | None:
    """The newest day, up to today, on which an accounting of a running plan is due.

    Every three months from the day of agreeing (23 NYCRR 1.5(b)); None before the first.
    """
    months = (today.year - agreed_on.year) * 12 + today.month - agreed_on.month
    for quarters in (months // QUARTER, months // QUARTER - 1):
        due_on = add_months(agreed_on, max(quarters, 0) * QUARTER, agreed_on.day)
        if due_on <= today:
            return due_on if due_on > agreed_on else None
    return None


def satisfied_until(ended_on: date, country: str) -> date:
    """The last day for the letter that says that nothing is owed any more (23 NYCRR 1.5(c))."""
    return add_working_days(ended_on, SATISFIED_WITHIN, country=country)
