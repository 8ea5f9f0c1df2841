"""Staff come in by their own door, and each role opens what is its own."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.db import PortalSession
from portal.gateways.clock import SetClock
from portal.models import Role, StaffSession
from tests.databases import acting_as
from tests.factories import make_account, make_client, make_debtor, make_policy
from tests.pages.reading import said
from tests.pages.staff import enter, log_in, make_staff

READ = {Role.AGENT, Role.SUPERVISOR, Role.COMPLIANCE, Role.OPERATOR}
WORK = READ - {Role.COMPLIANCE}
DECIDE = {Role.SUPERVISOR, Role.OPERATOR}
ADMIN = {Role.CLIENT_ADMIN}
WATCH = {Role.CLIENT_ADMIN, Role.CLIENT_VIEWER}
OPERATE = {Role.OPERATOR}
EXAMINE = {Role.COMPLIANCE, Role.OPERATOR}
OFFICERS = {
    f"compliance.{name}": {Role.COMPLIANCE}
    for name in ("clear", "retention", "schedule", "erasure", "legal_holds", "lift_legal_hold")
}

SUPPORT = {
    **dict.fromkeys(("home", "account", "why", "look", "reveal", "queue", "proposal"), READ),
    **dict.fromkeys(("message", "message_html", "balance_on", "hold", "lift", "rest"), READ),
    **dict.fromkeys(("something", "happened", "take_back", "undo_hold"), READ),
    **dict.fromkeys(("reply", "request", "call", "link", "code", "revoke", "reopen"), WORK),
    **dict.fromkeys(("accept", "counter", "decline", "offer"), WORK),
    **dict.fromkeys(("take", "take_next", "keep", "release", "lock_out", "charge"), WORK),
    "letters": READ,
    **dict.fromkeys(
        ("print_letters", "batch", "download_batch", "paper_again", "copy_on_paper"), WORK
    ),
    **dict.fromkeys(("wish", "end_wish", "first_notice", "notice_missed"), WORK),
    **dict.fromkeys(("place_call", "call_made", "called_us"), WORK),
    **dict.fromkeys(("caller", "on_the_line", "wrap_up", "progress"), WORK),
    **dict.fromkeys(("note", "correct", "change_plan", "payment_link", "phone_payment"), WORK),
    **dict.fromkeys(("note_templates", "drop_template"), DECIDE),
    **dict.fromkeys(("new_address", "revoke_all"), WORK),
    **dict.fromkeys(("second_look",), READ),
    **dict.fromkeys(("record_payment", "returned", "withdraw_look"), WORK),
    **dict.fromkeys(("refund", "question", "closing_notice", "unlock", "decide_look"), DECIDE),
    **dict.fromkeys(("assign", "resend", "resent", "begin_resending", "stop_resending"), DECIDE),
}

WATCHED = {
    f"client.{name}"
    for name in ("home", "account", "balance_on", "placements", "placement", "offers", "version")
    + ("campaigns", "campaign", "money")
}


def test_every_route_of_the_consoles_is_for_these_roles(app: Flask):
    found = {
        rule.endpoint: set(app.view_functions[rule.endpoint].audience.roles)  # type: ignore[attr-defined]
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(("support.", "client.", "compliance.", "operator."))
    }
    clients = {n: r for n, r in found.items() if n.startswith("client.") and r != ADMIN}
    assert clients == dict.fromkeys(WATCHED, WATCH)
    assert {n: r for n, r in found.items() if n.startswith("operator.") and r != OPERATE} == {}
    compliance = {n: r for n, r in found.items() if n.startswith("compliance.") and r != EXAMINE}
    assert compliance == OFFICERS
    ours = {name.removeprefix("support."): r for name, r in found.items() if "support." in name}
    assert ours == SUPPORT


@pytest.mark.parametrize("role", list(Role))
def test_the_wrong_role_is_refused(http: FlaskClient, session: PortalSession, role: Role):
    client = make_client(session)
    staff = make_staff(session, role, *([] if role is Role.OPERATOR else [client]))
    enter(http, session, staff)
    wrong = "/support" if role in WATCH else "/client"
    assert http.get(wrong).status_code == 403


def test_another_clients_account_is_as_if_absent(http: FlaskClient, session: PortalSession):
    mine, other = make_client(session), make_client(session)
    theirs = make_account(session, make_debtor(session, other, last_name="Hidden"))
    make_policy(session, mine)
    enter(http, session, make_staff(session, Role.AGENT, mine))
    assert http.get(f"/support/accounts/{theirs.id}").status_code == 404
    assert http.get(f"/support/accounts/{theirs.id}/link").status_code == 404
    assert "No account was found" in said(http.get("/support", query_string={"q": "Dana"}))
    tried = said(http.get("/your-sign-in"))
    assert "support.account" in tried
    assert str(theirs.id) not in tried


def test_who_is_not_logged_in_is_sent_to_the_door_and_back(
    http: FlaskClient, session: PortalSession
):
    staff = make_staff(session, Role.AGENT, make_client(session))
    asked = http.get("/support/queues/proposals")
    assert asked.status_code == 303
    answer = log_in(http, staff, asked.headers["Location"])
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/support/queues/proposals"


@pytest.mark.parametrize(
    "asked", ["/support/%0d%0aSet-Cookie:%20a=b", "//evil.example", "/support\\evil", "https://a.b"]
)
def test_the_way_on_is_a_page_of_ours(http: FlaskClient, session: PortalSession, asked: str):
    staff = make_staff(session, Role.AGENT, make_client(session))
    answer = log_in(http, staff, f"/log-in?next={asked}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/support")


@pytest.mark.parametrize("how", ["idle", "old", "ended", "disabled"])
def test_a_log_in_that_is_over_opens_nothing(
    http: FlaskClient, session: PortalSession, clock: SetClock, how: str
):
    staff = make_staff(session, Role.AGENT, make_client(session))
    enter(http, session, staff)
    assert http.get("/support").status_code == 200
    if how == "idle":
        clock.advance(timedelta(minutes=31))
    elif how == "old":
        for _ in range(25):
            clock.advance(timedelta(minutes=29))
            http.get("/support")
    elif how == "ended":
        row = session.query(StaffSession).filter_by(staff_id=staff.id).one()
        row.ended_at = clock.now()
    else:
        with acting_as("portal_owner", session):
            staff.disabled_at = clock.now()
    session.flush()
    assert http.get("/support").status_code == 303
