"""Whether a word of a name is the one that somebody heard, and the keys by which it is found.

Words are those of `search_key`: folded, without accents. Two words can only be alike where they
share a key, so that likeness is looked up by equality and judged here.
"""

import re
from difflib import SequenceMatcher
from enum import IntEnum

from portal.domain import N_

FEWEST_LETTERS = 4
"""Of the longer of two words that differ by one letter: shorter ones are nearly all alike."""
MOST_LETTERS = 24
"""Of a word with keys for typing errors, which bounds how many it has."""
_SPELLED, _SHORTENED, _SOUNDING = "=", "-", "~"
_LAST = "\U0010ffff"
_LATIN = re.compile(r"[a-z]+")
_VOWELS = re.compile(r"[aeiouy]")

# What letters sound like in English, French and Spanish names, in the order in which it is asked.
# X is the sound of "sh" and "ch", J that of a soft g.
_SOUNDS = tuple(
    (re.compile(letters), sound)
    for letters, sound in (
        (r"^(?:kn|gn|ng)", "n"),
        (r"^wr", "r"),
        (r"^ps", "s"),
        (r"^x", "J"),
        (r"x$", "s"),
        (r"x", "ks"),
        (r"chr", "kr"),
        (r"sch|tch|ch|sh", "X"),
        (r"(?<=[aeiou])ll(?=[ao]s?$)", ""),
        (r"(.)\1+", r"\1"),
        (r"(?<=[aeiou])(?:lt|l?d|t)s?$|(?<=au)s$", ""),
        (r"(?<=[rn])[dt]$", ""),
        (r"ph", "f"),
        (r"^gh", "g"),
        (r"gh", ""),
        (r"s?c(?=[eiy])", "s"),
        (r"ck|qu?|c", "k"),
        (r"d?g(?=[eiy])|j", "J"),
        (r"gu(?=[eiy])", "g"),
        (r"gn", "n"),
        (r"t?z", "s"),
        (r"v", "b"),
        (r"n(?=[bp])", "m"),
        (r"h|(?<!^)w", ""),
    )
)


class Likeness(IntEnum):
    """How a typed word leads to a word of a name, the surest first."""

    EXACT = 0
    BEGINS = 1
    LETTER = 2
    SOUND = 3


FOUND_BY = {
    "account": N_("Account"),
    "arrangement": N_("Agreement"),
    "payment": N_("Payment"),
    "proposal": N_("Proposal"),
    "request": N_("Help request"),
    "address": N_("E-mail address or phone"),
    "last_four": N_("Last four digits"),
    "exact": N_("Name"),
    "begins": N_("Name: it begins so"),
    "letter": N_("Name: one letter is different"),
    "sound": N_("Name: it sounds alike"),
}
"""What a search found an account by."""


def sound_of(word: str) -> str:
    """How a word sounds: its consonants, and that it begins with a vowel where it does.

    Empty where that is less than two sounds, and of words in other letters than a to z.
    """
    if not _LATIN.fullmatch(word) or len(word) > MOST_LETTERS:
        return ""
    for letters, sound in _SOUNDS:
        word = letters.sub(sound, word)
    spoken = _VOWELS.sub("a", word[:1]) + _VOWELS.sub("", word[1:])
    plain = re.sub(r"(.)\1+", r"\1", spoken)
    return plain if len(plain) > 1 else ""


def keys_of(word: str) -> frozenset[str]:
    """The keys that a word of a name is kept under."""
    shortened = _shortened(word) if FEWEST_LETTERS <= len(word) <= MOST_LETTERS else ()
    return frozenset({spelled(word), *(_SHORTENED + part for part in shortened), *_sounding(word)})


def keys_like(typed: str) -> frozenset[str]:
    """The keys of every word that differs from the typed one by one letter, or sounds like it."""
    if len(typed) > MOST_LETTERS + 1:
        return frozenset()
    shortened = _shortened(typed) if len(typed) >= FEWEST_LETTERS else ()
    ends = {mark + part for part in shortened for mark in (_SPELLED, _SHORTENED)}
    return frozenset({_SHORTENED + typed, *ends, *_sounding(typed)})


def spelled(word: str) -> str:
    """The key of the word itself."""
    return _SPELLED + word


def beginning(typed: str) -> tuple[str, str]:
    """From where to where the keys of words lie that begin like this, in the order of bytes."""
    return _SPELLED + typed, _SPELLED + typed + _LAST


def likeness(typed: str, word: str) -> Likeness | None:
    """How a typed word leads to a word of a name; None where it does not."""
    if typed == word:
        return Likeness.EXACT
    if word.startswith(typed):
        return Likeness.BEGINS
    if one_apart(typed, word) and max(len(typed), len(word)) >= FEWEST_LETTERS:
        return Likeness.LETTER
    sound = sound_of(typed)
    alike = sound and sound == sound_of(word) and 5 * apart(typed, word) <= 3 * len(typed + word)
    return Likeness.SOUND if alike else None


def apart(one: str, other: str) -> int:
    """How many letters of two words the other does not have in the same order."""
    if other.startswith(one):
        return len(other) - len(one)
    same = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return len(one) + len(other) - 2 * sum(block.size for block in same)


def one_apart(one: str, other: str) -> bool:
    """Whether one letter more, one less, another one or two swapped makes the first the second."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    lengths = len(one), len(other)
    return (lengths != (0, 0) and max(lengths) == 1) or (len(one) == 2 and one == other[::-1])


def _shortened(word: str) -> set[str]:
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def _sounding(word: str) -> tuple[str, ...]:
    sound = sound_of(word)
    return (_SOUNDING + sound,) if sound else ()
