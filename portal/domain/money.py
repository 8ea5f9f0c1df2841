"""Money: integer cents, exact parts, and amounts as people type them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NewType

from portal.domain import N_, DomainError

Cents = NewType("Cents", int)

NOTHING: Final = Cents(0)
WHOLE_BPS: Final = 10_000
LARGEST_CENTS: Final = Cents(100_000_000_000)
MINIMUM_CHARGE_CENTS: Final = {"USD": Cents(50), "CAD": Cents(50)}
SYMBOLS: Final = {"USD": "$", "CAD": "CA$"}

_SPACES = re.compile(r"[\u00a0\u202f\u2009\u2007 \t]+")
_SIGN = r"(?:(?:US|CA|C)\s?\$|\$\s?(?:US|CA)|\$|USD|CAD)"
_SIGNED = re.compile(rf"^{_SIGN}?\s?(?P<number>[^$A-Za-z]*?)\s?{_SIGN}?$", re.IGNORECASE)
_POINT = re.compile(r"(?P<whole>\d+|\d{1,3}(?:[, ]\d{3})+)?(?:\.(?P<part>\d{1,2}))?")
_COMMA = re.compile(r"(?P<whole>\d+|\d{1,3}(?:[. ]\d{3})+)?(?:,(?P<part>\d{1,2}))?")
_COMMA_AFTER_GROUPS = re.compile(r"(?P<whole>\d{1,3}(?:[. ]\d{3})+),(?P<part>\d{1,2})")
_POINT_ALONE = re.compile(r"(?P<whole>\d+|\d{1,3}(?:,\d{3})+)?\.(?P<part>\d{1,2})")


class AmountMissing(DomainError):
    """Nothing was typed."""

    message = N_("Enter an amount.")


class AmountUnclear(DomainError):
    """What was typed can be read in two ways, or in none."""

    message = N_("Write the amount with digits, for example 80 or 80.50.")


class AmountNotPositive(DomainError):
    """Zero or less was typed."""

    message = N_("Enter an amount above zero.")


class AmountTooLarge(DomainError):
    """More was typed than any debt here can be."""

    message = N_("That amount is too large. Check the number.")


class PartTooSmall(DomainError):
    """A part would fall below the smallest payment that can be taken."""

    message = N_("Each payment must be at least %(minimum)s.")


class CurrencyNotSupported(DomainError):
    """Only currencies with a known minimum charge are collected."""

    message = N_("We cannot take payments in %(currency)s.")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its currency, as a parameter of a sentence; the page formats it."""

    cents: Cents
    currency: str

    def __str__(self) -> str:
        sign = "-" if self.cents < 0 else ""
        whole, part = divmod(abs(self.cents), 100)
        return f"{sign}{SYMBOLS.get(self.currency, self.currency + ' ')}{whole:,}.{part:02}"


def minimum_charge(currency: str) -> Cents:
    """The smallest payment Stripe takes in this currency, in cents.

    Raises CurrencyNotSupported.
    """
    try:
        return MINIMUM_CHARGE_CENTS[currency]
    except KeyError:
        raise CurrencyNotSupported(currency=currency) from None


def share_of(paid: Cents, open_cents: Cents, after: Cents, *, least: Cents) -> Cents:
    """How much of a payment a part gets, so that what stays of it can still be paid; in cents.

    ``after`` is what can still be paid beyond it: where that is nothing, the part gets all it can.
    """
    taken = min(paid, open_cents)
    missing = least - (open_cents - taken)
    if taken == open_cents or not 0 < missing <= taken or after < missing + least:
        return Cents(taken)
    return Cents(taken - missing)


def is_too_little(owed: Cents, currency: str) -> bool:
    """Whether something is owed, but less than anybody can be charged."""
    return 0 < owed < MINIMUM_CHARGE_CENTS.get(currency, NOTHING)


def rest_of_part(amount: Cents, parts: Sequence[Cents]) -> Cents:
    """What an amount leaves open of the part that it reaches into, where parts are paid in order.

    All in cents; 0 where it pays every part that it touches.
    """
    for part in parts:
        if amount < part:
            return Cents(part - amount) if amount else Cents(0)
        amount = Cents(amount - part)
    return Cents(0)


def share(amount: Cents, bps: int) -> Cents:
    """A share of an amount in basis points, rounded up to the cent."""
    return Cents(-(-amount * bps // WHOLE_BPS))


def split(total: Cents, parts: int) -> tuple[Cents, ...]:
    """A total in equal parts that sum to it exactly; the last carries the remainder.

    Raises AmountNotPositive when the total is too small to give each part a cent.
    """
    if parts < 1 or total < parts:
        raise AmountNotPositive
    each = total // parts
    return (*(Cents(each) for _ in range(parts - 1)), Cents(total - each * (parts - 1)))


def parse_amount(text: str, *, decimal_comma: bool = False) -> Cents:
    """What a debtor typed as an amount, in cents.

    Takes 80, 80.5, $80.50, 1,000 and 1 000,00. With ``decimal_comma`` (French pages) 80,50 too.
    What could be read in two ways (1.240) is refused, never guessed.
    Raises AmountMissing, AmountUnclear, AmountNotPositive, AmountTooLarge.
    """
    typed = _SPACES.sub(" ", text).strip()
    if not typed:
        raise AmountMissing
    if len(typed) > 40:
        raise AmountTooLarge if typed.isascii() and typed.isdigit() else AmountUnclear
    if typed[0] in "-\u2212\u2013" and any(unicodedata.category(c) == "Nd" for c in typed):
        raise AmountNotPositive
    signed = _SIGNED.match(typed)
    number = signed["number"] if signed and signed["number"].isascii() else ""
    cents = _read(number, decimal_comma=decimal_comma)
    if cents == 0:
        raise AmountNotPositive
    if cents > LARGEST_CENTS:
        raise AmountTooLarge
    return cents


def _read(number: str, *, decimal_comma: bool) -> Cents:
    forms = (_COMMA, _POINT_ALONE) if decimal_comma else (_POINT, _COMMA_AFTER_GROUPS)
    found = next((match for form in forms if (match := form.fullmatch(number))), None)
    if found is None or not number or (decimal_comma and _looks_like_thousands(number)):
        raise AmountUnclear
    whole = re.sub(r"\D", "", found["whole"] or "0")
    return Cents(int(whole) * 100 + int((found["part"] or "").ljust(2, "0")))


def _looks_like_thousands(number: str) -> bool:
    return re.fullmatch(r"\d{1,3}(?:\.\d{3})+", number) is not None
