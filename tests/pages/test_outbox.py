"""The demo's outbox shows what debtors would get, and delivers early what waits for its hour."""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.app import create_app
from portal.config import Settings
from portal.db import PortalSession
from portal.domain.statuses import MessageStatus
from portal.gateways.clock import SetClock
from portal.models import ContactStop, Message
from portal.runtime import Runtime
from portal.services.dispatch import dispatch
from portal.services.messages import queue
from portal.services.optouts import opt_out
from portal.writing import carriers_of
from tests.factories import make_contact
from tests.pages.debtors import Dana, csrf_of, make_visitor
from tests.pages.reading import said, tree


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    return make_visitor(session, settings, clock.now(), sms_enabled=True)


def send(
    session: PortalSession, runtime: Runtime, dana: Dana, clock: SetClock, **given: object
) -> Message:
    values = {"template": "thread_reply", "contact": dana.contact, "dedupe_key": f"{given}"}
    details = {"context": {}, "account": dana.account, "now": clock.now()}
    (message,) = queue(session, dana.debtor, **(values | details | given))  # type: ignore[arg-type]
    dispatch(session, dana.client.id, message.id, carriers=carriers_of(runtime), now=clock.now())
    return message


def test_an_email_is_shown_as_sent_with_links_to_follow(
    http: FlaskClient, session: PortalSession, runtime: Runtime, dana: Dana, clock: SetClock
):
    message = send(session, runtime, dana, clock)
    page = http.get("/outbox")
    words = said(page)
    assert "Dana Reyes" in words
    assert "We wrote back to you." in words
    links = [link.get("href", "") for link in tree(page).iter("a")]
    assert dana.issued.url in links
    assert [link for link in links if "/unsubscribe/" in link]
    assert f"/outbox/{message.id}/html" in links


def test_the_html_part_can_do_nothing_but_be_read(
    app: Flask, session: PortalSession, runtime: Runtime, dana: Dana, clock: SetClock
):
    message = send(session, runtime, dana, clock)
    response = app.test_client().get(f"/outbox/{message.id}/html")
    assert response.get_data(as_text=True) == message.body_html
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "'sha256-" in policy
    assert "unsafe" not in policy
    assert app.test_client().get(f"/outbox/{dana.debtor.id}/html").status_code == 404


def test_what_waits_says_until_when_and_why_and_can_be_delivered(
    http: FlaskClient, session: PortalSession, runtime: Runtime, dana: Dana, clock: SetClock
):
    clock.at = clock.at.replace(hour=4)  # 11 at night in New York
    message = send(session, runtime, dana, clock)
    assert message.status == MessageStatus.DEFERRED
    page = http.get("/outbox?waiting=1")
    assert "outside the hours in which we may write" in said(page)
    assert "(CT-01)" in said(page)
    assert "8:00" in said(page)
    response = http.post(f"/outbox/{message.id}/deliver", data={"csrf_token": csrf_of(page)})
    assert response.status_code == 303
    session.refresh(message)
    assert message.status == MessageStatus.SENT
    assert "There is nothing here." in said(http.get("/outbox?waiting=1"))


def test_delivering_early_breaks_no_other_rule(
    http: FlaskClient, session: PortalSession, runtime: Runtime, dana: Dana, clock: SetClock
):
    clock.at = clock.at.replace(hour=4)
    message = send(session, runtime, dana, clock)
    page = http.get("/outbox")
    opt_out(session, dana.contact, source="test", now=clock.now())
    http.post(f"/outbox/{message.id}/deliver", data={"csrf_token": csrf_of(page)})
    session.refresh(message)
    assert message.status == MessageStatus.SUPPRESSED
    assert "asked us to stop writing" in said(http.get("/outbox"))


def test_a_form_from_elsewhere_delivers_nothing(http: FlaskClient, dana: Dana):
    assert http.post(f"/outbox/{dana.debtor.id}/deliver").status_code == 400


def test_a_text_and_its_code_are_shown_as_they_came(
    http: FlaskClient, session: PortalSession, runtime: Runtime, dana: Dana, clock: SetClock
):
    phone = make_contact(session, dana.debtor, channel="sms", address="+15035550123")
    send(session, runtime, dana, clock, contact=phone)
    page = http.get("/outbox")
    assert "Reply STOP to stop." in said(page)
    assert "sms" in [item.get("class", "").split()[-1] for item in tree(page).iter("article")]


@pytest.mark.parametrize("wanted", ["dana reyes", "REYES", "the reference", "the address"])
def test_one_debtors_messages_are_found(
    http: FlaskClient,
    session: PortalSession,
    runtime: Runtime,
    dana: Dana,
    clock: SetClock,
    wanted: str,
):
    message = send(session, runtime, dana, clock)
    known = {"the reference": dana.account.reference, "the address": dana.contact.address}
    found = http.get("/outbox", query_string={"q": known.get(wanted, wanted)})
    assert f"m-{message.id}" in found.get_data(as_text=True)
    other = http.get("/outbox", query_string={"q": "somebody%else_"})
    assert "There is nothing here." in said(other)


def test_many_messages_come_in_pages(
    http: FlaskClient, session: PortalSession, runtime: Runtime, dana: Dana, clock: SetClock
):
    for n in range(52):
        queue(
            session,
            dana.debtor,
            template="thread_reply",
            context={},
            dedupe_key=f"{n}",
            now=clock.now(),
        )
    first = http.get("/outbox")
    (older,) = [
        link.get("href")
        for link in tree(first).iter("a")
        if link.get("rel") == "prev" or link.get("rel") == "next"
    ]
    assert len(list(tree(first).iter("article"))) == 50
    assert len(list(tree(http.get(older)).iter("article"))) == 2


def test_in_production_there_is_no_outbox(settings: Settings, runtime: Runtime):
    real = replace(settings, outbox=False)
    app = create_app(real, replace(runtime, settings=real))
    assert "outbox.messages" not in app.view_functions
    assert app.test_client().get("/outbox").status_code == 404


@pytest.mark.parametrize(
    ("fate", "status", "stop"),
    [("delivered", "delivered", []), ("bounced", "failed", ["bounced"])]
    + [("complained", "sent", ["opted_out"])],
)
def test_ec_09_the_demo_lets_a_carrier_say_what_became_of_a_message(
    http: FlaskClient,
    session: PortalSession,
    runtime: Runtime,
    dana: Dana,
    clock: SetClock,
    *,
    fate: str,
    status: str,
    stop: list[str],
):
    message = send(session, runtime, dana, clock)
    page = http.get("/outbox")
    assert "Let it come back" in said(page)
    for _ in range(2):
        told = {"csrf_token": csrf_of(page), "fate": fate}
        assert http.post(f"/outbox/{message.id}/fate", data=told).status_code == 303
    session.refresh(message)
    assert message.status == status
    assert [str(one.kind) for one in session.scalars(select(ContactStop))] == stop
    told["fate"] = "accepted"
    assert http.post(f"/outbox/{message.id}/fate", data=told).status_code == 404


def test_ec_06_the_reader_of_a_text_answers_stop_in_the_demo(
    http: FlaskClient, session: PortalSession, runtime: Runtime, dana: Dana, clock: SetClock
):
    """EC-06"""
    phone = make_contact(session, dana.debtor, channel="sms", address="+15035550123")
    message = send(session, runtime, dana, clock, contact=phone)
    page = http.get("/outbox")
    assert "Let its reader answer STOP" in said(page)
    told = {"csrf_token": csrf_of(page), "fate": "complained"}
    assert http.post(f"/outbox/{message.id}/fate", data=told).status_code == 303
    assert [str(one.kind) for one in session.scalars(select(ContactStop))] == ["opted_out"]
