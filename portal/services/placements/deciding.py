"""What becomes of each row of a batch, decided before anything is written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg

from portal.domain.money import Cents, is_too_little
from portal.domain.statuses import AccountStatus
from portal.models import fresh_id
from portal.services.placements.balances import AccountBook, KnownAccount
from portal.services.placements.debtors import (
    AlreadyTheirs,
    DebtorBook,
    KnownDebtor,
    SomebodyElse,
    Write,
)
from portal.services.placements.rows import CheckedRow, Refusal

Connection = psycopg.Connection[Any]

ALREADY_THEIRS = (
    "This account is already with another person; recall it and place it under another number."
)


class Outcome(StrEnum):
    """What became of one line of a placement; ``held``: written, but a person decides its balance.

    ``recalled`` is the one that a recall adds.
    """

    LANDED = "landed"
    UPDATED = "updated"
    HELD = "held"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    RECALLED = "recalled"


Telling = tuple[int, str, str | None, str | None, str | None]
"""One line of a placement: its number, outcome, reference, column and reason."""


@dataclass(slots=True, kw_only=True)
class Decision:
    """One row and what is written for it."""

    row: CheckedRow
    outcome: Outcome
    account_id: UUID
    debtor: KnownDebtor
    earlier_debtor_id: UUID | None = None
    debtor_write: Write = Write.NONE
    delta_cents: Cents = Cents(0)
    status: AccountStatus = AccountStatus.OPEN
    why: str | None = None

    def is_too_little(self) -> bool:
        """Whether it is a new account that nobody could be charged for."""
        owed, currency = self.row.itemized_cents, self.row.currency
        return self.outcome is Outcome.LANDED and is_too_little(owed, currency)


@dataclass(slots=True)
class Batch:
    """The rows of one transaction, and what was decided about them."""

    decisions: list[Decision] = field(default_factory=list)
    unchanged: list[CheckedRow] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    held: list[tuple[CheckedRow, KnownAccount, str]] = field(default_factory=list)
    renamed: list[UUID] = field(default_factory=list)
    corrected: list[UUID] = field(default_factory=list)
    overruled: list[tuple[UUID, str]] = field(default_factory=list)

    def written(self) -> list[CheckedRow]:
        """The rows that were not refused."""
        return [*(decision.row for decision in self.decisions), *self.unchanged]

    def tellings(self) -> list[Telling]:
        """What became of each line, in the order of the file."""
        told = [_told(d.row, d.outcome, d.why) for d in self.decisions]
        told += [_told(row, Outcome.UNCHANGED, None) for row in self.unchanged]
        told += [
            (r.line, Outcome.REFUSED, r.reference, r.column or None, r.reason) for r in self.refused
        ]
        return sorted(told)

    def changed(self) -> list[Decision]:
        """The rows of accounts that were placed before."""
        return [decision for decision in self.decisions if decision.earlier_debtor_id]

    def rebalanced(self) -> list[UUID]:
        """The accounts whose balance changes, and the new ones of which too little is owed."""
        return [
            decision.account_id
            for decision in self.decisions
            if decision.delta_cents or decision.is_too_little()
        ]

    def moved(self) -> list[Decision]:
        """The rows of accounts that another person gets."""
        return [d for d in self.decisions if d.earlier_debtor_id not in (None, d.debtor.id)]

    def lowered(self) -> list[UUID]:
        """The accounts of which less is owed than before."""
        return [decision.account_id for decision in self.decisions if decision.delta_cents < 0]


class Decider:
    """Decides the rows of one batch in the order of the file."""

    def __init__(self, connection: Connection, client_id: UUID, columns: dict[str, str]) -> None:
        self._accounts = AccountBook(connection, client_id)
        self._debtors = DebtorBook(connection, client_id)
        self._columns = columns
        self._batch = Batch()

    def decide(self, rows: Sequence[CheckedRow], refused: Iterable[Refusal]) -> Batch:
        """What becomes of these rows; those refused already are taken along."""
        self._batch.refused.extend(refused)
        self._accounts.load(rows)
        changing = []
        for row in rows:
            account = self._accounts.get(row)
            if account is not None and account.says_the_same(row):
                self._batch.unchanged.append(row)
            else:
                changing.append((row, account))
        present = {account.debtor_id for _, account in changing if account}
        self._debtors.load([row for row, _ in changing], present)
        for row, account in changing:
            self._decide(row, account)
        _say_who_writes(self._batch.decisions)
        self._batch.renamed = list(self._debtors.renamed)
        self._batch.corrected = list(self._debtors.corrected)
        self._batch.overruled = sorted(self._debtors.overruled)
        return self._batch

    def _decide(self, row: CheckedRow, account: KnownAccount | None) -> None:
        try:
            if account is None:
                self._batch.decisions.append(self._new(row))
            elif account.currency != row.currency:
                why = (
                    f"The account was placed in {account.currency}: recall it, and place it under"
                    " another number."
                )
                self._refuse(row, "currency", row.currency, why)
            else:
                self._known(row, account)
        except SomebodyElse as clash:
            differs = f"{clash.field.replace('_', ' ')} differs"
            if clash.field == "name":
                differs += ", and no answer agrees"
            why = f"This debtor number belongs to somebody else: {differs}. Check the number."
            self._refuse(row, "debtor_number", row.debtor_number or "", why)
        except AlreadyTheirs:
            self._refuse(row, "reference", row.reference, ALREADY_THEIRS)

    def _refuse(self, row: CheckedRow, field: str, value: str, reason: str) -> None:
        column = self._columns.get(field, field)
        refusal = Refusal(row.line, column, value, reason, row.cells, row.reference)
        self._batch.refused.append(refusal)

    def _new(self, row: CheckedRow) -> Decision:
        debtor = self._debtors.of_new(row)
        return Decision(row=row, outcome=Outcome.LANDED, account_id=fresh_id(), debtor=debtor)

    def _known(self, row: CheckedRow, account: KnownAccount) -> None:
        moved = self._accounts.movement(row, account)
        if moved.held and self._nothing_else(row, account):
            self._batch.unchanged.append(row)
            return
        debtor = self._debtors.of_known(
            row, account.debtor_id, rooted=self._accounts.is_rooted(account)
        )
        if moved.held:
            self._batch.held.append((row, account, moved.held))
        decision = Decision(
            row=row,
            outcome=Outcome.HELD if moved.held else Outcome.UPDATED,
            account_id=account.id,
            debtor=debtor,
            earlier_debtor_id=account.debtor_id,
            delta_cents=moved.delta_cents,
            status=moved.status,
            why=moved.held,
        )
        self._batch.decisions.append(decision)

    def _nothing_else(self, row: CheckedRow, account: KnownAccount) -> bool:
        """Whether a held figure is all that is new, and a person was asked about it before."""
        same = row.row_sha256 == account.row_sha256 and account.status != AccountStatus.RECALLED
        return same and self._accounts.was_asked(row, account)


def _told(row: CheckedRow, outcome: Outcome, why: str | None) -> Telling:
    if why is None and row.notices:
        whys = " ".join(f"{notice.column}: {notice.reason}" for notice in row.notices)
        return row.line, outcome, row.reference, row.notices[0].column, whys
    return row.line, outcome, row.reference, None, why


def _say_who_writes(decisions: Sequence[Decision]) -> None:
    """The first row of a new debtor inserts it; the last row of any debtor has the last word."""
    last: dict[UUID, Decision] = {}
    for decision in decisions:
        if decision.debtor.fresh and decision.debtor.id not in last:
            decision.debtor_write = Write.INSERT
        last[decision.debtor.id] = decision
    for decision in last.values():
        if not decision.debtor.fresh:
            decision.debtor_write = Write.UPDATE
        elif decision.debtor_write is Write.NONE:
            decision.debtor_write = Write.REFRESH
