"""Staff: who works here, how they prove it, and whose accounts they see."""

import base64
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.db import set_staff
from portal.domain import N_, DomainError
from portal.domain.access import Permission, may
from portal.domain.keys import Keys
from portal.domain.wording import clean_text
from portal.models import Role, Staff, StaffClient, StaffSession, fresh_id
from portal.models.base import ids
from portal.rules.emails import parse_email
from portal.services import attempts
from portal.services.attempts import Locked, Mark, Scope
from portal.services.clients import clients
from portal.services.visits import USER_AGENT_LENGTH, Browser

LONGEST = timedelta(hours=12)
IDLE = timedelta(minutes=30)
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1_000

hasher = PasswordHasher()


class LogInRefused(DomainError):
    """The address or the password is wrong, the person is disabled, or there were too many tries.

    One sentence for all of them: it tells nobody which addresses exist.
    """

    message = N_(
        "We could not log you in. Check your e-mail address and password. After 5 tries, wait 30"
        " minutes, or ask an operator."
    )


class EmailUnreadable(DomainError):
    message = N_("Enter an e-mail address, for example sam@example.com.")


class EmailTaken(DomainError):
    message = N_("Somebody with this e-mail address works here already.")


class NameMissing(DomainError):
    message = N_("Enter a name.")


class PasswordTooShort(DomainError):
    message = N_("A password has at least %(shortest)s characters.")


class WrongClients(DomainError):
    message = N_(
        "A client’s own people have one client; agents, supervisors and compliance at least one."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStaff:
    """Who shall work here. An operator sees every client, so ``clients`` is empty for them."""

    email: str
    name: str
    role: Role
    password: str
    clients: Collection[UUID] = ()


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A member of staff with the log-in that a request belongs to."""

    staff: Staff
    session_id: UUID
    expires_at: datetime


def create_staff(session: Session, new: NewStaff, *, now: datetime) -> Staff:
    """Let somebody work here, from now on. The caller commits.

    Raises EmailUnreadable, EmailTaken, NameMissing, PasswordTooShort, WrongClients.
    """
    address, name = parse_email(new.email), clean_text(new.name)
    if address is None:
        raise EmailUnreadable
    if not name:
        raise NameMissing
    if not SHORTEST_PASSWORD <= len(new.password) <= LONGEST_PASSWORD:
        raise PasswordTooShort(shortest=SHORTEST_PASSWORD)
    _check_clients(new.role, len(set(new.clients)))
    if session.scalar(select(Staff.id).where(Staff.email == address.address)):
        raise EmailTaken
    staff = Staff(
        id=fresh_id(),
        email=address.address,
        name=name,
        role=new.role,
        password_hash=hasher.hash(new.password),
        created_at=now,
    )
    session.add(staff)
    session.flush()
    session.add_all(StaffClient(staff_id=staff.id, client_id=one) for one in set(new.clients))
    session.flush()
    return staff


def _check_clients(role: Role, number: int) -> None:
    of_a_client = may(role, Permission.SEE_CLIENT)
    least, most = (1, 1) if of_a_client else (0, 0) if role is Role.OPERATOR else (1, number)
    if not least <= number <= most:
        raise WrongClients


def log_in(
    session: Session, email: str, password: str, *, keys: Keys, browser: Browser, now: datetime
) -> tuple[LoggedIn, str]:
    """Log a member of staff in: the log-in, and the token of its cookie; the caller commits.

    The attempt is counted first, per address and per network, and commits by itself. Raises
    LogInRefused, in the same words and after the same work whatever was wrong.
    """
    address = email.strip().casefold()[:LONGEST_PASSWORD]
    marks = (Mark(Scope.LOG_IN, address), attempts.network(browser.ip))
    if isinstance(attempts.take(session, keys, marks, now=now), Locked):
        raise LogInRefused
    set_staff(session, session.scalar(text("SELECT resolve_staff(:wanted)"), {"wanted": address}))
    staff = session.scalar(select(Staff).where(Staff.email == address))
    right = _is_right(staff.password_hash if staff else _nobody(), password)
    if staff is None or not right or staff.disabled_at is not None:
        raise LogInRefused
    attempts.forgive(session, keys, marks[:1])
    if hasher.check_needs_rehash(staff.password_hash):
        staff.password_hash = hasher.hash(password)
    return start_session(session, staff, browser=browser, now=now)


@cache
def _nobody() -> str:
    """What is checked where there is no such person, so that the answer takes as long."""
    return hasher.hash("nobody has this password")


def _is_right(password_hash: str, password: str) -> bool:
    try:
        return hasher.verify(password_hash, password[:LONGEST_PASSWORD])
    except (Argon2Error, InvalidHashError):
        return False


def start_session(
    session: Session, staff: Staff, *, browser: Browser, now: datetime
) -> tuple[LoggedIn, str]:
    """Begin a log-in of somebody who proved who they are; only the token's hash is kept."""
    set_staff(session, staff.id)
    token = base64.urlsafe_b64encode(ids.randbytes(32)).rstrip(b"=").decode()
    row = StaffSession(
        id=fresh_id(),
        staff_id=staff.id,
        token_hash=_hash(token),
        ip=browser.ip,
        user_agent=browser.user_agent[:USER_AGENT_LENGTH],
        started_at=now,
        expires_at=now + LONGEST,
    )
    session.add(row)
    session.flush()
    return LoggedIn(staff, row.id, row.expires_at), token


def find_session(session: Session, token: str, *, now: datetime) -> LoggedIn | None:
    """The log-in of a cookie's token, unless it ended, expired, or its person was disabled.

    From then on the session sees that person's own rows.
    """
    wanted = _hash(token)
    asked = text("SELECT resolve_staff_session(:wanted)")
    set_staff(session, session.scalar(asked, {"wanted": wanted}))
    found = session.execute(
        select(Staff, StaffSession)
        .join(StaffSession, StaffSession.staff_id == Staff.id)
        .where(
            StaffSession.token_hash == wanted,
            StaffSession.ended_at.is_(None),
            StaffSession.expires_at > now,
            Staff.disabled_at.is_(None),
        )
    ).one_or_none()
    return LoggedIn(found[0], found[1].id, found[1].expires_at) if found else None


def log_out(session: Session, session_id: UUID, *, now: datetime) -> None:
    """End a log-in: its cookie opens nothing any more. The caller commits."""
    row = session.get(StaffSession, session_id)
    if row is not None and row.ended_at is None:
        row.ended_at = now


def clients_of(session: Session, staff: Staff) -> tuple[UUID, ...]:
    """The clients whose accounts a member of staff may see; an operator sees all of them."""
    if staff.role is Role.OPERATOR:
        return tuple(clients(session).values())
    return tuple(
        session.scalars(
            select(StaffClient.client_id)
            .where(StaffClient.staff_id == staff.id)
            .order_by(StaffClient.client_id)
        )
    )


def names_of(session: Session, staff_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The names of members of staff by their id, for timelines and threads."""
    wanted = set(staff_ids)
    if not wanted:
        return {}
    asked = text("SELECT staff_id, name FROM resolve_staff_names(:wanted)")
    rows = session.execute(asked, {"wanted": list(wanted)})
    return {row.staff_id: row.name for row in rows}


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
