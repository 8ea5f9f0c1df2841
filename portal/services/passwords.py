"""Passwords of staff: how long, how rare, how kept, and how a forgotten one is replaced."""

from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.db import set_staff
from portal.domain import N_, DomainError
from portal.domain.keys import Keys
from portal.jobs import enqueue
from portal.models import Noted, Staff, fresh_id
from portal.rules.common_passwords import is_common
from portal.services import attempts, staff_tokens
from portal.services.attempts import Locked, Mark, Scope
from portal.services.staff_events import note
from portal.services.staff_tokens import Purpose

SHORTEST, LONGEST = 12, 128
RESET_FOR = timedelta(minutes=30)

hasher = PasswordHasher()


class PasswordTooShort(DomainError):
    message = N_("A password has at least %(shortest)s characters.")


class PasswordTooLong(DomainError):
    message = N_("A password has at most %(longest)s characters.")


class PasswordCommon(DomainError):
    """Whoever guesses would try it early (SP 800-63B, 3.1.1.2)."""

    message = N_("Many people use a password like this one. Choose another: four words will do.")


class PasswordWrong(DomainError):
    message = N_("This is not your password. After 5 tries, wait 30 minutes.")


class ResetOver(DomainError):
    message = N_("This link was used, or it is too old. Ask for a new one.")


def hashed(password: str) -> str:
    """What is kept of a new password (argon2id).

    Raises PasswordTooShort, PasswordTooLong, PasswordCommon.
    """
    if len(password) < SHORTEST:
        raise PasswordTooShort(shortest=SHORTEST)
    if len(password) > LONGEST:
        raise PasswordTooLong(longest=LONGEST)
    if is_common(password):
        raise PasswordCommon
    return hasher.hash(password)


def is_right(staff: Staff | None, password: str) -> bool:
    """Whether it is this person's password; takes as long where there is no such person."""
    kept = staff.password_hash if staff else _nobody()
    try:
        right = hasher.verify(kept, password[:1_000])
    except (Argon2Error, InvalidHashError):
        return False
    return right and staff is not None


@cache
def _nobody() -> str:
    return hasher.hash("nobody has this password")


def refresh_hash(staff: Staff, password: str, *, right: bool) -> None:
    """Hash a password anew where hashes have become stronger since, and keep that if it is right.

    A wrong one takes as long.
    """
    if hasher.check_needs_rehash(staff.password_hash):
        stronger = hasher.hash(password[:1_000])
        if right:
            staff.password_hash = stronger


def person_at(session: Session, address: str) -> Staff | None:
    """Who has this address; the session sees them, or the rows of an id that is nobody's."""
    found = session.scalar(text("SELECT resolve_staff(:wanted)"), {"wanted": address})
    set_staff(session, found or fresh_id())
    return session.scalar(select(Staff).where(Staff.email == address))


def set_password(session: Session, staff: Staff, password: str, *, now: datetime) -> None:
    """Give a member of staff another password. The caller ends their log-ins, and commits.

    Raises PasswordTooShort, PasswordTooLong, PasswordCommon.
    """
    staff.password_hash, staff.password_set_at = hashed(password), now
    note(session, Noted.PASSWORD_CHANGED, staff=staff.id, now=now)


def ask_reset(
    session: Session, email: str, locale: str, *, keys: Keys, ip: str, now: datetime
) -> str | None:
    """Send a link for a new password to whoever has this address; the link, for the demo to show.

    Asked for too often, or by nobody we know, nothing is sent and it is None. Nobody is as much
    work as somebody: their job finds nobody. The caller commits, and says the same words whatever
    happened.
    """
    address = email.strip().casefold()[:320]
    marks = (Mark(Scope.NEW_PASSWORD, address), attempts.network(ip))
    if isinstance(attempts.take(session, keys, marks, now=now), Locked):
        return None
    staff = person_at(session, address)
    if staff is not None and staff.disabled_at is not None:
        staff = None
    who, asked_at = staff.id if staff else fresh_id(), int(now.timestamp())
    url = reset_url(keys, who, staff.password_set_at if staff else now, asked_at=asked_at)
    note(session, Noted.PASSWORD_ASKED, staff=staff.id if staff else None, now=now, ip=ip)
    enqueue(session, "staff.send_reset", staff_id=str(who), asked_at=asked_at, locale=locale)
    return url if staff else None


def reset_url(keys: Keys, staff_id: UUID, set_at: datetime, *, asked_at: int) -> str:
    """The link for a new password: it ends with the password that it replaces.

    ``asked_at`` is in seconds since 1970.
    """
    values = (staff_id.hex, asked_at, _microseconds(set_at))
    return f"{keys.base_url}/new-password/{staff_tokens.sign(keys, Purpose.NEW_PASSWORD, values)}"


def find_reset(session: Session, token: str, *, keys: Keys, now: datetime) -> Staff:
    """Whose new password a link is for; the session sees them. Raises ResetOver."""
    values = staff_tokens.read(keys, Purpose.NEW_PASSWORD, token)
    if values is None:
        raise ResetOver
    who, asked_at, set_at = values
    staff_id = UUID(str(who))
    set_staff(session, staff_id)
    staff = session.get(Staff, staff_id, with_for_update=True)
    if staff is None or staff.disabled_at is not None:
        raise ResetOver
    too_old = now.timestamp() >= int(asked_at) + RESET_FOR.total_seconds()
    if too_old or _microseconds(staff.password_set_at) != set_at:
        raise ResetOver
    return staff


def _microseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)
