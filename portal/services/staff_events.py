"""What staff did or tried that is on no account's record: kept for whoever answers for them.

How they came in, what was done to their access, a refused page, an object that was not there or is
another client's, each account opened, and what an operator mended. Rows are only added.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select, text
from sqlalchemy.orm import Session

from portal.domain import N_
from portal.models import Account, Noted, Staff, StaffEvent, fresh_id

MANY = 200
SPAN = timedelta(minutes=10)
LOOKED_BACK = timedelta(days=1)
HASTY = "nobody opens accounts faster than they can be read"
PAGE = 50

KINDS: dict[Noted, str] = {
    Noted.LOG_IN: N_("Logged in"),
    Noted.LOG_IN_REFUSED: N_("A log-in was refused"),
    Noted.LOG_IN_LOCKED: N_("Locked out after too many tries"),
    Noted.LOG_OUT: N_("Logged out"),
    Noted.PROVED: N_("Confirmed who they are before something important"),
    Noted.PROOF_REFUSED: N_("Could not confirm who they are"),
    Noted.RECOVERY_USED: N_("Used a recovery code"),
    Noted.RECOVERY_MADE: N_("Made new recovery codes"),
    Noted.SECOND_STEP_SET: N_("Set up the second step"),
    Noted.SECOND_STEP_RESET: N_("The second step was taken back"),
    Noted.PASSWORD_ASKED: N_("Asked for a new password"),
    Noted.PASSWORD_CHANGED: N_("Changed the password"),
    Noted.SESSION_ENDED: N_("A log-in was ended"),
    Noted.SESSIONS_ENDED: N_("All other log-ins were ended"),
    Noted.INVITED: N_("Invited"),
    Noted.INVITATION_SENT: N_("The invitation was sent again"),
    Noted.INVITATION_REVOKED: N_("The invitation was taken back"),
    Noted.JOINED: N_("Accepted the invitation"),
    Noted.ROLE_CHANGED: N_("The role was changed"),
    Noted.DISABLED: N_("Disabled"),
    Noted.ENABLED: N_("Allowed in again"),
    Noted.REFUSED: N_("Tried what their role may not do"),
    Noted.MISSING: N_("Asked for what is not there for them"),
    Noted.OPENED: N_("Opened an account"),
    Noted.JOB_RETRIED: N_("Had a job tried again"),
    Noted.LOCK_LIFTED: N_("Lifted a lock-out"),
}
"""What is kept, in words."""

_HASTY = text("""
    SELECT DISTINCT staff_id, (at AT TIME ZONE 'UTC')::date AS day FROM (
      SELECT staff_id, client_id, at, count(*) OVER (
        PARTITION BY staff_id ORDER BY at RANGE BETWEEN :span PRECEDING AND CURRENT ROW) AS opened
      FROM staff_event WHERE kind = 'opened' AND at > :since) AS read
    WHERE opened >= :many AND EXISTS (
      SELECT FROM staff_event AS e WHERE e.staff_id = read.staff_id AND e.kind = 'opened'
        AND e.client_id = :client AND e.at BETWEEN read.at - :span AND read.at)
    ORDER BY day, staff_id""")


def note(
    session: Session,
    kind: Noted,
    *,
    staff: UUID | None,
    now: datetime,
    client_id: UUID | None = None,
    ip: str | None = None,
    **detail: Any,
) -> StaffEvent:
    """Keep that this member of staff did it, or ``by`` to them; None: nobody was known.

    The caller commits.
    """
    event = StaffEvent(
        id=fresh_id(),
        staff_id=staff,
        client_id=client_id,
        at=now,
        kind=kind,
        detail={k: str(v) if isinstance(v, UUID) else v for k, v in detail.items()},
        ip=ip,
    )
    session.add(event)
    session.flush()
    return event


def note_opened(
    session: Session, account: Account, *, staff: Staff, ip: str | None, now: datetime
) -> None:
    """Keep that somebody opened an account, once in ten minutes. The caller commits."""
    before = select(StaffEvent.id).where(
        StaffEvent.staff_id == staff.id,
        StaffEvent.kind == Noted.OPENED,
        StaffEvent.at > now - SPAN,
        StaffEvent.detail["account_id"].astext == str(account.id),
    )
    if session.scalars(before.limit(1)).first() is None:
        about: dict[str, Any] = {"client_id": account.client_id, "account_id": str(account.id)}
        note(session, Noted.OPENED, staff=staff.id, now=now, ip=ip, **about)


def hasty(session: Session, client_id: UUID, *, now: datetime) -> list[str]:
    """Who opened 200 accounts within ten minutes in the last day, this client's among them.

    The same words for a whole day, so that it is one alarm. It counts the accounts of all clients,
    so it is asked by a worker.
    """
    values = {"client": client_id, "since": now - LOOKED_BACK, "span": SPAN, "many": MANY}
    return [
        f"staff {row.staff_id} on {row.day}: {MANY} or more accounts within 10 minutes"
        for row in session.execute(_HASTY, values)
    ]


def newest(
    session: Session,
    *,
    kind: Noted | None = None,
    staff_id: UUID | None = None,
    before: UUID | None = None,
) -> Sequence[StaffEvent]:
    """What staff did, the newest first: one more than a page shows where there are more.

    ``before``: an event; what is older than it follows.
    """
    query = select(StaffEvent).order_by(StaffEvent.at.desc(), StaffEvent.id.desc())
    if kind is not None:
        query = query.where(StaffEvent.kind == kind)
    if staff_id is not None:
        by_them = StaffEvent.detail["by"].astext == str(staff_id)
        query = query.where(or_(StaffEvent.staff_id == staff_id, by_them))
    if before is not None and (last := session.get(StaffEvent, before)) is not None:
        same = and_(StaffEvent.at == last.at, StaffEvent.id < last.id)
        query = query.where(or_(StaffEvent.at < last.at, same))
    return session.scalars(query.limit(PAGE + 1)).all()
