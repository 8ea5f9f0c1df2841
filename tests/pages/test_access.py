"""From the link to the balance: what a person reads, and what nobody may learn."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.gateways.clock import SetClock
from portal.models import (
    Account,
    AttemptCounter,
    ContactStop,
    DebtorSession,
    HelpRequest,
    Leaf,
    OneTimeCode,
)
from portal.services import evidence
from portal.services.identity import code_text
from portal.services.links import code_of
from tests.factories import make_contact
from tests.pages.debtors import RIGHT, WRONG, Dana, come_in, csrf_of, make_visitor, send
from tests.pages.reading import said, tree

SECRETS = ("debt", "owe", "northgate", "1,240", "collect", "creditor", "balance", "dana", "ng-4")


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    """Dana, who has just got a link."""
    return make_visitor(session, settings, clock.now())


def counts(session: PortalSession, dana: Dana) -> dict[str, int]:
    """How many rows each table has that a page could write."""
    set_tenant(session, dana.client.id)
    session.expire_all()
    tables = (Account, AttemptCounter, ContactStop, DebtorSession, HelpRequest, Leaf, OneTimeCode)
    found = {
        table.__tablename__: session.scalar(select(func.count()).select_from(table))
        for table in tables
    }
    jobs = text("SELECT count(*) FROM procrastinate_jobs")
    return found | {"jobs": session.scalar(jobs), "link": repr(vars(dana.issued.link))}


def test_right_answers_lead_to_the_balance_and_out_of_the_address(http: FlaskClient, dana: Dana):
    response = send(http, dana.path, RIGHT)
    assert response.status_code == 303
    assert response.headers["Location"] == f"/account/{dana.account.id}"
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("visit=")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


def test_the_visit_keeps_how_many_tries_it_took(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    """EV-02"""
    assert send(http, dana.path, WRONG).status_code == 422
    come_in(http, session, dana)
    assert session.scalar(select(DebtorSession.identity_attempts)) == 2
    leaf = evidence.account_leaves(session, dana.account)[-1]
    assert (leaf.type, leaf.payload["attempts"]) == ("identity.passed", 2)


def test_with_https_the_cookie_is_the_host_s_own(session: PortalSession, runtime, clock):
    import dataclasses

    from portal.app import create_app

    settings = dataclasses.replace(
        runtime.settings, base_url="https://pay.example.com", trusted_hosts=("pay.example.com",)
    )
    app = create_app(settings, dataclasses.replace(runtime, settings=settings))
    dana = make_visitor(session, settings, clock.now())
    browser = app.test_client()
    base = "https://pay.example.com"
    page = browser.get(dana.path, base_url=base)
    response = browser.post(dana.path, data={"csrf_token": csrf_of(page), **RIGHT}, base_url=base)
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-visit=")
    assert "Secure" in cookie.split("; ")
    assert "Domain" not in cookie


@pytest.mark.parametrize("path", ["", "/code", "/wrong-person", "/new-link"])
@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_nothing_of_a_debt_is_shown_before_identity_ec_08(
    http: FlaskClient, dana: Dana, path: str, language: str
):
    response = http.get(f"{dana.path}{path}?lang={language}", follow_redirects=True)
    page = response.get_data(as_text=True).lower()
    drawn_by_lot = rf'value="[^"]*"|{re.escape(dana.path.lower())}'
    words = re.sub(r"\s+", " ", re.sub(drawn_by_lot, "", page))
    assert [secret for secret in SECRETS if secret in words] == []
    assert dana.client.brand_color.removeprefix("#") not in page or (
        dana.client.brand_color == "#1f4e79"
    )
    assert "Set-Cookie" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "noindex" in page


def test_the_page_answers_whether_the_link_is_safe(http: FlaskClient, dana: Dana):
    words = said(http.get(dana.path))
    for told in (dana.client.sender_name, dana.client.street_address, dana.client.phone):
        assert told in words
    assert "never ask for a full Social Security number" in words


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_scanners_open_links_ten_times_and_change_nothing(
    http: FlaskClient, session: PortalSession, dana: Dana, method: str
):
    before = counts(session, dana)
    for _ in range(10):
        for path in ("", "/code", "/wrong-person", "/new-link", "?lang=es"):
            http.open(dana.path + path, method=method)
        http.open(f"/call-me/{dana.issued.token}", method=method)
    assert counts(session, dana) == before


def test_wrong_answers_say_the_same_words_and_the_tries_left(http: FlaskClient, dana: Dana):
    birthday = {**RIGHT, "date_of_birth-day": "28"}
    told = []
    for typed in (WRONG, birthday):
        response = send(http, dana.path, typed)
        assert response.status_code == 422
        told.append(said(response))
    assert "You have 4 tries left" in told[0]
    assert told[0].replace("4 tries", "3 tries") == told[1].replace("28", "27") or (
        "You have 3 tries left" in told[1]
    )
    page = tree(http.get(dana.path))
    assert page.find(".//title") is not None


def test_what_was_typed_stays_when_it_is_wrong(http: FlaskClient, dana: Dana):
    page = tree(send(http, dana.path, WRONG))
    values = {field.get("name"): field.get("value") for field in page.iter("input")}
    assert values["postal_code"] == "90210"
    assert values["date_of_birth-year"] == "1985"


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({**RIGHT, "postal_code": "9021"}, "Enter a ZIP code"),
        ({**RIGHT, "date_of_birth-year": "85"}, "Enter the year with 4 digits"),
        ({**RIGHT, "date_of_birth-day": "32"}, "Enter a real date of birth"),
        ({}, "Enter a real date of birth"),
        ({**RIGHT, "date_of_birth-day": "\x002" * 999}, "Enter a real date of birth"),
        ({**RIGHT, "postal_code": "\x00" * 9}, "Enter a ZIP code"),
        ({**RIGHT, "postal_code": "９" * 70_000}, "Enter a ZIP code"),
    ],
)
def test_answers_that_can_not_be_right_are_asked_again_and_not_counted(
    http: FlaskClient, session: PortalSession, dana: Dana, typed, problem: str
):
    response = send(http, dana.path, typed)
    assert response.status_code == 422
    assert problem in said(response)
    assert counts(session, dana)["attempt_counter"] == 0


def test_the_fifth_wrong_try_closes_the_page_and_shows_the_ways_on(
    http: FlaskClient, dana: Dana, clock: SetClock
):
    for _ in range(4):
        assert send(http, dana.path, WRONG).status_code == 422
    locked = send(http, dana.path, WRONG)
    assert locked.status_code == 429
    assert locked.headers["Retry-After"] == "1800"
    assert dana.client.phone in said(locked)
    assert "Ask us to call you" in said(locked)
    assert send(http, dana.path, RIGHT).status_code == 429
    clock.advance(timedelta(minutes=30))
    assert send(http, dana.path, RIGHT).status_code == 303


def test_a_language_link_keeps_what_was_typed(http: FlaskClient, dana: Dana, session):
    page = http.get(dana.path)
    keep = {"csrf_token": csrf_of(page), "keep": "1", **WRONG}
    response = http.post(f"{dana.path}?lang=es", data=keep)
    assert response.status_code == 200
    assert tree(response).get("lang") == "es"
    values = {field.get("name"): field.get("value") for field in tree(response).iter("input")}
    assert values["postal_code"] == "90210"
    assert counts(session, dana)["attempt_counter"] == 0


def test_an_expired_link_offers_a_new_one_in_two_pages(
    http: FlaskClient, dana: Dana, clock: SetClock, session: PortalSession
):
    clock.advance(timedelta(days=14))
    page = http.get(dana.path)
    assert page.status_code == 410
    assert "A link works for 14 days" in said(page)
    asking = http.get(f"{dana.path}/new-link")
    assert "is on its way" not in said(asking)
    assert csrf_of(asking)
    http.head(f"{dana.path}/new-link")
    before = counts(session, dana)["jobs"]
    token = csrf_of(page)
    answer = http.post(f"{dana.path}/new-link", data={"csrf_token": token}, follow_redirects=True)
    assert answer.status_code == 200
    assert "a new link is on its way" in said(answer)
    assert counts(session, dana)["jobs"] == before + 1


def test_wrong_person_stops_the_address_in_two_pages(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    page = http.get(dana.path)  # a tap opens the question, a second one answers it
    response = http.post(
        f"{dana.path}/wrong-person", data={"csrf_token": csrf_of(page)}, follow_redirects=True
    )
    assert "We do not write to this address any more" in said(response)
    set_tenant(session, dana.client.id)
    stop = session.scalars(select(ContactStop)).one()
    assert stop.address == dana.contact.address
    gone = http.get(dana.path)
    assert gone.status_code == 410
    assert "for another person" in said(gone)


def test_wrong_person_ends_a_visit_that_was_open(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    come_in(http, session, dana)
    assert http.get("/stay").status_code == 204
    page = http.get(f"{dana.path}/wrong-person")
    http.post(f"{dana.path}/wrong-person", data={"csrf_token": csrf_of(page)})
    assert http.get("/stay").status_code == 403


def test_every_other_token_is_one_and_the_same_404(http: FlaskClient, dana: Dana):
    token = dana.issued.token
    wrong = [
        "x",
        token[:-1],
        token + "A",
        "0" * 12 + token[12:],
        token.lower(),
        "%00" * 27,
        "%C3%A9" * 27,
        "%ff" * 27,
        "A" * 65536,
        token[:13] + "%C3%A9" * 14,
    ]
    pages = set()
    for one in wrong:
        for path in (f"/l/{one}", f"/l/{one}/code", f"/call-me/{one}", f"/l/{one}/wrong-person"):
            response = http.get(path)
            assert response.status_code == 404, path
            pages.add(said(response))
    assert len(pages) == 1


def test_a_post_to_an_unknown_token_is_404_too(http: FlaskClient, dana: Dana, app: Flask):
    response = http.post("/l/nonsense", data=RIGHT)
    assert response.status_code in (400, 404)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "a" * 300])
def test_a_foreign_host_is_refused(http: FlaskClient, dana: Dana, host: str):
    assert http.get(dana.path, headers={"Host": host}).status_code == 400


def test_the_code_of_a_letter_opens_the_link_s_own_page(
    http: FlaskClient, dana: Dana, settings: Settings
):
    typed = code_of(settings.keys, dana.issued.link)
    response = send(http, "/", {"code": typed.lower()})
    assert response.status_code == 303
    assert response.headers["Location"] == dana.path
    assert "Is this link safe?" in said(http.get(response.headers["Location"]))


@pytest.mark.parametrize("typed", ["K7MP-42XD", "", "\x00", "é" * 50_000, "<script>"])
def test_an_unknown_code_is_asked_for_again(http: FlaskClient, dana: Dana, typed: str):
    response = send(http, "/", {"code": typed})
    assert response.status_code == 422
    assert "code" in said(response)


def test_a_new_link_is_promised_alike_to_everybody(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    known, unknown = (
        send(http, "/new-link", {"address": address}, follow_redirects=True)
        for address in (dana.contact.address, "nobody@example.com")
    )
    assert said(known) == said(unknown)
    assert known.status_code == unknown.status_code == 200
    assert counts(session, dana)["jobs"] == 2


@pytest.mark.parametrize("typed", ["", "dana", "12", "\x00@x", "x" * 70_000])
def test_an_address_that_is_none_is_asked_for_again(http: FlaskClient, dana: Dana, typed: str):
    response = send(http, "/new-link", {"address": typed})
    assert response.status_code == 422
    assert "Enter an email address or a phone number" in said(response)


def test_a_code_to_another_address_lets_in(
    http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock
):
    dana = make_visitor(session, settings, clock.now(), sms_enabled=True)
    make_contact(session, dana.debtor, channel="sms", address="+15032260100")
    page = http.get(f"{dana.path}/code")
    assert "Send a code by text" in said(page)
    data = {"csrf_token": csrf_of(page), "send": "sms"}
    response = http.post(f"{dana.path}/code", data=data, follow_redirects=True)
    assert "It works for 10 minutes" in said(response)
    set_tenant(session, dana.client.id)
    code = session.scalars(select(OneTimeCode)).one()
    digits = code_text(settings.keys, code.id)
    wrong = f"{(int(digits) + 1) % 10**6:06d}"
    for typed in ("12345", "１２３"):
        again = send(http, f"{dana.path}/code", {"code": typed})
        assert "Enter the 6 digits" in said(again)
    refused = send(http, f"{dana.path}/code", {"code": wrong})
    assert refused.status_code == 422
    assert "Those details do not match" in said(refused)
    spaced = f" {digits[:3]} {digits[3:]} "
    assert send(http, f"{dana.path}/code", {"code": spaced}).status_code == 303


def test_a_code_to_the_link_s_own_address_asks_a_fact_beside_it(
    http: FlaskClient, session: PortalSession, dana: Dana, settings: Settings
):
    page = http.get(f"{dana.path}/code")
    data = {"csrf_token": csrf_of(page), "send": "email"}
    page = http.post(f"{dana.path}/code", data=data, follow_redirects=True)
    assert "Date of birth" in said(page)
    set_tenant(session, dana.client.id)
    digits = code_text(settings.keys, session.scalars(select(OneTimeCode)).one().id)
    response = send(http, f"{dana.path}/code", {"code": digits, **RIGHT})
    assert response.status_code == 303


def test_a_fourth_code_within_the_hour_is_refused_in_words(http: FlaskClient, dana: Dana):
    token = csrf_of(http.get(f"{dana.path}/code"))
    for expected in (303, 303, 303, 422):
        response = http.post(f"{dana.path}/code", data={"csrf_token": token, "send": "email"})
        assert response.status_code == expected
    assert "We sent several codes already" in said(response)


@pytest.mark.parametrize("wanted", ["letter", "pigeon", "", "sms"])
def test_a_code_by_a_way_that_is_not_open_is_not_sent(
    http: FlaskClient, session: PortalSession, dana: Dana, wanted: str
):
    token = csrf_of(http.get(f"{dana.path}/code"))
    response = http.post(f"{dana.path}/code", data={"csrf_token": token, "send": wanted})
    assert response.status_code == 303
    assert counts(session, dana)["one_time_code"] == 0


def test_who_has_nothing_on_file_is_shown_the_ways_to_a_person(
    http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock
):
    dana = make_visitor(session, settings, clock.now(), identity_codes=False)
    for factor in ("date_of_birth", "postal_code", "last_four"):
        setattr(dana.debtor, f"{factor}_hash", None)
    session.flush()
    words = said(http.get(dana.path))
    assert "We cannot check it by questions here" in words
    assert dana.client.phone in words
    assert "call me" in words


def test_a_call_is_asked_for_without_identity(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    path = f"/call-me/{dana.issued.token}"
    missing = send(http, path, {"phone": "12"})
    assert missing.status_code == 422
    typed = {"phone": "(503) 226-0100", "part_of_day": "morning"}
    done = send(http, path, typed, follow_redirects=True)
    assert "A person will call you by November 26, 2026" in said(done) or (
        "A person will call you by November" in said(done)
    )
    set_tenant(session, dana.client.id)
    request = session.scalars(select(HelpRequest)).one()
    assert request.reference in said(done)
    assert request.answers["phone"] == "+15032260100"


def test_a_changed_promise_is_not_shown(http: FlaskClient, dana: Dana):
    response = http.get(f"/call-me/{dana.issued.token}?done=eyJieSI6IjIwMzAtMDEtMDEifQ.AAAA")
    assert response.status_code == 409


def test_pages_before_identity_cost_two_selects_and_are_counted(
    http: FlaskClient, session: PortalSession, dana: Dana, engine
):
    from sqlalchemy import event

    seen: list[str] = []
    listen = lambda *given: seen.append(given[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    http.get(dana.path)
    event.remove(engine, "before_cursor_execute", listen)
    selects = [one for one in seen if "FROM" in one]
    counted = [one for one in selects if "INSERT INTO link_opening" in one]
    assert (len(selects), len(counted)) == (3, 1), selects


def test_the_first_page_is_small(http: FlaskClient, dana: Dana):
    response = http.get(dana.path, headers={"Accept-Encoding": "gzip"})
    assert len(response.get_data()) + sum(len(k) + len(v) + 4 for k, v in response.headers) < 4000


def test_the_link_in_a_log_opens_nothing(http: FlaskClient, dana: Dana):
    from portal.security.redaction import redact

    token = dana.issued.token
    line = f'203.0.113.9 "GET {dana.path}/code?lang=es&c=abc.def HTTP/1.1" 200 "{dana.path}"'
    assert token not in redact(line)
    assert "abc.def" not in redact(line)
    assert "/l/.../code?lang=es" in redact(line)
    call = f"GET /call-me/{token} HTTP/1.1"
    assert token not in redact(call)


@pytest.mark.parametrize("console", ["support", "compliance/find", "client"])
def test_whom_staff_search_for_is_in_no_log(console: str):
    from portal.security.redaction import redact

    line = f'"GET /{console}?q=Dana+Reyes+4471 HTTP/1.1" 200 "https://pay.example/{console}?q=Dana"'
    assert (
        redact(line) == f'"GET /{console}?q=... HTTP/1.1" 200 "https://pay.example/{console}?q=..."'
    )
    door = f'"GET /log-in?next=/{console}?q%3DDana%2BReyes HTTP/1.1" 200'
    assert redact(door) == '"GET /log-in?next=... HTTP/1.1" 200'


def test_gunicorn_writes_no_token_into_its_log(dana: Dana):
    from types import SimpleNamespace

    from gunicorn.config import Config

    from portal.security.access_log import AccessLog

    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": f"{dana.path}?c=abc.def",
        "PATH_INFO": dana.path,
        "QUERY_STRING": "c=abc.def",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_REFERER": f"http://127.0.0.1{dana.path}",
        "REMOTE_ADDR": "203.0.113.9",
    }
    answer = SimpleNamespace(status="200 OK", sent=1, headers=[])
    asked = SimpleNamespace(headers=[("REFERER", environ["HTTP_REFERER"])])
    atoms = AccessLog(Config()).atoms(answer, asked, environ, timedelta(seconds=1))
    assert dana.issued.token not in str(atoms)
    assert "abc.def" not in str(atoms)
    assert atoms["r"].startswith("GET /l/...")
