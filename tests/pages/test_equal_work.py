"""How long an answer takes tells nobody who works here: the same is done whoever is named (I-4)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import Connection, event, text

from portal.db import PortalSession
from portal.domain import totp
from portal.gateways.clock import SetClock
from portal.models import Role, Staff
from portal.services import passwords
from tests.databases import acting_as
from tests.factories import make_client
from tests.pages.debtors import csrf_of
from tests.pages.staff import PASSWORD, QUICK, SECRET, make_staff

Work = list[str]


@pytest.fixture
def sam(session: PortalSession) -> Staff:
    """An agent with a password and a second step."""
    return make_staff(session, Role.AGENT, make_client(session))


@pytest.fixture
def work(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """What is done meanwhile: the statements, and each password that was hashed."""
    done: Work = []

    class Counted(PasswordHasher):
        """Notes how often it works."""

        def verify(self, kept: Any, password: Any) -> Any:
            done.append("verify")
            return super().verify(kept, password)

        def hash(self, password: Any, **given: Any) -> str:
            done.append("hash")
            return super().hash(password, **given)

    monkeypatch.setattr(passwords, "hasher", Counted())
    passwords._nobody()
    event.listen(connection, "before_cursor_execute", lambda *it: done.append(shape(it[2])))

    @contextmanager
    def meanwhile() -> Iterator[Work]:
        done.clear()
        found: Work = []
        yield found
        found.extend(done)

    return meanwhile


def shape(statement: str) -> str:
    """A statement without the names of savepoints."""
    return "SAVEPOINT" if "SAVEPOINT" in statement else statement


def first(http: FlaskClient, email: str, password: str) -> Any:
    token = csrf_of(http.get("/log-in"))
    return lambda: http.post(
        "/log-in", data={"csrf_token": token, "email": email, "password": password}
    )


def test_a_first_step_is_as_much_work_for_nobody(
    http: FlaskClient, session: PortalSession, sam: Staff, work: Callable[..., Any]
):
    """I-4: also where a password is still hashed as of before, whether it was right or not."""
    done = []
    for email, password in (("nobody@harbor-services.com", "x"), (sam.email, "a wrong one")):
        post = first(http, email, password)
        with work() as found:
            post()
        done.append([one for one in found if one != "hash"])
    assert done[0] == done[1]
    hashed = []
    for password in ("a wrong one", PASSWORD):
        sam.password_hash = QUICK.hash(PASSWORD)
        session.flush()
        post = first(http, sam.email, password)
        with work() as found:
            post()
        hashed.append([one for one in found if one in ("hash", "verify")])
    assert hashed == [["verify", "hash"]] * 2


def test_a_code_is_as_much_work_whatever_the_first_step_found(
    http: FlaskClient, sam: Staff, work: Callable[..., Any]
):
    """I-4: that the password was right is told by the whole log-in alone."""
    done = []
    for email, password in (
        ("nobody@harbor-services.com", PASSWORD),
        (sam.email, "a wrong one"),
        (sam.email, PASSWORD),
    ):
        first(http, email, password)()
        token = csrf_of(http.get("/log-in/code"))
        with work() as found:
            http.post("/log-in/code", data={"csrf_token": token, "code": "000000"})
        done.append(found)
    assert done[0] == done[1] == done[2]


def test_a_right_code_under_a_wrong_password_is_not_spent(
    http: FlaskClient, sam: Staff, clock: SetClock
):
    code = totp.code_of(SECRET, totp.step_at(clock.now()))
    for password, status in (("a wrong one", 422), (PASSWORD, 303)):
        first(http, sam.email, password)()
        token = csrf_of(http.get("/log-in/code"))
        answer = http.post("/log-in/code", data={"csrf_token": token, "code": code})
        assert answer.status_code == status


def test_asking_for_a_password_is_as_much_work_for_nobody(
    http: FlaskClient, session: PortalSession, sam: Staff, work: Callable[..., Any]
):
    """I-4: nobody has a job of their own, which finds nobody."""
    done = []
    for email in (sam.email, "nobody@harbor-services.com"):
        token = csrf_of(http.get("/log-in/forgotten"))
        with work() as found:
            http.post("/log-in/forgotten", data={"csrf_token": token, "email": email})
        done.append(found)
    assert done[0] == done[1]
    assert any("staff_event" in one for one in done[0])
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'staff.send_reset'"
    with acting_as("portal_owner", session):
        assert session.scalar(text(jobs)) == 2
