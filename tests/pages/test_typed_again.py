"""Words typed into forms of a page that shows several: they survive an ended log-in too."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.db import PortalSession, set_tenant
from portal.domain.money import Cents
from portal.domain.proposals import Proposal as Suggestion
from portal.domain.statuses import ProposalStatus
from portal.gateways.clock import SetClock
from portal.models import Campaign, Proposal, Role, ThreadEntry
from portal.services.proposals import Wish, submit
from tests.factories import (
    NOW,
    TODAY,
    make_account,
    make_client,
    make_debtor,
    make_policy,
    make_visit,
)
from tests.pages.debtors import csrf_of, send
from tests.pages.houses import make_house
from tests.pages.reading import said
from tests.pages.staff import PASSWORD, enter, log_in, make_staff
from tests.pages.test_held_forms import carry_on
from tests.pages.test_meanwhile import hidden


class Desk:
    """A supervisor who writes, goes away for an hour, and sends."""

    def __init__(self, http: FlaskClient, session: PortalSession, clock: SetClock) -> None:
        client = make_client(session)
        make_policy(session, client)
        self.http, self.session, self.clock = http, session, clock
        self.account = make_account(session, make_debtor(session, client))
        self.sue = make_staff(session, Role.SUPERVISOR, client)
        self.agent = make_staff(session, Role.AGENT, client)
        self.page = f"/support/accounts/{self.account.id}"

    def proposal(self) -> Proposal:
        wish = Suggestion(first_on=TODAY + timedelta(days=8), amount_cents=Cents(4_000))
        visit = make_visit(self.session, self.account)
        found = submit(self.session, self.account, Wish(wish), visit=visit, now=NOW)
        self.session.commit()
        return found

    def late(self, to: str, given: dict[str, str]) -> str:
        """Where the page is that has what was sent an hour after it was written."""
        self.clock.advance(timedelta(hours=1))
        closed = self.http.post(to, data=given)
        assert closed.status_code == 403
        return log_in(self.http, self.sue, carry_on(closed)).headers["Location"]

    def back_from(self, page: str, to: str, typed: dict[str, str]) -> str:
        enter(self.http, self.session, self.sue)
        given = {"csrf_token": csrf_of(self.http.get(page)), **typed}
        answer = self.http.get(self.late(to, given))
        assert answer.status_code == 200
        assert "It has NOT been sent yet" in said(answer)
        return answer.get_data(as_text=True)


@pytest.fixture
def desk(http: FlaskClient, session: PortalSession, clock: SetClock) -> Desk:
    return Desk(http, session, clock)


def test_a_reply_to_a_debtor_is_there_again(desk: Desk, session: PortalSession):
    words = "The check from May came in, and we count it."
    assert words in desk.back_from(desk.page, f"{desk.page}/reply", {"body": words})
    assert session.query(ThreadEntry).count() == 0


def test_a_note_is_there_again(desk: Desk):
    words = "Her sister called about the letter from May."
    assert words in desk.back_from(f"{desk.page}/note", f"{desk.page}/note", {"note": words})


def test_a_reason_to_see_personal_data_is_there_again(desk: Desk):
    words = "She calls about a letter"
    assert f'value="{words}"' in desk.back_from(desk.page, f"{desk.page}/reveal", {"reason": words})


@pytest.mark.parametrize(
    ("way", "typed", "there"),
    [
        (
            "decline",
            {"reason": "too_long", "more": "Ask again in May."},
            ['value="Ask again in May."', '<option value="too_long" selected>'],
        ),
        ("accept", {"days": "30"}, ['<option value="30" selected>']),
        (
            "counter",
            {
                **{"total": "911.11", "amount": "77.77", "frequency": "weekly", "until": "7"},
                **{"first_on-year": "2026", "first_on-month": "12", "first_on-day": "24"},
            },
            ['value="911.11"', 'value="77.77"', '<option value="weekly" selected>', 'value="24"'],
        ),
    ],
)
def test_an_answer_to_a_proposal_is_there_again(
    desk: Desk, way: str, typed: dict[str, str], there: list[str]
):
    found = desk.proposal()
    page = f"/support/proposals/{found.id}"
    shown = desk.back_from(page, f"{page}/{way}", typed)
    assert [one for one in there if one not in shown] == []
    set_tenant(desk.session, desk.account.client_id)
    desk.session.refresh(found)
    assert found.status is ProposalStatus.SUBMITTED


def test_an_answer_that_nobody_typed_leads_to_the_proposal(desk: Desk):
    page = f"/support/proposals/{desk.proposal().id}"
    enter(desk.http, desk.session, desk.sue)
    for way in ("accept", "counter", "offer", "decline"):
        assert desk.http.get(f"{page}/{way}").headers["Location"] == page


def test_a_button_that_needs_a_proof_leads_back_to_the_page_it_stands_on(
    http: FlaskClient, session: PortalSession, clock: SetClock
):
    house = make_house(session)
    enter(http, session, make_staff(session, Role.SUPERVISOR, house.client))
    page = f"/support/resend/{house.names['support.begin_resending.campaign_id']}"
    token = csrf_of(http.get(page))
    clock.advance(timedelta(minutes=5))
    referrer = {"Referer": f"http://localhost{page}"}
    given = {"csrf_token": token}
    asked = http.post(f"{page}/begin", data=given, headers=referrer).headers["Location"]
    assert send(http, asked, {"proof": PASSWORD}).headers["Location"] == page
    set_tenant(session, house.client.id)
    assert session.query(Campaign).filter(Campaign.status != "draft").count() == 0
    assert http.post(f"{page}/begin", data=given).headers["Location"] == page
    set_tenant(session, house.client.id)
    assert session.query(Campaign).filter(Campaign.status != "draft").count() == 1


def test_a_form_that_was_kept_knows_what_its_page_had_told(desk: Desk, app: Flask):
    """Two agents act at once: the second is told who did what, a log-in in between or not."""
    enter(desk.http, desk.session, desk.sue)
    given = hidden(desk.http.get(desk.page)) | {"body": "We count it."}
    colleague = enter(app.test_client(), desk.session, desk.agent)
    first = hidden(colleague.get(desk.page)) | {"body": "I was first."}
    assert colleague.post(f"{desk.page}/reply", data=first).status_code == 303
    back = desk.late(f"{desk.page}/reply", given)
    kept = hidden(desk.http.get(back)) | {"body": "We count it."}
    refused = desk.http.post(f"{desk.page}/reply", data=kept)
    assert refused.status_code == 422
    assert desk.agent.name in said(refused)
    assert "We count it." in refused.get_data(as_text=True)
