"""Help holds the account at once, promises a day, and is answered in the one thread."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from portal.db import PortalSession
from portal.domain.help import CardNumberTyped, Topic
from portal.domain.holds import HoldKind
from portal.models import Account, HelpRequest, HelpStatus, Hold, Message, Role, Staff
from portal.services.help import (
    Answers,
    OptionMissing,
    answer_request,
    open_request,
    request_by_reference,
)
from portal.services.standing import standing
from portal.services.threads import NothingWritten, post_entry, reply, thread_of
from tests.factories import NOW, happened, make_dana, make_visit
from tests.pages.staff import make_staff


def sam(session: PortalSession) -> Staff:
    return make_staff(session, Role.OPERATOR, name="Sam")


def ask(
    session: PortalSession, account: Account, topic: Topic, answers: Answers | None = None
) -> HelpRequest:
    visit = make_visit(session, account)
    return open_request(session, account, topic, answers or Answers(), by=visit, now=NOW)


def test_not_my_debt_stops_everything_that_costs_money_and_promises_a_day(
    session: PortalSession,
) -> None:
    """DH-01"""
    account = make_dana(session)
    request = ask(session, account, Topic.NOT_MY_DEBT)
    allowed = standing(session, account, NOW)
    assert [allowed.pay.allowed, allowed.charge.allowed, allowed.send.allowed] == [False] * 3
    assert request.promised_on == date(2026, 11, 27)  # Thanksgiving is no working day
    assert request_by_reference(session, account, request.reference) is request
    assert session.scalars(select(Message.template)).all() == ["help_received"]
    types = [leaf.type for leaf in happened(session, account)]
    assert types == ["hold.set", "help.opened"]


@pytest.mark.parametrize(
    ("topic", "option", "kind"),
    [
        (Topic.NOT_MY_DEBT, "identity-theft", HoldKind.IDENTITY_THEFT),
        (Topic.ADVISER, "debt-adviser", HoldKind.DEBT_COUNSELLOR),
        (Topic.BANKRUPTCY_OR_DEATH, "bankruptcy", HoldKind.BANKRUPTCY),
        (Topic.CONTACT, "stop", HoldKind.CEASE_ALL),
    ],
)
def test_what_is_picked_decides_the_hold(
    session: PortalSession, topic: Topic, option: str, kind: HoldKind
) -> None:
    """DH-08"""
    account = make_dana(session)
    request = ask(session, account, topic, Answers(option))
    hold = session.scalars(select(Hold)).one()
    assert (hold.kind, hold.source, request.hold_id) == (kind, f"help:{request.reference}", hold.id)


def test_another_way_of_writing_holds_nothing(session: PortalSession) -> None:
    account = make_dana(session)
    assert ask(session, account, Topic.CONTACT, Answers("change", "By letter")).hold_id is None
    assert standing(session, account, NOW).pay.allowed


@pytest.mark.parametrize("option", [None, "lawyers"])
def test_a_topic_that_needs_a_pick_asks_for_it(session: PortalSession, option: str | None) -> None:
    account = make_dana(session)
    with pytest.raises(OptionMissing):
        ask(session, account, Topic.ADVISER, Answers(option))


def test_a_card_number_is_not_kept(session: PortalSession) -> None:
    """PC-01"""
    account = make_dana(session)
    with pytest.raises(CardNumberTyped):
        ask(session, account, Topic.ALREADY_PAID, Answers(details="with 4242 4242 4242 4242"))
    assert session.scalar(select(func.count(HelpRequest.id))) == 0


def test_the_same_topic_twice_is_one_request(session: PortalSession) -> None:
    account = make_dana(session)
    first = ask(session, account, Topic.AMOUNT_WRONG, Answers(details="I owe half."))
    second = ask(session, account, Topic.AMOUNT_WRONG, Answers(details="I have the letter."))
    assert first.id == second.id
    assert session.scalar(select(func.count(Hold.id))) == 1
    assert [e.body for e in thread_of(session, account)] == ["I owe half.", "I have the letter."]


def test_an_answer_reaches_the_thread_and_can_lift_the_hold(session: PortalSession) -> None:
    account, staff = make_dana(session), sam(session)
    request = ask(session, account, Topic.AMOUNT_WRONG)
    answer_request(session, request, "You are right.", staff=staff, now=NOW, lift="corrected")
    assert (request.status, request.answered_by) == (HelpStatus.ANSWERED, staff.id)
    assert standing(session, account, NOW).pay.allowed
    (entry,) = thread_of(session, account)
    assert (entry.staff_id, entry.help_request_id) == (staff.id, request.id)
    assert "help_answered" in set(session.scalars(select(Message.template)))


def test_words_sent_twice_stand_in_the_thread_once(session: PortalSession) -> None:
    account, staff = make_dana(session), sam(session)
    first = reply(session, account, "How can we help?", staff=staff, now=NOW)
    soon, late = NOW + timedelta(minutes=1), NOW + timedelta(minutes=6)
    assert reply(session, account, "How can we help?", staff=staff, now=soon).id == first.id
    assert len(session.scalars(select(Message.template)).all()) == 1
    post_entry(session, account, "How can we help?", now=soon)
    reply(session, account, "How can we help?", staff=staff, now=late)
    assert [entry.staff_id for entry in thread_of(session, account)] == [staff.id, None, staff.id]


def test_the_thread_takes_entries_of_both_sides(session: PortalSession) -> None:
    account, staff = make_dana(session), sam(session)
    post_entry(session, account, "Hello?", now=NOW)
    reply(session, account, "How can we help?", staff=staff, now=NOW)
    assert [entry.staff_id for entry in thread_of(session, account)] == [None, staff.id]
    assert session.scalars(select(Message.template)).all() == ["thread_reply"]
    with pytest.raises(NothingWritten):
        post_entry(session, account, " \n", now=NOW)
