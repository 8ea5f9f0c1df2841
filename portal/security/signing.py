"""Signatures as itsdangerous makes them, with each secret's key derived once."""

import json
from functools import cached_property
from typing import Any

from itsdangerous import Serializer, Signer, URLSafeSerializer
from itsdangerous.encoding import base64_encode
from itsdangerous.signer import SigningAlgorithm

from portal.domain.keys import Keys, seal


class Sha256(SigningAlgorithm):
    """HMAC-SHA256 in one call."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """The mark of a value under a derived key."""
        return seal(key, value)


class Compact:
    """JSON as short as it goes."""

    dumps = staticmethod(json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode)
    loads = staticmethod(json.loads)


class Short(URLSafeSerializer):
    """Values so short that trying to compress them costs more than it saves; one signer for all."""

    def make_signer(self, salt: str | bytes | None = None) -> Signer:
        """The signer of this purpose, which is the only one: nothing is signed with other salts."""
        return self._signer

    @cached_property
    def _signer(self) -> Signer:
        return super().make_signer()

    def dump_payload(self, obj: Any) -> bytes:
        """The value as it stands in an address."""
        return base64_encode(Serializer.dump_payload(self, obj))


def signer(keys: Keys, salt: str) -> Signer:
    """Who signs values for one purpose, which the salt names."""
    return Signer(_derived(keys, salt), salt, key_derivation="none", algorithm=Sha256())


def serializer(keys: Keys, salt: str) -> URLSafeSerializer:
    """Who signs plain values for addresses, for one purpose, which the salt names."""
    how: dict[str, Any] = {"key_derivation": "none", "algorithm": Sha256()}
    return Short(_derived(keys, salt), salt=salt, serializer=Compact, signer_kwargs=how)


def _derived(keys: Keys, salt: str) -> list[bytes]:
    return [seal(key, salt.encode()) for key in keys.oldest_first()]
