"""What waits, one page for each queue: take something, take the next, give it back, assign it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import abort, flash, request
from werkzeug.wrappers import Response
from wtforms import SelectChoice, SelectField  # type: ignore[attr-defined]

from portal import i18n
from portal.blueprints.consoles import Answer, Task, page, perform
from portal.blueprints.support import bp
from portal.blueprints.support.naming import DAYS, KINDS, TITLES
from portal.domain import N_, DomainError, labels, wording
from portal.domain.access import Permission
from portal.domain.help import UNCLEAR_TEXT
from portal.domain.waiting import Queue, needed_for
from portal.security import audience, current_staff, may, require
from portal.services import claims, queues
from portal.services.late_proposals import client_day
from portal.services.queues import PAGE, Cursor, Waiting
from portal.services.staff import names_of
from portal.web import Form, explain, locale, now, say, see_other, session, url_for
from portal.web import gettext as _

PAGES = {
    Queue.PROPOSALS: ("support.proposal", "proposal_id"),
    **dict.fromkeys(
        (Queue.DISPUTES, Queue.HARDSHIP, Queue.REQUESTS, Queue.MESSAGES),
        ("support.request", "request_id"),
    ),
    Queue.CALLS: ("support.call", "request_id"),
    Queue.CHARGES: ("support.charge", "installment_id"),
    Queue.LOCK_OUTS: ("support.lock_out", "lock_out_id"),
    Queue.QUESTIONS: ("support.question", "question_id"),
    Queue.LOOKS: ("support.second_look", "look_id"),
    Queue.LETTERS: ("support.batch", "batch_id"),
}
"""Where an entry is worked on; on the page of its account where it has none of its own."""


LATE, MINE = "late", "mine"
BY = ("asked_by", "printed_by")
"""The columns of those who made an entry, where it was staff."""


class AssignForm(Form):
    """Who shall do it."""

    to = SelectField(N_("Who does it"))


@bp.get("/queues/<kind>")
@audience(Permission.SEE_ACCOUNTS)
def queue(kind: str) -> Any:
    """What waits in one queue, by day; only what is late, or one's own, if that is asked for."""
    which, only = _queue(kind), _only().get("only")
    has = claims.of(current_staff(), now=now()) if only == MINE else ()
    found = queues.waiting(session, which, now=now(), after=_after(), late=only == LATE, only=has)
    shown = found[:PAGE]
    return page(
        "support/queue.html",
        section=kind,
        queue=which,
        title=TITLES[which],
        days=DAYS[which],
        only=only,
        next=_next(kind, shown[-1]) if len(found) > PAGE else None,
        **listed(shown),
    )


def listed(shown: Any) -> dict[str, Any]:
    """What a list of entries needs to be shown."""
    return {
        "waiting": shown,
        "page_of": page_of,
        "names": names_of(session, [*_people(shown)]),
        "kinds": KINDS,
        "me": current_staff().id,
        "may_work": lambda which: may(needed_for(which)),
        "today_of": lambda client: client_day(client, now()),
        "days_since": _days_since,
        "labels": labels,
        "titles": TITLES,
        "unclear": UNCLEAR_TEXT,
        "masked": wording.mask_name,
        "masked_phone": wording.mask_phone,
    }


def _people(shown: Any) -> Iterator[UUID]:
    """Who has an entry, and who made it."""
    for one in shown:
        made_by = (one.claim and one.claim.staff_id, *(getattr(one.item, by, None) for by in BY))
        yield from filter(None, made_by)


def _queue(kind: str) -> Queue:
    return Queue(kind) if kind in set(Queue) else abort(404)


def _next(kind: str, last: Waiting) -> str:
    after = "~".join(map(str, last.cursor))
    return url_for("support.queue", kind=kind, after=after, **_only())


def _only() -> dict[str, str]:
    asked = request.args.get("only")
    return {"only": asked} if asked in (LATE, MINE) else {}


def _after() -> Cursor | None:
    """The entry that the page before ended with; the beginning where that is not readable."""
    day, _tilde, item_id = request.args.get("after", "").partition("~")
    try:
        datetime.fromisoformat(day)
        return day, UUID(item_id)
    except ValueError:
        return None


def _days_since(entry: Waiting) -> int:
    since = entry.since
    began = client_day(entry.client, since) if isinstance(since, datetime) else since
    return max((client_day(entry.client, now()) - began).days, 0)


def page_of(entry: Waiting) -> str:
    """Where an entry is worked on."""
    if entry.queue in PAGES:
        endpoint, name = PAGES[entry.queue]
        return url_for(endpoint, **{name: entry.item.id})
    return url_for("support.account", account_id=entry.account.id) if entry.account else ""


def _working_on(kind: str) -> Queue:
    """The queue, of which this member of staff may do the work."""
    which = _queue(kind)
    require(needed_for(which))
    return which


def _list(kind: str) -> str:
    return url_for("support.queue", kind=kind)


def _refused(kind: str, error: DomainError) -> Response:
    """Back on the list, which says why not."""
    session.rollback()
    flash(explain(error), "bad")
    return see_other(_list(kind))


@bp.post("/queues/<kind>/next")
@audience(Permission.ANSWER)
def take_next(kind: str) -> Any:
    """Have the first entry that nobody has, and go to it."""
    found = claims.take_next(session, _working_on(kind), staff=current_staff(), now=now())
    if found is None:
        flash(_("Nothing is free: all that waits is with somebody."), "ok")
        return see_other(_list(kind))
    to = page_of(found)
    session.commit()
    return see_other(to)


@bp.post("/queues/<kind>/<uuid:item_id>/take")
@audience(Permission.ANSWER)
def take(kind: str, item_id: UUID) -> Any:
    """Have an entry, and go to it; whoever is second is told who has it."""
    try:
        found = claims.take(session, _working_on(kind), item_id, staff=current_staff(), now=now())
    except DomainError as error:
        return _refused(kind, error)
    to = page_of(found)
    session.commit()
    return see_other(to)


@bp.post("/queues/<kind>/<uuid:item_id>/keep")
@audience(Permission.ANSWER)
def keep(kind: str, item_id: UUID) -> Any:
    """Have an entry until it is done, and go to it; whoever is second is told who has it."""
    try:
        found = claims.keep(session, _working_on(kind), item_id, staff=current_staff(), now=now())
    except DomainError as error:
        return _refused(kind, error)
    to = page_of(found)
    session.commit()
    flash(_("It is assigned to you until it is done."), "ok")
    return see_other(to)


@bp.post("/queues/<kind>/<uuid:item_id>/give-back")
@audience(Permission.ANSWER)
def release(kind: str, item_id: UUID) -> Any:
    """Let others have it; who has it is said where that is a colleague."""
    try:
        claims.give_back(session, _working_on(kind), item_id, staff=current_staff(), now=now())
    except DomainError as error:
        return _refused(kind, error)
    session.commit()
    flash(_("It is back in the queue."), "ok")
    return see_other(_list(kind))


@bp.route("/queues/<kind>/<uuid:item_id>/assign", methods=["GET", "POST"])
@audience(Permission.SUPERVISE)
def assign(kind: str, item_id: UUID) -> Any:
    """Give an entry to a colleague, or to oneself, whoever has it, while it waits."""
    try:
        entry = claims.entry_of(session, _working_on(kind), item_id, now=now())
    except DomainError as error:
        return _refused(kind, error)
    return _assign(entry)


def _assign(entry: Waiting) -> Answer:
    people = claims.colleagues(session, entry, current_staff())
    form = AssignForm()
    form.to.choices = [SelectChoice(str(one), name) for one, name in people.items()]
    to = page_of(entry)

    def do() -> None:
        to_whom, by = UUID(form.to.data), current_staff()
        claims.assign(session, entry.queue, entry.item.id, to=to_whom, by=by, now=now())

    task = Task(
        title=_("Who does it: %(what)s", what=_what(entry)),
        button=_("Give it to them"),
        back=to,
        notes=_has_it(entry),
    )
    return perform(
        form, do, task=task, done=_("It is theirs until it is done or given back."), to=to
    )


def _what(entry: Waiting) -> str:
    return f"{say(TITLES[entry.queue])}, {entry.reference}"


def _has_it(entry: Waiting) -> list[str]:
    if entry.claim is None:
        return [_("Nobody has it now.")]
    name = names_of(session, [entry.claim.staff_id]).get(entry.claim.staff_id, "")
    if entry.claim.until is None:
        return [_("It is assigned to %(name)s, who is not told.", name=name)]
    until = i18n.voice(locale()).time(entry.claim.until, entry.client.time_zone)
    return [_("%(name)s has it until %(until)s, and is not told.", name=name, until=until)]
