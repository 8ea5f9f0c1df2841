"""The cells of one row by the names of our fields, with what is wrong about them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from portal.services.placements.cells import Unusable, read_day, read_text, read_yes

EARLIEST_YEAR, LATEST_YEAR = 1950, 2100
"""Of the days of a debt; an earlier or later one is a slip of the pen."""

Kind = TypeVar("Kind", bound=StrEnum)
Value = TypeVar("Value")


class CellRefused(Exception):  # noqa: N818
    """A cell that costs the row its place: our name of the field, the cell, what to do."""

    def __init__(self, field: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.value, self.reason = field, value, reason


@dataclass(frozen=True, slots=True)
class Notice:
    """What a client should know of a row that was placed all the same."""

    column: str
    reason: str


class RowReader:
    """Reads the fields of one row after the other, on one day of the client's calendar."""

    def __init__(self, names: list[str], places: dict[str, int], today: date) -> None:
        self.names, self.places, self.today = names, places, today
        self.cells: list[str] = []
        self.notices: list[Notice] = []

    def turn_to(self, cells: list[str]) -> None:
        """Read this row from now on."""
        self.cells, self.notices = cells, []

    def column(self, field: str) -> str:
        """What the file calls a field."""
        return self.names[self.places[field]] if field in self.places else field

    def columns(self) -> dict[str, str]:
        """What the file calls each of our fields."""
        return {field: self.names[place] for field, place in self.places.items()}

    def raw(self, field: str) -> str:
        """The cell as it stands; empty where the file has no such column."""
        place = self.places.get(field)
        return self.cells[place] if place is not None else ""

    def read(self, field: str, how: Callable[[str], Value]) -> Value:
        """The cell's meaning. Raises CellRefused where it has none."""
        text = self.raw(field).strip()
        try:
            return how(text)
        except Unusable as problem:
            raise CellRefused(field, text, problem.reason) from None

    def text(self, field: str) -> str:
        """The text of a cell, or nothing."""
        place = self.places.get(field)
        if place is None or not (cell := self.cells[place]):
            return ""
        try:
            return read_text(cell)
        except Unusable as problem:
            raise CellRefused(field, cell.strip(), problem.reason) from None

    def spare(self, field: str) -> str:
        """The text of a cell that a row can do without; too long a one is left out."""
        try:
            return self.text(field)
        except CellRefused as refused:
            self.leave_out(field, f"{refused.reason} It was left out.")
            return ""

    def needed(self, field: str, what: str, fallback: str = "") -> str:
        """The text of a cell that must not be empty. Raises CellRefused."""
        if found := self.text(field) or fallback:
            return found
        raise CellRefused(field, "", f"The cell is empty: write {what} here.")

    def day(self, field: str) -> date | None:
        """The day in a cell, or None where it is empty. Raises CellRefused."""
        text = self.raw(field).strip()
        return self.read(field, read_day) if text else None

    def dated(self, field: str) -> date | None:
        """A day of the life of a debt."""
        found = self.day(field)
        if found and not EARLIEST_YEAR <= found.year <= LATEST_YEAR:
            why = f"The year is not between {EARLIEST_YEAR} and {LATEST_YEAR}: check it."
            raise CellRefused(field, self.raw(field), why)
        return found

    def past(self, field: str) -> date | None:
        """A day that cannot lie ahead."""
        found = self.dated(field)
        if found and found > self.today:
            raise CellRefused(field, self.raw(field), "The day lies in the future: check it.")
        return found

    def yes(self, field: str) -> bool | None:
        """Yes or no, or None where the cell is empty."""
        return self.read(field, read_yes) if self.raw(field).strip() else None

    def one_of(self, field: str, kinds: type[Kind]) -> Kind | None:
        """One of the words of a list, however it is spaced, or None where the cell is empty."""
        text = self.text(field)
        if not text:
            return None
        try:
            return kinds(text.casefold().replace(" ", "_").replace("-", "_"))
        except ValueError:
            raise CellRefused(field, text, f"Write one of: {', '.join(kinds)}.") from None

    def leave_out(self, field: str, reason: str) -> None:
        """Go on without what the cell holds, and say so."""
        self.warn(field, reason)

    def warn(self, field: str, reason: str) -> None:
        """Say what follows from a cell."""
        self.notices.append(Notice(self.column(field), reason))
