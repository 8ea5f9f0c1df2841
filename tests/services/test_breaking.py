"""Late parts: told once, kept in any way that is offered, broken only by the client's rule."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from portal.domain.amendments import Change
from portal.domain.curing import CureNotPossible
from portal.domain.deliveries import Fate, Report
from portal.domain.holds import HoldKind
from portal.domain.policy import Keeping
from portal.domain.statuses import (
    ArrangementStatus,
    AuthorizationStatus,
    InstallmentStatus,
    MessageStatus,
)
from portal.models import (
    Amendment,
    Arrangement,
    Authorization,
    Channel,
    Client,
    Debtor,
    Hold,
    Installment,
    Message,
    PaymentPurpose,
)
from portal.sandbox.faults import Fault
from portal.services import breaking, charging, curing, evidence, payments
from portal.services.amending import PaymentMoving, Wish
from portal.services.contact_wishes import choose_only, on_portal
from portal.services.deliveries import take_report
from portal.services.evidence import account_leaves
from portal.services.keeping import read_patience
from portal.services.reviews import ShownDocument
from portal.services.standing import lift_hold
from tests.factories import make_contact, make_policy
from tests.services.paying import (
    Till,
    declining,
    first_payment,
    make_plan,
    parts_of,
    pay_part,
    send_copy,
    send_waiting,
    tell_of_plans,
)
from tests.services.test_amending import PAGE, change

ACTIVE, BROKEN = ArrangementStatus.ACTIVE, ArrangementStatus.BROKEN
FIRST_DAY = date(2026, 11, 23)
DUE = date(2026, 12, 23)
"""The day on which the second part of a plan here is due."""


def plan(
    till: Till,
    parts: tuple[int, ...] = (400_00, 400_00, 440_00),
    *,
    told: bool = True,
    **given: Any,
) -> Arrangement:
    """A plan whose first part was paid, on the day before its second; Dana has an address.

    ``told``: the job ran meanwhile that tells of the payments that come.
    """
    make_contact(till.session, till.all(Debtor)[0])
    make_policy(till.session, till.all(Client)[0])
    agreed = make_plan(till, parts, **given)
    first_payment(till, agreed)
    if agreed.method == "automatic":
        send_copy(till)
    if told:
        till.wait(days=29)
    else:
        till.stripe.clock.advance(days=29)
    till.session.commit()
    return agreed


def manual(till: Till, **given: Any) -> Arrangement:
    """The same, paid by hand."""
    return plan(till, method="manual", **given)


def left_of(till: Till, agreed: Arrangement) -> list[int]:
    """What is left of each part, in cents."""
    return [part.amount_cents - part.paid_cents for part in parts_of(till, agreed)]


def day(till: Till, days: int = 1) -> bool:
    """Days go by, on each of which the jobs run that charge, tell, break and send."""
    ended = False
    for _ in range(days):
        till.wait(days=1)
        ended |= look(till)
    return ended


def look(till: Till) -> bool:
    """The jobs of one day."""
    client_id, ended = till.account.client_id, False
    for part_id in charging.due_installments(till.session, client_id, now=till.now):
        charging.charge_installment(till.session, till.gateway, part_id, now=till.now)
    for one in breaking.late(till.session, client_id, now=till.now):
        ended |= breaking.look_after(till.session, client_id, one, now=till.now)
        till.session.commit()
    for template in breaking.TOLD:
        send_waiting(till, template)
    return ended


def told(till: Till) -> list[str]:
    """What was written to Dana about what is late."""
    found = (one for one in till.all(Message) if one.template in (*breaking.TOLD, "plan_ended"))
    return [one.template for one in sorted(found, key=lambda one: one.created_at)]


def status(till: Till, agreed: Arrangement) -> ArrangementStatus:
    """Where it stands."""
    till.session.expire_all()
    return till.session.get_one(Arrangement, (agreed.client_id, agreed.id)).status


def cure_of(till: Till, agreed: Arrangement) -> Any:
    """How it can be kept now."""
    return read_patience(till.session, till.account, agreed, now=till.now).cure


def me(till: Till) -> evidence.Actor:
    """Dana acts."""
    return evidence.debtor(till.account.debtor_id)


def test_a_part_missed_by_hand_is_told_once_the_day_after(till: Till) -> None:
    agreed = manual(till)
    day(till)
    assert told(till) == []
    day(till, 5)
    assert told(till) == ["payment_missed"]
    assert parts_of(till, agreed)[1].told_on == DUE + timedelta(days=1)
    assert cure_of(till, agreed).until == DUE + timedelta(days=21)


def test_two_jobs_at_once_tell_once_and_break_once(till: Till) -> None:
    agreed = manual(till)
    till.wait(days=2)
    for _ in range(2):
        breaking.look_after(till.session, agreed.client_id, agreed.id, now=till.now)
    send_waiting(till, "payment_missed")
    till.wait(days=27)
    assert breaking.look_after(till.session, agreed.client_id, agreed.id, now=till.now)
    assert not breaking.look_after(till.session, agreed.client_id, agreed.id, now=till.now)
    assert told(till) == ["payment_missed", "plan_ended"]
    leaves = [leaf.type for leaf in account_leaves(till.session, till.account)]
    assert leaves.count("arrangement.broken") == 1


def test_it_is_broken_only_after_the_days_of_grace_with_its_facts_on_the_record(till: Till) -> None:
    agreed = manual(till)
    assert not day(till, 22)
    assert status(till, agreed) == ACTIVE, "the last day is still a day"
    assert day(till)
    assert status(till, agreed) == BROKEN
    (leaf,) = [
        one
        for one in account_leaves(till.session, till.account)
        if one.type == "arrangement.broken"
    ]
    assert leaf.payload["reason"] == "not_kept"
    assert (leaf.payload["grace_days"], leaf.payload["failures"]) == (21, 3)
    assert leaf.payload["until_on"] == "2027-01-13"
    assert [part["n"] for part in leaf.payload["late"]] == [2]
    assert leaf.payload["paid_cents"] == 400_00
    assert [part.status for part in parts_of(till, agreed)] == ["paid", "canceled", "canceled"]
    assert till.balance == 840_00, "what was paid counts"
    assert told(till)[-1] == "plan_ended"
    assert till.broken() == []


def test_py_09_a_broken_plan_charges_nothing_more(till: Till) -> None:
    agreed = plan(till)
    with declining("lost_card"):
        assert day(till, 40)
    assert till.all(Authorization)[0].status == AuthorizationStatus.REVOKED
    assert status(till, agreed) == BROKEN
    day(till, 30)
    assert len(till.charges) == 1
    assert till.broken() == []


def test_a_soft_decline_announces_its_next_try_and_a_paid_one_ends_it(till: Till) -> None:
    agreed = plan(till)
    with declining("insufficient_funds"):
        day(till)
    found = cure_of(till, agreed)
    assert found.again_on == date(2026, 12, 28)
    day(till, 5)
    assert parts_of(till, agreed)[1].status == InstallmentStatus.PAID
    assert cure_of(till, agreed) is None
    assert told(till) == ["payment_failed"]


def test_a_moved_part_is_charged_on_its_new_day_and_not_before(till: Till) -> None:
    agreed = plan(till)
    with declining("insufficient_funds"):
        day(till)
    to = cure_of(till, agreed).dates[1]
    for _ in range(2):
        curing.move_late(till.session, agreed, to, actor=me(till), now=till.now)
    till.session.commit()
    part = parts_of(till, agreed)[1]
    assert (part.due_on, part.status, part.late_since) == (to, "scheduled", DUE)
    send_waiting(till, "plan_changed")
    assert cure_of(till, agreed) is None
    day(till, (to - DUE).days - 1)
    assert len(till.charges) == 1
    day(till)
    assert len(till.charges) == 2
    amended = [
        one
        for one in account_leaves(till.session, till.account)
        if one.type == "arrangement.amended"
    ]
    assert [(one.payload["kind"], one.payload["actor"]["kind"]) for one in amended] == [
        ("moved", "debtor")
    ]
    assert amended[0].payload["from_on"] == "2026-12-23"
    assert amended[0].payload["to_on"] == to.isoformat()
    assert amended[0].payload["cure_until"] >= to.isoformat()
    (change,) = till.all(Amendment)
    assert not change.counts, "no concession is used up"
    copies = [one.channel for one in till.all(Message) if one.template == "plan_changed"]
    assert copies == [Channel.EMAIL, Channel.LETTER], "nobody agreed to e-mail alone (ES-01)"
    assert till.broken() == []


def test_py_09_a_moved_part_that_its_debtor_pays_is_told_as_missed_the_day_after(
    till: Till,
) -> None:
    """Its bank asked for them, so nothing is taken on the new day, and nobody waits for us."""
    agreed = plan(till)
    with declining("authentication_required"):
        day(till)
    to = cure_of(till, agreed).dates[0]
    curing.move_late(till.session, agreed, to, actor=me(till), now=till.now)
    till.session.commit()
    send_waiting(till, "plan_changed")
    day(till, (to - DUE).days)
    assert (len(till.charges), told(till)) == (1, ["payment_failed"])
    day(till)
    assert (len(till.charges), told(till)) == (1, ["payment_failed", "payment_missed"])
    part = parts_of(till, agreed)[1]
    assert (part.told_on, part.late_since) == (to + timedelta(days=1), DUE)
    assert cure_of(till, agreed).until == DUE + timedelta(days=21)


def test_it_is_not_broken_while_an_agreed_new_day_is_not_over(till: Till) -> None:
    agreed = manual(till)
    day(till, 10)
    to = cure_of(till, agreed).dates[-1]
    curing.move_late(till.session, agreed, to, actor=me(till), now=till.now)
    till.session.commit()
    while till.now.date() < to:
        assert not day(till)
    assert status(till, agreed) == ACTIVE
    assert day(till, 20)


def test_only_a_day_that_is_offered_can_be_chosen(till: Till) -> None:
    agreed = manual(till)
    with pytest.raises(CureNotPossible):
        curing.move_late(till.session, agreed, DUE, actor=me(till), now=till.now)
    day(till, 2)
    for wrong in (DUE, date(2027, 6, 1), till.now.date()):
        with pytest.raises(CureNotPossible):
            curing.move_late(till.session, agreed, wrong, actor=me(till), now=till.now)
    till.start(50_00)
    to = cure_of(till, agreed).dates[0]
    with pytest.raises(PaymentMoving):
        curing.move_late(till.session, agreed, to, actor=me(till), now=till.now)


def test_of_two_new_days_chosen_at_once_the_first_one_wins(till: Till) -> None:
    agreed = manual(till)
    day(till, 2)
    first, other = cure_of(till, agreed).dates[:2]
    curing.move_late(till.session, agreed, first, actor=me(till), now=till.now)
    with pytest.raises(CureNotPossible):
        curing.move_late(till.session, agreed, other, actor=me(till), now=till.now)
    assert parts_of(till, agreed)[1].due_on == first
    assert len(till.all(Amendment)) == 1


def test_what_is_late_can_be_spread_over_what_is_left(till: Till) -> None:
    agreed = manual(till, parts=(340_00, 300_00, 300_00, 300_00))
    day(till, 2)
    wish = Wish(Change.SPREAD, due_on=DUE)
    change(till, agreed, wish)
    till.session.commit()
    parts = parts_of(till, agreed)
    assert [part.status for part in parts] == ["paid", "canceled", "scheduled", "scheduled"]
    assert [part.amount_cents for part in parts[2:]] == [450_00, 450_00]
    with pytest.raises(CureNotPossible):
        change(till, agreed, wish)
    assert (parts[1].told_on, parts[1].late_since) == (None, None)
    assert till.broken() == []
    for part in parts[2:]:
        pay_part(till, part)
    assert status(till, agreed) == ArrangementStatus.COMPLETED
    assert till.broken() == []


@pytest.mark.parametrize("through", ["one_off", "part"])
def test_paid_by_another_path_everything_stops_and_resets(till: Till, through: str) -> None:
    agreed = manual(till)
    till.wait(days=2)
    breaking.look_after(till.session, agreed.client_id, agreed.id, now=till.now)
    till.session.commit()
    if through == "one_off":
        till.paid(400_00)
    else:
        pay_part(till, parts_of(till, agreed)[1])
    part = parts_of(till, agreed)[1]
    assert (part.status, part.told_on) == (InstallmentStatus.PAID, None)
    send_waiting(till, "payment_missed")
    (message,) = [one for one in till.all(Message) if one.template == "payment_missed"]
    assert (message.status, message.rule) == ("suppressed", "out_of_date")
    assert not day(till, 25)
    assert status(till, agreed) == ACTIVE
    assert till.broken() == []


def test_no_late_part_keeps_less_than_can_be_paid(till: Till) -> None:
    agreed = manual(till)
    day(till, 2)
    till.paid(399_99)
    assert cure_of(till, agreed).cents == 50
    till.paid(50)
    assert cure_of(till, agreed) is None
    assert left_of(till, agreed) == [0, 0, 439_51]
    assert till.broken() == []


def test_money_that_does_not_reach_for_a_part_leaves_what_can_still_be_paid(till: Till) -> None:
    """A rest of 25 cents could not be charged, and would be late."""
    agreed = manual(till, parts=(40_00,) * 10)
    till.paid(79_75, purpose=PaymentPurpose.INSTALLMENT, arrangement_id=agreed.id)
    assert left_of(till, agreed) == [0, 0, 50, 39_75, *[40_00] * 6]
    assert till.broken() == []


def test_nothing_is_told_or_broken_while_a_hold_stands_and_its_days_do_not_count(
    till: Till,
) -> None:
    agreed = manual(till)
    day(till, 10)
    till.hold(HoldKind.HARDSHIP)
    till.session.commit()
    assert not day(till, 60)
    (hold,) = till.all(Hold)
    lift_hold(till.session, hold, reason="checked", now=till.now)
    till.session.commit()
    assert cure_of(till, agreed) is not None
    assert not day(till, 12)
    assert day(till, 2)


def test_nothing_is_broken_while_a_payment_is_on_its_way(till: Till) -> None:
    agreed = manual(till)
    day(till, 20)
    part = parts_of(till, agreed)[1]
    payment = till.start(
        part.amount_cents,
        purpose="installment",
        arrangement_id=agreed.id,
        installment_id=part.id,
    )
    till.pay(payment, "bank_processing")
    till.land(payment)
    assert not day(till, 20)
    assert status(till, agreed) == ACTIVE


def test_a_message_that_could_not_leave_breaks_nothing(till: Till) -> None:
    agreed = manual(till, parts=(620_00, 620_00))
    for _ in range(40):
        till.wait(days=1)
        breaking.look_after(till.session, agreed.client_id, agreed.id, now=till.now)
        till.session.commit()
    assert status(till, agreed) == ACTIVE
    send_waiting(till, "payment_missed")
    assert not day(till, 3)
    assert day(till)


@pytest.mark.parametrize("letters", [True, False])
def test_a_message_that_bounced_told_nobody_so_a_letter_does_and_the_plan_waits(
    till: Till, letters: bool
) -> None:
    agreed = manual(till, parts=(620_00, 620_00))
    day(till, 2)
    (sent,) = [one for one in till.all(Message) if one.template == "payment_missed"]
    word = Report(carrier="email", event_id="b-1", kind=Fate.BOUNCED, message_id=sent.id)
    take_report(till.session, word, Channel.EMAIL, now=till.now)
    if not letters:
        dana = till.all(Debtor)[0]
        choose_only(till.session, dana, Channel.EMAIL, told=on_portal(dana), now=till.now)
    assert not day(till, 40)
    assert status(till, agreed) == ACTIVE
    letter = max(
        (one for one in till.all(Message) if one.template == "payment_missed"),
        key=lambda one: one.created_at,
    )
    assert letter.channel == Channel.LETTER
    assert letter.status == ("queued" if letters else "suppressed")
    assert till.questions == ([] if letters else ["late_not_told"])
    if letters:
        letter.status, letter.sent_at = MessageStatus.SENT, till.now
        assert not day(till, 3)
        assert day(till)
    assert not [one for one in till.broken() if "was told" in one.invariant]


def test_py_07_a_plan_is_never_lost_by_a_notice_that_we_did_not_give(till: Till) -> None:
    """It is taken on a later day, whose notice left; no failure, and nobody is told of one."""
    agreed = plan(till, parts=(620_00, 620_00), told=False)
    for _ in range(14):
        assert not day(till)
        tell_of_plans(till)
    assert (told(till), status(till, agreed)) == ([], ACTIVE)
    assert cure_of(till, agreed) is None
    day(till)
    assert status(till, agreed) == ArrangementStatus.COMPLETED
    assert till.questions == ["notice_not_given"]
    assert till.broken() == []


def test_py_07_where_no_notice_can_be_given_at_all_the_plan_goes_on(till: Till) -> None:
    agreed = plan(till, parts=(620_00, 620_00), told=False)
    assert not day(till, 90)
    assert (told(till), status(till, agreed)) == ([], ACTIVE)
    part = parts_of(till, agreed)[1]
    assert (part.attempts, part.status) == (0, "scheduled")
    assert part.next_attempt_on > till.now.date()


def test_a_date_that_we_did_not_charge_counts_from_the_day_it_was_told(till: Till) -> None:
    """An outage, or a notice of ours that was missing, is not the debtor's failure (PY-07)."""
    agreed = plan(till)
    till.all(Authorization)[0].copied_at = None
    till.stripe.world.faults.plan(Fault.UNAVAILABLE, times=500, path="/v1/payment_intents")
    till.wait(days=1)
    till.hold(HoldKind.UNDER_REVIEW)
    till.wait(days=5)
    (hold,) = till.all(Hold)
    lift_hold(till.session, hold, reason="checked", now=till.now)
    breaking.look_after(till.session, agreed.client_id, agreed.id, now=till.now)
    assert told(till) == ["payment_missed"]
    part = parts_of(till, agreed)[1]
    assert part.late_since == till.now.date()
    assert cure_of(till, agreed).until >= till.now.date() + timedelta(days=21)


def test_three_weeks_in_a_row_end_a_weekly_plan(till: Till) -> None:
    agreed = manual(till, parts=(40_00,) * 12)
    for n, part in enumerate(parts_of(till, agreed)):
        part.due_on = FIRST_DAY + timedelta(days=30) + timedelta(weeks=n - 1)
    till.session.commit()
    assert not day(till, 16)
    assert read_patience(till.session, till.account, agreed, now=till.now).ends_after == (
        DUE + timedelta(days=15 + 3)
    )
    assert day(till, 4)


def test_a_broken_settlement_forgives_nothing_and_its_offer_stays_until_its_day(till: Till) -> None:
    agreed = manual(till, parts=(434_00, 434_00), kind="settlement")
    assert day(till, 30)
    assert till.balance == 806_00
    assert [kind for kind, _ in till.entries] == ["payment"]
    assert status(till, agreed) == BROKEN
    assert till.broken() == []


def test_the_policy_of_the_arrangements_own_version_counts(till: Till) -> None:
    agreed = manual(till)
    client = till.all(Client)[0]
    make_policy(till.session, client, version=2, keeping=Keeping(failures=1, grace_days=3))
    day(till, 10)
    assert cure_of(till, agreed).until == DUE + timedelta(days=21)
    assert json.loads(agreed.terms)["policy_version"] == 1


def test_a_page_that_was_left_open_is_closed_before_a_cure(till: Till) -> None:
    agreed = manual(till)
    day(till, 2)
    part: Installment = parts_of(till, agreed)[1]
    till.start(
        part.amount_cents, purpose="installment", arrangement_id=agreed.id, installment_id=part.id
    )
    payments.release_checkout(till.session, till.gateway, till.account.id, now=till.now)
    to = cure_of(till, agreed).dates[0]
    curing.move_late(till.session, agreed, to, actor=me(till), now=till.now)
    assert parts_of(till, agreed)[1].due_on == to


@pytest.mark.parametrize("ticked", [None, "I allow this"])
def test_py_05_larger_payments_are_charged_only_under_a_permission_that_allows_them(
    till: Till, ticked: str | None
) -> None:
    agreed = plan(till, parts=(340_00, 300_00, 300_00, 300_00))
    with declining("insufficient_funds"):
        day(till)
    text = ShownDocument("authorization", "1", "en", "text/plain", b"You allow larger payments.")
    change(till, agreed, Wish(Change.SPREAD, due_on=DUE), documents=(PAGE, text), ticked=ticked)
    till.session.commit()
    send_copy(till)
    for _ in range(30):
        day(till)
        tell_of_plans(till)
    taken = [int(charge["amount_received"]) for charge in till.charges]
    assert sorted(taken) == [340_00, *([450_00] if ticked else [])]
    newest = till.all(Authorization)[-1]
    assert newest.status == ("granted" if ticked else "revoked")
    assert agreed.method == ("automatic" if ticked else "manual")
    assert till.broken() == []
