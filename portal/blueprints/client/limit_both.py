"""Two people's limits side by side: fields in words, lines of tables paired by what they are."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import BooleanField
from wtforms.fields.choices import SelectFieldBase

from portal.blueprints.client import current_client
from portal.blueprints.client.limit_form import LimitForm
from portal.blueprints.client.limit_rows import WHERE, RowForm, headed
from portal.blueprints.client.limit_words import Change, age_words, balance_words, compare
from portal.blueprints.consoles import page
from portal.domain import N_
from portal.services import drafts
from portal.services.drafts import limits_of
from portal.services.staff import names_of
from portal.web import gettext as _
from portal.web import problems_of, say, session

Typed = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a table: what it is, and what stands in it."""

    key: Hashable
    what: str
    words: str


def both_page(mine: LimitForm, typed: Typed, problem: str) -> str:
    """What somebody else saved beside what was typed here, both kept."""
    client = current_client()
    theirs = drafts.draft_of(session, client.id)
    limits = limits_of(theirs) if theirs else None
    if limits is not None and mine.found is not None:
        changes = [one for one in compare(limits, mine.found) if one.changed]
    else:
        changes = list(_differing(form_of(theirs.typed if theirs else {}), form_of(typed)))
    return page(
        "client/both.html",
        section="offers",
        problem=problem,
        draft=theirs,
        changes=changes,
        typed=[(name, value) for name, values in typed.items() for value in values],
        names=names_of(session, [theirs.saved_by]) if theirs else {},
        zone=client.time_zone,
    )


def form_of(typed: Typed) -> LimitForm:
    """The form as somebody typed it, with its problems."""
    form = LimitForm(MultiDict(typed)).for_currency(current_client().currency)
    form.validate()
    return form


def problems_in_words(form: LimitForm) -> list[tuple[str, str]]:
    """Each problem of a form with the field that it is about, lines of tables by their number."""
    words = {field.id: say(field.label.text) for field in form}
    words |= {form.segments.id: _("Segments"), form.rows.id: _("Settlements")}
    for table, line in ((form.segments, N_("Segment %(n)s")), (form.rows, N_("Row %(n)s"))):
        for n, entry in enumerate(table, 1):
            for field in entry.form:
                words[field.id] = f"{_(line, n=n)}: {say(field.label.text)}"
    return [(words.get(place, ""), problem) for place, problem in problems_of(form)]


def _differing(theirs: LimitForm, mine: LimitForm) -> Iterator[Change]:
    """The fields and lines that stand differently in two forms."""
    tables = (theirs.segments.name, theirs.rows.name, theirs.base.name)
    for field in theirs:
        before, after = _words(field), _words(mine[field.name])
        if before != after and field.name not in tables:
            yield Change(say(field.label.text), before or None, after or None)
    yield from _paired(list(_segments(theirs)), list(_segments(mine)))
    yield from _paired(list(_rows(theirs)), list(_rows(mine)))


def _words(field: Any) -> str:
    """What stands in a field, as a person would say it."""
    if isinstance(field, BooleanField):
        return _("yes") if field.data else _("no")
    if isinstance(field, SelectFieldBase):
        chosen = field.data if isinstance(field.data, list) else [field.data]
        return ", ".join(
            say(name) for value, name, *_more in field.iter_choices() if value in chosen
        )
    if isinstance(field.data, date):
        return _("%(day)s", day=field.data)
    return str(field._value() or "").strip() if hasattr(field, "_value") else ""


def _inside(fields: Sequence[Any]) -> str:
    said = [(say(one.label.text), words) for one in fields if (words := _words(one))]
    return _("; ").join(f"{what}: {words}" for what, words in said)


def _segments(form: LimitForm) -> Iterator[_Line]:
    for one in (entry.form for entry in form.segments if not entry.form.blank):
        inside = _inside([field for field in one if field.short_name != "name"])
        yield _Line(one.title.casefold(), _("Segment %(name)s", name=one.title), inside)


def _rows(form: LimitForm) -> Iterator[_Line]:
    segments = dict(form.segment_choices)
    for row, above in headed(form.rows):
        if row.blank:
            continue
        head = above or row
        who = segments.get(head.who.data or "", "")
        what = _("Settlement, %(accounts)s", accounts=_accounts(head, form.currency))
        ways = [field for field in row if field.short_name not in WHERE]
        yield _Line(
            (who, *_bounds(head)), f"{who}: {what}" if head.who.data else what, _inside(ways)
        )


def _accounts(head: RowForm, currency: str) -> str:
    """Which balances and days a row is for, as typed where that is not understood."""
    if head.errors:
        return _inside([head[name] for name in WHERE if name != "who"])
    _who, since, until, first_day, last_day = head.bounds
    spans = [balance_words((since, until), currency)]
    if first_day or last_day is not None:
        spans.append(age_words((first_day, last_day)))
    return ", ".join(spans)


def _bounds(head: RowForm) -> Sequence[object]:
    """Which balances and days a row is for, however they were typed."""
    return head.place[1:] if head.errors else head.bounds[1:]


def _paired(theirs: list[_Line], mine: list[_Line]) -> Iterator[Change]:
    """Lines of the same kind beside each other: those that only one has, or that read otherwise."""
    for key in dict.fromkeys(line.key for line in (*theirs, *mine)):
        before, after = ([one for one in side if one.key == key] for side in (theirs, mine))
        for old, new in zip_longest(_without(before, after), _without(after, before)):
            what = (new or old).what
            yield Change(what, old.words if old else None, new.words if new else None)


def _without(lines: list[_Line], others: list[_Line]) -> list[_Line]:
    """The lines that stand nowhere among others."""
    same, left = Counter(one.words for one in others), []
    for line in lines:
        same[line.words] -= 1
        if same[line.words] < 0:
            left.append(line)
    return left
