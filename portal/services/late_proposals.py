"""Proposals that nobody answered in time: put before supervisors, then answered by the portal.

docs/decisions/0017-late-proposals.md says on which days, and why.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain import proposals as domain
from portal.domain import terms as wording
from portal.domain.alternatives import kinder
from portal.domain.calendars import add_working_days
from portal.domain.money import Money
from portal.domain.paydays import EVERY_DAY, open_days
from portal.domain.statuses import ProposalStatus
from portal.domain.terms import Terms
from portal.models import Account, Client, Proposal
from portal.services.evidence import SYSTEM
from portal.services.help import country_of
from portal.services.offers import OfferSheet, offers_for
from portal.services.open_proposals import tell
from portal.services.proposals import (
    A_DAY,
    BATCH,
    AlternativeGone,
    ProposalOver,
    answer_today,
    closed_by,
    grant_terms,
    lock_proposal,
    record_answer,
)

MEANWHILE = N_("What was suggested can be agreed to at once by now.")
OPEN_FOR = timedelta(days=14)
"""How long the debtor has to take what the portal offers by itself."""


class BetterTermsThere(DomainError):
    """What staff are about to offer is worse for the debtor than what the portal agrees to."""

    message = N_(
        "The portal itself would agree to better terms for the debtor: %(total)s in all, number of"
        " payments: %(num)s, first on %(first_on)s. Offer those, or send yours again to offer them"
        " all the same."
    )


def client_day(client: Client, now: datetime) -> date:
    """The day it is for a client, by which its promises are kept or not."""
    return now.astimezone(ZoneInfo(client.time_zone)).date()


def closest_on(client: Client, proposal: Proposal) -> date | None:
    """The day from which the portal may answer by itself; None before it is escalated.

    Supervisors have one whole working day of the client's country.
    """
    if proposal.escalated_at is None:
        return None
    day_before = client_day(client, proposal.escalated_at) - A_DAY
    return add_working_days(day_before, 2, country=country_of(client))


def late(
    session: Session, client_id: UUID, *, now: datetime, after: UUID | None = None
) -> Sequence[UUID]:
    """Up to a batch of proposals that wait beyond their promised day, by id."""
    today = client_day(session.get_one(Client, client_id), now)
    return session.scalars(
        select(Proposal.id)
        .where(
            Proposal.client_id == client_id,
            Proposal.status == ProposalStatus.SUBMITTED,
            Proposal.answer_due_on < today,
            Proposal.id > after if after else true(),
        )
        .order_by(Proposal.id)
        .limit(BATCH)
    ).all()


def chase(session: Session, client_id: UUID, proposal_id: UUID, *, now: datetime) -> bool:
    """Take a late proposal its next step; False where it has none yet. The caller commits.

    First it is escalated, once. A working day later the closest terms are offered, where the
    client's limits in force say so and the account may be offered anything. They bind nobody: the
    debtor still reviews and accepts them (PY-02).
    """
    proposal = session.get_one(Proposal, (client_id, proposal_id))
    try:
        account = lock_proposal(session, proposal, (ProposalStatus.SUBMITTED,))
    except ProposalOver:
        return False
    client = session.get_one(Client, client_id)
    today = client_day(client, now)
    if proposal.answer_due_on >= today or closed_by(session, account) is not None:
        return False
    offered_on = closest_on(client, proposal)
    if offered_on is None:
        proposal.escalated_at = now
        due_on = proposal.answer_due_on.isoformat()
        tell(session, account, proposal, "escalated", {"actor": SYSTEM, "due_on": due_on}, now)
        return True
    return today >= offered_on and _offer_closest(session, account, proposal, now=now)


def alternatives(session: Session, proposal: Proposal, now: datetime) -> list[domain.Alternative]:
    """What could be agreed at once instead, as staff may grant it: never before VN-07 allows."""
    account = session.get_one(Account, (proposal.client_id, proposal.account_id))
    sheet = offers_for(session, account, now)
    said = answer_today(proposal.wish, sheet)
    if isinstance(said, domain.Agreed):
        found = [domain.Alternative(domain.Axis.AMOUNT, said.terms, MEANWHILE, {})]
    else:
        found = list(said.alternatives) if isinstance(said, domain.Alternatives) else []
    return [_in_time(one, sheet) for one in found]


def alternative(session: Session, proposal: Proposal, sha256: str, now: datetime) -> Terms:
    """One of them by the hash of its terms, computed again. Raises AlternativeGone."""
    found = (one.terms for one in alternatives(session, proposal, now))
    terms = next((terms for terms in found if wording.sha256(terms) == sha256), None)
    if terms is None:
        raise AlternativeGone
    return terms


def refuse_worse(
    session: Session, proposal: Proposal, terms: Terms, *, knowing: str, now: datetime
) -> None:
    """Go on only where the portal itself would not agree to terms that are better for the debtor.

    ``knowing``: the hash of such terms, where who answers read of them. Raises BetterTermsThere.
    """
    found = kinder(terms, (one.terms for one in alternatives(session, proposal, now)))
    if found is not None and wording.sha256(found) != knowing:
        raise BetterTermsThere(
            total=Money(found.total_cents, found.currency),
            num=len(found.schedule),
            first_on=found.first_on,
            sha256=wording.sha256(found),
        )


def _offer_closest(
    session: Session, account: Account, proposal: Proposal, *, now: datetime
) -> bool:
    sheet = offers_for(session, account, now)
    if sheet.published is None or not sheet.published.policy.closest_when_late:
        return False
    until = sheet.today + OPEN_FOR
    for status, terms in _closest(proposal, sheet):
        try:
            grant_terms(session, account, proposal, terms, valid_until=until, now=now)
        except DomainError:
            continue
        record_answer(session, account, proposal, status, by=None, now=now)
        return True
    return False


def _closest(proposal: Proposal, sheet: OfferSheet) -> Iterator[tuple[ProposalStatus, Terms]]:
    """The wish itself, where the limits meanwhile allow it; else what is near it, closest first.

    Nobody is forgiven what they did not ask to be forgiven, unless nothing else is near.
    """
    said = answer_today(proposal.wish, sheet)
    if isinstance(said, domain.Agreed):
        yield ProposalStatus.ACCEPTED, _from_earliest(said.terms, sheet)
    elif isinstance(said, domain.Alternatives):
        total, _ = domain.from_dict(proposal.wish).sums(sheet.facts.balance_cents)
        for one in sorted(said.alternatives, key=lambda near: near.terms.total_cents < total):
            yield ProposalStatus.COUNTERED, _from_earliest(one.terms, sheet)


def _in_time(one: domain.Alternative, sheet: OfferSheet) -> domain.Alternative:
    terms = _from_earliest(one.terms, sheet)
    first_on = {"first_on": terms.first_on} if "first_on" in one.params else {}
    return replace(one, terms=terms, params={**one.params, **first_on})


def _from_earliest(terms: Terms, sheet: OfferSheet) -> Terms:
    """The same terms, not asked for inside the validation period (VN-07)."""
    earliest = sheet.facts.earliest_deadline_on
    if earliest is None or terms.first_on >= earliest:
        return terms
    policy = sheet.published.policy if sheet.published else None
    opened = open_days(sheet.facts, policy, sheet.today) if policy else EVERY_DAY
    return terms.starting(earliest, opened)
