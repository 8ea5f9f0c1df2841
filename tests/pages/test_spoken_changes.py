"""A payment moved or skipped on the telephone: the words read, the yes, and what it did."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.statuses import AuthorizationStatus
from portal.gateways.clock import SetClock
from portal.models import Amendment, Authorization, Installment, Message, Role
from portal.services import evidence
from portal.services.verify import verify_client
from tests.factories import make_policy
from tests.pages.agreeing import accept, choose_plan, pay_at_stripe
from tests.pages.debtors import RIGHT, Dana, come_in, make_visitor, send
from tests.pages.reading import said, tree
from tests.pages.staff import enter, make_staff
from tests.pages.test_callers import LINE, pick_up
from tests.pages.test_changing import GIVEN
from tests.sandbox.checked import CheckedStripe


@pytest.fixture
def dana(
    http: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    stripe: CheckedStripe,
) -> Dana:
    """Dana, who pays $104.00 a month from a saved card and may change her plan a little."""
    visitor = make_visitor(session, settings, clock.now())
    make_policy(session, visitor.client, concessions=GIVEN)
    session.commit()
    come_in(http, session, visitor)
    accept(http, visitor, choose_plan(http, visitor), permission="y")
    http.get(pay_at_stripe(session, stripe))
    set_tenant(session, visitor.client.id)
    return visitor


@pytest.fixture
def sam(
    app: Flask,
    session: PortalSession,
    dana: Dana,
) -> FlaskClient:
    """An agent on the line with Dana, who has a running plan and answered rightly."""
    browser = enter(app.test_client(), session, make_staff(session, Role.AGENT, dana.client))
    session.commit()
    pick_up(browser, dana)
    assert send(browser, LINE, RIGHT).status_code == 303
    return browser


def page_of(dana: Dana) -> str:
    return f"/support/accounts/{dana.account.id}/change-plan"


def parts(session: PortalSession, dana: Dana) -> list[Installment]:
    set_tenant(session, dana.client.id)
    session.expire_all()
    return list(session.scalars(select(Installment).order_by(Installment.n)))


def wanted(session: PortalSession, dana: Dana, what: str) -> dict[str, str]:
    second = parts(session, dana)[1].due_on
    to = (second + timedelta(days=5)).isoformat() if what == "moved" else ""
    return {"what": what, "due_on": second.isoformat(), "to": to}


def confirm(sam: FlaskClient, dana: Dana, words: TestResponse, **typed: str) -> TestResponse:
    hidden = {
        one.get("name", ""): one.get("value", "")
        for one in tree(words).iter("input")
        if one.get("type") == "hidden"
    }
    return sam.post(page_of(dana), data=hidden | typed)


@pytest.mark.parametrize("what", ["moved", "skipped"])
def test_py_05_what_was_read_and_agreed_to_is_done_and_kept(
    sam: FlaskClient,
    session: PortalSession,
    dana: Dana,
    what: str,
):
    """PY-05, EV-01: the exact text, who heard the yes and in which call; a copy goes out."""
    before = [one.due_on for one in parts(session, dana)]
    words = send(sam, page_of(dana), wanted(session, dana, what))
    assert "Do you agree to this change?" in said(words)
    assert [one.due_on for one in parts(session, dana)] == before, "nothing is done yet"
    assert confirm(sam, dana, words).status_code == 422, "no yes"
    assert confirm(sam, dana, words, yes="y").status_code == 303
    after = parts(session, dana)
    assert before[1] not in [one.due_on for one in after if one.status != "canceled"]
    leaves = evidence.account_leaves(session, dana.account)
    changed = next(one.payload for one in leaves if one.type == "arrangement.amended")
    assert changed["actor"]["kind"] == "staff"
    opened = next(one.payload for one in leaves if one.type == "call_session.opened")
    assert changed["assent"]["call_session"] == opened["call_session"]
    (kept,) = changed["documents"]
    key = (dana.client.id, dana.account.chain_id, kept["sha256"])
    text = evidence.document(session, *key).body.decode()
    assert all(sentence in said(words) for sentence in text.split("\n"))
    sent = session.scalars(select(Message).where(Message.template == "plan_changed")).all()
    assert sent, "a copy goes to the debtor"
    permission = session.scalars(select(Authorization)).one()
    assert permission.status == AuthorizationStatus.GRANTED, "as it was given in writing"
    assert list(verify_client(session, dana.client.id)) == []


def test_sent_twice_it_is_one_change_and_an_old_page_is_none(
    sam: FlaskClient,
    session: PortalSession,
    dana: Dana,
):
    words = send(sam, page_of(dana), wanted(session, dana, "moved"))
    other = send(sam, page_of(dana), wanted(session, dana, "skipped"))
    assert confirm(sam, dana, words, yes="y").status_code == 303
    assert confirm(sam, dana, words, yes="y").status_code in (303, 422)
    assert confirm(sam, dana, other, yes="y").status_code == 422
    set_tenant(session, dana.client.id)
    assert len(session.scalars(select(Amendment)).all()) == 1


def test_the_words_are_in_the_debtors_language(
    sam: FlaskClient,
    session: PortalSession,
    dana: Dana,
):
    dana.debtor.language = "es"
    session.commit()
    words = send(sam, page_of(dana), wanted(session, dana, "moved"))
    assert "¿Está de acuerdo con este cambio?" in said(words)


def test_pr_01_nobody_changes_a_plan_for_who_is_not_known(
    sam: FlaskClient,
    session: PortalSession,
    dana: Dana,
    clock: SetClock,
):
    """PR-01: once the call has run out, nothing is changed any more."""
    words = send(sam, page_of(dana), wanted(session, dana, "moved"))
    clock.advance(timedelta(minutes=16))
    answer = confirm(sam, dana, words, yes="y")
    assert answer.headers["Location"].endswith("/caller")
    set_tenant(session, dana.client.id)
    assert session.scalars(select(Amendment)).all() == []


def test_the_debtors_own_limits_hold(
    sam: FlaskClient,
    session: PortalSession,
    dana: Dana,
    settings: Settings,
):
    """The client's one move is used up, whoever made it."""
    words = send(sam, page_of(dana), wanted(session, dana, "moved"))
    assert confirm(sam, dana, words, yes="y").status_code == 303
    again = send(sam, page_of(dana), wanted(session, dana, "moved"))
    assert again.status_code == 422


@pytest.mark.parametrize("day", ["", "2027-02-30"])
def test_a_day_that_is_missing_or_is_none_is_asked_for(
    sam: FlaskClient, session: PortalSession, dana: Dana, day: str
):
    refused = send(sam, page_of(dana), wanted(session, dana, "moved") | {"to": day})
    assert refused.status_code == 422
    assert "Choose the new day, one that the calendar has." in said(refused)
    assert "not open any more" not in said(refused)


def test_without_a_yes_the_page_asks_for_a_yes_to_the_change(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    words = send(sam, page_of(dana), wanted(session, dana, "moved"))
    refused = said(confirm(sam, dana, words))
    assert "change the plan only if the person says yes" in refused
    assert "address" not in refused


@pytest.mark.parametrize("what", ["moved", "skipped"])
def test_the_debtor_reads_that_it_was_done_by_telephone(
    app: Flask, sam: FlaskClient, session: PortalSession, dana: Dana, what: str
):
    """EV-01: nobody showed her a page, and nobody was on one."""
    words = send(sam, page_of(dana), wanted(session, dana, what))
    assert confirm(sam, dana, words, yes="y").status_code == 303
    browser = app.test_client()
    come_in(browser, session, dana)
    read = said(browser.get(f"/account/{dana.account.id}/history"))
    assert f"By telephone with somebody who works for us, you {what} your payment" in read
    assert "We read you every date and amount on the telephone." in read
