"""How often staff send a link at once to somebody who asks for it."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, TimeOfDay, wording
from portal.models import Channel, Client, Contact, Debtor, Message
from portal.services.ledger import lock_account
from portal.services.links import accounts_of
from portal.services.ways import ASKED

MOST = 3
WITHIN = timedelta(minutes=10)


class SentEnough(DomainError):
    """Another link would only be one more of many on their way."""

    message = N_(
        "%(most)s links were sent in ten minutes, the last one at %(at)s to %(where)s. Ask them to"
        " look there, or wait a few minutes."
    )


def lock_accounts(session: Session, debtor: Debtor) -> None:
    """Lock every account of a debtor, in the order in which everybody does."""
    for one in accounts_of(session, debtor):
        lock_account(session, one.id)


def require_not_often(session: Session, debtor: Debtor, *, now: datetime) -> None:
    """Go on only where few links were asked for lately; the caller has locked the accounts.

    Raises SentEnough.
    """
    lately = session.execute(
        select(Message.created_at, Contact)
        .join(
            Contact, (Contact.client_id == Message.client_id) & (Contact.id == Message.contact_id)
        )
        .where(
            Message.client_id == debtor.client_id,
            Message.debtor_id == debtor.id,
            Message.template == ASKED,
            Message.created_by.is_not(None),
            Message.created_at > now - WITHIN,
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
    ).all()
    if len(lately) < MOST:
        return
    at, contact = lately[0]
    mask = wording.mask_email if contact.channel is Channel.EMAIL else wording.mask_phone
    zone = session.get_one(Client, debtor.client_id).time_zone
    raise SentEnough(most=MOST, at=TimeOfDay(at, zone), where=mask(contact.address))
