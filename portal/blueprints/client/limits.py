"""Offer limits: what is in force and planned, every version, and the form that writes a draft."""

from dataclasses import replace
from typing import Any

from flask import abort, flash, g, request
from werkzeug.datastructures import MultiDict

from portal.blueprints.client import bp, current_client
from portal.blueprints.client.limit_both import both_page
from portal.blueprints.client.limit_checking import editor, filled
from portal.blueprints.client.limit_drafts import steps_of
from portal.blueprints.client.limit_form import LimitForm
from portal.blueprints.client.limit_words import compare, describe
from portal.blueprints.consoles import page
from portal.domain import N_
from portal.domain.access import Permission
from portal.domain.policy import Policy
from portal.models import PolicyDraft
from portal.security import audience, current_staff
from portal.services import drafts
from portal.services.approvals import overtaken, planned
from portal.services.drafts import DraftChanged, Written, limits_of
from portal.services.policies import NoPolicy, live_version, policy_version, versions_of
from portal.services.staff import names_of
from portal.web import explain, now, see_other, session, taken_back, url_for
from portal.web import gettext as _

BUTTONS = ("csrf_token", "revision", "preview", "keep-mine")
KEPT_AS_TYPED = N_(
    "Kept as you typed it. It cannot be published before the problems below are solved."
)


@bp.get("/offers")
@audience(Permission.SEE_CLIENT)
def offers() -> Any:
    """The limits in force, what is planned, the draft with how far it is, and the versions."""
    client, at = current_client(), now()
    live, versions = live_version(session, client.id, at), versions_of(session, client.id)
    draft = drafts.draft_of(session, client.id)
    people = [who for one in versions for who in (one.published_by, one.approved_by) if who]
    people += [draft.saved_by] if draft else []
    return page(
        "client/offers.html",
        section="offers",
        live=live,
        lines=describe(live.policy) if live else [],
        planned=planned(versions, at),
        draft=draft,
        steps=steps_of(draft, at) if draft else (),
        versions=versions,
        overtaken=overtaken(versions),
        names=names_of(session, people),
        zone=client.time_zone,
    )


@bp.get("/offers/versions/<int(min=1, max=2147483647):number>")
@audience(Permission.SEE_CLIENT)
def version(number: int) -> Any:
    """One version, beside the one before it."""
    client = current_client()
    versions = versions_of(session, client.id)
    found = next((one for one in versions if one.version == number), None)
    if found is None:
        abort(404)
    this = policy_version(session, client.id, number)
    before = policy_version(session, client.id, number - 1).policy if number > 1 else None
    live = live_version(session, client.id, now())
    return page(
        "client/version.html",
        section="offers",
        found=found,
        changes=compare(before, this.policy),
        first=before is None,
        overtaken=number in overtaken(versions),
        old=live is not None and number < live.version,
        names=names_of(session, [one for one in (found.published_by, found.approved_by) if one]),
        zone=client.time_zone,
    )


def _given(draft: PolicyDraft | None) -> tuple[Policy, int]:
    """The limits that the form opens with, and the version that it begins from."""
    client = current_client()
    live = live_version(session, client.id, now())
    limits = limits_of(draft) if draft else None
    if draft is not None:
        return limits or Policy(1, client.currency), draft.base_version
    return (live.policy, live.version) if live else (Policy(1, client.currency), 0)


def _form(draft: PolicyDraft | None) -> LimitForm:
    """The form with what was typed just now, else what is kept, else what is in force."""
    given, number = _given(draft)
    if request.method == "POST":
        return filled(given, number, request.form)
    if held := taken_back():
        return filled(given, number, held)
    if draft is None or not draft.typed:
        return filled(given, number, None)
    form = filled(given, number, MultiDict(draft.typed))
    form.validate()
    return form


@bp.route("/offers/edit", methods=["GET", "POST"])
@audience(Permission.SET_LIMITS)
def edit() -> Any:
    """Write limits; whatever was typed is kept, and nothing is in force before two agreed."""
    draft = drafts.draft_of(session, current_client().id)
    form, revision = _form(draft), draft.revision if draft else 0
    if not form.is_submitted():
        return editor(form, current_client(), revision=_revision_held(revision))
    revision = request.form.get("revision", -1, type=int)
    if form.goes_on or "check" in request.form:
        form.goes_on or form.validate()
        answer = editor(form, current_client(), revision=revision)
        return (answer, 422) if form.errors else answer
    return _saved(form, revision)


def _revision_held(revision: int) -> int:
    """The revision that a form kept over a log-in was written on, else the one there is."""
    return int(g.held.get("revision", revision, type=int)) if "held" in g else revision


def _saved(form: LimitForm, revision: int) -> Any:
    """Keep what was typed, and go on: to compare it, to see it, or to mend it."""
    right = form.validate()
    base = 0 if form.form_errors else form.base.data or 0
    written = Written(_typed(), form.found if right else None, base)
    client, staff = current_client(), current_staff()
    try:
        kept = drafts.save_draft(
            session, client.id, written, revision=revision, staff=staff, now=now()
        )
    except DraftChanged as changed:
        session.rollback()
        return both_page(form, _typed(), explain(changed)), 409
    session.commit()
    if right:
        preview = "preview" in request.form
        return see_other(url_for("client.preview", of="draft") if preview else url_for(".draft"))
    return editor(form, client, revision=kept.revision, note=_(KEPT_AS_TYPED)), 422


def _typed() -> dict[str, list[str]]:
    return {name: request.form.getlist(name) for name in request.form if name not in BUTTONS}


@bp.post("/offers/versions/<int(min=1, max=2147483647):number>/again")
@audience(Permission.SET_LIMITS)
def restore(number: int) -> Any:
    """Make a draft of an older version, which goes the same way as any other."""
    client, at = current_client(), now()
    try:
        old = policy_version(session, client.id, number)
        live = live_version(session, client.id, at)
        again = replace(old.policy, from_on=None, to_on=None)
        written = Written({}, again, live.version if live else 0, restores=number)
        drafts.save_draft(session, client.id, written, revision=0, staff=current_staff(), now=at)
    except NoPolicy:
        abort(404)
    except DraftChanged:
        session.rollback()
        flash(_("There is a draft already. Publish it or throw it away first."), "err")
        return see_other(url_for(".version", number=number))
    session.commit()
    return see_other(url_for(".draft"))
