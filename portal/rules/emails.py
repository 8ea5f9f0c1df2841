"""E-mail addresses: their syntax, and whose they seem to be (CT-07)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files

from email_validator import EmailNotValidError, validate_email

_PLAIN = re.compile(
    r"([a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*)@"
    r"((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,24})",
    re.ASCII,
)
LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254


class EmailClass(StrEnum):
    """Whose server an address is on; an employer's is known by record only, never guessed."""

    PUBLIC_DOMAIN = "public_domain"
    PRIVATE_DOMAIN = "private_domain"
    EMPLOYER_KNOWN = "employer_known"


@dataclass(frozen=True, slots=True)
class Email:
    """An address that could exist, in lower case, and its class."""

    address: str
    email_class: EmailClass


def parse_email(text: str) -> Email | None:
    """The address in a text, or None where no mail could be sent to it. DNS is not asked."""
    address = text.strip().casefold()
    plain = _PLAIN.fullmatch(address)
    if plain and len(address) <= LONGEST_ADDRESS and len(plain[1]) <= LONGEST_LOCAL_PART:
        return Email(address, _class(plain[2])) if _domain_stands(plain[2]) else None
    return _parse(address)


def _parse(address: str) -> Email | None:
    try:
        found = validate_email(address, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return None
    return Email(found.normalized, _class(found.ascii_domain))


@lru_cache(maxsize=16_384)
def _domain_stands(domain: str) -> bool:
    return _parse(f"a@{domain}") is not None


def _class(domain: str) -> EmailClass:
    public = domain in _public_domains()
    return EmailClass.PUBLIC_DOMAIN if public else EmailClass.PRIVATE_DOMAIN


@cache
def _public_domains() -> frozenset[str]:
    data = files("portal.rules").joinpath("data/public_email_domains.txt")
    return frozenset(data.read_text("utf-8").split())
