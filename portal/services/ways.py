"""The ways a new link can reach a debtor now, and why a way is closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain import DomainError
from portal.domain.caps import PRODUCT_CAPS
from portal.domain.debts import CollectorRole
from portal.domain.keys import Keys
from portal.domain.outgoing import INVITATIONS, Action, Decision, Rule, decide, reason_of
from portal.domain.statuses import MessageStatus
from portal.domain.windows import next_opening
from portal.gateways.sms import Texter
from portal.models import (
    Channel,
    Client,
    Contact,
    ContactPermission,
    Debtor,
    Message,
    Staff,
    fresh_id,
)
from portal.services import messages
from portal.services.clearance import made_lately, situation_of
from portal.services.contact_facts import rules_of
from portal.services.links import accounts_of, issue_link, require_link
from portal.services.whereabouts import zones_of

FIRST, ASKED = INVITATIONS
"""The message that carries a link: one that we write first, or one that the debtor asked for."""
UNPOSTED = (MessageStatus.QUEUED, MessageStatus.SENDING)


class WayClosed(DomainError):
    """A link may not go that way now; the sentence says why."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule=rule)
        self.message = reason_of(rule)


@dataclass(frozen=True, slots=True)
class Way:
    """One address: what would become of a link that we send first, or that was asked for.

    ``contact`` is None for the debtor's postal address. ``last_at`` is when we last sent something
    there, ``permitted`` what permits its use: the newest word of it, with where that is from.
    """

    debtor: Debtor
    contact: Contact | None
    first: Decision
    asked: Decision
    last_at: datetime | None
    permitted: ContactPermission | None = None

    @property
    def channel(self) -> Channel:
        """Email, text, or letter."""
        return self.contact.channel if self.contact else Channel.LETTER

    @property
    def key(self) -> str:
        """How a form names it."""
        return str(self.contact.id) if self.contact else str(Channel.LETTER)

    @property
    def open(self) -> bool:
        """Whether a link can go there at all, now or at its hour."""
        return self.asked.action is not Action.DROP or self.first.action is not Action.DROP


def ways(session: Session, debtor: Debtor, *, texter: Texter, now: datetime) -> Sequence[Way]:
    """Every address of a debtor that is in use, with what is decided about it at this instant.

    The last is by letter, where a postal address is on file.
    """
    found = _in_use(session, debtor)
    by_letter = [None] if debtor.has_address else []
    return [
        Way(
            debtor,
            contact,
            _decided(session, debtor, contact, FIRST, texter=texter, now=now),
            _decided(session, debtor, contact, ASKED, texter=texter, now=now),
            _last_at(session, debtor, contact),
            _permitted(session, contact) if contact else None,
        )
        for contact in (*found, *by_letter)
    ]


def _in_use(session: Session, debtor: Debtor) -> Sequence[Contact]:
    return session.scalars(
        select(Contact)
        .where(
            Contact.client_id == debtor.client_id,
            Contact.debtor_id == debtor.id,
            Contact.retired_at.is_(None),
        )
        .order_by(Contact.channel, Contact.id)
    ).all()


def _decided(
    session: Session,
    debtor: Debtor,
    contact: Contact | None,
    template: str,
    *,
    texter: Texter,
    now: datetime,
) -> Decision:
    """What would become of this message, which is not written."""
    if contact is None and _is_unposted(session, debtor):
        return Decision(Action.DROP, Rule.REPEATED)
    imagined = Message(
        client_id=debtor.client_id,
        debtor_id=debtor.id,
        contact_id=contact.id if contact else None,
        channel=contact.channel if contact else Channel.LETTER,
        template=template,
        asked_for=template == ASKED,
    )
    return decide(situation_of(session, imagined, texter=texter, now=now), now)


def _is_unposted(session: Session, debtor: Debtor) -> bool:
    """Whether a letter with a link is on the list or printed already: another one helps nobody."""
    waits = select(Message.id).where(
        Message.client_id == debtor.client_id,
        Message.debtor_id == debtor.id,
        Message.channel == Channel.LETTER,
        Message.template.in_(INVITATIONS),
        Message.status.in_(UNPOSTED),
    )
    return session.scalar(waits.limit(1)) is not None


def _last_at(session: Session, debtor: Debtor, contact: Contact | None) -> datetime | None:
    there = Message.contact_id == contact.id if contact else Message.channel == Channel.LETTER
    return session.scalar(
        select(func.max(Message.sent_at)).where(
            Message.client_id == debtor.client_id, Message.debtor_id == debtor.id, there
        )
    )


def _permitted(session: Session, contact: Contact) -> ContactPermission | None:
    return session.scalars(
        select(ContactPermission)
        .where(
            ContactPermission.client_id == contact.client_id,
            ContactPermission.contact_id == contact.id,
        )
        .order_by(ContactPermission.at.desc(), ContactPermission.id.desc())
        .limit(1)
    ).first()


def best_way(session: Session, debtor: Debtor, *, texter: Texter, now: datetime) -> Way | None:
    """The way for who asks for a link now: open at once, and used last; no letter."""
    used = {one: _last_at(session, debtor, one) for one in _in_use(session, debtor)}
    never = datetime.min.replace(tzinfo=UTC)
    for contact in sorted(used, key=lambda one: used[one] or never, reverse=True):
        asked = _decided(session, debtor, contact, ASKED, texter=texter, now=now)
        if asked.action is Action.SEND:
            first = _decided(session, debtor, contact, FIRST, texter=texter, now=now)
            return Way(debtor, contact, first, asked, used[contact])
    return None


@dataclass(frozen=True, slots=True)
class Reach:
    """When and how often a debtor may be written to first.

    ``zones``: where they may be. ``opens_at``: the next instant within hours, None where there is
    none soon. ``made`` of ``most`` contacts were made in seven days.
    """

    zones: Sequence[str]
    opens_at: datetime | None
    made: int
    most: int


def reach(session: Session, debtor: Debtor, *, now: datetime) -> Reach:
    """The window and the cap of a debtor, whatever the address (CT-01, CT-05)."""
    zones = zones_of(session, debtor).names
    role = CollectorRole(session.get_one(Client, debtor.client_id).collector_role)
    opens_at = next_opening(now, zones, rules_of(debtor, role).windows)
    made = made_lately(session, debtor.client_id, debtor.id, now)
    return Reach(zones, opens_at, len(made), PRODUCT_CAPS[0].most)


def send_link(
    session: Session, way: Way, *, asked_for: bool, keys: Keys, staff: Staff, now: datetime
) -> Message | None:
    """Issue a link and put its message into the queue: the message; the caller commits.

    A letter goes on the list, and its link is made as it is printed.

    ``asked_for``: the debtor waits for it, so hours and caps do not count (CT-04). Raises
    WayClosed, NoLinkAllowed.
    """
    decided, debtor, contact = way.asked if asked_for else way.first, way.debtor, way.contact
    if decided.action is Action.DROP:
        raise WayClosed(decided.rule)
    link = None
    if contact is None:
        require_link(session, accounts_of(session, debtor), now=now)
    else:
        by = staff.id
        link = issue_link(session, debtor, keys=keys, contact=contact, issued_by=by, now=now).link
    written = messages.queue(
        session,
        debtor,
        template=ASKED if asked_for else FIRST,
        context={},
        contact=contact,
        channel=way.channel,
        link=link,
        dedupe_key=f"link:{link.id if link else fresh_id()}",
        asked_for=asked_for,
        by=staff.id,
        now=now,
    )
    return written[0] if written else None
