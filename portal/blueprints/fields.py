"""Form fields for what WTForms has none: amounts of money and dates in three boxes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wtforms import Field
from wtforms.utils import unset_value
from wtforms.validators import StopValidation

from portal.domain import N_, DomainError, compiler, typed
from portal.domain.money import parse_amount
from portal.domain.wording import clean_text
from portal.web import explain, locale

PARTS = {"month": N_("Month"), "day": N_("Day"), "year": N_("Year")}
MONTH_FIRST = ("month", "day", "year")
DAY_FIRST = ("day", "month", "year")


PERCENT = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))? ?%?", re.ASCII)


class MoneyField(Field):
    """An amount as people type it; ``data`` is integer cents, or None while it is unclear."""

    currency = ""
    """Stands before the field, where a page may be about more than one."""

    def __init__(self, *args: Any, optional: bool = False, **given: Any) -> None:
        super().__init__(*args, **given)
        self.optional = optional

    def _value(self) -> str:
        if self.raw_data:
            return clean_text(str(self.raw_data[0])[:40])
        return f"{self.data / 100:.2f}".removesuffix(".00") if self.data is not None else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what was typed; `pre_validate` says what is wrong with it."""
        self.data = None

    def pre_validate(self, form: Any) -> None:
        """Understand the amount, or ask for it again."""
        typed_in = str(self.raw_data[0]) if self.raw_data else ""
        if self.optional and not typed_in.strip():
            raise StopValidation
        try:
            self.data = parse_amount(typed_in, decimal_comma=locale().startswith("fr"))
        except DomainError as error:
            raise StopValidation(explain(error)) from error


class PercentField(Field):
    """A share as people type it, 70 or 66.5; ``data`` is basis points, or None while unclear."""

    def __init__(self, *args: Any, optional: bool = False, **given: Any) -> None:
        super().__init__(*args, **given)
        self.optional = optional

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return compiler.percent(self.data) if self.data is not None else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what was typed; `pre_validate` says what is wrong with it."""
        self.data = None

    def pre_validate(self, form: Any) -> None:
        """Understand the share, or ask for it again."""
        typed_in = str(self.raw_data[0]).strip() if self.raw_data else ""
        if self.optional and not typed_in:
            raise StopValidation
        found = PERCENT.fullmatch(typed_in)
        if found is None:
            raise StopValidation(N_("Write a percentage with digits, for example 70 or 66.5."))
        self.data = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


@dataclass(frozen=True)
class Box:
    """One of the boxes of a date, as the macro draws it."""

    part: str
    id: str
    name: str
    label: str
    value: str


class DateBoxes(Field):
    """A date in three boxes, name-month, name-day and name-year; ``data`` is a date or None."""

    def __init__(self, *args: Any, message: str = typed.DateUnclear.message, **given: Any) -> None:
        super().__init__(*args, **given)
        self.message = message
        self._typed: dict[str, str] = {}

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Take the three boxes from the form, or the date that was given."""
        super().process(None, data)
        if formdata is None:
            self._typed = {part: str(getattr(self.data, part)) for part in PARTS if self.data}
        else:
            self._typed = {
                part: clean_text(formdata.get(f"{self.name}-{part}", "")[:20]) for part in PARTS
            }
            self.data = None

    def pre_validate(self, form: Any) -> None:
        """Understand the date, or ask for it again."""
        boxes = self._typed
        try:
            year, month, day = (boxes.get(part, "") for part in ("year", "month", "day"))
            self.data = typed.day(year, month, day)
        except DomainError as error:
            raise StopValidation(self.message) from error

    def boxes(self, language: str) -> Sequence[Box]:
        """The boxes in the order of the reader's language; the first carries the field's id."""
        order = MONTH_FIRST if language == "en" else DAY_FIRST
        return [
            Box(
                part,
                self.id if part == order[0] else f"{self.id}-{part}",
                f"{self.name}-{part}",
                PARTS[part],
                self._typed.get(part, ""),
            )
            for part in order
        ]
