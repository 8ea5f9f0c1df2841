"""What staff get by e-mail carries a link that opens, and only the newest."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from portal import staff_tasks, tasks
from portal.db import PortalSession
from portal.gateways.clock import SetClock
from portal.gateways.mail import Mail, OutboxMailer
from portal.models import Role, fresh_id
from portal.runtime import Runtime, build_runtime
from portal.services import demo_staff, passwords
from portal.services.hiring import NewInvitation, find_invitation, invite
from portal.services.passwords import find_reset
from portal.services.staff import NewStaff, create_staff
from tests.databases import Database
from tests.factories import NOW


class Server(OutboxMailer):
    """A mail server that takes everything."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    def send(self, mail: Mail, body: bytes) -> str:
        self.sent.append(mail)
        return super().send(mail, body)


@pytest.fixture
def post() -> Server:
    return Server()


@pytest.fixture
def runtime(fresh_db: Database, post: Server) -> Iterator[Runtime]:
    """A worker on a database of its own."""
    built = build_runtime(fresh_db.settings, worker=True)
    tasks.use(replace(built, clock=SetClock(NOW), mailer=post))
    yield tasks.current()
    tasks.use(None)
    built.sessions.kw["bind"].dispose()


def token_in(mail: Mail, path: str) -> str:
    assert path in mail.html
    return mail.text.partition(path)[2].split()[0]


def jobs_of(session: PortalSession) -> list[dict]:
    from sqlalchemy import text

    return [*session.scalars(text("SELECT args FROM procrastinate_jobs ORDER BY id"))]


def test_an_invitation_goes_out_with_its_newest_link_in_the_language_it_was_made_in(
    runtime: Runtime, post: Server
):
    keys = runtime.settings.keys
    new = NewInvitation(
        email="otto@portal.example", name="Otto Berg", role=Role.OPERATOR, locale="fr_CA"
    )
    with runtime.sessions() as session:
        invited = invite(session, new, by=None, now=NOW)
        session.commit()
        staff_tasks.send_invitation(str(invited.id), 1, "fr_CA")
        (mail,) = post.sent
        assert (mail.to, "Otto Berg" in mail.text) == ("otto@portal.example", True)
        assert mail.subject != "You are invited to the console of the payment portal"
        staff_tasks.send_invitation(str(invited.id), 2, "fr_CA")
        assert len(post.sent) == 1, "a link that was replaced is not sent any more"
    with build_runtime(runtime.settings).sessions() as session:
        found = find_invitation(session, token_in(mail, "/join/"), keys=keys, now=NOW)
        assert (found.email, found.role) == ("otto@portal.example", Role.OPERATOR)


def test_the_link_for_a_new_password_opens_for_whoever_asked(runtime: Runtime, post: Server):
    keys = runtime.settings.keys
    new = NewStaff(
        email="otto@portal.example",
        name="Otto Berg",
        role=Role.OPERATOR,
        password=demo_staff.PASSWORD,
    )
    with runtime.sessions() as session:
        staff_id = create_staff(session, new, now=NOW).id
        session.commit()
    web = build_runtime(runtime.settings).sessions
    with web() as session:
        given = {"keys": keys, "ip": "::1", "now": NOW}
        assert passwords.ask_reset(session, "OTTO@portal.example ", "en_US", **given)
        assert passwords.ask_reset(session, "nobody@portal.example", "en_US", **given) is None
        session.commit()
    for who in (staff_id, fresh_id()):  # the second is the job of who has no such address
        staff_tasks.send_reset(str(who), int(NOW.timestamp()), "en_US")
    (mail,) = post.sent
    with web() as session:
        found = find_reset(session, token_in(mail, "/new-password/"), keys=keys, now=NOW)
        assert found.email == mail.to
