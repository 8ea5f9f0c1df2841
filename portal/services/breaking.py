"""Late parts: their debtor is told once, and only after the client's patience it ends."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, func, or_, select, true
from sqlalchemy.orm import Session

from portal.domain import curing
from portal.domain.holds import Capability
from portal.domain.outgoing import Rule
from portal.domain.statuses import (
    LIVE,
    ArrangementStatus,
    InstallmentStatus,
    MessageStatus,
)
from portal.models import Account, Arrangement, Channel, Client, Debtor, Installment, Message
from portal.services import arrangements, messages, notices, tries
from portal.services.arrangements import said_part
from portal.services.charging import LATEST
from portal.services.evidence import Payload
from portal.services.fulfilling import lock_installments
from portal.services.keeping import Patience, due_part, read_patience
from portal.services.ledger import lock_account, lock_row, open_exception
from portal.services.payments import open_attempt
from portal.services.standing import holds_in_force, standing, today_of

BATCH = 100
MISSED = "payment_missed"
TOLD = (tries.TOLD_OF_FAILURE, MISSED)
NOT_TOLD = "late_not_told"
"""The kind of question that a late part raises of which no message can tell its debtor."""
ON_THEIR_WAY = (MessageStatus.QUEUED, MessageStatus.DEFERRED, MessageStatus.SENDING)
LOST = (MessageStatus.SUPPRESSED, MessageStatus.FAILED)
OPEN = (InstallmentStatus.SCHEDULED, InstallmentStatus.FAILED)


def late(
    session: Session, client_id: UUID, *, now: datetime, after: UUID | None = None
) -> Sequence[UUID]:
    """Up to a batch of running arrangements that may have late parts, by id.

    By the calendar that is furthest ahead: ``look_after`` asks the debtor's own.
    """
    today = (now + timedelta(hours=14)).date()
    part = exists().where(
        Installment.client_id == Arrangement.client_id,
        Installment.arrangement_id == Arrangement.id,
        Installment.status.in_(OPEN),
        or_(Installment.due_on < today, Installment.status == InstallmentStatus.FAILED),
    )
    return session.scalars(
        select(Arrangement.id)
        .where(
            Arrangement.client_id == client_id,
            Arrangement.status.in_(LIVE),
            part,
            Arrangement.id > after if after else true(),
        )
        .order_by(Arrangement.id)
        .limit(BATCH)
    ).all()


def look_after(session: Session, client_id: UUID, arrangement_id: UUID, *, now: datetime) -> bool:
    """Tell a debtor once of what is late, and end the arrangement after its last day; True then.

    One that waits for its first payment is told of what we did not take, and ends by another rule.

    Nothing happens while money is on its way, a hold stands, or the record is in doubt. It never
    ends before its debtor had the message, and some days after it.
    """
    agreed = session.get_one(Arrangement, (client_id, arrangement_id))
    account = lock_account(session, agreed.account_id)
    agreed = lock_row(session, Arrangement, (client_id, arrangement_id))
    if agreed.status not in LIVE or _rests(session, account, agreed, now):
        return False
    waiting = agreed.status != ArrangementStatus.ACTIVE
    if waiting and not is_charged(session, account, agreed):
        return False
    parts = lock_installments(session, agreed)
    debtor = session.get_one(Debtor, (client_id, account.debtor_id))
    today = today_of(debtor, now)
    _tell_missed(session, account, agreed, parts, today=today, now=now)
    if waiting or _is_lost(session, account, parts, today=today, now=now):
        return False
    if (waits_since := _waits_since(session, account)) is not None:
        _tell_again(parts, today_of(debtor, waits_since), today)
        return False
    patience = read_patience(session, account, agreed, now=now)
    until = patience.ends_after
    if until is None or until >= today:
        return False
    facts = _facts(patience, parts, until) | {"balance_cents": account.balance_cents}
    arrangements.break_off(session, account, agreed, facts=facts, now=now)
    return True


def _rests(session: Session, account: Account, agreed: Arrangement, now: datetime) -> bool:
    """Whether nothing is expected of the debtor now, or money is on its way."""
    allowed = standing(session, account, now)
    needed = arrangements.needs_of(agreed.method)
    return (
        open_attempt(session, account.id) is not None
        or bool(holds_in_force(session, account, now))
        or session.get_one(Client, account.client_id).frozen_at is not None
        or not all(allowed.of(one).allowed for one in (*needed, Capability.SEND))
    )


def _tell_missed(
    session: Session,
    account: Account,
    agreed: Arrangement,
    parts: Sequence[Installment],
    *,
    today: date,
    now: datetime,
) -> None:
    """One message about all parts that are late and of which nobody has told their debtor."""
    late = [part for part in parts if due_part(part).is_late(today)]
    ours = {part.id for part in late if _is_ours(session, account, agreed, part)}
    missed = [part for part in late if _is_missed(part, today, ours=part.id in ours)]
    for part in missed:
        if part.id in ours and not part.attempts:
            part.late_since = today
        part.next_attempt_on, part.told_on = None, today
    if missed:
        fact = f"missed:{missed[0].id}:{today}"
        notices.tell(session, account, MISSED, fact=fact, now=now)


def _is_lost(
    session: Session,
    account: Account,
    parts: Sequence[Installment],
    *,
    today: date,
    now: datetime,
) -> bool:
    """Whether the message about what is late came to nothing: it goes by letter instead.

    Where no letter may leave either, nobody was told, and a person has the question.
    """
    late = [part for part in parts if part.told_on and due_part(part).is_late(today)]
    newest = _newest_message(session, account) if late else None
    if newest is None or newest.status not in LOST or newest.rule == Rule.OUT_OF_DATE:
        return False
    fact = f"missed:{late[0].id}"
    if newest.channel == Channel.LETTER and newest.rule in messages.CLOSED_ADDRESS:
        open_exception(
            session,
            account,
            kind=NOT_TOLD,
            source=fact,
            detail="No message can tell that this payment is late, so the plan goes on.",
            now=now,
        )
        return True
    for part in late:
        part.told_on = today
    messages.queue(
        session,
        session.get_one(Debtor, (account.client_id, account.debtor_id)),
        template=MISSED,
        context={"account": str(account.id), "missed": str(late[0].id)},
        account=account,
        channel=Channel.LETTER,
        dedupe_key=f"{MISSED}:{fact}:{today}{messages.BESIDE}",
        now=now,
    )
    return True


def _newest_message(session: Session, account: Account) -> Message | None:
    """The last one about what is late."""
    return session.scalars(
        select(Message)
        .where(
            Message.client_id == account.client_id,
            Message.account_id == account.id,
            Message.template.in_(TOLD),
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def _tell_again(parts: Sequence[Installment], waits_since: date, today: date) -> None:
    """Nobody was told before the message leaves, so the days count from then."""
    for part in parts:
        if part.told_on is not None and part.told_on >= waits_since:
            part.told_on = today


def is_charged(session: Session, account: Account, agreed: Arrangement) -> bool:
    """Whether due parts are charged by ourselves, so that it is not the debtor who misses one."""
    return tries.usable(session, account, agreed) is not None


def _is_ours(session: Session, account: Account, agreed: Arrangement, part: Installment) -> bool:
    """Whether that part was charged by ourselves on its day: nobody's bank had asked for them."""
    on = due_part(part).taken_on
    return tries.takes(session, account, agreed, part, on=on) is not None


def _is_missed(part: Installment, today: date, *, ours: bool) -> bool:
    """Whether a debtor must be told of a late part: its day is over, or a try was not made."""
    if part.told_on is not None:
        return part.next_attempt_on is not None and part.next_attempt_on + LATEST < today
    untried = ours and part.status == InstallmentStatus.SCHEDULED
    return not untried or due_part(part).taken_on + LATEST < today


def _waits_since(session: Session, account: Account) -> datetime | None:
    """Since when a message about what is late has been waiting to leave."""
    return session.scalar(
        select(func.min(Message.created_at)).where(
            Message.client_id == account.client_id,
            Message.account_id == account.id,
            Message.template.in_(TOLD),
            Message.status.in_(ON_THEIR_WAY),
        )
    )


def _facts(patience: Patience, parts: Sequence[Installment], until: date) -> Payload:
    today = patience.times.today
    return {
        "until_on": until.isoformat(),
        "failures": patience.keeping.failures,
        "grace_days": patience.keeping.grace_days,
        "in_a_row": curing.in_a_row(patience.parts, today),
        "late": [
            said_part(part) | {"late_since": (part.late_since or part.due_on).isoformat()}
            for part in parts
            if due_part(part).is_late(today)
        ],
        "paid_cents": sum(part.paid_cents for part in parts),
    }
