"""What a page costs the database: the visit, and all that the page shows; nothing is written."""

import pytest
from flask.testing import FlaskClient

from portal.db import PortalSession
from tests.pages.agreeing import accept, choose_plan, link, path
from tests.pages.debtors import Dana
from tests.statements import statements

WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE")


def asked(http: FlaskClient, session: PortalSession, address: str) -> list[str]:
    """The SELECTs from tables behind a page; refuses a page that writes."""
    session.expire_all()
    with statements() as seen:
        assert http.get(address).status_code == 200
    assert not [one for one in seen if one.startswith(WRITES) or "FOR UPDATE" in one]
    return [one for one in seen if one.startswith("SELECT") and " FROM " in one]


@pytest.mark.parametrize("page", ["", "/plan", "/part", "/settle"])
def test_a_page_costs_the_visit_and_one_select(
    http: FlaskClient, session: PortalSession, dana: Dana, page: str
):
    assert len(asked(http, session, path(dana) + page)) <= 2


def test_a_review_help_and_the_history_cost_one_select_more(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    to = link(http.get(path(dana)), "Pay it all today")
    for page in (to, f"{path(dana)}/help", f"{path(dana)}/history"):
        assert len(asked(http, session, page)) <= 3


def test_what_was_agreed_costs_no_more(http: FlaskClient, session: PortalSession, dana: Dana):
    accept(http, dana, choose_plan(http, dana, method="manual"))
    for page in ("", "/arrangement", "/agreement"):
        assert len(asked(http, session, path(dana) + page)) <= 2
