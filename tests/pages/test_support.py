"""The support console: find an account, see what happened, help."""

from flask.testing import FlaskClient

from portal.db import PortalSession
from portal.models import Role
from tests.factories import make_account, make_client, make_contact, make_debtor, make_policy
from tests.pages.reading import said
from tests.pages.staff import enter, make_staff


def test_an_agent_finds_and_opens_an_account(http: FlaskClient, session: PortalSession):
    client = make_client(session)
    make_policy(session, client)
    debtor = make_debtor(session, client)
    make_contact(session, debtor)
    account = make_account(session, debtor)
    enter(http, session, make_staff(session, Role.AGENT, client))
    found = http.get("/support", query_string={"q": "reyes"})
    assert account.reference in said(found)
    assert "Reyes" not in said(found)
    page = http.get(f"/support/accounts/{account.id}")
    assert page.status_code == 200
    assert "$1,240.00" in said(page)
