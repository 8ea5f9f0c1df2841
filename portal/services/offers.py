"""What one account may choose now: facts, limits and rights put together for the domain."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from portal.domain import offers as domain
from portal.domain.capabilities import Capabilities
from portal.domain.facts import AccountFacts
from portal.domain.offers import Offer
from portal.models import Account, Debtor
from portal.services.policies import NoPolicy, PublishedPolicy, live_policy
from portal.services.standing import standing, today_of


@dataclass(frozen=True, slots=True)
class OfferSheet:
    """The offers of one day, with all they were computed from.

    ``offers`` is empty where none may be made, ``published`` None where there is no policy.
    """

    published: PublishedPolicy | None
    offers: tuple[Offer, ...]
    capabilities: Capabilities
    facts: AccountFacts
    today: date


def facts_of(account: Account, debtor: Debtor) -> AccountFacts:
    """An account as offers see it; an offer may not end inside the validation period (VN-07)."""
    placed_on = today_of(debtor, account.placed_at)
    ends_on = account.validation_ends_on
    return AccountFacts(
        balance_cents=account.balance_cents,
        currency=account.currency,
        placed_on=placed_on,
        default_on=account.default_on,
        earliest_deadline_on=ends_on + timedelta(days=1) if ends_on else None,
        region=debtor.region,
        collector_role=str(account.collector_role),
    )


def offers_for(session: Session, account: Account, now: datetime) -> OfferSheet:
    """What a debtor may choose on their own calendar's day, from the live version."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    try:
        published = live_policy(session, account.client_id)
    except NoPolicy:
        published = None
    allowed = standing(session, account, now)
    return sheet(facts_of(account, debtor), published, allowed, today_of(debtor, now))


def sheet(
    facts: AccountFacts, published: PublishedPolicy | None, allowed: Capabilities, today: date
) -> OfferSheet:
    """The same from what is at hand already."""
    made: tuple[Offer, ...] = ()
    if published is not None and allowed.offer.allowed:
        made = domain.offers(facts, published.policy, today)
    return OfferSheet(published, made, allowed, facts, today)
