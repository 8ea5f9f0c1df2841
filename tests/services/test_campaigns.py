"""A client's links go out in batches: each debtor who may have one, the others counted with why."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, func, select, text

from portal.db import PortalSession, make_engine
from portal.domain.audience import EVERYBODY, Audience
from portal.domain.holds import HoldKind
from portal.domain.outgoing import REASONS, reason_of
from portal.domain.statuses import AccountStatus, MessageStatus
from portal.gateways.mail import OutboxMailer
from portal.gateways.sms import OutboxTexter
from portal.models import (
    AccessLink,
    Account,
    Campaign,
    Client,
    CollectorRole,
    Contact,
    ContactStop,
    Debtor,
    Message,
    StopKind,
)
from portal.models.base import ids
from portal.services import campaign_audience, campaigns, evidence, invitations
from portal.services.campaign_audience import CampaignReport, Wanted, count
from portal.services.campaign_control import Plan, draw_up
from portal.services.campaigns import ReferenceUnknown, require_accounts
from portal.services.dispatch import Carriers, dispatch
from portal.services.evidence import SYSTEM
from portal.services.links import open_token, token_of
from portal.services.messages import BATCH
from portal.services.standing import set_hold
from portal.services.verify import verify_client
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


def permit(session: PortalSession, account: Account) -> None:
    """Dana told the agency itself to use her address."""
    mine = select(Contact).where(Contact.debtor_id == account.debtor_id)
    session.scalars(mine).one().permission_basis = "direct_consent"


def send(
    session: PortalSession, client: Client, now: datetime = NOW, **given: Any
) -> CampaignReport:
    """Write the messages of a new campaign, or of this one."""
    campaign = given.get("campaign") or new(session, client, now, **given)
    return campaigns.send_links(session, campaign, keys=KEYS, texter=OutboxTexter(), now=now)


def new(
    session: PortalSession, client: Client, now: datetime = NOW, by: UUID | None = None, **plan: Any
) -> Campaign:
    return draw_up(session, client.id, Plan(name="May", **plan), by=by, now=now, at=now)


def messages(session: PortalSession) -> list[Message]:
    return list(session.scalars(select(Message).order_by(Message.id)))


def stop(session: PortalSession, account: Account, kind: StopKind) -> None:
    (contact,) = invitations._contacts(
        session, session.get_one(Client, account.client_id), [account.debtor_id]
    )[account.debtor_id]
    session.add(
        ContactStop(
            client_id=account.client_id,
            channel=contact.channel,
            address=contact.address,
            kind=kind,
            source="test",
            stopped_at=NOW,
        )
    )
    session.flush()


def test_each_debtor_gets_one_link_that_opens(session: PortalSession, client: Client):
    first = owing(session, client)
    make_account(session, session.get_one(Debtor, (client.id, first.debtor_id)))
    owing(session, client)
    report = send(session, client)
    assert (report.goes, report.later, report.held_back) == (2, 0, 0)
    for message in messages(session):
        link = session.get_one(AccessLink, (client.id, message.link_id))
        assert (message.template, message.status) == ("link", MessageStatus.QUEUED)
        assert (link.debtor_id, link.contact_id) == (message.debtor_id, message.contact_id)
        opened = open_token(session, token_of(KEYS, link), keys=KEYS, now=NOW)
        assert opened is not None
        assert link.expires_at == NOW + timedelta(days=client.link_days)


def test_what_is_queued_can_be_sent(session: PortalSession, client: Client):
    owing(session, client)
    send(session, client)
    (message,) = messages(session)
    carriers = Carriers(mailer=OutboxMailer(), texter=OutboxTexter(), write=write, keys=KEYS)
    assert dispatch(session, client.id, message.id, carriers=carriers, now=NOW) == "sent"
    assert "/l/" in (message.body or "")


def test_who_is_held_back_is_counted_by_rule(session: PortalSession, client: Client):
    """SC-04, RT-02"""
    owing(session, client)
    owing(session, client, status=AccountStatus.RECALLED)
    owing(session, client, status=AccountStatus.PAID, balance_cents=1, sol_expires_on=None)
    owing(session, client, sol_expires_on=NOW.date())
    disputed = owing(session, client)
    set_hold(session, disputed, HoldKind.DISPUTE, source="staff", now=NOW, actor=SYSTEM)
    lifted = owing(session, client)
    set_hold(
        session,
        lifted,
        HoldKind.DISPUTE,
        source="staff",
        ends_at=NOW,
        now=NOW - timedelta(days=1),
        actor=SYSTEM,
    )
    make_arrangement(session, owing(session, client))
    make_account(session, make_debtor(session, client))
    for kind in StopKind:
        stop(session, owing(session, client), kind)
    report = send(session, client)
    assert report.goes == 2
    assert report.held == {
        "DH-01": 1,
        "DH-09": 2,
        "EC-02": 1,
        "EC-05": 1,
        "EC-06": 1,
        "EC-08": 1,
        "EC-09": 1,
        "TB-02": 1,
        "arranged": 1,
        "letter_only": 1,
    }
    assert report.held_back == 11
    assert Counter(message.status for message in messages(session)) == {
        "queued": 2,
        "suppressed": 10,
    }


def test_an_agency_sends_nothing_before_the_notice(session: PortalSession):
    """VN-04, EC-07"""
    agency = make_client(session, collector_role=CollectorRole.THIRD_PARTY_AGENCY, sms_enabled=True)
    for given in ({"validation_notice_sent_on": None}, {}):
        permit(session, owing(session, agency, **given))
    phone_only = make_debtor(session, agency)
    make_contact(session, phone_only, channel="sms", address="+15035550123")
    make_account(session, phone_only)
    assert send(session, agency) == CampaignReport(1, 0, {"EC-07": 1, "VN-04": 1})


def test_one_account_that_allows_both_is_enough(session: PortalSession, client: Client):
    disputed = owing(session, client)
    set_hold(session, disputed, HoldKind.DISPUTE, source="staff", now=NOW, actor=SYSTEM)
    make_account(session, session.get_one(Debtor, (client.id, disputed.debtor_id)))
    assert send(session, client).goes == 1


def test_an_email_comes_before_a_text_and_a_closed_one_is_passed_over(
    session: PortalSession, client: Client
):
    for number in range(2):
        account = owing(session, client)
        debtor = session.get_one(Debtor, (client.id, account.debtor_id))
        if number:
            stop(session, account, StopKind.BOUNCED)
        make_contact(session, debtor, channel="sms", address=f"+1503555012{number}")
    assert send(session, client).goes == 2
    used = {session.get_one(Contact, (client.id, one.contact_id)) for one in messages(session)}
    assert sorted(one.channel for one in used) == ["email", "sms"]
    assert not {one.address for one in used} & set(session.scalars(select(ContactStop.address)))


def test_ct_01_at_night_they_wait_together_for_the_morning(session: PortalSession, client: Client):
    """CT-01: one job for a batch that leaves at the same hour."""
    for _ in range(BATCH + 1):
        owing(session, client)
    report = send(session, client, NIGHT)
    assert (report.goes, report.later) == (BATCH + 1, BATCH + 1)
    morning = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
    assert {(one.status, one.rule, one.send_at) for one in messages(session)} == {
        ("deferred", "CT-01", morning)
    }
    found = text(
        "SELECT args, scheduled_at FROM procrastinate_jobs WHERE task_name = 'messages.dispatch'"
    )
    jobs = session.execute(found).all()
    assert [row.scheduled_at for row in jobs] == [morning, morning]
    queued = {one for row in jobs for one in row.args["message_ids"]}
    assert queued == {str(one.id) for one in messages(session)}


def test_ct_05_sent_again_nobody_is_written_to_twice(session: PortalSession, client: Client):
    """CT-05: neither while it waits, nor on the same day, nor a fourth time in a week."""
    owing(session, client)
    carriers = Carriers(mailer=OutboxMailer(), texter=OutboxTexter(), write=write, keys=KEYS)
    at = NOW
    for _ in range(3):
        assert send(session, client, at).goes == 1
        assert send(session, client, at).held == {"repeated": 1}
        message = messages(session)[-1]
        dispatch(session, client.id, message.id, carriers=carriers, now=at)
        assert send(session, client, at + timedelta(hours=3)).held == {"CT-05": 1}
        at += timedelta(days=1, seconds=1)
    assert send(session, client, at).held == {"CT-05": 1}
    assert send(session, client, NOW + timedelta(days=7, seconds=1)).goes == 1


def test_a_dry_run_counts_and_writes_nothing(session: PortalSession, client: Client):
    owing(session, client)
    held = owing(session, client, status=AccountStatus.RECALLED)
    found = count(session, Wanted(client, EVERYBODY), texter=OutboxTexter(), now=NOW)
    assert found.report == CampaignReport(1, 0, {"DH-09": 1})
    assert [(one.reference, one.rule) for one in found.named] == [(held.reference, "DH-09")]
    for model in (Message, AccessLink):
        assert session.scalar(select(func.count()).select_from(model)) == 0
    assert evidence.chain_leaves(session, client.id, client.chain_id) == []


def test_one_leaf_stands_over_the_list_of_a_batch(session: PortalSession, client: Client):
    sent, held = owing(session, client), owing(session, client, status=AccountStatus.RECALLED)
    sam = make_debtor(session, client).id  # any id: who pressed the button
    send(session, client, by=sam)
    drawn_up, leaf = evidence.chain_leaves(session, client.id, client.chain_id)
    assert drawn_up.type == "campaign.drawn_up"
    assert (leaf.type, leaf.payload["actor"]) == ("campaign.sent", evidence.staff(sam))
    assert (leaf.payload["goes"], leaf.payload["held"]["DH-09"]) == (1, 1)
    (kept,) = leaf.payload["documents"]
    manifest = evidence.document(session, client.id, client.chain_id, kept["sha256"]).body.decode()
    message, kept_back = sorted(messages(session), key=lambda one: one.status)
    assert (kept_back.debtor_id, kept_back.status, kept_back.rule) == (
        held.debtor_id,
        MessageStatus.SUPPRESSED,
        "DH-09",
    )
    assert f"{sent.debtor_id} message {message.id} link {message.link_id}\n" in manifest
    assert f"{held.debtor_id} held DH-09\n" in manifest
    assert list(verify_client(session, client.id)) == []
    kept_back.batch_id = None
    session.flush()
    (broken,) = verify_client(session, client.id)
    assert broken.invariant.startswith("a message that left has its leaf")


def test_only_these_debtors(session: PortalSession, client: Client):
    wanted, _ = owing(session, client), owing(session, client)
    require_accounts(session, client.id, [wanted.reference])
    assert send(session, client, audience=Audience(references=(wanted.reference,))).goes == 1
    assert messages(session)[0].debtor_id == wanted.debtor_id
    with pytest.raises(ReferenceUnknown, match="NOPE"):
        require_accounts(session, client.id, ["NOPE"])


def test_another_clients_debtors_are_left_alone(session: PortalSession, client: Client):
    other = make_client(session)
    owing(session, other)
    owing(session, client)
    assert send(session, client).goes == 1
    assert messages(session)[0].client_id == client.id


def test_many_debtors_cost_few_statements(
    session: PortalSession, client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(campaign_audience, "BATCH", 20)
    for _ in range(30):
        owing(session, client)
    seen: Counter[str] = Counter()
    engine = session.get_bind().engine

    def count(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        seen[statement.split(maxsplit=1)[0]] += 1

    event.listen(engine, "before_cursor_execute", count)
    try:
        assert send(session, client).goes == 30
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert seen.total() < 60, seen
    assert len(messages(session)) == 30
    assert len(evidence.chain_leaves(session, client.id, client.chain_id)) == 3


def test_a_link_is_named_again_where_chance_repeats_itself(
    session: PortalSession, client: Client, monkeypatch: pytest.MonkeyPatch
):
    drawn: list[bytes] = []
    given = ids.randbytes

    def repeat(size: int) -> bytes:
        seen = [one for one in drawn if len(one) == size == 16]
        drawn.append(seen[0] if len(seen) == 1 else given(size))
        return drawn[-1]

    monkeypatch.setattr(ids, "randbytes", repeat)
    owing(session, client)
    owing(session, client)
    assert send(session, client).goes == 2
    assert len(set(session.scalars(select(AccessLink.public_id)))) == 2
    names = [one for one in drawn if len(one) == 16]
    assert (len(names), len(set(names))) == (3, 2)


def test_every_rule_has_a_sentence():
    for rule in ("CT-01", "VN-04", "DH-01", "arranged", "no_address"):
        assert reason_of(rule)
    assert all(sentence.endswith(".") for sentence in REASONS.values())
