"""An invitation holds no longer than the right to send it, and no address longer than itself."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from portal.db import PortalSession, set_staff
from portal.domain import DomainError
from portal.gateways.clock import SetClock
from portal.models import Client, Role, Staff, StaffEvent, StaffInvitation
from portal.services import team
from portal.services.hiring import MAY_INVITE
from tests.databases import Database, acting_as, web_engine
from tests.factories import NOW, make_client
from tests.pages.debtors import csrf_of, send
from tests.pages.reading import said
from tests.pages.staff import enter, make_staff
from tests.pages.test_team import action, invite, link_on

NEW = {"password": "elf bicycle moon lamp", "password_again": "elf bicycle moon lamp"}
GONE = "may not invite you any more"


@pytest.fixture
def client(session: PortalSession) -> Client:
    """Harbor, whose people these are."""
    return make_client(session)


@pytest.fixture
def sue(session: PortalSession, client: Client) -> Staff:
    """A supervisor."""
    return make_staff(session, Role.SUPERVISOR, client)


@pytest.fixture
def operator(app: Flask, session: PortalSession) -> FlaskClient:
    """An operator's browser."""
    return enter(app.test_client(), session, make_staff(session, Role.OPERATOR, name="Otto Berg"))


@pytest.fixture
def link(http: FlaskClient, session: PortalSession, client: Client, sue: Staff) -> str:
    """The link of an invitation that Sue sent."""
    enter(http, session, sue)
    invite(http, Role.AGENT, client)
    return link_on(http.get("/team"))


def noted(session: PortalSession, staff: Staff, kind: str) -> list[dict[str, str]]:
    set_staff(session, staff.id)
    of = select(StaffEvent.detail).where(StaffEvent.staff_id == staff.id, StaffEvent.kind == kind)
    return list(session.scalars(of))


@pytest.mark.parametrize("act", [("disable", {}), ("role", {"role": "agent"})])
def test_what_somebody_invited_to_ends_with_their_right_to_invite(
    app: Flask,
    session: PortalSession,
    sue: Staff,
    link: str,
    operator: FlaskClient,
    act: tuple[str, dict[str, str]],
):
    """PR-03: whoever is let go lets nobody in behind them; the audit has it, and who did it."""
    assert send(operator, f"/team/{sue.id}/{act[0]}", act[1]).status_code == 303
    answer = app.test_client().get(link)
    assert (answer.status_code, GONE in said(answer)) == (410, True)
    (event,) = noted(session, sue, "invitation.revoked")
    assert event["email"] == "nina@harbor-services.com"
    assert "invitation was taken back" in said(operator.get(f"/team/{sue.id}"))
    assert send(operator, f"/team/{sue.id}/enable", {}).status_code == 303
    assert app.test_client().get(link).status_code == 410


def test_who_may_still_invite_after_a_change_keeps_what_they_sent(
    app: Flask, session: PortalSession, sue: Staff, link: str, operator: FlaskClient
):
    with acting_as("portal_owner", session):
        session.execute(text("DELETE FROM staff_client WHERE staff_id = :sue"), {"sue": sue.id})
    assert send(operator, f"/team/{sue.id}/role", {"role": "operator"}).status_code == 303
    assert app.test_client().get(link).status_code == 200


def test_nobody_is_hired_whom_the_sender_may_not_invite_any_more(
    app: Flask, session: PortalSession, sue: Staff, link: str
):
    """The database refuses by itself, whatever was not taken back in time."""
    guest = app.test_client()
    token = csrf_of(guest.get(link))
    with acting_as("portal_owner", session):
        sue.disabled_at = NOW
    answer = guest.post(link, data={"csrf_token": token, **NEW})
    assert (answer.status_code, GONE in said(answer)) == (410, True)
    with acting_as("portal_owner", session):
        (row,) = session.scalars(select(StaffInvitation)).all()
    assert row.accepted_at is None
    given = {"wanted": row.id, "at": NOW}
    hire = text("SELECT accept_invitation(:wanted, gen_random_uuid(), '-', :at)")
    assert session.scalar(hire, given) is False


def test_who_sends_an_invitation_again_answers_for_it(
    app: Flask, session: PortalSession, sue: Staff, link: str, operator: FlaskClient
):
    assert send(operator, action(operator, "again"), {}).status_code == 303
    assert app.test_client().get(link).status_code == 410
    link = link_on(operator.get("/team"))
    send(operator, f"/team/{sue.id}/disable", {})
    assert app.test_client().get(link).status_code == 200
    assert noted(session, sue, "invitation.revoked") == []


def test_an_invitation_that_ran_out_holds_its_address_no_longer(
    http: FlaskClient,
    app: Flask,
    session: PortalSession,
    client: Client,
    sue: Staff,
    clock: SetClock,
):
    """Of another client too, which nobody here can see or take back."""
    other = make_client(session)
    theirs = enter(app.test_client(), session, make_staff(session, Role.SUPERVISOR, other))
    assert invite(theirs, Role.AGENT, other).status_code == 303
    enter(http, session, sue)
    assert invite(http, Role.AGENT, client).status_code == 422
    clock.advance(timedelta(days=3))
    enter(http, session, sue)
    assert invite(http, Role.AGENT, client).status_code == 303
    clock.advance(timedelta(days=3))
    enter(http, session, sue)
    assert invite(http, Role.AGENT, client).status_code == 303


def test_the_database_lets_each_role_invite_what_the_table_says(
    session: PortalSession, client: Client
):
    """PR-03: hiring.MAY_INVITE and staff_could_invite are one table."""
    may = text("SELECT staff_may_invite(:role, CAST(:of AS uuid[]))")
    for by in Role:
        staff = make_staff(session, by, *([] if by is Role.OPERATOR else [client]))
        set_staff(session, staff.id)
        for role in Role:
            of = [] if role is Role.OPERATOR else [client.id]
            allowed = session.scalar(may, {"role": role.value, "of": of})
            assert allowed is (role in MAY_INVITE.get(by, ())), (by, role)


def test_nobody_invites_in_the_name_of_another(session: PortalSession, client: Client, sue: Staff):
    otto = make_staff(session, Role.OPERATOR)
    set_staff(session, sue.id)
    row = text("""
        INSERT INTO staff_invitation
          (id, email, name, role, client_ids, invited_by, created_at, expires_at, sends)
        VALUES (gen_random_uuid(), 'a@b.example', 'A', 'agent', CAST(:of AS uuid[]), :by, now(),
          now(), 1)""")
    session.execute(row, {"of": [client.id], "by": sue.id})
    with pytest.raises(Exception, match="row-level security"), session.begin_nested():
        session.execute(row, {"of": [client.id], "by": otto.id})


def test_who_changes_a_person_second_is_told_who_was_first(
    http: FlaskClient, app: Flask, session: PortalSession, client: Client, operator: FlaskClient
):
    """What the first one did stays, and the second one's page says so."""
    sam = make_staff(session, Role.AGENT, client)
    second = enter(app.test_client(), session, make_staff(session, Role.OPERATOR))
    pages = {what: second.get(f"/team/{sam.id}/{what}") for what in ("role", "disable")}
    assert send(operator, f"/team/{sam.id}/role", {"role": "compliance"}).status_code == 303
    for what, typed in (("role", {"role": "supervisor"}), ("disable", {})):
        form = {"csrf_token": csrf_of(pages[what]), "seen": seen_on(pages[what]), **typed}
        answer = second.post(f"/team/{sam.id}/{what}", data=form)
        assert answer.status_code == 422
        assert "Otto Berg changed this person’s access" in said(answer)
        assert "Compliance" in said(second.get(f"/team/{sam.id}"))
        again = {"csrf_token": csrf_of(answer), "seen": seen_on(answer), **typed}
    assert second.post(f"/team/{sam.id}/disable", data=again).status_code == 303


def seen_on(page) -> str:
    return page.get_data(as_text=True).partition('name="seen" value="')[2].partition('"')[0]


def test_of_two_who_write_at_once_one_is_told(fresh_db: Database):
    """Neither overwrites the other: a role given while somebody is disabled is not lost, nor they
    let in again by it."""
    engine = web_engine(fresh_db)

    def make() -> PortalSession:
        return PortalSession(bind=engine, expire_on_commit=False)

    with make() as session:
        client = make_client(session)
        sam = make_staff(session, Role.AGENT, client)
        otto, olga = (make_staff(session, Role.OPERATOR) for _ in range(2))
        session.commit()
    barrier, told = Barrier(2), []

    def act(by: Staff, do: Callable[..., None]) -> None:
        with make() as own:
            set_staff(own, by.id)
            whom = team.colleague(own, sam.id, by)
            barrier.wait(10)
            try:
                do(own, whom, by=by, now=NOW)
                own.commit()
            except DomainError as refused:
                told.append(type(refused))

    def demote(own: PortalSession, whom: team.Colleague, **given) -> None:
        team.change_role(own, whom, Role.COMPLIANCE, **given)

    both = [Thread(target=act, args=one) for one in ((otto, demote), (olga, team.disable))]
    for one in both:
        one.start()
    for one in both:
        one.join(20)
    assert told == [team.ChangedMeanwhile]
    with make() as session:
        set_staff(session, otto.id)
        now = team.colleague(session, sam.id, otto)
    assert (now.role, now.disabled_at is None) in {(Role.COMPLIANCE, True), (Role.AGENT, False)}
    engine.dispose()
