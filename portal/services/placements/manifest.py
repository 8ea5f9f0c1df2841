"""What a placement did, line by line, as one hash; and its end on the record."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import commit
from portal.models import Client, Placement, PlacementRow, PlacementStatus
from portal.services import evidence
from portal.services.openings import entries_of
from portal.services.placements.deciding import Telling

INTERRUPTED_AFTER = timedelta(hours=6)
"""A placement that began so long ago and has not ended was interrupted."""
_READ_AT_ONCE = 5_000


class Manifest:
    """SHA-256 over the lines of a placement: number, outcome, reference, column, reason.

    The five stand between tabs, nothing for none, and a line feed ends each line.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, tellings: Iterable[Telling]) -> None:
        """Take in further lines, in the order of the file."""
        for telling in tellings:
            cells = ("" if part is None else str(part) for part in telling)
            self._digest.update(("\t".join(cells) + "\n").encode())

    def hexdigest(self) -> str:
        """The hash of all lines so far."""
        return self._digest.hexdigest()


def manifest_of(session: Session, placement: Placement) -> str:
    """The manifest's hash, from the rows as they are kept; the leaf must say the same."""
    row = PlacementRow
    stored = (
        select(row.line, row.outcome, row.reference, row.column, row.reason)
        .where(row.client_id == placement.client_id, row.placement_id == placement.id)
        .order_by(row.line)
        .execution_options(yield_per=_READ_AT_ONCE)
    )
    manifest = Manifest()
    manifest.add((*found,) for found in session.execute(stored))
    return manifest.hexdigest()


def end(
    session: Session,
    client: Client,
    placement: Placement,
    *,
    status: PlacementStatus,
    manifest_sha256: str,
    now: datetime,
) -> None:
    """Close a placement with its leaf on the client's own chain; the caller commits."""
    placement.status, placement.completed_at = status, now
    actor = evidence.staff(placement.placed_by) if placement.placed_by else evidence.SYSTEM
    counts = {
        name: getattr(placement, name)
        for name in ("rows", "landed", "updated", "unchanged", "refused", "warned")
    }
    payload = {
        "actor": actor,
        "placement": str(placement.id),
        "kind": str(placement.kind),
        "file_name": placement.file_name,
        "manifest_sha256": manifest_sha256,
        **counts,
        **entries_of(session, placement),
    }
    if placement.file_sha256:
        payload["file_sha256"] = placement.file_sha256.hex()
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type=f"placement.{status}",
        payload=payload,
        now=now,
    )


def interrupt(session: Session, client: Client, placement: Placement, now: datetime) -> None:
    """Close a placement that did not reach its end: what landed before stays and is on record."""
    session.rollback()
    manifest = manifest_of(session, placement)
    status = PlacementStatus.INTERRUPTED
    end(session, client, placement, status=status, manifest_sha256=manifest, now=now)
    commit(session, "placement.interrupted")


def close_interrupted(session: Session, client: Client, now: datetime) -> None:
    """Close the placements that were cut off without a word, as when the machine went down."""
    lost = select(Placement).where(
        Placement.client_id == client.id,
        Placement.status == PlacementStatus.STARTED,
        Placement.started_at < now - INTERRUPTED_AFTER,
    )
    for placement in session.scalars(lost).all():
        interrupt(session, client, placement, now)
