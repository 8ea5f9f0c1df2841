"""EC-08: what stands before identity is verified tells nobody of a debt."""

import pytest

from portal.domain.neutral import pretending_words, revealing_word


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


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Boreal FINAL NOTICE", "final notice"),
        ("Canada Revenue Agency", "revenue agency"),
        ("I.R.S. Office", "irs"),
        ("County Sheriff’s Office", "sheriffs"),
        ("Boreal: Urgent!", "urgent"),
        ("Último aviso Boreal", "ultimo aviso"),
        ("Policía del condado", "policia"),
        ("Boreal dernier avis", "dernier avis"),
        ("Agence du revenu", "agence du revenu"),
        ("Reyes Attorneys", "attorneys"),
    ],
)
def test_a_name_that_pretends_urgency_or_an_authority_is_found_out_tx_02(name: str, words: str):
    assert pretending_words(name) == words


def test_tx_02_a_true_name_pretends_nothing():
    assert pretending_words("Boreal Urgent Care", legal_name="Boreal Urgent Care, LLC") is None
    assert pretending_words("Reyes Law Office", law_firm=True) is None
    assert pretending_words("Reyes Law Office: final notice", law_firm=True) == "final notice"
    for name in ("Harbor Services", "Boreal", "Courtney & Sons", "Taxco Silver", "Curio Bank"):
        assert pretending_words(name) is None
