"""Texts go over Twilio or any provider by HTTP; who may text at all is declared (EC-07)."""

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.domain.debts import CollectorRole, Country
from portal.gateways.delivery import RecipientStopped, Refused, Unreachable
from portal.gateways.sms import (
    HttpTexter,
    NoTexter,
    OutboxTexter,
    Text,
    Texter,
    TwilioTexter,
)
from tests.factories import NOW
from tests.gateways.servers import WebServer, web_server

TEXT = Text(key="01939f7e", to="+15035550123", body="Harbor Services: a private message. à")


def twilio(server: WebServer, sender: str = "+15035550100") -> TwilioTexter:
    return TwilioTexter(account_sid="AC1", auth_token="secret", sender=sender, base_url=server.url)


def http(server: WebServer) -> HttpTexter:
    return HttpTexter(url=f"{server.url}/send", token="secret")


def test_twilio_gets_number_sender_and_words():
    with web_server(WebServer([(201, '{"sid": "SM1"}'), (201, '{"sid": "SM2"}')])) as server:
        assert twilio(server).send(TEXT) == "SM1"
        assert twilio(server, sender="MG7").send(TEXT) == "SM2"
    first, second = server.asked
    assert (first.path, first.basic) == ("/2010-04-01/Accounts/AC1/Messages.json", "AC1:secret")
    said = {"To": [TEXT.to], "From": ["+15035550100"], "Body": [TEXT.body]}
    assert parse_qs(first.body.decode()) == said
    assert parse_qs(second.body.decode())["MessagingServiceSid"] == ["MG7"]


def test_a_text_that_twilio_has_already_is_not_sent_again():
    """At least once, and where it can be known, once."""
    held = {"messages": [{"sid": "SM0", "body": TEXT.body, "status": "failed"}]}
    held["messages"].append({"sid": "SM1", "body": TEXT.body, "status": "delivered"})
    again = replace(TEXT, tried_at=NOW - timedelta(minutes=10))
    with web_server(WebServer([(200, json.dumps(held))])) as server:
        assert twilio(server).send(again) == "SM1"
    (asked,) = server.asked
    assert asked.method == "GET"
    assert parse_qs(urlsplit(asked.path).query)["DateSent>"] == ["2026-11-23"]
    held["messages"][1]["body"] = "something else"
    with web_server(WebServer([(200, json.dumps(held)), (201, '{"sid": "SM2"}')])) as server:
        assert twilio(server).send(again) == "SM2"
    with web_server(WebServer([(503, "")])) as server, pytest.raises(Unreachable):
        twilio(server).send(again)


def test_any_provider_gets_one_small_request_with_a_key():
    with web_server(WebServer([(202, '{"id": 77}'), (200, "")])) as server:
        assert http(server).send(TEXT) == "77"
        assert http(server).send(TEXT) == TEXT.key
    asked = server.asked[0]
    assert json.loads(asked.body) == {"id": TEXT.key, "to": TEXT.to, "text": TEXT.body}
    assert asked.headers["Authorization"] == "Bearer secret"
    assert asked.headers["Idempotency-Key"] == TEXT.key


@pytest.mark.parametrize("make", [twilio, http])
@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (400, '{"code": 21211, "message": "Invalid To"}', Refused),
        (401, '{"code": 20003}', Unreachable),
        (429, "", Unreachable),
        (500, "<html>", Unreachable),
        (302, "", Unreachable),
        (422, "[]", Refused),
    ],
)
def test_what_is_final_is_told_apart_from_what_is_not(make, status: int, body: str, failure: type):
    with web_server(WebServer([(status, body)])) as server, pytest.raises(failure) as raised:
        make(server).send(TEXT)
    assert str(status) in str(raised.value)
    assert len(server.asked) == 1


def test_a_number_that_answered_stop_is_told_apart():
    """EC-06"""
    stopped = '{"code": 21610, "message": "unsubscribed recipient"}'
    with web_server(WebServer([(400, stopped)])) as server, pytest.raises(RecipientStopped):
        twilio(server).send(TEXT)


def test_a_provider_that_is_not_there_is_asked_again_later():
    with web_server(WebServer()) as server:
        gone = http(server)
    with pytest.raises(Unreachable):
        gone.send(TEXT)
    with pytest.raises(Unreachable):
        NoTexter().send(TEXT)


def roles_of(texter: Texter, country: Country) -> set[CollectorRole]:
    return {role for role in CollectorRole if texter.takes(country, role)}


@pytest.mark.parametrize("country", Country)
def test_who_may_text_is_declared_by_the_provider(country: Country):
    """EC-07: Twilio carries no third-party collection (30863, 30460)."""
    first_party = {CollectorRole.FIRST_PARTY_CREDITOR}
    assert roles_of(twilio(WebServer()), country) == first_party
    assert roles_of(http(WebServer()), country) == first_party
    assert roles_of(OutboxTexter(), country) == first_party
    assert roles_of(NoTexter(), country) == set()
    wide = HttpTexter(url="https://sms.example", token="t", roles={CollectorRole.DEBT_BUYER})
    assert roles_of(wide, country) == {CollectorRole.DEBT_BUYER}


def test_no_secret_is_in_the_repr():
    assert "secret" not in repr(twilio(WebServer())) + repr(http(WebServer()))
