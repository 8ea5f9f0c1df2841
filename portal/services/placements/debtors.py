"""Whose account a row is: joined by the client's own number or exactly the same person, no other.

A wrong merge shows a debt to a stranger, so in doubt there are two debtors.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg

from portal.models import fresh_id
from portal.services.placements.rows import CheckedRow

Connection = psycopg.Connection[Any]

_COLUMNS = "id, debtor_number, join_key, name_key, date_of_birth_hash, last_four_hash"
_BY_NUMBER = f"SELECT {_COLUMNS} FROM debtor WHERE client_id = %s AND debtor_number = ANY(%s)"  # noqa: S608
_BY_KEY = (
    f"SELECT {_COLUMNS} FROM debtor"  # noqa: S608
    " WHERE client_id = %s AND join_key = ANY(%s) AND debtor_number IS NULL"
)
_BY_ID = f"SELECT {_COLUMNS} FROM debtor WHERE client_id = %s AND id = ANY(%s)"  # noqa: S608
_ACCOUNTS = (
    "SELECT debtor_id, count(*) FROM account"
    " WHERE client_id = %s AND debtor_id = ANY(%s) GROUP BY debtor_id"
)


class Write(StrEnum):
    """What a row does to its debtor."""

    NONE = "none"
    INSERT = "insert"
    UPDATE = "update"
    REFRESH = "refresh"
    """An update of a debtor that the same batch inserted."""


@dataclass(slots=True)
class KnownDebtor:
    """A debtor as the rows of a batch need to know it; ``accounts`` counts those in the book."""

    id: UUID
    number: str | None
    join_key: bytes | None
    name_key: str
    date_of_birth_hash: bytes | None
    last_four_hash: bytes | None
    accounts: int = 0
    fresh: bool = False


class SomebodyElse(Exception):  # noqa: N818
    """The debtor number of a row stands for a person with other identity answers."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class DebtorBook:
    """The debtors that the rows of one batch may belong to, kept up to date row by row."""

    def __init__(self, connection: Connection, client_id: UUID) -> None:
        self._connection, self._client_id = connection, client_id
        self._by_id: dict[UUID, KnownDebtor] = {}
        self._by_number: dict[str, KnownDebtor] = {}
        self._by_key: dict[bytes, KnownDebtor] = {}
        self.renamed: set[UUID] = set()
        """Debtors on file whose number or key is another than before."""

    def load(self, rows: Sequence[CheckedRow], present: Collection[UUID]) -> None:
        """Read the debtors that the rows name, and those whose accounts are ``present``."""
        numbers = list({row.debtor_number for row in rows if row.debtor_number})
        keys = list({row.join_key for row in rows if row.join_key and not row.debtor_number})
        for statement, wanted in ((_BY_NUMBER, numbers), (_BY_KEY, keys), (_BY_ID, list(present))):
            for found in self._rows(statement, wanted):
                self._add(KnownDebtor(*found))
        for debtor_id, accounts in self._rows(_ACCOUNTS, list(self._by_id)):
            self._by_id[debtor_id].accounts = accounts

    def _rows(self, statement: str, wanted: Sequence[object]) -> list[tuple[Any, ...]]:
        if not wanted:
            return []
        return self._connection.execute(statement, (self._client_id, wanted)).fetchall()

    def _add(self, debtor: KnownDebtor) -> KnownDebtor:
        known = self._by_id.setdefault(debtor.id, debtor)
        if known.number:
            self._by_number[known.number] = known
        elif known.join_key:
            self._by_key[known.join_key] = known
        return known

    def of_new(self, row: CheckedRow) -> KnownDebtor:
        """The debtor of an account that was never placed. Raises SomebodyElse."""
        debtor = self._named_or_new(row)
        debtor.accounts += 1
        return debtor

    def of_known(self, row: CheckedRow, debtor_id: UUID) -> KnownDebtor:
        """The debtor of an account that was placed before: mostly the same. Raises SomebodyElse."""
        present = self._by_id[debtor_id]
        if not self._is_another(row, present):
            self._amend(present, row)
            return present
        renumbered = present.number and row.debtor_number
        if self._named(row) is None and present.accounts == 1 and not renumbered:
            self._amend(present, row)
            return present
        debtor = self._named_or_new(row)
        present.accounts -= 1
        debtor.accounts += 1
        return debtor

    def _named(self, row: CheckedRow) -> KnownDebtor | None:
        if row.debtor_number:
            return self._by_number.get(row.debtor_number)
        return self._by_key.get(row.join_key) if row.join_key else None

    def _named_or_new(self, row: CheckedRow) -> KnownDebtor:
        debtor = self._named(row)
        if debtor is None:
            return self._create(row)
        if row.debtor_number:
            _check_same_person(debtor, row)
        self._amend(debtor, row)
        return debtor

    def _is_another(self, row: CheckedRow, present: KnownDebtor) -> bool:
        """Whether the row names somebody who is not, or not yet, the account's debtor."""
        if row.debtor_number:
            return present.number != row.debtor_number
        if present.number:
            return False
        if row.join_key:
            return present.join_key != row.join_key
        return present.accounts > 1 and present.name_key != row.name_key

    def _create(self, row: CheckedRow) -> KnownDebtor:
        return self._add(
            KnownDebtor(
                id=fresh_id(),
                number=row.debtor_number,
                join_key=row.join_key,
                name_key=row.name_key,
                date_of_birth_hash=row.date_of_birth_hash,
                last_four_hash=row.last_four_hash,
                fresh=True,
            )
        )

    def _amend(self, debtor: KnownDebtor, row: CheckedRow) -> None:
        """Take over what the row says of the debtor; what it leaves blank stays."""
        if debtor.join_key and self._by_key.get(debtor.join_key) is debtor:
            del self._by_key[debtor.join_key]
        before = debtor.number, debtor.join_key
        debtor.number = row.debtor_number or debtor.number
        debtor.join_key = row.join_key or debtor.join_key
        if not debtor.fresh and before != (debtor.number, debtor.join_key):
            self.renamed.add(debtor.id)
        debtor.name_key = row.name_key
        debtor.date_of_birth_hash = row.date_of_birth_hash or debtor.date_of_birth_hash
        debtor.last_four_hash = row.last_four_hash or debtor.last_four_hash
        self._add(debtor)


def _check_same_person(debtor: KnownDebtor, row: CheckedRow) -> None:
    for field in ("date_of_birth_hash", "last_four_hash"):
        theirs, ours = getattr(debtor, field), getattr(row, field)
        if theirs and ours and theirs != ours:
            raise SomebodyElse(field.removesuffix("_hash"))
