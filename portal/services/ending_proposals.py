"""Proposals that are over by themselves: granted terms that nobody took, and what is moot."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select, true
from sqlalchemy.orm import Session

from portal.domain.statuses import LIVE, AccountStatus, ProposalStatus, move
from portal.models import Account, Arrangement, Proposal
from portal.services.evidence import SYSTEM
from portal.services.open_proposals import OPEN, close_open, granted_until, tell
from portal.services.proposals import A_DAY, BATCH, ProposalOver, closed_by, lock_proposal
from portal.services.standing import standing


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
        account = lock_proposal(session, proposal, OPEN)
    except ProposalOver:
        return False
    if (why := closed_by(session, account)) is not None:
        close_open(session, account, why, actor=SYSTEM, now=now)
        return True
    until = granted_until(session, account, proposal, now=now)
    held = any(reason.hold for reason in standing(session, account, now).accept.reasons)
    if held or until is None or until >= (now - A_DAY).date():
        return False
    proposal.status = move(proposal.status, ProposalStatus.EXPIRED)
    tell(session, account, proposal, "expired", {"actor": SYSTEM}, now)
    return True
