"""Cells: amounts and days as spreadsheets write them, exactly or not at all."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.spreadsheets import guarded
from portal.services.placements.cells import (
    LARGEST_WHOLE,
    Unusable,
    read_cents,
    read_currency,
    read_day,
    read_text,
    read_yes,
)

AMOUNTS = st.integers(0, LARGEST_WHOLE * 100 - 1)
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))


@given(cents=AMOUNTS)
def test_an_amount_comes_back_however_it_was_written(cents: int) -> None:
    whole, rest = divmod(cents, 100)
    english, spaced = f"{whole:,}.{rest:02}", f"{whole:,}".replace(",", "\u202f") + f",{rest:02}"
    german = f"{whole:,}".replace(",", ".") + f",{rest:02}"
    written = [f"{whole}.{rest:02}", english, spaced, german, f"$ {english}", f"{spaced} $"]
    written += [f"US${english}", f"{whole}.{rest:02} USD", f"USD {english}", f"'{english}"[1:]]
    for text in written:
        assert read_cents(text, "USD") == cents, text
    for text in (f"-{english}", f"({english})", f"{english}-", f"-${english}", f"$-{english}"):
        assert read_cents(text, "USD") == -cents, text


@given(cents=AMOUNTS, digit=st.integers(0, 9))
def test_a_third_decimal_is_refused_and_never_rounded(cents: int, digit: int) -> None:
    whole, rest = divmod(cents, 100)
    with pytest.raises(Unusable, match="more decimals than CAD has"):
        read_cents(f"{whole}.{rest:02}{digit}", "CAD")


@given(text=st.text(max_size=30))
def test_any_text_is_an_exact_amount_or_refused(text: str) -> None:
    try:
        cents = read_cents(text, "USD")
    except Unusable:
        return
    assert isinstance(cents, int)
    assert any(mark.isdigit() for mark in text)


@given(text=st.from_regex(r"[-$(]?[0-9., ']{1,14}[)]?", fullmatch=True))
def test_what_looks_like_an_amount_keeps_all_its_digits(text: str) -> None:
    """No digit is ever dropped or moved across the decimal mark."""
    try:
        cents = abs(read_cents(text, "USD"))
    except Unusable:
        return
    digits = "".join(mark for mark in text if mark.isdigit())
    assert cents in {int(digits) * scale for scale in (1, 10, 100)}


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0.00", 0),
        ("1,234", 123_400),
        ("12,34", 1_234),
        ("0,5", 50),
        ("1 234.5", 123_450),
        ("1'234.50", 123_450),
        (".50", 50),
        ("$1,234,567.89", 123_456_789),
        ("1.234,56", 123_456),
        ("  12.00  ", 1_200),
        ("１２.５０", 1_250),
        ("−12.50", -1_250),
        ("12.50 $", 1_250),
    ],
)
def test_amounts_as_they_are_met(text: str, cents: int) -> None:
    assert read_cents(text, "USD") == cents


@pytest.mark.parametrize(
    "text",
    ["", "abc", "1e5", "NaN", "Infinity", "1,23,456", "12,345,6", "1.2.3", "0x10", "1_000"]
    + ["12.", "--1", "(1", "1)", "£5", "€5", "12 34", "1 2", "٣٤", "1,234.5.6", "=1+1", "½"],
)
def test_what_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(Unusable, match=r"as in 1234\.56"):
        read_cents(text, "USD")


def test_an_amount_marked_with_another_currency_is_refused() -> None:
    with pytest.raises(Unusable, match=r"marked C\$, but the account is in USD"):
        read_cents("C$12.00", "USD")
    assert read_cents("C$12.00", "CAD") == 1_200


@pytest.mark.parametrize("text", ["100000000.00", "9" * 40, "1,000,000,000"])
def test_an_amount_beyond_all_debts_is_refused(text: str) -> None:
    with pytest.raises(Unusable, match="too large"):
        read_cents(text, "USD")


@given(day=DAYS)
def test_a_day_comes_back_however_it_was_written(day: date) -> None:
    year = f"{day.year:04}"
    iso = f"{year}-{day.month:02}-{day.day:02}"
    american = f"{day.month}/{day.day}/{year}"
    padded = f"{day.month:02}-{day.day:02}-{year}"
    for text in (iso, american, padded, iso.replace("-", "/"), f"{iso} 00:00:00", f"{iso}T00:00"):
        assert read_day(text) == day


@given(text=st.text(max_size=12))
def test_any_text_is_a_day_or_refused(text: str) -> None:
    with contextlib.suppress(Unusable):
        assert isinstance(read_day(text), date)


@pytest.mark.parametrize(
    "text", ["02/30/1980", "2025-02-29", "13/01/2025", "2025-13-01", "00/10/2025", "20251301"]
)
def test_a_day_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(Unusable, match="no such day|not a date"):
        read_day(text)


@pytest.mark.parametrize("text", ["yesterday", "27.03.2026", "2026-03-27T14:00", "45000", "3/27"])
def test_what_is_not_a_date_is_refused(text: str) -> None:
    with pytest.raises(Unusable, match="not a date"):
        read_day(text)


def test_a_year_of_two_digits_is_not_guessed() -> None:
    with pytest.raises(Unusable, match="two digits"):
        read_day("03/27/85")


@pytest.mark.parametrize(
    ("text", "code"), [("usd ", "USD"), (" CAD", "CAD"), ("Usd", "USD"), ("cad\u00a0", "CAD")]
)
def test_currencies_are_trimmed_and_of_any_case(text: str, code: str) -> None:
    assert read_currency(text) == code


@pytest.mark.parametrize("text", ["EUR", "$", "USDT", "840"])
def test_other_currencies_are_refused(text: str) -> None:
    with pytest.raises(Unusable, match="USD and CAD only"):
        read_currency(text)


def test_text_is_composed_and_on_one_line() -> None:
    assert read_text("  Jose\u0301\tN\u0303andu\u0301 \r\n 李 ") == "José Ñandú 李"
    assert read_text("a\x00b\x07") == "ab"


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_a_guarded_cell_is_no_formula_and_reads_as_it_did(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))
    assert read_text(guarded(text)) == read_text(text)


@pytest.mark.parametrize(("text", "said"), [("Yes", True), ("0", False), ("oui", True)])
def test_yes_and_no(text: str, said: bool) -> None:
    assert read_yes(text) is said


def test_perhaps_is_refused() -> None:
    with pytest.raises(Unusable, match="yes or no"):
        read_yes("perhaps")
