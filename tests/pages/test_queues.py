"""What waits for staff: one page for each queue, and nothing that two people work on."""

import dataclasses
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.config import Settings
from portal.db import PortalSession, Reader, make_sessions, set_tenant
from portal.domain.help import Topic
from portal.domain.waiting import Queue
from portal.gateways.clock import SetClock
from portal.models import Account, Claim, HelpRequest, LockOut, MoneyException, Role
from portal.runtime import Runtime
from portal.services import evidence
from portal.services import help as helping
from portal.services.help import Answers
from portal.services.ledger import open_exception
from tests.databases import Database, web_engine
from tests.factories import NOW, make_account, make_client, make_debtor, make_visit
from tests.pages.debtors import RIGHT, WRONG, Dana, csrf_of, make_visitor, send
from tests.pages.reading import heard, said, tree
from tests.pages.staff import enter, make_staff
from tests.statements import statements

ASKED = {
    Topic.NOT_MY_DEBT: Queue.DISPUTES,
    Topic.ALREADY_PAID: Queue.DISPUTES,
    Topic.CANNOT_PAY: Queue.HARDSHIP,
    Topic.QUESTION: Queue.MESSAGES,
    Topic.ADVISER: Queue.REQUESTS,
}


class Desk:
    """A client with one account, and people who work for it, each at a browser of their own."""

    def __init__(self, app: Flask, session: PortalSession) -> None:
        self.app, self.session = app, session
        self.client = make_client(session)
        self.account = self.placed()

    def placed(self) -> Account:
        return make_account(self.session, make_debtor(self.session, self.client))

    def hire(self, name: str, role: Role = Role.AGENT) -> FlaskClient:
        staff = make_staff(self.session, role, self.client, name=name)
        return enter(self.app.test_client(), self.session, staff)

    def ask(self, topic: Topic, details: str = "Please look.") -> HelpRequest:
        account = self.placed()
        visit = make_visit(self.session, account)
        said = Answers("lawyer" if topic is Topic.ADVISER else None, details)
        return helping.open_request(self.session, account, topic, said, by=visit, now=NOW)


@pytest.fixture
def desk(app: Flask, session: PortalSession) -> Desk:
    return Desk(app, session)


def press(http: FlaskClient, page: str, path: str, **typed: str):
    """Press a button of a page; the page that it leads to."""
    token = csrf_of(http.get(page))
    return http.post(path, data={"csrf_token": token, **typed}, follow_redirects=True)


def counted(page: TestResponse) -> list[str]:
    """The numbers in the navigation."""
    spans = tree(page).iter("span")
    return ["".join(one.itertext()) for one in spans if one.get("class") == "count"]


@pytest.mark.parametrize(("topic", "queue"), ASKED.items())
def test_what_is_asked_stands_in_its_queue_with_its_day_and_nowhere_else(
    desk: Desk, topic: Topic, queue: Queue
):
    asked = desk.ask(topic)
    maria = desk.hire("Maria")
    for one in Queue:
        page = heard(maria.get(f"/support/queues/{one}"))
        assert (asked.reference in page) is (one is queue), one
    page = heard(maria.get(f"/support/queues/{queue}"))
    assert "Nov 27, 2026" in page
    assert "5 days left" in page
    assert "Dana" not in page


def test_what_one_takes_is_theirs_for_a_quarter_of_an_hour(desk: Desk, clock: SetClock):
    asked, path = desk.ask(Topic.QUESTION), "/support/queues/messages"
    maria, sam = desk.hire("Maria Lopez"), desk.hire("Sam Field")
    assert "You have this until" in heard(press(maria, path, f"{path}/{asked.id}/take"))
    assert "Maria Lopez has this until" in heard(sam.get(path))
    assert "You have" in heard(maria.get("/support"))
    assert asked.reference in heard(maria.get("/support"))
    refused = heard(press(sam, path, f"{path}/{asked.id}/take"))
    assert "Maria Lopez has this until" in refused
    ours = re.compile(r"until \d{1,2}:\d\d\s[AP]M")
    assert ours.search(refused), "the time is written as everywhere else"
    answer = {"body": "Hello from Sam", "hold": "keep", "reason": ""}
    desk_page = f"/support/requests/{asked.id}"
    told = send(sam, desk_page, answer)
    assert told.status_code == 422
    assert "Maria Lopez has this until" in heard(told)
    assert "Hello from Sam" in said(told), "nothing that was typed is lost"
    clock.advance(timedelta(minutes=16))
    assert send(sam, desk_page, answer).status_code == 303


def test_working_on_it_keeps_it_for_longer(desk: Desk, clock: SetClock):
    asked, path = desk.ask(Topic.QUESTION), "/support/queues/messages"
    maria, sam = desk.hire("Maria"), desk.hire("Sam")
    press(maria, path, f"{path}/{asked.id}/take")
    clock.advance(timedelta(minutes=10))
    assert send(maria, f"/support/requests/{asked.id}", {"body": "", "hold": "keep"}).status_code
    clock.advance(timedelta(minutes=10))
    assert "Maria has this until" in heard(sam.get(path))


def test_what_is_given_back_is_free_and_all_of_it_is_on_the_record(desk: Desk, session):
    asked, path = desk.ask(Topic.QUESTION), "/support/queues/messages"
    account = session.get_one(Account, (asked.client_id, asked.account_id))
    maria, sam = desk.hire("Maria"), desk.hire("Sam")
    press(maria, path, f"{path}/{asked.id}/take")
    press(maria, path, f"{path}/{asked.id}/take")
    assert "Give it back" in heard(maria.get(path))
    press(sam, path, f"{path}/{asked.id}/give-back")
    assert "Maria has this until" in heard(sam.get(path)), "only who has it gives it back"
    press(maria, path, f"{path}/{asked.id}/give-back")
    assert "has this until" not in heard(sam.get(path))
    assert "Give it back" not in heard(sam.get(path))
    set_tenant(session, desk.client.id)
    told = [leaf.type for leaf in evidence.account_leaves(session, account)]
    assert [one for one in told if one.startswith("queue.")] == ["queue.taken", "queue.given_back"]


def test_the_next_one_is_the_first_that_nobody_has(desk: Desk):
    first, second = desk.ask(Topic.QUESTION, "One"), desk.ask(Topic.QUESTION, "Two")
    maria, sam, path = desk.hire("Maria"), desk.hire("Sam"), "/support/queues/messages"
    assert first.reference in heard(press(maria, path, f"{path}/next"))
    assert second.reference in heard(press(sam, path, f"{path}/next"))
    assert "Nothing is free" in heard(press(sam, path, f"{path}/next"))


def test_a_supervisor_gives_it_to_somebody_else_or_takes_it_over(desk: Desk):
    asked, path = desk.ask(Topic.QUESTION), "/support/queues/messages"
    sam = make_staff(desk.session, Role.AGENT, desk.client, name="Sam")
    other = make_staff(desk.session, Role.AGENT, make_client(desk.session), name="Stranger")
    maria, boss = desk.hire("Maria"), desk.hire("Rosa", Role.SUPERVISOR)
    press(maria, path, f"{path}/{asked.id}/take")
    form = f"{path}/{asked.id}/assign"
    assert "Maria has it until" in heard(boss.get(form))
    assert "Stranger" not in heard(boss.get(form))
    assert send(boss, form, {"to": str(other.id)}).status_code == 422
    assert send(boss, form, {"to": str(sam.id)}).status_code == 303
    assert "Sam has this until" in heard(maria.get(path))
    assert maria.get(form).status_code == 403


def test_whoever_comes_second_is_told_who_did_what(desk: Desk):
    asked = open_question(desk)
    maria, sam = desk.hire("Maria", Role.SUPERVISOR), desk.hire("Sam", Role.SUPERVISOR)
    page = f"/support/questions/{asked.id}"
    token = csrf_of(sam.get(page))
    radios = [one for one in tree(maria.get(page)).iter("input") if one.get("name") == "decision"]
    (choice,) = [one.get("value", "") for one in radios]
    typed = {"decision": choice, "note": "Answered at Stripe."}
    assert send(maria, page, typed).status_code == 303
    told = heard(sam.post(page, data=typed | {"csrf_token": token}))
    assert "Maria was faster, and dealt with it, “Answered at Stripe.”" in told


def test_what_somebody_answered_is_not_taken_any_more(desk: Desk):
    asked, path = desk.ask(Topic.QUESTION), "/support/queues/messages"
    maria, sam = desk.hire("Maria"), desk.hire("Sam")
    token = csrf_of(sam.get(path))
    page = f"/support/requests/{asked.id}"
    assert send(maria, page, {"body": "Yes.", "hold": "keep", "reason": ""}).status_code == 303
    took = {"data": {"csrf_token": token}, "follow_redirects": True}
    assert "Maria was faster, and answered it." in heard(
        sam.post(f"{path}/{asked.id}/take", **took)
    )


def open_question(desk: Desk, n: int = 0) -> MoneyException:
    account = desk.account if not n else desk.placed()
    facts = {"kind": "chargeback", "source": f"dispute:{n}", "detail": f"Please look at {n}."}
    open_exception(desk.session, account, **facts, now=NOW + timedelta(minutes=n))
    found = select(MoneyException).where(MoneyException.source == f"dispute:{n}")
    return desk.session.scalars(found).one()


def test_a_long_queue_is_read_by_pages_the_oldest_first(desk: Desk):
    for n in range(1, 53):
        open_question(desk, n)
    maria = desk.hire("Maria", Role.SUPERVISOR)
    page = maria.get("/support/queues/questions")
    assert page.get_data(as_text=True).count("Please look at") == 50
    assert heard(page).index("Please look at 1.") < heard(page).index("Please look at 50.")
    (onward,) = [one.get("href", "") for one in tree(page).iter("a") if one.get("rel") == "next"]
    rest = heard(maria.get(onward))
    assert [f"Please look at {n}." in rest for n in (50, 51, 52)] == [False, True, True]
    assert maria.get("/support/queues/questions?after=nonsense").status_code == 200


def test_all_queues_are_counted_in_one_statement(desk: Desk):
    desk.ask(Topic.QUESTION)
    maria = desk.hire("Maria")
    with statements() as seen:
        page = maria.get("/support/queues/disputes")
    assert counted(page) == ["1", "1"], "the message, and the letter that says we have it"
    assert len([one for one in seen if "count(*)" in one]) == 1


def test_another_clients_entry_is_as_if_absent(desk: Desk, app: Flask, session: PortalSession):
    theirs = Desk(app, session).ask(Topic.QUESTION)
    maria, path = desk.hire("Maria"), "/support/queues/messages"
    assert theirs.reference not in heard(maria.get(path))
    token = csrf_of(maria.get("/support"))
    for act in ("take", "give-back"):
        answer = maria.post(f"{path}/{theirs.id}/{act}", data={"csrf_token": token})
        assert answer.status_code == 404
    assert maria.get("/support/queues/nonsense").status_code == 404


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    """Dana with a link, who has not opened it yet."""
    return make_visitor(session, settings, clock.now())


def test_who_failed_the_check_too_often_waits_until_somebody_helps(
    app: Flask, http: FlaskClient, session: PortalSession, dana: Dana
):
    """EC-08"""
    sam = enter(app.test_client(), session, make_staff(session, Role.AGENT, dana.client))
    for _ in range(6):
        send(http, dana.path, WRONG)
    queue = sam.get("/support/queues/lock-outs")
    assert dana.account.reference in heard(queue)
    assert counted(queue) == ["1"]
    set_tenant(session, dana.client.id)
    page = f"/support/lock-outs/{session.scalars(select(LockOut)).one().id}"
    assert send(sam, page, {"note": ""}).status_code == 422
    assert send(sam, page, {"note": "Called, and sent a new link."}).status_code == 303
    assert "Nothing waits." in heard(sam.get("/support/queues/lock-outs"))
    assert "Called, and sent a new link." in heard(sam.get(f"/support/accounts/{dana.account.id}"))
    again = heard(send(sam, page, {"note": "I called too."}))
    assert "was faster" in again


def test_who_passes_after_all_waits_no_more(
    app: Flask, http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    """EC-08"""
    for _ in range(5):
        send(http, dana.path, WRONG)
    clock.advance(timedelta(minutes=31))
    assert send(http, dana.path, RIGHT).status_code == 303
    sam = enter(app.test_client(), session, make_staff(session, Role.AGENT, dana.client))
    assert "Nothing waits." in heard(sam.get("/support/queues/lock-outs"))


def test_of_two_who_press_next_at_once_each_has_another(
    fresh_db: Database, clock: SetClock, runtime: Runtime
):
    engine = web_engine(fresh_db)
    live = dataclasses.replace(
        runtime,
        settings=fresh_db.settings,
        sessions=make_sessions(engine),
        read=Reader(fresh_db.settings.database_url),
    )
    app = create_app(fresh_db.settings, live)
    with live.sessions() as session:
        desk = Desk(app, session)
        for n in range(4):
            open_question(desk, n)
        people = [desk.hire(f"Rosa {n}", Role.SUPERVISOR) for n in range(4)]
        client_id = desk.client.id
        session.commit()
    path = "/support/queues/questions"
    tokens = [csrf_of(one.get(path)) for one in people]

    def press_next(n: int) -> str:
        answer = people[n].post(f"{path}/next", data={"csrf_token": tokens[n]})
        return answer.headers["Location"]

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(press_next, range(4)))) == 4
    with live.sessions() as session:
        set_tenant(session, client_id)
        assert len(session.scalars(select(Claim.staff_id).distinct()).all()) == 4
    engine.dispose()
