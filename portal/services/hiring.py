"""Invitations of staff: who may invite whom, a link that opens once, and what it makes of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.db import set_staff
from portal.domain import N_, DomainError
from portal.domain.keys import Keys
from portal.jobs import enqueue
from portal.models import Noted, Role, Staff, StaffInvitation, fresh_id
from portal.services import staff_tokens
from portal.services.passwords import hashed
from portal.services.staff import EmailTaken, check_person
from portal.services.staff_events import note
from portal.services.staff_tokens import Purpose

INVITED_FOR = timedelta(days=3)

MAY_INVITE: dict[Role, tuple[Role, ...]] = {
    Role.OPERATOR: tuple(Role),
    Role.SUPERVISOR: (Role.AGENT,),
    Role.CLIENT_ADMIN: (Role.CLIENT_ADMIN, Role.CLIENT_VIEWER),
}
"""The roles that each role may invite and look after; all but operators among their own clients.

The database holds the same (staff_could_invite), and the walls between clients (staff_in_reach).
"""


class NotYours(DomainError):
    """Somebody would be given a role or a client that whoever asks may not give."""

    message = N_("You may not give this role, or not for these clients.")


class InvitationOver(DomainError):
    message = N_(
        "This invitation was used, taken back or sent again since, or it is too old. Ask whoever"
        " invited you to send it again."
    )


class InviterGone(InvitationOver):
    """Whoever sent it was disabled since, or has a role that invites nobody to this one."""

    message = N_(
        "Whoever sent you this invitation may not invite you any more. Ask somebody else who works"
        " there to send you a new one."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    """Who shall be asked to work here, in what role, for which clients (an operator for none).

    ``locale`` is the language of the e-mail.
    """

    email: str
    name: str
    role: Role
    clients: Collection[UUID] = ()
    locale: str = "en_US"


@dataclass(frozen=True, slots=True)
class Invited:
    """What an invitation says to whoever opens its link."""

    id: UUID
    email: str
    name: str
    role: Role


def invite(
    session: Session, new: NewInvitation, *, by: Staff | None, now: datetime
) -> StaffInvitation:
    """Invite somebody; a job sends the link. ``by`` nobody: a command does. The caller commits.

    Raises EmailTaken, NotYours, and what `check_person` raises.
    """
    address, name = check_person(new.email, new.name, new.role, new.clients)
    _require_right(session, new, by)
    if session.scalar(text("SELECT staff_has(:address)"), {"address": address}):
        raise EmailTaken
    free = {"address": address, "at": now}
    session.execute(text("SELECT free_invited_address(:address, :at)"), free)
    invitation = StaffInvitation(
        id=fresh_id(),
        email=address,
        name=name,
        role=new.role,
        client_ids=sorted(set(new.clients)),
        invited_by=by.id if by else None,
        created_at=now,
        expires_at=now + INVITED_FOR,
        sends=1,
    )
    try:
        with session.begin_nested():
            session.add(invitation)
    except IntegrityError:  # one is open for this address, maybe of another client
        raise EmailTaken from None
    _note(session, Noted.INVITED, invitation, by, now)
    _send(session, invitation, new.locale)
    return invitation


def _require_right(session: Session, new: NewInvitation, by: Staff | None) -> None:
    if by is None:
        return
    given = {"role": new.role.value, "clients": sorted(set(new.clients))}
    asked = text("SELECT staff_may_invite(:role, CAST(:clients AS uuid[]))")
    if new.role not in MAY_INVITE.get(by.role, ()) or not session.scalar(asked, given):
        raise NotYours


def open_invitations(session: Session, by: Staff) -> Sequence[StaffInvitation]:
    """Invitations that nobody has accepted yet, of those whom this person may invite."""
    return session.scalars(
        select(StaffInvitation)
        .where(
            StaffInvitation.accepted_at.is_(None),
            StaffInvitation.revoked_at.is_(None),
            StaffInvitation.role.in_(MAY_INVITE.get(by.role, ())),
        )
        .order_by(StaffInvitation.created_at.desc())
    ).all()


def open_invitation(session: Session, invitation_id: UUID, by: Staff) -> StaffInvitation:
    """One of them, locked. Raises NoResultFound."""
    found = (
        select(StaffInvitation)
        .where(
            StaffInvitation.id == invitation_id,
            StaffInvitation.accepted_at.is_(None),
            StaffInvitation.revoked_at.is_(None),
            StaffInvitation.role.in_(MAY_INVITE.get(by.role, ())),
        )
        .with_for_update()
    )
    return session.scalars(found).one()


def send_again(
    session: Session, invitation: StaffInvitation, locale: str, *, by: Staff, now: datetime
) -> None:
    """Send a new link, for as long again; the one before opens nothing. The caller commits.

    Whoever sends it again answers for it, also where another invited.
    """
    invitation.sends, invitation.invited_by = invitation.sends + 1, by.id
    invitation.expires_at = now + INVITED_FOR
    _note(session, Noted.INVITATION_SENT, invitation, by, now)
    _send(session, invitation, locale)


def _send(session: Session, invitation: StaffInvitation, locale: str) -> None:
    enqueue(
        session,
        "staff.send_invitation",
        invitation_id=str(invitation.id),
        sends=invitation.sends,
        locale=locale,
    )


def take_back(session: Session, invitation: StaffInvitation, *, by: Staff, now: datetime) -> None:
    """Take an invitation back: its link opens nothing. The caller commits."""
    invitation.revoked_at = now
    _note(session, Noted.INVITATION_REVOKED, invitation, by, now)


def revoke_of(session: Session, staff_id: UUID, *, by: Staff, now: datetime) -> None:
    """Take back what somebody invited to and may not any more, on the audit. The caller commits."""
    asked = text("SELECT email, role FROM revoke_invitations_of(:inviter, :at) ORDER BY email")
    for row in session.execute(asked, {"inviter": staff_id, "at": now}):
        about = {"email": row.email, "role": row.role}
        note(session, Noted.INVITATION_REVOKED, staff=staff_id, now=now, by=by.id, **about)


def invitation_url(keys: Keys, invitation: StaffInvitation) -> str:
    """The newest link of an invitation."""
    values = (invitation.id.hex, invitation.sends)
    return f"{keys.base_url}/join/{staff_tokens.sign(keys, Purpose.INVITATION, values)}"


def find_invitation(session: Session, token: str, *, keys: Keys, now: datetime) -> Invited:
    """The invitation of a link. Raises InvitationOver, InviterGone."""
    values = staff_tokens.read(keys, Purpose.INVITATION, token)
    if values is None:
        raise InvitationOver
    wanted = UUID(str(values[0]))
    row = session.execute(text("SELECT * FROM invitation_of(:wanted)"), {"wanted": wanted}).first()
    if row is None or row.accepted_at or row.expires_at <= now or row.sends != values[1]:
        raise InvitationOver
    if not row.vouched:
        raise InviterGone
    if row.revoked_at:
        raise InvitationOver
    return Invited(wanted, row.email, row.name, Role(row.role))


def accept(session: Session, invited: Invited, password: str, *, now: datetime) -> UUID:
    """Begin to work here under a password of one's own; the id of who does. The caller commits.

    The second step comes next, before any log-in. Raises InvitationOver, and what `hashed` raises.
    """
    staff_id = fresh_id()
    given = {"wanted": invited.id, "staff": staff_id, "hashed": hashed(password), "at": now}
    asked = text("SELECT accept_invitation(:wanted, :staff, :hashed, :at)")
    if not session.scalar(asked, given):
        raise InvitationOver
    set_staff(session, staff_id)
    note(session, Noted.JOINED, staff=staff_id, now=now)
    return staff_id


def _note(
    session: Session, kind: Noted, invitation: StaffInvitation, by: Staff | None, now: datetime
) -> None:
    of = invitation.client_ids[0] if len(invitation.client_ids) == 1 else None
    who = by.id if by else None
    about = {"email": invitation.email, "role": invitation.role.value}
    note(session, kind, staff=who, now=now, client_id=of, by=who, **about)
