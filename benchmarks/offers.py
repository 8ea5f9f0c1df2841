"""Microseconds per call of the pure offer domain: what a page, a review and an acceptance cost.

    python benchmarks/offers.py

Prints each call with its cost, and the balance page's share of a millisecond of CPU (the whole
page of performance target 1 costs about 1.2).
"""

import sys
import timeit
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from portal.domain import compiler
from portal.domain import policy as policies
from portal.domain import terms as written
from portal.domain.admission import admit
from portal.domain.building import build
from portal.domain.facts import AccountFacts
from portal.domain.kept_offers import Shown, choosable
from portal.domain.money import Cents, parse_amount
from portal.domain.negotiation import answer
from portal.domain.offers import offers, plan_presets
from portal.domain.policy import Band, PlanLimits, Policy, ProposalLimits, Segment, Tier
from portal.domain.proposals import Proposal
from portal.domain.schedules import Frequency
from portal.domain.terms import Choice

TODAY = date(2026, 11, 22)
ACCOUNT = AccountFacts(Cents(1_240_00), "USD", date(2026, 11, 1), date(2026, 6, 10))
POLICY = Policy(
    version=1,
    currency="USD",
    bands=tuple(
        Band(low, high, young, old, (Tier(70_00), Tier(80_00, 3), Tier(90_00, 6)))
        for low, high in ((0, 250_00), (250_00, 1_000_00), (1_000_00, None))
        for young, old in ((0, 90), (90, 365), (365, None))
    ),
    plan=PlanLimits(25_00, 24, tuple(Frequency), 0, 45),
    agree=ProposalLimits(65_00, 20_00, 30),
    review=ProposalLimits(40_00, 10_00, 48),
)
SEGMENTS = tuple(Segment(f"Segment {n}", products=(f"Product {n}", f"Kind {n}")) for n in range(6))
LARGE = replace(
    POLICY,
    segments=SEGMENTS,
    bands=(
        *(replace(band, segment=one.name) for one in SEGMENTS for band in POLICY.bands),
        *(replace(b, to_days=b.to_days and 365) for b in POLICY.bands if b.from_days != 90),
    ),
)


def main() -> None:
    monthly = Choice("plan", amount_cents=Cents(104_00), frequency=Frequency.MONTHLY)
    weekly = replace(monthly, amount_cents=Cents(25_00), frequency=Frequency.WEEKLY)
    plan, text = build(weekly, ACCOUNT, POLICY, TODAY), policies.canonical_bytes(POLICY)
    document = policies.to_dict(POLICY)
    asked = Proposal(first_on=TODAY, amount_cents=Cents(104_00))
    low = Proposal(first_on=TODAY, total_cents=Cents(500_00))
    slow = Proposal(first_on=date(2027, 3, 1), amount_cents=Cents(12_00))
    closed = replace(POLICY, plan=None, bands=(), agree=ProposalLimits())
    earlier = replace(POLICY, version=0)
    before = [
        Shown(earlier, one.key, one.total_cents, ACCOUNT.balance_cents, one.parts, one.valid_until)
        for one in offers(ACCOUNT, earlier, date(2026, 11, 20))
        if one.valid_until is not None
    ]
    calls: dict[str, Callable[[], object]] = {
        "offers": lambda: offers(ACCOUNT, POLICY, TODAY),
        "plan_presets": lambda: plan_presets(ACCOUNT, POLICY, TODAY),
        "build, 12 monthly payments": lambda: build(monthly, ACCOUNT, POLICY, TODAY),
        "build, 50 weekly payments": lambda: build(weekly, ACCOUNT, POLICY, TODAY),
        "admit, 50 weekly payments": lambda: admit(plan, ACCOUNT, POLICY, TODAY),
        "terms sha256, 50 payments": lambda: written.sha256(plan),
        "answer: agreed": lambda: answer(asked, ACCOUNT, POLICY, TODAY),
        "answer: alternatives, low": lambda: answer(low, ACCOUNT, POLICY, TODAY),
        "answer: alternatives, late": lambda: answer(slow, ACCOUNT, POLICY, TODAY),
        "answer: review": lambda: answer(slow, ACCOUNT, closed, TODAY),
        "choosable, nothing shown": lambda: choosable(ACCOUNT, POLICY, (), TODAY),
        "choosable, beside what was shown": lambda: choosable(ACCOUNT, POLICY, before, TODAY),
        "policy read, first time": lambda: policies.from_dict(document),
        "policy read, again": lambda: policies.from_bytes(text),
        "policy check": lambda: compiler.check(POLICY),
        "parse_amount": lambda: parse_amount("$1,240.50"),
    }
    costs = {name: cost(call) for name, call in calls.items()}
    for name, micros in costs.items():
        print(f"{name:30} {micros:8.1f} µs")
    print(f"{'offers / 1 ms':30} {costs['offers'] / 1000:8.3f}")
    seconds = cost(lambda: compiler.compile(LARGE)) / 1e6
    title = f"compile, {len(LARGE.bands)} bands, {len(SEGMENTS)} segments"
    print(f"{title:30} {seconds:8.3f} s (target 0.1)")


def cost(call: Callable[[], object]) -> float:
    """The best of five rounds, in microseconds per call."""
    timer = timeit.Timer(call)
    number, _ = timer.autorange()
    return min(timer.repeat(5, number)) / number * 1e6


if __name__ == "__main__":
    main()
