"""Proposals that are not over: their last day, and their end where something else came of it."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.holds import Capability
from portal.domain.statuses import ProposalStatus, move
from portal.models import Account, Proposal
from portal.services import evidence
from portal.services.evidence import Actor, Payload
from portal.services.standing import moved_day

OPEN = (ProposalStatus.SUBMITTED, ProposalStatus.ACCEPTED, ProposalStatus.COUNTERED)


class Closed(StrEnum):
    """Why a proposal is over that nobody took back; kept as its ``answer_reason``."""

    AGREED_OTHERWISE = "agreed_otherwise"
    NOTHING_OWED = "nothing_owed"
    RECALLED = "account_recalled"


def open_proposal(session: Session, account: Account) -> Proposal | None:
    """The account's proposal that is not over, if there is one."""
    session.flush()
    return session.scalar(
        select(Proposal).where(
            Proposal.client_id == account.client_id,
            Proposal.account_id == account.id,
            Proposal.status.in_(OPEN),
        ),
        execution_options={"populate_existing": True},
    )


def newest_proposal(session: Session, account: Account) -> Proposal | None:
    """The account's last proposal, over or not."""
    return session.scalar(
        select(Proposal)
        .where(Proposal.client_id == account.client_id, Proposal.account_id == account.id)
        .order_by(Proposal.submitted_at.desc(), Proposal.id.desc())
        .limit(1)
    )


def close_open(
    session: Session, account: Account, why: Closed, *, actor: Actor, now: datetime
) -> None:
    """Close what the debtor suggests, since nobody needs to answer it; no message is sent.

    The account is locked by the caller.
    """
    proposal = open_proposal(session, account)
    if proposal is None:
        return
    proposal.status = move(proposal.status, ProposalStatus.WITHDRAWN)
    proposal.answer_reason = why
    tell(session, account, proposal, "closed", {"actor": actor, "reason": str(why)}, now)


def granted_until(
    session: Session, account: Account, proposal: Proposal, *, now: datetime
) -> date | None:
    """The last day of what staff granted, moved by the holds since; None where they did not."""
    if proposal.granted_until is None:
        return None
    since = proposal.answered_at or proposal.submitted_at
    until, needed = proposal.granted_until, Capability.ACCEPT
    return moved_day(session, account, until, needed, since=since, now=now)


def tell(
    session: Session,
    account: Account,
    proposal: Proposal,
    what: str,
    told: Payload,
    now: datetime,
) -> None:
    """Write what became of a proposal on its account's chain."""
    session.flush()
    payload: Payload = {
        "actor": evidence.debtor(account.debtor_id),
        "proposal": str(proposal.id),
        "reference": proposal.reference,
        "balance_cents": proposal.balance_cents,
    }
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=f"proposal.{what}",
        payload=payload | told,
        now=now,
    )
