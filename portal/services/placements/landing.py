"""Landing one batch of checked rows: decided, staged and written in one transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.db import psycopg_connection
from portal.domain.statuses import LIVE, AccountStatus
from portal.models import Account, Arrangement, Placement, Proposal, fresh_id
from portal.services import arrangements, evidence, ledger
from portal.services.open_proposals import OPEN, Closed, close_open
from portal.services.placements import statements
from portal.services.placements.balances import answer_by_posting, ask_about, ask_about_rests
from portal.services.placements.debtors import Write
from portal.services.placements.deciding import Batch, Decider, Decision, Outcome
from portal.services.placements.defaults import validation_end
from portal.services.placements.parting import close_doors
from portal.services.placements.rows import CheckedRow, Refusal
from portal.services.words import learn

Connection = psycopg.Connection[Any]

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_own = attrgetter(*statements.STAGED[statements.STAGED.index("first_name") :])
"""The staged columns that stand in a row as they are."""


def hold_client(session: Session, placement: Placement) -> None:
    """Let placements and recalls of one client wait for each other until the transaction ends."""
    session.execute(_LOCK, {"name": f"placement:{placement.client_id}"})


def land(
    session: Session,
    placement: Placement,
    rows: Sequence[CheckedRow],
    refused: Iterable[Refusal],
    *,
    columns: dict[str, str],
    now: datetime,
) -> Batch:
    """Write one batch of a placement; the caller commits.

    ``columns``: what the file calls our fields, for rows that are refused only here.
    """
    session.flush()
    hold_client(session, placement)
    connection = psycopg_connection(session)
    batch = Decider(connection, placement.client_id, columns).decide(rows, refused)
    connection.execute(statements.STAGE)
    _stage_tellings(connection, batch)
    if batch.decisions:
        close_doors(session, placement, batch, now)
        _stage(connection, batch.decisions)
        _write(connection, batch, placement, now)
    connection.execute(statements.INSERT_OUTCOMES, _values(placement, now))
    _shorten(session, batch, now)
    return batch


def _values(placement: Placement, now: datetime) -> dict[str, Any]:
    return {
        "client_id": placement.client_id,
        "placement_id": placement.id,
        "source": f"placement:{placement.id}",
        "now": now,
    }


def _write(connection: Connection, batch: Batch, placement: Placement, now: datetime) -> None:
    values = _values(placement, now)
    changed = batch.changed()
    if batch.renamed:
        connection.execute(statements.FREE_DEBTORS, values | {"renamed": batch.renamed})
    if any(decision.debtor_write is Write.UPDATE for decision in batch.decisions):
        connection.execute(statements.UPDATE_DEBTORS, values | {"write": Write.UPDATE})
    connection.execute(statements.INSERT_DEBTORS, values)
    if any(decision.debtor_write is Write.REFRESH for decision in batch.decisions):
        connection.execute(statements.UPDATE_DEBTORS, values | {"write": Write.REFRESH})
    if batch.overruled:
        debtors, columns = (list(some) for some in zip(*batch.overruled, strict=True))
        over = {"client_id": placement.client_id, "debtors": debtors, "columns": columns}
        connection.execute(statements.END_CORRECTIONS, over)
    learn(connection, placement.client_id, (decision.row.name_key for decision in batch.decisions))
    connection.execute(statements.INSERT_ACCOUNTS, values)
    connection.execute(statements.INSERT_PLACED, values)
    if changed:
        connection.execute(statements.UPDATE_ACCOUNTS, values)
        connection.execute(statements.INSERT_ADJUSTED, values)
        connection.execute(statements.RETIRE_CONTACTS, values)
        ask_about(connection, placement.client_id, batch.held, now)
        posted = [d.account_id for d in changed if d.outcome is Outcome.UPDATED]
        answer_by_posting(connection, placement.client_id, posted, now)
    ask_about_rests(connection, placement.client_id, batch.rebalanced(), values["source"], now)
    connection.execute(statements.INSERT_CONTACTS, values)


def _stage(connection: Connection, decisions: Sequence[Decision]) -> None:
    with connection.cursor().copy(statements.COPY_ROWS) as copy:
        for decision in decisions:
            copy.write_row(_staged(decision))
    told = set()
    with connection.cursor().copy(statements.COPY_CONTACTS) as copy:
        for decision in decisions:
            row = decision.row
            for channel, address in (("email", row.email), ("sms", row.phone)):
                if address is None:
                    continue
                zones = row.phone_zones if channel == "sms" else None
                name = (decision.debtor.id, address)
                where = (fresh_id(), decision.account_id, decision.debtor.id, channel, address)
                copy.write_row((*where, zones, row.permission_basis, name not in told))
                told.add(name)


def _staged(decision: Decision) -> tuple[Any, ...]:
    row, debtor = decision.row, decision.debtor
    sent_on = row.validation_notice_sent_on
    return (
        row.line,
        decision.outcome,
        decision.account_id,
        debtor.id,
        decision.earlier_debtor_id,
        decision.debtor_write,
        fresh_id(),
        fresh_id(),
        decision.delta_cents,
        decision.status,
        row.reference,
        debtor.number,
        debtor.join_key,
        Jsonb(row.judgment) if row.judgment else None,
        validation_end(sent_on) if sent_on else None,
        *_own(row),
    )


def _stage_tellings(connection: Connection, batch: Batch) -> None:
    with connection.cursor().copy(statements.COPY_OUTCOMES) as copy:
        for telling in batch.tellings():
            copy.write_row(telling)


def _shorten(session: Session, batch: Batch, now: datetime) -> None:
    """Let running plans end earlier where less is owed than they would still collect."""
    lowered = batch.lowered()
    if not lowered:
        return
    planned = select(Arrangement.account_id).where(
        Arrangement.account_id.in_(lowered), Arrangement.status.in_(LIVE)
    )
    for account_id in session.scalars(planned.order_by(Arrangement.account_id)):
        account = ledger.lock_account(session, account_id)
        arrangements.shorten_to_balance(session, account, now)
    _close_proposals(session, lowered, now)


def _close_proposals(session: Session, lowered: Sequence[UUID], now: datetime) -> None:
    """Nobody answers a suggestion on an account that owes nothing any more."""
    suggested = (
        select(Proposal.account_id)
        .join(Account, Account.id == Proposal.account_id)
        .where(
            Proposal.account_id.in_(lowered),
            Proposal.status.in_(OPEN),
            Account.status != AccountStatus.OPEN,
        )
    )
    for account_id in session.scalars(suggested.order_by(Proposal.account_id)):
        account = ledger.lock_account(session, account_id)
        close_open(session, account, Closed.NOTHING_OWED, actor=evidence.SYSTEM, now=now)
