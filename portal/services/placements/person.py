"""Who owes: name, identity answers, address and the ways to write to them."""

import re
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from portal.domain import DomainError
from portal.domain.french import FRENCH, in_quebec
from portal.domain.identity import (
    OLDEST_YEAR,
    Factor,
    join_value,
    keyed_hash,
    postal_code,
)
from portal.domain.windows import is_zone
from portal.domain.wording import search_key
from portal.rules.emails import parse_email
from portal.rules.phones import parse_phone
from portal.rules.regions import Region, find_region
from portal.services.placements.reading import CellRefused, RowReader

LANGUAGES = {
    **dict.fromkeys(("en", "eng", "english", "anglais", "ingles", "inglés"), "en"),
    **dict.fromkeys(("es", "spa", "spanish", "espanol", "español", "espagnol"), "es"),
    **dict.fromkeys(("fr", "fra", "fre", "french", "francais", "français"), "fr"),
}
COUNTRIES = {
    **dict.fromkeys(("us", "usa", "u.s.", "u.s.a.", "united states"), "US"),
    **dict.fromkeys(("ca", "can", "canada"), "CA"),
}
_LAST_FOUR = re.compile(r"[xX*\u2022#\-\s]*(\d{4})", re.ASCII)
_PLACES = {"US": "state of the United States", "CA": "province of Canada"}

Person = dict[str, Any]


class Hasher:
    """Keyed hashes of the answers that prove who somebody is, for one client."""

    def __init__(self, client_id: UUID, pepper: bytes) -> None:
        self.client_id, self.pepper = client_id, pepper

    def __call__(self, kind: str, value: str | None) -> bytes | None:
        return keyed_hash(self.pepper, self.client_id, kind, value) if value else None


def read_person(row: RowReader, hashed: Hasher, language: str) -> Person:
    """Who owes, as the columns of a debtor; ``language`` is for who has none in the file.

    In Quebec that is French (CA-04). Raises CellRefused.
    """
    first = row.needed("first_name", "the debtor's first name")
    last = row.needed("last_name", "the debtor's last name")
    born_on, digits = _birthday(row), _last_four(row)
    joined = join_value(first, last, born_on, digits) if born_on and digits else None
    address = _address(row, hashed)
    if in_quebec(address["country"], address["region"]):
        language = FRENCH
    born = born_on.isoformat() if born_on else None
    return {
        "debtor_number": row.text("debtor_number") or None,
        "first_name": first,
        "last_name": last,
        "name_key": search_key(f"{first} {last}"),
        "language": _language(row) or language,
        "date_of_birth_hash": hashed(Factor.DATE_OF_BIRTH, born),
        "last_four_hash": hashed(Factor.LAST_FOUR, digits),
        "join_key": hashed("join", joined),
        **address,
    }


def _birthday(row: RowReader) -> date | None:
    born_on = row.day("date_of_birth")
    if born_on and not (born_on.year >= OLDEST_YEAR and born_on <= row.today):
        why = "Nobody living was born on that day: check the date of birth."
        raise CellRefused("date_of_birth", row.raw("date_of_birth"), why)
    return born_on


def _last_four(row: RowReader) -> str | None:
    text = row.spare("last_four")
    found = _LAST_FOUR.fullmatch(text)
    if text and not found:
        row.leave_out("last_four", "These are not four digits; they were left out.")
    return found[1] if found else None


def _language(row: RowReader) -> str | None:
    text = row.spare("language")
    known = LANGUAGES.get(re.split(r"[-_ ]", text.casefold())[0])
    if text and not known:
        row.leave_out("language", "The portal speaks en, es and fr; your usual one was taken.")
    return known


def _address(row: RowReader, hashed: Hasher) -> Person:
    region = _region(row)
    lines = [line for line in map(row.text, ("address_line", "address_line_2")) if line]
    code = _postal_code(row)
    return {
        "address_line": ", ".join(lines) or None,
        "city": row.text("city") or None,
        "region": region.code,
        "country": str(region.country),
        "postal_code": code,
        "postal_code_hash": hashed(Factor.POSTAL_CODE, code),
        "time_zone": _time_zone(row),
    }


def _region(row: RowReader) -> Region:
    text = row.needed("region", "the state or province, as in NY or ON,")
    country = row.text("country")
    code = COUNTRIES.get(country.casefold())
    if country and not code:
        raise CellRefused("country", country, "The portal serves US and CA only: write either.")
    region = known_region(text, code)
    if region is None:
        where = _PLACES.get(code or "", "state or province")
        raise CellRefused("region", text, f"This is no {where}: write it as in NY or ON.")
    return region


@lru_cache(maxsize=1024)
def known_region(text: str, country: str | None) -> Region | None:
    """The region of that name, remembered."""
    return find_region(text, country)


@lru_cache(maxsize=1024)
def _zone_stands(name: str) -> bool:
    return is_zone(name)


def _postal_code(row: RowReader) -> str | None:
    text = row.spare("postal_code")
    try:
        return postal_code(text) if text else None
    except DomainError:
        why = "This is neither a ZIP code nor a Canadian postal code; it was left out."
        row.leave_out("postal_code", why)
        return None


def _time_zone(row: RowReader) -> str | None:
    text = row.spare("time_zone")
    if text and not _zone_stands(text):
        row.leave_out("time_zone", "This is no time zone; those of the region were taken.")
        return None
    return text or None


def read_contacts(row: RowReader, country: str) -> Person:
    """The e-mail address and the phone that can be used; the rest is left out, with a notice."""
    number, zones = _phone(row, country)
    return {"email": _email(row), "phone": number, "phone_zones": zones}


def _email(row: RowReader) -> str | None:
    text = row.spare("email")
    email = parse_email(text) if text else None
    if text and not email:
        row.leave_out("email", "No e-mail can reach this address; it was left out.")
    return email.address if email else None


def _phone(row: RowReader, country: str) -> tuple[str | None, str | None]:
    text = row.spare("phone")
    phone = parse_phone(text, country) if text else None
    if text and not phone:
        row.leave_out("phone", "This is not a valid phone number; it was left out.")
    if not phone or not phone.textable:
        if phone:
            row.leave_out("phone", "No text message can reach this number; it was left out.")
        return None, None
    return phone.e164, " ".join(phone.zones) or None
