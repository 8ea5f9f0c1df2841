"""Addresses closed to us: who said so, and who opened them again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain.outgoing import Rule
from portal.models import (
    AccessLink,
    Channel,
    Contact,
    ContactStop,
    Debtor,
    Message,
    StopKind,
    fresh_id,
)
from portal.services import evidence
from portal.services.evidence import Actor, Payload
from portal.services.letters import postal_key
from portal.services.links import OpenedLink, accounts_of, revoke_link, tell_accounts
from portal.services.messages import WAITING, drop, lock_waiting

OWN_WORD = (StopKind.OPTED_OUT, StopKind.UNREAD)
"""What the debtor says themselves: they get there what they ask for there, and may open it."""


def stop_address(
    session: Session,
    contact: Contact,
    kind: StopKind,
    *,
    source: str,
    actor: Actor,
    now: datetime,
) -> bool:
    """Close an address at once, in whoever's record of the client it stands, with a leaf.

    False if it was closed for that reason before. ``source`` names where the word came from.
    """
    debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
    where = (contact.channel, contact.address)
    told = {"kind": kind, "source": source, "contact": str(contact.id)}
    return _stop(session, debtor, where, told, actor=actor, now=now)


def stop_number(  # noqa: PLR0913
    session: Session, debtor: Debtor, number: str, *, source: str, actor: Actor, now: datetime
) -> None:
    """Never call or text a number where somebody else answered, which is no address on file."""
    told = {"kind": StopKind.WRONG_PERSON, "source": source, "channel": str(Channel.SMS)}
    _stop(session, debtor, (Channel.SMS, number), told, actor=actor, now=now)


def _stop(
    session: Session,
    debtor: Debtor,
    where: tuple[Channel, str],
    told: Payload,
    *,
    actor: Actor,
    now: datetime,
) -> bool:
    row = insert(ContactStop).values(
        client_id=debtor.client_id,
        id=fresh_id(),
        channel=where[0],
        address=where[1],
        kind=told["kind"],
        source=told["source"],
        stopped_at=now,
    )
    session.flush()
    stopped = session.scalars(row.on_conflict_do_nothing().returning(ContactStop.id)).one_or_none()
    if stopped is None:
        return False
    said = {**told, "kind": str(told["kind"]), "actor": actor}
    tell_accounts(session, accounts_of(session, debtor), "contact.stopped", said, now)
    return True


def stop_letters(
    session: Session,
    debtor: Debtor,
    *,
    source: str,
    actor: Actor = evidence.SYSTEM,
    now: datetime,
) -> None:
    """Close the postal address, and take every letter to it from the list (CT-08).

    ``actor``: the member of staff who was told; else nobody of ours. The caller commits.
    """
    if not (address := postal_key(debtor)):
        return
    told = {"kind": StopKind.WRONG_PERSON, "source": source, "channel": str(Channel.LETTER)}
    waiting = select(Message).where(
        Message.client_id == debtor.client_id,
        Message.debtor_id == debtor.id,
        Message.channel == Channel.LETTER,
        Message.status.in_(WAITING),
    )
    # Messages are locked before chains, as the sender does it.
    letters = session.scalars(waiting.order_by(Message.id).with_for_update()).all()
    where = (Channel.LETTER, address)
    _stop(session, debtor, where, told, actor=actor, now=now)
    for message in letters:
        drop(session, message, Rule.WRONG_PERSON, now=now)


def lift_stop(session: Session, stop: ContactStop, *, by: UUID, now: datetime) -> None:
    """Open an address again, on the record of every debtor it stands with; ``by`` is staff."""
    session.refresh(stop, with_for_update=True)
    if stop.lifted_at is not None:
        return
    stop.lifted_at, stop.lifted_by = now, by
    if stop.channel == Channel.LETTER:
        whose = UUID(stop.address.partition("|")[0])
        debtor = session.get_one(Debtor, (stop.client_id, whose))
        said: Payload = {"actor": evidence.staff(by), "kind": str(stop.kind)}
        tell_accounts(session, accounts_of(session, debtor), "contact.reopened", said, now)
    for contact in _contacts(session, stop.client_id, stop.channel, stop.address):
        debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
        told = {"actor": evidence.staff(by), "kind": str(stop.kind), "contact": str(contact.id)}
        tell_accounts(session, accounts_of(session, debtor), "contact.reopened", told, now)


def stop_wrong_person(session: Session, opened: OpenedLink, *, now: datetime) -> None:
    """Somebody who holds the link says that it is not for them: they hear from us no more.

    The address is closed, what waits to go there is dropped (CT-08) and every link that went there
    is revoked, without any check; for a letter's link that is the debtor's postal address. Staff
    can open it again by ``lift_stop`` and issue a new link.
    """
    link = opened.link
    source = f"link:{link.id}"
    if link.contact_id is not None:
        contact = session.get_one(Contact, (link.client_id, link.contact_id))
        stop_wrong_address(session, contact, source=source, now=now)
    else:
        stop_letters(session, opened.debtor, source=source, now=now)
    revoke_link(session, link, reason="wrong_person", actor=evidence.SYSTEM, now=now)


def stop_wrong_address(
    session: Session,
    contact: Contact,
    *,
    source: str,
    actor: Actor = evidence.SYSTEM,
    now: datetime,
) -> None:
    """Somebody at this address is not the debtor: nothing goes there, and no link opens from there.

    ``actor``: the member of staff who was told; else nobody of ours. Done twice, it is done once.
    The caller commits.
    """
    waiting = lock_waiting(session, contact)
    stop_address(session, contact, StopKind.WRONG_PERSON, source=source, actor=actor, now=now)
    for message in waiting:
        drop(session, message, Rule.WRONG_PERSON, now=now)
    for link in _live_links_to(session, contact):
        revoke_link(session, link, reason="wrong_person", actor=actor, now=now)


def pause_texts(session: Session, contact: Contact, *, source: str, now: datetime) -> None:
    """Send nothing to a number until a person has read a text from it that may be a stop (EC-06).

    Staff open it again by ``lift_stop``. Done twice, it is done once. The caller commits.
    """
    waiting = lock_waiting(session, contact)
    stop_address(session, contact, StopKind.UNREAD, source=source, actor=evidence.SYSTEM, now=now)
    for message in waiting:
        drop(session, message, Rule.UNREAD, now=now)


def are_texts_paused(session: Session, debtor: Debtor) -> bool:
    """Whether nothing goes to a number of this debtor until a person has read what came from it."""
    phones = select(Contact.address).where(
        Contact.client_id == debtor.client_id,
        Contact.debtor_id == debtor.id,
        Contact.channel == Channel.SMS,
    )
    paused = select(ContactStop.id).where(
        ContactStop.client_id == debtor.client_id,
        ContactStop.channel == Channel.SMS,
        ContactStop.address.in_(phones),
        ContactStop.kind == StopKind.UNREAD,
        ContactStop.lifted_at.is_(None),
    )
    return session.scalar(paused.limit(1)) is not None


def is_wrong_person(session: Session, contact: Contact) -> bool:
    """Whether somebody at this address told us that we reach the wrong person there."""
    stopped = kinds_at(session, contact.client_id, contact.channel, contact.address)
    return StopKind.WRONG_PERSON in stopped


def kinds_at(
    session: Session, client_id: UUID, channel: Channel, address: str
) -> frozenset[StopKind]:
    """The stops that are in force at an address, whoever of the client's debtors it is of."""
    found = select(ContactStop.kind).where(
        ContactStop.client_id == client_id,
        ContactStop.channel == channel,
        ContactStop.address == address,
        ContactStop.lifted_at.is_(None),
    )
    return frozenset(session.scalars(found))


def _contacts(session: Session, client_id: UUID, channel: Channel, address: str) -> list[Contact]:
    found = session.scalars(
        select(Contact)
        .where(
            Contact.client_id == client_id, Contact.channel == channel, Contact.address == address
        )
        .order_by(Contact.id)
    )
    return list(found)


def _live_links_to(session: Session, contact: Contact) -> list[AccessLink]:
    same = _contacts(session, contact.client_id, contact.channel, contact.address)
    found = session.scalars(
        select(AccessLink)
        .where(
            AccessLink.client_id == contact.client_id,
            AccessLink.contact_id.in_([one.id for one in same]),
            AccessLink.revoked_at.is_(None),
        )
        .order_by(AccessLink.id)
    )
    return list(found)
