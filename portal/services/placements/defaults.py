"""What a client's files leave unsaid: facts of the debt (SC-01) and names of products."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from portal.domain import N_, DomainError
from portal.domain.debts import CollectorRole, DebtCategory, DebtPurpose, ItemizationKind
from portal.domain.validation import validation_ends_on
from portal.models import Client
from portal.services.placements.cells import read_currency

CATEGORY_WORDS = {
    DebtCategory.CREDIT_CARD: "card cards visa mastercard amex charge",
    DebtCategory.PAYDAY: "payday",
    DebtCategory.STUDENT: "student tuition education school",
    DebtCategory.MORTGAGE: "mortgage heloc",
    DebtCategory.AUTO: "auto car vehicle automobile repossession",
    DebtCategory.LOAN: "loan loans lending overdraft installment financing",
    DebtCategory.MEDICAL: "medical health hospital dental clinic ambulance physician",
    DebtCategory.TELECOM: "telecom phone mobile wireless internet cable broadband",
    DebtCategory.UTILITY: "utility utilities electric electricity gas water energy power",
    DebtCategory.RENT: "rent lease tenancy apartment",
    DebtCategory.GOVERNMENT: "government tax taxes toll fine fines court",
}
"""Words of a product's name that tell its category, the first that fits."""

FINANCIAL = frozenset(
    {
        DebtCategory.CREDIT_CARD,
        DebtCategory.LOAN,
        DebtCategory.PAYDAY,
        DebtCategory.AUTO,
        DebtCategory.STUDENT,
        DebtCategory.MORTGAGE,
    }
)
"""Categories that are credit, and so a consumer financial product (12 USC 5481(5))."""

_SYNONYMS = {
    "chargeoff": ItemizationKind.CHARGE_OFF,
    "statement": ItemizationKind.LAST_STATEMENT,
    "payment": ItemizationKind.LAST_PAYMENT,
    "judgement": ItemizationKind.JUDGMENT,
    "transaction_date": ItemizationKind.TRANSACTION,
}
_OPTIONS = (
    *("categories", "debt_purpose", "default_at_placement", "is_consumer_financial_product"),
    *("original_creditor", "current_creditor", "product", "itemization_kind", "currency"),
    "permission_basis",
)


class DefaultsUnclear(DomainError):
    message = N_("The client's placement defaults are not right: %(why)s.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What is taken where a file says nothing; the strictest reading where the client says nothing.

    A debt is a consumer's and was in default when it was placed, unless something says otherwise:
    both bring more protection (SC-03).
    """

    role: CollectorRole
    currency: str
    language: str
    original_creditor: str
    current_creditor: str
    product: str
    itemization_kind: str
    debt_purpose: DebtPurpose = DebtPurpose.CONSUMER
    default_at_placement: bool = True
    is_consumer_financial_product: bool | None = None
    permission_basis: str = "creditor_used"
    categories: Mapping[str, DebtCategory] = field(default_factory=dict)

    def category(self, product: str) -> DebtCategory:
        """The category of a product: the client's own mapping first, then the words of its name."""
        return self.categories.get(product.casefold()) or _by_words(product)

    def financial(self, category: DebtCategory) -> bool:
        """Whether a debt of this category is a consumer financial product."""
        own = self.is_consumer_financial_product
        return category in FINANCIAL if own is None else own


def defaults_of(client: Client) -> Defaults:
    """The client's own defaults over those that follow from who it is. Raises DefaultsUnclear."""
    given = client.placement_defaults
    if unknown := set(given) - set(_OPTIONS):
        raise DefaultsUnclear(why=f"{sorted(unknown)[0]} is not one of {', '.join(_OPTIONS)}")
    first_party = client.collector_role in (
        CollectorRole.FIRST_PARTY_CREDITOR,
        CollectorRole.SERVICER_CURRENT,
    )
    names = {
        name: str(given.get(name) or fallback)
        for name, fallback in {
            "original_creditor": client.legal_name if first_party else "",
            "current_creditor": client.legal_name if first_party else "",
            "product": "",
            "itemization_kind": "",
            "permission_basis": "creditor_used",
        }.items()
    }
    try:
        return Defaults(
            role=CollectorRole(client.collector_role),
            language=client.languages[0] if client.languages else "en",
            currency=read_currency(str(given.get("currency") or client.currency)),
            debt_purpose=DebtPurpose(given.get("debt_purpose", DebtPurpose.CONSUMER)),
            default_at_placement=bool(given.get("default_at_placement", True)),
            is_consumer_financial_product=given.get("is_consumer_financial_product"),
            categories={
                product.casefold(): DebtCategory(category)
                for product, category in given.get("categories", {}).items()
            },
            **names,
        )
    except (ValueError, AttributeError) as error:
        raise DefaultsUnclear(why=str(error)) from None


def itemization_kind(text: str) -> ItemizationKind | None:
    """One of the five reference dates (VN-01), however it is spelled, or None."""
    key = re.sub(r"[^a-z]+", "_", text.casefold()).strip("_").removesuffix("_date")
    try:
        return _SYNONYMS.get(key) or ItemizationKind(key)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def validation_end(sent_on: date) -> date:
    """The last day of the validation period of a notice sent that day (VN-03)."""
    return validation_ends_on(sent_on)


@lru_cache(maxsize=4096)
def _by_words(product: str) -> DebtCategory:
    words = set(re.split(r"[^a-z]+", product.casefold()))
    for category, named in CATEGORY_WORDS.items():
        if words & set(named.split()):
            return category
    return DebtCategory.OTHER
