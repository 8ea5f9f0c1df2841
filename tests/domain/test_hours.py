"""Hours of the phone: one text for everybody, or one for each language."""

import pytest

from portal.domain.hours import as_kept, in_language

BOTH = {"es": "De lunes a viernes", "en": "Monday to Friday"}


@pytest.mark.parametrize(
    ("given", "language", "read"),
    [
        ("8 to 6", "fr", "8 to 6"),
        (BOTH, "es", BOTH["es"]),
        (BOTH, "fr", BOTH["en"]),
        ({"fr": "Du lundi au vendredi"}, "es", "Du lundi au vendredi"),
        ("{8 to 6}", "en", "{8 to 6}"),
    ],
)
def test_hours_are_read_in_the_language_that_has_them(
    given: str | dict[str, str], language: str, read: str
) -> None:
    assert in_language(as_kept(given), language) == read
