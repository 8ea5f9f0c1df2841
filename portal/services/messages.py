"""Messages to debtors: written with the fact they tell, sent by a job after the commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain.statuses import MessageStatus
from portal.jobs import enqueue
from portal.models import (
    AccessLink,
    Account,
    Channel,
    Client,
    Contact,
    ContactStop,
    Debtor,
    Message,
    fresh_id,
)


class MessageDetails(TypedDict, total=False):
    """What a message is about and where it goes; what is left out is chosen for the debtor."""

    account: Account | None
    contact: Contact | None
    channel: Channel | None
    link: AccessLink | None
    asked_for: bool
    by: UUID | None


def queue(
    session: Session,
    debtor: Debtor,
    *,
    template: str,
    context: dict[str, Any],
    dedupe_key: str,
    now: datetime,
    **details: Unpack[MessageDetails],
) -> list[Message]:
    """Write a message and the job that sends it, in the caller's transaction.

    ``context`` holds ids, cents and ISO dates only; ``dedupe_key`` names the fact, which is told
    once: told again, the list is empty. Without ``contact`` or ``channel`` it goes to the debtor's
    e-mail, else a phone that takes texts, else by letter. ``asked_for``: the debtor waits for it.
    """
    addressed = _addressed(session, debtor, details)
    written_down = {
        "client_id": debtor.client_id,
        "id": fresh_id(),
        "debtor_id": debtor.id,
        "template": template,
        "context": context,
        "locale": debtor.language,
        "dedupe_key": dedupe_key,
        "asked_for": details.get("asked_for", False),
        "status": MessageStatus.QUEUED,
        "created_at": now,
        "created_by": details.get("by"),
        "send_at": now,
        "attempts": 0,
    }
    session.flush()
    row = insert(Message).values(written_down | addressed).on_conflict_do_nothing()
    written = list(session.scalars(row.returning(Message)))
    if written:
        ids = [str(message.id) for message in written]
        enqueue(session, "messages.dispatch", client_id=debtor.client_id, message_ids=ids)
    return written


def _addressed(session: Session, debtor: Debtor, details: MessageDetails) -> dict[str, Any]:
    contact = details.get("contact") or _contact(session, debtor, details.get("channel"))
    account, link = details.get("account"), details.get("link")
    return {
        "account_id": account.id if account else None,
        "contact_id": contact.id if contact else None,
        "link_id": link.id if link else None,
        "channel": contact.channel if contact else details.get("channel") or Channel.LETTER,
    }


def _contact(session: Session, debtor: Debtor, channel: Channel | None) -> Contact | None:
    if channel is Channel.LETTER:
        return None
    stopped = select(ContactStop.id).where(
        ContactStop.client_id == Contact.client_id,
        ContactStop.channel == Contact.channel,
        ContactStop.address == Contact.address,
        ContactStop.lifted_at.is_(None),
    )
    usable = (
        select(Contact)
        .where(
            Contact.client_id == debtor.client_id,
            Contact.debtor_id == debtor.id,
            Contact.retired_at.is_(None),
            Contact.channel.in_(_channels(session, debtor, channel)),
            ~stopped.exists(),
        )
        .order_by(case((Contact.channel == Channel.EMAIL, 0), else_=1), Contact.id)
        .limit(1)
    )
    return session.scalar(usable)


def _channels(session: Session, debtor: Debtor, channel: Channel | None) -> Sequence[Channel]:
    if channel is not None:
        return [channel]
    client = session.get_one(Client, debtor.client_id)
    return [Channel.EMAIL, Channel.SMS] if client.sms_enabled else [Channel.EMAIL]
