"""EC-08: what stands before identity is verified tells nobody of a debt."""

import pytest

from portal.domain.neutral import revealing_word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Harbor Recovery", "Recovery"),
        ("Debt Help Line", "Debt"),
        ("Northgate-Collections", "Collections"),
        ("Servicio de Cobranza", "Cobranza"),
        ("Deudas y más", "Deudas"),
        ("Recouvrement du Nord", "Recouvrement"),
        ("Centre des Créances", "Créances"),
        ("What you OWE, Inc.", "OWE"),
    ],
)
def test_a_name_that_tells_of_a_debt_is_found_out_in_each_language_ec_08(text: str, word: str):
    assert revealing_word(text) == word


@pytest.mark.parametrize(
    "text",
    [
        "Harbor Services",
        "Owens & Sons",
        "Discovery Bay",
        "Cobra Electric",
        "Boreal",
        "12 Pier Road",
    ],
)
def test_ordinary_names_are_left_alone(text: str):
    assert revealing_word(text) is None
