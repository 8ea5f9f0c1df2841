"""What follows from each decision about a question of money, on its locked account."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.money import Cents
from portal.domain.statuses import PaymentStatus
from portal.models import (
    Account,
    Authorization,
    EntryKind,
    Message,
    MoneyException,
    Payment,
    PaymentPurpose,
    Refund,
)
from portal.services import authorizations, evidence, forgiveness, messages, refunds
from portal.services.arrangements import shorten_to_balance
from portal.services.giving_back import refundable
from portal.services.ledger import close_if_settled, open_exception, post


def refused_refund(session: Session, question: MoneyException) -> tuple[Refund, Payment]:
    """The refund that a question is about, and whose money it is."""
    refund = session.get_one(Refund, subject_of(question))
    return refund, session.get_one(Payment, (refund.client_id, refund.payment_id))


def figure_of(question: MoneyException) -> Cents:
    """The client's figure that a question is about; its source names it."""
    return Cents(int(question.source.rpartition(":")[2]))


def subject_of(question: MoneyException) -> tuple[UUID, UUID]:
    """The key of the row that a question is about; its source names it."""
    return question.client_id, UUID(question.source.split(":")[1])


def payments_of(session: Session, account: Account) -> Sequence[Payment]:
    """What was paid on an account, the newest first."""
    return session.scalars(
        select(Payment)
        .where(
            Payment.client_id == account.client_id,
            Payment.account_id == account.id,
            Payment.status == PaymentStatus.SUCCEEDED,
            Payment.purpose != PaymentPurpose.METHOD,
        )
        .order_by(Payment.settled_at.desc(), Payment.id.desc())
    ).all()


def close(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    """Nothing moves."""


def apply(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    """Post the client's figure by its difference to their last one; older questions are moot."""
    figure = figure_of(question)
    post(
        session,
        account,
        kind=EntryKind.ADJUSTED,
        source=f"question:{question.id}",
        amount_cents=Cents(figure - account.last_placed_cents),
        now=now,
        actor=_decided_by(question),
    )
    account.last_placed_cents = figure
    older = session.scalars(
        select(MoneyException).where(
            MoneyException.client_id == question.client_id,
            MoneyException.account_id == account.id,
            MoneyException.kind == question.kind,
            MoneyException.resolved_at.is_(None),
        )
    )
    for one in older:
        one.resolved_at, one.resolved_by = now, question.resolved_by
        one.resolution = "A newer figure was posted."
    _settle(session, account, question, now)


def _decided_by(question: MoneyException) -> evidence.Actor:
    by = question.resolved_by
    return evidence.staff(by) if by else evidence.SYSTEM


def _settle(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    shorten_to_balance(session, account, now)
    close_if_settled(session, account, now)
    give_back(session, account, question, now)


def give_back(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    """Ask for all that was paid too much, of the newest payments first; a rest is asked about."""
    for payment in payments_of(session, account):
        part = min(refunds.overpaid_cents(session, account), refundable(session, payment))
        if part > 0:
            cause = forgiveness.OWED_BACK
            refunds.give_back(session, payment, Cents(part), cause=cause, now=now)
    if left := refunds.overpaid_cents(session, account):
        open_exception(
            session,
            account,
            kind="paid_too_much",
            source=f"question:{question.id}",
            detail=f"{left} cents were paid too much and cannot go back by themselves.",
            now=now,
        )


def outside(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    """The debtor has the money already, by another way: the books say so."""
    post(
        session,
        account,
        kind=EntryKind.ADJUSTED,
        source=f"question:{question.id}",
        amount_cents=refunds.overpaid_cents(session, account),
        now=now,
        actor=_decided_by(question),
    )


def ask_again(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    """Ask Stripe once more for a refund that it refused."""
    refund, payment = refused_refund(session, question)
    amount = Cents(min(refund.amount_cents, refundable(session, payment)))
    refunds.give_back(session, payment, amount, cause=refund.cause, now=now)


def letter(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    """Send the copy by letter."""
    if question.kind == messages.KEPT_BACK:
        kept = session.get_one(Message, subject_of(question))
        messages.send_by_letter(session, kept, now=now, decided=True)
        return
    found = session.get_one(Authorization, subject_of(question))
    authorizations.send_copy_by_letter(session, account, found, now=now)


def write_off(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    """Forgive what nobody can be charged: a live arrangement ends, and the account is closed."""
    post(
        session,
        account,
        kind=EntryKind.FORGIVEN,
        source=f"question:{question.id}",
        amount_cents=Cents(-account.balance_cents),
        now=now,
        actor=_decided_by(question),
    )
    _settle(session, account, question, now)
