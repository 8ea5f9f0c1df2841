"""What is wrong with an offer policy, each point with a rule's name and a concrete example."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from portal.domain import N_
from portal.domain.money import (
    LARGEST_CENTS,
    MINIMUM_CHARGE_CENTS,
    WHOLE_BPS,
    Cents,
    Money,
    minimum_charge,
    share,
)
from portal.domain.policy import Band, PlanLimits, Policy, ProposalLimits, Tier

LONGEST_MONTHS: Final = 120
LONGEST_DAYS: Final = 366
MOST_TIERS: Final = 20
MOST_BANDS: Final = 30


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the rule, and a sentence with an example in it."""

    rule: str
    message: str
    params: dict[str, object]

    def __str__(self) -> str:
        return self.message % self.params


Problems = Iterator[Problem]


def check(policy: Policy) -> list[Problem]:
    """Every problem of a policy; an empty list means that it can be published."""
    if policy.currency not in MINIMUM_CHARGE_CENTS:
        text = N_("We cannot take payments in %(currency)s. Choose USD or CAD.")
        return [Problem("currency", text, {"currency": policy.currency})]
    rules: tuple[Callable[[Policy], Problems], ...] = (
        _whole,
        _ranges,
        _cover,
        _tiers,
        _plan,
        _proposals,
    )
    return [problem for rule in rules for problem in rule(policy)]


def _whole(policy: Policy) -> Problems:
    if policy.version < 1:
        text = N_("Versions are numbered from 1; this one has %(number)s.")
        yield Problem("version", text, {"number": policy.version})
    offered = policy.pay_in_full or policy.plan or any(band.tiers for band in policy.bands)
    if not offered:
        yield Problem("nothing", N_("With this policy nobody is offered anything."), {})
    if not 1 <= policy.answer_working_days <= 30:
        text = N_("A proposal is answered within 1 to 30 working days, not %(number)s.")
        yield Problem("answer_working_days", text, {"number": policy.answer_working_days})


def _ranges(policy: Policy) -> Problems:
    if len(policy.bands) > MOST_BANDS or any(len(b.tiers) > MOST_TIERS for b in policy.bands):
        text = N_("A policy has at most %(bands)s bands with %(tiers)s tiers each.")
        yield Problem("size", text, {"bands": MOST_BANDS, "tiers": MOST_TIERS})
    for band in policy.bands:
        if _upside_down(band.from_balance_cents, band.to_balance_cents):
            text = N_("A band from %(from)s to %(to)s holds no balance.")
            start = Money(Cents(band.from_balance_cents), policy.currency)
            end = Money(Cents(band.to_balance_cents or 0), policy.currency)
            yield Problem("bands.balance", text, {"from": start, "to": end})
        if _upside_down(band.from_days, band.to_days):
            text = N_("A band from day %(from)s to day %(to)s holds no account.")
            yield Problem("bands.age", text, {"from": band.from_days, "to": band.to_days})


def _upside_down(start: int, end: int | None) -> bool:
    return start < 0 or (end is not None and end <= start)


def _cover(policy: Policy) -> Problems:
    """Each balance at each age is in exactly one band; tried at every corner where that changes."""
    if not policy.bands or len(policy.bands) > MOST_BANDS:
        return
    balances = _corners(1, ((b.from_balance_cents, b.to_balance_cents) for b in policy.bands))
    ages = _corners(0, ((b.from_days, b.to_days) for b in policy.bands))
    for days in ages:
        for balance in balances:
            held = sum(band.holds(balance, days) for band in policy.bands)
            if held != 1:
                yield _uncovered(policy, balance, days, held)
                return


def _corners(least: int, ends: Iterable[tuple[int, int | None]]) -> list[int]:
    return sorted(
        {least} | {end for pair in ends for end in pair if end is not None and end > least}
    )


def _uncovered(policy: Policy, balance: int, days: int, held: int) -> Problem:
    example: dict[str, object] = {"balance": Money(Cents(balance), policy.currency), "days": days}
    if held:
        text = N_("A balance of %(balance)s, %(days)s days after default, is in two bands.")
        return Problem("bands.overlap", text, example)
    text = N_("A balance of %(balance)s, %(days)s days after default, is in no band.")
    return Problem("bands.gap", text, example)


def _tiers(policy: Policy) -> Problems:
    for band in policy.bands:
        floor = policy.agreed_settlement_bps(band)
        for tier in band.tiers:
            yield from _tier(tier, floor, policy.currency)
        yield from _never_chosen(band)


def _tier(tier: Tier, floor: int, currency: str) -> Problems:
    if not 1 <= tier.pay_bps < WHOLE_BPS:
        text = N_("A settlement is for more than 0%% and less than 100%%, not %(percent)s%%.")
        yield Problem("tiers.share", text, {"percent": percent(tier.pay_bps)})
    if not 1 <= tier.max_parts <= 60:
        text = N_("A settlement has 1 to 60 parts, not %(parts)s.")
        yield Problem("tiers.parts", text, {"parts": tier.max_parts})
    if not 1 <= tier.valid_for_days <= LONGEST_DAYS:
        text = N_("An offer stands for 1 to %(most)s days, not %(days)s.")
        yield Problem("tiers.days", text, {"most": LONGEST_DAYS, "days": tier.valid_for_days})
    if tier.pay_bps < floor:
        text = N_(
            "A tier of %(percent)s%% is below the lowest share that may be agreed, %(floor)s%%: "
            "of %(balance)s, it takes %(total)s instead of %(least)s."
        )
        balance = Cents(1_000_00)
        yield Problem(
            "tiers.floor",
            text,
            {
                "percent": percent(tier.pay_bps),
                "floor": percent(floor),
                "balance": Money(balance, currency),
                "total": Money(share(balance, tier.pay_bps), currency),
                "least": Money(share(balance, floor), currency),
            },
        )


def _never_chosen(band: Band) -> Problems:
    ranked = sorted(band.tiers, key=lambda tier: (tier.pay_bps, -tier.max_parts))
    for cheaper, other in pairwise(ranked):
        if other.max_parts <= cheaper.max_parts:
            text = N_(
                "Nobody would choose %(other)s%% in up to %(other_parts)s parts: "
                "%(percent)s%% in up to %(parts)s is offered too."
            )
            yield Problem(
                "tiers.never_chosen",
                text,
                {
                    "other": percent(other.pay_bps),
                    "other_parts": other.max_parts,
                    "percent": percent(cheaper.pay_bps),
                    "parts": cheaper.max_parts,
                },
            )


def _plan(policy: Policy) -> Problems:
    plan = policy.plan
    if plan is None:
        return
    yield from _installments(plan.minimum_installment_cents, "plan", policy.currency)
    yield from _months(plan.maximum_months, "plan")
    yield from _plan_words(plan)


def _plan_words(plan: PlanLimits) -> Problems:
    if not plan.frequencies or len(set(plan.frequencies)) != len(plan.frequencies):
        yield Problem("plan.frequencies", N_("Choose how often a plan can be paid, each once."), {})
    if not 0 <= plan.down_payment_bps < WHOLE_BPS:
        text = N_("A down payment is from 0%% to less than 100%%, not %(percent)s%%.")
        params: dict[str, object] = {"percent": percent(plan.down_payment_bps)}
        yield Problem("plan.down_payment", text, params)
    if not 0 <= plan.first_payment_within_days <= LONGEST_DAYS:
        text = N_("The first payment is within 0 to %(most)s days, not %(days)s.")
        params = {"most": LONGEST_DAYS, "days": plan.first_payment_within_days}
        yield Problem("plan.first_payment", text, params)


def _installments(cents: int, rule: str, currency: str) -> Problems:
    least = minimum_charge(currency)
    if not least <= cents <= LARGEST_CENTS:
        text = N_("A payment of %(amount)s cannot be taken: the smallest is %(least)s.")
        amounts = {"amount": Money(Cents(cents), currency), "least": Money(least, currency)}
        yield Problem(f"{rule}.minimum_installment", text, dict(amounts))


def _months(months: int, rule: str) -> Problems:
    if not 1 <= months <= LONGEST_MONTHS:
        text = N_("A plan lasts 1 to %(most)s months, not %(months)s.")
        yield Problem(f"{rule}.months", text, {"most": LONGEST_MONTHS, "months": months})


def _proposals(policy: Policy) -> Problems:
    for rule, limits in (("agree", policy.agree), ("review", policy.review)):
        if not 1 <= limits.settlement_bps <= WHOLE_BPS:
            text = N_("The lowest share is from 0.01%% to 100%%, not %(percent)s%%.")
            yield Problem(f"{rule}.share", text, {"percent": percent(limits.settlement_bps)})
        yield from _installments(limits.minimum_installment_cents, rule, policy.currency)
        yield from _months(limits.maximum_months, rule)
    if policy.plan is not None:
        plan = ProposalLimits(
            policy.agree.settlement_bps,
            policy.plan.minimum_installment_cents,
            policy.plan.maximum_months,
        )
        yield from _narrower(plan, policy.agree, "agree", policy.currency)
    yield from _narrower(policy.agree, policy.review, "review", policy.currency)
    floors = [policy.agreed_settlement_bps(band) for band in (None, *policy.bands)]
    if min(floors) < policy.review.settlement_bps:
        yield _floor_below_review(min(floors), policy.review)


def _floor_below_review(floor: int, review: ProposalLimits) -> Problem:
    text = N_(
        "A settlement of %(floor)s%% is agreed at once, but staff may not grant less than "
        "%(review)s%%."
    )
    shares = {"floor": percent(floor), "review": percent(review.settlement_bps)}
    return Problem("review.share", text, dict(shares))


def _narrower(inner: ProposalLimits, outer: ProposalLimits, rule: str, currency: str) -> Problems:
    """What is allowed without a person may not go further than what is allowed with one."""
    if outer.minimum_installment_cents > inner.minimum_installment_cents:
        text = N_("Payments of %(amount)s are offered, but only %(least)s or more may be agreed.")
        amount = Money(Cents(inner.minimum_installment_cents), currency)
        least = Money(Cents(outer.minimum_installment_cents), currency)
        yield Problem(f"{rule}.installment_order", text, {"amount": amount, "least": least})
    if outer.maximum_months < inner.maximum_months:
        text = N_("Plans of %(months)s months are offered, but only %(most)s may be agreed.")
        params: dict[str, object] = {"months": inner.maximum_months, "most": outer.maximum_months}
        yield Problem(f"{rule}.months_order", text, params)


def percent(bps: int) -> str:
    """Basis points as a person reads them: 7000 is 70, 6650 is 66.5."""
    whole, part = divmod(abs(bps), 100)
    text = f"{whole}.{part:02}".rstrip("0").rstrip(".")
    return f"-{text}" if bps < 0 else text
