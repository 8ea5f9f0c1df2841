"""A new link for whoever asks: looked up in the job, told alike to everybody."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event, func, select, text

from portal import tasks
from portal.db import PortalSession, set_tenant
from portal.gateways.clock import SetClock
from portal.models import AccessLink, Channel, Debtor, HelpRequest, Message, StopKind
from portal.runtime import build_runtime
from portal.services import evidence, renewals, stops
from portal.services.attempts import Locked
from portal.services.call_me import CallsUsedUp, CallWish, PartOfDay, ask_for_call
from portal.services.links import LinkState, OpenedLink, accounts_of, open_token
from tests.databases import Database
from tests.factories import (
    KEYS,
    NOW,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_link,
)

LATER = NOW + timedelta(days=15)


def count(session: PortalSession, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table))


def ask(session: PortalSession, typed: str, *, ip: str = "203.0.113.9") -> Locked | None:
    address = renewals.read_address(typed)
    assert address is not None
    return renewals.ask_by_address(session, address, keys=KEYS, ip=ip, now=NOW)


def sealed(address: tuple[Channel, str]) -> str:
    return renewals._box(KEYS).encrypt(f'["{address[0]}", "{address[1]}"]'.encode()).decode()


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (" Dana@Example.com ", ("email", "dana@example.com")),
        ("(503) 226-0100", ("sms", "+15032260100")),
        ("+1 416 226 0100", ("sms", "+14162260100")),
        ("", None),
        ("dana", None),
        ("dana@\x00example.com", None),
        ("x" * 65536, None),
    ],
)
def test_an_address_is_read_as_contacts_keep_it(typed: str, read):
    assert renewals.read_address(typed) == read


def test_asking_takes_the_same_statements_for_known_and_unknown(session: PortalSession):
    debtor = make_debtor(session, make_client(session))
    make_contact(session, debtor, address="dana@example.com")
    make_account(session, debtor)
    session.flush()
    alike = []
    for typed in ("dana@example.com", "nobody@example.com"):
        seen: list[str] = []
        engine = session.connection().engine
        listen = lambda *given, seen=seen: seen.append(given[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", listen)
        outcome = ask(session, typed)
        event.remove(engine, "before_cursor_execute", listen)
        alike.append((outcome, tuple(one for one in seen if "SAVEPOINT" not in one)))
    assert alike[0] == alike[1]
    assert (count(session, AccessLink), count(session, Message)) == (0, 0)


def test_the_job_sends_each_debtor_at_the_address_one_link(session: PortalSession):
    debtors: list[Debtor] = []
    for _ in range(2):
        client = make_client(session)
        debtor = make_debtor(session, client)
        make_contact(session, debtor, address="dana@example.com")
        make_account(session, debtor)
        debtors.append(debtor)
    request, box = uuid4(), sealed((Channel.EMAIL, "dana@example.com"))
    session.flush()
    set_tenant(session)
    found = renewals.debtors_at(session, box, keys=KEYS)
    assert set(found) == {(debtor.client_id, debtor.id) for debtor in debtors}
    for client_id, debtor_id in found:
        set_tenant(session, client_id)
        done = [
            renewals.send_new(session, debtor_id, box, request=request, keys=KEYS, now=NOW)
            for _ in range(2)  # the job ran twice
        ]
        assert done == [True, False]
        message = session.scalars(select(Message)).one()
        assert (message.template, message.asked_for) == ("new_link", True)
        assert message.link_id == session.scalars(select(AccessLink)).one().id


def test_nobody_at_the_address_gets_nothing(session: PortalSession):
    make_debtor(session, make_client(session))
    assert renewals.debtors_at(session, sealed((Channel.SMS, "+15032260100")), keys=KEYS) == []


def test_an_address_travels_sealed(session: PortalSession):
    box = sealed((Channel.EMAIL, "dana@example.com"))
    assert "dana" not in box


def test_a_fourth_wish_within_the_hour_is_quietly_let_go(session: PortalSession):
    assert [ask(session, "dana@example.com") for _ in range(5)] == [None] * 5
    assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 3


def test_a_network_that_asks_for_many_is_told_when_to_come_back(session: PortalSession):
    refused = [ask(session, f"dana{n}@example.com") for n in range(101)]
    assert refused[:100] == [None] * 100
    assert isinstance(refused[100], Locked)


def opened_again(session: PortalSession, *, contact: bool = True) -> OpenedLink:
    debtor = make_debtor(session, make_client(session))
    given = {} if contact else {"contact": None}
    token = make_link(session, debtor, **given).token
    opened = open_token(session, token, keys=KEYS, now=LATER)
    assert opened is not None
    assert opened.state is LinkState.EXPIRED
    return opened


def send_again(session: PortalSession, opened: OpenedLink) -> bool:
    return renewals.send_again(session, opened, request=uuid4(), keys=KEYS, now=LATER)


def test_an_expired_link_is_renewed_where_it_went(session: PortalSession):
    opened = opened_again(session)
    assert send_again(session, opened)
    message = session.scalars(select(Message)).one()
    assert message.contact_id == opened.link.contact_id
    assert message.link_id != opened.link.id


def test_a_letter_s_link_is_renewed_by_letter(session: PortalSession):
    assert send_again(session, opened_again(session, contact=False))
    assert session.scalars(select(Message)).one().channel == Channel.LETTER


def test_wrong_person_gets_no_new_link(session: PortalSession):
    opened = opened_again(session)
    stops.stop_wrong_person(session, opened, now=LATER)
    assert not send_again(session, opened)
    assert count(session, Message) == 0


def test_ct_08_no_new_link_goes_by_letter_where_somebody_else_lives(session: PortalSession):
    """CT-08, EC-08"""
    opened = opened_again(session, contact=False)
    stops.stop_wrong_person(session, opened, now=LATER)
    assert not send_again(session, opened)
    assert count(session, Message) == 0


def test_no_new_link_where_none_is_allowed_sc_04(session: PortalSession):
    opened = opened_again(session)
    for account in accounts_of(session, opened.debtor):
        account.sol_expires_on = NOW.date()
    session.flush()
    assert not send_again(session, opened)


def test_a_stop_is_one_whoever_says_it_twice(session: PortalSession):
    contact = make_contact(session, make_debtor(session, make_client(session)))
    done = [
        stops.stop_address(
            session, contact, StopKind.OPTED_OUT, source="test", actor=evidence.SYSTEM, now=NOW
        )
        for _ in range(2)
    ]
    assert done == [True, False]


def test_a_call_is_promised_and_put_on_the_list(session: PortalSession):
    opened = opened_again(session)
    wish = CallWish("+15032260100", PartOfDay.MORNING, "es")
    request = ask_for_call(session, opened, wish, keys=KEYS, ip="203.0.113.9", now=NOW)
    assert (request.topic, request.locale) == ("call_back", "es")
    assert request.promised_on.isoformat() == "2026-11-27"  # Thanksgiving is no working day
    again = ask_for_call(session, opened, wish, keys=KEYS, ip="203.0.113.9", now=NOW)
    assert (again.id, count(session, HelpRequest)) == (request.id, 1)
    later = replace(wish, part_of_day=PartOfDay.EVENING)
    ask_for_call(session, opened, later, keys=KEYS, ip="203.0.113.9", now=NOW)
    with pytest.raises(CallsUsedUp):
        ask_for_call(session, opened, wish, keys=KEYS, ip="203.0.113.9", now=NOW)
    assert count(session, HelpRequest) == 2


def test_the_jobs_do_what_the_pages_promised(fresh_db: Database):
    """Through the queue's own functions, as the worker, on real commits."""
    runtime = replace(build_runtime(fresh_db.settings, worker=True), clock=SetClock(LATER))
    keys = fresh_db.settings.keys
    with runtime.sessions() as session:
        debtor = make_debtor(session, make_client(session))
        contact = make_contact(session, debtor, address="dana@example.com")
        link = make_link(session, debtor, keys=keys, contact=contact).link
        session.commit()
    box = renewals._box(keys).encrypt(b'["email", "dana@example.com"]').decode()
    tasks.use(runtime)
    try:
        for _ in range(2):
            tasks.send_new_links(str(link.id), box)
            tasks.send_link_again(str(debtor.id), str(link.client_id), str(link.id))
        tasks.forget_old_attempts(0)
    finally:
        tasks.use(None)
    with runtime.sessions(info={"client_ids": (debtor.client_id,)}) as session:
        sent = session.scalars(select(Message.dedupe_key)).all()
        assert sorted(key.partition(":")[0] for key in sent) == ["new_link", "new_link"]
        assert count(session, AccessLink) == 3
    runtime.sessions.kw["bind"].dispose()
