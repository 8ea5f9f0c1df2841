"""A campaign's life: whom it is for, its pace, its pauses, its end, and what came of it."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from portal.db import PortalSession, make_engine
from portal.domain.audience import Audience
from portal.domain.openings import Opener, Opening
from portal.domain.policy import Segment
from portal.domain.statuses import CampaignStatus, MessageStatus, MoveNotAllowed
from portal.gateways.mail import OutboxMailer
from portal.gateways.sms import OutboxTexter
from portal.models import (
    AccessLink,
    Account,
    Campaign,
    Client,
    Debtor,
    LinkOpening,
    Message,
)
from portal.services import campaign_audience, campaigns, evidence, link_openings
from portal.services.campaign_audience import Wanted
from portal.services.campaign_control import (
    NameMissing,
    Plan,
    TimePast,
    cut_off,
    draw_up,
    pause,
    resume,
    schedule,
    stop,
)
from portal.services.campaign_progress import Outcomes, Progress, outcomes_of, progress_of
from portal.services.campaign_release import look_after, release
from portal.services.dispatch import Carriers, dispatch, overdue
from portal.services.verify import verify_client
from portal.services.verify.campaigns import LISTED
from portal.writing import write
from tests.databases import Database
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
MINUTE = timedelta(minutes=1)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
def engine(database: Database) -> Iterator[Engine]:
    """The worker's engine, which may read the queue."""
    engine = make_engine(database.url("portal_worker"))
    yield engine
    engine.dispose()


@pytest.fixture
def client(session: PortalSession) -> Client:
    return make_client(session, sms_enabled=True)


def owing(session: PortalSession, client: Client, **given: Any) -> Account:
    """Dana with an account and an e-mail address."""
    debtor = make_debtor(session, client)
    make_contact(session, debtor)
    return make_account(session, debtor, **given)


def running(session: PortalSession, client: Client, now: datetime = NOW, **plan: Any) -> Campaign:
    """A campaign whose messages are written."""
    campaign = draw_up(session, client.id, Plan(name="May", **plan), by=None, now=now, at=now)
    written(session, campaign, now)
    return campaign


def written(session: PortalSession, campaign: Campaign, now: datetime = NOW) -> None:
    campaigns.send_links(session, campaign, keys=KEYS, texter=OutboxTexter(), now=now)


def messages(session: PortalSession) -> list[Message]:
    found = select(Message).order_by(Message.id).execution_options(populate_existing=True)
    return list(session.scalars(found))


def let_go(session: PortalSession, campaign: Campaign, now: datetime) -> int:
    """Do what the campaign's job does at this minute; how many messages had their turn."""
    release(session, campaign.client_id, campaign.id, now=now)
    return sum(one.turn_at == now for one in messages(session))


def hand_over(session: PortalSession, message: Message, now: datetime = NOW) -> str | None:
    carriers = Carriers(mailer=OutboxMailer(), texter=OutboxTexter(), write=write, keys=KEYS)
    return dispatch(session, message.client_id, message.id, carriers=carriers, now=now)


def told(session: PortalSession, client: Client) -> list[str]:
    leaves = evidence.chain_leaves(session, client.id, client.chain_id)
    return [one.type.removeprefix("campaign.") for one in leaves]


def goes(session: PortalSession, client: Client, **filters: Any) -> list[str]:
    """The references of the accounts whose debtors are in the audience and get a link."""
    wanted = Wanted(client, Audience(**filters))
    page = campaign_audience.next_page(session, wanted, None)
    weighed = campaign_audience.decided(session, wanted, page, texter=OutboxTexter(), now=NOW)
    chosen = [one.debtor.id for one in weighed]
    found = select(Account.reference).where(Account.debtor_id.in_(chosen))
    return sorted(session.scalars(found))


def test_each_filter_chooses_its_debtors(session: PortalSession, client: Client):
    small, large = (owing(session, client, balance_cents=cents) for cents in (10_00, 9_000_00))
    agreed, seen = owing(session, client), owing(session, client)
    make_arrangement(session, agreed, status="broken", ended_at=NOW)
    spanish = session.get_one(Debtor, (client.id, small.debtor_id))
    spanish.language, spanish.region = "es", "TX"
    link = AccessLink(
        client_id=client.id, debtor_id=seen.debtor_id, channel="email", public_id="1" * 12,
        code_hash=b"1", locale="en", issued_at=NOW, expires_at=NOW + timedelta(days=9),
    )  # fmt: skip
    session.add(link)
    session.flush()
    link_openings.count(session, link, Opening(user_agent=FIREFOX, drew=True), now=NOW)
    everybody = sorted(one.reference for one in (small, large, agreed, seen))
    assert goes(session, client) == everybody
    assert goes(session, client, to_balance_cents=50_00) == [small.reference]
    assert goes(session, client, from_balance_cents=6_000_00) == [large.reference]
    assert goes(session, client, languages=("es",)) == [small.reference]
    assert goes(session, client, regions=("TX",)) == [small.reference]
    assert goes(session, client, segment=Segment("t", regions=("TX",))) == [small.reference]
    assert agreed.reference not in goes(session, client, unagreed=True)
    assert goes(session, client, unopened=True) == sorted({*everybody} - {seen.reference})
    assert goes(session, client, placed_since=NOW.date() + timedelta(days=9)) == []


def test_a_campaign_by_email_only_texts_nobody(session: PortalSession, client: Client):
    phone_only = make_debtor(session, client)
    make_contact(session, phone_only, channel="sms", address="+15035550123")
    make_account(session, phone_only)
    owing(session, client)
    campaign = running(session, client, email_only=True)
    assert (campaign.goes, campaign.held) == (1, {"email_only": 1})


def test_a_pace_lets_so_many_go_each_minute(session: PortalSession, client: Client):
    for _ in range(5):
        owing(session, client)
    campaign = running(session, client, per_minute=2)
    waiting = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'messages.dispatch'"
    assert session.scalar(text(waiting)) == 0
    assert overdue(session, client.id, NOW + timedelta(hours=1)) == []
    assert [let_go(session, campaign, NOW + n * MINUTE) for n in (0, 0.5, 1, 2, 3)] == [
        *(2, 0, 2, 1, 0)
    ]
    assert session.scalar(text(waiting)) == 3


def test_the_next_turn_is_never_one_that_has_passed(session: PortalSession, client: Client):
    for _ in range(3):
        owing(session, client)
    campaign = running(session, client, per_minute=1)
    assert let_go(session, campaign, NOW) == 1
    (going,) = (one for one in messages(session) if one.turn_at)
    assert hand_over(session, going) == "sent"
    assert progress_of(session, campaign, now=NOW).next_at == NOW + MINUTE
    late = NOW + 8 * MINUTE
    assert progress_of(session, campaign, now=late).next_at == late


def test_who_agreed_meanwhile_is_not_invited_any_more(session: PortalSession, client: Client):
    """RT-02: a message that waited for its hour is dropped, as the count would hold it back."""
    account = owing(session, client)
    running(session, client, NIGHT)
    make_arrangement(session, account)
    (message,) = messages(session)
    assert hand_over(session, message, message.send_at) == "suppressed"
    assert message.rule == "arranged"
    assert evidence.account_leaves(session, account)[-1].payload["rule"] == "arranged"


def test_who_agreed_about_one_account_is_invited_to_the_other(
    session: PortalSession, client: Client
):
    account = owing(session, client)
    make_account(session, session.get_one(Debtor, (client.id, account.debtor_id)))
    running(session, client, NIGHT)
    make_arrangement(session, account)
    (message,) = messages(session)
    assert hand_over(session, message, message.send_at) == "sent"


def test_ct_01_what_waits_for_its_hour_keeps_the_pace_in_the_morning(
    session: PortalSession, client: Client
):
    for _ in range(3):
        owing(session, client)
    campaign = running(session, client, NIGHT, per_minute=2)
    assert campaign.later == 3
    assert let_go(session, campaign, NIGHT) == 0
    (opens,) = {one.send_at for one in messages(session)}
    assert [let_go(session, campaign, opens + n * MINUTE) for n in range(2)] == [2, 1]


def test_nothing_leaves_while_it_is_paused_and_all_of_it_after(
    session: PortalSession, client: Client
):
    for _ in range(2):
        owing(session, client)
    campaign = running(session, client)
    first, second = messages(session)
    assert hand_over(session, first) == "sent"
    pause(session, campaign, by=None, now=NOW)
    with pytest.raises(MoveNotAllowed):
        pause(session, campaign, by=None, now=NOW)
    assert hand_over(session, second) == "deferred"
    assert second.rule == "campaign_paused"
    assert let_go(session, campaign, NOW + MINUTE) == 0
    resume(session, campaign, by=None, now=NOW + MINUTE)
    assert let_go(session, campaign, NOW + MINUTE) == 1
    assert hand_over(session, second, NOW + MINUTE) == "sent"
    release(session, client.id, campaign.id, now=NOW + 3 * MINUTE)
    assert campaign.status is CampaignStatus.DONE
    assert told(session, client) == ["drawn_up", "sent", "paused", "resumed", "finished"]


def test_rt_02_what_was_not_sent_when_it_was_stopped_never_is_and_is_on_record(
    session: PortalSession, client: Client
):
    for _ in range(3):
        owing(session, client)
    campaign = running(session, client, NIGHT)
    assert {one.status for one in messages(session)} == {MessageStatus.DEFERRED}
    assert stop(session, campaign, by=None, now=NIGHT) == 3
    first, *rest = messages(session)
    first.send_at = NIGHT
    assert hand_over(session, first, NIGHT) == "suppressed"
    release(session, client.id, campaign.id, now=NIGHT)
    assert {(one.status, one.rule) for one in messages(session)} == {
        (MessageStatus.SUPPRESSED, "campaign_stopped")
    }
    dropped = evidence.chain_leaves(session, client.id, client.chain_id)[-1]
    assert (dropped.type, dropped.payload["left"]) == ("campaign.dropped", 2)
    digest = dropped.payload["documents"][0]["sha256"]
    kept = evidence.document(session, client.id, client.chain_id, digest).body.decode()
    assert kept == "".join(f"message {one.id} held campaign_stopped\n" for one in rest)
    with pytest.raises(MoveNotAllowed):
        resume(session, campaign, by=None, now=NIGHT)
    assert list(verify_client(session, client.id)) == []


def test_stopped_or_paused_between_two_batches_it_writes_no_more(
    session: PortalSession, client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(campaign_audience, "BATCH", 1)
    for _ in range(3):
        owing(session, client)

    def interfere(_session: PortalSession, name: str) -> None:
        if campaign.goes == 2 and campaign.status is CampaignStatus.RUNNING:
            pause(session, campaign, by=None, now=NOW)

    monkeypatch.setattr(campaigns, "commit", interfere)
    campaign = draw_up(session, client.id, Plan(name="May"), by=None, now=NOW, at=NOW)
    written(session, campaign)
    assert (campaign.goes, campaign.prepared_at) == (2, None)
    resume(session, campaign, by=None, now=NOW)
    monkeypatch.undo()
    written(session, campaign)
    assert (campaign.goes, campaign.prepared_at) == (3, NOW)


def test_it_begins_when_its_time_has_come(session: PortalSession, client: Client):
    owing(session, client)
    campaign = draw_up(session, client.id, Plan(name=" May "), by=None, now=NOW)
    with pytest.raises(TimePast):
        schedule(session, campaign, NOW, by=None, now=NOW)
    with pytest.raises(NameMissing):
        draw_up(session, client.id, Plan(name=" "), by=None, now=NOW)
    schedule(session, campaign, NOW + MINUTE, by=None, now=NOW)
    written(session, campaign)
    assert (campaign.name, campaign.status, campaign.goes) == ("May", "scheduled", 0)
    written(session, campaign, NOW + MINUTE)
    assert (campaign.status, campaign.goes) == ("running", 1)


def test_a_campaign_that_was_given_up_is_paused_and_goes_on(session: PortalSession, client: Client):
    owing(session, client)
    campaign = draw_up(session, client.id, Plan(name="May"), by=None, now=NOW, at=NOW)
    cut_off(session, campaign, now=NOW)
    assert (campaign.status, campaign.cut_off_at) == (CampaignStatus.PAUSED, NOW)
    resume(session, campaign, by=None, now=NOW)
    written(session, campaign)
    assert (campaign.goes, campaign.cut_off_at) == (1, None)


def test_a_campaign_whose_job_was_lost_is_taken_up(session: PortalSession, client: Client):
    owing(session, client)
    campaign = running(session, client, per_minute=1)
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'messages.release'"
    session.execute(text("UPDATE procrastinate_jobs SET status = 'cancelled'"))
    before = session.scalar(text(jobs))
    look_after(session, client.id, now=NOW)
    assert session.scalar(text(jobs)) == before + 1
    assert campaign.status is CampaignStatus.RUNNING


def opened(session: PortalSession, message: Message, now: datetime, **how: Any) -> None:
    link = session.get_one(AccessLink, (message.client_id, message.link_id))
    link_openings.count(session, link, Opening(**how), now=now)


def test_what_came_of_it_counts_people_and_not_scanners(session: PortalSession, client: Client):
    accounts = [owing(session, client) for _ in range(4)]
    campaign = running(session, client)
    for message in messages(session):
        assert hand_over(session, message) == "sent"
    person, scanned, came, _ = messages(session)
    later = NOW + timedelta(hours=1)
    opened(session, person, later, user_agent=FIREFOX)
    opened(session, person, later, user_agent=FIREFOX, drew=True)
    opened(session, scanned, NOW + timedelta(seconds=3), user_agent=FIREFOX, drew=True)
    opened(session, scanned, later, user_agent="WhatsApp/2.23")
    link = session.get_one(AccessLink, (client.id, came.link_id))
    link.verified_at = later
    account = next(one for one in accounts if one.debtor_id == came.debtor_id)
    make_arrangement(session, account, accepted_at=later)
    assert outcomes_of(session, campaign) == Outcomes(4, 0, 2, 1, 1, 1, 0)
    assert progress_of(session, campaign, now=NOW) == Progress(4, 0, 0, 0, None)
    kept = Counter(session.scalars(select(LinkOpening.opener)))
    assert kept == {Opener.SCANNER: 2, Opener.PERSON: 1, Opener.PREVIEW: 1}


def test_a_link_that_is_opened_without_end_is_counted_to_fifty(
    session: PortalSession, client: Client
):
    owing(session, client)
    running(session, client)
    (message,) = messages(session)
    for n in range(link_openings.MOST + 5):
        opened(session, message, NOW + n * MINUTE, user_agent=FIREFOX)
    assert len(session.scalars(select(LinkOpening.id)).all()) == link_openings.MOST


def test_rt_02_a_message_that_no_list_of_its_campaign_names_is_found(
    session: PortalSession, client: Client
):
    owing(session, client)
    running(session, client)
    (message,) = messages(session)
    assert list(verify_client(session, client.id)) == []
    other = draw_up(session, client.id, Plan(name="June"), by=None, now=NOW)
    message.campaign_id = other.id
    session.flush()
    broken = list(verify_client(session, client.id))
    assert {one.invariant for one in broken} == {LISTED}
    assert {one.where for one in broken} == {f"link {message.id}", f"no message {message.id}"}
