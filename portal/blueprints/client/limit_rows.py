"""Tables of the form of offer limits: its segments, and the ways to settle that make up bands."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import wtforms
from wtforms import FieldList, IntegerField, SelectMultipleField, StringField
from wtforms.validators import Length, Optional

from portal.blueprints.client.limit_fields import (
    NOTHING_LESS,
    NamesField,
    PayField,
    Pays,
    RegionsField,
)
from portal.blueprints.consoles import options
from portal.blueprints.fields import MoneyField, PercentField
from portal.domain import N_, labels
from portal.domain.policy import Band, Policy, Segment, Tier
from portal.web import Form

USUAL_DAYS: Final = 30
LONGEST_NAME: Final = 60
LONGEST_NUMBER: Final = 6
SAME: Final = "="
WHERE: Final = ("who", "since", "until", "first_day", "last_day")

Bounds = tuple[str, int, int | None, int, int | None]


class Table(FieldList):  # type: ignore[type-arg]
    """Lines of a form, by their numbers; a name with another number in it is none of ours."""

    def _extract_indices(self, prefix: str, formdata: Any) -> Iterator[int]:
        ours = (name for name in formdata if name.startswith(f"{prefix}-"))
        for number in (name.split("-", 2)[1] for name in ours):
            if number.isascii() and number.isdecimal() and len(number) <= LONGEST_NUMBER:
                yield int(number)


class _Row(wtforms.Form):
    """One line of a table."""

    class Meta(Form.Meta):
        """Our words for what WTForms says by itself."""

    @property
    def blank(self) -> bool:
        """Whether nothing stands or is ticked in the line."""
        return not any(_standing(field) for field in self)


def _standing(field: Any) -> object:
    """What a person sees in a field."""
    return str(field._value() or "").strip() if hasattr(field, "_value") else field.data


class SegmentForm(_Row):
    """A named set of accounts; what is left empty does not matter."""

    name = StringField(N_("Name"), [Length(max=LONGEST_NAME, message=N_("Use a shorter name."))])
    products = NamesField(N_("Products"))
    regions = RegionsField(N_("States or provinces"))
    roles = SelectMultipleField(N_("Who collects"), choices=options(labels.COLLECTORS))
    histories = SelectMultipleField(N_("Payment history"), choices=options(labels.HISTORIES))

    @property
    def title(self) -> str:
        """The name as typed, with single spaces."""
        return " ".join((self.name.data or "").split())


class RowForm(_Row):
    """One way to settle: which accounts it is for, and what they pay.

    ``who`` is the number of a segment's line, so that a new name loses nothing; empty: the others;
    ``SAME``: the accounts of the row above.
    """

    who = StringField(N_("For"))
    since = MoneyField(N_("Balance from"), optional=True)
    until = MoneyField(N_("Balance below"), optional=True)
    first_day = IntegerField(N_("Days since default, from"), [Optional()])
    last_day = IntegerField(N_("Days since default, before"), [Optional()])
    share = PayField(N_("Pays"))
    parts = IntegerField(N_("Payments at most"), [Optional()])
    days = IntegerField(N_("Offer stands, days"), [Optional()])
    agree = PercentField(N_("Agree down to, percent"), optional=True)

    @property
    def same(self) -> bool:
        """Whether it is for the accounts of the row above."""
        return self.who.data == SAME

    @property
    def blank(self) -> bool:
        """Whether nothing stands in it, but perhaps whom it would be for."""
        where = WHERE if self.same else ()
        return not any(_standing(field) for field in self if field.short_name not in where)

    @property
    def bounds(self) -> Bounds:
        """Which accounts the row is for, as a band has it."""
        since, first_day = self.since.data or 0, self.first_day.data or 0
        return self.who.data or "", since, self.until.data, first_day, self.last_day.data

    @property
    def place(self) -> tuple[object, ...]:
        """The same as it was typed, to see which rows stand together."""
        return tuple(_standing(self[name]) for name in WHERE)


def headed(rows: Iterable[Any]) -> Iterator[tuple[RowForm, RowForm | None]]:
    """Each row with the one that says whom it is for, itself or one above; None where none does."""
    head: RowForm | None = None
    for row in (entry.form for entry in rows):
        if not row.same or row.blank:
            head = None if row.blank else row
        yield row, head


class Lines:
    """The lines of both tables, and which line each part of the policy came from.

    ``left_out``: at least one row is not understood, so that no band has it.
    """

    def __init__(self, segments: Any, rows: Any) -> None:
        self.segments = [n for n, one in enumerate(segments) if not one.form.blank]
        self._segments, self._rows = segments, rows
        self.bands: dict[Bounds, list[int]] = {}
        self.left_out = False
        for n, (row, head) in enumerate(headed(rows)):
            if head and not row.errors and not head.errors:
                self.bands.setdefault(head.bounds, []).append(n)
            elif not row.blank:
                self.left_out = True

    def name(self, who: str) -> str:
        """The name of the segment on a line."""
        found = who.isdecimal() and int(who) in self.segments
        return self._segments[int(who)].form.title if found else ""

    def typed_segments(self) -> Iterator[dict[str, Any]]:
        """The segments in the shape of a policy's."""
        for one in (self._segments[n].form for n in self.segments):
            yield {
                "name": one.title,
                "products": one.products.data or (),
                "regions": one.regions.data or (),
                "collector_roles": tuple(one.roles.data or ()),
                "histories": tuple(one.histories.data or ()),
            }

    def typed_bands(self) -> Iterator[dict[str, Any]]:
        """Rows for the same accounts as the tiers of one band."""
        for (who, since, until, first_day, last_day), numbers in self.bands.items():
            ways = [self._rows[n].form for n in numbers]
            agreed = [way.agree.data for way in ways if way.agree.data is not None]
            yield {
                "from_balance_cents": since,
                "to_balance_cents": until,
                "from_days": first_day,
                "to_days": last_day,
                "tiers": tuple(_tier(way) for way in ways if _settles(way)),
                "agree_settlement_bps": min(agreed) if agreed else None,
                "segment": self.name(who),
            }

    def row_of(self, band: int, tier: int | None = None) -> int | None:
        """The number of the row that a band's tier, or else a band, was typed in."""
        rows = list(self.bands.values())[band] if 0 <= band < len(self.bands) else []
        settling = [n for n in rows if _settles(self._rows[n].form)]
        if tier is not None and 0 <= tier < len(settling):
            return settling[tier]
        return rows[0] if rows else None


def _settles(way: RowForm) -> bool:
    return way.share.data is not None and not way.share.data.nothing


def _tier(way: RowForm) -> dict[str, Any]:
    return {
        "pay_bps": way.share.data.bps,
        "pay_cents": way.share.data.cents,
        "max_parts": 1 if way.parts.data is None else way.parts.data,
        "valid_for_days": USUAL_DAYS if way.days.data is None else way.days.data,
    }


def lines_of(policy: Policy) -> dict[str, Any]:
    """A policy's segments and bands as the defaults of the two tables."""
    names = [one.name for one in policy.segments]
    return {
        "segments": [_segment(one) for one in policy.segments],
        "rows": [row for band in policy.bands for row in _rows(band, names)],
    }


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "name": segment.name,
        "products": segment.products,
        "regions": segment.regions,
        "roles": [str(role) for role in segment.collector_roles],
        "histories": [str(history) for history in segment.histories],
    }


def _rows(band: Band, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    where = {
        "who": str(names.index(band.segment)) if band.segment in names else "",
        "since": band.from_balance_cents or None,
        "until": band.to_balance_cents,
        "first_day": band.from_days or None,
        "last_day": band.to_days,
    }
    first, *others = band.tiers or (None,)
    yield where | _way(first) | {"agree": band.agree_settlement_bps}
    yield from ({"who": SAME} | _way(tier) for tier in others)


def _way(tier: Tier | None) -> dict[str, Any]:
    if tier is None:
        return {"share": NOTHING_LESS, "parts": None, "days": None}
    pays = Pays(tier.pay_bps, tier.pay_cents)
    return {"share": pays, "parts": tier.max_parts, "days": tier.valid_for_days}
