"""Which lock-outs are of somebody whose address an operator was told: counters name nobody."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.domain.keys import Keys
from portal.models import AccessLink, Contact
from portal.services import attempts
from portal.services.attempts import Closed, Mark, Scope
from portal.services.identity import marks_at_door
from portal.services.renewals import mark_of_address, mark_of_link, read_address
from portal.services.sign_in import marks_at, proof_mark

MOST = 50
"""Debtors at one address, and links of theirs, that are looked at."""
OF_LINKS = (Scope.CODE, Scope.CALL_ME, Scope.PAYER_LINK)


def locks_of(session: Session, typed: str, *, keys: Keys, now: datetime) -> list[Closed]:
    """What is closed now for whoever has exactly this e-mail address, phone number or network.

    Debtors are those of the clients that the session sees.
    """
    return attempts.closed_of(session, keys, _marks(session, typed.strip()), now=now)


def _marks(session: Session, typed: str) -> Iterator[Mark]:
    address = typed.casefold()[:320]
    yield from (*marks_at(address), Mark(Scope.NEW_PASSWORD, address))
    staff_id = session.scalar(text("SELECT resolve_staff(:wanted)"), {"wanted": address})
    if staff_id:
        yield proof_mark(staff_id)
    if network := attempts.known_network(typed):
        yield from (network, Mark(Scope.BUNDLE, network.key))
    if found := read_address(typed):
        yield mark_of_address(found)
        yield from _of_debtors(session, found[1])


def _of_debtors(session: Session, address: str) -> Iterator[Mark]:
    """The counters of who has this address on file, and of all their links."""
    mine = Contact.client_id.in_(session.info["client_ids"])
    at = select(Contact.debtor_id).where(mine, Contact.address == address).distinct().limit(MOST)
    for debtor_id in session.scalars(at).all():
        links = _links(session, debtor_id)
        yield from (*marks_at_door(debtor_id, links), Mark(Scope.CALLER, str(debtor_id)))
        for link_id in links:
            yield mark_of_link(link_id)
            yield from (Mark(scope, str(link_id)) for scope in OF_LINKS)


def _links(session: Session, debtor_id: UUID) -> list[UUID]:
    of_theirs = select(AccessLink.id).where(
        AccessLink.client_id.in_(session.info["client_ids"]), AccessLink.debtor_id == debtor_id
    )
    return list(session.scalars(of_theirs.order_by(AccessLink.id.desc()).limit(MOST)))
