"""The rest of somebody who cannot pay now: a hold with an end, and a plan that waits for it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select, true
from sqlalchemy.orm import Session

from portal.domain import DomainError
from portal.domain import amendments as law
from portal.domain.amendments import Change
from portal.domain.holds import HoldKind
from portal.domain.policy import Keeping
from portal.domain.rests import SOURCE, TOLD_BEFORE, Rules
from portal.domain.statuses import LIVE
from portal.models import Account, Amendment, Arrangement, Debtor, Hold, Installment, Message
from portal.services import evidence, notices
from portal.services.amending import refuse_moving
from portal.services.amendment_record import Act, apply, new_row
from portal.services.arrangements import UNPAID, arrangement_of, installments_of, lock_parts
from portal.services.breaking import is_charged
from portal.services.evidence import Actor
from portal.services.keeping import policy_of
from portal.services.ledger import lock_account
from portal.services.policies import live_version
from portal.services.running import read_running
from portal.services.standing import lift_hold, move_end, today_of, zone_of

ENDING = "rest_ends"
BATCH = 100
ENDED_BY_DEBTOR = "debtor_ended"
DATED = (Change.MOVED, Change.REPLANNED)
"""The changes in which a debtor chooses a date."""


def ends_at(session: Session, account: Account, answer_by: date, now: datetime) -> datetime:
    """When a rest that a debtor asks for now ends; ``answer_by``: the promised day of an answer."""
    earlier = session.scalars(
        select(Hold.starts_at).where(
            Hold.client_id == account.client_id,
            Hold.account_id == account.id,
            Hold.kind == HoldKind.HARDSHIP,
            Hold.source.startswith(SOURCE),
        )
    )
    return _rules(session, account, now).ends_at(earlier, answer_by, now)


def rest_of(session: Session, account: Account, now: datetime) -> Hold | None:
    """The rest of an account that is on now and ends last; None where there is none."""
    return session.scalars(
        select(Hold)
        .where(
            Hold.client_id == account.client_id,
            Hold.account_id == account.id,
            Hold.kind == HoldKind.HARDSHIP,
            Hold.lifted_at.is_(None),
            Hold.ends_at > now,
        )
        .order_by(Hold.ends_at.desc(), Hold.id)
        .limit(1)
    ).first()


def end(session: Session, account: Account, *, now: datetime) -> bool:
    """End the rests of an account as its debtor wants; False where none is on. Caller commits."""
    account = lock_account(session, account.id)
    actor, ended = evidence.debtor(account.debtor_id), False
    while (hold := rest_of(session, account, now)) is not None:
        lift_hold(session, hold, reason=ENDED_BY_DEBTOR, actor=actor, now=now)
        session.flush()
        ended = True
    return ended


def let_end(
    session: Session, hold: Hold, to: date, *, reason: str, by: UUID, now: datetime
) -> None:
    """Shorten or lengthen a rest, by a member of staff; its plan waits as long.

    Raises RestTooLong, RestEndsInPast, HoldLifted.
    """
    account = lock_account(session, hold.account_id)
    moved = end_on(session, account, hold.starts_at, to, now)
    move_end(session, hold, moved, reason=reason, by=by, now=now)
    move_plan(session, account, hold, actor=evidence.staff(by), now=now)


def end_on(
    session: Session, account: Account, began: datetime, to: date, now: datetime
) -> datetime:
    """When a rest that began then ends, if on this day. Raises RestTooLong, RestEndsInPast."""
    return _rules(session, account, now).moved(began, to)


def move_plan(
    session: Session, account: Account, hold: Hold, *, actor: Actor, now: datetime
) -> None:
    """Give the parts of a running plan that a rest covers later dates, on the record.

    Nothing moves while money is on its way, which ``move_later`` makes up for, or where a
    settlement could not wait so long; then the hold alone keeps the plan. The account is locked by
    the caller.
    """
    agreed = arrangement_of(session, account)
    if agreed is None or agreed.status not in LIVE or hold.ends_at is None:
        return
    with suppress(DomainError):
        refuse_moving(session, account)
        parts = lock_parts(session, agreed)
        change = _change(session, account, agreed, parts, hold.ends_at, now)
        if change is None:
            return
        act = Act(session, account, agreed, actor, now)
        apply(act, parts, change, new_row(act, change), {"hold": str(hold.id)})
        for part in lock_parts(session, agreed):
            part.told_on = part.late_since = None


def would_move(session: Session, account: Account, ends_at: datetime, now: datetime) -> bool:
    """Whether a rest until then gives a running plan later dates."""
    agreed = arrangement_of(session, account)
    if agreed is None or agreed.status not in LIVE:
        return False
    parts = installments_of(session, agreed)
    with suppress(DomainError):
        return _change(session, account, agreed, parts, ends_at, now) is not None
    return False


def _change(  # noqa: PLR0913
    session: Session,
    account: Account,
    agreed: Arrangement,
    parts: Sequence[Installment],
    ends_at: datetime,
    now: datetime,
) -> law.Amendment | None:
    plan, _ = read_running(session, account, agreed, parts, now=now)
    if is_charged(session, account, agreed):
        plan = replace(plan, waiting=False)  # a first payment that we take moves as any other
    return law.rest(plan, _day_of_end(session, account, ends_at))


def unmoved(
    session: Session, client_id: UUID, *, now: datetime, after: UUID | None = None
) -> Sequence[UUID]:
    """Up to a batch of rests whose plans still have parts that are due before their end, by id.

    What their debtor has chosen a date for since then stays as it is.
    """
    rows = session.scalars(
        select(Hold.id)
        .join(
            Arrangement,
            (Arrangement.client_id == Hold.client_id) & (Arrangement.account_id == Hold.account_id),
        )
        .where(
            Hold.client_id == client_id,
            Hold.kind == HoldKind.HARDSHIP,
            Hold.lifted_at.is_(None),
            Hold.ends_at > now,
            Arrangement.status.in_(LIVE),
            exists().where(
                Installment.client_id == Arrangement.client_id,
                Installment.arrangement_id == Arrangement.id,
                Installment.status.in_(UNPAID),
                Installment.due_on < Hold.ends_at,
            ),
            ~exists().where(
                Amendment.client_id == Arrangement.client_id,
                Amendment.arrangement_id == Arrangement.id,
                Amendment.kind.in_(DATED),
                Amendment.at > Hold.starts_at,
            ),
            Hold.id > after if after else true(),
        )
        .order_by(Hold.id)
        .limit(BATCH)
    )
    return rows.all()


def move_later(session: Session, client_id: UUID, hold_id: UUID, *, now: datetime) -> None:
    """Move a plan that could not be moved when its rest began; the caller commits."""
    hold = session.get_one(Hold, (client_id, hold_id))
    account = lock_account(session, hold.account_id)
    session.refresh(hold)
    if hold.lifted_at is None and hold.ends_at is not None and hold.ends_at > now:
        move_plan(session, account, hold, actor=evidence.SYSTEM, now=now)


def ending(
    session: Session, client_id: UUID, *, now: datetime, after: UUID | None = None
) -> Sequence[UUID]:
    """Up to a batch of rests that end soon, by id."""
    rows = session.scalars(
        select(Hold.id)
        .where(
            Hold.client_id == client_id,
            Hold.kind == HoldKind.HARDSHIP,
            Hold.lifted_at.is_(None),
            Hold.ends_at.between(now, now + TOLD_BEFORE),
            Hold.id > after if after else true(),
        )
        .order_by(Hold.id)
        .limit(BATCH)
    )
    return rows.all()


def tell(session: Session, client_id: UUID, hold_id: UUID, *, now: datetime) -> Sequence[Message]:
    """Tell a debtor once that a rest ends, and on which day; the caller commits."""
    hold = session.get_one(Hold, (client_id, hold_id))
    account = lock_account(session, hold.account_id)
    last = rest_of(session, account, now)
    if last is None or last.id != hold.id or hold.ends_at is None:
        return ()
    fact = f"rest:{hold.id}:{_day_of_end(session, account, hold.ends_at)}"
    return notices.tell(session, account, ENDING, fact=fact, now=now)


def latest_end(session: Session, account: Account, hold: Hold, now: datetime) -> date:
    """The last day on which a person may let a rest end."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    return _rules(session, account, now).latest(today_of(debtor, hold.starts_at))


def _day_of_end(session: Session, account: Account, at: datetime) -> date:
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    return at.astimezone(ZoneInfo(zone_of(debtor))).date()


def _rules(session: Session, account: Account, now: datetime) -> Rules:
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    return Rules(_days(session, account, now), zone_of(debtor), today_of(debtor, now))


def _days(session: Session, account: Account, now: datetime) -> int:
    """The client's days of rest, by the limits of the agreement, else by those in force."""
    agreed = arrangement_of(session, account)
    if agreed is not None and agreed.status in LIVE:
        policy = policy_of(session, agreed)
    else:
        live = live_version(session, account.client_id, now)
        policy = live.policy if live else None
    return (policy.keeping if policy else Keeping()).pause_days
