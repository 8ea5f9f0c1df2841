"""Staff come in with a password and a code, and see to both themselves (PR-03)."""

import base64
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import PortalSession, set_staff
from portal.domain import totp
from portal.gateways.clock import SetClock
from portal.models import Role, Staff, StaffEvent
from portal.services import second_steps
from tests.databases import acting_as
from tests.factories import make_client
from tests.pages.debtors import csrf_of, send
from tests.pages.reading import said, text_of, tree
from tests.pages.staff import HIRED, PASSWORD, SECRET, enter, log_in, make_staff

NEW = "elf bicycle moon lamp"


@pytest.fixture
def sam(session: PortalSession) -> Staff:
    """An agent with a password and a second step."""
    return make_staff(session, Role.AGENT, make_client(session))


@pytest.fixture
def code(clock: SetClock):
    """The code that Sam's telephone shows now."""
    return lambda: totp.code_of(SECRET, totp.step_at(clock.now()))


def first(http: FlaskClient, email: str, password: str) -> TestResponse:
    return send(http, "/log-in", {"email": email, "password": password})


def kinds(session: PortalSession, staff: Staff) -> list[str]:
    """What is noted about somebody, the oldest first, as they may read it."""
    set_staff(session, staff.id)
    noted = select(StaffEvent.kind).where(StaffEvent.staff_id == staff.id)
    return list(session.scalars(noted.order_by(StaffEvent.id)))


def remove_second_step(session: PortalSession, staff: Staff) -> None:
    with acting_as("portal_worker", session):
        second_steps.remove(session, staff.id, now=HIRED)


def test_a_password_alone_opens_nothing(http: FlaskClient, sam: Staff):
    """PR-03: a log-in without a second step is impossible."""
    answer = first(http, sam.email, PASSWORD)
    assert answer.headers["Location"] == "/log-in/code"
    assert http.get("/support").status_code == 303
    assert http.get("/your-sign-in").status_code == 303


def test_both_together_open_the_console(http: FlaskClient, session: PortalSession, sam: Staff):
    assert log_in(http, sam).headers["Location"] == "/support"
    assert http.get("/support").status_code == 200
    assert kinds(session, sam) == ["log_in"]


def test_nothing_tells_which_part_was_wrong(http: FlaskClient, sam: Staff, code):
    """I-4: the page after the password, and the words after the code, are the same."""
    seen = set()
    for email, password, typed in (
        (sam.email, "not the password", code()),
        (sam.email, PASSWORD, "000000"),
        ("nobody@harbor-services.com", PASSWORD, "000000"),
    ):
        answer = first(http, email, password)
        cookie = http.get_cookie("staff")
        refused = send(http, answer.headers["Location"], {"code": typed})
        assert refused.status_code == 422
        seen.add((answer.headers["Location"], said(refused)))
        assert cookie is not None
        assert email.split("@")[0] not in cookie.value
    assert len(seen) == 1


def test_the_cookie_between_the_steps_is_as_long_for_nobody_as_for_somebody(
    http: FlaskClient, sam: Staff
):
    lengths = set()
    for email, password in (
        (sam.email, PASSWORD),
        (sam.email, "wrong"),
        ("x" * (len(sam.email) - 2) + ".y", "wrong"),
    ):
        first(http, email, password)
        with http.session_transaction() as cookie:
            lengths.add(len(cookie["first"]))
    assert len(lengths) == 1


def test_a_code_lets_in_once(http: FlaskClient, app: Flask, sam: Staff, code):
    shown = code()
    first(http, sam.email, PASSWORD)
    assert send(http, "/log-in/code", {"code": shown}).status_code == 303
    other = app.test_client()
    first(other, sam.email, PASSWORD)
    assert send(other, "/log-in/code", {"code": shown}).status_code == 422


def test_five_wrong_codes_lock_the_person_and_not_their_network(
    http: FlaskClient, session: PortalSession, sam: Staff, clock: SetClock, code
):
    """I-1: the right code does not unlock either; after half an hour it does."""
    first(http, sam.email, PASSWORD)
    for _ in range(5):
        send(http, "/log-in/code", {"code": "000000"})
    assert send(http, "/log-in/code", {"code": code()}).status_code == 422
    assert kinds(session, sam)[-2:] == ["log_in.locked", "log_in.refused"]
    colleague = make_staff(session, Role.AGENT, make_client(session))
    assert log_in(http, colleague).status_code == 303
    clock.advance(timedelta(minutes=31))
    assert log_in(http, sam).status_code == 303


def test_five_wrong_passwords_lock_the_person_out(http: FlaskClient, sam: Staff, code):
    for _ in range(5):
        first(http, sam.email, "not the password")
    first(http, sam.email, PASSWORD)
    assert send(http, "/log-in/code", {"code": code()}).status_code == 422


def test_the_second_step_waits_ten_minutes(http: FlaskClient, sam: Staff, clock: SetClock, code):
    first(http, sam.email, PASSWORD)
    clock.advance(timedelta(minutes=10))
    answer = http.get("/log-in/code")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/log-in")


def test_who_has_no_second_step_is_led_to_set_one_up_and_nowhere_else(
    http: FlaskClient, session: PortalSession, sam: Staff, clock: SetClock
):
    """PR-03: the first log-in after a password alone leads only to the enrolment page."""
    remove_second_step(session, sam)
    assert first(http, sam.email, PASSWORD).headers["Location"] == "/log-in/second-step"
    assert http.get("/support").status_code == 303
    page = http.get("/log-in/second-step")
    assert "<svg" in page.get_data(as_text=True)
    wrong = enroll(http, page, "000000")
    assert wrong.status_code == 422
    assert key_of(wrong) == key_of(page)
    step = totp.step_at(clock.now())
    done = enroll(http, wrong, totp.code_of(secret_of(page), step))
    assert done.status_code == 200
    assert len(recovery_codes(done)) == 10
    assert http.get("/support").status_code == 200
    assert kinds(session, sam) == ["second_step.set", "log_in"]


def test_a_wrong_password_never_shows_the_enrolment_page(
    http: FlaskClient, session: PortalSession, sam: Staff
):
    remove_second_step(session, sam)
    assert first(http, sam.email, "wrong").headers["Location"] == "/log-in/code"
    assert http.get("/log-in/second-step").headers["Location"] == "/log-in"


def test_a_secret_of_somebody_else_is_not_taken(
    http: FlaskClient, app: Flask, session: PortalSession, sam: Staff, clock: SetClock
):
    otto = make_staff(session, Role.AGENT, make_client(session))
    for one in (sam, otto):
        remove_second_step(session, one)
    first(http, sam.email, PASSWORD)
    mine = http.get("/log-in/second-step")
    other = app.test_client()
    first(other, otto.email, PASSWORD)
    code = totp.code_of(secret_of(mine), totp.step_at(clock.now()))
    token = csrf_of(other.get("/log-in/second-step"))
    given = {"csrf_token": token, "secret": hidden(mine, "secret"), "code": code}
    assert other.post("/log-in/second-step", data=given).status_code == 422


def test_a_recovery_code_opens_once_in_place_of_the_telephone(
    http: FlaskClient, app: Flask, session: PortalSession, sam: Staff
):
    enter(http, session, sam)
    codes = recovery_codes(send(http, "/your-sign-in/recovery-codes", {}))
    assert len(set(codes)) == 10
    other = app.test_client()
    first(other, sam.email, PASSWORD)
    assert send(other, "/log-in/code", {"code": codes[0].lower()}).status_code == 303
    first(other, sam.email, PASSWORD)
    assert send(other, "/log-in/code", {"code": codes[0]}).status_code == 422
    again = recovery_codes(send(http, "/your-sign-in/recovery-codes", {}))
    first(other, sam.email, PASSWORD)
    assert send(other, "/log-in/code", {"code": codes[1]}).status_code == 422
    assert send(other, "/log-in/code", {"code": again[1]}).status_code == 303
    assert "recovery.used" in kinds(session, sam)


def test_a_changed_password_ends_every_other_log_in(
    http: FlaskClient, app: Flask, session: PortalSession, sam: Staff
):
    """S-2."""
    other = app.test_client()
    for browser in (other, http):
        enter(browser, session, sam)
    typed = {"password_before": PASSWORD, "password": NEW, "password_again": NEW}
    wrong = send(http, "/your-sign-in/password", typed | {"password_before": "wrong"})
    assert "not your password" in said(wrong)
    differ = send(http, "/your-sign-in/password", typed | {"password_again": "else"})
    assert "not the same" in said(differ)
    assert send(http, "/your-sign-in/password", typed).status_code == 303
    assert http.get("/support").status_code == 200
    assert other.get("/support").status_code == 303


def test_log_ins_are_listed_and_ended_one_by_one_and_all(
    http: FlaskClient, app: Flask, session: PortalSession, sam: Staff
):
    others = [app.test_client() for _ in range(3)]
    for browser in (*others, http):
        enter(browser, session, sam)
    page = http.get("/your-sign-in")
    assert said(page).count("This one") == 1
    actions = ends(page)
    assert len(actions) == 3
    token = {"csrf_token": csrf_of(page)}
    assert http.post(actions[0], data=token).status_code == 303
    assert [one.get("/support").status_code for one in others].count(303) == 1
    assert http.post("/your-sign-in/log-ins/end-others", data=token).status_code == 303
    assert [one.get("/support").status_code for one in others] == [303] * 3
    assert http.get("/support").status_code == 200
    assert kinds(session, sam) == ["session.ended", "sessions.ended"]


def test_nobody_ends_the_log_in_of_another(
    http: FlaskClient, app: Flask, session: PortalSession, sam: Staff
):
    otto, other = make_staff(session, Role.OPERATOR), app.test_client()
    enter(other, session, otto)
    enter(app.test_client(), session, otto)
    action = ends(other.get("/your-sign-in"))[0]
    enter(http, session, sam)
    token = {"csrf_token": csrf_of(http.get("/your-sign-in"))}
    assert http.post(action, data=token).status_code == 404


def test_the_page_says_when_it_logs_out(
    http: FlaskClient, session: PortalSession, sam: Staff, clock: SetClock
):
    enter(http, session, sam)
    assert "logged out at 5:30 PM (UTC) if you open no page" in text_of(tree(http.get("/support")))
    for _ in range(24):
        clock.advance(timedelta(minutes=29))
        http.get("/support")
    assert "logged out at 5:00 AM (UTC), whatever you do" in text_of(tree(http.get("/support")))


def ask_link(http: FlaskClient, email: str) -> tuple[str, str]:
    """The words of the answer, and the link that the demo shows."""
    answer = send(http, "/log-in/forgotten", {"email": email})
    text = answer.get_data(as_text=True)
    at = text.find("/new-password/")
    link = text[at:].split('"', 1)[0] if at > 0 else ""
    return said(answer).partition("In this demo")[0], link


def test_a_forgotten_password_is_replaced_by_a_link_that_opens_once(
    http: FlaskClient, app: Flask, session: PortalSession, sam: Staff, clock: SetClock
):
    inside = app.test_client()
    enter(inside, session, sam)
    _, link = ask_link(http, sam.email)
    typed = {"password": NEW, "password_again": NEW}
    assert send(http, link, typed | {"password": "short"}).status_code == 422
    assert send(http, link, typed).status_code == 303
    assert http.get(link).status_code == 410
    assert inside.get("/support").status_code == 303
    assert first(http, sam.email, NEW).headers["Location"] == "/log-in/code"
    assert http.get("/support").status_code == 303
    _, old = ask_link(http, sam.email)
    clock.advance(timedelta(minutes=30))
    assert http.get(old).status_code == 410


def test_asking_for_a_password_tells_nobody_who_works_here(http: FlaskClient, sam: Staff):
    known, link = ask_link(http, sam.email)
    unknown, none = ask_link(http, "nobody@harbor-services.com")
    assert (bool(link), bool(none)) == (True, False)
    assert unknown.partition("Back to log in")[0].strip() == known.strip()


@pytest.mark.parametrize("path", ["/join/", "/new-password/"])
def test_a_link_that_we_did_not_sign_opens_nothing(http: FlaskClient, path: str):
    assert http.get(f"{path}WyJhIl0.abc").status_code == 410


def test_who_is_disabled_is_out_at_once_and_stays_out(
    http: FlaskClient, session: PortalSession, sam: Staff, clock: SetClock
):
    """S-2."""
    enter(http, session, sam)
    with acting_as("portal_owner", session):
        sam.disabled_at = clock.now()
    assert http.get("/support").status_code == 303
    answer = log_in(http, sam)
    assert answer.status_code == 422


def key_of(page: TestResponse) -> str:
    return page.get_data(as_text=True).partition('<code class="key">')[2].partition("<")[0]


def secret_of(page: TestResponse) -> bytes:
    plain = key_of(page).replace(" ", "")
    return base64.b32decode(plain + "=" * (-len(plain) % 8))


def hidden(page: TestResponse, name: str) -> str:
    return page.get_data(as_text=True).partition(f'name="{name}" value="')[2].partition('"')[0]


def enroll(http: FlaskClient, page: TestResponse, code: str) -> TestResponse:
    given = {"csrf_token": csrf_of(page), "secret": hidden(page, "secret"), "code": code}
    return http.post("/log-in/second-step", data=given)


def recovery_codes(page: TestResponse) -> list[str]:
    found = page.get_data(as_text=True).split("<li><code>")[1:]
    return [one.partition("<")[0] for one in found]


def ends(page: TestResponse) -> list[str]:
    found = page.get_data(as_text=True).split('action="')[1:]
    actions = [one.partition('"')[0] for one in found]
    return [one for one in actions if "/log-ins/" in one and not one.endswith("end-others")]


def test_a_wrong_old_password_counts_and_locks_as_any_guess(
    http: FlaskClient, session: PortalSession, sam: Staff, clock: SetClock
):
    """I-1: who sits down at a browser left open guesses no longer than at the door."""
    enter(http, session, sam)
    typed = {"password_before": "a guess", "password": NEW, "password_again": NEW}
    for _ in range(5):
        assert send(http, "/your-sign-in/password", typed).status_code == 422
    right = typed | {"password_before": PASSWORD}
    assert "not your password" in said(send(http, "/your-sign-in/password", right))
    assert kinds(session, sam) == ["proof.refused"] * 6
    clock.advance(timedelta(minutes=31))
    enter(http, session, sam)
    weak = right | {"password": "short", "password_again": "short"}
    for _ in range(6):
        assert "at least 12" in said(send(http, "/your-sign-in/password", weak))
    assert send(http, "/your-sign-in/password", right).status_code == 303


def test_a_new_log_in_ends_the_one_that_the_browser_had(
    http: FlaskClient, app: Flask, session: PortalSession, sam: Staff, clock: SetClock
):
    """S-2: a cookie copied before opens nothing afterwards, and none is left that nobody has."""
    enter(http, session, sam)
    copied = app.test_client()
    with http.session_transaction() as cookie, copied.session_transaction() as other:
        other.update(cookie)
    assert copied.get("/support").status_code == 200
    assert log_in(http, sam).status_code == 303
    assert copied.get("/support").status_code == 303
    assert "This one" in said(http.get("/your-sign-in"))
    assert ends(http.get("/your-sign-in")) == []
    assert kinds(session, sam) == ["session.ended", "log_in"]


def test_a_first_step_alone_ends_the_log_in_that_the_browser_had(
    http: FlaskClient, app: Flask, session: PortalSession, sam: Staff
):
    otto, copied = make_staff(session, Role.OPERATOR), app.test_client()
    enter(http, session, sam)
    with http.session_transaction() as cookie, copied.session_transaction() as other:
        other.update(cookie)
    first(http, otto.email, "wrong")
    assert copied.get("/support").status_code == 303
