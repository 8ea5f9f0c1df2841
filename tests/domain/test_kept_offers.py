from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portal.domain import DomainError
from portal.domain.admission import admit
from portal.domain.building import build
from portal.domain.facts import AccountFacts
from portal.domain.kept_offers import Kept, best, promised
from portal.domain.money import Cents
from portal.domain.negotiation import answer, answer_beside
from portal.domain.offers import at_least_as_good, offers
from portal.domain.policy import Band, Policy, Tier
from portal.domain.proposals import Agreed, Alternatives, Answer, ForReview, Proposal
from portal.domain.terms import Choice, Kind
from tests.domain.policies import policies, proposals, situations
from tests.domain.test_offers import DANA, TODAY
from tests.domain.test_policy import POLICY

Situation = tuple[AccountFacts, Policy, date]
LATER = TODAY + timedelta(days=10)
LONG_AGO = TODAY - timedelta(days=200)


def with_tiers(version: int, *tiers: Tier) -> Policy:
    return replace(POLICY, version=version, bands=(Band(tiers=tiers),))


OLD = with_tiers(3, Tier(70_00, 1, 60))
DEARER = with_tiers(4, Tier(80_00, 1, 20))
CHEAPER = with_tiers(4, Tier(60_00, 1, 90))


def settlements(live: Policy, *kept: Kept, today: date = LATER) -> list[tuple[int, int]]:
    found = best(DANA, live, kept, today)
    return [(one.policy_version, one.total_cents) for one in found if one.kind is Kind.SETTLEMENT]


def test_an_offer_stays_when_the_client_asks_for_more() -> None:
    assert settlements(DEARER, Kept(OLD, TODAY)) == [(3, 868_00)]


def test_the_better_offer_is_shown_when_the_client_asks_for_less() -> None:
    assert settlements(CHEAPER, Kept(OLD, TODAY)) == [(4, 744_00)]


def test_what_is_better_in_one_way_only_stands_beside_what_was_promised() -> None:
    in_parts = with_tiers(4, Tier(80_00, 3, 60))
    assert settlements(in_parts, Kept(OLD, TODAY)) == [(4, 992_00), (3, 868_00)]


def test_a_dearer_offer_that_lasts_longer_stands_beside_the_promise() -> None:
    longer = with_tiers(4, Tier(80_00, 1, 120))
    assert settlements(longer, Kept(OLD, TODAY)) == [(3, 868_00), (4, 992_00)]


def test_an_offer_ends_on_the_last_day_that_was_shown() -> None:
    (promise,) = promised(DANA, Kept(OLD, TODAY), TODAY)
    last = promise.valid_until
    assert last is not None
    assert settlements(DEARER, Kept(OLD, TODAY), today=last)[0] == (3, 868_00)
    assert settlements(DEARER, Kept(OLD, TODAY), today=last + timedelta(days=1)) == [(4, 992_00)]
    assert settlements(DEARER, Kept(OLD, LONG_AGO)) == [(4, 992_00)]


def test_the_same_offer_of_two_versions_is_shown_once() -> None:
    same = replace(OLD, version=4)
    assert settlements(same, Kept(OLD, TODAY)) == [(4, 868_00)]


def test_without_an_earlier_version_there_are_the_live_offers() -> None:
    assert best(DANA, POLICY, (), TODAY) == offers(DANA, POLICY, TODAY)


@given(situations(), policies(), st.integers(0, 90))
def test_nobody_is_worse_off_than_with_either_version_alone(
    situation: Situation, live: Policy, days: int
) -> None:
    account, before, today = situation
    kept = Kept(before, today - timedelta(days=days))
    live = replace(live, version=before.version + 1)
    found = best(account, live, [kept], today)
    for one in (*offers(account, live, today), *promised(account, kept, today)):
        assert any(at_least_as_good(other, one) for other in found)


@given(situations(), policies(), st.integers(0, 90))
def test_every_kept_offer_can_be_accepted_under_its_own_version_until_its_last_day(
    situation: Situation, live: Policy, days: int
) -> None:
    account, before, seen_on = situation
    today = seen_on + timedelta(days=days)
    live = replace(live, version=before.version + 1)
    for one in best(account, live, [Kept(before, seen_on)], today):
        if one.policy_version == before.version:
            choice = Choice(key=one.key, total_cents=one.total_cents, valid_until=one.valid_until)
            terms = build(choice, account, before, today)
            assert admit(terms, account, before, today) == terms
            assert terms.valid_until == one.valid_until


@given(situations(), st.integers(0, 90))
def test_a_promise_is_kept_by_its_version_as_long_as_it_says(
    situation: Situation, days: int
) -> None:
    account, policy, seen_on = situation
    today = seen_on + timedelta(days=days)
    made = [one for one in offers(account, policy, seen_on) if one.valid_until is not None]
    standing = [one for one in made if one.valid_until is not None and one.valid_until >= today]
    assert [*promised(account, Kept(policy, seen_on), today)] == standing


def proposing(total: int, **given: Any) -> Answer:
    proposal = Proposal(first_on=LATER, total_cents=Cents(total), **given)
    live = replace(DEARER, agree=replace(POLICY.agree, settlement_bps=80_00))
    return answer_beside(proposal, DANA, live, (Kept(OLD, TODAY),), LATER)


def test_who_types_what_they_were_offered_gets_that_offer() -> None:
    for typed in (868_00, 900_00):
        said = proposing(typed)
        assert isinstance(said, Agreed)
        assert (said.terms.total_cents, said.terms.policy_version) == (868_00, 3)
        assert admit(said.terms, DANA, OLD, LATER) == said.terms


def test_nothing_dearer_is_called_the_lowest_beside_a_promise() -> None:
    said = proposing(800_00)
    assert isinstance(said, Alternatives)
    first, *others = said.alternatives
    assert (first.terms.total_cents, first.terms.valid_until) == (868_00, first.params["until"])
    assert {one.terms.kind for one in others} <= {Kind.PLAN}
    spread = proposing(868_00, amount_cents=Cents(434_00))
    assert isinstance(spread, Alternatives)
    assert spread.alternatives[0].terms.total_cents == 868_00


@given(situations(), policies(), st.integers(0, 60), st.data())
def test_nobody_is_answered_worse_for_what_they_were_promised(
    situation: Situation, live: Policy, days: int, data: st.DataObject
) -> None:
    account, policy, today = situation
    proposal = data.draw(proposals(account, live, today))
    kept = (Kept(policy, today - timedelta(days=days)),)
    try:
        alone = answer(proposal, account, live, today)
    except DomainError:
        return
    beside = answer_beside(proposal, account, live, kept, today)
    if isinstance(alone, Agreed):
        assert isinstance(beside, Agreed)
        assert beside.terms.total_cents <= alone.terms.total_cents
    if isinstance(alone, Alternatives):
        assert not isinstance(beside, ForReview)
