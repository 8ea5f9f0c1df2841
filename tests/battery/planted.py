"""Faults that are planted on purpose: the battery is worth what it catches of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from portal import tasks
from portal.domain import paydays, schedules
from portal.domain.schedules import Frequency
from portal.gateways.payments import GatewayRefund, RefundStatus
from portal.gateways.stripe import StripeGateway
from portal.models import Installment, Payment, Refund, fresh_id
from portal.services import (
    acceptance,
    amending,
    amendment_record,
    arrangements,
    charging,
    ledger,
    payer_links,
    payments,
    pre_debit,
    reconcile,
    refunds,
    settling,
    standing,
)
from tests.battery import simulation
from tests.battery.agreed import EXTENDED, ONE_PLAN, SCHEDULED, TOLD
from tests.battery.amended import CHANGED
from tests.battery.invariants import NOT_KEPT


@dataclass(frozen=True)
class Patch:
    """One name in one module, and what takes its place."""

    where: Any
    name: str
    instead: Any


@dataclass(frozen=True)
class Fault:
    """A mistake somebody could make, and a seed of the suite's in which the battery sees it.

    ``only`` is the one invariant that sees it.
    """

    story: str
    patches: Callable[[], tuple[Patch, ...]]
    seed: int
    only: str = ""


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """The portal with this mistake in it."""
    patches = fault.patches()
    before = [getattr(patch.where, patch.name) for patch in patches]
    for patch in patches:
        setattr(patch.where, patch.name, patch.instead)
    try:
        yield
    finally:
        for patch, found in zip(patches, before, strict=True):
            setattr(patch.where, patch.name, found)


def _random_refund_keys() -> tuple[Patch, ...]:
    refund, numbers = StripeGateway.refund, count()

    def with_another_key(self: StripeGateway, intent: str, **given: Any) -> GatewayRefund:
        given["idempotency_key"] += f"-{next(numbers)}"
        return refund(self, intent, **given)

    return (Patch(StripeGateway, "refund", with_another_key),)


def _every_reading_posts() -> tuple[Patch, ...]:
    post, numbers = ledger.post, count()

    def under_another_name(session: Any, account: Any, **given: Any) -> bool:
        given["source"] += f":{next(numbers)}"
        return post(session, account, **given)

    return (Patch(refunds, "post", under_another_name),)


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _no_sweeper() -> tuple[Patch, ...]:
    return (Patch(reconcile, "sweep", lambda *_, **__: 0),)


def _charge_after_stop() -> tuple[Patch, ...]:
    return (Patch(charging, "_permitted", lambda *_, **__: True),)


def _post_again_without_reading() -> tuple[Patch, ...]:
    def sweep(session: Any, gateway: Any, payment_id: Any, *, now: datetime) -> None:
        payment = payments.locked(session, payment_id)
        attempting = payment.status == "attempting"
        session.commit()
        if attempting:
            charging.post_charge(session, gateway, payment_id, now=now)
        else:
            payments.refresh(session, gateway, payment_id, now=now)

    return (Patch(reconcile, "sweep_payment", sweep),)


def _whole_payment_back() -> tuple[Patch, ...]:
    give_back = refunds.give_back

    def all_of_it(session: Any, payment: Payment, amount: Any, **given: Any) -> Refund:
        whole = payment.amount_cents if given["cause"] == "paid_too_much" else amount
        return give_back(session, payment, whole, **given)

    return (Patch(refunds, "give_back", all_of_it),)


def _no_excess_back() -> tuple[Patch, ...]:
    return (Patch(refunds, "give_back_excess", _nothing),)


def _two_tabs() -> tuple[Patch, ...]:
    def close(session: Any, gateway: Any, found: Payment, *, now: datetime) -> None:
        locked = payments.locked(session, found.id)
        if locked.status in ("created", "open"):
            locked.status = "canceled"  # type: ignore[assignment]
        session.commit()

    return (Patch(payments, "_close", close),)


def _no_remainder() -> tuple[Patch, ...]:
    rows = acceptance._installments

    def rounded(agreed: Any, drafted: Any) -> Iterator[Any]:
        parts = list(rows(agreed, drafted))
        if len(parts) > 1:
            parts[-1].amount_cents = parts[0].amount_cents
        yield from parts

    return (Patch(acceptance, "_installments", rounded),)


def _refunds_by_charge() -> tuple[Patch, ...]:
    post = ledger.post

    def by_charge(session: Any, account: Any, **given: Any) -> bool:
        if given["kind"] == "refund":
            given["source"] = f"refund:{given['payment'].intent_id}"
        return post(session, account, **given)

    return (Patch(refunds, "post", by_charge),)


def _events_only() -> tuple[Patch, ...]:
    return (Patch(reconcile, "reconcile_account", lambda *_, **__: 0),)


def _days_early() -> tuple[Patch, ...]:
    today_of, due_installments = standing.today_of, charging.due_installments
    early = timedelta(days=3)

    def ahead(debtor: Any, now: datetime) -> Any:
        return today_of(debtor, now) + early

    def soon(session: Any, client_id: UUID, *, now: datetime, **given: Any) -> list[UUID]:
        return list(due_installments(session, client_id, now=now + early, **given))

    return (
        Patch(charging, "today_of", ahead),
        Patch(charging, "due_installments", soon),
        Patch(pre_debit, "may_charge", lambda *_, **__: True),
    )


def _late_failure_wins() -> tuple[Patch, ...]:
    move = settling.move

    def anything(current: Any, new: Any) -> Any:
        return new if current == "succeeded" else move(current, new)

    apply = settling._apply_intent

    def forgetful(session: Any, account: Any, payment: Any, *rest: Any, **given: Any) -> None:
        if payment.status == "succeeded":
            payment.status = "open"
        apply(session, account, payment, *rest, **given)

    return (Patch(settling, "move", anything), Patch(settling, "_apply_intent", forgetful))


def _stripe_first() -> tuple[Patch, ...]:
    commit = payments.commit

    def not_yet(session: Any, name: str) -> None:
        if name in ("payment.created", "payment.drafted"):
            session.flush()
        else:
            commit(session, name)

    return (Patch(payments, "commit", not_yet),)


def _refund_comes_back() -> tuple[Patch, ...]:
    return (Patch(refunds, "FAILED", ()), Patch(refunds, "GOING_BACK", tuple(RefundStatus)))


def _days_drift() -> tuple[Patch, ...]:
    def from_the_one_before(first_on: date, frequency: Frequency, count: int) -> tuple[date, ...]:
        if frequency is not Frequency.MONTHLY:
            return due_dates(first_on, frequency, count)
        found = [first_on]
        while len(found) < count:
            found.append(schedules.add_months(found[-1], 1, found[-1].day))
        return tuple(found)

    due_dates = schedules.due_dates
    return (Patch(paydays, "due_dates", from_the_one_before),)


def _told_twice() -> tuple[Patch, ...]:
    tell = acceptance.record.tell

    def twice(*given: Any) -> None:
        tell(*given)
        tell(*given)

    return (Patch(acceptance.record, "tell", twice),)


def _tail_cut() -> tuple[Patch, ...]:
    judge = simulation.judge

    def afterwards(sim: Any) -> None:
        sim.bench.doctor(_CUT)
        judge(sim)

    return (Patch(simulation, "judge", afterwards),)


# The newest leaves go, where they are of payments, and whatever says that they were there.
_CUT = """
    WITH whole AS (
      SELECT c.id, max(f.n) FILTER (WHERE f.type NOT LIKE 'payment.%') AS n
      FROM chain c JOIN leaf f ON f.chain_id = c.id GROUP BY c.id),
    gone AS (DELETE FROM leaf f USING whole w WHERE f.chain_id = w.id AND f.n > w.n),
    waits AS (DELETE FROM pending_leaf f USING whole w WHERE f.chain_id = w.id AND f.n > w.n),
    told AS (DELETE FROM leaf_payload f USING whole w WHERE f.chain_id = w.id AND f.n > w.n)
    UPDATE chain c SET n = f.n, hash = f.hash
    FROM whole w JOIN leaf f ON (f.chain_id, f.n) = (w.id, w.n) WHERE c.id = w.id"""


def _granted_terms_stay_open() -> tuple[Patch, ...]:
    return (Patch(acceptance, "_close_proposal", _nothing),)


def _excess_goes_back_later() -> tuple[Patch, ...]:
    give_back_excess, reconcile_all = refunds.give_back_excess, tasks.reconcile_all
    left: list[tuple[datetime, UUID, UUID]] = []

    def note(session: Any, account: Any, payment: Payment, *, now: datetime) -> None:
        left.append((now + timedelta(hours=12), payment.client_id, payment.id))

    def and_what_is_left(timestamp: int) -> None:
        reconcile_all(timestamp)
        now = tasks.current().clock.now()
        while left and left[0][0] <= now:
            _, client_id, payment_id = left.pop(0)
            with tasks.current().sessions(info={"client_ids": (client_id,)}) as session:
                account, payment = ledger.lock_payment(session, payment_id)
                give_back_excess(session, account, payment, now=now)
                session.commit()

    return (
        Patch(refunds, "give_back_excess", note),
        Patch(tasks, "reconcile_all", and_what_is_left),
    )


def _any_payer_link() -> tuple[Patch, ...]:
    return (Patch(payer_links, "check_link", _nothing),)


def _no_expiry() -> tuple[Patch, ...]:
    return (Patch(arrangements, "overdue", lambda *_, **__: ()),)


def _changed_twice() -> tuple[Patch, ...]:
    amend = amending.amend

    def whatever_was_shown(
        session: Any, agreed: Any, wish: Any, *, reviewed: Any, **given: Any
    ) -> Any:
        account = ledger.lock_account(session, agreed.account_id)
        *_, change = amending._checked(session, account, agreed, wish, now=given["now"])
        anew = replace(reviewed, amendment_id=fresh_id(), change_sha256=change.sha256)
        return amend(session, agreed, wish, reviewed=anew, **given)

    return (Patch(amending, "amend", whatever_was_shown),)


def _moved_on_paper() -> tuple[Patch, ...]:
    apply = amending.apply

    def and_back(act: Any, parts: Any, change: Any, *rest: Any) -> None:
        days = [(part, part.due_on) for part in parts]
        apply(act, parts, change, *rest)
        for part, due_on in days:
            part.due_on = due_on

    return (Patch(amending, "apply", and_back),)


def _old_day_charged() -> tuple[Patch, ...]:
    change_parts, is_due = amendment_record.change_parts, charging._is_due
    due_installments = charging.due_installments
    old: dict[UUID, date] = {}

    def noted(session: Any, agreed: Any, parts: Any, after: Any) -> None:
        before = {part.id: part.due_on for part in parts}
        change_parts(session, agreed, parts, after)
        old.update((p.id, before[p.id]) for p in parts if p.due_on != before[p.id])

    def as_noted(session: Any, client_id: UUID, *, now: datetime, **given: Any) -> list[UUID]:
        due = due_installments(session, client_id, now=now, **given)
        moved = [one for one, day in old.items() if day <= now.date() and one not in due]
        return [*due, *(one for one in moved if session.get(Installment, (client_id, one)))]

    def due(part: Any, today: date) -> bool:
        day = old.get(part.id, part.due_on)
        return is_due(part, today) or part.status == "scheduled" and day <= today

    return (
        Patch(amendment_record, "change_parts", noted),
        Patch(charging, "due_installments", as_noted),
        Patch(charging, "_is_due", due),
        Patch(pre_debit, "may_charge", lambda *_, **__: True),
    )


FAULTS: dict[str, Fault] = {
    "every_reading_posts": Fault("Ledger rows without uniqueness", _every_reading_posts, 3),
    "no_sweeper": Fault("Nobody finishes what hangs", _no_sweeper, 8),
    "two_tabs": Fault("A page is given up, but not closed at Stripe", _two_tabs, 2),
    "no_remainder": Fault("Equal installments, rounded", _no_remainder, 0),
    "refunds_by_charge": Fault("One refund for each charge", _refunds_by_charge, 3),
    "events_only": Fault("Webhooks alone, no reconciliation", _events_only, 14),
    "late_failure_wins": Fault("A later reading undoes success", _late_failure_wins, 0),
    "stripe_first": Fault("Stripe is asked before our row is kept", _stripe_first, 0),
    "charge_after_stop": Fault("What was begun is charged, stopped or not", _charge_after_stop, 27),
    "post_again": Fault("A charge is posted again, not read", _post_again_without_reading, 8),
    "whole_payment_back": Fault("The payment goes back, not its excess", _whole_payment_back, 93),
    "no_excess_back": Fault("What was paid too much stays", _no_excess_back, 93),
    "days_early": Fault("Due dates by another calendar", _days_early, 5),
    "refund_comes_back": Fault("A refund that failed counts as made", _refund_comes_back, 42),
    "random_refund_keys": Fault("A key of its own for each try", _random_refund_keys, 3),
    "any_payer_link": Fault("A payer's link is not looked at again", _any_payer_link, 25),
    "no_expiry": Fault("What nobody pays waits for ever", _no_expiry, 1),
    "days_drift": Fault("Each due date follows from the one before", _days_drift, 57, SCHEDULED),
    "told_twice": Fault("An acceptance has two records", _told_twice, 0, TOLD),
    "tail_cut": Fault("The newest evidence is cut off", _tail_cut, 1, EXTENDED),
    "granted_terms_stay_open": Fault(
        "Granted terms end after they were agreed to", _granted_terms_stay_open, 60, ONE_PLAN
    ),
    "changed_twice": Fault("A page's change is made at each press", _changed_twice, 4, CHANGED),
    "moved_on_paper": Fault("A change is told, and its rows stay", _moved_on_paper, 4),
    "old_day_charged": Fault("A moved part is taken on its old day", _old_day_charged, 7),
    "excess_goes_back_later": Fault(
        "An excess waits for the night", _excess_goes_back_later, 93, NOT_KEPT
    ),
}
"""Mistakes that the suite plants, each with a seed that sees it."""
