"""Chargebacks: what Stripe calls disputes, and the money that they move."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.domain.money import Cents, Money
from portal.domain.statuses import LIVE
from portal.gateways.payments import DisputeStatus, GatewayDispute
from portal.models import Account, Arrangement, Chargeback, EntryKind, Payment, fresh_id
from portal.services import authorizations, evidence, forgiveness, notices, refunds
from portal.services.arrangements import shorten_to_balance
from portal.services.ledger import (
    close_if_settled,
    lock_payment,
    open_exception,
    post,
    record_money,
)

FINAL = (
    DisputeStatus.WON,
    DisputeStatus.LOST,
    DisputeStatus.WARNING_CLOSED,
    DisputeStatus.PREVENTED,
)
TOLD = "charged_back"


def apply_dispute(
    session: Session, payment_id: UUID, told: GatewayDispute, *, now: datetime
) -> None:
    """Bring one chargeback to where Stripe says it is: every movement is one ledger entry.

    An inquiry moves nothing. Money withdrawn ends every permission to charge (PY-09), is told to
    the debtor and goes before a person; money given back may make an excess, which goes back. Locks
    the account; the caller commits.
    """
    account, payment = lock_payment(session, payment_id)
    row = _row(session, payment, told, now=now)
    for movement in told.movements:
        withdrawn = movement.amount_cents < 0
        landed = post(
            session,
            account,
            kind=EntryKind.CHARGEBACK if withdrawn else EntryKind.CHARGEBACK_REVERSED,
            source=f"movement:{movement.id}",
            amount_cents=Cents(-movement.amount_cents),
            now=now,
            payment=payment,
        )
        if landed:
            what = "payment.charged_back" if withdrawn else "payment.chargeback_reversed"
            facts = {"chargeback": told.id, "amount_cents": abs(movement.amount_cents)}
            record_money(session, account, payment, what, facts, now=now)
            forgiveness.judge(session, account, payment, f"movement:{movement.id}", now)
            if withdrawn:
                _stop(session, account, payment, told, now=now)
                fact = f"chargeback:{row.id}:{movement.id}"
                notices.tell(session, account, TOLD, fact=fact, payment=payment, now=now)
            else:
                _settle_again(session, account, payment, now=now)
    row.status = str(told.status)
    session.flush()


def _row(session: Session, payment: Payment, told: GatewayDispute, *, now: datetime) -> Chargeback:
    known = session.scalars(
        select(Chargeback).where(Chargeback.dispute_id == told.id)
    ).one_or_none()
    if known is not None:
        return known
    row = Chargeback(
        client_id=payment.client_id,
        id=fresh_id(),
        payment_id=payment.id,
        dispute_id=told.id,
        status=str(told.status),
        reason=told.reason,
        amount_cents=told.amount_cents,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _stop(
    session: Session, account: Account, payment: Payment, told: GatewayDispute, *, now: datetime
) -> None:
    for agreed in _running(session, account, payment):
        authorizations.end(
            session, account, agreed, reason="chargeback", actor=evidence.STRIPE, now=now
        )
    amount = Money(told.amount_cents, account.currency)
    open_exception(
        session,
        account,
        kind="chargeback",
        source=f"dispute:{told.id}",
        detail=f"{payment.reference}: {told.reason}, {amount} withdrawn.",
        now=now,
    )


def _running(session: Session, account: Account, payment: Payment) -> Sequence[Arrangement]:
    """The arrangement that was paid, and the one in force now: neither is charged any more."""
    return session.scalars(
        select(Arrangement)
        .where(
            Arrangement.client_id == account.client_id,
            Arrangement.account_id == account.id,
            or_(Arrangement.id == payment.arrangement_id, Arrangement.status.in_(LIVE)),
        )
        .order_by(Arrangement.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _settle_again(session: Session, account: Account, payment: Payment, *, now: datetime) -> None:
    """The bank gave the money back: less is owed, and what was paid meanwhile may be too much."""
    shorten_to_balance(session, account, now)
    close_if_settled(session, account, now)
    refunds.give_back_excess(session, account, payment, now=now)
