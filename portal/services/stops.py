"""Addresses closed to us: who said so, and who opened them again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain.outgoing import Rule
from portal.models import AccessLink, Channel, Contact, ContactStop, Debtor, StopKind, fresh_id
from portal.services import evidence
from portal.services.evidence import Actor
from portal.services.links import OpenedLink, accounts_of, revoke_link, tell_accounts
from portal.services.messages import drop, lock_waiting


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
    row = insert(ContactStop).values(
        client_id=contact.client_id,
        id=fresh_id(),
        channel=contact.channel,
        address=contact.address,
        kind=kind,
        source=source,
        stopped_at=now,
    )
    session.flush()
    stopped = session.scalars(row.on_conflict_do_nothing().returning(ContactStop.id)).one_or_none()
    if stopped is None:
        return False
    told = {"actor": actor, "kind": str(kind), "contact": str(contact.id), "source": source}
    debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
    tell_accounts(session, accounts_of(session, debtor), "contact.stopped", told, now)
    return True


def lift_stop(session: Session, stop: ContactStop, *, by: UUID, now: datetime) -> None:
    """Open an address again, on the record of every debtor it stands with; ``by`` is staff."""
    session.refresh(stop, with_for_update=True)
    if stop.lifted_at is not None:
        return
    stop.lifted_at, stop.lifted_by = now, by
    for contact in _contacts(session, stop.client_id, stop.channel, stop.address):
        debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
        told = {"actor": evidence.staff(by), "kind": str(stop.kind), "contact": str(contact.id)}
        tell_accounts(session, accounts_of(session, debtor), "contact.reopened", told, now)


def stop_wrong_person(session: Session, opened: OpenedLink, *, now: datetime) -> None:
    """Somebody who holds the link says that it is not for them: they hear from us no more.

    The address is closed, what waits to go there is dropped (CT-08) and every link that went there
    is revoked, without any check. Staff can open it again by ``lift_stop`` and issue a new link. A
    letter's own link is revoked.
    """
    link = opened.link
    source = f"link:{link.id}"
    links = [link]
    if link.contact_id is not None:
        contact = session.get_one(Contact, (link.client_id, link.contact_id))
        waiting = lock_waiting(session, contact)
        stop_address(
            session, contact, StopKind.WRONG_PERSON, source=source, actor=evidence.SYSTEM, now=now
        )
        for message in waiting:
            drop(session, message, Rule.WRONG_PERSON, now=now)
        links = _live_links_to(session, contact)
    for one in links:
        revoke_link(session, one, reason="wrong_person", actor=evidence.SYSTEM, now=now)


def is_wrong_person(session: Session, contact: Contact) -> bool:
    """Whether somebody at this address told us that we reach the wrong person there."""
    return (
        session.scalar(
            select(ContactStop.id).where(
                ContactStop.client_id == contact.client_id,
                ContactStop.channel == contact.channel,
                ContactStop.address == contact.address,
                ContactStop.kind == StopKind.WRONG_PERSON,
                ContactStop.lifted_at.is_(None),
            )
        )
        is not None
    )


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
