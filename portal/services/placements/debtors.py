"""Whose account a row is: joined by the client's own number or exactly the same person, no other.

A wrong merge shows a debt to a stranger, so in doubt there are two debtors.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg

from portal.domain.wording import search_key
from portal.models import fresh_id
from portal.services.placements.rows import CheckedRow

Connection = psycopg.Connection[Any]

_COLUMNS = (
    "id, debtor_number, join_key, name_key, date_of_birth_hash, last_four_hash, postal_code_hash"
)
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

_CORRECTED = (
    "SELECT c.debtor_id, c.field, c.placed, to_jsonb(d) ->> c.field FROM correction c"
    " JOIN debtor d ON (d.client_id, d.id) = (c.client_id, c.debtor_id)"
    " WHERE c.client_id = %s AND c.debtor_id = ANY(%s) AND c.placed IS NOT NULL"
)

_ANSWERS = ("date_of_birth_hash", "last_four_hash")
"""The answers that tell one person from another; a postal code is shared, and changes."""


class Write(StrEnum):
    """What a row does to its debtor."""

    NONE = "none"
    INSERT = "insert"
    UPDATE = "update"
    REFRESH = "refresh"
    """An update of a debtor that the same batch inserted."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A column that staff corrected: what files had said, and what is right."""

    placed: str
    right: str | None


@dataclass(slots=True)
class KnownDebtor:
    """A debtor as the rows of a batch need to know it; ``accounts`` counts those in the book.

    ``corrections``: what staff corrected and no file has said otherwise of since, by column.
    """

    id: UUID
    number: str | None
    join_key: bytes | None
    name_key: str
    date_of_birth_hash: bytes | None
    last_four_hash: bytes | None
    postal_code_hash: bytes | None
    accounts: int = 0
    fresh: bool = False
    corrections: dict[str, Correction] = field(default_factory=dict)


class SomebodyElse(Exception):  # noqa: N818
    """The debtor number of a row stands for a person with other identity answers, or another name
    and none that agrees.
    """

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class AlreadyTheirs(Exception):  # noqa: N818
    """The account has a history with one person, and the row gives it to another."""


class DebtorBook:
    """The debtors that the rows of one batch may belong to, kept up to date row by row."""

    def __init__(self, connection: Connection, client_id: UUID) -> None:
        self._connection, self._client_id = connection, client_id
        self._by_id: dict[UUID, KnownDebtor] = {}
        self._by_number: dict[str, KnownDebtor] = {}
        self._by_key: dict[bytes, KnownDebtor] = {}
        self.renamed: set[UUID] = set()
        """Debtors on file whose number or key is another than before."""
        self.corrected: set[UUID] = set()
        """Debtors on file whose identity answers were wrong."""
        self.overruled: set[tuple[UUID, str]] = set()
        """Corrections that a file has another value than before for, by debtor and column."""

    def load(self, rows: Sequence[CheckedRow], present: Collection[UUID]) -> None:
        """Read the debtors that the rows name, and those whose accounts are ``present``."""
        numbers = list({row.debtor_number for row in rows if row.debtor_number})
        keys = list({row.join_key for row in rows if row.join_key and not row.debtor_number})
        for statement, wanted in ((_BY_NUMBER, numbers), (_BY_KEY, keys), (_BY_ID, list(present))):
            for found in self._rows(statement, wanted):
                self._add(KnownDebtor(*found))
        for debtor_id, accounts in self._rows(_ACCOUNTS, list(self._by_id)):
            self._by_id[debtor_id].accounts = accounts
        for debtor_id, column, placed, right in self._rows(_CORRECTED, list(self._by_id)):
            self._by_id[debtor_id].corrections[column] = Correction(placed, right)

    def _rows(self, statement: str, wanted: Sequence[object]) -> list[tuple[Any, ...]]:
        """Read by a long list; a plan kept for any list would look through it row by row."""
        if not wanted:
            return []
        given = (self._client_id, wanted)
        return self._connection.execute(statement, given, prepare=False).fetchall()

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

    def of_known(self, row: CheckedRow, debtor_id: UUID, *, rooted: bool) -> KnownDebtor:
        """The debtor of an account that was placed before: mostly the same.

        ``rooted``: the account has a history with its debtor, so that nobody else may get it.
        Raises AlreadyTheirs, SomebodyElse.
        """
        present = self._by_id[debtor_id]
        self._respect(present, row)
        if self._stays(row, present):
            self._amend(present, row)
            return present
        if rooted:
            raise AlreadyTheirs
        debtor = self._named_or_new(row)
        present.accounts -= 1
        debtor.accounts += 1
        return debtor

    def _stays(self, row: CheckedRow, present: KnownDebtor) -> bool:
        """Whether the account's debtor is the row's person, if with a correction."""
        shared = _shared_answers(present, row)
        same = any(shared) if shared else present.name_key == row.name_key
        if row.debtor_number and row.debtor_number == present.number:
            if shared and not same:
                _check_same_person(present, row)
            return True
        if not self._is_another(row, present):
            return same
        if self._named(row) is not None or (present.number and row.debtor_number):
            return False
        return same if present.accounts == 1 else shared == [True, True]

    def _named(self, row: CheckedRow) -> KnownDebtor | None:
        if row.debtor_number:
            return self._by_number.get(row.debtor_number)
        return self._by_key.get(row.join_key) if row.join_key else None

    def _named_or_new(self, row: CheckedRow) -> KnownDebtor:
        debtor = self._named(row)
        if debtor is None:
            return self._create(row)
        self._respect(debtor, row)
        if row.debtor_number:
            _check_same_person(debtor, row)
        self._amend(debtor, row)
        return debtor

    def _respect(self, debtor: KnownDebtor, row: CheckedRow) -> None:
        """Read what staff corrected as corrected, where the row says no more than was corrected."""
        for column, one in list(debtor.corrections.items()):
            said = getattr(row, column)
            if _as_kept(said) == one.placed:
                setattr(row, column, _as_written(column, one.right))
            elif said is not None and _as_kept(said) != one.right:
                self.overruled.add((debtor.id, column))
                del debtor.corrections[column]
        row.name_key = search_key(f"{row.first_name} {row.last_name}")

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
                postal_code_hash=row.postal_code_hash,
                fresh=True,
            )
        )

    def _amend(self, debtor: KnownDebtor, row: CheckedRow) -> None:
        """Take over what the row says of the debtor; what it leaves blank stays."""
        if debtor.join_key and self._by_key.get(debtor.join_key) is debtor:
            del self._by_key[debtor.join_key]
        if not debtor.fresh and _corrects(row, debtor):
            self.corrected.add(debtor.id)
        before = debtor.number, debtor.join_key
        debtor.number = row.debtor_number or debtor.number
        if row.join_key or not _says_the_same(row, debtor):
            debtor.join_key = row.join_key  # an old key would join accounts of who it was
        if not debtor.fresh and before != (debtor.number, debtor.join_key):
            self.renamed.add(debtor.id)
        debtor.name_key = row.name_key
        debtor.date_of_birth_hash = row.date_of_birth_hash or debtor.date_of_birth_hash
        debtor.last_four_hash = row.last_four_hash or debtor.last_four_hash
        debtor.postal_code_hash = row.postal_code_hash or debtor.postal_code_hash
        self._add(debtor)


def _as_kept(value: str | bytes | None) -> str | None:
    return value.hex() if isinstance(value, bytes) else value


def _as_written(column: str, right: str | None) -> str | bytes | None:
    """A value as JSON has it, as its column: of bytes, PostgreSQL writes their digits after \\x."""
    return bytes.fromhex(right[2:]) if right and column.endswith("_hash") else right


def _check_same_person(debtor: KnownDebtor, row: CheckedRow) -> None:
    for answer in _ANSWERS:
        if _differs(debtor, row, answer):
            raise SomebodyElse(answer.removesuffix("_hash"))
    if debtor.name_key != row.name_key and not _vouches(debtor, row):
        raise SomebodyElse("name")


def _vouches(debtor: KnownDebtor, row: CheckedRow) -> bool:
    """Whether anything but the client's number says that two names are one person."""
    at_home = debtor.postal_code_hash
    return any(_shared_answers(debtor, row)) or bool(at_home and at_home == row.postal_code_hash)


def _shared_answers(debtor: KnownDebtor, row: CheckedRow) -> list[bool]:
    """Of the answers that both have, whether each agrees."""
    pairs = [(getattr(debtor, field), getattr(row, field)) for field in _ANSWERS]
    return [theirs == ours for theirs, ours in pairs if theirs and ours]


def _differs(debtor: KnownDebtor, row: CheckedRow, field: str) -> bool:
    theirs, ours = getattr(debtor, field), getattr(row, field)
    return bool(theirs and ours and theirs != ours)


def _says_the_same(row: CheckedRow, debtor: KnownDebtor) -> bool:
    """Whether the row leaves the person as they are, as far as it says who they are."""
    return debtor.name_key == row.name_key and all(_shared_answers(debtor, row))


def _corrects(row: CheckedRow, debtor: KnownDebtor) -> bool:
    """Whether the row corrects the person in an answer; who only moved house is not corrected."""
    changed = any(_differs(debtor, row, field) for field in (*_ANSWERS, "postal_code_hash"))
    return changed and not _says_the_same(row, debtor)
