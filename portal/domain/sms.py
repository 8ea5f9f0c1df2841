"""How long a text message is to the network that carries it (GSM 03.38)."""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = frozenset("\f^{}\\[~]|€")
SEGMENT = 160


def gsm7_length(text: str) -> int | None:
    """The septets that a text takes, two for an escaped character; None outside the alphabet."""
    if any(mark not in BASIC and mark not in ESCAPED for mark in text):
        return None
    return len(text) + sum(mark in ESCAPED for mark in text)


def sms_text_fits(text: str) -> bool:
    """Whether a text goes out as one segment: in the GSM alphabet, at most 160 septets."""
    length = gsm7_length(text)
    return length is not None and length <= SEGMENT
