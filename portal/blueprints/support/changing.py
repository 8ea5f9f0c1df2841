"""Move or skip a payment for a debtor who is on the line, known, and says yes to the words read."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import current_app, flash, request
from wtforms import BooleanField, DateField, Field, RadioField, SelectChoice, SelectField  # type: ignore[attr-defined]
from wtforms.validators import StopValidation

from portal import i18n
from portal.blueprints.consoles import attempt, options, page
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.resuming import ask_who
from portal.blueprints.support.spoken import YES, spoken
from portal.domain import N_, DomainError
from portal.domain.access import Permission
from portal.domain.amendments import Change, Running
from portal.domain.evidence import format_time, parse_time
from portal.models import Account, Debtor, fresh_id
from portal.security import audience, current_staff, load_choice, sign_choice
from portal.services import call_sessions, spoken_changes
from portal.services.amending import PlanChanged, Wish
from portal.services.spoken_changes import Proposed, Said
from portal.web import Form, explain, locale, now, see_other, session
from portal.web import gettext as _

SIGNED = "spoken_change"
CHANGES: dict[str, str] = {
    Change.MOVED: N_("Pay one payment on a later day"),
    Change.SKIPPED: N_("Skip one payment, which then comes last"),
}


def _day_if_moved(form: Form, field: Field) -> None:
    """A moved payment needs a day that there is; a skipped one needs none, whatever was typed."""
    field.errors = []
    if form["what"].data == Change.MOVED and field.data is None:
        raise StopValidation(N_("Choose the new day, one that the calendar has."))
    raise StopValidation


class SpokenForm(Form):
    """What the person on the line wants, and that they said yes to the words."""

    what = RadioField(N_("What do they want?"), choices=options(CHANGES), default=Change.MOVED)
    due_on = SelectField(N_("Which payment?"))
    to = DateField(N_("The new day, if it is moved"), [_day_if_moved])
    yes = BooleanField(N_("I read all of it aloud, and the person said yes"))

    def wish(self) -> Wish:
        """It as the service takes it."""
        due_on = date.fromisoformat(self.due_on.data)
        return Wish(Change(self.what.data), due_on=due_on, to=self.to.data)


@bp.route("/accounts/<uuid:account_id>/change-plan", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def change_plan(account_id: UUID) -> Any:
    """Ask what they want, show the words to read in their language, then do it on their yes."""
    account, form = open_account(account_id), SpokenForm()
    if not call_sessions.verified(session, current_staff(), account, now()):
        return ask_who(account)
    try:
        _agreed, plan = spoken_changes.running(session, account, now=now())
    except DomainError as error:
        flash(explain(error), "bad")
        return see_other(back_to(account))
    form.due_on.choices = _payments(plan)
    shown = request.form.get("shown")
    if form.validate_on_submit() and shown and attempt(form, lambda: _do(account, form, shown)):
        flash(_("The plan is changed. A copy goes to the debtor."), "ok")
        return see_other(back_to(account))
    return _page(account, form)


def _payments(plan: Running) -> list[SelectChoice]:
    said, currency = i18n.voice(locale()), plan.terms.currency
    return [
        SelectChoice(day.isoformat(), f"{said.date(day)} · {said.money(cents, currency)}")
        for day, cents in plan.open
    ]


def _do(account: Account, form: SpokenForm, shown: str) -> None:
    signed = load_choice(shown, purpose=SIGNED)
    it = spoken_changes.propose(session, account, form.wish(), now=now())
    words = spoken(it, signed["l"])
    if words.sha256 != signed["d"]:
        raise PlanChanged
    said = Said(
        amendment_id=UUID(signed["i"]),
        change_sha256=it.change.sha256,
        words=words,
        shown_at=parse_time(signed["at"]),
        yes=bool(form.yes.data),
        label=i18n.translate(signed["l"], YES, {}),
        build=current_app.extensions["portal"].settings.build,
    )
    wish = form.wish()
    spoken_changes.change_as_said(session, account, wish, said, staff=current_staff(), now=now())


def _page(account: Account, form: SpokenForm) -> Any:
    """The form; once it is clear what they want, the words with the place for their yes."""
    about: dict[str, Any] = {"account": account, "words": None}
    if form.is_submitted() and not any(field.errors for field in form):
        try:
            about |= _words(
                account, spoken_changes.propose(session, account, form.wish(), now=now())
            )
        except DomainError as error:
            form.form_errors = [explain(error)]
    answer = page("support/change_plan.html", form=form, **about)
    return (answer, 422) if form.errors else answer


def _words(account: Account, it: Proposed) -> dict[str, Any]:
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    words = spoken(it, debtor.language)
    said = {"d": words.sha256, "i": str(fresh_id()), "l": words.locale, "at": format_time(now())}
    return {
        "words": words.body.decode().split("\n"),
        "spoken_in": words.locale,
        "shown": sign_choice(said, purpose=SIGNED),
    }
