"""Settlements: what is forgiven is forgiven while the agreed sum is here, to the cent."""

from datetime import timedelta
from uuid import UUID

import pytest

from portal.domain.money import Cents
from portal.domain.statuses import ArrangementStatus
from portal.models import Arrangement, Debtor, EntryKind, Payment, ShownOffer, fresh_id
from portal.sandbox import control
from portal.services import evidence, forgiveness, giving_back, reconcile, refunds
from portal.services.evidence import account_leaves
from portal.services.ledger import lock_account, open_exception, post
from tests.factories import make_account, make_visit
from tests.services.paying import Till, first_payment, make_plan, parts_of, pay_part


def settled(till: Till, parts: tuple[int, ...] = (868_00,)) -> tuple[Arrangement, list[Payment]]:
    """A settlement of 1,240.00 for 868.00, agreed and paid in these parts."""
    agreed = make_plan(till, parts, method="manual", kind="settlement")
    paid = [first_payment(till, agreed)]
    return agreed, paid + [pay_part(till, part) for part in parts_of(till, agreed)[1:]]


def read_again(till: Till) -> None:
    """Whatever Stripe has to tell, told twice."""
    for _ in range(2):
        till.reconcile()
        reconcile.reread_unfinished(
            till.session, till.gateway, till.account.client_id, now=till.now
        )


def stands(till: Till, agreed: Arrangement) -> bool:
    """Whether the settlement is fulfilled, in a ledger that holds."""
    assert till.broken() == []
    till.session.refresh(agreed)
    return agreed.status == ArrangementStatus.COMPLETED


def give_back(till: Till, payment: Payment, cents: int) -> None:
    """A supervisor gives money back, and Stripe does it."""
    said = {"actor": evidence.staff(fresh_id()), "reason": "asked"}
    account = lock_account(till.session, till.account.id)
    wanted = giving_back.give_back(till.session, account, payment, Cents(cents), said, now=till.now)
    refunds.post_refund(till.session, till.gateway, wanted.id, now=till.now)


def test_a_chargeback_of_a_settlement_makes_all_of_it_owed_again(till: Till) -> None:
    agreed, (payment,) = settled(till)
    opened = control.dispute(till.stripe.world, payment.intent_id or "")
    read_again(till)
    assert not stands(till, agreed)
    assert till.balance == 1240_00
    assert till.account.status == "open"
    assert till.entries[2:] == [("chargeback", 868_00), ("forgiveness_reversed", 372_00)]
    control.close_dispute(till.stripe.world, opened["id"], won=False)
    read_again(till)
    assert till.balance == 1240_00
    leaves = account_leaves(till.session, till.account)
    (leaf,) = (one for one in leaves if one.type == "forgiveness.reversed")
    assert leaf.payload["amount_cents"] == 372_00


def test_a_chargeback_that_is_won_lets_the_settlement_stand_again(till: Till) -> None:
    agreed, (payment,) = settled(till)
    opened = control.dispute(till.stripe.world, payment.intent_id or "")
    read_again(till)
    control.close_dispute(till.stripe.world, opened["id"], won=True)
    read_again(till)
    assert stands(till, agreed)
    assert till.balance == 0
    assert till.account.status == "settled"
    assert till.entries[4:] == [("chargeback_reversed", -868_00), ("forgiven", -372_00)]


def test_a_chargeback_won_before_we_read_it_leaves_the_settlement_alone(till: Till) -> None:
    agreed, (payment,) = settled(till)
    opened = control.dispute(till.stripe.world, payment.intent_id or "")
    control.close_dispute(till.stripe.world, opened["id"], won=True)
    read_again(till)
    assert stands(till, agreed)
    assert till.balance == 0


def test_a_part_charged_back_before_the_last_part_is_paid_comes_to_the_same(till: Till) -> None:
    """Whether the bank is faster than the debtor does not change what is owed."""
    agreed = make_plan(till, (434_00, 434_00), method="manual", kind="settlement")
    first = first_payment(till, agreed)
    opened = control.dispute(till.stripe.world, first.intent_id or "")
    read_again(till)
    pay_part(till, parts_of(till, agreed)[1])
    assert not stands(till, agreed)
    assert till.balance == 1240_00 - 434_00
    assert [str(part.status) for part in parts_of(till, agreed)] == ["paid", "paid"]
    control.close_dispute(till.stripe.world, opened["id"], won=True)
    read_again(till)
    assert stands(till, agreed)
    assert till.balance == 0


def test_a_bank_debit_that_comes_back_ends_the_settlement(till: Till) -> None:
    """PY-09: what the bank returns as not allowed is lost at once."""
    agreed = make_plan(till, (868_00,), method="manual", kind="settlement")
    payment = first_payment(till, agreed, "bank_success")
    control.finish_debit(till.stripe.world, payment.intent_id or "")
    till.land(payment)
    assert stands(till, agreed)
    control.dispute(till.stripe.world, payment.intent_id or "")
    read_again(till)
    assert not stands(till, agreed)
    assert till.balance == 1240_00


@pytest.mark.parametrize("cents", [1, 868_00])
def test_giving_a_settlement_back_ends_it_and_a_failed_refund_restores_it(
    till: Till, cents: int
) -> None:
    agreed, (payment,) = settled(till)
    give_back(till, payment, cents)
    assert not stands(till, agreed)
    assert till.balance == 372_00 + cents
    control.finish_refund(till.stripe.world, till.refunds[0].refund_id or "", failed=True)
    read_again(till)
    assert stands(till, agreed)
    assert till.balance == 0
    assert till.account.status == "settled"


def test_partial_refunds_end_a_settlement_once(till: Till) -> None:
    agreed, (payment,) = settled(till)
    for cents in (100_00, 200_00):
        control.refund(till.stripe.world, payment.intent_id or "", amount=cents)
        read_again(till)
    assert not stands(till, agreed)
    assert till.balance == 372_00 + 300_00
    assert [kind for kind, _ in till.entries].count("forgiveness_reversed") == 1
    for refund in till.refunds:
        assert not stands(till, agreed)
        control.finish_refund(till.stripe.world, refund.refund_id or "", failed=True)
        read_again(till)
    assert stands(till, agreed)
    assert till.balance == 0


def test_giving_back_what_was_paid_too_much_leaves_the_settlement_alone(till: Till) -> None:
    agreed, (payment,) = settled(till)
    till.lower(100_00)
    give_back(till, payment, 100_00)
    assert stands(till, agreed)
    assert till.balance == 0
    assert till.refunds[0].cause == "paid_too_much"


def test_what_the_debtor_paid_meanwhile_goes_back_when_the_settlement_stands_again(
    till: Till,
) -> None:
    """A settlement collects no more than was agreed."""
    agreed, (payment,) = settled(till)
    opened = control.dispute(till.stripe.world, payment.intent_id or "")
    read_again(till)
    till.paid(50_00)
    control.close_dispute(till.stripe.world, opened["id"], won=True)
    read_again(till)
    refunds.post_refund(till.session, till.gateway, till.refunds[0].id, now=till.now)
    assert stands(till, agreed)
    assert till.balance == 0
    assert [refund.amount_cents for refund in till.refunds] == [50_00]


def test_two_settlements_of_one_debt_forgive_it_once(till: Till) -> None:
    """The second was paid because the first had ended; won back, the first is enough."""
    agreed, (payment,) = settled(till)
    opened = control.dispute(till.stripe.world, payment.intent_id or "")
    read_again(till)
    till.wait(days=10)
    settled(till)
    assert till.balance == 0
    control.close_dispute(till.stripe.world, opened["id"], won=True)
    read_again(till)
    assert till.refunds[0].amount_cents == 868_00
    refunds.post_refund(till.session, till.gateway, till.refunds[0].id, now=till.now)
    assert till.balance == 0
    assert stands(till, agreed)


def test_the_check_of_the_books_finds_a_forgiveness_that_outlived_its_settlement(
    till: Till,
) -> None:
    _, (payment,) = settled(till)
    account = lock_account(till.session, till.account.id)
    post(
        till.session,
        account,
        kind=EntryKind.CHARGEBACK,
        source="movement:txn_1",
        amount_cents=Cents(868_00),
        now=till.now,
        payment=payment,
    )
    found = {broken.invariant: broken.where.partition(": ")[2] for broken in till.broken()}
    settlement = "a settlement forgives while all that was agreed is here, and no longer"
    assert found[settlement] == "86800 lost, -37200 forgiven"
    assert len(found) == 3  # beside it: no chargeback of Stripe's, and no leaf


def test_an_overpaid_account_needs_a_question_of_its_own_that_explains_it(till: Till) -> None:
    """Any other open question of the account, or of another account, explains nothing."""
    till.paid(1240_00)
    account = lock_account(till.session, till.account.id)
    other = make_account(till.session, till.session.get_one(Debtor, debtor_key(till)))
    till.lower(10_00)
    for kind, asked in (("two_on_their_way", account), ("paid_too_much", other)):
        open_exception(
            till.session, asked, kind=kind, source="payment:1", detail="Look.", now=till.now
        )
    assert [broken.where for broken in till.broken()] == [f"{account.reference}: -1000"]
    open_exception(
        till.session,
        account,
        kind="paid_too_much",
        source="payment:2",
        detail="Look.",
        now=till.now,
    )
    assert till.broken() == []


def debtor_key(till: Till) -> tuple[UUID, UUID]:
    """The key of the account's debtor."""
    return till.account.client_id, till.account.debtor_id


def counting(till: Till) -> tuple[Arrangement, Payment, Payment]:
    """Shown 868.00, paid 500.00 as a part, and settled with the 368.00 that were left."""
    part = till.paid(500_00)
    counted = {"counted_cents": Cents(500_00), "paid_before_cents": Cents(0)}
    agreed = make_plan(till, (368_00,), method="manual", kind="settlement", **counted)
    return agreed, part, first_payment(till, agreed)


def test_a_settlement_that_a_part_counted_for_ends_when_that_part_goes_back(till: Till) -> None:
    agreed, part, _last = counting(till)
    assert stands(till, agreed)
    assert till.balance == 0
    assert forgiveness.at_stake(till.session, part) == 372_00
    opened = control.dispute(till.stripe.world, part.intent_id or "")
    read_again(till)
    assert not stands(till, agreed)
    assert till.balance == 872_00, "all that is owed, less the 368.00 that are here"
    control.close_dispute(till.stripe.world, opened["id"], won=True)
    read_again(till)
    assert stands(till, agreed)
    assert till.balance == 0


def test_giving_back_what_was_paid_before_the_offer_was_shown_leaves_the_settlement_alone(
    till: Till,
) -> None:
    older = till.paid(100_00)
    till.wait(hours=1)
    account = till.account
    visit = make_visit(till.session, account, started_at=till.now)
    given = {"policy_version": 1, "key": "plan", "total_cents": 800_00, "parts": 1}
    till.session.add(
        ShownOffer(
            client_id=account.client_id,
            account_id=account.id,
            valid_until=till.now.date() + timedelta(days=30),
            balance_cents=account.balance_cents,
            paid_cents=100_00,
            shown_at=till.now,
            session_id=visit.session_id,
            **given,
        )
    )
    till.wait(hours=1)
    part = till.paid(500_00)
    counted = {"counted_cents": Cents(500_00), "paid_before_cents": Cents(100_00)}
    agreed = make_plan(till, (300_00,), method="manual", kind="settlement", **counted)
    first_payment(till, agreed)
    till.wait(hours=1)
    for paid, cents, status in (
        (older, 100_00, ArrangementStatus.COMPLETED),
        (part, 500_00, ArrangementStatus.BROKEN),
    ):
        give_back(till, paid, cents)
        till.session.refresh(agreed)
        assert agreed.status == status
        held = {one.invariant for one in till.broken()}
        assert held == {"a settlement that is kept was shown"}, "its row alone was put in by hand"


def test_giving_back_what_counted_ends_the_settlement(till: Till) -> None:
    agreed, part, _last = counting(till)
    give_back(till, part, 500_00)
    assert not stands(till, agreed)
    assert till.balance == 872_00
