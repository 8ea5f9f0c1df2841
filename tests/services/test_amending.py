"""A debtor's change of a running plan: once, as it was shown, and on the record."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.db import PortalSession, make_engine, tenant_session
from portal.domain.amendments import Change, NoChangeLeft
from portal.domain.capabilities import NotAllowedNow
from portal.domain.extra_payments import Effect
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.policy import Concessions
from portal.domain.schedules import Frequency
from portal.domain.statuses import ArrangementStatus, AuthorizationStatus, InstallmentStatus
from portal.models import (
    Amendment,
    Arrangement,
    Authorization,
    Client,
    Debtor,
    Installment,
    Message,
    PaymentPurpose,
    fresh_id,
)
from portal.services import amending, charging, evidence, payments
from portal.services.amending import PaymentMoving, PlanChanged, Wish, amend, change_for
from portal.services.amendment_record import Reviewed
from portal.services.arrangements import ArrangementOver, lock_parts
from portal.services.dispatch import Carriers, dispatch
from portal.services.reviews import ShownDocument
from portal.services.running import read_running
from portal.services.verify import verify_client
from portal.writing import write
from tests.databases import Database
from tests.factories import KEYS, happened, make_contact, make_link, make_policy
from tests.sandbox.checked import checked_stripe
from tests.services.paying import (
    Till,
    first_payment,
    make_plan,
    make_till,
    parts_of,
    pay_part,
    send_copy,
)
from tests.services.test_dispatch import Phone, Post

PARTS = (100_00, 100_00, 100_00, 100_00)
PAGE = ShownDocument("change", "1", "en", "text/html", b"<p>Before and after</p>")
TEXT = ShownDocument("authorization", "1", "en", "text/plain", b"You allow these payments.")


@pytest.fixture
def plan(till: Till) -> Arrangement:
    """Four payments of $100.00, the first of them paid, under a policy with concessions."""
    client = till.session.get_one(Client, till.account.client_id)
    make_policy(till.session, client, concessions=Concessions(skips=1, moves=1, pauses=1))
    agreed = make_plan(till, PARTS)
    first_payment(till, agreed)
    till.session.refresh(agreed)
    return agreed


def actor(till: Till) -> evidence.Actor:
    return evidence.debtor(till.account.debtor_id)


def day(till: Till, n: int) -> date:
    """The day of the nth payment, as it was agreed."""
    return till.now.date() + timedelta(days=30 * (n - 1))


def reviewed(till: Till, agreed: Arrangement, wish: Wish, **given: Any) -> Reviewed:
    """What a page would have shown of a change."""
    parts = lock_parts(till.session, agreed)
    running, facts = read_running(till.session, till.account, agreed, parts, now=till.now)
    values: dict[str, Any] = {
        "amendment_id": fresh_id(),
        "change_sha256": change_for(running, facts, wish).sha256,
        "documents": (PAGE,),
        "shown_at": till.now,
        "visit_id": fresh_id(),
        "control_label": "Move my payment",
        "build": "1",
    }
    return Reviewed(**(values | given))


def change(till: Till, agreed: Arrangement, wish: Wish, **given: Any) -> Amendment:
    page = reviewed(till, agreed, wish, **given)
    return amend(till.session, agreed, wish, reviewed=page, actor=actor(till), now=till.now)


def parts(till: Till) -> list[tuple[str, int, int, str]]:
    rows = till.session.scalars(select(Installment).order_by(Installment.n))
    return [(r.due_on.isoformat(), r.amount_cents, r.paid_cents, str(r.status)) for r in rows]


def moving(till: Till, n: int = 2, by: int = 5) -> Wish:
    return Wish(Change.MOVED, due_on=day(till, n), to=day(till, n) + timedelta(days=by))


def test_a_payment_is_moved_with_its_page_on_the_record(till: Till, plan: Arrangement) -> None:
    row = change(till, plan, moving(till))
    assert parts(till)[1][0] == (day(till, 2) + timedelta(days=5)).isoformat()
    shown, amended = happened(till.session, till.account)[-2:]
    assert (shown.type, amended.type) == ("terms.reviewed", "arrangement.amended")
    assert shown.payload["terms_sha256"] == amended.payload["change_sha256"]
    told = amended.payload
    assert (told["kind"], told["amendment"], told["actor"]["kind"]) == (
        "moved",
        str(row.id),
        "debtor",
    )
    assert told["before"][1]["due_on"] == told["from_on"] == day(till, 2).isoformat()
    assert told["after"][1]["due_on"] == told["to_on"]
    kept = evidence.document(
        till.session, plan.client_id, till.account.chain_id, told["documents"][0]["sha256"]
    )
    assert kept.body == PAGE.body
    assert "plan_changed" in set(till.session.scalars(select(Message.template)))
    assert till.broken() == []


def test_the_same_page_sent_twice_is_one_change(till: Till, plan: Arrangement) -> None:
    page = reviewed(till, plan, moving(till))
    both = [
        amend(till.session, plan, moving(till), reviewed=page, actor=actor(till), now=till.now)
        for _ in range(2)
    ]
    assert both[0] is both[1]
    assert len(till.all(Amendment)) == 1


def test_of_two_pages_the_second_is_told_that_the_plan_has_changed(
    till: Till, plan: Arrangement
) -> None:
    skipping = Wish(Change.SKIPPED, due_on=day(till, 3))
    late = reviewed(till, plan, skipping)
    change(till, plan, moving(till))
    with pytest.raises(PlanChanged):
        amend(till.session, plan, skipping, reviewed=late, actor=actor(till), now=till.now)
    assert len(till.all(Amendment)) == 1


def test_concessions_are_counted_from_the_rows(till: Till, plan: Arrangement) -> None:
    change(till, plan, moving(till))
    with pytest.raises(NoChangeLeft):
        change(till, plan, moving(till, 3))
    change(till, plan, Wish(Change.SKIPPED, due_on=day(till, 3)))
    change(till, plan, Wish(Change.PAUSED))
    assert [row.n for row in till.all(Amendment)] == [1, 2, 3]
    assert till.broken() == []


def test_a_skipped_payment_comes_last(till: Till, plan: Arrangement) -> None:
    change(till, plan, Wish(Change.SKIPPED, due_on=day(till, 2)))
    dates = [due_on for due_on, *_ in parts(till)]
    assert dates[1:3] == [day(till, 3).isoformat(), day(till, 4).isoformat()]
    assert dates[3] > dates[2]
    assert till.broken() == []


def test_nothing_is_changed_while_a_payment_is_on_its_way(till: Till, plan: Arrangement) -> None:
    page = reviewed(till, plan, moving(till))
    till.start(50_00)
    with pytest.raises(PaymentMoving) as refused:
        amend(till.session, plan, moving(till), reviewed=page, actor=actor(till), now=till.now)
    assert refused.value.params["amount"].cents == 50_00
    with pytest.raises(PaymentMoving):
        amending.cancel(till.session, plan, actor=actor(till), now=till.now)


def test_nothing_is_changed_under_a_hold_or_after_the_end(till: Till, plan: Arrangement) -> None:
    page = reviewed(till, plan, moving(till))
    amending.cancel(till.session, plan, actor=actor(till), now=till.now)
    with pytest.raises(ArrangementOver):
        amend(till.session, plan, moving(till), reviewed=page, actor=actor(till), now=till.now)
    till.hold(HoldKind.DISPUTE)
    again = make_plan(till, PARTS)
    first = reviewed(till, again, moving(till))
    with pytest.raises(NotAllowedNow):
        amend(till.session, again, moving(till), reviewed=first, actor=actor(till), now=till.now)


def test_a_card_is_charged_on_the_new_date_and_not_on_the_old_one(
    till: Till, plan: Arrangement
) -> None:
    """PY-05: the permission stands, since its debtor chose another day for the same payment."""
    send_copy(till)
    change(till, plan, moving(till))
    second = till.session.scalars(select(Installment).where(Installment.n == 2)).one()
    till.wait(days=30)
    assert charging.charge_installment(till.session, till.gateway, second.id, now=till.now) is None
    till.wait(days=5)
    charging.charge_installment(till.session, till.gateway, second.id, now=till.now)
    till.session.refresh(second)
    assert second.status is InstallmentStatus.PAID
    assert till.broken() == []


def test_a_missed_payment_is_cured_by_another_day_and_uses_up_nothing(
    till: Till, plan: Arrangement
) -> None:
    till.wait(days=33)
    second = till.session.scalars(select(Installment).where(Installment.n == 2)).one()
    second.status, second.attempts = InstallmentStatus.FAILED, 1
    until = till.now.date() + timedelta(days=10)
    wish = Wish(Change.MOVED, due_on=second.due_on, to=until, cure_until=until)
    row = amending.move(till.session, plan, wish, actor=evidence.SYSTEM, now=till.now)
    assert (second.due_on, second.status) == (until, InstallmentStatus.SCHEDULED)
    assert not row.counts
    assert till.broken() == []


@pytest.mark.parametrize(
    ("effect", "left"), [(Effect.SHORTEN, [100_00, 50_00]), (Effect.LOWER, [50_00] * 3)]
)
def test_an_extra_payment_makes_the_rest_shorter_or_lower(
    till: Till, plan: Arrangement, effect: Effect, left: list[int]
) -> None:
    till.paid(150_00, purpose=PaymentPurpose.INSTALLMENT, arrangement_id=plan.id, effect=effect)
    assert [amount for _, amount, _, status in parts(till) if status == "scheduled"] == left
    extra = parts(till)[-1]
    assert extra[1:] == (150_00, 150_00, "paid")
    (row,) = till.all(Amendment)
    assert (row.kind, row.counts) == (f"{effect}ed".replace("rr", "r"), False)
    assert plan.total_cents == 400_00
    assert till.broken() == []


def test_an_extra_payment_that_comes_when_a_part_is_due_pays_that_part(
    till: Till, plan: Arrangement
) -> None:
    payment = till.start(
        150_00,
        purpose=PaymentPurpose.INSTALLMENT,
        arrangement_id=plan.id,
        effect=Effect.LOWER,
    )
    till.pay(payment)
    till.wait(days=30)
    till.land(payment)
    assert [paid for _, _, paid, _ in parts(till)] == [100_00, 100_00, 50_00, 0]
    assert till.broken() == []


def test_paying_off_takes_what_is_left_and_completes(till: Till, plan: Arrangement) -> None:
    till.paid(300_00, purpose=PaymentPurpose.INSTALLMENT, arrangement_id=plan.id)
    till.session.refresh(plan)
    assert plan.status is ArrangementStatus.COMPLETED
    assert till.broken() == []


def test_a_partly_paid_payment_never_grows(till: Till, plan: Arrangement) -> None:
    till.paid(30_00, purpose=PaymentPurpose.INSTALLMENT, arrangement_id=plan.id)
    change(till, plan, Wish(Change.SKIPPED, due_on=day(till, 2)))
    assert parts(till)[1][1:] == (30_00, 30_00, "paid")
    assert [amount - paid for _, amount, paid, _ in parts(till)[2:]] == [100_00, 100_00, 70_00]
    assert till.broken() == []


def weekly(amount: int = 50_00) -> Wish:
    return Wish(Change.REPLANNED, frequency=Frequency.WEEKLY, amount_cents=Cents(amount))


def test_another_rhythm_with_the_changed_permission_goes_on_by_itself(
    till: Till, plan: Arrangement
) -> None:
    """PY-05, PY-07: a new permission, whose copy leaves before it is charged under."""
    change(till, plan, weekly(), documents=(PAGE, TEXT), ticked="I allow this")
    old, new = till.all(Authorization)
    assert (old.status, new.status) == (AuthorizationStatus.REVOKED, AuthorizationStatus.GRANTED)
    assert (new.document_sha256.hex(), new.cap_cents) == (TEXT.sha256, 300_00)
    assert (new.method_id, new.copied_at) == (old.method_id, None)
    assert [amount for _, amount, _, status in parts(till) if status == "scheduled"] == [50_00] * 6
    assert till.broken() == []


def test_what_is_charged_under_the_changed_permission_stays(till: Till, plan: Arrangement) -> None:
    """PY-05, PY-08: the permission before it ended with the change, which is no stop."""
    change(till, plan, weekly(), documents=(PAGE, TEXT), ticked="I allow this")
    send_copy(till)
    due = till.session.scalars(select(Installment).where(Installment.n == 2)).one()
    till.wait(days=(due.due_on - till.now.date()).days)
    charging.charge_installment(till.session, till.gateway, due.id, now=till.now)
    till.session.refresh(due)
    assert due.status is InstallmentStatus.PAID
    assert (till.refunds, till.questions) == ([], [])
    assert till.broken() == []


def test_another_rhythm_without_it_is_paid_by_hand(till: Till, plan: Arrangement) -> None:
    change(till, plan, weekly(), documents=(PAGE, TEXT))
    assert plan.method == "manual"
    (old,) = till.all(Authorization)
    assert old.status is AuthorizationStatus.REVOKED
    assert till.broken() == []


def test_after_a_shorter_plan_a_longer_one_uses_its_rows_again(
    till: Till, plan: Arrangement
) -> None:
    change(
        till, plan, Wish(Change.REPLANNED, frequency=Frequency.MONTHLY, amount_cents=Cents(150_00))
    )
    assert [status for *_, status in parts(till)] == ["paid", "scheduled", "scheduled", "canceled"]
    change(till, plan, weekly(60_00))
    assert [amount for _, amount, *_ in parts(till)] == [100_00, *[60_00] * 5]
    pay_part(till, parts_of(till, plan)[1])
    assert till.broken() == []


def test_a_canceled_plan_takes_nothing_more_and_says_so(till: Till, plan: Arrangement) -> None:
    for _ in range(2):
        ended = amending.cancel(till.session, plan, actor=actor(till), now=till.now)
    assert (ended.status, ended.ended_reason) == (ArrangementStatus.CANCELED, "debtor_canceled")
    assert till.all(Authorization)[-1].status is AuthorizationStatus.REVOKED
    sent = list(till.session.scalars(select(Message.template)))
    assert sent.count("arrangement_canceled") >= 1
    assert till.broken() == []


def test_the_page_of_an_extra_payment_is_given_out_again_only_for_the_same_effect(
    till: Till, plan: Arrangement
) -> None:
    wanted = {"purpose": PaymentPurpose.INSTALLMENT, "arrangement_id": plan.id}
    first = till.start(50_00, **wanted, effect=Effect.LOWER)
    assert till.start(50_00, **wanted, effect=Effect.LOWER).id == first.id
    assert till.start(50_00, **wanted, effect=Effect.SHORTEN).id != first.id
    assert payments.open_attempt(till.session, till.account.id) is not None


def test_a_proven_address_reads_the_new_dates_and_nothing_of_an_older_change(
    till: Till, plan: Arrangement
) -> None:
    """PY-07: the notice of a change."""
    post = Post()
    make_proven(till)
    change(till, plan, moving(till))
    change(till, plan, Wish(Change.PAUSED))
    carriers = Carriers(mailer=post, texter=Phone(), write=write, keys=KEYS)
    told = select(Message.id).where(Message.template == "plan_changed", Message.channel == "email")
    for message_id in till.session.scalars(told).all():
        dispatch(till.session, plan.client_id, message_id, carriers=carriers, now=till.now)
    (mail,) = post.sent
    assert "You pay $300.00 in all from now on:" in mail.text
    assert mail.text.count("$100.00 on ") == 3


def make_proven(till: Till) -> None:
    """An address through which Dana has shown who she is (EC-08)."""
    debtor = till.session.get_one(Debtor, (till.account.client_id, till.account.debtor_id))
    contact = make_contact(till.session, debtor)
    issued = make_link(till.session, debtor, keys=KEYS, now=till.now, contact=contact)
    issued.link.verified_at = till.now


def test_the_row_of_a_change_is_never_changed(
    session: PortalSession, till: Till, plan: Arrangement
) -> None:
    row = change(till, plan, moving(till))
    row.kind = "skipped"
    with pytest.raises(Exception, match="amendment|never changed|append"):
        session.flush()


def test_of_two_changes_sent_at_once_one_wins(fresh_db: Database) -> None:
    engine = make_engine(fresh_db.url("portal_app"))
    with tenant_session(engine) as session, checked_stripe() as stripe:
        till = make_till(session, stripe)
        client = session.get_one(Client, till.account.client_id)
        make_policy(session, client, concessions=Concessions(skips=1, moves=1))
        agreed = make_plan(till, PARTS)
        first_payment(till, agreed)
        wishes = [moving(till), Wish(Change.SKIPPED, due_on=day(till, 3))]
        pages = [(wish, reviewed(till, agreed, wish)) for wish in wishes]
        me, now = actor(till), till.now
        session.commit()

    def press(page: tuple[Wish, Reviewed]) -> str:
        with tenant_session(engine, [agreed.client_id]) as session:
            mine = session.get_one(Arrangement, (agreed.client_id, agreed.id))
            try:
                amend(session, mine, page[0], reviewed=page[1], actor=me, now=now)
            except PlanChanged:
                return "changed"
            session.commit()
            return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(press, pages)) == ["changed", "done"]
    with tenant_session(engine, [agreed.client_id]) as session:
        assert len(session.scalars(select(Amendment)).all()) == 1
        assert list(verify_client(session, agreed.client_id)) == []
    engine.dispose()
