"""Codes that change every 30 seconds (RFC 6238), as authenticator apps make them.

HMAC-SHA1 and six digits: what every app knows. Twenty lines need no library.
"""

import base64
import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

SECRET_BYTES = 20
DIGITS = 6
STEP_S = 30
NEIGHBORS = 1
"""So many steps before and after count too: telephones are not on time."""


def step_at(now: datetime) -> int:
    """The number of the 30 seconds that a moment lies in."""
    return int(now.timestamp()) // STEP_S


def code_of(secret: bytes, step: int) -> str:
    """The code of a step, six digits (RFC 4226, 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = mac[-1] & 15
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_step(secret: bytes, typed: str, now: datetime) -> int | None:
    """The step that a typed code is of, if it is one of now or its neighbors."""
    code = typed.replace(" ", "")
    if not (len(code) == DIGITS and code.isascii() and code.isdigit()):
        return None
    middle = step_at(now)
    near = range(max(0, middle - NEIGHBORS), middle + NEIGHBORS + 1)
    found = [step for step in near if hmac.compare_digest(code_of(secret, step), code)]
    return max(found, default=None)


def as_text(secret: bytes) -> str:
    """A secret as people type it into an app: groups of four letters and digits (base32)."""
    plain = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def as_address(secret: bytes, *, issuer: str, account: str) -> str:
    """The address in the QR code that apps read."""
    given = {"secret": as_text(secret).replace(" ", ""), "issuer": issuer}
    named = urlencode(given, quote_via=quote)
    return f"otpauth://totp/{quote(issuer, safe='')}:{quote(account, safe='@')}?{named}"
