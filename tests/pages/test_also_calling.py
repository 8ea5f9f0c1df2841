"""Two agents on the line with one person: both are told, and neither is stopped."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.config import Settings
from portal.db import PortalSession
from portal.gateways.clock import SetClock
from portal.models import Role
from tests.factories import make_account
from tests.pages.debtors import Dana, make_visitor, send
from tests.pages.reading import said
from tests.pages.staff import enter, make_staff
from tests.pages.test_callers import END, LINE, page_of, pick_up

SAM, SOFIA = (
    "Sam Ortiz is on a call about this person",
    "Sofia Reyes is on a call about this person",
)


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    return make_visitor(session, settings, clock.now())


def hired(app: Flask, session: PortalSession, dana: Dana, name: str) -> FlaskClient:
    staff = make_staff(session, Role.AGENT, dana.client, name=name)
    return enter(app.test_client(), session, staff)


def test_who_is_second_on_the_line_is_told_before_and_both_afterwards(
    app: Flask, session: PortalSession, dana: Dana, clock: SetClock
):
    sam, sofia = (hired(app, session, dana, name) for name in ("Sam Ortiz", "Sofia Reyes"))
    account = page_of(dana)
    pick_up(sam, dana)
    assert "is on a call about this person" not in said(sam.get(LINE))
    for page in (account, f"{account}/caller", f"{account}/call"):
        assert SAM in said(sofia.get(page)), page
    pick_up(sofia, dana)
    for page in (LINE, account, "/support"):
        assert said(sofia.get(page)).count(SAM) == 1, page
        assert said(sam.get(page)).count(SOFIA) == 1, page
    ended = {"disposition": "cut_off", "note": ""}
    sent = send(sam, END, ended)
    assert sent.status_code == 303, said(sent)
    assert "is on a call about this person" not in said(sofia.get(LINE))


def test_a_call_about_another_account_of_the_person_is_told_until_it_is_over(
    app: Flask, session: PortalSession, dana: Dana, clock: SetClock
):
    sam, sofia = (hired(app, session, dana, name) for name in ("Sam Ortiz", "Sofia Reyes"))
    pick_up(sam, dana)
    other = make_account(session, dana.debtor)
    page = f"/support/accounts/{other.id}"
    assert SAM in said(sofia.get(page))
    clock.advance(timedelta(minutes=16))
    assert SAM not in said(sofia.get(page)), "it ran out"
