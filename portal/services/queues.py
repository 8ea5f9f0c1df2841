"""What waits for staff, the oldest first: proposals, help, calls and questions about money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, and_, cast, func, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.help import UNCLEAR_TEXT, kept_words
from portal.domain.statuses import ProposalStatus
from portal.models import (
    Account,
    Client,
    Debtor,
    HelpRequest,
    HelpStatus,
    MoneyException,
    Proposal,
    Staff,
)
from portal.services import call_me, evidence

MOST = 100
BY_HAND = (call_me.TOPIC, UNCLEAR_TEXT)
"""Topics of requests whose debtor is still to be found out: closed with a note, not answered."""


class NoteMissing(DomainError):
    """What was done needs a note, for whoever asks later."""

    message = N_("Write what you did, and why.")


class AnsweredBefore(DomainError):
    """Somebody else was faster."""

    message = N_("Somebody answered this in the meantime.")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One entry of a queue with its account and whose it is."""

    item: Proposal | HelpRequest | MoneyException
    account: Account | None
    debtor: Debtor | None
    client: Client


@dataclass(frozen=True, slots=True)
class Counts:
    """How many wait in each queue; ``escalated`` proposals are among all."""

    proposals: int
    escalated: int
    requests: int
    calls: int
    questions: int


def counts(session: Session) -> Counts:
    """How many entries each queue has."""
    mine = _clients(session)

    def number(query: Select[int]) -> int:
        return session.scalar(query) or 0

    def helped(calls: bool) -> Select[int]:
        return select(func.count()).select_from(HelpRequest).where(_open_help(mine, calls=calls))

    return Counts(
        proposals=number(select(func.count()).select_from(Proposal).where(*_open_proposals(mine))),
        escalated=number(
            select(func.count())
            .select_from(Proposal)
            .where(*_open_proposals(mine), Proposal.escalated_at.is_not(None))
        ),
        requests=number(helped(calls=False)),
        calls=number(helped(calls=True)),
        questions=number(
            select(func.count()).select_from(MoneyException).where(*_open_questions(mine))
        ),
    )


def proposals(session: Session, *, late_at: datetime | None = None) -> Sequence[Waiting]:
    """Proposals that nobody has answered, by the day that was promised.

    ``late_at``: only those whose day has gone by at this instant, in their client's calendar.
    """
    query = _with_account(select(Proposal, Account, Debtor, Client), Proposal)
    query = query.where(*_open_proposals(_clients(session)))
    if late_at is not None:
        today = cast(func.timezone(Client.time_zone, late_at), Date)
        query = query.where(Proposal.answer_due_on < today)
    order = (Proposal.answer_due_on, Proposal.submitted_at, Proposal.id)
    rows = session.execute(query.order_by(*order).limit(MOST))
    return [Waiting(*row) for row in rows]


def requests(session: Session, *, calls: bool = False) -> Sequence[Waiting]:
    """Help requests without an answer, by the day that was promised; ``calls``: of ``BY_HAND``."""
    query = _with_account(select(HelpRequest, Account, Debtor, Client), HelpRequest)
    query = query.where(_open_help(_clients(session), calls=calls))
    order = (HelpRequest.promised_on, HelpRequest.opened_at, HelpRequest.id)
    rows = session.execute(query.order_by(*order).limit(MOST))
    return [Waiting(*row) for row in rows]


def questions(session: Session) -> Sequence[Waiting]:
    """Questions about money that nobody has answered, the oldest first."""
    query = (
        select(MoneyException, Account, Debtor, Client)
        .join(Client, Client.id == MoneyException.client_id)
        .outerjoin(
            Account,
            and_(
                Account.client_id == MoneyException.client_id,
                Account.id == MoneyException.account_id,
            ),
        )
        .outerjoin(
            Debtor, and_(Debtor.client_id == Account.client_id, Debtor.id == Account.debtor_id)
        )
        .where(*_open_questions(_clients(session)))
        .order_by(MoneyException.opened_at, MoneyException.id)
        .limit(MOST)
    )
    return [Waiting(*row) for row in session.execute(query)]


def _with_account(query: Select[Any, Account, Debtor, Client], table: Any) -> Any:
    return (
        query.join(
            Account, and_(Account.client_id == table.client_id, Account.id == table.account_id)
        )
        .join(Debtor, and_(Debtor.client_id == Account.client_id, Debtor.id == Account.debtor_id))
        .join(Client, Client.id == Account.client_id)
    )


def _open_proposals(mine: Sequence[UUID]) -> tuple[ColumnElement[bool], ...]:
    return (Proposal.client_id.in_(mine), Proposal.status == ProposalStatus.SUBMITTED)


def _open_help(mine: Sequence[UUID], *, calls: bool) -> ColumnElement[bool]:
    topic = HelpRequest.topic.in_(BY_HAND)
    return and_(
        HelpRequest.client_id.in_(mine),
        HelpRequest.status == HelpStatus.OPENED,
        topic if calls else ~topic,
    )


def _open_questions(mine: Sequence[UUID]) -> tuple[ColumnElement[bool], ...]:
    return (MoneyException.client_id.in_(mine), MoneyException.resolved_at.is_(None))


def _clients(session: Session) -> Sequence[UUID]:
    return tuple(session.info["client_ids"])


def close_call(
    session: Session, request: HelpRequest, note: str, *, staff: Staff, now: datetime
) -> None:
    """Close a call that was made, or tried, or a text, with a note; the caller commits.

    Raises NoteMissing, AnsweredBefore.
    """
    words = noted(note)
    session.refresh(request, with_for_update=True)
    if request.status is not HelpStatus.OPENED:
        raise AnsweredBefore
    request.status, request.answered_at, request.answered_by = HelpStatus.CLOSED, now, staff.id
    told = {"request": str(request.id), "reason": words}
    account = session.get_one(Account, (request.client_id, request.account_id))
    tell(session, account, "help.closed", told, staff=staff, now=now)


def noted(note: str) -> str:
    """A note, fit to keep. Raises NoteMissing, TextTooLong, CardNumberTyped (PC-01)."""
    if not (words := kept_words(note)):
        raise NoteMissing
    return words


def tell(
    session: Session,
    account: Account,
    kind: str,
    told: evidence.Payload,
    *,
    staff: Staff,
    now: datetime,
) -> None:
    """Write what a member of staff did on the chain of an account."""
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=kind,
        payload={**told, "actor": evidence.staff(staff.id)},
        now=now,
    )
