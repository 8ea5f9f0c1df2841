"""When and how a debtor wants to be written to: days, part of the day, by e-mail only (CT-03)."""

from collections.abc import Sequence
from uuid import UUID

from flask import abort, request
from flask.typing import ResponseReturnValue
from wtforms import RadioField, SelectMultipleField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.common import set_clock
from portal.blueprints.wished import wish_words
from portal.db import commit
from portal.domain import N_, DomainError, labels
from portal.domain.channels import Channel
from portal.domain.wishes import ANY, DAYS, DayPart, WishKind
from portal.form_words import CHOOSE
from portal.models import ContactPreference, Debtor
from portal.security import audience, current_visit
from portal.services import contact_wishes as wishes
from portal.web import Form, explain, now, render, see_other, session, url_for

DONE = {
    "saved": N_("Thank you. We write to you this way from now on."),
    "ended": N_("Thank you. This does not count any more."),
}
PARTS = {
    ANY: N_("At any time of the day"),
    "morning": N_("Only in the morning, before 12"),
    "afternoon": N_("Only in the afternoon, from 12 to 5"),
    "evening": N_("Only in the evening, after 5"),
}


class TimesForm(Form):
    """Days to leave out, the part of the day, and the way."""

    days = SelectMultipleField(
        N_("Do not write to me on"), choices=[SelectChoice(day, labels.DAYS[day]) for day in DAYS]
    )
    part = RadioField(
        N_("At what time?"),
        choices=[SelectChoice(part, words) for part, words in PARTS.items()],
        validators=[InputRequired(CHOOSE)],
    )
    only = RadioField(N_("How do we write to you?"), validators=[InputRequired(CHOOSE)])


@bp.route("/preferences/times", methods=["GET", "POST"])
@audience("debtor")
def times() -> ResponseReturnValue:
    """The reader's wishes, as one form; those that it has no place for are listed beside it."""
    set_clock()
    debtor = _reader()
    standing = wishes.in_force(session, debtor)
    form = TimesForm(**_chosen(standing))
    form.only.choices = _ways(standing)
    if form.validate_on_submit() and _saved(debtor, form):
        return see_other(url_for(".times", done="saved"))
    page = render(
        "debtor/times.html",
        form=form,
        others=[(one, wish_words(one.kind, one.value)) for one in standing if _is_other(one)],
        done=DONE.get(request.args.get("done", "")),
    )
    return page, 422 if form.errors else 200


@bp.post("/preferences/times/<uuid:wish_id>/end")
@audience("debtor")
def end_wish(wish_id: UUID) -> ResponseReturnValue:
    """One wish counts no more."""
    debtor = _reader()
    wish = wishes.wish_of(session, debtor, wish_id)
    if wish is None:
        abort(404)
    wishes.end(session, debtor, wish, told=wishes.on_portal(debtor), now=now())
    commit(session, "preferences.end_wish")
    return see_other(url_for(".times", done="ended"))


def _reader() -> Debtor:
    visit = current_visit()
    return session.get_one(Debtor, (visit.client_id, visit.debtor_id))


def _saved(debtor: Debtor, form: TimesForm) -> bool:
    told, days = wishes.on_portal(debtor), form.days.data or []
    only = None if form.only.data == ANY else Channel(form.only.data)
    try:
        wishes.choose_times(session, debtor, days=days, part=form.part.data, told=told, now=now())
    except DomainError as error:
        session.rollback()
        form.days.errors = [explain(error)]
        return False
    wishes.choose_only(session, debtor, only, told=told, now=now())
    commit(session, "preferences.times")
    return True


def _chosen(standing: Sequence[ContactPreference]) -> dict[str, object]:
    never = wishes.never(standing)
    closed = {slot.part for slot in never if slot.day == ANY}
    open_parts = [part for part in DayPart if part not in closed]
    return {
        "days": [slot.day for slot in never if slot.part == ANY],
        "part": open_parts[0] if closed and len(open_parts) == 1 else ANY,
        "only": next((one.value for one in standing if one.kind == WishKind.ONLY), ANY),
    }


def _ways(standing: Sequence[ContactPreference]) -> list[SelectChoice]:
    """Every way, e-mail only, and what the reader told us already."""
    told = [one.value for one in standing if one.kind == WishKind.ONLY]
    return [SelectChoice(way, labels.ONLY[way]) for way in dict.fromkeys((ANY, "email", *told))]


def _is_other(wish: ContactPreference) -> bool:
    """Whether the form has no place for a wish: a part of one day, or an address at work."""
    part_of_a_day = wish.kind == WishKind.NOT_AT and ANY not in wish.value.split()
    return part_of_a_day or wish.kind == WishKind.NOT_TO
