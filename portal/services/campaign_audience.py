"""Whom a campaign is for: its debtors batch by batch, who of them goes out, who not and why."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from portal.domain.audience import Audience
from portal.domain.openings import PEOPLE
from portal.domain.outgoing import Action
from portal.domain.policy import Segment
from portal.domain.statuses import AccountStatus, ArrangementStatus
from portal.gateways.sms import Texter
from portal.models import (
    AccessLink,
    Account,
    Arrangement,
    Channel,
    Client,
    Debtor,
    EntryKind,
    LedgerEntry,
    LinkOpening,
)
from portal.services import newest_links
from portal.services.invitations import Invitation, weigh
from portal.services.offers import facts_of, history_of
from portal.services.policies import live_version

BATCH = 1_000
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom a campaign is for, by which ways, and the client that it is of."""

    client: Client
    audience: Audience
    email_only: bool = False
    letters: bool = False

    @property
    def ways(self) -> frozenset[Channel]:
        """The ways that its links may go; a letter only where no other is open."""
        without = {Channel.SMS} if self.email_only else set()
        return frozenset(Channel) - without - (set() if self.letters else {Channel.LETTER})


@dataclass(frozen=True, slots=True)
class Excluded:
    """Somebody of the audience who gets no link: an account of theirs, and the rule."""

    reference: str
    account_id: UUID
    rule: str


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """How many links go out, how many of them wait for their hour, and who is held back by what.

    ``held`` counts debtors by rule (``domain.outgoing.reason_of`` has its sentence).
    """

    goes: int = 0
    later: int = 0
    held: Mapping[str, int] = field(default_factory=dict)

    @property
    def held_back(self) -> int:
        """Debtors who get no link."""
        return sum(self.held.values())

    def plus(self, other: "CampaignReport") -> "CampaignReport":
        """This report and another one in one."""
        held = Counter(self.held) + Counter(other.held)
        ordered = dict(sorted(held.items()))
        return CampaignReport(self.goes + other.goes, self.later + other.later, ordered)


def report_of(weighed: Sequence[Invitation]) -> CampaignReport:
    """What was decided about a batch, in numbers."""
    held = Counter(one.decision.rule for one in weighed if one.decision.action is Action.DROP)
    later = sum(one.decision.action is Action.WAIT for one in weighed)
    return CampaignReport(len(weighed) - held.total(), later, dict(held))


@dataclass(slots=True)
class Count:
    """Who would get a link now, in numbers; ``named`` are the first of those held back.

    ``languages``: how many go out in each, ``channels``: how many by each.
    """

    report: CampaignReport = field(default_factory=CampaignReport)
    named: list[Excluded] = field(default_factory=list)
    languages: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)


def segments_of(session: Session, client_id: UUID, now: datetime) -> tuple[Segment, ...]:
    """The segments of the limits that are in force."""
    live = live_version(session, client_id, now)
    return live.policy.segments if live else ()


def count(session: Session, wanted: Wanted, *, texter: Texter, now: datetime) -> Count:
    """Who would get a link now; writes nothing."""
    found = Count()
    for debtors in batches(session, wanted):
        weighed = decided(session, wanted, debtors, texter=texter, now=now)
        found.report = found.report.plus(report_of(weighed))
        found.languages.update(one.debtor.language for one in weighed if one.channel)
        found.channels.update(str(one.channel) for one in weighed if one.channel)
        if len(found.named) < SHOWN:
            found.named += _named(session, wanted.client, weighed)[: SHOWN - len(found.named)]
    return found


def every_excluded(
    session: Session, wanted: Wanted, *, texter: Texter, now: datetime
) -> Iterator[Excluded]:
    """All who would be held back now, read batch by batch."""
    for debtors in batches(session, wanted):
        weighed = decided(session, wanted, debtors, texter=texter, now=now)
        yield from _named(session, wanted.client, weighed)


def _named(session: Session, client: Client, weighed: Sequence[Invitation]) -> list[Excluded]:
    held = {one.debtor.id: one.decision.rule for one in weighed if one.channel is None}
    accounts = session.execute(
        select(Account.reference, Account.id, Account.debtor_id)
        .where(Account.client_id == client.id, Account.debtor_id.in_(held))
        .order_by(Account.reference)
    )
    return [Excluded(reference, id_, held[debtor]) for reference, id_, debtor in accounts]


def batches(session: Session, wanted: Wanted) -> Iterator[Sequence[Debtor]]:
    """All debtors of an audience, some at a time."""
    after: UUID | None = None
    while page := next_page(session, wanted, after):
        after = page[-1].id
        yield page


def next_page(session: Session, wanted: Wanted, after: UUID | None) -> Sequence[Debtor]:
    """The next debtors who may belong to an audience, in the order of their ids."""
    client_id, audience = wanted.client.id, wanted.audience
    query = select(Debtor).where(Debtor.client_id == client_id)
    if audience.references:
        query = query.where(Debtor.id.in_(_debtors_of(client_id, audience.references)))
    if audience.languages:
        query = query.where(Debtor.language.in_(audience.languages))
    if after is not None:
        query = query.where(Debtor.id > after)
    return session.scalars(query.order_by(Debtor.id).limit(BATCH)).all()


def _debtors_of(client_id: UUID, references: Sequence[str]) -> Select[UUID]:
    return select(Account.debtor_id).where(
        Account.client_id == client_id, Account.reference.in_(references)
    )


def decided(
    session: Session, wanted: Wanted, debtors: Sequence[Debtor], *, texter: Texter, now: datetime
) -> list[Invitation]:
    """What is decided about those of these debtors who belong to the audience."""
    chosen = _members(session, wanted, debtors, now)
    if not chosen:
        return []
    return weigh(session, wanted.client, chosen, texter=texter, now=now, by=wanted.ways)


def _members(
    session: Session, wanted: Wanted, debtors: Sequence[Debtor], now: datetime
) -> Sequence[Debtor]:
    audience, client_id = wanted.audience, wanted.client.id
    if audience.asks_about_links:
        last = newest_links.matching(session, wanted.client, audience, debtors, now=now)
        debtors = [one for one in debtors if one.id in last]
    if audience.unopened:
        known = _came(session, client_id, [one.id for one in debtors])
        debtors = [one for one in debtors if one.id not in known]
    if not audience.asks_about_accounts or not debtors:
        return debtors
    belong = _belonging(session, client_id, audience, {one.id: one for one in debtors})
    return [one for one in debtors if one.id in belong]


def _belonging(
    session: Session, client_id: UUID, audience: Audience, debtors: dict[UUID, Debtor]
) -> set[UUID]:
    """The debtors with an open account that the audience holds."""
    accounts = session.scalars(
        select(Account).where(
            Account.client_id == client_id,
            Account.debtor_id.in_(debtors),
            Account.status == AccountStatus.OPEN,
        )
    ).all()
    ids = [one.id for one in accounts]
    paid, agreed, broke = _history(session, client_id, ids)
    return {
        account.debtor_id
        for account in accounts
        if audience.holds(
            facts_of(
                account,
                debtors[account.debtor_id],
                history_of(account, paid_here=account.id in paid, broke_plan=account.id in broke),
            ),
            agreed=account.id in agreed,
        )
    }


def _history(
    session: Session, client_id: UUID, ids: Sequence[UUID]
) -> tuple[set[UUID], set[UUID], set[UUID]]:
    """Those of these accounts on which money came, something was agreed, and a plan was broken."""
    paid = session.scalars(
        select(LedgerEntry.account_id).where(
            LedgerEntry.client_id == client_id,
            LedgerEntry.account_id.in_(ids),
            LedgerEntry.kind == EntryKind.PAYMENT,
        )
    )
    agreed = session.execute(
        select(Arrangement.account_id, Arrangement.status).where(
            Arrangement.client_id == client_id, Arrangement.account_id.in_(ids)
        )
    ).all()
    broke = {one for one, status in agreed if status == ArrangementStatus.BROKEN}
    return set(paid), {one for one, _ in agreed}, broke


def _came(session: Session, client_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these debtors who ever opened a link as a person does."""
    mine = select(AccessLink.debtor_id).where(
        AccessLink.client_id == client_id, AccessLink.debtor_id.in_(ids)
    )
    verified = session.scalars(mine.where(AccessLink.verified_at.is_not(None)))
    opened = session.scalars(
        mine.join(
            LinkOpening,
            (LinkOpening.client_id == AccessLink.client_id)
            & (LinkOpening.link_id == AccessLink.id),
        ).where(LinkOpening.opener.in_(PEOPLE))
    )
    return {*verified, *opened}
