"""Notes on an account: who reads them, what they begin with, and that they are never changed."""

import pytest
from flask.testing import FlaskClient

from portal.db import PortalSession, set_tenant
from portal.models import Account, Client, Leaf, Role
from portal.services import evidence
from portal.services.timeline.client import for_client
from portal.services.timeline.debtor import happened
from tests.factories import make_account, make_client, make_debtor, make_policy
from tests.pages.debtors import send
from tests.pages.reading import said
from tests.pages.staff import enter, make_staff

TEMPLATES = "/support/note-templates"


@pytest.fixture
def account(session: PortalSession) -> Account:
    client = make_client(session)
    make_policy(session, client)
    return make_account(session, make_debtor(session, client))


@pytest.fixture
def sue(http: FlaskClient, session: PortalSession, account: Account) -> FlaskClient:
    """A supervisor of the account's client."""
    client = session.get_one(Client, account.client_id)
    return enter(http, session, make_staff(session, Role.SUPERVISOR, client))


def test_a_note_is_on_the_record_and_read_by_staff_alone(
    sue: FlaskClient, session: PortalSession, account: Account
):
    page = f"/support/accounts/{account.id}"
    assert send(sue, f"{page}/note", {"note": "Her sister answers on Mondays."}).status_code == 303
    assert send(sue, f"{page}/note", {"note": "On Tuesdays, that is."}).status_code == 303
    shown = said(sue.get(page))
    assert "Her sister answers on Mondays." in shown, "a correction is another note"
    assert shown.index("On Tuesdays, that is.") < shown.index("Her sister answers on Mondays.")
    set_tenant(session, account.client_id)
    leaves = evidence.account_leaves(session, account)
    assert [one.payload["actor"]["kind"] for one in leaves if one.type == "note.written"] == [
        "staff",
        "staff",
    ]
    assert "sister" not in str([*happened(account, leaves, ()), *for_client(account, leaves)])


def test_a_template_is_filled_in_before_it_is_a_note(sue: FlaskClient, account: Account):
    page = f"/support/accounts/{account.id}/note"
    assert "____" in said(sue.get(f"{page}?from=promise"))
    left = send(sue, page, {"note": "Will pay ____ by Friday."})
    assert left.status_code == 422
    assert "Will pay ____ by Friday." in said(left), "what was typed stays"
    assert send(sue, page, {"note": ""}).status_code == 422
    assert send(sue, page, {"note": "Will pay $40 by Friday."}).status_code == 303


def test_a_supervisor_keeps_the_templates_of_a_client(
    sue: FlaskClient, session: PortalSession, account: Account
):
    mine = {
        "client": str(account.client_id),
        "title": "Shift work",
        "body": "Works nights until __",
    }
    assert send(sue, TEMPLATES, mine | {"title": ""}).status_code == 422
    assert send(sue, TEMPLATES, mine).status_code == 303
    page = f"/support/accounts/{account.id}/note"
    link = next(a for a in sue.get(page).text.split('href="') if "Shift work" in a).split('"')[0]
    assert "Works nights until __" in said(sue.get(link.replace("&amp;", "&")))
    (drop,) = [
        one.split('"')[0]
        for one in sue.get(TEMPLATES).text.split('action="')
        if "/drop" in one[:99]
    ]
    assert send(sue, TEMPLATES, {}).status_code == 422
    form = sue.get(TEMPLATES).text.split('name="csrf_token" value="')[1].split('"')[0]
    for _ in range(2):
        assert sue.post(drop, data={"csrf_token": form}).status_code == 303
    assert "Shift work" not in said(sue.get(page))
    set_tenant(session, account.client_id)
    kept = session.query(Leaf).filter(Leaf.type.like("client.note_template_%")).order_by(Leaf.n)
    assert [one.type.rpartition("_")[2] for one in kept] == ["kept", "dropped"]


def test_who_keeps_no_templates_writes_notes(
    http: FlaskClient, session: PortalSession, account: Account
):
    client = session.get_one(Client, account.client_id)
    enter(http, session, make_staff(session, Role.AGENT, client))
    assert http.get(TEMPLATES).status_code == 403
    assert http.get(f"/support/accounts/{account.id}/note").status_code == 200


@pytest.mark.parametrize("typed", ["\u200b", " \u200b\u2060\n"])
def test_a_note_of_marks_that_nobody_sees_is_none(
    sue: FlaskClient, session: PortalSession, account: Account, typed: str
):
    page = f"/support/accounts/{account.id}/note"
    assert send(sue, page, {"note": typed}).status_code == 422
    set_tenant(session, account.client_id)
    assert evidence.account_leaves(session, account) == []
