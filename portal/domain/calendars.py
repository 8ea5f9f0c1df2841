"""Holidays and working days, computed from the law's own words."""

from datetime import date, timedelta
from functools import lru_cache

MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6
DAY = timedelta(days=1)


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th such weekday of a month, counted from 1."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def weekday_before(day: date, weekday: int) -> date:
    """The last such weekday strictly before a day."""
    return day - timedelta(days=(day.weekday() - weekday - 1) % 7 + 1)


def easter_on(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Butcher's rule)."""
    century, rest = divmod(year, 100)
    moon = (
        19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15
    ) % 30
    week = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    shift = moon + week - 7 * ((year % 19 + 11 * moon + 22 * week) // 451) + 114
    return date(year, shift // 31, shift % 31 + 1)


@lru_cache
def _us_holidays(year: int) -> frozenset[date]:
    fixed = [
        date(year, 1, 1),
        date(year, 6, 19),
        date(year, 7, 4),
        date(year, 11, 11),
        date(year, 12, 25),
        date(year + 1, 1, 1),
    ]
    moving = [
        nth_weekday(year, 1, MONDAY, 3),
        nth_weekday(year, 2, MONDAY, 3),
        weekday_before(date(year, 6, 1), MONDAY),
        nth_weekday(year, 9, MONDAY, 1),
        nth_weekday(year, 10, MONDAY, 2),
        nth_weekday(year, 11, THURSDAY, 4),
    ]
    observed = {SATURDAY: -DAY, SUNDAY: DAY}
    shifted = [day + observed.get(day.weekday(), timedelta()) for day in fixed]
    return frozenset(day for day in (*fixed, *moving, *shifted) if day.year == year)


@lru_cache
def _ca_holidays(year: int) -> frozenset[date]:
    days = [
        date(year, 1, 1),
        easter_on(year) - timedelta(days=2),
        weekday_before(date(year, 5, 25), MONDAY),
        date(year, 7, 1),
        nth_weekday(year, 9, MONDAY, 1),
        date(year, 9, 30),
        nth_weekday(year, 10, MONDAY, 2),
        date(year, 11, 11),
        date(year, 12, 25),
        date(year, 12, 26),
    ]
    taken = set(days)
    for day in days:
        taken.add(_first_free(day, taken) if day.weekday() >= SATURDAY else day)
    return frozenset(taken)


def _first_free(day: date, taken: set[date]) -> date:
    while day.weekday() >= SATURDAY or day in taken:
        day += DAY
    return day


HOLIDAYS = {"US": _us_holidays, "CA": _ca_holidays}


def is_working_day(day: date, *, country: str = "US") -> bool:
    """Whether a day is neither a weekend nor a federal holiday of the country.

    US: the days of 5 USC 6103(a), and those on which they are observed. Canada: the general
    holidays of Canada Labour Code s. 166, moved to the next working day.
    """
    return day.weekday() < SATURDAY and day not in HOLIDAYS[country](day.year)


def add_working_days(day: date, n: int, *, country: str = "US") -> date:
    """The n-th working day after a day, for promises such as "we answer by"."""
    while n > 0:
        day += DAY
        n -= is_working_day(day, country=country)
    return day
