"""What the negotiator promises, over random policies, accounts, days and proposals."""

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import assume, event, given
from hypothesis import strategies as st

from portal.domain import DomainError
from portal.domain.admission import admit
from portal.domain.alternatives import as_proposal
from portal.domain.building import build, choice_of, settlement_floor
from portal.domain.facts import AccountFacts
from portal.domain.limits import Bounds, allowed_method, plan_bounds
from portal.domain.money import Cents, minimum_charge
from portal.domain.negotiation import answer
from portal.domain.offers import chargeable, offers, plan_presets
from portal.domain.paydays import kept_days, open_days, paydays
from portal.domain.policy import PlanLimits, Policy, ProposalLimits
from portal.domain.proposals import (
    Agreed,
    Alternative,
    Alternatives,
    Answer,
    Axis,
    ForReview,
    Proposal,
    check_proposal,
)
from portal.domain.schedules import Frequency, count_parts, due_dates, parts_by_amount
from portal.domain.terms import Basis, Kind, Method, Terms
from tests.domain.policies import accounts, bands, near_misses, proposals, situations
from tests.domain.test_proposals import within_agree

Situation = tuple[AccountFacts, Policy, date]
ANYTHING = st.integers(-(10**30), 10**30) | st.integers(-100, 200_000)
EVERY_DAY = st.dates()
GRID = 25


@st.composite
def cases(draw: st.DrawFn) -> tuple[Proposal, Situation]:
    """A situation and a proposal in it that makes sense, often one just beyond the limits."""
    account, policy, today = draw(situations())
    assume(chargeable(account, policy))
    drawn = proposals(account, policy, today) | near_misses(account, policy, today)
    proposal = draw(drawn)
    with suppress(DomainError):
        check_proposal(proposal, account, policy, today)
        return proposal, (account, policy, today)
    return Proposal(first_on=today), (account, policy, today)


def alternatives(said: Answer) -> tuple[Alternative, ...]:
    return said.alternatives if isinstance(said, Alternatives) else ()


@given(situations(), ANYTHING, ANYTHING, EVERY_DAY, st.sampled_from(Frequency))
def test_whatever_is_proposed_gets_an_answer_or_a_sentence(
    situation: Situation, total: int, amount: int, first_on: date, frequency: Frequency
) -> None:
    said: Answer | DomainError
    try:
        said = answer(Proposal(first_on, Cents(total), Cents(amount), frequency), *situation)
    except DomainError as error:
        said = error
    assert not isinstance(said, DomainError) or (str(said).endswith(".") and "%(" not in str(said))


@given(cases())
def test_every_alternative_may_be_accepted_today(case: tuple[Proposal, Situation]) -> None:
    proposal, (account, policy, today) = case
    said = answer(proposal, account, policy, today)
    event(type(said).__name__)
    for one in alternatives(said):
        event(one.axis)
        within_agree(one.terms, (account, policy, today))
        assert admit(one.terms, account, policy, today) == one.terms
        assert build(choice_of(one.terms), account, policy, today) == one.terms
        assert one.terms.counted_from <= proposal.first_on or one.terms.days
        asked = allowed_method(proposal.method, policy)
        assert one.terms.method is asked or one.terms.kind is Kind.FULL


@given(cases())
def test_asked_for_as_it_is_an_alternative_is_agreed(case: tuple[Proposal, Situation]) -> None:
    proposal, situation = case
    for one in alternatives(answer(proposal, *situation)):
        assert answer(as_proposal(one.terms), *situation) == Agreed(one.terms)


@given(cases())
def test_what_is_agreed_is_agreed_again_and_to_the_cent(case: tuple[Proposal, Situation]) -> None:
    proposal, situation = case
    said = answer(proposal, *situation)
    if isinstance(said, Agreed):
        terms = said.terms
        assert sum(cents for _, cents in terms.schedule) == terms.total_cents
        assert terms.total_cents <= proposal.sums(situation[0].balance_cents)[0]
        assert answer(as_proposal(terms), *situation) == said


@given(cases())
def test_ones_own_amount_is_kept_to_the_cent_on_the_days_that_were_named(
    case: tuple[Proposal, Situation],
) -> None:
    proposal, (account, policy, today) = case
    said = answer(proposal, account, policy, today)
    if not isinstance(said, Agreed):
        return
    days = tuple(due_on for due_on, _ in said.terms.schedule)
    amounts = [cents for _, cents in said.terms.schedule]
    _, amount = proposal.sums(account.balance_cents)
    named = kept_days(proposal.frequency, proposal.days) if len(days) > 1 else ()
    opened = open_days(account, policy, today)
    counted = paydays(proposal.first_on, proposal.frequency, len(days), days=named, opened=opened)
    assert days == counted.dates
    assert set(amounts[1:-1]) <= {amount}
    if policy.plan is None or not policy.plan.down_payment_bps:
        assert set(amounts[:-1]) <= {amount}
        assert 50 <= amounts[-1] < amount + 50


@given(cases())
def test_alternatives_are_few_different_and_least_a_month_first(
    case: tuple[Proposal, Situation],
) -> None:
    proposal, situation = case
    found = alternatives(answer(proposal, *situation))
    assert len(found) <= 4
    assert len({one.terms for one in found}) == len(found)
    for one in found:
        assert "%(" not in one.reason % one.params
    burdens = [_a_month(one.terms) for one in found]
    assert all(one <= other for one, other in pairwise(burdens))


def _a_month(terms: Terms) -> int:
    a_year = {Frequency.WEEKLY: 52, Frequency.EVERY_TWO_WEEKS: 26, Frequency.TWICE_A_MONTH: 24}
    each = as_proposal(terms).sums(terms.total_cents)[1]
    rhythm = terms.frequency or Frequency.MONTHLY
    return min(each * a_year.get(rhythm, 12), terms.total_cents * 12)


@given(cases())
def test_equal_accounts_get_equal_answers_and_nobody_asks_in_vain(
    case: tuple[Proposal, Situation],
) -> None:
    """Wherever a plan or a settlement may be agreed at all, there is something to choose.

    There is no plan of a balance that does not make two payments, the second large enough.
    """
    proposal, (account, policy, today) = case
    said = answer(proposal, account, policy, today)
    assert said == answer(deepcopy(proposal), deepcopy(account), deepcopy(policy), today)
    if isinstance(said, ForReview):
        bounds = plan_bounds(account, policy, today, Basis.AGREED)
        assert bounds is None or _payments(account, bounds) == 1
        assert settlement_floor(account, policy, today) is None


def _payments(account: AccountFacts, bounds: Bounds) -> int:
    """How many payments of the smallest amount there are at most."""
    least, down = minimum_charge(account.currency), bounds.down_payment_cents
    return count_parts(account.balance_cents, bounds.minimum_cents, minimum=least, down=down)


@given(cases(), st.integers(1, 10_000), st.integers(50, 100_000), st.integers(1, 120))
def test_what_staff_may_grant_is_in_no_answer(
    case: tuple[Proposal, Situation], bps: int, cents: int, months: int
) -> None:
    proposal, (account, policy, today) = case
    other = replace(policy, review=ProposalLimits(bps, cents, months), answer_working_days=1)
    assert answer(proposal, account, policy, today) == answer(proposal, account, other, today)


@given(situations(), st.sampled_from(Method))
def test_whatever_is_offered_is_agreed_for_no_more(situation: Situation, method: Method) -> None:
    account, policy, today = situation
    for offer in offers(account, policy, today):
        if offer.kind is Kind.PLAN:
            continue
        each = Cents(-(-offer.total_cents // offer.parts))
        rhythm = policy.plan.frequencies[0] if policy.plan else Frequency.MONTHLY
        first_on = offer.valid_until or today
        for start, amount in ((today, offer.total_cents), (today, each), (first_on, each)):
            said = answer(Proposal(start, offer.total_cents, amount, rhythm, method), *situation)
            assert isinstance(said, Agreed)
            assert said.terms.total_cents <= offer.total_cents


@given(situations())
def test_every_ready_made_plan_is_agreed(situation: Situation) -> None:
    account, policy, today = situation
    for frequency in policy.plan.frequencies if policy.plan else ():
        for preset in plan_presets(account, policy, today, frequency):
            wish = Proposal(today, amount_cents=preset.amount_cents, frequency=frequency)
            said = answer(wish, *situation)
            assert isinstance(said, Agreed)
            assert len(said.terms.schedule) == preset.count


@given(cases(), st.data())
def test_a_better_proposal_is_never_answered_worse(
    case: tuple[Proposal, Situation], data: st.DataObject
) -> None:
    """As much or more in all and each time, in no more payments, and no later."""
    proposal, (account, policy, today) = case
    total, amount = proposal.sums(account.balance_cents)
    count = len(parts_by_amount(total, amount, minimum=Cents(50)))
    more = data.draw(st.integers(total, account.balance_cents))
    fewer = data.draw(st.integers(1, count))
    each = max(amount, -(-more // fewer))
    sooner = data.draw(st.integers(0, (proposal.first_on - today).days))
    better = replace(
        proposal,
        total_cents=Cents(more),
        amount_cents=Cents(min(each, more)),
        first_on=proposal.first_on - timedelta(days=sooner),
    )
    before = answer(proposal, account, policy, today)
    after = answer(better, account, policy, today)
    assert isinstance(after, Agreed) or not isinstance(before, Agreed)
    assert isinstance(before, ForReview) or not isinstance(after, ForReview)


@st.composite
def small_cases(draw: st.DrawFn) -> tuple[Proposal, Situation]:
    """Debts of a few dollars, so that all that could be agreed can be counted out."""
    today = date(2026, 11, 22)
    floor, least = draw(st.integers(2_000, 10_000)), draw(st.integers(50, 200))
    plan = PlanLimits(
        minimum_installment_cents=least,
        maximum_months=draw(st.integers(1, 6)),
        frequencies=(Frequency.WEEKLY, Frequency.EVERY_TWO_WEEKS, Frequency.MONTHLY),
        down_payment_bps=draw(st.sampled_from((0, 0, 3_000))),
        first_payment_within_days=draw(st.integers(0, 40)),
    )
    policy = Policy(
        version=1,
        currency="USD",
        bands=draw(bands(floor, 1)),
        plan=draw(st.sampled_from((plan, plan, None))),
        agree=ProposalLimits(floor, draw(st.integers(50, least)), draw(st.integers(6, 9))),
        review=ProposalLimits(1, 50, 12),
    )
    account = replace(draw(accounts(today)), balance_cents=Cents(draw(st.integers(150, 1_500))))
    total = draw(st.none() | st.integers(50, account.balance_cents))
    proposal = Proposal(
        first_on=today + timedelta(days=draw(st.integers(0, 80))),
        total_cents=None if total is None else Cents(total),
        amount_cents=Cents(draw(st.integers(50, total or account.balance_cents))),
        frequency=draw(st.sampled_from(plan.frequencies if policy.plan else (Frequency.MONTHLY,))),
    )
    return proposal, (account, policy, today)


def admissible(proposal: Proposal, situation: Situation) -> bool:
    """Whether any terms of this shape pass the last look, whatever the negotiator thinks."""
    account, policy, today = situation
    total, amount = proposal.sums(account.balance_cents)
    whole = total == account.balance_cents
    bounds = plan_bounds(account, policy, today, Basis.AGREED)
    keys = ("plan", "agreed:plan", "agreed:whole") if whole else ("agreed:settlement",)
    for key in keys:
        planned = key.endswith("plan") and bounds is not None
        down = bounds.down_payment_cents if planned and bounds else Cents(0)
        parts = parts_by_amount(total, min(amount, total), minimum=Cents(50), down=down)
        days = due_dates(proposal.first_on, proposal.frequency, len(parts))
        terms = Terms(
            kind=Kind.PLAN if whole else Kind.SETTLEMENT,
            key=key,
            policy_version=policy.version,
            currency=account.currency,
            balance_cents=account.balance_cents,
            total_cents=total,
            schedule=tuple(zip(days, parts, strict=True)),
            frequency=proposal.frequency if planned or len(parts) > 1 else None,
            down_payment_cents=down,
        )
        with suppress(DomainError):
            return bool(admit(terms, account, policy, today))
    return False


def between(low: int, high: int) -> list[int]:
    """Whole numbers from low to high, ends and their neighbours always, at most a few dozen."""
    step = max((high - low) // GRID, 1)
    near = {low, low + 1, high - 1, high, *range(low, high + 1, step)}
    return sorted(one for one in near if low <= one <= high)


@given(small_cases())
def test_no_amount_between_the_proposal_and_the_alternative_can_be_agreed(
    case: tuple[Proposal, Situation],
) -> None:
    proposal, situation = case
    owed = situation[0].balance_cents
    total, amount = proposal.sums(owed)
    said = answer(proposal, *situation)
    assume(total == owed and not isinstance(said, Agreed))
    found = [
        as_proposal(one.terms).sums(owed)[1]
        for one in alternatives(said)
        if one.terms.first_on == proposal.first_on
        and one.terms.total_cents == owed
        and one.terms.frequency in (proposal.frequency, None)
    ]
    for each in between(amount, owed - 50):
        if admissible(replace(proposal, amount_cents=Cents(each)), situation):
            assert min(found, default=owed + 1) <= each
            break


@given(small_cases())
def test_no_total_between_the_proposal_and_the_alternative_closes_the_account(
    case: tuple[Proposal, Situation],
) -> None:
    proposal, situation = case
    owed = situation[0].balance_cents
    total, amount = proposal.sums(owed)
    said = answer(proposal, *situation)
    assume(total < owed and not isinstance(said, Agreed))
    count = len(parts_by_amount(total, amount, minimum=Cents(50)))
    found = [
        one.terms.total_cents
        for one in alternatives(said)
        if one.terms.first_on == proposal.first_on and len(one.terms.schedule) <= count
    ]
    for more in between(total, owed - 1):
        each = Cents(max(amount, -(-more // count)))
        wish = replace(proposal, total_cents=Cents(more), amount_cents=each)
        if admissible(wish, situation):
            assert min(found, default=owed + 1) <= more
            break


@given(small_cases())
def test_no_first_date_between_the_proposal_and_the_alternative_can_be_agreed(
    case: tuple[Proposal, Situation],
) -> None:
    proposal, situation = case
    said = answer(proposal, *situation)
    assume(not isinstance(said, Agreed))
    found = [one.terms.first_on for one in alternatives(said) if one.axis is Axis.START]
    first = situation[2].toordinal()
    for day in reversed(between(first, proposal.first_on.toordinal())):
        first_on = date.fromordinal(day)
        if admissible(replace(proposal, first_on=first_on), situation):
            assert max(found, default=date.min) >= first_on
            break


@given(small_cases())
def test_no_fewer_payments_of_ones_own_close_the_account(
    case: tuple[Proposal, Situation],
) -> None:
    proposal, situation = case
    owed = situation[0].balance_cents
    _, amount = proposal.sums(owed)
    said = answer(proposal, *situation)
    assume(not isinstance(said, Agreed))
    found = [
        one.terms.total_cents
        for one in alternatives(said)
        if one.terms.first_on == proposal.first_on and one.terms.first_cents < amount + 50
    ]
    assume(not any(one.axis is Axis.START for one in alternatives(said)))
    for total in between(amount + 50, owed - 1):
        if admissible(replace(proposal, total_cents=Cents(total), amount_cents=amount), situation):
            assert min(found, default=owed + 1) <= total
            break
