from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.domain import compiler
from portal.domain.compiler import PolicyRefused, Problem, cautions, check
from portal.domain.debts import CollectorRole
from portal.domain.facts import AccountFacts, PaymentHistory
from portal.domain.money import Cents, share
from portal.domain.offers import tier_total
from portal.domain.policy import (
    Band,
    Concessions,
    Keeping,
    PlanLimits,
    Policy,
    ProposalLimits,
    SavedMethod,
    Segment,
    Tier,
)
from tests.domain.policies import accounts
from tests.domain.policies import policies as random_policies
from tests.domain.replays import replay

TODAY = date(2026, 11, 22)
PLAIN = Policy(
    version=1,
    currency="USD",
    bands=(Band(tiers=(Tier(60_00), Tier(70_00, 3))),),
    plan=PlanLimits(25_00, 24),
    agree=ProposalLimits(50_00, 20_00, 30),
    review=ProposalLimits(40_00, 10_00, 48),
)
MEDICAL = Segment("Medical in California", products=("Medical",), regions=("CA",))
NEVADA = Segment("Nevada", regions=("NV",))
NEW = Segment("Never paid", histories=(PaymentHistory.NEVER_PAID,))


def policy(*bands: Band, **given: Any) -> Policy:
    return replace(PLAIN, **({"bands": bands} if bands else {}), **given)


def told(document: Policy) -> dict[str, str]:
    """Every problem by its rule; each example is tried on the way."""
    found = check(document)
    for problem in found:
        assert replay(problem, document), problem
    return {problem.rule: str(problem) for problem in found}


def the(problems: list[Problem], rule: str) -> Problem:
    return next(problem for problem in problems if problem.rule == rule)


@given(random_policies(), st.data())
def test_a_consistent_policy_compiles_with_each_account_in_one_band(
    document: Policy, data: st.DataObject
) -> None:
    compiled = compiler.compile(document)
    assert compiled.policy == document
    for caution in compiled.cautions:
        assert replay(caution, document), caution
    account = data.draw(accounts(TODAY, document))
    days, names = account.age_days(TODAY), document.segments_of(account) or ("",)
    balance = account.balance_cents
    held = [b for b in document.bands if b.segment in names and b.holds(balance, days)]
    assert held == ([document.band(account, TODAY)] if document.bands else [])


def moved(document: Policy, number: int, **change: Any) -> Policy:
    bands = list(document.bands)
    bands[number] = replace(bands[number], **change)
    return replace(document, bands=tuple(bands))


@st.composite
def broken(draw: st.DrawFn) -> Policy:
    """A consistent policy in which one thing was changed that must not be."""
    document = draw(random_policies())
    assume(document.bands)
    number = draw(st.integers(0, len(document.bands) - 1))
    band, by = document.bands[number], draw(st.sampled_from((-1, 1)))
    kind = draw(st.sampled_from(("balance", "age", "drop", "copy", "twin", "share", "amount")))
    if kind == "balance":
        border = band.to_balance_cents or band.from_balance_cents
        assume(border > 1)
        name = "to_balance_cents" if band.to_balance_cents else "from_balance_cents"
        return moved(document, number, **{name: border + by})
    if kind == "age":
        border = band.to_days or band.from_days
        assume(border)
        return moved(document, number, **{"to_days" if band.to_days else "from_days": border + by})
    if kind == "copy":
        return replace(document, bands=(*document.bands, band))
    if kind == "drop":
        rest = (*document.bands[:number], *document.bands[number + 1 :])
        assume(any(one.segment == band.segment for one in rest) or (rest and not band.segment))
        return replace(document, bands=rest)
    if kind == "twin":
        assume(band.segment)
        own = next(one for one in document.segments if one.name == band.segment)
        copies = tuple(replace(b, segment="Twin") for b in document.bands if b.segment == own.name)
        twins = (*document.segments, replace(own, name="Twin"))
        return replace(document, segments=twins, bands=(*document.bands, *copies))
    return _too_low(document, number, kind)


def _too_low(document: Policy, number: int, kind: str) -> Policy:
    band, floor = document.bands[number], document.agreed_settlement_bps(document.bands[number])
    if kind == "share":
        assume(band.to_balance_cents is None and floor > 1)
        return moved(document, number, tiers=(Tier(floor - 1),))
    assume(band.to_balance_cents is not None)
    lowest = share(Cents((band.to_balance_cents or 1) - 1), floor)
    assume(lowest - document.rounding_cents >= 50)
    return moved(document, number, tiers=(Tier(0, 1, 30, lowest - document.rounding_cents),))


@given(broken())
def test_one_cent_one_day_or_one_hundredth_of_a_per_cent_is_found_and_shown(
    document: Policy,
) -> None:
    rules = told(document)
    assert rules
    with pytest.raises(PolicyRefused):
        compiler.compile(document)


@st.composite
def small(draw: st.DrawFn) -> Policy:
    """A policy of one narrow band of small balances, right or wrong."""
    low = draw(st.integers(1, 300))
    high = low + draw(st.integers(1, 900))
    rate = st.integers(1, 9_999)
    shares = st.builds(Tier, rate, st.integers(1, 3))
    amounts = st.builds(Tier, st.just(0), st.integers(1, 3), st.just(30), st.integers(50, 900))
    tiers = tuple(draw(st.lists(shares | amounts, min_size=1, max_size=3)))
    band = Band(low, high, tiers=tiers)
    rounding = draw(st.sampled_from((1, 1, 100, 500)))
    floor = draw(rate | st.sampled_from((10_000, *(t.pay_bps + 1 for t in tiers if t.pay_bps))))
    agree = ProposalLimits(floor, 20_00, 30)
    return policy(
        band, agree=agree, review=replace(agree, settlement_bps=1), rounding_cents=rounding
    )


def asked(document: Policy, tier: Tier, balance: int) -> int:
    whole = tier.pay_cents or -(-balance * tier.pay_bps // 10_000)
    least = -(-balance * document.agree.settlement_bps // 10_000)
    return max(whole // document.rounding_cents * document.rounding_cents, min(whole, least), 50)


def lowest(document: Policy, balance: int) -> int:
    floor = document.agree.settlement_bps
    return balance if floor == 10_000 else max(-(-balance * floor // 10_000), 50)


@given(small())
def test_what_the_compiler_says_of_tiers_is_what_trying_every_balance_says(
    document: Policy,
) -> None:
    (band,) = document.bands
    balances = range(band.from_balance_cents, band.to_balance_cents or 0)
    found = check(document)
    said = {(one.rule, one.place.tier) for one in found}
    rivals = {place for rule, place in said if rule in ("tiers.never_chosen", "tiers.crossing")}
    for n, tier in enumerate(band.tiers):
        offered = [b for b in balances if asked(document, tier, b) < b]
        low = any(asked(document, tier, b) < lowest(document, b) for b in offered)
        dear = any(
            asked(document, tier, b) > asked(document, other, b)
            for other in band.tiers
            for b in offered
            if tier.max_parts <= other.max_parts and asked(document, other, b) < b
        )
        assert (("tiers.nobody", n) in said) == (not offered)
        assert (("tiers.floor", n) in said) == low
        assert not dear or n in rivals or "tiers.floor" in {rule for rule, _ in said}
    for problem in found:
        if problem.rule.startswith("tiers."):
            assert replay(problem, document), problem


def test_a_gap_is_shown_with_an_account_that_falls_into_it() -> None:
    gap = policy(
        Band(0, 1_000_00),
        Band(1_000_00, None, 0, 90),
        Band(1_000_00, None, 91),
    )
    (problem,) = check(gap)
    assert str(problem) == "A balance of $1,000.00, 90 days after default, is in no band."
    assert problem.place.path == "bands[1].to_days"
    assert problem.example is not None
    assert problem.example.account.balance_cents == 1_000_00
    assert replay(problem, gap)


def test_a_gap_in_a_segment_names_its_product_and_region() -> None:
    gap = policy(
        Band(),
        Band(0, 1_000_00, segment=MEDICAL.name),
        Band(1_000_01, segment=MEDICAL.name),
        segments=(MEDICAL, NEW),
    )
    assert told(gap) == {
        "bands.gap": "A balance of $1,000.00, 0 days after default, product Medical, region CA,"
        " is in no band."
    }


def test_an_account_in_two_segments_is_in_two_bands() -> None:
    document = policy(
        Band(), Band(segment=MEDICAL.name), Band(segment=NEW.name), segments=(MEDICAL, NEW)
    )
    (problem,) = check(document)
    assert str(problem) == (
        "A balance of $0.01, 0 days after default, product Medical, region CA, never paid, is in"
        " two bands: 2 and 3."
    )
    assert problem.place.path == "bands[2].segment"
    assert replay(problem, document)


def test_segments_that_share_accounts_may_share_out_their_balances() -> None:
    halves = policy(
        *(Band(0, 500_00, segment=one.name) for one in (MEDICAL, NEVADA)),
        *(Band(500_00, segment=one.name) for one in (MEDICAL, NEVADA)),
        Band(),
        segments=(MEDICAL, NEVADA),
    )
    assert check(halves) == []


def test_who_is_in_no_segment_needs_a_band_too() -> None:
    only = policy(Band(segment=MEDICAL.name), segments=(MEDICAL,))
    assert "product Medical, another region, is in no band" in told(only)["bands.gap"]


def test_a_band_for_the_rest_is_for_nobody_where_nobody_is_left() -> None:
    split = tuple(Segment(str(role), collector_roles=(role,)) for role in CollectorRole)
    document = policy(Band(), *(Band(segment=one.name) for one in split), segments=split)
    assert told(document) == {
        "bands.nobody": "Band 1 is for nobody: every account is in a segment that another band is"
        " for."
    }


@pytest.mark.parametrize(
    ("change", "rule", "words", "path"),
    [
        (
            {
                "segments": (Segment("Medical", products=("Medical",)),),
                "bands": (Band(segment="M"),),
            },
            "bands.segment",
            "Band 1 is for “M”, which is no segment.",
            "bands[0].segment",
        ),
        ({"segments": (NEW, NEW)}, "segments.twice", "“Never paid”", "segments[1].name"),
        ({"segments": (replace(NEW, name=""),)}, "segments.name", "Segment 1", "segments[0].name"),
        ({"segments": (replace(NEW, name=" x"),)}, "segments.name", "spaces", "segments[0].name"),
        ({"segments": (Segment("All"),)}, "segments.everybody", "every account", "segments[0]"),
        (
            {"segments": (Segment("West", regions=("Ca",)),)},
            "segments.regions",
            "“Ca” in the segment “West”",
            "segments[0].regions",
        ),
        (
            {"segments": (Segment("Care", products=("Medical ",)),)},
            "segments.products",
            "“Care”",
            "segments[0].products",
        ),
        ({"segments": (NEW,) * 31}, "size", "30 segments", "segments"),
        ({"bands": (Band(tiers=(Tier(),)),)}, "tiers.share", "not 0%", "bands[0].tiers[0].pay_bps"),
        (
            {"bands": (Band(tiers=(Tier(60_00, pay_cents=5_00),)),)},
            "tiers.both",
            "60% and $5.00",
            "bands[0].tiers[0].pay_cents",
        ),
        (
            {"bands": (Band(tiers=(Tier(pay_cents=49),)),)},
            "tiers.amount",
            "the smallest is $0.50",
            "bands[0].tiers[0].pay_cents",
        ),
        (
            {"bands": (Band(tiers=(Tier(pay_cents=10**12),)),)},
            "tiers.amount",
            "the largest is $1,000,000,000.00",
            "bands[0].tiers[0].pay_cents",
        ),
        (
            {"bands": (Band(agree_settlement_bps=0),)},
            "bands.agree_share",
            "not 0%",
            "bands[0].agree_settlement_bps",
        ),
        ({"bands": (Band(from_days=40_000),)}, "bands.age", "40000", "bands[0].to_days"),
        ({"rounding_cents": 0}, "rounding", "$1, $5 or $10", "rounding_cents"),
        ({"keeping": Keeping(grace_days=0)}, "keeping", "from 3 to 90", "keeping.grace_days"),
        (
            {"keeping": Keeping(extra_reminders=(1, 1))},
            "keeping.reminders",
            "each day once",
            "keeping.extra_reminders",
        ),
        ({"concessions": Concessions(moves=25)}, "concessions", "not 25", "concessions.moves"),
        ({"from_on": date(1999, 1, 1)}, "dates.year", "2000", "from_on"),
        (
            {"from_on": date(2027, 1, 2), "to_on": date(2027, 1, 1)},
            "dates.order",
            "begin on 2027-01-02",
            "to_on",
        ),
        (
            {"plan": PlanLimits(saved_method=SavedMethod.REQUIRED)},
            "plan.saved_method",
            "PY-06",
            "plan.saved_method",
        ),
        (
            {"plan": PlanLimits(minimum_installment_bps=10_000)},
            "plan.minimum_share",
            "not 100%",
            "plan.minimum_installment_bps",
        ),
        (
            {"plan": PlanLimits(maximum_installments=1)},
            "plan.installments",
            "not 1",
            "plan.maximum_installments",
        ),
        ({"plan": PlanLimits(maximum_days=0)}, "plan.days", "not 0", "plan.maximum_days"),
        ({"plan": PlanLimits(maximum_days=30)}, "plan.nobody", "one payment", "plan"),
    ],
)
def test_what_a_policy_cannot_be_is_said_beside_its_field(
    change: dict[str, Any], rule: str, words: str, path: str
) -> None:
    document = replace(PLAIN, **change)
    found = check(document)
    problem = the(found, rule)
    assert words in str(problem)
    assert problem.place.path == path
    assert replay(problem, document)


def test_an_amount_is_below_the_lowest_share_of_a_balance_that_is_large_enough() -> None:
    amount = policy(Band(tiers=(Tier(pay_cents=600_00),)))
    assert told(amount) == {
        "tiers.floor": "A tier of $600.00 is below the lowest share that may be agreed, 50%: of"
        " $1,200.01, it takes $600.00 instead of $600.01."
    }
    bounded = policy(Band(0, 1_200_01, tiers=(Tier(pay_cents=600_00),)), Band(1_200_01))
    assert check(bounded) == []


def test_no_rounding_takes_an_offer_below_what_may_be_agreed() -> None:
    low = policy(Band(0, 10_00, tiers=(Tier(49_00),)), Band(10_00), rounding_cents=1_000)
    assert "tiers.floor" in told(low)
    just = policy(Band(tiers=(Tier(50_00),)), rounding_cents=1_000)
    assert check(just) == []
    for balance in (19_98, 39_98, 101_00):
        total = tier_total(
            AccountFacts(Cents(balance), "USD", date(2026, 11, 1)), just, Tier(50_00), just.bands[0]
        )
        assert total == -(-balance * 50_00 // 10_000)


def test_a_settlement_that_saves_nobody_a_cent_is_offered_to_nobody() -> None:
    document = policy(Band(0, 500_00, tiers=(Tier(pay_cents=499_99),)), Band(500_00))
    assert told(document) == {
        "tiers.nobody": "Nobody is offered this: of $499.99, the largest balance of the band, it"
        " would take $499.99."
    }


def test_a_share_and_an_amount_cross_at_a_balance_that_is_named() -> None:
    tiers = (Tier(pay_cents=400_00), Tier(60_00, 3))
    crossing = policy(Band(500_00, 800_00, tiers=tiers), Band(0, 500_00), Band(800_00))
    assert told(crossing) == {
        "tiers.crossing": "Who owes $500.00 pays $400.00 in up to 1 parts, but $300.00 in up to"
        " 3: more money must bring more time."
    }
    above = policy(Band(666_66, 800_00, tiers=tiers), Band(0, 666_66), Band(800_00))
    assert set(told(above)) == {"borders.part_payment"}
    below = policy(Band(666_65, 800_00, tiers=tiers), Band(0, 666_65), Band(800_00))
    assert "$666.65 pays $400.00" in told(below)["tiers.crossing"]


def test_of_two_like_tiers_only_one_is_told_as_too_many() -> None:
    twice = policy(Band(tiers=(Tier(60_00, 2, 30), Tier(60_00, 2, 60))))
    (problem,) = check(twice)
    assert (problem.rule, problem.place.tier) == ("tiers.never_chosen", 1)


def test_a_caution_says_on_which_day_terms_get_worse() -> None:
    document = policy(
        Band(0, None, 0, 180, (Tier(60_00),)), Band(0, None, 180, None, (Tier(70_00),))
    )
    (caution,) = cautions(document)
    assert str(caution) == (
        "Who owes $1,000.00 can close the account for $600.00 up to day 179 after default, and for"
        " $700.00 from day 180 on."
    )
    assert replay(caution, document)
    better = policy(Band(0, None, 0, 180, (Tier(70_00),)), Band(0, None, 180, None, (Tier(60_00),)))
    assert cautions(better) == []


def test_a_refusal_has_every_problem() -> None:
    wrong = replace(PLAIN, version=0, rounding_cents=7)
    with pytest.raises(PolicyRefused) as refused:
        compiler.compile(wrong)
    assert [problem.rule for problem in refused.value.problems] == ["version", "rounding"]
    assert "numbered from 1" in str(refused.value)


def test_nothing_that_can_be_typed_makes_the_compiler_fail() -> None:
    huge = 10**30
    tier = Tier(huge, -huge, huge, -huge)
    band = Band(-huge, huge, -huge, huge, (tier, Tier(pay_cents=huge)), -huge, "")
    plan = PlanLimits(huge, -huge, (), huge, -huge, huge, -huge, huge)
    for rounding in (0, -1, huge):
        wild = Policy(huge, "USD", True, (band, band), plan, rounding_cents=rounding)
        assert check(wild)
        assert check(replace(wild, bands=(replace(band, from_balance_cents=0, from_days=huge),)))
