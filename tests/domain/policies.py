"""Random offer policies that could be published, accounts and days, for property tests."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import strategies as st

from portal.domain.compiler import check
from portal.domain.debts import CollectorRole
from portal.domain.facts import AccountFacts, PaymentHistory
from portal.domain.money import LARGEST_CENTS, WHOLE_BPS, Cents, share
from portal.domain.policy import (
    Answerer,
    Band,
    Concessions,
    DueDays,
    Keeping,
    PlanLimits,
    Policy,
    ProposalLimits,
    SavedMethod,
    Segment,
    Tier,
)
from portal.domain.proposals import Proposal
from portal.domain.schedules import Frequency, most_parts
from portal.domain.terms import Method

LEAST = 50
DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
BALANCES = st.one_of(
    st.integers(1, 400), st.integers(1, 5_000_00), st.integers(1, 100_000_000_000)
).map(Cents)
FREQUENCIES = st.lists(st.sampled_from(Frequency), min_size=1, max_size=4, unique=True).map(tuple)
TIER_STEPS = st.tuples(st.booleans(), st.integers(0, 3_000), st.integers(0, 3), st.booleans())
MOST_TIER_PARTS = 12
TERMS = st.integers(1, 90)
PRODUCTS = ("Medical", "Cards", "Auto", "")
REGIONS = ("CA", "NV", "ON", "")
APART = (
    (Segment("Care", products=("medical",)), Segment("Cards", products=("CARDS", "Auto"))),
    (Segment("West", regions=("CA", "NV")), Segment("Ontario", regions=("ON",))),
    (
        Segment("Agencies", collector_roles=(CollectorRole.THIRD_PARTY_AGENCY,)),
        Segment("Firms", collector_roles=(CollectorRole.LAW_FIRM, CollectorRole.DEBT_BUYER)),
    ),
    (
        Segment("New", products=("Medical",), histories=(PaymentHistory.NEVER_PAID,)),
        Segment("Broken", histories=(PaymentHistory.BROKE_PLAN,)),
    ),
)
"""Segments of which no account is in two."""
EVERYBODY = Segment("Unused", products=("Medical",), regions=("CA",))


@st.composite
def tiers(draw: st.DrawFn, floor: int, band: Band, rounding: int) -> tuple[Tier, ...]:
    """Tiers at or above a floor (bps), each worth choosing: who pays more gets more parts.

    Each stands as long as the one before it, or twice as long.
    """
    low = max(band.from_balance_cents, 1)
    high = LARGEST_CENTS if band.to_balance_cents is None else band.to_balance_cents - 1
    found: list[Tier] = []
    bps, least, parts, days = floor, max(share(Cents(high), floor), LEAST), 1, draw(TERMS)
    for is_amount, rise, more, longer in draw(st.lists(TIER_STEPS, max_size=3)):
        days = 2 * days if longer and days <= 180 else days
        if is_amount:
            cents = -(-(least + rise * 7) // rounding) * rounding
            if floor < WHOLE_BPS and cents < high:
                found.append(Tier(0, parts + more, days, cents))
                bps = max(bps, (cents - 1) * WHOLE_BPS // low + 1) if low > cents else WHOLE_BPS
                least, parts = cents + rounding, parts + more + 1
        elif (WHOLE_BPS - bps - rise) * high >= WHOLE_BPS and high > LEAST:
            bps += rise
            found.append(Tier(bps, parts + more, days))
            least, parts = max(least, share(Cents(high), bps), LEAST), parts + more + 1
            bps += 1
    return tuple(found)


@st.composite
def bands(draw: st.DrawFn, floor: int, rounding: int, segment: str = "") -> tuple[Band, ...]:
    """A grid of up to six bands without gap or overlap, for one segment."""
    first = draw(st.integers(2, 10_000_00))
    second = first + draw(st.integers(1, 500_00))
    marks = draw(st.sampled_from(((), (first,), (first, second))))
    age = draw(st.none() | st.integers(1, 1_500))
    own = draw(st.none() | st.integers(floor, WHOLE_BPS))
    found = []
    for low, high in zip((0, *marks), (*marks, None), strict=True):
        for young, old in ((0, age), (age, None)) if age else ((0, None),):
            lowest = own if len(found) % 2 == 0 else None
            band = Band(low, high, young or 0, old, (), lowest, segment)
            found.append(replace(band, tiers=draw(tiers(lowest or floor, band, rounding))))
    return tuple(found)


@st.composite
def plans(draw: st.DrawFn) -> PlanLimits:
    """Limits of plans that somebody can be offered."""
    frequencies = draw(FREQUENCIES)
    return PlanLimits(
        minimum_installment_cents=draw(st.integers(LEAST, 300_00)),
        maximum_months=draw(st.integers(2, 60)),
        frequencies=frequencies,
        down_payment_bps=draw(st.just(0) | st.integers(0, 9_999)),
        first_payment_within_days=draw(st.integers(0, 120)),
        minimum_installment_bps=draw(st.just(0) | st.integers(0, 2_000) | st.integers(0, 9_999)),
        maximum_installments=draw(st.none() | st.integers(2, 60)),
        maximum_days=draw(st.none() | st.integers(31, 900)),
        due_days=draw(st.sampled_from(DueDays)),
        saved_method=draw(st.sampled_from((SavedMethod.OFFERED, SavedMethod.NOT_OFFERED))),
    )


@st.composite
def policies(draw: st.DrawFn, currency: str = "USD") -> Policy:
    """A policy in which ``check`` finds nothing; what a payment makes dearer is allowed."""
    floor, rounding = draw(st.integers(1, WHOLE_BPS)), draw(st.sampled_from((1, 100, 500, 1_000)))
    plan = draw(plans())
    agreed = draw(st.integers(LEAST, plan.minimum_installment_cents))
    longer = draw(st.integers(plan.maximum_months, 90))
    used = draw(st.sampled_from(((), (), *APART)))
    segments = (*used, EVERYBODY) if draw(st.booleans()) else used
    every = tuple(
        band
        for name in ("", *(one.name for one in used))
        for band in draw(bands(floor, rounding, name))
    )
    begins = draw(st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31)))
    document = Policy(
        version=draw(st.integers(1, 99)),
        currency=currency,
        pay_in_full=True,
        bands=every if draw(st.integers(0, 5)) else (),
        plan=draw(st.just(plan) | st.none()),
        agree=ProposalLimits(floor, agreed, longer),
        review=ProposalLimits(
            draw(st.integers(1, floor)),
            draw(st.integers(LEAST, agreed)),
            draw(st.integers(max(longer, MOST_TIER_PARTS), 120)),
        ),
        answer_working_days=draw(st.integers(1, 30)),
        segments=segments,
        concessions=draw(st.builds(Concessions, *[st.integers(0, 24)] * 3)),
        keeping=Keeping(
            failures=draw(st.integers(1, 12)),
            grace_days=draw(st.integers(3, 90)),
            extra_reminders=tuple(sorted(draw(st.sets(st.sampled_from((1, 2, 4, 5, 6, 7, 8, 9)))))),
            undo_hours=draw(st.integers(0, 168)),
            pause_days=draw(st.integers(7, 180)),
        ),
        answered_by=draw(st.sampled_from(Answerer)),
        closest_when_late=draw(st.booleans()),
        rounding_cents=rounding,
        from_on=begins if draw(st.booleans()) else None,
        to_on=(begins or date(2027, 1, 1)) + timedelta(days=draw(st.integers(0, 2_000)))
        if draw(st.integers(0, 3)) == 0
        else None,
    )
    allowed = bool(check(document)) or draw(st.booleans())
    return replace(document, paying_part_may_cost_more=allowed)


@st.composite
def accounts(draw: st.DrawFn, today: date, policy: Policy | None = None) -> AccountFacts:
    """An account placed before today, often at a border of the policy's bands."""
    placed_on = today - timedelta(days=draw(st.integers(0, 700)))
    default_on = placed_on - timedelta(days=draw(st.integers(0, 1_500)))
    deadline = placed_on + timedelta(days=draw(st.integers(30, 60)))
    marks = [band.from_balance_cents for band in policy.bands] if policy else []
    near = st.builds(
        lambda mark, by: Cents(max(mark + by, 1)),
        st.sampled_from(marks or [1]),
        st.integers(-3, 3) | st.integers(0, 500_00),
    )
    return AccountFacts(
        balance_cents=draw(BALANCES | near),
        currency="USD",
        placed_on=placed_on,
        default_on=draw(st.just(default_on) | st.none()),
        earliest_deadline_on=draw(st.just(deadline) | st.none()),
        region=draw(st.sampled_from(REGIONS)),
        collector_role=str(draw(st.sampled_from(CollectorRole))),
        product=draw(st.sampled_from(PRODUCTS)),
        history=draw(st.sampled_from(PaymentHistory)),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[AccountFacts, Policy, date]:
    """An account, a policy and a day."""
    today, policy = draw(DAYS), draw(policies())
    return draw(accounts(today, policy)), policy, today


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
