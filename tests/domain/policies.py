"""Random offer policies that could be published, accounts and days, for property tests."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import strategies as st

from portal.domain.facts import AccountFacts
from portal.domain.money import Cents
from portal.domain.policy import Band, PlanLimits, Policy, ProposalLimits, Tier
from portal.domain.proposals import Proposal
from portal.domain.schedules import Frequency, most_parts
from portal.domain.terms import Method

DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
BALANCES = st.one_of(
    st.integers(1, 400), st.integers(1, 5_000_00), st.integers(1, 100_000_000_000)
).map(Cents)
FREQUENCIES = st.lists(st.sampled_from(Frequency), min_size=1, max_size=4, unique=True).map(tuple)
TIER_STEPS = st.tuples(st.integers(0, 3_000), st.integers(0, 3), st.integers(1, 90))


@st.composite
def tiers(draw: st.DrawFn, floor: int) -> tuple[Tier, ...]:
    """Tiers at or above a floor, each worth choosing: who pays more gets more parts."""
    found: list[Tier] = []
    share, parts = floor, 1
    for rise, more, days in draw(st.lists(TIER_STEPS, max_size=3)):
        if share + rise < 10_000:
            found.append(Tier(share + rise, parts + more, days))
            share, parts = share + rise + 1, parts + more + 1
    return tuple(found)


@st.composite
def bands(draw: st.DrawFn, floor: int) -> tuple[Band, ...]:
    """A grid of up to four bands without gap or overlap, or none."""
    balance = draw(st.none() | st.integers(2, 10_000_00))
    age = draw(st.none() | st.integers(1, 1_500))
    cells = [
        Band(low, high, young, old)
        for low, high in ([(0, balance), (balance, None)] if balance else [(0, None)])
        for young, old in ([(0, age), (age, None)] if age else [(0, None)])
    ]
    if draw(st.integers(0, 5)) == 0:
        return ()
    own = draw(st.none() | st.integers(floor, 10_000))
    kinds = [(draw(tiers(own or floor)), own), (draw(tiers(floor)), None)]
    return tuple(
        replace(cell, tiers=kinds[n % 2][0], agree_settlement_bps=kinds[n % 2][1])
        for n, cell in enumerate(cells)
    )


@st.composite
def policies(draw: st.DrawFn, currency: str = "USD") -> Policy:
    """A policy in which ``check`` finds nothing."""
    floor = draw(st.integers(1, 10_000))
    least = draw(st.integers(50, 300_00))
    agreed = draw(st.integers(50, least))
    months = draw(st.integers(1, 60))
    longer = draw(st.integers(months, 90))
    plan = PlanLimits(
        minimum_installment_cents=least,
        maximum_months=months,
        frequencies=draw(FREQUENCIES),
        down_payment_bps=draw(st.just(0) | st.integers(0, 9_999)),
        first_payment_within_days=draw(st.integers(0, 120)),
    )
    return Policy(
        version=draw(st.integers(1, 99)),
        currency=currency,
        pay_in_full=True,
        bands=draw(bands(floor)),
        plan=draw(st.just(plan) | st.none()),
        agree=ProposalLimits(floor, agreed, longer),
        review=ProposalLimits(
            draw(st.integers(1, floor)),
            draw(st.integers(50, agreed)),
            draw(st.integers(longer, 120)),
        ),
    )


@st.composite
def accounts(draw: st.DrawFn, today: date) -> AccountFacts:
    """An account placed before today, with or without a validation period."""
    placed_on = today - timedelta(days=draw(st.integers(0, 700)))
    default_on = placed_on - timedelta(days=draw(st.integers(0, 1_500)))
    deadline = placed_on + timedelta(days=draw(st.integers(30, 60)))
    return AccountFacts(
        balance_cents=draw(BALANCES),
        currency="USD",
        placed_on=placed_on,
        default_on=draw(st.just(default_on) | st.none()),
        earliest_deadline_on=draw(st.just(deadline) | st.none()),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[AccountFacts, Policy, date]:
    """An account, a policy and a day."""
    today = draw(DAYS)
    return draw(accounts(today)), draw(policies()), today


@st.composite
def proposals(draw: st.DrawFn, account: AccountFacts, policy: Policy, today: date) -> Proposal:
    """A proposal that may or may not make sense, often one that can be agreed."""
    owed = max(int(account.balance_cents), 1)
    total = draw(st.none() | st.integers(-(-owed // 2), owed) | st.integers(1, owed))
    most = total or owed
    amount = draw(st.none() | st.integers(-(-most // 12), most) | st.integers(1, most))
    offered = policy.plan.frequencies if policy.plan else (Frequency.MONTHLY,)
    later = draw(st.just(0) | st.integers(0, 30) | st.integers(0, 150))
    return Proposal(
        first_on=today + timedelta(days=later),
        total_cents=None if total is None else Cents(total),
        amount_cents=None if amount is None else Cents(amount),
        frequency=draw(st.sampled_from(offered) | st.sampled_from(Frequency)),
        method=draw(st.sampled_from(Method)),
    )


@st.composite
def near_misses(draw: st.DrawFn, account: AccountFacts, policy: Policy, today: date) -> Proposal:
    """A proposal about as far as what may be agreed, just within it or just beyond."""
    owed = int(account.balance_cents)
    limits = policy.plan or PlanLimits()
    months = draw(st.sampled_from((limits.maximum_months, policy.agree.maximum_months)))
    frequency = draw(st.sampled_from(limits.frequencies if policy.plan else (Frequency.MONTHLY,)))
    pace = -(-owed // max(most_parts(frequency, months), 1))
    floor = -(-owed * policy.agree.settlement_bps // 10_000)
    total = draw(st.sampled_from((None, None, floor, floor - 1, floor * 9 // 10)))
    amount = max(pace + draw(st.integers(-3, 1)), policy.agree.minimum_installment_cents - 1, 50)
    late = limits.first_payment_within_days + draw(st.sampled_from((-1, 0, 1, 30)))
    return Proposal(
        first_on=today + timedelta(days=max(draw(st.sampled_from((0, late))), 0)),
        total_cents=None if total is None else Cents(max(total, 1)),
        amount_cents=Cents(max(min(amount, total or owed), 1)),
        frequency=frequency,
        method=draw(st.sampled_from(Method)),
    )
