"""What each of Stripe's codes leads to, and when a declined part is tried again (PY-09)."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from portal.domain.declines import (
    HARD,
    NEEDS_DEBTOR,
    REVOKED,
    SAYS_NOTHING,
    SOFT,
    Outcome,
    Try,
    is_bank,
    may_try,
    next_try,
    outcome,
)
from portal.domain.money import Cents
from portal.domain.paydays import EVERY_DAY, OpenDays, likely_paydays
from portal.domain.policy import DueDays
from portal.sandbox.instruments import BANKS, CARDS
from portal.sandbox.instruments import NEEDS_DEBTOR as ABSENT

CONTRACT = json.loads((Path(__file__).parents[1] / "sandbox" / "openapi-subset.json").read_text())
SCHEMAS = CONTRACT["components"]["schemas"]
FAR = date(2027, 12, 31)
MONDAY = date(2026, 11, 23)


def known(code: str) -> bool:
    """Whether a code was decided about."""
    return code in SOFT | HARD | NEEDS_DEBTOR | REVOKED | SAYS_NOTHING


def failed(on: date, said: Outcome = Outcome.SOFT, *, advised: bool = False, cents: int = 40_00):
    """A try of the part that came to nothing."""
    return Try(on=on, cents=Cents(cents), of_part=True, outcome=said, advised=advised)


def again(*tries: Try, bank: bool = False, until: date = FAR, opened: OpenDays = EVERY_DAY):
    """When it is tried again, if the last one failed on its own day."""
    return next_try(tries, failed_on=tries[-1].on, bank=bank, patient_until=until, opened=opened)


def test_each_code_leads_to_one_outcome():
    tables = (SOFT, HARD, NEEDS_DEBTOR, REVOKED, SAYS_NOTHING)
    assert sum(map(len, tables)) == len(frozenset().union(*tables))


def test_no_code_of_stripes_published_contract_is_forgotten():
    blocked = SCHEMAS["payment_method_us_bank_account_blocked"]["properties"]["reason"]["enum"]
    assert all(outcome(code) in (Outcome.HARD, Outcome.REVOKED) for code in blocked)
    advised = SCHEMAS["charge_outcome"]["properties"]["advice_code"]["enum"]
    assert {code: outcome("card_declined", "generic_decline", code) for code in advised} == {
        "confirm_card_data": Outcome.HARD,
        "do_not_try_again": Outcome.HARD,
        "try_again_later": Outcome.SOFT,
    }


def test_no_code_that_the_sandbox_answers_with_is_forgotten():
    declines = [card.decline for card in CARDS if card.decline] + [ABSENT]
    assert all(known(one.code) and known(one.decline_code) for one in declines)
    assert all(known(bank.failure) for bank in BANKS if bank.failure)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("card_declined", "insufficient_funds", "try_again_later"), Outcome.SOFT),
        (("card_declined", "do_not_honor", None), Outcome.SOFT),
        (("card_declined", "issuer_not_available", None), Outcome.SOFT),
        (("card_declined", "do_not_honor", "do_not_try_again"), Outcome.HARD),
        (("card_declined", "lost_card", "try_again_later"), Outcome.HARD),
        (("expired_card", "expired_card", None), Outcome.HARD),
        (("bank_account_unusable", None, None), Outcome.HARD),
        (("resource_missing", None, None), Outcome.HARD),
        (("authentication_required", "authentication_required", None), Outcome.NEEDS_DEBTOR),
        (("debit_not_authorized", None, None), Outcome.REVOKED),
        (("card_declined", "stop_payment_order", "try_again_later"), Outcome.REVOKED),
        (("card_declined", "a_code_of_next_year", None), Outcome.ONCE),
        (("card_declined", None, "an_advice_of_next_year"), Outcome.ONCE),
        ((None, None, None), Outcome.ONCE),
    ],
)
def test_py_09_the_strictest_of_the_codes_counts(
    codes: tuple[str | None, str | None, str | None], expected: Outcome
):
    assert outcome(*codes) is expected


def test_py_09_a_soft_decline_is_tried_three_times_in_fourteen_days_near_paydays():
    tries = [failed(date(2026, 12, 1))]
    while (day := again(*tries)) is not None:
        tries.append(failed(day))
    assert [one.on.day for one in tries] == [1, 4, 11, 15]


def test_py_09_an_unknown_code_is_tried_once_more():
    first = failed(MONDAY, Outcome.ONCE)
    second = again(first)
    assert second == date(2026, 11, 27)
    assert again(first, failed(second, Outcome.ONCE)) is None


@pytest.mark.parametrize("said", [Outcome.HARD, Outcome.NEEDS_DEBTOR, Outcome.REVOKED])
def test_py_09_what_is_not_soft_is_not_tried_by_itself(said: Outcome):
    assert again(failed(MONDAY, said)) is None


def test_py_09_not_within_a_day_and_three_days_where_the_network_says_later():
    thursday = date(2026, 11, 26)
    assert again(failed(thursday)) == date(2026, 11, 30)
    assert again(failed(thursday, advised=True)) == date(2026, 11, 30)
    assert again(failed(date(2026, 11, 27), advised=True)) == date(2026, 12, 1)


def test_no_try_after_the_patience_of_the_plan():
    assert again(failed(MONDAY), until=date(2026, 11, 27)) == date(2026, 11, 27)
    assert again(failed(MONDAY), until=date(2026, 11, 26)) is None


def test_py_09_a_bank_debit_is_presented_again_twice_and_after_it_came_back():
    tries = [failed(date(2026, 12, 1))]
    day = next_try(
        tries, failed_on=date(2026, 12, 7), bank=True, patient_until=FAR, opened=EVERY_DAY
    )
    assert day == date(2026, 12, 11)
    assert again(tries[0], failed(date(2026, 12, 4)), failed(date(2026, 12, 11)), bank=True) is None


def test_a_payday_that_is_closed_moves_to_the_next_open_day():
    opened = OpenDays(DueDays.WORKING_DAYS, {date(2027, 1, 1)})
    found = likely_paydays(date(2026, 12, 30), date(2027, 1, 16), opened)
    assert found == (date(2026, 12, 31), date(2027, 1, 4), date(2027, 1, 8), date(2027, 1, 15))


def test_paydays_of_a_leap_year():
    opened = OpenDays(DueDays.WORKING_DAYS)
    assert likely_paydays(date(2028, 2, 26), date(2028, 3, 1), opened) == (
        date(2028, 2, 29),
        date(2028, 3, 1),
    )


@pytest.mark.parametrize("said", [Outcome.HARD, Outcome.REVOKED])
def test_py_09_after_a_hard_decline_no_part_is_charged_that_way(said: Outcome):
    other = Try(on=MONDAY, cents=Cents(10_00), of_part=False, outcome=said)
    assert not may_try([other], Cents(40_00), bank=False, today=MONDAY + timedelta(days=90))


def test_py_09_a_card_is_tried_fifteen_times_in_thirty_days_for_one_amount():
    today = MONDAY + timedelta(days=29)
    tries = [failed(MONDAY) for _ in range(15)]
    assert not may_try(tries, Cents(40_00), bank=False, today=today)
    assert may_try(tries, Cents(41_00), bank=False, today=today)
    assert may_try(tries[1:], Cents(40_00), bank=False, today=today)
    assert may_try(tries, Cents(40_00), bank=False, today=today + timedelta(days=1))


def test_py_09_a_bank_debit_is_presented_three_times_in_180_days_for_one_part():
    tries = [failed(MONDAY) for _ in range(3)]
    assert not may_try(tries, Cents(40_00), bank=True, today=MONDAY + timedelta(days=179))
    others = [Try(on=MONDAY, cents=Cents(40_00), of_part=False) for _ in range(3)]
    assert may_try(others, Cents(40_00), bank=True, today=MONDAY)


def test_py_09_a_part_whose_bank_asked_for_its_owner_is_not_taken_without_them():
    asked = failed(MONDAY, Outcome.NEEDS_DEBTOR)
    later = MONDAY + timedelta(days=10)
    assert not may_try([failed(MONDAY), asked], Cents(40_00), bank=False, today=later)
    other = Try(on=MONDAY, cents=Cents(40_00), of_part=False, outcome=Outcome.NEEDS_DEBTOR)
    assert may_try([other], Cents(40_00), bank=False, today=later)


def test_what_is_no_card_counts_as_a_bank_account():
    assert [is_bank(one) for one in ("credit", "debit", "prepaid", "unknown", None)] == [
        *(False, False, False, False, True)
    ]
