"""Questions about money whose answer moves what only one person's word vouches for.

That the debtor has the money already, by another way, is a movement of money like a refund: it
goes through a second look, and above the client's limit another person approves it.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import Account, LookOutcome, MoneyException, SecondLook, Staff
from portal.services import money_questions, second_person
from portal.services.answering import noted
from portal.services.ledger import lock_account
from portal.services.money_questions import Decision, Option
from portal.services.second_person import SecondPersonWaits
from portal.services.staff import names_of


def decide(
    session: Session,
    question: MoneyException,
    mark: str,
    note: str,
    *,
    staff: Staff,
    now: datetime,
) -> SecondLook | None:
    """Do what was decided, or let it wait for a second person; the look it went through, if any.

    Locks the account before the question. The caller commits. Raises as ``money_questions.decide``
    and SecondPersonWaits.
    """
    if question.account_id is None:
        money_questions.decide(session, question, mark, note, staff=staff, now=now)
        return None
    account = lock_account(session, question.account_id)
    if (waits := waiting(session, question)) is not None:
        raise SecondPersonWaits(name=names_of(session, [waits.asked_by]).get(waits.asked_by, ""))
    option = money_questions.chosen(session, question, mark)
    if option.decision is not Decision.OUTSIDE:
        money_questions.decide(session, question, mark, note, staff=staff, now=now)
        return None
    act = second_person.given_outside(account, question, option, noted(note))
    return second_person.ask(session, act, staff=staff, now=now)


def waiting(session: Session, question: MoneyException) -> SecondLook | None:
    """The answer to this question that waits for a second person."""
    return session.scalar(
        select(SecondLook).where(
            SecondLook.client_id == question.client_id,
            SecondLook.account_id == question.account_id,
            SecondLook.outcome == LookOutcome.WAITS,
            SecondLook.details["question"].astext == str(question.id),
        )
    )


def needs_second(
    session: Session, question: MoneyException, option: Option, *, now: datetime
) -> bool:
    """Whether one person may not decide this alone."""
    if option.decision is not Decision.OUTSIDE:
        return False
    account = session.get_one(Account, (question.client_id, question.account_id))
    act = second_person.given_outside(account, question, option, "")
    return second_person.needs_second(session, account, act, now=now)
