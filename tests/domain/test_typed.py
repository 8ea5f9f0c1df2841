from datetime import date

import pytest

from portal.domain import typed


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
        ("1985", "9" * 20, "1"),
        ("1985", "1", "9" * 20),
    ],
)
def test_what_is_no_day_is_asked_for_again(boxes: tuple[str, str, str]) -> None:
    with pytest.raises(typed.DateUnclear):
        typed.day(*boxes)
