"""The columns of a placement file: our fields, and the names that clients give them."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from portal.domain import N_, DomainError

FIELDS: dict[str, str] = {
    "reference": "account_number account_no account_id account_ref acct acct_no acct_number"
    " reference_number client_reference numero_de_cuenta numero_de_compte",
    "debtor_number": "customer_number customer_id customer_no debtor_id debtor_no consumer_id"
    " party_id client_number",
    "first_name": "firstname given_name forename name_first prenom nombre",
    "last_name": "lastname surname family_name name_last nom apellido apellidos",
    "date_of_birth": "dob birth_date birthdate birthday date_de_naissance fecha_de_nacimiento",
    "last_four": "ssn_last4 ssn4 ssn_last_4 ssn_last_four last4 last_4 sin_last4 last_four_ssn",
    "email": "e_mail email_address mail courriel correo_electronico",
    "phone": "phone_number mobile cell cell_phone mobile_phone telephone tel telefono",
    "address_line": "address_1 address address1 address_line_1 street street_address adresse"
    " direccion",
    "address_line_2": "address_2 address2 apt unit suite",
    "city": "town municipality ville ciudad",
    "region": "state province state_province state_or_province region_code estado",
    "postal_code": "zip zip_code zipcode postcode postal code_postal codigo_postal",
    "country": "country_code pays pais",
    "language": "lang preferred_language locale langue idioma",
    "time_zone": "timezone tz fuseau_horaire",
    "original_creditor": "orig_creditor original_creditor_name",
    "current_creditor": "creditor creditor_name current_creditor_name",
    "product": "product_name product_type debt_type account_type",
    "debt_category": "category",
    "debt_purpose": "purpose",
    "is_consumer_financial_product": "consumer_financial_product",
    "default_at_placement": "in_default in_default_at_placement",
    "default_on": "default_date date_of_default delinquency_date date_of_first_delinquency",
    "charge_off_on": "charge_off_date chargeoff_date date_charged_off",
    "last_payment_on": "last_payment_date last_pay_date date_of_last_payment",
    "judgment_court": "court",
    "judgment_on": "judgment_date date_of_judgment",
    "judgment_number": "judgment_no docket case_number",
    "itemization_kind": "itemization_type itemisation_type itemization_date_type",
    "itemization_on": "itemization_date itemisation_date",
    "itemization": "itemization_balance itemisation_balance itemization_amount amount_itemization"
    " balance_on_itemization_date",
    "interest": "interest_since interest_since_itemization",
    "fees": "fees_since fees_since_itemization",
    "payments": "payments_since payments_since_itemization",
    "credits": "credits_since credits_since_itemization",
    "balance": "current_balance balance_due amount_due current_amount total_due solde saldo",
    "currency": "currency_code devise moneda",
    "validation_notice_sent_on": "validation_notice_date validation_notice_sent"
    " validation_date notice_sent_on g_notice_date",
    "sol_expires_on": "sol_date sol_expiration sol_expiry statute_of_limitations limitation_date"
    " statute_expires_on",
}
"""Each field and the other names that its column is known by."""

REQUIRED = ("reference", "first_name", "last_name", "region", "itemization", "balance")


class ColumnMissing(DomainError):
    message = N_(
        "The file has no column for %(fields)s. Name the columns so in the first line, or add a"
        " synonym for this client; the first line has: %(header)s."
    )


class ColumnDoubled(DomainError):
    message = N_(
        "The columns “%(one)s” and “%(other)s” both hold the %(field)s: leave one of them out."
    )


def match_header(header: list[str], synonyms: Mapping[str, str]) -> dict[str, int]:
    """Where each field stands. ``synonyms`` are the client's own: their column name, our field.

    Columns that mean nothing to us are passed over. Raises ColumnMissing, ColumnDoubled.
    """
    own = {_key(name): field for name, field in synonyms.items() if field in FIELDS}
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        field = own.get(_key(name)) or _built_in().get(_key(name))
        if field in places:
            raise ColumnDoubled(one=header[places[field]], other=name, field=_plain(field))
        if field:
            places[field] = place
    if missing := [_plain(field) for field in REQUIRED if field not in places]:
        names = ", ".join(name[:40] for name in header[:40])
        raise ColumnMissing(fields=", ".join(missing), header=names)
    return places


def find_column(header: list[str], field: str, synonyms: Mapping[str, str]) -> int | None:
    """Where one field stands, for files that need no other."""
    own = {_key(name): target for name, target in synonyms.items()}
    for place, name in enumerate(header):
        if (own.get(_key(name)) or _built_in().get(_key(name))) == field:
            return place
    return None


@cache
def _built_in() -> dict[str, str]:
    return {name: field for field, names in FIELDS.items() for name in (field, *names.split())}


def _key(name: str) -> str:
    parts = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(mark for mark in parts if not unicodedata.combining(mark))
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


def _plain(field: str) -> str:
    return field.removesuffix("_on").replace("_", " ")
