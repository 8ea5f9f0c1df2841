"""Questions about money that a person decides, and the entries that follow from each decision.

What can be decided is computed from the account as it stands, shown in words with its consequence,
and computed again under the account's lock: what changed in between is refused. What the debtor
got back another way goes by ``question_looks``.
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
from portal.domain.statuses import AccountStatus, AuthorizationStatus
from portal.models import (
    Account,
    Authorization,
    Debtor,
    MoneyException,
    Staff,
)
from portal.services import (
    authorizations,
    evidence,
    forgiveness,
    messages,
    money_answers,
    refunds,
)
from portal.services.answering import noted, over
from portal.services.giving_back import refundable
from portal.services.ledger import TOO_LITTLE, lock_account, lock_row
from portal.services.letters import letter_stops
from portal.services.money_answers import figure_of, payments_of, refused_refund, subject_of

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
    what of an excess is left for a person even then, and what the debtor is said to have already.
    """

    decision: Decision
    balance_cents: Cents
    back_cents: Cents = Cents(0)
    left_cents: Cents = Cents(0)
    outside_cents: Cents = Cents(0)
    reopens: bool = False

    @property
    def mark(self) -> str:
        """What must still be so when it is decided."""
        cents = (self.balance_cents, self.back_cents, self.left_cents, self.outside_cents)
        return ":".join(map(str, (self.decision, *cents)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided: the mark of the option that was shown, why, and for the leaf who said so.

    ``said`` has the actor, and the second look that it went through.
    """

    mark: str
    words: str
    said: evidence.Payload


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
    verdict = Verdict(mark, noted(note), {"actor": evidence.staff(staff.id)})
    account = lock_account(session, question.account_id) if question.account_id else None
    if chosen(session, question, mark).decision is Decision.OUTSIDE:
        raise DecisionNotPossible
    carry_out(session, account, question, verdict, now=now)


def chosen(session: Session, question: MoneyException, mark: str) -> Option:
    """The option that was shown, of a question that is still open; locks it.

    Raises AnsweredBefore, OverMeanwhile, DecisionNotPossible.
    """
    question = lock_row(session, MoneyException, (question.client_id, question.id))
    if question.resolved_at is not None:
        raise over(session, question)
    for option in options(session, question):
        if option.mark == mark:
            return option
    raise DecisionNotPossible


def carry_out(
    session: Session,
    account: Account | None,
    question: MoneyException,
    verdict: Verdict,
    *,
    now: datetime,
) -> None:
    """Do it on a locked account, with one leaf. Raises as ``chosen``."""
    option = chosen(session, question, verdict.mark)
    actor: evidence.Actor = verdict.said["actor"]
    by = UUID(actor["id"]) if actor["kind"] == "staff" else None
    question.resolved_at, question.resolved_by, question.resolution = now, by, verdict.words
    if account is None:
        return
    _ACTS[option.decision](session, account, question, now)
    told = {
        "question": str(question.id),
        "kind": question.kind,
        "reason": verdict.words,
        "decision": str(option.decision),
        "balance_cents": account.balance_cents,
        "back_cents": option.back_cents,
        "currency": account.currency,
        **verdict.said,
    }
    about = {"client_id": account.client_id, "chain_id": account.chain_id}
    evidence.record(session, **about, type="exception.resolved", payload=told, now=now)


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
        after = Cents(account.balance_cents + overpaid)
        yield Option(decision=Decision.OUTSIDE, balance_cents=after, outside_cents=overpaid)


def _applied(session: Session, account: Account, question: MoneyException) -> Option:
    moved = figure_of(question) - account.last_placed_cents
    after = Cents(account.balance_cents + moved)
    too_much = Cents(max(-after - refunds.leaving_cents(session, account), 0))
    reopens = after > 0 and account.status is not AccountStatus.OPEN
    return replace(_giving(session, account, Decision.APPLY, after, too_much), reopens=reopens)


def _giving(
    session: Session, account: Account, decision: Decision, after: Cents, too_much: Cents
) -> Option:
    """What of an excess its payments can give back, and what they cannot."""
    back = min(too_much, sum(refundable(session, one) for one in payments_of(session, account)))
    return Option(
        decision=decision,
        balance_cents=after,
        back_cents=Cents(back),
        left_cents=Cents(too_much - back),
    )


def _again(session: Session, account: Account, question: MoneyException) -> Iterator[Option]:
    """A refund of what is not an excess can be asked for once more."""
    refund, payment = refused_refund(session, question)
    amount = min(refund.amount_cents, refundable(session, payment))
    if refund.cause != forgiveness.OWED_BACK and amount:
        yield Option(
            decision=Decision.ASK_AGAIN,
            balance_cents=account.balance_cents,
            back_cents=Cents(amount),
        )


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
    moves = figure_of(question) != account.last_placed_cents
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
    found = session.get_one(Authorization, subject_of(question))
    granted = found.status is AuthorizationStatus.GRANTED
    lost = authorizations.copy_is_lost(session, found)
    return granted and lost and not authorizations.letter_is_on_list(session, found)


def _explained_otherwise(session: Session, question: MoneyException) -> bool:
    other = select(MoneyException.id).where(
        MoneyException.client_id == question.client_id,
        MoneyException.account_id == question.account_id,
        MoneyException.kind.in_(OVERPAID),
        MoneyException.id != question.id,
        MoneyException.resolved_at.is_(None),
    )
    return session.scalar(other.limit(1)) is not None


_ACTS = {
    Decision.CLOSE: money_answers.close,
    Decision.APPLY: money_answers.apply,
    Decision.GIVE_BACK: money_answers.give_back,
    Decision.OUTSIDE: money_answers.outside,
    Decision.ASK_AGAIN: money_answers.ask_again,
    Decision.LETTER: money_answers.letter,
    Decision.WRITE_OFF: money_answers.write_off,
}
