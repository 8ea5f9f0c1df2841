"""The evidence log: each thing that matters becomes a leaf, in the transaction that does it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from portal.domain import evidence as bytes_of
from portal.gateways.vault import seal
from portal.models import Account, Chain, Client, Document, Leaf
from portal.models.base import ids
from portal.services.sealing import Opener, key_of

Payload = dict[str, Any]
Actor = dict[str, str]
SECOND = timedelta(seconds=1)

SYSTEM: Actor = {"kind": "system", "id": "portal"}
STRIPE: Actor = {"kind": "stripe", "id": "stripe"}

# One statement for each leaf: the head moves on and the leaf that it now names is inserted. The
# row is locked before its old hash is read, which also holds before PostgreSQL 18's RETURNING old.
_APPEND = text("""
    WITH head AS (
      UPDATE chain SET n = old.n + 1, at = :at,
             hash = sha256(decode('00', 'hex') || convert_to(old.body, 'UTF8'))
      FROM (
        SELECT client_id, id, n,
               CAST(:before AS text) || '"n":' || (n + 1) || ',"prev":"'
                 || encode(hash, 'hex') || '"' || CAST(:after AS text) AS body
        FROM chain WHERE client_id = :client_id AND id = :chain_id AND at <= :at FOR UPDATE
      ) AS old
      WHERE chain.client_id = old.client_id AND chain.id = old.id
      RETURNING chain.n, chain.hash, old.body
    ), kept AS (
      INSERT INTO leaf_payload (client_id, chain_id, n, key_id, sealed)
      SELECT :client_id, :chain_id, n, :key_id, :sealed FROM head
    ), waits AS (
      INSERT INTO pending_leaf (client_id, chain_id, n)
      SELECT :client_id, :chain_id, n FROM head
    )
    INSERT INTO leaf (client_id, chain_id, n, type, at, body, hash)
    SELECT :client_id, :chain_id, n, :type, :at, body, hash FROM head
    RETURNING n, body, hash
""")

_LEAVES = """
    SELECT leaf.chain_id, leaf.n, leaf.type, leaf.at, leaf.hash, told.key_id, told.sealed,
      key.master, key.sealed AS wrapped
    FROM leaf LEFT JOIN leaf_payload AS told USING (client_id, chain_id, n)
    LEFT JOIN chain_key AS key ON key.client_id = told.client_id AND key.id = told.key_id
    WHERE leaf.client_id = :client_id AND leaf.chain_id = :chain_id"""
_CHAIN = text(f"{_LEAVES} ORDER BY leaf.n")
_NEWEST = text(f"{_LEAVES} AND leaf.type = ANY(:types) ORDER BY leaf.n DESC")
_SPAN = text(f"""{_LEAVES} AND leaf.n > :after AND leaf.n < :before
    AND leaf.at >= :since AND leaf.at < :until
    AND (CAST(:types AS text[]) IS NULL OR leaf.type = ANY(CAST(:types AS text[])))
    ORDER BY leaf.n DESC LIMIT :most""")
_DOCUMENT = text("""
    SELECT kept.chain_id, kept.media, kept.key_id, kept.sealed, key.master, key.sealed AS wrapped
    FROM document AS kept
    JOIN chain_key AS key ON key.client_id = kept.client_id AND key.id = kept.key_id
    WHERE kept.client_id = :client_id AND kept.chain_id = :chain_id AND kept.sha256 = :sha256""")


@dataclass(frozen=True, slots=True)
class Kept:
    """Exact bytes that were shown or delivered, and their type, such as text/html."""

    media: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A leaf with what it commits to; ``payload`` is empty once it was erased."""

    n: int
    type: str
    at: datetime
    hash: str
    payload: Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which leaves of a chain: between two numbers and two instants, of these types or of all."""

    after: int = -1
    before: int = 2**31 - 1
    since: datetime = datetime(1, 1, 2, tzinfo=UTC)
    until: datetime = datetime(9999, 12, 30, tzinfo=UTC)
    types: Sequence[str] | None = None


def debtor(debtor_id: UUID) -> Actor:
    """The debtor as the one who acted."""
    return {"kind": "debtor", "id": str(debtor_id)}


def staff(staff_id: UUID) -> Actor:
    """A member of staff as the one who acted."""
    return {"kind": "staff", "id": str(staff_id)}


def log_name(client_id: UUID) -> str:
    """The name of a client's log, for as long as the client exists."""
    return f"portal/evidence/{client_id}"


def record(
    session: Session,
    *,
    client_id: UUID,
    chain_id: UUID,
    type: str,  # noqa: A002
    payload: Payload,
    now: datetime,
) -> Leaf:
    """Write a leaf in the caller's transaction: one statement, and one more begins a chain.

    ``payload`` names its ``actor``; ``type`` and ``v`` are added. Where the chain's newest leaf is
    later than ``now``, the leaf takes that time and says ``clock_held``, and by how many whole
    seconds (``held_s``). Raises NotCanonical.
    """
    session.flush()
    whole = {**payload, "actor": payload["actor"], "type": type, "v": 1}
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    chain = (client_id, chain_id)
    written = _append(session, chain, whole, at)
    if written is None:
        _begin(session, chain, at)
        written = _append(session, chain, whole, at)
    if written is None:
        head_at = session.get_one(Chain, chain, with_for_update=True, populate_existing=True).at
        held: Payload = {"clock_held": True, "held_s": (head_at - at) // SECOND}
        written = _append(session, chain, {**whole, **held}, head_at)
    if written is None:
        raise RuntimeError(f"chain {chain_id} took no leaf")
    return written


def _begin(session: Session, chain: tuple[UUID, UUID], at: datetime) -> None:
    first = {"n": -1, "at": at, "hash": bytes(32)}
    row = insert(Chain).values(client_id=chain[0], id=chain[1], **first)
    session.execute(row.on_conflict_do_nothing())


def _append(
    session: Session, chain: tuple[UUID, UUID], payload: Payload, at: datetime
) -> Leaf | None:
    client_id, chain_id = chain
    payload_bytes = bytes_of.canonical(payload)
    salt = ids.randbytes(bytes_of.SALT_BYTES)
    before, after = _around_the_place(chain, payload, at, bytes_of.commitment(salt, payload_bytes))
    values = {"client_id": client_id, "chain_id": chain_id, "at": at, "type": payload["type"]}
    key = key_of(session, client_id, chain_id, at)
    sealed = seal(key.secret, salt + payload_bytes, chain_id.bytes)
    parts = {"before": before, "after": after, "key_id": key.id, "sealed": sealed}
    row = session.execute(_APPEND, values | parts).one_or_none()
    if row is None:
        return None
    return Leaf(**values, n=row.n, body=row.body, hash=bytes(row.hash))


def _around_the_place(
    chain: tuple[UUID, UUID], payload: Payload, at: datetime, commit: str
) -> tuple[str, str]:
    leaf = bytes_of.Leaf(
        log=log_name(chain[0]),
        chain=chain[1],
        n=0,
        prev=bytes_of.FIRST_PREV,
        type=payload["type"],
        at=bytes_of.format_time(at),
        commit=commit,
    )
    place = f'"n":0,"prev":"{bytes_of.FIRST_PREV}"'
    before, _, after = bytes_of.leaf_bytes(leaf).decode().partition(place)
    return before, after


def store_document(  # noqa: PLR0913
    session: Session, client_id: UUID, chain_id: UUID, media: str, body: bytes, now: datetime
) -> str:
    """Keep exact bytes with a chain, under their own SHA-256, and return it as hex.

    The same bytes are kept once for each chain that they belong to.
    """
    digest = sha256(body)
    key = key_of(session, client_id, chain_id, now)
    row = {
        "client_id": client_id,
        "chain_id": chain_id,
        "sha256": digest.digest(),
        "key_id": key.id,
        "media": media,
        "sealed": seal(key.secret, body, chain_id.bytes),
        "created_at": now,
    }
    session.execute(insert(Document).values(**row).on_conflict_do_nothing())
    return digest.hexdigest()


def keep_with(
    session: Session, accounts: Sequence[Account], media: str, body: bytes, now: datetime
) -> str:
    """Keep what is about several accounts with each of them; its SHA-256 as hex."""
    for account in accounts:
        store_document(session, account.client_id, account.chain_id, media, body, now)
    return sha256(body).hexdigest()


def document(session: Session, client_id: UUID, chain_id: UUID, sha256_hex: str) -> Kept:
    """What a chain keeps under a hash. Raises NoResultFound where it was erased or never kept."""
    values = {"client_id": client_id, "chain_id": chain_id, "sha256": bytes.fromhex(sha256_hex)}
    row = session.execute(_DOCUMENT, values).one()
    body = Opener().open(row)
    if body is None:
        raise NoResultFound
    return Kept(row.media, body)


def kept_with(session: Session, accounts: Sequence[Account], sha256_hex: str) -> Kept:
    """What is kept with several accounts, as the first of them keeps it. Raises NoResultFound."""
    for account in accounts:
        with suppress(NoResultFound):
            return document(session, account.client_id, account.chain_id, sha256_hex)
    raise NoResultFound


def account_leaves(session: Session, account: Account) -> Sequence[Entry]:
    """What happened on an account, oldest first."""
    return chain_leaves(session, account.client_id, account.chain_id)


def chain_leaves(session: Session, client_id: UUID, chain_id: UUID) -> Sequence[Entry]:
    """Every leaf of one chain with its payload, oldest first."""
    rows = session.execute(_CHAIN, {"client_id": client_id, "chain_id": chain_id})
    opener = Opener()
    return [_entry(row, opener) for row in rows]


def some_leaves(session: Session, account: Account, span: Span, *, most: int) -> Sequence[Entry]:
    """At most so many leaves of an account, newest first: the rest of the chain is not read."""
    values = {name: getattr(span, name) for name in ("after", "before", "since", "until")}
    types = None if span.types is None else list(span.types)
    whose = {"client_id": account.client_id, "chain_id": account.chain_id}
    rows = session.execute(_SPAN, values | whose | {"types": types, "most": most})
    opener = Opener()
    return [_entry(row, opener) for row in rows]


def head(session: Session, account: Account) -> int:
    """The number of an account's newest leaf; -1 where it has none."""
    key = (Chain.client_id == account.client_id, Chain.id == account.chain_id)
    found = session.scalar(select(Chain.n).where(*key))
    return -1 if found is None else found


def newest(session: Session, client: Client, types: Sequence[str]) -> Iterator[Entry]:
    """The entries of these types on a client's own chain, newest first, read as they are asked."""
    yield from _newest(session, client.id, client.chain_id, types)


def newest_of(session: Session, account: Account, types: Sequence[str]) -> Iterator[Entry]:
    """The same of an account."""
    yield from _newest(session, account.client_id, account.chain_id, types)


def _newest(
    session: Session, client_id: UUID, chain_id: UUID, types: Sequence[str]
) -> Iterator[Entry]:
    values = {"client_id": client_id, "chain_id": chain_id, "types": list(types)}
    opener = Opener()
    with session.execute(_NEWEST, values, execution_options={"yield_per": 100}) as rows:
        for row in rows:
            yield _entry(row, opener)


def opened(row: Any, opener: Opener) -> tuple[bytes, bytes] | None:
    """The salt and the payload's bytes in a row that `Opener` reads; None once they are erased."""
    told = opener.open(row)
    return (told[: bytes_of.SALT_BYTES], told[bytes_of.SALT_BYTES :]) if told is not None else None


def _entry(row: Any, opener: Opener) -> Entry:
    told = opened(row, opener)
    payload = bytes_of.parse_canonical(told[1]) if told else {}
    return Entry(row.n, row.type, row.at, bytes(row.hash).hex(), payload)
