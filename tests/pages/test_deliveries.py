"""The doors through which carriers say what became of messages: who may, and how much (EC-09)."""

import base64
import dataclasses
import hmac
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.app import create_app
from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.statuses import MessageStatus
from portal.gateways.clock import SetClock
from portal.models import Channel, ContactStop, Message
from portal.runtime import Runtime
from portal.services.messages import queue
from tests.factories import make_contact
from tests.pages.debtors import Dana, make_visitor

TOKEN = "a token of the test, long enough for it"
BASE = "http://127.0.0.1:8000"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def carrier(settings: Settings, runtime: Runtime) -> FlaskClient:
    """Whoever carries e-mails and texts."""
    known = dataclasses.replace(
        settings, twilio_auth_token=TOKEN, sms_inbound_token=TOKEN, mail_events_token=TOKEN
    )
    return create_app(known, dataclasses.replace(runtime, settings=known)).test_client()


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    return make_visitor(session, settings, clock.now(), sms_enabled=True)


def sent(session: PortalSession, dana: Dana, clock: SetClock, **given: Any) -> Message:
    """A message that has left."""
    told = {"template": "thread_reply", "context": {}, "dedupe_key": "one", "now": clock.now()}
    (message,) = queue(session, dana.debtor, **(told | given))
    message.status, message.sent_at = MessageStatus.SENT, clock.now()
    message.address = given["contact"].address if "contact" in given else dana.contact.address
    session.commit()
    return message


def event(message: Message, kind: str = "delivered", name: str = "e-1") -> dict[str, Any]:
    return {"events": [{"id": name, "kind": kind, "message": f"<{message.id}@pay.example>"}]}


def status(session: PortalSession, message: Message) -> str:
    session.expire_all()
    set_tenant(session, message.client_id)
    return str(session.get_one(Message, (message.client_id, message.id)).status)


def test_ec_09_a_carrier_says_that_an_email_was_delivered_and_then_that_it_came_back(
    carrier: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    message = sent(session, dana, clock)
    for _ in range(2):
        answer = carrier.post("/deliveries/email", json=event(message), headers=SHOWN)
        assert answer.status_code == 204
    assert status(session, message) == "delivered"
    basic = {"Authorization": "Basic " + base64.b64encode(f"any:{TOKEN}".encode()).decode()}
    told = event(message, "bounced", "e-2")
    assert carrier.post("/deliveries/email", json=told, headers=basic).status_code == 204
    assert status(session, message) == "failed"
    assert [str(one.kind) for one in session.scalars(select(ContactStop))] == ["bounced"]


def test_a_word_about_nobody_is_answered_as_taken(carrier: FlaskClient, dana: Dana):
    told = {"id": "e-1", "kind": "bounced", "address": "nobody@else.example"}
    answer = carrier.post("/deliveries/email", json={"events": [told]}, headers=SHOWN)
    assert answer.status_code == 204


@pytest.mark.parametrize(
    "strange",
    [
        {"at": "9999-12-31T23:59:59-12:00"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"address": "nobody@el\0se.example"},
        {"address": "nobody@else\udcff.example"},
    ],
)
def test_ec_09_a_time_or_an_address_that_is_none_is_left_out(
    carrier: FlaskClient,
    session: PortalSession,
    dana: Dana,
    clock: SetClock,
    strange: dict[str, str],
):
    """EC-09: the word about our message counts all the same."""
    message = sent(session, dana, clock)
    told = event(message, "bounced")
    told["events"][0] |= strange
    stray = {"id": "e-2", "kind": "bounced", "address": "nobody@else.example"} | strange
    told["events"].append(stray)
    assert carrier.post("/deliveries/email", json=told, headers=SHOWN).status_code == 204
    assert status(session, message) == "failed"


def test_whoever_shows_no_secret_changes_nothing(
    carrier: FlaskClient, http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    message = sent(session, dana, clock)
    told = event(message, "complained")
    for headers in ({}, {"Authorization": TOKEN}, {"Authorization": "Bearer x"}):
        for path in ("/deliveries/email", "/deliveries/sms"):
            assert carrier.post(path, json=told, headers=headers).status_code == 403
    assert http.post("/deliveries/email", json=told, headers=SHOWN).status_code == 403, "not set"
    assert carrier.get("/deliveries/email", headers=SHOWN).status_code == 405
    assert status(session, message) == "sent"


@pytest.mark.parametrize(
    ("body", "answer"), [(b"", 422), (b"{}", 422), (b"[1]", 422), (b" " * 300_000, 413)]
)
def test_a_body_of_another_shape_or_size_is_refused(
    carrier: FlaskClient, body: bytes, answer: int, dana: Dana
):
    given = {"data": body, "headers": SHOWN, "content_type": "application/json"}
    assert carrier.post("/deliveries/email", **given).status_code == answer


def twilio(carrier: FlaskClient, message: Message, form: dict[str, str], **given: str) -> int:
    path = f"/texts/twilio/status/{message.id}"
    said = f"{BASE}{path}" + "".join(f"{name}{form[name]}" for name in sorted(form))
    mark = base64.b64encode(hmac.digest(TOKEN.encode(), said.encode(), "sha1")).decode()
    headers = {"X-Twilio-Signature": given.get("signature", mark)}
    return carrier.post(path, data=form, headers=headers).status_code


def test_ec_09_twilio_says_what_became_of_a_text(
    carrier: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    phone = make_contact(session, dana.debtor, channel=Channel.SMS, address="+15035550123")
    message = sent(session, dana, clock, contact=phone)
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    assert twilio(carrier, message, form, signature="x") == 403
    assert twilio(carrier, message, {"MessageSid": "SM1"}) == 422
    assert status(session, message) == "sent"
    assert twilio(carrier, message, form) == 204
    assert status(session, message) == "delivered"
    landline = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30006"}
    assert twilio(carrier, message, landline) == 204
    assert status(session, message) == "failed"
    assert [str(one.kind) for one in session.scalars(select(ContactStop))] == ["bounced"]
