"""The ways a new link can reach a debtor now, and why a way is closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain import DomainError
from portal.domain.keys import Keys
from portal.domain.outgoing import Action, Decision, decide, reason_of
from portal.gateways.sms import Texter
from portal.models import Contact, Debtor, Message, Staff
from portal.services import messages
from portal.services.clearance import situation_of
from portal.services.links import IssuedLink, issue_link

FIRST, ASKED = "link", "new_link"
"""The message that carries a link: one that we write first, or one that the debtor asked for."""


class WayClosed(DomainError):
    """A link may not go that way now; the sentence says why."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule=rule)
        self.message = reason_of(rule)


@dataclass(frozen=True, slots=True)
class Way:
    """One address: what would become of a link that we send first, or that was asked for.

    ``last_at`` is when we last sent something there.
    """

    contact: Contact
    first: Decision
    asked: Decision
    last_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether a link can go there at all, now or at its hour."""
        return self.asked.action is not Action.DROP or self.first.action is not Action.DROP


def ways(session: Session, debtor: Debtor, *, texter: Texter, now: datetime) -> Sequence[Way]:
    """Every address of a debtor that is in use, with what is decided about it at this instant."""
    found = session.scalars(
        select(Contact)
        .where(
            Contact.client_id == debtor.client_id,
            Contact.debtor_id == debtor.id,
            Contact.retired_at.is_(None),
        )
        .order_by(Contact.channel, Contact.id)
    ).all()
    return [
        Way(
            contact,
            _decided(session, contact, FIRST, texter=texter, now=now),
            _decided(session, contact, ASKED, texter=texter, now=now),
            _last_at(session, contact),
        )
        for contact in found
    ]


def _decided(
    session: Session, contact: Contact, template: str, *, texter: Texter, now: datetime
) -> Decision:
    """What would become of this message, which is not written."""
    imagined = Message(
        client_id=contact.client_id,
        debtor_id=contact.debtor_id,
        contact_id=contact.id,
        channel=contact.channel,
        template=template,
        asked_for=template == ASKED,
    )
    return decide(situation_of(session, imagined, texter=texter, now=now), now)


def _last_at(session: Session, contact: Contact) -> datetime | None:
    return session.scalar(
        select(func.max(Message.sent_at)).where(
            Message.client_id == contact.client_id,
            Message.debtor_id == contact.debtor_id,
            Message.contact_id == contact.id,
        )
    )


def send_link(
    session: Session, way: Way, *, asked_for: bool, keys: Keys, staff: Staff, now: datetime
) -> IssuedLink:
    """Issue a link and put its message into the queue; the caller commits.

    ``asked_for``: the debtor waits for it, so hours and caps do not count (CT-04). Raises
    WayClosed, NoLinkAllowed.
    """
    decided, contact = way.asked if asked_for else way.first, way.contact
    if decided.action is Action.DROP:
        raise WayClosed(decided.rule)
    debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
    issued = issue_link(session, debtor, keys=keys, contact=contact, issued_by=staff.id, now=now)
    messages.queue(
        session,
        debtor,
        template=ASKED if asked_for else FIRST,
        context={},
        contact=contact,
        link=issued.link,
        dedupe_key=f"link:{issued.link.id}",
        asked_for=asked_for,
        by=staff.id,
        now=now,
    )
    return issued
