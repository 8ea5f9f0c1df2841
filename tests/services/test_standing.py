"""Holds are set and lifted on the record, and say what is allowed meanwhile (DH-08)."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.db import PortalSession
from portal.domain.capabilities import NotAllowedNow
from portal.domain.holds import Capability, HoldKind
from portal.domain.outgoing import Action
from portal.gateways.sms import OutboxTexter
from portal.models import Client, CollectorRole, Debtor
from portal.services import evidence
from portal.services.balance import read_balance
from portal.services.debtor_accounts import list_accounts
from portal.services.evidence import SYSTEM
from portal.services.invitations import weigh
from portal.services.standing import (
    CLOCKS_APART,
    HoldLifted,
    lift_hold,
    set_hold,
    standing,
    today_of,
    zone_of,
)
from tests.factories import (
    NOW,
    TODAY,
    make_account,
    make_client,
    make_contact,
    make_dana,
    make_debtor,
    make_visit,
)


def test_an_account_without_holds_allows_everything(session: PortalSession) -> None:
    allowed = standing(session, make_dana(session), NOW)
    assert all(allowed.of(capability).allowed for capability in Capability)


def test_a_dispute_stops_payments_until_it_is_lifted(session: PortalSession) -> None:
    account = make_dana(session)
    hold = set_hold(session, account, HoldKind.DISPUTE, source="help:HR-1", now=NOW, actor=SYSTEM)
    during = standing(session, account, NOW)
    assert not during.accept.allowed
    assert not during.charge.staff_allowed
    assert during.show.allowed
    with pytest.raises(NotAllowedNow, match="We|You"):
        during.require(Capability.PAY)
    lift_hold(session, hold, reason="proof sent", by=None, now=NOW + timedelta(days=1))
    assert standing(session, account, NOW + timedelta(days=1)).pay.allowed
    kinds = [
        (leaf.type, leaf.payload["kind"]) for leaf in evidence.account_leaves(session, account)
    ]
    assert kinds == [("hold.set", "dispute"), ("hold.lifted", "dispute")]


def test_a_hold_is_lifted_once(session: PortalSession) -> None:
    account = make_dana(session)
    hold = set_hold(session, account, HoldKind.HARDSHIP, source="staff", now=NOW, actor=SYSTEM)
    lift_hold(session, hold, reason="done", by=None, now=NOW)
    with pytest.raises(HoldLifted):
        lift_hold(session, hold, reason="again", by=None, now=NOW)


def test_the_same_source_holds_an_account_once(session: PortalSession) -> None:
    account = make_dana(session)
    first, second = (
        set_hold(session, account, HoldKind.HARDSHIP, source="help:HR-1", now=NOW, actor=SYSTEM)
        for _ in range(2)
    )
    assert first.id == second.id


def test_a_hold_ends_by_itself_at_its_end(session: PortalSession) -> None:
    account = make_dana(session)
    end = NOW + timedelta(days=60)
    set_hold(
        session,
        account,
        HoldKind.BREATHING_SPACE,
        source="staff",
        ends_at=end,
        now=NOW,
        actor=SYSTEM,
    )
    assert not standing(session, account, end - timedelta(seconds=1)).accept.allowed
    assert standing(session, account, end).accept.allowed
    before = NOW - CLOCKS_APART - timedelta(seconds=1)
    assert standing(session, account, before).accept.allowed


def test_a_hold_from_a_clock_that_runs_ahead_is_seen_by_every_reader(
    session: PortalSession,
) -> None:
    """DH-01: who has just disputed a debt is neither charged nor written to, nor asked to pay."""
    account = make_dana(session)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    client = session.get_one(Client, account.client_id)
    make_contact(session, debtor)
    visit, ahead = make_visit(session, account), NOW + CLOCKS_APART
    before = weigh(session, client, [debtor], texter=OutboxTexter(), now=NOW)
    assert before[0].decision.action is not Action.DROP
    set_hold(session, account, HoldKind.BANKRUPTCY, source="staff", now=ahead, actor=SYSTEM)
    session.expire_all()
    balance = read_balance(session, visit, account.id, now=NOW)
    assert balance is not None
    assert not standing(session, account, NOW).charge.allowed
    assert not balance.offers.capabilities.pay.allowed
    assert [one.shown for one in list_accounts(session, visit, now=NOW)] == [False]
    after = weigh(session, client, [debtor], texter=OutboxTexter(), now=NOW)
    assert (after[0].decision.action, after[0].decision.rule) == (Action.DROP, "DH-06")


def test_an_agency_account_without_a_notice_date_is_not_shown(session: PortalSession) -> None:
    """VN-04"""
    client = make_client(session, collector_role=CollectorRole.THIRD_PARTY_AGENCY)
    account = make_account(session, make_debtor(session, client), validation_notice_sent_on=None)
    assert "VN-04" in standing(session, account, NOW).show.rules


def test_a_time_barred_account_takes_no_offer(session: PortalSession) -> None:
    """TB-02"""
    account = make_dana(session, sol_expires_on=TODAY)
    assert not standing(session, account, NOW).offer.allowed
    assert standing(session, account, NOW - timedelta(days=1)).offer.allowed


def test_today_is_a_debtors_own_day(session: PortalSession) -> None:
    debtor = make_debtor(session, make_client(session), time_zone="Pacific/Honolulu")
    night = NOW.replace(hour=7)
    assert today_of(debtor, night) == TODAY - timedelta(days=1)


def test_without_a_declared_zone_the_region_says_what_day_it_is(session: PortalSession) -> None:
    client = make_client(session)
    late = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
    in_hawaii = make_debtor(session, client, region="HI", time_zone=None)
    anywhere = make_debtor(session, client, region="unknown", time_zone=None)
    assert (zone_of(in_hawaii), today_of(in_hawaii, late)) == ("Pacific/Honolulu", TODAY)
    assert zone_of(anywhere) == "America/Anchorage"
