import random
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from portal.domain import policy as policies
from portal.domain.compiler import check, percent
from portal.domain.debts import CollectorRole
from portal.domain.facts import AccountFacts, PaymentHistory
from portal.domain.money import Cents
from portal.domain.policy import (
    Band,
    Keeping,
    PlanLimits,
    Policy,
    PolicyUnreadable,
    ProposalLimits,
    Segment,
    Tier,
    from_dict,
    to_dict,
)
from portal.domain.schedules import Frequency
from tests.domain.policies import policies as random_policies

POLICY = Policy(
    version=3,
    currency="USD",
    bands=(
        Band(0, 500_00, tiers=(Tier(80_00),)),
        Band(500_00, None, 0, 180, (Tier(70_00), Tier(80_00, 3))),
        Band(500_00, None, 180, None, (Tier(60_00), Tier(70_00, 6)), agree_settlement_bps=55_00),
    ),
    plan=PlanLimits(25_00, 24, tuple(Frequency), 0, 45),
    agree=ProposalLimits(65_00, 20_00, 30),
    review=ProposalLimits(40_00, 10_00, 48),
)
PLAN = PlanLimits(25_00, 24, (Frequency.MONTHLY,))


@given(random_policies())
def test_a_policy_is_written_down_in_one_way_and_read_back(policy: Policy) -> None:
    text = policies.canonical_bytes(policy)
    assert policies.from_bytes(text) == policy
    assert policies.sha256(policies.from_dict(policies.to_dict(policy))) == policies.sha256(policy)


def test_the_edge_validates_the_same_document() -> None:
    document = policies.to_dict(POLICY)
    del document["format"]
    assert TypeAdapter(Policy).validate_python(document) == POLICY


@pytest.mark.parametrize(
    ("change", "rule", "example"),
    [
        ({"currency": "XTS"}, "currency", "XTS"),
        ({"version": 0}, "version", "0"),
        ({"pay_in_full": False, "bands": (), "plan": None}, "nothing", "nobody"),
        ({"answer_working_days": 0}, "answer_working_days", "not 0"),
        ({"bands": (Band(5_00, 5_00),)}, "bands.balance", "from $5.00 to $5.00"),
        ({"bands": (Band(from_days=9, to_days=3),)}, "bands.age", "day 9 to day 3"),
        ({"bands": (Band(100_00),)}, "bands.gap", "$0.01, 0 days"),
        ({"bands": (Band(to_days=90), Band(from_days=91))}, "bands.gap", "$0.01, 90 days"),
        ({"bands": (Band(), Band(100_00))}, "bands.overlap", "$100.00, 0 days"),
        ({"bands": (Band(),) * 101}, "size", "100 bands"),
        ({"bands": (Band(tiers=(Tier(100_00),)),)}, "tiers.share", "not 100%"),
        ({"bands": (Band(tiers=(Tier(70_00, 61),)),)}, "tiers.parts", "not 61"),
        ({"bands": (Band(tiers=(Tier(70_00, 1, 0),)),)}, "tiers.days", "not 0"),
        ({"bands": (Band(tiers=(Tier(60_00),)),)}, "tiers.floor", "$600.00 instead of $650.00"),
        (
            {"bands": (Band(tiers=(Tier(70_00, 3), Tier(80_00, 2))),)},
            "tiers.never_chosen",
            "80% in up to 2 parts",
        ),
        (
            {"plan": replace(PLAN, minimum_installment_cents=49)},
            "plan.minimum_installment",
            "$0.49",
        ),
        ({"plan": replace(PLAN, maximum_months=121)}, "plan.months", "not 121"),
        ({"plan": replace(PLAN, frequencies=())}, "plan.frequencies", "how often"),
        ({"plan": replace(PLAN, down_payment_bps=100_00)}, "plan.down_payment", "not 100%"),
        ({"plan": replace(PLAN, first_payment_within_days=-1)}, "plan.first_payment", "not -1"),
        ({"agree": ProposalLimits(0, 20_00, 30)}, "agree.share", "not 0%"),
        ({"agree": ProposalLimits(65_00, 30_00, 30)}, "agree.installment_order", "$25.00"),
        ({"agree": ProposalLimits(65_00, 20_00, 12)}, "agree.months_order", "24 months"),
        ({"review": ProposalLimits(40_00, 21_00, 48)}, "review.installment_order", "$21.00"),
        ({"review": ProposalLimits(40_00, 10_00, 29)}, "review.months_order", "30 months"),
        ({"review": ProposalLimits(56_00, 10_00, 48)}, "review.share", "less than 56%"),
        ({"bands": (Band(tiers=(Tier(70_00, 49),)),)}, "review.parts", "48 months"),
    ],
)
def test_an_inconsistent_policy_is_told_what_is_wrong(
    change: dict[str, Any], rule: str, example: str
) -> None:
    found = {problem.rule: str(problem) for problem in check(replace(POLICY, **change))}
    assert rule in found
    assert example in found[rule]


@given(st.randoms(use_true_random=False))
def test_gaps_and_overlaps_are_found_wherever_they_are(rng: random.Random) -> None:
    bands = tuple(
        Band(
            low := rng.randrange(6),
            rng.choice([None, low + rng.randrange(1, 6)]),
            young := rng.randrange(6),
            rng.choice([None, young + rng.randrange(1, 6)]),
        )
        for _ in range(rng.randrange(1, 6))
    )
    held = [
        sum(band.holds(balance, days) for band in bands)
        for balance in range(1, 14)
        for days in range(14)
    ]
    rules = {problem.rule for problem in check(replace(POLICY, bands=bands))}
    assert ("bands.gap" in rules or "bands.overlap" in rules) == (set(held) != {1})


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "nul", "1", '{"format":2}', '{"format":1}', '{"format":1,"version":1}']
    + ['{"format":1,"version":true,"currency":"USD"}', '{"format":1,"version":1,"currency":5}']
    + ['{"format":1,"version":1,"currency":"USD","bands":{}}']
    + ['{"format":1,"version":1,"currency":"USD","bands":[1]}']
    + ['{"format":1,"version":1,"currency":"USD","pay_in_full":1}']
    + ['{"format":1,"version":1.5,"currency":"USD"}']
    + ['{"format":1,"version":1,"currency":"USD","colour":"red"}']
    + ['{"format":1,"version":1,"currency":"USD","plan":{"frequencies":["daily"]}}'],
)
def test_a_document_that_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyUnreadable):
        policies.from_bytes(text)


def test_basis_points_read_as_percent() -> None:
    assert [percent(bps) for bps in (70_00, 66_50, 1, 0, -1)] == [
        "70",
        "66.5",
        "0.01",
        "0",
        "-0.01",
    ]


def account(balance: int = 1_000_00, **given: Any) -> AccountFacts:
    return AccountFacts(Cents(balance), "USD", date(2026, 11, 1), date(2026, 6, 10), **given)


MEDICAL = Segment("Medical in California", products=("Medical",), regions=("CA",))
NEW = Segment("Never paid", histories=(PaymentHistory.NEVER_PAID,))
SEGMENTED = replace(
    POLICY,
    segments=(MEDICAL, NEW),
    bands=(Band(tiers=(Tier(60_00),), segment=MEDICAL.name), Band(tiers=(Tier(80_00),))),
)


@pytest.mark.parametrize(
    ("given", "share"),
    [
        ({"product": "medical", "region": "CA"}, 60_00),
        ({"product": "medical", "region": "NV"}, 80_00),
        ({"product": "Cards", "region": "CA"}, 80_00),
        ({}, 80_00),
    ],
)
def test_a_band_of_a_segment_is_for_its_accounts_and_the_others_for_the_rest(
    given: dict[str, Any], share: int
) -> None:
    band = SEGMENTED.band(account(**given), date(2026, 11, 22))
    assert band is not None
    assert band.tiers[0].pay_bps == share


def test_a_segment_that_no_band_is_for_takes_nobody_from_the_rest() -> None:
    assert NEW.holds(account())
    assert SEGMENTED.segments_of(account()) == ()


def test_a_segment_can_be_of_who_collects_and_of_what_was_paid() -> None:
    agencies = Segment("Agencies", collector_roles=(CollectorRole.THIRD_PARTY_AGENCY,))
    assert agencies.holds(account(collector_role="third_party_agency"))
    assert not agencies.holds(account(collector_role="debt_buyer"))
    assert not NEW.holds(account(history=PaymentHistory.HAS_PAID))


def test_a_document_from_before_segments_is_read_as_it_was_meant() -> None:
    old = {**to_dict(POLICY), "format": 1}
    for name in ("segments", "concessions", "answered_by", "closest_when_late", "rounding_cents"):
        del old[name]
    assert from_dict(old) == POLICY


def test_what_a_document_left_out_before_it_existed_does_not_change_its_hash() -> None:
    assert "keeping" not in to_dict(POLICY)
    patient = replace(POLICY, keeping=Keeping(failures=5, extra_reminders=(1, 7)))
    assert to_dict(patient)["keeping"]["extra_reminders"] == [1, 7]
    assert from_dict(to_dict(patient)) == patient


def test_a_date_is_read_back_as_it_was_written() -> None:
    dated = replace(POLICY, from_on=date(2027, 1, 1), to_on=date(2027, 12, 31))
    assert from_dict(to_dict(dated)) == dated
