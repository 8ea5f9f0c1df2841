"""What people answer to our texts: a stop is obeyed however it is said (EC-06)."""

import unicodedata
from datetime import UTC, date, datetime
from enum import StrEnum

from portal.domain import reply_words as table


class Meaning(StrEnum):
    """What a text from a debtor's phone means for us.

    ``stop`` is a keyword of the law; ``revoked`` are words of their own that a reasonable person
    reads as one, so a person of ours reads them too. ``doubtful`` may be one: texts pause until a
    person of ours has read it.
    """

    STOP = "stop"
    REVOKED = "revoked"
    WRONG_PERSON = "wrong_person"
    HELP = "help"
    DOUBTFUL = "doubtful"
    OTHER = "other"


class Scope(StrEnum):
    """What a stop by text ends: texts to this number, or to every number of this person."""

    NUMBER = "number"
    ALL_ROBOTEXTS = "all_robotexts"


ALL_FROM = date(2027, 1, 31)
"""From this day on a revocation counts for all robotexts of a caller (47 CFR 64.1200(a)(10))."""


def revocation_scope(now: datetime) -> Scope:
    """What a stop ends now. The day begins with that of UTC, hours before any of the US."""
    return Scope.ALL_ROBOTEXTS if now.astimezone(UTC).date() >= ALL_FROM else Scope.NUMBER


LONGEST = 1600
"""No network carries more; the rest of a longer one is not read."""
_SIGNS = frozenset("\U0001f6d1\U0001f6ab\u26d4\u270b\U0001f590\U0001f595\u274c\U0001f44e")
"""Pictures that say stop: the sign, a hand, a cross, a thumb down."""


def read_reply(text: str) -> Meaning:
    """What a text means, in English, Spanish or French, however it is typed.

    A keyword alone is obeyed as the law has it; in a sentence, whatever a reasonable person reads
    as a wish to be left alone counts as one (EC-06). In doubt we write less.
    """
    words = table.plain_words(text[:LONGEST])
    if words.replace(" ", "") in table.STOPS:
        return Meaning.STOP
    rest = table.HARMLESS.sub("| ", f"{words} ")
    clear = table.DOUBTFUL.sub("| ", rest)
    if table.WRONG.search(clear):
        return Meaning.WRONG_PERSON
    if table.REVOKED.search(clear):
        return Meaning.REVOKED
    if words in table.HELPS:
        return Meaning.HELP
    alone = table.POLITE.sub("", rest).strip()
    refused = clear != rest or alone in table.NO or table.REFUSED.search(rest)
    return Meaning.DOUBTFUL if refused or _is_refused_otherwise(text, words) else Meaning.OTHER


def proves_number(text: str) -> bool:
    """Whether a text shows that its number is in use, and theirs (EC-02).

    Only words about the debt, or an answer to ours, do; what is unclear proves nothing.
    """
    words = f"{table.plain_words(text[:LONGEST])} "
    speaks = table.OF_IT.search(words) and not table.UNPROVEN.search(words)
    return bool(speaks) and read_reply(text) is Meaning.OTHER


def _is_refused_otherwise(text: str, words: str) -> bool:
    """By a picture, or perhaps in letters that nobody here can read."""
    letters = any(unicodedata.category(mark).startswith("L") for mark in text)
    return bool(_SIGNS.intersection(text)) or (letters and not words)
