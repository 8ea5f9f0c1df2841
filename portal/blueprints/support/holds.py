"""Hold an account, and lift a hold; each with its reason."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired

from portal.blueprints.consoles import Task, options, perform, words_of
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.meanwhile import SeenForm, unless_stale
from portal.domain import N_, labels
from portal.domain.access import Permission
from portal.domain.help import LONGEST_NOTE, kept_words
from portal.domain.holds import HoldKind
from portal.models import Hold
from portal.security import audience, current_staff
from portal.services import evidence, rests, standing
from portal.services.dossier import ReasonMissing, find_account
from portal.services.ledger import lock_account
from portal.services.marks import mark_behind
from portal.web import gettext as _
from portal.web import now, see_other, session, url_for


class HoldForm(SeenForm):
    """What an account is held for, and why."""

    kind = SelectField(N_("Kind of hold"), choices=options(labels.HOLDS))
    reason = StringField(
        N_("Reason"), description=N_("What you were told, by whom, and when. It is kept.")
    )


class LiftForm(SeenForm):
    """Why a hold is lifted."""

    reason = StringField(N_("Reason"), description=N_("It is kept on the record."))


class RestForm(SeenForm):
    """Until when a rest lasts, and why."""

    to = DateField(N_("It ends on this day"), [InputRequired()])
    reason = StringField(N_("Reason"), description=N_("It is kept on the record."))


def _reason(typed: str | None) -> str:
    if not (words := kept_words(typed, most=LONGEST_NOTE)):
        raise ReasonMissing
    return words


@bp.route("/accounts/<uuid:account_id>/hold", methods=["GET", "POST"])
@audience(Permission.HOLD)
def hold(account_id: UUID) -> Any:
    """Hold an account from now on."""
    found, form = find_account(session, account_id), HoldForm()

    def do() -> None:
        standing.set_hold(
            session,
            lock_account(session, found.id),
            HoldKind(form.kind.data),
            source="staff",
            evidence=_reason(form.reason.data),
            now=now(),
            actor=evidence.staff(current_staff().id),
        )

    task = Task(
        title=_("Hold account %(reference)s", reference=found.reference),
        button=_("Hold"),
        back=back_to(found),
    )
    act = unless_stale(form, found, do)
    return perform(form, act, task=task, done=_("The account is held."), to=back_to(found))


@bp.route("/holds/<uuid:hold_id>/lift", methods=["GET", "POST"])
@audience(Permission.HOLD)
def lift(hold_id: UUID) -> Any:
    """Lift a hold, with the reason."""
    mine = Hold.client_id.in_(session.info["client_ids"])
    found = session.scalars(select(Hold).where(mine, Hold.id == hold_id)).one()
    account, form = find_account(session, found.account_id), LiftForm()
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
    """Shorten or lengthen the rest of somebody who cannot pay now, with the reason."""
    mine = Hold.client_id.in_(session.info["client_ids"])
    found = session.scalars(
        select(Hold).where(mine, Hold.id == hold_id, Hold.kind == HoldKind.HARDSHIP)
    ).one()
    account, form = find_account(session, found.account_id), RestForm()
    latest = rests.latest_end(session, account, found, now())

    def do() -> None:
        reason, by, to = _reason(form.reason.data), current_staff().id, form.to.data or latest
        rests.let_end(session, found, to, reason=reason, by=by, now=now())

    task = Task(
        title=_("Change the rest of account %(reference)s", reference=account.reference),
        button=_("Change its end"),
        back=back_to(account),
        notes=[_("It may last until %(latest)s at most.", latest=latest)],
    )
    act = unless_stale(form, account, do)
    return perform(form, act, task=task, done=_("The rest has its new end."), to=back_to(account))
