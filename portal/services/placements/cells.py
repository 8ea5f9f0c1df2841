"""What stands in a cell: text, days, amounts, yes and no."""

import re
import unicodedata
from datetime import date

from portal.domain.money import Cents
from portal.domain.spreadsheets import FORMULA_STARTS
from portal.domain.wording import clean_text

LONGEST_TEXT = 200
LONGEST_REFERENCE = 64
LARGEST_WHOLE = 100_000_000
DECIMALS = {"USD": 2, "CAD": 2}
"""The currencies we take, and how many decimals each has."""

_SPACES = re.compile(r"\s+")
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
_US = re.compile(r"(\d{1,2})([-/])(\d{1,2})\2(\d{4})(?: 0?0:00(?::00)?)?", re.ASCII)
_SHORT_YEAR = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2}", re.ASCII)
_COMPACT = re.compile(r"(?:19|20)\d{6}", re.ASCII)
_SIMPLE = re.compile(r"(\d{1,8})\.(\d\d)", re.ASCII)
_AMOUNT = re.compile(
    r"(?P<open>\()?\s*(?P<minus>[-\u2212])?\s*(?P<mark>US\$|CA\$|CAD\$|C\$|USD|CAD|\$)?"
    r"\s*(?P<inner>[-\u2212])?\s*(?P<digits>\d[\d.,'\u2019\s]*|[.,]\d+)"
    r"(?P<after>US\$|CA\$|USD|CAD|\$)?\s*(?P<last>[-\u2212])?\s*(?P<close>\))?",
    re.ASCII | re.IGNORECASE,
)
_NUMBERS = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"(\d*)\.(\d+)",
        r"(\d+)()",
        r"([1-9]\d{0,2}(?:,\d{3})+)(?:\.(\d+))?",
        r"([1-9]\d{0,2}(?:[ '\u2019]\d{3})+)(?:[.,](\d+))?",
        r"([1-9]\d{0,2}(?:\.\d{3})+),(\d+)",
        r"(\d*),(\d+)",
    )
)
_MARKS = {"US$": "USD", "USD": "USD", "CA$": "CAD", "CAD$": "CAD", "C$": "CAD", "CAD": "CAD"}
_YES = frozenset(["yes", "y", "true", "t", "1", "si", "sí", "oui"])
_NO = frozenset(["no", "n", "false", "f", "0", "non"])


class Unusable(Exception):
    """A cell cannot mean what its column holds; ``reason`` says what to do about it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_text(cell: str) -> str:
    """The text as it is kept: NFC, on one line, without control characters.

    The apostrophe that guards a formula in a rejects file is taken off again.
    """
    if cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS):
        cell = cell[1:]
    if cell.isascii() and cell.isprintable():
        text = cell.strip()
    else:
        text = _SPACES.sub(" ", clean_text(cell.replace("\x00", "")))
    if len(text) > LONGEST_TEXT:
        raise Unusable(f"The cell holds more than {LONGEST_TEXT} characters: shorten it.")
    return text


def read_day(cell: str) -> date:
    """A day as 2026-03-27 or 3/27/2026; the month comes first where slashes are used.

    Raises Unusable.
    """
    if len(cell) == 10 and cell[4] == "-":
        found = _day(cell[:4], cell[5:7], cell[8:]) if cell[7] == "-" else None
    elif iso := _ISO.fullmatch(cell):
        found = _day(iso[1], iso[3], iso[4])
    elif us := _US.fullmatch(cell):
        found = _day(us[4], us[1], us[3])
    elif _COMPACT.fullmatch(cell):
        found = _day(cell[:4], cell[4:6], cell[6:])
    elif _SHORT_YEAR.fullmatch(cell):
        raise Unusable("The year has two digits: write it with four, as in 03/27/2026.")
    else:
        raise Unusable("This is not a date: write it as 2026-03-27 or 03/27/2026.")
    if found is None:
        raise Unusable("There is no such day: write it as 2026-03-27 or 03/27/2026.")
    return found


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def read_currency(cell: str) -> str:
    """The code of a currency that we take. Raises Unusable."""
    code = cell.strip().upper()
    if code not in DECIMALS:
        raise Unusable(f"The portal takes {' and '.join(DECIMALS)} only: write one of these.")
    return code


def read_cents(cell: str, currency: str) -> Cents:
    """An amount in minor units, never rounded: ``1,234.56``, ``$1 234,56`` or ``(12.50)``.

    One comma before three digits is a thousands separator. Raises Unusable.
    """
    if simple := _SIMPLE.fullmatch(cell):
        return Cents(int(simple[1]) * 100 + int(simple[2]))
    text = unicodedata.normalize("NFKC", cell).strip()
    found = _AMOUNT.fullmatch(text)
    signs = [found[name] for name in ("open", "minus", "inner", "last")] if found else []
    if found is None or bool(found["open"]) != bool(found["close"]) or sum(map(bool, signs)) > 1:
        raise Unusable("This is not an amount: write it with digits only, as in 1234.56.")
    _check_mark(found, currency)
    whole, fraction = _number(found["digits"].strip())
    if len(fraction) > DECIMALS[currency]:
        raise Unusable(
            f"The amount has more decimals than {currency} has: write it with two, as in 1234.56."
        )
    if whole >= LARGEST_WHOLE:
        raise Unusable("The amount is too large to be right: check its decimal point.")
    cents = whole * 100 + int(fraction.ljust(2, "0") or "0")
    return Cents(-cents if any(signs) else cents)


def _check_mark(found: re.Match[str], currency: str) -> None:
    for mark in (found["mark"], found["after"]):
        if _MARKS.get((mark or "").upper(), currency) != currency:
            raise Unusable(f"The amount is marked {mark}, but the account is in {currency}.")


def _number(digits: str) -> tuple[int, str]:
    for pattern in _NUMBERS:
        if found := pattern.fullmatch(digits):
            whole = re.sub(r"[^0-9]", "", found[1])
            return int(whole or "0") if len(whole) < 16 else LARGEST_WHOLE, found[2] or ""
    raise Unusable("This is not an amount: write it with digits only, as in 1234.56.")


def read_yes(cell: str) -> bool:
    """Yes or no. Raises Unusable."""
    word = cell.strip().casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise Unusable("Write yes or no here.")
