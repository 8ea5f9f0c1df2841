"""Whom the identity check locked out, at either door: waiting to pass or for help (EC-08)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain.statuses import AccountStatus
from portal.models import Account, Debtor, LockOut, fresh_id


def keep(session: Session, debtor: Debtor, *, until: datetime, now: datetime) -> None:
    """A debtor has just used up their tries: one entry until they are in, with the last end."""
    row = {
        "client_id": debtor.client_id,
        "id": fresh_id(),
        "debtor_id": debtor.id,
        "account_id": _account_of(session, debtor),
        "at": now,
        "until": until,
    }
    made = insert(LockOut).values(**row)
    still = made.on_conflict_do_update(
        index_elements=["client_id", "debtor_id"],
        index_where=LockOut.closed_at.is_(None),
        set_={"until": func.greatest(LockOut.until, until)},
    )
    session.execute(still)


def _account_of(session: Session, debtor: Debtor) -> UUID:
    """The account to look at: one that is open before one that is over."""
    mine = (Account.client_id == debtor.client_id, Account.debtor_id == debtor.id)
    over = Account.status != AccountStatus.OPEN
    return session.scalars(select(Account.id).where(*mine).order_by(over, Account.id)).first()  # type: ignore[return-value]


def waiting(session: Session, debtor: Debtor) -> LockOut | None:
    """The lock-out of a debtor whom nobody helped yet."""
    mine = (LockOut.client_id == debtor.client_id, LockOut.debtor_id == debtor.id)
    return session.scalars(select(LockOut).where(*mine, LockOut.closed_at.is_(None))).first()


def passed(session: Session, debtor: Debtor, *, now: datetime) -> None:
    """A debtor proved who they are, so nobody needs to help them."""
    mine = (LockOut.client_id == debtor.client_id, LockOut.debtor_id == debtor.id)
    open_one = (*mine, LockOut.closed_at.is_(None))
    session.execute(update(LockOut).where(*open_one).values(closed_at=now))
