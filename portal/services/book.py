"""What a client's accounts are made of: their products and regions, counted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.statuses import AccountStatus
from portal.models import Account, Debtor

LOOKED_AT = 10_000
"""So many of the newest accounts are counted: a client may have a million."""
NAMED = 100

Counts = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Book:
    """How many accounts are of each product and in each region: the most first, 100 at most."""

    products: Counts
    regions: Counts


def book_of(session: Session, client_id: UUID) -> Book:
    """The newest open accounts of a client, counted."""
    newest = (
        select(Account.product, Account.debtor_id)
        .where(Account.client_id == client_id, Account.status == AccountStatus.OPEN)
        .order_by(Account.id.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    of_debtor = (Debtor.client_id == client_id) & (Debtor.id == newest.c.debtor_id)
    found = session.execute(select(newest.c.product, Debtor.region).join(Debtor, of_debtor)).all()
    return Book(_counted(one.product for one in found), _counted(one.region for one in found))


def _counted(names: Iterable[str]) -> Counts:
    counted = Counter(name for name in names if name)
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:NAMED]
