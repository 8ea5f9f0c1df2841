"""Addresses within the portal, each pattern built once: Flask would build it for every link."""

from functools import lru_cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

import flask

from portal import assets

NO_ACCOUNT = str(UUID(int=0))


def fill(root: str, endpoint: str, values: dict[str, Any]) -> str:
    """The address of an endpoint below ``root``, from a pattern without what is one person's."""
    account_id, chosen = values.get("account_id"), values.pop("c", None)
    if account_id is not None:
        values["account_id"] = NO_ACCOUNT
    known = tuple([(name, str(value)) for name, value in values.items() if value is not None])
    address = _build(root, endpoint, known)
    if account_id is not None:
        address = address.replace(NO_ACCOUNT, str(account_id), 1)
    if chosen is not None:
        address += f"{'&' if '?' in address else '?'}c={quote(str(chosen), safe='')}"
    return address


@lru_cache(64)
def of_file(root: str, name: str) -> str:
    """The address of a static file, with its hash."""
    return _build(root, "assets.file", (("name", name), ("digest", assets.asset(name).digest)))


@lru_cache(4096)
def _build(_root: str, endpoint: str, values: tuple[tuple[str, str], ...]) -> str:
    return flask.url_for(endpoint, **dict(values))  # type: ignore[arg-type]
