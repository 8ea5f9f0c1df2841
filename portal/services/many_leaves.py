"""Leaves of one type on many chains, in few statements: what a placement writes."""

from collections.abc import Mapping, Sequence
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
_ANY, _COMMIT = UUID(int=0), "0" * 64
"""What stands in a leaf where a chain's own id and commitment go."""

_GIVEN = """unnest(CAST(:chains AS uuid[]), CAST(:keys AS uuid[]), CAST(:before AS text[]),
        CAST(:after AS text[]), CAST(:sealed AS bytea[]))
        AS g (id, key_id, before, after, sealed)"""
_WRITTEN = """
    kept AS (
      INSERT INTO leaf_payload (client_id, chain_id, n, key_id, sealed)
      SELECT :client_id, id, n, key_id, sealed FROM head
    ), waits AS (
      INSERT INTO pending_leaf (client_id, chain_id, n) SELECT :client_id, id, n FROM head
    )
    INSERT INTO leaf (client_id, chain_id, n, type, at, body, hash)
    SELECT :client_id, id, n, :type, :at, body, hash FROM head RETURNING chain_id"""
_HASH = "sha256(decode('00', 'hex') || convert_to(body, 'UTF8'))"
_BEGIN = text(f"""
    WITH first AS MATERIALIZED (
      SELECT b.*, {_HASH} AS hash FROM (SELECT id, key_id, sealed,
        before || '"n"\\:0,"prev":"{bytes_of.FIRST_PREV}"' || after AS body FROM {_GIVEN}) b
    ), begun AS (
      INSERT INTO chain (client_id, id, n, at, hash) SELECT :client_id, id, 0, :at, hash FROM first
      ON CONFLICT DO NOTHING RETURNING id, n
    ), head AS (SELECT f.*, b.n FROM first f JOIN begun b USING (id)
    ), {_WRITTEN}""")  # noqa: S608
# As `evidence.record` does it for one, the chains in the order of their ids.
_APPEND = text(f"""
    WITH old AS (
      SELECT c.id, c.n + 1 AS n, g.key_id, g.sealed,
             g.before || '"n":' || (c.n + 1) || ',"prev":"' || encode(c.hash, 'hex') || '"'
               || g.after AS body
      FROM chain c JOIN {_GIVEN} ON g.id = c.id
      WHERE c.at <= :at ORDER BY c.id FOR UPDATE OF c
    ), head AS (
      UPDATE chain SET n = old.n, at = :at, hash = {_HASH}
      FROM old WHERE chain.id = old.id
      RETURNING chain.id, chain.n, chain.hash, old.body, old.key_id, old.sealed
    ), {_WRITTEN}""")  # noqa: S608


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
    before, after = around_the_place((client_id, _ANY), {"type": type}, at, _COMMIT)
    leaves: list[tuple[Any, ...]] = []
    for id, said in payloads.items():
        commit, sealed = _sealed(id, {**said, "type": type, "v": 1}, keys[id].secret)
        own = before.replace(str(_ANY), str(id)).replace(_COMMIT, commit)
        leaves.append((id, keys[id].id, own, after, sealed))
    values = {"client_id": client_id, "type": type, "at": at}
    begun = set(session.scalars(_BEGIN, values | _columns(leaves)))
    rest = [leaf for leaf in leaves if leaf[0] not in begun]
    return begun | set(session.scalars(_APPEND, values | _columns(rest))) if rest else begun


def _columns(leaves: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    names = ("chains", "keys", "before", "after", "sealed")
    return dict(zip(names, map(list, zip(*leaves, strict=True)), strict=True))


def _sealed(chain_id: UUID, said: Payload, secret: bytes) -> tuple[str, bytes]:
    """The commitment to a payload, and what is kept of it."""
    payload, salt = bytes_of.canonical(said), ids.randbytes(bytes_of.SALT_BYTES)
    return bytes_of.commitment(salt, payload), seal(secret, salt + payload, chain_id.bytes)
