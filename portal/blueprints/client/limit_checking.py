"""The page of the form of offer limits, and what is wrong with it while somebody still types."""

from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from portal.blueprints.client import bp, current_client
from portal.blueprints.client.limit_cover import pictures
from portal.blueprints.client.limit_filling import changed, fields_of, usual
from portal.blueprints.client.limit_form import MOST_ROWS, MOST_SEGMENTS, LimitForm
from portal.blueprints.consoles import page
from portal.domain.access import Permission
from portal.domain.policy import Policy
from portal.models import Client
from portal.rules.regions import all_regions
from portal.security import audience
from portal.services.book import book_of
from portal.services.policies import starts_at
from portal.web import now, problems_of, session

Typed = MultiDict[str, str]


def filled(given: Policy, number: int, typed: Typed | None) -> LimitForm:
    """The form of limits that began from a version, as typed so far, else as given.

    A button of the form may have changed its lines, or asked for a usual set of limits.
    """
    currency = current_client().currency
    if typed is None:
        return _opened(given, number)
    if "usual" in typed:
        return _opened(usual(currency), typed.get("base", number, type=int))
    moved = changed(typed)
    form = LimitForm(typed if moved is None else moved).for_currency(currency)
    if moved is not None:
        again = LimitForm(moved).for_currency(currency)
        again.validate()
        form.goes_on, form.given = True, again.covering()
    return form


def _opened(given: Policy, base: int) -> LimitForm:
    """A policy in the form, with an empty line in each table."""
    form = LimitForm(None, **fields_of(given), base=base).for_currency(given.currency)
    form.goes_on, form.given = True, given
    for table, most in ((form.segments, MOST_SEGMENTS), (form.rows, MOST_ROWS)):
        if len(table) < most:
            table.append_entry()
    return form


def editor(form: LimitForm, client: Client, *, revision: int, note: str | None = None) -> str:
    """The page with the form, the picture of what it covers, and what the client's accounts are.

    ``revision`` is that of the draft which the form shows; ``note`` says what happened to it.
    """
    return page(
        "client/edit.html",
        section="offers",
        form=form,
        revision=revision,
        note=note,
        currency=client.currency,
        begun=_begun(form),
        pictures=pictures(form.given or form.covering()),
        book=book_of(session, client.id),
        regions=[one for one in all_regions() if one.country == client.country],
    )


def _begun(form: LimitForm) -> bool:
    """Whether the first day has come already, so that limits begin as soon as they are approved."""
    day = form.from_on.data
    return day is not None and starts_at(current_client(), day, now()) is None


@bp.post("/offers/check")
@audience(Permission.SET_LIMITS)
def check() -> Any:
    """What is wrong with the limits as typed, and what they cover; keeps and changes nothing."""
    form = LimitForm(request.form).for_currency(current_client().currency)
    form.validate()
    return page(
        "client/checked.html",
        section="offers",
        limits=form,
        found=problems_of(form),
        begun=_begun(form),
        names=form.names,
        pictures=pictures(form.covering()),
    )
