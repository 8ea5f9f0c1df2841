"""Links by letter: whom a campaign can reach in no other way, and whom staff send one (TX-05)."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pypdfium2
import pytest
import zxingcpp
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession
from portal.domain.codes import unbroken
from portal.domain.holds import HoldKind
from portal.domain.statuses import MessageStatus
from portal.gateways.clock import SetClock
from portal.gateways.sms import OutboxTexter
from portal.models import AccessLink, Account, Campaign, Client, Debtor, Letter, Message, Role
from portal.services import campaigns, evidence
from portal.services.campaign_progress import outcomes_of
from portal.services.links import code_of
from portal.services.standing import set_hold
from portal.services.verify import verify_client
from tests.databases import acting_as
from tests.factories import know_identity, make_account, make_contact, make_debtor
from tests.pages.agreeing import form
from tests.pages.cleo import cleo, make_book, typed_on
from tests.pages.debtors import RIGHT, csrf_of, send
from tests.pages.reading import heard, said
from tests.pages.staff import enter, make_staff
from tests.pages.test_letters import package, read

LETTERS = "/support/letters"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHOICE = "Also by letter, to people whom no email or text may reach"


@pytest.fixture
def book(session: PortalSession, settings: Settings) -> Account:
    """An account whose debtor has a postal address, and no other."""
    account = make_book(session)
    know_identity(session, debtor_of(session, account), keys=settings.keys)
    session.commit()
    return account


def debtor_of(session: PortalSession, account: Account) -> Debtor:
    return session.get_one(Debtor, (account.client_id, account.debtor_id))


def another(session: PortalSession, account: Account, **given: Any) -> Debtor:
    """One more debtor of the same client, who owes something."""
    debtor = make_debtor(session, session.get_one(Client, account.client_id), **given)
    make_account(session, debtor)
    return debtor


def drawn_up(
    http: FlaskClient, session: PortalSession, account: Account, **typed: str
) -> tuple[Campaign, str]:
    """Cleo draws up a campaign; with what its page says."""
    cleo(http, session, account)
    values = typed_on(http.get("/client/campaigns/new")) | {"name": "May"} | typed
    page = http.post("/client/campaigns/new", data=values, follow_redirects=True)
    found = session.scalars(select(Campaign).order_by(Campaign.id.desc())).first()
    assert found is not None
    return found, said(page)


def begun(
    http: FlaskClient, session: PortalSession, account: Account, settings: Settings, now: Any
) -> Campaign:
    """A campaign with letters, begun on its page and written by the worker."""
    campaign, _ = drawn_up(http, session, account, letters="y")
    here = f"/client/campaigns/{campaign.id}"
    asked = {"csrf_token": csrf_of(http.get(here)), "now": "1"}
    assert http.post(f"{here}/schedule", data=asked).status_code == 303
    session.expire_all()
    with acting_as("portal_worker", session):
        campaigns.send_links(session, campaign, keys=settings.keys, texter=OutboxTexter(), now=now)
    return campaign


def sam_of(http: FlaskClient, session: PortalSession, account: Account) -> FlaskClient:
    """The browser of Sam, who prints and posts."""
    client = session.get_one(Client, account.client_id)
    return enter(http, session, make_staff(session, Role.AGENT, client))


def printed(sam: FlaskClient, account: Account) -> str:
    """Print what waits; where it leads."""
    to = f"{LETTERS}/of/{account.client_id}/print"
    answered = sam.post(to, data=form(sam.get(LETTERS), to))
    assert answered.status_code == 303
    return answered.location


def counted(page: TestResponse) -> list[int]:
    """How many letters of a campaign are to be printed, printed, and sent."""
    words = said(page)
    names = ("Letters to be printed", "Letters printed", "Letters sent")
    found = [re.search(rf"{name} ?(\d+)", words) for name in names]
    return [int(one[1]) for one in found if one]


def post(sam: FlaskClient, batch: str) -> None:
    """Say that all of a batch that may leave left."""
    page = sam.get(batch)
    assert sam.post(batch, data=form(page, batch)).status_code == 303


def square(pdf: bytes) -> str:
    """What the letter's square holds."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        (found,) = zxingcpp.read_barcodes(document[0].render(scale=2).to_pil().convert("L"))
    finally:
        document.close()
    return str(found.text)


def messages(session: PortalSession) -> Sequence[Message]:
    session.expire_all()
    return session.scalars(select(Message).order_by(Message.id)).all()


def test_tx_05_who_has_only_a_postal_address_is_invited_and_comes_in_by_square_or_code(
    http: FlaskClient,
    session: PortalSession,
    book: Account,
    settings: Settings,
    clock: SetClock,
):
    """TX-05: inside stands what an email may say, and nothing of a debt."""
    campaign = begun(http, session, book, settings, clock.now())
    (message,) = messages(session)
    assert (message.channel, message.status, message.link_id) == ("letter", "queued", None)
    sam = sam_of(http, session, book)
    batch = printed(sam, book)
    pdf = package(sam, batch).read("001-letter.pdf")
    post(sam, batch)
    words, path = read(pdf), urlsplit(square(pdf)).path
    link = session.get_one(
        AccessLink, (book.client_id, session.scalars(select(Letter)).one().link_id)
    )
    code = unbroken(code_of(settings.keys, link))
    assert "We have a private message for you." in words
    assert f"To read it, type {settings.base_url} in your browser, then this code: {code}" in words
    assert not [one for one in ("Northgate", book.reference, "debt", "$") if one in words]
    came_in(http.application.test_client(), session, campaign, path, code)
    assert [*verify_client(session, book.client_id)] == []


def came_in(
    dana: FlaskClient, session: PortalSession, campaign: Campaign, path: str, code: str
) -> None:
    """Dana looks at the page of the square, types the code instead, and proves who she is."""
    assert "Is this link safe?" in said(dana.get(path, headers={"User-Agent": FIREFOX}))
    dana.get(f"{path}/form.css", headers={"User-Agent": FIREFOX})
    session.expire_all()
    assert outcomes_of(session, campaign).opened == 1
    typed = send(dana, "/", {"code": code.lower()})
    assert (typed.status_code, typed.headers["Location"]) == (303, path)
    assert send(dana, path, RIGHT).status_code == 303
    session.expire_all()
    came = outcomes_of(session, campaign)
    assert (came.handed_over, came.opened, came.verified) == (1, 1, 1)


def test_the_campaign_says_how_many_letters_wait_were_printed_and_left(
    http: FlaskClient,
    session: PortalSession,
    book: Account,
    settings: Settings,
    clock: SetClock,
):
    campaign = begun(http, session, book, settings, clock.now())
    here = f"/client/campaigns/{campaign.id}"
    assert counted(http.get(here)) == [1, 0, 0]
    sam = make_staff(session, Role.AGENT, session.get_one(Client, book.client_id))
    batch = printed(enter(http, session, sam), book)
    cleo(http, session, book)
    assert counted(http.get(here)) == [0, 1, 0]
    post(enter(http, session, sam), batch)
    cleo(http, session, book)
    assert counted(http.get(here)) == [0, 0, 1]


def test_the_link_of_a_letter_lasts_longer_than_one_by_email(
    http: FlaskClient,
    session: PortalSession,
    book: Account,
    settings: Settings,
    clock: SetClock,
):
    """It is made as it is printed, however long it waited, and ten days more are for the post."""
    begun(http, session, book, settings, clock.now())
    clock.advance(timedelta(days=40))
    printed(sam_of(http, session, book), book)
    link = session.scalars(select(AccessLink)).one()
    assert (link.expires_at - clock.now()).days == 14 + 10


def test_the_draft_counts_by_channel_and_shows_the_letter(
    http: FlaskClient, session: PortalSession, book: Account
):
    make_contact(session, another(session, book))
    _, page = drawn_up(http, session, book, letters="y")
    assert "By email1" in page
    assert "By letter1" in page
    assert "then this code: ····‑····" in page or "then this code: ····-····" in page
    assert "¿Esta carta no es para usted?" in page


def test_without_the_choice_they_are_left_out_and_the_page_says_why(
    http: FlaskClient, session: PortalSession, book: Account
):
    make_contact(session, another(session, book))
    campaign, page = drawn_up(http, session, book)
    assert campaign.letters is False
    assert "Go out1" in page
    assert "Only a letter could go to this person, and this campaign sends none." in page
    assert book.reference in page


def test_ct_08_a_hold_that_came_later_takes_the_invitation_from_the_list(
    http: FlaskClient,
    session: PortalSession,
    book: Account,
    settings: Settings,
    clock: SetClock,
):
    begun(http, session, book, settings, clock.now())
    set_hold(session, book, HoldKind.CEASE_ALL, source="t", actor=evidence.SYSTEM, now=clock.now())
    session.commit()
    sam = sam_of(http, session, book)
    assert printed(sam, book) == LETTERS
    (message,) = messages(session)
    assert (message.status, message.rule) == (MessageStatus.SUPPRESSED, "CT-08")
    assert [leaf.type for leaf in evidence.account_leaves(session, book)][-1] == (
        "message.suppressed"
    )
    assert [*verify_client(session, book.client_id)] == []


def test_letters_of_a_paused_campaign_stay_on_the_list_and_of_a_stopped_one_go(
    http: FlaskClient,
    session: PortalSession,
    book: Account,
    settings: Settings,
    clock: SetClock,
):
    campaign = begun(http, session, book, settings, clock.now())
    here = f"/client/campaigns/{campaign.id}"
    http.post(f"{here}/pause", data={"csrf_token": csrf_of(http.get(here))})
    sam = sam_of(http, session, book)
    page = heard(sam.get(LETTERS))
    assert "campaign paused" in page
    assert "Print these letters" not in page
    cleo(http, session, book)
    http.post(f"{here}/resume", data={"csrf_token": csrf_of(http.get(here))})
    batch = printed(sam_of(http, session, book), book)
    cleo(http, session, book)
    http.post(f"{here}/stop", data={"csrf_token": csrf_of(http.get(here))})
    sam = sam_of(http, session, book)
    assert "The campaign was stopped before this was sent." in heard(sam.get(batch))
    assert "sent" not in form(sam.get(batch), batch), "its tick is off"


def sent_by(sam: FlaskClient, account: Account, **typed: str) -> str:
    """Choose on the page where a link is sent; what the next page says."""
    path = f"/support/accounts/{account.id}/link"
    held = {"csrf_token": csrf_of(sam.get(path)), "asked": "debtor", **typed}
    return heard(sam.post(path, data=held, follow_redirects=True))


def test_staff_send_a_link_by_letter_to_the_address_on_file(
    http: FlaskClient, session: PortalSession, book: Account
):
    sam = sam_of(http, session, book)
    path = f"/support/accounts/{book.id}/link"
    assert "By letter, to the address in Albany" in heard(sam.get(path))
    assert "The letter is on the list." in sent_by(sam, book, way="letter")
    (message,) = messages(session)
    assert (message.template, message.channel, message.asked_for) == ("new_link", "letter", True)
    closed = heard(sam.get(path))
    assert "The same message waits already" in closed
    assert 'value="letter"' not in sam.get(path).get_data(as_text=True)
    pdf = package(sam, printed(sam, book)).read("001-letter.pdf")
    assert "You asked for a new way to your page. Here it is." in read(pdf)
    assert urlsplit(square(pdf)).path.startswith("/l/")


def test_staff_are_offered_no_letter_where_there_is_no_address_or_a_hold(
    http: FlaskClient, session: PortalSession, book: Account, clock: SetClock
):
    """CT-08: the same checks as for an email, with the reason beside the closed way."""
    sam = sam_of(http, session, book)
    path = f"/support/accounts/{book.id}/link"
    set_hold(session, book, HoldKind.CEASE_ALL, source="t", actor=evidence.SYSTEM, now=clock.now())
    session.commit()
    first = sent_by(sam, book, way="letter", asked="staff")
    assert "This person asked us to stop, or somebody else acts for them." in first
    assert messages(session) == []
    debtor_of(session, book).address_line = None
    session.commit()
    assert "By letter" not in heard(sam.get(path))
