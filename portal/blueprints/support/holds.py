"""Hold an account, and lift a hold; each with its reason."""

from typing import Any
from uuid import UUID

from flask import abort, flash, request
from sqlalchemy import select
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired, Optional

from portal.blueprints.consoles import Task, attempt, options, page, perform, words_of
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.meanwhile import SeenForm, unless_stale
from portal.blueprints.support.repeated import sent_before
from portal.domain import N_, DomainError, labels
from portal.domain.access import Permission
from portal.domain.help import LONGEST_NOTE, kept_words
from portal.domain.holds import MAY_END, HoldKind
from portal.domain.stopped import stopped_by
from portal.models import Account, Hold
from portal.security import audience, current_staff
from portal.services import evidence, holding, rests, standing
from portal.services.dossier import ReasonMissing
from portal.services.evidence import Payload
from portal.services.holding import Wanted
from portal.services.marks import mark_behind
from portal.web import explain, now, see_other, session, url_for
from portal.web import gettext as _

ENDS = N_("It lasts until the beginning of this day, where the debtor is")


class HoldForm(SeenForm):
    """What an account is held for, why, until when, and when somebody looks again."""

    kind = SelectField(N_("Kind of hold"), choices=options(labels.HOLDS))
    reason = StringField(
        N_("Reason"), description=N_("What you were told, by whom, and when. It is kept.")
    )
    ends_on = DateField(
        ENDS,
        [Optional()],
        description=N_("Leave it empty if a person is to lift it."),
    )
    review_on = DateField(N_("Look at it again on this day"), [Optional()])


class LiftForm(SeenForm):
    """Why a hold is lifted."""

    reason = StringField(N_("Reason"), description=N_("It is kept on the record."))


class RestForm(SeenForm):
    """Until when a rest lasts, and why."""

    to = DateField(ENDS, [InputRequired()])
    reason = StringField(N_("Reason"), description=N_("It is kept on the record."))


def _reason(typed: str | None) -> str:
    if not (words := kept_words(typed, most=LONGEST_NOTE)):
        raise ReasonMissing
    return words


@bp.route("/accounts/<uuid:account_id>/hold", methods=["GET", "POST"])
@audience(Permission.HOLD)
def hold(account_id: UUID) -> Any:
    """Hold an account from now on."""
    found, form = open_account(account_id), HoldForm()
    form.kind.data = form.kind.data or request.args.get("kind")

    def do() -> None:
        if not sent_before(form, found, "hold.set", lambda told: _is_same(form, told)):
            holding.hold_account(session, found, _wanted(form), staff=current_staff(), now=now())

    if form.validate_on_submit() and attempt(form, unless_stale(form, found, do)):
        flash(_("The account is held."), "ok")
        return see_other(back_to(found))
    form.seen.data = form.seen.data or str(evidence.head(session, found))
    chosen = HoldKind(form.kind.data) if form.kind.data in labels.HOLDS else None
    about = {"account": found, "chosen": chosen, "kinds": labels.HOLDS, "may_end": MAY_END}
    answer = page("support/hold.html", form=form, **about, **_in_force(found, chosen))
    return (answer, 422) if form.errors else answer


def _wanted(form: HoldForm) -> Wanted:
    reason = _reason(form.reason.data)
    return Wanted(HoldKind(form.kind.data), reason, form.ends_on.data, form.review_on.data)


def _is_same(form: HoldForm, told: Payload) -> bool:
    """Whether a leaf tells of the hold that is asked for now."""
    wanted = _wanted(form)
    return (told["kind"], told.get("evidence")) == (wanted.kind, wanted.reason)


def _in_force(account: Account, chosen: HoldKind | None) -> dict[str, Any]:
    """What a kind of hold stops, and who set it if it is in force."""
    if chosen is None:
        return {"stops": (), "already": None}
    held = holding.held_by_hand(session, account, chosen, now())
    name, since = holding.set_by(session, account, held) if held else ("", None)
    stops = stopped_by([chosen])
    return {"stops": stops, "already": held, "set_by": name, "since": since}


@bp.post("/holds/<uuid:hold_id>/undo")
@audience(Permission.HOLD)
def undo_hold(hold_id: UUID) -> Any:
    """Take back a hold that was set a few minutes ago; later it is lifted with a reason."""
    found = _find(hold_id)
    to = back_to(open_account(found.account_id))
    try:
        holding.undo(session, found, staff=current_staff(), now=now())
    except DomainError as refused:
        session.rollback()
        flash(explain(refused), "bad")
    else:
        session.commit()
        flash(_("The hold is undone. Dates of a plan that moved stay moved."), "ok")
    return see_other(to)


def _find(hold_id: UUID) -> Hold:
    mine = Hold.client_id.in_(session.info["client_ids"])
    return session.scalars(select(Hold).where(mine, Hold.id == hold_id)).one()


@bp.route("/holds/<uuid:hold_id>/lift", methods=["GET", "POST"])
@audience(Permission.HOLD)
def lift(hold_id: UUID) -> Any:
    """Lift a hold, with the reason."""
    found = _find(hold_id)
    account, form = open_account(found.account_id), LiftForm()
    if mark_id := mark_behind(found):
        return see_other(url_for("support.take_back", account_id=account.id, mark_id=mark_id))

    def do() -> None:
        reason, by = _reason(form.reason.data), current_staff().id
        standing.lift_hold(session, found, reason=reason, by=by, now=now())

    kind = words_of(found.kind, labels.HOLDS)
    about = {"reference": account.reference, "kind": kind}
    task = Task(
        title=_("Lift the hold of account %(reference)s: %(kind)s", **about),
        button=_("Lift"),
        back=back_to(account),
    )
    act = unless_stale(form, account, do)
    return perform(form, act, task=task, done=_("The hold is lifted."), to=back_to(account))


@bp.route("/holds/<uuid:hold_id>/rest", methods=["GET", "POST"])
@audience(Permission.HOLD)
def rest(hold_id: UUID) -> Any:
    """Let a hold that may end do so sooner or later, with the reason."""
    found = _find(hold_id)
    if found.kind not in MAY_END:
        abort(404)
    account, form = open_account(found.account_id), RestForm()
    rests_now = found.kind == HoldKind.HARDSHIP

    def do() -> None:
        reason, to = _reason(form.reason.data), form.to.data or now().date()
        holding.let_end(session, found, to, reason=reason, staff=current_staff(), now=now())

    task = Task(
        title=_("Change the rest of account %(reference)s", reference=account.reference)
        if rests_now
        else _("Change the end of a hold of account %(reference)s", reference=account.reference),
        button=_("Change its end"),
        back=back_to(account),
        notes=_latest(account, found) if rests_now else (),
    )
    done = _("The rest has its new end.") if rests_now else _("The hold has its new end.")
    act = unless_stale(form, account, do)
    return perform(form, act, task=task, done=done, to=back_to(account))


def _latest(account: Account, found: Hold) -> list[str]:
    latest = rests.latest_end(session, account, found, now())
    return [_("It may last until %(latest)s at most.", latest=latest)]
