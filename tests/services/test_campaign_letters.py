"""Whom a campaign writes to by letter, and what keeps such a letter on the list or from it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, text

from portal.db import PortalSession
from portal.domain.audience import EVERYBODY
from portal.domain.statuses import CampaignStatus, MessageStatus
from portal.domain.wishes import WishKind
from portal.gateways.sms import OutboxTexter
from portal.models import (
    Account,
    Campaign,
    Client,
    Contact,
    ContactPreference,
    ContactStop,
    Debtor,
    FirstNotice,
    LetterBatch,
    Message,
    Staff,
    StopKind,
    fresh_id,
)
from portal.services import campaigns, evidence, letter_batches
from portal.services.campaign_audience import Count, Wanted, count
from portal.services.campaign_control import Plan, draw_up, pause, resume, stop
from portal.services.campaign_release import look_after, release
from portal.services.letters import postal_key
from portal.services.printing import Printing, print_letters
from portal.services.verify import verify_client
from portal.writing import write_letter
from tests.databases import acting_as
from tests.factories import (
    KEYS,
    NOW,
    make_account,
    make_arrangement,
    make_client,
    make_contact,
    make_debtor,
)

NIGHT = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)  # 11 at night in New York
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SAM = Staff(id=fresh_id())
PRINTING = Printing(partial(write_letter, base_url="https://x.example"), KEYS, SAM)


@pytest.fixture
def client(session: PortalSession) -> Client:
    return make_client(session, sms_enabled=True)


def owing(session: PortalSession, client: Client, **given: Any) -> Account:
    """Somebody who owes, with a postal address and no other."""
    return make_account(session, make_debtor(session, client, **given))


def with_email(session: PortalSession, account: Account) -> Contact:
    return make_contact(session, debtor_of(session, account))


def debtor_of(session: PortalSession, account: Account) -> Debtor:
    return session.get_one(Debtor, (account.client_id, account.debtor_id))


def wish(session: PortalSession, account: Account, channel: str) -> None:
    session.add(
        ContactPreference(
            client_id=account.client_id, debtor_id=account.debtor_id, kind=WishKind.ONLY,
            value=channel, source="staff", stated_at=NOW,
        )
    )  # fmt: skip
    session.flush()


def close(session: PortalSession, account: Account, channel: str, address: str, kind: str) -> None:
    session.add(
        ContactStop(
            client_id=account.client_id, channel=channel, address=address, kind=StopKind(kind),
            source="test", stopped_at=NOW,
        )
    )  # fmt: skip
    session.flush()


def counted(session: PortalSession, client: Client, **given: Any) -> Count:
    wanted = Wanted(client, EVERYBODY, **({"letters": True} | given))
    return count(session, wanted, texter=OutboxTexter(), now=NOW)


def begun(session: PortalSession, client: Client, now: datetime = NOW, **plan: Any) -> Campaign:
    """A campaign with letters whose messages are written."""
    given = {"name": "May", "letters": True} | plan
    campaign = draw_up(session, client.id, Plan(**given), by=None, now=now, at=now)
    with acting_as("portal_worker", session):
        campaigns.send_links(session, campaign, keys=KEYS, texter=OutboxTexter(), now=now)
    return campaign


def looked_after(session: PortalSession, campaign: Campaign, now: datetime = NOW) -> None:
    """Do what the worker's sweep and the campaign's own job do at this minute."""
    with acting_as("portal_worker", session):
        look_after(session, campaign.client_id, now=now)
        release(session, campaign.client_id, campaign.id, now=now)


def letters(session: PortalSession) -> list[Message]:
    found = select(Message).where(Message.channel == "letter", Message.campaign_id.is_not(None))
    ordered = found.order_by(Message.id).execution_options(populate_existing=True)
    return list(session.scalars(ordered))


def printed(session: PortalSession, client: Client, now: datetime = NOW) -> LetterBatch | None:
    return print_letters(session, client.id, PRINTING, now=now)


def posted(session: PortalSession, batch: LetterBatch | None, now: datetime = NOW) -> None:
    assert batch is not None
    found = letter_batches.letters_of(session, batch, now=now)
    left = [str(one.letter.id) for one in found if one.rule is None]
    letter_batches.finish(session, batch, left, staff=SAM, now=now)


def test_the_count_says_how_many_go_by_which_way(session: PortalSession, client: Client):
    with_email(session, owing(session, client))
    phone = owing(session, client)
    make_contact(
        session, debtor_of(session, phone), channel="sms", address="+15035550123",
        permission_basis="direct_consent",
    )  # fmt: skip
    owing(session, client)
    owing(session, client, address_line=None)
    found = counted(session, client)
    assert found.channels == {"email": 1, "sms": 1, "letter": 1}
    assert (found.report.goes, found.report.held) == (3, {"no_address": 1})
    assert counted(session, client, email_only=True).channels == {"email": 1, "letter": 2}
    assert counted(session, client, letters=False).report.held == {
        "letter_only": 1,
        "no_address": 1,
    }


def test_ct_03_by_letter_only_is_kept_and_by_email_only_too(session: PortalSession, client: Client):
    """CT-03: whether said on the phone, or by closing each address on the page."""
    on_phone, on_page, by_email = (owing(session, client) for _ in range(3))
    for one in (on_phone, on_page):
        contact = with_email(session, one)
    wish(session, on_phone, "letter")
    close(session, on_page, "email", contact.address, "opted_out")
    wish(session, by_email, "email")
    begun(session, client)
    assert {one.debtor_id for one in letters(session)} == {on_phone.debtor_id, on_page.debtor_id}
    held = session.scalars(select(Message).where(Message.debtor_id == by_email.debtor_id)).one()
    assert (held.status, held.rule) == (MessageStatus.SUPPRESSED, "CT-03")


def test_ec_08_no_letter_goes_where_somebody_else_lives(session: PortalSession, client: Client):
    account = owing(session, client)
    key = postal_key(debtor_of(session, account))
    close(session, account, "letter", key, "wrong_person")
    assert counted(session, client).report.held == {"EC-08": 1}


def test_ca_03_quebec_wants_its_first_notice_before_a_letter_as_before_an_email(
    session: PortalSession,
):
    """CA-03: and once it went on paper, five days later, the letter goes."""
    role = "third_party_agency"
    agency = make_client(session, collector_role=role, country="CA", currency="CAD")
    account = owing(session, agency, region="QC", postal_code="H2X 3K4", city="Montréal")
    assert counted(session, agency).report.held == {"CA-03": 1}
    session.add(
        FirstNotice(
            client_id=agency.id, account_id=account.id, on_paper=True,
            sent_on=(NOW - 30 * DAY).date(), recorded_at=NOW, recorded_by=SAM.id, source="staff",
        )
    )  # fmt: skip
    session.flush()
    assert counted(session, agency).channels == {"letter": 1}


def test_no_hour_binds_a_letter_and_no_pace(session: PortalSession, client: Client):
    """CT-01 binds what is electronic; what a batch left to print is on the record (RT-02)."""
    with_email(session, owing(session, client))
    owing(session, client)
    campaign = begun(session, client, NIGHT, per_minute=1)
    assert (campaign.goes, campaign.later) == (2, 1)
    (letter,) = letters(session)
    assert (letter.status, letter.rule, letter.turn_at) == ("queued", "letter", NIGHT)
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'messages.dispatch'"
    with acting_as("portal_worker", session):
        assert session.scalar(text(jobs)) == 0
    sent = evidence.chain_leaves(session, client.id, client.chain_id)[-1]
    assert (sent.type, sent.payload["letters"]) == ("campaign.sent", 1)
    digest = sent.payload["documents"][0]["sha256"]
    manifest = evidence.document(session, client.id, client.chain_id, digest).body.decode()
    assert f"{letter.debtor_id} message {letter.id} letter\n" in manifest
    assert list(verify_client(session, client.id)) == []


def test_a_second_campaign_leaves_alone_whose_letter_waits(session: PortalSession, client: Client):
    owing(session, client)
    begun(session, client)
    assert counted(session, client).report.held == {"repeated": 1}


def test_ct_05_a_printed_letter_is_a_contact_until_it_left_and_a_week_after(
    session: PortalSession, client: Client
):
    """CT-05: three in seven days, letters among them, whenever somebody says that they left."""
    account = owing(session, client)
    begun(session, client)
    for days in (2, 3):
        written(session, account, NOW - days * DAY)
    batch = printed(session, client)
    with_email(session, account)
    assert counted(session, client).report.held == {"CT-05": 1}
    for days in (6, 7):
        written(session, account, NOW + days * DAY)
    assert held(session, client, NOW + 8 * DAY) == {"CT-05": 1}, "nobody knows yet when it left"
    posted(session, batch, NOW + 8 * DAY)
    assert held(session, client, NOW + 12 * DAY) == {"CT-05": 1}
    assert held(session, client, NOW + 13 * DAY) == {}


def held(session: PortalSession, client: Client, now: datetime) -> dict[str, int]:
    wanted = Wanted(client, EVERYBODY)
    return dict(count(session, wanted, texter=OutboxTexter(), now=now).report.held)


def test_ct_05_a_letter_over_the_cap_is_not_printed(session: PortalSession, client: Client):
    account = owing(session, client)
    begun(session, client)
    for days in (1, 2, 3):
        written(session, account, NOW - days * DAY)
    assert printed(session, client) is None
    (letter,) = letters(session)
    assert (letter.status, letter.rule) == (MessageStatus.SUPPRESSED, "CT-05")


def written(session: PortalSession, account: Account, at: datetime) -> None:
    """Dana was written to first, about all of her accounts."""
    session.add(
        Message(
            client_id=account.client_id, debtor_id=account.debtor_id, channel="letter",
            template="payments_ahead", context={}, locale="en", dedupe_key=f"{at}",
            status="sent", created_at=at, send_at=at, sent_at=at,
        )
    )  # fmt: skip
    session.flush()


def test_who_agreed_before_it_was_printed_gets_no_letter(session: PortalSession, client: Client):
    account = owing(session, client)
    begun(session, client)
    make_arrangement(session, account)
    assert printed(session, client) is None
    assert letters(session)[0].rule == "arranged"


def test_a_paused_campaign_keeps_its_letters_and_ends_when_they_left(
    session: PortalSession, client: Client
):
    for _ in range(2):
        owing(session, client)
    campaign = begun(session, client)
    pause(session, campaign, by=None, now=NOW)
    assert printed(session, client) is None
    assert {one.status for one in letters(session)} == {MessageStatus.QUEUED}
    resume(session, campaign, by=None, now=NOW)
    batch = printed(session, client)
    looked_after(session, campaign, NOW + MINUTE)
    assert campaign.status is CampaignStatus.RUNNING
    posted(session, batch)
    looked_after(session, campaign, NOW + 2 * MINUTE)
    assert campaign.status is CampaignStatus.DONE
    assert list(verify_client(session, client.id)) == []


def test_letters_of_a_stopped_campaign_never_leave(session: PortalSession, client: Client):
    """RT-02: what was printed already is not to be posted, and put back it is dropped."""
    for _ in range(2):
        owing(session, client)
    campaign = begun(session, client)
    letters(session)[1].send_at = NOW + DAY
    session.flush()
    batch = printed(session, client)
    stop(session, campaign, by=None, now=NOW)
    looked_after(session, campaign)
    assert [one.status for one in letters(session)] == ["sending", "suppressed"]
    posted(session, batch)
    assert printed(session, client) is None
    assert {(one.status, one.rule) for one in letters(session)} == {
        (MessageStatus.SUPPRESSED, "campaign_stopped")
    }
    assert list(verify_client(session, client.id)) == []
