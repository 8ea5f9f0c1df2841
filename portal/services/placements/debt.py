"""What is owed, to whom and since when: the facts of SC-01 and the itemization of VN-02."""

from typing import Any

from portal.domain.debts import DebtCategory, DebtPurpose
from portal.domain.money import Cents
from portal.services.placements.cells import read_cents, read_currency
from portal.services.placements.defaults import Defaults, itemization_kind
from portal.services.placements.reading import CellRefused, RowReader

Debt = dict[str, Any]


def read_debt(row: RowReader, fallback: Defaults) -> Debt:
    """The facts of a debt, with the client's defaults where the file is silent (SC-01).

    Raises CellRefused.
    """
    product = row.needed("product", "what the debt is for", fallback.product)
    category = row.one_of("debt_category", DebtCategory) or fallback.category(product)
    purpose = row.one_of("debt_purpose", DebtPurpose) or fallback.debt_purpose
    in_default = row.yes("default_at_placement")
    financial = row.yes("is_consumer_financial_product")
    creditor = row.needed("current_creditor", "the creditor's name", fallback.current_creditor)
    original = row.text("original_creditor") or fallback.original_creditor
    return {
        "original_creditor": original or creditor,
        "current_creditor": creditor,
        "product": product,
        "debt_category": category,
        "debt_purpose": purpose,
        "is_consumer_financial_product": fallback.financial(category)
        if financial is None
        else financial,
        "default_at_placement": fallback.default_at_placement if in_default is None else in_default,
        "collector_role": fallback.role,
        "judgment": _judgment(row),
        "default_on": row.past("default_on"),
        "charge_off_on": row.past("charge_off_on"),
        "last_payment_on": row.past("last_payment_on"),
        "validation_notice_sent_on": row.past("validation_notice_sent_on"),
        "sol_expires_on": row.dated("sol_expires_on"),
    }


def _judgment(row: RowReader) -> dict[str, str] | None:
    given_on = row.past("judgment_on")
    parts = {
        "court": row.text("judgment_court"),
        "on": given_on.isoformat() if given_on else "",
        "number": row.text("judgment_number"),
    }
    return {name: text for name, text in parts.items() if text} or None


def read_itemization(row: RowReader, fallback: Defaults) -> Debt:
    """The parts of a balance on its reference date, which sum to it (VN-02).

    Raises CellRefused where they do not, or where the balance is zero or less.
    """
    currency = row.read("currency", read_currency) if row.raw("currency").strip() else None
    currency = currency or fallback.currency
    balance = _amount(row, "balance", currency)
    if balance <= 0:
        why = "The balance must be more than zero: leave out accounts that owe nothing."
        raise CellRefused("balance", row.raw("balance").strip(), why)
    parts = {
        f"{name}_cents": _part(row, name, currency)
        for name in ("itemization", "interest", "fees", "payments", "credits")
    }
    _check_sum(row, parts, balance)
    return {
        "currency": currency,
        "itemization_kind": _kind(row, fallback),
        "itemization_on": _itemized_on(row),
        "itemized_cents": balance,
        **parts,
    }


def _amount(row: RowReader, field: str, currency: str) -> Cents:
    if not row.raw(field).strip():
        raise CellRefused(field, "", "The cell is empty: write the amount, as in 1234.56.")
    return row.read(field, lambda text: read_cents(text, currency))


def _part(row: RowReader, field: str, currency: str) -> Cents:
    if field != "itemization" and not row.raw(field).strip():
        return Cents(0)
    cents = _amount(row, field, currency)
    if cents < 0:
        why = "Write the amount without a minus: payments and credits are subtracted by themselves."
        raise CellRefused(field, row.raw(field).strip(), why)
    return cents


def _check_sum(row: RowReader, parts: dict[str, Cents], balance: Cents) -> None:
    added = parts["itemization_cents"] + parts["interest_cents"] + parts["fees_cents"]
    total = added - parts["payments_cents"] - parts["credits_cents"]
    if total != balance:
        why = (
            f"The itemization comes to {_plain(total)}, not to the balance: amount + interest"
            " + fees - payments - credits must equal it."
        )
        raise CellRefused("balance", row.raw("balance").strip(), why)


def _plain(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{rest:02}"


def _kind(row: RowReader, fallback: Defaults) -> str:
    text = row.text("itemization_kind") or fallback.itemization_kind
    kind = itemization_kind(text) if text else None
    if kind is None:
        why = "Write last_statement, charge_off, last_payment, transaction or judgment here."
        raise CellRefused("itemization_kind", text, why)
    return kind


def _itemized_on(row: RowReader) -> Any:
    found = row.past("itemization_on")
    if found is None:
        why = "The cell is empty: write the date that the itemization counts from."
        raise CellRefused("itemization_on", "", why)
    return found
