"""What a second person decides: read what it does, approve or decline it, or take it back."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import flash
from sqlalchemy import select
from wtforms import RadioField, StringField
from wtforms.validators import DataRequired

from portal.blueprints.consoles import Answer, attempt, options, page
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.claiming import bar, unclaimed
from portal.blueprints.support.moving import MovingForm, close_open_page, foreseen
from portal.blueprints.support.naming import KINDS
from portal.blueprints.support.typed import typed_in
from portal.domain import N_, labels
from portal.domain.access import Permission
from portal.domain.counter import WHYS, paid_with
from portal.domain.waiting import Queue
from portal.models import LookOutcome, SecondLook
from portal.security import audience, current_staff, danger, may
from portal.services import foreseeing, second_person
from portal.services.dossier import find_account
from portal.services.second_person import act_of
from portal.services.staff import names_of
from portal.web import Form, now, see_other, session, url_for
from portal.web import gettext as _

APPROVE, DECLINE = "approve", "decline"
OUTCOMES = {
    LookOutcome.NOT_NEEDED: N_("One person was enough"),
    LookOutcome.WAITS: N_("Waits"),
    LookOutcome.APPROVED: N_("Approved"),
    LookOutcome.DECLINED: N_("Declined"),
    LookOutcome.WITHDRAWN: N_("Taken back"),
}


class LookForm(MovingForm):
    """What the second person decides."""

    decision = RadioField(
        N_("Your decision"),
        [DataRequired(N_("Choose what you decide."))],
        choices=options({APPROVE: N_("Approve it"), DECLINE: N_("Decline it")}),
    )
    reason = StringField(
        N_("Reason"), description=N_("Needed to decline. It is kept on the record.")
    )


@bp.get("/second-looks/<uuid:look_id>")
@audience(Permission.SEE_ACCOUNTS)
def second_look(look_id: UUID) -> Any:
    """Who asked for what, and what it would do now."""
    return _shown(_find(look_id), LookForm())


@bp.post("/second-looks/<uuid:look_id>")
@audience(Permission.GIVE_BACK)
@danger
def decide_look(look_id: UUID) -> Any:
    """Approve it as it was shown, or decline it with a reason."""
    look, form = _find(look_id), LookForm()

    def do() -> None:
        if form.decision.data == DECLINE:
            reason = form.reason.data or ""
            second_person.decline(session, look, reason, staff=current_staff(), now=now())
            flash(_("It is declined, and nothing has moved."), "ok")
            return
        second_person.require_open(session, look, second=current_staff())
        close_open_page(act_of(look))
        foreseeing.require(session, act_of(look), form.mark.data or "", now=now())
        second_person.approve(session, look, staff=current_staff(), now=now())
        flash(_("It is approved and done."), "ok")

    act = unclaimed((look.client_id, Queue.LOOKS, look.id), do)
    if form.validate_on_submit() and attempt(form, act):
        return see_other(url_for("support.queue", kind=Queue.LOOKS))
    return _shown(_find(look_id), form)


@bp.post("/second-looks/<uuid:look_id>/withdraw")
@audience(Permission.RECORD_MONEY)
def withdraw_look(look_id: UUID) -> Any:
    """Take back what one asked for oneself."""
    look, form = _find(look_id), Form()

    def do() -> None:
        second_person.withdraw(session, look, staff=current_staff(), now=now())
        flash(_("It is taken back, and nothing has moved."), "ok")

    if form.validate_on_submit() and attempt(form, do):
        return see_other(url_for("support.queue", kind=Queue.LOOKS))
    shown = LookForm()
    shown.form_errors.extend(form.form_errors)
    return _shown(_find(look_id), shown)


def _find(look_id: UUID) -> SecondLook:
    mine = SecondLook.client_id.in_(session.info["client_ids"])
    found = session.scalars(select(SecondLook).where(mine, SecondLook.id == look_id)).one()
    open_account(found.account_id)
    return found


def _shown(look: SecondLook, form: LookForm) -> Answer:
    waits, refused = look.outcome is LookOutcome.WAITS, bool(form.errors)
    effects = foreseen(form, lambda: act_of(look)) if waits else None
    staff = current_staff()
    answer = page(
        "support/second_look.html",
        section=Queue.LOOKS,
        look=look,
        account=find_account(session, look.account_id),
        form=form,
        typed=() if waits else typed_in(form),
        effects=effects,
        currency=look.currency,
        names=names_of(session, [one for one in (look.asked_by, look.decided_by) if one]),
        details=_details(look),
        day=_day(look),
        kinds=KINDS,
        outcomes=OUTCOMES,
        labels=labels,
        mine=look.asked_by == staff.id,
        may_decide=may(Permission.GIVE_BACK),
        **bar(Queue.LOOKS, look.client_id, look.id),
    )
    return (answer, 422) if refused else answer


def _day(look: SecondLook) -> date | None:
    said = look.details.get("received_on")
    return date.fromisoformat(said) if said else None


def _details(look: SecondLook) -> list[str]:
    """What was asked for beside the amount, in words."""
    said = look.details
    why, kind, number = (said.get(name) for name in ("why", "came_as", "number"))
    if why is not None:
        return [_(WHYS[why])]
    return [_(paid_with(kind, number), number=number)] if kind is not None else []
