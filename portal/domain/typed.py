"""What people type for dates, understood or asked for again."""

from datetime import date

from portal.domain import N_, DomainError


class DateUnclear(DomainError):
    """What was typed is not a day of the calendar."""

    message = N_("Enter a real date, with digits for the month, the day and the year.")


def day(year: str, month: str, day_of_month: str) -> date:
    """The date in three boxes; the year with four digits. Raises DateUnclear."""
    parts = [part.strip() for part in (year, month, day_of_month)]
    short = len(parts[0]) == 4 and max(map(len, parts)) <= 4
    if not short or not all(part.isascii() and part.isdigit() for part in parts):
        raise DateUnclear
    try:
        return date(*map(int, parts))
    except ValueError as error:
        raise DateUnclear from error
