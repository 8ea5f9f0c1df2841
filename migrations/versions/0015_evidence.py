"""The log as one tree with signed heads; payloads and documents sealed under a key per chain."""

import re
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from alembic import op

from portal.config import Settings
from portal.gateways.vault import Vault, fresh_key, seal
from portal.models.base import fresh_id

revision = "0015_evidence"
down_revision = "0014_draft_authors"
branch_labels = depends_on = None

SQL = Path(__file__).parent.parent / "sql"
RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"
APPEND_ONLY = (
    *("leaf_position", "tree_node", "checkpoint", "log_key", "evidence_check", "document"),
    "leaf_payload",
)
TABLES = (*APPEND_ONLY, "chain_key", "pending_leaf", "evidence_alarm")
READ = ("leaf", "leaf_payload", "document", "arrangement", "client")

COPIES = """
    UPDATE arrangement r
    SET copy_sha256 = decode(y.payload::jsonb #>> '{documents,0,sha256}', 'hex')
    FROM leaf f JOIN open_payload y USING (client_id, chain_id, n)
    WHERE f.type = 'acceptance' AND f.client_id = r.client_id
      AND y.payload::jsonb ->> 'arrangement' = r.id::text"""
PAYLOADS = "SELECT client_id, chain_id, n, payload, salt FROM open_payload ORDER BY 1, 2, 3"
KEY = """
    INSERT INTO chain_key (client_id, id, chain_id, master, sealed, created_at)
    VALUES (%s, %s, %s, %s, %s, now())"""
SEALED = (
    "INSERT INTO leaf_payload (key_id, sealed, client_id, chain_id, n) VALUES (%s, %s, %s, %s, %s)"
)
OPEN = """
    SELECT sha256, media, body, created_at FROM open_document
    WHERE (client_id, sha256) = (%s, %s)"""
KEPT = "INSERT INTO document VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
UNNAMED = """
    SELECT o.client_id, c.chain_id, o.sha256
    FROM open_document o JOIN client c ON c.id = o.client_id
    WHERE NOT EXISTS (SELECT FROM document d
      WHERE (d.client_id, d.sha256) = (o.client_id, o.sha256))"""
HASHES = re.compile(r'sha256":"([0-9a-f]{64})"')


def upgrade() -> None:
    """Add the tables, seal what was in the clear, and drop where it was.

    The release before cannot write a record after this: it is stopped first.
    """
    driver = op.get_bind().connection.driver_connection
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    driver.execute((SQL / "0015_evidence.sql").read_text())
    op.execute(COPIES)
    _seal(driver)
    op.execute("DROP TABLE open_document, open_payload")
    for table in ("leaf", "arrangement", "client"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table in TABLES:
        _guard(table)
    op.execute(f"GRANT DELETE ON pending_leaf TO {RUNNERS}")
    op.execute(f"GRANT UPDATE ON evidence_alarm TO {RUNNERS}")
    op.execute("GRANT UPDATE (master, sealed, destroyed_at) ON chain_key TO portal_worker")
    driver.execute((SQL / "0015_resolvers.sql").read_text())


def _seal(driver: psycopg.Connection[Any]) -> None:
    vault = Vault(Settings.from_env().evidence_keys)
    keys: dict[tuple[UUID, UUID], tuple[UUID, bytes]] = {}
    with driver.cursor("payloads") as rows:
        for chain, leaves in groupby(rows.execute(PAYLOADS), key=itemgetter(0, 1)):
            keys[chain] = _key(driver, vault, *chain)
            _seal_chain(driver, chain, keys[chain], list(leaves))
    for client_id, chain_id, digest in driver.execute(UNNAMED).fetchall():
        chain = (client_id, chain_id)
        keys[chain] = keys.get(chain) or _key(driver, vault, *chain)
        _keep(driver, chain, keys[chain], digest)


def _seal_chain(
    driver: psycopg.Connection[Any],
    chain: tuple[UUID, UUID],
    key: tuple[UUID, bytes],
    leaves: list[tuple[Any, ...]],
) -> None:
    key_id, secret = key
    sealed = [
        (key_id, seal(secret, bytes(salt) + payload.encode(), chain[1].bytes), *chain, n)
        for _, _, n, payload, salt in leaves
    ]
    with driver.cursor() as cursor:
        cursor.executemany(SEALED, sealed)
    named = {digest for _, _, _, payload, _ in leaves for digest in HASHES.findall(payload)}
    for digest in sorted(named):
        _keep(driver, chain, key, bytes.fromhex(digest))


def _key(
    driver: psycopg.Connection[Any], vault: Vault, client_id: UUID, chain_id: UUID
) -> tuple[UUID, bytes]:
    key_id, secret = fresh_id(), fresh_key()
    wrapped = vault.wrap(secret, key_id.bytes)
    driver.execute(KEY, (client_id, key_id, chain_id, wrapped.master, wrapped.sealed))
    return key_id, secret


def _keep(
    driver: psycopg.Connection[Any],
    chain: tuple[UUID, UUID],
    key: tuple[UUID, bytes],
    digest: bytes,
) -> None:
    found = driver.execute(OPEN, (chain[0], digest)).fetchone()
    if found is not None:
        sha256, media, body, at = found
        sealed = seal(key[1], bytes(body), chain[1].bytes)
        driver.execute(KEPT, (*chain, sha256, key[0], media, sealed, at))


def _guard(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY of_client ON {table} TO {RUNNERS}, CURRENT_USER"
        f" USING ({MINE}) WITH CHECK ({MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT ON {table} TO {RUNNERS}")
    if table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION forbid_change()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()"
        )


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
