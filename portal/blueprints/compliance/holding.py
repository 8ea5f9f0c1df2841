"""Legal holds: keep an account's record whatever its day, and let it go again."""

from typing import Any
from uuid import UUID

from flask import flash
from wtforms import SelectField, StringField, TextAreaField

from portal.blueprints.compliance import bp
from portal.blueprints.compliance.retention import ReasonForm, clients_in_sight
from portal.blueprints.consoles import attempt, page
from portal.domain import N_
from portal.domain.access import Permission
from portal.models import Account, Client
from portal.security import audience, current_staff, danger
from portal.services import legal_holds as services
from portal.services.legal_holds import Wanted
from portal.services.staff import names_of
from portal.web import Form, now, see_other, session, url_for
from portal.web import gettext as _


class LegalHoldForm(Form):
    """Which record is kept, and why."""

    client = SelectField(N_("Client"), validate_choice=False)
    reference = StringField(N_("Account reference"))
    matter = StringField(N_("Case"), description=N_("The reference of the court or the lawyer."))
    reason = TextAreaField(N_("Reason"), description=N_("It is kept on the record."))


def _wanted(form: LegalHoldForm) -> Wanted:
    mine = {str(client.id): client.id for client in clients_in_sight()}
    return Wanted(
        reference=form.reference.data or "",
        reason=form.reason.data or "",
        matter=form.matter.data or "",
        client_id=mine.get(form.client.data or ""),
    )


@bp.route("/legal-holds", methods=["GET", "POST"])
@audience(Permission.KEEP_RECORDS)
def legal_holds() -> Any:
    """The records that are kept for a court, and a form to keep one more."""
    form, clients = LegalHoldForm(), clients_in_sight()
    form.client.choices = [(str(client.id), client.trade_name) for client in clients]

    def do() -> None:
        services.set_legal_hold(session, _wanted(form), staff=current_staff(), now=now())

    if form.validate_on_submit() and attempt(form, do):
        flash(_("The record is kept until the legal hold is lifted."), "ok")
        return see_other(url_for("compliance.legal_holds"))
    holds = [
        (client, *one) for client in clients for one in services.legal_holds(session, client.id)
    ]
    people = {who for _of, hold, _on in holds for who in (hold.set_by, hold.lifted_by) if who}
    answer = page(
        "compliance/retention_holds.html",
        section="legal-holds",
        form=form,
        holds=holds,
        names=names_of(session, people),
    )
    return (answer, 422) if form.errors else answer


@bp.route("/legal-holds/<uuid:hold_id>/lift", methods=["GET", "POST"])
@audience(Permission.KEEP_RECORDS)
@danger
def lift_legal_hold(hold_id: UUID) -> Any:
    """Let a record's own day decide again, with the reason."""
    hold, form = services.find_legal_hold(session, hold_id), ReasonForm()

    def do() -> None:
        why = form.reason.data or ""
        services.lift_legal_hold(session, hold, why, staff=current_staff(), now=now())

    if form.validate_on_submit() and attempt(form, do):
        flash(_("The legal hold is lifted."), "ok")
        return see_other(url_for("compliance.legal_holds"))
    answer = page(
        "compliance/retention_hold.html",
        section="legal-holds",
        form=form,
        hold=hold,
        account=session.get_one(Account, (hold.client_id, hold.account_id)),
        client=session.get_one(Client, hold.client_id),
    )
    return (answer, 422) if form.errors else answer
