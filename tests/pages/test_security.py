"""Who may open which page, what proves a form is ours, and how long a visit holds."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.app import create_app
from portal.config import Settings
from portal.db import PortalSession, Reader, make_engine, make_sessions, set_tenant
from portal.domain.access import Permission
from portal.gateways.clock import SetClock
from portal.models import AttemptCounter, DebtorSession, Leaf
from portal.runtime import Runtime
from portal.security import ChoiceUnreadable, audience, load_choice, sign_choice
from portal.services import evidence
from portal.services.links import revoke_link
from portal.web import render
from tests.databases import Database
from tests.pages.debtors import RIGHT, WRONG, Dana, come_in, csrf_of, make_visitor, send
from tests.pages.reading import said, tree
from tests.statements import statements

# Everything that opens without proving who one is. Add a route here only with a reason.
OPEN_TO_ANYONE = {
    "assets.file": "stylesheet, script",
    "assets.logo": "its address is told to nobody before the check",
    "assets.themed": "stylesheet",
    "debtor.call_me": "a person instead of the check",
    "debtor.code": "part of the check",
    "debtor.form_style": "tells a person from a scanner, before the check",
    "debtor.link": "the check itself",
    "debtor.link_again": "in place of an expired link",
    "debtor.new_link": "for who lost theirs",
    "debtor.start": "the code of a letter",
    "debtor.wrong_person": "no check can be asked of a stranger",
    "optout.unsubscribe": "whoever holds a message may stop them",
    "outbox.deliver": "the demo only",
    "outbox.fate": "the demo only",
    "outbox.file": "the demo only",
    "outbox.html": "the demo only",
    "outbox.staff": "the demo only",
    "outbox.messages": "the demo only",
    "public.accessibility": "about the pages",
    "public.closed": "left on the screen",
    "public.healthz": "for the load balancer",
    "public.help": "how to reach us",
    "public.privacy": "what we keep",
    "public.checkpoint": "the signed head of a log, which says how long it is and nothing else",
    "public.robots": "for search engines",
    "public.verifier_keys": "public keys",
    "staff.code": "the second step of a log-in, which says nothing of the first",
    "staff.first_second_step": "only after a password of somebody without a second step",
    "staff.forgotten": "says the same to everybody",
    "staff.join": "the token of the invitation",
    "staff.log_in": "how staff come in",
    "staff.new_password": "the token of the e-mail, once",
    "verifying.verify": "whoever holds a bundle may check it",
    "deliveries.emails": "the carrier shows its token",
    "deliveries.texts": "the carrier shows its token",
    "deliveries.twilio": "Twilio signs what it sends",
    "webhooks.inbound_text": "the carrier shows its token",
    "webhooks.stripe": "Stripe signs what it sends",
    "webhooks.twilio_text": "Twilio signs what it sends",
}
# Whom a debtor asked to pay: they prove nothing, and see an amount and a reference.
OPEN_TO_PAYERS = {"payer.pay", "payer.payment", "payer.receipt"}
# Requests that prove themselves without our form token.
WITHOUT_FORM_TOKEN = {
    "optout.unsubscribe": "the token in the address; mail programs post it in one click",
    "deliveries.emails": "the carrier shows its token",
    "deliveries.texts": "the carrier shows its token",
    "deliveries.twilio": "Twilio signs what it sends",
    "webhooks.inbound_text": "the carrier shows its token",
    "webhooks.stripe": "Stripe signs what it sends",
    "webhooks.twilio_text": "Twilio signs what it sends",
}


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    """Dana, who has just got a link."""
    return make_visitor(session, settings, clock.now())


def audiences(app: Flask) -> dict[str, Any]:
    return {
        rule.endpoint: app.view_functions[rule.endpoint].audience  # type: ignore[attr-defined]
        for rule in app.url_map.iter_rules()
    }


def test_the_pages_open_to_anyone_are_these(app: Flask):
    found = {name for name, whom in audiences(app).items() if whom.kind == "anyone"}
    assert found == set(OPEN_TO_ANYONE)


def test_the_pages_open_to_whoever_is_asked_to_pay_are_these(app: Flask):
    found = {name for name, whom in audiences(app).items() if whom.kind == "payer"}
    assert found == OPEN_TO_PAYERS


def test_every_other_page_of_debtors_is_for_debtors(app: Flask):
    others = {
        name: whom.kind
        for name, whom in audiences(app).items()
        if name.startswith("debtor.") and name not in OPEN_TO_ANYONE
    }
    assert set(others.values()) == {"debtor"}


def test_forms_are_checked_wherever_nothing_else_proves_them(app: Flask):
    found = {name for name, whom in audiences(app).items() if not whom.forms}
    assert found == set(WITHOUT_FORM_TOKEN)


def test_no_debtor_comes_in_without_a_visit(app: Flask, http: FlaskClient):
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in OPEN_TO_ANYONE and rule.endpoint.startswith("debtor."):
            values = {name: "01939f7e-0000-7000-8000-000000000001" for name in rule.arguments}
            with app.test_request_context():
                path = app.url_for(rule.endpoint, **values)
            for method in (rule.methods or set()) - {"OPTIONS"}:
                assert http.open(path, method=method).status_code == 403, (method, path)


def test_a_route_that_names_nobody_is_closed(app: Flask, http: FlaskClient):
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    response = http.get("/forgotten")
    assert response.status_code == 403
    assert b"secret" not in response.data


def test_staff_pages_are_closed_until_somebody_guards_them(app: Flask, http: FlaskClient):
    app.extensions.pop("staff_guard", None)
    app.add_url_rule("/staff", "staff", audience(Permission.SEE_ACCOUNTS)(lambda: "secret"))
    assert http.get("/staff").status_code == 403


@pytest.mark.parametrize("who", ["nobody", "", "agent"])
def test_an_audience_that_makes_no_sense_is_refused(who: str):
    with pytest.raises(ValueError, match="no audience"):
        audience(who)


@pytest.mark.parametrize("token", [None, "", "x", "é", "A" * 43, "\x00", "=" * 70_000])
def test_a_form_without_our_token_does_nothing(
    http: FlaskClient, session: PortalSession, dana: Dana, token: str | None
):
    typed = dict(RIGHT) if token is None else {**RIGHT, "csrf_token": token}
    response = http.post(dana.path, data=typed)
    assert response.status_code == 400
    assert "nothing was taken" in said(response)
    set_tenant(session, dana.client.id)
    assert session.scalar(select(func.count()).select_from(DebtorSession)) == 0
    assert session.scalar(select(func.count()).select_from(AttemptCounter)) == 0


def test_the_token_of_one_link_is_not_that_of_another(
    http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock
):
    one, other = (make_visitor(session, settings, clock.now()) for _ in range(2))
    token = csrf_of(http.get(one.path))
    assert http.post(other.path, data={**RIGHT, "csrf_token": token}).status_code == 400
    assert http.post(one.path, data={**RIGHT, "csrf_token": token}).status_code == 303


def test_the_token_of_a_link_does_not_pass_inside_a_visit(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    token = csrf_of(http.get(dana.path))
    come_in(http, session, dana)
    assert http.post("/close", data={"csrf_token": token}).status_code == 400
    assert http.get("/stay").status_code == 204


def test_what_another_site_sends_is_refused(http: FlaskClient, dana: Dana):
    token = csrf_of(http.get(dana.path))
    response = http.post(
        dana.path,
        data={**RIGHT, "csrf_token": token},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert response.status_code == 400


def test_a_form_opened_before_a_change_of_keys_still_counts(
    runtime: Runtime, session: PortalSession, settings: Settings, clock: SetClock
):
    dana = make_visitor(session, settings, clock.now())
    before = create_app(settings, runtime).test_client()
    token = csrf_of(before.get(dana.path))
    changed = dataclasses.replace(settings, secret_keys=("n" * 32, *settings.secret_keys))
    after = create_app(changed, dataclasses.replace(runtime, settings=changed)).test_client()
    assert after.post(dana.path, data={**RIGHT, "csrf_token": token}).status_code == 303


@pytest.fixture
def inside(app: Flask) -> str:
    """The path of a page for debtors."""
    page = audience("debtor")(lambda: render("public/closed.html"))
    app.add_url_rule("/inside", "inside", page)
    return "/inside"


def test_closing_the_page_ends_the_visit(
    inside: str, http: FlaskClient, session: PortalSession, dana: Dana
):
    come_in(http, session, dana)
    token = csrf_of(http.get(inside))
    cookie = http.get_cookie("visit")
    assert cookie is not None
    response = http.post("/close", data={"csrf_token": token})
    assert response.headers["Location"] == "/closed"
    assert http.get_cookie("visit") is None
    http.set_cookie("visit", cookie.value)  # somebody kept a copy
    refused = http.get("/stay")
    assert refused.status_code == 403


def test_whatever_a_browser_calls_itself_can_be_kept(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    token = csrf_of(http.get(dana.path))
    agent = "Phone\x00\x7f \x85é" + "x" * 9000
    response = http.post(
        dana.path, data={**RIGHT, "csrf_token": token}, headers={"User-Agent": agent}
    )
    assert response.status_code == 303
    set_tenant(session, dana.client.id)
    kept = session.scalars(select(DebtorSession.user_agent)).one()
    assert kept.startswith("Phone ")
    assert len(kept) <= 400


def test_half_an_hour_without_use_closes_the_page_and_leads_back(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    come_in(http, session, dana)
    for _ in range(3):
        clock.advance(timedelta(minutes=29))
        assert http.get("/stay").status_code == 204
    clock.advance(timedelta(minutes=30))
    closed = http.get("/stay")
    assert closed.status_code == 403
    ways = [link.get("href") for link in tree(closed).iter("a")]
    assert dana.path in ways
    assert dana.client.trade_name not in closed.get_data(as_text=True)
    assert dana.client.sender_name in closed.get_data(as_text=True)


def test_twelve_hours_close_it_however_busy(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    come_in(http, session, dana)
    for _ in range(24):
        clock.advance(timedelta(minutes=29, seconds=59))
        assert http.get("/stay").status_code == 204
    clock.advance(timedelta(minutes=1))
    assert http.get("/stay").status_code == 403


def test_keeping_the_page_open_writes_nothing(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    come_in(http, session, dana)
    with statements() as seen:
        http.get("/stay")
    work = [one for one in seen if "SAVEPOINT" not in one]
    assert len(work) == 1, work  # the visit, which scopes the transaction
    assert all(one.lstrip().startswith("SELECT") for one in work)


def test_a_revoked_link_ends_its_visits_at_once(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    come_in(http, session, dana)
    revoke_link(
        session, dana.issued.link, reason="lost phone", actor=evidence.SYSTEM, now=clock.now()
    )
    session.commit()
    assert http.get("/stay").status_code == 403


def test_a_link_opened_again_within_its_visit_asks_nothing_twice(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    come_in(http, session, dana)
    again = http.get(dana.path)
    assert (again.status_code, again.headers["Location"]) == (303, f"/account/{dana.account.id}")
    clock.advance(timedelta(minutes=30))
    assert http.get(dana.path).status_code == 200


def test_each_check_makes_a_new_visit_and_ends_the_one_before(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    come_in(http, session, dana)
    first = http.get_cookie("visit")
    clock.advance(timedelta(minutes=30))
    come_in(http, session, dana)
    second = http.get_cookie("visit")
    assert first is not None
    assert second is not None
    assert first.value.partition(".")[0] != second.value.partition(".")[0]
    http.set_cookie("visit", first.value)
    assert http.get("/stay").status_code == 403


def test_a_link_of_another_client_opens_beside_an_older_visit(
    http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock
):
    one, other = (make_visitor(session, settings, clock.now()) for _ in range(2))
    come_in(http, session, one)
    first = http.get_cookie("visit")
    response = come_in(http, session, other)
    assert response.headers["Location"] == f"/account/{other.account.id}"
    assert http.get("/stay").status_code == 204
    assert first is not None
    http.set_cookie("visit", first.value)
    assert http.get("/stay").status_code == 403


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: "",
        lambda value: value[:-1],
        lambda value: value.replace(".", "..", 1),
        lambda value: value.partition(".")[0],
        lambda value: "A" * 43 + value[43:],
        lambda value: value.replace(value.split(".")[1], "9999999999"),
        lambda value: "é" * 40,
        lambda value: "A" * 4000,
    ],
)
def test_a_cookie_that_we_did_not_sign_opens_nothing(
    http: FlaskClient, session: PortalSession, dana: Dana, spoil
):
    come_in(http, session, dana)
    cookie = http.get_cookie("visit")
    assert cookie is not None
    http.set_cookie("visit", quote(spoil(cookie.value), safe="."))
    assert http.get("/stay").status_code == 403


def test_the_language_chosen_inside_stays_in_the_cookie(
    inside: str, http: FlaskClient, session: PortalSession, dana: Dana
):
    come_in(http, session, dana)
    assert tree(http.get(inside)).get("lang") == "en"
    assert tree(http.get(f"{inside}?lang=fr")).get("lang") == "fr"
    page = http.get(inside)
    assert tree(page).get("lang") == "fr"
    assert dana.client.trade_name in page.get_data(as_text=True)


def test_get_help_inside_knows_whom_to_call(http: FlaskClient, session: PortalSession, dana: Dana):
    assert dana.client.phone not in said(http.get("/help"))
    come_in(http, session, dana)
    assert dana.client.phone in said(http.get("/help"))


def test_a_choice_comes_back_as_it_was_signed(app: Flask):
    chosen = {"kind": "plan", "amount_cents": 10_400, "first_on": "2026-12-04", "who": "José"}
    with app.test_request_context():
        signed = sign_choice(chosen)
        assert load_choice(signed) == chosen
        for wrong in (signed[:-1], signed + "A", "", "é", "A" * 10_000, signed.replace(".", "")):
            with pytest.raises(ChoiceUnreadable):
                load_choice(wrong)
        with pytest.raises(ChoiceUnreadable):
            load_choice(signed, purpose="shown")


def test_twenty_answers_at_once_at_four_of_five_are_checked_once(
    fresh_db: Database, clock: SetClock, runtime: Runtime
):
    """Through the whole app, on real connections: nobody races past the limit."""
    settings = fresh_db.settings
    engine = make_engine(fresh_db.url("portal_app"), pool_size=45)
    sessions = make_sessions(engine)
    read = Reader(settings.database_url)
    live = dataclasses.replace(
        runtime, settings=settings, sessions=sessions, read=read, clock=clock
    )
    app = create_app(settings, live)
    with sessions() as session:
        dana = make_visitor(session, settings, clock.now())
        session.commit()
    browser = app.test_client()
    for _ in range(4):
        assert send(browser, dana.path, WRONG).status_code == 422
    token = csrf_of(browser.get(dana.path))

    def guess(_: int) -> int:
        return app.test_client().post(dana.path, data={**WRONG, "csrf_token": token}).status_code

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(guess, range(20)))
    assert set(answers) == {429}
    with sessions() as session:
        set_tenant(session, dana.client.id)
        types = session.scalars(select(Leaf.type)).all()
        link = select(AttemptCounter.count).where(AttemptCounter.scope == "link")
        assert session.scalar(link) == 5
    assert types.count("identity.failed") == 5
    engine.dispose()


def test_who_sends_an_old_form_or_a_wrong_address_from_inside_goes_on_to_the_accounts(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    """Another link was opened in the same browser since: the form's own page is not theirs now."""
    come_in(http, session, dana)
    refused = http.post(f"{inside_path(http)}/accept", data={"csrf_token": "old"})
    for page in (refused, http.get("/account/00000000-0000-0000-0000-000000000000")):
        assert page.status_code in (400, 404)
        assert "/accounts" in [link.get("href") for link in tree(page).iter("a")]


def inside_path(http: FlaskClient) -> str:
    """The address of the only account of whoever is inside."""
    return str(http.get("/accounts").headers["Location"])


def test_who_types_a_wrong_address_outside_finds_the_start_page(http: FlaskClient):
    page = http.get("/nothing-here")
    assert page.status_code == 404
    assert "/" in [link.get("href") for link in tree(page).iter("a")]
