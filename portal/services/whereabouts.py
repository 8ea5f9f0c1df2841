"""Where a debtor may be, as far as hours count (CT-02)."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.debts import Country
from portal.domain.windows import CandidateZones, candidate_zones
from portal.models import Channel, Contact, Debtor
from portal.rules.regions import find_region


def zones_of(session: Session, debtor: Debtor) -> CandidateZones:
    """Every zone that a debtor's own word, address or phones speak for."""
    phones = select(Contact.zones).where(
        Contact.client_id == debtor.client_id,
        Contact.debtor_id == debtor.id,
        Contact.channel == Channel.SMS,
        Contact.retired_at.is_(None),
    )
    return zones_among(debtor, session.scalars(phones))


def zones_among(debtor: Debtor, phone_zones: Iterable[str | None]) -> CandidateZones:
    """The same for the zones of phones that are at hand already, several parted by spaces."""
    region = find_region(debtor.region, debtor.country)
    return candidate_zones(
        Country(debtor.country),
        declared=debtor.time_zone,
        region=region.zones if region else (),
        phone=[zone for zones in phone_zones for zone in (zones or "").split()],
    )
