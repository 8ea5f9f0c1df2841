"""The facts of a debt that decide which rules apply to it (SC-01)."""

from enum import StrEnum
from typing import Final

from portal.domain import N_


class Country(StrEnum):
    """Where a debtor lives, as an ISO 3166-1 code."""

    US = "US"
    CA = "CA"


class CollectorRole(StrEnum):
    """In what role the client collects a debt."""

    FIRST_PARTY_CREDITOR = "first_party_creditor"
    SERVICER_CURRENT = "servicer_current"
    THIRD_PARTY_AGENCY = "third_party_agency"
    DEBT_BUYER = "debt_buyer"
    LAW_FIRM = "law_firm"


class DebtPurpose(StrEnum):
    """What the debt was taken on for."""

    CONSUMER = "consumer"
    COMMERCIAL = "commercial"
    CA_COVERED_COMMERCIAL = "ca_covered_commercial"


class DebtCategory(StrEnum):
    """What kind of debt it is."""

    CREDIT_CARD = "credit_card"
    LOAN = "loan"
    PAYDAY = "payday"
    MEDICAL = "medical"
    TELECOM = "telecom"
    UTILITY = "utility"
    RENT = "rent"
    AUTO = "auto"
    STUDENT = "student"
    MORTGAGE = "mortgage"
    GOVERNMENT = "government"
    OTHER = "other"


class ItemizationKind(StrEnum):
    """Which of the five reference dates an itemization counts from (VN-01)."""

    LAST_STATEMENT = "last_statement"
    CHARGE_OFF = "charge_off"
    LAST_PAYMENT = "last_payment"
    TRANSACTION = "transaction"
    JUDGMENT = "judgment"


ITEMIZED_ON: Final[dict[str, str]] = {
    ItemizationKind.LAST_STATEMENT: N_("On the last statement, %(day)s"),
    ItemizationKind.CHARGE_OFF: N_("When it was written off, %(day)s"),
    ItemizationKind.LAST_PAYMENT: N_("After the last payment, %(day)s"),
    ItemizationKind.TRANSACTION: N_("When it was bought or used, %(day)s"),
    ItemizationKind.JUDGMENT: N_("In the judgment of %(day)s"),
}
"""The first line of an itemization, in words for the debtor."""

DEBT_COLLECTORS = frozenset(
    {CollectorRole.THIRD_PARTY_AGENCY, CollectorRole.DEBT_BUYER, CollectorRole.LAW_FIRM}
)


def is_debt_collector(role: CollectorRole) -> bool:
    """Whether the FDCPA calls this role a debt collector (15 USC 1692a(6))."""
    return role in DEBT_COLLECTORS
