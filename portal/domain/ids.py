"""Identifiers: time-ordered UUIDs from an injected clock and random source."""

from collections.abc import Callable
from uuid import UUID


def new_id(now_ms: int, randbytes: Callable[[int], bytes]) -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of ``now_ms`` since 1970, 74 random bits."""
    noise = int.from_bytes(randbytes(10), "big")
    value = (now_ms & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76 | (noise >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | noise & ((1 << 62) - 1)
    return UUID(int=value)
