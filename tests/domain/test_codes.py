"""Codes and identifiers."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.codes import (
    ALPHABET,
    letter_code,
    normalize_letter_code,
    reference_code,
    spaced,
    spellings,
)
from portal.domain.ids import new_id

CODES = st.text(ALPHABET, min_size=8, max_size=8)


def test_a_reference_has_its_shape_and_no_lookalikes() -> None:
    source = random.Random(7)
    codes = {reference_code(source.randbytes, prefix="HR") for _ in range(2_000)}
    assert len(codes) > 1_990
    assert all(re.fullmatch(r"HR-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}", c) for c in codes)
    assert set("".join(codes)) >= set(ALPHABET)


@pytest.mark.parametrize(
    ("heard", "on_file"),
    [
        ("hr70004", "HR-70004"),
        ("HR 70004", "HR-70004"),
        ("ＨＲ－７０００４", "HR-70004"),
        ("hr\u201170004", "HR-70004"),
        ("hr v4ks cc", "HR-V4KS-CC"),
        ("hrv4kscc", "HR-V4KS-CC"),
        ("hr-voks-1l", "HR-V0KS-11"),
        ("ng_7/0004", "ng_7/0004"),
    ],
)
def test_a_reference_is_known_as_it_is_heard_or_copied(heard: str, on_file: str) -> None:
    assert on_file in spellings(heard)


def test_a_letter_code_is_eight_symbols() -> None:
    code = letter_code(random.Random(7).randbytes)
    assert len(code) == 8
    assert normalize_letter_code(spaced(code)) == code


@pytest.mark.parametrize(
    "typed", ["K7MP-42XD", "k7mp 42xd", " K7MP42XD ", "k7mp–42xd", "K7 MP 42 XD", "k7mp.42xd"]
)
def test_a_code_is_read_however_it_is_typed(typed: str) -> None:
    assert normalize_letter_code(typed) == "K7MP42XD"


def test_lookalikes_are_read_as_what_was_printed() -> None:
    assert normalize_letter_code("oIlO-0110") == "01100110"


@pytest.mark.parametrize("typed", ["", "K7MP42X", "K7MP42XDD", "K7MP42XU", "K7MP42X!", "é" * 8])
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert normalize_letter_code(typed) is None


@given(CODES, st.data())
def test_every_printed_code_comes_back(code: str, data: st.DataObject) -> None:
    typed = "".join(
        data.draw(st.sampled_from({"0": "0oO", "1": "1iIlL"}.get(symbol, symbol + symbol.lower())))
        for symbol in spaced(code)
    )
    assert normalize_letter_code(typed) == code


@given(st.text())
def test_anything_typed_gives_a_code_or_none(typed: str) -> None:
    code = normalize_letter_code(typed)
    assert code is None or (len(code) == 8 and set(code) <= set(ALPHABET))


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1), st.randoms(use_true_random=False))
def test_ids_are_uuid_7_in_order_of_time(one: int, other: int, source: random.Random) -> None:
    first, second = (new_id(ms, source.randbytes) for ms in (one, other))
    assert first.version == 7
    assert first.variant == "specified in RFC 4122"
    assert first.int >> 80 == one
    if one < other:
        assert str(first) < str(second)
