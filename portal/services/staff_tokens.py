"""What links to staff carry: plain values, signed for one purpose."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum

from itsdangerous import BadData, URLSafeSerializer

from portal.domain.keys import Keys

LONGEST = 512


class Purpose(StrEnum):
    """What a link is for: one for one purpose opens nothing else."""

    NEW_PASSWORD = "new-password"  # noqa: S105
    INVITATION = "invitation"


def sign(keys: Keys, purpose: Purpose, values: Sequence[str | int]) -> str:
    """The token with these values."""
    return str(_serializer(keys, purpose).dumps([*values]))


def read(keys: Keys, purpose: Purpose, token: str) -> list[str | int] | None:
    """The values that we signed, or None."""
    try:
        found: list[str | int] = _serializer(keys, purpose).loads(token[:LONGEST])
    except BadData:
        return None
    return found


def _serializer(keys: Keys, purpose: Purpose) -> URLSafeSerializer:
    how = {"digest_method": hashlib.sha256}
    return URLSafeSerializer(
        keys.oldest_first(), salt=f"portal.staff.{purpose}.v1", signer_kwargs=how
    )
