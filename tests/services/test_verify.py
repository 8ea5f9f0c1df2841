"""``portal verify`` passes what the portal did, and names each violation that is planted.

One debtor's year is acted out once. Each test then changes its rows as a superuser could, past
triggers and keys, and looks whether the invariant is seen to break.
"""

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from hashlib import sha256
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import URL, Connection, create_engine, select, text

from portal.cli.money import verify
from portal.config import Settings
from portal.db import PortalSession, make_engine, set_tenant
from portal.domain.amendments import Change
from portal.domain.callers import Disposition
from portal.domain.calls import Outcome as CallOutcome
from portal.domain.counter import CounterKind, Why
from portal.domain.evidence import canonical
from portal.domain.help import Topic
from portal.domain.holds import HoldKind
from portal.domain.marks import Mark
from portal.domain.money import Cents
from portal.domain.policy import Concessions
from portal.domain.terms import Choice, Method
from portal.gateways.mail import OutboxMailer
from portal.gateways.signer import Signer
from portal.gateways.sms import OutboxTexter
from portal.models import (
    AccessLink,
    Arrangement,
    Client,
    Debtor,
    EntryKind,
    LockOut,
    Message,
    MoneyException,
    Payment,
    Role,
    SecondLook,
    Staff,
    fresh_id,
)
from portal.rules.disclosures import legal_text
from portal.sandbox import control
from portal.services import (
    alarms,
    amending,
    arrangements,
    charging,
    demonstrations,
    erasing,
    erasures,
    esign,
    evidence,
    help,
    letter_batches,
    lock_outs,
    money_questions,
    payer_links,
    refunds,
    second_person,
)
from portal.services.amending import Wish
from portal.services.answering import close_lock_out
from portal.services.call_sessions import Ending, check, open_session, wrap_up
from portal.services.calls import Number, Said, begin_call, log_call
from portal.services.counter_payments import Received
from portal.services.demonstrations import Outcome, Visiting, ask_sample, sample_code
from portal.services.dispatch import Carriers, dispatch
from portal.services.help import Answers
from portal.services.identity import Passed
from portal.services.ledger import open_exception, post
from portal.services.legal_holds import Wanted, lift_legal_hold, set_legal_hold
from portal.services.letter_package import Press, package
from portal.services.links import issue_link, revoke_link
from portal.services.marks import find_mark, mark, take_back
from portal.services.messages import queue
from portal.services.money_questions import Decision
from portal.services.openings import open_ledger
from portal.services.printing import Printing, print_letters
from portal.services.providers import set_sms_registration
from portal.services.retention import FIRST, Asked
from portal.services.second_person import Act
from portal.services.staff import NewStaff, create_staff, start_session
from portal.services.standing import lift_hold, set_hold
from portal.services.threads import post_entry
from portal.services.tree import place_all, sign
from portal.services.verify import (
    CHECKS,
    Broken,
    Only,
    answers,
    marks,
    owed,
    tree,
    verify_client,
    verify_database,
    words,
)
from portal.services.verify.chains import COMMITMENT, DOCUMENT
from portal.services.verify.guards import CHECKS as GUARDS
from portal.services.verify.tree import KEYS as PUBLISHED
from portal.services.verify.tree import OUTSIDE, SIGNED, outside_of
from portal.services.visits import Browser
from portal.writing import write, write_letter
from tests.databases import SIGNED as FOLDER
from tests.databases import Database, cloned
from tests.factories import (
    ANSWERS,
    KEYS,
    TODAY,
    know_identity,
    make_account,
    make_contact,
    make_debtor,
    make_policy,
    make_visit,
)
from tests.leaves import seal_again
from tests.sandbox.checked import checked_stripe
from tests.services.paying import Till, first_payment, make_till, parts_of
from tests.services.test_acceptance import agree, picked, plan
from tests.services.test_proposals import suggest


@pytest.fixture(scope="module")
def clone(server: URL, template: str) -> Iterator[Database]:
    """A database of these tests' own."""
    with cloned(server, template) as clone:
        yield clone


@pytest.fixture(scope="module")
def acted(clone: Database) -> Iterator[tuple[Connection, UUID]]:
    """It, once Dana agreed, paid, was charged, got money back and stopped; as its superuser."""
    engine, admin = make_engine(clone.url("portal_app")), create_engine(clone.admin)
    with checked_stripe() as stripe, PortalSession(bind=engine, expire_on_commit=False) as session:
        till = make_till(session, stripe)
        act(till)
        session.commit()
        somebody_calls(till, clone.url("portal_worker"))
        by_hand(till)
        keep_and_erase(till, clone.url("portal_worker"))
        assert open_ledger(session, till.account.client_id, now=till.now)
        place_all(session, till.account.client_id)
        sign(session, till.account.client_id, signer(), till.now)
        session.commit()
    with admin.connect() as connection:
        yield connection, till.account.client_id
    engine.dispose()
    admin.dispose()


def signer() -> Signer:
    """Who signs here, and keeps what was signed outside of the database."""
    return Signer(Settings.from_env({}).evidence_seed, FOLDER / str(os.getpid()))


def act(till: Till) -> None:
    """What an account goes through in good order."""
    session, account = till.session, till.account
    client = session.get_one(Client, account.client_id)
    make_policy(session, client, concessions=Concessions(moves=1))
    link = invite(till)
    call(till)
    choice = plan(first_on=TODAY, method=Method.AUTOMATIC)
    agreed = agree(session, account, picked(account, choice))
    session.commit()
    first_payment(till, agreed)
    move_fourth(till, agreed)
    send_all(till)
    till.wait(days=31)
    begin_another(till)
    second = parts_of(till, agreed)[1].id
    charge = charging.charge_installment(session, till.gateway, second, now=till.now)
    assert charge is not None
    till.wait(hours=1)
    ask_for_help(till)
    till.wait(hours=1)
    refunds.give_back(session, charge, Cents(20_00), cause="staff", now=till.now)
    session.commit()
    refunds.post_refund(session, till.gateway, till.refunds[0].id, now=till.now)
    me = evidence.debtor(account.debtor_id)
    arrangements.stop_automatic(session, agreed, actor=me, now=till.now)
    revoke_link(session, link, reason="staff", actor=evidence.SYSTEM, now=till.now)
    send_all(till)
    consent(till)
    post_letters(till)
    doubt(till)


def call(till: Till) -> None:
    """Sam calls Dana, and speaks with her."""
    session, account = till.session, till.account
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    phone = make_contact(
        session, debtor, channel="sms", address="+15185550142", retired_at=till.now
    )
    sam = Staff(id=fresh_id(), role=Role.AGENT)
    number = Number(phone.address, contact=phone)
    attempt = begin_call(session, account, number, reason="", staff=sam, now=till.now)
    said = Said(CallOutcome.CONVERSATION, "She pays today.")
    log_call(session, attempt, said, staff=sam, now=till.now)
    session.commit()


def move_fourth(till: Till, agreed: Arrangement) -> None:
    """Dana moves her fourth payment by three days."""
    due_on, me = parts_of(till, agreed)[3].due_on, evidence.debtor(till.account.debtor_id)
    wish = Wish(Change.MOVED, due_on=due_on, to=due_on + timedelta(days=3))
    amending.move(till.session, agreed, wish, actor=me, now=till.now)


def begin_another(till: Till) -> None:
    """Another account: a debit that fails, an agreement taken back, a proposal, a payer's link."""
    session, debtor_id = till.session, till.account.debtor_id
    debtor = session.get_one(Debtor, (till.account.client_id, debtor_id))
    account = make_account(session, debtor)
    paid = till.start(50_00, account_id=account.id)
    till.pay(paid, "bank_success")
    till.land(paid)
    control.finish_debit(till.stripe.world, paid.intent_id or "", failure="insufficient_funds")
    till.land(paid)
    agreed = agree(session, account, picked(account, Choice(key="full")))
    agreed.accepted_at = till.now
    arrangements.withdraw(session, agreed, actor=evidence.debtor(debtor_id), now=till.now)
    suggest(session, account)
    payer_links.issue(session, account, Cents(50_00), now=till.now)
    said = {"source": "question:later", "amount_cents": Cents(5_00), "now": till.now}
    post(session, account, kind=EntryKind.ADJUSTED, **said)
    session.commit()


def by_hand(till: Till) -> None:
    """A large check that two people record and take back again, and cash that one records."""
    session, now, day = till.session, till.now, till.now.date()
    debtor = session.get_one(Debtor, (till.account.client_id, till.account.debtor_id))
    account = make_account(session, debtor, placed_at=now - timedelta(days=1))
    sam, sue = Staff(id=fresh_id()), Staff(id=fresh_id())

    def ask(act: Act) -> SecondLook:
        return second_person.ask(session, act, staff=sam, now=now)

    check = Received(
        kind=CounterKind.CHECK, amount_cents=Cents(600_00), received_on=day, number="7"
    )
    look = ask(second_person.recording(account, check, ""))
    second_person.approve(session, look, staff=sue, now=now)
    payment = session.get_one(Payment, (look.client_id, look.payment_id))
    back = ask(second_person.returning(payment, Why.RETURNED, "No funds"))
    second_person.approve(session, back, staff=sue, now=now)
    cash = Received(kind=CounterKind.CASH, amount_cents=Cents(20_00), received_on=day)
    ask(second_person.recording(account, cash, ""))
    give_outside(till, debtor, ask)
    session.commit()


def give_outside(till: Till, debtor: Debtor, ask: Callable[[Act], SecondLook]) -> None:
    """Another account was paid by check, and by less than it owes: $5.00 went back by check."""
    session, now, day = till.session, till.now, till.now.date()
    account = make_account(session, debtor, placed_at=now - timedelta(days=1), balance_cents=100_00)
    paid = Received(
        kind=CounterKind.TRANSFER, amount_cents=Cents(100_00), received_on=day, number="9"
    )
    look = ask(second_person.recording(account, paid, ""))
    said = {"source": "question:less", "amount_cents": Cents(-5_00), "now": now}
    post(session, account, kind=EntryKind.ADJUSTED, **said)
    source = f"payment:{look.payment_id}"
    about = {"kind": "paid_too_much", "source": source, "detail": "Look.", "now": now}
    open_exception(session, account, **about)
    asked = session.scalars(select(MoneyException).where(MoneyException.source == source)).one()
    (outside,) = (
        one for one in money_questions.options(session, asked) if one.decision is Decision.OUTSIDE
    )
    ask(second_person.given_outside(account, asked, outside, "Sent by check."))


def doubt(till: Till) -> None:
    """The record is found broken twice, and somebody answers for both."""
    session, client_id = till.session, till.account.client_id
    found = [Broken("a chain of leaves is whole", place) for place in ("leaf 1", "leaf 2")]
    for alarm in alarms.raise_alarms(session, client_id, found, now=till.now):
        alarms.clear(session, alarm, reason="Restored", staff=Staff(id=fresh_id()), now=till.now)
    client, otto = session.get_one(Client, client_id), Staff(id=fresh_id())
    set_sms_registration(session, client, "brand B2", staff=otto, now=till.now)
    session.commit()


def somebody_calls(till: Till, worker: str) -> None:
    """Dana calls, answers what Sam asks her first, and they speak."""
    session, now = till.session, till.now
    engine = make_engine(worker)
    with PortalSession(bind=engine, expire_on_commit=False) as other:
        new = NewStaff(
            email="sam@harbor-services.com",
            name="Sam",
            role=Role.OPERATOR,
            password="correct horse battery staple",
        )
        sam = create_staff(other, new, now=now)
        other.commit()
    engine.dispose()
    account, browser = till.account, Browser("127.0.0.1", "test")
    logged_in, _ = start_session(session, sam, browser=browser, now=now)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    know_identity(session, debtor)
    log_in_id = logged_in.session_id
    line = open_session(session, account, staff=sam, log_in_id=log_in_id, now=now)
    assert isinstance(check(session, line, ANSWERS, keys=KEYS, staff=sam, now=now), Passed)
    wrap_up(session, line, Ending(Disposition.SPOKE, "She asked when."), staff=sam, now=now)
    session.commit()


def keep_and_erase(till: Till, worker: str) -> None:
    """Years later a court may ask for one old record, and two people have another one erased."""
    session, now = till.session, till.now
    client = session.get_one(Client, till.account.client_id)
    kept, gone = (
        make_account(session, make_debtor(session, client), status="recalled") for _ in range(2)
    )
    post_entry(session, gone, "I paid this.", now=now)
    till.wait(days=365 * 8)
    colin, cora = Staff(id=fresh_id()), Staff(id=fresh_id())
    _written, on_phone = (
        set_legal_hold(
            session,
            Wanted(kept.reference, "A court may ask.", matter),
            staff=colin,
            now=till.now,
        )
        for matter in ("Reyes v. Northgate", "Told on the phone")
    )
    lift_legal_hold(session, on_phone, "Set twice.", staff=colin, now=till.now)
    asked = Asked(client, till.now.date(), till.now)
    batch = erasures.ask(session, asked, FIRST, "Clean-up", staff=colin, now=till.now)
    erasures.approve(session, batch, staff=cora, now=till.now)
    session.commit()
    engine = make_engine(worker)
    with PortalSession(bind=engine) as other:
        set_tenant(other, client.id)
        (one,) = erasing.waiting(other, client.id, batch.id)
        erasing.erase(other, client.id, one, now=till.now)
        erasing.finish(other, client.id, batch.id, now=till.now)
        other.commit()
    engine.dispose()


def invite(till: Till) -> AccessLink:
    """Dana gets a link by e-mail."""
    key = (till.account.client_id, till.account.debtor_id)
    debtor = till.session.get_one(Debtor, key)
    contact = make_contact(till.session, debtor)
    issued = issue_link(till.session, debtor, keys=KEYS, contact=contact, now=till.now)
    told = {"template": "link", "context": {}, "dedupe_key": "link"}
    queue(till.session, debtor, contact=contact, link=issued.link, now=till.now, **told)
    send_all(till)
    return issued.link


def invite_by_letter(till: Till) -> None:
    """Dana asks for a link by letter."""
    debtor = till.session.get_one(Debtor, (till.account.client_id, till.account.debtor_id))
    told = {"template": "new_link", "context": {}, "dedupe_key": "link by letter"}
    queue(till.session, debtor, channel="letter", asked_for=True, now=till.now, **told)
    till.session.commit()


def ask_for_help(till: Till) -> None:
    """Dana says that the amount is wrong, and has paying stopped, which is lifted again."""
    session, account, now = till.session, till.account, till.now
    system = evidence.SYSTEM
    hold = set_hold(session, account, HoldKind.HARDSHIP, source="staff", actor=system, now=now)
    visit, answers = make_visit(session, account), Answers(details="I owe half.")
    help.open_request(session, account, Topic.AMOUNT_WRONG, answers, by=visit, now=now)
    send_all(till)
    lift_hold(session, hold, reason="checked", now=now + timedelta(minutes=5))
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    lock_outs.keep(session, debtor, until=now + timedelta(minutes=30), now=now)
    locked, sam = session.scalars(select(LockOut)).one(), Staff(id=fresh_id(), role=Role.AGENT)
    close_lock_out(session, locked, "A new link.", staff=sam, now=now + timedelta(minutes=5))
    counsel(till)


def counsel(till: Till) -> None:
    """Dana has a lawyer, who does not act for her any more a minute later."""
    session, account = till.session, till.account
    sam = Staff(id=fresh_id(), role=Role.AGENT)
    facts = {"name": "Ada Law", "address": "1 Main St", "from": "Her letter"}
    marked = mark(
        session, account, Mark.ATTORNEY, facts, staff=sam, now=till.now + timedelta(hours=1)
    )
    later = till.now + timedelta(hours=2)
    found = find_mark(session, account, marked)
    assert found
    take_back(session, account, found, reason="Not any more", staff=sam, now=later)


def consent(till: Till) -> None:
    """Dana tries out copies by e-mail and wants no others, then wants paper again."""
    session, account = till.session, till.account
    who = Visiting(
        session.get_one(Debtor, (account.client_id, account.debtor_id)),
        make_visit(session, account).session_id,
    )
    text = legal_text(esign.TEXT, "en", company="N", phone="1", address="1 Pier")
    given = {"keys": KEYS, "now": till.now}
    asked, _went = ask_sample(session, who, text, write=str.encode, **given)
    send_all(till)
    typed = sample_code(KEYS, asked.id)
    assert demonstrations.agree(session, who, text, typed, **given) is Outcome.CONSENTED
    till.wait(hours=1)
    actor = evidence.debtor(account.debtor_id)
    assert esign.withdraw(session, who.debtor, actor=actor, now=till.now)
    session.commit()


def post_letters(till: Till) -> None:
    """Sam prints the letters that wait, a link among them, and posts all but one."""
    session = till.session
    invite_by_letter(till)
    sam = Staff(id=fresh_id())
    printing = Printing(partial(write_letter, base_url="https://x.example"), KEYS, sam)
    batch = print_letters(session, till.account.client_id, printing, now=till.now)
    assert batch is not None
    press = Press(lambda sheets, **_at: [b"%PDF" for _ in sheets], lambda *_which: "en_US", KEYS)
    package(session, batch, press, staff=sam, now=till.now)
    left = [str(one.letter.id) for one in letter_batches.letters_of(session, batch, now=till.now)]
    letter_batches.finish(session, batch, left[1:], staff=sam, now=till.now)
    session.commit()


def send_all(till: Till) -> None:
    """The jobs that send what waits."""
    carriers = Carriers(mailer=OutboxMailer(), texter=OutboxTexter(), write=write, keys=KEYS)
    till.session.commit()
    waiting = select(Message.id).where(Message.status == "queued", Message.channel != "letter")
    for message_id in till.session.scalars(waiting).all():
        dispatch(till.session, till.account.client_id, message_id, carriers=carriers, now=till.now)


def broken(connection: Connection, client_id: UUID, only: Only | None = None) -> list[Broken]:
    with PortalSession(bind=connection, join_transaction_mode="create_savepoint") as session:
        outside = outside_of(signer(), client_id)
        found = verify_client(session, client_id, outside=outside, only=only)
        return [*verify_database(session), *found]


def change(connection: Connection, statement: str) -> int:
    """How many rows a planted change finds."""
    if not statement.startswith(IN_LEAF):
        return connection.exec_driver_sql(statement).rowcount
    kind, path, value = statement.removeprefix(IN_LEAF).split("|", 2)
    return seal_again(connection, kind, lambda told: with_value(told, path, value))


def with_value(told: bytes, path: str, value: str) -> bytes:
    """Another payload: this value at a path of names, or the value alone."""
    if not path:
        return value.encode()
    said = inner = json.loads(told)
    *steps, last = path.split(",")
    for step in steps:
        inner = inner[step]
    inner[last] = json.loads(value)
    return canonical(said)


def found_after(
    acted: tuple[Connection, UUID], planted: str, only: Only | None = None
) -> dict[str, str]:
    """What breaks once a superuser has changed these rows; they are put back after."""
    connection, client_id = acted
    with connection.begin() as transaction:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in planted.split(";\n"):
            assert change(connection, statement) != 0, statement
        try:
            found: dict[str, str] = {}
            for one in broken(connection, client_id, only):
                found[one.invariant] = found.get(one.invariant, "") + one.where + "\n"
            return found
        finally:
            transaction.rollback()


def test_what_the_portal_did_by_itself_breaks_nothing(acted) -> None:
    connection, client_id = acted
    assert broken(connection, client_id) == []
    counted = text("SELECT count(*) FROM leaf WHERE type = 'message.sent'")
    assert connection.scalar(counted) > 5
    connection.rollback()


def test_the_command_says_so_and_ends_with_1_where_something_is_broken(acted, clone) -> None:
    connection, _ = acted
    environ = {"DATABASE_URL": clone.url("portal_app")}
    environ["WORKER_DATABASE_URL"] = clone.url("portal_worker")
    environ["EVIDENCE_FOLDER"] = str(FOLDER / str(os.getpid()))
    good = CliRunner().invoke(verify, env=environ)
    assert (good.exit_code, good.output[:20]) == (0, "All invariants hold ")
    with connection.begin():
        connection.exec_driver_sql("ALTER TABLE leaf DISABLE TRIGGER append_only")
    found = CliRunner().invoke(verify, env=environ)
    with connection.begin():
        connection.exec_driver_sql("ALTER TABLE leaf ENABLE TRIGGER append_only")
    line = "database: broken: the ledger and the record cannot be changed: leaf by append_only\n"
    assert (found.exit_code, found.output) == (1, line)


AGREEMENT = sha256(b"<p>Your agreement</p>").hexdigest()
CHARGE = "purpose = 'installment' AND checkout_id IS NULL"
IN_LEAF = "in every leaf of "


def in_leaf(kind: str, path: str, value: str) -> str:
    """Another value in the payload of every leaf of a kind; without a path, another payload."""
    return f"{IN_LEAF}{kind}|{path}|{value}"


def another_call(at: str, numbers: str) -> str:
    """Calls like the one that was made, at other times."""
    return (
        "INSERT INTO call_attempt (client_id, id, account_id, number, at, on_day, staff_id)"
        f" SELECT client_id, gen_random_uuid(), account_id, number, {at}, ({at})::date, staff_id"
        f" FROM call_attempt, {numbers} AS n"
    )


ERASED = "status = 'erased'"
OWED = "an entry that says what is owed is on the record as it stands"
STATED = "the entries without a leaf of their own are those that the record stated once"
ALARM = "an alarm was raised and answered for as the record says (EV-08)"
STOPPED = "agreements are stopped and taken again as the record says (EV-08)"
PRINTED = "no letter left, or went to a print house, under a hold that forbids it (CT-08, DH-08)"
LATER = "source = 'question:later'"
WORDS, KEYED = words.CHECKS
BY_HAND = "money that staff moved was asked for as the record says"
MARK, ASKED = marks.CHECKS
PLANTED = {
    "an invitation of somebody who is gone": (
        "an invitation is open only while its sender may invite (PR-03)",
        "INSERT INTO staff_invitation (id, email, name, role, client_ids, invited_by, created_at,"
        " expires_at, sends) SELECT gen_random_uuid(), 'a@b.example', 'A', 'agent', ARRAY[id],"
        " gen_random_uuid(), now(), now(), 1 FROM client",
        "invitation ",
    ),
    "a hold of a mark that was not taken back, lifted": (
        MARK,
        "UPDATE hold SET source = 'mark:0199d5f0-0000-7000-8000-0000000005a4'"
        " WHERE kind = 'attorney'",
        "hold ",
    ),
    "a request of the debtor, closed with a letter that was taken back": (
        ASKED,
        "UPDATE help_request SET status = 'closed', answered_by = NULL"
        " WHERE topic = 'amount-wrong'",
        "request ",
    ),
    "a name that is not found by a word": (
        WORDS,
        "DELETE FROM debtor_word WHERE word = 'dana reyes'",
        "debtor ",
    ),
    "a word that stays of another name": (
        WORDS,
        "INSERT INTO debtor_word SELECT client_id, 'gone', id FROM debtor LIMIT 1",
        "debtor ",
    ),
    "a word without a key": (KEYED, "DELETE FROM word_key WHERE key = '=reyes'", "word reyes"),
    "a key of nobody's name": (
        KEYED,
        "INSERT INTO word_key SELECT id, '=gone', 'gone' FROM client",
        "word gone",
    ),
    "cash that nobody asked to record": (
        BY_HAND,
        "UPDATE second_look SET payment_id = NULL WHERE details ->> 'came_as' = 'cash'",
        "HR-",
    ),
    "cash over another amount than was asked for": (
        BY_HAND,
        "UPDATE second_look SET amount_cents = 19_00 WHERE details ->> 'came_as' = 'cash'",
        "HR-",
    ),
    "a check that was approved by somebody else": (
        BY_HAND,
        "UPDATE second_look SET decided_by = gen_random_uuid() WHERE kind = 'counter_payment'"
        " AND outcome = 'approved'",
        "HR-",
    ),
    "an excess that somebody else said had gone back": (
        BY_HAND,
        "UPDATE second_look SET asked_by = gen_random_uuid() WHERE kind = 'outside'",
        "answer to question ",
    ),
    "another excess than was said to have gone back": (
        BY_HAND,
        "UPDATE second_look SET amount_cents = 4_99 WHERE kind = 'outside'",
        "answer to question ",
    ),
    "a part of a check came back": (
        BY_HAND,
        "UPDATE ledger_entry SET amount_cents = amount_cents - 1 WHERE kind = 'returned'",
        " came back",
    ),
    "cash above the limit by one person": (
        "above a client's limit two people moved money",
        "ALTER TABLE second_look DROP CONSTRAINT ck_second_look_alone_within_limit;\n"
        "UPDATE second_look SET limit_cents = 19_99 WHERE outcome = 'not_needed'",
        "counter_payment ",
    ),
    "a check approved by who asked": (
        "above a client's limit two people moved money",
        "ALTER TABLE second_look DROP CONSTRAINT ck_second_look_two_people;\n"
        "UPDATE second_look SET decided_by = asked_by WHERE outcome = 'approved'",
        "counter_payment ",
    ),
    "an approval that nobody gave": (
        "on the record: a second person approved",
        "UPDATE second_look SET outcome = 'approved', decided_by = gen_random_uuid(),"
        " decided_at = now() WHERE outcome = 'not_needed'",
        "",
    ),
    "less is owed than on the record": (
        OWED,
        f"UPDATE account a SET balance_cents = a.balance_cents - 100 FROM ledger_entry l"
        f" WHERE l.account_id = a.id AND l.{LATER};\n"
        f"UPDATE ledger_entry SET amount_cents = amount_cents - 100 WHERE {LATER}",
        ": adjusted question:later",
    ),
    "owed in another currency": (
        OWED,
        in_leaf("balance.adjusted", "currency", '"CAD"'),
        ": adjusted question:later",
    ),
    "owed since another day": (
        OWED,
        f"UPDATE ledger_entry SET at = at - interval '1 day' WHERE {LATER}",
        ": adjusted question:later",
    ),
    "an entry for another reason": (
        OWED,
        f"UPDATE ledger_entry SET kind = 'forgiven' WHERE {LATER}",
        ": forgiven question:later",
    ),
    "an entry that the record does not name": (
        OWED,
        in_leaf("balance.adjusted", "entry", '"another"'),
        ": adjusted question:later",
    ),
    "an entry that no file made": (
        "the entries of a placement are those that its leaf states",
        f"UPDATE ledger_entry SET source = 'placement:x' WHERE {LATER}",
        "placement:x: 1 entries, stated were 0",
    ),
    "an entry was taken out": (
        "what the record says is owed stands in the ledger",
        f"DELETE FROM ledger_entry WHERE {LATER}",
        ": balance.adjusted",
    ),
    "an entry of another account": (
        "what the record says is owed stands in the ledger",
        "UPDATE ledger_entry SET account_id = (SELECT id FROM account ORDER BY id LIMIT 1)"
        f" WHERE {LATER}",
        ": balance.adjusted",
    ),
    "less was placed than the record stated": (
        STATED,
        "UPDATE ledger_entry SET amount_cents = amount_cents - 100 WHERE kind = 'placed'",
        " entries, stated were ",
    ),
    "an entry slipped in among the older ones": (
        STATED,
        "INSERT INTO ledger_entry SELECT (jsonb_populate_record(l, jsonb_build_object("
        f"'id', gen_random_uuid(), 'source', 'x', 'on_record', false))).* FROM ledger_entry l"
        f" WHERE {LATER}",
        " entries, stated were ",
    ),
    "an entry put among the older ones": (
        STATED,
        f"UPDATE ledger_entry SET on_record = false WHERE {LATER}",
        " entries, stated were ",
    ),
    "an alarm answered for by nobody on the record": (
        ALARM,
        in_leaf("alarm.cleared", "place", '"another"'),
        "leaf 1 (a chain of leaves is whole)",
    ),
    "an alarm answered for in other words": (
        ALARM,
        "UPDATE evidence_alarm SET reason = 'Nothing' WHERE place = 'leaf 2'",
        "leaf 2 (a chain of leaves is whole)",
    ),
    "an answer taken away": (
        ALARM,
        "UPDATE evidence_alarm SET cleared_at = NULL, cleared_by = NULL, reason = NULL",
        "leaf 2 (a chain of leaves is whole)",
    ),
    "an alarm taken away": (
        ALARM,
        "DELETE FROM evidence_alarm WHERE place = 'leaf 2'",
        "leaf 2 (a chain of leaves is whole)",
    ),
    "an alarm that nobody raised": (
        ALARM,
        "INSERT INTO evidence_alarm SELECT (jsonb_populate_record(a, jsonb_build_object("
        "'id', gen_random_uuid(), 'place', 'leaf 3'))).* FROM evidence_alarm a LIMIT 1",
        "leaf 3 (a chain of leaves is whole)",
    ),
    "an alarm of another hour": (
        ALARM,
        "UPDATE evidence_alarm SET found_at = found_at - interval '1 hour'",
        "leaf 1 (a chain of leaves is whole)",
    ),
    "agreements stopped off the record": (
        STOPPED,
        "UPDATE client SET frozen_at = now()",
        "stopped ",
    ),
    "agreements taken while the record says they are stopped": (
        STOPPED,
        "UPDATE leaf SET type = 'client.frozen' WHERE type = 'client.unfrozen'",
        "taken",
    ),
    "another registration with carriers than on the record": (
        "what providers know a client by was written by an operator, as the record says",
        "UPDATE client SET sms_registration = 'brand B3'",
        "sms_registration",
    ),
    "a legal hold without its leaf": (
        "a legal hold is on the record as it was set and lifted (RT-01)",
        in_leaf("legal_hold.set", "hold", '"another"'),
        " of ",
    ),
    "a legal hold lifted off the record": (
        "a legal hold is on the record as it was set and lifted (RT-01)",
        "UPDATE legal_hold SET lifted_at = now(), lifted_by = set_by, lifted_reason = ''"
        " WHERE lifted_at IS NULL",
        " of ",
    ),
    "a legal hold taken away": (
        "a legal hold on the record stands in its row (RT-01)",
        "DELETE FROM legal_hold WHERE lifted_at IS NULL",
        "-",
    ),
    "erased under a legal hold": (
        "nothing was erased under a legal hold (RT-01)",
        "UPDATE legal_hold h SET account_id = e.account_id, set_at = e.at - interval '1 day'"
        f" FROM erasure e WHERE e.{ERASED} AND h.lifted_at IS NULL",
        " under ",
    ),
    "erased before its day": (
        "nothing was erased before its last day had passed (RT-01)",
        f"UPDATE erasure SET last_day = at::date WHERE {ERASED}",
        " until 2034-",
    ),
    "erased by one person": (
        "an erasure was asked for and approved by two people, on the record (EV-07)",
        "ALTER TABLE erasure_batch DROP CONSTRAINT ck_erasure_batch_two_people;\n"
        "UPDATE erasure_batch SET decided_by = asked_by",
        "NG-",
    ),
    "erased and approved by nobody on the record": (
        "an erasure was asked for and approved by two people, on the record (EV-07)",
        in_leaf("erasure.approved", "batch", '"another"'),
        "NG-",
    ),
    "erased for another reason": (
        "an erasure is on the record as its row has it (EV-07)",
        f"UPDATE erasure SET rule = 'canada' WHERE {ERASED}",
        "NG-",
    ),
    "an erasure without its row": (
        "an erasure on the record stands in its row (EV-07)",
        f"DELETE FROM erasure WHERE {ERASED}",
        "leaf ",
    ),
    "an erased chain's key put back": (
        "no key of an erased record is left (EV-07)",
        "UPDATE chain_key SET sealed = 'key', destroyed_at = NULL WHERE sealed IS NULL",
        "NG-",
    ),
    "a key destroyed off the record": (
        "a key that was destroyed has its erasure on the record (EV-07)",
        in_leaf("erasure", "chain", '"another"'),
        "key ",
    ),
    "an erased name put back": (
        "nothing personal stands about an erased record (EV-07)",
        "UPDATE debtor SET first_name = 'Dana' WHERE first_name = ''",
        "NG-",
    ),
    "an erased thread put back": (
        "nothing personal stands about an erased record (EV-07)",
        "UPDATE thread_entry SET body = 'I paid this.' WHERE body = ''",
        "NG-",
    ),
    "permission ended": (
        "no off-session charge but under a permission in force whose copy had left (PY-05, PY-08)",
        "UPDATE payment_authorization SET revoked_at = granted_at + interval '1 day'",
        "the permission ended 2026-11-24",
    ),
    "asked for after the end": (
        "no off-session charge but under a permission in force whose copy had left (PY-05, PY-08)",
        f"UPDATE payment SET permitted_at = permitted_at + interval '3 hours' WHERE {CHARGE}",
        "the permission ended 2026-12-24",
    ),
    "copy not left": (
        "no off-session charge but under a permission in force whose copy had left (PY-05, PY-08)",
        "UPDATE payment_authorization SET copied_at = NULL",
        ": ",
    ),
    "charged untold": (
        "a charge had its notice in its days, or the copy or a weekly schedule told of it (PY-07)",
        "UPDATE message SET context = context - 'installment' WHERE template = 'pre_debit_notice'",
        "nothing told of part 2",
    ),
    "more charged than was told": (
        "a charge had its notice in its days, or the copy or a weekly schedule told of it (PY-07)",
        "UPDATE message SET context = jsonb_set(context, '{cents}', '1')"
        " WHERE template = 'pre_debit_notice'",
        "nothing told of part 2",
    ),
    "told too late": (
        "a charge had its notice in its days, or the copy or a weekly schedule told of it (PY-07)",
        "UPDATE message SET sent_at = sent_at + interval '6 days',"
        " created_at = created_at + interval '6 days' WHERE template = 'pre_debit_notice'",
        "nothing told of part 2",
    ),
    "announced though its bank had asked for its owner": (
        "no debit is announced of a part whose bank had asked for its owner (PY-07, PY-09)",
        f"UPDATE payment SET status = 'needs_debtor', settled_at = created_at WHERE {CHARGE};\n"
        "UPDATE message SET created_at = created_at + interval '100 days'"
        " WHERE template = 'pre_debit_notice'",
        "pre_debit_notice of ",
    ),
    "ended too soon after its first charge failed": (
        "an agreement whose first charge failed is kept a week from then, and from each next try",
        f"UPDATE payment SET status = 'failed' WHERE {CHARGE};\n"
        "UPDATE arrangement r SET status = 'withdrawn', ended_reason = 'expired',"
        f" ended_at = p.settled_at + interval '4 days' FROM payment p WHERE p.{CHARGE}"
        " AND p.arrangement_id = r.id",
        " ended ",
    ),
    "ended before a next try that was announced": (
        "an agreement whose first charge failed is kept a week from then, and from each next try",
        f"UPDATE payment SET status = 'failed' WHERE {CHARGE};\n"
        "UPDATE arrangement r SET status = 'withdrawn', ended_reason = 'expired',"
        f" ended_at = p.settled_at + interval '12 days' FROM payment p WHERE p.{CHARGE}"
        " AND p.arrangement_id = r.id;\n"
        "UPDATE installment i SET next_attempt_on = p.settled_at::date + 9 FROM payment p"
        f" WHERE p.{CHARGE} AND p.installment_id = i.id",
        " ended ",
    ),
    "fulfilled without a letter": (
        "a fulfilled agreement has its letter within twenty working days (PY-12)",
        "UPDATE arrangement SET status = 'completed', ended_at = accepted_at,"
        " ended_reason = 'paid'",
        "was fulfilled 2026-11-23",
    ),
    "paid without a letter": (
        "an account that was paid without a plan has its letter (PY-12)",
        "DELETE FROM ledger_entry WHERE kind = 'refund';\n"
        "UPDATE account SET status = 'paid', balance_cents = 0",
        "was paid 2026-12-24",
    ),
    "confirmed too late": (
        "an agreement was confirmed in writing within five days (PY-12)",
        "UPDATE message SET created_at = created_at + interval '6 days'"
        " WHERE template = 'agreement_copy'",
        " of 2026-11-23",
    ),
    "charged under a hold": (
        "nothing is charged under a hold that forbids it (DH-08)",
        "UPDATE hold SET starts_at = starts_at - interval '2 hours' WHERE kind = 'hardship'",
        ": hardship since 2026-12-24 16:00",
    ),
    "charged for what is over": (
        "nothing is charged for what is over, or was taken back",
        "UPDATE arrangement SET status = 'canceled', ended_at = accepted_at + interval '1 day'",
        "was over 2026-11-24",
    ),
    "page under a hold": (
        "no page to pay on is opened under a hold that forbids paying (DH-08)",
        "UPDATE hold SET starts_at = '2026-11-01' WHERE kind = 'amount_wrong'",
        "amount_wrong since 2026-11-01",
    ),
    "other terms": (
        "an acceptance names the terms as they are stored (EV-02)",
        "UPDATE arrangement SET terms = replace(terms, '10400', '20400')",
        "the stored terms are not what their hash says",
    ),
    "other terms with their hash": (
        "an acceptance names the terms as they are stored (EV-02)",
        "UPDATE arrangement SET terms = replace(terms, '10400', '20400');\n"
        "UPDATE arrangement SET terms_sha256 = sha256(convert_to(terms, 'UTF8'))",
        "accepted were ",
    ),
    "terms that are no JSON": (
        "an acceptance names the terms as they are stored (EV-02)",
        "UPDATE arrangement SET terms = 'plan'",
        "the stored terms are not what their hash says",
    ),
    "other terms in the leaf": (
        "an acceptance names the terms as they are stored (EV-02)",
        in_leaf("acceptance", "terms,total_cents", "100"),
        "the terms in leaf 3 are not the stored ones",
    ),
    "another total": (
        "an arrangement is what its terms say",
        "UPDATE arrangement SET total_cents = 130000",
        "",
    ),
    "another date": (
        "the parts of an arrangement are those of its terms, or as amended on the record",
        "UPDATE installment SET due_on = due_on - 1 WHERE n = 3",
        " part 3",
    ),
    "cents moved between parts": (
        "the parts of an arrangement are those of its terms, or as amended on the record",
        "UPDATE installment SET amount_cents = amount_cents + n * 2 - 15 WHERE n IN (7, 8)",
        " part ",
    ),
    "no review": (
        "an acceptance follows the review of the same terms (PY-03)",
        in_leaf("terms.reviewed", "terms_sha256", f'"{sha256(b"").hexdigest()}"'),
        "leaf 3 of ",
    ),
    "English in Quebec without a wish": (
        "an agreement of Quebec in another language follows its French version and a wish (CA-04)",
        in_leaf("acceptance", "rules,french_first", "true"),
        "leaf 3 of ",
    ),
    "another's visit": (
        "an acceptance was made in a visit of the account's own debtor",
        "UPDATE debtor_session SET debtor_id = gen_random_uuid()",
        "leaf 3 of ",
    ),
    "another's acceptance": (
        "an acceptance is of the account's own debtor",
        in_leaf("acceptance", "party,debtor", '"another"'),
        "leaf 3 of ",
    ),
    "a permission that outlives its agreement": (
        "no permission to charge outlives its agreement (PY-05)",
        "UPDATE payment_authorization SET status = 'granted';\n"
        "UPDATE arrangement SET status = 'completed'",
        ": permission ",
    ),
    "a larger permission": (
        "a permission to charge is the one in its acceptance, or in an amendment (PY-05)",
        "UPDATE payment_authorization SET cap_cents = cap_cents + 1",
        ": permission ",
    ),
    "a payment on a day that nobody moved it to": (
        "the parts of an arrangement are those of its terms, or as amended on the record",
        "UPDATE installment SET due_on = due_on + 1 WHERE n = 5",
        " part 5",
    ),
    "a moved payment on its old day": (
        "the parts of an arrangement are those of its terms, or as amended on the record",
        "UPDATE installment SET due_on = due_on - 3 WHERE n = 4",
        " part 4",
    ),
    "a further payment that nobody agreed to": (
        "the parts of an arrangement are those of its terms, or as amended on the record",
        "UPDATE installment SET n = 40 WHERE n = 12",
        " part 40",
    ),
    "two unpaid payments the wrong way round": (
        "the unpaid parts of a changed arrangement have rising dates",
        "UPDATE installment SET due_on = due_on - 60 WHERE n = 12",
        " part 12",
    ),
    "another change than the one on the record": (
        "an amendment stands on the record as it is, and none is missing between two",
        "UPDATE amendment SET kind = 'skipped'",
        ": amendment 1",
    ),
    "a change that is gone": (
        "an amendment stands on the record as it is, and none is missing between two",
        "UPDATE amendment SET n = 2",
        ": amendment 2 after 0",
    ),
    "a change that asks for more": (
        "no amendment collects more than was agreed",
        "UPDATE amendment SET after = jsonb_set(after, '{parts,11,amount_cents}', '990000')",
        ": amendment 1",
    ),
    "help for a locked-out person that is not on the record": (
        "on the record: a locked-out person was helped",
        in_leaf("lock_out.closed", "lock_out", '"another"'),
        "",
    ),
    "help for a locked-out person that is not in the rows": (
        "in the rows: a locked-out person was helped",
        "UPDATE lock_out SET closed_by = NULL",
        "lock_out.closed of ",
    ),
    "a failed charge that was dealt with off the record": (
        "on the record: a failed charge was dealt with",
        "UPDATE installment SET dealt_with_at = now(), dealt_with_by = gen_random_uuid()"
        " WHERE n = 1",
        "",
    ),
    "a change that is not on the record": (
        "on the record: a plan was changed",
        in_leaf("arrangement.amended", "amendment", '"another"'),
        "",
    ),
    "a change that is not in the rows": (
        "in the rows: a plan was changed",
        "DELETE FROM amendment",
        "arrangement.amended of ",
    ),
    "no acceptance": (
        "no acceptance without its leaf, no leaf without its arrangement",
        in_leaf("acceptance", "arrangement", '"another"'),
        "",
    ),
    "paid before it was agreed": (
        "a payment of an agreement comes after its acceptance",
        "UPDATE leaf_payload y SET n = y.n + 1000 FROM leaf f WHERE f.type = 'acceptance'"
        " AND (f.chain_id, f.n) = (y.chain_id, y.n);\n"
        "UPDATE leaf SET n = n + 1000 WHERE type = 'acceptance'",
        "leaf ",
    ),
    "paid and not in force": (
        "an agreement that was paid on is in force (invariant 5)",
        "UPDATE arrangement SET status = 'withdrawn'",
        " is withdrawn",
    ),
    "taken back too late": (
        "an agreement was taken back by its debtor in the client's time for it",
        "UPDATE arrangement SET accepted_at = accepted_at - interval '1 day'"
        " WHERE status = 'withdrawn'",
        "HR-",
    ),
    "a proposal beside an agreement": (
        "no proposal is open beside an agreement, or where nothing is owed to us",
        "UPDATE arrangement SET status = 'active' WHERE status = 'withdrawn'",
        "HR-",
    ),
    "the portal offered what nobody was asked about": (
        "what the portal offers by itself was asked of supervisors first",
        "UPDATE proposal SET granted_terms = '{}'",
        "HR-",
    ),
    "no leaf: a proposal was put before supervisors": (
        "on the record: a proposal was put before supervisors",
        "UPDATE proposal SET escalated_at = now()",
        "HR-",
    ),
    "two open": (
        "at most one payment of an account is open",
        "DROP INDEX uq_payment_one_open;\n"
        "UPDATE payment SET status = 'open' WHERE counter_kind IS NULL",
        ", ",
    ),
    "refunded twice": (
        "a payment goes back once, by its refunds and chargebacks alone",
        "UPDATE ledger_entry SET amount_cents = 110000 WHERE kind = 'refund'",
        "",
    ),
    "a document was lost": (
        "a document that the record names is kept (EV-02)",
        f"DELETE FROM document WHERE encode(sha256, 'hex') = '{AGREEMENT}'",
        "leaf 3 of ",
    ),
    "a document was changed": (
        "a document is what its hash says",
        f"UPDATE document SET sealed = sealed || 'x' WHERE encode(sha256, 'hex') = '{AGREEMENT}'",
        AGREEMENT,
    ),
    "a payload was changed": (
        "a leaf commits to its payload",
        in_leaf("acceptance", "terms,total_cents", "100"),
        "leaf 3 of ",
    ),
    "a payload is no JSON": (
        "a leaf commits to its payload",
        in_leaf("acceptance", "", "{"),
        "leaf 3 of ",
    ),
    "a leaf was changed": (
        "a chain of leaves is whole",
        "UPDATE leaf SET body = replace(body, '\"n\":2', '\"n\":3') WHERE n = 2",
        "not what its hash says",
    ),
    "a leaf was changed with its hash": (
        "a chain of leaves is whole",
        "UPDATE leaf SET at = at - interval '1 ms' WHERE n = 0;\n"
        "UPDATE leaf SET hash = sha256(decode('00', 'hex') || convert_to(body, 'UTF8'))",
        "not the bytes that follow from the leaf before it and its own row",
    ),
    "a leaf was taken out": (
        "a chain of leaves is whole",
        "DELETE FROM leaf WHERE n = 2",
        "leaf 2 is missing",
    ),
    "the newest leaf was taken out": (
        "the head of a chain is its newest leaf",
        "DELETE FROM leaf f USING chain c WHERE (c.id, c.n) = (f.chain_id, f.n)",
        "",
    ),
    "a leaf was never given a place": (
        "a leaf has its place in the tree, or waits for it",
        "DELETE FROM leaf_position WHERE index = 3",
        "leaf ",
    ),
    "a place was emptied": (
        "a place in the tree has its leaf, and no place is left out",
        "DELETE FROM leaf f USING leaf_position p WHERE p.index = 5"
        " AND (p.chain_id, p.n) = (f.chain_id, f.n)",
        "place 5",
    ),
    "two leaves changed places": (
        "the leaves of a chain stand in the tree in their order",
        "UPDATE leaf_position SET n = 1000 + n WHERE n < 2 AND chain_id ="
        " (SELECT min(chain_id::text)::uuid FROM leaf_position WHERE n = 1);\n"
        "UPDATE leaf_position SET n = 1001 - n WHERE n >= 1000",
        "leaf 1 of ",
    ),
    "a subtree was changed": (
        "the tree is what its leaves make",
        "UPDATE tree_node SET hash = sha256('') WHERE (level, index) = (2, 1)",
        "subtree 1 of level 2",
    ),
    "a checkpoint was changed": (
        "a checkpoint is signed, and its root is that of the tree",
        "UPDATE checkpoint SET note = replace(note, E'\n\n', E'\n\n ')",
        "its log has not signed it",
    ),
    "a checkpoint of another tree": (
        "a checkpoint is signed, and its root is that of the tree",
        "UPDATE tree_node SET hash = sha256('') WHERE level = (SELECT max(level) FROM tree_node)",
        "the tree has another root",
    ),
    "a key of somebody else": (
        "a published key signed what is kept outside",
        f"UPDATE log_key SET line = '{Signer(b'x' * 32, FOLDER).verifier_key('o').line}'",
        "o+",
    ),
    "a key that is none": (
        "a published key signed what is kept outside",
        "UPDATE log_key SET line = 'nobody'",
        "nobody",
    ),
    "an older database": (
        "the tree continues every checkpoint that is kept outside",
        "DELETE FROM leaf_position WHERE index > 9",
        "the tree does not reach it",
    ),
    "a key destroyed in silence": (
        "a key that was destroyed has its erasure on the record (EV-07)",
        "UPDATE chain_key SET sealed = NULL, destroyed_at = now()",
        "key ",
    ),
    "an account cut off from its record": (
        "a chain belongs to an account or to its client",
        "UPDATE account SET chain_id = gen_random_uuid()",
        "-",
    ),
    **{
        f"{invariant}: not kept": (
            invariant,
            "UPDATE arrangement SET status = 'broken', ended_reason = 'not_kept',"
            " ended_at = accepted_at WHERE status = 'active'",
            "",
        )
        for invariant in (
            "an arrangement that was not kept ended by its client's rule",
            "an arrangement that was not kept ended after its debtor was told",
            "nothing of an arrangement that was not kept is still asked for",
        )
    },
    "a part that was moved off the record": (
        "the parts of an arrangement are those of its terms, or as amended on the record",
        "UPDATE installment SET due_on = due_on + 1 WHERE n = 3",
        " part 3",
    ),
    "an agreement by another name": (
        "an agreement is called as it was when it was made",
        "UPDATE arrangement SET reference = 'HR-' || reference",
        ", agreed as ",
    ),
    **{
        f"no row: {what}": (f"in the rows: {what}", planted, " of ")
        for what, planted in (
            ("a hold was set", "DELETE FROM hold"),
            ("a hold was lifted", "UPDATE hold SET lifted_at = NULL"),
            (
                "a permission to charge ended",
                "UPDATE payment_authorization SET revoked_at = NULL",
            ),
            (
                "an agreement was taken back or canceled",
                "UPDATE arrangement SET ended_at = NULL",
            ),
            (
                "a payment was received",
                "UPDATE payment SET status = 'failed' WHERE counter_kind IS NULL",
            ),
            ("a proposal was made", "DELETE FROM proposal"),
            ("help was asked for", "DELETE FROM help_request"),
            ("a link was issued", "DELETE FROM access_link"),
            ("a link was revoked", "UPDATE access_link SET revoked_at = NULL"),
            ("somebody else was asked to pay", "DELETE FROM payer_link"),
            ("a message was sent", "DELETE FROM message"),
        )
    },
    "nobody acted": (
        "a leaf says who acted, and its own type",
        in_leaf("hold.set", "actor", "{}"),
        "leaf ",
    ),
    "money without a leaf": (
        "a movement of money has its leaf",
        in_leaf("payment.refunded", "amount_cents", "1"),
        "refund refund:re_",
    ),
    **{
        f"no leaf: {what}": (f"on the record: {what}", in_leaf(kind, key, '"another"'), "")
        for what, kind, key in (
            ("a hold was set", "hold.set", "hold"),
            ("a hold was lifted", "hold.lifted", "hold"),
            ("a permission to charge was given", "authorization.granted", "authorization"),
            ("a permission to charge ended", "authorization.revoked", "authorization"),
            ("an agreement ended", "arrangement.withdrawn", "arrangement"),
            ("a payment did not go through", "payment.failed", "payment"),
            ("a proposal was made", "proposal.submitted", "proposal"),
            ("help was asked for", "help.opened", "request"),
            ("a link was revoked", "link.revoked", "link"),
            ("somebody else was asked to pay", "payer_link.issued", "payer_link"),
        )
    },
    "no leaf: a file was placed": (
        "on the record: a file was placed",
        "UPDATE placement SET file_sha256 = sha256('')",
        "",
    ),
    "a settlement that nobody was shown": (
        "a settlement that is kept was shown",
        "INSERT INTO shown_offer (client_id, account_id, policy_version, key, total_cents,"
        " valid_until, balance_cents, paid_cents, parts, shown_at, session_id)"
        " SELECT a.client_id, a.id, 1, 'settlement:7000:1', 100, '2027-01-01', 124000, 0, 1,"
        " s.started_at, s.id FROM account a JOIN debtor_session s USING (client_id, debtor_id)"
        " LIMIT 1",
        "settlement:7000:1 for 100",
    ),
    "one chain for two": (
        "one chain belongs to one account",
        "INSERT INTO account SELECT (jsonb_populate_record(a, jsonb_build_object("
        "'id', gen_random_uuid(), 'reference', 'NG-2'))).* FROM account a LIMIT 1",
        "NG-2",
    ),
    "an allocation to another account": (
        "what a payment is for is of its own account",
        "UPDATE payment_allocation SET account_id = gen_random_uuid()",
        "",
    ),
    "another's message": (
        "a message is of its own debtor",
        "UPDATE contact SET debtor_id = gen_random_uuid()",
        "",
    ),
    "another's link": (
        "a visit is of the debtor to whom its link leads",
        "UPDATE access_link SET debtor_id = gen_random_uuid()",
        "",
    ),
    "written to at night": (
        "an e-mail or text left within the hours of every zone the debtor may be in (CT-01, CT-02)",
        "UPDATE message SET sent_at = '2026-11-24 12:59:59Z' WHERE template = 'link'",
        "left 2026-11-24 07:59 in America/New_York",
    ),
    "written to too late in one of their zones": (
        "an e-mail or text left within the hours of every zone the debtor may be in (CT-01, CT-02)",
        in_leaf("message.sent", "zones", '["America/New_York", "Pacific/Honolulu"]'),
        "left 2026-11-23 07:00 in Pacific/Honolulu",
    ),
    "written to nowhere": (
        "an e-mail or text left within the hours of every zone the debtor may be in (CT-01, CT-02)",
        in_leaf("message.sent", "zones", "[]"),
        "with no zone on the record",
    ),
    "called too often": (
        "nobody is called more than seven times in seven days about a debt (CT-06)",
        another_call("at + interval '1 hour' * n", "generate_series(1, 7)"),
        "account ",
    ),
    "called after a conversation": (
        "nobody is called within seven days after a conversation about the debt (CT-06)",
        another_call("at + interval '6 days'", "generate_series(6, 6)"),
        " on 2026-11-29",
    ),
    "an open call begun again": (
        "a call that is open is not begun again by the same person (CT-06)",
        another_call("at + interval '1 minute' * n", "generate_series(1, 2)"),
        "call ",
    ),
    "two machines that answer each other": (
        "a text is answered by itself three times a day at most, but for stops (EC-09)",
        """UPDATE message SET template = 'text_answer', context = '{"meaning": "other"}',"""
        " address = '+15185550142', sent_at = '2026-11-24 15:00Z' WHERE sent_at IS NOT NULL",
        " at 2026-11-24",
    ),
    "a stop that permits": (
        "no text that ended texts, or may have, permits them (EC-02, EC-06)",
        "INSERT INTO contact_stop (client_id, id, channel, address, kind, source, stopped_at)"
        " SELECT client_id, gen_random_uuid(), channel, address, 'opted_out', 'text',"
        " '2026-11-24 15:00Z' FROM contact;\n"
        "INSERT INTO contact_permission (client_id, id, contact_id, basis, source, at)"
        " SELECT client_id, gen_random_uuid(), id, 'used', 'text', '2026-11-24 15:00Z'"
        " FROM contact",
        "",
    ),
    "how a call went written anew": (
        "a call has its leaf, and says of itself what that says (CT-06)",
        "UPDATE call_attempt SET outcome = 'no_answer'",
        "call ",
    ),
    "called by somebody else": (
        "a call has its leaf, and says of itself what that says (CT-06)",
        "UPDATE call_attempt SET staff_id = client_id",
        "call ",
    ),
    "known on the telephone by other answers": (
        "whoever is known on the telephone answered, and a call has its leaves (PR-01)",
        "UPDATE call_session SET method = 'last_four'",
        "call session ",
    ),
    "a call that somebody else began": (
        "whoever is known on the telephone answered, and a call has its leaves (PR-01)",
        "UPDATE call_session SET staff_id = client_id",
        "call session ",
    ),
    "called though they said stop": (
        "nobody is called under a hold that forbids it (CT-08, DH-08)",
        "UPDATE hold SET starts_at = '2026-11-01', kind = 'cease_all' WHERE kind = 'amount_wrong'",
        ": cease_all",
    ),
    "a closing notice that follows no stop": (
        "after a stop of everything one notice goes, and none without a stop (CT-08)",
        "UPDATE message SET template = 'closing_notice' WHERE template = 'receipt'",
        "closing_notice ",
    ),
    "written to under a hold": (
        "nothing is sent under a hold that forbids it on every account it is about (DH-08)",
        "UPDATE hold SET starts_at = '2026-11-01', kind = 'deceased' WHERE kind = 'amount_wrong'",
        "receipt ",
    ),
    "a letter for a print house under a hold": (
        PRINTED,
        "UPDATE hold SET starts_at = '2026-11-01', kind = 'deceased' WHERE kind = 'amount_wrong'",
        ": deceased",
    ),
    "a letter that left under a hold": (
        PRINTED,
        "UPDATE hold SET starts_at = '2026-11-01', kind = 'deceased' WHERE kind = 'amount_wrong'"
        f";\n{in_leaf('letters.downloaded', 'files', '[]')}",
        ": deceased",
    ),
    "invited by letter under a hold": (
        "no invitation is printed under a hold that forbids it on every account (CT-08, DH-08)",
        "UPDATE hold SET starts_at = '2026-11-01', kind = 'deceased' WHERE kind = 'amount_wrong';\n"
        "UPDATE message SET template = 'link',"
        " account_id = (SELECT account_id FROM hold WHERE kind = 'deceased')"
        " WHERE template = 'new_link' AND channel = 'letter'",
        ": deceased",
    ),
    "invited by letter without a link": (
        "an invitation by letter brings its own debtor's link, open when it was printed (SC-04)",
        "UPDATE letter r SET link_id = NULL FROM message m"
        " WHERE m.id = r.message_id AND m.template = 'new_link'",
        "new_link ",
    ),
    "a debt named to a stranger": (
        "nothing of a debt goes to an address where nobody proved who they are (EC-08)",
        "UPDATE message SET body = 'About ' || (SELECT min(reference) FROM account)"
        " WHERE template = 'link'",
        " names NG-",
    ),
    "told at another time": (
        "a message left when its leaf says (RT-02)",
        "UPDATE message SET sent_at = sent_at + interval '1 minute' WHERE template = 'receipt'",
        "receipt ",
    ),
    "the log can be changed": (
        "the ledger and the record cannot be changed",
        "ALTER TABLE leaf DISABLE TRIGGER append_only",
        "leaf by append_only",
    ),
    "consent without its leaf": (
        "a consent to copies by e-mail only is on the record as it was given (ES-01)",
        "UPDATE esign_consent SET text_sha256 = sha256('other words')",
        "-",
    ),
    "leaf without its consent": (
        "a consent on the record stands in its row (ES-01)",
        "DELETE FROM esign_consent",
        "-",
    ),
    "consent before the sample": (
        "nobody consents before the sample has left for that address (ES-01)",
        "UPDATE esign_consent SET consented_at = consented_at - interval '1 day'",
        "-",
    ),
    "withdrawn in silence": (
        "a withdrawn consent is on the record, and only what was withdrawn (ES-01)",
        "UPDATE esign_consent SET status = 'consented', withdrawn_at = NULL",
        "-",
    ),
    "no letter beside the copy": (
        "a required copy goes by letter too unless a consent stood (ES-01)",
        "UPDATE message SET dedupe_key = dedupe_key || ':lost' WHERE channel = 'letter'"
        " AND dedupe_key LIKE 'receipt:%%'",
        "receipt ",
    ),
    "a letter nobody put on the list": (
        "a letter that waits or left is on the record (RT-02)",
        "UPDATE leaf SET type = 'letter.put_back' WHERE type = 'letter.queued'"
        " AND (chain_id, n) <> (SELECT chain_id, n FROM leaf WHERE type = 'letter.queued'"
        " ORDER BY at LIMIT 1)",
        " ",
    ),
    "a letter with other words": (
        "a letter that left was printed, and its leaf names what was on it (ES-02)",
        "UPDATE letter SET document_sha256 = sha256('other words')",
        "receipt ",
    ),
    "the guard lets go": (
        "what forbids changes still does",
        "CREATE OR REPLACE FUNCTION forbid_change() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NEW; END'",
        "function forbid_change",
    ),
    "the guard of threads lets go": (
        "what forbids changes still does",
        "CREATE OR REPLACE FUNCTION forbid_change_but_erasure() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "function forbid_change_but_erasure",
    ),
    "the web may change the log": (
        "what forbids changes still does",
        "GRANT UPDATE, DELETE ON leaf TO portal_app",
        "portal_app may DELETE leaf",
    ),
    "a trigger that asks first": (
        "what forbids changes still does",
        "DROP TRIGGER append_only ON leaf;\nCREATE TRIGGER append_only BEFORE UPDATE OR DELETE"
        " ON leaf FOR EACH ROW WHEN (OLD.n < 0) EXECUTE FUNCTION forbid_change()",
        "leaf by append_only",
    ),
    "a wall with a door": (
        "a row of one client is hidden from another; staff's and Stripe's have their walls",
        "ALTER POLICY of_client ON leaf USING (true)",
        "leaf",
    ),
    "clients see each other": (
        "a row of one client is hidden from another; staff's and Stripe's have their walls",
        "ALTER TABLE payment NO FORCE ROW LEVEL SECURITY;\n"
        "ALTER TABLE staff DISABLE ROW LEVEL SECURITY",
        "payment\nstaff\n",
    ),
}


@pytest.mark.parametrize(("invariant", "planted", "where"), PLANTED.values(), ids=PLANTED)
def test_a_violation_is_seen_and_named(acted, invariant: str, planted: str, where: str) -> None:
    found = found_after(acted, planted)
    assert where in found[invariant]


def test_a_look_at_what_is_new_sees_what_is_owed_alarms_and_stopped_agreements(acted) -> None:
    connection, _ = acted
    chain = connection.scalar(text("SELECT chain_id FROM leaf WHERE type = 'balance.adjusted'"))
    size = connection.scalar(text("SELECT count(*) FROM leaf_position"))
    connection.rollback()
    for planted in ("less is owed than on the record", "an entry was taken out"):
        invariant, change, _ = PLANTED[planted]
        assert invariant in found_after(acted, change, Only([chain], size))
    for planted in ("an alarm taken away", "agreements stopped off the record"):
        invariant, change, _ = PLANTED[planted]
        assert invariant in found_after(acted, change, Only([], size))


def test_each_new_check_was_seen_to_fail() -> None:
    """Those of money and contact that are not here are held by their own tests and the battery."""
    seen = {invariant for invariant, _, _ in PLANTED.values()}
    streamed = {COMMITMENT, DOCUMENT, SIGNED, OUTSIDE, PUBLISHED}
    assert seen <= {*CHECKS, *GUARDS, *streamed}
    assert {*tree.CHECKS, *owed.CHECKS, *answers.CHECKS, *streamed} <= seen


def test_what_the_debtor_asked_for_or_staff_delivered_by_hand_may_leave_at_night(acted) -> None:
    """CT-04"""
    hours = (
        "an e-mail or text left within the hours of every zone the debtor may be in (CT-01, CT-02)"
    )
    asked = "SELECT 1 FROM message WHERE asked_for"
    night = "UPDATE message SET sent_at = '2026-11-24 08:00Z' WHERE template = 'agreement_copy'"
    assert hours not in found_after(acted, f"{asked};\n{night}")
    by_hand = in_leaf("message.sent", "despite", '"CT-01"')
    night = "UPDATE message SET sent_at = '2026-11-24 08:00Z'"
    assert hours in found_after(acted, night)
    assert hours not in found_after(acted, f"{night};\n{by_hand}")


def test_a_charge_that_was_sent_before_a_stop_is_none_after_it(acted) -> None:
    """PY-08: money on its way when the debtor stops is no breach, whenever it lands."""
    late = f"UPDATE payment SET posted_at = now(), settled_at = now() WHERE {CHARGE}"
    same = "UPDATE hold SET starts_at = (SELECT max(permitted_at) FROM payment)"
    same += " WHERE kind <> 'attorney'"
    assert found_after(acted, f"{late};\n{same}") == {}
