"""The evidence log: each thing that matters becomes a leaf, in the transaction that does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain import evidence as bytes_of
from portal.models import Account, Chain, Client, Document, Leaf, LeafPayload
from portal.models.base import ids

Payload = dict[str, Any]
Actor = dict[str, str]

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
      INSERT INTO leaf_payload (client_id, chain_id, n, payload, salt)
      SELECT :client_id, :chain_id, n, :payload, :salt FROM head
    )
    INSERT INTO leaf (client_id, chain_id, n, type, at, body, hash)
    SELECT :client_id, :chain_id, n, :type, :at, body, hash FROM head
    RETURNING n, body, hash
""")

_LEAVES = text("""
    SELECT leaf.n, leaf.type, leaf.at, leaf.hash, leaf_payload.payload
    FROM leaf LEFT JOIN leaf_payload USING (client_id, chain_id, n)
    WHERE leaf.client_id = :client_id AND leaf.chain_id = :chain_id
    ORDER BY leaf.n
""")


@dataclass(frozen=True, slots=True)
class Entry:
    """A leaf with what it commits to; ``payload`` is empty once it was erased."""

    n: int
    type: str
    at: datetime
    hash: str
    payload: Payload


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
    later than ``now``, the leaf takes that time and says ``clock_held``. Raises NotCanonical.
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
        at = session.get_one(Chain, chain, with_for_update=True, populate_existing=True).at
        written = _append(session, chain, {**whole, "clock_held": True}, at)
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
    parts = {"before": before, "after": after, "salt": salt, "payload": payload_bytes.decode()}
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


def store_document(
    session: Session, client_id: UUID, media: str, body: bytes, now: datetime
) -> str:
    """Keep exact bytes under their own SHA-256 and return it as hex; the same bytes stay one."""
    digest = sha256(body)
    row = {"client_id": client_id, "sha256": digest.digest(), "media": media, "body": body}
    session.execute(insert(Document).values(**row, created_at=now).on_conflict_do_nothing())
    return digest.hexdigest()


def document(session: Session, client_id: UUID, sha256_hex: str) -> Document:
    """A stored document by its hash. Raises NoResultFound."""
    return session.get_one(Document, (client_id, bytes.fromhex(sha256_hex)))


def account_leaves(session: Session, account: Account) -> Sequence[Entry]:
    """What happened on an account, oldest first."""
    return chain_leaves(session, account.client_id, account.chain_id)


def chain_leaves(session: Session, client_id: UUID, chain_id: UUID) -> Sequence[Entry]:
    """Every leaf of one chain with its payload, oldest first."""
    rows = session.execute(_LEAVES, {"client_id": client_id, "chain_id": chain_id})
    return [
        Entry(row.n, row.type, row.at, bytes(row.hash).hex(), _payload(row.payload)) for row in rows
    ]


def told(client: Client, *columns: Any, types: Sequence[str]) -> Select[Any]:
    """These columns of the leaves of a client's own chain and of their payloads, newest first."""
    return (
        select(*columns)
        .select_from(Leaf)
        .join(
            LeafPayload,
            and_(
                LeafPayload.client_id == Leaf.client_id,
                LeafPayload.chain_id == Leaf.chain_id,
                LeafPayload.n == Leaf.n,
            ),
        )
        .where(
            Leaf.client_id == client.id,
            Leaf.chain_id == client.chain_id,
            Leaf.type.in_(types),
        )
        .order_by(Leaf.n.desc())
    )


def _payload(stored: str | None) -> Payload:
    return bytes_of.parse_canonical(stored.encode()) if stored else {}
