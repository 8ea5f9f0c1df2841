"""Whether a debt was contested while its validation period ran (DH-01)."""

from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.domain.debts import Country
from portal.domain.help import DISPUTES
from portal.domain.validation import is_in_time
from portal.domain.windows import candidate_zones
from portal.models import Account, Debtor, HelpRequest
from portal.rules.regions import find_region


def in_time(session: Session, account: Account, request: HelpRequest) -> bool:
    """Whether a request contests the debt within its validation period (DH-01).

    What came by post counts from the day on which it was received.
    """
    if request.topic not in DISPUTES:
        return False
    if "received_on" in request.answers:
        received_on = date.fromisoformat(request.answers["received_on"])
        return is_in_time([received_on], account.validation_ends_on)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    region = find_region(debtor.region, debtor.country)
    zones = candidate_zones(
        Country(debtor.country),
        declared=debtor.time_zone,
        region=region.zones if region else (),
    )
    days = [request.opened_at.astimezone(ZoneInfo(name)).date() for name in zones.names]
    return is_in_time(days, account.validation_ends_on)
