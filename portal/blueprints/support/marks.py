"""Something happened: what staff are told that changes everything, one form for each of it."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import abort, flash
from wtforms import (  # type: ignore[attr-defined]
    DateField,
    Field,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Optional

from portal.blueprints.consoles import Task, attempt, options, page, perform
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.meanwhile import SeenForm, unless_stale
from portal.blueprints.support.sending import masked_contact
from portal.domain import N_, labels
from portal.domain.access import Permission
from portal.domain.marks import EVERYWHERE, MARKS, Fact, Mark, Reads, told_before
from portal.models import Account, Client, Debtor
from portal.security import audience, current_staff
from portal.services import marks
from portal.services.dossier import contacts_of
from portal.services.letters import postal_key
from portal.services.marks import Marked
from portal.web import gettext as _
from portal.web import now, say, see_other, session


class TakeBackForm(SeenForm):
    """Why what happened does not count any more."""

    reason = StringField(N_("Reason"), description=N_("It is kept on the record."))


@bp.get("/accounts/<uuid:account_id>/something")
@audience(Permission.HOLD)
def something(account_id: UUID) -> Any:
    """All that may have happened, and what was taken down of this account before."""
    account = open_account(account_id)
    found = marks.marks_of(session, account)
    zone = session.get_one(Client, account.client_id).time_zone
    return page("support/something.html", account=account, what=MARKS, marked=found, zone=zone)


@bp.route("/accounts/<uuid:account_id>/something/<what>", methods=["GET", "POST"])
@audience(Permission.HOLD)
def happened(account_id: UUID, what: str) -> Any:
    """Say first what it will do, and do it at once."""
    account = open_account(account_id)
    if what not in MARKS:
        abort(404)
    this, form = MARKS[Mark(what)], _form(account, Mark(what))

    def do() -> None:
        typed = {field.name: _typed(field) for field in form if field.name in this.facts}
        marks.mark(session, account, Mark(what), typed, staff=current_staff(), now=now())

    act = unless_stale(form, account, do)
    if form.validate_on_submit() and attempt(form, act):
        flash(_("It is on the record, and all of it was done."), "ok")
        return see_other(back_to(account))
    about = {"account": account, "this": this, "before": told_before(Mark(what))}
    answer = page("support/happened.html", form=form, **about)
    return (answer, 422) if form.errors else answer


def _typed(field: Field) -> str:
    return field.data.isoformat() if isinstance(field.data, date) else field.data or ""


def _form(account: Account, what: Mark) -> SeenForm:
    """The form that asks for the facts of a mark."""
    fields = {name: _field(account, fact) for name, fact in MARKS[what].facts.items()}
    made: SeenForm = type("MarkForm", (SeenForm,), fields)()
    return made


def _field(account: Account, fact: Fact) -> Any:
    needed = _("This must be known: %(what)s", what=say(fact.label))
    must = [InputRequired(message=needed) if fact.needed else Optional()]
    hint = "" if fact.needed else N_("It may stay open.")
    match fact.reads:
        case Reads.DAY:
            return DateField(fact.label, must, description=hint)
        case Reads.LONG:
            return TextAreaField(fact.label, must, description=hint)
        case Reads.CHOICE:
            return SelectField(fact.label, choices=options(dict(fact.choices or {})))
        case Reads.ADDRESS:
            return SelectField(fact.label, choices=_addresses(account))
    return StringField(fact.label, must, description=hint)


def _addresses(account: Account) -> list[SelectChoice]:
    """Where somebody else may have been reached, in words that give nothing away."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    found = [
        SelectChoice(str(one.id), f"{say(labels.CHANNELS[one.channel])} · {masked_contact(one)}")
        for one in contacts_of(session, debtor)
    ]
    postal = [SelectChoice(marks.POSTAL, N_("The postal address"))] if postal_key(debtor) else []
    everywhere = SelectChoice(EVERYWHERE, N_("We have the wrong person altogether"))
    return [*found, *postal, everywhere]


@bp.route("/accounts/<uuid:account_id>/marks/<uuid:mark_id>/take-back", methods=["GET", "POST"])
@audience(Permission.HOLD)
def take_back(account_id: UUID, mark_id: UUID) -> Any:
    """Undo a mark that was a mistake, or is over."""
    account, form = open_account(account_id), TakeBackForm()
    found = marks.find_mark(session, account, mark_id)
    if found is None:
        abort(404)

    def do() -> None:
        reason = form.reason.data or ""
        marks.take_back(session, account, found, reason=reason, staff=current_staff(), now=now())

    task = Task(
        title=_("Take back: %(what)s", what=say(MARKS[found.what].title)),
        button=_("Take it back"),
        back=back_to(account),
        notes=_ends(account, found),
    )
    act = unless_stale(form, account, do)
    return perform(form, act, task=task, done=_("It is taken back."), to=back_to(account))


def _ends(account: Account, found: Marked) -> list[str]:
    """What ends with a mark, and what does not."""
    if marks.is_asked_besides(session, account, found):
        return [_("This was also asked for in another way, so the request and its holds stay.")]
    back = MARKS[found.what].back
    ends = _("The holds and closed addresses that followed from it end.")
    return [ends, say(back)] if back else [ends]
