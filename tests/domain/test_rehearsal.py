"""What a draft of limits changes for one account, and what the sums over all are worth."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from portal.domain.facts import AccountFacts
from portal.domain.kept_offers import Shown
from portal.domain.money import Cents
from portal.domain.offers import offers
from portal.domain.policy import Band, PlanLimits, Policy, ProposalLimits, SavedMethod, Tier
from portal.domain.rehearsal import Difference, Figures, Rehearsing, best, difference, read, written
from portal.domain.schedules import Frequency
from portal.domain.terms import Kind

TODAY = date(2026, 11, 23)
ACCOUNT = AccountFacts(Cents(1_000_00), "USD", date(2026, 9, 1), date(2026, 5, 1))
PLAN = PlanLimits(25_00, 24, (Frequency.MONTHLY, Frequency.WEEKLY), down_payment_bps=10_00)
LIVE = Policy(
    version=1,
    currency="USD",
    bands=(Band(tiers=(Tier(70_00), Tier(80_00, 3))),),
    plan=PLAN,
    agree=ProposalLimits(60_00),
)
NOTHING = replace(LIVE, pay_in_full=False, bands=(), plan=None)


def tiers(*given: Tier) -> Policy:
    return replace(LIVE, bands=(Band(tiers=given),))


def plan(**given: object) -> Policy:
    return replace(LIVE, plan=replace(PLAN, **given))  # type: ignore[arg-type]


SAME, CHEAPER = Tier(70_00), Tier(60_00)
DIFFERENCES = {
    "the same limits": (LIVE, None),
    "another way to say the same": (tiers(Tier(pay_cents=700_00), Tier(80_00, 3)), None),
    "a lower settlement": (tiers(CHEAPER, Tier(80_00, 3)), Difference.BETTER),
    "a higher settlement": (tiers(Tier(75_00), Tier(80_00, 3)), Difference.WORSE),
    "one settlement less": (tiers(SAME), Difference.WORSE),
    "fewer parts": (tiers(SAME, Tier(80_00, 2)), Difference.WORSE),
    "more parts": (tiers(SAME, Tier(80_00, 4)), Difference.BETTER),
    "lower, but at once": (tiers(CHEAPER), Difference.DIFFERENT),
    "an earlier last day": (tiers(Tier(70_00, 1, 10), Tier(80_00, 3)), Difference.WORSE),
    "no settlement": (tiers(), Difference.WORSE),
    "smaller payments": (plan(maximum_months=36), Difference.BETTER),
    "larger payments": (plan(minimum_installment_cents=100_00), Difference.WORSE),
    "no plan": (replace(LIVE, plan=None), Difference.WORSE),
    "one rhythm less": (plan(frequencies=(Frequency.MONTHLY,)), Difference.WORSE),
    "one rhythm more": (plan(frequencies=tuple(Frequency)), Difference.BETTER),
    "more at first, less each time": (plan(down_payment_bps=20_00), Difference.DIFFERENT),
    "less time to begin": (plan(first_payment_within_days=5), Difference.WORSE),
    "a method must be saved": (plan(saved_method=SavedMethod.REQUIRED), Difference.WORSE),
    "not all of it at once": (replace(LIVE, pay_in_full=False), Difference.WORSE),
    "nothing": (NOTHING, Difference.GONE),
}


@pytest.mark.parametrize(("draft", "expected"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_draft_is_compared_by_all_that_a_debtor_can_see(
    draft: Policy, expected: Difference | None
):
    before, after = (offers(ACCOUNT, one, TODAY) for one in (LIVE, draft))
    assert difference(before, after, (LIVE.plan, draft.plan)) is expected


@pytest.mark.parametrize(("draft", "forth"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_what_one_way_loses_the_other_way_gains(draft: Policy, forth: Difference | None):
    before, after = (offers(ACCOUNT, one, TODAY) for one in (draft, LIVE))
    turned = {
        Difference.BETTER: Difference.WORSE,
        Difference.WORSE: Difference.BETTER,
        Difference.GONE: Difference.NEW,
    }
    expected = turned.get(forth, forth) if forth else None
    assert difference(before, after, (draft.plan, LIVE.plan)) is expected


def test_offers_are_kept_as_a_line_that_reads_back():
    line = written(offers(ACCOUNT, LIVE, TODAY))
    assert read(line) == [
        (Kind.PLAN, 4000, 24),
        (Kind.SETTLEMENT, 80_000, 3),
        (Kind.SETTLEMENT, 70_000, 1),
        (Kind.FULL, 100_000, 1),
    ]
    assert read("") == []


def test_without_limits_in_force_whatever_is_offered_is_new():
    run = Rehearsing(LIVE, None)
    change = run.weigh(ACCOUNT, TODAY, seen=False)
    assert change is not None
    assert (change.difference, change.before) == (Difference.NEW, ())
    assert Figures(run.sums).gains.accounts == 1


def test_what_was_shown_and_still_stands_is_there_before_and_after():
    cheap = Tier(50_00, 1, 30)
    shown = [
        Shown(LIVE, cheap.key, Cents(500_00), ACCOUNT.balance_cents, 1, TODAY + timedelta(days=5))
    ]
    run = Rehearsing(replace(LIVE, bands=(Band(tiers=(Tier(60_00, 1, 3),)),)), LIVE)
    change = run.weigh(ACCOUNT, TODAY, seen=True, shown=shown)
    assert change is not None
    for side in (change.before, change.after):
        assert best(side, Kind.SETTLEMENT) == 500_00
    assert Figures(run.sums).given("offered") == 400_00, "sums are of the draft alone"


def test_the_rhythm_of_a_plan_decides_how_many_months_it_lasts():
    run = Rehearsing(plan(frequencies=(Frequency.WEEKLY,), down_payment_bps=0), LIVE)
    run.weigh(ACCOUNT, TODAY, seen=False)
    groups = {first: count for first, _, count in Figures(run.sums).months() if count}
    assert groups == {7: 1}, "40 weekly payments of $25.00 are ten months"


def test_an_expected_discount_is_a_share_of_the_worst_case():
    figures = Figures({"given_cents:offered": 999, "settles_cents:offered": 2_000})
    assert figures.expected(10_00) == 99
    assert figures.expected(0) == 0
    assert figures.expected_as_paid(10_00) is None


@pytest.mark.parametrize(("came", "expected"), [(199, None), (200, 10_00)])
def test_few_visits_tell_nothing(came: int, expected: int | None):
    sums = {"take_up:came": came, "take_up:settled": came // 10}
    assert Figures(sums).take_up_bps == expected


def test_what_was_paid_so_far_gives_another_expectation():
    sums = {
        **{"take_up:came": 200, "take_up:settled": 50},
        **{"take_up:owed_cents": 50_000, "take_up:paid_cents": 40_000},
        **{"given_cents:offered": 60_000, "settles_cents:offered": 100_000},
    }
    figures = Figures(sums)
    assert (figures.take_up_bps, figures.paid_bps) == (25_00, 80_00)
    assert figures.expected(25_00) == 15_000
    assert figures.expected_as_paid(25_00) == 5_000
