"""Two doors and a desk at once, on real connections: accounts come first, so nobody deadlocks."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text

from portal.config import Settings
from portal.db import PortalSession, make_engine, set_staff, set_tenant
from portal.domain.identity import Factor
from portal.models import Account, Channel, LockOut, Role, Staff
from portal.services import call_sessions, identity
from portal.services.identity import NotMatched, Outcome, Passed, TypedCode
from portal.services.ledger import lock_account
from portal.services.links import OpenedLink, load_link
from portal.services.staff import start_session
from portal.services.threads import reply
from portal.services.unlocking import NotLocked, unlock
from portal.services.visits import Browser, start_visit
from tests.databases import Database, web_engine
from tests.factories import ANSWERS, NOW, make_account
from tests.pages.debtors import Dana, make_visitor
from tests.pages.staff import make_staff

WAITS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
HOME = Browser("203.0.113.9", "Firefox")
WRONG = {Factor.DATE_OF_BIRTH: "1985-03-28", Factor.POSTAL_CODE: "90210"}
TRIES = 5


class Scene:
    """Dana with two accounts, an agent who has her on the line, and connections that commit."""

    def __init__(self, database: Database) -> None:
        self.engine: Engine = web_engine(database)
        self.watcher = make_engine(database.admin, isolation_level="AUTOCOMMIT")
        self.settings: Settings = database.settings
        with PortalSession(bind=self.engine, expire_on_commit=False) as session:
            self.dana: Dana = make_visitor(session, self.settings, NOW)
            make_account(session, self.dana.debtor)
            self.sam: Staff = make_staff(session, Role.SUPERVISOR, self.dana.client)
            session.commit()

    def session(self) -> PortalSession:
        """A connection of somebody else, which sees the client."""
        made = PortalSession(bind=self.engine, expire_on_commit=False)
        set_staff(made, self.sam.id)
        set_tenant(made, self.dana.client.id)
        return made

    def opened(self, session: PortalSession) -> OpenedLink:
        return load_link(session, self.dana.client.id, self.dana.issued.link.id, NOW)

    def guess(self) -> Outcome:
        """A wrong answer behind the link."""
        with self.session() as session:
            told = identity.check_answers(
                session,
                self.opened(session),
                WRONG,
                keys=self.settings.keys,
                ip=HOME.ip,
                now=NOW,
            )
            session.commit()
            return told

    def pick_up(self) -> UUID:
        """She calls, and Sam says so."""
        with self.session() as session:
            log_in, _ = start_session(session, self.sam, browser=HOME, now=NOW)
            account = session.get_one(Account, (self.dana.client.id, self.dana.account.id))
            made = call_sessions.open_session(
                session, account, staff=self.sam, log_in_id=log_in.session_id, now=NOW
            )
            session.commit()
            return made.id

    def answer(self, call_id: UUID, answers: dict[Factor, str]) -> Outcome:
        """She answers on the telephone."""
        with self.session() as session:
            call = call_sessions.find_session(session, call_id, self.sam)
            told = call_sessions.check(
                session, call, answers, keys=self.settings.keys, staff=self.sam, now=NOW
            )
            session.commit()
            return told

    def unlock(self) -> None:
        with self.session() as session:
            account = session.get_one(Account, (self.dana.client.id, self.dana.account.id))
            unlock(
                session,
                account,
                reason="Her passport",
                staff=self.sam,
                keys=self.settings.keys,
                now=NOW,
            )
            session.commit()

    def until_it_waits(self, other: Future[object]) -> None:
        with self.watcher.connect() as looking:
            while not other.done() and not looking.scalar(WAITS):
                pass


@pytest.fixture
def scene(fresh_db: Database) -> Iterator[Scene]:
    made = Scene(fresh_db)
    yield made
    made.engine.dispose()
    made.watcher.dispose()


def by_facts(scene: Scene, session: PortalSession) -> Outcome:
    return identity.check_answers(
        session,
        scene.opened(session),
        ANSWERS,
        keys=scene.settings.keys,
        ip=HOME.ip,
        now=NOW,
    )


def by_code(scene: Scene, session: PortalSession) -> Outcome:
    opened, keys = scene.opened(session), scene.settings.keys
    assert identity.send_code(session, opened, Channel.EMAIL, keys=keys, now=NOW)
    session.commit()
    opened = scene.opened(session)
    (code,) = identity.waiting_codes(session, opened, now=NOW)
    typed = TypedCode(identity.code_text(keys, code.id), ANSWERS[Factor.DATE_OF_BIRTH])
    return identity.check_code(session, opened, typed, keys=keys, ip=HOME.ip, now=NOW)


@pytest.mark.parametrize("check", [by_facts, by_code])
def test_pr_01_who_passes_at_both_doors_at_once_is_let_in_at_both(
    scene: Scene, check: Callable[[Scene, PortalSession], Outcome]
):
    """PR-01: the right answers behind the link and on the telephone, in the same instant."""
    call = scene.pick_up()
    with scene.session() as session, ThreadPoolExecutor(1) as pool:
        passed = check(scene, session)
        assert isinstance(passed, Passed)
        phone = pool.submit(scene.answer, call, ANSWERS)
        scene.until_it_waits(phone)
        start_visit(session, scene.opened(session), passed, browser=HOME, now=NOW)
        session.commit()
        assert isinstance(phone.result(), Passed)


def test_ec_08_who_passes_while_they_are_unlocked_is_let_in(scene: Scene):
    """EC-08: whoever unlocks them is second, and is told that the door is open."""
    call = scene.pick_up()
    for _ in range(TRIES):
        assert isinstance(scene.answer(call, WRONG), NotMatched)
    with scene.session() as session, ThreadPoolExecutor(1) as pool:
        passed = by_facts(scene, session)
        assert isinstance(passed, Passed)
        desk = pool.submit(scene.unlock)
        scene.until_it_waits(desk)
        start_visit(session, scene.opened(session), passed, browser=HOME, now=NOW)
        session.commit()
        with pytest.raises(NotLocked):
            desk.result()


@pytest.mark.parametrize("door", ["link", "telephone"])
def test_ec_08_who_uses_up_their_tries_waits_for_whoever_works_on_the_account(
    scene: Scene, door: str
):
    """EC-08: the last wrong answer and a letter of staff at once: both are on the record."""
    call = scene.pick_up()
    guess = scene.guess if door == "link" else lambda: scene.answer(call, WRONG)
    for _ in range(TRIES - 1):
        guess()
    with scene.session() as session, ThreadPoolExecutor(1) as pool:
        account = lock_account(session, scene.dana.account.id)
        last = pool.submit(guess)
        scene.until_it_waits(last)
        reply(session, account, "We look into it.", staff=scene.sam, now=NOW)
        session.commit()
        assert last.result() == NotMatched(0)
    with scene.session() as session:
        assert session.scalars(select(LockOut)).one().closed_at is None
