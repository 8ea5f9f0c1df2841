"""Leaves of one type on many chains, in few statements: what a placement writes."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.domain import evidence as bytes_of
from portal.gateways.vault import seal
from portal.models.base import ids
from portal.services.evidence import Payload, around_the_place, record
from portal.services.sealing import keys_of

AT_ONCE = 1_000

_BEGIN = text("""
    INSERT INTO chain (client_id, id, n, at, hash)
    SELECT :client_id, id, -1, :at, decode(repeat('00', 32), 'hex')
    FROM unnest(CAST(:chains AS uuid[])) AS id ON CONFLICT DO NOTHING""")
# As `evidence.record` does it for one, the chains in the order of their ids.
_APPEND = text("""
    WITH old AS (
      SELECT c.id, c.n + 1 AS n, g.key_id, g.sealed,
             g.before || '"n":' || (c.n + 1) || ',"prev":"' || encode(c.hash, 'hex') || '"'
               || g.after AS body
      FROM chain c JOIN unnest(CAST(:chains AS uuid[]), CAST(:keys AS uuid[]),
        CAST(:before AS text[]), CAST(:after AS text[]), CAST(:sealed AS bytea[]))
        AS g (id, key_id, before, after, sealed) ON g.id = c.id
      WHERE c.client_id = :client_id AND c.at <= :at ORDER BY c.id FOR UPDATE OF c
    ), head AS (
      UPDATE chain SET n = old.n, at = :at,
             hash = sha256(decode('00', 'hex') || convert_to(old.body, 'UTF8'))
      FROM old WHERE (chain.client_id, chain.id) = (:client_id, old.id)
      RETURNING chain.id, chain.n, chain.hash, old.body, old.key_id, old.sealed
    ), kept AS (
      INSERT INTO leaf_payload (client_id, chain_id, n, key_id, sealed)
      SELECT :client_id, id, n, key_id, sealed FROM head
    ), waits AS (
      INSERT INTO pending_leaf (client_id, chain_id, n) SELECT :client_id, id, n FROM head
    )
    INSERT INTO leaf (client_id, chain_id, n, type, at, body, hash)
    SELECT :client_id, id, n, :type, :at, body, hash FROM head RETURNING chain_id""")


def record_many(
    session: Session,
    client_id: UUID,
    type: str,  # noqa: A002
    payloads: Mapping[UUID, Payload],
    *,
    now: datetime,
) -> None:
    """Write a leaf on each of many chains in the caller's transaction, as `evidence.record` does.

    ``payloads``: by chain. Raises NotCanonical.
    """
    session.flush()
    chains = list(payloads)
    for start in range(0, len(chains), AT_ONCE):
        told = {one: payloads[one] for one in chains[start : start + AT_ONCE]}
        for late in told.keys() - _append(session, client_id, type, told, now):
            chain = {"client_id": client_id, "chain_id": late}
            record(session, **chain, type=type, payload=told[late], now=now)


def _append(
    session: Session,
    client_id: UUID,
    type: str,  # noqa: A002
    payloads: Mapping[UUID, Payload],
    now: datetime,
) -> set[UUID]:
    """The chains that took their leaf; the newest leaf of the others is later than ``now``."""
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    keys = keys_of(session, client_id, list(payloads), at)
    whole = {id: {**said, "type": type, "v": 1} for id, said in payloads.items()}
    leaves = [
        (id, keys[id].id, *_sealed(client_id, id, said, keys[id].secret, at))
        for id, said in whole.items()
    ]
    names = ("chains", "keys", "before", "after", "sealed")
    values: dict[str, Any] = dict(zip(names, map(list, zip(*leaves, strict=True)), strict=True))
    values |= {"client_id": client_id, "type": type, "at": at}
    session.execute(_BEGIN, values)
    return set(session.scalars(_APPEND, values))


def _sealed(
    client_id: UUID, chain_id: UUID, said: Payload, secret: bytes, at: datetime
) -> Iterator[Any]:
    payload, salt = bytes_of.canonical(said), ids.randbytes(bytes_of.SALT_BYTES)
    chain, commit = (client_id, chain_id), bytes_of.commitment(salt, payload)
    yield from around_the_place(chain, said, at, commit)
    yield seal(secret, salt + payload, chain_id.bytes)
