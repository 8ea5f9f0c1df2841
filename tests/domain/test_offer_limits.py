"""Offers by amount, rounded, in a segment, within percentages, days and dates of the policy."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain import DomainError
from portal.domain.building import build, settlement_floor
from portal.domain.facts import AccountFacts
from portal.domain.limits import (
    InstallmentTooSmall,
    OfferNotInPolicy,
    TooManyInstallments,
    plan_bounds,
)
from portal.domain.money import Cents
from portal.domain.offers import Offer, find_offer, offers, plan_presets
from portal.domain.policy import Band, PlanLimits, Policy, ProposalLimits, Tier
from portal.domain.schedules import Frequency
from portal.domain.terms import Choice, Kind
from tests.domain.policies import situations

TODAY = date(2026, 11, 22)
DANA = AccountFacts(Cents(1_240_00), "USD", date(2026, 11, 1), date(2026, 6, 10))
TIERS = (Tier(pay_cents=700_00), Tier(75_00, 3))
POLICY = Policy(
    version=1,
    currency="USD",
    bands=(Band(0, 1_000_00), Band(1_000_00, 1_400_00, tiers=TIERS), Band(1_400_00)),
    plan=PlanLimits(25_00, 24, tuple(Frequency)),
    agree=ProposalLimits(50_00, 20_00, 30),
    review=ProposalLimits(40_00, 10_00, 48),
)
Situation = tuple[AccountFacts, Policy, date]


def owing(cents: int, **given: Any) -> AccountFacts:
    return replace(DANA, balance_cents=Cents(cents), **given)


def planned(**limits: Any) -> Policy:
    return replace(POLICY, plan=replace(POLICY.plan or PlanLimits(), **limits))


def totals(account: AccountFacts, policy: Policy = POLICY, today: date = TODAY) -> dict[str, int]:
    made = offers(account, policy, today)
    return {offer.key: offer.total_cents for offer in made if offer.kind is Kind.SETTLEMENT}


def test_an_amount_closes_every_account_of_its_band_for_the_same() -> None:
    assert totals(DANA) == {"settlement:70000c:1": 700_00, "settlement:7500:3": 930_00}
    assert totals(owing(1_000_00)) == {"settlement:70000c:1": 700_00, "settlement:7500:3": 750_00}
    offer = find_offer("settlement:70000c:1", DANA, POLICY, TODAY)
    terms = build(Choice(offer.key), DANA, POLICY, TODAY)
    assert (terms.total_cents, terms.saved_cents) == (700_00, 540_00)


def test_nobody_is_offered_to_pay_the_whole_balance_as_a_settlement() -> None:
    wide = replace(POLICY, bands=(Band(tiers=TIERS[:1]),))
    assert "settlement:70000c:1" not in totals(owing(700_00), wide)
    assert totals(owing(700_01), wide)["settlement:70000c:1"] == 700_00


@pytest.mark.parametrize(
    ("rounding", "total"), [(1, 930_75), (100, 930_00), (500, 930_00), (1_000, 930_00)]
)
def test_a_settlement_is_rounded_down_in_the_debtors_favour(rounding: int, total: int) -> None:
    account = owing(1_241_00)
    rounded = replace(POLICY, rounding_cents=rounding)
    assert totals(account, rounded)["settlement:7500:3"] == total
    floor = settlement_floor(account, rounded, TODAY)
    assert floor == 620_50, "what may be agreed is never rounded down"


def test_what_rounds_to_nothing_is_no_less_than_what_may_be_agreed() -> None:
    tiny = replace(POLICY, bands=(Band(tiers=(Tier(60_00, 3),)),), rounding_cents=1_000)
    (offer,) = (one for one in offers(owing(9_00), tiny, TODAY) if one.kind is Kind.SETTLEMENT)
    assert (offer.total_cents, offer.parts) == (4_50, 3)


def test_of_two_offers_that_rounding_makes_equal_the_one_with_more_time_is_shown() -> None:
    near = replace(POLICY, bands=(Band(tiers=(Tier(60_00), Tier(62_00, 3))),), rounding_cents=1_000)
    assert totals(owing(105_00), near) == {"settlement:6200:3": 60_00}
    assert len(totals(owing(1_050_00), near)) == 2


def test_the_smallest_payment_may_be_a_share_of_what_is_owed() -> None:
    tenth = planned(minimum_installment_bps=10_00)
    presets = plan_presets(DANA, tenth, TODAY)
    assert (presets[0].amount_cents, presets[0].count) == (124_00, 10)
    assert plan_presets(owing(100_00), tenth, TODAY)[0].amount_cents == 25_00
    with pytest.raises(InstallmentTooSmall):
        build(Choice("plan", amount_cents=Cents(123_99)), DANA, tenth, TODAY)


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        ({"maximum_installments": 8}, 8),
        ({"maximum_days": 180}, 6),
        ({"maximum_days": 180, "maximum_installments": 4}, 4),
        ({"maximum_days": 2_000, "maximum_installments": 40}, 24),
    ],
)
def test_a_plan_keeps_to_each_of_its_longest_times(limits: dict[str, int], most: int) -> None:
    limited = planned(**limits)
    (longest, *_) = plan_presets(DANA, limited, TODAY)
    assert longest.count <= most
    bounds = plan_bounds(DANA, limited, TODAY)
    assert bounds is not None
    assert bounds.most(Frequency.MONTHLY) == most
    build(Choice("plan", count=most), DANA, limited, TODAY)
    with pytest.raises(DomainError):
        build(Choice("plan", count=most + 1), DANA, limited, TODAY)


def test_one_payment_too_many_is_told_with_the_amount_that_would_do() -> None:
    with pytest.raises(TooManyInstallments) as refused:
        build(
            Choice("plan", amount_cents=Cents(100_00)),
            DANA,
            planned(maximum_installments=8),
            TODAY,
        )
    assert "more than 8 payments" in str(refused.value)
    assert "$154.94" in str(refused.value)


@pytest.mark.parametrize(("days", "open_"), [(-1, True), (0, True), (10, True), (11, False)])
def test_offers_are_made_to_the_last_day_wherever_it_is_and_payment_in_full_always(
    days: int, open_: bool
) -> None:
    dated = replace(POLICY, from_on=TODAY, to_on=TODAY + timedelta(days=10))
    kinds = {offer.kind for offer in offers(DANA, dated, TODAY + timedelta(days=days))}
    assert kinds == (set(Kind) if open_ else {Kind.FULL})


def test_an_offer_ends_with_its_policy() -> None:
    dated = replace(POLICY, to_on=TODAY + timedelta(days=3))
    offer = find_offer("settlement:7500:3", DANA, dated, TODAY)
    assert offer.valid_until == TODAY + timedelta(days=3)


def test_no_offer_ends_with_its_policy_inside_the_validation_period() -> None:
    """VN-07."""
    dated = replace(POLICY, to_on=TODAY + timedelta(days=3))
    told = replace(DANA, earliest_deadline_on=date(2027, 1, 1))
    for day in (TODAY, TODAY + timedelta(days=20), date(2027, 1, 1)):
        assert find_offer("settlement:7500:3", told, dated, day).valid_until == date(2027, 1, 1)
        assert plan_bounds(told, dated, day) is not None
    with pytest.raises(OfferNotInPolicy):
        find_offer("settlement:7500:3", told, dated, date(2027, 1, 2))


@given(situations(), st.integers(1, 40))
def test_asking_again_never_makes_an_offer_worse_while_it_stands(
    situation: Situation, days: int
) -> None:
    account, policy, today = situation
    shown: dict[str, Offer] = {}
    for later in range(0, days, 7):
        day = today + timedelta(days=later)
        made = {offer.key: offer for offer in offers(account, policy, day)}
        for key, offer in shown.items():
            if offer.valid_until is None or day > offer.valid_until:
                continue
            assert made[key].total_cents <= offer.total_cents
            assert made[key].parts >= offer.parts
        shown |= made
