"""What the portal does by itself, and what staff and clients do: jobs, holds, figures, recalls."""

import json
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import plan_tasks, tasks
from portal.db import set_staff
from portal.domain.counter import CounterKind, Why
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.statuses import LIVE, AccountStatus, PaymentStatus
from portal.models import (
    Account,
    Client,
    EntryKind,
    Hold,
    LookOutcome,
    Payment,
    Refund,
    Staff,
    fresh_id,
)
from portal.services import arrangements, evidence, proposals, refunds, second_person
from portal.services.counter_payments import MustGoBack, Received, most_cents
from portal.services.counter_returns import is_returned
from portal.services.ledger import lock_account, post
from portal.services.payments import open_attempt
from portal.services.placements.recalling import listed, recall
from portal.services.second_person import Act
from portal.services.standing import lift_hold, set_hold
from tests.battery.cast import Purse
from tests.battery.history import Stop

OURS = {
    "payments.refund": tasks.refund,
    "payments.release": tasks.release,
    "stripe.handle_events": tasks.handle_events,
}
KINDS = (HoldKind.HARDSHIP, HoldKind.DISPUTE)
_MAIL = """
    SELECT id FROM message
    WHERE template IN ('authorization_copy', 'pre_debit_notice', 'payment_failed', 'payment_missed')
      AND channel <> 'letter'
      AND status IN ('queued', 'deferred') AND send_at <= %(now)s ORDER BY id"""
_NEXT = """
    WITH mine AS (
      SELECT r.id, (%(now)s AT TIME ZONE d.time_zone)::date AS today FROM arrangement r
      JOIN account a ON a.id = r.account_id JOIN debtor d ON d.id = a.debtor_id
      WHERE a.id = %(account)s AND r.status IN ('awaiting_first_payment', 'active'))
    SELECT min(next_on) - today FROM (
      SELECT mine.id, today, 'now' AS known, greatest(i.due_on, i.next_attempt_on) AS next_on
      FROM mine JOIN installment i ON i.arrangement_id = mine.id
      WHERE i.status = 'scheduled' OR i.status = 'failed' AND i.next_attempt_on IS NOT NULL
      UNION ALL SELECT mine.id, today, 'before', (part ->> 'due_on')::date
      FROM mine JOIN amendment m ON m.arrangement_id = mine.id
      CROSS JOIN jsonb_array_elements(m.before::jsonb -> 'parts') part) n
    WHERE next_on >= today GROUP BY known, today ORDER BY known"""
_ENDED = """
    SELECT account_id, id FROM arrangement
    WHERE status = 'withdrawn' AND ended_reason = 'expired' OR status = 'broken' ORDER BY id"""
_JOB = """
    UPDATE procrastinate_jobs SET status = 'doing' WHERE id = (
      SELECT id FROM procrastinate_jobs
      WHERE status = 'todo' AND task_name = ANY(%(ours)s) ORDER BY id LIMIT 1)
    RETURNING id, task_name, args"""
_JOB_ENDS = "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = %(job)s RETURNING id"
_JOB_AGAIN = "UPDATE procrastinate_jobs SET status = 'todo' WHERE id = %(job)s RETURNING id"


@dataclass
class House:
    """The worker, the scheduler and the people with consoles."""

    sim: Any
    rng: Random

    def work(self, session: Session, purse: Purse) -> bool:
        """Take one job of the queue; one whose worker dies is lost, or comes again.

        Often it dies with Stripe's answer to a refund in its hands.
        """
        found = self.sim.bench.rows(_JOB, ours=list(OURS))
        if not found:
            return False
        job, name, args = found[0]
        args = args if isinstance(args, dict) else json.loads(args)
        calm = self.sim.stage.calm
        ended = _JOB_ENDS if calm or self.rng.random() < 0.5 else _JOB_AGAIN
        if name == "payments.refund" and not calm and self.rng.random() < 0.8:
            self.sim.stage.die_at("stripe.refund.done")
            ended = _JOB_AGAIN
        try:
            OURS[name](**args)
        except BaseException:
            self.sim.bench.rows(ended, job=job)
            raise
        self.sim.bench.rows(_JOB_ENDS, job=job)
        return True

    def mail(self, session: Session, purse: Purse) -> bool:
        """Send the e-mails whose time has come: nothing is charged before its notice (PY-05)."""
        found = self.sim.bench.rows(_MAIL, now=self.sim.now)
        if found:
            ids = [str(message_id) for (message_id,) in found]
            tasks.dispatch_messages(str(self.sim.cast.client_id), ids)
        return bool(found)

    def tell(self, session: Session, purse: Purse) -> bool:
        """The hour's job that tells debtors what is taken next, and what it wrote leaves."""
        plan_tasks.notify(str(self.sim.cast.client_id))
        return self.mail(session, purse)

    def handle_events(self, session: Session, purse: Purse) -> bool:
        """The minute's job."""
        tasks.retry_events(0)
        return True

    def sweep(self, session: Session, purse: Purse) -> bool:
        """The job that finishes what hangs."""
        tasks.sweep(str(self.sim.cast.client_id))
        return True

    def reconcile(self, session: Session, purse: Purse) -> bool:
        """The hour's job."""
        tasks.reconcile_all(0)
        return True

    def charge_due(self, session: Session, purse: Purse) -> bool:
        """The job that charges what is due."""
        tasks.charge_due(str(self.sim.cast.client_id))
        return True

    def begin_charge(self, session: Session, purse: Purse) -> bool:
        """The same job, whose worker dies with a charge begun."""
        if not self.sim.stage.calm:
            self.sim.stage.die_at("after charge.created")
        return self.charge_due(session, purse)

    def expire(self, session: Session, purse: Purse) -> bool:
        """The hour's jobs that end what waited too long, or answer what nobody has answered."""
        client_id = str(self.sim.cast.client_id)
        tasks.expire_proposals(client_id)
        tasks.chase_proposals(client_id)
        try:
            tasks.expire_arrangements(client_id)
        finally:
            self._note_ended()
        return True

    def look_after(self, session: Session, purse: Purse) -> bool:
        """The hour's job that tells debtors of late payments, and ends what was not kept."""
        try:
            plan_tasks.look_after_arrangements(str(self.sim.cast.client_id))
        finally:
            self._note_ended()
        return True

    def days_until_due(self, purse: Purse) -> tuple[int, ...]:
        """In how many days the next part of an agreement is due, as it is now and as it was."""
        found = self.sim.bench.rows(_NEXT, account=purse.account_id, now=self.sim.now)
        return tuple(days for (days,) in found)

    def _note_ended(self) -> None:
        """Nothing is charged for an agreement after a job has ended it."""
        history = self.sim.history
        known = {stop.arrangement_id for stop in history.stops}
        for account_id, arrangement_id in self.sim.bench.rows(_ENDED):
            if arrangement_id not in known:
                history.stops.append(Stop(account_id, arrangement_id, history.place, self.sim.now))

    def answer(self, session: Session, purse: Purse) -> bool:
        """Staff grant what Dana suggested, for some days, or decline it."""
        set_staff(session, self.sim.cast.staff_id)
        account = session.scalars(select(Account).where(Account.id == purse.account_id)).one()
        proposal = proposals.open_proposal(session, account)
        if proposal is None:
            return False
        staff = session.get_one(Staff, self.sim.cast.staff_id)
        if self.rng.random() < 0.8:
            until = self.sim.now.date() + timedelta(days=self.rng.choice((3, 14)))
            proposals.accept(session, proposal, staff=staff, valid_until=until, now=self.sim.now)
        else:
            proposals.decline(session, proposal, reason="No", staff=staff, now=self.sim.now)
        self.sim.commit(session, "web.answered")
        return True

    def hold(self, session: Session, purse: Purse) -> bool:
        """Hold an account, as a help topic or staff would."""
        account = lock_account(session, purse.account_id)
        kind = self.rng.choice(KINDS)
        set_hold(session, account, kind, source="staff", now=self.sim.now, actor=evidence.SYSTEM)
        self.sim.stopped(session, "web.held", purse.account_id, None)
        return True

    def lift(self, session: Session, purse: Purse) -> bool:
        """Lift an account's holds."""
        lock_account(session, purse.account_id)
        held = session.scalars(
            select(Hold).where(Hold.account_id == purse.account_id, Hold.lifted_at.is_(None))
        ).all()
        for hold in held:
            lift_hold(session, hold, reason="checked", by=None, now=self.sim.now)
        self.sim.lifted(session, purse.account_id)
        return bool(held)

    def cancel(self, session: Session, purse: Purse) -> bool:
        """Staff end an agreement."""
        account = lock_account(session, purse.account_id)
        agreed = arrangements.arrangement_of(session, account)
        if agreed is None or agreed.status not in LIVE:
            return False
        arrangements.cancel(
            session, agreed, reason="staff", actor=evidence.SYSTEM, now=self.sim.now
        )
        self.sim.stopped(session, "web.canceled", purse.account_id, agreed.id)
        return True

    def give_back(self, session: Session, purse: Purse) -> bool:
        """Staff give a payment back, or a part of it."""
        lock_account(session, purse.account_id)
        paid = session.scalars(
            select(Payment)
            .where(
                Payment.account_id == purse.account_id,
                Payment.status == PaymentStatus.SUCCEEDED,
                Payment.amount_cents > 1,
                Payment.counter_kind.is_(None),
            )
            .order_by(Payment.id)
        ).all()
        if not paid:
            return False
        payment = self.rng.choice(paid)
        gone = session.scalars(
            select(Refund.amount_cents).where(
                Refund.payment_id == payment.id, Refund.status.not_in(("failed", "refused"))
            )
        )
        left = payment.amount_cents - sum(gone)
        if left > 1:
            cents = Cents(self.rng.choice((left, left // 2, left // 2)))
            refunds.give_back(session, payment, cents, cause="staff", now=self.sim.now)
            self.sim.commit(session, "web.given_back")
        return left > 1

    def by_hand(self, session: Session, purse: Purse) -> bool:
        """A check arrives, or one that was recorded comes back; a large one needs two people."""
        account = lock_account(session, purse.account_id)
        make = self._check if self.rng.random() < 0.6 else self._back
        act = make(session, account)
        if act is None or open_attempt(session, account.id):
            return False
        ann, otto = Staff(id=fresh_id()), Staff(id=fresh_id())
        try:
            look = second_person.ask(session, act, staff=ann, now=self.sim.now)
            if look.outcome is LookOutcome.WAITS:
                second_person.approve(session, look, staff=otto, now=self.sim.now)
        except MustGoBack:
            session.rollback()
            return False
        self.sim.commit(session, "web.by_hand")
        return True

    def _check(self, session: Session, account: Account) -> Act | None:
        most = most_cents(session, account)
        if account.status is not AccountStatus.OPEN or most < 2_00:
            return None
        cents = self.rng.choice((most, most // 2, min(most, 40_00)))
        day = self.sim.now.date() - timedelta(days=1)
        cash = Received(kind=CounterKind.CASH, amount_cents=Cents(cents), received_on=day)
        return second_person.recording(account, cash, "")

    def _back(self, session: Session, account: Account) -> Act | None:
        recorded = session.scalars(
            select(Payment)
            .where(Payment.account_id == account.id, Payment.counter_kind.is_not(None))
            .order_by(Payment.id)
        ).all()
        counted = [one for one in recorded if not is_returned(session, one)]
        if not counted:
            return None
        return second_person.returning(self.rng.choice(counted), Why.RETURNED, "no funds")

    def adjust(self, session: Session, purse: Purse) -> bool:
        """The client places another figure, as a placement posts it where no payment is open."""
        account = lock_account(session, purse.account_id)
        delta = self.rng.choice((-50_00, -10_01, 25_00, -account.balance_cents // 2))
        settled = account.status in (AccountStatus.SETTLED, AccountStatus.RECALLED)
        if open_attempt(session, account.id) or settled or account.balance_cents + delta < 0:
            return False
        self.sim.counted += 1
        post(
            session,
            account,
            kind=EntryKind.ADJUSTED,
            source=f"question:{self.sim.counted}",
            amount_cents=Cents(delta or 1),
            now=self.sim.now,
        )
        if account.balance_cents == 0:
            account.status = AccountStatus.PAID
        arrangements.shorten_to_balance(session, account, self.sim.now)
        self.sim.commit(session, "web.placed")
        return True

    def recall(self, session: Session, purse: Purse) -> bool:
        """The client takes an account back."""
        account = lock_account(session, purse.account_id)
        reference = account.reference
        session.commit()
        client = session.get_one(Client, self.sim.cast.client_id)
        recall(session, client, listed([reference]), now=self.sim.now)
        self.sim.stopped(session, "web.recalled", purse.account_id, None)
        return True
