"""PY-07, PY-12: a running plan's debtor is told in time, and nothing is taken untold."""

from datetime import timedelta
from typing import Any

import pytest

from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.noticing import Notice
from portal.domain.policy import Keeping
from portal.domain.statuses import InstallmentStatus, MessageStatus
from portal.gateways.mail import OutboxMailer
from portal.gateways.sms import OutboxTexter
from portal.models import (
    Account,
    Amendment,
    Arrangement,
    Channel,
    Client,
    Contact,
    Debtor,
    Installment,
    Message,
    Payment,
    StopKind,
    fresh_id,
)
from portal.sandbox import control
from portal.services import accountings, charging, evidence, plan_notices
from portal.services.arrangements import stop_automatic
from portal.services.curing import move_late
from portal.services.dispatch import Carriers, dispatch
from portal.services.evidence import SYSTEM, account_leaves
from portal.services.keeping import read_patience
from portal.services.links import issue_link
from portal.services.notices import tell
from portal.services.pre_debit import is_given, may_charge
from portal.services.standing import lift_hold, set_hold
from portal.services.stops import stop_address
from portal.writing import write
from tests.factories import KEYS, make_contact, make_policy
from tests.services.paying import (
    Till,
    declining,
    first_payment,
    make_plan,
    parts_of,
    pay_part,
    send_copy,
    send_waiting,
)

DAY = timedelta(days=1)
PARTS = (310_00, 310_00, 310_00, 310_00)


def debtor_of(till: Till) -> Debtor:
    return till.session.get_one(Debtor, (till.account.client_id, till.account.debtor_id))


def with_email(till: Till, *, proven: bool = True) -> Contact:
    """Dana's address; she showed there who she is, unless said otherwise."""
    contact = make_contact(till.session, debtor_of(till))
    if proven:
        issued = issue_link(till.session, debtor_of(till), keys=KEYS, contact=contact, now=till.now)
        issued.link.verified_at = till.now
    return contact


def running(till: Till, parts: tuple[int, ...] = PARTS, **given: Any) -> Arrangement:
    """A plan whose first part is paid; the second is due in 30 days."""
    agreed = make_plan(till, parts, **given)
    first_payment(till, agreed)
    return agreed


def pass_days(till: Till, days: int) -> None:
    """Time goes by in which no job runs."""
    till.stripe.clock.advance(days=days)


def give(till: Till) -> list[Message]:
    """What the hourly job writes now."""
    before = {one.id for one in till.all(Message)}
    plan_notices.give(till.session, till.account.client_id, now=till.now)
    return [one for one in till.all(Message) if one.id not in before]


def send(till: Till, *some: Message, mailer: OutboxMailer | None = None) -> None:
    carriers = Carriers(
        mailer=mailer or OutboxMailer(), texter=OutboxTexter(), write=write, keys=KEYS
    )
    for message in some:
        dispatch(till.session, message.client_id, message.id, carriers=carriers, now=till.now)


def charge(till: Till, part: Installment) -> Payment | None:
    return charging.charge_installment(till.session, till.gateway, part.id, now=till.now)


def of(till: Till, *kinds: str) -> list[Message]:
    return [message for message in till.all(Message) if message.template in kinds]


def untold(till: Till) -> list[str]:
    """The charges that the check of the books finds without their notice."""
    return [broken.where for broken in till.broken() if "PY-07" in broken.invariant]


def test_py_07_the_notice_goes_on_the_fourteenth_day_before_and_only_once(till: Till) -> None:
    with_email(till)
    agreed = running(till)
    pass_days(till, 15)
    assert give(till) == []
    pass_days(till, 1)
    (notice,) = give(till)
    assert (notice.template, notice.channel) == ("pre_debit_notice", Channel.EMAIL)
    assert give(till) == []
    send(till, notice)
    for needed in ("$310.00", "December 23, 2026", "Visa ending in 4242", agreed.reference):
        assert needed in (notice.body or "")
    assert "stop it until the end of December 22, 2026" in (notice.body or "")
    assert "Stop automatic payments" in (notice.body or "")


def test_py_07_a_notice_says_nothing_to_an_address_where_nobody_proved_who_they_are(
    till: Till,
) -> None:
    """EC-08, ES-01: then the letter beside it is the notice."""
    with_email(till, proven=False)
    running(till)
    pass_days(till, 16)
    (notice,) = give(till)
    send(till, notice)
    assert "$" not in (notice.body or "")
    assert [m.channel for m in of(till, Notice.DEBIT)] == [Channel.EMAIL, Channel.LETTER]


def test_py_07_no_notice_no_debit_and_its_debtor_and_a_person_are_told_once(till: Till) -> None:
    agreed = running(till)
    pass_days(till, 30)
    second = parts_of(till, agreed)[1]
    for _ in range(2):
        assert charge(till, second) is None
        till.wait(hours=1)
    till.session.refresh(second)
    assert (second.status, second.attempts) == (InstallmentStatus.SCHEDULED, 0)
    assert till.questions == ["notice_not_given"]
    assert len(of(till, "payment_waits")) == 1
    (leaf,) = [
        one for one in account_leaves(till.session, till.account) if one.type == "charge.blocked"
    ]
    assert (leaf.payload["rule"], leaf.payload["amount_cents"]) == ("PY-07", 310_00)
    assert (leaf.payload["due_on"], leaf.payload["again_on"]) == ("2026-12-23", "2027-01-06")
    pay_part(till, second)
    assert (second.next_attempt_on, second.late_since) == (None, None)
    assert till.balance == 620_00
    assert till.broken() == []


def test_py_07_what_was_not_taken_has_its_notice_then_and_is_taken_after_it(till: Till) -> None:
    with_email(till)
    agreed = running(till)
    send_copy(till)
    pass_days(till, 30)
    second = parts_of(till, agreed)[1]
    assert charge(till, second) is None
    send_waiting(till, "payment_waits")
    (waits,) = of(till, "payment_waits")
    assert "We take it on January 6, 2027 instead" in (waits.body or "")
    (notice,) = give(till)
    assert (notice.template, notice.context["due_on"]) == (Notice.DEBIT, "2027-01-06")
    send(till, notice)
    assert "January 6, 2027" in (notice.body or "")
    for _ in range(13):
        pass_days(till, 1)
        give(till)
        assert charge(till, second) is None
    pass_days(till, 1)
    assert charge(till, second) is not None
    assert parts_of(till, agreed)[1].status == InstallmentStatus.PAID
    assert len(of(till, "payment_waits")) == 1
    assert till.broken() == []


def test_py_07_a_part_soon_after_agreeing_is_told_of_by_the_copy(till: Till) -> None:
    agreed = running(till)
    second = parts_of(till, agreed)[1]
    second.due_on = till.now.date() + 14 * DAY
    pass_days(till, 14)
    assert of(till, Notice.DEBIT) == []
    assert charge(till, second) is not None
    assert untold(till) == []


@pytest.mark.parametrize("changed", ["later", "more", "less"])
def test_py_07_a_change_of_date_or_amount_wants_another_notice(till: Till, changed: str) -> None:
    """One of a larger amount is good for less: what is taken has only become smaller."""
    agreed = running(till)
    pass_days(till, 16)
    assert len(give(till)) == 1
    second = parts_of(till, agreed)[1]
    if changed == "later":
        second.due_on += 3 * DAY
    else:
        second.amount_cents = Cents(311_00 if changed == "more" else 300_00)
    pass_days(till, 3 if changed == "later" else 1)
    assert len(give(till)) == 1
    before = [m.dedupe_key for m in of(till, Notice.DEBIT)]
    assert len(set(before)) == 2
    pass_days(till, 14 if changed == "later" else 13)
    assert charge(till, second) is not None


def test_py_07_a_changed_part_whose_notice_comes_too_late_is_not_taken(till: Till) -> None:
    agreed = running(till)
    till.wait(days=22)
    second = parts_of(till, agreed)[1]
    second.amount_cents = Cents(311_00)
    till.wait(days=8)
    assert charge(till, second) is None


def test_py_07_the_copy_of_a_changed_plan_tells_of_what_comes_soon_after(till: Till) -> None:
    agreed = running(till)
    till.wait(days=22)
    second = parts_of(till, agreed)[1]
    second.amount_cents = Cents(311_00)
    till.session.add(
        Message(
            client_id=agreed.client_id,
            debtor_id=till.account.debtor_id,
            account_id=till.account.id,
            channel=Channel.LETTER,
            template="plan_changed",
            context={},
            locale="en",
            dedupe_key="plan_changed:1",
            status=MessageStatus.QUEUED,
            created_at=till.now,
            send_at=till.now,
        )
    )
    till.wait(days=8)
    assert charge(till, second) is not None


@pytest.mark.parametrize("proven", [True, False])
def test_py_07_a_copy_of_a_changed_plan_that_bounced_or_says_nothing_goes_by_letter(
    till: Till, proven: bool
) -> None:
    """ES-01: where no letter may leave either, it tells of no debit."""
    contact = with_email(till, proven=proven)
    agreed = running(till)
    send_copy(till)
    till.wait(days=22)
    second = parts_of(till, agreed)[1]
    second.amount_cents = Cents(311_00)
    row = Amendment(
        client_id=agreed.client_id,
        id=fresh_id(),
        arrangement_id=agreed.id,
        account_id=agreed.account_id,
        n=1,
        kind="moved",
        counts=False,
        rhythm={},
        actor={},
        at=till.now,
        change_sha256=b"x" * 32,
        before={"parts": []},
        after={"parts": []},
    )
    till.session.add(row)
    tell(till.session, till.account, "plan_changed", fact=f"amendment:{row.id}", now=till.now)
    assert give(till) == [], "the copy on its way tells of it"
    assert not is_given(till.session, agreed, second)
    assert not may_charge(till.session, till.account, agreed, second, now=till.now)
    assert second.next_attempt_on is None, "it waits for that copy"
    if proven:
        actor = SYSTEM
        stop_address(till.session, contact, StopKind.BOUNCED, source="x", actor=actor, now=till.now)
    send_waiting(till, "plan_changed")
    by_channel = {one.channel: one for one in of(till, "plan_changed")}
    assert by_channel[Channel.LETTER].status == MessageStatus.QUEUED
    assert is_given(till.session, agreed, second)
    by_channel[Channel.LETTER].status = MessageStatus.SUPPRESSED
    assert not is_given(till.session, agreed, second)


def test_py_07_an_opted_out_address_has_its_notice_by_letter(till: Till) -> None:
    """The letter counts from when it is on the list, as the copy of a permission does."""
    contact = with_email(till)
    agreed = running(till)
    pass_days(till, 16)
    (notice,) = give(till)

    stop_address(
        till.session, contact, StopKind.OPTED_OUT, source="page", actor=SYSTEM, now=till.now
    )
    send(till, notice)
    assert notice.status == MessageStatus.SUPPRESSED
    assert [m.channel for m in of(till, Notice.DEBIT)] == [Channel.EMAIL, Channel.LETTER]
    send(till, *of(till, "authorization_copy"))
    pass_days(till, 14)
    assert charge(till, parts_of(till, agreed)[1]) is not None


def test_ct_01_an_email_that_hangs_beyond_its_days_is_dropped_and_nothing_is_taken(
    till: Till,
) -> None:
    with_email(till)
    agreed = running(till)
    send(till, *of(till, "authorization_copy"))
    pass_days(till, 16)
    (notice,) = give(till)
    pass_days(till, 5)
    send(till, notice)
    assert (notice.status, notice.rule) == (MessageStatus.SUPPRESSED, "out_of_date")
    pass_days(till, 9)
    assert charge(till, parts_of(till, agreed)[1]) is None


def test_a_hold_keeps_the_notice_back_and_its_end_in_time_sends_it(till: Till) -> None:
    """DH-08: what may not be taken is not announced."""
    running(till)
    pass_days(till, 16)
    hold = set_hold(
        till.session, till.account, HoldKind.DISPUTE, source="staff", now=till.now, actor=SYSTEM
    )
    assert give(till) == []
    pass_days(till, 2)
    lift_hold(till.session, hold, reason="answered", now=till.now)
    assert [m.template for m in give(till)] == ["pre_debit_notice"]


def test_after_a_stop_nothing_is_announced(till: Till) -> None:
    """PY-08"""
    agreed = running(till)
    stop_automatic(till.session, agreed, actor=SYSTEM, now=till.now)
    pass_days(till, 16)
    assert give(till) == []


@pytest.mark.parametrize("method", ["automatic", "manual"])
def test_a_reminder_goes_three_days_before_and_when_the_client_adds(
    till: Till, method: str
) -> None:
    client = till.session.get_one(Client, till.account.client_id)
    make_policy(till.session, client, keeping=Keeping(extra_reminders=(1, 7)))
    with_email(till)
    running(till, method=method)
    till.wait(days=22)
    days = []
    for day in range(23, 31):
        till.wait(days=1)
        days += [(day, m) for m in give(till) if m.template == "payment_reminder"]
    assert [30 - day for day, _ in days] == [7, 3, 1]
    send(till, days[-1][1])
    assert days[-1][1].status == MessageStatus.SUPPRESSED  # its day has come


def test_a_reminder_says_who_moves_the_money(till: Till) -> None:
    with_email(till)
    agreed = running(till)
    till.wait(days=27)
    (reminder,) = [m for m in give(till) if m.template == "payment_reminder"]
    send(till, reminder)
    assert "We take $310.00 for your plan on December 23, 2026" in (reminder.body or "")
    stop_automatic(till.session, agreed, actor=SYSTEM, now=till.now)
    till.wait(days=30)
    (later,) = [m for m in of(till, "payment_reminder") + give(till) if m is not reminder]
    send(till, later)
    assert "You make it yourself" in (later.body or "")


def test_py_09_a_card_that_is_lost_is_not_announced_and_its_debtor_pays_another_way(
    till: Till,
) -> None:
    with_email(till)
    agreed = running(till)
    send_copy(till)
    till.wait(days=30)
    with declining("lost_card"):
        assert charge(till, parts_of(till, agreed)[1]) is not None
    pay_part(till, parts_of(till, agreed)[1])
    written = []
    for _ in range(28):
        till.stripe.clock.advance(days=1)
        written += give(till)
    assert [one.template for one in written] == ["payment_reminder"]
    send(till, *written)
    assert "You make it yourself" in (written[0].body or "")
    assert "4242" not in (written[0].body or "")


def on_a_new_day(till: Till, agreed: Arrangement) -> Installment:
    """The second part, whose bank asked for its owner, moved by them to another day."""
    make_policy(till.session, till.all(Client)[0])
    with declining("authentication_required"):
        assert charge(till, parts_of(till, agreed)[1]) is not None
    found = read_patience(till.session, till.account, agreed, now=till.now).cure
    assert found is not None
    me = evidence.debtor(till.account.debtor_id)
    move_late(till.session, agreed, found.dates[-1], actor=me, now=till.now)
    till.session.commit()
    send_waiting(till, "plan_changed")
    return parts_of(till, agreed)[1]


def test_py_09_a_payment_that_is_not_taken_is_not_announced_as_taken(till: Till) -> None:
    """PY-07, PY-09: its bank asked for its owner, so its debtor makes it, on whatever day."""
    with_email(till)
    agreed = running(till)
    send_copy(till)
    till.wait(days=30)
    part = on_a_new_day(till, agreed)
    part.due_on = till.now.date() + 20 * DAY
    written = []
    for _ in range(20):
        pass_days(till, 1)
        written += [one for one in give(till) if one.context["installment"] == str(part.id)]
    assert [one.template for one in written] == ["payment_reminder"]
    pass_days(till, -2)
    send(till, *written)
    assert "You make it yourself" in (written[0].body or "")
    assert "4242" not in (written[0].body or "")


def test_nobody_is_reminded_by_letter(till: Till) -> None:
    """It would come too late."""
    running(till, method="manual")
    till.wait(days=28)
    assert of(till, "payment_reminder") == []


def weekly(till: Till, **given: Any) -> Arrangement:
    agreed = make_plan(till, (124_00,) * 10, frequency="weekly", **given)
    for n, part in enumerate(parts_of(till, agreed)):
        part.due_on = till.now.date() + 7 * n * DAY
    till.session.flush()
    first_payment(till, agreed)
    return agreed


def test_py_07_a_weekly_plan_gets_one_notice_a_month(till: Till) -> None:
    with_email(till)
    agreed = weekly(till)
    send(till, *of(till, "authorization_copy"))
    sent: list[Message] = []
    for _ in range(62):
        pass_days(till, 1)
        sent += give(till)
        send(till, *[m for m in sent if m.status == MessageStatus.QUEUED])
        for part in parts_of(till, agreed):
            charge(till, part)
    assert [m.dedupe_key[-7:] for m in sent if m.template == "payments_ahead"] == [
        *("2026-12", "2027-01")
    ]
    assert {m.template for m in sent} == {"payments_ahead"}
    january = sent[1].body or ""
    for day in ("January 4, 2027", "January 11, 2027", "January 18, 2027", "January 25, 2027"):
        assert day in january
    assert till.balance == 124_00
    assert untold(till) == []


def test_py_07_the_list_of_a_month_says_which_payment_is_made_by_hand(till: Till) -> None:
    """PY-09: nothing is taken of a part whose bank asked for its owner."""
    with_email(till)
    agreed = weekly(till)
    send_copy(till)
    pass_days(till, 7)
    part = on_a_new_day(till, agreed)
    pass_days(till, 7)
    part.due_on = till.now.date() + 10 * DAY
    (ahead,) = [one for one in give(till) if one.template == "payments_ahead"]
    send(till, ahead)
    taken, _, by_hand = (ahead.body or "").partition("December 28, 2026: $124.00")
    assert "These are the next payments that we take" in taken
    day = f"December {part.due_on.day}, 2026"
    assert f"{day}: " not in taken
    assert f"A payment of $124.00 is planned for {day}. You make it yourself" in by_hand


def test_batches_go_on_after_the_last_one(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_notices, "BATCH", 1)
    agreed = running(till)
    for part in parts_of(till, agreed)[1:]:
        part.due_on = till.now.date() + 30 * DAY
    pass_days(till, 16)
    after, seen = None, 0
    while batch := plan_notices.give(till.session, agreed.client_id, now=till.now, after=after):
        after, seen = batch[-1], seen + 1
    assert (seen, len(of(till, Notice.DEBIT))) == (3, 3)


def test_py_05_the_copy_of_the_permission_exists_before_the_first_charge(till: Till) -> None:
    """PY-05, PY-12: queued as it is granted, and the charge waits for it."""
    running(till)
    (copy,) = of(till, "authorization_copy")
    till.wait(days=31)
    assert all(copy.created_at < one.created_at for one in till.all(Payment)[1:])


def collected_in_new_york(till: Till) -> None:
    till.account.collector_role = "third_party_agency"
    till.session.flush()


def account_for(till: Till) -> list[Message]:
    accountings.give(till.session, till.account.client_id, now=till.now)
    return of(till, "plan_accounting")


def test_py_12_new_york_gets_an_accounting_each_quarter(till: Till) -> None:
    """23 NYCRR 1.5: what was paid, and what is left."""
    collected_in_new_york(till)
    with_email(till)
    agreed = running(till, method="manual")
    pass_days(till, 91)
    assert account_for(till) == []
    pass_days(till, 1)
    (first,) = account_for(till)
    assert account_for(till) == [first]
    send(till, first)
    for needed in ("$310.00", "$930.00 in 3 payments", agreed.reference, "Northgate Energy"):
        assert needed in (first.body or "")
    pass_days(till, 92)
    assert [m.context["on"] for m in account_for(till) if m.channel == Channel.EMAIL] == [
        *("2027-02-23", "2027-05-23")
    ]


def test_py_12_an_accounting_counts_nothing_that_the_bank_took_back(till: Till) -> None:
    collected_in_new_york(till)
    with_email(till)
    agreed = make_plan(till, (310_00,) * 4, method="manual")
    payment = first_payment(till, agreed)
    control.dispute(till.stripe.world, payment.intent_id or "")
    till.reconcile()
    pass_days(till, 92)
    (sent,) = account_for(till)
    send(till, sent)
    body = sent.body or ""
    assert "November 23, 2026: $310.00\n" in body
    assert "November 23, 2026 (went back): -$310.00\n" in body
    assert "Paid so far: $0.00" in body


def test_py_12_elsewhere_and_from_a_creditor_nobody_needs_one(till: Till) -> None:
    running(till, method="manual")
    pass_days(till, 100)
    assert account_for(till) == []
    collected_in_new_york(till)
    debtor_of(till).region = "NJ"
    till.session.flush()
    assert account_for(till) == []


@pytest.mark.parametrize("kind", ["plan", "settlement"])
def test_py_12_the_last_payment_makes_the_satisfaction_letter(till: Till, kind: str) -> None:
    """PY-12, TX-04: paid in full, or settled, as it is."""
    with_email(till)
    total = 1240_00 if kind == "plan" else 868_00
    agreed = make_plan(till, (total,), kind=kind, method="manual")
    first_payment(till, agreed)
    (letter,) = of(till, "plan_completed", "account_paid")
    send(till, letter)
    body = letter.body or ""
    assert letter.template == "plan_completed"
    assert ("paid in full" in body) is (kind == "plan")
    assert ("settled for less" in body) is (kind == "settlement")
    assert ("$372.00" in body) is (kind == "settlement")
    assert "You owe nothing more" in body
    assert [m.channel for m in of(till, "plan_completed")] == [Channel.EMAIL, Channel.LETTER]
    assert till.broken() == []


def test_py_12_an_account_paid_without_a_plan_has_its_letter_too(till: Till) -> None:
    with_email(till)
    till.paid(1240_00)
    (letter,) = of(till, "account_paid")
    send(till, letter)
    for needed in ("paid in full", "$1,240.00", "Dana Reyes", till.account.reference):
        assert needed in (letter.body or "")
    assert till.broken() == []


def test_tx_04_a_letter_says_nothing_once_money_went_back(till: Till) -> None:
    with_email(till)
    till.paid(1240_00)
    (letter,) = of(till, "account_paid")
    account = till.session.get_one(Account, (till.account.client_id, till.account.id))
    account.status, account.balance_cents = "open", Cents(100_00)
    till.session.flush()
    send(till, letter)
    assert (letter.status, letter.rule) == (MessageStatus.SUPPRESSED, "out_of_date")
