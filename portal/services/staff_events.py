"""What happened to the access of staff: written once, kept apart from any client's record."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.domain import N_
from portal.models import StaffEvent, fresh_id

PAGE = 50

KINDS: dict[str, str] = {
    "log_in": N_("Logged in"),
    "log_in.refused": N_("A log-in was refused"),
    "log_in.locked": N_("Locked out after too many tries"),
    "log_out": N_("Logged out"),
    "proved": N_("Confirmed who they are before something important"),
    "proof.refused": N_("Could not confirm who they are"),
    "recovery.used": N_("Used a recovery code"),
    "recovery.made": N_("Made new recovery codes"),
    "second_step.set": N_("Set up the second step"),
    "second_step.reset": N_("The second step was taken back"),
    "password.asked": N_("Asked for a new password"),
    "password.changed": N_("Changed the password"),
    "session.ended": N_("A log-in was ended"),
    "sessions.ended": N_("All other log-ins were ended"),
    "invited": N_("Invited"),
    "invitation.sent": N_("The invitation was sent again"),
    "invitation.revoked": N_("The invitation was taken back"),
    "joined": N_("Accepted the invitation"),
    "role.changed": N_("The role was changed"),
    "disabled": N_("Disabled"),
    "enabled": N_("Allowed in again"),
}
"""What is noted, in words."""


def note(
    session: Session, kind: str, *, staff: UUID | None, now: datetime, **detail: Any
) -> StaffEvent:
    """Write down what happened to a member of staff's access. The caller commits.

    ``ip`` and ``client_id`` have columns of their own; ``by`` names who did it to somebody else.
    """
    event = StaffEvent(
        id=fresh_id(),
        staff_id=staff,
        client_id=detail.pop("client_id", None),
        at=now,
        kind=kind,
        ip=detail.pop("ip", None),
        detail={name: str(value) for name, value in detail.items()},
    )
    session.add(event)
    session.flush()
    return event


def events(
    session: Session, *, staff: UUID | None = None, before: UUID | None = None
) -> Sequence[StaffEvent]:
    """A page of the newest events that the one who is logged in may read, or of one person."""
    query = select(StaffEvent)
    if staff is not None:
        query = query.where(
            or_(StaffEvent.staff_id == staff, StaffEvent.detail["by"].astext == str(staff))
        )
    if before is not None:
        query = query.where(StaffEvent.id < before)
    return session.scalars(query.order_by(StaffEvent.id.desc()).limit(PAGE)).all()
