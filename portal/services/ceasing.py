"""What waits to be sent when somebody tells us to stop writing: it never leaves (CT-08)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.holds import Capability
from portal.domain.outgoing import TEMPLATES
from portal.domain.statuses import MessageStatus
from portal.models import Account, Debtor, Message
from portal.services.messages import drop

RULE = "CT-08"
WAITING = (MessageStatus.QUEUED, MessageStatus.DEFERRED)
INVITING = tuple(name for name, kind in TEMPLATES.items() if Capability.SEND in kind.needs)


def lock_invitations(
    session: Session, debtor: Debtor, account: Account | None = None
) -> Sequence[Message]:
    """What waits to be sent and nobody asked for: to a debtor, or about one of their accounts.

    Locked after accounts and before anything is written on a chain, as all who send do.
    """
    wanted = select(Message).where(
        Message.client_id == debtor.client_id,
        Message.debtor_id == debtor.id,
        Message.status.in_(WAITING),
        Message.template.in_(INVITING),
        Message.asked_for.is_(False),
    )
    if account is not None:
        wanted = wanted.where(Message.account_id == account.id)
    return session.scalars(
        wanted.order_by(Message.id).with_for_update().execution_options(populate_existing=True)
    ).all()


def drop_invitations(session: Session, waiting: Sequence[Message], *, now: datetime) -> None:
    """Never send these."""
    for message in waiting:
        drop(session, message, RULE, now=now)
    session.flush()
