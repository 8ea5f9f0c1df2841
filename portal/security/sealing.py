"""Short secrets that go through a browser unread: encrypted for one purpose and one owner.

Nothing is compressed: the length of what is sealed tells nothing of it but its own length.
"""

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.domain.keys import seal
from portal.models.base import ids
from portal.security.visitors import keys

NONCE_BYTES = 12


def seal_text(purpose: str, body: bytes, about: bytes = b"") -> str:
    """The body as only we can read it, with the same purpose and ``about``."""
    nonce = ids.randbytes(NONCE_BYTES)
    sealed = nonce + AESGCM(_keys(purpose)[0]).encrypt(nonce, body, about)
    return base64.urlsafe_b64encode(sealed).decode()


def unseal_text(purpose: str, text: str, about: bytes = b"") -> bytes | None:
    """What was sealed; None where it was not, or for something else."""
    try:
        sealed = base64.urlsafe_b64decode(text.encode("utf-8", "replace"))
    except (binascii.Error, ValueError):
        return None
    for key in _keys(purpose):
        try:
            return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
        except (InvalidTag, ValueError):
            continue
    return None


def _keys(purpose: str) -> list[bytes]:
    return [seal(key, f"portal.sealed.{purpose}.v1".encode()) for key in keys().signing]
