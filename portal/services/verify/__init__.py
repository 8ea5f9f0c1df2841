"""The invariants of money, evidence and contact, checked over a client's rows.

For operators and tests. Each query names the rows that break its invariant, so that a million
accounts are looked over where they are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.services.evidence import log_name
from portal.services.verify import (
    agreements,
    answers,
    calls,
    campaigns,
    chains,
    charges,
    contact,
    deliveries,
    esign,
    guards,
    hiring,
    marks,
    money,
    notices,
    owed,
    record,
    retention,
    second_looks,
    tree,
    words,
)
from portal.services.verify.chains import COMMITMENT
from portal.services.verify.scope import basis, look
from portal.services.verify.tree import NOTHING_OUTSIDE, Outside

SHOWN = 20
LOOKED_OVER = "the record can be looked over"

CHECKS: dict[str, str] = (
    money.CHECKS
    | charges.CHECKS
    | agreements.CHECKS
    | chains.CHECKS
    | record.CHECKS
    | owed.CHECKS
    | answers.CHECKS
    | contact.CHECKS
    | calls.CHECKS
    | marks.CHECKS
    | deliveries.CHECKS
    | tree.CHECKS
    | esign.CHECKS
    | retention.CHECKS
    | notices.CHECKS
    | words.CHECKS
    | second_looks.CHECKS
    | hiring.CHECKS
)
COUNT = len(CHECKS) + 6
"""How many invariants are checked for each client."""
FREEZING = frozenset(
    {*agreements.CHECKS, *chains.CHECKS, *record.CHECKS, *owed.CHECKS}
    | {*answers.CHECKS, *tree.CHECKS, *guards.CHECKS}
    | {COMMITMENT, chains.DOCUMENT, tree.SIGNED, tree.OUTSIDE, tree.KEYS, LOOKED_OVER}
)
"""What must hold for an agreement to stand on the record: without it none is made."""


@dataclass(frozen=True, slots=True)
class Broken:
    """One invariant that does not hold, and where."""

    invariant: str
    where: str


@dataclass(frozen=True, slots=True)
class Only:
    """What is new: the chains to look at, and how many leaves of the tree were looked at before."""

    chains: Sequence[UUID]
    since: int


def verify_client(
    session: Session,
    client_id: UUID,
    *,
    outside: Outside = NOTHING_OUTSIDE,
    only: Only | None = None,
) -> Iterator[Broken]:
    """Every invariant of one client that does not hold; changes nothing.

    ``outside``: what the signer knows. At most twenty places are named for each invariant, then how
    many more there are.
    """
    set_tenant(session, client_id)
    since = only.since if only else 0
    yield from _first(COMMITMENT, look(session, client_id, only.chains if only else None))
    values = {
        **{"client": client_id, "log": log_name(client_id), "whole": only is None, "since": since},
        **charges.VALUES,
        **contact.VALUES,
        **calls.VALUES,
        **esign.VALUES,
        **notices.VALUES,
        **deliveries.VALUES,
    }
    begin = basis(session, whole=only is None)
    for invariant, query in CHECKS.items():
        yield from _broken(session, invariant, f"{begin} {query}", values)
    yield from _first(chains.DOCUMENT, chains.altered(session, client_id))
    if only is None:
        yield from _first(campaigns.LISTED, campaigns.unlisted(session, client_id))
    yield from _first(tree.SIGNED, tree.unsigned(session, client_id, outside, since))
    yield from _first(tree.OUTSIDE, tree.contradicted(session, client_id, outside, since))
    yield from _first(tree.KEYS, tree.unknown_keys(session, client_id, outside))


def _first(invariant: str, places: Iterable[str]) -> list[Broken]:
    """All places are looked at; the first are named, the others counted."""
    found: list[Broken] = []
    more = 0
    for where in places:
        if len(found) < SHOWN:
            found.append(Broken(invariant, where))
        else:
            more += 1
    return [*found, *_more(invariant, more)]


def _more(invariant: str, count: int) -> list[Broken]:
    return [Broken(invariant, f"and {count:,} more")] if count else []


def verify_database(session: Session) -> Iterator[Broken]:
    """What the database ought to forbid to everybody and does not; reads only."""
    for invariant, query in guards.CHECKS.items():
        yield from _broken(session, invariant, query, guards.VALUES)


def _broken(
    session: Session, invariant: str, query: str, values: Mapping[str, object]
) -> Iterator[Broken]:
    # Apart from its limit, so that the planner counts on reading all rows: as a rule none is found.
    lines = f"""
        SELECT *, count(*) OVER () FROM ({query} OFFSET 0) AS lines
        ORDER BY 1 LIMIT {SHOWN}"""  # noqa: S608
    found = session.execute(text(lines), values).all()
    yield from (Broken(invariant, str(row[0])) for row in found)
    yield from _more(invariant, found[0][-1] - len(found) if found else 0)
