"""Limits of plans, and the named errors that say which one was missed and what would do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from portal.domain import N_, DomainError
from portal.domain.facts import AccountFacts
from portal.domain.money import NOTHING, Cents, Money, minimum_charge, share
from portal.domain.policy import Policy, SavedMethod
from portal.domain.schedules import (
    Frequency,
    most_parts,
    most_parts_within,
    smallest_regular,
)
from portal.domain.terms import Basis, Method, Terms

GRANTED_WITHIN_DAYS: Final = 92
SHORTEST_WAIT_DAYS: Final = 30


class OfferExpired(DomainError):
    """The last day of an offer has gone by."""

    message = N_("This offer ended on %(valid_until)s. Here is what you can choose now.")


class BalanceChanged(DomainError):
    """The terms were computed on another balance."""

    message = N_("Your balance has changed to %(balance)s. Here is what you can choose now.")


class OfferNotInPolicy(DomainError):
    """What is to be accepted is not something that this account is offered."""

    message = N_("That choice is not open any more. Here is what you can choose now.")


class InstallmentTooSmall(DomainError):
    """A payment is below the smallest of the policy."""

    message = N_("Each payment must be at least %(minimum)s.")


class PlanTooLong(DomainError):
    """At this pace the plan lasts longer than the policy allows."""

    message = N_(
        "That would take more than %(months)s months. With payments of %(smallest)s it would not."
    )


class TooManyInstallments(DomainError):
    """At this pace the plan takes more payments than the policy allows."""

    message = N_(
        "That would take more than %(most)s payments. With payments of %(smallest)s it would not."
    )


class TooManyParts(DomainError):
    """A settlement in more parts than its offer has."""

    message = N_("This offer can be paid in up to %(most)s parts.")

    @classmethod
    def of(cls, most: int) -> "TooManyParts":
        """The error that says how many parts an offer has."""
        return OnePaymentOnly() if most == 1 else TooManyParts(most=most)


class OnePaymentOnly(TooManyParts):
    """A settlement in parts where its offer has none."""

    message = N_("This offer is for one payment.")


class FirstPaymentTooLate(DomainError):
    """The first date is later than the policy allows."""

    message = N_("The first payment can be on %(latest)s at the latest.")


class FirstPaymentTooSoon(DomainError):
    """Staff would ask for a payment inside the validation period (VN-03, VN-07)."""

    message = N_(
        "The first payment can be on %(earliest)s at the earliest: until the day before, the"
        " debtor can dispute the debt."
    )


class FirstPaymentInPast(DomainError):
    """The first date has gone by."""

    message = N_("Choose a first date from %(today)s on.")


class FrequencyNotOffered(DomainError):
    """The policy has no plans of this rhythm."""

    message = N_("Choose how often you want to pay from the list.")


class AutomaticNotOffered(DomainError):
    """The policy has plans that are paid by hand only."""

    message = N_("We cannot take payments automatically here. You make each payment yourself.")


class DownPaymentTooSmall(DomainError):
    """The first payment is below what the policy asks for."""

    message = N_("The first payment must be at least %(minimum)s.")


class SettlementTooLow(DomainError):
    """A total below the lowest share that may close the account."""

    message = N_("The lowest amount that can close this account now is %(minimum)s.")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one account's plan must keep to today; amounts in cents of ``currency``."""

    currency: str
    minimum_cents: Cents
    months: int
    frequencies: tuple[Frequency, ...]
    down_payment_cents: Cents
    latest_first_on: date
    installments: int | None = None
    days: int | None = None

    def most(self, frequency: Frequency, days: tuple[int, ...] = ()) -> int:
        """How many payments of this rhythm a plan may have: the least that any limit allows.

        ``days`` are those of the month that it keeps to. Moves off closed days do not count.
        """
        found = most_parts(frequency, self.months)
        if self.days is not None:
            apart = days[-1] - days[0] if days else 0
            found = min(found, most_parts_within(frequency, self.days, apart=apart))
        return found if self.installments is None else min(found, self.installments)

    @property
    def main_frequency(self) -> Frequency:
        """Monthly where it is offered, for pages that show one rhythm."""
        monthly = Frequency.MONTHLY in self.frequencies
        return Frequency.MONTHLY if monthly else self.frequencies[0]


def plan_bounds(
    account: AccountFacts, policy: Policy, today: date, basis: Basis = Basis.OFFERED
) -> Bounds | None:
    """The limits of a plan on this basis, or None where the policy has no plans.

    Staff may grant a plan even then, of any rhythm and without a down payment. No date is forced
    into the validation period (VN-07). Raises CurrencyNotSupported.
    """
    least = minimum_charge(account.currency)
    if basis is Basis.GRANTED:
        return Bounds(
            currency=account.currency,
            minimum_cents=Cents(max(policy.review.minimum_installment_cents, least)),
            months=policy.review.maximum_months,
            frequencies=tuple(Frequency),
            down_payment_cents=NOTHING,
            latest_first_on=latest_first_on(account, policy, today, basis),
        )
    plan = policy.plan
    if plan is None or not plan.frequencies or not policy.open_for(account, today):
        return None
    smallest = max(
        plan.minimum_installment_cents, share(account.balance_cents, plan.minimum_installment_bps)
    )
    offered = Bounds(
        currency=account.currency,
        minimum_cents=Cents(max(smallest, least)),
        months=plan.maximum_months,
        frequencies=plan.frequencies,
        down_payment_cents=share(account.balance_cents, plan.down_payment_bps),
        latest_first_on=latest_first_on(account, policy, today, basis),
        installments=plan.maximum_installments,
        days=plan.maximum_days,
    )
    return offered if basis is Basis.OFFERED else _agreed(offered, policy, least)


def _agreed(offered: Bounds, policy: Policy, least: Cents) -> Bounds:
    """What may be agreed without a person: at least what is offered."""
    smallest = max(policy.agree.minimum_installment_cents, least)
    return replace(
        offered,
        minimum_cents=Cents(min(offered.minimum_cents, smallest)),
        months=max(offered.months, policy.agree.maximum_months),
    )


def latest_first_on(account: AccountFacts, policy: Policy, today: date, basis: Basis) -> date:
    """The last day on which a first payment may be: never inside the validation period (VN-07)."""
    within = SHORTEST_WAIT_DAYS if policy.plan is None else policy.plan.first_payment_within_days
    if basis is Basis.GRANTED:
        within = max(within, GRANTED_WITHIN_DAYS)
    latest = today + timedelta(days=within)
    return max(latest, account.earliest_deadline_on or latest)


def smallest_amount(
    total: Cents, bounds: Bounds, frequency: Frequency, days: tuple[int, ...] = ()
) -> Cents:
    """The smallest regular payment that keeps a plan for ``total`` within its bounds, in cents."""
    even = smallest_regular(
        total,
        bounds.most(frequency, days),
        minimum=minimum_charge(bounds.currency),
        down=bounds.down_payment_cents,
    )
    return Cents(max(even, bounds.minimum_cents))


def check_start(first_on: date, *, today: date, latest: date) -> None:
    """Refuse a first date that has gone by or is too late.

    Raises FirstPaymentInPast, FirstPaymentTooLate.
    """
    if first_on < today:
        raise FirstPaymentInPast(today=today)
    if first_on > latest:
        raise FirstPaymentTooLate(latest=latest)


def check_first_payment(terms: Terms, *, today: date, latest: date) -> None:
    """The same for terms; a payment that moved off a closed day is as late as that day."""
    if terms.first_on < today:
        raise FirstPaymentInPast(today=today)
    if terms.counted_from > latest:
        raise FirstPaymentTooLate(latest=latest)


def allowed_method(method: Method, policy: Policy) -> Method:
    """Who makes the payments under a policy: by hand where nothing may be saved (PY-06)."""
    offered = policy.plan is None or policy.plan.saved_method is not SavedMethod.NOT_OFFERED
    return method if offered else Method.MANUAL


def check_pace(
    total: Cents,
    regular: Cents,
    count: int,
    *,
    frequency: Frequency,
    bounds: Bounds,
    days: tuple[int, ...] = (),
) -> None:
    """Refuse a plan whose payments are too small, or too many.

    Raises FrequencyNotOffered, InstallmentTooSmall, PlanTooLong, TooManyInstallments.
    """
    if frequency not in bounds.frequencies:
        raise FrequencyNotOffered
    smallest = Money(smallest_amount(total, bounds, frequency, days), bounds.currency)
    if count > 1 and regular < bounds.minimum_cents:
        raise InstallmentTooSmall(minimum=smallest)
    if count > most_parts(frequency, bounds.months):
        raise PlanTooLong(months=bounds.months, smallest=smallest)
    most = bounds.most(frequency, days)
    if count > most:
        raise TooManyInstallments(most=most, smallest=smallest)


def check_down_payment(first: Cents, required: Cents, *, total: Cents, currency: str) -> None:
    """Refuse a first payment below what is asked for. Raises DownPaymentTooSmall."""
    if first < min(required, total):
        raise DownPaymentTooSmall(minimum=Money(required, currency))


def smallest_part(parts: Sequence[Cents]) -> Cents:
    """The smallest of the payments that repeat: all but the last, which carries what is left."""
    return min(parts[:-1], default=parts[0])
