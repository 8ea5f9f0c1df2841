"""The invariants of money, evidence and contact, checked over a client's rows.

For operators and tests. Each query names the rows that break its invariant, so that a million
accounts are looked over where they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.services.evidence import log_name
from portal.services.verify import (
    agreements,
    chains,
    charges,
    contact,
    esign,
    guards,
    money,
    record,
)

SHOWN = 20

# What the queries begin with: every leaf of the client beside what it commits to, read as JSON once
# where that is asked for (``OFFSET 0``), and every charge of a saved method.
_BASIS = """
    WITH said AS NOT MATERIALIZED (SELECT f.chain_id, f.n, f.type, f.at, y.payload, j.told
      FROM leaf f JOIN leaf_payload y USING (client_id, chain_id, n), LATERAL (SELECT
        CASE WHEN pg_input_is_valid(y.payload, 'jsonb') THEN y.payload::jsonb END AS told
        OFFSET 0) j WHERE f.client_id = :client),
    charge AS NOT MATERIALIZED (SELECT p.*, coalesce(p.permitted_at, p.created_at) AS asked_at
      FROM payment p WHERE p.client_id = :client AND p.purpose = 'installment'
        AND p.checkout_id IS NULL AND (p.permitted_at IS NOT NULL OR p.intent_id IS NOT NULL))"""

CHECKS: dict[str, str] = (
    money.CHECKS
    | charges.CHECKS
    | agreements.CHECKS
    | chains.CHECKS
    | record.CHECKS
    | contact.CHECKS
    | esign.CHECKS
)
COUNT = len(CHECKS) + 1
"""How many invariants are checked for each client."""


@dataclass(frozen=True, slots=True)
class Broken:
    """One invariant that does not hold, and where."""

    invariant: str
    where: str


def verify_client(session: Session, client_id: UUID) -> Iterator[Broken]:
    """Every invariant of one client that does not hold; reads only.

    At most twenty places are named for each.
    """
    set_tenant(session, client_id)
    values = {"client": client_id, "log": log_name(client_id), **charges.VALUES}
    values |= {**contact.VALUES, **esign.VALUES}
    for invariant, query in CHECKS.items():
        yield from _broken(session, invariant, f"{_BASIS} {query}", values)
    for n, where in enumerate(chains.uncommitted(session, client_id)):
        if n < SHOWN:
            yield Broken(chains.COMMITMENT, where)


def verify_database(session: Session) -> Iterator[Broken]:
    """What the database ought to forbid to everybody and does not; reads only."""
    for invariant, query in guards.CHECKS.items():
        yield from _broken(session, invariant, query, guards.VALUES)


def _broken(
    session: Session, invariant: str, query: str, values: Mapping[str, object]
) -> Iterator[Broken]:
    # Apart from its limit, so that the planner counts on reading all rows: as a rule none is found.
    lines = f"SELECT * FROM ({query} OFFSET 0) AS lines ORDER BY 1 LIMIT {SHOWN}"  # noqa: S608
    found = session.execute(text(lines), values)
    yield from (Broken(invariant, str(row[0])) for row in found)
