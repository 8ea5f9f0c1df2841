"""Leaves found by day and type, the newest first: by index, part by part."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, literal, select, tuple_
from sqlalchemy.orm import Session

from portal.domain.evidence import NotCanonical, parse_canonical
from portal.gateways.vault import Unreadable
from portal.models import Account, ChainKey, Leaf, LeafPayload
from portal.services.evidence import Payload, opened
from portal.services.reports import AT_ONCE, Span, days_in
from portal.services.sealing import Opener

PAGE = 50
EXPORT = "export.made"

Key = tuple[datetime, UUID, int]


@dataclass(frozen=True, slots=True)
class FoundLeaf:
    """One leaf of a list; ``reference`` is its account's, None on the client's own chain.

    ``payload`` is empty once it was erased, or where it does not open.
    """

    client_id: UUID
    chain_id: UUID
    n: int
    type: str
    at: datetime
    hash: str
    reference: str | None
    payload: Payload

    @property
    def key(self) -> Key:
        """What the next part of the list begins after."""
        return self.at, self.chain_id, self.n


@dataclass(frozen=True, slots=True)
class FoundLeaves:
    """Part of a list; ``before`` is the key that the next part begins at, None at the end."""

    leaves: Sequence[FoundLeaf]
    before: Key | None


def utc_days(first: date, last: date) -> Span:
    """The days from first to last in UTC, as leaves have their times. Raises RangeUnclear."""
    return days_in("UTC", first, last)


def leaves_between(
    session: Session,
    clients: Collection[UUID],
    days: Span,
    *,
    type: str | None = None,  # noqa: A002
    before: Key | None = None,
    size: int = PAGE,
) -> FoundLeaves:
    """The leaves of clients on these days, of one type or of any, the newest first."""
    asked = _newest(clients, days, type, before).limit(size + 1).subquery()
    opener = Opener()
    found = [_found(row, opener) for row in session.execute(_with_payloads(asked))]
    more = len(found) > size
    return FoundLeaves(found[:size], found[size - 1].key if more else None)


def every_export(session: Session, clients: Collection[UUID], days: Span) -> Iterator[FoundLeaf]:
    """All exports of these days, the newest first, read part by part."""
    before: Key | None = None
    while True:
        part = leaves_between(session, clients, days, type=EXPORT, before=before, size=AT_ONCE)
        yield from part.leaves
        before = part.before
        if before is None:
            return


def _newest(
    clients: Collection[UUID], days: Span, kind: str | None, before: Key | None
) -> Select[*tuple[Any, ...]]:
    """The keys of leaves; the type stands in the statement, so that an index of its own is used."""
    wanted: list[ColumnElement[bool]] = [
        Leaf.client_id.in_(clients),
        Leaf.at >= days.begins_at,
        Leaf.at < days.ends_at,
    ]
    if kind is not None:
        wanted.append(Leaf.type == literal(kind, literal_execute=True))
    if before is not None:
        wanted += [Leaf.at <= before[0], tuple_(Leaf.at, Leaf.chain_id, Leaf.n) < before]
    order = (Leaf.at.desc(), Leaf.chain_id.desc(), Leaf.n.desc())
    return (
        select(Leaf.client_id, Leaf.chain_id, Leaf.n, Leaf.type, Leaf.at, Leaf.hash)
        .where(*wanted)
        .order_by(*order)
    )


def _with_payloads(asked: Any) -> Select[*tuple[Any, ...]]:
    leaf = asked.c
    told = and_(
        LeafPayload.client_id == leaf.client_id,
        LeafPayload.chain_id == leaf.chain_id,
        LeafPayload.n == leaf.n,
    )
    key = and_(ChainKey.client_id == leaf.client_id, ChainKey.id == LeafPayload.key_id)
    account = and_(Account.client_id == leaf.client_id, Account.chain_id == leaf.chain_id)
    return (
        select(
            *(leaf.client_id, leaf.chain_id, leaf.n, leaf.type, leaf.at, leaf.hash),
            Account.reference,
            *(LeafPayload.key_id, LeafPayload.sealed, ChainKey.master),
            ChainKey.sealed.label("wrapped"),
        )
        .select_from(asked)
        .outerjoin(LeafPayload, told)
        .outerjoin(ChainKey, key)
        .outerjoin(Account, account)
        .order_by(leaf.at.desc(), leaf.chain_id.desc(), leaf.n.desc())
    )


def _found(row: Any, opener: Opener) -> FoundLeaf:
    try:
        told = opened(row, opener)
        payload = parse_canonical(told[1]) if told else {}
    except (Unreadable, NotCanonical):
        payload = {}
    said = (row.client_id, row.chain_id, row.n, row.type, row.at, bytes(row.hash).hex())
    return FoundLeaf(*said, row.reference, payload)
