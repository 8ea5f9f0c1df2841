"""Where a change of a plan begins: which day, how much, how often; the dates are on its review."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.agreement_words import named
from portal.blueprints.debtor.arrangement import can_undo, me, own_agreement, plan_page, row_of
from portal.blueprints.debtor.change_documents import cut_off
from portal.blueprints.debtor.change_review import changing, refuse_moving, to_review
from portal.blueprints.debtor.common import runtime, show
from portal.blueprints.debtor.documents import card_text
from portal.blueprints.debtor.paying import (
    Refused,
    go_to_checkout,
    may_leave_for_checkout,
    to_payment,
)
from portal.blueprints.debtor.wishes import OptionalDate
from portal.blueprints.debtor.words import RHYTHMS, each, money, written
from portal.blueprints.errors import status_of
from portal.blueprints.fields import OTHER, MoneyField, Pick
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.amendments import (
    Change,
    FirstPaymentFirst,
    NoChangeLeft,
    PartNotThere,
    Running,
    dates_for,
    moves_left,
)
from portal.domain.extra_payments import Effect
from portal.domain.money import Cents
from portal.domain.replanning import frequencies_of, limits_of, smallest_of
from portal.domain.schedules import Frequency
from portal.domain.terms import Kind
from portal.models import PaymentPurpose
from portal.security import audience
from portal.services import amending, payments
from portal.services.agreements import OPEN_PARTS, AgreementPage
from portal.services.amending import PlanChanged, Wish
from portal.services.balance import Balance
from portal.services.payments import PaymentOnItsWay
from portal.services.running_pages import running_page
from portal.web import Form, explain, locale, now, see_other, session, url_for
from portal.web import gettext as _

LATER = (timedelta(days=3), timedelta(days=7), timedelta(days=14))
"""How much later people often want to pay."""
AFTER_THE_NEXT = 3
"""How many payments can be chosen from to be moved."""


EFFECTS = (
    (Effect.SHORTEN, N_("End my plan sooner. My payments stay the same.")),
    (Effect.LOWER, N_("Make my payments smaller. My dates stay the same.")),
)


class MoveForm(Form):
    """The new day of one payment."""

    day = Pick(N_("When do you want to pay it?"))
    on = OptionalDate(N_("Another date"))

    def chosen(self) -> date | None:
        """The day that was chosen; a date that was typed alone counts as chosen."""
        if self.day.data in (None, OTHER):
            found: date | None = self.on.data
            return found
        return date.fromisoformat(self.day.data)


class PaceForm(Form):
    """How much and how often from now on."""

    amount = MoneyField(N_("How much can you pay each time?"))
    frequency = Pick(N_("How often do you want to pay?"))


class ExtraForm(Form):
    """How much extra, and what it does."""

    amount = MoneyField(N_("How much extra do you want to pay?"))
    effect = Pick(N_("What should it do?"))


def _running(account_id: UUID, *, begun: bool = False) -> tuple[Balance, AgreementPage, Running]:
    """The reader's own plan as its changes see it.

    Raises PlanChanged where none is running, FirstPaymentFirst where it must have ``begun``, and
    PaymentMoving before anything is offered while a payment is on its way.
    """
    view, agreed = own_agreement(account_id)
    plan = running_page(view, agreed)
    if plan is None:
        raise PlanChanged
    if begun and plan.waiting:
        raise FirstPaymentFirst
    if request.method != "POST":
        refuse_moving(view, agreed)
    return view, agreed, plan


def _refused(account_id: UUID, error: DomainError) -> ResponseReturnValue:
    """My plan as it is now, with what stands against the change."""
    session.rollback()
    return plan_page(*own_agreement(account_id), note=explain(error)), status_of(error)


@bp.route("/account/<uuid:account_id>/change/move", methods=["GET", "POST"])
@audience("debtor")
def move(account_id: UUID) -> ResponseReturnValue:
    """Move one payment: the next one, or another one that the address names."""
    try:
        view, agreed, plan = _running(account_id)
        if moves_left(plan) < 1:
            raise NoChangeLeft
        due_on = _named(plan)
        earliest, latest = dates_for(plan, due_on)
    except DomainError as error:
        return _refused(account_id, error)
    form = _move_form(plan, due_on, earliest, latest)
    if form.validate_on_submit():
        if (to := form.chosen()) is not None:
            wish = Wish(Change.MOVED, due_on=due_on, to=to)
            if answered := _answered(view, agreed, wish, form):
                return answered
        else:
            form.day.errors = [_("Choose a date.")]
    dates = {"due_on": due_on, "latest": latest, "others": _others(plan, due_on)}
    at = cut_off(plan, due_on, view.zone, locale())
    page = show(
        "debtor/change_move.html", view, form=form, amount=dict(plan.parts)[due_on], at=at, **dates
    )
    return page, 422 if form.errors else 200


def _named(plan: Running) -> date:
    """The payment that the address names, else the next one that can be changed."""
    try:
        return date.fromisoformat(request.args["due"])
    except (KeyError, ValueError):
        if not plan.open:
            raise PartNotThere from None
        return plan.open[0][0]


def _move_form(plan: Running, due_on: date, earliest: date, latest: date) -> MoveForm:
    form = MoveForm()
    days = {plan.opened.on_or_after(due_on + later) for later in LATER}
    likely = sorted(day for day in days | {latest} if earliest <= day <= latest)
    form.day.offer(
        [*((day.isoformat(), written(day)) for day in likely), (OTHER, _("Another date"))]
    )
    return form


def _others(plan: Running, due_on: date) -> list[date]:
    return [day for day, _cents in plan.open[:AFTER_THE_NEXT] if day != due_on]


def _answered(
    view: Balance, agreed: AgreementPage, wish: Wish, form: Form
) -> ResponseReturnValue | None:
    """The review of a wish; None where it cannot be had so, which the form says."""
    try:
        changing(view, agreed, wish)
    except DomainError as error:
        form.form_errors.append(explain(error))
        return None
    return to_review(view, wish)


@bp.get("/account/<uuid:account_id>/change/skip")
@audience("debtor")
def skip(account_id: UUID) -> ResponseReturnValue:
    """Skip the next payment that can be changed: there is nothing to choose."""
    try:
        view, _agreed, plan = _running(account_id)
    except DomainError as error:
        return _refused(account_id, error)
    due_on = plan.open[0][0] if plan.open else plan.today
    return to_review(view, Wish(Change.SKIPPED, due_on=due_on))


@bp.get("/account/<uuid:account_id>/change/pause")
@audience("debtor")
def pause(account_id: UUID) -> ResponseReturnValue:
    """Let the plan rest for one payment: there is nothing to choose."""
    view, _agreed = own_agreement(account_id)
    return to_review(view, Wish(Change.PAUSED))


@bp.route("/account/<uuid:account_id>/change/pace", methods=["GET", "POST"])
@audience("debtor")
def pace(account_id: UUID) -> ResponseReturnValue:
    """Another amount or another rhythm for all that is left."""
    try:
        view, agreed, plan = _running(account_id)
        bounds = limits_of(plan, view.offers.facts)
    except DomainError as error:
        return _refused(account_id, error)
    form, rhythms = PaceForm(), frequencies_of(plan, bounds)
    form.frequency.offer((one.value, RHYTHMS[one]) for one in rhythms)
    if form.validate_on_submit():
        frequency = Frequency(form.frequency.data or plan.rhythm.frequency)
        cents = Cents(form.amount.data)
        wish = Wish(Change.REPLANNED, frequency=frequency, amount_cents=cents)
        if answered := _answered(view, agreed, wish, form):
            return answered
    elif not form.is_submitted():
        form.frequency.data = plan.rhythm.frequency.value
    least = {one: smallest_of(plan, bounds, one) for one in rhythms}
    page = show("debtor/change_pace.html", view, form=form, plan=plan, **_paces(plan, least))
    return page, 422 if form.errors else 200


def _paces(plan: Running, least: dict[Frequency, Cents]) -> dict[str, Any]:
    """How it is paid now, and the smallest amount of each rhythm."""
    currency, rhythm = plan.terms.currency, plan.rhythm
    amount = money(plan.parts[0][1], currency)
    return {
        "current": each(amount, rhythm.frequency, rhythm.days, locale()),
        "details": {
            str(one): _("At least %(amount)s each time.", amount=(cents, currency))
            for one, cents in least.items()
        },
    }


@bp.route("/account/<uuid:account_id>/change/extra", methods=["GET", "POST"])
@audience("debtor")
def extra(account_id: UUID) -> ResponseReturnValue:
    """Pay extra, and choose what it does to the rest."""
    try:
        view, agreed, plan = _running(account_id, begun=True)
    except DomainError as error:
        return _refused(account_id, error)
    form = ExtraForm()
    form.effect.offer([(one.value, _(named(words, agreed.terms.kind))) for one, words in EFFECTS])
    if form.validate_on_submit():
        if form.effect.data is None:
            form.effect.errors = [_("Choose what it should do.")]
        else:
            lower = form.effect.data == Effect.LOWER
            change = Change.LOWERED if lower else Change.SHORTENED
            wish = Wish(change, amount_cents=Cents(form.amount.data))
            if answered := _answered(view, agreed, wish, form):
                return answered
    page = show("debtor/change_extra.html", view, form=form, plan=plan)
    return page, 422 if form.errors else 200


@bp.route("/account/<uuid:account_id>/change/all", methods=["GET", "POST"])
@audience("debtor")
def pay_off(account_id: UUID) -> ResponseReturnValue:
    """Pay all that is left of the agreement now: of a settlement what is left of it, no more."""
    try:
        view, agreed, plan = _running(account_id, begun=True)
    except DomainError as error:
        return _refused(account_id, error)
    left = Cents(min(plan.left_cents, view.account.balance_cents))
    if request.method == "POST":
        return go_to_checkout(
            account_id=account_id,
            purpose=PaymentPurpose.INSTALLMENT,
            amount_cents=left,
            arrangement_id=agreed.id,
        )
    may_leave_for_checkout()
    rest = Cents(view.account.balance_cents - left)
    card, settles = card_text(view, locale()), agreed.terms.kind is Kind.SETTLEMENT
    given = {"left": left, "rest": rest, "settles": settles, "card": card}
    return show("debtor/change_all.html", view, agreed=agreed, **given)


@bp.route("/account/<uuid:account_id>/end", methods=["GET", "POST"])
@audience("debtor")
def end(account_id: UUID) -> ResponseReturnValue:
    """End the agreement: GET says what is lost, in money; POST ends it at once."""
    view, agreed = own_agreement(account_id)
    if not agreed.live or can_undo(agreed):
        return plan_page(view, agreed, note=explain(PlanChanged())), 409
    try:
        if request.method == "POST":
            payments.release_checkout(session, runtime().stripe, account_id, now=now())
            amending.cancel(session, row_of(agreed), actor=me(), now=now())
            commit(session, "amending.cancel")
            return see_other(url_for(".arrangement", account_id=account_id, done="ended"))
        refuse_moving(view, agreed)
    except PaymentOnItsWay as error:
        return to_payment(error, Refused.END)
    except DomainError as error:
        return _refused(account_id, error)
    left = sum(part.open_cents for part in agreed.parts if part.status in OPEN_PARTS)
    more = max(view.account.balance_cents - left, 0)
    settles = agreed.terms.kind is Kind.SETTLEMENT
    given = {"left": left, "more": more, "settles": settles}
    return show("debtor/end.html", view, agreed=agreed, **given)
