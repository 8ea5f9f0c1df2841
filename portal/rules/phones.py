"""Phone numbers as files and people write them."""

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

MOST_ZONES = 6
"""More zones than this is a number that is tied to no place, such as a toll-free one."""

_NORTH_AMERICAN = re.compile(
    r"(?:\+?1[-. ]?)?(?:\(([2-9]\d{2})\) ?|([2-9]\d{2})[-. ]?)([2-9]\d{2})[-. ]?(\d{4})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Phone:
    """A valid number in E.164, and the time zones that it speaks for; none where it tells nothing.

    ``textable`` is false for kinds of number that take no text message.
    """

    e164: str
    zones: tuple[str, ...]
    textable: bool


def parse_phone(text: str, country: str = "US") -> Phone | None:
    """The number in a text, read as in that country, or None where it is not a valid one.

    An extension is dropped: nobody can be texted at one, so the number is then not ``textable``.
    """
    if country in ("US", "CA") and (found := _NORTH_AMERICAN.fullmatch(text.strip())):
        area = found[1] or found[2]
        block = _block(f"+1{area}{found[3]}")
        return block and Phone(f"+1{area}{found[3]}{found[4]}", block.zones, block.textable)
    return _parse(text, country)


@lru_cache(maxsize=65_536)
def _block(start: str) -> Phone | None:
    """What holds for a whole block of 10,000 numbers of North America: the plan is by block."""
    return _parse(f"{start}2345", "US")


def _parse(text: str, country: str) -> Phone | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    from phonenumbers import timezone  # noqa: PLC0415 - only who has a new number pays for it

    zones = timezone.time_zones_for_number(number)
    known = zones if len(zones) <= MOST_ZONES and "Etc/Unknown" not in zones else ()
    kind = phonenumbers.number_type(number)
    return Phone(
        e164=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        zones=tuple(sorted(known)),
        textable=kind in TEXTABLE and not number.extension,
    )


_KINDS = phonenumbers.PhoneNumberType
TEXTABLE = frozenset({_KINDS.MOBILE, _KINDS.FIXED_LINE_OR_MOBILE, _KINDS.VOIP, _KINDS.UNKNOWN})
