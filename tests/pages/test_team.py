"""Who works here is invited, looked after and let go, by whoever may (PR-03)."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from portal.db import PortalSession, set_staff
from portal.domain import totp
from portal.gateways.clock import SetClock
from portal.models import Client, Role, Staff
from tests.factories import make_client
from tests.pages.debtors import send
from tests.pages.reading import said
from tests.pages.staff import PASSWORD, enter, log_in, make_staff
from tests.pages.test_sign_in import enroll, first, recovery_codes, secret_of

NEW = "elf bicycle moon lamp"


@pytest.fixture
def client(session: PortalSession) -> Client:
    """Harbor, whose people these are."""
    return make_client(session)


def invite(http: FlaskClient, role: Role, *clients: Client, **given: Any) -> Any:
    typed = {"email": "nina@harbor-services.com", "name": "Nina Park", "role": role.value}
    return send(
        http, "/team/invite", {**typed, "clients": [str(one.id) for one in clients], **given}
    )


def link_on(page: Any) -> str:
    """The link of the one invitation, which the demo shows."""
    text = page.get_data(as_text=True)
    return "/join/" + text.partition("/join/")[2].partition('"')[0]


def test_who_is_invited_chooses_a_password_and_a_second_step_and_is_in(
    http: FlaskClient, app: Flask, session: PortalSession, client: Client, clock: SetClock
):
    enter(http, session, make_staff(session, Role.SUPERVISOR, client))
    assert invite(http, Role.AGENT, client).status_code == 303
    link = link_on(http.get("/team"))
    nina = app.test_client()
    assert "Nina Park" in said(nina.get(link))
    weak = {"password": "password2026!", "password_again": "password2026!"}
    assert send(nina, link, weak).status_code == 422
    chosen = {"password": NEW, "password_again": NEW}
    assert send(nina, link, chosen).headers["Location"] == "/log-in/second-step"
    assert nina.get("/support").status_code == 303
    page = nina.get("/log-in/second-step")
    step = totp.step_at(clock.now())
    assert len(recovery_codes(enroll(nina, page, totp.code_of(secret_of(page), step)))) == 10
    assert nina.get("/support").status_code == 200
    assert app.test_client().get(link).status_code == 410
    assert "May come in" in said(http.get("/team"))


@pytest.mark.parametrize(
    ("by", "role", "allowed"),
    [
        (Role.OPERATOR, Role.COMPLIANCE, True),
        (Role.SUPERVISOR, Role.AGENT, True),
        (Role.SUPERVISOR, Role.SUPERVISOR, False),
        (Role.SUPERVISOR, Role.OPERATOR, False),
        (Role.CLIENT_ADMIN, Role.CLIENT_ADMIN, True),
        (Role.CLIENT_ADMIN, Role.AGENT, False),
        (Role.CLIENT_ADMIN, Role.OPERATOR, False),
    ],
)
def test_each_invites_within_what_they_may(
    http: FlaskClient,
    session: PortalSession,
    client: Client,
    by: Role,
    role: Role,
    allowed: bool,
):
    enter(http, session, make_staff(session, by, *([] if by is Role.OPERATOR else [client])))
    clients = [] if role is Role.OPERATOR else [client]
    assert (invite(http, role, *clients).status_code == 303) is allowed
    assert ("Nina Park" in said(http.get("/team"))) is allowed


def test_nobody_invites_for_a_client_that_is_not_theirs(
    http: FlaskClient, session: PortalSession, client: Client
):
    """A-2."""
    other = make_client(session)
    enter(http, session, make_staff(session, Role.SUPERVISOR, client))
    assert invite(http, Role.AGENT, other).status_code == 422
    assert invite(http, Role.AGENT, client, name=" ").status_code == 422


@pytest.mark.parametrize("role", [Role.AGENT, Role.COMPLIANCE])
def test_who_looks_after_nobody_has_no_team(
    http: FlaskClient, session: PortalSession, client: Client, role: Role
):
    enter(http, session, make_staff(session, role, client))
    assert http.get("/team").status_code == 403


def test_the_database_itself_invites_nobody_beyond_ones_own_clients(
    session: PortalSession, client: Client
):
    """Whatever a page might ask for: the function and the policy both refuse."""
    other, admin = make_client(session), make_staff(session, Role.CLIENT_ADMIN, client)
    agent, otto = make_staff(session, Role.AGENT, other), make_staff(session, Role.OPERATOR)
    set_staff(session, admin.id)
    may = text("SELECT staff_may_invite(:role, CAST(:of AS uuid[]))")
    change = text("SELECT change_staff(:whom, :seen, NULL, 'agent', now())")
    assert session.scalar(may, {"role": "client_admin", "of": [client.id]}) is True
    assert session.scalar(may, {"role": "client_admin", "of": [client.id, other.id]}) is False
    assert session.scalar(may, {"role": "client_admin", "of": []}) is False
    assert session.scalar(may, {"role": "operator", "of": [client.id]}) is False
    for whom in (agent, otto, admin):
        given = {"whom": whom.id, "seen": whom.role.value}
        assert session.scalar(change, given) == "out of reach"


def test_a_link_sent_again_closes_the_one_before_and_one_taken_back_opens_nothing(
    http: FlaskClient, app: Flask, session: PortalSession, client: Client
):
    enter(http, session, make_staff(session, Role.SUPERVISOR, client))
    invite(http, Role.AGENT, client)
    old, guest = link_on(http.get("/team")), app.test_client()
    assert send(http, action(http, "again"), {}).status_code == 303
    new = link_on(http.get("/team"))
    assert (guest.get(old).status_code, guest.get(new).status_code) == (410, 200)
    assert send(http, action(http, "take-back"), {}).status_code == 303
    assert guest.get(new).status_code == 410
    assert invite(http, Role.AGENT, client).status_code == 303


def test_an_invitation_is_too_old_after_three_days(
    http: FlaskClient, app: Flask, session: PortalSession, client: Client, clock: SetClock
):
    enter(http, session, make_staff(session, Role.SUPERVISOR, client))
    invite(http, Role.AGENT, client)
    link = link_on(http.get("/team"))
    clock.advance(timedelta(days=3))
    assert app.test_client().get(link).status_code == 410


def action(http: FlaskClient, what: str) -> str:
    text = http.get("/team").get_data(as_text=True)
    return next(
        one.partition('"')[0]
        for one in text.split('href="')
        if one.startswith("/team/invitations/") and one.partition('"')[0].endswith(what)
    )


@pytest.fixture
def otto(session: PortalSession) -> Staff:
    """An operator."""
    return make_staff(session, Role.OPERATOR)


@pytest.fixture
def sam(session: PortalSession, client: Client) -> Staff:
    """An agent."""
    return make_staff(session, Role.AGENT, client)


def test_who_is_disabled_is_out_at_once_and_comes_back_as_they_were(
    http: FlaskClient, app: Flask, session: PortalSession, otto: Staff, sam: Staff
):
    """S-2."""
    inside = enter(app.test_client(), session, sam)
    enter(http, session, otto)
    assert send(http, f"/team/{sam.id}/disable", {}).status_code == 303
    assert inside.get("/support").status_code == 303
    assert log_in(app.test_client(), sam).status_code == 422
    assert send(http, f"/team/{sam.id}/enable", {}).status_code == 303
    assert log_in(app.test_client(), sam).status_code == 303
    page = said(http.get(f"/team/{sam.id}"))
    assert all(word in page for word in ("Disabled", "Allowed in again", "refused", "Logged in"))


def test_another_role_holds_from_the_next_log_in(
    http: FlaskClient, app: Flask, session: PortalSession, otto: Staff, sam: Staff
):
    inside = enter(app.test_client(), session, sam)
    enter(http, session, otto)
    changed = send(http, f"/team/{sam.id}/role", {"role": "compliance"})
    assert changed.status_code == 303
    assert inside.get("/support").status_code == 303
    assert log_in(inside, sam).headers["Location"] == "/compliance"
    assert "agent → compliance" in said(http.get(f"/team/{sam.id}"))
    nobody = send(http, f"/team/{sam.id}/role", {"role": "operator"})
    assert nobody.status_code == 422


def test_a_lost_second_step_is_taken_back_and_set_up_anew(
    http: FlaskClient, app: Flask, session: PortalSession, otto: Staff, sam: Staff
):
    inside = enter(app.test_client(), session, sam)
    enter(http, session, otto)
    assert send(http, f"/team/{sam.id}/second-step", {}).status_code == 303
    assert inside.get("/support").status_code == 303
    assert first(inside, sam.email, PASSWORD).headers["Location"] == "/log-in/second-step"
    assert "No second step yet" in said(http.get("/team"))


def test_nobody_looks_after_themselves_or_after_people_of_others(
    http: FlaskClient, session: PortalSession, client: Client, sam: Staff, otto: Staff
):
    """A-2: as if they did not exist."""
    sue = make_staff(session, Role.SUPERVISOR, client)
    shared = make_staff(session, Role.AGENT, client, make_client(session))
    other = make_staff(session, Role.AGENT, make_client(session))
    enter(http, session, sue)
    for whom in (sue, shared, other, otto):
        assert http.get(f"/team/{whom.id}").status_code == 404
        assert http.get(f"/team/{whom.id}/disable").status_code == 404
    assert http.get(f"/team/{sam.id}").status_code == 200
