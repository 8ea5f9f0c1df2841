"""What answers of staff share: a note to keep, a leaf, and who was faster."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, Phrases
from portal.domain.help import kept_words
from portal.domain.statuses import LIVE, InstallmentStatus, ProposalStatus
from portal.models import (
    Account,
    Arrangement,
    HelpRequest,
    HelpStatus,
    Installment,
    LetterBatch,
    LockOut,
    LookOutcome,
    MoneyException,
    Proposal,
    SecondLook,
    Staff,
)
from portal.services import evidence
from portal.services.ledger import lock_account, lock_row
from portal.services.staff import names_of

DID: dict[StrEnum, str] = {
    ProposalStatus.ACCEPTED: N_("accepted it"),
    ProposalStatus.COUNTERED: N_("offered other terms"),
    ProposalStatus.DECLINED: N_("declined it"),
    HelpStatus.ANSWERED: N_("answered it"),
    HelpStatus.CLOSED: N_("dealt with it"),
}
"""What somebody did, by how it stands since."""
LOOKED: dict[StrEnum, str] = {
    LookOutcome.APPROVED: N_("approved it"),
    LookOutcome.DECLINED: N_("declined it"),
    LookOutcome.WITHDRAWN: N_("took it back"),
}
"""The same of a second look: a proposal that is withdrawn was taken back by nobody of ours."""
_NOTE = N_("“%(note)s”")


class NoteMissing(DomainError):
    """What was done needs a note, for whoever asks later."""

    message = N_("Write what you did, and why.")


class AnsweredBefore(DomainError):
    """Somebody else was faster: who, and what they did."""

    message = N_("%(name)s was faster, and %(did)s. Look at the account before you do more.")


class OverMeanwhile(DomainError):
    """It is over, and nobody of ours ended it."""

    message = N_("This is over: the debtor or the portal ended it in the meantime.")


def answered_before(session: Session, item: object) -> AnsweredBefore | None:
    """Who has answered and how, for whoever comes second; None where no member of staff did."""
    dealt_with = DID[HelpStatus.CLOSED]
    who: tuple[UUID | None, str | None]
    match item:
        case Proposal() | HelpRequest():
            who = (item.answered_by, DID.get(item.status))
        case SecondLook():
            who = (item.decided_by, LOOKED.get(item.outcome))
        case LockOut():
            who = (item.closed_by, dealt_with)
        case Installment():
            who = (item.dealt_with_by, dealt_with)
        case LetterBatch():
            who = (item.finished_by, dealt_with)
        case MoneyException():
            return _told(session, item.resolved_by, dealt_with, item.resolution)
        case _:
            return None
    return _told(session, *who)


def over(session: Session, item: object) -> DomainError:
    """Why nobody can answer this any more: who was faster, or that it ended by itself."""
    return answered_before(session, item) or OverMeanwhile()


def _told(
    session: Session, by: UUID | None, what: str | None, note: str | None = None
) -> AnsweredBefore | None:
    if by is None or what is None:
        return None
    name = names_of(session, [by]).get(by, "")
    did = ((what, {}), *(((_NOTE, {"note": note}),) if note else ()))
    return AnsweredBefore(name=name, did=Phrases(did))


def close_call(
    session: Session, request: HelpRequest, note: str, *, staff: Staff, now: datetime
) -> None:
    """Close a call that was made, or tried, or a text, with a note; the caller commits.

    Raises NoteMissing, AnsweredBefore, OverMeanwhile.
    """
    words = noted(note)
    account = lock_account(session, request.account_id)
    request = lock_row(session, HelpRequest, (request.client_id, request.id))
    if request.status is not HelpStatus.OPENED:
        raise over(session, request)
    request.status, request.answered_at, request.answered_by = HelpStatus.CLOSED, now, staff.id
    told = {"request": str(request.id), "reason": words}
    tell(session, account, "help.closed", told, staff=staff, now=now)


def close_lock_out(
    session: Session, found: LockOut, note: str, *, staff: Staff, now: datetime
) -> None:
    """Say how somebody was helped whom the identity check had locked out; the caller commits.

    Raises NoteMissing, AnsweredBefore, OverMeanwhile.
    """
    words = noted(note)
    account = lock_account(session, found.account_id)
    found = lock_row(session, LockOut, (found.client_id, found.id))
    if found.closed_at is not None:
        raise over(session, found)
    found.closed_at, found.closed_by = now, staff.id
    told = {"lock_out": str(found.id), "reason": words}
    tell(session, account, "lock_out.closed", told, staff=staff, now=now)


def close_charge(
    session: Session, part: Installment, note: str, *, staff: Staff, now: datetime
) -> None:
    """Say what was done about a charge that is not tried again; the caller commits.

    It stays unpaid: only the queue has it no more, until it fails another time. Raises NoteMissing,
    AnsweredBefore, OverMeanwhile.
    """
    words = noted(note)
    agreed = session.get_one(Arrangement, (part.client_id, part.arrangement_id))
    account = lock_account(session, agreed.account_id)
    agreed = lock_row(session, Arrangement, (agreed.client_id, agreed.id))
    part = lock_row(session, Installment, (part.client_id, part.id))
    waits = part.status is InstallmentStatus.FAILED and part.next_attempt_on is None
    if agreed.status not in LIVE or not waits or part.dealt_with_at is not None:
        raise over(session, part)
    part.dealt_with_at, part.dealt_with_by = now, staff.id
    told = {"installment": str(part.id), "arrangement": str(agreed.id), "reason": words}
    tell(session, account, "charge.dealt_with", told, staff=staff, now=now)


def noted(note: str) -> str:
    """A note, fit to keep. Raises NoteMissing, TextTooLong, CardNumberTyped (PC-01)."""
    if not (words := kept_words(note)):
        raise NoteMissing
    return words


def tell(
    session: Session,
    account: Account,
    kind: str,
    told: evidence.Payload,
    *,
    staff: Staff,
    now: datetime,
) -> None:
    """Write what a member of staff did on the chain of an account."""
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=kind,
        payload={**told, "actor": evidence.staff(staff.id)},
        now=now,
    )
