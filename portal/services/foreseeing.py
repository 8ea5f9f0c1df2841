"""What a movement of money will do, found by doing it and taking it back again."""

from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.domain.money import Cents
from portal.domain.statuses import PaymentStatus
from portal.models import (
    Account,
    EntryKind,
    LedgerEntry,
    LookKind,
    Message,
    Payment,
    Refund,
    SecondLook,
)
from portal.services import evidence, forgiveness, notices
from portal.services.arrangements import arrangement_of, installments_of
from portal.services.ledger import lock_account, lock_row, post
from portal.services.second_person import Act, ChangedSince, carry_out, needs_second


@dataclass(frozen=True, slots=True)
class PartEffect:
    """A part of an agreement whose open cents change."""

    due_on: date
    before_cents: Cents
    after_cents: Cents


@dataclass(frozen=True, slots=True)
class Effects:
    """The balance before and after, what becomes of parts, and what the debtor is sent.

    ``forgiven_cents`` is what is forgiven by it; below zero it is owed again. ``agreement`` is how
    the agreement stands afterwards, where that changes. ``templates`` name the messages. ``asked``
    counts what was asked for on the account before, also what has not moved yet.
    """

    before_cents: Cents
    after_cents: Cents
    parts: tuple[PartEffect, ...]
    forgiven_cents: Cents
    agreement: str | None
    templates: tuple[str, ...]
    waits: bool
    asked: int

    @property
    def mark(self) -> str:
        """What must still be so when it is done."""
        return sha256(repr(self).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _State:
    balance_cents: Cents
    forgiven_cents: Cents
    agreement: str | None
    parts: dict[int, tuple[date, Cents]]
    messages: dict[UUID, str]
    asked: int


def foresee(session: Session, act: Act, *, now: datetime) -> Effects:
    """Everything that an act would do now; nothing of it stays, nor does any lock.

    Raises what forbids the act.
    """
    with session.begin_nested() as trial:
        account = lock_account(session, act.account_id)
        waits = needs_second(session, account, act, now=now)
        before = _state(session, account)
        if act.kind is LookKind.COUNTER_PAYMENT:
            _as_if_closed(session, account)
        carry_out(session, account, act, {"actor": evidence.SYSTEM}, now)
        if act.kind is LookKind.REFUND:
            _as_if_it_went(session, account, act, now=now)
        after = _state(session, account)
        trial.rollback()
    return _between(before, after, waits=waits)


def require(session: Session, act: Act, shown: str, *, now: datetime) -> None:
    """Go on only if an act still does what a page showed under this mark.

    Locks the account until the caller's transaction ends. Raises ChangedSince.
    """
    lock_account(session, act.account_id)
    if foresee(session, act, now=now).mark != shown:
        raise ChangedSince


def _as_if_closed(session: Session, account: Account) -> None:
    """The page that the debtor could pay on is closed at Stripe before money is recorded."""
    session.execute(
        update(Payment)
        .where(
            Payment.client_id == account.client_id,
            Payment.account_id == account.id,
            Payment.status.in_((PaymentStatus.CREATED, PaymentStatus.OPEN)),
        )
        .values(status=PaymentStatus.EXPIRED)
    )


def _as_if_it_went(session: Session, account: Account, act: Act, *, now: datetime) -> None:
    """What follows once Stripe has given the money back, as ``refunds.apply_refund`` has it."""
    payment = lock_row(session, Payment, (account.client_id, act.payment_id))
    newest = select(Refund).where(
        Refund.client_id == account.client_id, Refund.payment_id == act.payment_id
    )
    wanted = session.scalars(newest.order_by(Refund.id.desc()).limit(1)).one()
    wanted.refund_id, wanted.status = str(wanted.id), "pending"
    fact, amount, kind = f"refund:{wanted.id}", act.amount_cents, EntryKind.REFUND
    post(session, account, kind=kind, source=fact, amount_cents=amount, now=now, payment=payment)
    forgiveness.judge(session, account, payment, fact, now)
    notices.tell(session, account, "refund_made", fact=fact, payment=payment, now=now)


def _state(session: Session, account: Account) -> _State:
    session.flush()
    agreed = arrangement_of(session, account)
    parts = installments_of(session, agreed) if agreed else ()
    written = select(Message.id, Message.template).where(
        Message.client_id == account.client_id, Message.account_id == account.id
    )
    return _State(
        balance_cents=account.balance_cents,
        forgiven_cents=_forgiven(session, account),
        agreement=str(agreed.status) if agreed else None,
        parts={
            part.n: (part.due_on, Cents(part.amount_cents - part.paid_cents))
            for part in parts
            if part.status != "canceled"
        },
        messages={row.id: row.template for row in session.execute(written)},
        asked=_asked(session, account),
    )


def _asked(session: Session, account: Account) -> int:
    """How often money was asked back, or moved by hand: a refund on its way is in no balance."""
    mine = (Payment.client_id == account.client_id, Payment.account_id == account.id)
    back = select(func.count()).select_from(Refund)
    back = back.join(
        Payment, (Payment.client_id == Refund.client_id) & (Payment.id == Refund.payment_id)
    )
    by_hand = select(func.count()).where(
        SecondLook.client_id == account.client_id, SecondLook.account_id == account.id
    )
    return (session.scalar(back.where(*mine)) or 0) + (session.scalar(by_hand) or 0)


def _forgiven(session: Session, account: Account) -> Cents:
    total = session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.amount_cents), 0)).where(
            LedgerEntry.client_id == account.client_id,
            LedgerEntry.account_id == account.id,
            LedgerEntry.kind.in_(forgiveness.KINDS),
        )
    )
    return Cents(-int(total or 0))


def _between(before: _State, after: _State, *, waits: bool) -> Effects:
    parts = [
        PartEffect(due_on, before.parts.get(n, (due_on, Cents(0)))[1], left)
        for n, (due_on, left) in sorted(after.parts.items())
    ]
    return Effects(
        before_cents=before.balance_cents,
        after_cents=after.balance_cents,
        parts=tuple(one for one in parts if one.before_cents != one.after_cents),
        forgiven_cents=Cents(after.forgiven_cents - before.forgiven_cents),
        agreement=after.agreement if after.agreement != before.agreement else None,
        templates=tuple(name for id, name in after.messages.items() if id not in before.messages),
        waits=waits,
        asked=before.asked,
    )
