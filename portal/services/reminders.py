"""One calm message after a checkout that was left: once, and never about one that went on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from portal.domain.statuses import AccountStatus, ArrangementStatus, PaymentStatus
from portal.models import (
    Account,
    Arrangement,
    Client,
    Debtor,
    Message,
    Payment,
    PaymentPurpose,
    fresh_id,
)
from portal.services import messages
from portal.services.manifests import record_manifest

TEMPLATE = "abandoned_checkout"
QUIET = timedelta(hours=20)
"""Long enough after the page was opened that nobody is still on it."""
OUT_OF_DATE = timedelta(days=7)
BATCH = 500


def remind(
    session: Session, client_id: UUID, *, now: datetime, after: UUID | None = None
) -> Sequence[UUID]:
    """Queue the message for one batch of left checkouts; the payments it looked at.

    One for each arrangement, else for each account. The caller commits and goes on ``after`` the
    last of them.
    """
    query = (
        select(Payment)
        .where(
            Payment.client_id == client_id,
            Payment.status == PaymentStatus.EXPIRED,
            Payment.purpose.in_((PaymentPurpose.FIRST, PaymentPurpose.ONE_OFF)),
            Payment.payer_link_id.is_(None),
            Payment.created_at.between(now - OUT_OF_DATE, now - QUIET),
        )
        .order_by(Payment.id)
        .limit(BATCH)
    )
    left = session.scalars(query.where(Payment.id > after) if after else query).all()
    written = [
        message
        for payment in left
        if is_abandoned(session, payment)
        for message in _remind(session, payment, now)
    ]
    if written:
        client = session.get_one(Client, client_id)
        lines = [f"{message.debtor_id} message {message.id}" for message in written]
        told = {"type": "campaign.reminded", "template": TEMPLATE, "goes": len(written)}
        record_manifest(session, client, fresh_id(), lines, told=told, now=now)
    return [payment.id for payment in left]


def is_abandoned(session: Session, payment: Payment) -> bool:
    """Whether a checkout ran out and its debtor took no other way since."""
    account = session.get_one(Account, (payment.client_id, payment.account_id))
    if payment.status != PaymentStatus.EXPIRED or account.status != AccountStatus.OPEN:
        return False
    if payment.arrangement_id is not None:
        agreed = session.get_one(Arrangement, (payment.client_id, payment.arrangement_id))
        if agreed.status != ArrangementStatus.AWAITING_FIRST_PAYMENT:
            return False
    return not _went_on(session, payment)


def _went_on(session: Session, payment: Payment) -> bool:
    later, agreed = aliased(Payment), aliased(Arrangement)
    paid_later = exists().where(
        later.client_id == payment.client_id,
        later.account_id == payment.account_id,
        later.created_at > payment.created_at,
    )
    agreed_later = exists().where(
        agreed.client_id == payment.client_id,
        agreed.account_id == payment.account_id,
        agreed.accepted_at > payment.created_at,
    )
    return bool(session.scalar(select(paid_later | agreed_later)))


def _remind(session: Session, payment: Payment, now: datetime) -> list[Message]:
    account = session.get_one(Account, (payment.client_id, payment.account_id))
    about = payment.arrangement_id or payment.account_id
    return messages.queue(
        session,
        session.get_one(Debtor, (account.client_id, account.debtor_id)),
        template=TEMPLATE,
        context={"account": str(account.id), "payment": str(payment.id)},
        account=account,
        dedupe_key=f"{TEMPLATE}:{about}",
        now=now,
    )
