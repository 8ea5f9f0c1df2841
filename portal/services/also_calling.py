"""Colleagues who are on the line with the same person: said to both, and forbidden to nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.callers import runs_until
from portal.models import CallSession, Client, Staff
from portal.services.staff import names_of


@dataclass(frozen=True, slots=True)
class AlsoCalling:
    """A colleague by name, since when they are on their call, and the client's zone."""

    name: str
    since: datetime
    zone: str


def also_calling(
    session: Session, client_id: UUID, debtor_id: UUID, me: Staff, *, now: datetime
) -> Sequence[AlsoCalling]:
    """Who else is on a call about a debtor now, whoever of them came first.

    Nobody sees the log-ins of others, so a call counts until it is wrapped up or ran out.
    """
    rows = session.execute(
        select(CallSession, Client.time_zone)
        .join(Client, Client.id == CallSession.client_id)
        .where(
            CallSession.client_id == client_id,
            CallSession.debtor_id == debtor_id,
            CallSession.staff_id != me.id,
            CallSession.ended_at.is_(None),
        )
        .order_by(CallSession.opened_at)
    ).all()
    on = [(call, zone) for call, zone in rows if now < runs_until(call.opened_at, call.seen_at)]
    names = names_of(session, [call.staff_id for call, _ in on])
    return [AlsoCalling(names.get(call.staff_id, ""), call.opened_at, zone) for call, zone in on]
