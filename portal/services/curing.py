"""Keeping an arrangement whose payment failed or was missed: moved, or spread, by its debtor."""

from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.domain.amendments import CURE
from portal.domain.curing import CureNotPossible
from portal.domain.holds import Capability
from portal.domain.money import Cents
from portal.domain.statuses import ArrangementStatus, InstallmentStatus, move
from portal.models import Account, Arrangement, Installment
from portal.services import arrangements
from portal.services.arrangements import said_part
from portal.services.evidence import Actor, Payload
from portal.services.fulfilling import lock_installments
from portal.services.keeping import read_patience
from portal.services.ledger import lock_account, lock_row
from portal.services.payments import open_attempt
from portal.services.standing import require


def move_late(
    session: Session, agreed: Arrangement, to: date, *, actor: Actor, now: datetime
) -> None:
    """Move the one late part to another day, as its debtor chose; doing it twice is doing it once.

    The account's open Checkout page was closed before. Raises CureNotPossible, NotAllowedNow.
    """
    account, agreed, parts = _locked(session, agreed, now=now)
    found = read_patience(session, account, agreed, now=now).cure
    if found is None and any(part.late_since and part.due_on == to for part in parts):
        return
    if found is None or to not in found.dates:
        raise CureNotPossible
    (part,) = (part for part in parts if part.n == found.late[0].n)
    before = [said_part(part)]
    part.late_since = part.late_since or part.due_on
    part.due_on = to
    _begin_anew(part)
    change = _change(before, [part], actor)
    arrangements.amend(session, account, agreed, change=change, now=now)


def spread_late(session: Session, agreed: Arrangement, *, actor: Actor, now: datetime) -> None:
    """Spread what is late over the payments that are left, as its debtor chose.

    The account's open Checkout page was closed before. Raises CureNotPossible, NotAllowedNow.
    """
    account, agreed, parts = _locked(session, agreed, now=now)
    found = read_patience(session, account, agreed, now=now).cure
    if found is None or not found.later:
        raise CureNotPossible
    late, grown = {part.n for part in found.late}, dict(found.later)
    changed = [part for part in parts if part.n in late or part.n in grown]
    before = [said_part(part) for part in changed]
    for part in changed:
        if part.n in late:
            _drop(part)
        else:
            part.amount_cents = Cents(part.paid_cents + grown[part.n])
    change = _change(before, changed, actor)
    arrangements.amend(session, account, agreed, change=change, now=now)


def _locked(
    session: Session, agreed: Arrangement, *, now: datetime
) -> tuple[Account, Arrangement, list[Installment]]:
    account = lock_account(session, agreed.account_id)
    agreed = lock_row(session, Arrangement, (agreed.client_id, agreed.id))
    require(session, account, Capability.PAY, now=now)
    running = agreed.status == ArrangementStatus.ACTIVE
    if not running or open_attempt(session, account.id) is not None:
        raise CureNotPossible
    return account, agreed, lock_installments(session, agreed)


def _begin_anew(part: Installment) -> None:
    part.status = move(part.status, InstallmentStatus.SCHEDULED)
    part.next_attempt_on = part.told_on = None


def _drop(part: Installment) -> None:
    """A part is not asked for any more; what was paid of it stays."""
    part.next_attempt_on = part.told_on = part.late_since = None
    if part.paid_cents:
        part.amount_cents = part.paid_cents
        part.status = move(part.status, InstallmentStatus.PAID)
    else:
        part.status = move(part.status, InstallmentStatus.CANCELED)


def _change(before: list[Payload], changed: list[Installment], actor: Actor) -> Payload:
    after = [said_part(part) for part in changed if part.status != InstallmentStatus.CANCELED]
    return {"actor": actor, "kind": CURE, "before": before, "after": after}
