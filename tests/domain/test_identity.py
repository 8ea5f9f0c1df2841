"""Identity answers: how they are read and kept (PR-01)."""

import re
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.identity import (
    DateOfBirthImpossible,
    DigitsNotPlain,
    Factor,
    LastFourUnreadable,
    PostalCodeUnreadable,
    YearIncomplete,
    date_of_birth,
    date_of_birth_text,
    identity_message,
    join_value,
    keyed_hash,
    last_four,
    postal_code,
    same_hash,
)
from portal.domain.wording import (
    IMPOSSIBLE,
    clean_text,
    exact_name,
    mask_email,
    mask_name,
    mask_phone,
    mask_tail,
    search_key,
)

TODAY = date(2026, 11, 23)
BORN = date(1985, 3, 27)
CLIENT, OTHER_CLIENT = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    "boxes",
    [
        ("3", "27", "1985"),
        ("03", "27", "1985"),
        (" 3 ", "27\u00a0", "1985"),
        ("３", "２７", "１９８５"),
    ],
)
def test_a_date_of_birth_is_read_from_three_boxes(boxes: tuple[str, str, str]) -> None:
    assert date_of_birth(*boxes, today=TODAY) == BORN


@pytest.mark.parametrize(
    "text", ["1985-03-27", "3/27/1985", "03/27/1985", "3 27 1985", "03-27-1985", "03271985"]
)
def test_a_date_of_birth_is_read_from_one_box(text: str) -> None:
    assert date_of_birth_text(text, today=TODAY) == BORN


@pytest.mark.parametrize(
    ("boxes", "error"),
    [
        (("2", "30", "1980"), DateOfBirthImpossible),
        (("13", "1", "1980"), DateOfBirthImpossible),
        (("0", "1", "1980"), DateOfBirthImpossible),
        (("2", "29", "1981"), DateOfBirthImpossible),
        (("11", "24", "2026"), DateOfBirthImpossible),
        (("1", "1", "1850"), DateOfBirthImpossible),
        (("", "1", "1980"), DateOfBirthImpossible),
        (("March", "1", "1980"), DateOfBirthImpossible),
        (("-3", "1", "1980"), DateOfBirthImpossible),
        (("3", "1", "19800"), DateOfBirthImpossible),
        (("3", "1", "80"), YearIncomplete),
        (("٣", "1", "1980"), DigitsNotPlain),
        (("3", "१", "1980"), DigitsNotPlain),
    ],
)
def test_an_impossible_date_is_refused_with_its_own_words(
    boxes: tuple[str, str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        date_of_birth(*boxes, today=TODAY)


@pytest.mark.parametrize("text", ["", "yesterday", "27/3/1985", "1985-3", "3/27/1985 x", "1" * 500])
def test_one_box_refuses_what_it_cannot_read(text: str) -> None:
    with pytest.raises(DateOfBirthImpossible):
        date_of_birth_text(text, today=TODAY)


@given(st.dates(date(1900, 1, 1), TODAY))
def test_every_written_form_gives_the_same_date(born_on: date) -> None:
    us = f"{born_on.month}/{born_on.day}/{born_on.year}"
    for text in (born_on.isoformat(), us, born_on.strftime("%m%d%Y")):
        assert date_of_birth_text(text, today=TODAY) == born_on


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("90210", "90210"),
        (" 02930 ", "02930"),
        ("90210-1234", "90210"),
        ("902101234", "90210"),
        ("90210 1234", "90210"),
        ("H2A 1B7", "H2A 1B7"),
        ("h2a1b7", "H2A 1B7"),
        ("h2a-1b7", "H2A 1B7"),
        ("Ｈ2Ａ 1B7", "H2A 1B7"),
    ],
)
def test_a_postal_code_has_one_form(text: str, code: str) -> None:
    assert postal_code(text) == code


@pytest.mark.parametrize(
    "text", ["", "9021", "902100", "D2A 1B7", "H2A 1B", "90210-12", "SW1A 1AA"]
)
def test_an_unreadable_postal_code_is_refused(text: str) -> None:
    with pytest.raises(PostalCodeUnreadable):
        postal_code(text)


def test_the_last_four_are_four_digits_and_no_more() -> None:
    assert last_four(" 0042 ") == "0042"
    for text in ("", "123", "12345", "123-45-6789", "12a4"):
        with pytest.raises(LastFourUnreadable):
            last_four(text)
    with pytest.raises(DigitsNotPlain):
        last_four("٠٠٤٢")


def test_pr_01_a_hash_depends_on_key_client_kind_and_value() -> None:
    hashes = {
        keyed_hash(b"pepper", CLIENT, Factor.LAST_FOUR, "1234"),
        keyed_hash(b"other", CLIENT, Factor.LAST_FOUR, "1234"),
        keyed_hash(b"pepper", OTHER_CLIENT, Factor.LAST_FOUR, "1234"),
        keyed_hash(b"pepper", CLIENT, Factor.POSTAL_CODE, "1234"),
        keyed_hash(b"pepper", CLIENT, Factor.LAST_FOUR, "1235"),
    }
    assert len(hashes) == 5
    assert {len(one) for one in hashes} == {32}
    again = keyed_hash(b"pepper", CLIENT, Factor.LAST_FOUR, "1234")
    assert sum(same_hash(again, one) for one in hashes) == 1


@given(st.text(alphabet="ab\x1f"), st.text(), st.text(alphabet="ab\x1f"), st.text())
def test_two_answers_never_share_their_bytes(k1: str, v1: str, k2: str, v2: str) -> None:
    kinds = {kind.value for kind in Factor} | {"join"}
    assert all("\x1f" not in kind for kind in kinds)
    if (k1, v1) != (k2, v2) and "\x1f" not in k1 + k2:
        assert identity_message(k1, v1) != identity_message(k2, v2)


def test_a_debtor_is_joined_by_exact_facts_only() -> None:
    dana = join_value("Dana", "Reséndez", BORN, "4471")
    assert join_value(" DANA ", "Rese\u0301ndez", BORN, "4471") == dana
    assert join_value("Dana", "Resendez", BORN, "4471") != dana
    assert join_value("Dana", "Reséndez", BORN, "4472") != dana
    assert join_value("Dana", "Reséndez", date(1985, 3, 28), "4471") != dana
    assert join_value("Dana R", "eséndez", BORN, "4471") != dana


def test_names_compare_exactly_but_for_case_and_spaces() -> None:
    assert exact_name("  María   José ") == "maría josé"
    assert exact_name("STRASSE") == exact_name("Straße")
    assert exact_name("O’Neil") != exact_name("O'Neil")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("O’Ñandú-Łukasiewicz 李", "onandu lukasiewicz 李"),
        ("O'Neil", "oneil"),
        ("Giguère", "giguere"),
        ("  de la  Cruz ", "de la cruz"),
        ("Ægir_Bjørn", "aegir bjorn"),
        ("José", "jose"),
        ("Jose\u0301", "jose"),
    ],
)
def test_a_search_key_forgets_accents_and_punctuation(name: str, key: str) -> None:
    assert search_key(name) == key
    assert search_key(key) == key


@given(st.text(), st.text())
def test_a_search_key_is_stable(one: str, other: str) -> None:
    key = search_key(f"{one} {other}")
    assert search_key(key) == key
    assert key == key.strip()


def test_masks_show_enough_to_recognise() -> None:
    assert mask_email("ana.maria@example.com") == "a•••@example.com"
    assert mask_phone("+15145551234") == "•••-•••-1234"
    assert mask_name("Dana María Ruiz") == "D••• M••• R•••"
    assert mask_tail("ML41-1004471") == "••••4471"
    assert mask_tail("4471") == "••••"


@given(st.text())
def test_clean_text_can_always_be_kept(text: str) -> None:
    kept = clean_text(text)
    assert not IMPOSSIBLE.search(kept)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", kept)
    assert clean_text(kept) == kept
    kept.encode()


def test_clean_text_keeps_what_people_write() -> None:
    assert clean_text(" Hola 😀\r\nñ\tx\x00\u202e ") == "Hola 😀\nñ\tx"
