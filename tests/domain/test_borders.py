"""More money is never a worse deal: what the compiler says of payments and of last days."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.compiler import Problem, cautions, check
from portal.domain.compiler.borders import borders
from portal.domain.facts import AccountFacts, PaymentHistory
from portal.domain.money import Cents
from portal.domain.offers import offers, valid_until
from portal.domain.policy import (
    Band,
    Policy,
    ProposalLimits,
    Segment,
    Tier,
    canonical_bytes,
    from_bytes,
    to_dict,
)
from portal.domain.terms import Kind
from tests.domain.policies import situations
from tests.domain.replays import closes_for, replay

TODAY = date(2026, 1, 5)
PLAIN = Policy(
    version=1,
    currency="USD",
    agree=ProposalLimits(20_00, 20_00, 30),
    review=ProposalLimits(20_00, 10_00, 48),
)
NEW = Segment("New", histories=(PaymentHistory.NEVER_PAID,))
NEW_CARDS = Segment("New cards", products=("Cards",), histories=(PaymentHistory.NEVER_PAID,))
PAID_CARDS = Segment("Paid cards", products=("Cards",), histories=(PaymentHistory.HAS_PAID,))
AFTER = {PaymentHistory.NEVER_PAID: PaymentHistory.HAS_PAID}


def policy(*bands: Band, **given: Any) -> Policy:
    return replace(PLAIN, bands=bands, **given)


def the_only(document: Policy) -> Problem:
    (problem,) = check(document)
    assert replay(problem, document), problem
    return problem


def test_a_payment_over_a_border_of_balance_may_not_make_the_rest_dearer() -> None:
    dear = policy(Band(0, 1_000_00, tiers=(Tier(80_08),)), Band(1_000_00, tiers=(Tier(50_00),)))
    problem = the_only(dear)
    assert str(problem) == (
        "Who owes $1,000.00 can close the account for $500.00; who pays $1.00 first has to pay"
        " $800.00 for the rest. Let the smaller balance pay less or the larger one more, or tick"
        " “Who pays a part may have to pay more to close the rest”."
    )
    assert (problem.rule, problem.place.path) == (
        "borders.part_payment",
        "bands[0].tiers[0].pay_bps",
    )


def test_a_cent_too_much_is_found_and_as_much_as_before_is_right() -> None:
    def small(most: int) -> Policy:
        lower = Band(0, 1_000_00, tiers=(Tier(pay_cents=most),))
        return policy(lower, Band(1_000_00, tiers=(Tier(50_00),)))

    assert check(small(500_00)) == []
    problem = the_only(small(500_01))
    assert "first has to pay $500.01 for the rest" in str(problem)


def test_small_debts_in_full_need_a_band_in_which_an_amount_closes() -> None:
    bands = Band(0, 100_00), Band(100_00, tiers=(Tier(80_00),))
    assert the_only(policy(*bands)).place.path == "bands[0].tiers"
    between = Band(100_00, 125_00, tiers=(Tier(pay_cents=100_00),))
    assert check(policy(bands[0], between, replace(bands[1], from_balance_cents=125_00))) == []


def test_who_pays_a_first_dollar_may_not_lose_the_terms_of_those_who_never_paid() -> None:
    document = policy(
        Band(tiers=(Tier(90_00),)), Band(segment="New", tiers=(Tier(40_00),)), segments=(NEW,)
    )
    problem = the_only(document)
    assert str(problem) == (
        "Who owes $1,000.00 and never paid can close the account for $400.00; who pays $1.00 first"
        " has to pay $899.10 for the rest. Let those who have paid pay less or those who never did"
        " more, or tick “Who pays a part may have to pay more to close the rest”."
    )
    assert (problem.rule, problem.place.band) == ("borders.first_payment", 0)
    kinder = policy(
        Band(tiers=(Tier(40_00),)), Band(segment="New", tiers=(Tier(90_00),)), segments=(NEW,)
    )
    assert check(kinder) == []


def test_where_a_payment_leads_depends_on_more_than_the_segments_before_it() -> None:
    document = policy(
        Band(tiers=(Tier(50_00),)),
        Band(segment="Paid cards", tiers=(Tier(60_00),)),
        segments=(PAID_CARDS,),
    )
    problem = the_only(document)
    assert problem.place.band == 1
    assert problem.example is not None
    assert problem.example.account.product == "Cards"
    fair = replace(document, segments=(PAID_CARDS, NEW_CARDS))
    better = Band(segment="New cards", tiers=(Tier(70_00),))
    assert check(replace(fair, bands=(*document.bands, better))) == []


def test_an_amount_meets_a_share_in_the_middle_of_a_band() -> None:
    document = policy(
        Band(tiers=(Tier(50_00),), to_balance_cents=2_000_00),
        Band(2_000_00, tiers=(Tier(50_00),)),
        Band(0, 2_000_00, segment="New", tiers=(Tier(pay_cents=700_00),)),
        Band(2_000_00, segment="New", tiers=(Tier(60_00),)),
        segments=(NEW,),
    )
    problem = the_only(document)
    assert problem.example is not None
    assert 1_400_00 < problem.example.account.balance_cents < 2_000_00


def test_a_client_that_means_it_is_told_the_price_instead() -> None:
    worse = Band(0, 1_000_00, tiers=(Tier(80_08),)), Band(1_000_00, tiers=(Tier(50_00),))
    new = Band(segment="New", tiers=(Tier(40_00),))
    document = policy(*worse, new, segments=(NEW,), paying_part_may_cost_more=True)
    assert check(document) == []
    told = {one.rule: str(one) for one in cautions(document) if replay(one, document)}
    assert told["cautions.part_payment"] == (
        "Who owes $1,000.00 can close the account for $500.00; who pays $1.00 first pays $801.00"
        " in all."
    )
    assert told["cautions.first_payment"].endswith("who pays $1.00 first pays $501.01 in all.")


def test_a_document_from_before_the_choice_is_written_as_it_was() -> None:
    document = policy(Band())
    assert "paying_part_may_cost_more" not in to_dict(document)
    chosen = replace(document, paying_part_may_cost_more=True)
    assert from_bytes(canonical_bytes(chosen)) == chosen
    assert from_bytes(canonical_bytes(document)) == document


@given(situations(), st.integers(1, 1_000_00))
def test_no_payment_and_no_larger_settlement_is_a_worse_deal(
    situation: tuple[AccountFacts, Policy, date], paid: int
) -> None:
    account, document, today = situation
    made = [one for one in offers(account, document, today) if one.kind is Kind.SETTLEMENT]
    for one, other in permutations(made, 2):
        if one.total_cents > other.total_cents:
            assert one.parts > other.parts
            assert (one.valid_until or today) >= (other.valid_until or today)
    if paid < account.balance_cents and not document.paying_part_may_cost_more:
        history = AFTER.get(account.history, account.history)
        rest = Cents(account.balance_cents - paid)
        after = replace(account, balance_cents=rest, history=history)
        always = replace(document, from_on=None, to_on=None)
        assert closes_for(after, always, today) <= closes_for(account, always, today)


SHARES = st.integers(20_00, 99_00) | st.sampled_from((50_00, 50_01, 60_00))
MOST = 170
AMOUNTS = st.integers(50, MOST)
TIERS = st.lists(
    st.builds(Tier, SHARES) | st.builds(lambda cents: Tier(pay_cents=cents), AMOUNTS), max_size=2
)


@st.composite
def small(draw: st.DrawFn) -> Policy:
    """A policy of narrow bands of small balances, for everybody or apart for who never paid."""
    bands = []
    segments = draw(st.sampled_from(((), (NEW,), (NEW_CARDS, PAID_CARDS))))
    for name in ("", *(one.name for one in segments)):
        marks = sorted(draw(st.sets(st.integers(2, MOST - 1), max_size=2)))
        for low, high in zip((0, *marks), (*marks, MOST), strict=True):
            own = draw(st.none() | st.sampled_from((20_00, 50_00)))
            bands.append(Band(low, high, 0, None, tuple(draw(TIERS)), own, name))
    rounding = draw(st.sampled_from((1, 1, 100)))
    return policy(*bands, segments=segments, rounding_cents=rounding)


def dear_somewhere(document: Policy) -> bool:
    """Whether any payment on any small balance makes the rest dearer than the whole was."""
    products = ("Cards", "") if NEW_CARDS in document.segments else ("",)
    for product in products:
        closed = {history: closes(document, product, history) for history in PaymentHistory}
        for history, whole in closed.items():
            dearest = accumulate(closed[AFTER.get(history, history)], max)
            if any(rest > before for rest, before in zip(dearest, whole[1:], strict=False)):
                return True
    return False


def closes(document: Policy, product: str, history: PaymentHistory) -> list[int]:
    """For how much each small balance is closed, from a cent on."""
    account = AccountFacts(Cents(0), "USD", TODAY, product=product, history=history)
    owing = (replace(account, balance_cents=Cents(cents)) for cents in range(1, MOST))
    return [closes_for(one, document, TODAY) for one in owing]


@given(small())
def test_what_the_compiler_says_of_payments_is_what_trying_each_says(document: Policy) -> None:
    found = list(borders(document))
    assert bool(found) == dear_somewhere(document)
    for problem in found:
        assert replay(problem, document), problem


TERMS = st.integers(1, 14) | st.sampled_from((30, 31, 45, 60))


def two(days: int, longer: int, from_days: int = 0, to_days: int | None = None) -> Band:
    return Band(0, None, from_days, to_days, (Tier(60_00, 1, days), Tier(70_00, 3, longer)))


def test_who_pays_more_has_as_long_to_decide() -> None:
    problem = the_only(policy(two(45, 30)))
    assert str(problem) == (
        "On 2026-01-05, who owes $1,000.00 can take $600.00 until 2026-02-18, but $700.00 only"
        " until 2026-01-20: more money must not leave less time. Let both stand for the same days,"
        " or the dearer one for at least twice as many."
    )
    assert problem.place.path == "bands[0].tiers[1].valid_for_days"


@pytest.mark.parametrize(("days", "longer", "right"), [(30, 30, True), (30, 45, False)])
def test_a_longer_term_can_end_first_because_days_are_counted_in_steps(
    days: int, longer: int, right: bool
) -> None:
    assert (check(policy(two(days, longer))) == []) is right
    assert check(policy(two(days, 2 * days))) == []


@given(TERMS, TERMS, st.integers(0, 20), st.none() | st.integers(1, 40), st.integers(0, 90))
def test_what_the_compiler_says_of_last_days_is_what_trying_each_day_says(
    days: int, longer: int, start: int, length: int | None, force: int
) -> None:
    band = two(days, longer, start, None if length is None else start + length)
    rest = [Band(0, None, 0, start)] if start else []
    rest += [Band(0, None, band.to_days, None)] if band.to_days else []
    to_on = TODAY + timedelta(days=force)
    document = policy(band, *rest, from_on=TODAY, to_on=to_on)
    found = [one for one in check(document) if one.rule == "tiers.ends_first"]
    earlier = any(
        valid_until(account, document, band.tiers[1], TODAY)
        < valid_until(account, document, band.tiers[0], TODAY)
        for account in placed(band)
    )
    assert bool(found) == earlier
    for problem in found:
        assert replay(problem, document), problem


def placed(band: Band) -> list[AccountFacts]:
    """Accounts of a band that were placed on each day that can make a difference."""
    return [
        AccountFacts(Cents(1_000_00), "USD", TODAY - timedelta(days=since), aged_from)
        for since in range(120)
        for aged_from in [TODAY - timedelta(days=max(band.from_days, since))]
        if band.to_days is None or max(band.from_days, since) < band.to_days
    ]
