"""States, provinces and territories: their names, countries and time zones."""

import csv
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from portal.domain.debts import Country


@dataclass(frozen=True, slots=True)
class Region:
    """One state, province or territory; ``zones`` lists every IANA zone that it lies in.

    The armed forces' post has no zone of its own: nothing is known, so every zone is a candidate.
    """

    country: Country
    code: str
    name: str
    zones: tuple[str, ...]


def all_regions() -> tuple[Region, ...]:
    """Every region, those of the United States first."""
    return tuple(_by_code().values())


@lru_cache(1024)
def find_region(text: str, country: str | None = None) -> Region | None:
    """The region of a postal abbreviation or a name in English or French, or None.

    Each code belongs to one country. A ``country`` that contradicts the region gives None.
    """
    key = _key(text)
    region = _by_code().get(key.upper()) or _by_name().get(key)
    if region is None or (country and country.strip().upper() != region.country):
        return None
    return region


@cache
def _by_code() -> dict[str, Region]:
    data = files("portal.rules").joinpath("data/regions.csv").read_text("utf-8")
    return {
        row["code"]: Region(
            Country(row["country"]), row["code"], row["name"], tuple(row["zones"].split())
        )
        for row in csv.DictReader(data.splitlines())
    }


@cache
def _by_name() -> dict[str, Region]:
    named = {_key(region.name): region for region in all_regions()}
    return named | {_key(name): _by_code()[code] for name, code in OTHER_NAMES.items()}


OTHER_NAMES = {
    "Colombie-Britannique": "BC",
    "Île-du-Prince-Édouard": "PE",
    "Nouveau-Brunswick": "NB",
    "Nouvelle-Écosse": "NS",
    "Terre-Neuve-et-Labrador": "NL",
    "Newfoundland": "NL",
    "Territoires du Nord-Ouest": "NT",
    "Virgin Islands": "VI",
    "Washington DC": "DC",
    "PQ": "QC",
}


def _key(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(mark for mark in parts if mark.isalnum())
