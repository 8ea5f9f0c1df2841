"""The second step of a log-in: codes of an app, and ten codes on paper for a lost telephone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, codes, totp
from portal.domain.keys import Keys
from portal.gateways import vault
from portal.gateways.vault import Wrapped
from portal.models import Noted, StaffRecoveryCode, StaffSecondStep
from portal.models.base import ids
from portal.services.staff_events import note

RECOVERY_CODES = 10
RECOVERY_LENGTH = 10


class WrongCode(DomainError):
    """A code that is not of now, or was taken before."""

    message = N_(
        "This code is not right. Type the six digits that your app shows now; each counts once."
    )


def fresh_secret() -> bytes:
    """A new secret for an app."""
    return ids.randbytes(totp.SECRET_BYTES)


def is_enrolled(session: Session, staff_id: UUID) -> bool:
    """Whether the member of staff whom the session sees has a second step."""
    found = select(StaffSecondStep.staff_id).where(
        StaffSecondStep.staff_id == staff_id, StaffSecondStep.sealed.is_not(None)
    )
    return session.scalar(found) is not None


def enroll(
    session: Session, staff_id: UUID, secret: bytes, code: str, *, keys: Keys, now: datetime
) -> list[str]:
    """Set up the second step that showed this code; the recovery codes, which nobody sees again.

    Takes the place of the one before and of its recovery codes. The caller commits. Raises
    WrongCode.
    """
    step = totp.matching_step(secret, code, now)
    if step is None:
        raise WrongCode
    install(session, staff_id, secret, last_step=step, now=now)
    note(session, Noted.SECOND_STEP_SET, staff=staff_id, now=now)
    return renew_recovery_codes(session, staff_id, keys=keys, now=now)


def install(
    session: Session, staff_id: UUID, secret: bytes, *, last_step: int = 0, now: datetime
) -> None:
    """Keep a secret, sealed under the operator's master key. The caller commits."""
    wrapped = vault.current().wrap(secret, _about(staff_id))
    kept: dict[str, object] = {"master": wrapped.master, "sealed": wrapped.sealed}
    kept |= {"last_step": last_step, "enrolled_at": now}
    added = insert(StaffSecondStep).values(staff_id=staff_id, **kept)
    session.execute(added.on_conflict_do_update(index_elements=["staff_id"], set_=kept))


def renew_recovery_codes(
    session: Session, staff_id: UUID, *, keys: Keys, now: datetime
) -> list[str]:
    """Ten new codes, to be shown once; those of before open nothing. The caller commits."""
    _spend_all(session, staff_id, now)
    fresh = [codes.random_symbols(ids.randbytes, RECOVERY_LENGTH) for _ in range(RECOVERY_CODES)]
    session.add_all(
        StaffRecoveryCode(staff_id=staff_id, code_hash=_hash(keys, staff_id, one), created_at=now)
        for one in fresh
    )
    session.flush()
    return [f"{one[:5]}-{one[5:]}" for one in fresh]


def recovery_codes_left(session: Session, staff_id: UUID) -> int:
    """How many recovery codes still open."""
    open_ones = select(func.count()).where(_open(staff_id))
    return session.scalar(open_ones) or 0


def take_code(session: Session, staff_id: UUID, typed: str, *, keys: Keys, now: datetime) -> bool:
    """Whether this is the app's code of now or a recovery code; it is spent at once, and for good.

    Of two who send one code at once, one is let in. The caller counts attempts, and commits.
    """
    return take_app_code(session, staff_id, typed, now=now) or _take_recovery_code(
        session, staff_id, typed, keys=keys, now=now
    )


def take_app_code(session: Session, staff_id: UUID, typed: str, *, now: datetime) -> bool:
    """Whether this is the app's code of now, which counts once. The caller commits."""
    kept = session.execute(
        select(StaffSecondStep.master, StaffSecondStep.sealed).where(
            StaffSecondStep.staff_id == staff_id, StaffSecondStep.sealed.is_not(None)
        )
    ).one_or_none()
    if kept is None:
        return False
    secret = vault.current().unwrap(Wrapped(kept.master, kept.sealed), _about(staff_id))
    step = totp.matching_step(secret, typed, now)
    if step is None:
        return False
    later = update(StaffSecondStep).where(
        StaffSecondStep.staff_id == staff_id, StaffSecondStep.last_step < step
    )
    done = session.execute(later.values(last_step=step).returning(StaffSecondStep.staff_id))
    return done.scalar() is not None


def _take_recovery_code(
    session: Session, staff_id: UUID, typed: str, *, keys: Keys, now: datetime
) -> bool:
    code = codes.normalize_symbols(typed[:64])
    spent = (
        update(StaffRecoveryCode)
        .where(_open(staff_id), StaffRecoveryCode.code_hash == _hash(keys, staff_id, code))
        .values(spent_at=now)
        .returning(StaffRecoveryCode.staff_id)
    )
    if session.execute(spent).scalar() is None:
        return False
    left = recovery_codes_left(session, staff_id)
    note(session, Noted.RECOVERY_USED, staff=staff_id, now=now, left=left)
    return True


def remove(session: Session, staff_id: UUID, *, now: datetime) -> None:
    """Take the second step back: the next log-in begins with a new one. The caller commits.

    The session sees the rows of whom it is taken from.
    """
    session.execute(
        update(StaffSecondStep)
        .where(StaffSecondStep.staff_id == staff_id)
        .values(master=None, sealed=None)
    )
    _spend_all(session, staff_id, now)


def rewrap(session: Session) -> int:
    """Seal what an older master key seals with the newest one; how many. The caller commits."""
    master = vault.current()
    old = select(StaffSecondStep).where(
        StaffSecondStep.sealed.is_not(None), StaffSecondStep.master != master.newest
    )
    found = session.scalars(old.with_for_update()).all()
    for one in found:
        about = _about(one.staff_id)
        secret = master.unwrap(Wrapped(one.master or "", one.sealed or b""), about)
        wrapped = master.wrap(secret, about)
        one.master, one.sealed = wrapped.master, wrapped.sealed
    return len(found)


def _spend_all(session: Session, staff_id: UUID, now: datetime) -> None:
    session.execute(update(StaffRecoveryCode).where(_open(staff_id)).values(spent_at=now))


def _open(staff_id: UUID) -> ColumnElement[bool]:
    return (StaffRecoveryCode.staff_id == staff_id) & StaffRecoveryCode.spent_at.is_(None)


def _hash(keys: Keys, staff_id: UUID, code: str) -> bytes:
    return keys.peppered("staff_recovery", staff_id.bytes, code.encode("utf-8", "replace"))


def _about(staff_id: UUID) -> bytes:
    return b"staff second step " + staff_id.bytes
