"""The accounts that a member of staff opened last: their own list, not a record of access."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.models import Account, Client, Debtor, RecentAccount, Staff
from portal.services.search import Hit

KEPT = 10
"""Accounts remembered of each member of staff at each client."""


def note_opened(session: Session, account: Account, staff: Staff, *, now: datetime) -> None:
    """Remember that the account was opened, and forget the oldest beyond ``KEPT``.

    Opening it again changes nothing but the time. The caller commits.
    """
    mine = (RecentAccount.client_id == account.client_id, RecentAccount.staff_id == staff.id)
    session.execute(
        insert(RecentAccount)
        .values(
            client_id=account.client_id, staff_id=staff.id, account_id=account.id, opened_at=now
        )
        .on_conflict_do_update(
            constraint=RecentAccount.__table__.primary_key,  # type: ignore[arg-type]
            set_={"opened_at": now},
        )
    )
    newest = (
        select(RecentAccount.account_id)
        .where(*mine)
        .order_by(RecentAccount.opened_at.desc(), RecentAccount.account_id)
    )
    session.execute(
        delete(RecentAccount).where(*mine, RecentAccount.account_id.in_(newest.offset(KEPT)))
    )


def recent_accounts(session: Session, staff: Staff) -> Sequence[Hit]:
    """The accounts that were opened last and are not erased, the newest first."""
    rows = session.execute(
        select(Account, Debtor, Client)
        .join(
            RecentAccount,
            and_(
                RecentAccount.client_id == Account.client_id,
                RecentAccount.account_id == Account.id,
            ),
        )
        .join(Debtor, and_(Debtor.client_id == Account.client_id, Debtor.id == Account.debtor_id))
        .join(Client, Client.id == Account.client_id)
        .where(
            RecentAccount.client_id.in_(session.info["client_ids"]),
            RecentAccount.staff_id == staff.id,
            Account.erased_at.is_(None),
        )
        .order_by(RecentAccount.opened_at.desc(), Account.id)
        .limit(KEPT)
    )
    return [Hit(*row, by="account") for row in rows]
