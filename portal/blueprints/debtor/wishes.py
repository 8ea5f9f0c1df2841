"""What people wish for on the pages of plans and settlements, and where a wish leads."""

from datetime import date, timedelta
from typing import Any, ClassVar

from flask import request
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor.balance import balance_page
from portal.blueprints.debtor.common import pick, picked
from portal.blueprints.debtor.paydays import PaydayForm
from portal.blueprints.debtor.words import RHYTHMS, written
from portal.blueprints.fields import OTHER, DateBoxes, Pick
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.building import choice_of
from portal.domain.limits import OfferNotInPolicy, allowed_method
from portal.domain.negotiation import answer_beside
from portal.domain.policy import Policy
from portal.domain.proposals import Agreed, Proposal
from portal.domain.schedules import Frequency
from portal.domain.terms import Choice, Method
from portal.security import current_visit
from portal.services.balance import Balance
from portal.services.proposals import Wish, submit
from portal.web import Form, explain, now, see_other, session, url_for
from portal.web import gettext as _

TODAY = "today"
SOONEST = timedelta(days=3)
WHEN = (
    *("frequency", "pair", "first_day", "second_day", "monthday", "own_day"),
    *("start", "on", "method"),
)
"""The fields that ask when and how, as they stand on the page."""


class OptionalDate(DateBoxes):
    """A date in three boxes that may stay empty."""

    def pre_validate(self, form: Any) -> None:
        """Understand the date, if one was typed."""
        if any(box.value for box in self.boxes("en")):
            super().pre_validate(form)


class WhenForm(PaydayForm):
    """How often, on which days, from when, and who makes the payments; nothing is chosen."""

    frequency = Pick(N_("How often do you want to pay?"))
    start = Pick(N_("When is your first payment?"))
    on = OptionalDate(N_("Another date"))
    method = Pick(
        N_("How do you want to pay?"),
        [
            (Method.AUTOMATIC.value, N_("Take each payment automatically")),
            (Method.MANUAL.value, N_("I make each payment myself")),
        ],
    )

    order: ClassVar[tuple[str, ...]] = ()
    """The fields before these as they stand on the page, which is the order of its problems."""

    def __init__(self) -> None:
        super().__init__()
        self._fields = {name: self[name] for name in (*self.order, *WHEN)}

    def offer_times(
        self, view: Balance, policy: Policy, frequencies: tuple[Frequency, ...], latest: date
    ) -> None:
        """Put the rhythms, dates and ways to pay that this account can have into the form."""
        self.frequency.offer((f.value, RHYTHMS[f]) for f in frequencies)
        if len(frequencies) == 1:
            del self.frequency
        self.offer_days(frequencies)
        days = [day for day in likely_days(view.today) if day <= latest]
        self.start.offer(
            [
                (TODAY, _("Today")),
                *((day.isoformat(), written(day)) for day in days),
                (OTHER, _("Another date")),
            ]
        )
        automatic = allowed_method(Method.AUTOMATIC, policy) is Method.AUTOMATIC
        if not automatic or not view.offers.capabilities.charge.allowed:
            del self.method

    def remember_times(self, choice: Choice, today: date) -> None:
        """Fill in the rhythm, the first date and who pays."""
        first_on = choice.first_on or today
        wanted = TODAY if first_on == today else first_on.isoformat()
        self.start.data = wanted if wanted in self.start.values else OTHER
        if self.start.data == OTHER:
            self.on.process(None, first_on)
        if "frequency" in self and choice.frequency:
            self.frequency.data = choice.frequency.value
        self.remember_days(choice.frequency, choice.days)
        if "method" in self:
            self.method.data = choice.method.value

    def first_on(self, today: date) -> date | None:
        """The first date that was chosen; None where another date was not typed."""
        if self.start.data == TODAY:
            return today
        if self.start.data == OTHER or self.start.data is None:
            found: date | None = self.on.data
            return found
        return date.fromisoformat(self.start.data)

    def chosen_frequency(self, only: Frequency) -> Frequency:
        """The rhythm that was chosen, or the only one there is."""
        asked = "frequency" in self and self.frequency.data
        return Frequency(self.frequency.data) if asked else only

    def chosen_method(self) -> Method:
        """Who makes the payments."""
        asked = "method" in self and self.method.data
        return Method(self.method.data) if asked else Method.MANUAL

    def check_times(self, today: date, only: Frequency, *, several: bool = True) -> bool:
        """Whether all is there that this many payments need; else the form says what is missing.

        ``only`` is the rhythm where there is no other.
        """
        if self.start.data is None:
            self.start.errors = [_("Choose when to start.")]
        elif self.first_on(today) is None and not self.on.errors:
            self.on.errors = [_("Enter the date of your first payment.")]
        if several and "frequency" in self and not self.frequency.data:
            self.frequency.errors = [_("Choose how often.")]
        elif several:
            self.check_days(self.chosen_frequency(only))
        later = several or self.first_on(today) != today
        if later and "method" in self and not self.method.data:
            self.method.errors = [_("Choose if we take the payments, or you make each one.")]
        return not self.errors


def likely_days(today: date) -> list[date]:
    """Days that people often ask for: the next Friday and the first of the next month."""
    soon = today + SOONEST
    friday = soon + timedelta(days=(4 - soon.weekday()) % 7)
    first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return sorted({friday, first if first >= soon else friday + timedelta(days=14)})


def earlier() -> Choice | None:
    """The choice that somebody comes back to change, if the address carries one."""
    c = request.args.get("c")
    try:
        return picked(c).choice if c else None
    except DomainError:
        return None


def closed(view: Balance) -> ResponseReturnValue | None:
    """The page that says why nothing can be agreed on this account now, if nothing can."""
    if view.live is not None:
        return see_other(url_for(".arrangement", account_id=view.account.id))
    if view.offers.published is None or not view.offers.capabilities.accept.allowed:
        return balance_page(view, note=_("You cannot choose this now.")), 409
    return None


def negotiated(view: Balance, wish: Proposal, form: Form) -> ResponseReturnValue | None:
    """Where a wish leads: agreed to the review, all else to a person and to what is near.

    None where no answer can be given: then the form says why.
    """
    try:
        shown = view.offers.shown
        said = answer_beside(wish, view.offers.facts, policy_of(view), shown, view.today)
        if isinstance(said, Agreed):
            c = pick(view, choice_of(said.terms), said.terms.policy_version)
            return see_other(url_for(".review", account_id=view.account.id, c=c))
        instead_of = request.form.get("instead_of", "")
        suggested = Wish(wish, instead_of=instead_of)
        submit(session, view.account, suggested, visit=current_visit(), now=now())
    except DomainError as error:
        form.form_errors.append(explain(error))
        return None
    commit(session, "proposals.submit")
    return see_other(url_for(".proposal", account_id=view.account.id))


def policy_of(view: Balance) -> Policy:
    if view.offers.published is None:
        raise OfferNotInPolicy
    return view.offers.published.policy
