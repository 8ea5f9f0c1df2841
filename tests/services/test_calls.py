"""Calls to debtors: begun under the account's lock, logged once, past no rule in silence."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from portal.db import PortalSession, make_engine, set_tenant
from portal.domain.calls import Ground, Outcome
from portal.domain.holds import HoldKind
from portal.domain.outgoing import Rule
from portal.models import (
    Account,
    CallAttempt,
    Contact,
    ContactStop,
    Debtor,
    HelpRequest,
    HelpStatus,
    Role,
    Staff,
    fresh_id,
)
from portal.services import evidence
from portal.services.call_me import TOPIC
from portal.services.calls import (
    CallForbidden,
    LoggedBefore,
    NobodySpoke,
    Number,
    Said,
    SupervisorDecides,
    TalkNeedsNote,
    begin_call,
    log_call,
    log_their_call,
    numbers_of,
    verdict_on,
)
from portal.services.clearance import made_lately
from portal.services.dossier import ReasonMissing
from portal.services.evidence import SYSTEM
from portal.services.standing import set_hold
from portal.services.verify import verify_client
from tests.databases import Database
from tests.factories import NOW, make_account, make_client, make_contact, make_debtor

PHONE = "+15185550142"
DAY = timedelta(days=1)
SAM = Staff(id=fresh_id(), role=Role.AGENT)


def agent() -> Staff:
    """Somebody else each time."""
    return Staff(id=fresh_id(), role=Role.AGENT)


SUE = Staff(id=fresh_id(), role=Role.SUPERVISOR)


@pytest.fixture
def account(session: PortalSession) -> Account:
    """Dana's account, with her number on file."""
    debtor = make_debtor(session, make_client(session))
    make_contact(session, debtor, channel="sms", address=PHONE)
    return make_account(session, debtor)


@pytest.fixture
def call(session: PortalSession, account: Account) -> Callable[..., CallAttempt]:
    """Begin a call to the first number, and say how it went unless that is left open."""

    def go(
        days: float = 0, outcome: Outcome | None = Outcome.NO_ANSWER, **given: Any
    ) -> CallAttempt:
        values: dict[str, Any] = {"reason": "", "staff": SAM, "now": NOW + days * DAY}
        number = numbers_of(session, account)[0]
        made = begin_call(session, account, number, **(values | given))
        if outcome:
            note = "As agreed." if outcome is Outcome.CONVERSATION else ""
            log_call(session, made, Said(outcome, note), staff=SAM, now=made.at)
        return made

    return go


def leaves(session: PortalSession, account: Account) -> list[evidence.Entry]:
    found = evidence.account_leaves(session, account)
    return [leaf for leaf in found if leaf.type.startswith("call.")]


def broken(session: PortalSession, account: Account) -> list[str]:
    """The invariants of calls that do not hold."""
    found = verify_client(session, account.client_id)
    return [one.invariant for one in found if "call" in one.invariant]


def ask_for_call(session: PortalSession, account: Account, days: int = 0) -> HelpRequest:
    request = HelpRequest(
        client_id=account.client_id,
        account_id=account.id,
        reference=f"HR-CALL-{days}",
        topic=TOPIC,
        status=HelpStatus.OPENED,
        answers={"phone": "+15185550199", "part_of_day": "morning"},
        locale="en",
        opened_at=NOW + days * DAY,
        promised_on=NOW.date(),
    )
    session.add(request)
    session.flush()
    return request


def test_ct_06_the_eighth_attempt_is_refused_and_a_supervisor_says_why(session, account, call):
    for n in range(7):
        call(n / 1000)
    with pytest.raises(SupervisorDecides) as refused:
        call(1)
    assert refused.value.verdict.rule == Rule.CALLS
    with pytest.raises(ReasonMissing):
        call(1, staff=SUE)
    eighth = call(1, staff=SUE, reason="She asked me for the exact sum by phone.")
    assert (eighth.ground, eighth.reason) == (
        Ground.SUPERVISOR,
        "She asked me for the exact sum by phone.",
    )
    begun = leaves(session, account)[-2].payload
    assert (begun["rule"], begun["ground"]) == ("CT-06", "supervisor")
    assert begun["reason"] == "She asked me for the exact sum by phone."
    assert begun["actor"] == evidence.staff(SUE.id)
    assert broken(session, account) == []


def test_ct_06_a_conversation_keeps_us_silent_to_day_6(session, account, call):
    call(0, Outcome.CONVERSATION)
    for day in (0, 1, 6):
        with pytest.raises(SupervisorDecides):
            call(day)
    assert call(7).ground is None
    assert broken(session, account) == []


def test_ct_06_another_debt_of_the_same_person_has_a_count_of_its_own(session, account, call):
    call(0, Outcome.CONVERSATION)
    other = make_account(session, session.get_one(Debtor, (account.client_id, account.debtor_id)))
    assert verdict_on(session, other, numbers_of(session, other)[0], now=NOW).allowed


def test_ct_06_a_conversation_that_the_debtor_began_counts_too(session, account, call):
    said = Said(Outcome.CONVERSATION, "She asked for a plan.")
    log_their_call(session, account, said, staff=SAM, now=NOW)
    with pytest.raises(SupervisorDecides):
        call(1)
    assert made_lately(session, account.client_id, account.debtor_id, NOW + DAY) == []
    assert broken(session, account) == []


def test_ct_06_consent_lets_calls_through_and_is_on_the_record(session, account, call):
    made = call(outcome=None)
    with pytest.raises(NobodySpoke):
        log_call(session, made, Said(Outcome.NO_ANSWER, "", consented=True), staff=SAM, now=NOW)
    said = Said(Outcome.CONVERSATION, "Call me again tomorrow.", consented=True)
    log_call(session, made, said, staff=SAM, now=NOW)
    assert leaves(session, account)[-1].payload["consented"] is True
    assert call(1).ground is Ground.CONSENT
    assert broken(session, account) == []


def test_ct_06_a_call_that_was_asked_for_goes_to_the_number_that_was_given(session, account, call):
    call(0, Outcome.CONVERSATION)
    request = ask_for_call(session, account, days=1)
    made = call(2)
    assert (made.number, made.request_id, made.ground) == (
        "+15185550199",
        request.id,
        Ground.ASKED,
    )
    assert broken(session, account) == []


def test_ct_08_after_a_stop_of_everything_nobody_calls_and_no_supervisor_either(
    session, account, call
):
    ask_for_call(session, account)
    set_hold(session, account, HoldKind.CEASE_ALL, source="staff", actor=SYSTEM, now=NOW)
    with pytest.raises(CallForbidden) as refused:
        call(staff=SUE, reason="I want to.")
    assert refused.value.verdict.rule == "CT-08"
    ask_for_call(session, account, days=1)
    asked = [one for one in numbers_of(session, account) if one.request][1]
    assert verdict_on(session, account, asked, now=NOW + 2 * DAY).allowed
    assert session.scalar(select(func.count()).select_from(CallAttempt)) == 0


def test_ct_08_a_wrong_number_is_never_called_or_texted_again(session, account, call):
    """CT-08, EC-08"""
    call(outcome=Outcome.WRONG_NUMBER)
    stop = session.scalars(select(ContactStop)).one()
    assert (stop.address, stop.kind) == (PHONE, "wrong_person")
    with pytest.raises(CallForbidden) as refused:
        call(1, staff=SUE, reason="To be sure.")
    assert refused.value.verdict.rule == Rule.WRONG_PERSON
    contact = session.scalars(select(Contact).where(Contact.address == PHONE)).one()
    shared = make_account(session, make_debtor(session, make_client(session)))
    assert verdict_on(session, shared, Number(PHONE, contact=contact), now=NOW).allowed
    ask_for_call(session, account, days=1)
    again = call(2, outcome=Outcome.WRONG_NUMBER)
    assert again.contact_id is None
    asked = numbers_of(session, account)[0]
    assert verdict_on(session, account, asked, now=NOW + 3 * DAY).rule == Rule.WRONG_PERSON


def test_ct_06_how_a_call_went_is_said_once_and_a_conversation_with_its_subject(
    session, account, call
):
    made = call(outcome=None)
    with pytest.raises(TalkNeedsNote):
        log_call(session, made, Said(Outcome.CONVERSATION, "  "), staff=SAM, now=NOW)
    log_call(session, made, Said(Outcome.VOICEMAIL, "Asked her to call."), staff=SUE, now=NOW)
    with pytest.raises(LoggedBefore):
        log_call(session, made, Said(Outcome.NO_ANSWER), staff=SAM, now=NOW)
    assert [leaf.type for leaf in leaves(session, account)] == ["call.begun", "call.logged"]
    logged = leaves(session, account)[-1].payload
    assert (logged["outcome"], logged["note"]) == ("voicemail", "Asked her to call.")
    assert (made.staff_id, made.logged_by) == (SAM.id, SUE.id)
    assert PHONE not in str([leaf.payload for leaf in leaves(session, account)])


def test_ct_05_calls_count_among_the_contacts_that_hold_a_message_back(session, account, call):
    call(outcome=Outcome.NOT_CONNECTED)
    call()
    made = made_lately(session, account.client_id, account.debtor_id, NOW + DAY)
    assert [(one.channel, one.account) for one in made] == [(None, account.id)]


def test_ct_06_a_button_that_is_pressed_again_is_the_call_that_is_open(session, account, call):
    """CT-06: until it is logged, or its number is shown no more."""
    first = call(outcome=None)
    assert call(0.01, outcome=None) is first
    assert call(outcome=None, staff=agent()) is not first, "somebody else's call is another one"
    other = ask_for_call(session, account)
    assert call(outcome=None) is not first, "and so is a call to another number"
    other.status = HelpStatus.CLOSED
    assert call(1 / 96, outcome=None) is not first, "a quarter of an hour later"
    assert broken(session, account) == []


def test_ct_06_the_last_attempt_of_seven_is_shown_again_but_not_after_a_stop(
    session, account, call
):
    for n in range(6):
        call(n / 1000)
    seventh = call(0.01, outcome=None)
    assert call(0.01, outcome=None) is seventh
    set_hold(
        session, account, HoldKind.CEASE_ALL, source="phone", actor=SYSTEM, now=NOW + 0.01 * DAY
    )
    with pytest.raises(CallForbidden):
        call(0.011, outcome=None)


def test_ct_06_a_double_tap_is_one_attempt(fresh_db: Database):
    """CT-06: three presses at once."""
    engine = make_engine(fresh_db.url("portal_app"))
    with PortalSession(bind=engine) as session:
        debtor = make_debtor(session, make_client(session))
        make_contact(session, debtor, channel="sms", address=PHONE)
        account = make_account(session, debtor)
        client_id, account_id, staff = account.client_id, account.id, SAM.id
        session.commit()

    def press(_: int) -> UUID:
        with PortalSession(bind=engine) as session:
            set_tenant(session, client_id)
            account = session.get_one(Account, (client_id, account_id))
            number = numbers_of(session, account)[0]
            sam = Staff(id=staff, role=Role.AGENT)
            made = begin_call(session, account, number, reason="", staff=sam, now=NOW).id
            session.commit()
            return made

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(press, range(3)))) == 1
    engine.dispose()


def test_ct_06_of_two_people_who_call_at_once_one_attempt_too_many_is_refused(fresh_db: Database):
    engine = make_engine(fresh_db.url("portal_app"))
    with PortalSession(bind=engine) as session:
        debtor = make_debtor(session, make_client(session))
        make_contact(session, debtor, channel="sms", address=PHONE)
        account = make_account(session, debtor)
        client_id, account_id = account.client_id, account.id
        number = numbers_of(session, account)[0]
        for _ in range(6):
            begin_call(session, account, number, reason="", staff=agent(), now=NOW)
        session.commit()

    def press(_: int) -> str:
        with PortalSession(bind=engine) as session:
            set_tenant(session, client_id)
            account = session.get_one(Account, (client_id, account_id))
            number = numbers_of(session, account)[0]
            try:
                begin_call(session, account, number, reason="", staff=agent(), now=NOW)
            except SupervisorDecides:
                return "refused"
            session.commit()
            return "begun"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(press, range(4))) == ["begun", "refused", "refused", "refused"]
    engine.dispose()
