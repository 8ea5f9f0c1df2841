"""A first payment that fails: it is waited for until the last day that was told, and a week."""

from datetime import date, timedelta

import pytest

from portal.domain.statuses import ArrangementStatus, InstallmentStatus, PaymentStatus
from portal.models import Arrangement, Debtor, Payment, PaymentPurpose
from portal.sandbox import control
from portal.services.arrangements import expire_due, first_until, overdue
from portal.services.charging import charge_installment
from portal.services.verify import notices
from tests.factories import make_contact
from tests.services.paying import Till, declining, make_plan, parts_of, send_copy
from tests.services.test_breaking import look

WAITING = ArrangementStatus.AWAITING_FIRST_PAYMENT


def saved(till: Till, second: int | None = None) -> Arrangement:
    """A plan whose first payment is taken in ten days from a saved card; Dana has an address.

    ``second``: so many days later the second payment is due.
    """
    make_contact(till.session, till.all(Debtor)[0])
    agreed = make_plan(till, (400_00, 400_00, 440_00))
    for part in parts_of(till, agreed):
        part.due_on += timedelta(days=10)
    till.session.flush()
    if second is not None:
        first, later, _ = parts_of(till, agreed)
        later.due_on = first.due_on + timedelta(days=second)
        till.session.flush()
    till.paid(0, purpose="method", arrangement_id=agreed.id)
    send_copy(till)
    till.wait(days=10)
    return agreed


def until(till: Till, agreed: Arrangement) -> date:
    """The last day that is told now."""
    till.session.expire_all()
    return first_until(till.session, till.account, agreed, now=till.now)


def a_day(till: Till) -> None:
    """The jobs of a day, and the one that ends what waited too long."""
    look(till)
    for one in overdue(till.session, till.account.client_id, now=till.now):
        expire_due(till.session, till.account.client_id, one, now=till.now)
    till.session.commit()
    till.wait(days=1)


@pytest.mark.parametrize(
    ("code", "tries"), [("insufficient_funds", 3), ("processing_odd", 2), ("lost_card", 1)]
)
def test_the_last_day_is_a_week_after_the_last_failure_and_never_an_earlier_one(
    till: Till, code: str, tries: int
) -> None:
    """PY-09: tried again near paydays, once more, or never."""
    agreed, told = saved(till), list[date]()
    with declining(code):
        while agreed.status == WAITING:
            told.append(until(till, agreed))
            a_day(till)
    assert told == sorted(told)
    failed = [one.settled_at for one in till.all(Payment) if one.status == PaymentStatus.FAILED]
    assert len(failed) == tries
    last = max(at for at in failed if at is not None).date()
    assert told[-1] == last + timedelta(days=7)
    assert till.now.date() - timedelta(days=1) == told[-1] + timedelta(days=1)
    assert not [one for one in till.broken() if one.invariant in notices.CHECKS]


def test_a_later_payment_that_is_tried_meanwhile_is_waited_for_too(till: Till) -> None:
    """A weekly plan: the second payment comes due before the first was given up."""
    agreed, told = saved(till, second=7), list[date]()
    with declining("insufficient_funds"):
        while agreed.status == WAITING:
            told.append(until(till, agreed))
            a_day(till)
    assert told == sorted(told)
    failed = [one for one in till.all(Payment) if one.status == PaymentStatus.FAILED]
    assert len({one.installment_id for one in failed}) == 2
    last = max(one.settled_at for one in failed if one.settled_at is not None).date()
    assert told[-1] == last + timedelta(days=7)
    assert not [one for one in till.broken() if one.invariant in notices.CHECKS]


def test_a_try_that_was_announced_stays_where_a_payment_by_hand_fails(till: Till) -> None:
    """So does the day until which the agreement is kept."""
    agreed = saved(till)
    with declining("insufficient_funds"):
        look(till)
    first = parts_of(till, agreed)[0]
    again_on, told = first.next_attempt_on, until(till, agreed)
    assert again_on is not None
    assert told == again_on + timedelta(days=7)
    till.stripe.clock.advance(days=1)
    paid = till.start(
        400_00, purpose=PaymentPurpose.FIRST, arrangement_id=agreed.id, installment_id=first.id
    )
    till.pay(paid, "bank_success")
    till.land(paid)
    control.finish_debit(till.stripe.world, paid.intent_id or "", failure="insufficient_funds")
    till.land(paid)
    first = parts_of(till, agreed)[0]
    assert (first.status, first.next_attempt_on) == (InstallmentStatus.FAILED, again_on)
    assert until(till, agreed) == told
    look(till)
    till.wait(days=(again_on - till.now.date()).days)
    assert charge_installment(till.session, till.gateway, first.id, now=till.now) is not None
    assert parts_of(till, agreed)[0].status == InstallmentStatus.PAID
