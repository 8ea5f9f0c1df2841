from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain import DomainError
from portal.domain.admission import admit
from portal.domain.building import build, choice_of
from portal.domain.facts import AccountFacts
from portal.domain.limits import plan_bounds
from portal.domain.money import Cents, share
from portal.domain.offers import (
    Offer,
    OnlyAllOfIt,
    PaymentTooLarge,
    PaymentTooSmall,
    RestTooSmall,
    find_offer,
    offers,
    part_payment,
    plan_presets,
)
from portal.domain.policy import Policy
from portal.domain.schedules import Frequency
from portal.domain.terms import Choice, Kind
from tests.domain.policies import situations
from tests.domain.test_policy import POLICY

TODAY = date(2026, 11, 22)
DANA = AccountFacts(
    balance_cents=Cents(1_240_00),
    currency="USD",
    placed_on=date(2026, 11, 1),
    default_on=date(2026, 6, 10),
)
Situation = tuple[AccountFacts, Policy, date]


def test_offers_are_listed_by_what_people_can_bear() -> None:
    plan, parts, lump, full = offers(DANA, POLICY, TODAY)
    assert (plan.key, plan.parts, plan.from_cents) == ("plan", 24, 52_00)
    assert (parts.key, parts.total_cents, parts.saved_cents) == (
        "settlement:8000:3",
        992_00,
        248_00,
    )
    assert (lump.key, lump.total_cents, lump.saved_cents) == ("settlement:7000:1", 868_00, 372_00)
    assert (full.key, full.total_cents, full.valid_until) == ("full", 1_240_00, None)


def test_presets_are_whole_dollars_from_the_smallest_payment_up() -> None:
    presets = plan_presets(DANA, POLICY, TODAY)
    assert [(p.amount_cents, p.count, p.last_cents) for p in presets] == [
        (52_00, 24, 44_00),
        (104_00, 12, 96_00),
        (207_00, 6, 205_00),
    ]
    weekly = plan_presets(DANA, POLICY, TODAY, Frequency.WEEKLY)
    assert weekly[0].amount_cents == 25_00
    assert plan_presets(DANA, replace(POLICY, plan=None), TODAY) == ()


def test_the_age_of_the_debt_decides_the_tiers() -> None:
    older = replace(DANA, default_on=date(2026, 1, 1))
    keys = [offer.key for offer in offers(older, POLICY, TODAY)]
    assert keys == ["plan", "settlement:7000:6", "settlement:6000:1", "full"]


@pytest.mark.parametrize(
    ("balance", "keys"),
    [
        (0, []),
        (-5, []),
        (49, []),
        (50, ["full"]),
        (51, ["settlement:8000:1", "full"]),
    ],
)
def test_nothing_is_offered_that_cannot_be_charged(balance: int, keys: list[str]) -> None:
    account = replace(DANA, balance_cents=Cents(balance))
    assert [offer.key for offer in offers(account, POLICY, TODAY)] == keys


def test_a_policy_of_another_currency_offers_nothing() -> None:
    assert offers(replace(DANA, currency="CAD"), POLICY, TODAY) == ()


def test_no_offer_ends_inside_the_validation_period() -> None:
    """VN-03, VN-07."""
    account = replace(DANA, earliest_deadline_on=date(2027, 1, 1))
    lump = find_offer("settlement:7000:1", account, POLICY, TODAY)
    assert lump.valid_until == date(2027, 1, 1)


def test_no_first_payment_is_forced_into_the_validation_period() -> None:
    """VN-07."""
    assert POLICY.plan is not None
    soon = replace(POLICY, plan=replace(POLICY.plan, first_payment_within_days=7))
    bounds = plan_bounds(DANA, soon, TODAY)
    later = plan_bounds(replace(DANA, earliest_deadline_on=date(2027, 1, 1)), soon, TODAY)
    assert bounds is not None
    assert later is not None
    assert bounds.latest_first_on == date(2026, 11, 29)
    assert later.latest_first_on == date(2027, 1, 1)


def test_an_account_does_not_leave_its_band_inside_the_validation_period() -> None:
    """VN-07: an offer may not end there, so it may not be lost there either."""
    account = replace(DANA, earliest_deadline_on=date(2027, 1, 1))
    for day in (TODAY, date(2026, 12, 7), date(2027, 1, 1)):
        lump = find_offer("settlement:7000:1", account, POLICY, day)
        assert lump.valid_until == date(2027, 1, 1)
    keys = [offer.key for offer in offers(account, POLICY, date(2027, 1, 2))]
    assert "settlement:6000:1" in keys


def test_a_deadline_stays_put_while_a_debtor_thinks() -> None:
    fresh = replace(DANA, default_on=date(2026, 9, 1))
    days = [TODAY + timedelta(days=n) for n in range(10)]
    ends = [find_offer("settlement:7000:1", fresh, POLICY, day).valid_until for day in days]
    assert ends == [date(2026, 12, 16)] * 10


def test_a_deadline_comes_before_the_account_leaves_its_band() -> None:
    last_day = date(2026, 12, 6)
    assert find_offer("settlement:7000:1", DANA, POLICY, TODAY).valid_until == last_day
    assert find_offer("settlement:7000:1", DANA, POLICY, last_day).valid_until == last_day
    next_day = last_day + timedelta(days=1)
    assert find_offer("settlement:6000:1", DANA, POLICY, next_day).total_cents == 744_00


@given(situations())
def test_every_offer_is_within_the_policy(situation: Situation) -> None:
    account, policy, today = situation
    made = offers(account, policy, today)
    assert list(made) == sorted(made, key=lambda offer: list(Kind)[::-1].index(offer.kind))
    assert len({offer.key for offer in made}) == len(made)
    band = policy.band(account, today)
    for offer in made:
        assert offer.total_cents + offer.saved_cents == account.balance_cents
        assert offer.from_cents >= 50
        assert offer.total_cents >= offer.from_cents
        assert offer.parts >= 1
        if offer.kind is Kind.SETTLEMENT:
            assert offer.saved_cents > 0
            floor = share(account.balance_cents, policy.agreed_settlement_bps(band))
            assert offer.total_cents >= floor
            assert offer.valid_until is not None
            assert offer.valid_until >= today
            if account.earliest_deadline_on is not None:
                assert offer.valid_until >= account.earliest_deadline_on
        else:
            assert offer.saved_cents == 0


@given(situations())
def test_more_money_always_brings_more_time(situation: Situation) -> None:
    made = [offer for offer in offers(*situation) if offer.kind is Kind.SETTLEMENT]
    by_total = sorted(made, key=lambda offer: offer.total_cents)
    parts = [offer.parts for offer in by_total]
    assert parts == sorted(set(parts))


@given(situations(), st.data())
def test_every_offer_can_be_accepted_as_it_was_shown(
    situation: Situation, data: st.DataObject
) -> None:
    account, policy, today = situation
    for offer in offers(account, policy, today):
        choice = Choice(key=offer.key, valid_until=offer.valid_until)
        if offer.kind is Kind.SETTLEMENT and offer.parts > 1:
            rhythms = policy.plan.frequencies if policy.plan else (Frequency.MONTHLY,)
            choice = replace(
                choice, count=offer.parts, frequency=data.draw(st.sampled_from(rhythms))
            )
        if offer.kind is Kind.PLAN:
            bounds = plan_bounds(account, policy, today)
            assert bounds is not None
            rhythm = data.draw(st.sampled_from(bounds.frequencies))
            presets = plan_presets(account, policy, today, rhythm)
            if not presets:
                continue
            preset = data.draw(st.sampled_from(presets))
            choice = replace(choice, amount_cents=preset.amount_cents, frequency=rhythm)
        terms = build(choice, account, policy, today)
        assert admit(terms, account, policy, today) == terms
        assert sum(cents for _, cents in terms.schedule) == offer.total_cents
        assert all(cents >= 50 for _, cents in terms.schedule)
        assert len(terms.schedule) <= offer.parts or offer.kind is Kind.PLAN
        assert build(choice_of(terms), account, policy, today) == terms


@given(situations(), st.integers(0, 120))
def test_a_deadline_is_a_promise_kept_on_every_day_up_to_it(
    situation: Situation, later: int
) -> None:
    account, policy, today = situation
    for offer in offers(account, policy, today):
        day = today + timedelta(days=later)
        if offer.valid_until is None or day > offer.valid_until:
            continue
        again = find_offer(offer.key, account, policy, day)
        assert (again.total_cents, again.parts) == (offer.total_cents, offer.parts)
        assert again.valid_until is not None
        assert again.valid_until >= offer.valid_until
        shown = Choice(key=offer.key, valid_until=offer.valid_until)
        terms = build(shown, account, policy, day)
        assert terms.valid_until == offer.valid_until
        assert admit(terms, account, policy, day) == terms


@given(situations())
def test_presets_are_plans_that_are_offered(situation: Situation) -> None:
    account, policy, today = situation
    offered = any(offer.kind is Kind.PLAN for offer in offers(account, policy, today))
    presets = plan_presets(account, policy, today)
    assert len(presets) <= 3
    assert not presets or offered
    amounts = [preset.amount_cents for preset in presets]
    assert amounts == sorted(set(amounts))
    for preset in presets:
        terms = build(Choice("plan", amount_cents=preset.amount_cents), account, policy, today)
        assert len(terms.schedule) == preset.count > 1
        assert terms.last_cents == preset.last_cents


@given(situations())
def test_asking_twice_gives_the_same(situation: Situation) -> None:
    assert offers(*situation) == offers(*situation)


@given(st.integers(-10, 10**11 + 10).map(Cents), st.integers(-10, 10**11).map(Cents))
def test_paying_a_part_never_leaves_what_could_not_be_charged(amount: Cents, owed: Cents) -> None:
    account = replace(DANA, balance_cents=owed)
    try:
        paid = part_payment(amount, account)
    except DomainError:
        return
    assert paid == amount >= 50
    assert owed - paid == 0 or owed - paid >= 50


@pytest.mark.parametrize(
    ("amount", "owed", "error", "words"),
    [
        (49, 100_00, PaymentTooSmall, "$0.50"),
        (100_01, 100_00, PaymentTooLarge, "You owe $100.00."),
        (99_80, 100_00, RestTooSmall, "Pay $100.00, or $99.50 or less."),
        (60, 80, OnlyAllOfIt, "Pay $0.80 in one payment."),
    ],
)
def test_a_part_that_cannot_be_paid_says_what_can(
    amount: int, owed: int, error: type[DomainError], words: str
) -> None:
    with pytest.raises(error) as raised:
        part_payment(Cents(amount), replace(DANA, balance_cents=Cents(owed)))
    assert words in str(raised.value)


def test_an_offer_is_found_by_its_key() -> None:
    found = find_offer("full", DANA, POLICY, TODAY)
    assert isinstance(found, Offer)
    with pytest.raises(DomainError):
        find_offer("settlement:1:1", DANA, POLICY, TODAY)
