"""What may still be asked for, of agreements that are in force, and the row of each attempt."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.extra_payments import Effect
from portal.domain.limits import OfferExpired
from portal.domain.money import Cents
from portal.domain.statuses import LIVE, ArrangementStatus, PaymentStatus
from portal.models import (
    Account,
    Arrangement,
    Client,
    Debtor,
    Installment,
    Payment,
    PaymentPurpose,
    fresh_id,
)
from portal.services import authorizations
from portal.services.arrangements import (
    UNPAID,
    ArrangementOver,
    NothingAutomatic,
    first_until,
    moved_until,
)
from portal.services.ledger import lock_row
from portal.services.references import fresh_reference
from portal.services.standing import today_of


class NothingToPay(DomainError):
    """The amount is not what is owed: more, nothing, or not what is open of its installment."""

    message = N_("The amount you owe has changed. Please look at your balance again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody is asked for: cents (0 where a method is only saved), and what they are for.

    ``payer_link_id`` is the link through which somebody else than the debtor pays. ``effect`` is
    what an extra payment does to the rest of its arrangement.
    """

    account_id: UUID
    purpose: PaymentPurpose
    amount_cents: Cents
    arrangement_id: UUID | None = None
    installment_id: UUID | None = None
    payer_link_id: UUID | None = None
    effect: Effect | None = None


def new_payment(
    session: Session,
    account: Account,
    asked: Asked,
    *,
    status: PaymentStatus,
    locale: str,
    now: datetime,
) -> Payment:
    """Write the row of an attempt, before Stripe is asked under the key that derives from it."""
    payment_id = fresh_id()
    payment = Payment(
        client_id=account.client_id,
        id=payment_id,
        account_id=account.id,
        arrangement_id=asked.arrangement_id,
        installment_id=asked.installment_id,
        payer_link_id=asked.payer_link_id,
        purpose=asked.purpose,
        status=status,
        amount_cents=asked.amount_cents,
        effect=str(asked.effect) if asked.effect else None,
        currency=account.currency,
        reference=fresh_reference(),
        locale=locale,
        idempotency_key=f"payment-{payment_id}",
        stripe_account=session.get_one(Client, account.client_id).stripe_account,
        created_at=now,
        posted_at=now,
    )
    session.add(payment)
    session.flush()
    return payment


def check_owed(session: Session, account: Account, asked: Asked, *, now: datetime) -> None:
    """Go on only if this may be asked for now; the account is locked by the caller.

    An arrangement must be in force, its first payment not after the offer's last day, which holds
    may have moved, and an installment is asked for as it stands open. A way to pay is saved under
    a permission only. Raises NothingToPay, ArrangementOver, OfferExpired, NothingAutomatic.
    """
    if asked.arrangement_id is not None:
        _check_arrangement(session, account, asked.purpose, asked.arrangement_id, now=now)
    if asked.purpose == PaymentPurpose.METHOD:
        return
    if not 0 < asked.amount_cents <= account.balance_cents:
        raise NothingToPay
    if asked.installment_id is not None:
        key = (account.client_id, asked.installment_id)
        part = lock_row(session, Installment, key)
        left = part.amount_cents - part.paid_cents if part.status in UNPAID else 0
        if part.arrangement_id != asked.arrangement_id or left != asked.amount_cents:
            raise NothingToPay


def _check_arrangement(
    session: Session,
    account: Account,
    purpose: PaymentPurpose,
    arrangement_id: UUID,
    *,
    now: datetime,
) -> None:
    key = (account.client_id, arrangement_id)
    agreed = lock_row(session, Arrangement, key)
    if agreed.account_id != account.id or agreed.status not in LIVE:
        raise ArrangementOver
    if purpose == PaymentPurpose.METHOD and authorizations.current(session, agreed) is None:
        raise NothingAutomatic
    waits = agreed.status == ArrangementStatus.AWAITING_FIRST_PAYMENT
    if purpose == PaymentPurpose.INSTALLMENT or not waits or agreed.valid_until is None:
        return
    offered = moved_until(session, account, agreed, agreed.valid_until, now=now)
    until = max(offered, first_until(session, account, agreed, now=now))
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    if until < today_of(debtor, now) and not _tried(session, agreed):
        raise OfferExpired(valid_until=until)


def _tried(session: Session, agreed: Arrangement) -> bool:
    """Whether a part was asked for in time by ourselves, so that what failed may be made good."""
    tried = select(Installment.id).where(
        Installment.client_id == agreed.client_id,
        Installment.arrangement_id == agreed.id,
        Installment.attempts > 0,
    )
    return session.scalar(tried.limit(1)) is not None
