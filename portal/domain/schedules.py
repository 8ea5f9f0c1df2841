"""Due dates and the parts of a total: they sum to it to the cent, and dates rise strictly."""

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from portal.domain import N_, DomainError
from portal.domain.money import (
    NOTHING,
    AmountNotPositive,
    Cents,
    Money,
    PartTooSmall,
    minimum_charge,
    split,
)

Part = tuple[date, Cents]
Schedule = tuple[Part, ...]

MOST_PARTS: Final = 1_560
LAST_YEAR: Final = 9_000


class Frequency(StrEnum):
    """How often a plan is paid."""

    WEEKLY = "weekly"
    EVERY_TWO_WEEKS = "every_two_weeks"
    TWICE_A_MONTH = "twice_a_month"
    MONTHLY = "monthly"


PARTS_A_YEAR: Final = {
    Frequency.WEEKLY: 52,
    Frequency.EVERY_TWO_WEEKS: 26,
    Frequency.TWICE_A_MONTH: 24,
    Frequency.MONTHLY: 12,
}


HALF_DAYS: Final = 2
LONGEST_MONTH: Final = 31
LONGEST_STEP: Final = {
    Frequency.WEEKLY: 14,
    Frequency.EVERY_TWO_WEEKS: 28,
    Frequency.TWICE_A_MONTH: 31,
    Frequency.MONTHLY: 62,
}
"""The longest time from one payment to the next but on average, in half days."""


class ScheduleTooLong(DomainError):
    """Paying at this pace would take longer than anybody can promise."""

    message = N_("That would take more than 30 years. Enter a larger amount.")


class DateTooFar(DomainError):
    """A date that no plan reaches."""

    message = N_("That date is too far away. Choose an earlier one.")


class ScheduleCannotGrow(DomainError):
    """A plan is never asked for more than what is left of it."""

    message = N_("A plan cannot become larger than what was agreed.")


def add_months(day: date, months: int, anchor: int) -> date:
    """The anchor day of the month that many months later, or that month's last day.

    Raises DateTooFar.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > LAST_YEAR:
        raise DateTooFar
    return date(year, month + 1, min(anchor, calendar.monthrange(year, month + 1)[1]))


def due_dates(first_on: date, frequency: Frequency, count: int) -> tuple[date, ...]:
    """The first date and those that follow, strictly rising.

    Monthly keeps the first date's day: the 31st becomes the last day of a shorter month and the
    31st again after it. Twice a month adds the day 15 later, or 15 earlier for a first date after
    the 15th: the 1st goes with the 16th, the 15th with the 30th, the 31st with the 16th; a day that
    the month does not have is its last one. Raises DateTooFar, ScheduleTooLong.
    """
    if count > MOST_PARTS:
        raise ScheduleTooLong
    if first_on.year > LAST_YEAR:
        raise DateTooFar
    if frequency is Frequency.MONTHLY:
        return tuple(add_months(first_on, n, first_on.day) for n in range(count))
    if frequency is Frequency.TWICE_A_MONTH:
        return _twice_a_month(first_on, count)
    step = timedelta(weeks=1 if frequency is Frequency.WEEKLY else 2)
    return tuple(first_on + n * step for n in range(count))


def _twice_a_month(first_on: date, count: int) -> tuple[date, ...]:
    late = first_on.day > 15
    low = first_on.day - 15 if late else first_on.day
    days = (low, low + 15)
    slots = ((n + late) for n in range(count))
    return tuple(add_months(first_on, slot // 2, days[slot % 2]) for slot in slots)


def most_parts(frequency: Frequency, months: int) -> int:
    """How many payments fit into so many months: 12 months are 52, 26, 24 or 12 payments."""
    return -(-PARTS_A_YEAR[frequency] * months // 12)


def most_parts_within(frequency: Frequency, days: int, *, apart: int = 0) -> int:
    """How many payments fit between a first and a last one so many days later; one always does.

    A month is counted as its longest, 31 days, so that no calendar makes it more. ``apart``: how
    far apart the two days are that a twice-monthly rhythm keeps to (0: half a month).
    """
    step = LONGEST_STEP[frequency]
    most = 1 + days * HALF_DAYS // step
    widest = max(apart, LONGEST_MONTH - apart) * HALF_DAYS if apart else step
    return most - (most % 2 == 0 and (most - 2) * step + widest > days * HALF_DAYS)


def parts_by_amount(
    total: Cents, amount: Cents, *, minimum: Cents, down: Cents = NOTHING
) -> tuple[Cents, ...]:
    """A total in payments of one amount; the last carries what is left.

    The first is at least ``down``. A rest below ``minimum`` (what can be charged at all) goes into
    the payment before it. Raises AmountNotPositive, ScheduleTooLong.
    """
    count = count_parts(total, amount, minimum=minimum, down=down)
    if count > MOST_PARTS:
        raise ScheduleTooLong
    if count == 1:
        return (total,)
    first = Cents(max(amount, down))
    middle = (amount,) * (count - 2)
    return (first, *middle, Cents(total - first - sum(middle)))


def count_parts(total: Cents, amount: Cents, *, minimum: Cents, down: Cents = NOTHING) -> int:
    """How many payments ``parts_by_amount`` makes; never more for a larger amount."""
    if total < 1 or amount < 1:
        raise AmountNotPositive
    rest = total - max(amount, down)
    if rest < minimum:
        return 1
    whole, left = divmod(rest, amount)
    return 1 + whole + (left >= minimum)


def smallest_regular(total: Cents, most: int, *, minimum: Cents, down: Cents = NOTHING) -> Cents:
    """The smallest amount of which ``parts_by_amount`` makes at most so many payments of a total.

    In cents; it is exact: a cent less would take one payment more, or fall below ``minimum``.
    """
    spread = total - minimum + 1
    even = -(-spread // most)
    if down > even and most > 1:
        even = -(-(spread - down) // (most - 1))
    return Cents(max(even, minimum))


def parts_by_count(total: Cents, count: int, *, down: Cents = NOTHING) -> tuple[Cents, ...]:
    """A total in so many payments, equal but for the last, which carries the remainder.

    The first is at least ``down``. Raises AmountNotPositive, ScheduleTooLong.
    """
    if count < 1 or total < count:
        raise AmountNotPositive
    if count > MOST_PARTS:
        raise ScheduleTooLong
    if down > total // count and count > 1:
        return (down, *split(Cents(total - down), count - 1))
    return split(total, count)


def schedule(
    total: Cents, parts: Sequence[Cents], dates: Sequence[date], *, currency: str
) -> Schedule:
    """Dated parts of a total. Raises PartTooSmall for a part that cannot be charged."""
    minimum = minimum_charge(currency)
    if sum(parts) != total or min(parts) < minimum:
        raise PartTooSmall(minimum=Money(minimum, currency))
    return tuple(zip(dates, parts, strict=True))


def shorten(parts: Schedule, new_total: Cents, *, minimum: Cents) -> Schedule:
    """What is left of unpaid parts when less is owed: cut from the end, so that the dates stay.

    No part becomes larger than agreed: a rest below ``minimum`` is topped up from the part before
    it. Only where that part has too little to give are the two put together. A total below
    ``minimum`` stays as one part, although nobody can charge it. Raises ScheduleCannotGrow.
    """
    left = sum(cents for _, cents in parts)
    if new_total > left or new_total < 0:
        raise ScheduleCannotGrow
    kept: list[Part] = []
    owed = int(new_total)
    for due_on, cents in parts:
        if owed <= 0:
            break
        kept.append((due_on, Cents(min(cents, owed))))
        owed -= cents
    return _topped_up(kept, minimum)


def _topped_up(kept: list[Part], minimum: Cents) -> Schedule:
    if len(kept) < 2 or kept[-1][1] >= minimum:
        return tuple(kept)
    (before_on, before), (last_on, last) = kept[-2:]
    missing = minimum - last
    if before - missing >= minimum:
        return (*kept[:-2], (before_on, Cents(before - missing)), (last_on, minimum))
    return (*kept[:-2], (before_on, Cents(before + last)))
