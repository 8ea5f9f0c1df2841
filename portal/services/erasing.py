"""Erasing records, one a transaction: key and personal data go, the log stays whole (EV-07)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import (
    Account,
    BatchStatus,
    Chain,
    Client,
    Erasure,
    ErasureBatch,
    ErasureStatus,
)
from portal.services import evidence
from portal.services.evidence import SYSTEM
from portal.services.ledger import lock_account, lock_row
from portal.services.personal_data import erase_outside
from portal.services.retention import Asked, Record, records_of, today_of_client
from portal.services.sealing import destroy

ERASED_BEFORE, NOT_OVER = "erased_before", "not_over"


def approved(session: Session, client_id: UUID) -> Sequence[UUID]:
    """The batches of a client that are not finished, the oldest first."""
    return session.scalars(
        select(ErasureBatch.id)
        .where(ErasureBatch.client_id == client_id, ErasureBatch.status == BatchStatus.APPROVED)
        .order_by(ErasureBatch.asked_at, ErasureBatch.id)
    ).all()


def waiting(session: Session, client_id: UUID, batch_id: UUID) -> Sequence[UUID]:
    """The records of an approved batch that are still to be erased."""
    batch = session.get_one(ErasureBatch, (client_id, batch_id), populate_existing=True)
    if batch.status is not BatchStatus.APPROVED:
        return ()
    return session.scalars(
        select(Erasure.id)
        .where(
            Erasure.client_id == client_id,
            Erasure.batch_id == batch_id,
            Erasure.status == ErasureStatus.WAITING,
        )
        .order_by(Erasure.account_id)
    ).all()


def erase(session: Session, client_id: UUID, erasure_id: UUID, *, now: datetime) -> ErasureStatus:
    """Erase one record of an approved batch, or say what holds it back now. The caller commits.

    It is looked at again under the account's lock, and nobody writes to its chain meanwhile.
    """
    key = (client_id, erasure_id)
    account = lock_account(session, session.get_one(Erasure, key).account_id)
    row = lock_row(session, Erasure, key)
    batch = session.get_one(ErasureBatch, (client_id, row.batch_id))
    if row.status is not ErasureStatus.WAITING or batch.status is not BatchStatus.APPROVED:
        return row.status
    session.get(Chain, (client_id, account.chain_id), with_for_update=True, populate_existing=True)
    client = session.get_one(Client, client_id)
    asked = Asked(client, today_of_client(client, now), now, batch.limitation)
    found = records_of(session, asked, [account.id])
    why = _why_not(found, asked)
    if why:
        _skip(session, client, row, why, now)
    else:
        _erase(session, client, account, row, found[0], now)
    return row.status


def finish(session: Session, client_id: UUID, batch_id: UUID, *, now: datetime) -> None:
    """Say that nothing of a batch is left to do. The caller commits."""
    batch = lock_row(session, ErasureBatch, (client_id, batch_id))
    if batch.status is BatchStatus.APPROVED and not waiting(session, client_id, batch_id):
        batch.status, batch.finished_at = BatchStatus.FINISHED, now


def _why_not(found: Sequence[Record], asked: Asked) -> str:
    """What holds a record back: names of `Holding`, or that its day has not passed."""
    if not found:
        return ERASED_BEFORE
    term = found[0].term
    if term.held_by:
        return " ".join(term.held_by)
    return "" if term.is_over(asked.as_of) else NOT_OVER


def _skip(session: Session, client: Client, row: Erasure, why: str, now: datetime) -> None:
    row.status, row.why, row.at = ErasureStatus.SKIPPED, why, now
    facts = {"batch": str(row.batch_id), "chain": str(row.chain_id), "why": why}
    _tell(session, client, "erasure.skipped", facts, now)


def _erase(  # noqa: PLR0913
    session: Session,
    client: Client,
    account: Account,
    row: Erasure,
    record: Record,
    now: datetime,
) -> None:
    batch = session.get_one(ErasureBatch, (row.client_id, row.batch_id))
    decided = record.term.decided_by
    facts: evidence.Payload = {
        "batch": str(batch.id),
        "chain": str(account.chain_id),
        "rule": str(decided.rule),
        "last_day": decided.last_day.isoformat(),
        "leaves": record.leaves,
        "documents": record.documents,
        "asked_by": str(batch.asked_by),
        "approved_by": str(batch.decided_by),
    }
    row.leaf_n = _tell(session, client, "erasure", facts, now)
    row.status, row.at = ErasureStatus.ERASED, now
    row.rule, row.last_day = str(decided.rule), decided.last_day
    row.leaves, row.documents = record.leaves, record.documents
    destroy(session, account.client_id, account.chain_id, now)
    erase_outside(session, account, now=now)


def _tell(
    session: Session, client: Client, kind: str, facts: evidence.Payload, now: datetime
) -> int:
    chain = {"client_id": client.id, "chain_id": client.chain_id}
    payload = {"actor": SYSTEM, **facts}
    return evidence.record(session, **chain, type=kind, payload=payload, now=now).n
