"""Whether a phone number was given to somebody else: the reassigned numbers database (EC-02).

Whoever has an account there asks it over the wire; without one, a file of its answers does.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from portal.domain import N_, DomainError

COLUMNS = ("number", "checked_at", "result")


class Reassigned(StrEnum):
    """What the database answers: it is somebody else's, it is not, or nothing is known."""

    YES = "yes"
    NO = "no"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class NumberCheck:
    """One answer: the number in E.164, when it was asked (aware UTC), and what came back."""

    number: str
    checked_at: datetime
    result: Reassigned


class ReassignedNumbers(Protocol):
    """Where the answers come from."""

    def checks(self) -> Iterator[NumberCheck]:
        """Every answer there is."""
        ...


class CheckUnreadable(DomainError):
    """A line of the file is no answer of the database."""

    message = N_("Line %(line)s: %(why)s.")


class ReassignedNumbersFile:
    """A CSV file with the columns number, checked_at and result (yes, no or no_data)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def checks(self) -> Iterator[NumberCheck]:
        """Its lines, one after another. Raises CheckUnreadable."""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise CheckUnreadable(line=1, why=f"the column {missing[0]} is missing")
            for row in reader:
                yield _read(row, reader.line_num)


def _read(row: dict[str, str], line: int) -> NumberCheck:
    number = (row["number"] or "").strip()
    if not (number.startswith("+") and number[1:].isascii() and number[1:].isdigit()):
        raise CheckUnreadable(line=line, why="a number is written as in +15035550123")
    try:
        at = datetime.fromisoformat((row["checked_at"] or "").strip())
        result = Reassigned((row["result"] or "").strip().lower())
    except ValueError as error:
        raise CheckUnreadable(line=line, why=str(error)) from None
    return NumberCheck(number, at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC), result)
