"""Settling: the one function that takes over what Stripe says of a payment.

The landing page, the webhook's job and the sweeper all call ``apply`` with what they read. It can
run any number of times, in any order, at once: the account's lock and the ledger's uniqueness see
to it that a charge counts once.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.domain.declines import Outcome
from portal.domain.money import Cents
from portal.domain.statuses import PaymentStatus, move
from portal.gateways.payments import (
    CheckoutStatus,
    GatewayMethod,
    GatewayPayment,
    GatewaySetup,
    IntentStatus,
)
from portal.models import (
    Account,
    Arrangement,
    Authorization,
    EntryKind,
    Hold,
    Payment,
    PaymentPurpose,
)
from portal.models.payments import OPEN
from portal.services import (
    authorizations,
    evidence,
    forgiveness,
    fulfilling,
    notices,
    refunds,
    tries,
)
from portal.services.ledger import (
    keep_object,
    lock_payment,
    lock_row,
    open_exception,
    post,
    record_money,
)
from portal.services.readings import Reading


def apply(session: Session, payment_id: UUID, reading: Reading, *, now: datetime) -> Payment:
    """Bring a payment, its account and its arrangement to where Stripe says they are.

    A charge that is not what our row asked for (amount, currency, mark) is applied to nothing and
    put before a person. Locks the account first; the caller commits.
    """
    account, payment = lock_payment(session, payment_id)
    _keep_ids(payment, reading)
    if reading.intent is not None:
        _apply_intent(session, account, payment, reading, reading.intent, now=now)
    if reading.setup is not None:
        _apply_setup(session, account, payment, reading.setup, now=now)
    _apply_page(session, account, payment, reading, now=now)
    session.flush()
    return payment


def _keep_ids(payment: Payment, reading: Reading) -> None:
    if (page := reading.checkout) is not None:
        payment.checkout_id, payment.checkout_expires_at = page.id, page.expires_at
        payment.checkout_url = page.url or payment.checkout_url
        if payment.status == PaymentStatus.CREATED:
            payment.status = move(payment.status, PaymentStatus.OPEN)
    if (setup := reading.setup) is not None:
        payment.setup_id = setup.id


def _apply_intent(
    session: Session,
    account: Account,
    payment: Payment,
    reading: Reading,
    intent: GatewayPayment,
    *,
    now: datetime,
) -> None:
    if wrong := _mismatch(payment, intent):
        open_exception(
            session,
            account,
            kind="stripe_mismatch",
            source=f"intent:{intent.id}",
            detail=wrong,
            now=now,
        )
        return
    payment.intent_id = intent.id
    _keep_method(payment, intent.method)
    if intent.failure is not None:
        payment.failure_code = intent.failure.code
        payment.decline_code = intent.failure.decline_code
        payment.advice_code = intent.failure.advice_code
    if payment.status == PaymentStatus.SUCCEEDED:
        return
    match intent.status:
        case IntentStatus.SUCCEEDED:
            _succeed(session, account, payment, intent, now=now)
        case IntentStatus.PROCESSING:
            _process(session, account, payment, now=now)
        case IntentStatus.CANCELED:
            _fail(session, account, payment, PaymentStatus.CANCELED, now=now)
        case IntentStatus.REQUIRES_PAYMENT_METHOD | IntentStatus.REQUIRES_ACTION:
            _falter(session, account, payment, reading, intent, now=now)
        case _:
            pass


def _mismatch(payment: Payment, intent: GatewayPayment) -> str:
    """How a charge differs from what our row asked for; empty where it does not."""
    if intent.metadata.get("payment") != str(payment.id):
        return f"{intent.id} does not bear the mark of payment {payment.id}"
    if payment.intent_id not in (None, intent.id):
        return f"payment {payment.id} has {payment.intent_id} and now {intent.id}"
    if intent.amount_cents != payment.amount_cents:
        return f"{intent.id} is over {intent.amount_cents}, asked were {payment.amount_cents}"
    if intent.currency.upper() != payment.currency:
        return f"{intent.id} is in {intent.currency}, asked was {payment.currency}"
    return ""


def _keep_method(payment: Payment, method: GatewayMethod | None) -> None:
    """What was paid with; only what Stripe keeps for the customer can be charged again.

    A pre-authorized debit that was given once covers exactly one debit (PY-10).
    """
    if method is not None:
        payment.method_id = method.id if method.customer_id else payment.method_id
        payment.method_brand = method.brand or method.kind
        payment.method_last4 = method.last4
        payment.method_funding = method.funding


def _succeed(
    session: Session, account: Account, payment: Payment, intent: GatewayPayment, *, now: datetime
) -> None:
    payment.status = move(payment.status, PaymentStatus.SUCCEEDED)
    payment.settled_at = now
    post(
        session,
        account,
        kind=EntryKind.PAYMENT,
        source=f"payment:{payment.id}",
        amount_cents=Cents(-payment.amount_cents),
        now=now,
        payment=payment,
    )
    mine = payment.payer_link_id is None  # of somebody else who paid, the record keeps no more
    kept = keep_object(session, account, "payment_intent", intent.raw, now) if mine else {}
    facts = _facts(payment) | {"intent": intent.id} | kept
    record_money(session, account, payment, "payment.succeeded", facts, now=now)
    if _forbidden_when_charged(session, payment, intent):
        _undo(session, account, payment, intent, now=now)
        return
    if payment.purpose == PaymentPurpose.FIRST:
        _grant(session, account, payment, now=now)
    fulfilling.fulfil(session, account, payment, now=now)
    refunds.give_back_excess(session, account, payment, now=now)
    notices.tell(
        session, account, "receipt", fact=f"payment:{payment.id}", payment=payment, now=now
    )


def _forbidden_when_charged(session: Session, payment: Payment, intent: GatewayPayment) -> bool:
    """Whether an off-session charge began after it was stopped (invariant 3)."""
    if payment.purpose != PaymentPurpose.INSTALLMENT or payment.checkout_id is not None:
        return False
    agreed = lock_row(session, Arrangement, (payment.client_id, payment.arrangement_id))
    if agreed.ended_at is not None and intent.created_at > agreed.ended_at:
        return True
    if _held_at(session, payment, intent.created_at):
        return True
    return not _permitted_at(session, payment, intent.created_at)


def _permitted_at(session: Session, payment: Payment, at: datetime) -> bool:
    """Whether a permission for the method was in force then; a changed one follows on (PY-05)."""
    permissions = session.execute(
        select(Authorization.granted_at, Authorization.revoked_at).where(
            Authorization.client_id == payment.client_id,
            Authorization.arrangement_id == payment.arrangement_id,
            Authorization.method_id == payment.method_id,
        )
    )
    # Stripe tells times in whole seconds: a charge of the second of the stop was begun before it,
    # and one of the second of the permission after it.
    return any(
        granted is not None
        and granted < at + timedelta(seconds=1)
        and (revoked is None or at <= revoked)
        for granted, revoked in permissions
    )


def _held_at(session: Session, payment: Payment, at: datetime) -> bool:
    """Whether a hold that forbids charging had begun then, by Stripe's clock, and not ended yet.

    ``standing.IN_FORCE`` asks what counts now; here it is asked what counted at a time gone by.
    """
    held = select(Hold.id).where(
        Hold.client_id == payment.client_id,
        Hold.account_id == payment.account_id,
        Hold.kind.in_(authorizations.STOPPING_HOLDS),
        Hold.starts_at < at,
        or_(Hold.ends_at.is_(None), Hold.ends_at > at),
        or_(Hold.lifted_at.is_(None), Hold.lifted_at > at),
    )
    return session.scalar(held.limit(1)) is not None


def _undo(
    session: Session, account: Account, payment: Payment, intent: GatewayPayment, *, now: datetime
) -> None:
    """Give back in full what was charged although it had been stopped, and tell a person."""
    refunds.give_back(session, payment, payment.amount_cents, cause=forgiveness.UNDONE, now=now)
    fulfilling.release(session, payment)
    open_exception(
        session,
        account,
        kind="charged_after_stop",
        source=f"payment:{payment.id}",
        detail=f"{payment.reference} was charged at {intent.created_at.isoformat()}, after a stop.",
        now=now,
    )


def _process(session: Session, account: Account, payment: Payment, *, now: datetime) -> None:
    if payment.status in (PaymentStatus.PROCESSING, PaymentStatus.FAILED):
        return  # a debit that came back never goes on: what says so was read before
    if _another_open(session, payment):
        open_exception(
            session,
            account,
            kind="two_on_their_way",
            source=f"payment:{payment.id}",
            detail=f"{payment.reference} is on its way beside another payment of the account.",
            now=now,
        )
        return
    payment.status = move(payment.status, PaymentStatus.PROCESSING)
    fulfilling.begin(session, payment)
    record_money(session, account, payment, "payment.processing", _facts(payment), now=now)
    notices.tell(
        session,
        account,
        "payment_processing",
        fact=f"processing:{payment.id}",
        payment=payment,
        now=now,
    )


def _another_open(session: Session, payment: Payment) -> bool:
    other = select(Payment.id).where(
        Payment.client_id == payment.client_id,
        Payment.account_id == payment.account_id,
        Payment.id != payment.id,
        Payment.status.in_(OPEN),
    )
    return payment.status not in OPEN and session.scalar(other.limit(1)) is not None


def _falter(
    session: Session,
    account: Account,
    payment: Payment,
    reading: Reading,
    intent: GatewayPayment,
    *,
    now: datetime,
) -> None:
    """A declined try: on an open page the debtor goes on there; off-session it is an outcome.

    Of a page only its own end counts: a try that was read before the debit began says nothing.
    """
    page = reading.checkout
    if payment.checkout_id is not None:
        ended = page is not None and page.status == CheckoutStatus.COMPLETE
        if ended and payment.status in OPEN:
            _fail(session, account, payment, PaymentStatus.FAILED, now=now)
        return
    absent = intent.failure is not None and intent.failure.needs_debtor
    if absent or intent.status == IntentStatus.REQUIRES_ACTION:
        _fail(session, account, payment, PaymentStatus.NEEDS_DEBTOR, now=now)
    elif intent.failure is not None:
        _fail(session, account, payment, PaymentStatus.FAILED, now=now)


def _fail(
    session: Session, account: Account, payment: Payment, outcome: PaymentStatus, *, now: datetime
) -> None:
    if payment.status not in (*OPEN, PaymentStatus.NEEDS_DEBTOR) or payment.status == outcome:
        return
    payment.status = move(payment.status, outcome)
    payment.settled_at = now
    fulfilling.release(session, payment, failed_at=now)
    _end_permission(session, account, payment, now=now)
    facts = _facts(payment) | {"outcome": str(outcome), "code": payment.failure_code or "none"}
    record_money(session, account, payment, "payment.failed", facts, now=now)
    if payment.purpose != PaymentPurpose.METHOD and outcome != PaymentStatus.CANCELED:
        notices.tell(
            session,
            account,
            "payment_failed",
            fact=f"failed:{payment.id}",
            payment=payment,
            now=now,
        )


def _end_permission(session: Session, account: Account, payment: Payment, *, now: datetime) -> None:
    """What its owner did not allow, or took back at the bank, ends the permission (PY-09)."""
    if payment.arrangement_id is None or tries.outcome_of(payment) is not Outcome.REVOKED:
        return
    agreed = lock_row(session, Arrangement, (payment.client_id, payment.arrangement_id))
    authorizations.end(
        session, account, agreed, reason="debit_not_authorized", actor=evidence.STRIPE, now=now
    )


def drop(session: Session, payment: Payment, *, now: datetime) -> None:
    """Nothing came of an attempt, and nothing will: the account and it are locked by the caller."""
    if payment.status in (PaymentStatus.CREATED, PaymentStatus.ATTEMPTING):
        payment.status = move(payment.status, PaymentStatus.CANCELED)
        payment.settled_at = now
        fulfilling.release(session, payment)
        account = session.get_one(Account, (payment.client_id, payment.account_id))
        record_money(session, account, payment, "payment.dropped", _facts(payment), now=now)


def refuse(
    session: Session, account: Account, payment: Payment, code: str | None, *, now: datetime
) -> None:
    """Stripe would not even try an off-session charge; account and payment are locked."""
    if payment.status == PaymentStatus.ATTEMPTING:
        payment.failure_code = code or "refused"
        _fail(session, account, payment, PaymentStatus.FAILED, now=now)


def _apply_setup(
    session: Session, account: Account, payment: Payment, setup: GatewaySetup, *, now: datetime
) -> None:
    if setup.metadata.get("payment") != str(payment.id):
        return
    if setup.status != IntentStatus.SUCCEEDED or payment.status == PaymentStatus.SUCCEEDED:
        return
    _keep_method(payment, setup.method)
    payment.status = move(payment.status, PaymentStatus.SUCCEEDED)
    payment.settled_at = now
    _grant(session, account, payment, now=now)


def _grant(session: Session, account: Account, payment: Payment, *, now: datetime) -> None:
    if payment.arrangement_id is not None and payment.method_id is not None:
        authorizations.grant(session, account, payment, now=now)


def _apply_page(
    session: Session, account: Account, payment: Payment, reading: Reading, *, now: datetime
) -> None:
    page = reading.checkout
    if page is None or page.status != CheckoutStatus.EXPIRED:
        return
    if payment.status in (PaymentStatus.CREATED, PaymentStatus.OPEN):
        payment.status = move(payment.status, PaymentStatus.EXPIRED)
        payment.settled_at = now
        fulfilling.release(session, payment)
        record_money(session, account, payment, "payment.expired", _facts(payment), now=now)


def _facts(payment: Payment) -> dict[str, object]:
    facts: dict[str, object] = {
        "reference": payment.reference,
        "purpose": str(payment.purpose),
        "amount_cents": payment.amount_cents,
    }
    if payment.payer_link_id is not None:
        facts["payer_link"] = str(payment.payer_link_id)
    if payment.permitted_at is not None and payment.method_id is not None:
        facts["saved_method"] = payment.method_id
    return facts
