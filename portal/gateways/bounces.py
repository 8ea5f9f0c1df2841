"""A mailbox of bounces and complaints, read into what it says of our messages (RFC 3464, RFC 5965).

Anybody can write to that mailbox, so a word counts only for a message whose id it gives back, which
nobody else can guess. Everything in it is as a stranger wrote it.
"""

import hashlib
import mailbox
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime
from pathlib import Path

from portal.domain.deliveries import Fate, Report, code_of, fate_of_status
from portal.gateways.receipts import address_of, in_utc, our_id

MBOX = b"From "
LARGEST = 2_000_000
"""Bytes of one message; a longer one is no report."""
_ACTIONS = {
    **{"delivered": Fate.DELIVERED, "relayed": Fate.ACCEPTED, "expanded": Fate.ACCEPTED},
    "delayed": Fate.DELAYED,
}


def read_mailbox(path: Path) -> Iterator[Report | None]:
    """What each message of an mbox, or the one of an .eml file, says; None for no report."""
    with path.open("rb") as file:
        is_mbox = file.read(len(MBOX)) == MBOX
    if not is_mbox:
        yield from read_report(path.read_bytes()[:LARGEST])
        return
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.iterkeys():
            yield from read_report(box.get_bytes(key)[:LARGEST])
    finally:
        box.close()


def read_report(raw: bytes) -> Iterator[Report | None]:
    """What one message says, a word for each recipient; None where it is no report.

    Nor is one that cannot be read, whatever it does to whoever reads it: the rest goes on.
    """
    try:
        found = list(_read(raw))
    except Exception:  # a stranger wrote it for the parser of the library
        found = [None]
    yield from found


def _read(raw: bytes) -> Iterator[Report | None]:
    message = message_from_bytes(raw, policy=compat32)
    parts = {part.get_content_type(): part for part in message.walk()}
    named = hashlib.sha256(raw).hexdigest()
    ours = our_id(_original_id(parts))
    if (status := parts.get("message/delivery-status")) is not None:
        yield from _bounced(status, named, ours, message)
    elif (feedback := parts.get("message/feedback-report")) is not None:
        yield _complained(feedback, named, ours, message)
    else:
        yield None


def _bounced(status: Message, named: str, ours: object, message: Message) -> Iterator[Report]:
    for n, fields in enumerate(_blocks(status)):
        if fields["Action"] is None:
            continue
        code = code_of(fields["Status"])
        kind = _ACTIONS.get(_word(fields["Action"])) or _failed(code)
        yield _report(f"{named}:{n}", kind, code, ours, fields["Final-Recipient"], message)


def _failed(code: str) -> Fate:
    """Given up for good, whatever the last try said."""
    return Fate.BOUNCED if fate_of_status(code) is Fate.BOUNCED else Fate.FAILED


def _complained(feedback: Message, named: str, ours: object, message: Message) -> Report:
    fields = next(_blocks(feedback), feedback)
    kind = _word(fields["Feedback-Type"])
    fate = Fate.ACCEPTED if kind == "not-spam" else Fate.COMPLAINED
    return _report(named, fate, code_of(kind), ours, fields["Original-Rcpt-To"], message)


def _report(  # noqa: PLR0913
    named: str, kind: Fate, code: str, ours: object, to: object, message: Message
) -> Report:
    found = our_id(str(ours)) if ours else None
    return Report(
        carrier="mailbox",
        event_id=named,
        kind=kind,
        code=code,
        message_id=found,
        address=address_of(str(to or "").rpartition(";")[2].strip(" <>")),
        at=_date(message),
    )


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields of a report, which the parser gives as messages of their own."""
    inside = part.get_payload()
    if isinstance(inside, list):
        yield from (one for one in inside if isinstance(one, Message))
    elif isinstance(inside, str):
        for block in inside.replace("\r\n", "\n").split("\n\n"):
            yield message_from_bytes(block.encode("utf-8", "replace"), policy=compat32)


def _original_id(parts: dict[str, Message]) -> str | None:
    """The Message-ID of what it is about: the message itself, or its headers, come back with it."""
    if (whole := parts.get("message/rfc822")) is not None:
        inside = whole.get_payload()
        if isinstance(inside, list) and inside and isinstance(inside[0], Message):
            return _line(inside[0]["Message-ID"])
    if (headers := parts.get("text/rfc822-headers")) is not None:
        given = headers.get_payload(decode=True)
        if isinstance(given, bytes):
            return _line(message_from_bytes(given, policy=compat32)["Message-ID"])
    return None


def _line(value: object) -> str | None:
    return str(value).strip() if value is not None else None


def _word(value: object) -> str:
    return str(value or "").strip().casefold()


def _date(message: Message) -> datetime | None:
    try:
        return in_utc(parsedate_to_datetime(str(message["Date"])))
    except (TypeError, ValueError, OverflowError):
        return None
