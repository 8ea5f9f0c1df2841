"""What a client's compliance mailbox gets each day: the signed head, and what was found (EV-05)."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Session

from portal.models import Client, EvidenceCheck, Staff, StoredCheckpoint
from portal.rules.emails import parse_email
from portal.services import evidence
from portal.services.alarms import open_alarms
from portal.services.record_state import last_check
from portal.services.staff import EmailUnreadable
from portal.services.tree import newest_checkpoint


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


def change_mailbox(
    session: Session, client: Client, typed: str, *, staff: Staff, now: datetime
) -> None:
    """Send the signed heads to another address from now on; the same one again changes nothing.

    The leaf has a hash of each address, over the client's id and it. The caller commits. Raises
    EmailUnreadable.
    """
    email = parse_email(typed)
    if email is None:
        raise EmailUnreadable
    session.refresh(client, with_for_update=True)
    before, client.compliance_email = client.compliance_email, email.address
    if before == email.address:
        return
    payload = {"actor": evidence.staff(staff.id), "after_sha256": _hash(client, email.address)}
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type="client.compliance_mailbox_changed",
        payload=payload | ({"before_sha256": _hash(client, before)} if before else {}),
        now=now,
    )


def _hash(client: Client, address: str) -> str:
    return sha256(f"{client.id} {address}".encode()).hexdigest()
