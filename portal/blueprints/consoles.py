"""What both consoles share: pages in staff's words, forms that do one thing, downloads."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, flash, g, stream_with_context
from werkzeug.wrappers import Response as AnyResponse
from wtforms import SelectChoice  # type: ignore[attr-defined]

from portal.db import set_tenant
from portal.domain import DomainError
from portal.domain.access import Permission
from portal.domain.evidence import format_time
from portal.domain.labels import label
from portal.domain.outgoing import reason_of
from portal.domain.spreadsheets import guarded
from portal.models import Account, CallSession
from portal.security import current_staff, may
from portal.security.held import let_go
from portal.services.also_calling import AlsoCalling, also_calling
from portal.services.call_sessions import OnLine, open_call
from portal.services.timeline import Words
from portal.web import Form, explain, gettext, now, render, say, see_other, session

Answer = str | AnyResponse | tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A page with one form: its heading, what to know first, its button, and the way back.

    ``layout`` is the frame of its console.
    """

    title: str
    button: str
    back: str
    notes: Sequence[str] = ()
    danger: bool = False
    layout: str = "support/base.html"


def options(words: dict[str, str]) -> list[SelectChoice]:
    """The choices of a field: a code and its marked words each."""
    return [SelectChoice(code, text) for code, text in words.items()]


def words_of(code: object, group: dict[str, str] | None = None) -> str:
    """The words for a code in the page's language."""
    return say(label(code, group))


def told(words: Words | None) -> str:
    """A line of the timeline in the page's language."""
    if words is None:
        return ""
    params = {
        name: told(value) if isinstance(value, Words) else value
        for name, value in words.params.items()
    }
    return gettext(words.message, **params)


def because(rule: str, *, waits: bool = False) -> str:
    """Why something did not go out, or only ``waits``, with the rule of law where it is one."""
    words = say(reason_of(rule, waits=waits))
    return f"{words} ({rule})" if "-" in rule else words


def page(template: str, /, **context: Any) -> str:
    """A page of a console, which knows what its reader may do, and the words for codes.

    Where its form took back what was kept of it, the page says that it was not sent.
    """
    if g.pop("taken_back", False):
        flash(gettext("What you typed is back in the form. It has NOT been sent yet."), "warn")
    line = on_call()
    spoken: dict[str, Any] = {
        "may": may,
        "label": words_of,
        "told": told,
        "because": because,
        "utc": format_time,
        "on_call": line,
        "also_on_call": colleagues_on(line.call) if line else (),
    }
    return render(template, **spoken, **context)


def colleagues_on(about: CallSession | Account) -> Sequence[AlsoCalling]:
    """Who else is on the line with the person of a call, or of an account."""
    return also_calling(session, about.client_id, about.debtor_id, current_staff(), now=now())


def on_call() -> OnLine | None:
    """The call that whoever reads this page is on, or has still to wrap up; asked once a page."""
    if "line" not in g:
        may_call = may(Permission.CONTACT)
        g.line = open_call(session, current_staff(), now=now()) if may_call else None
    line: OnLine | None = g.line
    return line


def perform(form: Form, do: Callable[[], object], *, task: Task, done: str, to: str) -> Answer:
    """Do one thing when its form was sent and is right, say so on the next page.

    A refusal comes back on the same page with all that was typed.
    """
    if form.validate_on_submit() and attempt(form, do):
        flash(done, "ok")
        return see_other(to)
    answer = page("staff/task.html", form=form, task=task)
    return (answer, 422) if form.errors else answer


def attempt(form: Form, do: Callable[[], object]) -> bool:
    """Do it and commit; where a rule refuses, undo it and let the form say why.

    What was kept of the form goes, so that nobody sends twice what was done once.
    """
    try:
        do()
    except DomainError as error:
        session.rollback()
        form.form_errors.append(explain(error))
        return False
    let_go()
    session.commit()
    return True


def download(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A CSV file, streamed; no cell of it is a formula to a spreadsheet."""
    lines = stream_with_context(_lines(header, rows, session.info["client_ids"]))
    disposition = f'attachment; filename="{name}"'
    return Response(lines, mimetype="text/csv", headers={"Content-Disposition": disposition})


def _lines(
    header: Sequence[str], rows: Iterable[Sequence[object]], seen: Sequence[UUID]
) -> Iterator[str]:
    set_tenant(session, *seen)  # the request's own session was closed before the body is sent
    yield "\ufeff"
    yield _line(header)
    for cells in rows:
        yield _line(cells)


def _line(cells: Sequence[object]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(["" if cell is None else safe(cell) for cell in cells])
    return written.getvalue()


def safe(cell: object) -> str:
    """A cell as text that no spreadsheet takes for a formula; amounts stay numbers."""
    return str(cell) if isinstance(cell, Amount) else guarded(str(cell))


class Amount(str):
    """An amount as a file writes it: a number with two places, negative ones too."""

    def __new__(cls, cents: int) -> "Amount":
        """From cents."""
        whole, part = divmod(abs(cents), 100)
        return super().__new__(cls, f"{'-' if cents < 0 else ''}{whole}.{part:02}")
