"""An arrangement ends, stops and shrinks only as its rules allow, and each time on the record."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import tasks
from portal.config import Settings
from portal.db import PortalSession
from portal.domain.holds import HoldKind
from portal.domain.limits import OfferExpired
from portal.domain.money import Cents
from portal.domain.schedules import Frequency
from portal.domain.statuses import (
    ArrangementStatus,
    AuthorizationStatus,
    InstallmentStatus,
    PaymentStatus,
)
from portal.domain.terms import Choice, Method
from portal.gateways.clock import SetClock
from portal.models import (
    Account,
    Arrangement,
    Authorization,
    EntryKind,
    Message,
    Payment,
    PaymentPurpose,
    fresh_id,
)
from portal.models.payments import OPEN
from portal.runtime import build_runtime
from portal.services import evidence
from portal.services.arrangements import (
    ArrangementOver,
    ArrangementStarted,
    NothingAutomatic,
    arrangement_of,
    cancel,
    expire_due,
    installments_of,
    overdue,
    shorten_to_balance,
    stop_automatic,
    withdraw,
)
from portal.services.ledger import lock_account, post
from portal.services.payable import Asked, check_owed
from portal.services.standing import lift_hold, set_hold
from portal.services.verify import Broken, verify_client
from tests.factories import NOW, TODAY, happened
from tests.services.test_acceptance import agree, dana, picked

PLAN = Choice(
    key="plan",
    amount_cents=Cents(10_400),
    frequency=Frequency.MONTHLY,
    first_on=TODAY,
    method=Method.AUTOMATIC,
)


def agreed_plan(session: PortalSession) -> tuple[Account, Arrangement]:
    account = dana(session)
    return account, agree(session, account, picked(account, PLAN))


def unresolved(account: Account, agreed: Arrangement, status: PaymentStatus) -> Payment:
    return Payment(
        client_id=account.client_id,
        account_id=account.id,
        arrangement_id=agreed.id,
        purpose=PaymentPurpose.FIRST,
        status=status,
        amount_cents=Cents(10_400),
        currency="USD",
        reference="HR-1",
        locale="en",
        idempotency_key="payment-1",
        created_at=NOW,
    )


def lower(session: PortalSession, account: Account, cents: int) -> Account:
    locked = lock_account(session, account.id)
    source = f"question:{cents}"
    post(
        session,
        locked,
        kind=EntryKind.ADJUSTED,
        source=source,
        amount_cents=Cents(-cents),
        now=NOW,
    )
    return locked


def debtor(account: Account) -> evidence.Actor:
    return evidence.debtor(account.debtor_id)


def broken(session: PortalSession, account: Account) -> list[Broken]:
    session.flush()
    return list(verify_client(session, account.client_id))


def last_leaf(session: PortalSession, account: Account) -> evidence.Entry:
    return happened(session, account)[-1]


def test_withdrawing_ends_parts_and_permission(session: PortalSession) -> None:
    account, agreed = agreed_plan(session)
    withdraw(session, agreed, actor=debtor(account), now=NOW)
    parts = installments_of(session, agreed)
    assert {part.status for part in parts} == {InstallmentStatus.CANCELED}
    permission = session.scalars(select(Authorization)).one()
    assert permission.status is AuthorizationStatus.REVOKED
    assert "arrangement_withdrawn" in set(session.scalars(select(Message.template)))
    assert withdraw(session, agreed, actor=debtor(account), now=NOW).id == agreed.id


@pytest.mark.parametrize("status", [PaymentStatus.PROCESSING, PaymentStatus.ATTEMPTING])
def test_an_agreement_with_money_on_its_way_is_not_withdrawn(
    session: PortalSession, status: PaymentStatus
) -> None:
    account, agreed = agreed_plan(session)
    session.add(unresolved(account, agreed, status))
    with pytest.raises(ArrangementStarted):
        withdraw(session, agreed, actor=debtor(account), now=NOW)


def test_a_running_agreement_is_not_withdrawn(session: PortalSession) -> None:
    account, agreed = agreed_plan(session)
    agreed.status = ArrangementStatus.ACTIVE
    session.flush()
    with pytest.raises(ArrangementStarted):
        withdraw(session, agreed, actor=debtor(account), now=NOW)


def test_stopping_automatic_payments_keeps_the_plan(session: PortalSession) -> None:
    """PY-08"""
    account, agreed = agreed_plan(session)
    stop_automatic(session, agreed, actor=debtor(account), now=NOW)
    assert (agreed.status, agreed.method) == (
        ArrangementStatus.AWAITING_FIRST_PAYMENT,
        Method.MANUAL,
    )
    assert {part.status for part in installments_of(session, agreed)} == {
        InstallmentStatus.SCHEDULED
    }
    permission = session.scalars(select(Authorization)).one()
    assert (permission.status, permission.revoked_at) == (AuthorizationStatus.REVOKED, NOW)
    assert "automatic_stopped" in set(session.scalars(select(Message.template)))
    assert last_leaf(session, account).payload["actor"] == debtor(account)
    assert broken(session, account) == []
    with pytest.raises(NothingAutomatic):
        stop_automatic(session, agreed, actor=debtor(account), now=NOW)


def test_a_canceled_agreement_expects_nothing_more(session: PortalSession) -> None:
    account, agreed = agreed_plan(session)
    cancel(session, agreed, reason="dispute", actor=evidence.SYSTEM, now=NOW)
    assert agreed.status is ArrangementStatus.CANCELED
    assert last_leaf(session, account).payload["reason"] == "dispute"
    with pytest.raises(ArrangementOver):
        cancel(session, agreed, reason="again", actor=evidence.SYSTEM, now=NOW)


def test_a_lowered_balance_shortens_the_plan_from_its_end(session: PortalSession) -> None:
    account, agreed = agreed_plan(session)
    shorten_to_balance(session, lower(session, account, 14_600), NOW)
    parts = [p for p in installments_of(session, agreed) if p.status != InstallmentStatus.CANCELED]
    assert [part.amount_cents for part in parts] == [10_400] * 10 + [5_400]
    assert sum(part.amount_cents for part in parts) == agreed.total_cents == 109_400
    amended = last_leaf(session, account)
    assert amended.type == "arrangement.amended"
    assert len(amended.payload["after"]) == 11
    assert broken(session, account) == []
    withdraw(session, agreed, actor=debtor(account), now=NOW)
    assert broken(session, account) == []


def test_a_balance_above_what_is_left_to_pay_changes_nothing(session: PortalSession) -> None:
    account = dana(session)
    agree(session, account, picked(account, Choice(key="settlement:7000:1")))
    assert shorten_to_balance(session, lower(session, account, 10_000), NOW) is None


def test_part_payments_stay_when_a_plan_is_shortened(session: PortalSession) -> None:
    account, agreed = agreed_plan(session)
    first, second = installments_of(session, agreed)[:2]
    first.status, first.paid_cents = InstallmentStatus.PAID, first.amount_cents
    second.paid_cents = Cents(400)
    agreed.status = ArrangementStatus.ACTIVE
    shorten_to_balance(session, lower(session, account, 124_000 - 5_000), NOW)
    parts = installments_of(session, agreed)
    assert [part.amount_cents for part in parts[:2]] == [10_400, 5_400]
    assert agreed.total_cents == 15_800


def test_nothing_owed_ends_the_agreement(session: PortalSession) -> None:
    account, agreed = agreed_plan(session)
    shorten_to_balance(session, lower(session, account, 124_000), NOW)
    assert agreed.status is ArrangementStatus.CANCELED
    assert agreed.ended_reason == "nothing_owed"
    assert broken(session, account) == []


def test_the_live_arrangement_is_found_before_older_ones(session: PortalSession) -> None:
    account, first = agreed_plan(session)
    assert arrangement_of(session, account) is first
    withdraw(session, first, actor=debtor(account), now=NOW)
    assert arrangement_of(session, account) is first
    second = agree(session, account, picked(account, PLAN))
    first.accepted_at = NOW + timedelta(days=1)
    assert arrangement_of(session, account) is second


def by_hand(session: PortalSession) -> tuple[Account, Arrangement]:
    account = dana(session)
    choice = Choice(key="plan", amount_cents=Cents(10_400), frequency=Frequency.MONTHLY)
    return account, agree(session, account, picked(account, replace(choice, first_on=TODAY)))


def expired(session: PortalSession, account: Account, *, days: int) -> list[bool]:
    """What becomes of the account's client's unpaid agreements some days after NOW."""
    now = NOW + timedelta(days=days)
    waiting = overdue(session, account.client_id, now=now)
    return [expire_due(session, account.client_id, one, now=now) for one in waiting]


def test_an_agreement_whose_first_payment_does_not_come_ends_after_a_week(
    session: PortalSession,
) -> None:
    account, agreed = by_hand(session)
    assert not any(expired(session, account, days=7))
    assert expired(session, account, days=8) == [True]
    assert (agreed.status, agreed.ended_reason) == (ArrangementStatus.WITHDRAWN, "expired")
    leaf = last_leaf(session, account)
    assert (leaf.type, leaf.payload["reason"]) == ("arrangement.withdrawn", "expired")
    assert "arrangement_withdrawn" in set(session.scalars(select(Message.template)))
    assert expired(session, account, days=9) == []
    assert broken(session, account) == []


def test_a_settlement_that_was_not_paid_ends_with_its_offer(session: PortalSession) -> None:
    account, agreed = by_hand(session)
    agreed.valid_until = TODAY + timedelta(days=2)
    assert not any(expired(session, account, days=2))
    assert expired(session, account, days=3) == [True]


@pytest.mark.parametrize("status", list(OPEN))
def test_an_agreement_does_not_end_under_an_unresolved_payment(
    session: PortalSession, status: str
) -> None:
    account, agreed = by_hand(session)
    session.add(unresolved(account, agreed, PaymentStatus(status)))
    assert expired(session, account, days=30) == [False]
    assert agreed.status is ArrangementStatus.AWAITING_FIRST_PAYMENT


def test_an_agreement_does_not_end_while_a_hold_keeps_its_debtor_from_paying(
    session: PortalSession,
) -> None:
    account, _ = by_hand(session)
    set_hold(session, account, HoldKind.DISPUTE, source="t", now=NOW, actor=evidence.SYSTEM)
    assert expired(session, account, days=30) == [False]


def test_a_hold_costs_no_day_of_an_accepted_settlement(session: PortalSession) -> None:
    """DH-08: its offer ends on the 7th day, a dispute holds it from the 5th to the 12th."""
    account, agreed = by_hand(session)
    agreed.valid_until = TODAY + timedelta(days=6)
    began, ended = NOW + timedelta(days=4), NOW + timedelta(days=11)
    who = evidence.SYSTEM
    hold = set_hold(session, account, HoldKind.DISPUTE, source="t", now=began, actor=who)
    lift_hold(session, hold, reason="checked", now=ended)
    part = installments_of(session, agreed)[0]
    wanted = Asked(
        account_id=account.id,
        purpose=PaymentPurpose.FIRST,
        amount_cents=part.amount_cents,
        arrangement_id=agreed.id,
    )
    assert expired(session, account, days=18) == [False]
    check_owed(session, account, wanted, now=NOW + timedelta(days=18))
    with pytest.raises(OfferExpired):
        check_owed(session, account, wanted, now=NOW + timedelta(days=19))
    assert expired(session, account, days=19) == [True]


def test_an_agreement_does_not_end_before_a_charge_is_tried_again(session: PortalSession) -> None:
    account, agreed = agreed_plan(session)
    part = installments_of(session, agreed)[0]
    part.attempts, part.next_attempt_on = 1, TODAY + timedelta(days=5)
    assert expired(session, account, days=12) == [False]
    assert expired(session, account, days=13) == [True]


def test_the_hourly_job_goes_through_all_that_waited_too_long(
    session: PortalSession, sessions: Callable[..., PortalSession], settings: Settings
) -> None:
    account, agreed = by_hand(session)
    session.commit()
    clock = SetClock(NOW + timedelta(days=8))
    tasks.use(replace(build_runtime(settings), sessions=sessions, clock=clock))  # type: ignore[arg-type]
    try:
        tasks.expire_all_arrangements(0)
        for _ in range(2):
            tasks.expire_arrangements(str(account.client_id))
    finally:
        tasks.use(None)
    session.expire_all()
    assert agreed.ended_reason == "expired"


def test_a_job_that_fails_for_one_agreement_goes_on_with_the_others(
    session: PortalSession, sessions: Callable[..., PortalSession], settings: Settings
) -> None:
    account, agreed = by_hand(session)
    session.commit()
    bad, done = fresh_id(), []

    def due(_: Session, client_id: UUID, *, now: datetime, after: UUID | None) -> list[UUID]:
        return [] if after else [bad, agreed.id]

    def act(inner: Session, client_id: UUID, one: UUID, *, now: datetime) -> None:
        if one == bad:
            inner.execute(text("SELECT 1 / 0"))
        done.append(inner.get_one(Arrangement, (client_id, one)).id)

    tasks.use(replace(build_runtime(settings), sessions=sessions, clock=SetClock(NOW)))  # type: ignore[arg-type]
    try:
        tasks.one_by_one("test", str(account.client_id), due, act)
    finally:
        tasks.use(None)
    assert done == [agreed.id]
