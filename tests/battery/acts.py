"""What may happen next, how likely it is, and what must be the case for it to matter."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.battery.bench import Bench
from tests.battery.books import open_pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from tests.battery.cast import Purse
    from tests.battery.simulation import Simulation

    Act = Callable[[Session, Purse], object]

BY_HAND = 10_000
"""From this seed on checks come too; the stories of those before are as they were."""

_STATE = """
    SELECT unnest(array_remove(ARRAY[
      CASE WHEN a.status = 'open' AND a.balance_cents >= 200 THEN 'owed' END,
      CASE WHEN r.id IS NULL AND a.status = 'open' AND a.balance_cents >= 200 THEN 'free' END,
      CASE WHEN r.id IS NOT NULL THEN 'live' END,
      CASE WHEN r.status = 'awaiting_first_payment' THEN 'unpaid' END,
      CASE WHEN r.status = 'awaiting_first_payment' OR s.status IN ('accepted', 'countered')
        THEN 'waits' END,
      CASE WHEN s.id IS NULL AND r.id IS NULL AND a.status = 'open' AND a.balance_cents >= 200
        THEN 'silent' END,
      CASE WHEN s.status = 'submitted' THEN 'suggested' END,
      CASE WHEN r.id IS NULL AND s.status IN ('accepted', 'countered') THEN 'granted' END,
      CASE WHEN EXISTS (SELECT FROM payer_link l WHERE l.account_id = a.id
        AND l.revoked_at IS NULL AND l.expires_at > %(now)s AND NOT EXISTS (SELECT FROM payment
          WHERE payer_link_id = l.id AND status = 'succeeded')) THEN 'asked' END,
      CASE WHEN r.status = 'active' THEN 'kept' END,
      CASE WHEN r.status = 'active' AND EXISTS (SELECT FROM installment i
        WHERE i.arrangement_id = r.id AND (i.status = 'failed'
          OR i.status = 'scheduled' AND i.due_on < %(now)s::date)) THEN 'late' END,
      CASE WHEN r.method = 'automatic' THEN 'automatic' END,
      CASE WHEN r.method = 'automatic' AND z.id IS NOT NULL THEN 'running' END,
      CASE WHEN p.known THEN 'known' END,
      CASE WHEN p.paid THEN 'paid' END,
      CASE WHEN p.recorded THEN 'recorded' END,
      CASE WHEN p.unresolved THEN 'unresolved' END,
      CASE WHEN EXISTS (SELECT FROM hold h WHERE h.account_id = a.id AND h.lifted_at IS NULL)
        THEN 'held' END,
      CASE WHEN EXISTS (SELECT FROM stripe_event WHERE handled_at IS NULL) THEN 'events' END,
      CASE WHEN EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'todo'
        AND task_name IN ('payments.refund', 'payments.release', 'stripe.handle_events'))
        THEN 'jobs' END], NULL))
    FROM account a
    LEFT JOIN arrangement r ON r.account_id = a.id
      AND r.status IN ('awaiting_first_payment', 'active')
    LEFT JOIN payment_authorization z ON z.arrangement_id = r.id AND z.status = 'granted'
    LEFT JOIN proposal s ON s.account_id = a.id
      AND s.status IN ('submitted', 'accepted', 'countered')
    CROSS JOIN LATERAL (SELECT count(*) > 0 AS known,
      bool_or(status = 'succeeded' AND amount_cents > 1 AND counter_kind IS NULL) AS paid,
      bool_or(counter_kind IS NOT NULL) AS recorded,
      bool_or(status IN ('created', 'open', 'attempting', 'processing')) AS unresolved
      FROM payment WHERE account_id = a.id) p
    WHERE a.id = %(account)s"""


@dataclass(frozen=True)
class Choice:
    """One act, its weight, and the state without which it would do nothing."""

    weight: float
    act: "Act"
    needs: str = ""
    long: bool = False


def choices(sim: "Simulation") -> tuple[Choice, ...]:
    """Everything that can happen."""
    dana, payer, house, outside = sim.dana, sim.payer, sim.house, sim.outside
    changes = sim.changes
    by_hand = (Choice(5, house.by_hand, "owed"), Choice(5, house.by_hand, "recorded"))
    return (
        Choice(14, dana.agree, "free"),
        Choice(2, dana.agree, "live"),
        Choice(2, dana.review, "free"),
        Choice(4, dana.suggest, "silent"),
        Choice(40, dana.agree_granted, "granted"),
        Choice(4, dana.pay_part, "owed"),
        Choice(7, dana.pay_plan, "live"),
        Choice(3, dana.change_method, "automatic"),
        Choice(3, dana.choose_again, "unpaid"),
        Choice(3, dana.stop_automatic, "automatic"),
        Choice(9, dana.land, "known"),
        Choice(10, changes.change, "kept"),
        Choice(3, changes.change, "live"),
        Choice(25, changes.cure, "late"),
        Choice(0.5, changes.end, "kept"),
        Choice(3, payer.ask, "owed"),
        Choice(30, payer.follow, "asked"),
        Choice(8, payer.follow, "shared"),
        Choice(8, payer.dawdle, "asked", long=True),
        Choice(2, payer.take_back, "asked"),
        Choice(60, outside.pay, "page"),
        Choice(3, outside.refund, "paid"),
        Choice(4, outside.dispute, "paid"),
        Choice(3, outside.fail_refund, "paid"),
        Choice(2, sim.won_after_all, "paid", long=True),
        Choice(7, outside.wait, long=True),
        Choice(40, sim.month, "running", long=True),
        Choice(14, sim.stop_midway, "running", long=True),
        Choice(6, sim.other_method, "running", long=True),
        Choice(8, sim.patience, "late", long=True),
        Choice(8, sim.lapse, "waits", long=True),
        Choice(6, sim.lapse, "suggested", long=True),
        Choice(6, outside.deliver, "known"),
        Choice(40, house.work, "jobs"),
        Choice(6, house.handle_events, "events"),
        Choice(8, house.sweep, "unresolved"),
        Choice(3, house.reconcile, "known"),
        Choice(8, house.charge_due, "running"),
        Choice(2, house.mail, "running"),
        Choice(3, house.tell, "running"),
        Choice(6, house.look_after, "late"),
        Choice(2, house.expire, "waits"),
        Choice(20, house.answer, "suggested"),
        Choice(2, house.hold, "live"),
        Choice(2, house.lift, "held"),
        Choice(0.5, house.cancel, "live"),
        Choice(4, house.give_back, "paid"),
        Choice(3, house.adjust, "owed"),
        Choice(0.3, house.recall, "owed"),
        *(by_hand if sim.seed >= BY_HAND else ()),
    )


def state(sim: "Simulation", bench: Bench, purse: "Purse") -> set[str]:
    """What is the case with an account, as words that ``needs`` asks for."""
    found = {row[0] for row in bench.rows(_STATE, account=purse.account_id, now=sim.now)}
    if any(one["id"] in purse.pages for one in open_pages(sim.world)):
        found.add("page")
    if purse.tokens:
        found.add("shared")
    return found | {""}
