"""Cards and banks are called one way on every page and in every message."""

import pytest

from portal.domain.brands import brand_name


@pytest.mark.parametrize(
    ("brand", "name"),
    [
        ("visa", "Visa"),
        ("amex", "American Express"),
        ("american_express", "American Express"),
        ("STRIPE TEST BANK", "Stripe Test Bank"),
    ],
)
def test_a_card_has_its_own_name_and_a_bank_no_capitals(brand: str, name: str) -> None:
    assert brand_name(brand) == name
