"""One row of a placement, checked: what it says in the portal's own words, or why it is refused."""

import hashlib
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from portal.domain.debts import CollectorRole, DebtCategory, DebtPurpose
from portal.domain.money import Cents
from portal.services.placements.cells import LONGEST_REFERENCE
from portal.services.placements.debt import read_debt, read_itemization
from portal.services.placements.defaults import Defaults
from portal.services.placements.files import Record
from portal.services.placements.person import Hasher, read_contacts, read_person
from portal.services.placements.reading import CellRefused, Notice, RowReader


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that was not placed: its column and value as the file has them, and what to do."""

    line: int
    column: str
    value: str
    reason: str
    cells: list[str]
    reference: str | None = None


@dataclass(slots=True, kw_only=True)
class CheckedRow:
    """One account as a placement describes it; identity answers are keyed hashes only."""

    line: int
    cells: list[str]
    notices: list[Notice]
    reference: str
    itemized_cents: Cents
    itemization_kind: str
    itemization_on: date
    itemization_cents: Cents
    interest_cents: Cents
    fees_cents: Cents
    payments_cents: Cents
    credits_cents: Cents
    debtor_number: str | None
    first_name: str
    last_name: str
    name_key: str
    language: str
    date_of_birth_hash: bytes | None
    postal_code_hash: bytes | None
    last_four_hash: bytes | None
    join_key: bytes | None
    address_line: str | None
    city: str | None
    region: str
    postal_code: str | None
    country: str
    time_zone: str | None
    email: str | None
    phone: str | None
    phone_zones: str | None
    permission_basis: str
    currency: str
    original_creditor: str
    current_creditor: str
    product: str
    debt_category: DebtCategory
    debt_purpose: DebtPurpose
    is_consumer_financial_product: bool
    default_at_placement: bool
    collector_role: CollectorRole
    judgment: dict[str, str] | None
    default_on: date | None
    charge_off_on: date | None
    last_payment_on: date | None
    validation_notice_sent_on: date | None
    sol_expires_on: date | None
    row_sha256: bytes = b""


_FIELDS = [name for name in CheckedRow.__slots__ if name != "row_sha256"]
FACTS = _FIELDS[_FIELDS.index("debtor_number") :]
"""What a later placement may change: not the itemization, which stays as first placed, and not the
balance, which moves by ledger entries."""
_facts = attrgetter(*FACTS)


class Checker:
    """Checks the rows of one file for one client, on one day of the client's calendar.

    ``offered`` is the currency of the client's offer limits, None where there are none yet.
    """

    def __init__(
        self, reader: RowReader, hashed: Hasher, defaults: Defaults, *, offered: str | None
    ) -> None:
        self.reader, self.hashed, self.defaults = reader, hashed, defaults
        self.offered = offered

    def check(self, record: Record) -> CheckedRow | Refusal:
        """The row that a record describes, or why it is refused."""
        if problem := record.problem or self._misshapen(record.cells):
            return Refusal(record.line, "", "", problem, record.cells)
        self.reader.turn_to(record.cells)
        try:
            return self._row(record)
        except CellRefused as refused:
            return Refusal(
                record.line,
                self.reader.column(refused.field),
                refused.value,
                refused.reason,
                record.cells,
                self.reader.raw("reference").strip()[:LONGEST_REFERENCE] or None,
            )

    def _misshapen(self, cells: list[str]) -> str | None:
        wanted, found = len(self.reader.names), len(cells)
        if found > wanted and not any(cell.strip() for cell in cells[wanted:]):
            del cells[wanted:]
        elif found != wanted:
            return (
                f"The line has {found} cells and the first line {wanted}:"
                " put quotation marks around a cell that holds a separator."
            )
        return None

    def _row(self, record: Record) -> CheckedRow:
        read = self.reader
        reference = read.needed("reference", "the account's number")
        if len(reference) > LONGEST_REFERENCE:
            why = f"An account number has at most {LONGEST_REFERENCE} characters: shorten it."
            raise CellRefused("reference", reference, why)
        person = read_person(read, self.hashed, self.defaults.language)
        row = CheckedRow(
            line=record.line,
            cells=record.cells,
            notices=read.notices,
            reference=reference,
            permission_basis=self.defaults.permission_basis,
            **person,
            **read_contacts(read, person["country"]),
            **read_debt(read, self.defaults),
            **read_itemization(read, self.defaults),
        )
        row.row_sha256 = _fingerprint(row)
        if self.offered not in (None, row.currency):
            why = (
                f"The offer limits are in {self.offered}, so no offers are shown for an account in"
                f" {row.currency}: place it with a client whose limits are in {row.currency}."
            )
            read.warn("currency", why)
        return row


def _fingerprint(row: CheckedRow) -> bytes:
    """The hash of all that a later placement may change; equal rows say the same."""
    parts = ["" if fact is None else str(fact) for fact in _facts(row)]
    return hashlib.sha256("\x1f".join(parts).encode()).digest()
