"""Text that people typed, and personal data as it may be shown."""

import re
import unicodedata

_SPACES = re.compile(r"\s+")
_NOT_WORDS = re.compile(r"[\W_]+")
_SILENT = re.compile(r"['\u2018\u2019\u02bc`\u00b4.]")
_UNFOLDED = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_PLANE_ENDS = "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_DOT = "\u2022"

IMPOSSIBLE = re.compile(f"[\ud800-\udfff\ufdd0-\ufdef{_PLANE_ENDS}]")
"""Surrogates and noncharacters, which I-JSON forbids (RFC 7493 §2.1)."""


def clean_text(text: str) -> str:
    """Typed text fit to keep: NFC, line ends as \\n, no control or impossible characters.

    Of nothing but marks that nobody sees, such as U+200B, nothing is kept.
    """
    unified = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    words = _CONTROLS.sub("", IMPOSSIBLE.sub("", unified)).strip()
    return words if any(mark.isprintable() and not mark.isspace() for mark in words) else ""


def exact_name(name: str) -> str:
    """A name for exact comparison: NFC, trimmed, single spaces, case folded."""
    folded = unicodedata.normalize("NFC", name).casefold()
    return unicodedata.normalize("NFC", _SPACES.sub(" ", folded).strip())


def search_key(name: str) -> str:
    """A name for search: without accents, case, apostrophes or punctuation.

    ``O’Ñandú-Łukasiewicz`` is found as ``onandu lukasiewicz``. Never used to join debtors.
    """
    spread = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    plain = "".join(mark for mark in spread if not unicodedata.combining(mark))
    return _NOT_WORDS.sub(" ", _SILENT.sub("", plain).translate(_UNFOLDED)).strip()


def mask_email(address: str) -> str:
    """An e-mail address to recognise but not to learn: a•••@example.com."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}{_DOT * 3}@{domain}"


def mask_phone(number: str) -> str:
    """A phone number to recognise but not to learn: •••-•••-1234."""
    return f"{_DOT * 3}-{_DOT * 3}-{number[-4:]}"


def mask_name(name: str) -> str:
    """A name to recognise but not to learn: D••• R•••."""
    return " ".join(word[:1] + _DOT * 3 for word in name.split())


def mask_tail(reference: str) -> str:
    """An account number by its last four characters: ••••4471."""
    return f"{_DOT * 4}{reference[-4:]}" if len(reference) > 4 else _DOT * 4
