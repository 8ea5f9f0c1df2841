"""Pages that move money: what it will do is shown first, and only that is done."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from flask import current_app, flash
from wtforms import HiddenField

from portal.blueprints.consoles import Answer, attempt, page
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.meanwhile import SeenForm, refuse_stale, tell_all
from portal.domain import DomainError, labels
from portal.gateways.payments import GatewayUnavailable
from portal.models import Account, LookKind, LookOutcome
from portal.security import current_staff
from portal.services import foreseeing, payments, second_person
from portal.services.foreseeing import Effects
from portal.services.ledger import lock_account
from portal.services.payments import PaymentOnItsWay
from portal.services.second_person import Act, ChangedSince
from portal.web import explain, now, see_other, session
from portal.web import gettext as _


class MovingForm(SeenForm):
    """What every movement of money is asked for with; ``mark`` is that of what was shown."""

    mark = HiddenField()


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A page that moves money: its heading, what to know first, its button, and what was done.

    ``act`` reads from the form what is asked for, and may refuse what was typed.
    """

    account: Account
    act: Callable[[], Act]
    title: str
    button: str
    done: str
    notes: Sequence[str] = ()


def show_and_move(form: MovingForm, move: Move) -> Answer:
    """Show what would happen; once that was shown, do it, or let it wait for a second person."""
    effects = None
    if not form.is_submitted():
        form.of(move.account)
        form.mark.data = ""
    if form.validate_on_submit():
        if form.mark.data and attempt(form, lambda: _do(form, move)):
            return see_other(back_to(move.account))
        told = form.since
        effects = foreseen(form, lambda: _new(form, move))
        form.since = form.since or told
    answer = page(
        "support/moving.html",
        form=form,
        move=move,
        back_to=back_to(move.account),
        effects=effects,
        currency=move.account.currency,
        labels=labels,
    )
    return (answer, 422) if form.errors else answer


def _new(form: MovingForm, move: Move) -> Act:
    """What is asked for, where nothing of the account waits already and no colleague was faster."""
    refuse_stale(form, move.account)
    second_person.refuse_waiting(session, move.account)
    return move.act()


def _do(form: MovingForm, move: Move) -> None:
    lock_account(session, move.account.id)
    refuse_stale(form, move.account)
    act = move.act()
    close_open_page(act)
    _require(form, move.account, act)
    look = second_person.ask(session, act, staff=current_staff(), now=now())
    waits = _("Nothing has moved yet. A second person must approve it.")
    flash(waits if look.outcome is LookOutcome.WAITS else move.done, "ok")


def _require(form: MovingForm, account: Account, act: Act) -> None:
    """Go on only where it still does what the page showed; else the form says what was done since.

    One's own work is told as well: the same form may have been sent before.
    """
    try:
        foreseeing.require(session, act, form.mark.data or "", now=now())
    except ChangedSince:
        tell_all(form, account)
        raise


def foreseen(form: MovingForm, act: Callable[[], Act]) -> Effects | None:
    """What it does now, with its mark in the form; where a rule refuses, the form says why."""
    form.mark.data = ""
    try:
        effects = foreseeing.foresee(session, act(), now=now())
    except DomainError as error:
        session.rollback()
        if (why := explain(error)) not in form.form_errors:
            form.form_errors.append(why)
        return None
    form.mark.data = effects.mark
    return effects


def close_open_page(act: Act) -> None:
    """Close the page at Stripe that the debtor could pay on, before money is recorded.

    Where Stripe does not answer, or the page is being paid, what is on its way forbids the act.
    """
    if act.kind is LookKind.COUNTER_PAYMENT:
        stripe = current_app.extensions["portal"].stripe
        with suppress(PaymentOnItsWay, GatewayUnavailable):
            payments.release_checkout(session, stripe, act.account_id, now=now())
