"""Who would get a draft: counted on its page, or by a worker where that takes too long."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from portal.domain.statuses import CampaignStatus
from portal.gateways.sms import Texter
from portal.jobs import enqueue
from portal.models import Campaign
from portal.services import campaign_audience
from portal.services.campaign_audience import CampaignReport, Count, Excluded
from portal.services.campaigns import wanted_by

AT_ONCE = 2_000
"""Debtors of a client who are counted while its page is waited for."""


def count_soon(session: Session, campaign: Campaign) -> None:
    """Let a worker count who would get a draft now; one such job waits at most."""
    enqueue(
        session,
        "messages.count_links",
        client_id=campaign.client_id,
        campaign=campaign.id,
        queueing_lock=f"messages.count_links:{campaign.id}",
    )


def keep_count(session: Session, campaign: Campaign, *, texter: Texter, now: datetime) -> None:
    """Count who would get a draft now, and keep it with its time. The caller commits."""
    if campaign.status is not CampaignStatus.DRAFT:
        return
    wanted = wanted_by(session, campaign)
    found = campaign_audience.count(session, wanted, texter=texter, now=now)
    campaign.counted_at = now
    campaign.counted = {
        "goes": found.report.goes,
        "later": found.report.later,
        "held": dict(found.report.held),
        "languages": dict(found.languages),
        "channels": dict(found.channels),
        "named": [[one.reference, str(one.account_id), one.rule] for one in found.named],
    }


def kept_count(campaign: Campaign) -> Count | None:
    """What a worker counted; None where it has not yet."""
    kept = campaign.counted
    if kept is None:
        return None
    report = CampaignReport(kept["goes"], kept["later"], kept["held"])
    named = [Excluded(reference, UUID(id_), rule) for reference, id_, rule in kept["named"]]
    channels: Counter[str] = Counter(kept.get("channels", {}))
    return Count(report, named, Counter(kept["languages"]), channels)
