"""What nobody answered in time goes to supervisors, then the portal offers what is closest."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from portal import tasks
from portal.config import Settings
from portal.db import PortalSession, tenant_session
from portal.domain import terms as wording
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.policy import Answerer, ProposalLimits
from portal.domain.proposals import Proposal as Suggestion
from portal.domain.statuses import ProposalStatus
from portal.domain.terms import Basis
from portal.domain.waiting import Queue
from portal.gateways.clock import SetClock
from portal.models import Account, Arrangement, Client, EntryKind, Message, Payment, Proposal, Role
from portal.runtime import build_runtime
from portal.services import evidence, queues
from portal.services.late_proposals import alternative, alternatives, chase, late
from portal.services.ledger import lock_account, post
from portal.services.proposals import (
    AlternativeGone,
    SupervisorsAnswer,
    Wish,
    accept,
    counter,
    granted_of,
    submit,
    why_not_answer,
)
from portal.services.standing import lift_hold, set_hold
from portal.services.verify import verify_client
from tests.databases import Database, web_engine
from tests.factories import NOW, TODAY, happened, make_policy, make_visit
from tests.pages.staff import make_staff
from tests.services.test_acceptance import agree, dana
from tests.services.test_help import sam
from tests.services.test_proposals import FORTY, UNTIL, granted, suggest, types

# Promised by Friday, November 27; it is late from Saturday on, and supervisors have Monday.
FRIDAY = NOW + timedelta(days=4)
SATURDAY = NOW + timedelta(days=5)
MONDAY = NOW + timedelta(days=7)
TUESDAY = NOW + timedelta(days=8)


def owner(session: PortalSession, account: Account) -> Client:
    return session.get_one(Client, account.client_id)


def choose_closest(session: PortalSession, account: Account, **given: object) -> None:
    """From now on the client has late proposals answered with the closest terms."""
    make_policy(session, owner(session, account), closest_when_late=True, **given)


def hour(session: PortalSession, account: Account, now: datetime) -> list[bool]:
    """What the hourly job makes of the late proposals of the account's client."""
    found = late(session, account.client_id, now=now)
    return [chase(session, account.client_id, one, now=now) for one in found]


def waiting(session: PortalSession, **limits: object) -> tuple[Account, Proposal]:
    """Dana's suggestion, of which supervisors know since Saturday."""
    account = dana(session)
    choose_closest(session, account, **limits)
    proposal = suggest(session, account)
    assert hour(session, account, SATURDAY) == [True]
    return account, proposal


def test_a_proposal_that_nobody_answers_is_put_before_supervisors_once(
    session: PortalSession,
) -> None:
    account = dana(session)
    proposal = suggest(session, account)
    assert hour(session, account, FRIDAY) == []
    assert [hour(session, account, SATURDAY) for _ in range(2)] == [[True], [False]]
    assert (proposal.status, proposal.escalated_at) == (ProposalStatus.SUBMITTED, SATURDAY)
    leaf = evidence.account_leaves(session, account)[-1]
    assert (leaf.type, leaf.payload["actor"]) == ("proposal.escalated", evidence.SYSTEM)
    assert list(verify_client(session, account.client_id)) == []


def test_a_day_ends_when_it_ends_where_the_client_is(session: PortalSession) -> None:
    """Promised by Friday in New York; in Hawaii it is Friday for six hours more."""
    account = dana(session)
    suggest(session, account)
    night = datetime.fromisoformat("2026-11-28T06:00:00+00:00")
    session.info["client_ids"] = [account.client_id]
    assert len(queues.waiting(session, Queue.PROPOSALS, now=night, late=True)) == 1
    owner(session, account).time_zone = "Pacific/Honolulu"
    session.flush()
    assert queues.waiting(session, Queue.PROPOSALS, now=night, late=True) == []
    assert hour(session, account, night) == []
    assert hour(session, account, night + timedelta(hours=4)) == [True]


def test_the_client_promises_its_working_days(session: PortalSession) -> None:
    account = dana(session)
    make_policy(session, owner(session, account), answer_working_days=1)
    assert suggest(session, account).answer_due_on == date(2026, 11, 24)


def test_supervisors_see_how_many_they_have(session: PortalSession) -> None:
    account, _ = waiting(session)
    session.info["client_ids"] = [account.client_id]
    counted = queues.counts(session)
    assert (counted.waiting[Queue.PROPOSALS], counted.escalated) == (1, 1)


def test_it_stays_with_staff_where_the_client_did_not_choose_more(session: PortalSession) -> None:
    account, proposal = waiting(session)
    make_policy(session, owner(session, account))
    assert hour(session, account, TUESDAY) == [False]
    assert proposal.status is ProposalStatus.SUBMITTED


def test_after_a_working_day_more_the_closest_terms_are_offered(session: PortalSession) -> None:
    """PY-02: an offer of the portal, which binds nobody until it is reviewed and accepted."""
    account, proposal = waiting(session)
    closest = alternatives(session, proposal, TUESDAY)[0].terms
    assert hour(session, account, MONDAY) == [False]
    assert [hour(session, account, TUESDAY) for _ in range(2)] == [[True], []]
    assert (proposal.status, proposal.answered_by) == (ProposalStatus.COUNTERED, None)
    terms = granted_of(proposal)
    assert terms is not None
    assert (terms.schedule, terms.basis) == (closest.schedule, Basis.GRANTED)
    assert proposal.granted_until == TODAY + timedelta(days=8 + 14)
    leaf = happened(session, account)[-1].payload
    assert (leaf["actor"], leaf["reason"]) == (evidence.SYSTEM, "nobody_answered")
    told = session.scalars(select(Message.template).order_by(Message.id)).all()
    assert told == ["proposal_received", "proposal_countered"]
    for kind in (Arrangement, Payment):
        assert session.scalar(select(func.count()).select_from(kind)) == 0
    assert list(verify_client(session, account.client_id)) == []
    assert agree(session, account, granted(proposal)).proposal_id == proposal.id


def test_no_day_of_the_portals_offer_is_inside_the_validation_period(
    session: PortalSession,
) -> None:
    """VN-07"""
    account = dana(session)
    account.validation_ends_on = date(2027, 1, 4)
    choose_closest(session, account)
    proposal = suggest(session, account)
    assert [hour(session, account, at) for at in (SATURDAY, TUESDAY)] == [[True], [True]]
    terms = granted_of(proposal)
    assert terms is not None
    assert terms.first_on == date(2027, 1, 5)
    assert proposal.granted_until == date(2027, 1, 5)


def test_nothing_is_offered_while_the_account_may_not_be_offered_anything(
    session: PortalSession,
) -> None:
    """DH-08"""
    account, proposal = waiting(session)
    who = evidence.SYSTEM
    hold = set_hold(session, account, HoldKind.DISPUTE, source="t", now=MONDAY, actor=who)
    assert hour(session, account, TUESDAY) == [False]
    lift_hold(session, hold, reason="checked", now=TUESDAY)
    assert hour(session, account, TUESDAY + timedelta(hours=1)) == [True]
    assert proposal.status is ProposalStatus.COUNTERED


def test_where_nothing_is_near_it_stays_with_supervisors(session: PortalSession) -> None:
    nothing = {"plan": None, "bands": (), "agree": ProposalLimits(maximum_months=1)}
    account, proposal = waiting(session, **nothing)
    assert alternatives(session, proposal, TUESDAY) == []
    assert hour(session, account, TUESDAY) == [False]
    assert proposal.escalated_at is not None


def test_what_the_limits_meanwhile_allow_is_granted_as_it_was_suggested(
    session: PortalSession,
) -> None:
    account, proposal = waiting(session)
    choose_closest(session, account, agree=ProposalLimits(6_500, 1_000, 48))
    assert hour(session, account, TUESDAY) == [True]
    assert proposal.status is ProposalStatus.ACCEPTED
    terms = granted_of(proposal)
    assert terms is not None
    assert (terms.first_cents, terms.first_on) == (4_000, FORTY.first_on)


def test_a_suggestion_whose_first_day_has_gone_by_still_has_something_near_it(
    session: PortalSession,
) -> None:
    account = dana(session)
    proposal = suggest(session, account, Suggestion(TODAY, amount_cents=Cents(4_000)))
    assert alternatives(session, proposal, TUESDAY)


def test_a_suggestion_of_more_than_is_owed_by_now_has_all_of_it_near(
    session: PortalSession,
) -> None:
    account = dana(session)
    choose_closest(session, account)
    proposal = suggest(
        session, account, Suggestion(TODAY, total_cents=Cents(900_00), amount_cents=Cents(300_00))
    )
    hour(session, account, SATURDAY)
    locked = lock_account(session, account.id)
    post(
        session,
        locked,
        kind=EntryKind.ADJUSTED,
        source="placement:2",
        amount_cents=Cents(-1_000_00),
        now=MONDAY,
    )
    assert hour(session, account, TUESDAY) == [True]
    granted = granted_of(proposal)
    assert granted is not None
    assert granted.total_cents == granted.balance_cents == 240_00


def test_two_workers_at_once_offer_once(fresh_db: Database) -> None:
    engine = web_engine(fresh_db)
    with tenant_session(engine) as session:
        account, proposal = waiting(session)
        session.commit()
        assert proposal.status is ProposalStatus.SUBMITTED  # as this worker knows it
        with tenant_session(engine, [account.client_id]) as other:
            assert hour(other, account, TUESDAY) == [True]
            other.commit()
        assert chase(session, account.client_id, proposal.id, now=TUESDAY) is False
        assert types(session, account).count("proposal.countered") == 1
    engine.dispose()


def test_the_hourly_job_goes_through_all_that_wait_too_long(
    session: PortalSession, sessions: Callable[..., PortalSession], settings: Settings
) -> None:
    account, proposal = waiting(session)
    session.commit()
    clock = SetClock(TUESDAY)
    tasks.use(replace(build_runtime(settings), sessions=sessions, clock=clock))  # type: ignore[arg-type]
    try:
        tasks.chase_all_proposals(0)
        for _ in range(2):
            tasks.chase_proposals(str(account.client_id))
    finally:
        tasks.use(None)
    session.expire_all()
    assert proposal.status is ProposalStatus.COUNTERED


def test_agents_read_what_supervisors_answer(session: PortalSession) -> None:
    account = dana(session)
    client = owner(session, account)
    make_policy(session, client, answered_by=Answerer.SUPERVISORS)
    proposal = suggest(session, account)
    agent, boss = (make_staff(session, role, client) for role in (Role.AGENT, Role.SUPERVISOR))
    with pytest.raises(SupervisorsAnswer):
        accept(session, proposal, staff=agent, valid_until=UNTIL, now=NOW)
    assert why_not_answer(session, proposal, boss, NOW) is None
    accept(session, proposal, staff=boss, valid_until=UNTIL, now=NOW)
    assert proposal.answered_by == boss.id


def test_an_alternative_is_known_by_its_exact_terms(session: PortalSession) -> None:
    account = dana(session)
    proposal = suggest(session, account)
    wanted = alternatives(session, proposal, NOW)[0].terms
    assert alternative(session, proposal, wording.sha256(wanted), NOW) == wanted
    make_policy(session, owner(session, account))
    with pytest.raises(AlternativeGone):
        alternative(session, proposal, wording.sha256(wanted), NOW)


def test_an_answer_is_replaced_only_by_who_knows_of_it(session: PortalSession) -> None:
    account = dana(session)
    proposal = suggest(session, account)
    counter(
        session,
        proposal,
        alternatives(session, proposal, NOW)[0].terms,
        staff=sam(session),
        valid_until=UNTIL,
        now=NOW,
    )
    other = Wish(replace(FORTY, amount_cents=Cents(4_100)), instead_of=proposal.reference)
    newer = submit(session, account, other, visit=make_visit(session, account), now=NOW)
    assert (proposal.status, newer.status) == (ProposalStatus.WITHDRAWN, ProposalStatus.SUBMITTED)
    leaf = happened(session, account)[-2].payload
    assert leaf["replaced"] is True
