"""The ledger entries of before each had a leaf: one leaf of the client states all of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.models import Client
from portal.services import evidence

TYPE = "ledger.opened"

# Hashed by parts, so that no list of all entries is put together.
STATED = """
    SELECT coalesce(sum(p.entries), 0) AS entries, encode(sha256(convert_to(
      coalesce(string_agg(p.hash, '' ORDER BY p.part), ''), 'UTF8')), 'hex') AS sha256
    FROM (SELECT right(CAST(l.account_id AS text), 3) AS part, count(*) AS entries,
        encode(sha256(convert_to(string_agg(concat_ws('|', l.id, l.account_id, l.kind,
          l.amount_cents, a.currency, to_char(l.at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS'),
          l.source), ';' ORDER BY l.id), 'UTF8')), 'hex') AS hash
      FROM public.ledger_entry l
      JOIN public.account a ON (a.client_id, a.id) = (l.client_id, l.account_id)
      WHERE l.client_id = :client AND NOT l.on_record AND l.kind IN ('placed', 'adjusted',
        'forgiven', 'forgiveness_reversed', 'recalled')
      GROUP BY part) p"""
"""How many entries of a client say what is owed and have no leaf, and SHA-256 over them."""

_OPENED = text("""
    SELECT EXISTS (SELECT FROM leaf f JOIN client c
      ON (c.id, c.chain_id) = (f.client_id, f.chain_id) WHERE c.id = :client AND f.type = :type)""")


def open_ledger(session: Session, client_id: UUID, *, now: datetime) -> bool:
    """State once, on the client's own chain, what entries have no leaf of their own.

    From then on there are no others. Whether it was stated now; the caller commits.
    """
    if session.scalar(_OPENED, {"client": client_id, "type": TYPE}):
        return False
    stated = session.execute(text(STATED), {"client": client_id}).one()
    client = session.get_one(Client, client_id)
    told = {
        "actor": evidence.SYSTEM,
        "entries": int(stated.entries),
        "entries_sha256": stated.sha256,
    }
    chain = {"client_id": client.id, "chain_id": client.chain_id}
    evidence.record(session, **chain, type=TYPE, payload=told, now=now)
    return True
