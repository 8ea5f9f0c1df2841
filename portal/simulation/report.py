"""What happened in a simulation, counted: as aligned columns and as JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.gateways.signer import Signer
from portal.services.clients import clients
from portal.services.stripe_lists import failures
from portal.services.verify import COUNT
from portal.services.verify.whole import verify_whole

SHOWN = 20
Counts = Mapping[str, int]

_MONEY = text("""
    SELECT a.currency || ' ' || CASE
        WHEN e.kind IN ('placed', 'adjusted') THEN 'placed'
        WHEN e.kind = 'payment' THEN 'paid'
        WHEN e.kind IN ('refund', 'refund_failed') THEN 'refunded'
        WHEN e.kind IN ('chargeback', 'chargeback_reversed') THEN 'charged back'
        WHEN e.kind = 'returned' THEN 'came back'
        WHEN e.kind IN ('forgiven', 'forgiveness_reversed') THEN 'forgiven'
        ELSE e.kind END, sum(e.amount_cents)
    FROM ledger_entry e JOIN account a ON (a.client_id, a.id) = (e.client_id, e.account_id)
    GROUP BY 1
    UNION ALL SELECT currency || ' owed', sum(balance_cents) FROM account GROUP BY currency""")
_COUNTS = {
    "accounts": "SELECT status, count(*) FROM account GROUP BY 1",
    "arrangements": """
        SELECT concat(kind, ', ', method, ': ', status, ' (' || ended_reason || ')'), count(*)
        FROM arrangement GROUP BY 1""",
    "payments": "SELECT purpose || ': ' || status, count(*) FROM payment GROUP BY 1",
    "failures": """
        SELECT coalesce(decline_code, failure_code), count(*) FROM payment
        WHERE coalesce(decline_code, failure_code) IS NOT NULL GROUP BY 1""",
    "messages": "SELECT channel || ' ' || template, count(*) FROM message GROUP BY 1",
    "held back": """
        SELECT concat(rule, ', ', channel, ' ', template), count(*) FROM message
        WHERE status = 'suppressed' GROUP BY 1""",
    "letters": "SELECT status, count(*) FROM message WHERE channel = 'letter' GROUP BY 1",
    "notices before charges": """
        SELECT CASE WHEN status = 'suppressed' THEN concat('held back, ', rule) ELSE status END,
          count(*) FROM message WHERE template = 'pre_debit_notice' GROUP BY 1""",
    "changes": "SELECT kind, count(*) FROM amendment GROUP BY 1",
    "record": "SELECT type, count(*) FROM leaf GROUP BY 1",
    "questions for staff": """
        SELECT kind || CASE WHEN resolved_at IS NULL THEN ', open' ELSE ', answered' END, count(*)
        FROM money_exception GROUP BY 1""",
    "help requests": "SELECT topic || ': ' || status, count(*) FROM help_request GROUP BY 1",
    "proposals": "SELECT status, count(*) FROM proposal GROUP BY 1",
    "alarms": "SELECT invariant, count(*) FROM evidence_alarm GROUP BY 1",
}


@dataclass(kw_only=True)
class Report:
    """What happened, counted; ``money`` is in cents, ``broken`` names invariants and places.

    ``wall_s`` and ``slowest_s`` are real seconds, and no two runs have the same.
    """

    days: int
    seed: int
    people: int
    did: Counts = field(default_factory=dict)
    not_offered: Counts = field(default_factory=dict)
    refused: Counts = field(default_factory=dict)
    never: list[str] = field(default_factory=list)
    staff: Counts = field(default_factory=dict)
    money: Counts = field(default_factory=dict)
    counts: Mapping[str, Counts] = field(default_factory=dict)
    jobs: Counts = field(default_factory=dict)
    given_up: Counts = field(default_factory=dict)
    broken_pages: Counts = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    checked: int = COUNT
    broken: list[str] = field(default_factory=list)
    wall_s: float = 0.0
    slowest_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether everything that must hold does, and nothing failed in silence."""
        return not (self.broken or self.errors or self.given_up or self.broken_pages)

    @property
    def facts(self) -> dict[str, Any]:
        """All of it that the seed decides: the same for two runs of one seed."""
        told = asdict(self)
        del told["wall_s"], told["slowest_s"]
        return told

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        return asdict(self) | {"holds": self.holds}


def count_rows(session: Session, report: Report) -> None:
    """Count what the database has at the end."""
    set_tenant(session, *clients(session).values())
    report.money = _sorted(session, _MONEY)
    report.counts = {name: _sorted(session, text(query)) for name, query in _COUNTS.items()}


def _sorted(session: Session, query: Any) -> Counts:
    rows = [(str(name), int(number)) for name, number in session.execute(query)]
    return dict(sorted(rows))


def judge(session: Session, signer: Signer, report: Report) -> None:
    """Check every invariant, as portal verify does."""
    for slug, broken in verify_whole(session, signer):
        report.broken.append(f"{slug}: {broken.invariant}: {broken.where}")
    named, _ = failures(session, most=SHOWN)
    report.broken += [f"not taken over: {one.kind} {one.object_id}: {one.why}" for one in named]


def lines(report: Report) -> Iterator[str]:
    """The report in aligned columns."""
    yield f"{report.days} days, {report.people} people, seed {report.seed}, {report.wall_s:.0f} s"
    yield from _block("What people did", report.did)
    yield from _block("Not offered to them", report.not_offered)
    yield from _block("Refused by a page", report.refused)
    yield from _block("Never done", dict.fromkeys(report.never, ""))
    yield from _block("What staff did", report.staff)
    yield from _block("Money", {k: f"{v / 100:,.2f}" for k, v in report.money.items()})
    for name, counts in report.counts.items():
        yield from _block(name.capitalize(), counts)
    yield from _block("Jobs run", report.jobs)
    yield from _block("Jobs given up", report.given_up)
    yield from _block("Pages that broke", report.broken_pages)
    yield from _block("Slowest, seconds", {k: f"{v:,.1f}" for k, v in report.slowest_s.items()})
    for error in report.errors[:SHOWN]:
        yield f"error: {error}"
    if len(report.errors) > SHOWN:
        yield f"and {len(report.errors) - SHOWN:,} more errors"
    for one in report.broken:
        yield f"broken: {one}"
    yield f"{report.checked} invariants checked for each client, {len(report.broken)} broken."


def _block(title: str, values: Mapping[str, object]) -> Iterator[str]:
    if not values:
        return
    shown = {name: f"{one:,}" if isinstance(one, int) else str(one) for name, one in values.items()}
    wide, deep = max(map(len, shown)), max(map(len, shown.values()))
    yield ""
    yield title
    for name, value in shown.items():
        yield f"  {name:{wide}}  {value:>{deep}}"
    yield ""
