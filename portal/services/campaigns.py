"""Sending links to a client's debtors: who gets one, who does not and why, in batches."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.channels import Channel
from portal.domain.keys import Keys
from portal.domain.outgoing import Action, Rule
from portal.domain.statuses import MessageStatus
from portal.gateways.sms import Texter
from portal.jobs import enqueue
from portal.models import Account, Client, Contact, Debtor, Message, fresh_id
from portal.services import evidence
from portal.services.invitations import Invitation, weigh
from portal.services.links import issue_links
from portal.services.manifests import record_manifest
from portal.services.messages import enqueue_dispatch

BATCH = 1_000
TEMPLATE = "link"


class ReferenceUnknown(DomainError):
    """No account of the client has this reference."""

    message = N_("There is no account %(reference)s.")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """Who sends links to whom: all debtors of a client, or ``only`` these; ``by`` is staff.

    A campaign that was cut off goes on, under its own ``id``, after its last batch.
    """

    client_id: UUID
    only: Collection[UUID] | None = None
    by: UUID | None = None
    id: UUID = field(default_factory=fresh_id)


def send_links(
    session: Session,
    campaign: Campaign,
    *,
    keys: Keys,
    texter: Texter,
    now: datetime,
    dry_run: bool = False,
) -> CampaignReport:
    """Issue a link to every debtor who may have one and queue its message (SC-04, CT-05, EC-07).

    Commits each batch of a thousand debtors with one leaf over its manifest, and goes on after the
    last one on record; another campaign holds back who got a link. ``dry_run`` only counts.
    """
    client = session.get_one(Client, campaign.client_id)
    report = CampaignReport()
    after = None if dry_run else _reached(session, client, campaign)
    for debtors in _batches(session, campaign, after):
        if not dry_run:
            _wait_for_others(session, client)
        weighed = weigh(session, client, debtors, texter=texter, now=now)
        batch = _report(weighed, now)
        if not dry_run:
            _launch(session, campaign, client, weighed, keys=keys, now=now)
            commit(session, "campaign.batch")
        report = report.plus(batch)
    return report


def request_links(session: Session, client_id: UUID, *, by: UUID | None) -> bool:
    """Let a worker send a client's links; False where one is about to. The caller commits."""
    job = enqueue(
        session,
        "messages.send_links",
        client_id=client_id,
        campaign=fresh_id(),
        by=str(by) if by else None,
        queueing_lock=f"messages.send_links:{client_id}",
    )
    return job is not None


def interrupted(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """Record that a campaign was given up before its end. The caller commits."""
    client = session.get_one(Client, campaign.client_id)
    payload = {"actor": evidence.SYSTEM, "campaign": str(campaign.id)}
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type="campaign.interrupted",
        payload=payload,
        now=now,
    )


def debtors_of(session: Session, client_id: UUID, references: Collection[str]) -> set[UUID]:
    """The debtors of these accounts. Raises ReferenceUnknown."""
    rows = session.execute(
        select(Account.reference, Account.debtor_id).where(
            Account.client_id == client_id, Account.reference.in_(references)
        )
    )
    found = {reference: debtor_id for reference, debtor_id in rows}
    for reference in references:
        if reference not in found:
            raise ReferenceUnknown(reference=reference)
    return set(found.values())


def _reached(session: Session, client: Client, campaign: Campaign) -> UUID | None:
    """The last debtor of the batches that are on record."""
    for entry in evidence.newest(session, client, ["campaign.sent"]):
        if entry.payload.get("campaign") == str(campaign.id):
            return UUID(entry.payload["through"])
    return None


def _batches(
    session: Session, campaign: Campaign, after: UUID | None
) -> Iterator[Sequence[Debtor]]:
    query = select(Debtor).where(Debtor.client_id == campaign.client_id)
    if campaign.only is not None:
        query = query.where(Debtor.id.in_(campaign.only))
    while True:
        page = query.where(Debtor.id > after) if after else query
        debtors = session.scalars(page.order_by(Debtor.id).limit(BATCH)).all()
        if not debtors:
            return
        after = debtors[-1].id
        yield debtors


def _wait_for_others(session: Session, client: Client) -> None:
    """Two campaigns of one client take turns, so that nobody is written to twice."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:client, 0))")
    session.execute(lock, {"client": f"campaign:{client.id}"})


def _report(weighed: Sequence[Invitation], now: datetime) -> CampaignReport:
    held = Counter(one.decision.rule for one in weighed if one.decision.action is Action.DROP)
    later = sum(one.decision.action is Action.WAIT for one in weighed)
    return CampaignReport(len(weighed) - held.total(), later, dict(held))


def _launch(
    session: Session,
    campaign: Campaign,
    client: Client,
    weighed: Sequence[Invitation],
    *,
    keys: Keys,
    now: datetime,
) -> None:
    chosen = [(one.debtor, one.contact) for one in weighed if one.contact is not None]
    links = issue_links(session, chosen, keys=keys, issued_by=campaign.by, now=now)
    rows = [
        _row(one, one.contact, links[one.contact.id], campaign, now)
        for one in weighed
        if one.contact is not None
    ]
    held = [_held_row(one, campaign, now) for one in weighed if _is_held_by_rule(one)]
    for some in (rows, held):
        if some:
            session.execute(insert(Message), some)
    _enqueue(session, client.id, rows, now)
    _record(session, campaign, client, weighed, rows, now)


def _is_held_by_rule(one: Invitation) -> bool:
    """Whether a rule holds a debtor back, and not that they were written to or agreed already."""
    return one.contact is None and one.decision.rule not in (Rule.REPEATED, Rule.ARRANGED)


def _held_row(one: Invitation, campaign: Campaign, now: datetime) -> dict[str, object]:
    return {
        **_common(one, campaign, now),
        "channel": Channel.EMAIL,
        "dedupe_key": f"{TEMPLATE}:{campaign.id}:{one.debtor.id}",
        "status": MessageStatus.SUPPRESSED,
        "send_at": now,
    }


def _row(
    one: Invitation, contact: Contact, link_id: UUID, campaign: Campaign, now: datetime
) -> dict[str, object]:
    waits = one.decision.action is Action.WAIT
    return {
        **_common(one, campaign, now),
        "contact_id": contact.id,
        "link_id": link_id,
        "channel": contact.channel,
        "dedupe_key": f"{TEMPLATE}:{link_id}",
        "status": MessageStatus.DEFERRED if waits else MessageStatus.QUEUED,
        "send_at": one.decision.until or now,
    }


def _common(one: Invitation, campaign: Campaign, now: datetime) -> dict[str, object]:
    return {
        "client_id": one.debtor.client_id,
        "id": fresh_id(),
        "debtor_id": one.debtor.id,
        "batch_id": campaign.id,
        "template": TEMPLATE,
        "context": {},
        "locale": one.debtor.language,
        "asked_for": False,
        "rule": one.decision.rule or None,
        "created_at": now,
        "created_by": campaign.by,
        "attempts": 0,
    }


def _enqueue(
    session: Session, client_id: UUID, rows: Sequence[Mapping[str, object]], now: datetime
) -> None:
    """The jobs of a batch: those that leave at the same hour together."""
    by_hour: dict[object, list[UUID]] = {}
    for row in rows:
        by_hour.setdefault(row["send_at"], []).append(_id(row))
    for at, ids in by_hour.items():
        run_at = at if isinstance(at, datetime) and at > now else None
        enqueue_dispatch(session, client_id, ids, run_at=run_at)


def _id(row: Mapping[str, object]) -> UUID:
    found = row["id"]
    assert isinstance(found, UUID)
    return found


def _record(
    session: Session,
    campaign: Campaign,
    client: Client,
    weighed: Sequence[Invitation],
    rows: Sequence[Mapping[str, object]],
    now: datetime,
) -> None:
    """One leaf for the batch, over a list that names each debtor with message or rule (RT-02)."""
    lines = [
        *(f"{row['debtor_id']} message {row['id']} link {row['link_id']}" for row in rows),
        *(
            f"{one.debtor.id} held {one.decision.rule}"
            for one in weighed
            if one.decision.action is Action.DROP
        ),
    ]
    batch = _report(weighed, now)
    told = {
        "type": "campaign.sent",
        "actor": evidence.staff(campaign.by) if campaign.by else evidence.SYSTEM,
        "campaign": str(campaign.id),
        "through": str(max(one.debtor.id for one in weighed)),
        "goes": batch.goes,
        "later": batch.later,
        "held": dict(batch.held),
    }
    record_manifest(session, client, campaign.id, lines, told=told, now=now)
