"""What of a client's rows is looked at: all of them, or those of the debtors with new leaves.

The queries of the checks read tables by their names; names that are restricted stand before them as
``WITH`` queries, so that one text serves both. A record that was erased is not held against rows.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.db import psycopg_connection
from portal.domain import evidence as bytes_of
from portal.domain.evidence import SALT_BYTES, commitment
from portal.gateways.vault import Unreadable
from portal.services.sealing import Opener

AT_ONCE = 2000

_ACCOUNTS = (
    *("arrangement", "payment", "ledger_entry", "hold", "proposal", "help_request", "payer_link"),
    *("payment_allocation", "shown_offer", "amendment", "call_attempt", "call_session"),
    *("second_look", "lock_out"),
)
# The leaves of what is about no one account may have gone with another account of the debtor.
_DEBTORS = {
    "access_link": "issued_at",
    "debtor_session": "started_at",
    "contact": "created_at",
    "one_time_code": "sent_at",
    "esign_consent": "asked_at",
}
_OF_CLIENT = ("placement", "placement_row", "rehearsal")
_BY_PARENT = {
    "installment": ("arrangement", "arrangement_id"),
    "payment_authorization": ("arrangement", "arrangement_id"),
    "refund": ("payment", "payment_id"),
    "chargeback": ("payment", "payment_id"),
    "delivery": ("message", "message_id"),
}


_SEEN = "x.{} IN (SELECT account_id FROM looked_at)"


def _where(table: str, condition: str) -> str:
    return (
        f"{table} AS NOT MATERIALIZED (SELECT x.* FROM {table} x"  # noqa: S608
        f" WHERE x.client_id = :client AND {condition})"
    )


def _kept(at: str) -> str:
    return (
        "NOT EXISTS (SELECT FROM public.account e WHERE e.client_id = x.client_id"  # noqa: S608
        f" AND e.debtor_id = x.debtor_id AND e.erased_at >= x.{at})"
    )


def _restricted(*, whole: bool) -> Iterator[str]:
    """What is looked at of each table; of the whole, all but the accounts that are left out."""
    seen = "NOT EXISTS (SELECT FROM left_out o WHERE o.account_id = x.{})" if whole else _SEEN
    own = "true" if whole else "x.debtor_id IN (SELECT debtor_id FROM looked_at)"
    yield _where("account", seen.format("id"))
    for table in (*_ACCOUNTS, *(("money_exception",) if whole else ())):
        yield _where(table, seen.format("account_id"))
    for table, at in _DEBTORS.items():
        yield _where(table, f"{own} AND {_kept(at)}")
    of_debtor = _kept("created_at")
    mine = f"CASE WHEN x.account_id IS NULL THEN {of_debtor} ELSE {seen.format('account_id')} END"
    yield _where("message", f"{own} AND {mine}")
    for table, (parent, key) in _BY_PARENT.items():
        yield _where(
            table,
            f"EXISTS (SELECT FROM {parent} o WHERE (o.client_id, o.id) = (x.client_id, x.{key}))",  # noqa: S608
        )
    if not whole:
        yield from _of_client()


def _of_client() -> Iterator[str]:
    yield _where("money_exception", _SEEN.format("account_id"))
    for table in _OF_CLIENT:
        yield _where(table, "false")
    for table, column in (("leaf", "chain_id"), ("chain", "id"), ("document", "chain_id")):
        yield _where(table, f"x.{column} IN (SELECT chain_id FROM looked_chain)")  # noqa: S608


# Every charge of a saved method.
_CHARGE = """charge AS NOT MATERIALIZED (
      SELECT p.*, coalesce(p.permitted_at, p.created_at) AS asked_at
      FROM payment p WHERE p.client_id = :client AND p.purpose = 'installment'
        AND p.checkout_id IS NULL AND (p.permitted_at IS NOT NULL OR p.intent_id IS NOT NULL))"""
_ALL = f"WITH {_CHARGE}"
_SOME = f"WITH {', '.join(_restricted(whole=False))}, {_CHARGE}"
_LEFT = f"WITH {', '.join(_restricted(whole=True))}, {_CHARGE}"

# Debtors are looked at with all of their accounts: some leaves stand on the chain of each.
_LOOK = """
    DROP TABLE IF EXISTS pg_temp.looked_at, pg_temp.looked_chain, pg_temp.said,
      pg_temp.left_out;
    CREATE TEMP TABLE left_out (account_id uuid PRIMARY KEY) ON COMMIT DROP;
    CREATE TEMP TABLE looked_chain (chain_id uuid PRIMARY KEY) ON COMMIT DROP;
    CREATE TEMP TABLE looked_at (account_id uuid PRIMARY KEY, debtor_id uuid, chain_id uuid)
      ON COMMIT DROP;
    CREATE TEMP TABLE said (chain_id uuid, n integer, type text, at timestamptz, payload text,
      told jsonb) ON COMMIT DROP"""
_CHAINS = text("""
    INSERT INTO looked_chain SELECT a.chain_id FROM account a WHERE a.client_id = :client
      AND (:whole OR a.debtor_id IN (SELECT o.debtor_id FROM account o
        WHERE o.client_id = :client AND o.chain_id = ANY(CAST(:chains AS uuid[]))))
    UNION SELECT c.chain_id FROM client c WHERE c.id = :client
    UNION SELECT f.id FROM chain f WHERE f.client_id = :client AND :whole""")
_TOLD = text("""
    INSERT INTO looked_at SELECT a.id, a.debtor_id, a.chain_id
    FROM account a JOIN looked_chain l USING (chain_id)
    WHERE a.client_id = :client AND NOT EXISTS (SELECT FROM left_out o WHERE o.account_id = a.id)
    """)
_LEFT_OUT = text("""
    INSERT INTO left_out SELECT DISTINCT a.id
    FROM chain_key k JOIN account a ON (a.client_id, a.chain_id) = (k.client_id, k.chain_id)
    WHERE k.client_id = :client AND k.destroyed_at IS NOT NULL""")
_READ = text("""
    SELECT f.chain_id, f.n, f.type, f.at, substr(f.body, 91, 64) AS commit,
      y.key_id, y.sealed, k.master, k.sealed AS wrapped
    FROM leaf f JOIN looked_chain l USING (chain_id)
    LEFT JOIN leaf_payload y ON (y.client_id, y.chain_id, y.n) = (f.client_id, f.chain_id, f.n)
    LEFT JOIN chain_key k ON (k.client_id, k.id) = (y.client_id, y.key_id)
    WHERE f.client_id = :client""")
_COPY = "COPY pg_temp.said (chain_id, n, type, at, payload, told) FROM STDIN"


def basis(session: Session, *, whole: bool) -> str:
    """What the queries of the checks begin with, once `look` opened what they read."""
    if not whole:
        return _SOME
    return _LEFT if session.scalar(text("SELECT EXISTS (SELECT FROM left_out)")) else _ALL


def look(session: Session, client_id: UUID, chains: Sequence[UUID] | None) -> Iterator[str]:
    """Open what is looked at for the checks to read; yields each leaf that does not hold.

    ``chains``: None for all. The checks read ``said``, a table that ends with the transaction.
    """
    session.connection().exec_driver_sql(_LOOK)
    values = {"client": client_id, "whole": chains is None, "chains": list(chains or ())}
    session.execute(_LEFT_OUT, values)
    session.execute(_CHAINS, values)
    session.execute(_TOLD, values)
    opener = Opener()
    with session.execute(_READ, values, execution_options={"yield_per": AT_ONCE}) as rows:
        for some in rows.partitions(AT_ONCE):
            yield from _said(session, some, opener)
    session.execute(text("CREATE INDEX ON pg_temp.said (type, chain_id)"))
    session.execute(
        text("ANALYZE pg_temp.said, pg_temp.left_out, pg_temp.looked_at, pg_temp.looked_chain")
    )


def _said(session: Session, rows: Sequence[Any], opener: Opener) -> list[str]:
    broken = []
    with psycopg_connection(session).cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            try:
                payload, wrong = _payload(row, opener)
            except Unreadable as error:
                payload, wrong = None, str(error)
            if wrong:
                broken.append(f"leaf {row.n} of {row.chain_id}: {wrong}")
            if payload is not None:
                copy.write_row((row.chain_id, row.n, row.type, row.at, *_written(payload)))
    return broken


def _payload(row: Any, opener: Opener) -> tuple[bytes | None, str]:
    """A payload, None once it was erased, and what is wrong with it. Raises Unreadable."""
    if row.sealed is None:
        raise Unreadable("its payload is missing")
    told = opener.open(row)
    if told is None:
        return None, ""
    salt, payload = told[:SALT_BYTES], told[SALT_BYTES:]
    if len(salt) < SALT_BYTES or commitment(salt, payload) != row.commit:
        return payload, "its commitment is not to this payload and salt"
    return payload, ""


def _written(payload: bytes) -> tuple[str, str | None]:
    """A payload as text, and as JSON where it is some."""
    try:
        bytes_of.parse_canonical(payload)
    except bytes_of.NotCanonical:
        return payload.decode("utf-8", "replace"), None
    return payload.decode(), payload.decode()
