"""Passwords that are guessed first, known without asking anybody.

``data/common_passwords.bin`` has the first five bytes of the SHA-256 of each, sorted: 40,101 of
them, from the lists of Django 5.2.19 (BSD) and zxcvbn 4.5.0 (MIT), both of published leaks. A
false alarm is one in 27 million. This makes it again, from text files with one password a line:

    python -m portal.rules.common_passwords FILE…
"""

import sys
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

DATA = Path(__file__).parent / "data" / "common_passwords.bin"
SIZE = 5
SHORTEST_CORE = 4


def is_common(password: str) -> bool:
    """Whether a password is one of them, or one of them with digits and signs around it.

    Also one that is written several times over, and what goes on as it begins: ``password2026!``,
    ``qwertyqwerty``, ``123456789012``.
    """
    known, folded = _known(), password.strip().casefold()
    if len({(ord(after) - ord(one)) % 10 for one, after in pairwise(folded)}) <= 1:
        return True
    core = folded.strip("".join({mark for mark in folded if not mark.isalpha()}))
    forms = {folded, core, _once(folded), _once(core)}
    return any(_hash(form) in known for form in forms if len(form) >= SHORTEST_CORE)


def _once(text: str) -> str:
    """What is left of a text that repeats itself."""
    period = (text + text).find(text, 1) if text else 0
    return text[:period]


@cache
def _known() -> frozenset[bytes]:
    body = DATA.read_bytes()
    return frozenset(body[at : at + SIZE] for at in range(0, len(body), SIZE))


def _hash(password: str) -> bytes:
    return sha256(password.encode("utf-8", "replace")).digest()[:SIZE]


def pack(passwords: Iterable[str]) -> bytes:
    """The file's bytes for these passwords."""
    return b"".join(sorted({_hash(one.casefold()) for one in passwords if one}))


if __name__ == "__main__":
    lines = [line for path in sys.argv[1:] for line in Path(path).read_text().splitlines()]
    DATA.write_bytes(pack(lines))
