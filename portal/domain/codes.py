"""Codes that people read aloud and type: no letter in them looks like another."""

import re
import unicodedata
from collections.abc import Callable, Sequence

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LETTER_CODE_LENGTH = 8

_SPACING = re.compile(r"[\s\-\u2010-\u2015_.]+")
_LOOKALIKES = str.maketrans("OIL", "011")
_RUNS = re.compile(r"[^\W\d_]+|\d+")


def random_symbols(randbytes: Callable[[int], bytes], length: int) -> str:
    """That many random symbols of Crockford's alphabet, 5 bits each."""
    return "".join(ALPHABET[byte & 31] for byte in randbytes(length))


def reference_code(randbytes: Callable[[int], bytes], *, prefix: str = "HR") -> str:
    """A reference to read aloud, such as HR-7K2M-91: 30 random bits, so keep it unique by a key."""
    symbols = random_symbols(randbytes, 6)
    return f"{prefix}-{symbols[:4]}-{symbols[4:]}"


def spellings(typed: str) -> Sequence[str]:
    """How a reference that was typed as it was heard or copied may be on file, as typed first."""
    plain = unicodedata.normalize("NFKC", typed).upper()
    words = [word for word in _SPACING.split(plain) if word]
    joined = "".join(words)
    symbols = normalize_symbols(joined[2:])
    ours = [f"{joined[:2]}-{symbols[:4]}-{symbols[4:]}"] if len(joined) == 8 else []
    runs = "-".join(_RUNS.findall(plain))
    return list(dict.fromkeys([typed, typed.upper(), "-".join(words), joined, runs, *ours]))


def letter_code(randbytes: Callable[[int], bytes]) -> str:
    """The code printed in a letter, in the form to store: 8 symbols, 40 random bits."""
    return random_symbols(randbytes, LETTER_CODE_LENGTH)


def spaced(code: str) -> str:
    """A letter code as it is printed: K7MP42XD as K7MP-42XD."""
    return f"{code[:4]}-{code[4:]}"


def unbroken(code: str) -> str:
    """A spaced code as paper has it: its hyphen is never cut at the end of a line."""
    return code.replace("-", "\u2011")


def normalize_symbols(text: str) -> str:
    """What somebody typed, as symbols: upper case, no spacing, O as 0, I and L as 1."""
    return _SPACING.sub("", text).upper().translate(_LOOKALIKES)


def normalize_letter_code(text: str) -> str | None:
    """The stored form of a typed letter code, or None where it cannot be one."""
    code = normalize_symbols(text[:64])
    fits = len(code) == LETTER_CODE_LENGTH and all(symbol in ALPHABET for symbol in code)
    return code if fits else None


SPOKEN = {
    word[0]: word
    for word in (
        *("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "Juliett"),
        *("Kilo", "Mike", "November", "Papa", "Quebec", "Romeo", "Sierra", "Tango", "Victor"),
        *("Whiskey", "X-ray", "Yankee", "Zulu"),
    )
}
"""The words of the radio alphabet for each letter of ours, which every language knows."""


def aloud(symbol: str) -> tuple[str, str]:
    """A symbol of a code with the word that tells it from others; a digit is its own."""
    return symbol, SPOKEN.get(symbol, "")
