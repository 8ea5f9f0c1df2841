"""What waits for staff: each queue read from its own index, the day that comes first at the top."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session, aliased

from portal.domain.access import holders
from portal.domain.outgoing import REQUIRED
from portal.domain.statuses import LIVE, InstallmentStatus, ProposalStatus
from portal.domain.waiting import HELP, NAMED, Queue, needed_for, topics_of
from portal.models import (
    Account,
    Arrangement,
    Claim,
    Client,
    Debtor,
    HelpRequest,
    HelpStatus,
    Installment,
    LetterBatch,
    LockOut,
    LookOutcome,
    Message,
    MoneyException,
    Proposal,
    SecondLook,
)
from portal.services.letter_batches import ADDRESS, ON_LIST

PAGE = 50
MOST_COUNTED = 100
"""Counting stops here: what is more is shown as 99+."""

Item = (
    Proposal
    | HelpRequest
    | MoneyException
    | Message
    | Installment
    | LockOut
    | SecondLook
    | LetterBatch
)
Cursor = tuple[str, UUID]
"""The day and the id of the last entry of a page."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the entries of a queue stand: their table, the column of their day, and which wait.

    ``through`` leads from the table to its account; ``account`` None: it is about several.
    ``not_by`` is the column of whoever may not do it.
    """

    table: Any
    day: Any
    since: Any
    open: tuple[ColumnElement[bool], ...]
    account: Any
    through: Callable[[Select[Any]], Select[Any]] = staticmethod(lambda query: query)
    not_by: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One entry of a queue, whose it is, and who has it now.

    ``due_on`` is the day it has, in its client's calendar; None where nobody set one. Letters are
    of no one ``account``.
    """

    queue: Queue
    item: Item
    account: Account | None
    debtor: Debtor | None
    client: Client
    claim: Claim | None
    day: date | datetime
    since: date | datetime

    @property
    def due_on(self) -> date | None:
        """The day that was promised or agreed."""
        return None if isinstance(self.day, datetime) else self.day

    @property
    def reference(self) -> str:
        """What staff call it by: its own reference, or that of its account."""
        own: str | None = getattr(self.item, "reference", None)
        return own or (self.account.reference if self.account else "")

    @property
    def cursor(self) -> Cursor:
        """Where the next page goes on."""
        return self.day.isoformat(), self.item.id


def _through_arrangement(query: Select[Any]) -> Select[Any]:
    return query.join(
        Arrangement,
        and_(
            Arrangement.client_id == Installment.client_id,
            Arrangement.id == Installment.arrangement_id,
            Arrangement.status.in_(LIVE),
            Arrangement.method == "automatic",
        ),
    )


def _helped(queue: Queue) -> Source:
    named = HelpRequest.topic.in_(topics_of(queue))
    return Source(
        table=HelpRequest,
        day=HelpRequest.promised_on,
        since=HelpRequest.opened_at,
        open=(
            HelpRequest.status == HelpStatus.OPENED,
            HelpRequest.topic.not_in(NAMED) if queue is Queue.REQUESTS else named,
        ),
        account=HelpRequest.account_id,
    )


_Addressee = aliased(Debtor)
_NO_ADDRESS = and_(
    ~Message.decided,
    exists().where(
        _Addressee.client_id == Message.client_id,
        _Addressee.id == Message.debtor_id,
        or_(*(func.coalesce(getattr(_Addressee, part.key), "") == "" for part in ADDRESS)),
    ),
)
"""The condition under which a letter cannot be printed for want of somewhere to send it."""

_ANSWER_WAITS = exists().where(
    SecondLook.client_id == MoneyException.client_id,
    SecondLook.account_id == MoneyException.account_id,
    SecondLook.outcome == LookOutcome.WAITS,
    SecondLook.details["question"].astext == cast(MoneyException.id, Text),
)
"""The answer to a question waits for a second person: nobody else has to do anything."""

SOURCES: Mapping[Queue, Source] = {
    Queue.PROPOSALS: Source(
        table=Proposal,
        day=Proposal.answer_due_on,
        since=Proposal.submitted_at,
        open=(Proposal.status == ProposalStatus.SUBMITTED,),
        account=Proposal.account_id,
    ),
    **{queue: _helped(queue) for queue in HELP},
    Queue.CHARGES: Source(
        table=Installment,
        day=Installment.due_on,
        since=Installment.due_on,
        open=(
            Installment.status == InstallmentStatus.FAILED,
            Installment.next_attempt_on.is_(None),
            Installment.dealt_with_at.is_(None),
        ),
        account=Arrangement.account_id,
        through=_through_arrangement,
    ),
    Queue.BOUNCED: Source(
        table=Message,
        day=Message.created_at,
        since=Message.created_at,
        open=(*ON_LIST, Message.template != "link", Message.template.in_(REQUIRED), _NO_ADDRESS),
        account=Message.account_id,
    ),
    Queue.LOCK_OUTS: Source(
        table=LockOut,
        day=LockOut.at,
        since=LockOut.at,
        open=(LockOut.closed_at.is_(None),),
        account=LockOut.account_id,
    ),
    Queue.QUESTIONS: Source(
        table=MoneyException,
        day=MoneyException.opened_at,
        since=MoneyException.opened_at,
        open=(MoneyException.resolved_at.is_(None), ~_ANSWER_WAITS),
        account=MoneyException.account_id,
    ),
    Queue.LOOKS: Source(
        table=SecondLook,
        day=SecondLook.asked_at,
        since=SecondLook.asked_at,
        open=(SecondLook.outcome == LookOutcome.WAITS,),
        account=SecondLook.account_id,
        not_by=SecondLook.asked_by,
    ),
    Queue.LETTERS: Source(
        table=LetterBatch,
        day=LetterBatch.printed_at,
        since=LetterBatch.printed_at,
        open=(LetterBatch.finished_at.is_(None),),
        account=None,
    ),
}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many wait in each queue, up to ``MOST_COUNTED``.

    ``escalated`` proposals are among all; ``letters`` wait to be printed.
    """

    waiting: Mapping[Queue, int]
    escalated: int
    letters: int


def _of(source: Source, *only: ColumnElement[bool]) -> Any:
    """How many entries of a source wait for the clients ``mine``."""
    mine = source.table.client_id.in_(bindparam("mine", expanding=True))
    query = source.through(select(literal(1)).select_from(source.table))
    some = query.where(mine, *source.open, *only).limit(MOST_COUNTED)
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


_LETTERS = replace(SOURCES[Queue.BOUNCED], open=ON_LIST)
_COUNTS = select(
    *(_of(source).label(queue.name) for queue, source in SOURCES.items()),
    _of(SOURCES[Queue.PROPOSALS], Proposal.escalated_at.is_not(None)).label("escalated"),
    _of(_LETTERS).label("letters"),
)


UNCOUNTED = Counts(dict.fromkeys(Queue, 0), 0, 0)
"""For an answer that shows no numbers."""


def counts(session: Session) -> Counts:
    """How much waits everywhere, in one statement that looks at no more than it counts."""
    found = session.execute(_COUNTS, {"mine": _clients(session)}).one()._mapping
    waits = {queue: found[queue.name] for queue in Queue}
    return Counts(waits, found["escalated"], found["letters"])


def waiting(
    session: Session,
    queue: Queue,
    *,
    now: datetime,
    after: Cursor | None = None,
    late: bool = False,
    only: Sequence[ColumnElement[bool]] = (),
) -> Sequence[Waiting]:
    """A page of a queue and one entry more, by day; ``after`` goes on behind an entry.

    ``late``: only those whose day has gone by at ``now``, in their client's calendar; ``only``:
    further conditions.
    """
    source = SOURCES[queue]
    query = entries(session, queue, now=now).where(*only).limit(PAGE + 1)
    if after is not None:
        at = cast(literal(after[0]), source.day.type)
        query = query.where(tuple_(source.day, source.table.id) > tuple_(at, after[1]))
    if late:
        query = query.where(source.day < cast(func.timezone(Client.time_zone, now), Date))
    return [_entry(queue, row) for row in session.execute(query)]


def find(session: Session, queue: Queue, item_id: UUID, *, now: datetime) -> Waiting:
    """One entry that waits. Raises NoResultFound where it does not, or is another client's."""
    here = SOURCES[queue].table.id == item_id
    found = waiting(session, queue, now=now, only=[here])
    if not found:
        raise NoResultFound
    return found[0]


def entries(session: Session, queue: Queue, *, now: datetime) -> Select[Any]:
    """All entries of a queue with account, debtor, client and the claim in force, by day."""
    source, table = SOURCES[queue], SOURCES[queue].table
    held = and_(
        Claim.client_id == table.client_id,
        Claim.queue == queue,
        Claim.item_id == table.id,
        in_force(now),
    )
    several = source.account is None
    about = false() if several else Account.id == source.account
    theirs = and_(Debtor.client_id == Account.client_id, Debtor.id == Account.debtor_id)
    query = select(table, Account, Debtor, Client, Claim, source.day, source.since)
    return (
        source.through(query.select_from(table))
        .join(Account, and_(Account.client_id == table.client_id, about), isouter=several)
        .join(Debtor, theirs, isouter=several)
        .join(Client, Client.id == table.client_id)
        .outerjoin(Claim, held)
        .where(table.client_id.in_(_clients(session)), *source.open)
        .order_by(source.day, table.id)
    )


_WORKERS = case(
    {str(one): array(sorted(holders(needed_for(one)))) for one in Queue}, value=Claim.queue
)
"""The roles that may do the work that a claim is about."""


def in_force(now: datetime) -> ColumnElement[bool]:
    """The condition under which a claim keeps others off."""
    works = func.resolve_works_for(Claim.staff_id, Claim.client_id, _WORKERS)
    lasting = Claim.until.is_(None)
    return or_(and_(~lasting, Claim.until > now), and_(lasting, works))


def _entry(queue: Queue, row: Any) -> Waiting:
    item, account, debtor, client, claim, day, since = row
    return Waiting(
        queue=queue,
        item=item,
        account=account,
        debtor=debtor,
        client=client,
        claim=claim,
        day=day,
        since=since,
    )


def _clients(session: Session) -> Sequence[UUID]:
    return tuple(session.info["client_ids"])
