"""Whether debtors may be sent a link now, for a whole batch of them in a handful of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from portal.domain.caps import MadeContact
from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole
from portal.domain.outgoing import Action, Decision, Rule, Situation, decide, template_named
from portal.domain.permissions import Address
from portal.domain.statuses import MessageStatus
from portal.gateways.sms import Texter
from portal.models import (
    Account,
    Client,
    Contact,
    ContactStop,
    Debtor,
    Hold,
    Message,
)
from portal.services.clearance import STOP_RULES, arranged, made_lately_to
from portal.services.contact_facts import ContactFacts, read_facts, rules_of
from portal.services.letters import postal_key
from portal.services.standing import in_force, judge, today_of
from portal.services.texting import closed_because
from portal.services.whereabouts import zones_among

LINK = template_named("link")
NOT_YET = (MessageStatus.QUEUED, MessageStatus.DEFERRED)
BY_PREFERENCE = (Channel.EMAIL, Channel.SMS)
PAPER = Address(channel=Channel.LETTER)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What is decided about one debtor; ``contact`` is where the link goes, None for a letter."""

    debtor: Debtor
    decision: Decision
    contact: Contact | None = None

    @property
    def channel(self) -> Channel | None:
        """The way on which the link goes; None if it is held back."""
        if self.decision.action is Action.DROP:
            return None
        return self.contact.channel if self.contact else Channel.LETTER


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of a batch of debtors, by debtor, account or address."""

    accounts: dict[UUID, list[Account]]
    holds: dict[UUID, list[str]]
    arranged: frozenset[UUID]
    contacts: dict[UUID, list[Contact]]
    stops: dict[tuple[str, str], list[str]]
    earlier: Mapping[UUID, Sequence[MadeContact]]
    waiting: frozenset[UUID]
    on_file: ContactFacts
    role: CollectorRole
    texts: bool


def weigh(
    session: Session,
    client: Client,
    debtors: Sequence[Debtor],
    *,
    texter: Texter,
    now: datetime,
    by: Collection[Channel] = BY_PREFERENCE,
) -> list[Invitation]:
    """What is decided about each of these debtors of a client, at this instant.

    ``by`` are the ways that may be used; a letter goes only to who can be reached in no other way.
    """
    facts = _read(session, client, debtors, texter, now)
    return [_weigh(debtor, facts, by, now) for debtor in debtors]


def _weigh(debtor: Debtor, facts: _Facts, by: Collection[Channel], now: datetime) -> Invitation:
    if debtor.id in facts.waiting:
        return _held(debtor, Rule.REPEATED)
    accounts = [one for one in facts.accounts[debtor.id] if one.id not in facts.arranged]
    if not accounts:
        return _held(debtor, Rule.ARRANGED)
    situation = _situation(debtor, accounts, facts, now)
    ordered = sorted(
        facts.contacts[debtor.id], key=lambda one: (BY_PREFERENCE.index(one.channel), one.id)
    )
    rules: list[str] = []
    for contact in ordered:
        decision = decide(_at(contact, situation, facts), now)
        if decision.rule == Rule.CAP:  # not even later: another campaign can send it then
            return _held(debtor, Rule.CAP)
        if decision.action is Action.DROP:
            rules.append(decision.rule)
        elif contact.channel in by:
            return Invitation(debtor, decision, contact)
        else:
            rules.insert(0, Rule.EMAIL_ONLY)
    return _on_paper(debtor, situation, facts, by, rules, now)


def _on_paper(  # noqa: PLR0913
    debtor: Debtor,
    situation: Situation,
    facts: _Facts,
    by: Collection[Channel],
    rules: Sequence[str],
    now: datetime,
) -> Invitation:
    """What is decided about who can be reached in no other way; ``rules`` closed the others."""
    closed = _closed_letters(debtor, facts)
    decision = decide(replace(situation, address=PAPER, closed=closed), now)
    if decision.rule == Rule.CAP:
        return _held(debtor, Rule.CAP)
    if decision.action is Action.DROP:
        return _held(debtor, rules[0] if rules else decision.rule)
    if Channel.LETTER in by:
        return Invitation(debtor, decision)
    return _held(debtor, rules[0] if rules else Rule.LETTER_ONLY)


def _closed_letters(debtor: Debtor, facts: _Facts) -> str | None:
    if facts.stops[Channel.LETTER, postal_key(debtor)]:
        return Rule.WRONG_PERSON
    return None if debtor.has_address else Rule.NO_ADDRESS


def _situation(
    debtor: Debtor, accounts: Iterable[Account], facts: _Facts, now: datetime
) -> Situation:
    """The facts about a debtor, whatever address it would be."""
    today = today_of(debtor, now)
    zones = [one.zones for one in facts.contacts[debtor.id]]
    return Situation(
        template=LINK,
        address=PAPER,
        zones=zones_among(debtor, zones),
        debts=[
            facts.on_file.debt(account, judge(account, facts.holds[account.id], today))
            for account in accounts
        ],
        today=today,
        rules=rules_of(debtor, facts.role),
        wishes=facts.on_file.wished(debtor.id),
        earlier=facts.earlier.get(debtor.id, ()),
    )


def _at(contact: Contact, situation: Situation, facts: _Facts) -> Situation:
    address = facts.on_file.address(contact, facts.role)
    return replace(situation, address=address, closed=_closed(contact, facts))


def _held(debtor: Debtor, rule: str) -> Invitation:
    return Invitation(debtor, Decision(Action.DROP, rule))


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
    addresses += [postal_key(debtor) for debtor in debtors]
    return _Facts(
        accounts=accounts,
        holds=_holds(session, client, account_ids, now),
        arranged=arranged(session, client.id, account_ids),
        contacts=contacts,
        stops=_stops(session, client, addresses),
        earlier=made_lately_to(session, client.id, ids, now),
        waiting=_waiting(session, client, ids),
        on_file=read_facts(
            session,
            client.id,
            debtors=ids,
            contacts=[one.id for held in contacts.values() for one in held],
            accounts=account_ids,
        ),
        role=CollectorRole(client.collector_role),
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


def _waiting(session: Session, client: Client, ids: list[UUID]) -> frozenset[UUID]:
    query = select(Message.debtor_id).where(
        Message.client_id == client.id,
        Message.debtor_id.in_(ids),
        Message.template == LINK.name,
        Message.status.in_(NOT_YET),
    )
    return frozenset(session.scalars(query))
