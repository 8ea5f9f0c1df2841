"""Whether a message may leave now: the facts about it, read right before it is handed over."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, select, text
from sqlalchemy.orm import Session

from portal.domain.calls import NO_ATTEMPT, Ground
from portal.domain.caps import WEEK, MadeContact
from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole
from portal.domain.outgoing import REQUIRED, TEMPLATES, Rule, Situation, template_named
from portal.domain.permissions import Address
from portal.domain.statuses import LIVE, MessageStatus
from portal.gateways.sms import Texter
from portal.models import (
    Account,
    Arrangement,
    CallAttempt,
    Client,
    Contact,
    Debtor,
    Message,
    StopKind,
)
from portal.services.closing_rule import message_barred
from portal.services.contact_facts import facts_about, rules_of
from portal.services.letters import letter_stops
from portal.services.links import accounts_of
from portal.services.standing import standing, today_of
from portal.services.stops import OWN_WORD, kinds_at
from portal.services.texting import closed_because
from portal.services.whereabouts import zones_of

ON_ITS_WAY = (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.DELIVERED)
CAPPED = tuple(name for name, template in TEMPLATES.items() if template.capped)
STOP_RULES = {
    StopKind.WRONG_PERSON: Rule.WRONG_PERSON,
    StopKind.BOUNCED: Rule.BOUNCED,
    StopKind.REASSIGNED: Rule.NUMBER_STALE,
    StopKind.OPTED_OUT: Rule.OPTED_OUT,
    StopKind.UNREAD: Rule.UNREAD,
}


def situation_of(
    session: Session, message: Message, *, texter: Texter | None, now: datetime
) -> Situation:
    """The facts that decide about a message, as they are at this instant.

    ``texter``: who carries texts, None where only a letter is meant. Whoever else would write first
    to the same debtor waits until the transaction ends, so that two workers never exceed the cap
    together.
    """
    template = template_named(message.template)
    debtor = session.get_one(Debtor, (message.client_id, message.debtor_id), populate_existing=True)
    role = CollectorRole(session.get_one(Client, message.client_id).collector_role)
    contact, accounts = contact_of(session, message), _accounts(session, message, debtor)
    agreed = _agreed(session, message, accounts)
    accounts = [one for one in accounts if one.id not in agreed]
    facts = facts_about(session, debtor, [contact] if contact else [], accounts)
    return Situation(
        template=template,
        address=facts.address(contact, role) if contact else Address(channel=message.channel),
        zones=zones_of(session, debtor),
        debts=[facts.debt(account, standing(session, account, now)) for account in accounts],
        today=today_of(debtor, now),
        rules=rules_of(debtor, role),
        wishes=facts.wished(debtor.id),
        closed=(Rule.ARRANGED if agreed and not accounts else None)
        or _closed(session, message, contact, texter)
        or message_barred(session, message, now),
        earlier=_earlier(session, message, now) if template.capped else (),
        asked_for=message.asked_for,
    )


def contact_of(session: Session, message: Message) -> Contact | None:
    """The address that a message goes to, read again."""
    if message.contact_id is None:
        return None
    return session.get_one(Contact, (message.client_id, message.contact_id), populate_existing=True)


def _accounts(session: Session, message: Message, debtor: Debtor) -> list[Account]:
    if message.account_id:
        accounts = [session.get_one(Account, (message.client_id, message.account_id))]
    else:
        accounts = list(accounts_of(session, debtor))
    for account in accounts:
        session.refresh(account)
    return accounts


def _agreed(session: Session, message: Message, accounts: Sequence[Account]) -> Collection[UUID]:
    """The accounts that a campaign need not invite anybody to: something is agreed on them."""
    if message.campaign_id is None:
        return ()
    return arranged(session, message.client_id, [one.id for one in accounts])


def arranged(session: Session, client_id: UUID, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these accounts on which an agreement stands."""
    query = select(Arrangement.account_id).where(
        Arrangement.client_id == client_id,
        Arrangement.account_id.in_(ids),
        Arrangement.status.in_(LIVE),
    )
    return frozenset(session.scalars(query))


def _closed(
    session: Session, message: Message, contact: Contact | None, texter: Texter | None
) -> str | None:
    """The rule that closes the address, if one does: the strictest stop, then the channel's own."""
    if message.channel == Channel.LETTER:
        return _closed_letters(session, message)
    if contact is None or contact.retired_at is not None:
        return Rule.NO_ADDRESS
    stopped = kinds_at(session, contact.client_id, contact.channel, contact.address)
    for kind, rule in STOP_RULES.items():
        asked = kind in OWN_WORD and template_named(message.template).despite_opt_out
        if kind in stopped and not (asked and message.asked_for):
            return rule
    if contact.channel == Channel.SMS and not _may_text(session, message, texter):
        return Rule.NO_TEXTS
    return None


def _closed_letters(session: Session, message: Message) -> str | None:
    debtor = session.get_one(Debtor, (message.client_id, message.debtor_id))
    if letter_stops(session, debtor):
        return Rule.WRONG_PERSON
    return None if debtor.has_address else Rule.NO_ADDRESS


def _may_text(session: Session, message: Message, texter: Texter | None) -> bool:
    client = session.get_one(Client, message.client_id)
    return texter is not None and closed_because(client, texter) is None


def _earlier(session: Session, message: Message, now: datetime) -> Sequence[MadeContact]:
    """The contacts with this debtor lately; others who reach out to them now wait for the end."""
    wait_for_others(session, message.debtor_id)
    return made_lately(session, message.client_id, message.debtor_id, now, but=message.id)


def wait_for_others(session: Session, debtor_id: UUID) -> None:
    """Whoever would reach out to a debtor goes on alone until the transaction ends.

    Their accounts are locked before.
    """
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:debtor, 0))")
    session.execute(lock, {"debtor": f"contact:{debtor_id}"})


def made_lately(
    session: Session,
    client_id: UUID,
    debtor_id: UUID,
    now: datetime,
    *,
    but: UUID | None = None,
) -> Sequence[MadeContact]:
    """When we wrote first to a debtor or called them in seven days, ``but`` for one message."""
    return made_lately_to(session, client_id, [debtor_id], now, but=but).get(debtor_id, [])


def made_lately_to(
    session: Session,
    client_id: UUID,
    debtor_ids: Sequence[UUID],
    now: datetime,
    *,
    but: UUID | None = None,
) -> Mapping[UUID, Sequence[MadeContact]]:
    """The same of several debtors, by their ids; nothing for whom there was no contact."""
    at = made_at(now)
    written = select(Message.debtor_id, at, Message.channel, Message.account_id).where(
        Message.client_id == client_id,
        Message.debtor_id.in_(debtor_ids),
        Message.template.in_(CAPPED),
        Message.status.in_(ON_ITS_WAY),
        at > now - WEEK,
        Message.id.is_distinct_from(but),
    )
    called = (
        select(Account.debtor_id, CallAttempt.at, CallAttempt.account_id)
        .join(Account, (Account.client_id == client_id) & (Account.id == CallAttempt.account_id))
        .where(
            CallAttempt.client_id == client_id,
            Account.debtor_id.in_(debtor_ids),
            CallAttempt.at > now - WEEK,
            CallAttempt.ground.is_distinct_from(Ground.THEIRS),
            or_(CallAttempt.outcome.is_(None), CallAttempt.outcome.not_in(NO_ATTEMPT)),
        )
    )
    found: dict[UUID, list[MadeContact]] = defaultdict(list)
    for debtor_id, when, channel, account in session.execute(written):
        found[debtor_id].append(MadeContact(when, channel, account))
    for debtor_id, when, account in session.execute(called):
        found[debtor_id].append(MadeContact(when, None, account))
    return found


def made_at(now: datetime) -> ColumnElement[datetime]:
    """When a message that is on its way counts as a contact: when it left.

    A letter that was printed counts as now until somebody says that it left.
    """
    begun = case((Message.channel == Channel.LETTER, now), else_=func.least(Message.send_at, now))
    return func.coalesce(Message.sent_at, begun)


@dataclass(frozen=True, slots=True)
class SentLately:
    """What a person got in the last seven days: contacts, required copies apart, and answers."""

    contacts: int
    copies: int
    answers: int


def sent_lately(session: Session, debtor: Debtor, now: datetime) -> SentLately:
    """How often a debtor was written to lately; required copies do not count as contact (CT-05)."""
    rows = session.execute(
        select(Message.template, func.count())
        .where(
            Message.client_id == debtor.client_id,
            Message.debtor_id == debtor.id,
            Message.sent_at > now - WEEK,
        )
        .group_by(Message.template)
    )
    found = {template: count for template, count in rows}
    contacts = sum(count for template, count in found.items() if template in CAPPED)
    copies = sum(count for template, count in found.items() if template in REQUIRED)
    return SentLately(contacts, copies, sum(found.values()) - contacts - copies)
