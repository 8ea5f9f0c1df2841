"""What we sent to a debtor, as they may look it up."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.domain.statuses import MessageStatus
from portal.models import Account, Message

NEWEST = 50


def sent_about(session: Session, account: Account) -> Sequence[Message]:
    """The newest messages that left for the debtor of an account, about it or about all of them."""
    return session.scalars(
        select(Message)
        .where(
            Message.client_id == account.client_id,
            Message.debtor_id == account.debtor_id,
            or_(Message.account_id == account.id, Message.account_id.is_(None)),
            Message.status.in_((MessageStatus.SENT, MessageStatus.DELIVERED)),
            Message.sent_at.is_not(None),
        )
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(NEWEST)
    ).all()
