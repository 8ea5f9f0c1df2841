"""What one account may choose now: facts, limits and rights put together for the domain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from portal.domain.capabilities import Capabilities
from portal.domain.facts import AccountFacts, PaymentHistory
from portal.domain.kept_offers import Shown, choosable
from portal.domain.offers import Offer
from portal.domain.policy import Policy
from portal.domain.statuses import LIVE, ArrangementStatus
from portal.models import Account, Arrangement, Debtor, EntryKind, LedgerEntry
from portal.rules.holidays import region_holidays
from portal.services import evidence
from portal.services.kept import keep_shown, read_shown
from portal.services.ledger import lock_account
from portal.services.policies import PublishedPolicy, live_version
from portal.services.standing import standing, today_of


@dataclass(frozen=True, slots=True)
class OfferSheet:
    """The offers of one day, with all they were computed from.

    ``offers`` is empty where none may be made, ``published`` None where there is no policy.
    What was ``shown`` before stands beside the offers of ``published`` until its last day.
    """

    published: PublishedPolicy | None
    offers: tuple[Offer, ...]
    capabilities: Capabilities
    facts: AccountFacts
    today: date
    shown: tuple[Shown, ...] = ()

    def policy_of(self, offer: Offer) -> Policy:
        """The version that made an offer of this sheet. Raises LookupError for any other."""
        versions = [self.published.policy] if self.published else []
        found = {one.version: one for one in (*versions, *(one.policy for one in self.shown))}
        return found[offer.policy_version]


def facts_of(account: Account, debtor: Debtor, history: PaymentHistory) -> AccountFacts:
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
        product=account.product,
        history=history,
        holidays=region_holidays(debtor.country, debtor.region),
    )


def history_of(account: Account, *, paid_here: bool, broke_plan: bool) -> PaymentHistory:
    """What is known of payments: the client's own figures, and what happened here."""
    if broke_plan:
        return PaymentHistory.BROKE_PLAN
    paid = paid_here or account.payments_cents > 0 or account.last_payment_on is not None
    return PaymentHistory.HAS_PAID if paid else PaymentHistory.NEVER_PAID


def read_facts(session: Session, account: Account, debtor: Debtor) -> AccountFacts:
    """An account as offers see it, with its payment history read in one SELECT."""
    of_account = {"client_id": account.client_id, "account_id": account.id}
    paid = exists().where(
        *(getattr(LedgerEntry, name) == value for name, value in of_account.items()),
        LedgerEntry.kind == EntryKind.PAYMENT,
    )
    broke = exists().where(
        *(getattr(Arrangement, name) == value for name, value in of_account.items()),
        Arrangement.status == ArrangementStatus.BROKEN,
    )
    paid_here, broke_plan = session.execute(select(paid, broke)).one()
    return facts_of(
        account, debtor, history_of(account, paid_here=paid_here, broke_plan=broke_plan)
    )


def offers_for(session: Session, account: Account, now: datetime) -> OfferSheet:
    """What a debtor may choose on their own calendar's day, from the live version."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    published = live_version(session, account.client_id, now)
    allowed = standing(session, account, now)
    facts, live = read_facts(session, account, debtor), published.policy if published else None
    shown = read_shown(session, account, live, now)
    return sheet(facts, published, allowed, today_of(debtor, now), shown)


def promise(
    session: Session, account: Account, *, visit_id: UUID, until: datetime, now: datetime
) -> None:
    """Write down the settlements that a visit may show until it ends: they are kept.

    While an agreement runs, none is shown.
    The caller commits.
    """
    account = lock_account(session, account.id)
    if _is_agreed(session, account):
        return
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    first = offers_for(session, account, now)
    then = live_version(session, account.client_id, until)
    last = sheet(first.facts, then, first.capabilities, today_of(debtor, until), first.shown)
    seen = dict.fromkeys((*first.offers, *last.offers))
    actor = evidence.debtor(account.debtor_id)
    keep_shown(session, account, tuple(seen), visit_id=visit_id, actor=actor, now=now)


def _is_agreed(session: Session, account: Account) -> bool:
    live = exists().where(
        Arrangement.client_id == account.client_id,
        Arrangement.account_id == account.id,
        Arrangement.status.in_(LIVE),
    )
    return bool(session.scalar(select(live)))


def sheet(
    facts: AccountFacts,
    published: PublishedPolicy | None,
    allowed: Capabilities,
    today: date,
    shown: Sequence[Shown] = (),
) -> OfferSheet:
    """The same from what is at hand already."""
    made: tuple[Offer, ...] = ()
    if published is not None and allowed.offer.allowed:
        made = choosable(facts, published.policy, shown, today)
    return OfferSheet(published, made, allowed, facts, today, tuple(shown))
