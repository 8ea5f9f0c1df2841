"""Answers of staff, and how they reach the debtor who asked."""

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import PortalSession, set_tenant
from portal.domain.money import Cents
from portal.domain.proposals import Proposal as Suggestion
from portal.domain.statuses import MessageStatus, ProposalStatus
from portal.models import Channel, Contact, HelpRequest, HelpStatus, Message, Proposal, Role
from portal.services.answered_texts import take_text
from portal.services.outbox import entry
from portal.services.proposals import Wish, submit
from portal.services.standing import holds_in_force
from tests.factories import NOW, TODAY, make_contact, make_visit
from tests.pages.agreeing import path
from tests.pages.debtors import Dana, csrf_of, send
from tests.pages.reading import heard, said, tree
from tests.pages.staff import enter, make_staff

SMS = "+15032260100"


@pytest.fixture
def sam(app: Flask, http: FlaskClient, session: PortalSession, dana: Dana) -> FlaskClient:
    """An agent of Dana's client, at a browser of their own."""
    return enter(app.test_client(), session, make_staff(session, Role.AGENT, dana.client))


def test_an_answer_reaches_the_debtors_page_and_a_message_says_that_it_waits(
    http: FlaskClient, sam: FlaskClient, session: PortalSession, dana: Dana
):
    asked = {"options": "amount", "details": "I paid $200 in June."}
    page = send(http, f"{path(dana)}/help/amount-wrong", asked, follow_redirects=True)
    assert "We have your message" in said(page)
    request = session.scalars(select(HelpRequest)).one()
    desk = f"/support/requests/{request.id}"
    assert request.reference in said(sam.get("/support/queues/disputes"))
    assert said(sam.get(desk)).count("I paid $200 in June.") == 1
    answer = {"body": "You did. It is corrected.", "hold": "lift", "reason": ""}
    assert "Write the reason." in said(send(sam, desk, answer))
    answer["reason"] = "Receipt seen"
    done = send(sam, desk, answer, follow_redirects=True)
    assert "Your answer is in the thread. The debtor gets a message." in said(done)
    assert request.reference not in said(sam.get("/support/queues/disputes"))
    status = heard(http.get(f"{path(dana)}/requests/{request.reference}"))
    assert "You did. It is corrected." in status
    set_tenant(session, dana.client.id)
    session.refresh(request)
    assert request.status is HelpStatus.ANSWERED
    assert holds_in_force(session, dana.account, NOW) == []
    told = session.scalars(select(Message).where(Message.template == "help_answered")).one()
    http.post(f"/outbox/{told.id}/deliver", data={"csrf_token": csrf_of(http.get("/outbox"))})
    set_tenant(session, dana.client.id)
    session.refresh(told)
    assert (told.status, told.address) == (MessageStatus.SENT, dana.contact.address)
    assert "corrected" not in (told.body or "")


def propose(session: PortalSession, dana: Dana, first_on: date) -> str:
    """Dana suggests $40.00 a month from a day on; where staff see it."""
    wish = Suggestion(first_on=first_on, amount_cents=Cents(40_00))
    visit = make_visit(session, dana.account)
    submit(session, dana.account, Wish(wish), visit=visit, now=NOW)
    session.commit()
    return f"/support/proposals/{session.scalars(select(Proposal.id)).one()}"


def boxes(day: date) -> dict[str, str]:
    return {f"first_on-{part}": str(getattr(day, part)) for part in ("year", "month", "day")}


def test_staff_are_told_the_first_day_that_they_may_ask_for(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """VN-03, VN-07"""
    dana.account.validation_ends_on = date(2026, 12, 11)
    earliest = date(2026, 12, 12)
    page = propose(session, dana, TODAY)
    why = "The first payment can be on December 12, 2026 at the earliest"
    assert f"As it is, you cannot accept it: {why}" in said(sam.get(page))
    assert 'name="first_on-day" value="12"' in sam.get(page).get_data(as_text=True)
    token = csrf_of(sam.get(page))
    refused = sam.post(f"{page}/accept", data={"csrf_token": token, "days": "14"})
    assert (refused.status_code, why in said(refused)) == (422, True)
    terms = {"csrf_token": token, "total": "1240", "amount": "40", "frequency": "monthly"}
    terms |= {"until": "7"}
    too_soon = terms | boxes(earliest - timedelta(days=1))
    refused = sam.post(f"{page}/counter", data=too_soon)
    assert (refused.status_code, why in said(refused)) == (422, True)
    assert sam.post(f"{page}/counter", data=terms | boxes(earliest)).status_code == 303
    set_tenant(session, dana.client.id)
    proposal = session.scalars(select(Proposal)).one()
    session.refresh(proposal)
    assert proposal.status is ProposalStatus.COUNTERED
    assert proposal.granted_until == earliest
    granted = said(sam.get(page))
    assert "What was granted" in granted
    assert "First on December 12, 2026" in granted


def text_dana(session: PortalSession, dana: Dana, **client: bool) -> Contact:
    """Her phone, with a client that texts, or not."""
    dana.client.sms_enabled = client.get("sms_enabled", True)
    phone = make_contact(session, dana.debtor, channel=Channel.SMS, address=SMS)
    session.commit()
    return phone


def test_a_link_goes_to_the_phone_and_stands_in_the_timeline(
    http: FlaskClient, sam: FlaskClient, session: PortalSession, dana: Dana
):
    phone = text_dana(session, dana)
    page = f"/support/accounts/{dana.account.id}"
    sent = send(sam, f"{page}/link", {"way": str(phone.id), "asked": "debtor"})
    assert sent.status_code == 303
    assert "The link is on its way." in said(sam.get(page))
    set_tenant(session, dana.client.id)
    queued = session.scalars(select(Message).where(Message.template == "new_link")).one()
    http.post(f"/outbox/{queued.id}/deliver", data={"csrf_token": csrf_of(http.get("/outbox"))})
    message = entry(session, queued.id)
    assert message is not None
    session.refresh(message)
    assert (message.status, message.channel, message.address) == ("sent", "sms", SMS)
    assert "/l/" in (message.body or "")
    words = heard(sam.get(page))
    assert "Link issued Text message" in words
    assert "Message sent “New link”, Text message" in words
    assert SMS not in words


@pytest.mark.parametrize(
    ("allowed", "asked", "why"),
    [
        (False, "debtor", "Text messages are not allowed for this client. (EC-07)"),
        (True, "staff", "This person asked us to stop writing to this address. (EC-05)"),
    ],
)
def test_a_phone_that_may_not_be_texted_is_closed_and_says_why(
    sam: FlaskClient, session: PortalSession, dana: Dana, allowed: bool, asked: str, why: str
):
    """EC-05, EC-07"""
    phone = text_dana(session, dana, sms_enabled=allowed)
    if allowed:
        take_text(session, dana.client.id, SMS, "STOP", now=NOW)
        session.commit()
    page = f"/support/accounts/{dana.account.id}"
    words = heard(sam.get(f"{page}/link"))
    assert f"closed {why}" in words
    assert ("this client did not switch them on" in words) is not allowed
    assert send(sam, f"{page}/link", {"way": str(phone.id), "asked": asked}).status_code == 422
    set_tenant(session, dana.client.id)
    assert session.scalars(select(Message).where(Message.contact_id == phone.id)).all() == []


def counter(sam: FlaskClient, page: str, total: str, **more: str) -> TestResponse:
    """Offer a total in payments of $200.00 from today."""
    terms = {"total": total, "amount": "200", "frequency": "monthly", "until": "7", **boxes(TODAY)}
    return sam.post(f"{page}/counter", data={"csrf_token": csrf_of(sam.get(page)), **terms, **more})


def test_staff_offer_worse_than_the_portal_would_only_knowingly(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    page = propose(session, dana, TODAY)
    warned = counter(sam, page, "1240")
    assert warned.status_code == 422
    assert "The portal itself would agree to better terms for the debtor" in said(warned)
    knowing = tree(warned).find(".//input[@name='knowing']")
    assert knowing is not None
    assert counter(sam, page, "1240", knowing=knowing.get("value", "")).status_code == 303


def test_staff_read_of_the_debtor_where_they_typed_too_much(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    refused = counter(sam, propose(session, dana, TODAY), "1250")
    assert refused.status_code == 422
    assert "The debtor owes $1,240.00. Enter that amount or less." in said(refused)


def test_what_the_slower_of_two_typed_for_a_proposal_is_on_the_page_that_says_who_was_faster(
    app: Flask, sam: FlaskClient, session: PortalSession, dana: Dana
):
    """Words and terms can be copied; nothing of them was sent."""
    page = propose(session, dana, TODAY + timedelta(days=5))
    staff = make_staff(session, Role.AGENT, dana.client, name="Sofia")
    sofia = enter(app.test_client(), session, staff)
    token = csrf_of(sofia.get(page))
    declined = {"csrf_token": csrf_of(sam.get(page)), "reason": "too_low", "more": "Not now."}
    assert sam.post(f"{page}/decline", data=declined).status_code == 303
    hers = {"csrf_token": token, "reason": "too_low", "more": "Sorry, call us."}
    late = sofia.post(f"{page}/decline", data=hers)
    assert late.status_code == 422
    assert "was faster" in heard(late)
    assert "What you typed" in heard(late)
    assert "Sorry, call us." in heard(late)
    first_on = TODAY + timedelta(days=9)
    terms = {"csrf_token": token, "total": "868", "amount": "51.5", "frequency": "monthly"}
    terms |= boxes(first_on) | {"until": "14", "knowing": ""}
    countered = heard(sofia.post(f"{page}/counter", data=terms))
    day = f"{first_on.year}-{first_on.month}-{first_on.day}"
    for words in ("868", "51.5", "Every month", day):
        assert words in countered.partition("What you typed")[2], words
