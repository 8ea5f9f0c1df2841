"""Whether a client's record is in order: its signed head, what was looked over, open alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import Client, EvidenceAlarm, EvidenceCheck, StoredCheckpoint
from portal.services import tree
from portal.services.alarms import open_alarms


@dataclass(frozen=True, slots=True)
class RecordState:
    """How one client's record stands.

    ``after`` counts the leaves in the tree that came after the signed head. ``checked`` is the
    newest look of any kind, ``whole`` the newest one over everything.
    """

    client: Client
    signed: StoredCheckpoint | None
    after: int
    checked: EvidenceCheck | None
    whole: EvidenceCheck | None
    alarms: Sequence[EvidenceAlarm]


def record_states(session: Session) -> Sequence[RecordState]:
    """The state of the record of each client that the session sees, by their names."""
    return [_state(session, client) for client in clients_seen(session)]


def clients_seen(session: Session) -> Sequence[Client]:
    """The clients that the session sees, by their names."""
    return session.scalars(
        select(Client)
        .where(Client.id.in_(session.info["client_ids"]))
        .order_by(Client.trade_name, Client.id)
    ).all()


def _state(session: Session, client: Client) -> RecordState:
    signed = tree.newest_checkpoint(session, client.id)
    return RecordState(
        client,
        signed,
        tree.size_of(session, client.id) - (signed.size if signed else 0),
        last_check(session, client.id, whole=False),
        last_check(session, client.id, whole=True),
        open_alarms(session, client.id),
    )


def last_check(session: Session, client_id: UUID, *, whole: bool) -> EvidenceCheck | None:
    """The newest run over all of a client's record, or the newest one of any kind."""
    query = select(EvidenceCheck).where(EvidenceCheck.client_id == client_id)
    if whole:
        query = query.where(EvidenceCheck.whole)
    return session.scalar(query.order_by(EvidenceCheck.at.desc(), EvidenceCheck.id.desc()).limit(1))


def find_alarm(session: Session, alarm_id: UUID) -> EvidenceAlarm:
    """An alarm of a client that the session sees. Raises NoResultFound."""
    mine = EvidenceAlarm.client_id.in_(session.info["client_ids"])
    return session.scalars(select(EvidenceAlarm).where(mine, EvidenceAlarm.id == alarm_id)).one()
