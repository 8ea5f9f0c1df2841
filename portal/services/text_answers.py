"""What goes back to a text by itself: kept as every message is, and bounded (EC-09).

Without a bound two machines would answer each other for good.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain.outgoing import TEXT_ANSWER
from portal.domain.replies import Meaning
from portal.domain.sms import segments
from portal.domain.statuses import MessageStatus
from portal.models import Channel, Contact, Debtor, Message, fresh_id
from portal.services import evidence
from portal.services.answered_texts import Answer
from portal.services.messages import about, tell
from portal.services.whereabouts import zones_of

TEMPLATE = TEXT_ANSWER.name
DAY = timedelta(days=1)
ENDINGS = frozenset({Meaning.STOP, Meaning.REVOKED, Meaning.WRONG_PERSON})
"""Confirmed once for each stop, whatever else was answered that day (EC-06)."""
MOST_HELP = 3
"""Answers to HELP a day, which a person may ask for again; of everything else one."""
_MEDIA = "text/plain; charset=utf-8"


def keep_answer(
    session: Session, answer: Answer, sender: str, words: str, *, now: datetime
) -> bool:
    """Keep the words that go back to a number (E.164) as a message of ours, with its leaf.

    False where the number had its answers of 24 hours, so that nothing may go back. Of two at once
    the second waits for the first. The caller commits, and only then answers.
    """
    set_tenant(session, answer.client_id)
    contacts = _locked(session, answer.client_id, sender)
    if not contacts or not _may_answer(session, contacts, answer.meaning, now):
        return False
    _write(session, contacts[0], answer, words, now)
    return True


def _locked(session: Session, client_id: UUID, sender: str) -> Sequence[Contact]:
    return session.scalars(
        select(Contact)
        .where(
            Contact.client_id == client_id,
            Contact.channel == Channel.SMS,
            Contact.address == sender,
        )
        .order_by(Contact.retired_at.is_not(None), Contact.id)
        .with_for_update(key_share=True)
    ).all()


def _may_answer(
    session: Session, contacts: Sequence[Contact], meaning: Meaning, now: datetime
) -> bool:
    if meaning in ENDINGS:
        return True
    is_help = Message.context["meaning"].astext == Meaning.HELP
    ending = Message.context["meaning"].astext.in_(ENDINGS)
    answered = session.scalar(
        select(func.count()).where(
            Message.client_id == contacts[0].client_id,
            Message.debtor_id.in_({one.debtor_id for one in contacts}),
            Message.template == TEMPLATE,
            Message.address == contacts[0].address,
            Message.sent_at > now - DAY,
            is_help if meaning is Meaning.HELP else ~is_help & ~ending,
        )
    )
    return (answered or 0) < (MOST_HELP if meaning is Meaning.HELP else 1)


def _write(session: Session, contact: Contact, answer: Answer, words: str, now: datetime) -> None:
    debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
    message_id = fresh_id()
    message = Message(
        client_id=contact.client_id,
        id=message_id,
        debtor_id=contact.debtor_id,
        contact_id=contact.id,
        channel=Channel.SMS,
        template=TEMPLATE,
        context={"meaning": str(answer.meaning)},
        locale=answer.language,
        dedupe_key=f"{TEMPLATE}:{message_id}",
        asked_for=True,
        status=MessageStatus.SENT,
        created_at=now,
        send_at=now,
        sent_at=now,
        address=contact.address,
        body=words,
        segments=segments(words),
    )
    session.add(message)
    session.flush()
    digest = evidence.keep_with(session, about(session, message), _MEDIA, words.encode(), now)
    zones = zones_of(session, debtor)
    told: evidence.Payload = {
        "locale": answer.language,
        "zones": list(zones.names),
        "basis": zones.basis,
        "documents": [{"name": "message", "sha256": digest}],
        "handed_over_sha256": sha256(words.encode()).hexdigest(),
        "asked_for": True,
    }
    tell(session, message, "message.sent", told, now=now)
