"""Staff at the door: Flask-Login's cookie names a log-in in the database, which decides.

The cookie holds the log-in's token and when it was last seen, signed, so that thirty idle minutes
are kept without a write on any page.
"""

from datetime import timedelta
from typing import Any

from flask import Flask, abort, g, request
from flask import session as cookie
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from portal.db import commit, set_tenant
from portal.domain import N_, access
from portal.domain.access import Permission
from portal.models import Account, Noted, Role, Staff
from portal.security.forms import SAFE, bind
from portal.security.held import give_back, keep_over_log_in, keep_over_proof
from portal.security.visitors import browser
from portal.services import staff as services
from portal.services import staff_events
from portal.services.hiring import MAY_INVITE
from portal.services.sign_in import is_proved
from portal.services.staff import LoggedIn, clients_of, find_session
from portal.web import Person, SessionClosed, now, see_other, session, url_for
from portal.web import gettext as _

SEEN = "seen"
SEEN_EVERY = timedelta(minutes=1)

ROLE_NAMES = {
    Role.CLIENT_ADMIN: N_("Client admin"),
    Role.CLIENT_VIEWER: N_("Client viewer"),
    Role.AGENT: N_("Agent"),
    Role.SUPERVISOR: N_("Supervisor"),
    Role.COMPLIANCE: N_("Compliance"),
    Role.OPERATOR: N_("Operator"),
}


class Member(UserMixin):  # type: ignore[misc]
    """A member of staff as Flask-Login knows them: by the token of one log-in."""

    def __init__(self, logged_in: LoggedIn, token: str) -> None:
        self.log_in = logged_in
        self.staff = logged_in.staff
        self.session_id = logged_in.session_id
        self.token = token

    def get_id(self) -> str:
        """What the cookie keeps."""
        return self.token


def init_members(app: Flask, *, secure: bool) -> None:
    """Let Flask-Login read the staff's cookie; it is never remembered beyond the browser."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-staff" if secure else "staff",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    manager = LoginManager()
    manager.session_protection = None
    manager.user_loader(_load)
    # Not init_app: it would look for a remember-me cookie after every debtor's page.
    app.login_manager = manager  # type: ignore[attr-defined]
    app.extensions["staff_guard"] = admit_staff
    app.extensions["proof_guard"] = require_proof


def _load(token: str) -> Member | None:
    found = find_session(session, token, now=now())
    return Member(found, token) if found and not _idle() else None


def _idle() -> bool:
    seen: int = cookie.get(SEEN, 0)
    return now().timestamp() >= seen + services.IDLE.total_seconds()


def admit_staff(needed: Permission | None) -> None:
    """Let the member of staff of the cookie in and show the session their clients alone.

    Who is not logged in goes to the log-in page and comes back; who may not do it gets a 403.
    ``needed`` None: whoever works here.
    """
    member = current_user
    if not member.is_authenticated:
        _send_to_log_in()
    _see(member)
    if needed is not None:
        require(needed)


def _send_to_log_in() -> None:
    if request.method in SAFE:
        here = request.full_path.rstrip("?")
        abort(see_other(url_for("staff.log_in", next=here)))
    way_back = keep_over_log_in(str(cookie.get("_user_id", "")))
    bind("anyone", "")
    raise SessionClosed(url_for("staff.log_in", **way_back))


def require_proof() -> None:
    """Send who did not just prove who they are to do so; what they typed is kept meanwhile."""
    rule = request.url_rule
    shows_only = rule is not None and (rule.methods or set()) <= SAFE
    if request.method in SAFE and not shows_only:
        return
    if not is_proved(g.member.log_in, now=now()):
        abort(see_other(url_for("staff.prove", **keep_over_proof(g.member.staff.id))))


def _see(member: Member) -> None:
    g.member = member
    if not by_itself() and now().timestamp() - cookie.get(SEEN, 0) >= SEEN_EVERY.total_seconds():
        cookie[SEEN] = int(now().timestamp())
    set_tenant(session, *clients_of(session, member.staff))
    bind("staff", str(member.session_id))
    g.person = Person(
        name=member.staff.name,
        role=_(ROLE_NAMES[member.staff.role]),
        log_out=url_for("staff.log_out"),
        own=url_for("staff.own"),
        team=url_for("staff.team") if member.staff.role in MAY_INVITE else None,
        idle_at=min(now() + services.IDLE, member.log_in.expires_at),
        ends_at=member.log_in.expires_at,
    )
    give_back(member.staff.id)


def by_itself() -> bool:
    """Whether a script asked, and nobody did: it keeps no log-in and no call alive."""
    return "X-By-Itself" in request.headers


def current_staff() -> Staff:
    """The member of staff who reads this page."""
    member: Member = g.member
    return member.staff


def may(permission: Permission | str) -> bool:
    """Whether the member of staff who reads this page may do this; templates say it in a word."""
    return access.may(current_staff().role, Permission(permission))


def require(needed: Permission) -> None:
    """Go on only where the member of staff may do this; that they tried is kept, and a 403."""
    if not may(needed):
        note_here(Noted.REFUSED, needed=needed)
        abort(403)


def note_here(kind: Noted, **detail: Any) -> None:
    """Keep what the member of staff tried on this page, and nothing else of it; commits."""
    session.rollback()
    about: dict[str, Any] = {"page": request.endpoint, "method": request.method}
    if request.view_args:
        about["asked"] = {name: str(value) for name, value in request.view_args.items()}
    staff, ip = current_staff(), browser().ip
    staff_events.note(session, kind, staff=staff.id, now=now(), ip=ip, **about, **detail)
    commit(session, f"staff.{kind}")


def note_opened(account: Account) -> None:
    """Keep that the member of staff opened this account, unless a script asked; commits."""
    if by_itself():
        return
    by, address = current_staff(), browser().ip
    staff_events.note_opened(session, account, staff=by, ip=address, now=now())
    commit(session, "staff.opened")


def note_missing() -> None:
    """Keep that a member of staff asked for what is not there for them; commits.

    Whether it is nowhere or another client's, the page cannot tell: an operator can.
    """
    if "member" in g and request.view_args:
        note_here(Noted.MISSING)


def current_log_in() -> LoggedIn:
    """The log-in that this page is read in."""
    member: Member = g.member
    return member.log_in


def let_staff_in(logged_in: LoggedIn, token: str) -> None:
    """Give the browser the cookie of a new log-in, in place of whatever it had."""
    begin_anew()
    cookie[SEEN] = int(now().timestamp())
    login_user(Member(logged_in, token))


def begin_anew() -> None:
    """Take this browser's cookie, and end the log-in that it opened, whoever's it was; commits."""
    token = str(cookie.get("_user_id", ""))
    if token and (left := find_session(session, token, now=now())):
        services.log_out(session, left.session_id, noted=Noted.SESSION_ENDED, now=now())
        commit(session, "staff.log_out")
    cookie.clear()


def let_staff_out() -> None:
    """End the log-in of this browser; commits."""
    services.log_out(session, g.member.session_id, now=now())
    commit(session, "staff.log_out")
    show_out()


def show_out() -> None:
    """Take the cookie of a log-in that is over from this browser."""
    logout_user()
    cookie.clear()
