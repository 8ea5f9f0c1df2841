"""Support staff who press twice, or at once with others, on real connections."""

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.db import PortalSession, Reader, make_engine, make_sessions, set_hook, set_tenant
from portal.domain.marks import Mark
from portal.gateways.clock import SetClock
from portal.models import Account, Client, Debtor, Hold, Message, Role, Staff
from portal.runtime import Runtime
from portal.services.correcting import on_file
from portal.services.dossier import reveal
from portal.services.ledger import lock_account
from portal.services.marks import mark
from portal.services.threads import reply
from tests.databases import Database, web_engine
from tests.factories import NOW, make_account, make_client, make_debtor
from tests.pages.at_once import hidden_of
from tests.pages.reading import heard, tree
from tests.pages.staff import enter, make_staff

WAITS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
LETTER = {"from": "Her brother wrote"}


@dataclasses.dataclass
class House:
    """An app on a database of its own: a debtor with two accounts, and a supervisor, Sam."""

    app: Flask
    runtime: Runtime
    client: Client
    debtor: Debtor
    lower: Account
    higher: Account
    sam: Staff

    def session(self) -> PortalSession:
        """A connection of somebody else."""
        made = self.runtime.sessions()
        set_tenant(made, self.client.id)
        return made

    def browser(self) -> FlaskClient:
        """Sam's."""
        with self.runtime.sessions() as session:
            http = enter(self.app.test_client(), session, self.sam)
            session.commit()
            return http

    @property
    def page(self) -> str:
        """Of the account that is locked last."""
        return f"/support/accounts/{self.higher.id}"


@pytest.fixture
def house(fresh_db: Database, clock: SetClock, runtime: Runtime) -> Iterator[House]:
    engine = web_engine(fresh_db)
    live = dataclasses.replace(
        runtime,
        settings=fresh_db.settings,
        sessions=make_sessions(engine),
        read=Reader(fresh_db.settings.database_url),
    )
    app = create_app(fresh_db.settings, live)
    with live.sessions() as session:
        client = make_client(session)
        debtor = make_debtor(session, client)
        both = sorted((make_account(session, debtor) for _ in range(2)), key=lambda one: one.id)
        sam = make_staff(session, Role.SUPERVISOR, client)
        session.commit()
        made = House(app, live, client, debtor, *both, sam)
        session.expunge_all()
    yield made
    set_hook(None)
    engine.dispose()


def test_a_hold_pressed_six_times_at_once_is_one(house: House):
    path, sam = f"{house.page}/hold", house.browser()
    form = hidden_of(sam.get(f"{path}?kind=bankruptcy"))
    typed = form | {"kind": "bankruptcy", "reason": "A letter"}
    cookie = sam.get_cookie("staff")
    assert cookie is not None

    def press(_: int) -> int:
        browser: FlaskClient = house.app.test_client()
        browser.set_cookie("staff", cookie.value)
        return browser.post(path, data=typed).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(press, range(6))) == {303}
    with house.session() as session:
        assert session.scalar(select(func.count()).select_from(Hold)) == 1


def unseen(page: TestResponse) -> dict[str, str]:
    """What the form of a page carries unseen of where its reader is."""
    fields = tree(page).iter("input")
    return {
        one.get("name", ""): one.get("value", "")
        for one in fields
        if one.get("name") in ("seen", "csrf_token")
    }


def happened(house: House) -> tuple[str, dict[str, str]]:
    return f"{house.page}/something/deceased", LETTER


def taken_back(house: House) -> tuple[str, dict[str, str]]:
    with house.session() as session:
        account = session.get_one(Account, (house.client.id, house.higher.id))
        made = mark(session, account, Mark.DECEASED, LETTER, staff=house.sam, now=NOW)
        session.commit()
    return f"{house.page}/marks/{made}/take-back", {"reason": "It was her mother"}


def corrected(house: House) -> tuple[str, dict[str, str]]:
    with house.session() as session:
        account = session.get_one(Account, (house.client.id, house.higher.id))
        reveal(session, account, reason="A letter", staff=house.sam, now=NOW)
        session.commit()
    filed = on_file(house.debtor)
    before = {f"was_{name}": value for name, value in filed.items()}
    why = {"city": "Troy", "source": "document", "reason": "Passport", "sure": "y"}
    return f"{house.page}/correct", filed | before | why


@pytest.mark.parametrize("act", [happened, taken_back, corrected])
def test_an_act_on_the_person_waits_for_their_first_account_and_holds_no_other(
    house: House, fresh_db: Database, act
):
    """Whoever takes all accounts in order, as a visit that begins, does not wait for it too."""
    path, typed = act(house)
    sam = house.browser()
    seen = unseen(sam.get(path))
    watcher = make_engine(fresh_db.admin, isolation_level="AUTOCOMMIT")
    with house.session() as visit, ThreadPoolExecutor(1) as pool:
        lock_account(visit, house.lower.id)
        done = pool.submit(lambda: sam.post(path, data=seen | typed).status_code)
        with watcher.connect() as looking:
            while not done.done() and not looking.scalar(WAITS):
                pass
        free = select(Account).where(Account.id == house.higher.id).with_for_update(nowait=True)
        assert visit.scalars(free).one()
        visit.commit()
        assert done.result() == 303
    watcher.dispose()


def test_a_colleague_who_acts_while_a_correction_is_on_its_way_is_named(house: House):
    """ES-01: what waits for the address is looked at first; what a colleague did, last of all."""
    with house.session() as session:
        maria = make_staff(session, Role.AGENT, house.client, name="Maria Lopez")
        session.add(copy_that_waits(house))
        debtor = session.get_one(Debtor, (house.client.id, house.debtor.id))
        debtor.address_line = ""
        session.commit()
        house.debtor = debtor
    path, typed = corrected(house)
    sam = house.browser()
    seen = unseen(sam.get(path))

    def maria_writes(name: str) -> None:
        if name != "after claims.work_on":
            return
        set_hook(None)
        with house.session() as session:
            account = session.get_one(Account, (house.client.id, house.higher.id))
            reply(session, account, "We look into it.", staff=maria, now=NOW)
            session.commit()

    set_hook(maria_writes)
    told = sam.post(path, data=seen | typed)
    assert told.status_code == 422
    assert "Maria Lopez Message in the thread" in heard(told)
    with house.session() as session:
        assert session.get_one(Debtor, (house.client.id, house.debtor.id)).city != "Troy"


def copy_that_waits(house: House) -> Message:
    """A copy of a paper for which a postal address is missing."""
    return Message(
        client_id=house.client.id,
        debtor_id=house.debtor.id,
        account_id=house.higher.id,
        channel="letter",
        template="agreement_copy",
        context={},
        locale="en",
        dedupe_key="copy",
        status="queued",
        created_at=NOW,
        send_at=NOW,
    )
