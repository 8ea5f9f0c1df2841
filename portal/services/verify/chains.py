"""The bytes of the log: chains, commitments and documents (invariants 4, 9 and 10)."""

from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.gateways.vault import Unreadable
from portal.services.sealing import Opener

# A leaf's bytes follow from its row and the leaf before it, so they are made again and compared;
# its commitment stands at one place, and is looked at with the payload.
CHECKS: dict[str, str] = {
    "a chain of leaves is whole": r"""
        SELECT 'leaf ' || w.n || ' of ' || w.chain_id || ': ' || CASE
          WHEN w.n <> w.expected_n THEN 'leaf ' || w.expected_n || ' is missing'
          WHEN w.at < w.earlier THEN 'earlier than the leaf before it'
          WHEN w.hash <> w.hashed THEN 'not what its hash says'
          ELSE 'not the bytes that follow from the leaf before it and its own row' END
        FROM (SELECT f.*, lag(f.at) OVER c AS earlier,
            coalesce(lag(f.n) OVER c + 1, 0) AS expected_n,
            sha256(decode('00', 'hex') || convert_to(f.body, 'UTF8')) AS hashed,
            format('{"at":"%s","chain":"%s","commit":"%s","log":"%s","n":%s,"prev":"%s",'
              || '"type":"%s","v"\:1}',
              to_char(f.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), f.chain_id,
              substr(f.body, 91, 64), CAST(:log AS text), f.n,
              encode(coalesce(lag(f.hash) OVER c, decode(repeat('00', 32), 'hex')), 'hex'),
              f.type) AS expected
          FROM leaf f WHERE f.client_id = :client
          WINDOW c AS (PARTITION BY f.chain_id ORDER BY f.n)) w
        WHERE w.n <> w.expected_n OR w.at < w.earlier OR w.hash <> w.hashed
          OR w.body <> w.expected""",
    "the head of a chain is its newest leaf": """
        SELECT coalesce(c.id, f.chain_id)::text
        FROM (SELECT * FROM chain WHERE client_id = :client) c
        FULL JOIN (SELECT DISTINCT ON (chain_id) chain_id, n, hash FROM leaf
          WHERE client_id = :client ORDER BY chain_id, n DESC) f ON f.chain_id = c.id
        WHERE (c.n, c.hash) IS DISTINCT FROM (f.n, f.hash)""",
    "a document that the record names is kept (EV-02)": """
        , named AS (SELECT 'leaf ' || s.n || ' of ' || s.chain_id AS by, s.chain_id,
            jsonb_array_elements_text(
              jsonb_path_query_array(s.told, '$.disclosures[*].sha256')
              || jsonb_path_query_array(s.told, '$.documents[*].sha256')
              || jsonb_path_query_array(s.told, '$.objects[*].sha256')) AS hex
          FROM said s WHERE s.payload LIKE '%"sha256":"%'
          UNION ALL SELECT 'permission ' || z.id, a.chain_id, encode(z.document_sha256, 'hex')
          FROM payment_authorization z
          JOIN arrangement r ON (r.client_id, r.id) = (z.client_id, z.arrangement_id)
          JOIN account a ON (a.client_id, a.id) = (r.client_id, r.account_id))
        SELECT m.by || ' names ' || m.hex FROM named m WHERE NOT EXISTS (SELECT FROM document d
          WHERE d.chain_id = m.chain_id AND encode(d.sha256, 'hex') = m.hex)""",
    "a key that was destroyed has its erasure on the record (EV-07)": """
        SELECT 'key ' || k.id || ' of ' || k.chain_id FROM chain_key k
        WHERE k.client_id = :client AND k.destroyed_at IS NOT NULL AND NOT EXISTS (
          SELECT FROM said s WHERE s.type = 'erasure' AND s.told ->> 'chain' = k.chain_id::text)""",
}
COMMITMENT = "a leaf commits to its payload"
DOCUMENT = "a document is what its hash says"

_KEPT = text("""
    SELECT d.chain_id, d.sha256, d.key_id, d.sealed, k.master, k.sealed AS wrapped
    FROM document d JOIN looked_chain USING (chain_id)
    JOIN chain_key k ON (k.client_id, k.id) = (d.client_id, d.key_id)
    WHERE d.client_id = :client""")


def altered(session: Session, client_id: UUID) -> Iterator[str]:
    """The documents that are not what their hash says, read in a stream."""
    opener = Opener()
    rows = session.execute(_KEPT, {"client": client_id}, execution_options={"yield_per": 500})
    for row in rows:
        try:
            body = opener.open(row)
        except Unreadable:
            body = b""
        if body is not None and sha256(body).digest() != bytes(row.sha256):
            yield row.sha256.hex()
