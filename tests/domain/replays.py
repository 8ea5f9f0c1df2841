"""What the compiler says of an account is tried on the real offers: it must be so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from portal.domain.building import settlement_floor
from portal.domain.compiler import Example, Problem
from portal.domain.facts import AccountFacts, PaymentHistory
from portal.domain.offers import offers, tier_total, valid_until
from portal.domain.policy import Policy, Tier
from portal.domain.terms import Kind


def replay(problem: Problem, policy: Policy) -> bool:
    """Whether a problem's example, if it must have one, shows what the problem says."""
    shown = SHOWN.get(problem.rule)
    if shown is None:
        return problem.example is None
    return problem.example is not None and shown(problem.example, policy)


def _in_no_band(example: Example, policy: Policy) -> bool:
    return policy.band(example.account, example.today) is None


def _in_two_bands(example: Example, policy: Policy) -> bool:
    account, names = example.account, policy.segments_of(example.account) or ("",)
    days = account.age_days(example.today)
    held = [b for b in policy.bands if b.segment in names and b.holds(account.balance_cents, days)]
    return len(held) > 1


def _below_floor(example: Example, policy: Policy) -> bool:
    floor = settlement_floor(example.account, policy, example.today)
    lowest = closes_for(example.account, policy, example.today)
    return lowest < (example.account.balance_cents if floor is None else floor)


def _not_offered(example: Example, policy: Policy) -> bool:
    assert example.choice
    keys = {offer.key for offer in offers(example.account, policy, example.today)}
    return example.choice.key not in keys


def _no_more_time(example: Example, policy: Policy) -> bool:
    """Another tier asks no more and has as many parts, or the tier is there twice."""
    assert example.choice
    assert example.instead
    band = policy.band(example.account, example.today)
    assert band is not None
    named: dict[str, Tier] = {tier.key: tier for tier in band.tiers}
    tier, other = named[example.choice.key], named[example.instead.key]
    asked, rival = (tier_total(example.account, policy, one, band) for one in (tier, other))
    return asked >= rival and tier.max_parts <= other.max_parts


def _asks_more(example: Example, policy: Policy) -> bool:
    assert example.choice
    assert example.instead
    band = policy.band(example.account, example.today)
    assert band is not None
    named = {tier.key: tier for tier in band.tiers}
    totals = [
        tier_total(example.account, policy, named[one.key], band)
        for one in (example.choice, example.instead)
    ]
    return totals[0] > totals[1] and _no_more_time(example, policy)


def closes_for(account: AccountFacts, policy: Policy, today: date) -> int:
    """The least for which an account is closed on a day, in cents."""
    always = replace(policy, from_on=None, to_on=None)
    made = offers(account, always, today)
    settled = (offer.total_cents for offer in made if offer.kind is Kind.SETTLEMENT)
    return min(settled, default=account.balance_cents)


def _part_is_dear(example: Example, policy: Policy) -> bool:
    """Closing the rest after a payment takes more than the whole did, on an account else equal."""
    account, other = example.account, example.other
    assert other
    assert replace(other, balance_cents=account.balance_cents, history=account.history) == account
    before = closes_for(account, policy, example.today)
    paid = account.balance_cents - other.balance_cents
    return paid > 0 and closes_for(other, policy, example.today) > before


def _first_is_dear(example: Example, policy: Policy) -> bool:
    assert example.other
    histories = example.account.history, example.other.history
    first = (PaymentHistory.NEVER_PAID, PaymentHistory.HAS_PAID)
    return histories == first and _part_is_dear(example, policy)


def _ends_first(example: Example, policy: Policy) -> bool:
    """A tier asks no less than another and does not stand as long."""
    account, today = example.account, example.today
    band = policy.band(account, today)
    assert band is not None
    assert example.choice
    assert example.instead
    named = {tier.key: tier for tier in band.tiers}
    tier, other = named[example.choice.key], named[example.instead.key]
    totals = [tier_total(account, policy, one, band) for one in (tier, other)]
    ends = [valid_until(account, policy, one, today) for one in (tier, other)]
    return account.balance_cents > totals[0] >= totals[1] and ends[0] < ends[1]


def _age_is_dear(example: Example, policy: Policy) -> bool:
    assert example.later
    before = closes_for(example.account, policy, example.today)
    return closes_for(example.account, policy, example.later) > before


SHOWN: dict[str, Callable[[Example, Policy], bool]] = {
    "bands.gap": _in_no_band,
    "bands.overlap": _in_two_bands,
    "tiers.floor": _below_floor,
    "tiers.nobody": _not_offered,
    "tiers.never_chosen": _no_more_time,
    "tiers.crossing": _asks_more,
    "plan.nobody": _not_offered,
    "tiers.ends_first": _ends_first,
    "borders.part_payment": _part_is_dear,
    "borders.first_payment": _first_is_dear,
    "cautions.part_payment": _part_is_dear,
    "cautions.first_payment": _first_is_dear,
    "cautions.age": _age_is_dear,
}
"""The rules about accounts; each must have an example."""
