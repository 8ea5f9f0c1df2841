"""Who changed what proves a person's identity does not check that identity themselves (PR-01)."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.models import Correction, Debtor

FOR = timedelta(days=1)
PROOFS = ("date_of_birth_hash", "postal_code_hash")
"""The columns of a debtor against which answers are compared, and which staff correct."""


class CorrectedItThemselves(DomainError):
    """One person would say what the answers are, and then hear them."""

    message = N_(
        "You changed what proves who this person is. For a day a colleague asks them who they are,"
        " and reads a code to them."
    )


def has_corrected(session: Session, staff_id: UUID, debtor: Debtor, *, now: datetime) -> bool:
    """Whether this member of staff changed within a day what proves who a debtor is."""
    found = select(Correction.field).where(
        Correction.client_id == debtor.client_id,
        Correction.debtor_id == debtor.id,
        Correction.field.in_(PROOFS),
        Correction.corrected_by == staff_id,
        Correction.corrected_at > now - FOR,
    )
    return session.scalar(found.limit(1)) is not None


def require_other_hands(session: Session, staff_id: UUID, debtor: Debtor, *, now: datetime) -> None:
    """Let nobody hear or read out what they have put on file. Raises CorrectedItThemselves."""
    if has_corrected(session, staff_id, debtor, now=now):
        raise CorrectedItThemselves
