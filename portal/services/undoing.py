"""Until when an arrangement can be taken back whole, by the limits under which it was agreed."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.deadlines import undo_until as until
from portal.domain.policy import Keeping
from portal.models import Arrangement
from portal.services.policies import NoPolicy, policy_version


class TooLateToTakeBack(DomainError):
    """The time in which an arrangement can be taken back is over, or there was none."""

    message = N_("It is too late to take this back. You can still end it on this page.")


def undo_until(session: Session, agreed: Arrangement) -> datetime | None:
    """The instant from which its debtor cannot take it back any more; None: never promised."""
    return until(agreed.accepted_at, _keeping(session, agreed).undo_hours)


def require_in_time(session: Session, agreed: Arrangement, now: datetime) -> datetime:
    """Until when it can be taken back. Raises TooLateToTakeBack."""
    last = undo_until(session, agreed)
    if last is None or now >= last:
        raise TooLateToTakeBack
    return last


def _keeping(session: Session, agreed: Arrangement) -> Keeping:
    try:
        return policy_version(session, agreed.client_id, agreed.policy_version).policy.keeping
    except NoPolicy:
        return Keeping()
