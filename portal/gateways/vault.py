"""What seals personal data at rest: a key for each chain, wrapped by the operator's master key.

AES-256-GCM throughout. Destroying a wrapped key is what erases everything that was sealed with it,
in every backup that is older than the key's end too, as long as those keep no copy of the key.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.models.base import ids

KEY_BYTES = 32
NONCE_BYTES = 12


class Unreadable(RuntimeError):
    """Something sealed cannot be opened: another key sealed it, or its bytes were changed."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key as it is stored: sealed by the master key that ``master`` names."""

    master: str
    sealed: bytes


class Vault:
    """The master keys of this process, newest first: it wraps, all of them unwrap."""

    def __init__(self, masters: Sequence[bytes]) -> None:
        self._masters = {sha256(key).hexdigest()[:16]: key for key in masters}
        self.newest = next(iter(self._masters))

    def wrap(self, key: bytes, about: bytes) -> Wrapped:
        """A key as it may be stored; ``about`` is what it is for."""
        return Wrapped(self.newest, seal(self._masters[self.newest], key, about))

    def unwrap(self, wrapped: Wrapped, about: bytes) -> bytes:
        """The key itself. Raises Unreadable."""
        if (master := self._masters.get(wrapped.master)) is None:
            raise Unreadable(f"EVIDENCE_KEY has no key {wrapped.master}")
        return unseal(master, wrapped.sealed, about)


def fresh_key() -> bytes:
    """A new random key."""
    return ids.randbytes(KEY_BYTES)


def seal(key: bytes, data: bytes, about: bytes) -> bytes:
    """Compressed and encrypted; it opens only with the same key and ``about``."""
    nonce = ids.randbytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, zlib.compress(data, 1), about)


def unseal(key: bytes, sealed: bytes, about: bytes) -> bytes:
    """What was sealed. Raises Unreadable."""
    try:
        packed = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
        return zlib.decompress(packed)
    except (InvalidTag, ValueError, zlib.error):
        raise Unreadable("sealed with another key, or changed since") from None


_vault: Vault | None = None


def use(vault: Vault) -> None:
    """Give this process the master keys that it works with."""
    global _vault  # noqa: PLW0603
    _vault = vault


def current() -> Vault:
    """The master keys of this process; they must have been given before anything is sealed."""
    if _vault is None:
        raise RuntimeError("No master key is set: build the runtime before anything is recorded.")
    return _vault
