"""The accounts of a rehearsal, batch by batch: read as plain rows, weighed, what changes kept.

Account ids rise with time, so a batch is a range of them, and what else is known of its accounts is
read by the same range: seven statements for ten thousand accounts.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from psycopg.rows import namedtuple_row
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db import psycopg_connection
from portal.domain.kept_offers import Shown
from portal.domain.policy import Policy
from portal.domain.rehearsal import Change, Gets, Rehearsing, best, written
from portal.domain.statuses import LIVE, ArrangementStatus
from portal.domain.terms import Kind
from portal.models import Account, Debtor, OfferPolicy, Rehearsal
from portal.services.kept import ROW, STANDS, Row, shown_of
from portal.services.offers import facts_of, history_of
from portal.services.standing import IN_FORCE, judge, today_of

_FIRST = UUID(int=0)

_OPEN = """a.client_id = %(client_id)s AND a.id > %(after)s AND a.status = 'open'
  AND a.currency = %(currency)s AND a.placed_at <= %(now)s"""
_NUMBER = f"SELECT count(*) FROM account a WHERE {_OPEN}"  # noqa: S608
_ROWS = f"""
  SELECT a.id, a.debtor_id, a.reference, a.status, a.balance_cents, a.currency, a.collector_role,
    a.debt_purpose, a.product, a.placed_at, a.default_on, a.last_payment_on, a.payments_cents,
    a.validation_notice_sent_on, a.validation_ends_on, a.sol_expires_on,
    d.region, d.country, d.time_zone
  FROM (SELECT * FROM account a WHERE {_OPEN} ORDER BY a.id LIMIT %(size)s) a
  JOIN debtor d ON d.client_id = a.client_id AND d.id = a.debtor_id
  ORDER BY a.id"""  # noqa: S608

_RANGE = """{0}.client_id = %(client_id)s AND {0}.{1} > %(after)s AND {0}.{1} <= %(last)s"""
_PAID = f"""
  SELECT DISTINCT e.account_id FROM ledger_entry e
  WHERE {_RANGE.format("e", "account_id")} AND e.kind = 'payment'"""  # noqa: S608
_ARRANGED = f"""
  SELECT DISTINCT r.account_id FROM arrangement r
  WHERE {_RANGE.format("r", "account_id")} AND r.status = ANY (%(statuses)s)"""  # noqa: S608
_HELD = f"""
  SELECT h.account_id, array_agg(h.kind) FROM hold h
  WHERE {_RANGE.format("h", "account_id")} AND {IN_FORCE.replace(":now", "%(now)s")}
  GROUP BY h.account_id"""  # noqa: S608
_CAME = f"""
  SELECT DISTINCT a.id FROM account a
  JOIN debtor_session s ON s.client_id = a.client_id AND s.debtor_id = a.debtor_id
  WHERE {_RANGE.format("a", "id")}
    AND coalesce(s.ended_at, s.expires_at) > %(since)s AND s.started_at <= %(now)s"""  # noqa: S608
_SHOWN = f"""
  SELECT o.account_id, {ROW.replace(":now", "%(now)s")} FROM shown_offer o
  JOIN account ON account.client_id = o.client_id AND account.id = o.account_id
  WHERE {_RANGE.format("o", "account_id")} AND {STANDS.replace(":now", "%(now)s")}"""  # noqa: S608

# Of the debtors who ever came, those who ever agreed to a settlement, and for how much of what.
_TAKE_UP = """
  SELECT (SELECT count(DISTINCT s.debtor_id) FROM debtor_session s
          WHERE s.client_id = %(client_id)s) AS came,
    count(DISTINCT a.debtor_id) AS settled,
    coalesce(sum(r.total_cents), 0)::bigint AS paid_cents,
    coalesce(sum(r.balance_cents), 0)::bigint AS owed_cents
  FROM arrangement r JOIN account a ON a.client_id = r.client_id AND a.id = r.account_id
  WHERE r.client_id = %(client_id)s AND r.kind = 'settlement' AND r.currency = %(currency)s
    AND EXISTS (SELECT FROM debtor_session s
      WHERE s.client_id = a.client_id AND s.debtor_id = a.debtor_id)"""

_KEPT = (
    *("client_id", "rehearsal_id", "account_id", "reference", "difference"),
    *("settlement_before_cents", "settlement_after_cents"),
    *("plan_before_cents", "plan_after_cents", "offers_before", "offers_after", "seen"),
)
_COLUMNS = ", ".join(_KEPT)
# COPY into a table with row-level security is not possible, into a temporary one it is.
_STAGE = """
  CREATE TEMP TABLE IF NOT EXISTS staged_change (LIKE rehearsal_change) ON COMMIT DROP;
  TRUNCATE staged_change"""
_COPY = f"COPY staged_change ({_COLUMNS}) FROM STDIN"
_MOVE = f"INSERT INTO rehearsal_change ({_COLUMNS}) SELECT {_COLUMNS} FROM staged_change"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Where:
    """Which accounts are next: open ones in this currency, placed by ``at``, after one of them."""

    client_id: UUID
    currency: str
    at: datetime
    after: UUID | None

    def values(self, **more: object) -> dict[str, object]:
        """The same for a statement."""
        named = {"client_id": self.client_id, "currency": self.currency, "now": self.at}
        return {**named, "after": self.after or _FIRST, **more}


class Known(NamedTuple):
    """What else is known of the accounts of a batch, by id."""

    paid: set[UUID]
    broke: set[UUID]
    agreed: set[UUID]
    held: dict[UUID, list[str]]
    came: set[UUID]
    shown: dict[UUID, tuple[Shown, ...]]


def number_of(session: Session, where: Where) -> int:
    """How many accounts there are from here on."""
    ((number,),) = _read(session, _NUMBER, where.values())
    return int(number)


def read(session: Session, where: Where, size: int) -> Sequence[Any]:
    """The next accounts, each as a row with the columns of account and debtor that offers need."""
    with psycopg_connection(session).cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(_ROWS, where.values(size=size), prepare=False).fetchall()


def live_since(session: Session, client_id: UUID, version: int | None) -> datetime | None:
    """When a version came into force."""
    return session.scalar(
        select(func.coalesce(OfferPolicy.live_from, OfferPolicy.published_at)).where(
            OfferPolicy.client_id == client_id, OfferPolicy.version == version
        )
    )


def weigh(
    session: Session,
    where: Where,
    run: Rehearsing,
    rows: Sequence[Any],
    *,
    seen_since: datetime | None,
) -> Iterator[tuple[Any, Change]]:
    """Count each account under both policies, by the same rules as a debtor's page.

    Yields what changes.
    """
    if not rows:
        return
    known = _known(session, where, rows[-1].id, seen_since, run.live)
    days: dict[tuple[object, ...], date] = {}
    for row in rows:
        # A row reads like the account and the debtor whose columns it has.
        account, debtor = cast(Account, row), cast(Debtor, row)
        place = (row.time_zone, row.region, row.country)
        today = days.get(place) or days.setdefault(place, today_of(debtor, where.at))
        paid, broke = row.id in known.paid, row.id in known.broke
        facts = facts_of(account, debtor, history_of(account, paid_here=paid, broke_plan=broke))
        allowed = judge(account, known.held.get(row.id, ()), today)
        if row.id in known.agreed:
            run.skip(facts, Gets.AGREED)
        elif not (allowed.offer.allowed and allowed.accept.allowed):
            run.skip(facts, Gets.NOT_ALLOWED)
        elif change := run.weigh(
            facts, today, seen=row.id in known.came, shown=known.shown.get(row.id, ())
        ):
            yield row, change


def _known(
    session: Session, where: Where, last: UUID, since: datetime | None, limits: Policy | None
) -> Known:
    values = where.values(last=last, since=since)
    came = _read(session, _CAME, values) if since else ()
    broken = {**values, "statuses": [ArrangementStatus.BROKEN]}
    live = {**values, "statuses": list(LIVE)}
    return Known(
        paid={one for (one,) in _read(session, _PAID, values)},
        broke={one for (one,) in _read(session, _ARRANGED, broken)},
        agreed={one for (one,) in _read(session, _ARRANGED, live)},
        held=dict(_read(session, _HELD, values)),
        came={one for (one,) in came},
        shown=_shown(_read(session, _SHOWN, values), limits),
    )


def _shown(rows: Sequence[tuple[Any, ...]], live: Policy | None) -> dict[UUID, tuple[Shown, ...]]:
    found: defaultdict[UUID, list[Row]] = defaultdict(list)
    for account_id, row in rows:
        found[account_id].append(row)
    return {account_id: shown_of(rows, live) for account_id, rows in found.items()}


def keep(session: Session, rehearsal: Rehearsal, changes: Iterator[tuple[Any, Change]]) -> None:
    """Write down which accounts change, and how."""
    connection = psycopg_connection(session)
    found = [_kept(rehearsal, row, change) for row, change in changes]
    if not found:
        return
    connection.execute(_STAGE)
    with connection.cursor().copy(_COPY) as copy:
        for line in found:
            copy.write_row(line)
    connection.execute(_MOVE)


def _kept(rehearsal: Rehearsal, row: Any, change: Change) -> tuple[object, ...]:
    return (
        *(rehearsal.client_id, rehearsal.id, row.id, row.reference, change.difference),
        best(change.before, Kind.SETTLEMENT),
        best(change.after, Kind.SETTLEMENT),
        best(change.before, Kind.PLAN),
        best(change.after, Kind.PLAN),
        *(written(change.before), written(change.after), change.seen),
    )


def take_up(session: Session, where: Where) -> dict[str, int]:
    """How many debtors came so far, how many of them settled, and for how much of their balance."""
    ((came, settled, paid, owed),) = _read(session, _TAKE_UP, where.values())
    found = {"came": came, "settled": settled, "paid_cents": paid, "owed_cents": owed}
    return {f"take_up:{name}": int(number) for name, number in found.items()}


def _read(session: Session, statement: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
    """Rows by a statement that is planned for these values."""
    return psycopg_connection(session).execute(statement, values, prepare=False).fetchall()
