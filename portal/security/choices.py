"""What a person chose on one page and confirms on the next, carried in the address, signed."""

from functools import lru_cache
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

from portal.domain import N_, DomainError
from portal.domain.keys import Keys
from portal.security.signing import serializer

LONGEST = 4096


class ChoiceUnreadable(DomainError):
    """The address was cut or changed on its way."""

    message = N_("This link is not complete. Please choose again.")


def sign_choice(chosen: dict[str, Any], *, purpose: str = "choice") -> str:
    """A choice as it goes into an address: readable by anybody, changeable by nobody."""
    return str(_serializer(_keys(), purpose).dumps(chosen))


def load_choice(signed: str, *, purpose: str = "choice") -> dict[str, Any]:
    """The choice that we signed for that purpose. Raises ChoiceUnreadable."""
    if len(signed) > LONGEST or not signed.isascii():
        raise ChoiceUnreadable
    try:
        chosen: dict[str, Any] = _serializer(_keys(), purpose).loads(signed)
    except BadData:
        raise ChoiceUnreadable from None
    return chosen


@lru_cache(32)
def _serializer(keys: Keys, purpose: str) -> URLSafeSerializer:
    return serializer(keys, f"portal.{purpose}.v1")


def _keys() -> Keys:
    keys: Keys = current_app.extensions["portal"].settings.keys
    return keys
