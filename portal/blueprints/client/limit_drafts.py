"""The draft of offer limits: how far it is, what it changes, and the second person's answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, request
from wtforms import TextAreaField

from portal.blueprints.client import bp, current_client
from portal.blueprints.client.limit_both import form_of, problems_in_words
from portal.blueprints.client.limit_words import Change, compare
from portal.blueprints.consoles import page
from portal.domain import N_, DomainError, compiler
from portal.domain.access import Permission
from portal.domain.compiler import Problem
from portal.domain.policy import Policy
from portal.models import PolicyDraft
from portal.security import audience, current_staff, danger
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
from portal.web import Form, explain, now, see_other, session, url_for
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
    found = approvals.rehearsal_of(session, draft, at)
    counts = found is not None and bool(found.completed_at) and not approvals.is_too_old(found, at)
    return (
        _written(draft),
        Step(_("Rehearsed on your accounts"), counts),
        Step(_("Approved by a second person"), False),
    )


def _written(draft: PolicyDraft) -> Step:
    if draft.document is None:
        return Step(_("Written, but with problems"), False)
    return Step(_("Written, without a problem"), True)


@bp.get("/offers/draft")
@audience(Permission.SET_LIMITS)
def draft() -> Any:
    """The draft beside what is in force, line by line, and what is still to do."""
    return _page()


def _page(problem: str | None = None, form: BackForm | None = None) -> Any:
    client, at = current_client(), now()
    found = drafts.draft_of(session, client.id)
    if found is None:
        return see_other(url_for("client.offers"))
    live, limits = live_version(session, client.id, at), limits_of(found)
    answer = page(
        "client/draft.html",
        section="offers",
        draft=found,
        limits=limits,
        problems=[] if limits else problems_in_words(form_of(found.typed)),
        cautions=[_(one.message, **one.params) for one in _cautions(limits)],
        changes=compare(live.policy if live else None, limits) if limits else [],
        version=live.version if live else 0,
        between=_between(client.id, found.base_version, live) if live else [],
        steps=steps_of(found, at),
        starts_at=starts_at(client, limits.from_on, at) if limits else None,
        planned=approvals.planned(versions_of(session, client.id), at),
        zone=client.time_zone,
        form=form or BackForm(None),
        problem=problem,
        **_people(client.id, found),
        **_rehearsed(found, at),
    )
    return (answer, 409) if problem else (answer, 422) if form and form.errors else answer


def _people(client_id: UUID, found: PolicyDraft) -> dict[str, Any]:
    """Who wrote the draft, and who may approve it."""
    named = [*found.writers, *([found.noted_by] if found.noted_by else [])]
    return {
        "mine": current_staff().id in found.writers,
        "others": approvals.others_who_approve(session, client_id, found.writers),
        "names": names_of(session, named),
    }


def _rehearsed(found: PolicyDraft, at: datetime) -> dict[str, Any]:
    """The draft's rehearsal, and whether it still counts."""
    rehearsal = approvals.rehearsal_of(session, found, at)
    return {
        "rehearsal": rehearsal,
        "too_old": rehearsal is not None and approvals.is_too_old(rehearsal, at),
        "counts_for": approvals.REHEARSAL_COUNTS_FOR.days,
    }


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
@audience(Permission.SET_LIMITS)
@danger
def approve() -> Any:
    """Put exactly these limits in force, from the day that they name."""
    try:
        done = _do(approvals.approve)
    except DomainError as refused:
        session.rollback()
        return _page(explain(refused))
    flash(_("Version %(version)s is approved.", version=done.version), "ok")
    return see_other(url_for("client.offers"))


@bp.route("/offers/draft/send-back", methods=["GET", "POST"])
@audience(Permission.SET_LIMITS)
def send_back() -> Any:
    """Ask whoever wrote the draft to change it."""
    form = BackForm()
    if not form.is_submitted():
        return _page(form=form)
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


@bp.post("/offers/draft/put-back")
@audience(Permission.SET_LIMITS)
def put_back() -> Any:
    """Make the draft again what its first author alone had written."""
    try:
        _do(drafts.put_back)
    except DomainError as refused:
        session.rollback()
        return _page(explain(refused))
    flash(_("The draft is again as one person alone wrote it."), "ok")
    return see_other(url_for("client.draft"))


@bp.post("/offers/discard")
@audience(Permission.SET_LIMITS)
def discard() -> Any:
    """Forget the draft."""
    try:
        _do(drafts.discard_draft)
    except DomainError as refused:
        session.rollback()
        return _page(explain(refused))
    flash(_("The draft is gone. Nothing changed."), "ok")
    return see_other(url_for("client.offers"))
