"""The judgement of agreements: what was agreed to, how often, until when, and its evidence."""

import calendar
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from portal.services import evidence
from portal.services.sealing import Opener
from tests.battery.amended import SCHEDULED, judge_changes
from tests.battery.bench import Bench
from tests.battery.history import History

TOLD = "E5 each acceptance has one evidence record, with the hash of its terms"
EXTENDED = "E5 a chain extends every head that was seen of it"
ONE_PLAN = "H5 an offer is agreed to once, or taken back, or runs out"
ENDS = tuple(f"arrangement.{end}" for end in ("withdrawn", "canceled", "completed", "broken"))
ANSWERS = ("proposal.declined", "proposal.withdrawn", "proposal.closed", "proposal.expired")
STEPS = {"weekly": timedelta(weeks=1), "every_two_weeks": timedelta(weeks=2)}
LEAST = 50

_ARRANGEMENTS = """
    SELECT r.id, r.reference, r.terms, encode(r.terms_sha256, 'hex'),
      (r.accepted_at AT TIME ZONE d.time_zone)::date
    FROM arrangement r JOIN account a ON a.id = r.account_id JOIN debtor d ON d.id = a.debtor_id
    ORDER BY r.id"""
_LEAVES = """
    SELECT f.chain_id, f.type, y.key_id, y.sealed, k.master, k.sealed AS wrapped
    FROM leaf f JOIN leaf_payload y USING (client_id, chain_id, n)
    JOIN chain_key k ON k.id = y.key_id
    WHERE split_part(f.type, '.', 1) IN ('acceptance', 'arrangement', 'forgiveness', 'proposal')
      OR f.type = 'payment.succeeded'
    ORDER BY f.chain_id, f.n"""
_HASHES = """
    SELECT chain_id, n, encode(sha256('\\x00'::bytea || convert_to(body, 'UTF8')), 'hex')
    FROM leaf"""
_HEADS = "SELECT id, n, encode(hash, 'hex') FROM chain WHERE n > 0"


class _Agreed(NamedTuple):
    id: UUID
    reference: str
    terms: str
    sha256: str
    accepted_on: date


class _Leaf(NamedTuple):
    chain_id: UUID
    type: str
    said: dict[str, Any]


class _Sealed(NamedTuple):
    chain_id: UUID
    type: str
    key_id: UUID
    sealed: bytes
    master: str
    wrapped: bytes


def _leaf(row: _Sealed, opener: Opener) -> _Leaf:
    _, payload = evidence.opened(row, opener) or (b"", b"{}")
    return _Leaf(row.chain_id, row.type, json.loads(payload))


def heads(bench: Bench) -> dict[tuple[UUID, int], str]:
    """The newest leaf of each chain, as somebody outside would note it down."""
    return {(chain_id, n): digest for chain_id, n, digest in bench.rows(_HEADS)}


def judge_agreements(sim: Any) -> None:
    """Hold what was promised about agreements against the rows and the evidence of a simulation."""
    rows, history = sim.bench.rows, sim.history
    agreements = [_Agreed._make(row) for row in rows(_ARRANGEMENTS)]
    opener = Opener()
    leaves = [_leaf(_Sealed._make(row), opener) for row in rows(_LEAVES)]
    for agreed in agreements:
        if wrong := _wrong_terms(json.loads(agreed.terms)):
            history.broke(SCHEDULED, f"{agreed.reference}: {wrong}")
        _told(history, agreed, [leaf for leaf in leaves if _about(leaf, agreed, "acceptance")])
    _one_plan(history, agreements, leaves)
    judge_changes(sim, [leaf.said for leaf in leaves if leaf.type == "arrangement.amended"])
    _extended(history, {(chain, n): digest for chain, n, digest in rows(_HASHES)})


def _about(leaf: _Leaf, agreed: _Agreed, kind: str) -> bool:
    return leaf.type == kind and leaf.said["arrangement"] == str(agreed.id)


def _wrong_terms(terms: dict[str, Any]) -> str:
    """What is wrong with the dates and amounts of agreed terms."""
    dates = [part["due_on"] for part in terms["schedule"]]
    cents = [part["amount_cents"] for part in terms["schedule"]]
    if sum(cents) != terms["total_cents"] or min(cents) <= 0:
        return f"{cents} of {terms['total_cents']}"
    most = max(LEAST, len(cents))  # what the last one may be above the others
    if len(set(cents[1:-1])) > 1 or (len(cents) > 2 and cents[-1] >= cents[1] + most):
        return f"{cents}: the last one does not carry the remainder"
    if dates != [day.isoformat() for day in _days(dates[0], terms.get("frequency"), len(dates))]:
        return f"{dates} are not {terms.get('frequency')}"
    return ""


def _days(first: str, frequency: str | None, count: int) -> list[date]:
    """The days of a rhythm, counted anew; a month without the day has it on its last one."""
    start = date.fromisoformat(first)
    if frequency in STEPS:
        return [start + n * STEPS[frequency] for n in range(count)]
    if frequency != "twice_a_month":
        return [_in_month(start, n, start.day) for n in range(count)]
    late = start.day > 15
    low = start.day - 15 if late else start.day
    halves = range(late, count + late)
    return [_in_month(start, half // 2, low + 15 * (half % 2)) for half in halves]


def _in_month(start: date, later: int, day: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + later, 12)
    return date(year, month + 1, min(day, calendar.monthrange(year, month + 1)[1]))


def _told(history: History, agreed: _Agreed, told: Sequence[_Leaf]) -> None:
    if len(told) != 1:
        history.broke(TOLD, f"{agreed.reference}: {len(told)} records")
    for leaf in told:
        body = json.dumps(leaf.said["terms"], sort_keys=True, separators=(",", ":"))
        digests = {sha256(body.encode()).hexdigest(), leaf.said["terms_sha256"], agreed.sha256}
        if len(digests) > 1 or body != agreed.terms:
            history.broke(TOLD, f"{agreed.reference}: {body} is not {agreed.terms}")


def _one_plan(history: History, agreements: Sequence[_Agreed], leaves: Sequence[_Leaf]) -> None:
    for agreed in agreements:
        until = json.loads(agreed.terms).get("valid_until")
        if until and agreed.accepted_on.isoformat() > until:
            history.broke(ONE_PLAN, f"{agreed.reference}: on {agreed.accepted_on}, after {until}")
    stories: defaultdict[UUID, _Story] = defaultdict(_Story)
    for leaf in leaves:
        if wrong := stories[leaf.chain_id].goes_on(leaf):
            history.broke(ONE_PLAN, f"{wrong}: {leaf.type} {leaf.said}")


@dataclass
class _Story:
    """What became of one account's offers so far, as its evidence tells it."""

    live: str = ""
    ended: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    over: set[str] = field(default_factory=set)

    def goes_on(self, leaf: _Leaf) -> str:
        """Read one leaf more; returns why it cannot follow, or nothing."""
        if leaf.type in ANSWERS:
            return self._answered(leaf.said["proposal"])
        agreed = leaf.said.get("arrangement", "")
        if leaf.type == "acceptance":
            return self._accepted(agreed, leaf.said["offer"].get("proposal"))
        if leaf.type in ENDS:
            return self._ended(agreed)
        if leaf.type == "payment.succeeded":
            self.ended.discard(agreed)  # money begun before brings an agreement back
        nothing_owed = leaf.type == "arrangement.amended" and leaf.said.get("balance_cents", 1) <= 0
        if nothing_owed or leaf.type == "forgiveness.reversed":
            self._ended(agreed)
        return ""

    def _accepted(self, agreed: str, proposal: str | None) -> str:
        two, late = self.live and self.live != agreed, proposal in self.over
        self.live = agreed
        self.taken |= {proposal} if proposal else set()
        return "beside another one" if two else "agreed to after its end" if late else ""

    def _ended(self, agreed: str) -> str:
        twice = agreed in self.ended
        self.ended.add(agreed)
        self.live = "" if self.live == agreed else self.live
        return "ended twice" if twice else ""

    def _answered(self, proposal: str) -> str:
        wrong = "ended after it was agreed to" if proposal in self.taken else ""
        wrong = "ended twice" if proposal in self.over else wrong
        self.over.add(proposal)
        return wrong


def _extended(history: History, hashes: Mapping[tuple[UUID, int], str]) -> None:
    for (chain_id, n), digest in history.heads.items():
        if hashes.get((chain_id, n)) != digest:
            history.broke(EXTENDED, f"leaf {n} of {chain_id} is gone, or is another one")
