"""Opting out: asked by a page, done by a POST, at once, for whoever holds a message (EC-04/05)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.config import Settings
from portal.db import PortalSession
from portal.domain.statuses import MessageStatus
from portal.gateways.clock import SetClock
from portal.models import Channel, Contact, ContactStop, Message, StopKind
from portal.services import evidence, optouts
from portal.services.messages import queue
from portal.services.optouts import unsubscribe_token
from tests.factories import make_account, make_contact, make_debtor
from tests.pages.debtors import Dana, make_visitor
from tests.pages.reading import said

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    return make_visitor(session, settings, clock.now())


@pytest.fixture
def path(dana: Dana, settings: Settings) -> str:
    """The address in the foot of Dana's e-mails."""
    return f"/unsubscribe/{unsubscribe_token(settings.keys, dana.contact)}"


def waiting(session: PortalSession, dana: Dana, fact: str = "one", **given: object) -> Message:
    values = {"account": dana.account, "contact": dana.contact, "template": "thread_reply"}
    (message,) = queue(
        session,
        dana.debtor,
        **(values | {"context": {}, "dedupe_key": fact, "now": dana.issued.link.issued_at} | given),  # type: ignore[arg-type]
    )
    return message


def stops(session: PortalSession) -> list[ContactStop]:
    return list(session.scalars(select(ContactStop).where(ContactStop.lifted_at.is_(None))))


def test_ec_05_reading_the_page_ten_times_changes_nothing(
    http: FlaskClient, session: PortalSession, dana: Dana, path: str
):
    """EC-05: scanners of mail follow every link."""
    message = waiting(session, dana)
    for _ in range(10):
        page = http.get(path)
        assert (page.status_code, http.head(path).status_code) == (200, 200)
        assert "Set-Cookie" not in page.headers
    session.refresh(message)
    assert stops(session) == []
    assert message.status == MessageStatus.QUEUED


def test_ec_05_a_post_drops_what_waits_in_the_same_breath(
    http: FlaskClient, session: PortalSession, dana: Dana, path: str
):
    """EC-04: no log-in, no cookie, no form token."""
    waits, later = waiting(session, dana), waiting(session, dana, "two")
    later.status, later.send_at = MessageStatus.DEFERRED, later.send_at + timedelta(hours=9)
    session.flush()
    response = http.post(path)
    assert response.status_code == 303
    for message in (waits, later):
        session.refresh(message)
        assert (message.status, message.rule) == (MessageStatus.SUPPRESSED, "EC-05")
    (stop,) = stops(session)
    assert (stop.address, stop.kind) == (dana.contact.address, StopKind.OPTED_OUT)
    kinds = [leaf.type for leaf in evidence.account_leaves(session, dana.account)]
    assert kinds.count("message.suppressed") == 2
    assert kinds.count("contact.stopped") == 1


def test_ec_05_mail_programs_stop_with_one_click_and_get_no_redirect(
    app: Flask, session: PortalSession, path: str
):
    """EC-05: RFC 8058 §3.1"""
    response = app.test_client(use_cookies=False).post(path, data=ONE_CLICK)
    assert response.status_code == 200
    (stop,) = stops(session)
    assert stop.source == "one_click"


def test_ec_05_the_confirmation_says_that_and_no_more(http: FlaskClient, dana: Dana, path: str):
    http.post(path)
    local, _, domain = dana.contact.address.partition("@")
    assert said(http.get(path)) == (
        f"Stopped We do not write to {local[0]}•••@{domain} any more."
        " That was a mistake: start again"
    )


def test_before_and_after_nothing_tells_of_a_debt(http: FlaskClient, dana: Dana, path: str):
    """EC-08"""
    for _ in range(2):
        page = http.get(path).get_data(as_text=True)
        for word in ("debt", "Northgate", dana.account.reference, "1,240", dana.contact.address):
            assert word not in page
        http.post(path)


def test_twice_is_once_and_a_mistake_can_be_undone(
    http: FlaskClient, session: PortalSession, dana: Dana, path: str
):
    for _ in range(2):
        http.post(path)
    assert len(stops(session)) == 1
    assert http.post(path, data={"act": "undo"}).status_code == 303
    assert stops(session) == []
    http.post(path, data={"act": "undo"})
    assert waiting(session, dana, "after").channel == Channel.EMAIL
    kinds = [leaf.type for leaf in evidence.account_leaves(session, dana.account)]
    assert [kind for kind in kinds if kind.startswith("contact.")] == [
        "contact.stopped",
        "contact.reopened",
    ]


def test_undoing_opens_no_address_of_a_wrong_person(
    http: FlaskClient, session: PortalSession, dana: Dana, path: str
):
    stop = ContactStop(
        client_id=dana.client.id,
        channel=Channel.EMAIL,
        address=dana.contact.address,
        kind=StopKind.WRONG_PERSON,
        source="test",
        stopped_at=dana.issued.link.issued_at,
    )
    session.add(stop)
    session.flush()
    http.post(path)
    http.post(path, data={"act": "undo"})
    assert [one.kind for one in stops(session)] == [StopKind.WRONG_PERSON]


def test_it_counts_for_the_address_and_that_medium_alone(
    http: FlaskClient, session: PortalSession, dana: Dana, path: str
):
    same = make_debtor(session, dana.client, first_name="Sam")
    theirs = make_contact(session, same, address=dana.contact.address)
    account = make_account(session, same)
    phone = make_contact(session, dana.debtor, channel="sms", address="+15035550123")
    (message,) = queue(
        session,
        same,
        template="thread_reply",
        context={},
        account=account,
        contact=theirs,
        dedupe_key="same address",
        now=dana.issued.link.issued_at,
    )
    text = waiting(session, dana, "text", contact=phone)
    http.post(path)
    session.refresh(message)
    session.refresh(text)
    assert message.status == MessageStatus.SUPPRESSED
    assert text.status == MessageStatus.QUEUED


def test_what_the_law_wants_goes_by_letter_instead(
    http: FlaskClient, session: PortalSession, dana: Dana, path: str
):
    waiting(session, dana, "copy", template="agreement_copy")
    http.post(path)
    letter = session.scalars(select(Message).where(Message.channel == Channel.LETTER)).one()
    assert letter.template == "agreement_copy"


def test_a_code_that_was_just_asked_for_still_comes(
    http: FlaskClient, session: PortalSession, dana: Dana, path: str
):
    code = waiting(session, dana, "code", template="one_time_code", asked_for=True)
    http.post(path)
    session.refresh(code)
    assert code.status == MessageStatus.QUEUED


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
        lambda token: token[1:],
        lambda token: "x",
        lambda token: token * 9,
        lambda token: "%00",
        lambda token: "é" + token,
    ],
)
def test_a_token_that_we_did_not_sign_is_a_404(
    http: FlaskClient, session: PortalSession, path: str, change: Callable[[str], str]
):
    bad = "/unsubscribe/" + change(path.rpartition("/")[2])
    assert http.get(bad).status_code == 404
    assert http.post(bad, data=ONE_CLICK).status_code == 404
    assert stops(session) == []


def test_an_old_email_still_stops_them_after_the_keys_were_changed(
    session: PortalSession, dana: Dana, settings: Settings
):
    rotated = replace(settings.keys, signing=(b"n" * 32,))
    token = unsubscribe_token(settings.keys, dana.contact)
    found = optouts.open_unsubscribe(session, token, keys=rotated)
    assert isinstance(found, Contact)
    assert found.id == dana.contact.id


def test_the_page_speaks_the_debtors_language(
    http: FlaskClient, session: PortalSession, dana: Dana, path: str
):
    dana.debtor.language = "es"
    session.flush()
    assert 'lang="es"' in http.get(path).get_data(as_text=True)
