from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain import DomainError
from portal.domain.money import (
    LARGEST_CENTS,
    AmountMissing,
    AmountNotPositive,
    AmountTooLarge,
    AmountUnclear,
    Cents,
    CurrencyNotSupported,
    Money,
    minimum_charge,
    parse_amount,
    share,
    split,
)


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("80", 80_00),
        ("80.5", 80_50),
        (" $80.50 ", 80_50),
        (".50", 50),
        ("1,000", 1_000_00),
        ("1,240.00", 1_240_00),
        ("1.240,00", 1_240_00),
        ("12,345,678.9", 12_345_678_90),
        ("1 000,00", 1_000_00),
        ("1\u202f000,00 $US", 1_000_00),
        ("1\u00a0000", 1_000_00),
        ("US$5", 5_00),
        ("CA$ 5", 5_00),
        ("5 CAD", 5_00),
        ("007", 7_00),
        ("1000000000.00", LARGEST_CENTS),
    ],
)
def test_an_amount_is_read_as_people_write_it(typed: str, cents: int) -> None:
    assert parse_amount(typed) == cents


@pytest.mark.parametrize(
    ("typed", "cents"),
    [("80,50", 80_50), ("80,5 $", 80_50), ("80.50", 80_50), ("1 240,00", 1_240_00), ("1,00", 1_00)],
)
def test_a_french_page_reads_a_decimal_comma(typed: str, cents: int) -> None:
    assert parse_amount(typed, decimal_comma=True) == cents


@pytest.mark.parametrize(
    "typed",
    ["1.240", "1e3", "NaN", "inf", "1,00", "\u0663", "\uff11\uff10", "80.505", "1,0000", "5 5"]
    + ["1 00", "=5", "+5", "(5)", "$", "five", "1.240.000", "5\x00", "0x10", "1_000"],
)
def test_an_amount_that_could_mean_two_things_or_none_is_asked_again(typed: str) -> None:
    """M-9."""
    with pytest.raises(AmountUnclear):
        parse_amount(typed)


@pytest.mark.parametrize("typed", ["1,240", "1.240", "1,000"])
def test_a_french_page_does_not_guess_at_thousands(typed: str) -> None:
    with pytest.raises(AmountUnclear):
        parse_amount(typed, decimal_comma=True)


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("", AmountMissing),
        (" \u00a0 ", AmountMissing),
        ("0", AmountNotPositive),
        ("0.00", AmountNotPositive),
        ("-1", AmountNotPositive),
        ("\u22125.00", AmountNotPositive),
        ("1000000000.01", AmountTooLarge),
        ("9" * 20, AmountTooLarge),
        ("9" * 400, AmountTooLarge),
        ("x" * 10_000, AmountUnclear),
    ],
)
def test_an_impossible_amount_says_why(typed: str, error: type[DomainError]) -> None:
    with pytest.raises(error) as raised:
        parse_amount(typed)
    assert str(raised.value).endswith(".")


@given(st.text(max_size=60) | st.text("0123456789., $-", max_size=20), st.booleans())
def test_whatever_is_typed_is_an_amount_or_a_named_error(typed: str, comma: bool) -> None:
    with suppress(DomainError):
        assert 0 < parse_amount(typed, decimal_comma=comma) <= LARGEST_CENTS


@given(st.integers(1, LARGEST_CENTS).map(Cents), st.sampled_from(["USD", "CAD"]))
def test_an_amount_that_we_print_can_be_typed_again(cents: Cents, currency: str) -> None:
    assert parse_amount(str(Money(cents, currency))) == cents


@given(st.integers(1, 10**11).map(Cents), st.integers(1, 600))
def test_parts_sum_to_the_total_and_the_last_carries_the_odd_cents(total: Cents, n: int) -> None:
    if total < n:
        with pytest.raises(AmountNotPositive):
            split(total, n)
        return
    parts = split(total, n)
    assert sum(parts) == total
    assert len(parts) == n
    assert set(parts[:-1]) <= {parts[0]}
    assert parts[0] <= parts[-1] < parts[0] + n


def test_a_third_of_a_hundred_dollars() -> None:
    """M-5."""
    assert split(Cents(100_00), 3) == (33_33, 33_33, 33_34)
    assert sum(split(Cents(99_999_999_99), 60)) == 99_999_999_99


@given(st.integers(1, 10**11).map(Cents), st.integers(1, 10_000))
def test_a_share_is_never_rounded_below_its_percentage(amount: Cents, bps: int) -> None:
    assert amount * bps <= share(amount, bps) * 10_000 < amount * bps + 10_000


def test_only_currencies_with_a_known_minimum_are_charged() -> None:
    assert minimum_charge("USD") == minimum_charge("CAD") == 50
    with pytest.raises(CurrencyNotSupported):
        minimum_charge("XTS")


def test_money_prints_with_its_sign() -> None:
    assert str(Money(Cents(1_240_00), "USD")) == "$1,240.00"
    assert str(Money(Cents(-5), "CAD")) == "-CA$0.05"
