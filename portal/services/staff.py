"""Staff: who works here, how they prove it, and whose accounts they see."""

import base64
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from portal.db import set_staff
from portal.domain import N_, DomainError
from portal.domain.access import Permission, may
from portal.domain.help import kept_words
from portal.models import Noted, Role, Staff, StaffClient, StaffSession, fresh_id
from portal.models.base import ids
from portal.rules.emails import parse_email
from portal.services.clients import clients
from portal.services.passwords import hashed
from portal.services.staff_events import note
from portal.services.visits import USER_AGENT_LENGTH, Browser

LONGEST = timedelta(hours=12)
IDLE = timedelta(minutes=30)
LONGEST_NAME = 200


class EmailUnreadable(DomainError):
    message = N_("Enter an e-mail address, for example sam@example.com.")


class EmailTaken(DomainError):
    message = N_("Somebody with this e-mail address works here already, or is invited.")


class NameMissing(DomainError):
    message = N_("Enter a name.")


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
    proved_at: datetime


def create_staff(session: Session, new: NewStaff, *, now: datetime) -> Staff:
    """Let somebody work here, from now on. The caller commits.

    Raises EmailTaken, and what `check_person` and `hashed` raise.
    """
    address, name = check_person(new.email, new.name, new.role, new.clients)
    password_hash = hashed(new.password)
    if session.scalar(select(Staff.id).where(Staff.email == address)):
        raise EmailTaken
    staff = Staff(
        id=fresh_id(),
        email=address,
        name=name,
        role=new.role,
        password_hash=password_hash,
        created_at=now,
        password_set_at=now,
    )
    session.add(staff)
    session.flush()
    session.add_all(StaffClient(staff_id=staff.id, client_id=one) for one in set(new.clients))
    session.flush()
    return staff


def check_person(email: str, name: str, role: Role, clients: Collection[UUID]) -> tuple[str, str]:
    """The address and the name of somebody who could work here.

    Raises EmailUnreadable, NameMissing, WrongClients, TextTooLong, CardNumberTyped (PC-01).
    """
    address, cleaned = parse_email(email), kept_words(name, most=LONGEST_NAME)
    if address is None:
        raise EmailUnreadable
    if not cleaned:
        raise NameMissing
    check_clients(role, len(set(clients)))
    return address.address, cleaned


def check_clients(role: Role, number: int) -> None:
    """Whether a role goes with so many clients. Raises WrongClients."""
    of_a_client = may(role, Permission.SEE_CLIENT)
    least, most = (1, 1) if of_a_client else (0, 0) if role is Role.OPERATOR else (1, number)
    if not least <= number <= most:
        raise WrongClients


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
        proved_at=now,
        expires_at=now + LONGEST,
    )
    session.add(row)
    session.flush()
    return _logged_in(staff, row), token


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
    return _logged_in(found[0], found[1]) if found else None


def _logged_in(staff: Staff, row: StaffSession) -> LoggedIn:
    return LoggedIn(staff, row.id, row.expires_at, row.proved_at)


def find_ended(session: Session, token: str) -> StaffSession | None:
    """The log-in that a cookie's token was of, over or not, of somebody who may still come in."""
    wanted = _hash(token)
    asked = text("SELECT resolve_staff_session(:wanted)")
    set_staff(session, session.scalar(asked, {"wanted": wanted}))
    of_somebody = select(StaffSession).join(Staff, Staff.id == StaffSession.staff_id)
    return session.scalar(
        of_somebody.where(StaffSession.token_hash == wanted, Staff.disabled_at.is_(None))
    )


def log_out(
    session: Session, session_id: UUID, *, noted: Noted = Noted.LOG_OUT, now: datetime
) -> None:
    """End a log-in, noted as this: its cookie opens nothing any more. The caller commits."""
    row = session.get(StaffSession, session_id)
    if row is not None and row.ended_at is None:
        row.ended_at = now
        note(session, noted, staff=row.staff_id, now=now)


def open_sessions(session: Session, staff_id: UUID, *, now: datetime) -> Sequence[StaffSession]:
    """Where a member of staff is logged in, the newest first; idle ones end by themselves."""
    return session.scalars(
        select(StaffSession)
        .where(
            StaffSession.staff_id == staff_id,
            StaffSession.ended_at.is_(None),
            StaffSession.expires_at > now,
        )
        .order_by(StaffSession.id.desc())
    ).all()


def end_sessions(
    session: Session, staff_id: UUID, *, keep: UUID | None = None, now: datetime
) -> int:
    """End the log-ins of a member of staff, but the one to keep; how many. The caller commits."""
    ended = update(StaffSession).where(
        StaffSession.staff_id == staff_id,
        StaffSession.ended_at.is_(None),
        StaffSession.id != (keep or UUID(int=0)),
    )
    done = session.execute(ended.values(ended_at=now).returning(StaffSession.id))
    return len(done.all())


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
