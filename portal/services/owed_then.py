"""What an account owed on a past day, and why: the ledger up to the end of that day.

Decision 0026 keeps what the ledger says on the record, so this is what the account owed, to the
cent. Days are those of the client's calendar.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.money import Cents
from portal.models import Account, Amendment, Arrangement, Client, EntryKind, LedgerEntry
from portal.services.arrangements import installments_of


class NotPlacedYet(DomainError):
    """The account was not here on that day."""

    message = N_("It was not placed yet. The first day is %(first)s.")


class PlacedToday(DomainError):
    """The account came today: none of its days is over."""

    message = N_(
        "It was placed today, so no day is over yet. The account’s page says what is owed."
    )


class DayNotOver(DomainError):
    """The day is today, or has not come: its last movement is not known."""

    message = N_("Choose a day that is over, up to %(last)s. The account’s page says what is owed.")


@dataclass(frozen=True, slots=True)
class Line:
    """One movement, and what was owed after it; more owed is positive."""

    entry: LedgerEntry
    balance_cents: Cents


@dataclass(frozen=True, slots=True)
class Agreed:
    """The arrangement that was in force, with its parts as they stood: day and cents."""

    arrangement: Arrangement
    parts: Sequence[tuple[date, Cents]]


@dataclass(frozen=True, slots=True)
class OwedThen:
    """What was owed at the end of a day: the movements that made it, and the agreement in force."""

    day: date
    placed_cents: Cents
    lines: Sequence[Line]
    agreed: Agreed | None

    @property
    def balance_cents(self) -> Cents:
        """The sum of all movements up to the end of the day."""
        return self.lines[-1].balance_cents if self.lines else self.placed_cents


def owed_on(session: Session, account: Account, day: date, *, now: datetime) -> OwedThen:
    """What an account owed at the end of a day, to the cent.

    Raises PlacedToday, NotPlacedYet, DayNotOver.
    """
    client = session.get_one(Client, account.client_id)
    zone = ZoneInfo(client.time_zone)
    first, today = (at.astimezone(zone).date() for at in (account.placed_at, now))
    if first >= today:
        raise PlacedToday
    if day < first:
        raise NotPlacedYet(first=first)
    if day >= today:
        raise DayNotOver(last=today - timedelta(days=1))
    over = day + timedelta(days=1)
    end = datetime(over.year, over.month, over.day, tzinfo=zone)
    placed, *moved = _entries(session, account, end)
    sums = accumulate((one.amount_cents for one in moved), initial=placed.amount_cents)
    lines = [Line(one, Cents(owed)) for one, owed in zip(moved, list(sums)[1:], strict=True)]
    return OwedThen(day, placed.amount_cents, lines, _agreed(session, account, end))


def _entries(session: Session, account: Account, end: datetime) -> Sequence[LedgerEntry]:
    mine = (LedgerEntry.client_id == account.client_id, LedgerEntry.account_id == account.id)
    first = (LedgerEntry.kind != EntryKind.PLACED, LedgerEntry.at, LedgerEntry.id)
    return session.scalars(
        select(LedgerEntry).where(*mine, LedgerEntry.at < end).order_by(*first)
    ).all()


def _agreed(session: Session, account: Account, end: datetime) -> Agreed | None:
    """The arrangement that had been agreed by then and was not over."""
    found = session.scalars(
        select(Arrangement)
        .where(
            Arrangement.client_id == account.client_id,
            Arrangement.account_id == account.id,
            Arrangement.accepted_at < end,
            or_(Arrangement.ended_at.is_(None), Arrangement.ended_at >= end),
        )
        .order_by(Arrangement.accepted_at.desc())
        .limit(1)
    ).one_or_none()
    return Agreed(found, _parts(session, found, end)) if found else None


def _parts(session: Session, agreed: Arrangement, end: datetime) -> Sequence[tuple[date, Cents]]:
    """The parts as they stood: as the next change found them, else as they are."""
    changed = session.scalars(
        select(Amendment)
        .where(
            Amendment.client_id == agreed.client_id,
            Amendment.arrangement_id == agreed.id,
            Amendment.at >= end,
        )
        .order_by(Amendment.n)
        .limit(1)
    ).one_or_none()
    if changed is None:
        return [(part.due_on, part.amount_cents) for part in installments_of(session, agreed)]
    before = changed.before["parts"]
    return [(date.fromisoformat(one["due_on"]), Cents(one["amount_cents"])) for one in before]
