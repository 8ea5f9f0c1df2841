"""The draft of limits as two people see it: kept as typed, compared, sent back, approved."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.gateways.clock import SetClock
from portal.models import Account, Client, OfferPolicy, Rehearsal, Role
from portal.services import rehearsals
from portal.services.policies import Release, live_policy, publish_policy
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


def owner_of(session: PortalSession, account: Account) -> Client:
    set_tenant(session, account.client_id)
    return session.get_one(Client, account.client_id)


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


def test_rows_that_move_are_paired_by_whom_they_are_for_and_said_in_words(
    http: FlaskClient, account: Account, carl: FlaskClient
):
    opened = typed_on(carl.get(EDIT))
    old = {name: value for name, value in opened.items() if name.startswith("rows-")}
    above = {"rows-0-who": "", "rows-0-until": "100", "rows-0-share": "none", "rows-1-since": "100"}
    moved = {f"rows-{int(name[5]) + 1}{name[6:]}": value for name, value in old.items()}
    kept = {name: value for name, value in opened.items() if name not in old}
    write(http, plan_minimum="?")
    both = carl.post(EDIT, data={**kept, **moved, **above, "plan_months": "x", "revision": "0"})
    words = heard(both)
    assert both.status_code == 409
    assert "Longest plan, in months changed 24 x" in words
    assert "Settlement, up to $99.99 changed Pays: none" in words
    assert "Settlement, $100.00 or more changed Pays: 70%; " in words
    assert "=" not in words


def test_a_draft_that_breaks_a_rule_says_in_its_preview_what_is_wrong(
    http: FlaskClient, account: Account
):
    write(http, plan_minimum="a lot")
    for path in ("/client/offers/preview?of=draft", DRAFT):
        assert "Smallest payment of a plan: Write the amount with digits" in heard(http.get(path))
    gap = {"plan_minimum": "40", "rows-0-since": "100"}
    write(http, **gap)
    preview = http.get("/client/offers/preview?of=draft")
    assert "Settlements: A balance of $0.01, 0 days after default, is in no band." in heard(preview)


def test_where_both_wrote_the_page_says_how_one_of_them_can_approve(
    http: FlaskClient,
    session: PortalSession,
    account: Account,
    carl: FlaskClient,
    clock: SetClock,
):
    """PY-01"""
    write(http, plan_minimum="40")
    write(carl, plan_months="18")
    words = said(carl.get(DRAFT))
    assert "Written by Sam Client Admin, Carl Nunez." in words
    assert "so nobody is left to approve it" in words
    back = press(carl, "/client/offers/draft/put-back", revision="2")
    assert "The draft is again as one person alone wrote it." in said(back)
    rehearse(http, session, account, clock)
    assert "In force: version 2" in heard(press(carl, "/client/offers/draft/approve", revision="3"))


def test_an_old_rehearsal_is_told_and_run_again(
    http: FlaskClient,
    session: PortalSession,
    account: Account,
    carl: FlaskClient,
    clock: SetClock,
):
    write(http, plan_minimum="40")
    rehearse(http, session, account, clock)
    assert "Approve these limits" in said(carl.get(DRAFT))
    clock.at += timedelta(days=8)
    enter(carl, session, make_staff(session, Role.CLIENT_ADMIN, owner_of(session, account)))
    old = said(carl.get(DRAFT))
    assert "This rehearsal is more than 7 days old." in old
    assert "Approve these limits" not in old
    refused = press(carl, "/client/offers/draft/approve")
    assert "The rehearsal of these limits is more than 7 days old." in said(refused)
    rehearse(carl, session, account, clock)
    assert "Approve these limits" in said(carl.get(DRAFT))


def test_a_first_day_in_the_past_is_told_at_its_field_and_on_the_draft(
    http: FlaskClient, account: Account, clock: SetClock
):
    past = str(clock.now().date() - timedelta(days=30))
    checked = http.post(EDIT, data=typed_on(http.get(EDIT)) | {"from_on": past, "check": "1"})
    assert "This day has come already" in said(checked)
    write(http, from_on=past)
    assert "This day has come already" in said(http.get(EDIT))


def test_every_planned_version_is_listed_with_its_day_and_what_comes_after(
    http: FlaskClient, session: PortalSession, account: Account, clock: SetClock
):
    at, client = clock.now(), owner_of(session, account)
    limits = live_policy(session, client.id, at).policy
    for days in (10, 20, 15):
        release = Release(live_from=at + timedelta(days=days))
        publish_policy(session, client.id, limits, by=None, now=at, release=release)
    words = heard(http.get("/client/offers"))
    planned = words[words.index("Planned versions") : words.index("In force: version 1")]
    assert "Version 4, from" in planned
    assert "Version 4 takes its place before it begins." in planned
    assert "Nothing is planned yet." in planned
