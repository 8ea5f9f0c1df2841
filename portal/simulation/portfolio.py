"""Who owes what in a simulation: the demo's own placement files, or as many people as wanted."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random

from sqlalchemy.orm import Session

from portal.config import Settings
from portal.db import commit, set_tenant
from portal.demo.cast import BOREAL, FILES, PARTS, Part
from portal.demo.seeding import seed_clients, seed_staff
from portal.domain.debts import CollectorRole
from portal.gateways.rnd import NumberCheck, Reassigned
from portal.models import Client, Role
from portal.rules.phones import parse_phone
from portal.services.clients import clients
from portal.services.demo_staff import STAFF, Worker
from portal.services.permissions import read_notices, record_check, record_notices
from portal.services.placements import inspect_file, place_file
from portal.services.placements.headers import match_header

ACTING = (Role.CLIENT_ADMIN, Role.SUPERVISOR)
LAURENTIAN = Part(
    replace(
        BOREAL.client,
        slug="laurentian-recovery",
        legal_name="Laurentian Recovery Inc. / Recouvrement Laurentien inc.",
        trade_name="Laurentian Recovery",
        sender_name="Laurentian",
        email="aide@laurentian.example",
        license_line="OPC 700123 · Ontario 4710123",
        collector_role=CollectorRole.THIRD_PARTY_AGENCY,
        sms_enabled=False,
        placement_defaults={"debt_purpose": "consumer", "default_at_placement": True},
    ),
    BOREAL.policy,
    (),
)
"""An agency in Canada, which the demo does not have."""
CLIENTS = (*PARTS, LAURENTIAN)
LISE = Worker(
    "Lise Gagnon", "lise@laurentian.example", Role.CLIENT_ADMIN, (LAURENTIAN.client.slug,)
)

REGIONS = {
    "northgate-energy": ("OR", "WA", "CA", "AZ", "TX"),
    "harbor-recovery": ("NY", "CA", "IL", "MA", "NC", "CO", "FL"),
    "boreal-credit": ("QC", "QC", "ON", "BC"),
    "laurentian-recovery": ("QC", "QC", "ON", "BC"),
}
CITIES = {
    "OR": ("Portland", "97232"),
    "WA": ("Seattle", "98101"),
    "CA": ("Fresno", "93721"),
    "AZ": ("Phoenix", "85004"),
    "TX": ("Austin", "78701"),
    "NY": ("Albany", "12208"),
    "IL": ("Chicago", "60622"),
    "MA": ("Boston", "02116"),
    "NC": ("Durham", "27701"),
    "CO": ("Denver", "80202"),
    "FL": ("Miami", "33125"),
    "QC": ("Montréal", "H2J 2L3"),
    "ON": ("London", "N5Y 3K2"),
    "BC": ("Vancouver", "V6E 4A2"),
}
FIRST = ("Alex", "Maya", "Denise", "Omar", "Élodie", "Nathan", "Rosa", "Luis", "Grace", "Theo")
LAST = ("Rivera", "Thompson", "Carter", "Farouk", "Tremblay", "MacLeod", "Ortega", "Nguyen")
BALANCES = ((45_00, 95_00), (105_00, 900_00), (900_00, 2_500_00), (2_500_00, 7_500_00))
SINCE = ("interest_since", "fees_since", "payments_since", "credits_since")
MAILLESS, PHONELESS = 0.08, 0.3


@dataclass(frozen=True, slots=True)
class Neighbor:
    """Somebody with an account, as far as they know themselves: what they answer, where they read.

    ``answers`` are by the factor's name; a date is in ISO form.
    """

    client: str
    reference: str
    language: str
    answers: dict[str, str]
    email: str
    phone: str


def demo_people() -> Iterator[Neighbor]:
    """The people of the demo's placement files who have a line of their own there."""
    for part in PARTS:
        for name in part.files:
            yield from _people_of(part, (FILES / name).read_text(encoding="utf-8-sig"))


def generated(count: int, *, seed: int, start: date, folder: Path) -> list[Neighbor]:
    """Write a placement file for each client, with ``count`` accounts in all, and tell whose."""
    people: list[Neighbor] = []
    for at, part in enumerate(CLIENTS):
        own = count // len(CLIENTS) + (at < count % len(CLIENTS))
        draw = Random(f"{seed} {part.client.slug}")  # noqa: S311 - a simulation, no secret
        rows = [_row(part, number, draw, start) for number in range(own)]
        text = _csv(rows)
        (folder / f"{part.client.slug}.csv").write_text(text, encoding="utf-8")
        notices = _csv([*_notices(rows, start)])
        (folder / f"{part.client.slug}-notices.csv").write_text(notices, encoding="utf-8")
        people += _people_of(part, text)
    return people


def _notices(rows: Iterable[dict[str, str]], start: date) -> Iterator[dict[str, str]]:
    """What the creditor told each address before it gave the accounts away."""
    for row in rows:
        if row["email"]:
            yield {
                "email": row["email"],
                "sent_on": (start - timedelta(days=60)).isoformat(),
                "deadline_on": (start - timedelta(days=20)).isoformat(),
                "copy_sha256": sha256(row["email"].encode()).hexdigest(),
            }


def place(
    session: Session, settings: Settings, folder: Path | None, *, now: datetime
) -> dict[str, int]:
    """Add the demo's clients and staff and place the files; returns the accounts by client."""
    placed: dict[str, int] = {}
    for part, client in seed_clients(session, now, CLIENTS if folder else PARTS):
        own = [folder / f"{part.client.slug}.csv"] if folder else []
        for path in own or [FILES / name for name in part.files]:
            report = place_file(
                session, client, inspect_file(path), pepper=settings.keys.pepper, now=now
            )
            placed[client.slug] = placed.get(client.slug, 0) + report.landed
        if folder and part is LAURENTIAN:
            _tell_of_creditor(session, client, folder, now)
    seed_staff(session, now, hired(folder))
    return placed


def _tell_of_creditor(session: Session, client: Client, folder: Path, now: datetime) -> None:
    """Take over the creditor's notices that permit an agency its e-mail addresses (EC-01 b)."""
    with (folder / f"{client.slug}-notices.csv").open("rb") as body:
        found = read_notices(body)
    record_notices(session, client.id, found, source="simulation", now=now)
    commit(session, "contacts.notices")


def confirm_numbers(session: Session, numbers: Iterable[str], *, now: datetime) -> None:
    """Take over the word of the reassigned numbers database that each is still theirs (EC-02)."""
    for client_id in clients(session).values():
        set_tenant(session, client_id)
        for number in numbers:
            check = NumberCheck(number, now, Reassigned.NO)
            record_check(session, client_id, check, now=now)
        commit(session, "contacts.rnd")


def hired(folder: Path | None) -> list[Worker]:
    """Who works with the accounts of these files: one admin of each client, and a supervisor."""
    known = (*STAFF, LISE) if folder else STAFF
    return [*{one.clients: one for one in known if one.role in ACTING}.values()]


def _csv(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else ["account_number"])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _people_of(part: Part, text: str) -> Iterator[Neighbor]:
    header = next(csv.reader(io.StringIO(text)))
    delimiter = ";" if len(header) < 3 else ","
    lines = csv.reader(io.StringIO(text), delimiter=delimiter)
    places = match_header(next(lines), {})
    seen = set()
    for line in lines:
        told = {field: line[at].strip() for field, at in places.items() if at < len(line)}
        known = (told["first_name"], told["last_name"], told.get("date_of_birth", ""))
        if known not in seen:
            seen.add(known)
            yield _person(part, told)


def _person(part: Part, told: dict[str, str]) -> Neighbor:
    asked = {factor.value for factor in part.client.identity_factors}
    answers = {name: told.get(name, "") for name in asked if told.get(name)}
    if "date_of_birth" in answers:
        answers["date_of_birth"] = _iso(answers["date_of_birth"])
    language = told.get("language", "")[:2] or part.client.languages[0]
    email, phone = told.get("email", "").casefold(), parse_phone(told.get("phone", ""))
    number = phone.e164 if phone else ""
    return Neighbor(part.client.slug, told["reference"], language, answers, email, number)


def _iso(written: str) -> str:
    if "/" in written:
        month, day, year = written.split("/")
        return f"{year}-{month:0>2}-{day:0>2}"
    return written


def _row(part: Part, number: int, draw: Random, start: date) -> dict[str, str]:
    """One account of the client's, of a person who has no other."""
    slug, client = part.client.slug, part.client
    region = draw.choice(REGIONS[slug])
    city, postal_code = CITIES[region]
    first, last = draw.choice(FIRST), draw.choice(LAST)
    born = date(1950, 1, 1) + timedelta(days=draw.randint(0, 20_000))
    cents = draw.randint(*draw.choice(BALANCES))
    default_on = start - timedelta(days=draw.randint(150, 900))
    mark = f"{slug[:2].upper()}-{number:05}"
    return {
        "account_number": mark,
        "customer_number": f"C-{mark}",
        "original_creditor": client.trade_name,
        "current_creditor": client.trade_name,
        "product": draw.choice(("electricity", "credit card", "personal loan", "medical services")),
        "first_name": first,
        "last_name": f"{last} {_letters(number)}",
        "date_of_birth": born.isoformat(),
        "last_four": f"{draw.randint(0, 9_999):04}",
        "email": "" if draw.random() < MAILLESS else f"{mark.lower()}@{_mail_server(part)}",
        "phone": "" if draw.random() < PHONELESS else _phone(region, number),
        "address_1": f"{draw.randint(1, 999)} Main Street",
        "city": city,
        "region": region,
        "postal_code": postal_code,
        "country": client.country,
        "language": _language(client.languages, region, draw),
        "default_date": default_on.isoformat(),
        "itemization_type": "last_statement",
        "itemization_date": default_on.isoformat(),
        "itemization_balance": _dollars(cents),
        **dict.fromkeys(SINCE, "0.00"),
        "current_balance": _dollars(cents),
        "currency": client.currency,
        "validation_notice_date": (start - timedelta(days=60)).isoformat(),
        "sol_date": (start + timedelta(days=2_000)).isoformat(),
    }


def _letters(number: int) -> str:
    """A number in letters, so that each name is somebody's own."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number)).title()


def _mail_server(part: Part) -> str:
    """Where a debtor reads mail; a creditor's notice is good for public servers alone (EC-01 b)."""
    return "outlook.com" if part is LAURENTIAN else "example.com"


def _phone(region: str, number: int) -> str:
    area = {"QC": "514", "ON": "519", "BC": "604", "OR": "503", "WA": "206", "NY": "518"}
    return (
        f"+1{area.get(region, '559')}{2000000 + number * 7 + len(region) * 1000 + ord(region[0])}"
    )


def _language(languages: tuple[str, ...], region: str, draw: Random) -> str:
    if region == "QC":
        return draw.choice(("fr", "fr", "fr", "en"))
    return draw.choice(languages) if draw.random() < 0.3 else "en"


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
