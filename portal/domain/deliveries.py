"""What became of a message after a carrier took it, however the carrier says it (EC-09)."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Fate(StrEnum):
    """What a carrier says of one message.

    ``delayed``: not yet, it tries again. ``bounced``: nobody is at this address. ``complained``:
    its reader wants nothing more from us. ``failed``: it did not arrive, and the address may be
    right.
    """

    ACCEPTED = "accepted"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"


TOLD = (Fate.DELIVERED, Fate.BOUNCED, Fate.COMPLAINED, Fate.FAILED)
"""What is told on the record of an account; the others are steps on the way, and only kept."""
LOST = (Fate.BOUNCED, Fate.FAILED)
"""What makes a message one that did not arrive."""
CLOSING = (Fate.BOUNCED, Fate.COMPLAINED)
"""What closes the address that it went to."""

TWILIO_STATUSES = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), Fate.ACCEPTED),
    **dict.fromkeys(("delivered", "read"), Fate.DELIVERED),
    **dict.fromkeys(("undelivered", "failed", "canceled"), Fate.FAILED),
}
TWILIO_CODES = {
    "21610": Fate.COMPLAINED,
    **dict.fromkeys(("21211", "21614", "30005", "30006"), Fate.BOUNCED),
}
"""What a code of Twilio's says beyond "it failed": 21610 its reader sent STOP; 30005 nobody has
this number, 30006 it is a landline, 21211 and 21614 it is no mobile number. 30003 (switched off),
30004 (blocked), 30007 (filtered) and 30008 (unknown) say nothing against the number.
"""

_HARD = re.compile(r"5\.1\.(?:0|1|2|3|4|6|10)|5\.2\.1|5\.4\.4")
"""No such mailbox, host or address; it moved; it is switched off (RFC 3463)."""
_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
_SAFE = re.compile(r"[\x21-\x7e]{1,200}")
LONGEST_CODE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One word of a carrier. ``message_id`` is ours, where it gives it back.

    ``event_id`` is the carrier's own name for the word; ``at`` is None where it tells no time.
    """

    carrier: str
    event_id: str
    kind: Fate
    code: str = ""
    message_id: UUID | None = None
    address: str | None = field(default=None, repr=False)
    at: datetime | None = None


def is_event_id(text: object) -> bool:
    """Whether a carrier's name for a word can be kept: 1 to 200 visible ASCII characters."""
    return isinstance(text, str) and _SAFE.fullmatch(text) is not None


def code_of(text: object) -> str:
    """A carrier's reason as it is kept: letters, digits and dots; an address never passes."""
    words = str(text or "")
    if found := _STATUS.search(words):
        return found.group()
    code = re.sub(r"[^0-9A-Za-z._-]", "", words)
    return code[:LONGEST_CODE] if "@" not in words else ""


def fate_of_status(code: str) -> Fate:
    """What an enhanced SMTP status (RFC 3463) means: 5.1.1 bounced, 5.7.1 failed, 4.2.2 delayed."""
    if _HARD.fullmatch(code):
        return Fate.BOUNCED
    return {"2": Fate.DELIVERED, "4": Fate.DELAYED}.get(code[:1], Fate.FAILED)


def fate_at_twilio(status: str, code: str) -> Fate:
    """What a status of Twilio's and its code mean; one that is not known yet is only kept."""
    found = TWILIO_STATUSES.get(status, Fate.ACCEPTED)
    return TWILIO_CODES.get(code, found) if found is Fate.FAILED else found
