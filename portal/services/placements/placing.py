"""Placing a file: read, checked and landed in batches, each in its own transaction."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.db import commit
from portal.domain.capabilities import is_time_barred
from portal.domain.identity import Factor
from portal.domain.validation import needs_validation_notice
from portal.models import Client, Placement, PlacementKind, PlacementStatus, fresh_id
from portal.services.identity import WANTED
from portal.services.placements.deciding import Batch, Outcome
from portal.services.placements.defaults import defaults_of
from portal.services.placements.files import FileEmpty, PlacementFile, Record, records
from portal.services.placements.headers import match_header
from portal.services.placements.landing import land
from portal.services.placements.manifest import Manifest, close_interrupted, end, interrupt
from portal.services.placements.person import Hasher
from portal.services.placements.reading import RowReader
from portal.services.placements.rows import CheckedRow, Checker, Refusal
from portal.services.placements.seen import SeenReferences
from portal.services.policies import currency_of_limits

BATCH_ROWS = 5_000
MOST_NAMED = 20
"""Of the accounts and refusals that a report names one by one."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Who places, and who hears of it while it goes on.

    ``refused`` hears each refusal with the file's header, ``read`` how many bytes were read.
    """

    placed_by: UUID | None = None
    refused: Callable[[Refusal, list[str]], None] = lambda refusal, header: None
    read: Callable[[int], None] = lambda size: None


@dataclass(slots=True)
class PlacementReport:
    """What became of a placement. ``rows`` is the sum of the next four; ``held`` is in ``updated``.

    ``unverifiable``: accounts placed or updated with none of the client's identity factors and no
    second address for a code, so that nobody could prove to be their debtor; the first are named.
    ``without_notice`` and ``time_barred``: accounts that get no link yet (VN-04, TB-02).
    ``unoffered``: accounts in another currency than the offer limits, which are shown no offers.
    """

    placement_id: UUID
    rows: int = 0
    landed: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    warned: int = 0
    unoffered: int = 0
    held: int = 0
    without_notice: int = 0
    time_barred: int = 0
    unverifiable: int = 0
    unverifiable_references: list[str] = field(default_factory=list)
    first_refusals: list[Refusal] = field(default_factory=list)


def place_file(
    session: Session,
    client: Client,
    file: PlacementFile,
    *,
    pepper: bytes,
    now: datetime,
    watch: Watch | None = None,
) -> PlacementReport:
    """Place the accounts of a file with a client: good rows land, bad ones are refused.

    Commits batch by batch; an interrupted placement keeps its batches, and placing the file again
    lands the rest. Raises FileEmpty, HeaderTooWide, ColumnMissing, ColumnDoubled and
    DefaultsUnclear before anything is written.
    """
    watch = watch or Watch()
    close_interrupted(session, client, now)
    lines = records(file, watch.read)
    header = next(lines).cells
    today = now.astimezone(ZoneInfo(client.time_zone)).date()
    reader = RowReader(header, match_header(header, client.header_synonyms), today)
    hashed, offered = Hasher(client.id, pepper), currency_of_limits(session, client.id, now)
    checker = Checker(reader, hashed, defaults_of(client), offered=offered)
    run = _Run(session, client, checker, watch, now)
    with SeenReferences() as seen:
        checked = _checked(lines, checker, seen)
        batch = list(islice(checked, BATCH_ROWS))
        if not batch:
            raise FileEmpty
        run.start(file)
        try:
            while batch:
                run.land(batch)
                batch = list(islice(checked, BATCH_ROWS))
            return run.end()
        except BaseException:
            interrupt(session, client, run.placement, now)
            raise


def _checked(
    lines: Iterator[Record], checker: Checker, seen: SeenReferences
) -> Iterator[CheckedRow | Refusal]:
    for record in lines:
        row = checker.check(record)
        if isinstance(row, CheckedRow):
            first = seen.earlier_line(row.reference, row.line)
            if first is not None:
                row = _twice(row, checker, first)
        yield row


def _twice(row: CheckedRow, checker: Checker, first: int) -> Refusal:
    why = f"This account stands in line {first} already: leave one of the two out."
    column = checker.reader.column("reference")
    return Refusal(row.line, column, row.reference, why, row.cells, row.reference)


def _lacks_notice(row: CheckedRow) -> bool:
    needed = needs_validation_notice(row.collector_role, row.debt_purpose)
    return needed and row.validation_notice_sent_on is None


class _Run:
    """One placement while it goes on."""

    placement: Placement
    report: PlacementReport

    def __init__(
        self, session: Session, client: Client, checker: Checker, watch: Watch, now: datetime
    ) -> None:
        reader, self.offered = checker.reader, checker.offered
        self.session, self.client, self.watch, self.now = session, client, watch, now
        self.header, self.columns, self.today = reader.names, reader.columns(), reader.today
        self.manifest = Manifest()
        self.factors = [f"{factor}_hash" for factor in Factor if factor in client.identity_factors]

    def start(self, file: PlacementFile) -> None:
        """Write the placement, so that its rows can name it."""
        self.placement = Placement(
            client_id=self.client.id,
            id=fresh_id(),
            kind=PlacementKind.PLACED,
            status=PlacementStatus.STARTED,
            file_name=file.path.name,
            file_sha256=file.sha256,
            placed_by=self.watch.placed_by,
            started_at=self.now,
            **dict.fromkeys(("rows", "landed", "updated", "unchanged", "refused", "warned"), 0),
        )
        self.session.add(self.placement)
        self.report = PlacementReport(self.placement.id)
        commit(self.session, "placement.started")

    def land(self, items: Sequence[CheckedRow | Refusal]) -> None:
        """Write one batch and commit it; refusals are told once they are on record."""
        rows = [item for item in items if isinstance(item, CheckedRow)]
        refused = [item for item in items if isinstance(item, Refusal)]
        batch = land(
            self.session, self.placement, rows, refused, columns=self.columns, now=self.now
        )
        self._count(batch)
        commit(self.session, "placement.batch")
        self.manifest.add(batch.tellings())
        for refusal in sorted(batch.refused, key=lambda refusal: refusal.line):
            self.watch.refused(refusal, self.header)

    def _count(self, batch: Batch) -> None:
        report, written = self.report, batch.written()
        landed = sum(decision.outcome is Outcome.LANDED for decision in batch.decisions)
        report.landed += landed
        report.updated += len(batch.decisions) - landed
        report.unchanged += len(batch.unchanged)
        report.refused += len(batch.refused)
        report.rows += len(written) + len(batch.refused)
        report.warned += sum(bool(row.notices) for row in written)
        report.unoffered += sum(self.offered not in (None, row.currency) for row in written)
        report.held += len(batch.held)
        report.first_refusals += batch.refused[: MOST_NAMED - len(report.first_refusals)]
        for name in ("rows", "landed", "updated", "unchanged", "refused", "warned"):
            setattr(self.placement, name, getattr(report, name))
        rows = [decision.row for decision in batch.decisions]
        report.without_notice += sum(map(_lacks_notice, rows))
        report.time_barred += sum(is_time_barred(row.sol_expires_on, self.today) for row in rows)
        self._count_unverifiable(rows)

    def _count_unverifiable(self, rows: Sequence[CheckedRow]) -> None:
        lost = [row.reference for row in rows if not self._is_verifiable(row)]
        named = self.report.unverifiable_references
        self.report.unverifiable += len(lost)
        named += lost[: MOST_NAMED - len(named)]

    def _is_verifiable(self, row: CheckedRow) -> bool:
        """Whether enough facts can be asked for, or a code sent to another address."""
        client = self.client
        codes = client.identity_codes and client.texts and row.email and row.phone
        known = sum(getattr(row, factor) is not None for factor in self.factors)
        return bool(codes) or 0 < min(WANTED, len(self.factors)) <= known

    def end(self) -> PlacementReport:
        """Close the placement with its leaf."""
        end(
            self.session,
            self.client,
            self.placement,
            status=PlacementStatus.COMPLETED,
            manifest_sha256=self.manifest.hexdigest(),
            now=self.now,
        )
        commit(self.session, "placement.completed")
        return self.report
