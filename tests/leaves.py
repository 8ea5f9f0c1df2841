"""What a superuser with the keys could do to sealed payloads."""

from collections.abc import Callable

from sqlalchemy import Connection, text

from portal.domain.evidence import SALT_BYTES
from portal.gateways import vault
from portal.services.sealing import Opener, unwrap

_SEALED = text("""
    SELECT y.chain_id, y.n, f.type, y.key_id, y.sealed, k.master, k.sealed AS wrapped
    FROM leaf_payload y JOIN leaf f USING (client_id, chain_id, n)
    JOIN chain_key k ON k.id = y.key_id WHERE f.type = :kind ORDER BY y.chain_id, y.n""")
_AGAIN = text("UPDATE leaf_payload SET sealed = :sealed WHERE (chain_id, n) = (:chain, :n)")


def seal_again(connection: Connection, kind: str, other: Callable[[bytes], bytes]) -> int:
    """Another payload under the same salt in every leaf of a kind; how many there are."""
    rows = connection.execute(_SEALED, {"kind": kind}).all()
    for row in rows:
        told = Opener().open(row)
        assert told is not None
        body = told[:SALT_BYTES] + other(told[SALT_BYTES:])
        sealed = vault.seal(unwrap(row.key_id, row.master, row.wrapped), body, row.chain_id.bytes)
        connection.execute(_AGAIN, {"sealed": sealed, "chain": row.chain_id, "n": row.n})
    return len(rows)
