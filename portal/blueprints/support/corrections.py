"""Correct who a debtor is: what changes is shown before anything is kept."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import flash, request
from wtforms import BooleanField, HiddenField, SelectField, StringField
from wtforms.validators import InputRequired

from portal.blueprints.consoles import attempt, options, page
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to, revealed_until
from portal.blueprints.support.claiming import unclaimed_in
from portal.blueprints.support.meanwhile import SeenForm, unless_stale
from portal.blueprints.support.resuming import first
from portal.domain import N_, DomainError
from portal.domain.access import Permission
from portal.domain.corrections import (
    FIELDS,
    POSTAL,
    PROVES,
    SECRET,
    SOURCES,
    Change,
    Source,
    is_untouched,
)
from portal.domain.waiting import Queue
from portal.i18n import LANGUAGES
from portal.models import Account, Client, Debtor
from portal.security import audience, current_staff, danger, keys
from portal.services import correcting
from portal.services.correcting import Wanted
from portal.services.standing import today_of
from portal.web import explain, now, see_other, session, taken_back
from portal.web import gettext as _

SHOWN = tuple(name for name in FIELDS if name not in SECRET)
"""The fields whose values are on the page."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """A field that somebody changed while another person had it open, and what that one typed."""

    field: str
    before: str
    on_file: str
    typed: str


class CorrectionForm(SeenForm):
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

    was_first_name = HiddenField()
    was_last_name = HiddenField()
    was_address_line = HiddenField()
    was_city = HiddenField()
    was_region = HiddenField()
    was_postal_code = HiddenField()
    was_language = HiddenField()

    def wanted(self) -> Wanted:
        """It as the service takes it."""
        values = {name: self[name].data or "" for name in FIELDS}
        wrong = bool(self.old_address_wrong.data)
        source, reason = Source(self.source.data), self.reason.data or ""
        return Wanted(values, source, reason, wrong, self.was())

    def was(self) -> dict[str, str]:
        """What was on file when the page was opened, but what is secret."""
        return {name: self[f"was_{name}"].data or "" for name in SHOWN}

    def catch_up(self, now_on_file: dict[str, str]) -> list[Crossed]:
        """Take over what changed since the page was opened, but never what was typed here."""
        crossed = []
        for name, before in self.was().items():
            now_is, field = now_on_file[name], self[name]
            typed = field.data or ""
            if is_untouched(name, typed, before):
                field.data = typed = now_is
            if now_is != before:
                crossed.append(Crossed(name, before, now_is, typed))
            self[f"was_{name}"].data = now_is
        return crossed


@bp.route("/accounts/<uuid:account_id>/correct", methods=["GET", "POST"])
@audience(Permission.CONTACT)
@danger
def correct(account_id: UUID) -> Any:
    """Ask for what is right, then show what changes, then keep it; only to whom the data shows."""
    account = open_account(account_id)
    if revealed_until(account, now()) is None:
        flash(_("Show the personal data first: you correct what you can see."), "bad")
        return first(back_to(account))
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    form = _form(account, debtor)

    def do() -> None:
        wanted = form.wanted()
        correcting.correct(session, account, wanted, keys=keys(), staff=current_staff(), now=now())

    sure = "sure" in request.form
    act = unclaimed_in(Queue.BOUNCED, account, unless_stale(form, account, do))
    if form.validate_on_submit() and sure and attempt(form, act):
        flash(_("It is corrected, and on the record."), "ok")
        return see_other(back_to(account))
    return _page(account, debtor, form)


def _form(account: Account, debtor: Debtor) -> CorrectionForm:
    filed = correcting.on_file(debtor)
    form = CorrectionForm(data=filed | {f"was_{name}": filed[name] for name in SHOWN})
    spoken = session.get_one(Client, account.client_id).languages
    codes = dict.fromkeys([*spoken, debtor.language])
    form.language.choices = options({code: LANGUAGES.get(code, code) for code in codes})
    return form


def _page(account: Account, debtor: Debtor, form: CorrectionForm) -> Any:
    """The form; once all of it can be read, what changes by it, and what others changed since."""
    changes, crossed = None, list[Crossed]()
    if not form.is_submitted() and taken_back():
        flash(_("A date of birth is never kept. If you typed one, type it again."), "warn")
    if form.is_submitted():
        session.refresh(debtor)
        crossed = form.catch_up(correcting.on_file(debtor))
    if form.is_submitted() and not any(field.errors for field in form):
        changes = _changes(debtor, form)
    moves = bool(changes and not changes.keys().isdisjoint(POSTAL))
    proves = bool(changes and not changes.keys().isdisjoint(PROVES))
    told = {"changes": changes, "moves": moves, "proves": proves, "crossed": crossed}
    about = {"account": account, "names": FIELDS, "secret": SECRET}
    answer = page("support/correct.html", form=form, **told, **about)
    return (answer, 422) if form.errors else answer


def _changes(debtor: Debtor, form: CorrectionForm) -> dict[str, Change] | None:
    """What changes by a form; None where it may not be, which the form then says once."""
    wanted = form.wanted()
    try:
        changes = correcting.changes_of(debtor, wanted, today_of(debtor, now()))
        correcting.require_right(changes, wanted.source, current_staff())
    except DomainError as error:
        if (why := explain(error)) not in form.form_errors:
            form.form_errors.append(why)
        return None
    return changes
