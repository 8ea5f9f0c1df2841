"""Names as they are heard and typed: alike by sound, or but for one letter."""

from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.domain.likeness import (
    MOST_LETTERS,
    Likeness,
    keys_like,
    keys_of,
    likeness,
    one_apart,
    sound_of,
)

LETTERS = st.text(st.sampled_from("abceghiñ王"), min_size=4, max_size=9)


@pytest.mark.parametrize(
    "alike",
    [
        *("thibault thibaut thibaud thibeau", "perrault perreault perot", "tremblay tremble"),
        *("beaulieu bolieu", "archambault archambeau", "gagnon ganion", "pelletier peletier"),
        *("gonzalez gonsales gonzales", "vasquez basques vazquez", "hernandez ernandes"),
        *("jimenez gimenez ximenez", "rodriguez rodrigues", "castillo castiyo", "garcia garsia"),
        *("catherine katherine kathryn", "smith smyth", "hughes hews", "geoffrey jeffrey"),
        *("phillips philips filips", "rodgers rogers", "schwartz shwartz", "macdonald mcdonald"),
    ],
)
def test_names_that_are_heard_alike_are_found_by_each_other(alike: str):
    for one, other in combinations(alike.split(), 2):
        assert keys_like(one) & keys_of(other), (one, other)
        assert likeness(one, other) is not None, (one, other)


@pytest.mark.parametrize("word", ["lee", "王伟", "محمد", "иванов", "o2", "", "a" * 200])
def test_what_has_no_sound_of_its_own_sounds_like_nothing(word: str):
    assert sound_of(word) == ""
    assert all(len(key) <= 200 + 1 for key in keys_of(word))


@pytest.mark.parametrize(
    ("one", "other"),
    [("lopez", "smith"), ("garcia", "grammont"), ("li", "lu"), ("pena", "penaloza")],
)
def test_other_names_are_not_one_letter_apart(one: str, other: str):
    assert likeness(one, other) in {None, Likeness.BEGINS}


@given(LETTERS, st.integers(0, 8), st.sampled_from("xyz"), st.sampled_from("mlos"))
def test_a_word_is_found_with_any_one_letter_wrong(word: str, at: int, letter: str, how: str):
    """Whatever the letter, the two share a key and are seen to be one letter apart."""
    at %= len(word)
    before, after = word[:at], word[at + 1 :]
    typed = {
        "m": before + letter + word[at:],
        "l": before + after,
        "o": before + letter + after,
        "s": before + after[:1] + word[at] + after[1:],
    }[how]
    assume(typed != word and len(typed) >= 3)
    assert keys_like(typed) & keys_of(word)
    assert one_apart(typed, word)
    assert one_apart(word, typed)


def test_a_long_word_has_as_many_keys_as_its_letters_and_a_longer_one_has_one():
    assert len(keys_of("abcdefghijklmnopqrstuvwx")) <= MOST_LETTERS + 2
    assert len(keys_of("abcdefghijklmnopqrstuvwxyz")) == 1
