"""Questions about money that a person decides, and the entries that follow from each decision.

What can be decided is computed from the account as it stands, shown in words with its consequence,
and computed again under the account's lock: what changed in between is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.money import Cents, is_too_little
from portal.domain.statuses import AccountStatus, AuthorizationStatus, PaymentStatus
from portal.models import (
    Account,
    Authorization,
    Debtor,
    EntryKind,
    Message,
    MoneyException,
    Payment,
    PaymentPurpose,
    Refund,
    Staff,
)
from portal.services import authorizations, evidence, forgiveness, messages, refunds
from portal.services.answering import noted, over, tell
from portal.services.arrangements import shorten_to_balance
from portal.services.giving_back import refundable
from portal.services.ledger import (
    TOO_LITTLE,
    close_if_settled,
    lock_account,
    lock_row,
    open_exception,
    post,
)
from portal.services.letters import letter_stops

OVERPAID = ("paid_too_much", "refund_refused", "refund_to_review")
"""The questions that explain why an account is overpaid."""
COPIES = ("copy_not_given", messages.KEPT_BACK)
"""The questions about a copy that a person may send by letter."""


class Decision(StrEnum):
    """What a person can decide; ``CLOSE`` moves nothing."""

    CLOSE = "close"
    APPLY = "apply"
    GIVE_BACK = "give_back"
    OUTSIDE = "outside"
    ASK_AGAIN = "ask_again"
    LETTER = "letter"
    WRITE_OFF = "write_off"


class DecisionNotPossible(DomainError):
    """The account has changed, or this does not answer this question."""

    message = N_("Something has changed since you read this page. Please read it again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One decision and what it does, in cents: the balance after it, what is asked to go back,
    and what of an excess is left for a person even then.
    """

    decision: Decision
    balance_cents: Cents
    back_cents: Cents = Cents(0)
    left_cents: Cents = Cents(0)
    reopens: bool = False

    @property
    def mark(self) -> str:
        """What must still be so when it is decided."""
        return f"{self.decision}:{self.balance_cents}:{self.back_cents}:{self.left_cents}"


def options(session: Session, question: MoneyException) -> Sequence[Option]:
    """What can be decided about a question, as its account stands."""
    if question.account_id is None:
        return [Option(decision=Decision.CLOSE, balance_cents=Cents(0))]
    account = session.get_one(Account, (question.client_id, question.account_id))
    overpaid = refunds.overpaid_cents(session, account)
    closing = Option(decision=Decision.CLOSE, balance_cents=account.balance_cents)
    found = [*_options(session, account, question, overpaid)]
    unexplained = overpaid and not _explained_otherwise(session, question)
    return found if question.kind in OVERPAID and unexplained else [*found, closing]


def decide(
    session: Session,
    question: MoneyException,
    mark: str,
    note: str,
    *,
    staff: Staff,
    now: datetime,
) -> None:
    """Do what was decided, once, with one leaf; the caller commits.

    ``mark`` is that of the option that was shown. Locks the account before the question. Raises
    NoteMissing, AnsweredBefore, OverMeanwhile, DecisionNotPossible.
    """
    words = noted(note)
    account = lock_account(session, question.account_id) if question.account_id else None
    question = lock_row(session, MoneyException, (question.client_id, question.id))
    if question.resolved_at is not None:
        raise over(session, question)
    chosen = {option.mark: option for option in options(session, question)}.get(mark)
    if chosen is None:
        raise DecisionNotPossible
    question.resolved_at, question.resolved_by, question.resolution = now, staff.id, words
    if account is None:
        return
    _ACTS[chosen.decision](session, account, question, now)
    told = {
        "question": str(question.id),
        "kind": question.kind,
        "reason": words,
        "decision": str(chosen.decision),
        "balance_cents": account.balance_cents,
        "back_cents": chosen.back_cents,
        "currency": account.currency,
    }
    tell(session, account, "exception.resolved", told, staff=staff, now=now)


def _options(
    session: Session, account: Account, question: MoneyException, overpaid: Cents
) -> Iterator[Option]:
    if question.kind == "placed_balance" and _counts(session, account, question):
        yield _applied(session, account, question)
    if question.kind in COPIES and _letter_goes(session, account, question):
        yield Option(decision=Decision.LETTER, balance_cents=account.balance_cents)
    if question.kind == TOO_LITTLE and _is_rest(account):
        yield Option(decision=Decision.WRITE_OFF, balance_cents=Cents(0))
    if question.kind == "refund_refused":
        yield from _again(session, account, question)
    if question.kind in OVERPAID and overpaid:
        giving = _giving(session, account, Decision.GIVE_BACK, account.balance_cents, overpaid)
        if giving.back_cents:
            yield giving
        yield Option(
            decision=Decision.OUTSIDE, balance_cents=Cents(account.balance_cents + overpaid)
        )


def _applied(session: Session, account: Account, question: MoneyException) -> Option:
    moved = _figure(question) - account.last_placed_cents
    after = Cents(account.balance_cents + moved)
    too_much = Cents(max(-after - refunds.leaving_cents(session, account), 0))
    reopens = after > 0 and account.status is not AccountStatus.OPEN
    return replace(_giving(session, account, Decision.APPLY, after, too_much), reopens=reopens)


def _giving(
    session: Session, account: Account, decision: Decision, after: Cents, too_much: Cents
) -> Option:
    """What of an excess its payments can give back, and what they cannot."""
    back = min(too_much, sum(refundable(session, one) for one in _payments(session, account)))
    return Option(
        decision=decision,
        balance_cents=after,
        back_cents=Cents(back),
        left_cents=Cents(too_much - back),
    )


def _again(session: Session, account: Account, question: MoneyException) -> Iterator[Option]:
    """A refund of what is not an excess can be asked for once more."""
    refund, payment = _refused(session, question)
    amount = min(refund.amount_cents, refundable(session, payment))
    if refund.cause != forgiveness.OWED_BACK and amount:
        yield Option(
            decision=Decision.ASK_AGAIN,
            balance_cents=account.balance_cents,
            back_cents=Cents(amount),
        )


def _refused(session: Session, question: MoneyException) -> tuple[Refund, Payment]:
    refund = session.get_one(Refund, _subject(question))
    return refund, session.get_one(Payment, (refund.client_id, refund.payment_id))


def _figure(question: MoneyException) -> Cents:
    """The client's figure that a question is about; its source names it."""
    return Cents(int(question.source.rpartition(":")[2]))


def _counts(session: Session, account: Account, question: MoneyException) -> bool:
    """Whether a figure is the client's newest, and nothing has posted it meanwhile."""
    newer = select(MoneyException.id).where(
        MoneyException.client_id == question.client_id,
        MoneyException.account_id == question.account_id,
        MoneyException.kind == question.kind,
        MoneyException.opened_at > question.opened_at,
        MoneyException.resolved_at.is_(None),
    )
    here = account.status is not AccountStatus.RECALLED
    moves = _figure(question) != account.last_placed_cents
    return here and moves and session.scalar(newer.limit(1)) is None


def _is_rest(account: Account) -> bool:
    here = account.status is AccountStatus.OPEN
    return here and is_too_little(account.balance_cents, account.currency)


def _letter_goes(session: Session, account: Account, question: MoneyException) -> bool:
    """Whether a letter helps: not where the postal address is somebody else's, or one waits."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    if letter_stops(session, debtor):
        return False
    if question.kind == messages.KEPT_BACK:
        return True
    found = session.get_one(Authorization, _subject(question))
    granted = found.status is AuthorizationStatus.GRANTED
    lost = authorizations.copy_is_lost(session, found)
    return granted and lost and not authorizations.letter_is_on_list(session, found)


def _subject(question: MoneyException) -> tuple[UUID, UUID]:
    """The key of the row that a question is about; its source names it."""
    return question.client_id, UUID(question.source.split(":")[1])


def _explained_otherwise(session: Session, question: MoneyException) -> bool:
    other = select(MoneyException.id).where(
        MoneyException.client_id == question.client_id,
        MoneyException.account_id == question.account_id,
        MoneyException.kind.in_(OVERPAID),
        MoneyException.id != question.id,
        MoneyException.resolved_at.is_(None),
    )
    return session.scalar(other.limit(1)) is not None


def _payments(session: Session, account: Account) -> Sequence[Payment]:
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


def _close(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    """Nothing moves."""


def _apply(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    """Post the client's figure by its difference to their last one; older questions are moot."""
    figure = _figure(question)
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
    _give_back(session, account, question, now)


def _give_back(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    """Ask for all that was paid too much, of the newest payments first; a rest is asked about."""
    for payment in _payments(session, account):
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


def _outside(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
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


def _ask_again(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    refund, payment = _refused(session, question)
    amount = Cents(min(refund.amount_cents, refundable(session, payment)))
    refunds.give_back(session, payment, amount, cause=refund.cause, now=now)


def _letter(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
    if question.kind == messages.KEPT_BACK:
        kept = session.get_one(Message, _subject(question))
        messages.send_by_letter(session, kept, now=now, decided=True)
        return
    found = session.get_one(Authorization, _subject(question))
    authorizations.send_copy_by_letter(session, account, found, now=now)


def _write_off(session: Session, account: Account, question: MoneyException, now: datetime) -> None:
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


_ACTS = {
    Decision.CLOSE: _close,
    Decision.APPLY: _apply,
    Decision.GIVE_BACK: _give_back,
    Decision.OUTSIDE: _outside,
    Decision.ASK_AGAIN: _ask_again,
    Decision.LETTER: _letter,
    Decision.WRITE_OFF: _write_off,
}
