"""What ends where a placement gives an account to another person, or corrects who somebody is."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.outgoing import Rule
from portal.domain.statuses import AccountStatus
from portal.models import AccessLink, Account, Message, Placement
from portal.services import evidence, links, messages
from portal.services.placements.deciding import Batch
from portal.services.visits import LONGEST

MOVED = "account_moved"
CORRECTED = "person_corrected"


def close_doors(session: Session, placement: Placement, batch: Batch, now: datetime) -> None:
    """Revoke the links, and with them the visits, of debtors whose last account leaves them.

    So with those whose identity answers were wrong: whoever passed with these may not be the
    debtor. Runs while the accounts are still where they were, so that their chains tell it.
    """
    gone = _left_with_nothing(session, batch)
    _drop_messages(session, placement.client_id, gone, now)
    by = placement.placed_by
    actor = evidence.staff(by) if by else evidence.SYSTEM
    for reason, debtors in ((MOVED, gone), (CORRECTED, batch.corrected)):
        for link in _open_links(session, placement.client_id, debtors, now):
            links.revoke_link(session, link, reason=reason, actor=actor, now=now)


def _left_with_nothing(session: Session, batch: Batch) -> set[UUID]:
    moved = batch.moved()
    former = {decision.earlier_debtor_id for decision in moved if decision.earlier_debtor_id}
    former -= {decision.debtor.id for decision in batch.decisions}
    if not former:
        return set()
    here = select(Account.debtor_id).where(
        Account.debtor_id.in_(former),
        Account.status != AccountStatus.RECALLED,
        Account.id.not_in([decision.account_id for decision in moved]),
    )
    return former - set(session.scalars(here))


def _drop_messages(
    session: Session, client_id: UUID, debtors: Collection[UUID], now: datetime
) -> None:
    if not debtors:
        return
    waiting = session.scalars(
        select(Message)
        .where(
            Message.client_id == client_id,
            Message.debtor_id.in_(debtors),
            Message.status.in_(messages.WAITING),
        )
        .order_by(Message.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for message in waiting.all():
        messages.drop(session, message, Rule.OUT_OF_DATE, now=now)


def _open_links(
    session: Session, client_id: UUID, debtors: Collection[UUID], now: datetime
) -> list[AccessLink]:
    """The links that open something, or through which a visit may still be open."""
    if not debtors:
        return []
    open_or_visited = select(AccessLink).where(
        AccessLink.client_id == client_id,
        AccessLink.debtor_id.in_(debtors),
        AccessLink.revoked_at.is_(None),
        AccessLink.expires_at > now - LONGEST,
    )
    return list(session.scalars(open_or_visited.order_by(AccessLink.id)))
