from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.domain import DomainError
from portal.domain import terms as written
from portal.domain.admission import admit, grant, granted_terms
from portal.domain.building import build, choice_of
from portal.domain.facts import AccountFacts
from portal.domain.limits import (
    BalanceChanged,
    DownPaymentTooSmall,
    FirstPaymentInPast,
    FirstPaymentTooLate,
    FirstPaymentTooSoon,
    FrequencyNotOffered,
    InstallmentTooSmall,
    OfferExpired,
    OfferNotInPolicy,
    PlanTooLong,
    SettlementTooLow,
    TooManyParts,
    plan_bounds,
)
from portal.domain.money import AmountNotPositive, Cents
from portal.domain.policy import Policy
from portal.domain.schedules import Frequency, Schedule, due_dates, most_parts
from portal.domain.terms import Choice, Kind, Method, Terms
from tests.domain.policies import situations
from tests.domain.test_offers import DANA, TODAY
from tests.domain.test_policy import PLAN, POLICY

MONTHLY_ONLY = replace(POLICY, plan=PLAN)
DOWN = replace(POLICY, plan=replace(PLAN, down_payment_bps=25_00))
CHOICE = Choice("plan", amount_cents=Cents(104_00), first_on=date(2026, 12, 4))
Situation = tuple[AccountFacts, Policy, date]


def test_a_plan_of_104_dollars_a_month() -> None:
    terms = build(CHOICE, DANA, POLICY, TODAY)
    assert terms.runs == ((11, 104_00), (1, 96_00))
    assert (terms.first_on, terms.last_on) == (date(2026, 12, 4), date(2027, 11, 4))
    assert (terms.total_cents, terms.saved_cents) == (1_240_00, 0)
    assert terms.method is Method.MANUAL


def test_a_down_payment_is_taken_first_and_the_rest_follows() -> None:
    terms = build(CHOICE, DANA, DOWN, TODAY)
    assert terms.runs == ((1, 310_00), (8, 104_00), (1, 98_00))
    more = build(replace(CHOICE, down_payment_cents=Cents(500_00)), DANA, DOWN, TODAY)
    assert more.first_cents == more.down_payment_cents == 500_00
    assert admit(more, DANA, DOWN, TODAY) == more


def test_a_settlement_can_be_paid_in_its_parts() -> None:
    choice = Choice("settlement:8000:3", count=3, frequency=Frequency.EVERY_TWO_WEEKS)
    terms = build(choice, DANA, POLICY, TODAY)
    assert terms.runs == ((2, 330_66), (1, 330_68))
    assert terms.saved_cents == 248_00
    assert (terms.last_on - terms.first_on).days == 28


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"amount_cents": 20_00}, InstallmentTooSmall, "at least $51.67"),
        ({"amount_cents": 1}, InstallmentTooSmall, "at least $51.67"),
        ({"amount_cents": 30_00}, PlanTooLong, "more than 24 months. With payments of $51.67"),
        ({"amount_cents": 0}, AmountNotPositive, "above zero"),
        ({"amount_cents": None, "count": 25}, PlanTooLong, "24 months"),
        ({"amount_cents": None, "count": 0}, AmountNotPositive, "above zero"),
        ({"amount_cents": None, "count": 10**9}, InstallmentTooSmall, "$51.67"),
        ({"key": "settlement:8000:3", "amount_cents": None, "count": 4}, TooManyParts, "3 parts"),
        ({"key": "agreed:settlement", "total_cents": 0}, SettlementTooLow, "$806.00"),
        ({"amount_cents": None, "count": 90_000}, InstallmentTooSmall, "$51.67"),
        ({"first_on": date(2026, 11, 21)}, FirstPaymentInPast, "from 2026-11-22 on"),
        ({"first_on": date(2026, 12, 23)}, FirstPaymentTooLate, "on 2026-12-22 at the latest"),
        ({"frequency": Frequency.WEEKLY}, FrequencyNotOffered, "how often"),
        ({"key": "settlement:8000:3", "amount_cents": 200_00}, TooManyParts, "up to 3 parts"),
        ({"key": "settlement:7000:9"}, OfferNotInPolicy, "not open any more"),
        ({"key": "granted:plan"}, OfferNotInPolicy, "not open any more"),
        ({"key": "granted:settlement"}, OfferNotInPolicy, "not open any more"),
        ({"key": ""}, OfferNotInPolicy, "not open any more"),
        ({"key": "full"}, FirstPaymentTooLate, "2026-11-22"),
        ({"key": "agreed:settlement", "total_cents": 805_99}, SettlementTooLow, "$806.00"),
        ({"key": "agreed:settlement", "total_cents": 1_240_00}, SettlementTooLow, "$806.00"),
        (
            {"key": "settlement:7000:1", "valid_until": date(2026, 11, 21)},
            OfferExpired,
            "2026-11-21",
        ),
    ],
)
def test_a_choice_outside_the_limits_says_what_would_do(
    change: dict[str, Any], error: type[DomainError], words: str
) -> None:
    with pytest.raises(error) as raised:
        build(replace(CHOICE, **change), DANA, MONTHLY_ONLY, TODAY)
    assert words in str(raised.value)


def test_a_down_payment_below_what_is_asked_is_refused() -> None:
    with pytest.raises(DownPaymentTooSmall) as raised:
        build(replace(CHOICE, down_payment_cents=Cents(309_99)), DANA, DOWN, TODAY)
    assert "$310.00" in str(raised.value)


def test_the_limits_hold_again_at_acceptance() -> None:
    """PY-01, M-1: whatever the terms say, the schedule itself is checked."""
    terms = build(CHOICE, DANA, MONTHLY_ONLY, TODAY)
    strict = replace(MONTHLY_ONLY, plan=replace(PLAN, minimum_installment_cents=120_00))
    short = replace(MONTHLY_ONLY, plan=replace(PLAN, maximum_months=6))
    for policy, error in ((strict, InstallmentTooSmall), (short, PlanTooLong)):
        with pytest.raises(error):
            admit(terms, DANA, policy, TODAY)
    with pytest.raises(DownPaymentTooSmall):
        admit(terms, DANA, DOWN, TODAY)
    with pytest.raises(FirstPaymentInPast):
        admit(terms, DANA, MONTHLY_ONLY, date(2026, 12, 5))
    with pytest.raises(OfferNotInPolicy):
        admit(terms, DANA, replace(MONTHLY_ONLY, version=4), TODAY)


def test_a_changed_balance_sends_the_debtor_to_a_fresh_page() -> None:
    """M-4."""
    terms = build(CHOICE, DANA, POLICY, TODAY)
    with pytest.raises(BalanceChanged) as raised:
        admit(terms, replace(DANA, balance_cents=Cents(1_000_00)), POLICY, TODAY)
    assert "$1,000.00" in str(raised.value)


def test_an_expired_offer_says_when_it_ended() -> None:
    terms = build(Choice("settlement:7000:1"), DANA, POLICY, TODAY)
    assert terms.valid_until == date(2026, 12, 6)
    with pytest.raises(OfferExpired) as raised:
        admit(terms, DANA, POLICY, date(2026, 12, 7))
    assert "2026-12-06" in str(raised.value)


def test_a_deadline_later_than_the_offer_s_is_not_believed() -> None:
    choice = Choice("settlement:7000:1", valid_until=date(2030, 1, 1))
    assert build(choice, DANA, POLICY, TODAY).valid_until == date(2026, 12, 6)


def test_an_agreed_settlement_is_held_to_the_floor_again() -> None:
    choice = Choice("agreed:settlement", total_cents=Cents(810_00), count=3)
    terms = build(choice, DANA, POLICY, TODAY)
    assert admit(terms, DANA, POLICY, TODAY) == terms
    stricter = replace(POLICY, agree=replace(POLICY.agree, settlement_bps=66_00))
    with pytest.raises(SettlementTooLow) as raised:
        admit(terms, DANA, stricter, TODAY)
    assert "$818.40" in str(raised.value)


def test_a_settlement_is_held_to_its_parts_and_rhythm_again() -> None:
    choice = Choice("agreed:settlement", total_cents=Cents(900_00), count=3)
    terms = build(choice, DANA, POLICY, TODAY)
    with pytest.raises(TooManyParts):
        admit(terms, DANA, replace(POLICY, bands=()), TODAY)
    weekly = build(replace(choice, frequency=Frequency.WEEKLY), DANA, POLICY, TODAY)
    with pytest.raises(FrequencyNotOffered):
        admit(weekly, DANA, MONTHLY_ONLY, TODAY)
    with pytest.raises(FirstPaymentTooLate):
        admit(terms.starting(date(2027, 1, 7)), DANA, POLICY, TODAY)


def _moved(schedule: Schedule) -> Schedule:
    (day, cents), *rest = schedule
    return ((day + timedelta(days=1), cents), *rest)


def _shaved(schedule: Schedule) -> Schedule:
    *rest, (day, cents) = schedule
    return (*rest, (day, Cents(cents - 1)))


TAMPERED: list[Callable[[Terms], Terms]] = [
    lambda terms: replace(terms, key="full"),
    lambda terms: replace(terms, key="plan", kind=Kind.PLAN),
    lambda terms: replace(terms, key="settlement:1:1", kind=Kind.SETTLEMENT),
    lambda terms: replace(terms, key="granted:settlement"),
    lambda terms: replace(terms, key="agreed:settlement"),
    lambda terms: replace(terms, key="agreed:whole"),
    lambda terms: replace(terms, policy_version=terms.policy_version + 1),
    lambda terms: replace(terms, currency="CAD"),
    lambda terms: replace(terms, balance_cents=Cents(terms.balance_cents - 1)),
    lambda terms: replace(terms, total_cents=Cents(terms.total_cents - 1)),
    lambda terms: replace(terms, schedule=_shaved(terms.schedule)),
    lambda terms: replace(
        terms, schedule=_shaved(terms.schedule), total_cents=Cents(terms.total_cents - 1)
    ),
    lambda terms: replace(terms, schedule=()),
    lambda terms: replace(terms, schedule=terms.schedule[:-1]),
    lambda terms: replace(terms, valid_until=date(2040, 1, 1)),
    lambda terms: replace(terms, valid_until=None),
]


@pytest.mark.parametrize("tamper", TAMPERED)
def test_terms_that_were_tampered_with_are_refused(tamper: Callable[[Terms], Terms]) -> None:
    """M-1, PY-01."""
    choice = Choice("settlement:8000:3", count=3, frequency=Frequency.MONTHLY)
    terms = build(choice, DANA, POLICY, TODAY)
    with pytest.raises(DomainError):
        admit(tamper(terms), DANA, POLICY, TODAY)


def test_a_date_out_of_rhythm_is_refused() -> None:
    terms = build(CHOICE, DANA, POLICY, TODAY)
    with pytest.raises(OfferNotInPolicy):
        admit(replace(terms, schedule=_moved(terms.schedule)), DANA, POLICY, TODAY)


@given(situations(), st.data())
def test_no_plan_collects_more_than_is_owed(situation: Situation, data: st.DataObject) -> None:
    account, policy, today = situation
    assume(policy.plan is not None and account.balance_cents >= 50)
    assume(policy.open_for(account, today))
    bounds = plan_bounds(account, policy, today)
    assert bounds is not None
    choice = Choice(
        "plan",
        amount_cents=Cents(data.draw(st.integers(1, account.balance_cents))),
        frequency=data.draw(st.sampled_from(Frequency)),
        first_on=today + timedelta(days=data.draw(st.integers(-1, 130))),
    )
    if data.draw(st.booleans()):
        choice = replace(choice, amount_cents=None, count=data.draw(st.integers(1, 400)))
    try:
        terms = build(choice, account, policy, today)
    except DomainError:
        return
    assert admit(terms, account, policy, today) == terms
    assert sum(cents for _, cents in terms.schedule) == account.balance_cents
    assert min(cents for _, cents in terms.schedule) >= 50
    assert all(cents >= bounds.minimum_cents for _, cents in terms.schedule[:-1])
    assert terms.first_cents >= min(bounds.down_payment_cents, terms.total_cents)
    assert terms.frequency in bounds.frequencies
    assert len(terms.schedule) <= most_parts(terms.frequency, bounds.months)
    assert today <= terms.first_on <= bounds.latest_first_on
    dates = [day for day, _ in terms.schedule]
    assert dates == sorted(set(dates))
    assert build(choice_of(terms), account, policy, today) == terms
    assert written.from_dict(written.to_dict(terms)) == terms


def test_terms_are_written_down_in_one_way() -> None:
    terms = build(Choice("settlement:7000:1"), DANA, POLICY, TODAY)
    assert written.canonical_bytes(terms) == (
        b'{"balance_cents":124000,"currency":"USD","kind":"settlement","method":"manual",'
        b'"offer_key":"settlement:7000:1","policy_version":3,"saved_cents":37200,'
        b'"schedule":[{"amount_cents":86800,"due_on":"2026-11-22","n":1}],"total_cents":86800,'
        b'"v":1,"valid_until":"2026-12-06"}'
    )
    assert len(written.sha256(terms)) == 64


def by_hand(total: int, *amounts: int, first_on: date = TODAY) -> Terms:
    dates = due_dates(first_on, Frequency.MONTHLY, len(amounts))
    parts = tuple((day, Cents(cents)) for day, cents in zip(dates, amounts, strict=True))
    return granted_terms(DANA, POLICY, total=Cents(total), schedule=parts)


def test_staff_may_grant_what_the_machine_may_not_agree_to() -> None:
    """PY-02."""
    until = date(2026, 12, 20)
    wish = by_hand(500_00, 250_00, 250_00)
    granted = grant(wish, DANA, POLICY, TODAY, valid_until=until)
    assert (granted.key, granted.valid_until) == ("granted:settlement", until)
    assert admit(granted, DANA, POLICY, TODAY, granted=granted) == granted
    with pytest.raises(OfferNotInPolicy):
        admit(granted, DANA, POLICY, TODAY)
    cheaper = replace(granted, total_cents=Cents(499_00))
    with pytest.raises(OfferNotInPolicy):
        admit(cheaper, DANA, POLICY, TODAY, granted=granted)
    with pytest.raises(OfferExpired):
        admit(granted, DANA, POLICY, date(2026, 12, 21), granted=granted)


def test_what_was_granted_can_be_taken_up_on_a_later_day() -> None:
    granted = grant(
        by_hand(500_00, 250_00, 250_00), DANA, POLICY, TODAY, valid_until=date(2026, 12, 20)
    )
    later = date(2026, 12, 1)
    with pytest.raises(FirstPaymentInPast):
        admit(granted, DANA, POLICY, later, granted=granted)
    moved = granted.starting(later)
    assert admit(moved, DANA, POLICY, later, granted=granted) == moved
    with pytest.raises(FirstPaymentTooLate):
        admit(granted.starting(date(2026, 12, 2)), DANA, POLICY, later, granted=granted)


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (by_hand(495_99, 495_99), SettlementTooLow),
        (by_hand(500_00, 5_00, 495_00), InstallmentTooSmall),
        (by_hand(1_240_00, *([10_00] * 48), 760_00), PlanTooLong),
        (by_hand(1_240_00, 1_240_00, first_on=date(2027, 2, 23)), FirstPaymentTooLate),
        (by_hand(1_240_00, 1_240_00, first_on=date(2026, 11, 21)), FirstPaymentInPast),
        (by_hand(1_300_00, 1_300_00), OfferNotInPolicy),
        (by_hand(900_00, 800_00), OfferNotInPolicy),
    ],
)
def test_staff_may_not_grant_beyond_review(wish: Terms, error: type[DomainError]) -> None:
    with pytest.raises(error):
        grant(wish, DANA, POLICY, TODAY, valid_until=date(2026, 12, 20))


def test_no_granted_offer_ends_inside_the_validation_period() -> None:
    """VN-07."""
    end = date(2027, 1, 5)
    account = replace(DANA, earliest_deadline_on=end)
    wish = by_hand(1_240_00, 620_00, 620_00, first_on=end)
    granted = grant(wish, account, POLICY, TODAY, valid_until=date(2026, 12, 1))
    assert granted.valid_until == end


def test_staff_ask_for_no_payment_inside_the_validation_period() -> None:
    """VN-03, VN-07."""
    end = date(2027, 1, 5)
    account = replace(DANA, earliest_deadline_on=end)
    wish = by_hand(1_240_00, 620_00, 620_00, first_on=end - timedelta(days=1))
    with pytest.raises(FirstPaymentTooSoon) as refused:
        grant(wish, account, POLICY, TODAY, valid_until=end)
    assert refused.value.params == {"earliest": end}
