"""Whether a message may leave now: the facts about it, read right before it is handed over."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal.domain.capabilities import Capabilities
from portal.domain.outgoing import TEMPLATES, Rule, Situation, template_named
from portal.domain.statuses import MessageStatus
from portal.gateways.sms import Texter
from portal.models import Account, Channel, Client, Contact, ContactStop, Debtor, Message, StopKind
from portal.services.links import accounts_of
from portal.services.standing import standing
from portal.services.texting import closed_because
from portal.services.whereabouts import zones_of

CAP_WEEK = timedelta(hours=168)
ON_ITS_WAY = (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.DELIVERED)
CAPPED = tuple(name for name, template in TEMPLATES.items() if template.capped)
STOP_RULES = {
    StopKind.WRONG_PERSON: Rule.WRONG_PERSON,
    StopKind.BOUNCED: Rule.BOUNCED,
    StopKind.OPTED_OUT: Rule.OPTED_OUT,
}


def situation_of(session: Session, message: Message, *, texter: Texter, now: datetime) -> Situation:
    """The facts that decide about a message, as they are at this instant.

    Whoever else would write first to the same debtor waits until the transaction ends, so that
    two workers never exceed the cap together.
    """
    template = template_named(message.template)
    return Situation(
        template=template,
        zones=zones_of(session, session.get_one(Debtor, (message.client_id, message.debtor_id))),
        accounts=_accounts(session, message, now),
        closed=_closed(session, message, texter),
        earlier=_earlier(session, message, now) if template.capped else (),
        asked_for=message.asked_for,
    )


def contact_of(session: Session, message: Message) -> Contact | None:
    """The address that a message goes to, read again."""
    if message.contact_id is None:
        return None
    return session.get_one(Contact, (message.client_id, message.contact_id), populate_existing=True)


def _accounts(session: Session, message: Message, now: datetime) -> list[Capabilities]:
    if message.account_id:
        accounts = [session.get_one(Account, (message.client_id, message.account_id))]
    else:
        debtor = session.get_one(Debtor, (message.client_id, message.debtor_id))
        accounts = list(accounts_of(session, debtor))
    for account in accounts:
        session.refresh(account)
    return [standing(session, account, now) for account in accounts]


def _closed(session: Session, message: Message, texter: Texter) -> str | None:
    """The rule that closes the address, if one does: the strictest stop, then the channel's own."""
    contact = contact_of(session, message)
    if contact is None or contact.retired_at is not None:
        return Rule.NO_ADDRESS
    stopped = session.scalars(
        select(ContactStop.kind).where(
            ContactStop.client_id == contact.client_id,
            ContactStop.channel == contact.channel,
            ContactStop.address == contact.address,
            ContactStop.lifted_at.is_(None),
        )
    ).all()
    for kind, rule in STOP_RULES.items():
        asked = kind == StopKind.OPTED_OUT and template_named(message.template).despite_opt_out
        if kind in stopped and not (asked and message.asked_for):
            return rule
    if contact.channel == Channel.SMS and not _may_text(session, message, texter):
        return Rule.NO_TEXTS
    return None


def _may_text(session: Session, message: Message, texter: Texter) -> bool:
    return closed_because(session.get_one(Client, message.client_id), texter) is None


def _earlier(session: Session, message: Message, now: datetime) -> Sequence[datetime]:
    """When we wrote first to this debtor lately; others who write to them now wait for the end."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:debtor, 0))")
    session.execute(lock, {"debtor": f"contact:{message.debtor_id}"})
    at = func.coalesce(Message.sent_at, func.least(Message.send_at, now))
    return session.scalars(
        select(at).where(
            Message.client_id == message.client_id,
            Message.debtor_id == message.debtor_id,
            Message.template.in_(CAPPED),
            Message.status.in_(ON_ITS_WAY),
            at > now - CAP_WEEK,
            Message.id != message.id,
        )
    ).all()
