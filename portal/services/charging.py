"""Charging due installments off-session, under the authorization in force."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, true
from sqlalchemy.orm import Session

from portal.db import commit, hook
from portal.domain.money import Cents
from portal.domain.statuses import (
    LIVE,
    AuthorizationStatus,
    InstallmentStatus,
    PaymentStatus,
    move,
)
from portal.gateways.payments import (
    GatewayRefused,
    GatewayUnavailable,
    OffSessionCharge,
    PaymentGateway,
)
from portal.models import (
    Account,
    Arrangement,
    Authorization,
    Debtor,
    Installment,
    Payment,
    PaymentPurpose,
)
from portal.services import authorizations, pre_debit, settling, tries
from portal.services.ledger import lock_account, lock_payment, lock_row, open_exception
from portal.services.payable import Asked, new_payment
from portal.services.payments import METADATA_CLIENT, METADATA_PAYMENT, open_attempt
from portal.services.readings import Reading
from portal.services.standing import standing, today_of

BATCH = 25
# Agreed dates are kept within these days, or not by ourselves: nobody is charged for a date long
# gone because a hold or an outage ended. The debtor finds that part open on their page.
LATEST = timedelta(days=3)
APART = timedelta(hours=20)
CHARGEABLE = (InstallmentStatus.SCHEDULED, InstallmentStatus.FAILED)


def due_installments(
    session: Session, client_id: UUID, *, now: datetime, after: UUID | None = None
) -> list[UUID]:
    """Up to a batch of installments that may be due for an off-session charge, by id.

    Due by the calendar that is furthest ahead: ``charge_installment`` asks the debtor's own.
    """
    today = (now + timedelta(hours=14)).date()
    rows = session.scalars(
        select(Installment.id)
        .join(
            Arrangement,
            (Arrangement.client_id == Installment.client_id)
            & (Arrangement.id == Installment.arrangement_id),
        )
        .join(
            Authorization,
            (Authorization.client_id == Arrangement.client_id)
            & (Authorization.arrangement_id == Arrangement.id)
            & (Authorization.status == AuthorizationStatus.GRANTED),
        )
        .where(
            Installment.client_id == client_id,
            Installment.due_on <= today,
            Installment.status.in_(CHARGEABLE),
            or_(
                Installment.status == InstallmentStatus.SCHEDULED,
                Installment.next_attempt_on <= today,
            ),
            Arrangement.status.in_(LIVE),
            Arrangement.method == "automatic",
            Installment.id > after if after else true(),
        )
        .order_by(Installment.id)
        .limit(BATCH)
    )
    return list(rows)


def charge_installment(
    session: Session, gateway: PaymentGateway, installment_id: UUID, *, now: datetime
) -> Payment | None:
    """Charge one due installment off-session, once; None where it must not be charged now.

    Commits: our row first, then Stripe, then what Stripe said. Where Stripe gives no answer the
    attempt stays for ``sweep``. Run twice at once, it charges once: the account has one open
    attempt at most.
    """
    payment = _begin(session, installment_id, now=now)
    if payment is None:
        commit(session, "charge.skipped")
        return None
    payment_id = payment.id
    commit(session, "charge.created")
    return post_charge(session, gateway, payment_id, now=now)


def _begin(session: Session, installment_id: UUID, *, now: datetime) -> Payment | None:
    part = session.scalars(select(Installment).where(Installment.id == installment_id)).one()
    agreed = session.get_one(Arrangement, (part.client_id, part.arrangement_id))
    account = lock_account(session, agreed.account_id)
    agreed = lock_row(session, Arrangement, (agreed.client_id, agreed.id))
    part = lock_row(session, Installment, (part.client_id, part.id))
    permission = _permission(session, account, agreed, part, now=now)
    if permission is None or open_attempt(session, account.id) is not None:
        return None
    part.status = move(part.status, InstallmentStatus.PROCESSING)
    part.attempts += 1
    asked = Asked(
        account_id=account.id,
        purpose=PaymentPurpose.INSTALLMENT,
        amount_cents=Cents(min(part.amount_cents - part.paid_cents, account.balance_cents)),
        arrangement_id=agreed.id,
        installment_id=part.id,
    )
    payment = new_payment(
        session, account, asked, status=PaymentStatus.ATTEMPTING, locale=agreed.locale, now=now
    )
    payment.method_id = permission.method_id
    return payment


def _permission(
    session: Session, account: Account, agreed: Arrangement, part: Installment, *, now: datetime
) -> Authorization | None:
    """The authorization under which this may be charged now, or None (invariants 3 and 4)."""
    live = agreed.status in LIVE and agreed.method == "automatic"
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    today = today_of(debtor, now)
    if not (live and account.balance_cents > 0 and _is_due(part, today)):
        return None
    if not standing(session, account, now).charge.allowed or _charged_lately(
        session, account, now=now
    ):
        return None
    found = authorizations.current(session, agreed)
    if found is None or found.status != AuthorizationStatus.GRANTED:
        return None
    if not tries.may_charge(session, account, part, found, today=today):
        return None
    if not _copy_left(session, account, found, now=now):
        return None
    return found if pre_debit.may_charge(session, account, agreed, part, now=now) else None


def _copy_left(session: Session, account: Account, found: Authorization, *, now: datetime) -> bool:
    """Whether the debtor's copy of the permission left before (PY-05); a lost one is asked about.

    Until then the part waits: a later run charges it, or the debtor pays it on their page.
    """
    left_at = authorizations.copy_left_at(session, found)
    if left_at is not None and left_at <= now:
        found.copied_at = left_at
        return True
    if authorizations.copy_is_lost(session, found):
        open_exception(
            session,
            account,
            kind="copy_not_given",
            source=f"authorization:{found.id}",
            detail="The copy of the permission to charge did not leave, so nothing is charged.",
            now=now,
        )
    return False


def takes(
    session: Session, account: Account, agreed: Arrangement, part: Installment, *, today: date
) -> bool:
    """Whether a part is still taken by itself: on its day, on that of its next try, or later."""
    wanted_on = _wanted_on(part)
    if wanted_on is None or wanted_on + LATEST < today:
        return False
    on = max(wanted_on, today)
    return tries.takes(session, account, agreed, part, on=on) is not None


def _wanted_on(part: Installment) -> date | None:
    """The part's day, or the day of its next try; None where it is not taken any more."""
    given_up = part.status == InstallmentStatus.FAILED and part.next_attempt_on is None
    if part.status not in CHARGEABLE or given_up:
        return None
    return max(part.due_on, part.next_attempt_on or part.due_on)


def _is_due(part: Installment, today: date) -> bool:
    """Whether it is the part's day, or the day of its next try, or a little later."""
    wanted_on = _wanted_on(part)
    return wanted_on is not None and wanted_on <= today <= wanted_on + LATEST


def _charged_lately(session: Session, account: Account, *, now: datetime) -> bool:
    """Whether the account was charged in the last day: parts that pile up are not taken at once."""
    lately = select(Payment.id).where(
        Payment.client_id == account.client_id,
        Payment.account_id == account.id,
        Payment.purpose == PaymentPurpose.INSTALLMENT,
        Payment.checkout_id.is_(None),
        Payment.status != PaymentStatus.CANCELED,
        Payment.created_at > now - APART,
    )
    return session.scalar(lately.limit(1)) is not None


def post_charge(
    session: Session, gateway: PaymentGateway, payment_id: UUID, *, now: datetime
) -> Payment:
    """Ask Stripe for an attempt that our row describes, and settle what it answers; commits.

    The permission is looked at once more, under the account's lock: what was stopped since the row
    was written is dropped and never asked for.
    """
    payment, charge = _draft(session, payment_id, now=now)
    if charge is None:
        return payment
    key, stripe_account = payment.idempotency_key, payment.stripe_account
    try:
        hook("stripe.charge")
        intent = gateway.charge_off_session(
            charge, idempotency_key=key, stripe_account=stripe_account
        )
        hook("stripe.charge.done")
    except GatewayUnavailable:
        return payment
    except GatewayRefused as refused:
        return _refused(session, payment_id, refused, now=now)
    settled = settling.apply(session, payment_id, Reading(intent=intent), now=now)
    commit(session, "charge.settled")
    return settled


def _draft(
    session: Session, payment_id: UUID, *, now: datetime
) -> tuple[Payment, OffSessionCharge | None]:
    account, payment = lock_payment(session, payment_id)
    if payment.status != PaymentStatus.ATTEMPTING:
        commit(session, "charge.over")
        return payment, None
    if not _permitted(session, account, payment, now=now):
        settling.drop(session, payment, now=now)
        commit(session, "charge.dropped")
        return payment, None
    payment.posted_at = payment.permitted_at = now
    charge = OffSessionCharge(
        customer_id=account.stripe_customer or "",
        method_id=payment.method_id or "",
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        metadata={METADATA_CLIENT: str(payment.client_id), METADATA_PAYMENT: str(payment.id)},
    )
    commit(session, "charge.drafted")
    return payment, charge


def _permitted(session: Session, account: Account, payment: Payment, *, now: datetime) -> bool:
    """Whether an attempt that was begun may still be asked for (invariants 3 and 4)."""
    agreed = lock_row(session, Arrangement, (payment.client_id, payment.arrangement_id))
    permission = authorizations.current(session, agreed)
    return (
        agreed.status in LIVE
        and permission is not None
        and permission.status == AuthorizationStatus.GRANTED
        and permission.method_id == payment.method_id
        and account.balance_cents >= payment.amount_cents
        and standing(session, account, now).charge.allowed
    )


def _refused(
    session: Session, payment_id: UUID, refused: GatewayRefused, *, now: datetime
) -> Payment:
    account, payment = lock_payment(session, payment_id)
    settling.refuse(session, account, payment, refused.code, now=now)
    commit(session, "charge.refused")
    return payment
