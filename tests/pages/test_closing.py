"""CT-08: a supervisor sends the one notice after a stop from the account's page."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.domain.holds import HoldKind
from portal.gateways.clock import SetClock
from portal.models import Account, Client, Message, Role
from portal.services.evidence import SYSTEM
from portal.services.standing import set_hold
from tests.factories import make_account, make_client, make_debtor
from tests.pages.reading import heard
from tests.pages.staff import enter, make_staff
from tests.pages.test_support import act


@pytest.fixture
def account(session: PortalSession) -> Account:
    return make_account(session, make_debtor(session, make_client(session)))


def test_ct_08_a_supervisor_chooses_one_of_two_wordings_and_there_is_no_second_notice(
    http: FlaskClient, session: PortalSession, account: Account, clock: SetClock
):
    client = session.get_one(Client, account.client_id)
    enter(http, session, make_staff(session, Role.SUPERVISOR, client))
    page, name = f"/support/accounts/{account.id}", "Send the closing notice"
    notice = f"{page}/closing-notice"
    assert name not in heard(http.get(page))
    assert act(http, notice, notice, wording="ends", channel="letter") == 422
    set_tenant(session, account.client_id)
    set_hold(session, account, HoldKind.CEASE_ALL, source="staff", actor=SYSTEM, now=clock.now())
    session.commit()
    assert name in heard(http.get(page))
    form = http.get(notice).get_data(as_text=True)
    assert "<textarea" not in form
    assert 'type="text"' not in form
    assert act(http, notice, notice, wording="demand", channel="letter") == 422
    assert act(http, notice, notice, wording="remedy", channel="letter") == 303
    set_tenant(session, account.client_id)
    message = session.scalars(select(Message)).one()
    assert (message.template, message.channel, message.status) == (
        "closing_notice",
        "letter",
        "queued",
    )
    assert act(http, notice, notice, wording="ends", channel="letter") == 422
    enter(http, session, make_staff(session, Role.AGENT, client))
    assert name not in heard(http.get(page))
    assert http.get(notice).status_code == 403
