"""A debtor's accounts as they stand in a list, read in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.domain.money import Cents
from portal.domain.statuses import AccountStatus
from portal.models import Account, Debtor
from portal.services.standing import IN_FORCE, judge, today_of
from portal.services.visits import Visit


@dataclass(frozen=True, slots=True)
class Listed:
    """One account in a debtor's list."""

    id: UUID
    reference: str
    creditor: str
    balance_cents: Cents
    currency: str
    status: AccountStatus
    shown: bool


_ACCOUNTS = text(f"""
    (SELECT json_agg(h.kind) FROM hold h
     WHERE h.client_id = account.client_id AND h.account_id = account.id
       AND {IN_FORCE}
    ) AS holds
""")  # noqa: S608


def list_accounts(session: Session, visit: Visit, *, now: datetime) -> Sequence[Listed]:
    """The accounts of a visit's debtor that are still with us, in one SELECT.

    ``shown`` is False where a hold forbids to show the debt: then only its reference is.
    """
    wanted = (
        select(Account, Debtor, _ACCOUNTS)
        .join(Debtor, (Debtor.client_id == Account.client_id) & (Debtor.id == Account.debtor_id))
        .where(
            Account.client_id == visit.client_id,
            Account.debtor_id == visit.debtor_id,
            Account.status != AccountStatus.RECALLED,
        )
        .order_by(Account.id)
    )
    return [
        Listed(
            id=account.id,
            reference=account.reference,
            creditor=account.current_creditor,
            balance_cents=account.balance_cents,
            currency=account.currency,
            status=account.status,
            shown=judge(account, holds or (), today_of(debtor, now)).show.allowed,
        )
        for account, debtor, holds in session.execute(wanted, {"now": now})
    ]
