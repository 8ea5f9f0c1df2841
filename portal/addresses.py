"""Addresses within the portal, each pattern built once: Flask would build it for every link."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

import flask

from portal import assets
from portal.domain.proportions import fit

NO_ACCOUNT = str(UUID(int=0))
LOGO_BOX = (200, 40)
"""The largest a logo stands in the header, in CSS pixels."""


@dataclass(frozen=True, slots=True)
class Logo:
    """A client's logo as a page shows it: where it is, and its size in CSS pixels."""

    address: str
    width: int
    height: int


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


def of_theme(root: str, brand: str, action: str | None) -> str:
    """The address of the stylesheet with these colors, with its hash."""
    values = [("brand", brand.removeprefix("#")), ("digest", assets.themed(brand, action).digest)]
    if action:
        values.append(("action", action.removeprefix("#")))
    return _build(root, "assets.themed", tuple(values))


def of_logo(root: str, client_id: UUID, kept: Mapping[str, Any] | None) -> Logo | None:
    """The logo that a client's ``logo`` column describes, with its address; None without one."""
    if not kept:
        return None
    name = f"{kept['sha256']}.{kept['ending']}"
    address = _build(root, "assets.logo", (("client_id", str(client_id)), ("name", name)))
    return Logo(address, *fit(kept["width"], kept["height"], LOGO_BOX))


@lru_cache(4096)
def _build(_root: str, endpoint: str, values: tuple[tuple[str, str], ...]) -> str:
    return flask.url_for(endpoint, **dict(values))  # type: ignore[arg-type]
