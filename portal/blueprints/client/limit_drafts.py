"""The draft of offer limits: how far it is, what it changes, and the second person's answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, request
from werkzeug.datastructures import MultiDict
from wtforms import TextAreaField

from portal.blueprints.client import ADMIN, bp, current_client
from portal.blueprints.client.limit_form import LimitForm
from portal.blueprints.client.limit_words import Change, compare
from portal.blueprints.consoles import page
from portal.domain import N_, DomainError, compiler
from portal.domain.compiler import Problem
from portal.domain.policy import Policy
from portal.models import PolicyDraft
from portal.security import audience, current_staff
from portal.services import approvals, drafts
from portal.services.drafts import limits_of
from portal.services.policies import (
    PublishedPolicy,
    live_version,
    policy_version,
    starts_at,
    versions_of,
)
from portal.services.staff import names_of
from portal.web import Form, explain, now, say, see_other, session, url_for
from portal.web import gettext as _


class BackForm(Form):
    """What the second person wants changed."""

    note = TextAreaField(N_("What should be changed?"))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a draft on its way to debtors."""

    words: str
    done: bool


def steps_of(draft: PolicyDraft, at: datetime) -> tuple[Step, ...]:
    """How far a draft is: written, rehearsed, approved."""
    rehearsal = approvals.rehearsal_of(session, draft, at)
    return (
        _written(draft),
        Step(_("Rehearsed on your accounts"), bool(rehearsal and rehearsal.completed_at)),
        Step(_("Approved by a second person"), False),
    )


def _written(draft: PolicyDraft) -> Step:
    if draft.document is None:
        return Step(_("Written, but with problems"), False)
    return Step(_("Written, without a problem"), True)


@bp.get("/offers/draft")
@audience(ADMIN)
def draft() -> Any:
    """The draft beside what is in force, line by line, and what is still to do."""
    return _page()


def _page(problem: str | None = None, form: BackForm | None = None) -> Any:
    client, at = current_client(), now()
    found = drafts.draft_of(session, client.id)
    if found is None:
        return see_other(url_for("client.offers"))
    live, limits = live_version(session, client.id, at), limits_of(found)
    people = [one for one in (found.saved_by, found.noted_by) if one]
    answer = page(
        "client/draft.html",
        section="offers",
        draft=found,
        limits=limits,
        cautions=[_(one.message, **one.params) for one in _cautions(limits)],
        changes=compare(live.policy if live else None, limits) if limits else [],
        version=live.version if live else 0,
        between=_between(client.id, found.base_version, live) if live else [],
        steps=steps_of(found, at),
        rehearsal=approvals.rehearsal_of(session, found, at),
        mine=found.saved_by == current_staff().id,
        others=approvals.others_who_approve(session, client.id, found.saved_by),
        starts_at=starts_at(client, limits.from_on, at) if limits else None,
        planned=approvals.planned(versions_of(session, client.id), at),
        names=names_of(session, people),
        zone=client.time_zone,
        form=form or BackForm(None),
        problem=problem,
    )
    return (answer, 409) if problem else (answer, 422) if form else answer


def _cautions(limits: Policy | None) -> list[Problem]:
    """What the second person should know, of limits that could be published."""
    return list(compiler.cautions(limits)) if limits else []


def _between(client_id: UUID, began_from: int, live: PublishedPolicy) -> list[Change]:
    """What others changed since a draft was begun."""
    if not 0 < began_from < live.version:
        return []
    before = policy_version(session, client_id, began_from).policy
    return [one for one in compare(before, live.policy) if one.changed]


def _do(act: Callable[..., Any], *given: Any) -> Any:
    """Do something to the revision that the page showed, or raise why not."""
    revision = request.form.get("revision", -1, type=int)
    at = {"revision": revision, "staff": current_staff(), "now": now()}
    done = act(session, current_client().id, *given, **at)
    session.commit()
    return done


@bp.post("/offers/draft/approve")
@audience(ADMIN)
def approve() -> Any:
    """Put exactly these limits in force, from the day that they name."""
    try:
        done = _do(approvals.approve)
    except DomainError as refused:
        session.rollback()
        return _page(explain(refused))
    flash(_("Version %(version)s is approved.", version=done.version), "ok")
    return see_other(url_for("client.offers"))


@bp.post("/offers/draft/send-back")
@audience(ADMIN)
def send_back() -> Any:
    """Ask whoever wrote the draft to change it."""
    form = BackForm()
    try:
        _do(approvals.send_back, form.note.data or "")
    except approvals.NoteMissing as missing:
        session.rollback()
        form.note.errors = [explain(missing)]
        return _page(form=form)
    except DomainError as refused:
        session.rollback()
        return _page(explain(refused))
    flash(_("The draft is sent back with your words."), "ok")
    return see_other(url_for("client.offers"))


@bp.post("/offers/discard")
@audience(ADMIN)
def discard() -> Any:
    """Forget the draft."""
    try:
        _do(drafts.discard_draft)
    except DomainError as refused:
        session.rollback()
        return _page(explain(refused))
    flash(_("The draft is gone. Nothing changed."), "ok")
    return see_other(url_for("client.offers"))


def both_page(mine: LimitForm, typed: Mapping[str, Sequence[str]], problem: str) -> str:
    """What somebody else saved beside what was typed here, both kept."""
    client = current_client()
    theirs = drafts.draft_of(session, client.id)
    limits = limits_of(theirs) if theirs else None
    if limits is not None and mine.found is not None:
        changes = [one for one in compare(limits, mine.found) if one.changed]
    else:
        changes = list(_differing(theirs.typed if theirs else {}, typed))
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


def _differing(
    theirs: Mapping[str, Sequence[str]], mine: Mapping[str, Sequence[str]]
) -> Iterator[Change]:
    """The fields of two forms that were typed differently."""
    words = _labels(theirs) | _labels(mine)
    for name in dict.fromkeys([*theirs, *mine]):
        before, after = (", ".join(one.get(name, ())) for one in (theirs, mine))
        if before != after and name in words:
            yield Change(words[name], before or None, after or None)


def _labels(typed: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The label of each field of a form, those of tables with their line."""
    form, found = LimitForm(MultiDict(typed)), dict[str, str]()
    for field in form:
        found[field.name] = say(field.label.text)
    for table, line in ((form.segments, N_("Segment %(n)s")), (form.rows, N_("Row %(n)s"))):
        for n, entry in enumerate(table, 1):
            for field in entry.form:
                found[field.name] = f"{_(line, n=n)}: {say(field.label.text)}"
    return found
