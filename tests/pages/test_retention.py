"""How long records are kept: compliance lists, asks, approves, holds, and reads what was erased."""

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.gateways.clock import SetClock
from portal.models import Account, BatchStatus, Client, ErasureBatch, LegalHold, Role, Staff
from portal.services import erasing, evidence
from portal.services.threads import post_entry
from portal.services.verify import verify_client
from tests.databases import acting_as
from tests.factories import make_account, make_client, make_debtor
from tests.pages.agreeing import form
from tests.pages.debtors import come_in, csrf_of, make_visitor
from tests.pages.reading import heard
from tests.pages.staff import enter, make_staff

LONG_AGO = datetime(2016, 3, 1, 12, 0, tzinfo=UTC)
HOLDS = "/compliance/legal-holds"


@pytest.fixture
def client(session: PortalSession) -> Client:
    return make_client(session)


@pytest.fixture
def old(session: PortalSession, client: Client) -> Account:
    """An account that was taken back ten years ago, after its debtor had written."""
    return taken_back(session, make_account(session, make_debtor(session, client), **AGO))


AGO = {"sol_expires_on": None, "placed_at": LONG_AGO}


def taken_back(session: PortalSession, account: Account) -> Account:
    post_entry(session, account, "I paid this.", now=LONG_AGO)
    account.status = account.status.RECALLED
    session.commit()
    return account


@pytest.fixture
def colin(session: PortalSession, client: Client) -> Staff:
    return make_staff(session, Role.COMPLIANCE, client, name="Colin")


def schedule(client: Client) -> str:
    return f"/compliance/retention/{client.id}"


def ask(http: FlaskClient, client: Client, reason: str = "Yearly clean-up") -> TestResponse:
    """Ask to have what the schedule lists today erased."""
    token = csrf_of(http.get(schedule(client)))
    return http.post(schedule(client), data={"csrf_token": token, "reason": reason})


def only_batch(session: PortalSession, client: Client) -> ErasureBatch:
    """The one that was asked for; the test's session shares the app's connection."""
    set_tenant(session, client.id)
    return session.scalars(select(ErasureBatch)).one()


def work(session: PortalSession, client: Client, clock: SetClock) -> ErasureBatch:
    """What the worker does with the one batch there is."""
    batch = only_batch(session, client)
    with acting_as("portal_worker", session):
        for one in erasing.waiting(session, client.id, batch.id):
            erasing.erase(session, client.id, one, now=clock.now())
        erasing.finish(session, client.id, batch.id, now=clock.now())
    session.commit()
    session.expire_all()
    return batch


def test_nobody_approves_what_they_asked_for(
    http: FlaskClient, session: PortalSession, client: Client, old: Account, colin: Staff
):
    """EV-07"""
    enter(http, session, colin)
    assert http.get("/compliance/retention").location == schedule(client)
    words = heard(http.get(schedule(client)))
    assert old.reference in words
    assert "3 years after the last collection activity (12 CFR 1006.100(a))" in words
    assert "Write the reason" in heard(ask(http, client, " "))
    assert ask(http, client).status_code == 303
    path = f"/compliance/erasures/{only_batch(session, client).id}"
    assert "somebody else must approve it" in heard(http.get(path))
    token = {"csrf_token": csrf_of(http.get(schedule(client)))}
    refused = http.post(path, data={**token, "approve": "yes"})
    assert (refused.status_code, "somebody else" in heard(refused)) == (422, True)


def test_what_was_approved_is_erased_and_every_page_says_so(
    http: FlaskClient, session: PortalSession, clock: SetClock, client: Client, old: Account
):
    """EV-07, RT-01"""
    colin, cora = (make_staff(session, Role.COMPLIANCE, client, name=name) for name in "ab")
    enter(http, session, colin)
    ask(http, client)
    enter(http, session, cora)
    path = f"/compliance/erasures/{only_batch(session, client).id}"
    page = http.get(path)
    assert "Yearly clean-up" in heard(page)
    assert http.post(path, data={**form(page), "approve": "yes"}).status_code == 303
    assert work(session, client, clock).status is BatchStatus.FINISHED
    words = heard(http.get(path))
    assert ("Approve" in words, "erased" in words) == (False, True)
    assert "No record here has passed its last day." in heard(http.get(schedule(client)))
    page = http.get(f"/support/accounts/{old.id}")
    assert "was erased, as the law allows" in heard(page)
    assert "What it said was erased." in heard(page)
    assert "I paid this." not in page.get_data(as_text=True)
    assert list(verify_client(session, client.id)) == []


def test_a_batch_is_declined_with_a_reason(
    http: FlaskClient, session: PortalSession, client: Client, old: Account, colin: Staff
):
    enter(http, session, colin)
    ask(http, client)
    enter(http, session, make_staff(session, Role.COMPLIANCE, client))
    batch = only_batch(session, client)
    path = f"/compliance/erasures/{batch.id}"
    page = http.get(path)
    assert http.post(path, data={**form(page), "reason": ""}).status_code == 422
    http.post(path, data={**form(page), "reason": "Not before the audit."})
    assert "Not before the audit." in heard(http.get(path))
    told = evidence.chain_leaves(session, client.id, client.chain_id)
    assert [one.type for one in told] == ["erasure.asked", "erasure.declined"]


def test_a_day_to_come_is_listed_and_not_erased(
    http: FlaskClient, session: PortalSession, client: Client, old: Account, colin: Staff
):
    old.sol_expires_on = datetime(2027, 5, 1, tzinfo=UTC).date()
    session.commit()
    enter(http, session, colin)
    assert "No record here has passed its last day." in heard(http.get(schedule(client)))
    later = heard(http.get(f"{schedule(client)}?day=2027-05-02"))
    assert "The limitation period of the debt" in later
    assert "Ask for erasure" not in later
    assert old.reference in heard(http.get(f"{schedule(client)}?limitation=no"))
    assert http.get(f"{schedule(client)}?day=soon&after=nobody").status_code == 200


def test_a_legal_hold_is_set_by_reference_and_lifted_with_a_reason(
    http: FlaskClient, session: PortalSession, client: Client, old: Account, colin: Staff
):
    enter(http, session, colin)
    typed = form(http.get(HOLDS)) | {"client": str(client.id), "matter": "Reyes v. Northgate"}
    wrong = http.post(HOLDS, data={**typed, "reference": "NG-0", "reason": "A court may ask."})
    assert (wrong.status_code, "There is no account NG-0 here" in heard(wrong)) == (422, True)
    typed |= {"reference": old.reference, "reason": "A court may ask."}
    assert http.post(HOLDS, data=typed).status_code == 303
    assert "Reyes v. Northgate" in heard(http.get(HOLDS))
    assert "legal hold" in heard(http.get(schedule(client)))
    set_tenant(session, client.id)
    hold = session.scalars(select(LegalHold)).one()
    lift = f"{HOLDS}/{hold.id}/lift"
    page = http.get(lift)
    assert http.post(lift, data={**form(page), "reason": ""}).status_code == 422
    http.post(lift, data={**form(page), "reason": "It was settled."})
    assert "It was settled." in heard(http.get(HOLDS))


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COMPLIANCE])
def test_nobody_but_compliance_sees_it(
    http: FlaskClient, session: PortalSession, client: Client, role: Role
):
    staff = make_staff(session, role, *([] if role is Role.OPERATOR else [client]))
    enter(http, session, staff)
    for path in ("/compliance/retention", schedule(client), HOLDS):
        assert http.get(path).status_code == 403


def test_another_client_s_schedule_is_not_found(
    http: FlaskClient, session: PortalSession, client: Client, colin: Staff
):
    other = make_client(session)
    session.commit()
    enter(http, session, colin)
    assert http.get(schedule(other)).status_code == 404


def test_the_debtor_of_another_account_reads_that_the_old_one_was_erased(
    http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock
):
    dana = make_visitor(session, settings, clock.now())
    old = taken_back(session, make_account(session, dana.debtor, **AGO))
    colin, cora = (make_staff(session, Role.COMPLIANCE, dana.client, name=n) for n in "ab")
    enter(http, session, colin)
    ask(http, dana.client)
    enter(http, session, cora)
    batch = only_batch(session, dana.client)
    page = http.get(f"/compliance/erasures/{batch.id}")
    http.post(f"/compliance/erasures/{batch.id}", data={**form(page), "approve": "yes"})
    work(session, dana.client, clock)
    assert old.erased_at is not None
    browser = http.application.test_client()
    come_in(browser, session, dana)
    for path in ("", "/history", "/messages", "/help"):
        found = browser.get(f"/account/{old.id}{path}")
        assert found.status_code == 200, path
    words = heard(browser.get(f"/account/{old.id}/history"))
    assert "was erased, because we do not have to keep it any more" in words
    assert "What it said was erased." in words
    assert "Dana" in dana.debtor.first_name
