"""A second step is taken once, sealed, and outlives a change of the key that seals it."""

import threading
from datetime import timedelta

import pytest

from portal.config import Settings
from portal.db import make_engine, make_sessions, set_staff
from portal.domain import totp
from portal.gateways import vault
from portal.gateways.vault import Vault
from portal.models import Role, StaffSecondStep
from portal.services import demo_staff, second_steps
from portal.services.staff import NewStaff, create_staff
from tests.databases import Database
from tests.factories import NOW

SECRET = b"the secret of tests."
CODE = totp.code_of(SECRET, totp.step_at(NOW))


@pytest.fixture
def staffed(fresh_db: Database):
    """A database in which Otto works, and his id."""
    engine = make_engine(fresh_db.url("portal_worker"))
    new = NewStaff(
        email="otto@portal.example",
        name="Otto Berg",
        role=Role.OPERATOR,
        password=demo_staff.PASSWORD,
    )
    with make_sessions(engine)() as session:
        otto = create_staff(session, new, now=NOW - timedelta(days=1)).id
        second_steps.install(session, otto, SECRET, now=NOW)
        session.commit()
    engine.dispose()
    return fresh_db, otto


def test_of_two_who_send_one_code_at_once_one_is_let_in(staffed):
    """S-2: whoever looked over the shoulder is not let in beside."""
    database, otto = staffed
    engine, keys = make_engine(database.url("portal_app")), database.settings.keys
    together, let_in = threading.Barrier(6), []

    def send() -> None:
        with make_sessions(engine)() as session:
            set_staff(session, otto)
            together.wait(10)
            let_in.append(second_steps.take_code(session, otto, CODE, keys=keys, now=NOW))
            session.commit()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    engine.dispose()
    assert sorted(let_in) == [False] * 5 + [True]


def test_the_secret_is_sealed_and_sealed_anew_with_the_newest_key(staffed):
    """PR-03: EVIDENCE_KEY can be changed, and the older one taken away."""
    database, otto = staffed
    old, new = Settings.from_env({}).evidence_keys, b"n" * 32
    worker = make_sessions(make_engine(database.url("portal_worker")))
    try:
        with worker() as session:
            assert SECRET not in bytes(session.get_one(StaffSecondStep, otto).sealed or b"")
            vault.use(Vault([new, *old]))
            assert (second_steps.rewrap(session), second_steps.rewrap(session)) == (1, 0)
            session.commit()
        vault.use(Vault([new]))
        with make_sessions(make_engine(database.url("portal_app")))() as session:
            set_staff(session, otto)
            assert second_steps.take_app_code(session, otto, CODE, now=NOW)
    finally:
        vault.use(Vault(old))


def test_a_code_of_before_is_not_taken_after_a_later_one(staffed):
    """What was shown earlier counts no more, even while it is not a minute old."""
    database, otto = staffed
    engine = make_engine(database.url("portal_app"))
    later = totp.code_of(SECRET, totp.step_at(NOW) + 1)
    with make_sessions(engine)() as own:
        set_staff(own, otto)
        assert second_steps.take_app_code(own, otto, later, now=NOW)
        assert not second_steps.take_app_code(own, otto, CODE, now=NOW)
    engine.dispose()
