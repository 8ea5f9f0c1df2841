"""Plans: amount, rhythm, first date, and by whom; the dates are on the review."""

from datetime import date
from uuid import UUID

from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.balance import balance_page
from portal.blueprints.debtor.common import open_account, show
from portal.blueprints.debtor.wishes import (
    WhenForm,
    closed,
    earlier,
    negotiated,
    policy_of,
)
from portal.blueprints.debtor.words import COUNT, COUNTS, EACH, money, moves
from portal.blueprints.fields import OTHER, MoneyField, Pick
from portal.domain import N_
from portal.domain.limits import Bounds, OfferNotInPolicy, plan_bounds
from portal.domain.money import Cents
from portal.domain.offers import plan_presets
from portal.domain.paydays import open_days, paydays
from portal.domain.policy import Policy
from portal.domain.proposals import Proposal
from portal.domain.schedules import Frequency
from portal.domain.terms import Choice
from portal.i18n import voice
from portal.security import audience
from portal.services.balance import Balance
from portal.web import explain, locale
from portal.web import gettext as _


class PlanForm(WhenForm):
    """How much at a time."""

    order = ("amount", "own")

    amount = Pick(N_("Choose an amount"))
    own = MoneyField(N_("Your amount"), optional=True)

    def cents(self) -> Cents | None:
        """The amount that was chosen or typed; typed alone it counts as chosen."""
        if self.amount.data and self.amount.data != OTHER:
            return Cents(int(self.amount.data)) if self.amount.data.isdecimal() else None
        found: Cents | None = self.own.data
        return found

    def remember(self, choice: Choice | None, today: date) -> None:
        """Fill in what was chosen before, when somebody comes back to change it."""
        if choice is None or self.is_submitted():
            return
        self.remember_times(choice, today)
        known = str(choice.amount_cents) in self.amount.values
        self.amount.data = str(choice.amount_cents) if known else OTHER
        self.own.data = None if known else choice.amount_cents

    def complete(self, today: date, main: Frequency) -> bool:
        """Whether all is there; else the form says what is missing, all at once."""
        if self.cents() is None:
            self.amount.errors = [_("Choose an amount, or enter your own.")]
        elif self.amount.data not in (None, OTHER) and self.own.data not in (None, self.cents()):
            self.amount.errors = [_("You chose one amount and typed another. Which one?")]
        return self.check_times(today, main)


@bp.route("/account/<uuid:account_id>/plan", methods=["GET", "POST"])
@audience("debtor")
def plan(account_id: UUID) -> ResponseReturnValue:
    """A payment plan: amount, rhythm, first date, and by whom; dates are on the review."""
    view = open_account(account_id)
    if refused := closed(view):
        return refused
    policy = policy_of(view)
    bounds = plan_bounds(view.offers.facts, policy, view.today)
    if bounds is None:
        return balance_page(view, note=explain(OfferNotInPolicy())), 409
    form, main = plan_form(view, policy, bounds), bounds.main_frequency
    form.remember(earlier(), view.today)
    if form.validate_on_submit() and form.complete(view.today, main):
        frequency = form.chosen_frequency(main)
        wish = Proposal(
            first_on=form.first_on(view.today) or view.today,
            amount_cents=form.cents(),
            frequency=frequency,
            method=form.chosen_method(),
            days=form.days_of(frequency),
        )
        if answered := negotiated(view, wish, form):
            return answered
    return plan_page(view, form, policy, main), 422 if form.errors else 200


def plan_form(view: Balance, policy: Policy, bounds: Bounds) -> PlanForm:
    """The form with what this account can choose from under these limits."""
    form = PlanForm()
    form.offer_times(view, policy, bounds.frequencies, bounds.latest_first_on)
    form.amount.offer(_presets(view, policy, bounds))
    return form


def plan_page(view: Balance, form: PlanForm, policy: Policy, main: Frequency) -> str:
    """The page of the form; ``main`` is the rhythm that its amounts are told in."""
    details = _details(view, policy, main, several="frequency" in form)
    return show("debtor/plan.html", view, form=form, details=details, moves=moves(policy))


def _presets(view: Balance, policy: Policy, bounds: Bounds) -> list[tuple[str, str]]:
    said = EACH[bounds.main_frequency] if len(bounds.frequencies) == 1 else "%(amount)s"
    found = plan_presets(view.offers.facts, policy, view.today)
    cents = [preset.amount_cents for preset in found]
    amounts = [(str(each), money(each, view.account.currency)) for each in cents]
    return [
        *((value, _(said, amount=amount)) for value, amount in amounts),
        (OTHER, _("A different amount")),
    ]


def _details(view: Balance, policy: Policy, rhythm: Frequency, *, several: bool) -> dict[str, str]:
    """How many payments each ready-made amount takes, and until when, if it starts today.

    Told in the main rhythm, which is named where there are ``several``.
    """
    facts, words = view.offers.facts, COUNTS[rhythm] if several else COUNT
    opened = open_days(facts, policy, view.today)
    details = {}
    for preset in plan_presets(facts, policy, view.today, rhythm):
        last_on = paydays(view.today, rhythm, preset.count, opened=opened).dates[-1]
        until = voice(locale()).month(last_on)
        details[str(preset.amount_cents)] = _(words, num=preset.count, until=until)
    return details
