"""Whether debtors may be sent a link now, for a whole batch of them in a handful of queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from portal.domain.outgoing import Action, Decision, Rule, Situation, decide, template_named
from portal.domain.statuses import LIVE, MessageStatus
from portal.gateways.sms import Texter
from portal.models import (
    Account,
    Arrangement,
    Channel,
    Client,
    Contact,
    ContactStop,
    Debtor,
    Hold,
    Message,
)
from portal.services.clearance import CAP_WEEK, CAPPED, ON_ITS_WAY, STOP_RULES
from portal.services.standing import in_force, judge, today_of
from portal.services.texting import closed_because
from portal.services.whereabouts import zones_among

LINK = template_named("link")
NOT_YET = (MessageStatus.QUEUED, MessageStatus.DEFERRED)
BY_PREFERENCE = (Channel.EMAIL, Channel.SMS)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What is decided about one debtor; ``contact`` is where the link goes, None if held back."""

    debtor: Debtor
    decision: Decision
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of a batch of debtors, by debtor, account or address."""

    accounts: dict[UUID, list[Account]]
    holds: dict[UUID, list[str]]
    arranged: frozenset[UUID]
    contacts: dict[UUID, list[Contact]]
    stops: dict[tuple[str, str], list[str]]
    earlier: dict[UUID, list[datetime]]
    waiting: frozenset[UUID]
    texts: bool


def weigh(
    session: Session, client: Client, debtors: Sequence[Debtor], *, texter: Texter, now: datetime
) -> list[Invitation]:
    """What is decided about each of these debtors of a client, at this instant."""
    facts = _read(session, client, debtors, texter, now)
    return [_weigh(debtor, facts, now) for debtor in debtors]


def _weigh(debtor: Debtor, facts: _Facts, now: datetime) -> Invitation:
    if debtor.id in facts.waiting:
        return _held(debtor, Rule.REPEATED)
    accounts = [one for one in facts.accounts[debtor.id] if one.id not in facts.arranged]
    if not accounts:
        return _held(debtor, Rule.ARRANGED)
    contacts, today = facts.contacts[debtor.id], today_of(debtor, now)
    contact, closed = _way(contacts, facts)
    decision = decide(
        Situation(
            template=LINK,
            zones=zones_among(debtor, [one.zones for one in contacts]),
            accounts=[judge(account, facts.holds[account.id], today) for account in accounts],
            closed=closed,
            earlier=facts.earlier[debtor.id],
        ),
        now,
    )
    if decision.rule == Rule.CAP:  # not even later: another campaign can send it then
        return _held(debtor, Rule.CAP)
    return Invitation(debtor, decision, None if decision.action is Action.DROP else contact)


def _held(debtor: Debtor, rule: Rule) -> Invitation:
    return Invitation(debtor, Decision(Action.DROP, rule))


def _way(contacts: Iterable[Contact], facts: _Facts) -> tuple[Contact | None, str | None]:
    """The first address that is open, e-mail before phone; else the rule that closes the first."""
    ordered = sorted(contacts, key=lambda one: (BY_PREFERENCE.index(one.channel), one.id))
    closed = [(contact, _closed(contact, facts)) for contact in ordered]
    for contact, rule in closed:
        if rule is None:
            return contact, None
    return None, closed[0][1] if closed else Rule.NO_ADDRESS


def _closed(contact: Contact, facts: _Facts) -> str | None:
    stopped = facts.stops[contact.channel, contact.address]
    for kind, rule in STOP_RULES.items():
        if kind in stopped:
            return rule
    return None if contact.channel == Channel.EMAIL or facts.texts else Rule.NO_TEXTS


def _read(
    session: Session, client: Client, debtors: Sequence[Debtor], texter: Texter, now: datetime
) -> _Facts:
    ids = [debtor.id for debtor in debtors]
    accounts = _accounts(session, client, ids)
    account_ids = [one.id for held in accounts.values() for one in held]
    contacts = _contacts(session, client, ids)
    addresses = [one.address for held in contacts.values() for one in held]
    return _Facts(
        accounts=accounts,
        holds=_holds(session, client, account_ids, now),
        arranged=_arranged(session, client, account_ids),
        contacts=contacts,
        stops=_stops(session, client, addresses),
        earlier=_earlier(session, client, ids, now),
        waiting=_waiting(session, client, ids),
        texts=closed_because(client, texter) is None,
    )


def _accounts(session: Session, client: Client, ids: list[UUID]) -> dict[UUID, list[Account]]:
    found: dict[UUID, list[Account]] = defaultdict(list)
    query = select(Account).where(Account.client_id == client.id, Account.debtor_id.in_(ids))
    for account in session.scalars(query.order_by(Account.id)):
        found[account.debtor_id].append(account)
    return found


def _holds(
    session: Session, client: Client, ids: list[UUID], now: datetime
) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = defaultdict(list)
    h = aliased(Hold, name="h")
    query = select(h.account_id, h.kind).where(
        h.client_id == client.id, h.account_id.in_(ids), in_force(now)
    )
    for account_id, kind in session.execute(query):
        found[account_id].append(kind)
    return found


def _arranged(session: Session, client: Client, ids: list[UUID]) -> frozenset[UUID]:
    query = select(Arrangement.account_id).where(
        Arrangement.client_id == client.id,
        Arrangement.account_id.in_(ids),
        Arrangement.status.in_(LIVE),
    )
    return frozenset(session.scalars(query))


def _contacts(session: Session, client: Client, ids: list[UUID]) -> dict[UUID, list[Contact]]:
    found: dict[UUID, list[Contact]] = defaultdict(list)
    query = select(Contact).where(
        Contact.client_id == client.id, Contact.debtor_id.in_(ids), Contact.retired_at.is_(None)
    )
    for contact in session.scalars(query):
        found[contact.debtor_id].append(contact)
    return found


def _stops(
    session: Session, client: Client, addresses: list[str]
) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    query = select(ContactStop.channel, ContactStop.address, ContactStop.kind).where(
        ContactStop.client_id == client.id,
        ContactStop.address.in_(addresses),
        ContactStop.lifted_at.is_(None),
    )
    for channel, address, kind in session.execute(query):
        found[channel, address].append(kind)
    return found


def _earlier(
    session: Session, client: Client, ids: list[UUID], now: datetime
) -> dict[UUID, list[datetime]]:
    found: dict[UUID, list[datetime]] = defaultdict(list)
    at = func.coalesce(Message.sent_at, func.least(Message.send_at, now))
    query = select(Message.debtor_id, at).where(
        Message.client_id == client.id,
        Message.debtor_id.in_(ids),
        Message.template.in_(CAPPED),
        Message.status.in_(ON_ITS_WAY),
        at > now - CAP_WEEK,
    )
    for debtor_id, sent_at in session.execute(query):
        found[debtor_id].append(sent_at)
    return found


def _waiting(session: Session, client: Client, ids: list[UUID]) -> frozenset[UUID]:
    query = select(Message.debtor_id).where(
        Message.client_id == client.id,
        Message.debtor_id.in_(ids),
        Message.template == LINK.name,
        Message.channel != Channel.LETTER,
        Message.status.in_(NOT_YET),
    )
    return frozenset(session.scalars(query))
