"""Messages leave when they may, once, and say why when they do not."""

import dataclasses
import email.policy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from portal.db import PortalSession, make_engine, set_hook, tenant_session
from portal.domain.holds import Capability, HoldKind
from portal.domain.outgoing import TEMPLATES, Rule
from portal.domain.statuses import AccountStatus, MessageStatus
from portal.gateways.delivery import NotDelivered, RecipientStopped, Refused, Unreachable
from portal.gateways.mail import Mail, OutboxMailer
from portal.gateways.sms import OutboxTexter, Text
from portal.models import (
    AccessLink,
    Account,
    Channel,
    CollectorRole,
    Contact,
    ContactStop,
    Debtor,
    Document,
    Message,
    MoneyException,
    OneTimeCode,
    Staff,
    StopKind,
    fresh_id,
)
from portal.services import evidence, money_questions
from portal.services.clearance import CAPPED
from portal.services.dispatch import (
    FIRST_WAIT,
    LEASE,
    TRIES,
    Carriers,
    NotWritten,
    dispatch,
    overdue,
)
from portal.services.evidence import SYSTEM
from portal.services.identity import code_text
from portal.services.ledger import lock_account
from portal.services.links import issue_link, revoke_link
from portal.services.messages import queue
from portal.services.money_questions import Decision
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

WAITS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


class Post(OutboxMailer):
    """Writes down what it is handed, and fails as told."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []
        self.failures: list[NotDelivered] = []

    def send(self, mail: Mail, body: bytes) -> str:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(mail)
        return super().send(mail, body)


class Phone(OutboxTexter):
    """Writes down what it is handed."""

    def __init__(self) -> None:
        self.sent: list[Text] = []

    def send(self, text: Text) -> str:
        self.sent.append(text)
        return super().send(text)


@pytest.fixture(scope="module")
def engine(database: Database) -> Iterator[Engine]:
    """The worker's engine: it is the one that dispatches, and may read the queue."""
    engine = make_engine(database.url("portal_worker"))
    yield engine
    engine.dispose()


@pytest.fixture
def carriers() -> Carriers:
    return Carriers(mailer=Post(), texter=Phone(), write=write, keys=KEYS)


@dataclasses.dataclass
class Dana:
    """Dana's account in New York, her address, and what we send her."""

    session: PortalSession
    carriers: Carriers
    account: Account
    debtor: Debtor
    contact: Contact

    @property
    def mails(self) -> list[Mail]:
        return self.carriers.mailer.sent  # type: ignore[attr-defined,no-any-return]

    @property
    def texts(self) -> list[Text]:
        return self.carriers.texter.sent  # type: ignore[attr-defined,no-any-return]

    def queue(self, template: str = "thread_reply", **given: Any) -> Message:
        values: dict[str, Any] = {
            "template": template,
            "context": {},
            "account": self.account,
            "dedupe_key": f"{template}:{given}",
            "now": NOW,
        }
        (message,) = queue(self.session, self.debtor, **(values | given))
        return message

    def link(self, **given: Any) -> Message:
        """An invitation with its own link, as a campaign makes it."""
        issued = issue_link(self.session, self.debtor, keys=KEYS, contact=self.contact, now=NOW)
        return self.queue("link", **({"account": None, "link": issued.link} | given))

    def dispatch(self, message: Message, now: datetime = NOW, **given: Any) -> Message:
        key = (message.client_id, message.id)
        dispatch(self.session, *key, carriers=self.carriers, now=now, **given)
        self.session.refresh(message)
        return message

    def leaves(self, kind: str = "message.") -> list[evidence.Entry]:
        found = evidence.account_leaves(self.session, self.account)
        return [leaf for leaf in found if leaf.type.startswith(kind)]


@pytest.fixture
def make_dana(session: PortalSession, carriers: Carriers) -> Callable[..., Dana]:
    def make(**given: Any) -> Dana:
        of_client = {k: given.pop(k) for k in ("collector_role", "sms_enabled") if k in given}
        of_contact = {k: given.pop(k) for k in ("channel", "address", "zones") if k in given}
        of_account = {k: given.pop(k) for k in ("validation_notice_sent_on",) if k in given}
        client = make_client(session, **of_client)
        debtor = make_debtor(session, client, **given)
        account = make_account(session, debtor, **of_account)
        contact = make_contact(session, debtor, **of_contact)
        return Dana(session, carriers, account, debtor, contact)

    return make


@pytest.fixture
def dana(make_dana: Callable[..., Dana]) -> Dana:
    return make_dana()


def jobs(session: PortalSession) -> list[tuple[Any, datetime | None]]:
    rows = session.execute(
        text("SELECT args, scheduled_at FROM procrastinate_jobs ORDER BY id DESC")
    )
    return [(row.args, row.scheduled_at) for row in rows]


def new_york(hour: int, minute: int = 0, day: int = 23) -> datetime:
    """A time of day in New York in November 2026, when it is five hours behind."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


def test_a_message_is_sent_once_with_the_record_of_its_bytes(dana: Dana):
    message = dana.dispatch(dana.queue())
    dana.dispatch(message)
    (mail,) = dana.mails
    assert (message.status, message.sent_at, message.attempts) == (MessageStatus.SENT, NOW, 1)
    assert (message.address, message.subject) == (dana.contact.address, mail.subject)
    assert message.provider_id == f"{message.id}@outbox.example"
    (leaf,) = dana.leaves()
    assert (leaf.type, leaf.payload["message"]) == ("message.sent", str(message.id))
    (kept,) = leaf.payload["documents"]
    body = evidence.document(
        dana.session, dana.account.client_id, dana.account.chain_id, kept["sha256"]
    ).body
    exact = dana.carriers.mailer.message_bytes(mail)
    assert leaf.payload["handed_over_sha256"] == sha256(exact).hexdigest()
    token = mail.text.partition("/l/")[2].split()[0]
    part = message_from_bytes(body, policy=email.policy.default).get_body(("plain",))
    assert part.get_content().split() == mail.text.replace(token, "***").split()
    assert (message.body, message.body_html) == (
        mail.text.replace(token, "***"),
        mail.html.replace(token, "***"),
    )
    assert leaf.payload["zones"] == ["America/New_York"]
    assert dana.contact.address not in str(leaf.payload)


def make_code(dana: Dana, link: AccessLink) -> OneTimeCode:
    code = OneTimeCode(
        client_id=dana.account.client_id,
        debtor_id=dana.debtor.id,
        link_id=link.id,
        contact_id=dana.contact.id,
        code_hash=bytes(32),
        sent_at=NOW,
        expires_at=NOW + timedelta(minutes=10),
    )
    dana.session.add(code)
    dana.session.flush()
    return code


def test_no_table_holds_a_link_or_a_code_that_works(dana: Dana):
    issued = issue_link(dana.session, dana.debtor, keys=KEYS, contact=dana.contact, now=NOW)
    code = make_code(dana, issued.link)
    given = {"account": None, "link": issued.link}
    for template in ("new_link", "one_time_code"):
        context = {"code_id": str(code.id)}
        message = dana.dispatch(dana.queue(template, context=context, **given))
        assert message.status == MessageStatus.SENT
    secrets = (issued.token, code_text(KEYS, code.id))
    assert [secret in mail.text for secret, mail in zip(secrets, dana.mails, strict=True)]
    rows = [f"{one.body} {one.body_html}" for one in dana.session.query(Message)]
    names = [row.sha256.hex() for row in dana.session.query(Document)]
    kept = [evidence.kept_with(dana.session, [dana.account], name).body.decode() for name in names]
    assert kept
    for secret in secrets:
        assert not [one for one in rows + kept if secret in one]


def test_ct_01_the_hour_counts_when_it_is_handed_over(dana: Dana):
    """CT-01: queued at 20:40, the worker stalls until 21:01; it leaves at 08:00."""
    message = dana.queue(now=new_york(20, 40))
    dana.dispatch(message, new_york(21, 1))
    assert (message.status, message.rule) == (MessageStatus.DEFERRED, Rule.HOURS)
    assert message.send_at == new_york(8, day=24)
    args, run_at = jobs(dana.session)[0]
    assert (args["message_ids"], run_at) == ([str(message.id)], new_york(8, day=24))
    dana.dispatch(message, new_york(7, 59, day=24))
    assert dana.mails == []
    dana.dispatch(message, new_york(8, day=24))
    assert (message.status, message.rule) == (MessageStatus.SENT, None)
    assert dana.leaves()[-1].payload["waited_for"] == "CT-01"


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (new_york(20, 44), MessageStatus.SENT),
        (new_york(20, 45), MessageStatus.DEFERRED),
        (new_york(8), MessageStatus.SENT),
        (new_york(7, 59), MessageStatus.DEFERRED),
    ],
)
def test_ct_01_handing_over_stops_a_quarter_before_the_close(
    dana: Dana, at: datetime, status: MessageStatus
):
    assert dana.dispatch(dana.queue(now=NOW - timedelta(days=1)), at).status == status


ALL_US = ("AP", None, None)
VECTORS = [
    # region, declared zone, zones of the phone: opens, closes (UTC, 2026-11-23)
    (("CA", None, None), "16:00", "05:00"),
    (("CA", None, "America/New_York"), "16:00", "02:00"),
    (ALL_US, "18:00", "02:00"),
]


def at_utc(hhmm: str) -> datetime:
    hour, minute = map(int, hhmm.split(":"))
    day = 23 if hour >= 12 else 24
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(("where", "opens", "closes"), VECTORS)
def test_ct_02_every_place_they_may_be_in_must_be_open(
    make_dana: Callable[..., Dana],
    where: tuple[str, str | None, str | None],
    opens: str,
    closes: str,
):
    """CT-02"""
    region, declared, phone = where
    person = make_dana(region=region, time_zone=declared)
    if phone:
        make_contact(
            person.session, person.debtor, channel="sms", address="+12125550100", zones=phone
        )
    stop = at_utc(closes) - timedelta(minutes=15)
    early = NOW - timedelta(days=2)
    for at, status in (
        (at_utc(opens) - timedelta(minutes=1), MessageStatus.DEFERRED),
        (at_utc(opens), MessageStatus.SENT),
        (stop - timedelta(minutes=1), MessageStatus.SENT),
        (stop, MessageStatus.DEFERRED),
    ):
        message = person.queue(dedupe_key=f"{at}", now=early)
        assert person.dispatch(message, at).status == status, at


def test_ct_02_says_where_it_may_be_too_late(make_dana: Callable[..., Dana]):
    person = make_dana(region="CA", time_zone="America/New_York")
    message = person.queue(now=NOW - timedelta(days=1))
    person.dispatch(message, NOW - timedelta(hours=2))  # 10:00 in New York, 7:00 in California
    assert message.rule == Rule.HOURS_SOMEWHERE


def test_ct_01_the_night_of_the_clock_change_is_counted_right(make_dana: Callable[..., Dana]):
    """CT-02: Denver and Phoenix on 2027-03-14, 15:00Z to 03:00Z."""
    person = make_dana(region="AZ", time_zone="America/Denver")
    before = datetime(2027, 3, 14, 4, 0, tzinfo=UTC)
    message = person.queue(now=before)
    person.dispatch(message, before)
    assert message.send_at == datetime(2027, 3, 14, 15, 0, tzinfo=UTC)
    late = person.queue(dedupe_key="late", now=before)
    person.dispatch(late, datetime(2027, 3, 15, 2, 45, tzinfo=UTC))
    assert late.status == MessageStatus.DEFERRED


def test_ct_04_what_a_person_waits_for_goes_at_night(dana: Dana):
    """CT-04"""
    night = new_york(2)
    receipt = dana.queue(now=night)
    asked = dana.queue(asked_for=True, dedupe_key="asked", now=night)
    assert dana.dispatch(receipt, night).status == MessageStatus.DEFERRED
    assert dana.dispatch(asked, night).status == MessageStatus.SENT
    assert dana.leaves()[-1].payload["asked_for"]


def test_what_is_delivered_by_hand_on_the_outbox_page_says_which_hours_it_passed_over(dana: Dana):
    """CT-01: the books pass it for what its leaf says, and for nothing else."""
    night = new_york(2)
    message = dana.dispatch(dana.queue(now=night), night, at_any_hour=True)
    assert (message.status, message.sent_at) == (MessageStatus.SENT, night)
    assert dana.leaves()[-1].payload["despite"] == "CT-01"
    dana.dispatch(dana.queue(dedupe_key="by day"), at_any_hour=True)
    assert "despite" not in dana.leaves()[-1].payload
    assert list(verify_client(dana.session, message.client_id)) == []


def test_ct_05_one_invitation_a_day_and_three_a_week(dana: Dana):
    """CT-05: the fourth within 168 hours is not sent, a second later than that it is."""
    start = new_york(12, day=2)
    for day in range(3):
        at = start + timedelta(days=day, seconds=day)
        sent = dana.link(dedupe_key=f"day {day}", now=at)
        assert dana.dispatch(sent, at).status == MessageStatus.SENT
    same_day = dana.link(dedupe_key="same day", now=start + timedelta(days=2, hours=1))
    fourth = dana.link(dedupe_key="fourth", now=start + timedelta(days=5))
    dana.dispatch(fourth, start + timedelta(days=5))
    assert (fourth.status, fourth.rule) == (MessageStatus.SUPPRESSED, Rule.CAP)
    dana.dispatch(same_day, start + timedelta(days=2, hours=1))
    assert (same_day.status, same_day.rule) == (MessageStatus.SUPPRESSED, Rule.CAP)
    later = dana.link(dedupe_key="later", now=start + timedelta(days=7, seconds=1))
    assert dana.dispatch(later, start + timedelta(days=7, seconds=1)).status == MessageStatus.SENT


def test_ct_05_a_second_one_on_a_day_waits_for_the_next(dana: Dana):
    dana.dispatch(dana.link(dedupe_key="one"))
    second = dana.link(dedupe_key="two", now=NOW + timedelta(hours=3))
    dana.dispatch(second, NOW + timedelta(hours=3))
    assert (second.status, second.rule) == (MessageStatus.DEFERRED, Rule.CAP)
    assert second.send_at == NOW + timedelta(hours=24)
    assert dana.dispatch(dana.queue(now=NOW), NOW + timedelta(hours=3)).status == "sent"


def agreed(dana: Dana) -> dict[str, str]:
    """What a message about an arrangement names."""
    return {"arrangement": str(make_arrangement(dana.session, dana.account).id)}


def stop(dana: Dana, kind: StopKind) -> None:
    row = ContactStop(
        client_id=dana.account.client_id,
        channel=dana.contact.channel,
        address=dana.contact.address,
        kind=kind,
        source="test",
        stopped_at=NOW,
    )
    dana.session.add(row)
    dana.session.flush()


@pytest.mark.parametrize(
    ("kind", "rule"),
    [(StopKind.OPTED_OUT, "EC-05"), (StopKind.WRONG_PERSON, "EC-08"), (StopKind.BOUNCED, "EC-09")],
)
def test_rt_02_a_stop_after_it_was_queued_keeps_it_back_on_the_record(
    dana: Dana, kind: StopKind, rule: str
):
    """RT-02"""
    message = dana.queue()
    stop(dana, kind)
    dana.dispatch(message)
    assert (message.status, message.rule, dana.mails) == (MessageStatus.SUPPRESSED, rule, [])
    (leaf,) = dana.leaves()
    assert (leaf.type, leaf.payload["rule"]) == ("message.suppressed", rule)


def test_a_new_link_goes_where_it_was_asked_for_despite_an_opt_out(dana: Dana):
    stop(dana, StopKind.OPTED_OUT)
    issued = issue_link(dana.session, dana.debtor, keys=KEYS, contact=dana.contact, now=NOW)
    given = {"contact": dana.contact, "link": issued.link, "account": None}
    asked = dana.queue("new_link", asked_for=True, **given)
    assert dana.dispatch(asked).status == MessageStatus.SENT
    unasked = dana.queue("new_link", dedupe_key="unasked", **given)
    assert dana.dispatch(unasked).status == MessageStatus.SUPPRESSED


def test_a_retired_address_is_not_used(dana: Dana):
    message = dana.queue()
    dana.contact.retired_at = NOW
    dana.session.flush()
    assert dana.dispatch(message).rule == Rule.NO_ADDRESS


@pytest.mark.parametrize(
    ("hold", "name", "sent"),
    [
        (HoldKind.CEASE_ALL, "link", False),
        (HoldKind.CEASE_ALL, "thread_reply", True),
        (HoldKind.DISPUTE, "link", False),
        (HoldKind.DISPUTE, "thread_reply", True),
        (HoldKind.WRONG_PERSON, "thread_reply", False),
        (HoldKind.ATTORNEY, "thread_reply", False),
        (HoldKind.HARDSHIP, "abandoned_checkout", False),
        (HoldKind.BREATHING_SPACE, "abandoned_checkout", False),
        (HoldKind.CEASE_ALL, "address_added", False),
        (HoldKind.BANKRUPTCY, "address_added", False),
    ],
)
def test_rt_02_a_hold_set_after_it_was_queued_counts(
    dana: Dana, hold: HoldKind, name: str, sent: bool
):
    """RT-02, CT-08"""
    message = dana.link() if name == "link" else dana.queue(name)
    set_hold(dana.session, dana.account, hold, source="staff", now=NOW, actor=SYSTEM)
    dana.dispatch(message)
    assert (message.status == MessageStatus.SENT) is sent
    if not sent:
        assert dana.leaves("message.suppressed")[0].payload["rule"] == message.rule


def test_one_account_that_allows_it_is_enough(dana: Dana):
    second = make_account(dana.session, dana.debtor)
    message, again = dana.link(), dana.link(dedupe_key="again")
    dana.account.status, dana.account.balance_cents = AccountStatus.PAID, 0  # type: ignore[assignment]
    assert dana.dispatch(message).status == MessageStatus.SENT
    second.status = AccountStatus.RECALLED
    dana.session.flush()
    assert dana.dispatch(again, NOW + timedelta(days=2)).status == MessageStatus.SUPPRESSED
    kinds = [leaf.type for leaf in evidence.account_leaves(dana.session, second)]
    assert kinds[-2:] == ["message.sent", "message.suppressed"]


@pytest.mark.parametrize(
    ("role", "enabled", "sent"),
    [
        (CollectorRole.FIRST_PARTY_CREDITOR, True, True),
        (CollectorRole.FIRST_PARTY_CREDITOR, False, False),
        (CollectorRole.THIRD_PARTY_AGENCY, True, False),
        (CollectorRole.DEBT_BUYER, True, False),
        (CollectorRole.LAW_FIRM, True, False),
    ],
)
def test_ec_07_texts_go_only_for_whom_the_provider_takes(
    make_dana: Callable[..., Dana], role: CollectorRole, enabled: bool, sent: bool
):
    """EC-07"""
    phone = {"channel": "sms", "address": "+15035550123"}
    person = make_dana(collector_role=role, sms_enabled=enabled, **phone)
    message = person.queue(contact=person.contact)
    person.dispatch(message)
    assert len(person.texts) == sent
    if not sent:
        assert (message.status, message.rule) == (MessageStatus.SUPPRESSED, "EC-07")


def test_a_copy_that_the_law_wants_goes_by_letter_where_the_address_is_closed(dana: Dana):
    message = dana.queue("automatic_stopped", context=agreed(dana))
    stop(dana, StopKind.BOUNCED)
    dana.dispatch(message)
    letter = dana.session.query(Message).filter_by(channel=Channel.LETTER).one()
    assert (letter.template, letter.status) == ("automatic_stopped", MessageStatus.QUEUED)
    assert letter.rule == Rule.LETTER
    assert dana.dispatch(letter).status == MessageStatus.QUEUED


def test_a_letter_waits_for_whoever_prints_it_and_says_so(dana: Dana):
    before = len(jobs(dana.session))
    letter = dana.queue(channel=Channel.LETTER)
    assert (letter.status, letter.rule) == (MessageStatus.QUEUED, Rule.LETTER)
    assert len(jobs(dana.session)) == before
    assert overdue(dana.session, letter.client_id, NOW + timedelta(days=9)) == []


def test_a_carrier_that_does_not_answer_is_tried_five_times(dana: Dana):
    message, at = dana.queue(), NOW
    dana.carriers.mailer.failures = [Unreachable("451 later")] * TRIES  # type: ignore[attr-defined]
    waits = []
    for _ in range(TRIES - 1):
        dana.dispatch(message, at)
        assert (message.status, message.rule) == (MessageStatus.QUEUED, Rule.UNREACHABLE)
        assert message.error == "451 later"
        assert jobs(dana.session)[0][1] == message.send_at
        waits.append(message.send_at - at)
        at = message.send_at
    assert waits == [FIRST_WAIT * 4**n for n in range(TRIES - 1)]
    dana.dispatch(message, at)
    assert (message.status, message.attempts) == (MessageStatus.FAILED, TRIES)
    assert dana.leaves()[0].payload["error"] == "451"


def test_a_carrier_that_comes_back_gets_it(dana: Dana):
    message = dana.queue()
    dana.carriers.mailer.failures = [Unreachable("451 later")]  # type: ignore[attr-defined]
    dana.dispatch(message)
    dana.dispatch(message, message.send_at)
    assert (message.status, message.error, message.attempts) == (MessageStatus.SENT, None, 2)
    assert len(dana.mails) == 1


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Refused("554 spam"), None),
        (Refused("550 5.1.1 no such user"), StopKind.BOUNCED),
        (RecipientStopped("21610"), StopKind.OPTED_OUT),
    ],
)
def test_a_final_no_fails_at_once_and_may_close_the_address(
    dana: Dana, failure: Refused, kind: StopKind | None
):
    """EC-06, EC-09"""
    message = dana.queue("automatic_stopped", context=agreed(dana))
    dana.carriers.mailer.failures = [failure]  # type: ignore[attr-defined]
    dana.dispatch(message)
    assert (message.status, message.attempts) == (MessageStatus.FAILED, 1)
    stops = dana.session.query(ContactStop).all()
    assert [one.kind for one in stops] == ([kind] if kind else [])
    letters = dana.session.query(Message).filter_by(channel=Channel.LETTER).count()
    assert letters == 1


class Crashed(BaseException):
    """The process dies here."""


def test_a_crash_before_it_is_handed_over_sends_it_once_later(dana: Dana):
    message = dana.queue()
    _crash(dana, message, "before message.handed_over")
    assert message.status == MessageStatus.SENDING
    dana.dispatch(message, NOW + LEASE - timedelta(seconds=1))
    assert dana.mails == []
    dana.dispatch(message, NOW + LEASE)
    assert (message.status, len(dana.mails)) == (MessageStatus.SENT, 1)


def test_a_crash_after_it_was_handed_over_repeats_it_under_the_same_id(dana: Dana):
    """At least once: the one window in which a mailbox may get a copy, told by its Message-ID."""
    message = dana.queue()
    _crash(dana, message, "after message.handed_over")
    (again,) = overdue(dana.session, message.client_id, NOW + LEASE + timedelta(minutes=16))
    assert again == message.id
    dana.dispatch(message, NOW + LEASE + timedelta(minutes=16))
    first, second = dana.mails
    assert first.key == second.key
    assert (message.status, message.attempts) == (MessageStatus.SENT, 2)
    assert len(dana.leaves("message.sent")) == 1


def test_a_text_handed_over_again_says_since_when(make_dana: Callable[..., Dana]):
    person = make_dana(sms_enabled=True, channel="sms", address="+15035550123")
    message = person.queue()
    _crash(person, message, "after message.handed_over")
    person.dispatch(message, NOW + LEASE)
    first, second = person.texts
    assert (first.tried_at, second.tried_at) == (None, NOW)
    assert (first.key, first.body) == (second.key, second.body)


def test_ct_05_a_message_whose_sender_always_dies_is_handed_over_five_times_at_most(dana: Dana):
    """CT-05: whatever ends a try, a mailbox gets at most five copies; then it goes by letter."""
    message, at = dana.queue("automatic_stopped", context=agreed(dana)), NOW
    for _ in range(TRIES):
        _crash(dana, message, "after message.handed_over", at)
        assert message.status == MessageStatus.SENDING
        at += LEASE
    for later in (at, at + LEASE, at + timedelta(days=1)):
        dana.dispatch(message, later)
    assert (message.status, message.attempts) == (MessageStatus.FAILED, TRIES)
    assert len(dana.mails) == TRIES
    assert overdue(dana.session, message.client_id, at + timedelta(days=2)) == []
    (leaf,) = dana.leaves("message.failed")
    assert leaf.payload["error"] == "Unanswered"
    assert dana.session.query(Message).filter_by(channel=Channel.LETTER).count() == 1


def test_a_stop_wins_over_a_message_that_was_tried_too_often(dana: Dana):
    """EC-05"""
    message, at = dana.queue(), NOW
    for _ in range(TRIES):
        _crash(dana, message, "before message.handed_over", at)
        at += LEASE
    stop(dana, StopKind.OPTED_OUT)
    dana.dispatch(message, at)
    assert (message.status, message.rule) == (MessageStatus.SUPPRESSED, Rule.OPTED_OUT)
    assert dana.mails == []


def test_a_message_that_leaves_while_money_lands_waits_for_it_and_stops_nobody(
    fresh_db: Database, carriers: Carriers
):
    """Settling holds the account and then writes on its chain: neither waits for the other's."""
    worker, watcher = make_engine(fresh_db.url("portal_worker")), make_engine(fresh_db.admin)
    with tenant_session(worker) as session:
        debtor = make_debtor(session, make_client(session))
        dana = Dana(
            session, carriers, make_account(session, debtor), debtor, make_contact(session, debtor)
        )
        message = dana.queue("automatic_stopped", context=agreed(dana))
        session.commit()
        key, account = (message.client_id, message.id), dana.account

    def leave() -> MessageStatus | None:
        with tenant_session(worker, [key[0]]) as own:
            return dispatch(own, *key, carriers=carriers, now=NOW)

    with tenant_session(worker, [key[0]]) as settling, ThreadPoolExecutor(1) as pool:
        lock_account(settling, account.id)
        sent = pool.submit(leave)
        with watcher.connect().execution_options(isolation_level="AUTOCOMMIT") as looking:
            while not sent.done() and not looking.scalar(WAITS):
                pass
        chain = {"client_id": account.client_id, "chain_id": account.chain_id}
        evidence.record(
            settling, **chain, type="payment.succeeded", payload={"actor": SYSTEM}, now=NOW
        )
        settling.commit()
        assert sent.result() == MessageStatus.SENT
    with tenant_session(worker, [key[0]]) as session:
        found = [leaf.type for leaf in evidence.account_leaves(session, account)]
        assert found.index("payment.succeeded") < found.index("message.sent")
        assert session.query(Message).filter_by(channel=Channel.LETTER).count() == 1
    worker.dispose()
    watcher.dispose()


def _crash(dana: Dana, message: Message, where: str, at: datetime = NOW) -> None:
    def die(name: str) -> None:
        if name == where:
            raise Crashed

    set_hook(die)
    try:
        with pytest.raises(Crashed):
            dana.dispatch(message, at)
    finally:
        set_hook(None)
    dana.session.rollback()
    dana.session.refresh(message)


def test_what_is_no_longer_of_use_is_not_sent(dana: Dana):
    message = dana.link()
    issued = issue_link(dana.session, dana.debtor, keys=KEYS, contact=dana.contact, now=NOW)
    other = dana.queue("link", account=None, link=issued.link, dedupe_key="other")
    revoke_link(dana.session, issued.link, reason="staff", actor=SYSTEM, now=NOW)
    dana.dispatch(other)
    assert (other.status, other.rule) == (MessageStatus.SUPPRESSED, Rule.OUT_OF_DATE)
    dana.dispatch(message, NOW + timedelta(days=15))
    assert message.rule == Rule.OUT_OF_DATE


def test_words_that_cannot_be_made_fail_where_staff_see_it(dana: Dana):
    message = dana.dispatch(dana.queue("receipt", context={"payment": str(UUID(int=1))}))
    assert (message.status, (message.error or "").split()[0]) == ("failed", "NoResultFound")
    broken = dataclasses.replace(dana.carriers, write=_no_words)
    other = dana.queue()
    dispatch(dana.session, other.client_id, other.id, carriers=broken, now=NOW)
    assert other.status == MessageStatus.FAILED
    assert "template" in (other.error or "")


def _no_words(facts: object) -> Any:
    raise NotWritten("the template is wrong")


def test_a_message_that_hangs_is_taken_up_again(dana: Dana):
    message = dana.queue()
    assert overdue(dana.session, message.client_id, NOW + timedelta(minutes=14)) == []
    later = NOW + timedelta(minutes=16)
    assert overdue(dana.session, message.client_id, later) == [message.id]
    assert overdue(dana.session, message.client_id, later) == []


def test_every_capped_message_needs_to_be_allowed_to_write_first():
    needs_it = {name for name, one in TEMPLATES.items() if Capability.SEND in one.needs}
    assert needs_it == {*CAPPED, "address_added"}, (
        "the last says nothing of a debt: it is not capped"
    )


def test_the_invariants_of_messages_hold_and_their_breach_is_found(dana: Dana):
    """Invariant 8"""
    session, client_id = dana.session, dana.account.client_id
    stopped = dana.queue(dedupe_key="stopped")
    for day in range(3):
        at = NOW + timedelta(days=day - 4, seconds=day)
        dana.dispatch(dana.link(dedupe_key=f"{day}", now=at), at)
    sent = dana.dispatch(dana.queue())
    stop(dana, StopKind.OPTED_OUT)
    dana.dispatch(stopped)
    assert [one.invariant for one in verify_client(session, client_id)] == []
    sent.sent_at = NOW + timedelta(days=1)
    stopped.status = MessageStatus.SENT
    stopped.id = fresh_id()
    extra = dana.link(dedupe_key="a fourth", now=NOW)
    extra.sent_at, extra.status = NOW, MessageStatus.DELIVERED
    session.flush()
    found = [one.invariant for one in verify_client(session, client_id)]
    assert [one.split("(")[1][:5] for one in found] == [
        "CT-08",
        "CT-05",
        *["RT-02"] * 3,
        "EC-09",
    ]


def represent(dana: Dana) -> None:
    """Dana has a lawyer from now on."""
    set_hold(dana.session, dana.account, HoldKind.ATTORNEY, source="staff", now=NOW, actor=SYSTEM)


def write_to_lawyer(dana: Dana) -> str:
    """Staff read the one question about a copy, and send it; the question's words."""
    question = dana.session.query(MoneyException).one()
    assert question.kind == "copy_kept_back"
    letter, close = money_questions.options(dana.session, question)
    assert (letter.decision, close.decision) == (Decision.LETTER, Decision.CLOSE)
    otto = Staff(id=fresh_id(), name="Otto")
    money_questions.decide(dana.session, question, letter.mark, "Sent.", staff=otto, now=NOW)
    return question.detail


def letters(dana: Dana) -> list[tuple[str, str]]:
    """The letters there are, by their template and status."""
    found = dana.session.query(Message).filter_by(channel=Channel.LETTER).order_by(Message.id)
    return [(one.template, one.status) for one in found]


def test_ct_08_a_required_copy_under_a_lawyers_hold_goes_to_whoever_acts_for_the_debtor(dana: Dana):
    """PY-12 wants the receipt, CT-08 forbids to write to the debtor: a person sends it."""
    kept = dana.queue("receipt", context={"payment": str(fresh_id())})
    represent(dana)
    dana.dispatch(kept)
    assert (kept.status, kept.rule, dana.mails, letters(dana)) == ("suppressed", "CT-08", [], [])
    assert write_to_lawyer(dana).startswith("Receipt: CT-08 keeps it from the debtor")
    assert letters(dana) == [("receipt", "queued")]


def test_ct_08_no_letter_about_the_debt_goes_to_a_lawyers_client(dana: Dana):
    represent(dana)
    for name in ("automatic_stopped", "payment_failed"):
        dana.queue(name, channel=Channel.LETTER)
    assert letters(dana) == [("automatic_stopped", "suppressed"), ("payment_failed", "suppressed")]
    write_to_lawyer(dana)
    assert letters(dana)[2:] == [("automatic_stopped", "queued")]


@pytest.mark.parametrize("kind", [HoldKind.ATTORNEY, HoldKind.DEBT_COUNSELLOR, HoldKind.DECEASED])
def test_ct_04_a_code_goes_to_who_asks_for_it_under_any_hold(dana: Dana, kind: HoldKind):
    """CT-04, CT-08: it holds no debt content, and a lawyer's client can still log in and pay."""
    link = issue_link(dana.session, dana.debtor, keys=KEYS, contact=dana.contact, now=NOW).link
    set_hold(dana.session, dana.account, kind, source="staff", now=NOW, actor=SYSTEM)
    made = make_code(dana, link)
    given = {"account": None, "contact": dana.contact, "context": {"code_id": str(made.id)}}
    code = dana.queue("one_time_code", asked_for=True, **given)
    assert dana.dispatch(code).status == MessageStatus.SENT
    assert code_text(KEYS, made.id) in dana.mails[-1].text
