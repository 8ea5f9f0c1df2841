"""What a payment's page and receipt say, in one read."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from portal.domain.money import Cents
from portal.domain.statuses import LIVE
from portal.domain.terms import Kind
from portal.models import (
    Account,
    Arrangement,
    Authorization,
    Client,
    EntryKind,
    EsignConsent,
    Installment,
    LedgerEntry,
    Payment,
)
from portal.services.arrangements import UNPAID
from portal.services.authorizations import under
from portal.services.charging import CHARGEABLE
from portal.services.esign import standing_for

BACK = (
    EntryKind.REFUND,
    EntryKind.REFUND_FAILED,
    EntryKind.CHARGEBACK,
    EntryKind.CHARGEBACK_REVERSED,
    EntryKind.RETURNED,
)
"""The movements of money that had been paid."""


@dataclass(frozen=True, slots=True)
class PaymentView:
    """One payment with what is left and what comes next.

    ``permission``: under which a saved method was charged. ``online_only``: its debtor's consent
    to get required copies online only stands (ES-01).
    """

    payment: Payment
    account: Account
    client: Client
    arrangement: Arrangement | None
    parts: tuple[Installment, ...] = ()
    back: tuple[LedgerEntry, ...] = ()
    online_only: bool = False
    permission: Authorization | None = None

    @property
    def parts_left(self) -> tuple[Installment, ...]:
        """What its agreement still collects, part by part; nothing where none is open."""
        if self.arrangement is None or self.arrangement.status not in LIVE:
            return ()
        return tuple(part for part in self.parts if part.status in UNPAID)

    @property
    def next_part(self) -> Installment | None:
        """The earliest part that is not paid, and of which no payment is on its way."""
        open_parts = (part for part in self.parts if part.status in CHARGEABLE)
        return next(open_parts, None)

    @property
    def left_cents(self) -> Cents:
        """What is still owed on the account."""
        return Cents(max(self.account.balance_cents, 0))

    @property
    def gone_cents(self) -> Cents:
        """What of it went back and did not come again."""
        return Cents(sum(entry.amount_cents for entry in self.back))

    @property
    def plan_cents(self) -> Cents | None:
        """What its agreement still collects; None where none is open."""
        if self.arrangement is None or self.arrangement.status not in LIVE:
            return None
        unpaid = [part for part in self.parts if part.status in UNPAID]
        return Cents(sum(part.amount_cents - part.paid_cents for part in unpaid))

    @property
    def paid_at(self) -> datetime:
        """When the money was there."""
        return self.payment.settled_at or self.payment.created_at


def payment_view(session: Session, debtor_id: UUID, payment_id: UUID) -> PaymentView | None:
    """A payment of this debtor's; None for anybody else's, as for one that does not exist."""
    row = session.execute(
        select(Payment, Account, Client, Arrangement, _online_only())
        .join(
            Account, and_(Account.client_id == Payment.client_id, Account.id == Payment.account_id)
        )
        .join(Client, Client.id == Payment.client_id)
        .outerjoin(
            Arrangement,
            and_(
                Arrangement.client_id == Payment.client_id,
                Arrangement.id == Payment.arrangement_id,
            ),
        )
        .where(Payment.id == payment_id, Account.debtor_id == debtor_id)
    ).one_or_none()
    if row is None:
        return None
    return PaymentView(
        *row[:4],
        parts=_parts(session, row[3]),
        back=_back(session, row[0]),
        online_only=row[4],
        permission=under(session, row[0]) if row[0].permitted_at else None,
    )


def _online_only() -> ColumnElement[bool]:
    consent = standing_for(Account.client_id, Account.debtor_id)
    return exists(EsignConsent.id).where(consent).label("online_only")


def _parts(session: Session, agreed: Arrangement | None) -> tuple[Installment, ...]:
    if agreed is None:
        return ()
    rows = session.scalars(
        select(Installment)
        .where(Installment.client_id == agreed.client_id, Installment.arrangement_id == agreed.id)
        .order_by(Installment.n)
    )
    return tuple(rows)


def outside_cents(kind: str, left_cents: int, balance_cents: int) -> Cents:
    """What is owed beside what an open agreement collects: nothing beside a settlement."""
    return Cents(0 if kind == Kind.SETTLEMENT else max(balance_cents - left_cents, 0))


def _back(session: Session, payment: Payment) -> tuple[LedgerEntry, ...]:
    rows = session.scalars(
        select(LedgerEntry)
        .where(
            LedgerEntry.client_id == payment.client_id,
            LedgerEntry.account_id == payment.account_id,
            LedgerEntry.payment_id == payment.id,
            LedgerEntry.kind.in_(BACK),
        )
        .order_by(LedgerEntry.at, LedgerEntry.id)
    )
    return tuple(rows)
