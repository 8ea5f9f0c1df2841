from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portal.domain import DomainError
from portal.domain.admission import admit
from portal.domain.building import build
from portal.domain.facts import AccountFacts, PaymentHistory
from portal.domain.kept_offers import Shown, choosable, find_promise, promised
from portal.domain.money import Cents, minimum_charge
from portal.domain.negotiation import answer, answer_beside
from portal.domain.offers import at_least_as_good, offers
from portal.domain.policy import Band, Policy, Segment, Tier
from portal.domain.proposals import Agreed, Alternatives, Answer, ForReview, Proposal
from portal.domain.terms import Choice, Kind
from tests.domain.policies import policies, proposals, situations
from tests.domain.test_offers import DANA, TODAY
from tests.domain.test_policy import POLICY

Situation = tuple[AccountFacts, Policy, date]
LATER = TODAY + timedelta(days=10)


def with_tiers(version: int, *tiers: Tier) -> Policy:
    return replace(POLICY, version=version, bands=(Band(tiers=tiers),))


OLD = with_tiers(3, Tier(70_00, 1, 60))
DEARER = with_tiers(4, Tier(80_00, 1, 20))
CHEAPER = with_tiers(4, Tier(60_00, 1, 90))


def showing(account: AccountFacts, policy: Policy, day: date, paid: int = 0) -> tuple[Shown, ...]:
    """What a debtor sees who comes on a day, and what they pay afterwards."""
    return tuple(
        Shown(
            policy=policy,
            key=one.key,
            total_cents=one.total_cents,
            balance_cents=account.balance_cents,
            parts=one.parts,
            valid_until=one.valid_until,
            paid_cents=Cents(paid),
        )
        for one in offers(account, policy, day)
        if one.valid_until is not None
    )


SEEN = showing(DANA, OLD, TODAY)


def settlements(
    live: Policy, *shown: Shown, account: AccountFacts = DANA, today: date = LATER
) -> list[tuple[int, int]]:
    found = choosable(account, live, shown, today)
    return [(one.policy_version, one.total_cents) for one in found if one.kind is Kind.SETTLEMENT]


def test_an_offer_stays_when_the_client_asks_for_more() -> None:
    assert settlements(DEARER, *SEEN) == [(3, 868_00)]


def test_the_better_offer_is_shown_when_the_client_asks_for_less() -> None:
    assert settlements(CHEAPER, *SEEN) == [(4, 744_00)]


def test_what_is_better_in_one_way_only_stands_beside_what_was_promised() -> None:
    in_parts = with_tiers(4, Tier(80_00, 3, 60))
    assert settlements(in_parts, *SEEN) == [(4, 992_00), (3, 868_00)]


def test_a_dearer_offer_that_lasts_longer_stands_beside_the_promise() -> None:
    longer = with_tiers(4, Tier(80_00, 1, 120))
    assert settlements(longer, *SEEN) == [(3, 868_00), (4, 992_00)]


def test_an_offer_ends_on_the_last_day_that_was_shown() -> None:
    (promise,) = SEEN
    last = promise.valid_until
    assert settlements(DEARER, *SEEN, today=last)[0] == (3, 868_00)
    assert settlements(DEARER, *SEEN, today=last + timedelta(days=1)) == [(4, 992_00)]


def test_the_same_offer_of_two_versions_is_shown_once() -> None:
    same = replace(OLD, version=4)
    assert settlements(same, *SEEN) == [(4, 868_00)]


def test_where_nothing_was_shown_there_are_the_live_offers() -> None:
    assert choosable(DANA, POLICY, (), TODAY) == offers(DANA, POLICY, TODAY)


def test_a_part_payment_counts_towards_what_was_shown() -> None:
    paid = replace(DANA, balance_cents=Cents(1_140_00))
    assert settlements(OLD, *showing(DANA, OLD, TODAY, paid=100_00), account=paid) == [(3, 768_00)]


def test_money_that_went_back_is_owed_again() -> None:
    after_refund = replace(DANA, balance_cents=Cents(1_340_00))
    shown = showing(DANA, OLD, TODAY, paid=-100_00)
    assert settlements(DEARER, *shown, account=after_refund) == [(3, 968_00)]


def test_who_paid_all_that_was_asked_closes_the_account_with_the_smallest_charge() -> None:
    paid = replace(DANA, balance_cents=Cents(300_00))
    assert settlements(DEARER, *showing(DANA, OLD, TODAY, paid=940_00), account=paid) == [(3, 50)]


def test_no_offer_stands_once_less_is_owed_than_it_asks() -> None:
    reduced = replace(DANA, balance_cents=Cents(868_00))
    assert settlements(DEARER, *SEEN, account=reduced) == [(4, 694_40)]


def test_what_the_debt_grew_by_is_owed_on_top() -> None:
    grown = replace(DANA, balance_cents=Cents(1_250_00))
    assert settlements(DEARER, *SEEN, account=grown) == [(3, 878_00)]
    corrected = replace(DANA, balance_cents=Cents(12_400_00))
    assert settlements(OLD, *SEEN, account=corrected) == [(3, 8_680_00)]


def test_an_account_that_moves_to_other_limits_keeps_what_it_was_shown() -> None:
    broke = Segment("broke", histories=(PaymentHistory.BROKE_PLAN,))
    bands = (Band(tiers=(Tier(70_00, 1, 60),)), Band(segment="broke", tiers=(Tier(95_00, 1, 60),)))
    limits = replace(POLICY, version=3, segments=(broke,), bands=bands)
    moved = replace(DANA, history=PaymentHistory.BROKE_PLAN)
    assert settlements(limits, account=moved) == [(3, 1_178_00)]
    assert settlements(limits, *showing(DANA, limits, TODAY), account=moved) == [
        (3, 868_00),
        (3, 1_178_00),
    ]


@given(situations(), policies(), st.integers(0, 90), st.integers(0, 100))
def test_nobody_is_worse_off_for_what_they_were_shown_or_for_what_they_paid(
    situation: Situation, live: Policy, days: int, share: int
) -> None:
    account, before, today = situation
    paid = account.balance_cents * share // 100
    shown = showing(account, before, today - timedelta(days=days), paid)
    left = replace(account, balance_cents=Cents(account.balance_cents - paid))
    live = replace(live, version=before.version + 1)
    found = choosable(left, live, shown, today)
    for one in (*offers(left, live, today), *promised(left, shown, today)):
        assert any(at_least_as_good(other, one) for other in found)
    for one in shown:
        stands = today <= one.valid_until and left.balance_cents > minimum_charge(left.currency)
        if stands and one.total_cents - paid < left.balance_cents:
            least = max(one.total_cents, paid + minimum_charge(left.currency))
            assert min(offer.total_cents for offer in found) + paid <= least


@given(situations(), policies(), st.integers(0, 90), st.integers(0, 90))
def test_every_kept_offer_can_be_accepted_under_its_own_version_until_its_last_day(
    situation: Situation, live: Policy, days: int, share: int
) -> None:
    account, before, seen_on = situation
    today = seen_on + timedelta(days=days)
    paid = account.balance_cents * share // 100
    shown = showing(account, before, seen_on, paid)
    left = replace(account, balance_cents=Cents(account.balance_cents - paid))
    live = replace(live, version=before.version + 1)
    for one in choosable(left, live, shown, today):
        if one.policy_version == before.version:
            found = find_promise(one.key, one.policy_version, left, shown, today)
            assert found == one
            choice = Choice(key=one.key, total_cents=one.total_cents, valid_until=one.valid_until)
            terms = build(choice, left, before, today, offer=found)
            assert admit(terms, left, before, today, offer=found) == terms
            assert (terms.total_cents, terms.valid_until) == (one.total_cents, one.valid_until)


def proposing(total: int, **given: Any) -> Answer:
    proposal = Proposal(first_on=LATER, total_cents=Cents(total), **given)
    live = replace(DEARER, agree=replace(POLICY.agree, settlement_bps=80_00))
    return answer_beside(proposal, DANA, live, SEEN, LATER)


def test_who_types_what_they_were_offered_gets_that_offer() -> None:
    for typed in (868_00, 900_00):
        said = proposing(typed)
        assert isinstance(said, Agreed)
        assert (said.terms.total_cents, said.terms.policy_version) == (868_00, 3)
        assert admit(said.terms, DANA, OLD, LATER, offer=promised(DANA, SEEN, LATER)[0])


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
    shown = showing(account, policy, today - timedelta(days=days))
    try:
        alone = answer(proposal, account, live, today)
    except DomainError:
        return
    beside = answer_beside(proposal, account, live, shown, today)
    if isinstance(alone, Agreed):
        assert isinstance(beside, Agreed)
        assert beside.terms.total_cents <= alone.terms.total_cents
    if isinstance(alone, Alternatives):
        assert not isinstance(beside, ForReview)
