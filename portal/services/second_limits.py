"""Up to which amounts one person moves a client's money alone, and who changed that."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.money import Cents
from portal.models import Client, Staff
from portal.services import evidence

LARGEST = 1_000_000_00
"""No limit is higher, in cents."""


class LimitNotPossible(DomainError):
    message = N_("The limit must be from 0 to 1,000,000. With 0, two people are always needed.")


def change_limits(
    session: Session,
    client: Client,
    *,
    counter_cents: Cents,
    refund_cents: Cents,
    staff: Staff,
    now: datetime,
) -> None:
    """Move the client's limits, on the record; the same ones again change nothing.

    The caller commits. Raises LimitNotPossible.
    """
    if not all(0 <= cents <= LARGEST for cents in (counter_cents, refund_cents)):
        raise LimitNotPossible
    session.refresh(client, with_for_update=True)
    before = _said(client)
    client.counter_limit_cents, client.refund_limit_cents = counter_cents, refund_cents
    if before == _said(client):
        return
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type="client.limits_changed",
        payload={
            "actor": evidence.staff(staff.id),
            "before": before,
            "after": _said(client),
            "currency": client.currency,
        },
        now=now,
    )


def _said(client: Client) -> dict[str, int]:
    return {
        "counter_limit_cents": client.counter_limit_cents,
        "refund_limit_cents": client.refund_limit_cents,
    }
