"""What carriers post about messages they took: our own shape, Postmark's, SES's and Twilio's.

Ours is JSON: ``{"events": [{"id", "kind", "message", "address", "code", "at"}]}``. ``id`` is the
carrier's own name for the event; ``kind`` one of accepted, delayed, delivered, bounced, complained,
failed; ``message`` the Message-ID or the id that we gave; the rest may be left out.
docs/operating.md shows one.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from portal.domain.deliveries import (
    Fate,
    Report,
    code_of,
    fate_at_twilio,
    fate_of_status,
    is_event_id,
)
from portal.domain.wording import clean_text

MOST_EVENTS = 500
LONGEST_ADDRESS = 254

_OURS = re.compile(
    r"<?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:@[^\s<>@]{1,253})?>?"
)
_POSTMARK = {
    "Delivery": Fate.DELIVERED,
    "SpamComplaint": Fate.COMPLAINED,
    "HardBounce": Fate.BOUNCED,
    "BadEmailAddress": Fate.BOUNCED,
    "Unsubscribe": Fate.COMPLAINED,
    "SpamNotification": Fate.FAILED,
    "Blocked": Fate.FAILED,
}
_SES = {
    "Delivery": Fate.DELIVERED,
    "Send": Fate.ACCEPTED,
    "DeliveryDelay": Fate.DELAYED,
    "Complaint": Fate.COMPLAINED,
    "Reject": Fate.FAILED,
}


class NotReadable(ValueError):
    """What came is in no shape that we know."""


def our_id(text: object) -> UUID | None:
    """Our message's id in a Message-ID, with or without its domain and brackets; else None."""
    found = _OURS.fullmatch(text.strip()) if isinstance(text, str) else None
    return UUID(found.group(1)) if found else None


def read_events(body: bytes, carrier: str) -> Sequence[Report]:
    """The words of a carrier in a body of JSON. Raises NotReadable."""
    try:
        told = json.loads(body)
        found = list(_events(told, carrier))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotReadable(f"{type(error).__name__}") from error
    if len(found) > MOST_EVENTS:
        raise NotReadable(f"{len(found)} events are too many")
    return found


def twilio_status(form: Mapping[str, str], message_id: UUID) -> Report:
    """What Twilio posts to the address that went with a text. Raises NotReadable."""
    sid, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
    code = code_of(form.get("ErrorCode"))
    event_id = f"{sid}:{status}"
    if not sid or not status or not is_event_id(event_id):
        raise NotReadable("MessageSid or MessageStatus")
    return Report(
        carrier="twilio",
        event_id=event_id,
        kind=fate_at_twilio(status, code),
        code=code,
        message_id=message_id,
    )


def address_of(text: object) -> str | None:
    """An address as somebody else's machine wrote it; None where it is none that can be kept."""
    given = text.strip().casefold() if isinstance(text, str) else ""
    is_clean = given == clean_text(given) and 0 < len(given) <= LONGEST_ADDRESS
    return given if is_clean else None


def in_utc(at: datetime) -> datetime | None:
    """A time as somebody else's machine wrote it; None where UTC has no year for it."""
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _events(told: Any, carrier: str) -> Iterator[Report]:
    if "events" in told:
        for one in told["events"]:
            yield _ours(one, carrier)
    elif "RecordType" in told:
        yield _postmark(told)
    elif told.get("Type") == "Notification":
        yield from _ses(json.loads(told["Message"]), told["MessageId"])
    elif "eventType" in told or "notificationType" in told:
        yield from _ses(told, told["mail"]["messageId"])
    else:
        raise NotReadable("no shape that we know")


def _ours(one: dict[str, Any], carrier: str) -> Report:
    return Report(
        carrier=carrier,
        event_id=_named(one["id"]),
        kind=Fate(one["kind"]),
        code=code_of(one.get("code")),
        message_id=our_id(one.get("message")),
        address=address_of(one.get("address")),
        at=_time(one.get("at")),
    )


def _postmark(told: dict[str, Any]) -> Report:
    """Postmark's webhooks; our id comes back in the metadata or as the Message-ID we gave."""
    kind = str(told.get("Type") or told["RecordType"])
    ours = (told.get("Metadata") or {}).get("message") or told.get("MessageID")
    return Report(
        carrier="postmark",
        event_id=_named(f"{told['RecordType']}:{told.get('ID') or told['MessageID']}"),
        kind=_POSTMARK.get(kind, Fate.DELAYED if told["RecordType"] == "Bounce" else Fate.ACCEPTED),
        code=code_of(kind),
        message_id=our_id(ours),
        address=address_of(told.get("Email") or told.get("Recipient")),
        at=_time(told.get("DeliveredAt") or told.get("BouncedAt")),
    )


def _ses(told: dict[str, Any], name: str) -> Iterator[Report]:
    """Amazon SES, alone or wrapped by SNS: a word for each recipient that it names."""
    kind = str(told.get("eventType") or told["notificationType"])
    part: dict[str, Any] = told.get(kind[0].lower() + kind[1:]) or {}
    listed = part.get("bouncedRecipients") or part.get("complainedRecipients") or [{}]
    for n, who in enumerate(listed):
        code = code_of(who.get("status") or part.get("bounceSubType") or kind)
        yield Report(
            carrier="ses",
            event_id=_named(f"{name}:{kind}:{n}"),
            kind=_ses_fate(kind, part, code),
            code=code,
            message_id=our_id(_header(told.get("mail") or {}, "message-id")),
            address=address_of(who.get("emailAddress")),
            at=_time(part.get("timestamp")),
        )


def _ses_fate(kind: str, part: dict[str, Any], code: str) -> Fate:
    if kind != "Bounce":
        return _SES.get(kind, Fate.ACCEPTED)
    if part.get("bounceType") == "Permanent":
        return Fate.FAILED if fate_of_status(code) is Fate.FAILED and "." in code else Fate.BOUNCED
    return Fate.DELAYED


def _header(mail: dict[str, Any], wanted: str) -> object:
    """A header of the message as we gave it; SES sends them where it was told to."""
    named = (one["value"] for one in mail.get("headers", ()) if one["name"].lower() == wanted)
    return next(named, (mail.get("commonHeaders") or {}).get("messageId"))


def _named(text: object) -> str:
    if not is_event_id(text):
        raise NotReadable("an event's id")
    return str(text)


def _time(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        return in_utc(datetime.fromisoformat(text))
    except ValueError:
        return None
