"""Proposals: what a debtor suggests beyond the limits waits for a person and binds nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select, true
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain import proposals as domain
from portal.domain import terms as wording
from portal.domain.admission import grant
from portal.domain.help import LONGEST_NOTE, check_free_text
from portal.domain.holds import Capability
from portal.domain.negotiation import answer
from portal.domain.paydays import open_days
from portal.domain.statuses import LIVE, AccountStatus, ProposalStatus, move
from portal.domain.terms import Kind, Terms
from portal.domain.wording import clean_text
from portal.models import Account, Arrangement, Debtor, Proposal, Staff, fresh_id
from portal.services import evidence, notices
from portal.services.acceptance import live_arrangement, refuse_second
from portal.services.evidence import SYSTEM, Actor, Payload
from portal.services.help import answer_by
from portal.services.ledger import lock_account
from portal.services.offers import OfferSheet, offers_for, read_facts
from portal.services.open_proposals import (
    OPEN,
    Closed,
    close_open,
    granted_until,
    open_proposal,
    tell,
)
from portal.services.policies import NoPolicy, live_policy
from portal.services.references import fresh_reference
from portal.services.standing import require, standing, today_of
from portal.services.visits import Visit, keep_language

BATCH = 500
A_DAY = timedelta(days=1)


class ProposalOpen(DomainError):
    """The account has a proposal that is not over."""

    message = N_("We have your suggestion %(reference)s already. You can take it back first.")


class ProposalOver(DomainError):
    """The proposal was answered, taken back, or has run out."""

    message = N_("This suggestion is over.")


class AgreedMeanwhile(DomainError):
    """The debtor has an agreement that is not over, so nobody needs an answer."""

    message = N_("The debtor has agreed to something else: %(reference)s. No answer is needed.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a debtor suggests, with a note for the person who reads it."""

    proposal: domain.Proposal
    note: str = ""


def submit(
    session: Session, account: Account, wish: Wish, *, visit: Visit, now: datetime
) -> Proposal:
    """Put a proposal before a person, who answers by the promised day (PY-02).

    Sent twice alike it is one; another one takes the place of one that nobody has answered.
    Raises ProposalOpen where an answer waits for the debtor, ArrangementExists, NotAllowedNow,
    NoPolicy, TextTooLong, CardNumberTyped and the errors of ``domain.check_proposal``.
    """
    note = check_free_text(clean_text(wish.note), most=LONGEST_NOTE)
    account = lock_account(session, account.id)
    require(session, account, Capability.OFFER, now=now)
    refuse_second(session, account)
    sheet = offers_for(session, account, now)
    if sheet.published is None:
        raise NoPolicy
    domain.check_proposal(wish.proposal, sheet.facts, sheet.published.policy, sheet.today)
    said = domain.to_dict(wish.proposal)
    before = open_proposal(session, account)
    if before is not None and (before.wish, before.note or "") == (said, note):
        return before
    if before is not None:
        _replace(session, account, before, now)
    keep_language(session, visit)
    proposal = _written(account, wish.proposal, visit=visit, now=now)
    proposal.note, proposal.policy_version = note or None, sheet.published.version
    proposal.answer_due_on = answer_by(session, account, now)
    session.add(proposal)
    told = {"wish": said, "policy_version": proposal.policy_version, "visit": str(visit.session_id)}
    tell(session, account, proposal, "submitted", told | ({"note": note} if note else {}), now)
    notices.tell(session, account, "proposal_received", fact=f"proposal:{proposal.id}", now=now)
    return proposal


def _written(account: Account, wished: domain.Proposal, *, visit: Visit, now: datetime) -> Proposal:
    whole = wished.total_cents in (None, account.balance_cents)
    return Proposal(
        client_id=account.client_id,
        id=fresh_id(),
        account_id=account.id,
        reference=fresh_reference(),
        status=ProposalStatus.SUBMITTED,
        kind=str(Kind.PLAN if whole else Kind.SETTLEMENT),
        wish=domain.to_dict(wished),
        balance_cents=account.balance_cents,
        locale=visit.locale,
        submitted_at=now,
    )


def accept(
    session: Session, proposal: Proposal, *, staff: Staff, valid_until: date, now: datetime
) -> Proposal:
    """Grant what the debtor suggested, until a day; the debtor still has to agree to the terms.

    Raises ProposalOver, AgreedMeanwhile and what ``domain.admission.grant`` raises beyond the
    review limits.
    """
    account = _open_for_staff(session, proposal)
    require(session, account, Capability.OFFER, now=now, staff=True)
    wished = wished_terms(session, proposal, now)
    _grant(session, account, proposal, wished, valid_until=valid_until, now=now)
    return _answer(session, account, proposal, ProposalStatus.ACCEPTED, staff=staff, now=now)


def counter(
    session: Session,
    proposal: Proposal,
    terms: Terms,
    *,
    staff: Staff,
    valid_until: date,
    now: datetime,
) -> Proposal:
    """Offer other terms than were suggested, until a day. Raises as ``accept``."""
    account = _open_for_staff(session, proposal)
    require(session, account, Capability.OFFER, now=now, staff=True)
    _grant(session, account, proposal, terms, valid_until=valid_until, now=now)
    return _answer(session, account, proposal, ProposalStatus.COUNTERED, staff=staff, now=now)


def decline(
    session: Session, proposal: Proposal, *, reason: str, staff: Staff, now: datetime
) -> Proposal:
    """Say no, with a reason that the debtor reads. Raises ProposalOver, AgreedMeanwhile."""
    account = _open_for_staff(session, proposal)
    proposal.answer_reason = check_free_text(clean_text(reason), most=LONGEST_NOTE)
    return _answer(session, account, proposal, ProposalStatus.DECLINED, staff=staff, now=now)


def withdraw(session: Session, proposal: Proposal, *, actor: Actor, now: datetime) -> Proposal:
    """Take a proposal back; taken back twice it is taken back. Raises ProposalOver."""
    if proposal.status is ProposalStatus.WITHDRAWN:
        return proposal
    account = _lock(session, proposal, OPEN)
    proposal.status = move(proposal.status, ProposalStatus.WITHDRAWN)
    tell(session, account, proposal, "withdrawn", {"actor": actor}, now)
    return proposal


def overdue(
    session: Session, client_id: UUID, *, now: datetime, after: UUID | None = None
) -> Sequence[UUID]:
    """Up to a batch of proposals that may be over, by id: ``expire_due`` looks closer.

    Their granted terms have run out wherever the debtor is, or nobody needs an answer any more.
    """
    elsewhere = select(Arrangement.id).where(
        Arrangement.client_id == Proposal.client_id,
        Arrangement.account_id == Proposal.account_id,
        Arrangement.status.in_(LIVE),
    )
    return session.scalars(
        select(Proposal.id)
        .join(
            Account,
            and_(Account.client_id == Proposal.client_id, Account.id == Proposal.account_id),
        )
        .where(
            Proposal.client_id == client_id,
            Proposal.status.in_(OPEN),
            or_(
                Proposal.granted_until < (now - A_DAY).date(),
                Account.status != AccountStatus.OPEN,
                elsewhere.exists(),
            ),
            Proposal.id > after if after else true(),
        )
        .order_by(Proposal.id)
        .limit(BATCH)
    ).all()


def expire_due(session: Session, client_id: UUID, proposal_id: UUID, *, now: datetime) -> bool:
    """End a proposal that is over by itself; False where it stays. The caller commits.

    Granted terms expire after their last day, but not under a hold that keeps the debtor from
    agreeing; and nobody can agree to them on the day after, expired or not. What is open beside
    another agreement, or on an account that owes nothing or went back, is closed.
    """
    proposal = session.get_one(Proposal, (client_id, proposal_id))
    try:
        account = _lock(session, proposal, OPEN)
    except ProposalOver:
        return False
    if (why := _closed_by(session, account)) is not None:
        close_open(session, account, why, actor=SYSTEM, now=now)
        return True
    until = granted_until(session, account, proposal, now=now)
    held = any(reason.hold for reason in standing(session, account, now).accept.reasons)
    if held or until is None or until >= (now - A_DAY).date():
        return False
    proposal.status = move(proposal.status, ProposalStatus.EXPIRED)
    tell(session, account, proposal, "expired", {"actor": SYSTEM}, now)
    return True


def _closed_by(session: Session, account: Account) -> Closed | None:
    if account.status == AccountStatus.RECALLED:
        return Closed.RECALLED
    if account.status != AccountStatus.OPEN:
        return Closed.NOTHING_OWED
    return Closed.AGREED_OTHERWISE if live_arrangement(session, account) else None


def alternatives(session: Session, proposal: Proposal, now: datetime) -> Sequence[Terms]:
    """What could be agreed to at once instead of waiting, read for its account."""
    account = session.get_one(Account, (proposal.client_id, proposal.account_id))
    return [one.terms for one in near(proposal.wish, offers_for(session, account, now))]


def near(wish: dict[str, Any], sheet: OfferSheet) -> Sequence[domain.Alternative]:
    """What could be agreed at once instead of waiting, from the limits of today."""
    said = answer_today(wish, sheet)
    return said.alternatives if isinstance(said, domain.Alternatives) else ()


def answer_today(wish: dict[str, Any], sheet: OfferSheet) -> domain.Answer | None:
    """What the machine says to a proposal by the limits of today; None where it may say nothing."""
    if sheet.published is None or not sheet.capabilities.offer.allowed:
        return None
    wished = domain.from_dict(wish)
    try:
        return answer(wished, sheet.facts, sheet.published.policy, sheet.today)
    except DomainError:
        return None


def wished_terms(session: Session, proposal: Proposal, now: datetime) -> Terms:
    """The proposal as terms, whatever the limits: what staff see beside the policy."""
    account = session.get_one(Account, (proposal.client_id, proposal.account_id))
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    policy = live_policy(session, account.client_id, now).policy
    facts = read_facts(session, account, debtor)
    return domain.wish_terms(domain.from_dict(proposal.wish), facts, policy)


def why_not_accept(session: Session, proposal: Proposal, now: datetime) -> DomainError | None:
    """What keeps staff from granting a proposal as it is; None where they may."""
    account = session.get_one(Account, (proposal.client_id, proposal.account_id))
    try:
        _refuse_meanwhile(session, account)
        wished = wished_terms(session, proposal, now)
        _within_limits(session, account, wished, valid_until=now.date() + A_DAY, now=now)
    except DomainError as error:
        return error
    return None


def granted_of(proposal: Proposal) -> Terms | None:
    """The terms that staff granted, if they did."""
    return wording.from_dict(proposal.granted_terms) if proposal.granted_terms else None


def _grant(
    session: Session,
    account: Account,
    proposal: Proposal,
    terms: Terms,
    *,
    valid_until: date,
    now: datetime,
) -> None:
    granted = _within_limits(session, account, terms, valid_until=valid_until, now=now)
    proposal.granted_terms = wording.to_dict(granted)
    proposal.granted_until = granted.valid_until


def _within_limits(
    session: Session, account: Account, terms: Terms, *, valid_until: date, now: datetime
) -> Terms:
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    today, policy = today_of(debtor, now), live_policy(session, account.client_id, now).policy
    facts = read_facts(session, account, debtor)
    opened = open_days(facts, policy, today)
    soon = terms if terms.first_on >= today else terms.starting(today, opened)
    return grant(soon, facts, policy, today, valid_until=valid_until)


def _answer(
    session: Session,
    account: Account,
    proposal: Proposal,
    status: ProposalStatus,
    *,
    staff: Staff,
    now: datetime,
) -> Proposal:
    proposal.status = move(proposal.status, status)
    proposal.answered_at, proposal.answered_by = now, staff.id
    told: Payload = {"actor": evidence.staff(staff.id)}
    if proposal.granted_terms:
        told |= {"terms": proposal.granted_terms}
    if proposal.answer_reason:
        told |= {"reason": proposal.answer_reason}
    tell(session, account, proposal, str(status), told, now)
    notices.tell(session, account, f"proposal_{status}", fact=f"proposal:{proposal.id}", now=now)
    return proposal


def _open_for_staff(session: Session, proposal: Proposal) -> Account:
    """The locked account of a proposal that somebody still waits to be answered."""
    account = _lock(session, proposal, (ProposalStatus.SUBMITTED,))
    _refuse_meanwhile(session, account)
    if _closed_by(session, account) is not None:
        raise ProposalOver
    return account


def _refuse_meanwhile(session: Session, account: Account) -> None:
    if (live := live_arrangement(session, account)) is not None:
        raise AgreedMeanwhile(reference=live.reference)


def _lock(session: Session, proposal: Proposal, expected: tuple[ProposalStatus, ...]) -> Account:
    account = lock_account(session, proposal.account_id)
    session.refresh(proposal, with_for_update=True)
    if proposal.status not in expected:
        raise ProposalOver
    return account


def _replace(session: Session, account: Account, before: Proposal, now: datetime) -> None:
    if before.status is not ProposalStatus.SUBMITTED:
        raise ProposalOpen(reference=before.reference)
    before.status = move(before.status, ProposalStatus.WITHDRAWN)
    actor = evidence.debtor(account.debtor_id)
    tell(session, account, before, "withdrawn", {"actor": actor, "replaced": True}, now)
