"""However much there is of something, a page reads no more of it than it shows."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.config import Settings
from portal.db import PortalSession, make_sessions, set_tenant
from portal.domain.counter import CounterKind
from portal.domain.money import Cents
from portal.gateways.clock import SetClock
from portal.models import Account, AttemptCounter, EntryKind, Role
from portal.services import attempts, dossier, foreseeing, operating, second_person
from portal.services.attempts import Scope
from portal.services.counter_payments import Received
from portal.services.ledger import lock_account, post
from tests.databases import Database, web_engine
from tests.factories import (
    NOW,
    make_account,
    make_client,
    make_debtor,
    make_link,
    make_payment,
    make_policy,
)
from tests.pages.debtors import Dana, make_visitor
from tests.pages.reading import heard
from tests.pages.staff import enter, make_staff
from tests.statements import statements


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    return make_visitor(session, settings, clock.now(), sms_enabled=True)


def test_an_account_with_a_long_life_shows_what_is_newest_and_what_was_owed_before(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    enter(http, session, make_staff(session, Role.AGENT, dana.client))
    account = lock_account(session, dana.account.id)
    for n in range(dossier.MOST + 5):
        about = {"kind": EntryKind.ADJUSTED, "source": f"day:{n}", "amount_cents": Cents(-1_00)}
        post(session, account, **about, now=NOW + timedelta(minutes=n))
        make_link(session, session.merge(dana.debtor), contact=None)
        make_payment(session, account, reference=f"PM-{n}")
    session.commit()
    set_tenant(session, dana.client.id)
    read = dossier.read_dossier(session, account, now=NOW)
    assert (len(read.entries), len(read.payments)) == (dossier.MOST, dossier.MOST)
    assert len(read.links) == dossier.MOST_LINKS
    assert read.entries[-1].source == f"day:{dossier.MOST + 4}", "the newest come last"
    shown = heard(http.get(f"/support/accounts/{account.id}"))
    assert "Owed before that, with what is older" in shown
    assert "The newest 50 are shown here." in shown
    assert "The newest 10 are shown here." in shown
    sums = read.before_entries_cents + sum(one.amount_cents for one in read.entries)
    assert sums == account.balance_cents, "the lines still sum to the balance"


def test_an_operator_reads_clients_and_lock_outs_by_pages(
    http: FlaskClient, session: PortalSession, monkeypatch: pytest.MonkeyPatch
):
    clients = [make_client(session, trade_name=f"Client {n}") for n in "ABC"]
    monkeypatch.setattr(operating, "CLIENTS", 2)
    monkeypatch.setattr(operating, "MOST_COUNTED", 1)
    monkeypatch.setattr(attempts, "MOST_CLOSED", 2)
    for _ in range(2):
        make_account(session, make_debtor(session, clients[0]))
    for n in range(3):
        closed = {"window_started_at": NOW, "count": 5, "locked_until": NOW + timedelta(hours=n)}
        session.add(AttemptCounter(scope=Scope.LINK, key_hash=bytes([n]) * 32, **closed))
    session.commit()
    otto = enter(http, session, make_staff(session, Role.OPERATOR))
    set_tenant(session, *(one.id for one in clients))
    first = operating.client_states(session)
    assert [one.client.trade_name for one in first] == ["Client A", "Client B", "Client C"]
    assert (first[0].accounts, first[1].accounts) == (1, 0), "counting stops where it is enough"
    rest = operating.client_states(session, after=first[1].client.id)
    assert [one.client.trade_name for one in rest] == ["Client C"]
    assert otto.get("/operator").status_code == 200
    last_first = [one.mark[:2] for one in attempts.closed(session, now=NOW)]
    assert last_first == ["02", "01"]
    assert attempts.find_closed(session, "link", "01" * 32, now=NOW) is not None
    assert attempts.find_closed(session, "link", "00" * 32, now=NOW) is None, "it is open again"
    assert attempts.find_closed(session, "link", "no hash", now=NOW) is None


def test_an_answer_that_a_script_asked_for_counts_no_queue(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    enter(http, session, make_staff(session, Role.AGENT, dana.client))
    path = f"/support/accounts/{dana.account.id}/progress"
    for by_itself, counted in ((True, 0), (False, 1)):
        with statements() as seen:
            answer = http.get(path, headers={"X-By-Itself": "1"} if by_itself else {})
        assert answer.status_code == 200
        assert len([one for one in seen if "LOCK_OUTS" in one]) == counted


def test_what_a_link_says_is_tried_once_for_each_address(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    enter(http, session, make_staff(session, Role.AGENT, dana.client))
    with statements() as seen:
        page = heard(http.get(f"/support/accounts/{dana.account.id}/link"))
    assert "asked for" in page
    assert "we write first" in page
    links = [one for one in seen if one.startswith("INSERT INTO access_link")]
    assert len(links) == 1, "one address, one link that is taken back"


def test_looking_at_what_money_would_do_keeps_no_lock(fresh_db: Database, clock: SetClock):
    engine = web_engine(fresh_db)
    sessions = make_sessions(engine)
    with sessions() as session, sessions() as other:
        client = make_client(session)
        make_policy(session, client)
        debtor = make_debtor(session, client)
        account = make_account(session, debtor, placed_at=NOW - timedelta(days=9))
        session.commit()
        set_tenant(session, client.id)
        set_tenant(other, client.id)
        day = NOW.date() - timedelta(days=2)
        cash = Received(kind=CounterKind.CASH, amount_cents=Cents(5_00), received_on=day)
        foreseeing.foresee(session, second_person.recording(account, cash, ""), now=NOW)
        query = select(Account.id).where(Account.id == account.id).with_for_update(nowait=True)
        assert other.scalar(query) == account.id
    engine.dispose()
