"""What waits for a second person, the oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import Account, Client, LookOutcome, SecondLook

MOST = 100


@dataclass(frozen=True, slots=True)
class WaitingLook:
    """One movement of money that waits, with its account and whose it is."""

    look: SecondLook
    account: Account
    client: Client


def waiting(session: Session) -> Sequence[WaitingLook]:
    """All that waits for a second person with the clients that the session sees."""
    rows = session.execute(
        select(SecondLook, Account, Client)
        .join(
            Account,
            (Account.client_id == SecondLook.client_id) & (Account.id == SecondLook.account_id),
        )
        .join(Client, Client.id == SecondLook.client_id)
        .where(
            SecondLook.client_id.in_(session.info["client_ids"]),
            SecondLook.outcome == LookOutcome.WAITS,
        )
        .order_by(SecondLook.asked_at, SecondLook.id)
        .limit(MOST)
    )
    return [WaitingLook(*row) for row in rows]
