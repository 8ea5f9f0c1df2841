"""The accounts that a member of staff opened last, from what is kept of every opening."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from portal.models import Account, Client, Debtor, Noted, Staff, StaffEvent
from portal.services.search import Hit

SHOWN = 10
LOOKED_THROUGH = 100
"""Openings among which the accounts are looked for: an index gives them newest first."""


def recent_accounts(session: Session, staff: Staff) -> Sequence[Hit]:
    """The accounts that were opened last and are not erased, the newest first."""
    order = _opened(session, staff)
    rows = session.execute(
        select(Account, Debtor, Client)
        .join(Debtor, and_(Debtor.client_id == Account.client_id, Debtor.id == Account.debtor_id))
        .join(Client, Client.id == Account.client_id)
        .where(
            Account.client_id.in_(session.info["client_ids"]),
            Account.id.in_(order),
            Account.erased_at.is_(None),
        )
    ).all()
    hits = [Hit(*row, by="account") for row in rows]
    return sorted(hits, key=lambda hit: order.index(hit.account.id))[:SHOWN]


def _opened(session: Session, staff: Staff) -> list[UUID]:
    newest = (
        select(StaffEvent.detail["account_id"].astext)
        .where(StaffEvent.staff_id == staff.id, StaffEvent.kind == Noted.OPENED)
        .order_by(StaffEvent.at.desc())
        .limit(LOOKED_THROUGH)
    )
    return [UUID(one) for one in dict.fromkeys(session.scalars(newest))]
