"""Lock-outs as an operator sees them: marks that name nobody, lifted with a reason."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from portal.domain.help import kept_words
from portal.models import AttemptCounter, Noted, Staff
from portal.services.attempts import Closed
from portal.services.dossier import ReasonMissing
from portal.services.staff_events import note


def lift(session: Session, lock: Closed, *, reason: str, staff: Staff, now: datetime) -> None:
    """Let whoever this counter closed try again, and keep who let them and why. The caller commits.

    Raises ReasonMissing, TextTooLong, CardNumberTyped (PC-01).
    """
    if not (why := kept_words(reason)):
        raise ReasonMissing
    same = (AttemptCounter.scope == lock.scope, AttemptCounter.key_hash == bytes.fromhex(lock.mark))
    session.execute(delete(AttemptCounter).where(*same))
    note(
        session,
        Noted.LOCK_LIFTED,
        staff=staff.id,
        now=now,
        scope=lock.scope.value,
        mark=lock.mark,
        reason=why,
    )
