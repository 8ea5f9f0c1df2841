"""The ledger: every movement of an account's balance, once, under the account's lock."""

from datetime import datetime
from typing import TypedDict, Unpack
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain.money import Cents
from portal.domain.statuses import AccountStatus, move
from portal.models import Account, EntryKind, LedgerEntry, MoneyException, Payment, fresh_id

DONE = {AccountStatus.PAID, AccountStatus.SETTLED}


class Moved(TypedDict, total=False):
    """The payment whose money a movement is: it came in, went back or was charged back."""

    payment: Payment


def lock_account(session: Session, account_id: UUID) -> Account:
    """The account as it stands, locked until the transaction ends: the first lock of all.

    Raises NoResultFound where the client's rows do not hold it.
    """
    return session.scalars(
        select(Account)
        .where(Account.id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def post(
    session: Session,
    account: Account,
    *,
    kind: EntryKind,
    source: str,
    amount_cents: Cents,
    now: datetime,
    **moved: Unpack[Moved],
) -> bool:
    """Move the balance of a locked account by signed cents; more owed is positive.

    ``source`` names the fact (``payment:<id>``): told again, it moves nothing and the answer is
    False. An account that owes again is opened again; one that owes nothing is closed by
    ``close_if_settled``. The caller commits.
    """
    payment = moved.get("payment")
    landed = session.execute(
        insert(LedgerEntry)
        .values(
            client_id=account.client_id,
            id=fresh_id(),
            account_id=account.id,
            kind=kind,
            source=source,
            amount_cents=amount_cents,
            at=now,
            payment_id=payment.id if payment else None,
        )
        .on_conflict_do_nothing()
        .returning(LedgerEntry.id)
    ).first()
    if landed is None:
        return False
    account.balance_cents = Cents(account.balance_cents + amount_cents)
    account.updated_at = now
    if account.balance_cents > 0 and account.status in DONE:
        account.status = move(account.status, AccountStatus.OPEN)
    return True


def close_if_settled(account: Account, *, forgiven: bool) -> None:
    """Close an open account that owes nothing: settled where a part was forgiven, else paid."""
    if account.balance_cents <= 0 and account.status == AccountStatus.OPEN:
        done = AccountStatus.SETTLED if forgiven else AccountStatus.PAID
        account.status = move(account.status, done)


def balance_by_entries(session: Session, account_id: UUID) -> Cents:
    """The sum of an account's entries, which its balance must equal."""
    total = session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.amount_cents), 0)).where(
            LedgerEntry.account_id == account_id
        )
    )
    return Cents(int(total or 0))


def open_exception(
    session: Session,
    account: Account,
    *,
    kind: str,
    source: str,
    detail: str,
    now: datetime,
) -> None:
    """Put a question about money before a person, once for each fact; the caller commits."""
    session.execute(
        insert(MoneyException)
        .values(
            client_id=account.client_id,
            id=fresh_id(),
            account_id=account.id,
            kind=kind,
            source=source,
            detail=detail,
            opened_at=now,
        )
        .on_conflict_do_nothing()
    )
