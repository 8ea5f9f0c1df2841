"""The demo's outbox: every message as the debtor would get it, and those that wait."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain import N_
from portal.domain.deliveries import Fate, Report
from portal.domain.statuses import MessageStatus
from portal.domain.wording import search_key
from portal.models import Account, Channel, Client, Contact, Debtor, Message
from portal.services.answered_texts import take_text
from portal.services.clients import clients
from portal.services.deliveries import take_report
from portal.services.whereabouts import zones_of

PAGE = 50
WAITING = (MessageStatus.QUEUED, MessageStatus.DEFERRED, MessageStatus.SENDING)

FATES = {
    Fate.DELIVERED: N_("Let it be delivered"),
    Fate.BOUNCED: N_("Let it come back"),
    Fate.COMPLAINED: N_("Let its reader complain"),
}
"""What the demo can let become of a message, as a button says it."""
ANSWER_STOP = N_("Let its reader answer STOP")

_ADDRESS = re.compile(r"(https?://[^\s<>\"]+[^\s<>\".,;:!?)])")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a message; those that are an address can be followed."""

    words: str
    is_address: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One message with whom it goes to; ``zone`` is the first that the debtor may be in."""

    message: Message
    debtor: Debtor
    client: Client
    address: str
    references: tuple[str, ...]
    zone: str

    @property
    def waits(self) -> bool:
        """Whether it has not left yet and still may."""
        return self.message.status in WAITING

    @property
    def fates(self) -> Mapping[Fate, str]:
        """What may still become of it, with the words of the button."""
        if self.message.status not in (MessageStatus.SENT, MessageStatus.DELIVERED):
            return {}
        if self.message.channel is Channel.LETTER:
            return {}
        names = {
            fate: name for fate, name in FATES.items() if str(fate) != str(self.message.status)
        }
        stop = {Fate.COMPLAINED: ANSWER_STOP} if self.message.channel is Channel.SMS else {}
        return names | stop

    @property
    def pieces(self) -> Sequence[Piece]:
        """Its words, the addresses in them apart."""
        parts = _ADDRESS.split(self.message.body or "")
        return [Piece(part, n % 2 == 1) for n, part in enumerate(parts) if part]


def entries(
    session: Session, *, wanted: str = "", waiting: bool = False, before: UUID | None = None
) -> Sequence[Entry]:
    """The newest messages of every client, at most a page: of one debtor (name or reference), of
    those that wait, or older than another one.
    """
    set_tenant(session, *clients(session).values())
    query = select(Message, Debtor, Client, Contact).select_from(Message)
    query = query.join(
        Debtor, (Debtor.client_id == Message.client_id) & (Debtor.id == Message.debtor_id)
    ).join(Client, Client.id == Message.client_id)
    query = query.outerjoin(
        Contact, (Contact.client_id == Message.client_id) & (Contact.id == Message.contact_id)
    )
    if wanted.strip():
        query = _of(query, wanted.strip())
    if waiting:
        query = query.where(Message.status.in_(WAITING))
    if before:
        query = query.where(Message.id < before)
    rows = session.execute(query.order_by(Message.id.desc()).limit(PAGE)).all()
    return [*_entries(session, rows)]


def entry(session: Session, message_id: UUID) -> Message | None:
    """A message of any client, with the session scoped to all of them."""
    set_tenant(session, *clients(session).values())
    return session.scalars(select(Message).where(Message.id == message_id)).one_or_none()


def let_become(session: Session, message: Message, fate: Fate, *, now: datetime) -> None:
    """Say of a message what a carrier would; each fate once. The caller commits.

    Who reads a text does not complain: they answer STOP.
    """
    if message.channel is Channel.SMS and fate is Fate.COMPLAINED:
        take_text(session, message.client_id, message.address or "", "STOP", now=now)
        return
    report = Report(
        carrier="demo",
        event_id=f"{message.id}:{fate}",
        kind=fate,
        message_id=message.id,
    )
    take_report(session, report, message.channel, now=now)


def _of(query: Select, wanted: str) -> Select:  # type: ignore[type-arg]
    """Those of the debtors who have this name, this account, or this address."""
    account = (
        select(Account.id)
        .where(
            Account.client_id == Debtor.client_id,
            Account.debtor_id == Debtor.id,
            Account.reference == wanted.upper(),
        )
        .exists()
    )
    named = Debtor.name_key.contains(search_key(wanted), autoescape=True)
    return query.where(or_(account, named, Contact.address == wanted.casefold()))


def _entries(
    session: Session, rows: Sequence[Row[Message, Debtor, Client, Contact]]
) -> Iterator[Entry]:
    ids = {row[1].id for row in rows}
    references: dict[UUID, list[str]] = {}
    found = select(Account.debtor_id, Account.reference).where(Account.debtor_id.in_(ids))
    for debtor_id, reference in session.execute(found.order_by(Account.reference)):
        references.setdefault(debtor_id, []).append(reference)
    for message, debtor, client, contact in rows:
        address = message.address or (contact.address if contact else "")
        own = tuple(references.get(debtor.id, ()))
        zone = zones_of(session, debtor).names[0]
        yield Entry(message, debtor, client, address, own, zone)
