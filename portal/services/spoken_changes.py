"""A payment moved or skipped for a debtor on the telephone, who heard the words and said yes.

The same limits and terms hold as on the debtor's own page (`services.amending`): only what a saved
method was allowed for goes on, so that no permission to charge is given by voice (PY-05).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain import amendments as law
from portal.domain.amendments import Change, Running
from portal.domain.holds import Capability
from portal.domain.statuses import LIVE
from portal.models import Account, Amendment, Arrangement, Staff
from portal.services import call_sessions, evidence
from portal.services.amending import Wish, amend, change_for, refuse_moving
from portal.services.amendment_record import Reviewed
from portal.services.arrangements import arrangement_of, installments_of
from portal.services.heard_addresses import NobodyOnTheLine
from portal.services.reviews import ShownDocument
from portal.services.running import read_running
from portal.services.standing import require

SPOKEN = (Change.MOVED, Change.SKIPPED)
"""What is within the permission to charge that was given: the same amounts or less, and later."""


class NoPlan(DomainError):
    """Nothing was agreed, so nothing can be moved."""

    message = N_("This account has no running agreement.")


class GivenInWriting(DomainError):
    """A change that needs a new permission to charge, which is no permission when spoken."""

    message = N_(
        "This changes the permission to charge, which must be given in writing (PY-05). Send a link"
        " instead."
    )


class NoYes(DomainError):
    """A plan is changed only for who heard the words and said yes to them."""

    message = N_("Read the words aloud, and change the plan only if the person says yes to them.")


@dataclass(frozen=True, slots=True)
class Proposed:
    """A running plan, and what a wish would make of it."""

    agreed: Arrangement
    plan: Running
    change: law.Amendment


@dataclass(frozen=True, slots=True)
class Said:
    """What was read aloud, from when on, and whether the debtor said yes to it.

    ``amendment_id`` was fixed when the words were shown: sent twice, it is one change.
    """

    amendment_id: UUID
    change_sha256: str
    words: ShownDocument
    shown_at: datetime
    yes: bool
    label: str
    build: str


def running(session: Session, account: Account, *, now: datetime) -> tuple[Arrangement, Running]:
    """The plan of an account as it runs now. Raises NoPlan."""
    agreed = arrangement_of(session, account)
    if agreed is None or agreed.status not in LIVE:
        raise NoPlan
    parts = installments_of(session, agreed)
    return agreed, read_running(session, account, agreed, parts, now=now)[0]


def propose(session: Session, account: Account, wish: Wish, *, now: datetime) -> Proposed:
    """What a wish would make of the plan; nothing is changed.

    Raises NoPlan, GivenInWriting, NotAllowedNow, PaymentMoving and the errors of ``change_for``.
    """
    if wish.change not in SPOKEN:
        raise GivenInWriting
    agreed = running(session, account, now=now)[0]
    require(session, account, Capability.ACCEPT, now=now)
    refuse_moving(session, account)
    parts = installments_of(session, agreed)
    plan, facts = read_running(session, account, agreed, parts, now=now)
    return Proposed(agreed, plan, change_for(plan, facts, wish))


def change_as_said(
    session: Session, account: Account, wish: Wish, said: Said, *, staff: Staff, now: datetime
) -> Amendment:
    """Change the plan as it was read aloud; the caller commits, and a copy goes to the debtor.

    Raises NobodyOnTheLine, NoYes, GivenInWriting, NoPlan, and what ``amend`` raises.
    """
    call = call_sessions.current(session, staff, now)
    if call is None or not call_sessions.verified(session, staff, account, now):
        raise NobodyOnTheLine
    if not said.yes:
        raise NoYes
    if wish.change not in SPOKEN:
        raise GivenInWriting
    reviewed = Reviewed(
        amendment_id=said.amendment_id,
        change_sha256=said.change_sha256,
        documents=(said.words,),
        shown_at=said.shown_at,
        visit_id=None,
        call_id=call.id,
        control_label=said.label,
        build=said.build,
    )
    agreed, _ = running(session, account, now=now)
    actor = evidence.staff(staff.id)
    return amend(session, agreed, wish, reviewed=reviewed, actor=actor, now=now)
