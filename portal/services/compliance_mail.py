"""What a client's compliance mailbox gets each day: the signed head, and what was found (EV-05)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from portal.models import Client, EvidenceCheck, StoredCheckpoint
from portal.services.alarms import open_alarms
from portal.services.tree import newest_checkpoint
from portal.services.watch import last_check


@dataclass(frozen=True, slots=True)
class Daily:
    """One day's report; ``checked`` is the newest run over the whole record, if there was one."""

    client: Client
    to: str
    signed: StoredCheckpoint
    checked: EvidenceCheck | None
    alarms: int
    at: datetime


def daily(session: Session, client_id: UUID, *, now: datetime) -> Daily | None:
    """What to send today; None without a mailbox, or where nothing was ever signed."""
    client = session.get_one(Client, client_id)
    signed = newest_checkpoint(session, client_id)
    if not client.compliance_email or signed is None:
        return None
    checked = last_check(session, client_id, whole=True)
    alarms = len(open_alarms(session, client_id))
    return Daily(client, client.compliance_email, signed, checked, alarms, now)
