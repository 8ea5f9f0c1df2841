"""Correct who a debtor is: what changes is shown before anything is kept."""

from typing import Any
from uuid import UUID

from flask import flash, request
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired

from portal.blueprints.consoles import attempt, options, page
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to, revealed_until
from portal.blueprints.support.claiming import unclaimed_in
from portal.domain import N_, DomainError
from portal.domain.access import Permission
from portal.domain.corrections import FIELDS, POSTAL, SECRET, SOURCES, Source
from portal.domain.waiting import Queue
from portal.i18n import LANGUAGES
from portal.models import Account, Client, Debtor
from portal.security import audience, current_staff, keys
from portal.services import correcting
from portal.services.correcting import Wanted
from portal.services.standing import today_of
from portal.web import Form, explain, now, see_other, session
from portal.web import gettext as _


class CorrectionForm(Form):
    """What should be on file, who says so, and why."""

    first_name = StringField(FIELDS["first_name"])
    last_name = StringField(FIELDS["last_name"])
    date_of_birth = StringField(
        FIELDS["date_of_birth"],
        description=N_("As 3/27/1985. Leave it empty if it is right: it is not shown."),
    )
    address_line = StringField(FIELDS["address_line"])
    city = StringField(FIELDS["city"])
    region = StringField(FIELDS["region"])
    postal_code = StringField(FIELDS["postal_code"])
    language = SelectField(FIELDS["language"])
    old_address_wrong = BooleanField(
        N_("Somebody else lives at the old address: close the links that went there by letter")
    )
    source = SelectField(N_("Who or what says so?"), choices=options(SOURCES))
    reason = StringField(
        N_("Reason"), [InputRequired(message=N_("Write the reason. It is kept on the record."))]
    )

    def wanted(self) -> Wanted:
        """It as the service takes it."""
        values = {name: self[name].data or "" for name in FIELDS}
        wrong = bool(self.old_address_wrong.data)
        return Wanted(values, Source(self.source.data), self.reason.data or "", wrong)


@bp.route("/accounts/<uuid:account_id>/correct", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def correct(account_id: UUID) -> Any:
    """Ask for what is right, then show what changes, then keep it; only to whom the data shows."""
    account = open_account(account_id)
    if revealed_until(account, now()) is None:
        flash(_("Show the personal data first: you correct what you can see."), "bad")
        return see_other(back_to(account))
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    form = _form(account, debtor)

    def do() -> None:
        wanted = form.wanted()
        correcting.correct(session, account, wanted, keys=keys(), staff=current_staff(), now=now())

    act = unclaimed_in(Queue.BOUNCED, account, do)
    sure = "sure" in request.form
    if form.validate_on_submit() and sure and attempt(form, act):
        flash(_("It is corrected, and on the record."), "ok")
        return see_other(back_to(account))
    return _page(account, debtor, form)


def _form(account: Account, debtor: Debtor) -> CorrectionForm:
    form = CorrectionForm(data=correcting.on_file(debtor))
    spoken = session.get_one(Client, account.client_id).languages
    codes = dict.fromkeys([*spoken, debtor.language])
    form.language.choices = options({code: LANGUAGES.get(code, code) for code in codes})
    return form


def _page(account: Account, debtor: Debtor, form: CorrectionForm) -> Any:
    """The form; once all of it can be read, what changes by it."""
    changes = None
    if form.is_submitted() and not form.errors:
        try:
            today = today_of(debtor, now())
            changes = correcting.changes_of(debtor, form.wanted().values, keys(), today)
        except DomainError as error:
            form.form_errors.append(explain(error))
    about = {"account": account, "changes": changes, "names": FIELDS, "secret": SECRET}
    moves = bool(changes and not changes.keys().isdisjoint(POSTAL))
    answer = page("support/correct.html", section="search", form=form, moves=moves, **about)
    return (answer, 422) if form.errors else answer
