"""Form fields for what WTForms has none: amounts of money and dates in three boxes."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import wtforms
from wtforms import Field, RadioField
from wtforms.utils import unset_value
from wtforms.validators import StopValidation

from portal.domain import N_, DomainError, compiler, typed
from portal.domain.money import Cents, parse_amount
from portal.domain.wording import clean_text
from portal.web import explain, locale
from portal.web import gettext as _

OTHER = "other"
"""The option beside which people write their own."""

PARTS = {"month": N_("Month"), "day": N_("Day"), "year": N_("Year")}
MONTH_FIRST = ("month", "day", "year")
DAY_FIRST = ("day", "month", "year")


ZERO = re.compile(r"0+(?:[.,]00?)?", re.ASCII)
PERCENT = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))? ?%?", re.ASCII)


class MoneyField(Field):
    """An amount as people type it; ``data`` is integer cents, or None while it is unclear.

    Nothing at all, 0, is an amount only where ``zero``.
    """

    currency = ""
    """Stands before the field, where a page may be about more than one."""

    def __init__(
        self, *args: Any, optional: bool = False, zero: bool = False, **given: Any
    ) -> None:
        super().__init__(*args, **given)
        self.optional, self.zero = optional, zero

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
        if self.zero and ZERO.fullmatch(typed_in.strip()):
            self.data = Cents(0)
            return
        try:
            self.data = parse_amount(typed_in, decimal_comma=locale().startswith("fr"))
        except DomainError as error:
            raise StopValidation(explain(error)) from error


class Pick(RadioField):
    """One of several; whether one is needed depends on the others, so the form asks for it."""

    def __init__(self, label: str, options: Iterable[tuple[str, str]] = (), **given: Any) -> None:
        super().__init__(label, **given)
        self.offer(options)

    def offer(self, options: Iterable[tuple[str, str]]) -> None:
        """Put these (value, words) on the page."""
        listed = dict(options)
        self.values = frozenset(listed)
        self.choices = [wtforms.SelectChoice(*one) for one in listed.items()]  # type: ignore[attr-defined]

    def pre_validate(self, form: Any) -> None:
        """Refuse what is not in the list."""
        self.data = self.data or None
        if self.data is not None and self.data not in self.values:
            raise StopValidation(_("Choose from the list."))


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
