"""The letter that says that nothing is owed any more: what it says, and when it is told (PY-12)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain.money import Cents
from portal.domain.statuses import AccountStatus, ArrangementStatus
from portal.models import Account, Arrangement, EntryKind, LedgerEntry, Payment
from portal.services import notices
from portal.services.ledger import DONE, paid_cents

TEMPLATE = "account_paid"
FULFILLED = "paid"
"""Why an arrangement ended of which each part was paid."""
FORGIVEN = (EntryKind.FORGIVEN, EntryKind.FORGIVENESS_REVERSED)


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """An account of which nothing is owed, as its letter tells it (TX-04).

    ``settled``: a part was let go, so it is not called paid in full. ``at`` is when the last
    payment was there; ``forgiven_cents`` is what did not have to be paid.
    """

    account: Account
    agreed: Arrangement | None
    settled: bool
    paid_cents: Cents
    forgiven_cents: Cents
    at: datetime


def satisfaction(session: Session, account: Account) -> Satisfaction | None:
    """What the letter about an account says; None where it owes, or nothing was ever paid."""
    last_at = session.scalar(
        select(func.max(LedgerEntry.at)).where(
            LedgerEntry.client_id == account.client_id,
            LedgerEntry.account_id == account.id,
            LedgerEntry.kind == EntryKind.PAYMENT,
        )
    )
    if account.status not in DONE or last_at is None:
        return None
    return Satisfaction(
        account=account,
        agreed=_fulfilled(session, account),
        settled=account.status == AccountStatus.SETTLED,
        paid_cents=paid_cents(session, account.id),
        forgiven_cents=_forgiven(session, account),
        at=last_at,
    )


def _fulfilled(session: Session, account: Account) -> Arrangement | None:
    return session.scalars(
        select(Arrangement)
        .where(
            Arrangement.client_id == account.client_id,
            Arrangement.account_id == account.id,
            Arrangement.status == ArrangementStatus.COMPLETED,
        )
        .order_by(Arrangement.accepted_at.desc())
        .limit(1)
    ).first()


def _forgiven(session: Session, account: Account) -> Cents:
    total = session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.amount_cents), 0)).where(
            LedgerEntry.client_id == account.client_id,
            LedgerEntry.account_id == account.id,
            LedgerEntry.kind.in_(FORGIVEN),
        )
    )
    return Cents(-int(total or 0))


def tell_paid(session: Session, account: Account, payment: Payment, *, now: datetime) -> None:
    """Tell the debtor whose payment closed an account; nothing where a fulfilled plan tells it.

    The account is locked by the caller, who commits.
    """
    if account.status not in DONE:
        return
    if payment.arrangement_id is not None:
        agreed = session.get_one(Arrangement, (payment.client_id, payment.arrangement_id))
        if agreed.ended_reason == FULFILLED and agreed.ended_at == now:
            return
    fact = f"account:{account.id}:{payment.id}"
    notices.tell(session, account, TEMPLATE, fact=fact, now=now)
