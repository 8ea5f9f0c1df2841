"""What a client sees of its own accounts and money: lists by key, and totals from the ledger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.money import Cents
from portal.domain.statuses import LIVE, AccountStatus
from portal.models import (
    Account,
    Arrangement,
    Client,
    Debtor,
    EntryKind,
    LedgerEntry,
    Payment,
    Placement,
    PlacementRow,
)
from portal.services.ledger import MONEY

PAGE = 50
AT_ONCE = 1_000
LONGEST_DAYS = 366


class RangeUnclear(DomainError):
    """The last day is before the first, or there are too many days between them."""

    message = N_("Choose a first and a last day, at most %(days)s days apart.")


@dataclass(frozen=True, slots=True)
class Listed:
    """One account of a list, with its live arrangement."""

    account: Account
    debtor: Debtor
    arrangement: Arrangement | None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; ``after`` is the key that the next part begins after, None at the end."""

    rows: Sequence[Listed]
    after: str | None


def accounts_page(
    session: Session,
    client_id: UUID,
    *,
    status: AccountStatus | None,
    after: str = "",
    size: int = PAGE,
) -> Page:
    """A client's accounts in the order of their references, from a key on."""
    query = _accounts(client_id, status).where(Account.reference > after).limit(size + 1)
    rows = [Listed(*row) for row in session.execute(query)]
    more = len(rows) > size
    return Page(rows[:size], rows[size - 1].account.reference if more else None)


def _accounts(
    client_id: UUID, status: AccountStatus | None
) -> Select[Account, Debtor, Arrangement]:
    live = and_(
        Arrangement.client_id == Account.client_id,
        Arrangement.account_id == Account.id,
        Arrangement.status.in_(LIVE),
    )
    query = (
        select(Account, Debtor, Arrangement)
        .join(Debtor, and_(Debtor.client_id == Account.client_id, Debtor.id == Account.debtor_id))
        .outerjoin(Arrangement, live)
        .where(Account.client_id == client_id)
        .order_by(Account.reference)
    )
    return query if status is None else query.where(Account.status == status)


def every_account(
    session: Session, client_id: UUID, *, status: AccountStatus | None
) -> Iterator[Listed]:
    """All of a client's accounts, read part by part."""
    after: str | None = ""
    while after is not None:
        part = accounts_page(session, client_id, status=status, after=after, size=AT_ONCE)
        yield from part.rows
        after = part.after
        session.expunge_all()


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a report, both included, as instants of their time zone."""

    first: date
    last: date
    begins_at: datetime
    ends_at: datetime


def span(client: Client, first: date, last: date) -> Span:
    """The days from first to last in the client's time zone. Raises RangeUnclear."""
    return days_in(client.time_zone, first, last)


def days_in(time_zone: str, first: date, last: date) -> Span:
    """The days from first to last in a time zone, by its IANA name. Raises RangeUnclear."""
    if not timedelta(0) <= last - first <= timedelta(days=LONGEST_DAYS):
        raise RangeUnclear(days=LONGEST_DAYS)
    if last == date.max:
        raise RangeUnclear(days=LONGEST_DAYS)
    zone = ZoneInfo(time_zone)
    begins_at = datetime.combine(first, time(), zone)
    return Span(first, last, begins_at, datetime.combine(last + timedelta(days=1), time(), zone))


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of money: ``received_cents`` is positive where it came in."""

    id: UUID
    at: datetime
    kind: EntryKind
    account_reference: str
    payment_reference: str
    currency: str
    received_cents: Cents
    offer_key: str | None
    arrangement_reference: str | None


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of the movements of one kind and offer in one currency."""

    currency: str
    kind: EntryKind
    offer_key: str | None
    number: int
    received_cents: Cents


def movements(
    session: Session,
    client_id: UUID,
    days: Span,
    *,
    after: tuple[datetime, UUID] | None = None,
    size: int = PAGE,
) -> Sequence[Movement]:
    """Money that moved, in order of time, from a key on."""
    query = _money(
        client_id,
        days,
        LedgerEntry.id,
        LedgerEntry.at,
        LedgerEntry.kind,
        Account.reference,
        Payment.reference,
        Account.currency,
        -LedgerEntry.amount_cents,
        Arrangement.offer_key,
        Arrangement.reference,
    )
    if after is not None:
        query = query.where(tuple_(LedgerEntry.at, LedgerEntry.id) > after)
    rows = session.execute(query.order_by(LedgerEntry.at, LedgerEntry.id).limit(size))
    return [Movement(*row) for row in rows]


def every_movement(session: Session, client_id: UUID, days: Span) -> Iterator[Movement]:
    """All of it, read part by part."""
    part: Sequence[Movement] = movements(session, client_id, days, size=AT_ONCE)
    while part:
        yield from part
        after = (part[-1].at, part[-1].id)
        part = movements(session, client_id, days, after=after, size=AT_ONCE)


def totals(session: Session, client_id: UUID, days: Span) -> Sequence[Total]:
    """The sums over all that moved, by currency, kind and offer, from the ledger itself."""
    by = (Account.currency, LedgerEntry.kind, Arrangement.offer_key)
    sums = (func.count(), func.sum(-LedgerEntry.amount_cents))
    query = _money(client_id, days, *by, *sums).group_by(*by).order_by(*by)
    return [
        Total(currency, EntryKind(kind), key, number, Cents(int(cents)))
        for currency, kind, key, number, cents in session.execute(query)
    ]


def _money(client_id: UUID, days: Span, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Movements with their account, the payment they belong to, and what it was agreed under."""
    return (
        select(*columns)
        .select_from(LedgerEntry)
        .join(Account, _same(Account, LedgerEntry.account_id))
        .outerjoin(Payment, _same(Payment, LedgerEntry.payment_id))
        .outerjoin(Arrangement, _same(Arrangement, Payment.arrangement_id))
        .where(
            LedgerEntry.client_id == client_id,
            LedgerEntry.at >= days.begins_at,
            LedgerEntry.at < days.ends_at,
            LedgerEntry.kind.in_(MONEY),
        )
    )


def _same(table: Any, reference: Any) -> ColumnElement[bool]:
    return and_(table.client_id == LedgerEntry.client_id, table.id == reference)


def placements_page(
    session: Session, client_id: UUID, *, before: UUID | None = None
) -> Sequence[Placement]:
    """A client's placements and recalls, the newest first."""
    query = select(Placement).where(Placement.client_id == client_id)
    if before is not None:
        query = query.where(Placement.id < before)
    return session.scalars(query.order_by(Placement.id.desc()).limit(PAGE + 1)).all()


def refused_rows(
    session: Session, placement: Placement, *, after: int = 0, size: int = PAGE
) -> Sequence[PlacementRow]:
    """The lines of a placement that were refused, in the order of the file."""
    refused = and_(PlacementRow.outcome == "refused", PlacementRow.line > after)
    return session.scalars(_lines_of(placement, refused).limit(size)).all()


def warned_rows(session: Session, placement: Placement) -> Sequence[PlacementRow]:
    """The first lines of a placement that landed with a warning."""
    warned = and_(PlacementRow.outcome != "refused", PlacementRow.column.is_not(None))
    return session.scalars(_lines_of(placement, warned).limit(PAGE)).all()


def _lines_of(placement: Placement, such: ColumnElement[bool]) -> Select[PlacementRow]:
    return (
        select(PlacementRow)
        .where(
            PlacementRow.client_id == placement.client_id,
            PlacementRow.placement_id == placement.id,
            such,
        )
        .order_by(PlacementRow.line)
    )


def every_refused(session: Session, placement: Placement) -> Iterator[PlacementRow]:
    """All refused lines, read part by part."""
    part = refused_rows(session, placement, size=AT_ONCE)
    while part:
        yield from part
        part = refused_rows(session, placement, after=part[-1].line, size=AT_ONCE)


def debtors_up_to(session: Session, client_id: UUID, most: int) -> int:
    """How many debtors a client has, counted no further than ``most``."""
    some = select(Debtor.id).where(Debtor.client_id == client_id).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0
