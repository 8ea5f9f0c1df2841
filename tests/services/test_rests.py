"""A rest for somebody who cannot pay now: quiet, nothing late, its end told once (DH-08)."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from portal.domain.help import Topic
from portal.domain.holds import HoldKind
from portal.domain.noticing import Notice
from portal.domain.rests import RestTooLong
from portal.domain.statuses import (
    ArrangementStatus,
    InstallmentStatus,
    MessageStatus,
    PaymentStatus,
)
from portal.models import (
    Amendment,
    Arrangement,
    Client,
    Debtor,
    Hold,
    Message,
    Payment,
    PaymentPurpose,
    Role,
)
from portal.services import evidence, payments, plan_notices, rests
from portal.services.arrangements import expire_due, first_until
from portal.services.help import Answers, open_request
from portal.services.standing import lift_hold, standing
from portal.services.verify import verify_client
from tests.databases import acting_as
from tests.factories import make_contact, make_policy, make_visit
from tests.pages.staff import make_staff
from tests.services.paying import Till, first_payment, make_plan, parts_of, send_copy, send_waiting
from tests.services.test_breaking import day, look, manual, plan
from tests.services.test_stopping import CLOSING


def ask(till: Till) -> Hold:
    """The debtor says that they cannot pay now; their rest."""
    visit = make_visit(till.session, till.account)
    open_request(till.session, till.account, Topic.CANNOT_PAY, Answers(), by=visit, now=till.now)
    till.session.commit()
    found = rests.rest_of(till.session, till.account, till.now)
    assert found is not None
    return found


def ends_on(till: Till, hold: Hold) -> date:
    assert hold.ends_at is not None
    return rests._day_of_end(till.session, till.account, hold.ends_at)


def tell(till: Till) -> int:
    """The job that tells of the end; how many messages there are of it."""
    client_id = till.account.client_id
    for one in rests.ending(till.session, client_id, now=till.now):
        rests.tell(till.session, client_id, one, now=till.now)
    till.session.commit()
    written = select(Message).where(Message.template == rests.ENDING)
    return len(till.session.scalars(written).all())


def test_a_weekly_plan_rests_without_a_late_payment_and_goes_on(till: Till) -> None:
    agreed = plan(till, (100_00,) * 6, method="automatic")
    dates = [part.due_on for part in parts_of(till, agreed)]
    hold, begun = ask(till), till.now
    until = ends_on(till, hold)
    assert until == till.now.date() + timedelta(days=30)
    after = [part.due_on for part in parts_of(till, agreed)]
    assert after[0] == dates[0]
    assert min(after[1:]) >= until
    paid = len(till.all(Payment))
    assert not day(till, 29)
    assert len(till.all(Payment)) == paid
    assert agreed.status is ArrangementStatus.ACTIVE
    assert not [one for one in till.all(Message) if one.template == "payment_missed"]
    assert begun < till.now
    assert standing(till.session, till.account, till.now + timedelta(days=3)).charge.allowed
    assert list(verify_client(till.session, till.account.client_id)) == []


def test_its_end_is_told_once_a_few_days_before(till: Till) -> None:
    ask(till)
    till.wait(days=20)
    assert tell(till) == 0
    till.wait(days=6)
    assert (tell(till), tell(till)) == (1, 1)


def test_so_soon_again_it_lasts_only_until_a_person_answers(till: Till) -> None:
    first = ask(till)
    rests.end(till.session, till.account, now=till.now)
    till.session.commit()
    assert rests.rest_of(till.session, till.account, till.now) is None
    till.wait(days=40)
    again = ask(till)
    assert again.id != first.id
    assert ends_on(till, again) < till.now.date() + timedelta(days=10)
    till.wait(days=190)
    rests.end(till.session, till.account, now=till.now)
    assert ends_on(till, ask(till)) == till.now.date() + timedelta(days=30)


def test_a_plan_that_a_person_lets_wait_longer_is_changed_by_that_person(till: Till) -> None:
    plan(till, (400_00, 400_00, 440_00))
    ask(till)
    rests.end(till.session, till.account, now=till.now)
    till.wait(days=40)
    again = ask(till)
    staff = make_staff(till.session, Role.SUPERVISOR, till.all(Client)[0])
    to = till.now.date() + timedelta(days=28)
    rests.let_end(till.session, again, to, reason="Pay day", by=staff.id, now=till.now)
    leaves = evidence.account_leaves(till.session, till.account)
    asked, *_, moved = (leaf for leaf in leaves if leaf.type == "arrangement.amended")
    assert asked.payload["actor"] == evidence.debtor(till.account.debtor_id)
    assert moved.payload["actor"] == evidence.staff(staff.id)


def test_a_person_shortens_and_lengthens_it_within_the_clients_days(till: Till) -> None:
    agreed = plan(till, (400_00, 400_00, 440_00))
    hold = ask(till)
    staff = make_staff(till.session, Role.SUPERVISOR, till.all(Client)[0])
    today = till.now.date()

    def let_end(to: date) -> None:
        rests.let_end(till.session, hold, to, reason="Pay day", by=staff.id, now=till.now)

    let_end(today + timedelta(days=10))
    let_end(today + timedelta(days=28))
    with pytest.raises(RestTooLong):
        let_end(today + timedelta(days=31))
    till.session.commit()
    assert ends_on(till, hold) == today + timedelta(days=28)
    rows = till.session.scalars(select(Amendment).order_by(Amendment.n)).all()
    assert [(row.kind, row.counts) for row in rows] == [("paused", False)]
    assert till.session.get_one(Arrangement, (agreed.client_id, agreed.id)).status == "active"
    assert list(verify_client(till.session, till.account.client_id)) == []
    hold.ends_at = till.now + timedelta(days=300)
    till.session.flush()
    (found,) = verify_client(till.session, till.account.client_id)
    assert "a hold ends when the record says" in str(found)


def of(till: Till, template: str) -> list[Message]:
    """What was written of one kind, oldest first."""
    found = (one for one in till.all(Message) if one.template == template)
    return sorted(found, key=lambda one: one.created_at)


def test_py_07_a_debit_soon_after_a_rest_is_announced_in_it_and_taken(till: Till) -> None:
    agreed = plan(till, (400_00, 400_00, 440_00), method="automatic")
    hold = ask(till)
    moved = parts_of(till, agreed)[1]
    until = ends_on(till, hold)
    assert until <= moved.due_on < until + timedelta(days=10)
    till.wait(days=(moved.due_on - till.now.date()).days)
    told = {one.context["due_on"] for one in of(till, Notice.DEBIT)}
    assert moved.due_on.isoformat() in told
    look(till)
    assert parts_of(till, agreed)[1].status is InstallmentStatus.PAID
    assert not of(till, "payment_waits")


def test_py_07_a_notice_that_waits_is_dropped_once_nothing_will_be_taken(till: Till) -> None:
    agreed = plan(till, (400_00, 400_00, 440_00), method="automatic", told=False)
    till.stripe.clock.advance(days=(parts_of(till, agreed)[2].due_on - till.now.date()).days - 14)
    plan_notices.give(till.session, till.account.client_id, now=till.now)
    till.hold(HoldKind.DISPUTE)
    send_waiting(till, Notice.DEBIT)
    (notice,) = of(till, Notice.DEBIT)
    assert notice.status is MessageStatus.SUPPRESSED


def move(till: Till) -> None:
    """The hourly job that moves what a rest could not move yet."""
    client_id = till.account.client_id
    for one in rests.unmoved(till.session, client_id, now=till.now):
        rests.move_later(till.session, client_id, one, now=till.now)
    till.session.commit()


def test_a_plan_with_a_page_open_is_moved_once_the_page_is_closed(till: Till) -> None:
    agreed = manual(till)
    late = parts_of(till, agreed)[1]
    paying = till.start(
        late.amount_cents,
        purpose=PaymentPurpose.INSTALLMENT,
        arrangement_id=agreed.id,
        installment_id=late.id,
    )
    until = ends_on(till, ask(till))
    assert parts_of(till, agreed)[1].due_on < until
    with acting_as("portal_worker", till.session):
        assert till.session.scalar(CLOSING) == 1
    payments.release_checkout(till.session, till.gateway, till.account.id, now=till.now)
    assert paying.status is PaymentStatus.EXPIRED
    move(till)
    move(till)
    assert parts_of(till, agreed)[1].due_on >= until
    (row,) = till.all(Amendment)
    assert row.actor == evidence.SYSTEM
    assert list(verify_client(till.session, till.account.client_id)) == []


def waiting(till: Till) -> Arrangement:
    """An automatic plan whose card is saved, ten days before its first payment is taken."""
    make_contact(till.session, till.all(Debtor)[0])
    make_policy(till.session, till.all(Client)[0])
    agreed = make_plan(till, (400_00, 400_00, 440_00))
    for part in parts_of(till, agreed):
        part.due_on += timedelta(days=10)
    page = till.start(0, purpose="method", arrangement_id=agreed.id)
    till.pay(page)
    till.land(page)
    send_copy(till)
    till.session.commit()
    return agreed


def test_a_first_payment_that_we_take_comes_after_the_rest(till: Till) -> None:
    agreed = waiting(till)
    till.wait(days=5)
    until = ends_on(till, ask(till))
    first = parts_of(till, agreed)[0]
    assert first.due_on >= until
    till.wait(days=(first.due_on - till.now.date()).days)
    assert not expire_due(till.session, agreed.client_id, agreed.id, now=till.now)
    look(till)
    assert parts_of(till, agreed)[0].status is InstallmentStatus.PAID
    assert agreed.status is ArrangementStatus.ACTIVE


def test_a_first_payment_that_a_rest_moved_can_be_made_by_hand_on_its_day(till: Till) -> None:
    """Its offer's last day has passed by then: what is kept for its debtor can be paid."""
    agreed = waiting(till)
    agreed.valid_until = parts_of(till, agreed)[0].due_on
    ask(till)
    rests.end(till.session, till.account, now=till.now)
    first = parts_of(till, agreed)[0]
    assert first.due_on > agreed.valid_until
    till.wait(days=(first.due_on - till.now.date()).days)
    assert not expire_due(till.session, agreed.client_id, agreed.id, now=till.now)
    first_payment(till, agreed)
    assert parts_of(till, agreed)[0].status is InstallmentStatus.PAID


def test_a_first_payment_that_we_did_not_take_is_told_of_before_its_agreement_ends(
    till: Till,
) -> None:
    agreed = waiting(till)
    till.wait(days=9)
    till.hold(HoldKind.DISPUTE)
    till.wait(days=6)
    for hold in till.all(Hold):
        lift_hold(till.session, hold, reason="answered", now=till.now)
    day(till)
    assert parts_of(till, agreed)[0].status is InstallmentStatus.SCHEDULED
    assert MessageStatus.SENT in [one.status for one in of(till, "payment_missed")]
    assert not day(till)
    assert agreed.status is ArrangementStatus.AWAITING_FIRST_PAYMENT
    assert first_until(till.session, till.account, agreed, now=till.now) > till.now.date()
