"""What a text message says about wanting more of them, and who may be texted (EC-06, EC-07)."""

import re
import unicodedata
from enum import StrEnum

from portal.domain.debts import CollectorRole


class Reply(StrEnum):
    """How an incoming text is read. ``maybe_stop`` pauses sending until a person has read it."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    MAYBE_STOP = "maybe_stop"
    OTHER = "other"


STOP_WORDS = frozenset(
    {"stop", "stopall", "quit", "end", "revoke", "optout", "cancel", "unsubscribe"}
    | {"arret", "arreter", "desabonner", "alto", "parar", "cancelar"}
)
START_WORDS = frozenset(["start", "unstop"])
HELP_WORDS = frozenset(["help", "info", "aide", "ayuda"])

_MAYBE_STOP = re.compile(
    r"\b(stop|quit|revoke|unsubscribe|opt ?out|remove|leave me alone|no more|wrong (number|person)"
    r"|(do not|dont|never) (text|contact|message|write|call|send)|cease|harass\w*|lawyer|attorney"
    r"|arret\w*|desabonn\w*|ne me? ?(ecri\w+|text\w+|contact\w+)|plus de (texto|message)s?"
    r"|mauvais numero|alto|no (me )?(escrib\w+|mand\w+|envi\w+|contact\w+|llam\w+)"
    r"|numero equivocado|no mas (mensajes|textos))\b"
)

SMS_OFF_BY_DEFAULT = frozenset({CollectorRole.THIRD_PARTY_AGENCY, CollectorRole.DEBT_BUYER})


def read_reply(text: str) -> Reply:
    """How a text from a debtor is read, whatever its case, accents and punctuation.

    The words of 47 CFR 64.1200(a)(10) stop at once where they stand alone; anything else that
    a reasonable person could mean as a stop waits for a person (EC-06).
    """
    words = _bare(text)
    joined = words.replace(" ", "")
    if joined in STOP_WORDS:
        return Reply.STOP
    if joined in START_WORDS:
        return Reply.START
    if joined in HELP_WORDS:
        return Reply.HELP
    return Reply.MAYBE_STOP if _MAYBE_STOP.search(words) else Reply.OTHER


def sms_open(role: CollectorRole, *, provider_takes: bool, switched_on: bool | None) -> bool:
    """Whether text messages may be used at all for a client (EC-07).

    ``provider_takes``: the provider carries texts for this role and country. ``switched_on`` is the
    client's own choice; None leaves the default, which is off for agencies and debt buyers.
    """
    wanted = role not in SMS_OFF_BY_DEFAULT if switched_on is None else switched_on
    return provider_takes and wanted


def _bare(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(mark for mark in parts if not unicodedata.combining(mark))
    return " ".join(re.sub(r"[^\w\s-]", "", plain).replace("-", " ").split())
