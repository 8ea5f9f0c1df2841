"""See what they see: the debtor's pages for staff, read-only, recorded, and told to the debtor."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from portal.blueprints.support.looking import PAGES
from portal.db import PortalSession, set_tenant
from portal.models import (
    AccessLink,
    AttemptCounter,
    DebtorSession,
    Leaf,
    LinkOpening,
    Payment,
    Role,
    ShownOffer,
)
from portal.services.evidence import account_leaves
from tests.factories import make_client, make_contact
from tests.pages.agreeing import accept, choose_plan, pay_at_stripe
from tests.pages.debtors import Dana
from tests.pages.reading import said, spaced, tree
from tests.pages.staff import enter, make_staff
from tests.pages.test_proposals import suggest
from tests.sandbox.checked import CheckedStripe

COUNTED = (AccessLink, AttemptCounter, DebtorSession, LinkOpening, Payment, ShownOffer)


@pytest.fixture
def sam(app: Flask, session: PortalSession, dana: Dana) -> FlaskClient:
    """An agent of Dana's client, at a browser of their own."""
    return enter(app.test_client(), session, make_staff(session, Role.AGENT, dana.client))


def look(http: FlaskClient, dana: Dana, page: str, status: int = 200) -> str:
    """What Sam reads of one of Dana's pages."""
    answer = http.get(f"/support/accounts/{dana.account.id}/as-debtor/{page}")
    assert answer.status_code == status, answer.get_data(as_text=True)
    return said(answer)


def banner(answer: TestResponse) -> str:
    """What stands above the page."""
    found = tree(answer).find(".//aside")
    assert found is not None
    return spaced(found)


def kinds(session: PortalSession, dana: Dana) -> list[str]:
    """The types of the account's leaves."""
    set_tenant(session, dana.client.id)
    return [leaf.type for leaf in account_leaves(session, dana.account)]


def test_each_page_is_the_debtors_own_under_a_banner(
    http: FlaskClient, sam: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
):
    suggest(http, session, dana)
    accept(http, dana, choose_plan(http, dana, method="manual"))
    http.get(pay_at_stripe(session, stripe))
    for page in PAGES:
        answer = sam.get(f"/support/accounts/{dana.account.id}/as-debtor/{page}")
        if page in ("accounts", "plan"):  # she has one account, and a plan that runs
            assert "/as-debtor/" in answer.headers["Location"]
            answer = sam.get(answer.headers["Location"])
        assert answer.status_code == (409 if page == "part" else 200), page
        assert "as the debtor sees it" in banner(answer)


@pytest.mark.parametrize("page", ["balance", "plan", "part", "messages", "preferences"])
def test_nothing_on_the_page_can_be_done(
    sam: FlaskClient, session: PortalSession, dana: Dana, page: str
):
    make_contact(session, dana.debtor)
    path = f"/support/accounts/{dana.account.id}/as-debtor/{page}"
    shown = tree(sam.get(path))
    assert not list(shown.iter("form"))
    controls = [
        one for kind in ("button", "input", "select", "textarea") for one in shown.iter(kind)
    ]
    assert all("disabled" in one.attrib for one in controls if one.get("id") != "stay")
    leads = {one.get("href", "") for one in shown.find(".//main").iter("a")}  # type: ignore[union-attr]
    assert all(to.startswith(("#", "/support/", "tel:", "mailto:")) for to in leads), leads
    assert sam.post(path).status_code == 405


def test_a_look_is_one_leaf_and_leaves_no_other_trace(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """D8: no visit, no link opened, no answer counted, and no offer shown."""

    def counted() -> list[int]:
        set_tenant(session, dana.client.id)
        return [session.scalar(select(func.count()).select_from(one)) or 0 for one in COUNTED]

    before, leaves = counted(), kinds(session, dana)
    answer = sam.get(f"/support/accounts/{dana.account.id}/as-debtor/balance")
    assert not [one for one in answer.headers.getlist("Set-Cookie") if "visit" in one]
    look(sam, dana, "balance")
    look(sam, dana, "plan")
    assert counted() == before
    assert kinds(session, dana) == [*leaves, "staff.looked", "staff.looked"]
    told = account_leaves(session, dana.account)[-1].payload
    assert (told["page"], told["actor"]["kind"]) == ("plan", "staff")


def test_the_debtor_reads_that_somebody_looked(
    http: FlaskClient, sam: FlaskClient, session: PortalSession, dana: Dana
):
    look(sam, dana, "messages")
    history = said(http.get(f"/account/{dana.account.id}/history"))
    assert "looked at one of your pages" in history
    assert "Sam" not in history


def test_the_page_is_in_the_debtors_language_and_the_banner_in_staffs(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """AX-04."""
    dana.debtor.language = "es"
    session.commit()
    answer = sam.get(f"/support/accounts/{dana.account.id}/as-debtor/balance")
    page = tree(answer)
    above = page.find(".//aside")
    assert above is not None
    assert (page.get("lang", "")[:2], above.get("lang", "")[:2]) == ("es", "en")
    assert "Nothing can be pressed" in banner(answer)
    assert "Usted debe" in said(answer)


def test_a_staff_session_opens_no_page_of_a_debtor(sam: FlaskClient, dana: Dana):
    look(sam, dana, "balance")
    assert sam.get(f"/account/{dana.account.id}").status_code == 403


def test_another_clients_account_and_an_unknown_page_are_not_there(
    app: Flask, sam: FlaskClient, session: PortalSession, dana: Dana
):
    look(sam, dana, "review", 404)
    other = make_staff(session, Role.SUPERVISOR, make_client(session))
    stranger = enter(app.test_client(), session, other)
    look(stranger, dana, "balance", 404)
    set_tenant(session, dana.client.id)
    assert session.scalar(select(func.count()).where(Leaf.type == "staff.looked")) == 0
