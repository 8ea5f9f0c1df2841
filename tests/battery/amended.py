"""The judgement of changes: what a plan was changed to, how often, and what is left of it."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

SCHEDULED = "E4 installments are what was agreed, and their dates keep their day"
CHANGED = "E7 a change of a plan is made once, as its page showed it"
KEPT_WHOLE = "E7 a change of a plan leaves what is owed of it as it is"
LASTING = ("awaiting_first_payment", "active", "completed")

_PARTS = """
    SELECT r.id, r.reference, r.status, r.terms,
      coalesce(json_agg(json_build_object('n', i.n, 'due_on', i.due_on,
        'amount_cents', i.amount_cents)) FILTER (WHERE i.status <> 'canceled'), '[]')
    FROM arrangement r LEFT JOIN installment i ON i.arrangement_id = r.id
    GROUP BY r.id, r.reference, r.status, r.terms ORDER BY r.id"""
_CHANGES = """
    SELECT id, arrangement_id, encode(change_sha256, 'hex') AS sha256,
      document_sha256 IS NOT NULL AS shown, after->'parts' AS after
    FROM amendment ORDER BY arrangement_id, n"""
Parts = dict[int, tuple[str, int]]


class _Change(NamedTuple):
    id: UUID
    arrangement_id: UUID
    sha256: str
    shown: bool
    after: list[dict[str, Any]]


def judge_changes(sim: Any, told: Sequence[Mapping[str, Any]]) -> None:
    """Hold the parts of each agreement against what was agreed and what was told of its changes.

    ``told`` are the payloads of the changes on the record, in their order.
    """
    by_agreement: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for said in told:
        by_agreement[said["arrangement"]].append(said)
        if "kind" in said and _sum(said["before"]) != _sum(said["after"]):
            sim.history.broke(KEPT_WHOLE, str(said))
    for agreed_id, reference, status, terms, rows in sim.bench.rows(_PARTS):
        schedule = enumerate(json.loads(terms)["schedule"], start=1)
        first: Parts = {n: (part["due_on"], part["amount_cents"]) for n, part in schedule}
        wrong = _wrong_parts(first, by_agreement[str(agreed_id)], _parts(rows), status)
        if wrong:
            sim.history.broke(SCHEDULED, f"{reference}: {wrong}")
    _made_once(sim, [_Change._make(row) for row in sim.bench.rows(_CHANGES)], told)


def _wrong_parts(known: Parts, told: Sequence[Mapping[str, Any]], rows: Parts, status: str) -> str:
    """Where a plan is not what was agreed, changed one time after the other as it was told."""
    for said in told:
        for n, part in _parts(said["before"]).items():
            if known.pop(n, None) != part:
                return f"a change from {part}, which was not so: {said}"
        known |= _parts(said["after"])
    gone = {n: part for n, part in known.items() if n not in rows}
    other = {n: part for n, part in rows.items() if known.get(n) != part}
    if other or (gone and status in LASTING):
        return f"{other} instead of {known}, without {gone}"
    return ""


def _made_once(sim: Any, made: Sequence[_Change], told: Sequence[Mapping[str, Any]]) -> None:
    leaves = Counter(said["amendment"] for said in told if "amendment" in said)
    for change in made:
        if leaves.pop(str(change.id), 0) != 1:
            sim.history.broke(CHANGED, f"{change.id} was not told once")
        page = sim.history.changes.get(change.id)
        if not change.shown:
            continue
        after = sorted(
            (part["due_on"], part["amount_cents"] - part["paid_cents"])
            for part in change.after
            if part["amount_cents"] > part["paid_cents"]
        )
        if page is None or page.sha256 != change.sha256:
            sim.history.broke(CHANGED, f"{change.id} was shown by no page")
        elif after != sorted((day.isoformat(), cents) for day, cents in page.after):
            sim.history.broke(CHANGED, f"{change.id}: {after}, shown was {page.after}")
    for amendment_id in leaves:
        sim.history.broke(CHANGED, f"{amendment_id} was told, and is not there")


def _parts(said: Sequence[Mapping[str, Any]]) -> Parts:
    return {part["n"]: (part["due_on"], part["amount_cents"]) for part in said}


def _sum(said: Sequence[Mapping[str, Any]]) -> int:
    return sum(part["amount_cents"] for part in said)
