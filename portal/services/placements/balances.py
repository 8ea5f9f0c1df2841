"""What a placement makes of an account that was placed before, and of its balance.

A changed figure moves the balance by the difference to the client's own last figure, so that what
was paid here stays paid. Where that could be wrong, a person decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from portal.domain.money import Cents, is_too_little
from portal.domain.statuses import AccountStatus
from portal.models import fresh_id
from portal.models.payments import OPEN_STATUSES
from portal.services import ledger
from portal.services.placements.rows import CheckedRow

Connection = psycopg.Connection[Any]

EXCEPTION = "placed_balance"
"""The kind of question that a figure raises which was not posted."""

_KNOWN = (
    "SELECT reference, id, debtor_id, status, currency, row_sha256, last_placed_cents,"
    " balance_cents FROM account WHERE client_id = %s AND reference = ANY(%s)"
)
_LOCKED = f"{_KNOWN} ORDER BY id FOR UPDATE"
_PAYING = (
    "SELECT account_id FROM payment WHERE client_id = %s AND account_id = ANY(%s)"  # noqa: S608
    f" AND status IN {OPEN_STATUSES} AND purpose <> 'method'"
)
# What a debtor did, or was told or promised, about an account; they may also have looked at it. A
# message that is just leaving is told on the chains of whoever's accounts it finds.
_OF_ACCOUNT = (
    *("arrangement", "payment", "payer_link", "proposal"),
    *("help_request", "thread_entry", "hold"),
)
_OF_DEBTOR = (
    "SELECT a.id FROM account a JOIN message m"
    " ON (m.client_id, m.debtor_id) = (a.client_id, a.debtor_id)"
    " WHERE a.id = ANY(%(ids)s) AND (m.account_id = a.id OR m.status = 'sending')"
    " UNION SELECT a.id FROM account a JOIN access_link k"
    " ON (k.client_id, k.debtor_id) = (a.client_id, a.debtor_id)"
    " WHERE a.id = ANY(%(ids)s) AND k.verified_at IS NOT NULL"
)
_ROOTED = _OF_DEBTOR + "".join(
    f" UNION SELECT account_id FROM {table}"  # noqa: S608
    " WHERE client_id = %(client)s AND account_id = ANY(%(ids)s)"
    for table in _OF_ACCOUNT
)
_ASKED = (
    "SELECT source FROM money_exception WHERE client_id = %s AND kind = %s AND source = ANY(%s)"
)
_ASK = (
    "INSERT INTO money_exception (client_id, id, account_id, kind, source, detail, opened_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_OPEN = (
    "SELECT id, balance_cents, currency FROM account"
    " WHERE client_id = %s AND id = ANY(%s) AND status = 'open'"
)
_ANSWER = (
    "UPDATE money_exception SET resolved_at = %s, resolution = %s"
    " WHERE client_id = %s AND kind = %s AND account_id = ANY(%s) AND resolved_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account as it stands before a placement speaks of it again."""

    reference: str
    id: UUID
    debtor_id: UUID
    status: AccountStatus
    currency: str
    row_sha256: bytes
    last_placed_cents: Cents
    balance_cents: Cents

    def says_the_same(self, row: CheckedRow) -> bool:
        """Whether the row changes nothing."""
        return (
            row.row_sha256 == self.row_sha256
            and row.itemized_cents == self.last_placed_cents
            and self.status != AccountStatus.RECALLED
        )


@dataclass(frozen=True, slots=True)
class Movement:
    """What becomes of the balance: cents to post, or why a person has to decide."""

    delta_cents: Cents
    status: AccountStatus
    held: str | None = None


class AccountBook:
    """The accounts of one batch that the client placed before."""

    def __init__(self, connection: Connection, client_id: UUID) -> None:
        self._connection, self._client_id = connection, client_id
        self._known: dict[str, KnownAccount] = {}
        self._paying: set[UUID] = set()
        self._asked: set[str] = set()
        self._rooted: set[UUID] = set()

    def load(self, rows: Sequence[CheckedRow]) -> None:
        """Read what is known of the rows' accounts, and lock those that the rows change."""
        self._read(_KNOWN, [row.reference for row in rows])
        changed = [row for row in rows if (a := self.get(row)) and not a.says_the_same(row)]
        if not changed:
            return
        self._read(_LOCKED, [row.reference for row in changed])
        ids = [self._known[row.reference].id for row in changed]
        paying = self._connection.execute(_PAYING, (self._client_id, ids), prepare=False)
        self._paying = {found[0] for found in paying}
        rooted = self._connection.execute(
            _ROOTED, {"client": self._client_id, "ids": ids}, prepare=False
        )
        self._rooted = {found[0] for found in rooted}
        sources = [exception_source(self._known[row.reference].id, row) for row in changed]
        asked = self._connection.execute(
            _ASKED, (self._client_id, EXCEPTION, sources), prepare=False
        )
        self._asked = {found[0] for found in asked}

    def _read(self, statement: str, references: list[str]) -> None:
        given = (self._client_id, references)
        for found in self._connection.execute(statement, given, prepare=False):
            reference, account_id, debtor_id, status, *rest = found
            account = KnownAccount(reference, account_id, debtor_id, AccountStatus(status), *rest)
            self._known[account.reference] = account

    def get(self, row: CheckedRow) -> KnownAccount | None:
        """The account of a row, if it was placed before."""
        return self._known.get(row.reference)

    def was_asked(self, row: CheckedRow, account: KnownAccount) -> bool:
        """Whether a person was already asked about this very figure."""
        return exception_source(account.id, row) in self._asked

    def is_rooted(self, account: KnownAccount) -> bool:
        """Whether the account has a history with its debtor, whose alone it stays."""
        return account.id in self._rooted

    def movement(self, row: CheckedRow, account: KnownAccount) -> Movement:
        """What the row's figure does to the balance of its account."""
        delta = Cents(row.itemized_cents - account.last_placed_cents)
        after = account.balance_cents + delta
        held = self._why_held(account, after) if delta else None
        if held:
            delta, after = Cents(0), account.balance_cents
        if account.status == AccountStatus.SETTLED:
            return Movement(delta, account.status, held)
        status = AccountStatus.OPEN if after > 0 else AccountStatus.PAID
        return Movement(delta, status, held)

    def _why_held(self, account: KnownAccount, after: int) -> str | None:
        if account.id in self._paying:
            return "A payment is on its way: the new balance waits until a person has looked at it."
        if account.status == AccountStatus.SETTLED:
            return "The account was settled: a person decides what the new balance means."
        if after < 0:
            return "More was paid here than the new balance leaves: a person decides."
        return None


def exception_source(account_id: UUID, row: CheckedRow) -> str:
    """What names one figure of one account, so that a person is asked once about it."""
    return f"account:{account_id}:{row.itemized_cents}"


def ask_about(
    connection: Connection,
    client_id: UUID,
    held: Sequence[tuple[CheckedRow, KnownAccount, str]],
    now: datetime,
) -> None:
    """Put figures that were not posted before a person, once each."""
    for row, account, why in held:
        figures = (
            f"the client's figure was {account.last_placed_cents} cents and is now"
            f" {row.itemized_cents}; the balance here is {account.balance_cents}"
        )
        source = exception_source(account.id, row)
        values = (client_id, fresh_id(), account.id, EXCEPTION, source, f"{why} ({figures})", now)
        connection.execute(_ASK, values)


def answer_by_posting(
    connection: Connection, client_id: UUID, account_ids: list[UUID], now: datetime
) -> None:
    """Close the questions of accounts whose newest figure stands in the ledger."""
    if account_ids:
        why = "A later placement brought a balance that could be posted."
        connection.execute(_ANSWER, (now, why, client_id, EXCEPTION, account_ids))


def ask_about_rests(
    connection: Connection, client_id: UUID, moved: list[UUID], source: str, now: datetime
) -> None:
    """Put balances too little to be charged before a person; what was asked before is moot."""
    if not moved:
        return
    kind = ledger.TOO_LITTLE
    connection.execute(_ANSWER, (now, ledger.MOVED, client_id, kind, moved))
    for account_id, cents, currency in connection.execute(
        _OPEN, (client_id, moved), prepare=False
    ).fetchall():
        if is_too_little(cents, currency):
            named = ledger.rest_source(account_id, source)
            why = ledger.rest_detail(cents, currency)
            values = (client_id, fresh_id(), account_id, kind, named, why, now)
            connection.execute(_ASK, values)
