"""What becomes of an arrangement: withdrawn, stopped, canceled, or shortened to what is owed."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select, true
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.deadlines import PATIENCE, first_payment_until
from portal.domain.evidence import format_time
from portal.domain.holds import Capability
from portal.domain.money import Cents, minimum_charge
from portal.domain.schedules import Schedule, shorten
from portal.domain.statuses import LIVE, ArrangementStatus, InstallmentStatus, PaymentStatus, move
from portal.domain.terms import Method
from portal.models import Account, Arrangement, Debtor, Installment, Payment
from portal.models.payments import OPEN
from portal.services import authorizations, evidence, notices
from portal.services.evidence import SYSTEM, Actor, Payload
from portal.services.ledger import lock_account
from portal.services.standing import moved_day, standing, today_of
from portal.services.undoing import require_in_time

UNPAID = (InstallmentStatus.SCHEDULED, InstallmentStatus.FAILED, InstallmentStatus.PROCESSING)
BATCH = 100
NOT_KEPT = "not_kept"
NOTHING_OWED = "nothing_owed"
"""Why an arrangement ended whose parts stayed unpaid beyond the client's patience."""
MOVING = (PaymentStatus.ATTEMPTING, PaymentStatus.PROCESSING)


class ArrangementStarted(DomainError):
    """A first payment was made, or is on its way."""

    message = N_("A payment for this agreement was made or is on its way, so it stays.")


class ArrangementOver(DomainError):
    """The arrangement is not live any more."""

    message = N_("This agreement is over.")


class NothingAutomatic(DomainError):
    """No permission to charge later is in force."""

    message = N_("Automatic payments are off already.")


def arrangement_of(session: Session, account: Account) -> Arrangement | None:
    """The account's live arrangement, else its newest one, else None."""
    live_first = Arrangement.status.in_(LIVE).desc()
    return session.scalar(
        select(Arrangement)
        .where(Arrangement.client_id == account.client_id, Arrangement.account_id == account.id)
        .order_by(live_first, Arrangement.accepted_at.desc(), Arrangement.id.desc())
        .limit(1)
    )


def installments_of(session: Session, agreed: Arrangement) -> Sequence[Installment]:
    """The parts of an arrangement in their order."""
    session.flush()
    return session.scalars(
        select(Installment)
        .where(Installment.client_id == agreed.client_id, Installment.arrangement_id == agreed.id)
        .order_by(Installment.n)
    ).all()


def withdraw(session: Session, agreed: Arrangement, *, actor: Actor, now: datetime) -> Arrangement:
    """Take an unpaid arrangement back in the client's time for it; its offer stays.

    The account's open Checkout page was closed before (``payments.release_checkout``). Doing it
    twice is doing it once. Raises ArrangementStarted, TooLateToTakeBack.
    """
    account, agreed = _locked(session, agreed)
    if agreed.status == ArrangementStatus.WITHDRAWN:
        return agreed
    if agreed.status != ArrangementStatus.AWAITING_FIRST_PAYMENT or _money_moves(session, agreed):
        raise ArrangementStarted
    until = require_in_time(session, agreed, now)
    why = {"reason": "withdrawn", "until": format_time(until)}
    _take_back(session, account, agreed, why, actor=actor, now=now)
    return agreed


def overdue(
    session: Session, client_id: UUID, *, now: datetime, after: UUID | None = None
) -> Sequence[UUID]:
    """Up to a batch of unpaid arrangements that may have waited too long, by id.

    By the calendar that is furthest ahead: ``expire_due`` asks the debtor's own.
    """
    today = (now + timedelta(hours=14)).date()
    return session.scalars(
        select(Arrangement.id)
        .join(
            Installment,
            and_(
                Installment.client_id == Arrangement.client_id,
                Installment.arrangement_id == Arrangement.id,
                Installment.n == 1,
            ),
        )
        .where(
            Arrangement.client_id == client_id,
            Arrangement.status == ArrangementStatus.AWAITING_FIRST_PAYMENT,
            or_(Arrangement.valid_until < today, Installment.due_on < today - PATIENCE),
            Arrangement.id > after if after else true(),
        )
        .order_by(Arrangement.id)
        .limit(BATCH)
    ).all()


def expire_due(session: Session, client_id: UUID, arrangement_id: UUID, *, now: datetime) -> bool:
    """Take an arrangement back whose first payment did not come in time; False where it stays.

    It stays while an attempt to pay is unresolved, a charge is to be tried again, or a hold keeps
    the debtor from paying. Its last day is that of ``first_payment_until``, moved by such holds.
    """
    agreed = session.get_one(Arrangement, (client_id, arrangement_id))
    account, agreed = _locked(session, agreed)
    if agreed.status != ArrangementStatus.AWAITING_FIRST_PAYMENT or _attempted(session, account):
        return False
    if not _may_be_paid(session, account, agreed, now) or not _too_late(
        session, account, agreed, now
    ):
        return False
    _take_back(session, account, agreed, {"reason": "expired"}, actor=SYSTEM, now=now)
    return True


def _take_back(
    session: Session,
    account: Account,
    agreed: Arrangement,
    why: dict[str, str],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    _end(session, account, agreed, ArrangementStatus.WITHDRAWN, reason=why["reason"], now=now)
    authorizations.revoke(
        session, account, agreed, reason="arrangement_withdrawn", actor=actor, now=now
    )
    told = {"actor": actor, **why}
    _record(session, account, agreed, "arrangement.withdrawn", told, now)
    notices.tell(
        session, account, "arrangement_withdrawn", fact=f"arrangement:{agreed.id}", now=now
    )


def _attempted(session: Session, account: Account) -> bool:
    unresolved = select(Payment.id).where(
        Payment.client_id == account.client_id,
        Payment.account_id == account.id,
        Payment.status.in_(OPEN),
    )
    return session.scalar(unresolved.limit(1)) is not None


def _may_be_paid(session: Session, account: Account, agreed: Arrangement, now: datetime) -> bool:
    allowed = standing(session, account, now)
    return all(allowed.of(needed).allowed for needed in needs_of(agreed.method))


def needs_of(method: str) -> tuple[Capability, ...]:
    """What the first payment of an arrangement needs: to be taken by itself, a charge as well."""
    by_hand = (Capability.PAY,)
    return (*by_hand, Capability.CHARGE) if method == str(Method.AUTOMATIC) else by_hand


def moved_until(
    session: Session, account: Account, agreed: Arrangement, until: date, *, now: datetime
) -> date:
    """A last day of an arrangement's first payment, moved by the holds since it was accepted."""
    needs = needs_of(agreed.method)
    return moved_day(session, account, until, *needs, since=agreed.accepted_at, now=now)


def _too_late(session: Session, account: Account, agreed: Arrangement, now: datetime) -> bool:
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    lock_parts(session, agreed)
    return first_until(session, account, agreed, now=now) < today_of(debtor, now)


def first_until(session: Session, account: Account, agreed: Arrangement, *, now: datetime) -> date:
    """The last day on which a first payment keeps an arrangement, as told of any of its parts."""
    parts = installments_of(session, agreed)
    again_on = max((part.next_attempt_on for part in parts if part.next_attempt_on), default=None)
    told_on = max((part.told_on for part in parts if part.told_on), default=None)
    tried = any(part.attempts for part in parts)
    until = first_payment_until(parts[0].due_on, again_on, told_on, agreed.valid_until, tried=tried)
    return moved_until(session, account, agreed, until, now=now)


def stop_automatic(session: Session, agreed: Arrangement, *, actor: Actor, now: datetime) -> None:
    """End automatic payments at once (PY-08); the plan stays, and is paid by hand from now on.

    Raises NothingAutomatic where none are in force, ArrangementOver.
    """
    account, agreed = _locked(session, agreed)
    if agreed.status not in LIVE:
        raise ArrangementOver
    stopped = authorizations.revoke(
        session, account, agreed, reason="stopped", actor=actor, now=now
    )
    if not stopped:
        raise NothingAutomatic
    agreed.method = str(Method.MANUAL)
    told = {"actor": actor, "authorization": "revoked"}
    _record(session, account, agreed, "automatic.stopped", told, now)
    fact = f"arrangement:{agreed.id}:{now.isoformat()}"
    notices.tell(session, account, "automatic_stopped", fact=fact, now=now)


def cancel(
    session: Session, agreed: Arrangement, *, reason: str, actor: Actor, now: datetime
) -> Arrangement:
    """End a live arrangement for a reason on the record; nothing more is charged or expected.

    Raises ArrangementOver.
    """
    account, agreed = _locked(session, agreed)
    if agreed.status not in LIVE:
        raise ArrangementOver
    _end(session, account, agreed, ArrangementStatus.CANCELED, reason=reason, now=now)
    authorizations.revoke(
        session, account, agreed, reason="arrangement_canceled", actor=actor, now=now
    )
    told = {"actor": actor, "reason": reason}
    _record(session, account, agreed, "arrangement.canceled", told, now)
    return agreed


def break_off(
    session: Session, account: Account, agreed: Arrangement, *, facts: Payload, now: datetime
) -> None:
    """End a running arrangement that was not kept, with the facts on the record; say so.

    What was paid counts, and nothing more is charged. Account and arrangement are locked by the
    caller, who commits.
    """
    _end(session, account, agreed, ArrangementStatus.BROKEN, reason=NOT_KEPT, now=now)
    authorizations.revoke(session, account, agreed, reason=NOT_KEPT, actor=SYSTEM, now=now)
    told = {"actor": SYSTEM, "reason": NOT_KEPT, **facts}
    _record(session, account, agreed, "arrangement.broken", told, now)
    notices.tell(session, account, "plan_ended", fact=f"ended:{agreed.id}", now=now)


def shorten_to_balance(session: Session, account: Account, now: datetime) -> Arrangement | None:
    """Cut the live arrangement from its end when less is owed than it would still collect.

    The account is locked by the caller. Parts that are being collected stay as they are; a
    processing payment above the balance is given back when it lands. Returns the arrangement if it
    was changed.
    """
    agreed = session.scalar(
        select(Arrangement)
        .where(
            Arrangement.client_id == account.client_id,
            Arrangement.account_id == account.id,
            Arrangement.status.in_(LIVE),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if agreed is None:
        return None
    parts = [part for part in lock_parts(session, agreed) if part.status in UNPAID]
    left = sum(part.amount_cents - part.paid_cents for part in parts)
    owed = max(account.balance_cents, 0)
    if left <= owed:
        return None
    before = [said_part(part) for part in parts]
    _cut(parts, Cents(owed), minimum_charge(account.currency))
    total = Cents(agreed.total_cents - (left - owed))
    if total:
        agreed.total_cents = total
    if owed == 0:
        _close(session, account, agreed, paid=total > 0, now=now)
    session.flush()
    told: Payload = {
        "actor": SYSTEM,
        "before": before,
        "after": [said_part(p) for p in parts if p.status != InstallmentStatus.CANCELED],
        "balance_cents": account.balance_cents,
    }
    _record(session, account, agreed, "arrangement.amended", told, now)
    return agreed


def _cut(parts: list[Installment], owed: Cents, minimum: Cents) -> None:
    open_parts: Schedule = tuple(
        (part.due_on, Cents(part.amount_cents - part.paid_cents)) for part in parts
    )
    kept = shorten(open_parts, owed, minimum=minimum) if owed else ()
    for n, part in enumerate(parts):
        if n < len(kept):
            part.amount_cents = Cents(part.paid_cents + kept[n][1])
        elif part.paid_cents:
            part.amount_cents = part.paid_cents
            part.status = move(part.status, InstallmentStatus.PAID)
        else:
            part.status = move(part.status, InstallmentStatus.CANCELED)


def _close(
    session: Session, account: Account, agreed: Arrangement, *, paid: bool, now: datetime
) -> None:
    over = ArrangementStatus.COMPLETED if paid else ArrangementStatus.CANCELED
    agreed.status = move(agreed.status, over)
    agreed.ended_at, agreed.ended_reason = now, NOTHING_OWED
    authorizations.revoke(session, account, agreed, reason=NOTHING_OWED, actor=SYSTEM, now=now)


def _end(
    session: Session,
    account: Account,
    agreed: Arrangement,
    status: ArrangementStatus,
    *,
    reason: str,
    now: datetime,
) -> None:
    agreed.status = move(agreed.status, status)
    agreed.ended_at, agreed.ended_reason = now, reason
    for part in lock_parts(session, agreed):
        if part.status in (InstallmentStatus.SCHEDULED, InstallmentStatus.FAILED):
            part.status = move(part.status, InstallmentStatus.CANCELED)
    session.flush()


def _locked(session: Session, agreed: Arrangement) -> tuple[Account, Arrangement]:
    account = lock_account(session, agreed.account_id)
    fresh = session.get_one(
        Arrangement, (agreed.client_id, agreed.id), with_for_update=True, populate_existing=True
    )
    return account, fresh


def lock_parts(session: Session, agreed: Arrangement) -> list[Installment]:
    """The parts of an arrangement in their order, locked after their account."""
    session.flush()
    return list(
        session.scalars(
            select(Installment)
            .where(
                Installment.client_id == agreed.client_id,
                Installment.arrangement_id == agreed.id,
            )
            .order_by(Installment.n)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def _money_moves(session: Session, agreed: Arrangement) -> bool:
    moving: UUID | None = session.scalar(
        select(Payment.id).where(
            Payment.client_id == agreed.client_id,
            Payment.arrangement_id == agreed.id,
            Payment.status.in_(MOVING),
        )
    )
    return moving is not None


def said_part(part: Installment) -> Payload:
    """A part as the record has it."""
    return {
        "n": part.n,
        "due_on": part.due_on.isoformat(),
        "amount_cents": part.amount_cents,
        "paid_cents": part.paid_cents,
    }


def _record(
    session: Session,
    account: Account,
    agreed: Arrangement,
    kind: str,
    payload: Payload,
    now: datetime,
) -> None:
    told = {"arrangement": str(agreed.id), "reference": agreed.reference}
    evidence.record(
        session,
        client_id=agreed.client_id,
        chain_id=account.chain_id,
        type=kind,
        payload=payload | told,
        now=now,
    )
