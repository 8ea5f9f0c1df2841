"""A client sees what a draft would change before anybody is offered it."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.domain.policy import Band, Tier, canonical_bytes, from_bytes
from portal.gateways.clock import SetClock
from portal.models import Account, PolicyDraft, Rehearsal, Role
from portal.services import drafts, rehearsals
from tests.databases import acting_as
from tests.factories import NOW, make_account, make_client, make_debtor, make_policy, make_visit
from tests.pages.debtors import csrf_of
from tests.pages.reading import heard, said, tree
from tests.pages.staff import enter, make_staff


@pytest.fixture
def account(http: FlaskClient, session: PortalSession, clock: SetClock) -> Account:
    """Cleo, logged in, whose draft offers settlements from $1,000 on only, and Dana's account."""
    client = make_client(session)
    live = make_policy(session, client)
    account = make_account(
        session, make_debtor(session, client), balance_cents=500_00, reference="=NG-1"
    )
    make_visit(session, account)
    bands = (Band(to_balance_cents=1_000_00), Band(1_000_00, tiers=(Tier(70_00), Tier(80_00, 3))))
    cleo = make_staff(session, Role.CLIENT_ADMIN, client)
    draft = replace(live.policy, bands=bands, paying_part_may_cost_more=True)
    clock.at = NOW + timedelta(hours=1)
    written = drafts.Written({}, draft, 1)
    drafts.save_draft(session, client.id, written, revision=0, staff=cleo, now=clock.now())
    enter(http, session, cleo)
    return account


def begin(http: FlaskClient) -> str:
    """Press the button on the draft; the address of the rehearsal's page."""
    token = csrf_of(http.get("/client/offers/draft"))
    sent = http.post("/client/offers/rehearse", data={"csrf_token": token})
    assert sent.status_code == 303
    return sent.location


def finish(session: PortalSession, account: Account, clock: SetClock) -> Rehearsal:
    """Let a worker count the accounts."""
    set_tenant(session, account.client_id)
    found = session.scalars(select(Rehearsal)).one()
    with acting_as("portal_worker", session):
        rehearsals.run_batch(session, found.client_id, found.id, now=clock.now())
    session.flush()
    return found


def test_a_rehearsal_is_watched_and_read_without_a_script(
    http: FlaskClient, session: PortalSession, account: Account, clock: SetClock
):
    path = begin(http)
    page = http.get(path)
    assert page.headers["Refresh"] == "5"
    assert tree(page).find(".//progress") is not None
    assert "It begins soon." in said(page)
    assert begin(http) == path, "the button leads to the one that runs"
    finish(session, account, clock)
    page = http.get(path)
    assert "Refresh" not in page.headers
    words = heard(page)
    assert "1 of 1 accounts loses something that it is offered today." in words
    assert "Loses something $350.00 none $25.00 $25.00 yes" in words
    assert "We assume that 10% settle." in words
    assert "We assume that 25% settle." in heard(http.get(f"{path}?take_up=25"))
    assert http.get(f"{path}?take_up=-9999999999999999").status_code == 200
    drawn = [one for one in tree(page).iter() if one.tag.endswith("}rect")]
    assert len(drawn) == 8
    links = [link.get("href") for link in tree(page).iter("a")]
    assert f"/client/accounts/{account.id}" in links


def test_every_change_is_in_the_file_and_none_of_it_is_a_formula(
    http: FlaskClient, session: PortalSession, account: Account, clock: SetClock
):
    path = begin(http)
    finish(session, account, clock)
    file = http.get(f"{path}/changes.csv")
    (row,) = csv.DictReader(io.StringIO(file.get_data(as_text=True).removeprefix("\ufeff")))
    assert row == {
        "reference": "'=NG-1",
        "change": "worse",
        "settlement_before": "350.00",
        "settlement_after": "",
        "plan_smallest_payment_before": "25.00",
        "plan_smallest_payment_after": "25.00",
        "offers_before": "plan from $25.00 in up to 20 payments; settlement of $400.00 in up to 3"
        " payments; settlement of $350.00 at once; all of it, $500.00",
        "offers_after": "plan from $25.00 in up to 20 payments; all of it, $500.00",
        "seen": "yes",
    }


def test_a_rehearsal_is_of_its_own_client_alone(
    http: FlaskClient, session: PortalSession, app: Flask, account: Account
):
    path = begin(http)
    other = make_client(session, slug="harbor")
    theirs = enter(app.test_client(), session, make_staff(session, Role.CLIENT_ADMIN, other))
    assert theirs.get(path).status_code == 404
    assert theirs.get(f"{path}/changes.csv").status_code == 404
    assert theirs.post("/client/offers/rehearse").status_code in (303, 400)


def test_a_draft_with_a_gap_is_not_rehearsed_and_says_why(
    http: FlaskClient, session: PortalSession, account: Account, clock: SetClock
):
    set_tenant(session, account.client_id)
    kept = session.scalars(select(PolicyDraft)).one()
    document = replace(from_bytes(kept.document), bands=(Band(1_000_00, tiers=(Tier(70_00),)),))
    kept.document = canonical_bytes(document).decode()
    session.flush()
    assert begin(http) == "/client/offers/draft"
    assert "These limits cannot be published:" in said(http.get("/client/offers/draft"))
