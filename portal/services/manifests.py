"""One leaf for all that one job wrote or held back, over a list that names each (RT-02)."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from portal.models import Client
from portal.services import evidence
from portal.services.evidence import Payload

MEDIA = "text/plain; charset=utf-8"


def record_manifest(
    session: Session,
    client: Client,
    batch_id: UUID,
    lines: Iterable[str],
    *,
    told: Payload,
    now: datetime,
) -> None:
    """Write the leaf of a batch on its client's chain; ``told["type"]`` is the leaf's own.

    A line names a debtor with a message or with the rule that held it back. The rows of what was
    held back carry ``batch_id``. The caller commits.
    """
    manifest = "".join(f"{line}\n" for line in lines)
    digest = evidence.store_document(
        session, client.id, client.chain_id, MEDIA, manifest.encode(), now
    )
    said = {name: value for name, value in told.items() if name != "type"}
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type=told["type"],
        payload={
            "actor": evidence.SYSTEM,
            **said,
            "batch": str(batch_id),
            "documents": [{"name": "manifest", "sha256": digest}],
        },
        now=now,
    )
