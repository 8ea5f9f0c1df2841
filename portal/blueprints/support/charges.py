"""A charge that is not tried again: what can be done about it, and that somebody did."""

from typing import Any
from uuid import UUID

from flask import flash
from sqlalchemy import select

from portal.blueprints.consoles import attempt, page
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.claiming import bar, unclaimed
from portal.blueprints.support.requests import NoteForm
from portal.domain.access import Permission
from portal.domain.waiting import Queue
from portal.models import Account, Arrangement, Installment
from portal.security import audience, current_staff
from portal.services import answering
from portal.web import gettext as _
from portal.web import now, see_other, session, url_for


@bp.route("/charges/<uuid:installment_id>", methods=["GET", "POST"])
@audience(Permission.ANSWER)
def charge(installment_id: UUID) -> Any:
    """Take a failed charge out of its queue with a note, once all that can be done is done."""
    part, account = _find(installment_id)
    form = NoteForm()

    def do() -> None:
        answering.close_charge(
            session, part, form.note.data or "", staff=current_staff(), now=now()
        )

    act = unclaimed((part.client_id, Queue.CHARGES, part.id), do)
    if form.validate_on_submit() and attempt(form, act):
        flash(_("It is dealt with, and your note is on the record."), "ok")
        return see_other(url_for("support.queue", kind=Queue.CHARGES))
    about = {"part": part, "account": account, **bar(Queue.CHARGES, part.client_id, part.id)}
    answer = page("support/charge.html", section=Queue.CHARGES, form=form, **about)
    return (answer, 422) if form.errors else answer


def _find(installment_id: UUID) -> tuple[Installment, Account]:
    mine = Installment.client_id.in_(session.info["client_ids"])
    part = session.scalars(select(Installment).where(mine, Installment.id == installment_id)).one()
    agreed = session.get_one(Arrangement, (part.client_id, part.arrangement_id))
    return part, open_account(agreed.account_id)
