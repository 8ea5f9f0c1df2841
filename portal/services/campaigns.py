"""Writing the messages of a campaign: a link for each debtor of its audience, in batches."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.audience import from_json
from portal.domain.channels import Channel
from portal.domain.keys import Keys
from portal.domain.outgoing import Action, Rule
from portal.domain.statuses import CampaignStatus, MessageStatus, move
from portal.gateways.sms import Texter
from portal.models import Account, Campaign, Client, fresh_id
from portal.services import evidence
from portal.services.bulk import write_rows
from portal.services.campaign_audience import (
    CampaignReport,
    Wanted,
    decided,
    next_page,
    report_of,
)
from portal.services.campaign_control import lock, release_soon
from portal.services.invitations import Invitation
from portal.services.links import issue_links
from portal.services.manifests import record_manifest
from portal.services.messages import enqueue_dispatch


class ReferenceUnknown(DomainError):
    """No account of the client has this reference."""

    message = N_("There is no account %(reference)s.")


def send_links(
    session: Session, campaign: Campaign, *, keys: Keys, texter: Texter, now: datetime
) -> CampaignReport:
    """Issue a link to everybody who may have one and queue its message (SC-04, CT-05, EC-07).

    Commits each batch of a thousand debtors with one leaf over its manifest. A campaign that was
    cut off goes on after its last batch; another one holds back who got a link. Ends between
    two batches where somebody paused or stopped it.
    """
    report = CampaignReport()
    while batch := _next_batch(session, campaign, keys, texter, now):
        report = report.plus(batch)
        commit(session, "campaign.batch")
    commit(session, "campaign.prepared")
    return report


def _next_batch(
    session: Session, campaign: Campaign, keys: Keys, texter: Texter, now: datetime
) -> CampaignReport | None:
    """Write the next batch, None at the end: whoever begins the same campaign beside us waits."""
    client = session.get_one(Client, campaign.client_id)
    _wait_for_others(session, client)
    if not _is_going(lock(session, campaign), now):
        return None
    wanted = wanted_by(session, campaign)
    debtors = next_page(session, wanted, campaign.after)
    if not debtors:
        campaign.prepared_at = now
        release_soon(session, campaign)
        return None
    weighed = decided(session, wanted, debtors, texter=texter, now=now)
    campaign.after = debtors[-1].id
    report = report_of(weighed)
    _add(campaign, report)
    if weighed:
        _launch(session, campaign, client, weighed, keys=keys, now=now)
    return report


def wanted_by(session: Session, campaign: Campaign) -> Wanted:
    """Whom a campaign is for."""
    client = session.get_one(Client, campaign.client_id)
    audience = from_json(campaign.audience)
    return Wanted(client, audience, campaign.email_only, campaign.letters)


def _is_going(campaign: Campaign, now: datetime) -> bool:
    """Whether messages are still to be written; a campaign whose time has come begins."""
    due = campaign.scheduled_at is not None and campaign.scheduled_at <= now
    if campaign.status is CampaignStatus.SCHEDULED and due:
        campaign.status, campaign.started_at = move(campaign.status, CampaignStatus.RUNNING), now
    return campaign.status is CampaignStatus.RUNNING and campaign.prepared_at is None


def _add(campaign: Campaign, report: CampaignReport) -> None:
    campaign.goes += report.goes
    campaign.later += report.later
    held = Counter(campaign.held) + Counter(report.held)
    campaign.held = dict(sorted(held.items()))


def require_accounts(session: Session, client_id: UUID, references: Collection[str]) -> None:
    """Go on only if each of these is an account of the client. Raises ReferenceUnknown."""
    found = session.scalars(
        select(Account.reference).where(
            Account.client_id == client_id, Account.reference.in_(references)
        )
    ).all()
    for reference in references:
        if reference not in found:
            raise ReferenceUnknown(reference=reference)


def _wait_for_others(session: Session, client: Client) -> None:
    """Two campaigns of one client take turns, so that nobody is written to twice."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:client, 0))")
    session.execute(lock, {"client": f"campaign:{client.id}"})


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
    links = issue_links(session, chosen, keys=keys, issued_by=campaign.created_by, now=now)
    rows = [_row(one, links, campaign, now) for one in weighed if one.channel]
    write_rows(session, "message", rows)
    held = [_held_row(one, campaign, now) for one in weighed if _is_held_by_rule(one)]
    write_rows(session, "message", held)
    if campaign.per_minute:
        release_soon(session, campaign)
    else:
        by_wire = [row for row in rows if row["channel"] != Channel.LETTER]
        _enqueue(session, client.id, by_wire, now)
    _record(session, campaign, client, weighed, rows, now)


def _is_held_by_rule(one: Invitation) -> bool:
    """Whether a rule holds a debtor back, and not that they were written to or agreed already."""
    return one.channel is None and one.decision.rule not in (Rule.REPEATED, Rule.ARRANGED)


def _held_row(one: Invitation, campaign: Campaign, now: datetime) -> dict[str, object]:
    return {
        **_common(one, campaign, now),
        "channel": Channel.EMAIL,
        "dedupe_key": f"{campaign.template}:{campaign.id}:{one.debtor.id}",
        "status": MessageStatus.SUPPRESSED,
        "send_at": now,
    }


def _row(
    one: Invitation, links: Mapping[UUID, UUID], campaign: Campaign, now: datetime
) -> dict[str, object]:
    """A message with its link; a letter's is made as it is printed, whenever that is."""
    waits, contact = one.decision.action is Action.WAIT, one.contact
    link_id = links[contact.id] if contact else None
    common = _common(one, campaign, now)
    return {
        **common,
        "campaign_id": campaign.id,
        "turn_at": None if campaign.per_minute and contact else now,
        "contact_id": contact.id if contact else None,
        "link_id": link_id,
        "channel": one.channel,
        "dedupe_key": f"{campaign.template}:{link_id or f'{campaign.id}:{one.debtor.id}'}",
        "status": MessageStatus.DEFERRED if waits else MessageStatus.QUEUED,
        "rule": common["rule"] if contact else Rule.LETTER,
        "send_at": one.decision.until or now,
    }


def _common(one: Invitation, campaign: Campaign, now: datetime) -> dict[str, object]:
    return {
        "client_id": one.debtor.client_id,
        "id": fresh_id(),
        "debtor_id": one.debtor.id,
        "batch_id": campaign.id,
        "template": campaign.template,
        "context": Jsonb({}),
        "locale": one.debtor.language,
        "asked_for": False,
        "rule": one.decision.rule or None,
        "created_at": now,
        "created_by": campaign.created_by,
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
    batch = report_of(weighed)
    told = {
        "type": "campaign.sent",
        "actor": evidence.staff(campaign.created_by) if campaign.created_by else evidence.SYSTEM,
        "campaign": str(campaign.id),
        "through": str(campaign.after),
        "goes": batch.goes,
        "later": batch.later,
        "held": dict(batch.held),
    }
    if letters := sum(row["channel"] == Channel.LETTER for row in rows):
        told["letters"] = letters
    record_manifest(session, client, campaign.id, _lines(weighed, rows), told=told, now=now)


def _brought(row: Mapping[str, object]) -> str:
    return f"link {row['link_id']}" if row["link_id"] else "letter"


def _lines(weighed: Sequence[Invitation], rows: Sequence[Mapping[str, object]]) -> list[str]:
    """The list of a batch: a line names a debtor with a message, or with the rule against it."""
    return [
        *(f"{row['debtor_id']} message {row['id']} {_brought(row)}" for row in rows),
        *(
            f"{one.debtor.id} held {one.decision.rule}"
            for one in weighed
            if one.decision.action is Action.DROP
        ),
    ]
