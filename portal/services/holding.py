"""Holds that staff set by hand: with a day to look again, and an end where the law lets one be."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.holds import MAY_END, HoldKind
from portal.models import Account, Client, Debtor, Hold, Staff
from portal.services import evidence, rests
from portal.services.ledger import lock_account
from portal.services.staff import names_of
from portal.services.standing import (
    close_pages,
    holds_in_force,
    lift_hold,
    move_end,
    set_hold,
    today_of,
    zone_of,
)

SOURCE = "staff"
UNDO = timedelta(minutes=10)
"""For how long a hold that was set by mistake is undone without a reason."""
UNDONE = "undone"
MOST_HOLDS = 200
"""Of so many newest holds of an account it is looked up who set one."""
AHEAD = timedelta(days=365)
"""How far ahead a hold may end, or be looked at again."""


class EndsWithAPerson(DomainError):
    """A hold that only a person ends was given an end."""

    message = N_("This hold has no end of its own: a person lifts it. Leave the end empty.")


class EndsInPast(DomainError):
    """A hold would end, or be looked at, on a day that is over."""

    message = N_("Choose a day after today.")


class HeldAlready(DomainError):
    """An account is held already for what it was to be held for."""

    message = N_(
        "It is held for this already, so nothing was changed. What you typed is still here."
    )


class TooFarAhead(DomainError):
    """A hold would end, or be looked at, so late that nobody would."""

    message = N_("Choose a day within a year: up to %(last)s.")


class UndoneBefore(DomainError):
    """The hold is not in force any more."""

    message = N_("This hold is over already: it was undone or lifted.")


class TooLateToUndo(DomainError):
    """A hold that has counted for a while, or that nobody set by hand."""

    message = N_("It cannot be undone any more. Lift it, with the reason.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which hold, why, until which day if it ends by itself, and when to look at it again."""

    kind: HoldKind
    reason: str
    ends_on: date | None = None
    review_on: date | None = None


def hold_account(
    session: Session, account: Account, wanted: Wanted, *, staff: Staff, now: datetime
) -> Hold:
    """Hold an account from now on; a plan waits for a rest that ends. The caller commits.

    Raises HeldAlready, EndsWithAPerson, EndsInPast, TooFarAhead, RestTooLong, RestEndsInPast.
    """
    account = lock_account(session, account.id)
    if held_by_hand(session, account, wanted.kind, now) is not None:
        raise HeldAlready
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    if wanted.review_on is not None:
        _check_day(wanted.review_on, today_of(debtor, now))
    ends_at = _end(session, account, wanted.kind, wanted.ends_on, now, began=now)
    actor = evidence.staff(staff.id)
    hold = set_hold(
        session,
        account,
        wanted.kind,
        source=SOURCE,
        evidence=wanted.reason,
        review_on=wanted.review_on,
        ends_at=ends_at,
        now=now,
        actor=actor,
    )
    if wanted.kind is HoldKind.HARDSHIP and ends_at is not None:
        close_pages(session, account)
        rests.move_plan(session, account, hold, actor=actor, now=now)
    return hold


def held_by_hand(session: Session, account: Account, kind: HoldKind, now: datetime) -> Hold | None:
    """The hold of this kind that somebody set by hand and that is in force."""
    holds = holds_in_force(session, account, now)
    return next((one for one in holds if (one.kind, one.source) == (kind, SOURCE)), None)


def set_by(session: Session, account: Account, hold: Hold) -> tuple[str, date]:
    """Who set a hold, by name, and on which day of the client's; no name where that was erased."""
    zone = ZoneInfo(session.get_one(Client, account.client_id).time_zone)
    since = hold.starts_at.astimezone(zone).date()
    span = evidence.Span(types=["hold.set"])
    for leaf in evidence.some_leaves(session, account, span, most=MOST_HOLDS):
        actor = leaf.payload.get("actor", {})
        if leaf.payload.get("hold") == str(hold.id) and actor.get("kind") == "staff":
            by = UUID(actor["id"])
            return names_of(session, [by]).get(by, ""), since
    return "", since


def let_end(
    session: Session, hold: Hold, to: date, *, reason: str, staff: Staff, now: datetime
) -> None:
    """Let a hold end on another day, sooner or later, with the reason; the caller commits.

    Raises EndsWithAPerson, EndsInPast, TooFarAhead, RestTooLong, RestEndsInPast, HoldLifted.
    """
    kind = HoldKind(hold.kind)
    if kind is HoldKind.HARDSHIP:
        rests.let_end(session, hold, to, reason=reason, by=staff.id, now=now)
        return
    account = lock_account(session, hold.account_id)
    ends_at = _end(session, account, kind, to, now, began=hold.starts_at)
    if ends_at is not None:
        move_end(session, hold, ends_at, reason=reason, by=staff.id, now=now)


def _end(  # noqa: PLR0913
    session: Session,
    account: Account,
    kind: HoldKind,
    to: date | None,
    now: datetime,
    *,
    began: datetime,
) -> datetime | None:
    """The midnight in which a hold ends for the debtor."""
    if to is None:
        return None
    if kind not in MAY_END:
        raise EndsWithAPerson
    if kind is HoldKind.HARDSHIP:
        return rests.end_on(session, account, began, to, now)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    _check_day(to, today_of(debtor, now))
    return datetime.combine(to, time(), ZoneInfo(zone_of(debtor)))


def _check_day(day: date, today: date) -> None:
    if day <= today:
        raise EndsInPast
    if day > (last := today + AHEAD):
        raise TooFarAhead(last=last)


def may_undo(hold: Hold, now: datetime) -> bool:
    """Whether a hold was set by hand just now."""
    return hold.source == SOURCE and hold.lifted_at is None and now < hold.starts_at + UNDO


def undo(session: Session, hold: Hold, *, staff: Staff, now: datetime) -> None:
    """Take back a hold that was set by mistake a few minutes ago; the caller commits.

    Dates of a plan that moved stay moved. Raises UndoneBefore, TooLateToUndo.
    """
    lock_account(session, hold.account_id)
    session.refresh(hold)
    if hold.lifted_at is not None:
        raise UndoneBefore
    if not may_undo(hold, now):
        raise TooLateToUndo
    lift_hold(session, hold, reason=UNDONE, by=staff.id, now=now)
