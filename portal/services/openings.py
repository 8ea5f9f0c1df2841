"""What is owed, stated for many entries at once: those of a placement, and those of before."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.models import Client, Placement
from portal.services import evidence

TYPE = "ledger.opened"


def stated(which: str, by: str = "") -> str:
    """SQL for how many entries that say what is owed there are, and SHA-256 over them.

    ``which`` is a condition on ``ledger_entry l``; ``by`` names a column to state them apart.
    Hashed by parts, so that no list of all entries is put together.
    """
    named = f"{by}, " if by else ""
    return f"""
    SELECT {named.replace("l.", "p.")} sum(p.entries) AS entries,
      encode(sha256(convert_to(string_agg(p.hash, '' ORDER BY p.part), 'UTF8')), 'hex') AS sha256
    FROM (SELECT {named} right(CAST(l.account_id AS text), 3) AS part, count(*) AS entries,
        encode(sha256(convert_to(string_agg(concat_ws('|', l.id, l.account_id, l.kind,
          l.amount_cents, a.currency, to_char(l.at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS'),
          l.source), ';' ORDER BY l.id), 'UTF8')), 'hex') AS hash
      FROM public.ledger_entry l
      JOIN public.account a ON (a.client_id, a.id) = (l.client_id, l.account_id)
      WHERE l.client_id = :client AND l.kind IN ('placed', 'adjusted',
        'forgiven', 'forgiveness_reversed', 'recalled') AND {which}
      GROUP BY {named} part) p
    {f"GROUP BY {by}".replace("l.", "p.") if by else "HAVING count(*) > 0"}"""  # noqa: S608


OF_BEFORE = stated("NOT l.on_record")
OF_PLACEMENT = stated("l.on_record AND l.source = :source")

_OPENED = text("""
    SELECT EXISTS (SELECT FROM leaf f JOIN client c
      ON (c.id, c.chain_id) = (f.client_id, f.chain_id) WHERE c.id = :client AND f.type = :type)""")


def entries_of(session: Session, placement: Placement) -> evidence.Payload:
    """How many entries a placement made, and SHA-256 over them, for its leaf."""
    session.flush()
    values = {"client": placement.client_id, "source": f"placement:{placement.id}"}
    return _said(session, OF_PLACEMENT, values)


def open_ledger(session: Session, client_id: UUID, *, now: datetime) -> bool:
    """State once, on the client's own chain, what entries are in no leaf of their own or a file's.

    From then on there are no others. Whether it was stated now; the caller commits.
    """
    if session.scalar(_OPENED, {"client": client_id, "type": TYPE}):
        return False
    client = session.get_one(Client, client_id)
    told = {"actor": evidence.SYSTEM} | _said(session, OF_BEFORE, {"client": client_id})
    chain = {"client_id": client.id, "chain_id": client.chain_id}
    evidence.record(session, **chain, type=TYPE, payload=told, now=now)
    return True


def _said(session: Session, statement: str, values: dict[str, object]) -> evidence.Payload:
    found = session.execute(text(statement), values).one_or_none()
    if found is None:
        return {"entries": 0}
    return {"entries": int(found.entries), "entries_sha256": found.sha256}
