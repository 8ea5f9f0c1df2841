"""The retention schedule: how long each account's record is kept, and which may go (RT-01).

It is computed from the kinds and times of leaves, which stay in the clear, so that nothing is
opened for it. Accounts are read by key, some at a time, however many there are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.domain.retention import NO_ACTIVITY, PREAUTHORIZED, YEARS, Holding, Kept, Term, term
from portal.domain.statuses import AccountStatus
from portal.models import Client
from portal.models.payments import OPEN_STATUSES
from portal.services.standing import IN_FORCE

AT_ONCE = 500
"""How many accounts one query reads."""
A_PAGE, MOST_QUERIES = 100, 20
"""A page has at least so many records, unless so many queries found fewer."""
FIRST = UUID(int=0)

SHORTEST = timedelta(days=min(YEARS.values()) * 365)
"""No record's last day comes sooner after its account was placed."""

_CLOSED = "a.id > :after AND a.status <> 'open' AND a.placed_at < :placed_before"
_THESE = "a.id = ANY(CAST(:ids AS uuid[]))"

_HELD = {
    Holding.LEGAL_HOLD: """SELECT FROM legal_hold l WHERE l.client_id = a.client_id
        AND l.account_id = a.id AND l.lifted_at IS NULL""",
    Holding.ARRANGEMENT: """SELECT FROM arrangement r WHERE r.client_id = a.client_id
        AND r.account_id = a.id AND r.status IN ('awaiting_first_payment', 'active')""",
    Holding.AUTHORIZATION: """SELECT FROM payment_authorization z
        JOIN arrangement r ON (r.client_id, r.id) = (z.client_id, z.arrangement_id)
        WHERE r.client_id = a.client_id AND r.account_id = a.id AND z.status = 'granted'
          AND r.ended_at IS NULL""",
    Holding.PAYMENT: f"""SELECT FROM payment p WHERE p.client_id = a.client_id
        AND p.account_id = a.id AND (p.status IN {OPEN_STATUSES}
          OR EXISTS (SELECT FROM refund b WHERE (b.client_id, b.payment_id) = (p.client_id, p.id)
            AND b.status NOT IN ('succeeded', 'failed', 'canceled'))
          OR EXISTS (SELECT FROM chargeback b WHERE (b.client_id, b.payment_id)
            = (p.client_id, p.id) AND b.status NOT IN ('won', 'lost', 'warning_closed')))""",  # noqa: S608
    Holding.MONEY_QUESTION: """SELECT FROM money_exception q WHERE q.client_id = a.client_id
        AND q.account_id = a.id AND q.resolved_at IS NULL
        UNION ALL SELECT FROM second_look s WHERE s.client_id = a.client_id
        AND s.account_id = a.id AND s.outcome = 'waits'""",
    Holding.HELP_REQUEST: """SELECT FROM help_request q WHERE q.client_id = a.client_id
        AND q.account_id = a.id AND q.status = 'opened'""",
    Holding.PROPOSAL: """SELECT FROM proposal q WHERE q.client_id = a.client_id
        AND q.account_id = a.id AND q.status IN ('submitted', 'countered', 'accepted')""",
    Holding.HOLD: f"""SELECT FROM hold h WHERE h.client_id = a.client_id
        AND h.account_id = a.id AND {IN_FORCE}""",
    Holding.MESSAGE: """SELECT FROM message m WHERE m.client_id = a.client_id
        AND m.debtor_id = a.debtor_id AND coalesce(m.account_id, a.id) = a.id
        AND m.status IN ('queued', 'deferred', 'sending')""",
    Holding.ALARM: """SELECT FROM evidence_alarm w WHERE w.client_id = a.client_id
        AND w.cleared_at IS NULL""",
}

_RECORDS = """
    SELECT a.id, a.reference, a.chain_id, a.status, a.placed_at, a.sol_expires_on,
      CASE WHEN a.updated_at > a.erased_at THEN a.updated_at END AS renewed_at,
      d.region, d.country, told.leaves, told.active_at, told.preauthorized_at, kept.documents,
      permitted.ended_at, charged.at AS charged_at, {held},
      EXISTS (SELECT FROM erasure e JOIN erasure_batch b
          ON (b.client_id, b.id) = (e.client_id, e.batch_id)
        WHERE e.client_id = a.client_id AND e.account_id = a.id AND e.status = 'waiting'
          AND b.status IN ('asked', 'approved')) AS asked
    FROM (SELECT a.* FROM account a WHERE a.client_id = :client AND {which}
        AND (a.erased_at IS NULL OR a.updated_at > a.erased_at OR EXISTS (SELECT FROM chain_key k
          WHERE k.client_id = a.client_id AND k.chain_id = a.chain_id AND k.sealed IS NOT NULL))
      ORDER BY a.id LIMIT :most) a
    JOIN debtor d ON (d.client_id, d.id) = (a.client_id, a.debtor_id)
    CROSS JOIN LATERAL (SELECT count(*) AS leaves,
        max(f.at) FILTER (WHERE f.type <> ALL(CAST(:no_activity AS text[]))) AS active_at,
        max(f.at) FILTER (WHERE f.type = ANY(CAST(:preauthorized AS text[]))) AS preauthorized_at
      FROM leaf f WHERE f.client_id = a.client_id AND f.chain_id = a.chain_id) told
    CROSS JOIN LATERAL (SELECT count(*) AS documents FROM document f
      WHERE f.client_id = a.client_id AND f.chain_id = a.chain_id) kept
    CROSS JOIN LATERAL (SELECT max(coalesce(z.revoked_at, r.ended_at, z.granted_at)) AS ended_at
      FROM arrangement r JOIN payment_authorization z
        ON (z.client_id, z.arrangement_id) = (r.client_id, r.id)
      WHERE r.client_id = a.client_id AND r.account_id = a.id
        AND z.granted_at IS NOT NULL) permitted
    CROSS JOIN LATERAL (SELECT max(coalesce(p.settled_at, p.created_at)) AS at FROM payment p
      WHERE p.client_id = a.client_id AND p.account_id = a.id AND p.purpose = 'installment'
        AND p.checkout_id IS NULL) charged
    ORDER BY a.id"""


def _query(which: str) -> str:
    held = ", ".join(f"EXISTS ({query}) AS held_{name}" for name, query in _HELD.items())
    return _RECORDS.format(which=which, held=held)


_CLOSED_ACCOUNTS, _THESE_ACCOUNTS = text(_query(_CLOSED)), text(_query(_THESE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One account's record as the schedule sees it: how long it is kept, and what is in it.

    ``asked``: somebody asked to have it erased.
    """

    account_id: UUID
    chain_id: UUID
    reference: str
    last_activity_on: date
    term: Term
    leaves: int
    documents: int
    asked: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some records whose last day has passed, and the account to go on after; None: no more."""

    records: Sequence[Record]
    after: UUID | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a schedule is computed for: the day, and whether a limitation period counts."""

    client: Client
    as_of: date
    now: datetime
    limitation: bool = True


def today_of_client(client: Client, now: datetime) -> date:
    """The day it is for a client, by which last days are counted."""
    return now.astimezone(ZoneInfo(client.time_zone)).date()


def over(session: Session, asked: Asked) -> Iterator[Record]:
    """Every record of a client whose last day has passed, in the order of its accounts."""
    after: UUID | None = FIRST
    while after is not None:
        found, after = _some(session, asked, after)
        yield from found


def page_after(session: Session, asked: Asked, after: UUID) -> Page:
    """The first of them that come after an account, as many as a page may take time to find."""
    found: list[Record] = []
    then: UUID | None = after
    for _ in range(MOST_QUERIES):
        if then is None or len(found) >= A_PAGE:
            break
        some, then = _some(session, asked, then)
        found += some
    return Page(found, then)


def _some(session: Session, asked: Asked, after: UUID) -> tuple[list[Record], UUID | None]:
    placed_before = datetime.combine(asked.as_of, time.max, UTC) - SHORTEST
    values = {"after": after, "most": AT_ONCE, "placed_before": placed_before}
    rows = _read(session, asked, _CLOSED_ACCOUNTS, values)
    zone = ZoneInfo(asked.client.time_zone)
    records = [_record(row, zone, limitation=asked.limitation) for row in rows]
    then = rows[-1].id if len(rows) == AT_ONCE else None
    return [one for one in records if one.term.is_over(asked.as_of)], then


def records_of(session: Session, asked: Asked, accounts: Sequence[UUID]) -> Sequence[Record]:
    """The records of these accounts, whatever their day; none of one that was erased."""
    values = {"ids": list(accounts), "most": len(accounts)}
    rows = _read(session, asked, _THESE_ACCOUNTS, values)
    zone = ZoneInfo(asked.client.time_zone)
    return [_record(row, zone, limitation=asked.limitation) for row in rows]


def _read(
    session: Session, asked: Asked, query: Any, values: Mapping[str, object]
) -> Sequence[Any]:
    session.flush()
    told = {"no_activity": list(NO_ACTIVITY), "preauthorized": list(PREAUTHORIZED)}
    given = {"client": asked.client.id, "now": asked.now, **told, **values}
    return session.execute(query, given).all()


def _record(row: Any, zone: ZoneInfo, *, limitation: bool) -> Record:
    def day(*times: datetime | None) -> date | None:
        return max((at.astimezone(zone).date() for at in times if at), default=None)

    active_on = day(row.active_at, row.renewed_at) or row.placed_at.astimezone(zone).date()
    held = [name for name in _HELD if getattr(row, f"held_{name}")]
    if row.status == AccountStatus.OPEN:
        held.append(Holding.OPEN)
    kept = Kept(
        country=row.country,
        region=row.region,
        last_activity_on=active_on,
        preauthorized_on=day(row.preauthorized_at, row.charged_at),
        authorization_ended_on=day(row.ended_at),
        limitation_ends_on=row.sol_expires_on,
        held_by=tuple(held),
    )
    return Record(
        account_id=row.id,
        chain_id=row.chain_id,
        reference=row.reference,
        last_activity_on=active_on,
        term=term(kept, limitation=limitation),
        leaves=row.leaves,
        documents=row.documents,
        asked=row.asked,
    )
