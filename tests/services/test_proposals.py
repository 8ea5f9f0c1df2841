"""A proposal waits for a person, binds nobody, and is answered within the review limits."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from portal.db import PortalSession, tenant_session
from portal.domain import terms as wording
from portal.domain.capabilities import NotAllowedNow
from portal.domain.holds import HoldKind
from portal.domain.limits import InstallmentTooSmall, OfferExpired, OfferNotInPolicy
from portal.domain.money import Cents
from portal.domain.proposals import MoreThanOwed
from portal.domain.proposals import Proposal as Suggestion
from portal.domain.statuses import ArrangementStatus, ProposalStatus
from portal.domain.terms import Choice
from portal.domain.waiting import Queue
from portal.models import (
    Account,
    Client,
    EntryKind,
    Message,
    Payment,
    PaymentPurpose,
    Proposal,
)
from portal.services import evidence, queues
from portal.services.acceptance import ArrangementExists
from portal.services.acceptance import accept as agree_to
from portal.services.arrangements import withdraw as withdraw_arrangement
from portal.services.choices import Picked, draft
from portal.services.ending_proposals import expire_due, overdue
from portal.services.late_proposals import alternatives
from portal.services.ledger import close_if_settled, lock_account, post
from portal.services.open_proposals import Closed
from portal.services.placements import listed, recall
from portal.services.proposals import (
    AgreedMeanwhile,
    ProposalOpen,
    ProposalOver,
    Wish,
    accept,
    counter,
    decline,
    open_proposal,
    submit,
    why_not_accept,
    wished_terms,
    withdraw,
)
from portal.services.standing import lift_hold, set_hold
from portal.services.verify import verify_client
from tests.databases import Database, web_engine
from tests.factories import NOW, TODAY, happened, make_policy, make_visit
from tests.services.paying import Till
from tests.services.test_acceptance import agree, dana, page_of, picked
from tests.services.test_help import sam

FORTY = Suggestion(first_on=TODAY + timedelta(days=8), amount_cents=Cents(4_000))
UNTIL = TODAY + timedelta(days=14)


def suggest(
    session: PortalSession, account: Account, wish: Suggestion = FORTY, note: str = ""
) -> Proposal:
    visit = make_visit(session, account)
    return submit(session, account, Wish(wish, note), visit=visit, now=NOW)


def granted(proposal: Proposal) -> Picked:
    assert proposal.granted_terms is not None
    terms = wording.from_dict(proposal.granted_terms)
    choice = Choice(key=terms.key, first_on=terms.first_on)
    return Picked(choice, terms.policy_version, terms.balance_cents, proposal.id)


def run_out(session: PortalSession, account: Account, *, days: int) -> list[bool]:
    """What the hourly job makes of the account's client's proposals some days after NOW."""
    now = NOW + timedelta(days=days)
    found = overdue(session, account.client_id, now=now)
    return [expire_due(session, account.client_id, one, now=now) for one in found]


def types(session: PortalSession, account: Account) -> list[str]:
    return [leaf.type for leaf in happened(session, account)]


def test_a_proposal_waits_with_a_promised_day_and_takes_no_money(session: PortalSession) -> None:
    """PY-02"""
    account = dana(session)
    proposal = suggest(session, account, note="I am between two jobs.")
    assert proposal.status is ProposalStatus.SUBMITTED
    assert proposal.answer_due_on == date(2026, 11, 27)
    assert open_proposal(session, account) is proposal
    assert session.scalar(select(func.count(Payment.id))) == 0
    assert session.scalars(select(Message.template)).all() == ["proposal_received"]


def test_the_same_suggestion_twice_is_one_and_another_takes_its_place(
    session: PortalSession,
) -> None:
    account = dana(session)
    first = suggest(session, account)
    assert suggest(session, account).id == first.id
    second = suggest(session, account, Suggestion(FORTY.first_on, amount_cents=Cents(4_500)))
    assert first.status is ProposalStatus.WITHDRAWN
    assert open_proposal(session, account) is second


def test_nonsense_is_refused(session: PortalSession) -> None:
    account = dana(session)
    with pytest.raises(MoreThanOwed):
        suggest(session, account, Suggestion(TODAY, amount_cents=Cents(900_000)))


def test_a_held_account_takes_no_proposal(session: PortalSession) -> None:
    """DH-08"""
    account = dana(session)
    set_hold(session, account, HoldKind.DISPUTE, source="t", now=NOW, actor=evidence.SYSTEM)
    with pytest.raises(NotAllowedNow):
        suggest(session, account)


def test_an_accepted_proposal_becomes_an_agreement_only_when_the_debtor_agrees(
    session: PortalSession,
) -> None:
    account = dana(session)
    proposal = suggest(session, account)
    accept(session, proposal, staff=sam(session), valid_until=UNTIL, now=NOW)
    assert (proposal.status, proposal.granted_until) == (ProposalStatus.ACCEPTED, UNTIL)
    agreed = agree(session, account, granted(proposal))
    assert (proposal.status, agreed.proposal_id) == (ProposalStatus.AGREED, proposal.id)
    assert types(session, account)[:2] == ["proposal.submitted", "proposal.accepted"]
    told = happened(session, account)[-1].payload
    assert told["offer"] == {**told["offer"], "basis": "granted", "proposal": str(proposal.id)}


def test_a_counter_is_agreed_to_as_it_was_written(session: PortalSession) -> None:
    account = dana(session)
    proposal = suggest(session, account)
    other = wished_terms(session, proposal, NOW).starting(TODAY + timedelta(days=3))
    counter(session, proposal, other, staff=sam(session), valid_until=UNTIL, now=NOW)
    assert proposal.status is ProposalStatus.COUNTERED
    assert agree(session, account, granted(proposal)).total_cents == 124_000


def test_staff_cannot_grant_beyond_the_review_limits(session: PortalSession) -> None:
    """PY-01"""
    account = dana(session)
    proposal = suggest(session, account, Suggestion(TODAY, amount_cents=Cents(900)))
    with pytest.raises(InstallmentTooSmall):
        accept(session, proposal, staff=sam(session), valid_until=UNTIL, now=NOW)
    assert proposal.granted_terms is None or proposal.status is ProposalStatus.SUBMITTED


def test_granted_terms_end_on_their_day(session: PortalSession) -> None:
    account = dana(session)
    proposal = suggest(session, account)
    accept(session, proposal, staff=sam(session), valid_until=UNTIL, now=NOW)
    late = NOW + timedelta(days=15)
    with pytest.raises(OfferExpired):
        draft(session, account, granted(proposal), now=late)
    assert run_out(session, account, days=15) == []
    assert run_out(session, account, days=16) == [True]
    assert proposal.status is ProposalStatus.EXPIRED
    assert types(session, account)[-1] == "proposal.expired"


def test_a_proposal_of_another_account_opens_nothing(session: PortalSession) -> None:
    account, other = dana(session), dana(session)
    proposal = suggest(session, account)
    accept(session, proposal, staff=sam(session), valid_until=UNTIL, now=NOW)
    with pytest.raises(OfferNotInPolicy):
        draft(session, other, granted(proposal), now=NOW)


def test_a_withdrawn_agreement_keeps_the_granted_terms_open(session: PortalSession) -> None:
    account = dana(session)
    proposal = suggest(session, account)
    accept(session, proposal, staff=sam(session), valid_until=UNTIL, now=NOW)
    agreed = agree(session, account, granted(proposal))
    withdraw_arrangement(session, agreed, actor=evidence.debtor(account.debtor_id), now=NOW)
    assert agree(session, account, granted(proposal)).proposal_id == proposal.id


def settle(session: PortalSession, account: Account) -> None:
    agree(session, account, picked(account, Choice(key="settlement:7000:1")))


def pay_all(session: PortalSession, account: Account) -> None:
    locked, paid = lock_account(session, account.id), Cents(-account.balance_cents)
    post(session, locked, kind=EntryKind.ADJUSTED, source="t", amount_cents=paid, now=NOW)
    close_if_settled(session, locked, NOW)


def go_back(session: PortalSession, account: Account) -> None:
    client = session.get_one(Client, account.client_id)
    recall(session, client, listed([account.reference]), now=NOW)


@pytest.mark.parametrize(
    ("happens", "why"),
    [(settle, Closed.AGREED_OTHERWISE), (pay_all, Closed.NOTHING_OWED), (go_back, Closed.RECALLED)],
)
@pytest.mark.parametrize("answered", [False, True])
def test_a_suggestion_is_over_once_something_else_came_of_it(
    session: PortalSession,
    happens: Callable[[PortalSession, Account], None],
    why: Closed,
    answered: bool,
) -> None:
    """PY-02: nobody waits for an answer then, and nobody writes "we cannot agree"."""
    account, staff = dana(session), sam(session)
    proposal = suggest(session, account)
    if answered:
        accept(session, proposal, staff=staff, valid_until=UNTIL, now=NOW)
    happens(session, account)
    assert (proposal.status, proposal.answer_reason) == (ProposalStatus.WITHDRAWN, why)
    told = [leaf for leaf in evidence.account_leaves(session, account)]
    assert [leaf.payload["reason"] for leaf in told if leaf.type == "proposal.closed"] == [why]
    session.info["client_ids"] = [account.client_id]
    assert queues.waiting(session, Queue.PROPOSALS, now=NOW) == []
    with pytest.raises(ProposalOver):
        decline(session, proposal, reason="No.", staff=staff, now=NOW)
    assert "proposal_declined" not in set(session.scalars(select(Message.template)))
    assert list(verify_client(session, account.client_id)) == []


def test_nobody_is_answered_beside_an_agreement(session: PortalSession) -> None:
    """An agreement of which the proposal did not know: no second one, no refusal by mail."""
    account, staff = dana(session), sam(session)
    proposal = suggest(session, account)
    settle(session, account)
    proposal.status, proposal.answer_reason = ProposalStatus.SUBMITTED, None
    session.flush()
    assert isinstance(why_not_accept(session, proposal, NOW), AgreedMeanwhile)
    with pytest.raises(AgreedMeanwhile):
        accept(session, proposal, staff=staff, valid_until=UNTIL, now=NOW)
    with pytest.raises(AgreedMeanwhile):
        decline(session, proposal, reason="No.", staff=staff, now=NOW)
    assert set(session.scalars(select(Message.template))) == {"proposal_received", "agreement_copy"}
    assert run_out(session, account, days=0) == [True]
    assert proposal.answer_reason == Closed.AGREED_OTHERWISE


def test_money_for_an_agreement_taken_back_ends_the_suggestion_made_since(till: Till) -> None:
    session, account = till.session, till.account
    make_policy(session, session.get_one(Client, account.client_id))
    agreed = agree(session, account, picked(account, Choice(key="full")))
    session.commit()
    page = till.start(124_000, arrangement_id=agreed.id, purpose=PaymentPurpose.FIRST)
    agreed.status = ArrangementStatus.WITHDRAWN
    proposal = suggest(session, account)
    session.commit()
    till.pay(page)
    till.land(page)
    session.refresh(proposal)
    assert proposal.answer_reason == Closed.AGREED_OTHERWISE


def test_a_hold_costs_no_day_of_granted_terms(session: PortalSession) -> None:
    """DH-08: until December 7, held from the 2nd to the 20th; a week is left then."""
    account = dana(session)
    proposal = suggest(session, account)
    accept(session, proposal, staff=sam(session), valid_until=UNTIL, now=NOW)
    began, ended = NOW + timedelta(days=9), NOW + timedelta(days=27)
    who = evidence.SYSTEM
    hold = set_hold(session, account, HoldKind.DISPUTE, source="t", now=began, actor=who)
    assert run_out(session, account, days=20) == [False]
    lift_hold(session, hold, reason="checked", now=ended)
    last = TODAY + timedelta(days=34)
    assert run_out(session, account, days=35) == [False]
    drafted = draft(session, account, granted(proposal), now=NOW + timedelta(days=34))
    assert drafted.terms.valid_until == last
    with pytest.raises(OfferExpired):
        draft(session, account, granted(proposal), now=NOW + timedelta(days=35))
    assert run_out(session, account, days=36) == [True]


def test_a_declined_proposal_says_why_and_lets_the_debtor_try_again(session: PortalSession) -> None:
    account = dana(session)
    proposal = suggest(session, account)
    decline(session, proposal, reason="The plan would be too long.", staff=sam(session), now=NOW)
    assert (proposal.status, proposal.answer_reason) == (
        ProposalStatus.DECLINED,
        "The plan would be too long.",
    )
    assert "proposal_declined" in set(session.scalars(select(Message.template)))
    assert suggest(session, account).status is ProposalStatus.SUBMITTED


def test_a_proposal_is_taken_back_once(session: PortalSession) -> None:
    account = dana(session)
    proposal = suggest(session, account)
    actor = evidence.debtor(account.debtor_id)
    withdraw(session, proposal, actor=actor, now=NOW)
    assert withdraw(session, proposal, actor=actor, now=NOW) is proposal
    with pytest.raises(ProposalOver):
        accept(session, proposal, staff=sam(session), valid_until=UNTIL, now=NOW)


def test_an_answer_that_waits_is_not_replaced_silently(session: PortalSession) -> None:
    account = dana(session)
    proposal = suggest(session, account)
    accept(session, proposal, staff=sam(session), valid_until=UNTIL, now=NOW)
    with pytest.raises(ProposalOpen, match=proposal.reference):
        suggest(session, account, Suggestion(FORTY.first_on, amount_cents=Cents(4_100)))


def test_nothing_is_proposed_beside_a_live_agreement(session: PortalSession) -> None:
    account = dana(session)
    agree(session, account, picked(account, Choice(key="full")))
    with pytest.raises(ArrangementExists):
        suggest(session, account)


def test_what_could_be_agreed_at_once_is_shown_beside_the_waiting_proposal(
    session: PortalSession,
) -> None:
    account = dana(session)
    found = alternatives(session, suggest(session, account), NOW)
    assert found
    assert all(one.terms.first_cents > 4_000 for one in found)


def test_the_hourly_job_expires_every_granted_proposal(session: PortalSession) -> None:
    account = dana(session)
    proposal = suggest(session, account)
    accept(session, proposal, staff=sam(session), valid_until=UNTIL, now=NOW)
    assert [run_out(session, account, days=20) for _ in range(2)] == [[True], []]


def test_terms_that_were_taken_back_in_another_session_are_not_agreed_to(
    fresh_db: Database,
) -> None:
    """PY-02: a page that was read before does not bring back what is over."""
    engine = web_engine(fresh_db)
    with tenant_session(engine) as session:
        account = dana(session)
        proposal = suggest(session, account)
        accept(session, proposal, staff=sam(session), valid_until=UNTIL, now=NOW)
        chosen = granted(proposal)
        page = page_of(session, account, chosen)
        visit = make_visit(session, account)
        session.commit()
        assert proposal.status is ProposalStatus.ACCEPTED  # as this session knows it from now on
        with tenant_session(engine, [account.client_id]) as other:
            same = other.get_one(Proposal, (proposal.client_id, proposal.id))
            withdraw(other, same, actor=evidence.SYSTEM, now=NOW)
            other.commit()
        with pytest.raises(OfferNotInPolicy):
            agree_to(session, account, picked=chosen, reviewed=page, visit=visit, now=NOW)
        session.rollback()
        session.refresh(proposal)
        assert proposal.status is ProposalStatus.WITHDRAWN
    engine.dispose()
