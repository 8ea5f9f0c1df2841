"""Up to which amounts one person moves a client's money alone, and who changed that."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.money import Cents
from portal.models import Client, Staff
from portal.services import evidence

LARGEST = 1_000_000_00
"""No limit is higher, in cents."""


class LimitNotPossible(DomainError):
    """A limit that would never be reached."""

    message = N_("The limit must be from 0 to 1,000,000. With 0, two people are always needed.")


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest amounts, in cents, that need one person only; 0 where two are always needed."""

    counter_limit_cents: Cents
    refund_limit_cents: Cents


def change_limits(
    session: Session, client: Client, limits: Limits, *, staff: Staff, now: datetime
) -> None:
    """Set the client's limits, on the record; the same ones again change nothing.

    The caller commits. Raises LimitNotPossible.
    """
    if max(limits.counter_limit_cents, limits.refund_limit_cents) > LARGEST:
        raise LimitNotPossible
    session.refresh(client, with_for_update=True)
    before = Limits(client.counter_limit_cents, client.refund_limit_cents)
    if before == limits:
        return
    client.counter_limit_cents = limits.counter_limit_cents
    client.refund_limit_cents = limits.refund_limit_cents
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type="client.limits_changed",
        payload={
            "actor": evidence.staff(staff.id),
            "before": asdict(before),
            "after": asdict(limits),
            "currency": client.currency,
        },
        now=now,
    )
