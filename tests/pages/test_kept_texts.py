"""Free texts of debtors: read by a person, and never told to whoever they may not be meant for."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, select

from portal.db import PortalSession, set_tenant
from portal.domain.help import UNCLEAR_TEXT
from portal.gateways.clock import SetClock
from portal.models import (
    Account,
    Channel,
    Contact,
    ContactStop,
    HelpRequest,
    HelpStatus,
    Message,
    Role,
    ThreadEntry,
)
from portal.services.stops import stop_wrong_address
from tests.factories import make_account, make_client, make_contact, make_debtor
from tests.pages.agreeing import path
from tests.pages.debtors import Dana, send
from tests.pages.reading import heard, said
from tests.pages.staff import enter, make_staff
from tests.pages.test_texts import PHONE, carrier, reply, twilio  # noqa: F401

DAY = timedelta(days=1)
SAID = "I can pay on the 5th. Is that ok?"
READ, UNREAD = "a person will read your text", "nobody reads texts here"


@pytest.fixture
def phone(session: PortalSession, dana: Dana) -> Contact:
    """Dana's number, which nobody else has."""
    contact = make_contact(session, dana.debtor, channel=Channel.SMS, address=PHONE)
    session.commit()
    return contact


@pytest.fixture
def sam(app: Flask, http: FlaskClient, session: PortalSession, dana: Dana) -> FlaskClient:
    """An agent of Dana's client, at a browser of their own."""
    return enter(app.test_client(), session, make_staff(session, Role.AGENT, dana.client))


def identity(account: Account) -> tuple[UUID, UUID]:
    """The key of an account, whether the session sees it or not."""
    return tuple(inspect(account).identity)


def kept(session: PortalSession, account: Account) -> tuple[list[str], list[HelpRequest]]:
    """The thread of an account, and the requests of its client."""
    client_id, account_id = identity(account)
    set_tenant(session, client_id)
    session.expire_all()
    thread = session.scalars(
        select(ThreadEntry.body).where(ThreadEntry.account_id == account_id)
    ).all()
    return list(thread), list(session.scalars(select(HelpRequest)))


def test_a_text_of_one_account_is_in_its_thread_and_waits_for_staff(
    carrier: FlaskClient,  # noqa: F811
    http: FlaskClient,
    sam: FlaskClient,
    session: PortalSession,
    dana: Dana,
    phone: Contact,
):
    answer = reply(twilio(carrier, SAID)) or ""
    assert READ in answer
    assert dana.client.phone in answer
    reply(twilio(carrier, SAID))
    thread, (request,) = kept(session, dana.account)
    assert thread == [SAID], "told twice it is one"
    assert session.scalars(select(Message).where(Message.template == "help_received")).all() == []
    assert request.reference in said(sam.get("/support/queues/messages"))
    page = heard(sam.get(f"/support/requests/{request.id}"))
    assert SAID in page
    assert "nobody's identity was checked" in page
    happened = heard(sam.get(f"/support/accounts/{dana.account.id}"))
    assert f"“{SAID}”, Text message" in happened
    assert SAID in said(http.get(f"{path(dana)}/messages"))


def test_a_text_of_several_accounts_is_for_a_person_to_find_out_and_no_debtor_sees_it(
    carrier: FlaskClient,  # noqa: F811
    http: FlaskClient,
    sam: FlaskClient,
    session: PortalSession,
    dana: Dana,
    phone: Contact,
):
    other = make_debtor(session, dana.client, first_name="Ruben", name_key="ruben reyes")
    theirs = make_account(session, other)
    make_contact(session, other, channel=Channel.SMS, address=PHONE)
    session.commit()
    answers = [reply(twilio(carrier, words)) for words in (SAID, SAID, "It is me again")]
    assert READ in (answers[0] or "")
    assert answers[1:] == [None, None], "one automatic answer a day"
    thread, (request,) = kept(session, dana.account)
    assert (thread, kept(session, theirs)[0], request.topic) == ([], [], UNCLEAR_TEXT)
    assert request.answers["details"].count(SAID) == 1
    desk = heard(sam.get("/support/queues/calls"))
    for words in (SAID, "It is me again", PHONE, "unclear"):
        assert words in desk
    for page in ("", "/help", "/messages", f"/requests/{request.reference}"):
        assert SAID not in http.get(f"{path(dana)}{page}").get_data(as_text=True), page
        assert request.reference not in said(http.get(f"{path(dana)}{page}")), page
    closing = f"/support/calls/{request.id}"
    assert SAID in said(sam.get(closing))
    assert send(sam, closing, {"note": "Called: it was Ruben."}).status_code == 303
    assert kept(session, dana.account)[1][0].status is HelpStatus.CLOSED


def test_a_number_of_two_clients_answers_whoever_texted_it_last(
    carrier: FlaskClient,  # noqa: F811
    session: PortalSession,
    clock: SetClock,
    dana: Dana,
    phone: Contact,
):
    client = make_client(session, trade_name="Borealis")
    debtor = make_debtor(session, client)
    theirs = make_account(session, debtor)
    contact = make_contact(session, debtor, channel=Channel.SMS, address=PHONE)
    session.commit()
    assert UNREAD in (reply(twilio(carrier, SAID)) or ""), "nobody texted: nobody is meant"
    session.add(
        Message(
            client_id=client.id,
            debtor_id=debtor.id,
            contact_id=contact.id,
            channel=Channel.SMS,
            template="link",
            context={},
            locale="en",
            dedupe_key="link",
            status="sent",
            created_at=clock.now(),
            send_at=clock.now(),
            sent_at=clock.now(),
        )
    )
    session.commit()
    clock.advance(DAY)
    assert READ in (reply(twilio(carrier, SAID)) or "")
    assert kept(session, dana.account) == ([], [])
    thread, (request,) = kept(session, theirs)
    assert (thread, request.topic) == ([], UNCLEAR_TEXT)


def test_nothing_is_kept_of_strangers_wrong_numbers_old_numbers_and_cards(
    carrier: FlaskClient,  # noqa: F811
    session: PortalSession,
    clock: SetClock,
    dana: Dana,
    phone: Contact,
):
    """PC-01, EC-08"""
    assert reply(twilio(carrier, SAID, "+12125550100")) is None
    assert UNREAD in (reply(twilio(carrier, "My card is 4242 4242 4242 4242")) or "")
    for words in ("HELP", ""):
        reply(twilio(carrier, words))
    phone.retired_at = clock.now()
    session.commit()
    clock.advance(DAY)
    assert UNREAD in (reply(twilio(carrier, SAID)) or "")
    phone.retired_at = None
    stop_wrong_address(session, phone, source="text", now=clock.now())
    session.commit()
    assert reply(twilio(carrier, SAID)) is None
    assert kept(session, dana.account) == ([], [])


def test_ec_06_words_that_read_as_a_stop_stop_and_a_person_reads_them_too(
    carrier: FlaskClient,  # noqa: F811
    sam: FlaskClient,
    session: PortalSession,
    dana: Dana,
    phone: Contact,
):
    """EC-06: nothing is sent meanwhile; the one confirmation says nothing but that."""
    typed = "Please stop texting me, I work nights"
    answer = reply(twilio(carrier, typed)) or ""
    assert "we will not text this number again" in answer
    assert READ not in answer
    thread, (request,) = kept(session, dana.account)
    assert thread == [typed]
    assert request.reference in said(sam.get("/support/queues/messages"))
    assert [one.kind for one in session.scalars(select(ContactStop))] == ["opted_out"]
    assert reply(twilio(carrier, "STOP")) is None, "never a second confirmation"


def test_ec_06_what_may_be_a_stop_pauses_texts_until_a_person_has_read_it(
    carrier: FlaskClient,  # noqa: F811
    sam: FlaskClient,
    session: PortalSession,
    dana: Dana,
    phone: Contact,
):
    """EC-06: whoever reads it opens the number again, on the record, or leaves it closed."""
    typed = "Please don't stop my plan"
    answer = reply(twilio(carrier, typed)) or ""
    assert READ in answer
    assert "Until then we will not text this number" in answer
    _, (request,) = kept(session, dana.account)
    page = f"/support/accounts/{dana.account.id}"
    assert "Stopped, because this may ask us to" in said(sam.get(f"/support/requests/{request.id}"))
    assert "May have asked us to stop" in said(sam.get(page))
    set_tenant(session, identity(dana.account)[0])
    (stop,) = session.scalars(select(ContactStop))
    reopen = f"{page}/stops/{stop.id}"
    assert "was no stop" in said(sam.get(reopen))
    assert send(sam, reopen, {}).status_code == 303
    assert "Stopped, because" not in said(sam.get(f"/support/requests/{request.id}"))
    assert "May have asked us to stop" in said(sam.get(page)), "the record keeps that it was"
    set_tenant(session, identity(dana.account)[0])
    session.expire_all()
    assert session.scalars(select(ContactStop.lifted_at)).one() is not None


@pytest.mark.parametrize("told", [("2027-01-30T23:59", 1), ("2027-01-31T00:00", 2)])
def test_ec_06_a_stop_ends_texts_to_every_number_of_a_person_from_the_end_of_january_2027(
    carrier: FlaskClient,  # noqa: F811
    session: PortalSession,
    dana: Dana,
    phone: Contact,
    clock: SetClock,
    told: tuple[str, int],
):
    """EC-06"""
    at, closed = told
    make_contact(session, dana.debtor, channel=Channel.SMS, address="+15032260199")
    session.commit()
    clock.advance(datetime.fromisoformat(f"{at}+00:00") - clock.now())
    assert reply(twilio(carrier, "STOP")) is not None
    set_tenant(session, identity(dana.account)[0])
    assert len(session.scalars(select(ContactStop)).all()) == closed
