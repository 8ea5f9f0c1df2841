"""Staff call a debtor: whether they may, the number, and how it went (CT-06)."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.models import Account, CallAttempt, Client, Contact, HelpRequest, HelpStatus, Role
from portal.services.call_me import TOPIC
from tests.factories import NOW, make_account, make_client, make_contact, make_debtor
from tests.pages.reading import heard, said, tree
from tests.pages.staff import enter, make_staff
from tests.pages.test_support import act

PHONE = "+15185550142"


@pytest.fixture
def account(session: PortalSession) -> Account:
    debtor = make_debtor(session, make_client(session))
    make_contact(session, debtor, channel="sms", address=PHONE)
    return make_account(session, debtor)


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, account: Account) -> FlaskClient:
    client = session.get_one(Client, account.client_id)
    return enter(http, session, make_staff(session, Role.AGENT, client))


def begin(http: FlaskClient, session: PortalSession, account: Account) -> str:
    """Press the button for the number on file; the path of the page that follows."""
    set_tenant(session, account.client_id)
    contact = session.scalars(select(Contact.id).where(Contact.address == PHONE)).one()
    page = f"/support/accounts/{account.id}/call"
    assert act(http, page, page, number=str(contact)) == 303
    set_tenant(session, account.client_id)
    newest = select(CallAttempt.id).order_by(CallAttempt.id.desc()).limit(1)
    return f"/support/call-attempts/{session.scalars(newest).one()}"


def test_ct_06_the_number_is_shown_after_the_page_said_that_it_may_be_called(
    sam: FlaskClient, session: PortalSession, account: Account
):
    page = f"/support/accounts/{account.id}/call"
    asked = sam.get(page)
    assert "You may call now" in heard(asked)
    assert PHONE not in asked.get_data(as_text=True)
    assert tree(asked).find(".//input[@name='number'][@checked]") is not None, (
        "the only number is chosen"
    )
    made = begin(sam, session, account)
    assert f'href="tel:{PHONE}"' in sam.get(made).get_data(as_text=True)
    assert act(sam, made, made, outcome="conversation", note="") == 422
    assert act(sam, made, made, outcome="conversation", note="She pays on Friday.") == 303
    assert PHONE not in sam.get(made).get_data(as_text=True)
    again = sam.get(page)
    assert "We called often enough about this account lately. (CT-06)" in heard(again)
    assert "Not before" in heard(again)
    assert "Show the number" not in heard(again)
    found = heard(sam.get(f"/support/accounts/{account.id}"))
    assert "Spoke with the debtor" in found
    assert "“She pays on Friday.”" in found


def test_ct_06_only_a_supervisor_is_asked_for_a_reason_past_the_limits(
    http: FlaskClient, session: PortalSession, account: Account, sam: FlaskClient
):
    page = f"/support/accounts/{account.id}"
    assert act(sam, page, f"{page}/called-us", note="She asked for a plan.") == 303
    set_tenant(session, account.client_id)
    contact = session.scalars(select(Contact.id).where(Contact.address == PHONE)).one()
    assert act(sam, page, f"{page}/call", number=str(contact), reason="I want to.") == 422
    client = session.get_one(Client, account.client_id)
    enter(http, session, make_staff(session, Role.SUPERVISOR, client))
    assert "Past the limits you decide" in heard(http.get(f"{page}/call"))
    assert act(http, page, f"{page}/call", number=str(contact), reason="") == 422
    assert act(http, page, f"{page}/call", number=str(contact), reason="She called back") == 303
    assert "A supervisor allowed it. “She called back”" in heard(http.get(page))


def test_ct_06_the_list_of_calls_leads_to_the_call_and_hides_the_number(
    sam: FlaskClient, session: PortalSession, account: Account
):
    request = HelpRequest(
        client_id=account.client_id,
        account_id=account.id,
        reference="HR-CALL-ME",
        topic=TOPIC,
        status=HelpStatus.OPENED,
        answers={"phone": "+15185550199", "part_of_day": "morning"},
        locale="en",
        opened_at=NOW,
        promised_on=NOW.date(),
    )
    session.add(request)
    session.flush()
    desk = sam.get("/support/queues/calls")
    assert "+15185550199" not in desk.get_data(as_text=True)
    assert f"/support/accounts/{account.id}/call" in desk.get_data(as_text=True)
    page = heard(sam.get(f"/support/accounts/{account.id}/call"))
    assert "The debtor asked for this call, so it does not count." in page
    assert "asked to be called: HR-CALL-ME" in said(sam.get(f"/support/accounts/{account.id}/call"))
