"""How long a text message is to the network that carries it (GSM 03.38, 3GPP TS 23.040)."""

from collections.abc import Iterable

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = frozenset("\f^{}\\[~]|€")
SEGMENT = 160
LONG_SEGMENT = 153
"""What is left of a segment that says which part of a longer text it is."""
WIDE_SEGMENT, LONG_WIDE_SEGMENT = 70, 67
"""The same in UTF-16, which one character outside the GSM alphabet turns a whole text to."""


def gsm7_length(text: str) -> int | None:
    """The septets that a text takes, two for an escaped character; None outside the alphabet."""
    if any(mark not in BASIC and mark not in ESCAPED for mark in text):
        return None
    return len(text) + sum(mark in ESCAPED for mark in text)


def sms_text_fits(text: str) -> bool:
    """Whether a text goes out as one segment: in the GSM alphabet, at most 160 septets."""
    length = gsm7_length(text)
    return length is not None and length <= SEGMENT


def segments(text: str) -> int:
    """How many parts a text takes on its way, which is what a provider charges for.

    A character of two units (escaped, or outside the basic plane) is never cut.
    """
    if gsm7_length(text) is not None:
        return _parts((1 + (mark in ESCAPED) for mark in text), SEGMENT, LONG_SEGMENT)
    return _parts((1 + (mark > "\uffff") for mark in text), WIDE_SEGMENT, LONG_WIDE_SEGMENT)


def _parts(units: Iterable[int], alone: int, together: int) -> int:
    sizes = list(units)
    if sum(sizes) <= alone:
        return 1
    parts, room = 1, together
    for size in sizes:
        if size > room:
            parts, room = parts + 1, together
        room -= size
    return parts
