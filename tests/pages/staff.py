"""Staff for tests of the consoles: Sam, Otto and the others, with a browser that is logged in."""

from datetime import timedelta

from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.domain import totp
from portal.models import Client, Role, Staff
from portal.services import passwords
from portal.services.second_steps import install
from portal.services.staff import NewStaff, create_staff, start_session
from portal.services.visits import Browser
from tests.databases import acting_as
from tests.factories import NOW, _numbers
from tests.pages.debtors import csrf_of, send
from tests.pages.reading import tree

PASSWORD = "correct horse battery staple"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""As strong as a test needs."""


def make_staff(session: Session, role: Role, *clients: Client, **given: str) -> Staff:
    """A member of staff of this role, for these clients."""
    n = next(_numbers)
    new = NewStaff(
        email=given.get("email", f"sam{n}@harbor-services.com"),
        name=given.get("name", f"Sam {role.value.replace('_', ' ').title()}"),
        role=role,
        password=PASSWORD,
        clients=[client.id for client in clients],
    )
    kept, passwords.hasher = passwords.hasher, QUICK
    try:
        with acting_as("portal_worker", session):
            staff = create_staff(session, new, now=HIRED)
            install(session, staff.id, SECRET, now=HIRED)
            return staff
    finally:
        passwords.hasher = kept


SECRET = b"the secret of tests."
HIRED = NOW - timedelta(days=30)


def log_in(http: FlaskClient, staff: Staff, path: str = "/log-in") -> TestResponse:
    """Log a browser in through the door: password, then the code of now."""
    first = send(http, path, {"email": staff.email, "password": PASSWORD})
    at = http.application.extensions["portal"].clock.now()
    code = totp.code_of(SECRET, totp.step_at(at))
    return send(http, first.headers["Location"], {"code": code})


def move_money(http: FlaskClient, path: str, **typed: str) -> TestResponse:
    """Look at what a movement of money does, then do it, as its page has it."""
    form = {"csrf_token": csrf_of(http.get(path)), **typed}
    shown = http.post(path, data=form)
    marks = [one.get("value", "") for one in tree(shown).iter("input") if one.get("name") == "mark"]
    return http.post(path, data=form | {"mark": marks[0]}) if any(marks) else shown


def enter(http: FlaskClient, session: Session, staff: Staff) -> FlaskClient:
    """Log a browser in without the log-in page, as if both steps were done just now."""
    at = http.application.extensions["portal"].clock.now()
    _, token = start_session(session, staff, browser=Browser("127.0.0.1", "test"), now=at)
    session.flush()
    with http.session_transaction() as cookie:
        cookie.clear()
        cookie["_user_id"], cookie["_fresh"], cookie["seen"] = token, True, int(at.timestamp())
    return http
