"""From what a debtor picked to exact terms that may be accepted today."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.admission import admit
from portal.domain.building import build
from portal.domain.facts import AccountFacts
from portal.domain.kept_offers import Shown, choosable, find_promise
from portal.domain.limits import BalanceChanged, OfferExpired, OfferNotInPolicy
from portal.domain.money import NOTHING, Cents, Money
from portal.domain.offers import Offer
from portal.domain.paydays import open_days
from portal.domain.policy import Policy
from portal.domain.schedules import Frequency
from portal.domain.statuses import ProposalStatus
from portal.domain.terms import Choice, Method, Terms, from_dict
from portal.models import Account, Debtor, Proposal
from portal.services.kept import read_shown
from portal.services.offers import OfferSheet, read_facts
from portal.services.open_proposals import granted_until
from portal.services.policies import PublishedPolicy, live_policy, policy_version
from portal.services.standing import today_of

PAGE_AT_HAND = timedelta(days=1)
GRANTED = (ProposalStatus.ACCEPTED, ProposalStatus.COUNTERED, ProposalStatus.AGREED)


@dataclass(frozen=True, slots=True)
class Picked:
    """A choice as a page signed it, with the policy version and the balance that it was made on.

    ``made_on`` is the debtor's day on which it was chosen. ``proposal_id`` is set where staff
    granted the terms: then the choice only says when to start.
    """

    choice: Choice
    policy_version: int
    balance_cents: Cents
    proposal_id: UUID | None = None
    made_on: date | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Terms that may be accepted today, with what they were checked against."""

    terms: Terms
    published: PublishedPolicy
    facts: AccountFacts
    today: date
    proposal: Proposal | None = None
    counted_cents: Cents = NOTHING

    @property
    def due_today_cents(self) -> Cents:
        """What is to be paid at once, in cents: nothing where the first date is later."""
        return self.terms.first_cents if self.terms.first_on <= self.today else Cents(0)

    @property
    def automatic(self) -> bool:
        """Whether a saved method is charged later, which needs permission (PY-05)."""
        return self.terms.method is Method.AUTOMATIC


def to_dict(picked: Picked) -> dict[str, Any]:
    """The choice as short plain values, for a signed address."""
    choice = picked.choice
    said: dict[str, Any] = {
        "k": choice.key,
        "a": choice.amount_cents,
        "n": choice.count,
        "f": str(choice.frequency) if choice.frequency else None,
        "d": choice.first_on.isoformat() if choice.first_on else None,
        "m": "a" if choice.method is Method.AUTOMATIC else None,
        "w": choice.down_payment_cents,
        "t": choice.total_cents,
        "u": choice.valid_until.isoformat() if choice.valid_until else None,
        "y": choice.days or None,
        "v": picked.policy_version,
        "b": picked.balance_cents,
        "p": str(picked.proposal_id) if picked.proposal_id else None,
        "o": picked.made_on.isoformat() if picked.made_on else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def read(said: dict[str, Any]) -> Picked:
    """The choice of values that ``to_dict`` made, whose signature was checked."""
    choice = Choice(
        key=said["k"],
        amount_cents=said.get("a"),
        count=said.get("n"),
        frequency=Frequency(said["f"]) if "f" in said else None,
        first_on=date.fromisoformat(said["d"]) if "d" in said else None,
        method=Method.AUTOMATIC if said.get("m") == "a" else Method.MANUAL,
        down_payment_cents=said.get("w"),
        total_cents=said.get("t"),
        valid_until=date.fromisoformat(said["u"]) if "u" in said else None,
        days=tuple(said.get("y", ())),
    )
    proposal_id = UUID(said["p"]) if "p" in said else None
    made_on = date.fromisoformat(said["o"]) if "o" in said else None
    return Picked(choice, said["v"], Cents(said["b"]), proposal_id, made_on)


def draft(
    session: Session,
    account: Account,
    picked: Picked,
    *,
    now: datetime,
    sheet: OfferSheet | None = None,
) -> Draft:
    """The exact terms of a choice, every limit checked against the version that it was made on.

    Nothing but the parameters is taken from the choice. ``sheet``: the account as a page has just
    read it, which is then not read again. Raises BalanceChanged, OfferExpired, OfferNotInPolicy
    and the other errors of ``admit``, NoPolicy.
    """
    if sheet is None:
        debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
        facts, today = read_facts(session, account, debtor), today_of(debtor, now)
    else:
        facts, today = sheet.facts, sheet.today
    if picked.balance_cents != facts.balance_cents:
        raise BalanceChanged(balance=Money(facts.balance_cents, facts.currency))
    if picked.proposal_id is not None:
        return _granted(session, account, picked, facts=facts, today=today, now=now)
    live = sheet.published if sheet else None
    published = live or live_policy(session, account.client_id, now)
    shown = sheet.shown if sheet else read_shown(session, account, published.policy, now)
    offer = _on_the_page(picked, facts, published.policy, shown, today)
    if published.version != picked.policy_version:
        if offer is None:
            _still_open(picked, today)
        published = policy_version(session, account.client_id, picked.policy_version)
    terms = _built(picked.choice, facts, published, today, offer)
    admitted = admit(terms, facts, published.policy, today, offer=offer)
    counted = offer.counted_cents if offer else NOTHING
    return Draft(admitted, published, facts, today, counted_cents=counted)


def _on_the_page(
    picked: Picked, facts: AccountFacts, live: Policy, shown: Sequence[Shown], today: date
) -> Offer | None:
    """The settlement that a page shows under this key, if what was shown before still stands."""
    key, version = picked.choice.key, picked.policy_version
    promise = find_promise(key, version, facts, shown, today)
    if promise is None or version != live.version:
        return promise
    return next(
        (o for o in choosable(facts, live, shown, today) if o.mark == promise.mark), promise
    )


def _still_open(picked: Picked, today: date) -> None:
    """A version that another one took over binds for the page at hand, or to an offer's last day.

    Raises OfferNotInPolicy.
    """
    until = picked.choice.valid_until
    promised = until is not None and today <= until
    at_hand = picked.made_on is not None and today <= picked.made_on + PAGE_AT_HAND
    if not promised and not at_hand:
        raise OfferNotInPolicy


def _built(
    choice: Choice,
    facts: AccountFacts,
    published: PublishedPolicy,
    today: date,
    offer: Offer | None,
) -> Terms:
    terms = build(choice, facts, published.policy, today, offer=offer)
    later = len(terms.schedule) > 1 or terms.first_on > today
    return terms if later else replace(terms, method=Method.MANUAL)


def _granted(
    session: Session,
    account: Account,
    picked: Picked,
    *,
    facts: AccountFacts,
    today: date,
    now: datetime,
) -> Draft:
    """Terms that a person wrote down bind until their last day, whatever became of the page.

    Holds may have moved that day.
    """
    proposal = session.scalar(
        select(Proposal).where(
            Proposal.client_id == account.client_id,
            Proposal.id == picked.proposal_id,
            Proposal.account_id == account.id,
        ),
        execution_options={"populate_existing": True},
    )
    if proposal is None or proposal.status not in GRANTED or proposal.granted_terms is None:
        raise OfferNotInPolicy
    until = granted_until(session, account, proposal, now=now)
    granted = replace(from_dict(proposal.granted_terms), valid_until=until)
    if granted.valid_until is not None and granted.valid_until < today:
        raise OfferExpired(valid_until=granted.valid_until)
    published = policy_version(session, account.client_id, granted.policy_version)
    start_on = max(picked.choice.first_on or granted.first_on, today)
    terms = granted.starting(start_on, open_days(facts, published.policy, today))
    admitted = admit(terms, facts, published.policy, today, granted=granted)
    return Draft(admitted, published, facts, today, proposal)
