"""Proposals: what a debtor suggests beyond the limits waits for a person and binds nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain import proposals as domain
from portal.domain import terms as wording
from portal.domain.access import Permission, may
from portal.domain.admission import grant
from portal.domain.help import LONGEST_NOTE, check_free_text
from portal.domain.holds import Capability
from portal.domain.kept_offers import Shown
from portal.domain.negotiation import answer_beside
from portal.domain.paydays import open_days
from portal.domain.policy import Answerer
from portal.domain.statuses import AccountStatus, ProposalStatus, move
from portal.domain.terms import Kind, Terms
from portal.domain.wording import clean_text
from portal.models import Account, Debtor, Proposal, Staff, fresh_id
from portal.services import evidence, notices
from portal.services.acceptance import live_arrangement, refuse_second
from portal.services.answering import answered_before
from portal.services.evidence import SYSTEM, Actor, Payload
from portal.services.help import answer_by
from portal.services.ledger import lock_account
from portal.services.offers import OfferSheet, offers_for, read_facts
from portal.services.open_proposals import (
    OPEN,
    Closed,
    open_proposal,
    tell,
)
from portal.services.policies import NoPolicy, live_policy
from portal.services.references import fresh_reference
from portal.services.standing import require, today_of
from portal.services.visits import Visit, keep_language

BATCH = 500
A_DAY = timedelta(days=1)
UNANSWERED: Payload = {"actor": SYSTEM, "reason": "nobody_answered"}
"""Who gives an answer that nobody gave, and why."""


class ProposalOpen(DomainError):
    """An answer to the account's last proposal waits, which another one would end."""

    message = N_(
        "We answered your suggestion %(reference)s. If you send this one, our answer ends. To do"
        " that, send it again."
    )


class ProposalOver(DomainError):
    """The proposal was answered, taken back, or has run out."""

    message = N_("This suggestion is over.")


class AgreedMeanwhile(DomainError):
    """The debtor has an agreement that is not over, so nobody needs an answer."""

    message = N_("The debtor has agreed to something else: %(reference)s. No answer is needed.")


class SupervisorsAnswer(DomainError):
    """The client wants proposals answered by supervisors."""

    message = N_("Supervisors answer proposals of this client. You can read it.")


class AlternativeGone(DomainError):
    """What the machine could agree to is not what a page showed."""

    message = N_("What the portal could agree to has changed. Look again, and choose again.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a debtor suggests, with a note for the person who reads it.

    ``instead_of`` is the reference of an answered proposal that it knowingly takes the place of.
    """

    proposal: domain.Proposal
    note: str = ""
    instead_of: str = ""


def submit(
    session: Session, account: Account, wish: Wish, *, visit: Visit, now: datetime
) -> Proposal:
    """Put a proposal before a person, who answers by the promised day (PY-02).

    Sent twice alike it is one; another one takes the place of one that nobody has answered, and
    of an answered one that ``wish.instead_of`` names.
    Raises ProposalOpen where another answer waits for the debtor, ArrangementExists, NotAllowedNow,
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
        _replace(session, account, before, wish.instead_of, now)
    keep_language(session, visit, now)
    proposal = _written(account, wish.proposal, visit=visit, now=now)
    proposal.note, proposal.policy_version = note or None, sheet.published.version
    days = sheet.published.policy.answer_working_days
    proposal.answer_due_on = answer_by(session, account, now, working_days=days)
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

    Raises AnsweredBefore, ProposalOver, AgreedMeanwhile, SupervisorsAnswer and what
    ``domain.admission.grant`` raises beyond the review limits.
    """
    account = _open_for_staff(session, proposal, staff, now)
    require(session, account, Capability.OFFER, now=now, staff=True)
    wished = wished_terms(session, proposal, now)
    grant_terms(session, account, proposal, wished, valid_until=valid_until, now=now)
    return record_answer(session, account, proposal, ProposalStatus.ACCEPTED, by=staff, now=now)


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
    account = _open_for_staff(session, proposal, staff, now)
    require(session, account, Capability.OFFER, now=now, staff=True)
    grant_terms(session, account, proposal, terms, valid_until=valid_until, now=now)
    return record_answer(session, account, proposal, ProposalStatus.COUNTERED, by=staff, now=now)


def decline(
    session: Session, proposal: Proposal, *, reason: str, staff: Staff, now: datetime
) -> Proposal:
    """Say no, with a reason that the debtor reads. Raises as ``accept``."""
    account = _open_for_staff(session, proposal, staff, now)
    proposal.answer_reason = check_free_text(clean_text(reason), most=LONGEST_NOTE)
    return record_answer(session, account, proposal, ProposalStatus.DECLINED, by=staff, now=now)


def withdraw(session: Session, proposal: Proposal, *, actor: Actor, now: datetime) -> Proposal:
    """Take a proposal back; taken back twice it is taken back. Raises ProposalOver."""
    if proposal.status is ProposalStatus.WITHDRAWN:
        return proposal
    account = lock_proposal(session, proposal, OPEN)
    proposal.status = move(proposal.status, ProposalStatus.WITHDRAWN)
    tell(session, account, proposal, "withdrawn", {"actor": actor}, now)
    return proposal


def closed_by(session: Session, account: Account) -> Closed | None:
    """What ends a proposal of this account without an answer, if something does."""
    if account.status == AccountStatus.RECALLED:
        return Closed.RECALLED
    if account.status != AccountStatus.OPEN:
        return Closed.NOTHING_OWED
    return Closed.AGREED_OTHERWISE if live_arrangement(session, account) else None


def answer_today(
    wish: dict[str, Any], sheet: OfferSheet, shown: Sequence[Shown] = ()
) -> domain.Answer | None:
    """What the machine says to a wish today, on what is owed by now. None: nothing.

    Its first payment is not before today. ``shown``: what the debtor was shown, which is theirs to
    choose and not for others to grant.
    """
    if sheet.published is None or not sheet.capabilities.offer.allowed:
        return None
    wished = domain.from_dict(wish)
    owed = sheet.facts.balance_cents
    total, amount = wished.sums(owed)
    wished = replace(
        wished,
        first_on=max(wished.first_on, sheet.today),
        total_cents=wished.total_cents if total < owed else None,
        amount_cents=wished.amount_cents if amount < owed else None,
    )
    try:
        limits = sheet.published.policy
        return answer_beside(wished, sheet.facts, limits, shown, sheet.today)
    except DomainError:
        return None


def wished_terms(session: Session, proposal: Proposal, now: datetime) -> Terms:
    """The proposal as terms, whatever the limits: what staff see beside the policy."""
    account = session.get_one(Account, (proposal.client_id, proposal.account_id))
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    policy = live_policy(session, account.client_id, now).policy
    facts = read_facts(session, account, debtor)
    return domain.wish_terms(domain.from_dict(proposal.wish), facts, policy)


def why_not_answer(
    session: Session, proposal: Proposal, staff: Staff, now: datetime
) -> DomainError | None:
    """What keeps this member of staff from answering at all; None where they may."""
    policy = live_policy(session, proposal.client_id, now).policy
    if policy.answered_by is not Answerer.SUPERVISORS or may(staff.role, Permission.SUPERVISE):
        return None
    return SupervisorsAnswer()


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


def grant_terms(
    session: Session,
    account: Account,
    proposal: Proposal,
    terms: Terms,
    *,
    valid_until: date,
    now: datetime,
) -> None:
    """Write down terms that the debtor may take until a day. Raises as ``admission.grant``."""
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


def record_answer(
    session: Session,
    account: Account,
    proposal: Proposal,
    status: ProposalStatus,
    *,
    by: Staff | None,
    now: datetime,
) -> Proposal:
    """Write down an answer and tell the debtor; ``by`` None: nobody gave it, the portal did."""
    proposal.status = move(proposal.status, status)
    proposal.answered_at, proposal.answered_by = now, by.id if by else None
    told: Payload = {"actor": evidence.staff(by.id)} if by else {**UNANSWERED}
    if proposal.granted_terms:
        told |= {"terms": proposal.granted_terms}
    if proposal.answer_reason:
        told |= {"reason": proposal.answer_reason}
    tell(session, account, proposal, str(status), told, now)
    notices.tell(session, account, f"proposal_{status}", fact=f"proposal:{proposal.id}", now=now)
    return proposal


def _open_for_staff(session: Session, proposal: Proposal, staff: Staff, now: datetime) -> Account:
    """The locked account of a proposal that somebody still waits to be answered."""
    if refused := why_not_answer(session, proposal, staff, now):
        raise refused
    account = require_waiting(session, proposal)
    _refuse_meanwhile(session, account)
    if closed_by(session, account) is not None:
        raise ProposalOver
    return account


def require_waiting(session: Session, proposal: Proposal) -> Account:
    """The account of a proposal that waits for staff, both locked.

    Raises AnsweredBefore, which says who was faster, and ProposalOver.
    """
    account = lock_proposal(session, proposal, tuple(ProposalStatus))
    if proposal.status is not ProposalStatus.SUBMITTED:
        raise answered_before(session, proposal) or ProposalOver()
    return account


def _refuse_meanwhile(session: Session, account: Account) -> None:
    if (live := live_arrangement(session, account)) is not None:
        raise AgreedMeanwhile(reference=live.reference)


def lock_proposal(
    session: Session, proposal: Proposal, expected: tuple[ProposalStatus, ...]
) -> Account:
    """The account of a proposal that stands like this, both locked. Raises ProposalOver."""
    account = lock_account(session, proposal.account_id)
    session.refresh(proposal, with_for_update=True)
    if proposal.status not in expected:
        raise ProposalOver
    return account


def _replace(
    session: Session, account: Account, before: Proposal, instead_of: str, now: datetime
) -> None:
    if before.status is not ProposalStatus.SUBMITTED and before.reference != instead_of:
        raise ProposalOpen(reference=before.reference)
    before.status = move(before.status, ProposalStatus.WITHDRAWN)
    actor = evidence.debtor(account.debtor_id)
    tell(session, account, before, "withdrawn", {"actor": actor, "replaced": True}, now)
