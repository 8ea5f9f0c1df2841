"""Off-session charges: killed anywhere, run twice at once or unanswered, they come once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from portal.db import set_hook
from portal.domain.statuses import ArrangementStatus, AuthorizationStatus, InstallmentStatus
from portal.models import Arrangement, Authorization, Installment
from portal.sandbox.faults import Fault
from portal.services import charging, reconcile, tries
from tests.services.paying import (
    Till,
    declining,
    first_payment,
    make_plan,
    parts_of,
    pay_part,
)

POINTS = (
    *("before charge.created", "after charge.created"),
    *("before charge.drafted", "after charge.drafted"),
    *("stripe.charge", "stripe.charge.done"),
    *("before charge.settled", "after charge.settled"),
)
BETWEEN = tuple(point for point in POINTS if not point.startswith("before"))


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def heard() -> Iterator[list[str]]:
    """The names of the points that are reached."""
    names: list[str] = []
    set_hook(names.append)
    try:
        yield names
    finally:
        set_hook(None)


def killed_at(till: Till, part: Installment, point: str) -> None:
    """The run that charges, killed at this point."""

    def kill(name: str) -> None:
        if name == point:
            raise Killed

    set_hook(kill)
    try:
        with pytest.raises(Killed):
            charge(till, part)
    finally:
        set_hook(None)
        till.session.rollback()


def charge(till: Till, part: Installment) -> None:
    """The run that charges this part."""
    charging.charge_installment(till.session, till.gateway, part.id, now=till.now)


def running(till: Till, card: str = "visa") -> Arrangement:
    """A plan of three parts, the first paid, the second due today."""
    agreed = make_plan(till, (400_00, 400_00, 440_00))
    first_payment(till, agreed, card)
    till.wait(days=30)
    till.session.commit()
    return agreed


def later_runs(till: Till) -> None:
    """What comes after: the runs of the next hours, and the sweeper."""
    agreed = till.all(Arrangement)[0]
    for _ in range(3):
        charge(till, parts_of(till, agreed)[1])
        till.wait(minutes=20)
        reconcile.sweep(till.session, till.gateway, till.account.client_id, now=till.now)


def test_no_point_of_a_charge_is_left_out_here(till: Till) -> None:
    agreed = running(till)
    with heard() as names:
        charge(till, parts_of(till, agreed)[1])
    assert tuple(name for name in names if "charge" in name) == POINTS


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_is_killed_anywhere_charges_once(till: Till, point: str) -> None:
    agreed = running(till)
    killed_at(till, parts_of(till, agreed)[1], point)
    later_runs(till)
    assert [one["amount"] for one in till.charges] == [400_00, 400_00]
    assert parts_of(till, agreed)[1].status == InstallmentStatus.PAID
    assert till.balance == 440_00
    assert till.broken() == []


@pytest.mark.parametrize("point", BETWEEN)
def test_two_runs_at_once_charge_once(till: Till, point: str) -> None:
    agreed = running(till)
    part, begun = parts_of(till, agreed)[1], list[str]()

    def also(name: str) -> None:
        if name == point and not begun:
            begun.append(name)
            charge(till, part)

    set_hook(also)
    try:
        charge(till, part)
    finally:
        set_hook(None)
    assert begun == [point]
    later_runs(till)
    assert [one["amount"] for one in till.charges] == [400_00, 400_00]
    assert till.broken() == []


@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.DROP_AFTER])
def test_an_outage_in_the_middle_charges_once_and_counts_against_nobody(
    till: Till, fault: Fault
) -> None:
    agreed = running(till)
    till.stripe.world.faults.plan(fault, times=3, method="POST", path="/v1/payment_intents")
    charge(till, parts_of(till, agreed)[1])
    assert parts_of(till, agreed)[1].status == InstallmentStatus.PROCESSING
    later_runs(till)
    assert [one["amount"] for one in till.charges] == [400_00, 400_00]
    assert parts_of(till, agreed)[1].told_on is None


def test_py_09_after_a_hard_decline_no_later_part_is_charged_that_way(till: Till) -> None:
    agreed = running(till)
    declined(till, parts_of(till, agreed)[1], "lost_card")
    assert parts_of(till, agreed)[1].next_attempt_on is None
    till.wait(days=30)
    charge(till, parts_of(till, agreed)[2])
    assert len(till.charges) == 1
    assert tries.is_over(till.session, till.account, till.newest().method_id)
    pay_part(till, parts_of(till, agreed)[1])
    saved = till.start(0, purpose="method", arrangement_id=agreed.id)
    till.pay(saved, "mastercard")
    till.land(saved)
    charge(till, parts_of(till, agreed)[2])
    assert len(till.charges) == 3
    assert till.session.get_one(Arrangement, (agreed.client_id, agreed.id)).status == (
        ArrangementStatus.COMPLETED
    )


def test_a_card_that_wants_its_owner_is_paid_on_a_page(till: Till) -> None:
    agreed = running(till, "authenticationRequired")
    charge(till, parts_of(till, agreed)[1])
    part = parts_of(till, agreed)[1]
    assert till.newest().status == "needs_debtor"
    assert (part.status, part.next_attempt_on) == (InstallmentStatus.FAILED, None)
    assert till.all(Authorization)[0].status == AuthorizationStatus.GRANTED
    pay_part(till, part)
    assert parts_of(till, agreed)[1].status == InstallmentStatus.PAID


def test_an_unknown_code_of_stripe_is_tried_once_more(till: Till) -> None:
    agreed = running(till)
    declined(till, parts_of(till, agreed)[1], "a_code_of_next_year")
    again_on = parts_of(till, agreed)[1].next_attempt_on
    assert again_on is not None
    till.wait(days=(again_on - till.now.date()).days)
    declined(till, parts_of(till, agreed)[1], "a_code_of_next_year")
    assert parts_of(till, agreed)[1].next_attempt_on is None


def test_what_was_paid_by_hand_before_its_next_try_is_not_charged(till: Till) -> None:
    agreed = running(till)
    declined(till, parts_of(till, agreed)[1], "insufficient_funds")
    again_on = parts_of(till, agreed)[1].next_attempt_on
    pay_part(till, parts_of(till, agreed)[1])
    assert again_on is not None
    till.wait(days=(again_on - till.now.date()).days)
    charge(till, parts_of(till, agreed)[1])
    assert len(till.charges) == 2
    part = parts_of(till, agreed)[1]
    assert (part.next_attempt_on, part.told_on, part.late_since) == (None, None, None)


def test_a_try_is_not_made_for_a_day_long_gone(till: Till) -> None:
    agreed = running(till)
    declined(till, parts_of(till, agreed)[1], "insufficient_funds")
    till.wait(days=14)
    charge(till, parts_of(till, agreed)[1])
    assert len(till.charges) == 1
    assert till.now - till.newest().created_at > timedelta(days=13)


def declined(till: Till, part: Installment, code: str) -> None:
    """The run that charges this part, whose card its bank declines with this code."""
    with declining(code):
        charge(till, part)
