"""The portal's secrets, as the rules that need them take them."""

import hmac
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that sign, newest first (older ones only verify), and the pepper, which is for good.

    ``base_url`` is the address that links lead to.
    """

    signing: tuple[bytes, ...] = field(repr=False)
    pepper: bytes = field(repr=False)
    base_url: str

    def oldest_first(self) -> list[bytes]:
        """The signing keys in the order in which itsdangerous wants them."""
        return list(reversed(self.signing))

    def peppered(self, purpose: str, *parts: bytes) -> bytes:
        """HMAC-SHA256 of the parts under the pepper, 32 bytes; each purpose has hashes of its own.

        It can be made again as long as the pepper stays, whatever signing keys come and go.
        """
        return seal(self.pepper, _message(purpose, parts))

    def mark(self, purpose: str, *parts: bytes) -> bytes:
        """HMAC-SHA256 of the parts under the newest signing key, 32 bytes."""
        return seal(self.signing[0], _message(purpose, parts))

    def is_mark(self, mark: bytes, purpose: str, *parts: bytes) -> bool:
        """Whether one of the signing keys made this mark of the parts, in constant time."""
        message = _message(purpose, parts)
        found = [hmac.compare_digest(mark, seal(key, message)) for key in self.signing]
        return any(found)


def seal(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 of a message, 32 bytes."""
    started = _started(key).copy()
    started.update(message)
    return started.digest()


@lru_cache(256)
def _started(key: bytes) -> hmac.HMAC:
    """The part that depends on the key alone, which a page would pay for five times."""
    return hmac.new(key, digestmod="sha256")


def _message(purpose: str, parts: tuple[bytes, ...]) -> bytes:
    sized = [len(part).to_bytes(4, "big") + part for part in parts]
    return b"".join([b"portal.", purpose.encode(), b".v1\x00", *sized])
