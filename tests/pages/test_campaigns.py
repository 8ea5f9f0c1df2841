"""Cleo draws up a campaign, sees who is held back and why, and lets it go, pause and end."""

from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession
from portal.domain.audience import Audience, LastLink
from portal.domain.holds import HoldKind
from portal.domain.openings import Opener
from portal.domain.statuses import MessageStatus
from portal.gateways.clock import SetClock
from portal.gateways.sms import OutboxTexter
from portal.models import (
    Account,
    CallAttempt,
    Campaign,
    Channel,
    Client,
    Debtor,
    LinkOpening,
    Message,
    fresh_id,
)
from portal.services.campaign_control import Plan, draw_up
from portal.services.campaign_counting import AT_ONCE, keep_count
from portal.services.campaigns import send_links
from portal.services.evidence import SYSTEM
from portal.services.standing import set_hold
from tests.databases import acting_as
from tests.factories import NOW, make_account, make_contact, make_debtor, make_link
from tests.pages.cleo import cleo, make_book, typed_on
from tests.pages.debtors import csrf_of
from tests.pages.reading import said

CROWD = text("""
    WITH made AS (
      INSERT INTO debtor SELECT (jsonb_populate_record(d, jsonb_build_object('id', fresh.id))).*
      FROM debtor d, (SELECT gen_random_uuid() AS id FROM generate_series(1, :size)) fresh
      WHERE d.id = :debtor RETURNING id)
    INSERT INTO account SELECT (jsonb_populate_record(a, jsonb_build_object(
      'id', gen_random_uuid(), 'reference', made.id, 'debtor_id', made.id))).*
    FROM account a, made WHERE a.id = :account""")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def book(http: FlaskClient, session: PortalSession, clock: SetClock) -> Account:
    """Cleo is logged in; one of her debtors can be written to, one has a dispute."""
    account = make_book(session)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    make_contact(session, debtor)
    cleo(http, session, account)
    return account


def drawn_up(http: FlaskClient, **typed: str) -> TestResponse:
    values = typed_on(http.get("/client/campaigns/new")) | {"name": "May"} | typed
    return http.post("/client/campaigns/new", data=values, follow_redirects=True)


def act(http: FlaskClient, campaign: Campaign, what: str, **typed: str) -> TestResponse:
    here = f"/client/campaigns/{campaign.id}"
    token = csrf_of(http.get(here))
    return http.post(f"{here}/{what}", data={"csrf_token": token, **typed}, follow_redirects=True)


def only(session: PortalSession) -> Campaign:
    session.expire_all()
    return session.scalars(select(Campaign)).one()


def test_a_draft_says_who_is_held_back_and_why_and_what_is_read(
    http: FlaskClient, session: PortalSession, book: Account, clock: SetClock
):
    other = make_debtor(session, session.get_one(Client, book.client_id))
    make_contact(session, other, address="other@mail.example")
    disputed = make_account(session, other)
    set_hold(session, disputed, HoldKind.DISPUTE, source="staff", now=clock.now(), actor=SYSTEM)
    session.commit()
    page = drawn_up(http, per_minute="60", from_balance="10")
    words = said(page)
    assert disputed.reference in words
    assert "A hold on the account forbids it. (DH-01)" in words
    for language in ("You have a private message", "Tiene un mensaje privado"):
        assert language in words
    file = http.get(f"/client/campaigns/{only(session).id}/held-back.csv").get_data(as_text=True)
    assert f"{disputed.reference},DH-01," in file
    assert session.scalar(text("SELECT count(*) FROM message")) == 0


def test_links_that_support_sends_again_say_to_the_client_whose(
    http: FlaskClient, session: PortalSession, book: Account
):
    """What narrows a campaign down is all on its page, whoever drew it up."""
    before = date(2026, 11, 20)
    of = Audience(last_link=LastLink.EXPIRED, last_channel=Channel.EMAIL, last_before=before)
    plan = Plan(name="Links sent again", audience=of)
    made = draw_up(session, book.client_id, plan, by=None, now=NOW)
    session.commit()
    page = said(http.get(f"/client/campaigns/{made.id}"))
    assert "What became of their newest link?It ran out" in page
    assert "How it wentE-mail" in page
    assert "Made before this dayNovember 20, 2026" in page


def test_it_begins_pauses_goes_on_and_ends_as_cleo_says(
    http: FlaskClient, session: PortalSession, book: Account
):
    drawn_up(http)
    steps = (
        ("schedule", {"now": "1"}, "scheduled", "The campaign begins."),
        ("pause", {}, "paused", "Paused."),
        ("resume", {}, "scheduled", "The campaign goes on."),
        ("stop", {}, "stopped", "Stopped. What was not sent is not sent."),
        ("resume", {}, "stopped", "That is no longer possible"),
    )
    for what, typed, status, told in steps:
        assert told in said(act(http, only(session), what, **typed))
        assert only(session).status == status
    assert "May" in said(http.get("/client/campaigns"))


def test_a_page_from_before_begins_nothing_anew(
    http: FlaskClient, session: PortalSession, book: Account
):
    """The form of the draft, sent again from an old tab, leaves a pause as it is."""
    drawn_up(http)
    act(http, only(session), "schedule", now="1")
    act(http, only(session), "pause")
    for typed in ({"now": "1"}, {"day": "", "time": ""}):
        page = said(act(http, only(session), "schedule", **typed))
        assert "That is no longer possible" in page
        assert only(session).status == "paused"


def test_a_draft_does_not_go_on_before_it_begins(
    http: FlaskClient, session: PortalSession, book: Account
):
    drawn_up(http)
    assert "That is no longer possible" in said(act(http, only(session), "resume"))
    assert only(session).status == "draft"


def test_a_time_is_of_the_clients_own_clock(
    http: FlaskClient, session: PortalSession, book: Account, clock: SetClock
):
    drawn_up(http)
    wrong = act(http, only(session), "schedule", day="", time="09:00")
    assert (wrong.status_code, "Choose a day and a time." in said(wrong)) == (422, True)
    past = act(http, only(session), "schedule", day="2020-01-02", time="09:00")
    assert "Choose a time that is still to come." in said(past)
    for far in ("9999-12-31", "0001-01-01", "2029-01-01"):
        wrong = act(http, only(session), "schedule", day=far, time="23:59")
        assert (wrong.status_code, "Choose a time" in said(wrong)) == (422, True)
    day = (clock.now() + timedelta(days=3)).date()
    act(http, only(session), "schedule", day=day.isoformat(), time="09:00")
    begins = only(session).scheduled_at
    zone = session.get_one(Client, book.client_id).time_zone
    assert begins is not None
    shown = session.scalar(
        text("SELECT CAST(:at AS timestamptz) AT TIME ZONE :zone"), {"at": begins, "zone": zone}
    )
    assert shown.isoformat() == f"{day}T09:00:00"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"name": " "}, "Give the campaign a name."),
        ({"from_balance": "20", "to_balance": "10"}, "must not be above the largest"),
        ({"per_minute": "0"}, "Write a whole number from 1"),
        ({"per_minute": "9" * 30}, "Write a whole number from 1"),
        ({"placed_since": "May"}, "Choose a day, or leave it empty."),
        ({"regions": "Atlantis"}, "is no state or province"),
        ({"to_balance": "much"}, "Problem:"),
        ({"segment": "no such segment"}, "Choose one of the answers."),
        ({"language": "xx"}, "Choose one of the answers."),
        ({"language": "EN"}, "Choose one of the answers."),
    ],
)
def test_what_is_unclear_is_asked_again(
    http: FlaskClient, session: PortalSession, book: Account, typed: dict[str, str], told: str
):
    page = drawn_up(http, **typed)
    assert page.status_code == 422
    assert told in page.get_data(as_text=True)
    assert typed_on(page)["name"] == typed.get("name", "May"), "what was typed is kept"
    assert session.scalars(select(Campaign)).all() == []


def test_another_clients_campaign_is_not_there(
    http: FlaskClient, session: PortalSession, book: Account
):
    drawn_up(http)
    campaign = only(session)
    stranger = make_book(session, slug="stranger")
    cleo(http, session, stranger)
    assert http.get(f"/client/campaigns/{campaign.id}").status_code == 404
    assert http.get(f"/client/campaigns/{campaign.id}/held-back.csv").status_code == 404


def test_scanners_and_people_are_counted_apart_and_no_visitor_is_kept(
    http: FlaskClient, session: PortalSession, book: Account, settings: Settings, clock: SetClock
):
    debtor = session.get_one(Debtor, (book.client_id, book.debtor_id))
    issued = make_link(session, debtor, keys=settings.keys)
    session.commit()
    here = f"/l/{issued.token}"
    http.head(here, headers={"User-Agent": FIREFOX})
    http.get(here, headers={"User-Agent": "WhatsApp/2.23"})
    page = http.get(here, headers={"User-Agent": FIREFOX}).get_data(as_text=True)
    assert f"{here}/form.css" in page
    assert _counted(session) == ["preview", "scanner", "scanner"]
    clock.advance(timedelta(minutes=1))
    http.get(here, headers={"User-Agent": FIREFOX})
    style = http.get(f"{here}/form.css", headers={"User-Agent": FIREFOX})
    assert (style.mimetype, style.headers["Cache-Control"]) == ("text/css", "no-store")
    assert _counted(session)[0] == "person"


def _counted(session: PortalSession) -> list[Opener]:
    session.expire_all()
    return sorted(session.scalars(select(LinkOpening.opener)))


def test_too_many_to_wait_for_are_counted_by_a_worker(
    http: FlaskClient, session: PortalSession, book: Account, clock: SetClock
):
    """Then the page says as of when the count is, and asks nobody to begin blindly."""
    crowd(session, book, AT_ONCE)
    page = said(drawn_up(http))
    assert "We are counting who gets it. Look again in a moment." in page
    assert "Begin now" not in page
    drawn = only(session)
    with acting_as("portal_worker", session):
        keep_count(session, drawn, texter=OutboxTexter(), now=clock.now())
        session.commit()
    page = said(act(http, drawn, "count"))
    assert "We are counting. Look again in a moment." in page
    assert "Counted " in page
    assert "Begin now" in page
    assert "Only a letter could go to this person, and this campaign sends none.2,000" in page


def test_ct_05_calls_count_on_a_draft_as_they_do_when_it_sends(
    http: FlaskClient, session: PortalSession, book: Account, clock: SetClock
):
    for days in (1, 2, 3):
        at = clock.now() - timedelta(days=days)
        session.add(
            CallAttempt(
                client_id=book.client_id,
                account_id=book.id,
                number="+15185550142",
                at=at,
                on_day=at.date(),
                staff_id=fresh_id(),
            )
        )
    session.commit()
    assert "We wrote often enough lately. (CT-05)1" in said(drawn_up(http))


def test_who_was_not_reached_is_told_with_the_reason_and_stays_told(
    http: FlaskClient, session: PortalSession, book: Account, clock: SetClock, settings: Settings
):
    """RT-02: at the start, later, and by the carrier; the file tells what was, not what is."""
    client = session.get_one(Client, book.client_id)
    debtors = [make_debtor(session, client) for _ in range(3)]
    accounts = [make_account(session, one) for one in debtors]
    for n, one in enumerate(debtors[:2]):
        make_contact(session, one, address=f"{n}@mail.example")
    campaign = draw_up(session, client.id, Plan(name="May"), by=None, now=NOW, at=NOW)
    with acting_as("portal_worker", session):
        send_links(session, campaign, keys=settings.keys, texter=OutboxTexter(), now=NOW)
    stopped, failed = (
        session.scalars(select(Message).where(Message.debtor_id == one.id)).one()
        for one in debtors[:2]
    )
    stopped.status, stopped.rule = MessageStatus.SUPPRESSED, "CT-08"
    failed.status, failed.error = MessageStatus.FAILED, "550 5.1.1 1@mail.example is unknown"
    make_contact(session, debtors[2], address="new@mail.example")
    session.commit()
    here = f"/client/campaigns/{campaign.id}"
    page = said(http.get(here))
    assert "This person asked us to stop, or somebody else acts for them. (CT-08)1" in page
    assert "It could not be delivered. (550)1" in page
    assert "1@mail.example" not in page
    lines = http.get(f"{here}/held-back.csv").get_data(as_text=True).splitlines()[1:]
    rules = {line.split(",")[0]: line.split(",")[1] for line in lines}
    wanted = ["CT-08", "failed", "letter_only"]
    assert rules == dict(zip((one.reference for one in accounts), wanted, strict=True))
    assert all(one.reference in page for one in accounts)


def crowd(session: PortalSession, account: Account, size: int) -> None:
    """So many more debtors of the client, each with an account and no address."""
    session.execute(CROWD, {"account": account.id, "debtor": account.debtor_id, "size": size})
    session.commit()
