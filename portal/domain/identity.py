"""Answers that prove who somebody is: how they are read, and how they are kept (PR-01).

Only keyed hashes are kept. A hash of eight digits is guessed in a second, so the key (``pepper``)
is what protects it; it never lies in the database.
"""

import hmac
import re
import unicodedata
from datetime import date
from enum import StrEnum
from uuid import UUID

from portal.domain import N_, DomainError
from portal.domain.wording import exact_name

OLDEST_YEAR = 1890

_ISO = re.compile(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})", re.ASCII)
_US = re.compile(r"(\d{1,2})[-/. ]+(\d{1,2})[-/. ]+(\d{4})", re.ASCII)
_ZIP = re.compile(r"(\d{5})(?:[- ]?\d{4})?", re.ASCII)
_CANADIAN = re.compile(
    r"([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])[- ]?(\d[ABCEGHJ-NPRSTV-Z]\d)", re.ASCII
)


class Factor(StrEnum):
    """A fact that a debtor can prove knowing."""

    DATE_OF_BIRTH = "date_of_birth"
    POSTAL_CODE = "postal_code"
    LAST_FOUR = "last_four"


class DigitsNotPlain(DomainError):
    """The answer holds digits other than 0 to 9."""

    message = N_("Please use the digits 0 to 9.")


class DateOfBirthImpossible(DomainError):
    """There is no such day, or nobody living was born on it."""

    message = N_("Enter a real date of birth. For example, 3 27 1985.")


class YearIncomplete(DomainError):
    """The year has fewer than four digits, so the century would be a guess."""

    message = N_("Enter the year with 4 digits. For example, 1985.")


class PostalCodeUnreadable(DomainError):
    """The answer is neither a ZIP code nor a Canadian postal code."""

    message = N_("Enter a ZIP code or postal code. For example, 90210 or K1A 0B1.")


class LastFourUnreadable(DomainError):
    """The answer is not four digits."""

    message = N_("Enter the last 4 digits only.")


def date_of_birth(month: str, day: str, year: str, *, today: date) -> date:
    """The date in three boxes. Raises DigitsNotPlain, YearIncomplete, DateOfBirthImpossible."""
    boxes = [_plain(box) for box in (month, day, year)]
    if not all(re.fullmatch(r"[0-9]{1,4}", box) for box in boxes):
        raise DateOfBirthImpossible
    if len(boxes[2]) < 4:
        raise YearIncomplete
    month_number, day_number, year_number = map(int, boxes)
    try:
        born_on = date(year_number, month_number, day_number)
    except ValueError:
        raise DateOfBirthImpossible from None
    if born_on.year < OLDEST_YEAR or born_on > today:
        raise DateOfBirthImpossible
    return born_on


def date_of_birth_text(text: str, *, today: date) -> date:
    """The date in one box or one cell: 1985-03-27, 3/27/1985 or 03271985.

    Raises as ``date_of_birth`` does.
    """
    plain = _plain(text)
    if re.fullmatch(r"[0-9]{8}", plain):
        return date_of_birth(plain[:2], plain[2:4], plain[4:], today=today)
    if found := _ISO.fullmatch(plain):
        year, month, day = found.groups()
    elif found := _US.fullmatch(plain):
        month, day, year = found.groups()
    else:
        raise DateOfBirthImpossible
    return date_of_birth(month, day, year, today=today)


def postal_code(text: str) -> str:
    """A ZIP code as its five digits, a Canadian code as ``K1A 0B1``.

    Raises DigitsNotPlain, PostalCodeUnreadable.
    """
    plain = _plain(text).upper()
    if found := _ZIP.fullmatch(plain):
        return found[1]
    if found := _CANADIAN.fullmatch(plain):
        return f"{found[1]} {found[2]}"
    raise PostalCodeUnreadable


def last_four(text: str) -> str:
    """The last four digits of a number. Raises DigitsNotPlain, LastFourUnreadable."""
    plain = _plain(text)
    if not re.fullmatch(r"[0-9]{4}", plain):
        raise LastFourUnreadable
    return plain


def identity_message(kind: str, value: str) -> bytes:
    """The bytes that a keyed hash is taken of: two values never share them."""
    return b"\x1f".join((b"portal.identity.v1", kind.encode(), value.encode()))


def keyed_hash(pepper: bytes, client_id: UUID, kind: str, value: str) -> bytes:
    """HMAC-SHA256 of an answer, 32 bytes; the same answer at two clients gives two hashes."""
    return hmac.digest(pepper, client_id.bytes + identity_message(kind, value), "sha256")


def same_hash(one: bytes, other: bytes) -> bool:
    """Whether two hashes are equal, in constant time."""
    return hmac.compare_digest(one, other)


def join_value(first_name: str, last_name: str, born_on: date, last_four_digits: str) -> str:
    """What makes two accounts one debtor's, for the keyed hash of kind ``join``.

    Exact name, date of birth and last four; never likeness, since a wrong merge shows a debt to
    a stranger.
    """
    names = (exact_name(first_name), exact_name(last_name))
    return "\x1f".join((*names, born_on.isoformat(), last_four_digits))


def _plain(text: str) -> str:
    """The answer trimmed, with full-width digits as plain ones. Raises DigitsNotPlain."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if any(mark.isdigit() and mark not in "0123456789" for mark in plain):
        raise DigitsNotPlain
    return plain
