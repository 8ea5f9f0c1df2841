"""Moving what failed or was missed to another day, by one tap of its debtor.

Spreading it over the later payments is a change with a review of its own, as ``amending`` makes it.
"""

from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.domain.amendments import Change
from portal.domain.curing import CureNotPossible
from portal.domain.statuses import ArrangementStatus
from portal.models import Arrangement
from portal.services import amending
from portal.services.amending import Wish
from portal.services.arrangements import lock_parts
from portal.services.evidence import Actor
from portal.services.keeping import read_patience
from portal.services.ledger import lock_account, lock_row


def move_late(
    session: Session, agreed: Arrangement, to: date, *, actor: Actor, now: datetime
) -> None:
    """Move the one late part to a day that is offered; doing it twice is doing it once.

    The account's open Checkout page was closed before; the caller commits. Raises CureNotPossible
    and the errors of ``amending.move``.
    """
    account = lock_account(session, agreed.account_id)
    agreed = lock_row(session, Arrangement, (agreed.client_id, agreed.id))
    if agreed.status != ArrangementStatus.ACTIVE:
        raise CureNotPossible
    parts = lock_parts(session, agreed)
    found = read_patience(session, account, agreed, now=now).cure
    if found is None and any(part.late_since and part.due_on == to for part in parts):
        return
    if found is None or to not in found.dates:
        raise CureNotPossible
    due_on = found.late[0].due_on
    wish = Wish(Change.MOVED, due_on=due_on, to=to, cure_until=found.dates[-1])
    amending.move(session, agreed, wish, actor=actor, now=now)
