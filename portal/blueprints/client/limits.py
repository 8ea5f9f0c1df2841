"""Offer limits: what is in force, a form, the difference to confirm, and every version."""

from typing import Any
from uuid import UUID

from flask import abort, flash, request

from portal.blueprints.client import ADMIN, bp, current_client
from portal.blueprints.client.limit_checking import editor, filled
from portal.blueprints.client.limit_form import LimitForm
from portal.blueprints.client.limit_words import Change, compare, describe
from portal.blueprints.consoles import page
from portal.domain.policy import Policy
from portal.security import audience, current_staff
from portal.services import drafts
from portal.services.drafts import ChangedMeanwhile
from portal.services.policies import (
    NoPolicy,
    NotPublishable,
    PublishedPolicy,
    policy_version,
    versions_of,
)
from portal.services.staff import names_of
from portal.web import explain, now, see_other, session, url_for
from portal.web import gettext as _


@bp.get("/offers")
@audience(ADMIN)
def offers() -> Any:
    """The limits in force, the draft that waits, and the versions so far."""
    client = current_client()
    live = drafts.live_version(session, client.id)
    versions = versions_of(session, client.id)
    return page(
        "client/offers.html",
        section="offers",
        live=live,
        lines=describe(live.policy) if live else [],
        draft=drafts.draft_of(session, client.id, current_staff()),
        versions=versions,
        names=names_of(session, [one.published_by for one in versions if one.published_by]),
        zone=client.time_zone,
    )


@bp.get("/offers/versions/<int(min=1, max=2147483647):number>")
@audience(ADMIN)
def version(number: int) -> Any:
    """One version, beside the one before it."""
    client = current_client()
    try:
        found = policy_version(session, client.id, number)
    except NoPolicy:
        abort(404)
    before = policy_version(session, client.id, number - 1).policy if number > 1 else None
    return page(
        "client/version.html",
        section="offers",
        found=found,
        changes=compare(before, found.policy),
        first=before is None,
    )


def _form() -> LimitForm:
    """The form, filled with what was typed, else with the draft, else with what is in force."""
    client = current_client()
    live = drafts.live_version(session, client.id)
    draft = drafts.draft_of(session, client.id, current_staff())
    number = live.version if live else 0
    given = live.policy if live else Policy(1, client.currency)
    if draft is not None:
        given, number = draft
    return filled(given, number, request.form if request.method == "POST" else None)


@bp.route("/offers/edit", methods=["GET", "POST"])
@audience(ADMIN)
def edit() -> Any:
    """Change the limits; nothing is in force before the difference was confirmed."""
    form, client = _form(), current_client()
    right = not form.goes_on and form.validate_on_submit()
    if right and form.found and "check" not in request.form:
        drafts.save_draft(
            session,
            client.id,
            form.found,
            base_version=form.base.data or 0,
            staff=current_staff(),
            now=now(),
        )
        session.commit()
        to = url_for("client.preview", of="draft") if "preview" in request.form else None
        return see_other(to or url_for("client.draft"))
    answer = editor(form, client)
    return (answer, 422) if form.errors else answer


@bp.get("/offers/draft")
@audience(ADMIN)
def draft() -> Any:
    """The draft beside what is in force, line by line, to confirm."""
    return _draft_page()


def _draft_page(problem: str | None = None) -> Any:
    client = current_client()
    found = drafts.draft_of(session, client.id, current_staff())
    if found is None:
        return see_other(url_for("client.offers"))
    live = drafts.live_version(session, client.id)
    version = live.version if live else 0
    answer = page(
        "client/draft.html",
        section="offers",
        changes=compare(live.policy if live else None, found[0]),
        version=version,
        began_from=found[1],
        between=_between(client.id, found[1], live) if live else [],
        problem=problem,
    )
    return (answer, 409) if problem else answer


def _between(client_id: UUID, began_from: int, live: PublishedPolicy) -> list[Change]:
    """What others changed since a draft was begun."""
    if not 0 < began_from < live.version:
        return []
    before = policy_version(session, client_id, began_from).policy
    return [one for one in compare(before, live.policy) if one.changed]


@bp.post("/offers/publish")
@audience(ADMIN)
def publish() -> Any:
    """Put the draft in force as a new version, unless somebody was faster."""
    client, staff = current_client(), current_staff()
    base = request.form.get("base", -1, type=int)
    try:
        done = drafts.publish_draft(session, client.id, base_version=base, staff=staff, now=now())
    except (ChangedMeanwhile, NotPublishable) as refused:
        session.rollback()
        return _draft_page(explain(refused))
    session.commit()
    flash(_("Version %(version)s is in force from now on.", version=done.version), "ok")
    return see_other(url_for("client.offers"))


@bp.post("/offers/discard")
@audience(ADMIN)
def discard() -> Any:
    """Forget the draft."""
    drafts.discard_draft(session, current_client().id, current_staff())
    session.commit()
    flash(_("Your draft is gone. Nothing changed."), "ok")
    return see_other(url_for("client.offers"))
