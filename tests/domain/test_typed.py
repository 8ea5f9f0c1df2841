from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain import typed


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("80", 80_00),
        ("80.5", 80_50),
        ("$80.50", 80_50),
        (" 1,000 ", 1_000_00),
        ("1,240.07", 1_240_07),
        ("1 240,07", 1_240_07),
        ("1\u202f240,00\u00a0$ US", 1_240_00),
        ("80,50", 80_50),
        ("CAD 12", 12_00),
        ("0.01", 1),
        ("9,999,999.99", 9_999_999_99),
    ],
)
def test_amounts_are_understood_as_people_type_them(text: str, cents: int) -> None:
    assert typed.amount(text) == cents


@pytest.mark.parametrize("text", ["1.240", "1,24,0", "80.505", "abc", "-5", "1e3", "12..5"])
def test_an_unclear_amount_is_asked_for_again(text: str) -> None:
    with pytest.raises(typed.AmountUnclear):
        typed.amount(text)


def test_a_thousand_is_unclear_where_the_comma_is_decimal() -> None:
    with pytest.raises(typed.AmountUnclear):
        typed.amount("1,000", comma_is_decimal=True)
    assert typed.amount("1.000,00", comma_is_decimal=True) == 1_000_00


@pytest.mark.parametrize("text", ["0", "0.00", "10,000,000", "9" * 5000])
def test_nothing_and_too_much_are_refused(text: str) -> None:
    with pytest.raises(typed.AmountOutOfReach):
        typed.amount(text)


@pytest.mark.parametrize("text", ["", " ", "$"])
def test_no_amount_is_no_amount(text: str) -> None:
    with pytest.raises(typed.AmountMissing):
        typed.amount(text)


@given(st.integers(1, typed.LARGEST - 1))
def test_what_we_write_we_understand(cents: int) -> None:
    assert typed.amount(f"${cents // 100:,}.{cents % 100:02}") == cents


@given(st.text())
def test_whatever_is_typed_is_an_amount_or_a_question(text: str) -> None:
    with suppress(typed.AmountMissing, typed.AmountUnclear, typed.AmountOutOfReach):
        assert typed.amount(text) > 0


def test_a_date_in_three_boxes() -> None:
    assert typed.day("1985", " 3", "27 ") == date(1985, 3, 27)


@pytest.mark.parametrize(
    "boxes",
    [
        ("85", "3", "27"),
        ("1985", "13", "1"),
        ("1985", "2", "30"),
        ("", "", ""),
        ("19x5", "1", "1"),
        ("1985", "٣", "1"),
        ("1985", "1" * 5000, "1"),
    ],
)
def test_what_is_no_day_is_asked_for_again(boxes: tuple[str, str, str]) -> None:
    with pytest.raises(typed.DateUnclear):
        typed.day(*boxes)
