"""Texts that debtors send back: stopped at once, confirmed once, and nothing of a debt (EC-06)."""

import base64
import dataclasses
import hmac
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal import i18n
from portal.app import create_app
from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.sms import sms_text_fits
from portal.gateways.clock import SetClock
from portal.models import Channel, Contact, ContactPermission, ContactStop, Message
from portal.runtime import Runtime
from portal.services import evidence
from portal.services.answered_texts import ANSWERS, CALL_ONLY, KEPT, KEPT_PAUSED
from portal.services.links import LinkState, open_token
from portal.services.messages import queue
from portal.services.verify import verify_client
from tests.factories import make_contact, make_link
from tests.pages.debtors import Dana, make_visitor

TOKEN, PHONE = "a token of the test", "+15032260100"
BASE = "http://127.0.0.1:8000"


@pytest.fixture
def carrier(settings: Settings, runtime: Runtime) -> FlaskClient:
    """Twilio's side, and the other carrier's."""
    known = dataclasses.replace(settings, twilio_auth_token=TOKEN, sms_inbound_token=TOKEN)
    app = create_app(known, dataclasses.replace(runtime, settings=known))
    return app.test_client()


@pytest.fixture
def texted(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    """Dana, whose phone takes our texts."""
    dana = make_visitor(session, settings, clock.now())
    phone = make_contact(session, dana.debtor, channel=Channel.SMS, address=PHONE)
    return dataclasses.replace(dana, contact=phone)


def sign(form: dict[str, str], url: str = f"{BASE}/texts/twilio") -> str:
    said = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.digest(TOKEN.encode(), said.encode(), "sha1")).decode()


def twilio(carrier: FlaskClient, body: str, sender: str = PHONE, **given: str) -> TestResponse:
    form = {"MessageSid": "SM1", "From": sender, "To": "+15035550100", "Body": body}
    signature = given.get("signature", sign(form))
    return carrier.post("/texts/twilio", data=form, headers={"X-Twilio-Signature": signature})


def reply(answer: TestResponse) -> str | None:
    assert answer.status_code == 200
    assert answer.mimetype == "text/xml"
    said = answer.get_data(as_text=True)
    return ElementTree.fromstring(said).findtext("Message")  # noqa: S314 - it is ours


def stops(session: PortalSession, dana: Dana) -> list[str]:
    set_tenant(session, dana.client.id)
    return [str(one.kind) for one in session.scalars(select(ContactStop))]


def test_stop_closes_the_number_drops_what_waits_and_is_confirmed_once(
    carrier: FlaskClient, session: PortalSession, texted: Dana, clock: SetClock
):
    """EC-06"""
    told = {"template": "thread_reply", "context": {}, "dedupe_key": "waits", "now": clock.now()}
    (waiting,) = queue(session, texted.debtor, contact=texted.contact, **told)
    session.commit()
    said = reply(twilio(carrier, "Stop."))
    assert said == (
        "Harbor Services: we will not text this number again. Questions? Call 1-800-555-0100."
    )
    assert reply(twilio(carrier, "Stop.")) is None, "told twice, confirmed once"
    assert stops(session, texted) == ["opted_out"]
    session.expire_all()
    assert session.get_one(Message, (waiting.client_id, waiting.id)).status == "suppressed"
    leaves = [leaf.type for leaf in evidence.account_leaves(session, texted.account)]
    assert leaves.count("contact.stopped") == 1


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("Quiero dejar de recibir mensajes", "opted_out"),
        ("Je ne veux plus recevoir de textos", "opted_out"),
        ("no soy yo", "wrong_person"),
        ("please don't stop my plan", "unread"),
    ],
)
def test_ec_06_no_text_that_may_be_a_stop_permits_more_texts(
    carrier: FlaskClient,
    session: PortalSession,
    texted: Dana,
    clock: SetClock,
    typed: str,
    kind: str,
):
    """EC-02, EC-06: what reads as a stop is one; where it may be one, nothing goes meanwhile."""
    told = {"template": "thread_reply", "context": {}, "dedupe_key": "waits", "now": clock.now()}
    (waiting,) = queue(session, texted.debtor, contact=texted.contact, **told)
    session.commit()
    assert "we will not text this number" in (reply(twilio(carrier, typed)) or "").lower()
    assert stops(session, texted) == [kind]
    assert session.scalars(select(ContactPermission)).all() == []
    session.expire_all()
    assert session.get_one(Message, (waiting.client_id, waiting.id)).status == "suppressed"


def test_ec_02_only_a_text_about_the_debt_confirms_its_number(
    carrier: FlaskClient, session: PortalSession, texted: Dana
):
    """EC-02: a machine's words, or those of somebody who wonders who we are, prove nothing."""
    for typed in ("I'm driving and can't reply now.", "Who is this?", "HELP", "👍"):
        twilio(carrier, typed)
        set_tenant(session, texted.client.id)
        assert session.scalars(select(ContactPermission)).all() == [], typed
    twilio(carrier, "I can pay on Friday")
    assert [one.source for one in session.scalars(select(ContactPermission))] == ["text"]


def test_a_machine_that_answers_us_gets_one_answer_a_day_which_is_kept(
    carrier: FlaskClient, session: PortalSession, texted: Dana, clock: SetClock
):
    """EC-09: else two machines answer each other for good; and what we said is on the record."""
    said = [reply(twilio(carrier, "I'm driving and can't reply now.")) for _ in range(6)]
    assert said[1:] == [None] * 5
    set_tenant(session, texted.client.id)
    (kept,) = session.scalars(select(Message).where(Message.template == "text_answer"))
    assert (kept.body, kept.address, kept.status) == (said[0], PHONE, "sent")
    (leaf,) = [
        one
        for one in evidence.account_leaves(session, texted.account)
        if one.type == "message.sent"
    ]
    assert leaf.payload["message"] == str(kept.id)
    assert (
        said[0]
        == evidence.document(
            session,
            texted.client.id,
            texted.account.chain_id,
            leaf.payload["documents"][0]["sha256"],
        ).body.decode()
    )
    assert [reply(twilio(carrier, "HELP")) is None for _ in range(5)] == [False] * 3 + [True] * 2
    assert reply(twilio(carrier, "STOP")) is not None, "a stop is confirmed whatever came before"
    clock.advance(timedelta(days=1))
    assert reply(twilio(carrier, "HELP")) is not None
    assert list(verify_client(session, texted.client.id)) == []


@pytest.mark.parametrize("name", ["one_time_code", "new_link"])
def test_ec_06_stop_drops_what_was_asked_for_before_it_too(
    name: str,
    carrier: FlaskClient,
    session: PortalSession,
    texted: Dana,
    clock: SetClock,
):
    """EC-06: the latest word counts, and only the confirmation follows it."""
    told = {"template": name, "context": {}, "dedupe_key": "asked", "now": clock.now()}
    (waiting,) = queue(session, texted.debtor, contact=texted.contact, asked_for=True, **told)
    session.commit()
    assert reply(twilio(carrier, "STOP")) is not None
    session.expire_all()
    dropped = session.get_one(Message, (waiting.client_id, waiting.id))
    assert (dropped.status, dropped.rule) == ("suppressed", "EC-05")


def test_ec_06_a_number_that_is_no_longer_used_is_closed_too(
    carrier: FlaskClient, session: PortalSession, texted: Dana, clock: SetClock
):
    """EC-06: a later file may bring the number back; the stop stands."""
    texted.contact.retired_at = clock.now()
    session.commit()
    assert reply(twilio(carrier, "STOP")) is not None
    assert stops(session, texted) == ["opted_out"]


def test_the_wrong_person_hears_no_more_and_their_links_are_closed(
    carrier: FlaskClient, session: PortalSession, settings: Settings, texted: Dana, clock: SetClock
):
    """EC-08"""
    link = make_link(
        session, texted.debtor, keys=settings.keys, now=clock.now(), contact=texted.contact
    )
    session.commit()
    assert "thank you" in (reply(twilio(carrier, "Sorry, wrong number")) or "")
    assert stops(session, texted) == ["wrong_person"]
    session.expire_all()
    opened = open_token(session, link.token, keys=settings.keys, now=clock.now())
    assert opened is not None
    assert opened.state is LinkState.REVOKED


@pytest.mark.parametrize(
    ("typed", "words"), [("HELP", "or write to"), ("when is it due?", "a person will read")]
)
def test_other_texts_get_one_answer_with_ways_to_a_person_and_nothing_of_a_debt(
    carrier: FlaskClient, session: PortalSession, texted: Dana, typed: str, words: str
):
    said = reply(twilio(carrier, typed)) or ""
    assert words in said
    assert texted.client.phone in said
    assert "STOP" in said
    for secret in ("1,240", texted.account.current_creditor, texted.debtor.first_name, "owe"):
        assert secret not in said
    assert stops(session, texted) == []


def test_a_number_that_nobody_knows_is_answered_with_silence(
    carrier: FlaskClient, session: PortalSession, texted: Dana
):
    for sender in ("+12125550100", "12345", "", "anonymous"):
        assert reply(twilio(carrier, "STOP", sender)) is None
    assert stops(session, texted) == []


@pytest.mark.parametrize("signature", ["", "x", "é", sign({"Body": "STOP"})])
def test_what_twilio_did_not_sign_does_nothing(
    carrier: FlaskClient, session: PortalSession, texted: Dana, signature: str
):
    headers = {"X-Twilio-Signature": signature.encode().decode("latin-1")}
    form = {"From": PHONE, "Body": "STOP"}
    assert carrier.post("/texts/twilio", data=form, headers=headers).status_code == 403
    assert stops(session, texted) == []


def test_another_carrier_shows_its_token_and_speaks_json(
    carrier: FlaskClient, session: PortalSession, texted: Dana
):
    told = {"from": PHONE, "text": "ARRÊT"}
    for headers in ({}, {"Authorization": "Bearer no"}, {"Authorization": TOKEN}):
        assert carrier.post("/texts/inbound", json=told, headers=headers).status_code == 403
    shown = {"Authorization": f"Bearer {TOKEN}"}
    for wrong in ([], {}, {"from": 1, "text": "x"}):
        assert carrier.post("/texts/inbound", json=wrong, headers=shown).status_code == 422
    assert carrier.post("/texts/inbound", data="STOP", headers=shown).status_code == 415
    assert stops(session, texted) == []
    answer = carrier.post("/texts/inbound", json=told, headers=shown)
    assert "we will not text this number again" in answer.get_json()["reply"]
    assert stops(session, texted) == ["opted_out"]


def test_without_a_carrier_the_doors_are_closed(http: FlaskClient):
    assert http.post("/texts/twilio", data={"From": PHONE, "Body": "STOP"}).status_code == 403
    assert http.post("/texts/inbound", json={"from": PHONE, "text": "STOP"}).status_code == 403


def test_every_client_that_has_the_number_obeys(
    carrier: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    texted: Dana,
):
    other = make_visitor(session, settings, clock.now())
    make_contact(session, other.debtor, channel=Channel.SMS, address=PHONE)
    session.commit()
    assert reply(twilio(carrier, "STOP")) is not None
    for dana in (texted, other):
        assert stops(session, dana) == ["opted_out"]
        set_tenant(session, dana.client.id)
        assert session.scalars(select(Contact)).first() is not None


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_each_answer_is_one_segment(language: str):
    params = {"sender": "Harbor Services", "phone": "1-800-555-0100", "email": "help@example.com"}
    for message in (*ANSWERS.values(), CALL_ONLY, KEPT, KEPT_PAUSED):
        said = i18n.translate(f"{language}_US", message, params)
        assert sms_text_fits(said), said
