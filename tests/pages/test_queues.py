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
from portal.domain.counter import CounterKind
from portal.domain.help import Topic
from portal.domain.money import Cents
from portal.domain.waiting import Queue
from portal.gateways.clock import SetClock
from portal.models import (
    Account,
    Claim,
    Debtor,
    HelpRequest,
    Installment,
    LockOut,
    Message,
    MoneyException,
    Role,
    SecondLook,
    Staff,
)
from portal.runtime import Runtime
from portal.services import answering, evidence, second_person
from portal.services import help as helping
from portal.services.counter_payments import Received
from portal.services.help import Answers
from portal.services.ledger import open_exception
from tests.databases import Database, acting_as, web_engine
from tests.factories import (
    NOW,
    make_account,
    make_arrangement,
    make_client,
    make_debtor,
    make_visit,
)
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


PAID_ON = NOW.date() - timedelta(days=3)


class Desk:
    """A client with one account, and people who work for it, each at a browser of their own."""

    def __init__(self, app: Flask, session: PortalSession) -> None:
        self.app, self.session = app, session
        self.client = make_client(session)
        self.account = self.placed()
        self.people = dict[str, Staff]()

    def placed(self) -> Account:
        return make_account(self.session, make_debtor(self.session, self.client))

    def hire(self, name: str, role: Role = Role.AGENT) -> FlaskClient:
        theirs = () if role is Role.OPERATOR else (self.client,)
        staff = self.people[name] = make_staff(self.session, role, *theirs, name=name)
        return enter(self.app.test_client(), self.session, staff)

    def back(self, name: str) -> FlaskClient:
        """The same person another day."""
        return enter(self.app.test_client(), self.session, self.people[name])

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
    refused = heard(press(sam, path, f"{path}/{asked.id}/give-back"))
    assert "It is back in the queue." not in refused
    assert "Ask Maria to give it back" in refused
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
    assert "This is assigned to Sam" in heard(maria.get(path))
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
    rosa = desk.hire("Rosa", Role.SUPERVISOR)
    for told in (
        rosa.get(f"{path}/{asked.id}/assign", follow_redirects=True),
        press(rosa, path, f"{path}/{asked.id}/give-back"),
    ):
        assert told.status_code == 200
        assert "Maria was faster, and answered it." in heard(told)


def test_the_words_of_who_was_slower_are_still_there_to_copy(desk: Desk):
    question = open_question(desk)
    maria, sam = desk.hire("Maria", Role.SUPERVISOR), desk.hire("Sam", Role.SUPERVISOR)
    page = f"/support/questions/{question.id}"
    radios = [one for one in tree(maria.get(page)).iter("input") if one.get("name") == "decision"]
    typed = {"decision": radios[0].get("value", ""), "note": "The bank says it is final."}
    token = csrf_of(sam.get(page))
    assert send(maria, page, typed | {"note": "Answered at Stripe."}).status_code == 303
    late = heard(sam.post(page, data=typed | {"csrf_token": token}))
    assert "Maria was faster" in late
    assert "What you typed" in late
    assert "The bank says it is final." in late
    assert "What you typed" not in heard(sam.get(page))


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


def test_what_is_assigned_stays_until_it_is_done_or_given_back(desk: Desk, clock: SetClock):
    asked, path = desk.ask(Topic.QUESTION), "/support/queues/messages"
    maria, sam = desk.hire("Maria"), desk.hire("Sam")
    assert "assigned to you until it is done" in heard(
        press(maria, path, f"{path}/{asked.id}/keep")
    )
    clock.advance(timedelta(days=3))
    maria, sam = desk.back("Maria"), desk.back("Sam")
    assert "This is assigned to Maria" in heard(sam.get(path))
    for act in ("take", "keep"):
        refused = heard(press(sam, path, f"{path}/{asked.id}/{act}"))
        assert "This is assigned to Maria. Ask Maria to give it back" in refused
    assert "Nothing is free" in heard(press(sam, path, f"{path}/next"))
    work = f"/support/requests/{asked.id}"
    told = send(sam, work, {"body": "Hello", "hold": "keep", "reason": ""})
    assert "This is assigned to Maria." in heard(told)
    assert "This is assigned to you" in heard(press(maria, path, f"{path}/{asked.id}/take"))
    clock.advance(timedelta(minutes=16))
    assert "This is assigned to Maria" in heard(sam.get(path)), "to take it makes it no shorter"
    press(maria, path, f"{path}/{asked.id}/give-back")
    assert "This is assigned to Maria" not in heard(sam.get(path))


def test_what_is_done_is_nobodys_any_more(desk: Desk, session: PortalSession, clock: SetClock):
    asked, path = desk.ask(Topic.QUESTION), "/support/queues/messages"
    maria = desk.hire("Maria")
    press(maria, path, f"{path}/{asked.id}/keep")
    assert asked.reference in heard(maria.get("/support"))
    answer = {"body": "Hello", "hold": "keep", "reason": ""}
    assert send(maria, f"/support/requests/{asked.id}", answer).status_code == 303
    set_tenant(session, desk.client.id)
    session.expire_all()
    assert session.scalars(select(Claim)).one().until == clock.now()


def test_whoever_is_disabled_keeps_nothing_from_colleagues(desk: Desk, session: PortalSession):
    asked, path = desk.ask(Topic.QUESTION), "/support/queues/messages"
    maria, sam = desk.hire("Maria"), desk.hire("Sam")
    press(maria, path, f"{path}/{asked.id}/keep")
    with acting_as("portal_owner", session):
        desk.people["Maria"].disabled_at = NOW
        session.flush()
    session.commit()
    assert "This is assigned to" not in heard(sam.get(path))
    assert asked.reference in heard(press(sam, path, f"{path}/next"))
    assert "You have this until" in heard(sam.get(path))


def test_what_an_operator_keeps_is_kept_and_whoever_may_not_do_it_any_more_keeps_nothing(
    desk: Desk, session: PortalSession
):
    asked, path = desk.ask(Topic.QUESTION), "/support/queues/messages"
    otto, sam = desk.hire("Otto", Role.OPERATOR), desk.hire("Sam")
    press(otto, path, f"{path}/{asked.id}/keep")
    assert "This is assigned to Otto" in heard(press(sam, path, f"{path}/{asked.id}/take"))
    with acting_as("portal_owner", session):
        desk.people["Otto"].role = Role.COMPLIANCE
        session.flush()
    session.commit()
    assert asked.reference in heard(press(sam, path, f"{path}/next"))
    assert "You have this until" in heard(sam.get(path))


def test_a_queue_shows_what_is_ones_own(desk: Desk):
    first, second = desk.ask(Topic.QUESTION, "One"), desk.ask(Topic.QUESTION, "Two")
    maria, path = desk.hire("Maria"), "/support/queues/messages"
    press(maria, path, f"{path}/{second.id}/keep")
    page = maria.get(f"{path}?only=mine")
    assert second.reference in heard(page)
    assert first.reference not in heard(page)
    assert "Show all that wait" in heard(page)


def test_who_asked_for_money_to_move_is_given_no_such_work(desk: Desk, session: PortalSession):
    sue, otto = desk.hire("Sue", Role.SUPERVISOR), desk.hire("Otto", Role.SUPERVISOR)
    account = make_account(
        session, make_debtor(session, desk.client), placed_at=NOW - timedelta(days=9)
    )
    cash = Received(kind=CounterKind.CASH, amount_cents=Cents(600_00), received_on=PAID_ON)
    act = second_person.recording(account, cash, "")
    second_person.ask(session, act, staff=desk.people["Sue"], now=NOW)
    session.commit()
    path = "/support/queues/second-looks"
    set_tenant(session, desk.client.id)
    look = session.scalars(select(SecondLook)).one()
    assert "$600.00" in heard(sue.get(path))
    assert "Asked by Sue" in heard(sue.get(path))
    assert "Nothing is free" in heard(press(sue, path, f"{path}/next"))
    assert "another person must decide it" in heard(press(sue, path, f"{path}/{look.id}/keep"))
    assert "Sue" not in heard(sue.get(f"{path}/{look.id}/assign")).partition("Who does it")[2]
    assert "You have this until" in heard(press(otto, path, f"{path}/next"))
    rosa, page = desk.hire("Rosa", Role.SUPERVISOR), f"/support/second-looks/{look.id}"
    assert "Otto has this until" in heard(rosa.get(page))
    hidden = {"decision": "decline", "reason": "Not ours"}
    assert "Otto has this until" in heard(send(rosa, page, hidden))
    assert send(otto, page, hidden).status_code == 303
    assert "Nothing waits." in heard(otto.get(path))


def test_a_failed_charge_is_taken_out_of_its_queue_with_a_note(desk: Desk, session: PortalSession):
    """PY-09"""
    part, path = failed_charge(desk), "/support/queues/charges"
    maria, sam = desk.hire("Maria"), desk.hire("Sam")
    work, theirs = f"/support/charges/{part.id}", f"/support/accounts/{desk.account.id}"
    token = csrf_of(sam.get(work))
    assert "$40.00 was not paid" in heard(maria.get(path))
    press(maria, path, f"{path}/{part.id}/keep")
    assert "This is assigned to Maria" in heard(sam.get(theirs)), "the account says who has it"
    told = send(sam, work, {"note": "I called."})
    assert told.status_code == 422
    assert "This is assigned to Maria." in heard(told)
    assert send(maria, work, {"note": ""}).status_code == 422
    assert send(maria, work, {"note": "They will pay by check."}).status_code == 303
    assert "Nothing waits." in heard(maria.get(path))
    assert "Failed charge dealt with" in heard(maria.get(theirs))
    assert "They will pay by check." in heard(maria.get(theirs))
    late = sam.post(work, data={"note": "I called.", "csrf_token": token})
    assert "Maria was faster, and dealt with it." in heard(late)
    set_tenant(session, desk.client.id)
    session.refresh(part)
    assert part.status == "failed", "it stays unpaid"


def failed_charge(desk: Desk) -> Installment:
    agreed = make_arrangement(desk.session, desk.account, status="active", method="automatic")
    part = Installment(
        client_id=desk.client.id,
        arrangement_id=agreed.id,
        n=1,
        due_on=PAID_ON,
        amount_cents=Cents(40_00),
        status="failed",
        attempts=1,
    )
    desk.session.add(part)
    desk.session.commit()
    return part


def test_an_address_that_a_copy_waits_for_is_corrected_by_who_has_it(desk: Desk):
    """ES-01"""
    asked = desk.ask(Topic.QUESTION)
    account = desk.session.get_one(Account, (asked.client_id, asked.account_id))
    debtor = desk.session.get_one(Debtor, (account.client_id, account.debtor_id))
    debtor.address_line = ""
    copy = Message(
        client_id=account.client_id,
        debtor_id=debtor.id,
        account_id=account.id,
        channel="letter",
        template="agreement_copy",
        context={},
        locale="en",
        dedupe_key="copy",
        status="queued",
        created_at=NOW,
        send_at=NOW,
    )
    desk.session.add(copy)
    desk.session.commit()
    maria, sam = desk.hire("Maria"), desk.hire("Sam")
    path, theirs = "/support/queues/bounced", f"/support/accounts/{account.id}"
    assert "This is assigned to you" in heard(press(maria, path, f"{path}/{copy.id}/keep"))
    for one in (maria, sam):
        press(one, theirs, f"{theirs}/reveal", reason="They wrote.")
    typed = {"address_line": "12 Pier Road", "reason": "Their letter", "sure": "yes"}
    page = sam.get(f"{theirs}/correct")
    fields = [one for one in tree(page).iter("input") if one.get("name")]
    form = {one.get("name"): one.get("value", "") for one in fields}
    form = {n: v for n, v in form.items() if n not in ("q", "old_address_wrong")} | typed
    form |= {"language": "en", "source": "document"}
    assert "This is assigned to Maria." in heard(sam.post(f"{theirs}/correct", data=form))
    form |= {"csrf_token": csrf_of(maria.get(f"{theirs}/correct"))}
    done = maria.post(f"{theirs}/correct", data=form)
    assert done.status_code == 303, heard(done)
    assert "Nothing waits." in heard(maria.get(path))


def test_printed_letters_are_with_who_printed_them_until_it_is_said_which_left(
    desk: Desk, clock: SetClock
):
    desk.ask(Topic.QUESTION)
    clock.advance(timedelta(days=2))
    maria, sam = desk.hire("Maria"), desk.hire("Sam")
    printed = press(maria, "/support/letters", f"/support/letters/of/{desk.client.id}/print")
    assert "This is assigned to you" in heard(printed)
    assert "Dana" not in heard(printed)
    batch = printed.request.path
    (letter,) = [
        one.get("value") for one in tree(printed).iter("input") if one.get("id") == "sent-1"
    ]
    assert "Printed by Maria" in heard(sam.get("/support/queues/letters"))
    refused = press(sam, batch, batch, sent=letter)
    assert "This is assigned to Maria." in heard(refused)
    assert "It is on the record which letters left." in heard(
        press(maria, batch, batch, sent=letter)
    )
    assert "Nothing waits." in heard(sam.get("/support/queues/letters"))


def test_a_call_is_closed_under_the_lock_of_its_account(desk: Desk, session: PortalSession):
    """Accounts are locked before what is about them, so that no two acts wait for each other."""
    asked = desk.ask(Topic.QUESTION)
    sam = make_staff(session, Role.AGENT, desk.client)
    with statements() as seen:
        answering.close_call(session, asked, "Called.", staff=sam, now=NOW)
    locks = [one for one in seen if "FOR UPDATE" in one]
    assert [re.search(r"FROM (\w+)", one)[1] for one in locks][:2] == ["account", "help_request"]  # type: ignore[index]
