"""New links for people who ask for one, answered alike whether or not we know them.

The page only counts the request and enqueues a job. Every look-up happens in the job, so that
neither words nor time tell a stranger whether somebody has an account.
"""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from cryptography.fernet import Fernet
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.domain.keys import Keys
from portal.jobs import enqueue
from portal.models import AccessLink, Channel, Contact, Debtor, Message, fresh_id
from portal.rules.emails import parse_email
from portal.rules.phones import parse_phone
from portal.services import attempts, messages, stops
from portal.services.attempts import Locked, Mark, Scope
from portal.services.letters import letter_stops
from portal.services.links import (
    NoLinkAllowed,
    OpenedLink,
    accounts_of,
    issue_link,
    require_link,
)

LONGEST_ADDRESS = 254

_RESOLVE = text(
    "SELECT DISTINCT client_id, debtor_id FROM resolve_contacts(:channel, :address)"
    " ORDER BY client_id, debtor_id"
)

Address = tuple[Channel, str]


def read_address(typed: str, country: str = "US") -> Address | None:
    """An e-mail address or a phone number as contacts keep them; None where it is neither."""
    if len(typed) > LONGEST_ADDRESS:
        return None
    if email := parse_email(typed):
        return Channel.EMAIL, email.address
    phone = parse_phone(typed, country)
    return (Channel.SMS, phone.e164) if phone else None


def ask_by_address(
    session: Session, address: Address, *, keys: Keys, ip: str | None, now: datetime
) -> Locked | None:
    """Take down the wish for a new link at an address, known to us or not. The caller commits.

    A fourth wish for one address within the hour is quietly let go; a network that asks too often
    is told when to come back.
    """
    if refused := _refused(session, keys, mark_of_address(address), ip, now):
        return refused if refused.scope is Scope.NETWORK else None
    sealed = _box(keys).encrypt_at_time(json.dumps(address).encode(), int(now.timestamp()))
    enqueue(session, "links.send_new", request=fresh_id(), sealed=sealed.decode())
    return None


def ask_by_link(
    session: Session, opened: OpenedLink, *, keys: Keys, ip: str | None, now: datetime
) -> Locked | None:
    """Take down the wish for a new link in place of one that stopped working, for its address."""
    link = opened.link
    if refused := _refused(session, keys, mark_of_link(link.id), ip, now):
        return refused if refused.scope is Scope.NETWORK else None
    enqueue(
        session,
        "links.send_again",
        request=fresh_id(),
        client_id=link.client_id,
        link_id=link.id,
    )
    return None


def mark_of_address(address: Address) -> Mark:
    """Under which wishes for a new link at an address are counted."""
    return Mark(Scope.NEW_LINK, f"{address[0]}:{address[1]}")


def mark_of_link(link_id: UUID) -> Mark:
    """Under which wishes for a new link in place of one are counted."""
    return Mark(Scope.NEW_LINK, f"link:{link_id}")


def _refused(
    session: Session, keys: Keys, own: Mark, ip: str | None, now: datetime
) -> Locked | None:
    taken = attempts.take(session, keys, (own, attempts.network(ip)), now=now)
    return taken if isinstance(taken, Locked) else None


def _box(keys: Keys) -> Fernet:
    """Jobs can be read by more people than debtors, so an address travels in them sealed."""
    return Fernet(base64.urlsafe_b64encode(keys.peppered("sealed address")))


def debtors_at(session: Session, sealed: str, *, keys: Keys) -> Sequence[tuple[UUID, UUID]]:
    """(client, debtor) of everybody who has this sealed address on file, whatever the client."""
    channel, address = json.loads(_box(keys).decrypt(sealed.encode()))
    found = session.execute(_RESOLVE, {"channel": channel, "address": address})
    return [(row.client_id, row.debtor_id) for row in found]


def send_new(
    session: Session, debtor_id: UUID, sealed: str, *, request: UUID, keys: Keys, now: datetime
) -> bool:
    """Send one debtor a new link at the address they asked from, once a request.

    False where nothing is sent. The session sees the debtor's client.
    """
    channel, address = json.loads(_box(keys).decrypt(sealed.encode()))
    contact = session.scalars(
        select(Contact).where(
            Contact.debtor_id == debtor_id,
            Contact.channel == channel,
            Contact.address == address,
            Contact.retired_at.is_(None),
        )
    ).one_or_none()
    return contact is not None and send_to(session, contact, request=request, keys=keys, now=now)


def send_again(
    session: Session, opened: OpenedLink, *, request: UUID, keys: Keys, now: datetime
) -> bool:
    """Send a new link where an old one went: to its address, or by letter, once a request."""
    link = opened.link
    if link.contact_id is None:
        if letter_stops(session, opened.debtor):
            return False
        return _send(session, opened.debtor, None, request=request, keys=keys, now=now)
    contact = session.get_one(Contact, (link.client_id, link.contact_id))
    if contact.retired_at is not None:
        return False
    return send_to(session, contact, request=request, keys=keys, now=now)


def send_to(
    session: Session, contact: Contact, *, request: UUID, keys: Keys, now: datetime
) -> bool:
    """Send a new link to a contact, unless we reach the wrong person there."""
    if stops.is_wrong_person(session, contact):
        return False
    debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
    return _send(session, debtor, contact, request=request, keys=keys, now=now)


def _send(
    session: Session,
    debtor: Debtor,
    contact: Contact | None,
    *,
    request: UUID,
    keys: Keys,
    now: datetime,
) -> bool:
    dedupe_key = f"new_link:{request}:{debtor.id}"
    told = select(Message.id).where(
        Message.client_id == debtor.client_id, Message.dedupe_key == dedupe_key
    )
    if session.scalar(told) is not None:
        return False
    try:
        link = _link(session, debtor, contact, keys, now)
    except NoLinkAllowed:
        return False
    messages.queue(
        session,
        debtor,
        template="new_link",
        context={},
        contact=contact,
        channel=None if contact else Channel.LETTER,
        link=link,
        dedupe_key=dedupe_key,
        asked_for=True,
        now=now,
    )
    return True


def _link(
    session: Session, debtor: Debtor, contact: Contact | None, keys: Keys, now: datetime
) -> AccessLink | None:
    """The new link; None for a letter, whose link is made as it is printed."""
    if contact is None:
        require_link(session, accounts_of(session, debtor), now=now)
        return None
    return issue_link(session, debtor, keys=keys, contact=contact, now=now).link
