"""Fields of the form of offer limits that no other form has: what a row pays, names, regions."""

import csv
import re
from dataclasses import dataclass
from typing import Any, Final

from wtforms import Field
from wtforms.validators import StopValidation

from portal.blueprints.fields import PERCENT
from portal.domain import N_, DomainError
from portal.domain.compiler import percent
from portal.domain.money import WHOLE_BPS, AmountUnclear, parse_amount
from portal.rules.regions import find_region
from portal.web import explain, locale, ngettext
from portal.web import gettext as _

LONGEST: Final = 2_000
BARE: Final = re.compile(r"[\d., ]+", re.ASCII)
SHARE_OR_AMOUNT: Final = N_("Write 70%% for a share or $500 for an amount.")
NO_SETTLEMENT: Final = frozenset({"none", "ninguna", "ninguno", "aucun", "-", "–", "—"})


@dataclass(frozen=True, slots=True)
class Pays:
    """What a row pays: a share (bps) or an amount (cents); neither: there is no settlement."""

    bps: int = 0
    cents: int = 0
    nothing: bool = False


NOTHING_LESS: Final = Pays(nothing=True)


class _Typed(Field):
    """A text that is read when the form is checked; until then ``data`` is None."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what was typed; `pre_validate` says what is wrong with it."""
        self.data = None

    @property
    def typed(self) -> str:
        """What stands in the field, without spaces around it."""
        return str(self.raw_data[0]).strip()[:LONGEST] if self.raw_data else ""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.written() if self.data is not None else ""

    def written(self) -> str:
        """What the field holds, as it would be typed."""
        return str(self.data)


class PayField(_Typed):
    """70% or $500 in one field; ``data`` is a Pays, or None where nothing was typed."""

    def written(self) -> str:
        """70%, $500 or none."""
        if self.data.nothing:
            return _("none")
        if self.data.cents:
            whole, part = divmod(self.data.cents, 100)
            return f"${whole}.{part:02}".removesuffix(".00")
        return f"{percent(self.data.bps)}%"

    @property
    def understood(self) -> str:
        """What a bare number was taken for; empty where the field says it already."""
        if self.data is None or self.data.nothing:
            return ""
        bare = BARE.fullmatch(self._value().strip())
        return self.written() if bare else ""

    def pre_validate(self, form: Any) -> None:
        """Understand the share or the amount, or ask for it again."""
        text = " ".join(self.typed.split())
        if not text:
            raise StopValidation
        if text.casefold() in NO_SETTLEMENT:
            self.data = NOTHING_LESS
            return
        bare = BARE.fullmatch(text)
        share = PERCENT.fullmatch(text)
        if share is not None:
            bps = int(share[1]) * 100 + int((share[2] or "").ljust(2, "0"))
            if not bare or bps <= WHOLE_BPS:
                self.data = Pays(bps=bps)
                return
        if bare or "%" in text:
            raise StopValidation(_(SHARE_OR_AMOUNT))
        try:
            self.data = Pays(cents=parse_amount(text, decimal_comma=locale().startswith("fr")))
        except AmountUnclear as error:
            raise StopValidation(_(SHARE_OR_AMOUNT)) from error
        except DomainError as error:
            raise StopValidation(explain(error)) from error


class NamesField(_Typed):
    """Names with commas between them, one with a comma in quotation marks; ``data`` is a tuple."""

    def written(self) -> str:
        """The names as a list."""
        return ", ".join(_quoted(name) for name in self.data)

    def pre_validate(self, form: Any) -> None:
        """Read the names, each once."""
        found = next(csv.reader([" ".join(self.typed.split())], skipinitialspace=True), [])
        names = {name.casefold(): name for one in reversed(found) if (name := one.strip())}
        self.data = tuple(reversed(names.values()))


def _quoted(name: str) -> str:
    if "," not in name and '"' not in name:
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


class RegionsField(NamesField):
    """States and provinces by postal code or name; ``data`` is a tuple of codes."""

    def pre_validate(self, form: Any) -> None:
        """Find each region, or name those that are none."""
        super().pre_validate(form)
        found = [(name, find_region(name)) for name in self.data]
        unknown = [f"“{name}”" for name, region in found if region is None]
        if unknown:
            self.data = None
            raise StopValidation(
                ngettext(
                    "%(names)s is no state or province.",
                    "%(names)s are no states or provinces.",
                    len(unknown),
                    names=", ".join(unknown),
                )
            )
        self.data = tuple(dict.fromkeys(region.code for _name, region in found if region))
