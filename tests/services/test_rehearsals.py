"""A draft is run over the client's open accounts: every figure, once, and nobody else's."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from portal.db import PortalSession, set_tenant
from portal.domain import policy
from portal.domain.facts import PaymentHistory
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.policy import Band, Policy, Segment, Tier
from portal.domain.rehearsal import Figures, Gets
from portal.domain.statuses import ArrangementStatus
from portal.models import (
    Account,
    Client,
    EntryKind,
    LedgerEntry,
    Rehearsal,
    RehearsalChange,
    RehearsalStatus,
    Role,
    Staff,
    fresh_id,
)
from portal.services import evidence, rehearsals
from portal.services.offers import offers_for
from portal.services.policies import NotPublishable, live_version, publish_policy
from portal.services.standing import set_hold
from tests.databases import acting_as
from tests.factories import (
    NOW,
    make_account,
    make_arrangement,
    make_client,
    make_debtor,
    make_policy,
    make_visit,
)

CLEO = Staff(id=fresh_id(), email="cleo@northgate.example", name="Cleo", role=Role.CLIENT_ADMIN)
LOWER = (
    Band(to_balance_cents=1_000_00),
    Band(from_balance_cents=1_000_00, tiers=(Tier(60_00), Tier(80_00, max_parts=3))),
)


def owing(session: PortalSession, client: Client, cents: int, **given: Any) -> Account:
    return make_account(session, make_debtor(session, client), balance_cents=cents, **given)


@pytest.fixture
def client(session: PortalSession) -> Client:
    """Northgate with five open accounts: $1,240, two of $500, one too small, one disputed."""
    client = make_client(session)
    make_policy(session, client)
    owing(session, client, 1_240_00)
    owing(session, client, 500_00)
    make_visit(session, owing(session, client, 500_00, reference="NG-SEEN"))
    owing(session, client, 30)
    held = owing(session, client, 1_240_00)
    set_hold(session, held, HoldKind.DISPUTE, now=NOW, actor=evidence.SYSTEM, source="staff")
    owing(session, client, 1_240_00, currency="CAD")
    owing(session, client, 1_240_00, status="paid")
    owing(session, client, 1_240_00, placed_at=NOW + timedelta(hours=1))
    return client


def lower(session: PortalSession, client: Client) -> Policy:
    """The live limits with 60 % instead of 70 %, and settlements from $1,000 on only.

    So whoever owes more and pays a part loses them: the client chose that.
    """
    live = live_version(session, client.id, NOW)
    assert live is not None
    agree = replace(live.policy.agree, settlement_bps=55_00)
    return replace(live.policy, bands=LOWER, agree=agree, paying_part_may_cost_more=True)


def ask(session: PortalSession, client: Client, document: Policy | None = None) -> Rehearsal:
    document = document or lower(session, client)
    return rehearsals.ask(session, client.id, document, staff=CLEO, now=NOW)


def run(session: PortalSession, found: Rehearsal, *, most: int = 20) -> Rehearsal:
    """Let a worker count batch after batch, until it is over or so often."""
    with acting_as("portal_worker", session):
        for _ in range(most):
            if found.status is RehearsalStatus.STARTED:
                rehearsals.run_batch(session, found.client_id, found.id, now=NOW)
    return found


def test_every_figure_of_a_small_portfolio(session: PortalSession, client: Client):
    found = run(session, ask(session, client))
    figures = Figures(found.figures)
    assert (found.status, found.total, found.done) == (RehearsalStatus.COMPLETED, 5, 5)
    assert {one: figures.of("gets", one).accounts for one in Gets} == {
        **dict.fromkeys(Gets, 0),
        **{Gets.BOTH: 1, Gets.PLAN: 2, Gets.NOT_ALLOWED: 2},
    }
    assert figures.of("live:gets", Gets.BOTH) == figures.of("live:settles", "offered")
    assert figures.of("live:gets", Gets.BOTH).cents == 2_240_00
    assert (figures.given("offered"), figures.given("offered", "live:")) == (496_00, 672_00)
    assert (figures.given("agreed"), figures.given("agreed", "live:")) == (1_008_00, 784_00)
    assert (figures.loses.accounts, figures.loses.cents) == (2, 1_000_00)
    assert (figures.seen_loses.accounts, figures.seen_loses.cents) == (1, 500_00)
    assert (figures.gains.accounts, figures.gains.cents) == (1, 1_240_00)
    assert figures.of("band", 0).cents == 1_000_00
    assert figures.of("tier", "1:0") == figures.of("tier", "1:1") == figures.of("band", 1)
    assert [count for _, _, count in figures.months()] == [0, 0, 0, 0, 3, 0, 0, 0]
    assert {start: n for start, _, n in figures.smallest() if n} == {25_00: 2, 50_00: 1}
    assert figures.take_up_bps is None


def test_only_accounts_that_change_are_kept_with_what_they_had_and_would_have(
    session: PortalSession, client: Client
):
    found = run(session, ask(session, client))
    kept = {one.reference: one for one in rehearsals.every_change(session, found)}
    assert len(kept) == 3
    seen = kept["NG-SEEN"]
    assert (seen.difference, seen.seen) == ("worse", True)
    assert (seen.settlement_before_cents, seen.settlement_after_cents) == (350_00, None)
    assert (seen.plan_before_cents, seen.plan_after_cents) == (25_00, 25_00)
    assert seen.offers_before == "plan:2500:20 settlement:40000:3 settlement:35000:1 full:50000:1"
    assert seen.offers_after == "plan:2500:20 full:50000:1"
    assert {one.reference for one in rehearsals.losing(session, found)} == {
        one.reference for one in kept.values() if one.difference == "worse"
    }


def test_who_has_agreed_already_is_offered_nothing_and_loses_nothing(
    session: PortalSession, client: Client
):
    agreed = owing(session, client, 500_00)
    make_arrangement(session, agreed, status=ArrangementStatus.ACTIVE)
    found = run(session, ask(session, client))
    figures = Figures(found.figures)
    assert figures.of("gets", Gets.AGREED) == figures.of("live:gets", Gets.AGREED)
    assert figures.of("gets", Gets.AGREED).accounts == 1
    assert agreed.id not in {one.account_id for one in rehearsals.every_change(session, found)}


def test_cut_off_anywhere_it_goes_on_and_counts_nobody_twice(
    session: PortalSession, client: Client, monkeypatch: pytest.MonkeyPatch
):
    whole = run(session, ask(session, client))
    figures, changes = whole.figures, count_changes(session, whole)
    monkeypatch.setattr(rehearsals, "BATCH", 2)
    other = replace(lower(session, client), answer_working_days=5)
    found = run(session, ask(session, client, other), most=1)
    assert (found.done, found.total, found.status) == (2, 5, RehearsalStatus.STARTED)
    with session.begin_nested() as cut:
        run(session, found, most=1)
        assert found.done == 4
        cut.rollback()
    session.expire_all()
    assert found.done == 2
    run(session, found)
    run(session, found)
    assert (found.done, found.figures) == (5, figures)
    assert count_changes(session, found) == changes == 3


def count_changes(session: PortalSession, found: Rehearsal) -> int:
    mine = RehearsalChange.rehearsal_id == found.id
    return session.scalar(select(func.count()).select_from(RehearsalChange).where(mine)) or 0


def test_an_exact_number_of_batches_ends_too(
    session: PortalSession, client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rehearsals, "BATCH", 5)
    found = run(session, ask(session, client))
    assert (found.status, found.done) == (RehearsalStatus.COMPLETED, 5)


def test_a_client_without_accounts_is_told_so_at_once(session: PortalSession):
    client = make_client(session)
    found = run(session, ask(session, client, Policy(0, "USD")))
    assert (found.status, found.total, found.live_version) == (RehearsalStatus.COMPLETED, 0, None)


def test_another_clients_accounts_are_never_counted(session: PortalSession, client: Client):
    theirs = make_client(session, slug="harbor")
    owing(session, theirs, 9_000_00)
    set_tenant(session, theirs.id, client.id)
    found = run(session, ask(session, client))
    assert found.done == 5
    set_tenant(session, theirs.id)
    assert rehearsals.latest_of(session, client.id, found.sha256) is None
    assert count_changes(session, found) == 0


def test_it_knows_what_a_page_knows_of_payments(session: PortalSession):
    """The same account is in the same segment here and on its debtor's page."""
    client = make_client(session)
    segments = tuple(Segment(one.value, histories=(one,)) for one in PaymentHistory)
    bands = tuple(
        Band(tiers=(Tier(60_00 + n * 10_00),), segment=one.name) for n, one in enumerate(segments)
    )
    paid, broke, never = (owing(session, client, 1_000_00) for _ in range(3))
    entry = LedgerEntry(
        client_id=client.id,
        account_id=paid.id,
        kind=EntryKind.PAYMENT,
        source="payment:1",
        amount_cents=Cents(-1),
        at=NOW,
    )
    session.add(entry)
    make_arrangement(session, broke, status=ArrangementStatus.BROKEN)
    draft = Policy(1, "USD", bands=bands, segments=segments)
    found = Rehearsal(
        client_id=client.id,
        document=policy.canonical_bytes(draft).decode(),
        sha256=b"",
        asked_by=CLEO.id,
        started_at=NOW,
    )
    session.add(found)
    session.flush()
    run(session, found)
    kept = {one.account_id: one for one in rehearsals.every_change(session, found)}
    for account in (paid, broke, never):
        facts = offers_for(session, account, NOW).facts
        assert draft.band(facts, NOW.date()) is not None
        (tier,) = draft.band(facts, NOW.date()).tiers  # type: ignore[union-attr]
        assert kept[account.id].settlement_after_cents == tier.pay_bps * 10, facts.history


def test_the_same_draft_runs_again_whenever_it_does_not_run_already(
    session: PortalSession, client: Client
):
    first = ask(session, client)
    assert ask(session, client) is first, "while it runs"
    run(session, first)
    same_day = ask(session, client)
    assert same_day is not first
    run(session, same_day)
    later = {"staff": CLEO, "now": NOW + timedelta(days=1)}
    second = rehearsals.ask(session, client.id, lower(session, client), **later)
    assert second is not first
    assert rehearsals.latest_of(session, client.id, first.sha256) is second
    live = live_version(session, client.id, NOW)
    assert live is not None
    draft = lower(session, client)
    publish_policy(session, client.id, live.policy, by=None, now=NOW)
    third = rehearsals.ask(session, client.id, draft, **later)
    assert (third.live_version, second.live_version) == (2, 1)


def test_one_job_waits_however_often_the_button_is_pressed(session: PortalSession, client: Client):
    for _ in range(3):
        ask(session, client)
    with acting_as("portal_worker", session):
        waiting = text(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'policy.rehearse'"
        )
        assert session.scalar(waiting) == 1


def test_a_draft_that_breaks_a_rule_is_not_rehearsed(session: PortalSession, client: Client):
    with pytest.raises(NotPublishable):
        ask(session, client, replace(lower(session, client), rounding_cents=0, bands=LOWER[:1]))


def test_asked_done_and_given_up_are_on_the_record(session: PortalSession, client: Client):
    found = run(session, ask(session, client))
    other = ask(session, client, replace(lower(session, client), answer_working_days=5))
    with acting_as("portal_worker", session):
        rehearsals.interrupt(session, client.id, other.id, now=NOW)
        rehearsals.interrupt(session, client.id, found.id, now=NOW)
    leaves = evidence.chain_leaves(session, client.id, client.chain_id)
    told = [one for one in leaves if "rehears" in one.type]
    assert [(one.type, one.payload["rehearsal"]) for one in told] == [
        ("policy.rehearsal_asked", str(found.id)),
        ("policy.rehearsed", str(found.id)),
        ("policy.rehearsal_asked", str(other.id)),
        ("policy.rehearsal_interrupted", str(other.id)),
    ]
    asked, done = told[0].payload, told[1].payload
    assert asked["actor"] == evidence.staff(CLEO.id)
    assert (done["sha256"], done["live_version"]) == (found.sha256.hex(), 1)
    assert (done["accounts"], done["loses"], done["loses_seen"]) == (5, 2, 1)
    assert (done["worst_offered_cents"], done["worst_agreed_cents"]) == (496_00, 1_008_00)
    assert other.status is RehearsalStatus.INTERRUPTED
    assert ask(session, client, replace(lower(session, client), answer_working_days=5)) != other


def test_after_ninety_days_the_figures_stay_and_the_accounts_go(
    session: PortalSession, client: Client
):
    old = run(session, ask(session, client))
    old_figures = dict(old.figures)
    after = NOW + rehearsals.KEPT_FOR + timedelta(days=1)
    with acting_as("portal_worker", session):
        new = rehearsals.ask(session, client.id, lower(session, client), staff=CLEO, now=after)
        rehearsals.run_batch(session, client.id, new.id, now=after)
    assert count_changes(session, old) == 0
    assert count_changes(session, new) > 0
    assert old.figures == old_figures
