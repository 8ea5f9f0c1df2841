"""Closing an account for less, at once or in parts; and paying a part of it today."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.balance import balance_page
from portal.blueprints.debtor.common import open_account, pick, show
from portal.blueprints.debtor.documents import card_text
from portal.blueprints.debtor.paying import go_to_checkout, may_leave_for_checkout
from portal.blueprints.debtor.wishes import (
    WhenForm,
    closed,
    earlier,
    negotiated,
    policy_of,
)
from portal.blueprints.debtor.words import money, moves
from portal.blueprints.fields import OTHER, MoneyField, Pick
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.building import build, settlement_frequencies
from portal.domain.limits import OfferNotInPolicy, latest_first_on
from portal.domain.money import Cents
from portal.domain.offers import Offer, part_payment
from portal.domain.proposals import Proposal
from portal.domain.schedules import Frequency
from portal.domain.terms import Basis, Choice, Kind
from portal.models import PaymentPurpose
from portal.security import audience, current_visit
from portal.services.balance import Balance
from portal.services.offers import promise
from portal.services.visits import LONGEST
from portal.web import Form, explain, locale, ngettext, now, see_other, session, url_for
from portal.web import gettext as _


class SettleForm(WhenForm):
    """How much closes the account, and in how many parts."""

    order = ("total", "own", "parts")

    total = Pick(N_("How much can you pay in all?"))
    own = MoneyField(N_("Your amount"), optional=True)
    parts = Pick(N_("In how many payments?"))

    def remember(self, choice: Choice | None, today: date) -> None:
        """Fill in what was chosen before, when somebody comes back to change it."""
        if choice is None or self.is_submitted():
            return
        self.remember_times(choice, today)
        self.parts.data = str(choice.count or 1)
        known = [mark for mark in self.total.values if mark.partition("@")[0] == choice.key]
        self.total.data = known[0] if known else OTHER
        self.own.data = None if known else choice.total_cents

    def complete(self, today: date, only: Frequency) -> bool:
        """Whether all is there; else the form says what is missing, all at once."""
        if self.total.data in (None, OTHER) and self.own.data is None:
            self.total.errors = [_("Choose an amount, or enter your own.")]
        elif self.total.data not in (None, OTHER) and self.own.data is not None:
            self.total.errors = [_("You chose one amount and typed another. Which one?")]
        if self.parts.data is None:
            self.parts.errors = [_("Choose in how many payments.")]
        return self.check_times(today, only, several=self.parts.data != "1")


@bp.route("/account/<uuid:account_id>/settle", methods=["GET", "POST"])
@audience("debtor")
def settle(account_id: UUID) -> ResponseReturnValue:
    """Closing the account for less: an offer at once or in parts, or the person's own amount."""
    view = open_account(account_id)
    if refused := closed(view):
        return refused
    offers = [offer for offer in view.offers.offers if offer.kind is Kind.SETTLEMENT]
    if not offers:
        return balance_page(view, note=explain(OfferNotInPolicy())), 409
    form, policy = _settle_form(view, offers), policy_of(view)
    only = _rhythms(view, offers)[0]
    if form.validate_on_submit() and form.complete(view.today, only):
        answered = _settled(view, form, offers, only)
        if answered:
            return answered
    given = {"details": _details(offers), "moves": moves(policy)}
    page = show("debtor/settle.html", view, form=form, **given)
    return page, 422 if form.errors else 200


def _details(offers: list[Offer]) -> dict[str, str]:
    """What each offer saves, in how many payments, until when."""
    return {offer.mark: " ".join(_said(offer)) for offer in offers}


def _said(offer: Offer) -> Iterator[str]:
    yield _("You save %(saved)s.", saved=(offer.saved_cents, offer.currency))
    if offer.parts > 1:
        yield _("In up to %(num)s payments.", num=offer.parts)
    else:
        yield _("In 1 payment.")
    if offer.valid_until is not None:
        yield _("You can choose this until %(day)s.", day=offer.valid_until)


def _settle_form(view: Balance, offers: list[Offer]) -> SettleForm:
    form, policy = SettleForm(), policy_of(view)
    latest = latest_first_on(view.offers.facts, policy, view.today, Basis.AGREED)
    form.offer_times(view, policy, _rhythms(view, offers), latest)
    currency = view.account.currency
    form.total.offer(
        [
            *((offer.mark, money(offer.total_cents, currency)) for offer in offers),
            (OTHER, _("A different amount")),
        ]
    )
    most = max(offer.parts for offer in offers)
    form.parts.offer(
        (str(n), ngettext("%(num)d payment", "%(num)d payments", n)) for n in range(1, most + 1)
    )
    form.remember(earlier(), view.today)
    return form


def _rhythms(view: Balance, offers: list[Offer]) -> tuple[Frequency, ...]:
    """Those of the limits in force, then those of the limits that other offers were made under."""
    policies = [policy_of(view), *(view.offers.policy_of(offer) for offer in offers)]
    found = (rhythm for policy in policies for rhythm in settlement_frequencies(policy))
    return tuple(dict.fromkeys(found))


def _settled(
    view: Balance, form: SettleForm, offers: list[Offer], only: Frequency
) -> ResponseReturnValue | None:
    first_on = form.first_on(view.today) or view.today
    count = int(form.parts.data)
    frequency = form.chosen_frequency(only)
    days = form.days_of(frequency) if count > 1 else ()
    offer = next((one for one in offers if one.mark == form.total.data), None)
    if offer is not None:
        choice = Choice(
            key=offer.key,
            count=count if count > 1 else None,
            frequency=frequency if count > 1 else None,
            first_on=first_on,
            method=form.chosen_method(),
            valid_until=offer.valid_until,
            days=days,
        )
        return _reviewed(view, choice, form, offer)
    total = Cents(form.own.data)
    wish = Proposal(
        first_on=first_on,
        total_cents=total,
        amount_cents=Cents(-(-total // count)),
        frequency=frequency,
        method=form.chosen_method(),
        days=days,
    )
    return negotiated(view, wish, form)


def _reviewed(
    view: Balance, choice: Choice, form: SettleForm, offer: Offer
) -> ResponseReturnValue | None:
    """The review of an offer as chosen; None where it cannot be had so, which the form says."""
    try:
        limits = view.offers.policy_of(offer)
        build(choice, view.offers.facts, limits, view.today, offer=offer)
    except DomainError as error:
        form.form_errors.append(explain(error))
        return None
    return see_other(
        url_for(".review", account_id=view.account.id, c=pick(view, choice, offer.policy_version))
    )


class PartForm(Form):
    """What somebody pays today, whatever comes later."""

    amount = MoneyField(N_("Amount"))


@bp.route("/account/<uuid:account_id>/part", methods=["GET", "POST"])
@audience("debtor")
def part(account_id: UUID) -> ResponseReturnValue:
    """One payment today towards the balance, without an agreement."""
    view = open_account(account_id)
    if view.live is not None or not view.offers.capabilities.pay.allowed:
        return balance_page(view, note=_("You cannot choose this now.")), 409
    form = PartForm()
    may_leave_for_checkout()
    if form.validate_on_submit():
        try:
            amount = part_payment(form.amount.data, view.offers.facts)
            if not _closes(view, amount):
                return _paid_towards(view, amount)
            form.amount.errors = [_("That is enough to close your account. Choose that instead.")]
        except DomainError as error:
            form.form_errors.append(explain(error))
    card = card_text(view, locale())
    shown = [offer for offer in view.offers.offers if offer.valid_until]
    least = min(shown, key=lambda offer: offer.total_cents, default=None)
    page = show("debtor/part.html", view, form=form, card=card, offer=least)
    return page, 422 if form.errors else 200


def _closes(view: Balance, amount: Cents) -> bool:
    """Whether a part would be enough for a settlement, which then ends better for the debtor."""
    least = min((offer.total_cents for offer in view.offers.offers), default=amount + 1)
    return least <= amount < view.account.balance_cents


def _paid_towards(view: Balance, amount: Cents) -> ResponseReturnValue:
    """On to Checkout; the offers that this page named are kept, and the payment counts for them."""
    visit = current_visit()
    ends = visit.started_at + LONGEST
    promise(session, view.account, visit_id=visit.session_id, until=ends, now=now())
    commit(session, "offers.promise")
    return go_to_checkout(
        account_id=view.account.id, purpose=PaymentPurpose.ONE_OFF, amount_cents=amount
    )
