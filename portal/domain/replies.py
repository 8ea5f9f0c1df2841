"""What people answer to our texts: a stop is obeyed however it is said (EC-06)."""

import re
import unicodedata
from datetime import UTC, date, datetime
from enum import StrEnum


class Meaning(StrEnum):
    """What a text from a debtor's phone means for us.

    ``stop`` is a keyword of the law; ``revoked`` are words of their own that a reasonable person
    reads as one, so a person of ours reads them too.
    """

    STOP = "stop"
    REVOKED = "revoked"
    WRONG_PERSON = "wrong_person"
    HELP = "help"
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

_STOPS = frozenset(
    {
        *("stop", "stopall", "quit", "end", "revoke", "optout", "cancel", "unsubscribe"),
        *("arret", "arreter", "arretez", "desabonner", "alto", "parar", "basta", "cancelar"),
    }
)
_HELPS = frozenset({"help", "info", "aide", "ayuda"})
_STOP_SAID = re.compile(
    r"\b(?:stop|unsubscribe|revoke|opt ?out|quit texting|remove (?:me|my|this)|take me off"
    r"|leave me alone|no more (?:texts?|messages?|calls?)"
    r"|(?:do not|don t|dont|never) (?:text|contact|message|write|call|send)"
    r"|cease|harass\w*|lawyer|attorney|plus de (?:texto|message)s?"
    r"|desuscrib\w*|dejen? de|no (?:me )?(?:escrib\w+|contact\w+|mand\w+|envi\w+|llam\w+)"
    r"|no mas (?:mensajes|textos)"
    r"|arret\w*|desabonn\w*|ne me? ?(?:ecri|envoy|text|contact)\w*|laissez moi)\b"
)
_WRONG_SAID = re.compile(
    r"\b(?:wrong (?:number|person)|not (?:him|her|my number|this person)|numero equivocado"
    r"|persona equivocada|se equivoc\w*|mauvais numero|mauvaise personne|vous vous trompez)\b"
)


def read_reply(text: str) -> Meaning:
    """What a text means, in English, Spanish or French, whatever its capitals and accents.

    A keyword alone is obeyed as the law has it; in a sentence, whatever a reasonable person reads
    as a wish to be left alone counts as one (EC-06). In doubt we write less.
    """
    plain = unicodedata.normalize("NFKD", text[:LONGEST].casefold())
    letters = "".join(mark for mark in plain if not unicodedata.combining(mark))
    words = re.sub(r"[^a-z0-9]+", " ", letters).strip()
    if words.replace(" ", "") in _STOPS:
        return Meaning.STOP
    if _WRONG_SAID.search(words):
        return Meaning.WRONG_PERSON
    if _STOP_SAID.search(words):
        return Meaning.REVOKED
    return Meaning.HELP if words in _HELPS else Meaning.OTHER
