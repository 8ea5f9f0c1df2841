"""Asking to have records erased, and the second person who decides (EV-07, RT-01)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.jobs import enqueue
from portal.models import (
    BatchStatus,
    Client,
    Erasure,
    ErasureBatch,
    ErasureStatus,
    Staff,
    fresh_id,
)
from portal.services import evidence
from portal.services.legal_holds import typed_reason
from portal.services.retention import Asked, Record, page_after

Counts = Mapping[ErasureStatus, int]


class NothingToErase(DomainError):
    """Every record is kept, or somebody asked for it before."""

    message = N_("There is nothing here that may be erased.")


class SecondPersonErases(DomainError):
    """Nobody approves what they asked for themselves."""

    message = N_("You asked for this, so somebody else must approve it.")


class AlreadyDecided(DomainError):
    """Somebody approved or declined it before."""

    message = N_("Somebody decided about this already.")


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch and how many of its records are in each state."""

    batch: ErasureBatch
    counts: Counts

    @property
    def total(self) -> int:
        """How many records it is about."""
        return sum(self.counts.values())


def ask(  # noqa: PLR0913
    session: Session, asked: Asked, after: UUID, reason: str, *, staff: Staff, now: datetime
) -> ErasureBatch:
    """Ask to have the records of one page of the schedule erased: those that nothing holds back.

    The caller commits. Raises ReasonMissing, TextTooLong, NothingToErase.
    """
    why = typed_reason(reason)
    page = page_after(session, asked, after)
    today = asked.as_of
    chosen = [one for one in page.records if one.term.may_be_erased(today) and not one.asked]
    if not chosen:
        raise NothingToErase
    batch = ErasureBatch(
        id=fresh_id(),
        client_id=asked.client.id,
        status=BatchStatus.ASKED,
        limitation=asked.limitation,
        reason=why,
        asked_by=staff.id,
        asked_at=now,
    )
    session.add(batch)
    session.flush()
    session.execute(insert(Erasure), [_row(batch, one) for one in chosen])
    facts: evidence.Payload = {
        "records": len(chosen),
        "reason": why,
        "limitation": batch.limitation,
    }
    _tell(session, batch, "erasure.asked", facts, staff, now)
    return batch


def _row(batch: ErasureBatch, record: Record) -> dict[str, object]:
    return {
        "client_id": batch.client_id,
        "id": fresh_id(),
        "batch_id": batch.id,
        "account_id": record.account_id,
        "chain_id": record.chain_id,
        "reference": record.reference,
        "status": ErasureStatus.WAITING,
        "rule": record.term.decided_by.rule,
        "last_day": record.term.last_day,
        "leaves": record.leaves,
        "documents": record.documents,
    }


def approve(session: Session, batch: ErasureBatch, *, staff: Staff, now: datetime) -> None:
    """Have it done: from now on the worker erases record by record. The caller commits.

    Raises AlreadyDecided, SecondPersonErases.
    """
    _decide(session, batch, BatchStatus.APPROVED, staff, now)
    facts = {"records": len(erasures_of(session, batch)), "asked_by": str(batch.asked_by)}
    _tell(session, batch, "erasure.approved", facts, staff, now)
    enqueue(session, "evidence.erase", client_id=batch.client_id, batch_id=batch.id)


def decline(
    session: Session, batch: ErasureBatch, note: str, *, staff: Staff, now: datetime
) -> None:
    """Leave the records as they are, with the reason. The caller commits.

    Raises ReasonMissing, TextTooLong, AlreadyDecided,
    SecondPersonErases.
    """
    why = typed_reason(note)
    _decide(session, batch, BatchStatus.DECLINED, staff, now)
    batch.note = why
    facts = {"records": len(erasures_of(session, batch)), "reason": why}
    _tell(session, batch, "erasure.declined", facts, staff, now)


def find_batch(session: Session, batch_id: UUID) -> ErasureBatch:
    """One batch of the clients in sight. Raises NoResultFound."""
    mine = ErasureBatch.client_id.in_(session.info["client_ids"])
    return session.scalars(select(ErasureBatch).where(mine, ErasureBatch.id == batch_id)).one()


def batches(session: Session, client_id: UUID, *, most: int = 50) -> Sequence[Batch]:
    """A client's batches, the newest first."""
    found = session.scalars(
        select(ErasureBatch)
        .where(ErasureBatch.client_id == client_id)
        .order_by(ErasureBatch.asked_at.desc(), ErasureBatch.id.desc())
        .limit(most)
    ).all()
    return [Batch(one, _counts(session, one)) for one in found]


def erasures_of(session: Session, batch: ErasureBatch) -> Sequence[Erasure]:
    """The records of a batch, in the order of its page."""
    return session.scalars(
        select(Erasure)
        .where(Erasure.client_id == batch.client_id, Erasure.batch_id == batch.id)
        .order_by(Erasure.account_id)
    ).all()


def _counts(session: Session, batch: ErasureBatch) -> Counts:
    rows = session.execute(
        select(Erasure.status, func.count())
        .where(Erasure.client_id == batch.client_id, Erasure.batch_id == batch.id)
        .group_by(Erasure.status)
    )
    return {row[0]: row[1] for row in rows}


def _decide(
    session: Session, batch: ErasureBatch, status: BatchStatus, staff: Staff, now: datetime
) -> None:
    session.refresh(batch, with_for_update=True)
    if batch.status is not BatchStatus.ASKED:
        raise AlreadyDecided
    if batch.asked_by == staff.id:
        raise SecondPersonErases
    batch.status, batch.decided_by, batch.decided_at = status, staff.id, now


def _tell(  # noqa: PLR0913
    session: Session,
    batch: ErasureBatch,
    kind: str,
    facts: evidence.Payload,
    staff: Staff,
    now: datetime,
) -> None:
    client = session.get_one(Client, batch.client_id)
    payload = {"actor": evidence.staff(staff.id), "batch": str(batch.id), **facts}
    chain = {"client_id": client.id, "chain_id": client.chain_id}
    evidence.record(session, **chain, type=kind, payload=payload, now=now)
