"""Cards and banks by the names that people know them by."""

from typing import Final

BANK_METHODS: Final = ("us_bank_account", "acss_debit")
"""What stands for the brand of a bank account whose bank has no name."""

_CARDS: Final = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "Eftpos",
    "interac": "Interac",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


def brand_name(brand: str) -> str:
    """A card as on its own face, or a bank as people write it: Stripe writes banks in capitals."""
    return _CARDS.get(brand) or brand.replace("_", " ").title()
