"""What a debtor wrote, asked or heard in words that staff read, and by which way it came."""

from portal.domain import N_, labels
from portal.models import Account
from portal.services.evidence import Payload
from portal.services.timeline.wording import Groups, Words, filled

GROUPS: Groups = {"topic": labels.TOPICS, "channel": labels.CHANNELS}

WRITTEN = (
    (N_("“%(body)s”, copied from a letter received on %(received_on)s."), "body", "received_on"),
    (N_("“%(body)s”, %(channel)s"), "body", "channel"),
    (N_("“%(body)s”"), "body"),
)
ASKED = (
    (
        N_("%(topic)s, by a letter received on %(received_on)s. Answer by %(promised_on)s."),
        *("topic", "received_on", "promised_on"),
    ),
    (N_("%(topic)s, answer promised by %(promised_on)s"), "topic", "promised_on"),
)
"""The fullest sentence first; it is told with the first whose values the leaf has."""


def written(payload: Payload, account: Account) -> Words | None:
    """An entry of the thread, and how it came."""
    return _fullest(WRITTEN, payload, account)


def asked(payload: Payload, account: Account) -> Words | None:
    """What help was asked for, and until when an answer was promised."""
    return _fullest(ASKED, payload, account)


def reviewed(payload: Payload, account: Account) -> Words | None:
    """That the terms were read aloud in a call; None where the debtor saw their page."""
    return Words(N_("Read aloud on the telephone."), {}) if "call_session" in payload else None


def _fullest(
    sentences: tuple[tuple[str, ...], ...], payload: Payload, account: Account
) -> Words | None:
    found = (
        filled(message, tuple(names), payload, account, GROUPS) for message, *names in sentences
    )
    return next((said for said in found if said), None)
