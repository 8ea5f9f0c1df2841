"""Whether the one notice may go that the law lets follow a stop of everything (CT-08)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_
from portal.domain.holds import HoldKind
from portal.domain.outgoing import Rule
from portal.domain.statuses import MessageStatus
from portal.models import Account, Message
from portal.services.standing import holds_in_force, standing

TEMPLATE = "closing_notice"
NEVER_WENT = (MessageStatus.SUPPRESSED, MessageStatus.FAILED)


class Wording(StrEnum):
    """What a closing notice says: that efforts end, or which remedy may follow."""

    ENDS = "ends"
    REMEDY = "remedy"


WORDINGS: dict[str, str] = {
    Wording.ENDS: N_("We end our efforts to collect this account"),
    Wording.REMEDY: N_("A court may be asked to decide about this account"),
}
"""Both in the words of whoever chooses; the law allows nothing else (15 USC 1692c(c)(1)-(3))."""


def closing_bar(
    session: Session,
    account: Account,
    wording: str,
    *,
    now: datetime,
    before: Message | None = None,
) -> str | None:
    """The rule against a closing notice about an account now; None where it may go.

    There is one for each stop, older than ``before`` if that is one itself. A remedy is named only
    where nothing but the stop keeps us from writing: not where the debt is too old or contested.
    """
    stops = [
        hold.starts_at
        for hold in holds_in_force(session, account, now)
        if hold.kind == HoldKind.CEASE_ALL
    ]
    if not stops:
        return Rule.OUT_OF_DATE
    earlier = select(Message.id).where(
        Message.client_id == account.client_id,
        Message.account_id == account.id,
        Message.template == TEMPLATE,
        Message.status.not_in(NEVER_WENT),
        Message.created_at >= min(stops),
    )
    if before is not None:
        earlier = earlier.where(Message.id < before.id)
    if session.scalar(earlier.limit(1)) is not None:
        return Rule.CEASED
    others = [rule for rule in standing(session, account, now).send.rules if rule != Rule.CEASED]
    return others[0] if others and wording == Wording.REMEDY else None


def message_barred(session: Session, message: Message, now: datetime) -> str | None:
    """The same for a message; None where it is no closing notice."""
    if message.template != TEMPLATE or message.account_id is None:
        return None
    account = session.get_one(Account, (message.client_id, message.account_id))
    return closing_bar(session, account, message.context["wording"], now=now, before=message)
