"""What people type for amounts and dates, understood or asked for again."""

import re
from datetime import date

from portal.domain import N_, DomainError
from portal.domain.money import Cents

LARGEST = Cents(10_000_000_00)

_NOISE = re.compile(r"US\$|CA\$|\$ ?(?:US|CA)|USD|CAD|[$ \u00a0\u202f']", re.IGNORECASE)
_PLAIN = re.compile(r"(\d+)(?:[.,](\d{1,2}))?")
_COMMAS = re.compile(r"(\d{1,3}(?:,\d{3})+)(?:\.(\d{1,2}))?")
_POINTS = re.compile(r"(\d{1,3}(?:\.\d{3})+),(\d{1,2})")


class AmountMissing(DomainError):
    """No amount was typed."""

    message = N_("Enter an amount.")


class AmountUnclear(DomainError):
    """The amount could be read in two ways, or in none."""

    message = N_("Write the amount with digits, for example 80 or 80.50.")


class AmountOutOfReach(DomainError):
    """The amount is zero, or larger than any debt."""

    message = N_("Enter an amount more than zero.")


class DateUnclear(DomainError):
    """What was typed is not a day of the calendar."""

    message = N_("Enter a real date, with digits for the month, the day and the year.")


def amount(text: str, *, comma_is_decimal: bool = False) -> Cents:
    """The amount in cents that a person typed: 80, 80.5, $80.50, 1,000.

    ``comma_is_decimal``: the reader's language writes 80,50, so that 1,000 could be one or a
    thousand. Raises AmountMissing, AmountUnclear (1.240) or AmountOutOfReach.
    """
    digits = _NOISE.sub("", text)
    if not digits:
        raise AmountMissing
    shapes = (_PLAIN, _POINTS) if comma_is_decimal else (_PLAIN, _COMMAS, _POINTS)
    found = next((match for shape in shapes if (match := shape.fullmatch(digits))), None)
    if found is None:
        raise AmountUnclear
    whole, fraction = found[1].replace(",", "").replace(".", ""), (found[2] or "").ljust(2, "0")
    cents = Cents(int(whole) * 100 + int(fraction)) if len(whole) < 12 else LARGEST
    if not 0 < cents < LARGEST:
        raise AmountOutOfReach
    return cents


def day(year: str, month: str, day_of_month: str) -> date:
    """The date in three boxes; the year with four digits. Raises DateUnclear."""
    parts = [part.strip() for part in (year, month, day_of_month)]
    if not all(part.isascii() and part.isdigit() for part in parts) or len(parts[0]) != 4:
        raise DateUnclear
    try:
        return date(*map(int, parts))
    except ValueError as error:
        raise DateUnclear from error
