"""Who somebody is: two facts by the client's order, or a code to another address on file."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from portal.db import PortalSession, set_tenant
from portal.domain.identity import Factor
from portal.models import Account, Channel, Contact, ContactStop, Message, OneTimeCode, StopKind
from portal.services import evidence
from portal.services.attempts import Locked, Scope
from portal.services.identity import (
    CodesUsedUp,
    NotMatched,
    Outcome,
    Passed,
    TypedCode,
    check_answers,
    check_code,
    code_routes,
    code_text,
    questions_for,
    send_code,
    waiting_codes,
)
from portal.services.links import OpenedLink, open_token
from tests.factories import (
    ANSWERS,
    KEYS,
    NOW,
    know_identity,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_link,
)

DOB, POSTAL, FOUR = Factor.DATE_OF_BIRTH, Factor.POSTAL_CODE, Factor.LAST_FOUR
WRONG = {DOB: "1985-03-28", POSTAL: "90210", FOUR: "0000"}


def held(
    session: PortalSession, *, factors=tuple(Factor), contact: str | None = "email", **given: Any
) -> OpenedLink:
    """A link that Dana holds, with these of her facts on file; None: it came by letter."""
    given = {"identity_factors": [DOB, POSTAL, FOUR], **given}
    debtor = know_identity(
        session, make_debtor(session, make_client(session, **given)), factors=factors
    )
    make_account(session, debtor)
    address = {"email": "dana@example.com", "sms": "+15035550100"}
    to = contact and make_contact(session, debtor, channel=contact, address=address[contact])
    opened = open_token(session, make_link(session, debtor, contact=to).token, keys=KEYS, now=NOW)
    assert opened is not None
    return opened


def answer(session: PortalSession, opened: OpenedLink, answers, *, ip="203.0.113.9", at=NOW):
    return check_answers(session, opened, answers, keys=KEYS, ip=ip, now=at)


def type_code(
    session: PortalSession, opened: OpenedLink, digits: str, fact: str = "", *, at=NOW
) -> Outcome:
    typed = TypedCode(digits, fact)
    return check_code(session, opened, typed, keys=KEYS, ip="203.0.113.9", now=at)


def sent(session: PortalSession, opened: OpenedLink, channel=Channel.SMS, *, at=NOW) -> str:
    assert send_code(session, opened, channel, keys=KEYS, now=at) is not None
    return code_text(KEYS, waiting_codes(session, opened, now=at)[0].id)


def types(session: PortalSession) -> list[str]:
    account = session.scalars(select(Account)).one()
    return [leaf.type for leaf in evidence.account_leaves(session, account)]


def test_two_right_facts_pass(session: PortalSession):
    assert answer(session, held(session), ANSWERS) == Passed("date_of_birth+postal_code", 1)


@pytest.mark.parametrize(
    ("on_file", "asked", "answerable"),
    [
        ((DOB, POSTAL, FOUR), (DOB, POSTAL), True),
        ((DOB, FOUR), (DOB, FOUR), True),
        ((POSTAL, FOUR), (POSTAL, FOUR), True),
        ((FOUR,), (FOUR, DOB), False),
        ((), (DOB, POSTAL), False),
    ],
)
def test_where_a_fact_is_missing_the_next_is_asked(
    session: PortalSession, on_file, asked, answerable
):
    opened = held(session, factors=on_file)
    questions = questions_for(opened)
    assert (questions.factors, questions.answerable) == (asked, answerable)
    passes = isinstance(answer(session, opened, ANSWERS), Passed)
    assert passes is answerable


def test_a_client_may_ask_for_one_fact_only(session: PortalSession):
    opened = held(session, identity_factors=[FOUR])
    assert answer(session, opened, {FOUR: "4471"}) == Passed("last_four", 1)


def test_a_client_without_factors_lets_nobody_in_by_answers(session: PortalSession):
    opened = held(session, identity_factors=[])
    assert questions_for(opened).answerable is False
    assert answer(session, opened, {}) == NotMatched(4)


def test_every_failure_is_alike_in_words_and_in_statements(session: PortalSession):
    """EC-08: wrong birthday, wrong postal code, both, or nothing on file."""
    cases = [
        (tuple(Factor), ANSWERS | {DOB: WRONG[DOB]}),
        (tuple(Factor), ANSWERS | {POSTAL: WRONG[POSTAL]}),
        (tuple(Factor), WRONG),
        (tuple(Factor), {}),
        ((), ANSWERS),
    ]
    alike = []
    for factors, answers in cases:
        opened = held(session, factors=factors)
        seen: list[str] = []
        engine = session.connection().engine
        listen = lambda *given, seen=seen: seen.append(given[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", listen)
        outcome = answer(session, opened, answers, ip=str(len(alike)))
        event.remove(engine, "before_cursor_execute", listen)
        alike.append((outcome, tuple(one for one in seen if "SAVEPOINT" not in one)))
    assert len(set(alike)) == 1
    assert alike[0][0] == NotMatched(4)


def test_the_sixth_try_waits_even_with_the_right_answers(session: PortalSession):
    opened = held(session)
    assert [answer(session, opened, WRONG).left for _ in range(5)] == [4, 3, 2, 1, 0]
    refused = answer(session, opened, ANSWERS)
    assert refused == Locked(NOW + timedelta(minutes=30), Scope.LINK)
    assert isinstance(answer(session, opened, ANSWERS, at=refused.until), Passed)
    assert types(session) == ["link.issued", *["identity.failed"] * 5]


def test_a_failure_s_leaf_counts_and_tells_no_answer(session: PortalSession):
    opened = held(session)
    answer(session, opened, WRONG)
    account = session.scalars(select(Account)).one()
    leaf = evidence.account_leaves(session, account)[-1]
    assert leaf.payload["left"] == 4
    assert set(leaf.payload) == {"actor", "link", "left", "type", "v"}


def test_the_account_is_counted_over_all_its_links(session: PortalSession):
    first = held(session)
    links = [first]
    for _ in range(2):
        token = make_link(session, first.debtor, contact=None).token
        opened = open_token(session, token, keys=KEYS, now=NOW)
        assert opened
        links.append(opened)
    for opened, _ in product(links[:2], range(5)):
        assert isinstance(answer(session, opened, WRONG), NotMatched)
    refused = answer(session, links[2], ANSWERS)
    assert isinstance(refused, Locked)
    assert refused.scope is Scope.ACCOUNT


def test_right_answers_forget_the_wrong_ones(session: PortalSession):
    opened = held(session)
    for _ in range(3):
        answer(session, opened, WRONG)
        assert isinstance(answer(session, opened, ANSWERS), Passed)
    assert answer(session, opened, WRONG) == NotMatched(4)


def test_a_code_to_another_address_counts_alone(session: PortalSession):
    opened = held(session, sms_enabled=True)
    make_contact(session, opened.debtor, channel="sms", address="+15035550100")
    digits = sent(session, opened)
    assert type_code(session, opened, digits) == Passed("code:sms", 1)
    message = session.scalars(select(Message)).one()
    assert (message.template, message.asked_for, message.channel) == ("one_time_code", True, "sms")
    assert digits not in str(message.context)


def test_a_code_to_the_link_s_own_address_needs_a_fact_beside_it(session: PortalSession):
    opened = held(session)
    (route,) = code_routes(session, opened)
    assert (route.contact.channel, route.beside) == (Channel.EMAIL, DOB)
    digits = sent(session, opened, Channel.EMAIL)
    assert type_code(session, opened, digits) == NotMatched(4)
    assert type_code(session, opened, digits, WRONG[DOB]) == NotMatched(3)
    assert type_code(session, opened, "0" * 6, ANSWERS[DOB]) == NotMatched(2)
    assert type_code(session, opened, digits, ANSWERS[DOB]) == Passed("code:email+date_of_birth", 4)


def test_another_address_is_taken_before_the_link_s_own(session: PortalSession):
    opened = held(session)
    other = make_contact(session, opened.debtor, address="dana.work@example.com")
    (route,) = code_routes(session, opened)
    assert (route.contact.id, route.beside) == (other.id, None)


@pytest.mark.parametrize("change", ["retired", "stopped", "no codes", "no texts"])
def test_no_code_goes_to_a_closed_address(session: PortalSession, change: str):
    opened = held(session, factors=(), sms_enabled=change != "no texts")
    opened.client.identity_codes = change != "no codes"
    other = make_contact(session, opened.debtor, channel="sms", address="+15035550100")
    if change == "retired":
        other.retired_at = NOW
    if change == "stopped":
        session.add(
            ContactStop(
                client_id=other.client_id,
                channel=other.channel,
                address=other.address,
                kind=StopKind.WRONG_PERSON,
                source="test",
                stopped_at=NOW,
            )
        )
    session.flush()
    assert code_routes(session, opened) == ()
    assert send_code(session, opened, Channel.SMS, keys=KEYS, now=NOW) is None
    assert session.scalar(select(func.count()).select_from(OneTimeCode)) == 0


def test_a_code_lasts_ten_minutes_and_passes_once(session: PortalSession):
    opened = held(session, contact=None)
    make_contact(session, opened.debtor)
    late = sent(session, opened, Channel.EMAIL)
    assert type_code(session, opened, late, at=NOW + timedelta(minutes=10)) == NotMatched(4)
    digits = sent(session, opened, Channel.EMAIL, at=NOW + timedelta(minutes=11))
    at = NOW + timedelta(minutes=20, seconds=59)
    assert isinstance(type_code(session, opened, digits, at=at), Passed)
    assert isinstance(type_code(session, opened, digits, at=at), NotMatched)


def test_the_code_of_another_link_does_not_pass(session: PortalSession):
    one, other = held(session, contact=None), held(session, contact=None)
    set_tenant(session, one.client.id, other.client.id)
    for opened in (one, other):
        make_contact(session, opened.debtor)
    digits = sent(session, one, Channel.EMAIL)
    assert type_code(session, other, digits) == NotMatched(4)


def test_guessing_codes_is_counted_like_guessing_facts(session: PortalSession):
    opened = held(session, contact=None)
    make_contact(session, opened.debtor)
    digits = sent(session, opened, Channel.EMAIL)
    wrong = f"{(int(digits) + 1) % 10**6:06d}"
    answer(session, opened, WRONG)
    assert [type_code(session, opened, wrong).left for _ in range(4)] == [3, 2, 1, 0]
    assert isinstance(type_code(session, opened, digits), Locked)


def test_three_codes_an_hour_and_the_older_ones_still_pass(session: PortalSession):
    opened = held(session, contact=None)
    make_contact(session, opened.debtor)
    first = sent(session, opened, Channel.EMAIL)
    sent(session, opened, Channel.EMAIL, at=NOW + timedelta(minutes=1))
    sent(session, opened, Channel.EMAIL, at=NOW + timedelta(minutes=2))
    with pytest.raises(CodesUsedUp):
        send_code(session, opened, Channel.EMAIL, keys=KEYS, now=NOW + timedelta(minutes=3))
    assert isinstance(type_code(session, opened, first, at=NOW + timedelta(minutes=3)), Passed)


def test_no_table_holds_a_code_or_an_answer(session: PortalSession):
    opened = held(session, contact=None)
    contact: Contact = make_contact(session, opened.debtor)
    digits = sent(session, opened, Channel.EMAIL)
    assert contact.address
    type_code(session, opened, digits)
    for table in ("one_time_code", "debtor", "attempt_counter", "message"):
        rows = session.execute(text(f"SELECT t::text FROM {table} t")).scalars().all()
        assert not any(digits in row or ANSWERS[DOB] in row for row in rows), table
    account = session.scalars(select(Account)).one()
    told = str(evidence.account_leaves(session, account))
    assert "link.issued" in told
    assert digits not in told
    assert ANSWERS[DOB] not in told
