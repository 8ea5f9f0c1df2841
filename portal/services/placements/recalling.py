"""Taking accounts back: what runs is ended, links are closed, the balance stays as a record."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import commit
from portal.domain.statuses import LIVE, AccountStatus, move
from portal.models import (
    AccessLink,
    Account,
    Arrangement,
    Client,
    Placement,
    PlacementKind,
    PlacementRow,
    PlacementStatus,
    fresh_id,
)
from portal.services import arrangements, evidence, ledger, links, payments
from portal.services.open_proposals import Closed, close_open
from portal.services.placements.deciding import Outcome, Telling
from portal.services.placements.files import FileEmpty, PlacementFile, records
from portal.services.placements.headers import ColumnMissing, find_column
from portal.services.placements.landing import hold_client
from portal.services.placements.manifest import Manifest, close_interrupted, end, interrupt
from portal.services.standing import close_pages

BATCH_ACCOUNTS = 200
MOST_NAMED = 20
REASON = "account_recalled"
PAYING = "recalled_while_paying"
"""The kind of question that a payment raises which is on its way when its account goes back."""

Line = tuple[int, str]


@dataclass(frozen=True, slots=True)
class RecallList:
    """What to take back: numbered references, and the file that they came from."""

    lines: Iterable[Line]
    name: str
    file: PlacementFile | None = None


@dataclass(slots=True)
class RecallReport:
    """What became of a recall. ``rows`` is the sum of the next three."""

    placement_id: UUID
    rows: int = 0
    recalled: int = 0
    unchanged: int = 0
    refused: int = 0
    first_refusals: list[Telling] = field(default_factory=list)


def listed(references: Sequence[str]) -> RecallList:
    """References given one by one."""
    cleaned = [reference.strip() for reference in references]
    return RecallList(list(enumerate(cleaned, 1)), "by reference")


def read_recall(file: PlacementFile, synonyms: Mapping[str, str]) -> RecallList:
    """The references of a file: its column of account numbers, or its only column.

    Raises FileEmpty, HeaderTooWide, ColumnMissing.
    """
    return RecallList(_lines(file, synonyms), file.path.name, file)


def _lines(file: PlacementFile, synonyms: Mapping[str, str]) -> Iterator[Line]:
    found = records(file, lambda size: None)
    header = next(found)
    place = find_column(header.cells, "reference", synonyms)
    if place is None and len(header.cells) > 1:
        names = ", ".join(name[:40] for name in header.cells[:40])
        raise ColumnMissing(fields="account number", header=names)
    if place is None:
        yield header.line, header.cells[0].strip()
    for record in found:
        cells = record.cells if len(record.cells) > (place or 0) else [*record.cells, ""]
        yield record.line, cells[place or 0].strip() if len(cells) > (place or 0) else ""


def recall(
    session: Session,
    client: Client,
    wanted: RecallList,
    *,
    now: datetime,
    recalled_by: UUID | None = None,
) -> RecallReport:
    """Take accounts back for a client, in batches that are committed one by one.

    A live arrangement is canceled, the debtor's links are revoked where nothing else is open, and
    the account's leaf says so. Raises FileEmpty, HeaderTooWide, ColumnMissing.
    """
    close_interrupted(session, client, now)
    lines = iter(wanted.lines)
    batch = list(islice(lines, BATCH_ACCOUNTS))
    if not batch:
        raise FileEmpty
    run = _Recall(session, client, _started(client, wanted, recalled_by, now), now)
    session.add(run.placement)
    commit(session, "recall.started")
    try:
        while batch:
            run.take_back(batch)
            commit(session, "recall.batch")
            batch = list(islice(lines, BATCH_ACCOUNTS))
        status, manifest = PlacementStatus.COMPLETED, run.manifest.hexdigest()
        end(session, client, run.placement, status=status, manifest_sha256=manifest, now=now)
        commit(session, "recall.completed")
    except BaseException:
        interrupt(session, client, run.placement, now)
        raise
    return run.report


def _started(
    client: Client, wanted: RecallList, recalled_by: UUID | None, now: datetime
) -> Placement:
    return Placement(
        client_id=client.id,
        id=fresh_id(),
        kind=PlacementKind.RECALLED,
        status=PlacementStatus.STARTED,
        file_name=wanted.name,
        file_sha256=wanted.file.sha256 if wanted.file else None,
        placed_by=recalled_by,
        started_at=now,
        **dict.fromkeys(("rows", "landed", "updated", "unchanged", "refused", "warned"), 0),
    )


class _Recall:
    """One recall while it goes on."""

    def __init__(
        self, session: Session, client: Client, placement: Placement, now: datetime
    ) -> None:
        self.session, self.client, self.placement, self.now = session, client, placement, now
        by = placement.placed_by
        self.actor = evidence.staff(by) if by else evidence.SYSTEM
        self.manifest, self.report = Manifest(), RecallReport(placement.id)

    def take_back(self, batch: Sequence[Line]) -> None:
        """Recall the accounts of these lines; the caller commits."""
        hold_client(self.session, self.placement)
        accounts = self._locked([reference for _, reference in batch])
        tellings = [
            (line, *self._one(reference, accounts.get(reference))) for line, reference in batch
        ]
        for line, outcome, reference, column, reason in tellings:
            self.session.add(
                PlacementRow(
                    client_id=self.client.id,
                    placement_id=self.placement.id,
                    line=line,
                    outcome=outcome,
                    reference=reference,
                    column=column,
                    reason=reason,
                )
            )
        self.manifest.add(tellings)
        self._count(tellings)

    def _locked(self, references: Sequence[str]) -> dict[str, Account]:
        found = self.session.scalars(
            select(Account)
            .where(Account.client_id == self.client.id, Account.reference.in_(references))
            .order_by(Account.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return {account.reference: account for account in found}

    def _one(
        self, reference: str, account: Account | None
    ) -> tuple[str, str | None, str | None, str | None]:
        if account is None:
            why = "This client has no account with that number: check it."
            return Outcome.REFUSED, reference or None, "reference", why
        if account.status == AccountStatus.RECALLED:
            return Outcome.UNCHANGED, reference, None, None
        if account.status != AccountStatus.OPEN:
            why = "Nothing is owed on this account any more, so there is nothing to take back."
            return Outcome.REFUSED, reference, "reference", why
        self._recall(account)
        return Outcome.RECALLED, reference, None, None

    def _recall(self, account: Account) -> None:
        session, now = self.session, self.now
        self._end_arrangement(account)
        close_open(session, account, Closed.RECALLED, actor=self.actor, now=now)
        account.status = move(AccountStatus(account.status), AccountStatus.RECALLED)
        close_pages(self.session, account)
        account.recalled_at = account.updated_at = now
        self._ask_about_payment(account)
        evidence.record(
            session,
            client_id=account.client_id,
            chain_id=account.chain_id,
            type="account.recalled",
            payload={
                "actor": self.actor,
                "placement": str(self.placement.id),
                "balance_cents": account.balance_cents,
                "currency": account.currency,
            },
            now=now,
        )
        self._close_links(account)

    def _end_arrangement(self, account: Account) -> None:
        agreed = self.session.scalar(
            select(Arrangement).where(
                Arrangement.client_id == account.client_id,
                Arrangement.account_id == account.id,
                Arrangement.status.in_(LIVE),
            )
        )
        if agreed is not None:
            arrangements.cancel(self.session, agreed, reason=REASON, actor=self.actor, now=self.now)

    def _ask_about_payment(self, account: Account) -> None:
        payment = payments.open_attempt(self.session, account.id)
        if payment is not None:
            ledger.open_exception(
                self.session,
                account,
                kind=PAYING,
                source=f"payment:{payment.id}",
                detail="The client took the account back while a payment is on its way.",
                now=self.now,
            )

    def _close_links(self, account: Account) -> None:
        """Revoke the debtor's links, unless another of their accounts is still here."""
        mine = (Account.client_id == account.client_id, Account.debtor_id == account.debtor_id)
        here = select(Account.id).where(*mine, Account.status != AccountStatus.RECALLED).limit(1)
        if self.session.scalar(here) is not None:
            return
        live = select(AccessLink).where(
            AccessLink.client_id == account.client_id,
            AccessLink.debtor_id == account.debtor_id,
            AccessLink.revoked_at.is_(None),
            AccessLink.expires_at > self.now,
        )
        for link in self.session.scalars(live.order_by(AccessLink.id)).all():
            links.revoke_link(self.session, link, reason=REASON, actor=self.actor, now=self.now)

    def _count(self, tellings: Sequence[Telling]) -> None:
        outcomes = [telling[1] for telling in tellings]
        report, placement = self.report, self.placement
        report.rows += len(tellings)
        report.recalled += outcomes.count(Outcome.RECALLED)
        report.unchanged += outcomes.count(Outcome.UNCHANGED)
        report.refused += outcomes.count(Outcome.REFUSED)
        refused = [telling for telling in tellings if telling[1] == Outcome.REFUSED]
        report.first_refusals += refused[: MOST_NAMED - len(report.first_refusals)]
        placement.rows, placement.updated = report.rows, report.recalled
        placement.unchanged, placement.refused = report.unchanged, report.refused
