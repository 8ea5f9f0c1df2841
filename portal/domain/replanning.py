"""What is left of a plan in another rhythm or other amounts, within the limits of its day."""

from collections.abc import Iterator
from datetime import date
from itertools import chain, islice, takewhile

from portal.domain import N_, DomainError
from portal.domain.amendments import (
    Amendment,
    Change,
    DueFirst,
    FirstPaymentFirst,
    NothingChanges,
    Rhythm,
    Running,
)
from portal.domain.facts import AccountFacts
from portal.domain.limits import (
    Bounds,
    FrequencyNotOffered,
    InstallmentTooSmall,
    TooManyInstallments,
    plan_bounds,
)
from portal.domain.money import Cents, Money, minimum_charge
from portal.domain.paydays import paydays
from portal.domain.schedules import Frequency, parts_by_amount, smallest_regular
from portal.domain.terms import Basis, Kind, Terms


class NotAPlan(DomainError):
    """A settlement is paid in the amounts that were agreed."""

    message = N_("You cannot change how much or how often you pay here. Please write to us.")


class ReplannedTooLong(DomainError):
    """At this pace the plan would end later than the client's limits allow."""

    message = N_(
        "That would take too long. The last payment can be on %(latest)s at the latest. With"
        " payments of %(smallest)s it would be in time."
    )


def replan(plan: Running, account: AccountFacts, frequency: Frequency, amount: Cents) -> Amendment:
    """All that is left in payments of one amount (cents), from its first date on.

    The plan may last as long as one that was agreed on the first day, or as long as it does now,
    and its payments may be as small as they are now. Raises NotAPlan, FirstPaymentFirst,
    DueFirst, FrequencyNotOffered, InstallmentTooSmall, ReplannedTooLong, TooManyInstallments,
    NothingChanges, AmountNotPositive, ScheduleTooLong.
    """
    bounds = limits_of(plan, account)
    if frequency not in frequencies_of(plan, bounds):
        raise FrequencyNotOffered
    total = plan.left_cents
    smallest = smallest_of(plan, bounds, frequency)
    currency, latest = plan.terms.currency, latest_of(plan, bounds, frequency)
    if amount < min(smallest_now(plan), bounds.minimum_cents, total):
        raise InstallmentTooSmall(minimum=Money(smallest, currency))
    amounts = parts_by_amount(total, amount, minimum=minimum_charge(currency))
    dates = list(islice(_dates(plan, frequency), len(amounts)))
    if dates[-1] > latest:
        raise ReplannedTooLong(latest=latest, smallest=Money(smallest, currency))
    most = _most(plan, bounds)
    if most is not None and len(amounts) > most:
        raise TooManyInstallments(most=most, smallest=Money(smallest, currency))
    after = tuple(zip(dates, amounts, strict=True))
    if after == plan.parts:
        raise NothingChanges
    return Amendment(Change.REPLANNED, plan.parts, after, _rhythm(plan, frequency))


def limits_of(plan: Running, account: AccountFacts) -> Bounds:
    """The limits of the version under which it was agreed, as they were on that day.

    What staff granted beyond them was granted once. Raises NotAPlan, FirstPaymentFirst,
    DueFirst.
    """
    if plan.terms.kind is not Kind.PLAN:
        raise NotAPlan
    if plan.waiting:
        raise FirstPaymentFirst
    if plan.due or not plan.parts:
        raise DueFirst
    basis = Basis.OFFERED if plan.terms.basis is Basis.OFFERED else Basis.AGREED
    bounds = plan_bounds(account, plan.policy, plan.agreed_on, basis)
    if bounds is None:
        raise NotAPlan
    return bounds


def frequencies_of(plan: Running, bounds: Bounds) -> tuple[Frequency, ...]:
    """The rhythms that can be chosen: those of the limits, and the one that it has."""
    return tuple(dict.fromkeys((plan.rhythm.frequency, *bounds.frequencies)))


def smallest_now(plan: Running) -> Cents:
    """The smallest of the payments now, but the last one, which carries what is left; in cents."""
    amounts = [cents for _, cents in plan.parts]
    return min(amounts[:-1], default=amounts[0])


def smallest_of(plan: Running, bounds: Bounds, frequency: Frequency) -> Cents:
    """The smallest amount in which all that is left can be paid in a rhythm, in cents."""
    total = plan.left_cents
    latest = latest_of(plan, bounds, frequency)
    count = sum(1 for _ in takewhile(lambda day: day <= latest, _dates(plan, frequency)))
    most = _most(plan, bounds)
    count = max(count if most is None else min(count, most), 1)
    even = smallest_regular(total, count, minimum=minimum_charge(plan.terms.currency))
    return Cents(min(max(even, min(smallest_now(plan), bounds.minimum_cents)), total))


def latest_of(plan: Running, bounds: Bounds, frequency: Frequency) -> date:
    """The last day for the last payment: of the longest plan of the first day, or as it is now."""
    terms, most = plan.terms, _longest(bounds, frequency, plan.terms)
    found = paydays(terms.counted_from, frequency, most, opened=plan.opened)
    return max(found.dates[-1], plan.taken_on(plan.parts[-1][0]))


def _longest(bounds: Bounds, frequency: Frequency, terms: Terms) -> int:
    days = terms.days if frequency is terms.frequency else ()
    return bounds.most(frequency, days)


def _most(plan: Running, bounds: Bounds) -> int | None:
    """How many payments what can be changed may have, where the limits count them."""
    if bounds.installments is None:
        return None
    return max(bounds.installments - plan.paid_parts, len(plan.parts))


def _rhythm(plan: Running, frequency: Frequency) -> Rhythm:
    same = frequency is plan.rhythm.frequency
    return plan.rhythm if same else Rhythm(frequency, plan.taken_on(plan.parts[0][0]))


def _dates(plan: Running, frequency: Frequency) -> Iterator[date]:
    first_on = plan.taken_on(plan.parts[0][0])
    return chain([first_on], _rhythm(plan, frequency).dates_after(first_on, plan.opened))
