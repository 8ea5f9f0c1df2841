"""Calls that their agent can no longer wrap up: the portal ends them, on the record."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain.callers import Disposition
from portal.models import CallSession, Staff
from portal.services.call_sessions import Ending, wrap_up

WHY = "Ended by the portal: the agent does not work for this client any more."


def end_out_of_reach(session: Session, staff: Staff, *, now: datetime) -> bool:
    """End the call of whoever is logged in if its client is not theirs any more.

    It would keep them from every other call. Whether there was one; the caller commits.
    """
    return _end(session, staff, now, anywhere=False)


def hang_up(session: Session, staff: Staff, *, now: datetime) -> None:
    """End the call of somebody who may take no calls any more; the caller commits.

    The session sees the rows of that member of staff.
    """
    _end(session, staff, now, anywhere=True)


def _end(session: Session, staff: Staff, now: datetime, *, anywhere: bool) -> bool:
    """Somebody known was spoken with, and counts as that (CT-06); else the call was cut off."""
    session.flush()
    found = session.execute(text("SELECT client_id, id FROM resolve_open_call()")).one_or_none()
    mine = tuple(session.info.get("client_ids", ()))
    if found is None or (found.client_id in mine and not anywhere):
        return False
    set_tenant(session, found.client_id)
    try:
        call = session.get_one(CallSession, (found.client_id, found.id))
        how = Disposition.SPOKE if call.verified_at else Disposition.CUT_OFF
        wrap_up(session, call, Ending(how, WHY, by_portal=True), staff=staff, now=now)
        session.flush()
    finally:
        set_tenant(session, *mine)
    return True
