"""Legal holds: an account's record is kept, whatever its day, until the hold is lifted (RT-01)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.codes import spellings
from portal.domain.help import kept_words
from portal.domain.wording import clean_text
from portal.models import Account, LegalHold, Staff
from portal.services import evidence
from portal.services.dossier import ReasonMissing
from portal.services.ledger import lock_account
from portal.services.sealing import has_key

LONGEST = 500


class NoSuchReference(DomainError):
    """No account of these clients has this reference."""

    message = N_("There is no account %(reference)s here. Check the reference.")


class SeveralSuchReferences(DomainError):
    """More than one client has such an account."""

    message = N_("Several clients have an account %(reference)s. Say which client.")


class ErasedBefore(DomainError):
    """There is nothing left to keep."""

    message = N_("The record of this account was erased.")


class HeldAlready(DomainError):
    """The same hold is in force."""

    message = N_("This account is kept for the same case already.")


class LegalHoldLifted(DomainError):
    """It was lifted before."""

    message = N_("This legal hold was lifted already.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody typed to set a legal hold; ``client_id`` where the reference is not enough."""

    reference: str
    reason: str
    matter: str
    client_id: UUID | None = None


def set_legal_hold(session: Session, wanted: Wanted, *, staff: Staff, now: datetime) -> LegalHold:
    """Keep an account's record until further notice, by its reference. The caller commits.

    Once for each case. Raises ReasonMissing, TextTooLong, NoSuchReference, SeveralSuchReferences,
    ErasedBefore, HeldAlready.
    """
    reason, matter = typed_reason(wanted.reason), kept_words(wanted.matter, most=LONGEST)
    account = lock_account(session, _find(session, wanted))
    if _is_gone(session, account):
        raise ErasedBefore
    if _is_held(session, account, matter):
        raise HeldAlready
    hold = LegalHold(
        client_id=account.client_id,
        account_id=account.id,
        reason=reason,
        matter=matter,
        set_by=staff.id,
        set_at=now,
    )
    session.add(hold)
    session.flush()
    facts = {"hold": str(hold.id), "reason": reason, "matter": matter}
    _tell(session, account, "legal_hold.set", facts, staff, now)
    return hold


def lift_legal_hold(
    session: Session, hold: LegalHold, reason: str, *, staff: Staff, now: datetime
) -> None:
    """Let the record's own day decide again. The caller commits.

    Raises ReasonMissing, TextTooLong, LegalHoldLifted.
    """
    why = typed_reason(reason)
    account = lock_account(session, hold.account_id)
    session.refresh(hold)
    if hold.lifted_at is not None:
        raise LegalHoldLifted
    hold.lifted_at, hold.lifted_by, hold.lifted_reason = now, staff.id, why
    facts = {"hold": str(hold.id), "reason": why}
    _tell(session, account, "legal_hold.lifted", facts, staff, now)


def find_legal_hold(session: Session, hold_id: UUID) -> LegalHold:
    """One legal hold of the clients in sight. Raises NoResultFound."""
    mine = LegalHold.client_id.in_(session.info["client_ids"])
    return session.scalars(select(LegalHold).where(mine, LegalHold.id == hold_id)).one()


def legal_holds(session: Session, client_id: UUID) -> Sequence[tuple[LegalHold, Account]]:
    """A client's legal holds with their accounts: those in force first, the newest first."""
    same = and_(LegalHold.client_id == Account.client_id, LegalHold.account_id == Account.id)
    rows = session.execute(
        select(LegalHold, Account)
        .join(Account, same)
        .where(LegalHold.client_id == client_id)
        .order_by(LegalHold.lifted_at.is_not(None), LegalHold.set_at.desc(), LegalHold.id)
    )
    return [(row[0], row[1]) for row in rows]


def typed_reason(typed: str) -> str:
    """Why something is done, fit to keep. Raises ReasonMissing, TextTooLong."""
    if not (words := kept_words(typed, most=LONGEST)):
        raise ReasonMissing
    return words


def _is_gone(session: Session, account: Account) -> bool:
    """Whether it was erased, and nothing came after: it was not placed anew, and has no leaf."""
    if account.erased_at is None or account.updated_at > account.erased_at:
        return False
    return not has_key(session, account.client_id, account.chain_id)


def _is_held(session: Session, account: Account, matter: str) -> bool:
    """Whether a hold for the same case is in force; the account is locked."""
    same = select(LegalHold.id).where(
        LegalHold.client_id == account.client_id,
        LegalHold.account_id == account.id,
        func.lower(LegalHold.matter) == matter.lower(),
        LegalHold.lifted_at.is_(None),
    )
    return session.scalar(same.limit(1)) is not None


def _find(session: Session, wanted: Wanted) -> UUID:
    reference = clean_text(wanted.reference)
    clients = [wanted.client_id] if wanted.client_id else session.info["client_ids"]
    same = Account.reference.in_(spellings(reference))
    found = session.scalars(select(Account.id).where(Account.client_id.in_(clients), same)).all()
    if not found:
        raise NoSuchReference(reference=reference)
    if len(found) > 1:
        raise SeveralSuchReferences(reference=reference)
    return found[0]


def _tell(  # noqa: PLR0913
    session: Session, account: Account, kind: str, facts: Any, staff: Staff, now: datetime
) -> None:
    chain = {"client_id": account.client_id, "chain_id": account.chain_id}
    payload = {"actor": evidence.staff(staff.id), **facts}
    evidence.record(session, **chain, type=kind, payload=payload, now=now)
