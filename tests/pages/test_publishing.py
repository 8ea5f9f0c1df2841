"""The draft of limits as two people see it: kept as typed, compared, sent back, approved."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.gateways.clock import SetClock
from portal.models import Account, Client, OfferPolicy, Rehearsal, Role
from portal.services import rehearsals
from tests.databases import acting_as
from tests.pages.cleo import cleo, make_book, typed_on
from tests.pages.debtors import csrf_of
from tests.pages.reading import heard, said
from tests.pages.staff import enter, make_staff

EDIT, DRAFT = "/client/offers/edit", "/client/offers/draft"


@pytest.fixture
def account(http: FlaskClient, session: PortalSession) -> Account:
    """An account of the client whose admin Cleo is logged in."""
    account = make_book(session)
    cleo(http, session, account)
    return account


@pytest.fixture
def carl(app: Flask, session: PortalSession, account: Account) -> FlaskClient:
    """The browser of another admin of the same client."""
    client = session.get_one(Client, account.client_id)
    other = make_staff(session, Role.CLIENT_ADMIN, client, name="Carl Nunez")
    return enter(app.test_client(), session, other)


def press(http: FlaskClient, path: str, **typed: str) -> object:
    """Press a button of the draft's page."""
    page = http.get(DRAFT)
    sent = {"csrf_token": csrf_of(page), "revision": "1"} | typed
    return http.post(path, data=sent, follow_redirects=True)


def write(http: FlaskClient, **typed: str) -> object:
    return http.post(EDIT, data=typed_on(http.get(EDIT)) | typed)


def rehearse(http: FlaskClient, session: PortalSession, account: Account, clock: SetClock) -> None:
    press(http, "/client/offers/rehearse")
    set_tenant(session, account.client_id)
    found = session.scalars(select(Rehearsal).order_by(Rehearsal.started_at.desc())).first()
    assert found is not None
    with acting_as("portal_worker", session):
        rehearsals.run_batch(session, found.client_id, found.id, now=clock.now())


def test_what_one_writes_and_rehearses_another_approves(
    http: FlaskClient,
    session: PortalSession,
    account: Account,
    carl: FlaskClient,
    clock: SetClock,
):
    """PY-01"""
    write(http, plan_minimum="40")
    assert "Carl Nunez" not in said(http.get(DRAFT))
    rehearse(http, session, account, clock)
    assert "Now somebody who wrote none of it must approve it: Carl Nunez." in said(http.get(DRAFT))
    refused = press(http, "/client/offers/draft/approve")
    assert "You wrote some of these limits, so somebody else must approve them." in said(refused)
    assert "Saved by Sam Client Admin" in said(carl.get("/client/offers"))
    done = press(carl, "/client/offers/draft/approve")
    assert "In force: version 2" in heard(done)
    assert session.scalars(select(OfferPolicy.version)).all() == [1, 2]
    again = carl.get("/client/offers/versions/1")
    token = {"csrf_token": csrf_of(again)}
    page = carl.post("/client/offers/versions/1/again", data=token, follow_redirects=True)
    assert "It brings back version 1." in said(page)
    assert "Smallest payment of a plan changed $40.00 $25.00" in heard(page)


def test_a_draft_with_nonsense_in_it_opens_as_it_was_typed(http: FlaskClient, account: Account):
    page = write(http, plan_minimum="a lot")
    assert page.status_code == 422
    assert "Kept as you typed it." in said(page)
    assert "cannot be published yet" in said(http.get(DRAFT))
    again = http.get(EDIT)
    assert typed_on(again)["plan_minimum"] == "a lot"
    assert "Write the amount with digits" in said(again)
    mended = write(http, plan_minimum="40")
    assert mended.status_code == 303
    assert "$40.00" in said(http.get(DRAFT))


def test_the_second_of_two_editors_sees_both_and_decides(
    http: FlaskClient, account: Account, carl: FlaskClient
):
    opened = typed_on(carl.get(EDIT))
    write(http, plan_months="18")
    both = carl.post(EDIT, data=opened | {"plan_minimum": "40"})
    assert both.status_code == 409
    words = heard(both)
    assert "Sam Client Admin saved the draft" in words
    assert "Longest plan changed 18 months 24 months" in words
    assert "Smallest payment of a plan changed $25.00 $40.00" in words
    kept = carl.post(EDIT, data=opened | {"plan_minimum": "40", "revision": "1"})
    assert kept.status_code == 303
    mine = typed_on(http.get(EDIT))
    assert (mine["plan_minimum"], mine["plan_months"]) == ("40", "24")
    garbled = carl.post(EDIT, data=opened | {"plan_minimum": "?", "rows-0-share": "75"})
    words = heard(garbled)
    assert "Pays: 70%; Payments at most: 1; Offer stands, days: 30 Pays: 75; " in words
    assert "Smallest payment of a plan changed 40 ?" in words


def test_the_second_person_sends_a_draft_back_with_words(
    http: FlaskClient,
    session: PortalSession,
    account: Account,
    carl: FlaskClient,
    clock: SetClock,
):
    write(http, plan_minimum="40")
    rehearse(http, session, account, clock)
    silent = press(carl, "/client/offers/draft/send-back", note=" ")
    assert "Write what should be changed." in said(silent)
    press(carl, "/client/offers/draft/send-back", note="Too hard on old debts.")
    assert "Carl Nunez sent this back: Too hard on old debts." in heard(http.get(DRAFT))
    stale = press(http, "/client/offers/discard", revision="7")
    assert "This draft was changed while you worked on it." in said(stale)
    assert "Nothing changed." in said(press(http, "/client/offers/discard"))
