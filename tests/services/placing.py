"""Placing from tests: files written on the spot, and one line that changes what a test is about."""

import csv
import io
from datetime import datetime
from pathlib import Path
from typing import Any

from portal.db import PortalSession
from portal.models import Client
from portal.services.placements import PlacementReport, Watch, inspect_file, place_file
from portal.services.placements.rows import Refusal
from tests.factories import KEYS, NOW

DATA = Path(__file__).resolve().parent.parent / "data"
PEPPER = KEYS.pepper

ROW = {
    "account_number": "NG-1001",
    "first_name": "Dana",
    "last_name": "Reyes",
    "date_of_birth": "1985-03-27",
    "ssn_last4": "4471",
    "email": "dana@example.com",
    "phone": "212-555-0142",
    "address_1": "4 Elm Street",
    "city": "Albany",
    "region": "NY",
    "postal_code": "12207",
    "country": "US",
    "language": "en",
    "product": "electricity",
    "original_creditor": "Northgate Energy",
    "current_creditor": "Northgate Energy",
    "default_date": "2026-05-01",
    "itemization_type": "last_statement",
    "itemization_date": "2026-04-01",
    "itemization_balance": "1240.00",
    "interest_since": "0.00",
    "fees_since": "0.00",
    "payments_since": "0.00",
    "credits_since": "0.00",
    "current_balance": "1240.00",
    "currency": "USD",
}


def row(**given: str) -> dict[str, str]:
    """Dana's row; a balance alone brings the itemization that sums to it."""
    if "current_balance" in given:
        given = {"itemization_balance": given["current_balance"]} | given
    return ROW | given


def text_of(*rows: dict[str, str], delimiter: str = ",") -> str:
    """The rows as CSV under one header."""
    written = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(written, names, delimiter=delimiter, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


class Placer:
    """Places texts, rows and files with one client, and remembers what was refused."""

    def __init__(self, session: PortalSession, client: Client, folder: Path) -> None:
        self.session, self.client, self.folder = session, client, folder
        self.refusals: list[Refusal] = []

    def file(self, path: Path, now: datetime = NOW) -> PlacementReport:
        self.refusals = []
        return place_file(
            self.session,
            self.client,
            inspect_file(path),
            pepper=PEPPER,
            now=now,
            watch=Watch(refused=lambda refusal, header: self.refusals.append(refusal)),
        )

    def text(self, text: str | bytes, now: datetime = NOW) -> PlacementReport:
        path = self.folder / "placement.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return self.file(path, now)

    def rows(self, *rows: dict[str, str], now: datetime = NOW) -> PlacementReport:
        return self.text(text_of(*rows), now)

    def row(self, now: datetime = NOW, **given: str) -> PlacementReport:
        return self.rows(row(**given), now=now)

    def why(self, **given: Any) -> Refusal:
        """The one refusal of Dana's row with these cells."""
        report = self.row(**given)
        assert (report.landed, report.refused) == (0, 1), report
        return self.refusals[0]
