"""What debtors answer to our texts: stops are obeyed at once, everything else gets one answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain import N_
from portal.domain.replies import Meaning, Scope, proves_number, read_reply, revocation_scope
from portal.models import Channel, Client, Contact, Debtor
from portal.services.optouts import is_opted_out, opt_out
from portal.services.permissions import record_text
from portal.services.stops import is_wrong_person, pause_texts, stop_wrong_address

_RESOLVE = text("SELECT client_id FROM resolve_texted(:address) ORDER BY client_id")
SOURCE = "text"
ANSWERS = {
    Meaning.STOP: N_("%(sender)s: we will not text this number again. Questions? Call %(phone)s."),
    Meaning.REVOKED: N_(
        "%(sender)s: we will not text this number again. Questions? Call %(phone)s."
    ),
    Meaning.WRONG_PERSON: N_(
        "%(sender)s: thank you. We will not text this number again. Questions? Call %(phone)s."
    ),
    Meaning.HELP: N_("%(sender)s: call %(phone)s or write to %(email)s. Reply STOP to stop."),
    Meaning.DOUBTFUL: N_(
        "%(sender)s: we will not text this number for now. Questions? Call %(phone)s."
        " Reply STOP to stop."
    ),
    Meaning.OTHER: N_(
        "%(sender)s: nobody reads texts here. Please call %(phone)s. Reply STOP to stop."
    ),
}
KEPT = N_(
    "%(sender)s: a person will read your text. You can also call %(phone)s. Reply STOP to stop."
)
KEPT_PAUSED = N_(
    "%(sender)s: a person will read your text. Until then we will not text this number."
    " Call %(phone)s. Reply STOP to stop."
)
CALL_ONLY = N_("%(sender)s: please call %(phone)s. Reply STOP to stop.")
"""Letters of the GSM alphabet only, in every language, and nothing of a debt."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The one text that goes back: a marked sentence, what fills it, and the reader's language.

    ``client_id``: who answers; ``meaning``: what was understood.
    """

    client_id: UUID
    meaning: Meaning
    message: str
    params: dict[str, str]
    language: str
    country: str

    def message_where(self, *, kept: bool) -> str:
        """The sentence; where a person reads the words, and it ended nothing, it says so."""
        return {Meaning.OTHER: KEPT, Meaning.DOUBTFUL: KEPT_PAUSED}.get(
            self.meaning if kept else Meaning.HELP, self.message
        )


def clients_of(session: Session, sender: str) -> Sequence[UUID]:
    """The clients that have, or had, this number (E.164) on file: one of them texted it.

    A later file may bring back a number that is not used now; what was said of it then stands.
    """
    return session.scalars(_RESOLVE, {"address": sender}).all()


def take_text(
    session: Session, client_id: UUID, sender: str, body: str, *, now: datetime
) -> Answer | None:
    """Do what a text from this number asks of one client, to which the session is scoped from now.

    What may be a stop pauses texts until staff has read it, and nothing unclear proves that the
    number is theirs (EC-02). None where a stop was confirmed before (EC-06: one confirmation). Told
    twice, it changes nothing; at the same time, the second waits for the first. The caller commits.
    """
    set_tenant(session, client_id)
    meaning = read_reply(body)
    contacts = _locked(session, client_id, Contact.address == sender)
    closed = any(is_opted_out(session, one) or is_wrong_person(session, one) for one in contacts)
    if meaning is not Meaning.DOUBTFUL or not closed:
        _obey(session, contacts, meaning, now)
    if proves_number(body):
        record_text(session, contacts, now=now)
    if not contacts or (closed and meaning is not Meaning.HELP):
        return None
    return _answer(session, contacts[0], meaning)


def _obey(session: Session, contacts: Sequence[Contact], meaning: Meaning, now: datetime) -> None:
    if meaning in (Meaning.STOP, Meaning.REVOKED):
        for contact in _revoked(session, contacts, now):
            opt_out(session, contact, source=SOURCE, keep=(), now=now)
    elif meaning is Meaning.DOUBTFUL:
        for contact in _revoked(session, contacts, now):
            pause_texts(session, contact, source=SOURCE, now=now)
    elif meaning is Meaning.WRONG_PERSON:
        for contact in contacts:
            stop_wrong_address(session, contact, source=SOURCE, now=now)


def _locked(session: Session, client_id: UUID, whose: ColumnElement[bool]) -> Sequence[Contact]:
    """The phones of a client, those in use first; whoever takes the same text waits."""
    return session.scalars(
        select(Contact)
        .where(Contact.client_id == client_id, Contact.channel == Channel.SMS, whose)
        .order_by(Contact.retired_at.is_not(None), Contact.id)
        .with_for_update(key_share=True)
    ).all()


def _revoked(session: Session, contacts: Sequence[Contact], now: datetime) -> Sequence[Contact]:
    """The phones that a stop from one of them closes: that one, or all of its holder's (EC-06)."""
    if not contacts or revocation_scope(now) is Scope.NUMBER:
        return contacts
    holders = {one.debtor_id for one in contacts}
    return _locked(session, contacts[0].client_id, Contact.debtor_id.in_(holders))


def _answer(session: Session, contact: Contact, meaning: Meaning) -> Answer:
    client = session.get_one(Client, contact.client_id)
    debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
    params = {"sender": client.sender_name, "phone": client.phone, "email": client.email or ""}
    message = ANSWERS[meaning]
    if meaning is Meaning.HELP and not client.email:
        message = CALL_ONLY
    return Answer(client.id, meaning, message, params, debtor.language, client.country)
