from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from portal.domain import DomainError
from portal.domain.admission import admit, grant
from portal.domain.alternatives import SAME_PACE, as_proposal
from portal.domain.building import build, choice_of, settlement_floor
from portal.domain.facts import AccountFacts
from portal.domain.limits import (
    FirstPaymentInPast,
    FirstPaymentTooLate,
    allowed_method,
)
from portal.domain.money import AmountNotPositive, Cents, share
from portal.domain.negotiation import answer
from portal.domain.policy import Band, Policy, ProposalLimits, Tier
from portal.domain.proposals import (
    Agreed,
    Alternatives,
    Answer,
    ForReview,
    MoreThanOwed,
    NothingToPropose,
    Proposal,
    ProposalTooLong,
    ProposalTooSmall,
    from_dict,
    to_dict,
    wish_terms,
)
from portal.domain.schedules import Frequency, most_parts
from portal.domain.terms import Basis, Kind, Terms
from tests.domain.policies import proposals, situations
from tests.domain.test_offers import DANA, TODAY
from tests.domain.test_policy import PLAN, POLICY

Situation = tuple[AccountFacts, Policy, date]
CLOSED = replace(POLICY, plan=None, bands=(), agree=ProposalLimits(), review=ProposalLimits(1))
RANK = {Agreed: 2, Alternatives: 1, ForReview: 0}


def plan(amount: int, **given: Any) -> Proposal:
    return Proposal(first_on=TODAY, amount_cents=Cents(amount), **given)


def settlement(total: int, **given: Any) -> Proposal:
    return Proposal(first_on=TODAY, total_cents=Cents(total), **given)


def agreed(proposal: Proposal, policy: Policy = POLICY) -> Terms:
    said = answer(proposal, DANA, policy, TODAY)
    assert isinstance(said, Agreed)
    return said.terms


def alternatives(proposal: Proposal, policy: Policy = POLICY) -> list[Terms]:
    said = answer(proposal, DANA, policy, TODAY)
    assert isinstance(said, Alternatives)
    assert all(one.reason % one.params for one in said.alternatives)
    assert said.why % said.params
    return [one.terms for one in said.alternatives]


def test_a_plan_within_the_offered_limits_is_agreed_as_the_plan() -> None:
    terms = agreed(plan(104_00))
    assert (terms.key, terms.runs) == ("plan", ((11, 104_00), (1, 96_00)))


def test_a_small_rest_after_a_large_first_payment_is_not_too_long() -> None:
    """Nearly all of it at first: $1.00 a week pays the rest in a few weeks."""
    limits = replace(
        PLAN,
        minimum_installment_cents=50,
        minimum_installment_bps=0,
        frequencies=(Frequency.WEEKLY,),
        down_payment_bps=9946,
    )
    wish = plan(1_00, frequency=Frequency.WEEKLY)
    account = replace(DANA, balance_cents=Cents(1561_00))
    said = answer(wish, account, replace(POLICY, plan=limits), TODAY)
    assert isinstance(said, Agreed)
    assert said.terms.runs == ((1, 1552_58), (7, 1_00), (1, 1_42))


def test_a_plan_within_what_may_be_agreed_is_agreed() -> None:
    terms = agreed(plan(45_00))
    assert (terms.key, len(terms.schedule)) == ("agreed:plan", 28)


def test_a_plan_that_is_too_slow_is_answered_with_the_smallest_payment() -> None:
    (smallest,) = alternatives(plan(40_00))
    assert smallest.runs == ((29, 41_32), (1, 41_72))


def test_small_weekly_payments_are_answered_with_the_same_pace_in_larger_steps() -> None:
    in_steps, smallest = alternatives(plan(12_00, frequency=Frequency.WEEKLY))
    assert (in_steps.frequency, in_steps.first_cents) == (Frequency.EVERY_TWO_WEEKS, 24_00)
    assert (smallest.frequency, smallest.first_cents) == (Frequency.WEEKLY, 20_00)


def test_a_late_start_is_answered_with_the_same_payments_from_the_latest_date() -> None:
    late = replace(plan(104_00), first_on=date(2027, 3, 1))
    (same,) = alternatives(late)
    assert same == agreed(replace(late, first_on=date(2027, 1, 6)))


def test_a_late_start_of_small_payments_is_answered_with_both() -> None:
    """Neither another amount nor another date alone could be agreed to."""
    (both,) = alternatives(replace(plan(40_00), first_on=date(2027, 3, 1)))
    assert (both.first_on, both.first_cents) == (date(2027, 1, 6), 41_32)


def test_ones_own_payments_may_close_the_account() -> None:
    """$40 a month is too slow for all of it; 21 of them reach what closes the account."""
    in_parts = replace(POLICY, bands=(Band(tiers=(Tier(80_00, 26),)),))
    closing, smallest = alternatives(plan(40_00), in_parts)
    assert (closing.total_cents, closing.runs) == (806_00, ((20, 40_00), (1, 6_00)))
    assert (smallest.total_cents, smallest.first_cents) == (1_240_00, 41_32)


def test_every_other_friday_from_the_eleventh() -> None:
    fridays = replace(plan(40_00, frequency=Frequency.EVERY_TWO_WEEKS), first_on=date(2026, 12, 11))
    terms = agreed(fridays)
    assert terms.runs == ((31, 40_00),)
    assert {due_on.strftime("%A") for due_on, _ in terms.schedule} == {"Friday"}
    assert [due_on for due_on, _ in terms.schedule[:2]] == [date(2026, 12, 11), date(2026, 12, 25)]
    odd = agreed(replace(fridays, amount_cents=Cents(41_07)))
    assert odd.runs == ((30, 41_07), (1, 7_90))


def test_a_settlement_at_or_above_an_offer_gets_the_offer() -> None:
    """Nobody is made to pay more than what everybody in the band is offered."""
    assert agreed(settlement(1_000_00)).key == "settlement:7000:1"
    parts = agreed(settlement(1_000_00, amount_cents=Cents(400_00)))
    assert (parts.key, parts.runs) == ("settlement:8000:3", ((2, 400_00), (1, 192_00)))


def test_a_settlement_between_floor_and_offer_is_agreed_as_proposed() -> None:
    terms = agreed(settlement(810_00))
    assert (terms.key, terms.total_cents, terms.saved_cents) == (
        "agreed:settlement",
        810_00,
        430_00,
    )


def test_a_settlement_below_the_floor_is_answered_with_the_floor() -> None:
    whole, own, lump = alternatives(settlement(500_00))
    assert (whole.kind, whole.total_cents, whole.saved_cents) == (Kind.PLAN, 1_240_00, 0)
    assert (own.total_cents, own.runs) == (806_00, ((1, 500_00), (1, 306_00)))
    assert (lump.total_cents, len(lump.schedule)) == (806_00, 1)


def test_a_settlement_in_more_parts_than_anybody_gets_is_answered_with_fewer() -> None:
    longer, fewer = alternatives(settlement(810_00, amount_cents=Cents(201_00)))
    assert (longer.kind, longer.runs) == (Kind.PLAN, ((6, 201_00), (1, 34_00)))
    assert (fewer.total_cents, fewer.runs) == (810_00, ((3, 270_00),))


def test_payments_that_fit_an_offer_get_it_although_their_sum_is_more() -> None:
    parts = agreed(settlement(1_000_00, amount_cents=Cents(331_00)))
    assert (parts.key, parts.runs) == ("settlement:8000:3", ((2, 331_00), (1, 330_00)))


def test_a_band_may_have_a_floor_of_its_own() -> None:
    older = replace(DANA, default_on=date(2026, 1, 1))
    said = answer(settlement(700_00), older, POLICY, TODAY)
    assert isinstance(said, Agreed)
    assert said.terms.total_cents == 700_00


def test_nothing_near_means_a_person_looks_at_it() -> None:
    said = answer(plan(100_00), DANA, CLOSED, TODAY)
    assert isinstance(said, ForReview)
    assert isinstance(answer(settlement(1_000_00), DANA, CLOSED, TODAY), ForReview)
    assert isinstance(answer(Proposal(first_on=TODAY), DANA, CLOSED, TODAY), Agreed)


def test_a_settlement_without_a_floor_is_answered_with_the_offers() -> None:
    policy = replace(POLICY, bands=(replace(POLICY.bands[1], to_days=None, from_balance_cents=0),))
    policy = replace(policy, agree=replace(POLICY.agree, settlement_bps=100_00))
    offered = alternatives(settlement(500_00), policy)
    assert [(terms.key, len(terms.schedule)) for terms in offered] == [
        ("agreed:plan", 30),
        ("settlement:8000:3", 2),
        ("settlement:7000:1", 1),
    ]


@pytest.mark.parametrize(
    ("proposal", "policy", "words"),
    [
        (plan(40_00), POLICY, "takes longer than"),
        (plan(12_00, frequency=Frequency.WEEKLY), POLICY, "$12.00 each time is less"),
        (replace(plan(104_00), first_on=date(2027, 3, 1)), POLICY, "wait until 2027-03-01"),
        (replace(plan(104_00), first_on=date(2026, 12, 31), days=(30,)), POLICY, "2027-01-30"),
        (settlement(500_00), POLICY, "$500.00 is less"),
        (settlement(810_00, amount_cents=Cents(201_00)), POLICY, "that many payments"),
        (plan(40_00), replace(POLICY, plan=None), "that many payments"),
        (plan(40_00), CLOSED, "pay over time"),
        (settlement(500_00), CLOSED, "less than you owe"),
    ],
)
def test_the_answer_names_the_limit_that_it_goes_beyond(
    proposal: Proposal, policy: Policy, words: str
) -> None:
    said = answer(proposal, DANA, policy, TODAY)
    assert not isinstance(said, Agreed)
    why = said.why if isinstance(said, Alternatives) else said.reason
    assert words in why % said.params


@pytest.mark.parametrize(
    ("proposal", "error", "words"),
    [
        (plan(0), AmountNotPositive, "above zero"),
        (plan(-5), AmountNotPositive, "above zero"),
        (settlement(0), AmountNotPositive, "above zero"),
        (settlement(-1), AmountNotPositive, "above zero"),
        (plan(1_240_01), MoreThanOwed, "You owe $1,240.00"),
        (settlement(10**20), MoreThanOwed, "You owe $1,240.00"),
        (plan(49), ProposalTooSmall, "$0.50"),
        (plan(2_00), ProposalTooLong, "30 years"),
        (replace(plan(50_00), first_on=date(2026, 11, 21)), FirstPaymentInPast, "2026-11-22"),
        (replace(plan(50_00), first_on=date(9999, 1, 1)), FirstPaymentTooLate, "2027-11-23"),
    ],
)
def test_nonsense_gets_a_helpful_sentence(
    proposal: Proposal, error: type[DomainError], words: str
) -> None:
    with pytest.raises(error) as raised:
        answer(proposal, DANA, POLICY, TODAY)
    assert words in str(raised.value)


def test_a_rhythm_that_is_not_offered_is_answered_with_the_same_money_in_the_nearest() -> None:
    monthly = replace(POLICY, plan=PLAN)
    said = answer(plan(50_00, frequency=Frequency.WEEKLY), DANA, monthly, TODAY)
    assert isinstance(said, Alternatives)
    (one,) = said.alternatives
    assert (one.terms.frequency, one.terms.first_cents) == (Frequency.MONTHLY, 216_67)
    assert one.reason == SAME_PACE
    assert answer(as_proposal(one.terms), DANA, monthly, TODAY) == Agreed(one.terms)


def test_too_little_in_a_rhythm_that_is_not_offered_is_answered_with_the_least_that_is() -> None:
    monthly = replace(POLICY, plan=PLAN)
    wish = plan(5_00, frequency=Frequency.EVERY_TWO_WEEKS)
    said = answer(wish, DANA, monthly, TODAY)
    assert isinstance(said, Alternatives)
    assert {one.terms.frequency for one in said.alternatives} <= {Frequency.MONTHLY, None}
    for one in said.alternatives:
        sentence = one.reason % {name: str(value) for name, value in one.params.items()}
        assert "Same dates" not in sentence, "no date is the same in another rhythm"
        assert "Your $" not in sentence, "nobody proposed that amount"


@pytest.mark.parametrize("balance", [0, -1, 49])
def test_nothing_owed_leaves_nothing_to_propose(balance: int) -> None:
    with pytest.raises(NothingToPropose):
        answer(plan(1), replace(DANA, balance_cents=Cents(balance)), POLICY, TODAY)


def answered(proposal: Proposal, situation: Situation) -> Answer | None:
    """The answer, or None where the proposal makes no sense."""
    with suppress(DomainError):
        return answer(proposal, *situation)
    return None


@given(situations(), st.data())
def test_every_answer_is_within_what_may_be_agreed(
    situation: Situation, data: st.DataObject
) -> None:
    account, policy, today = situation
    proposal = data.draw(proposals(account, policy, today))
    said = answered(proposal, situation)
    assume(said is not None)
    terms = [said.terms] if isinstance(said, Agreed) else []
    if isinstance(said, Alternatives):
        terms = [one.terms for one in said.alternatives]
        assert terms
        assert len(set(terms)) == len(terms)
    for one in terms:
        within_agree(one, situation)
        assert admit(one, account, policy, today) == one
        assert build(choice_of(one), account, policy, today) == one


def within_agree(terms: Terms, situation: Situation) -> None:
    """Terms are never lower, smaller or longer than the policy's ``agree``."""
    account, policy, today = situation
    assert terms.basis is not Basis.GRANTED
    assert terms.total_cents <= account.balance_cents
    if terms.kind is Kind.SETTLEMENT:
        band = policy.band(account, today)
        floor = share(account.balance_cents, policy.agreed_settlement_bps(band))
        assert terms.total_cents >= floor
    if terms.key in ("plan", "agreed:plan"):
        amounts = [cents for _, cents in terms.schedule]
        assert all(cents >= policy.agree.minimum_installment_cents for cents in amounts[:-1])
        assert terms.frequency is not None
        assert len(amounts) <= most_parts(terms.frequency, policy.agree.maximum_months)


@given(situations(), st.data())
def test_nobody_agrees_to_more_than_they_proposed(
    situation: Situation, data: st.DataObject
) -> None:
    account, policy, today = situation
    proposal = data.draw(proposals(account, policy, today))
    said = answered(proposal, situation)
    event(type(said).__name__)
    if not isinstance(said, Agreed):
        return
    assert said.terms.total_cents <= (proposal.total_cents or account.balance_cents)
    assert said.terms.first_on >= proposal.first_on
    asked = allowed_method(proposal.method, policy)
    assert said.terms.method is asked or said.terms.kind is Kind.FULL


@given(situations(), st.data())
def test_more_money_or_sooner_never_gets_a_worse_answer(
    situation: Situation, data: st.DataObject
) -> None:
    account, policy, today = situation
    proposal = data.draw(proposals(account, policy, today))
    before = answered(proposal, situation)
    assume(before is not None)
    better = data.draw(improved(proposal, account, today))
    after = answered(better, situation)
    assert after is not None
    assert RANK[type(after)] >= RANK[type(before)]


@st.composite
def improved(draw: st.DrawFn, proposal: Proposal, account: AccountFacts, today: date) -> Proposal:
    """More in total, no more payments than before, no later: better for whoever is owed."""
    owed = account.balance_cents
    total = proposal.total_cents or owed
    amount = min(proposal.amount_cents or total, total)
    count = max(total // amount, 1)
    more = draw(st.integers(total, owed))
    each = max(amount, -(-more // count))
    sooner = draw(st.integers(0, (proposal.first_on - today).days))
    return replace(
        proposal,
        total_cents=Cents(more),
        amount_cents=Cents(min(each + draw(st.integers(0, more)), more)),
        first_on=proposal.first_on - timedelta(days=sooner),
    )


@given(situations(), st.data())
def test_the_answer_never_depends_on_what_staff_may_grant(
    situation: Situation, data: st.DataObject
) -> None:
    account, policy, today = situation
    proposal = data.draw(proposals(account, policy, today))
    other = replace(policy, review=ProposalLimits(1, 50, 120))
    said = answered(proposal, situation)
    assert said == answered(proposal, (account, other, today))
    assert said == answered(proposal, situation)


@given(situations(), st.data())
def test_the_floor_itself_is_agreed(situation: Situation, data: st.DataObject) -> None:
    account, policy, today = situation
    assume(account.balance_cents >= 50)
    floor = settlement_floor(account, policy, today)
    assume(floor is not None)
    said = answered(Proposal(first_on=today, total_cents=floor), situation)
    assert isinstance(said, Agreed)
    assert said.terms.total_cents == floor


@given(situations(), st.data())
def test_a_proposal_is_written_down_and_read_back(
    situation: Situation, data: st.DataObject
) -> None:
    account, policy, today = situation
    proposal = data.draw(proposals(account, policy, today))
    assert from_dict(to_dict(proposal)) == proposal


def test_staff_see_the_wish_as_terms_and_may_grant_it() -> None:
    wish = wish_terms(settlement(600_00, amount_cents=Cents(100_00)), DANA, POLICY)
    assert wish.runs == ((6, 100_00),)
    granted = grant(wish, DANA, POLICY, TODAY, valid_until=date(2026, 12, 15))
    assert admit(granted, DANA, POLICY, TODAY, granted=granted) == granted


def test_a_whole_debt_in_the_parts_of_a_settlement_is_agreed_too() -> None:
    """Who may pay less in three parts may pay all of it in them, plans or no plans."""
    no_plans = replace(POLICY, plan=None)
    assert agreed(plan(500_00), no_plans).key == "agreed:whole"
    assert (
        agreed(settlement(1_239_99, amount_cents=Cents(500_00)), no_plans).kind is Kind.SETTLEMENT
    )


def test_an_empty_band_still_has_a_floor() -> None:
    policy = replace(POLICY, bands=(Band(),))
    assert agreed(settlement(900_00), policy).total_cents == 900_00
