"""What happens beyond the portal: the payment page, banks, Stripe's dashboard, and its webhooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from portal.gateways.payments import WebhookRefused
from portal.sandbox import control
from portal.sandbox.delivery import waiting
from portal.sandbox.errors import ApiError
from portal.sandbox.store import Thing
from portal.services import inbox
from tests.battery.books import Taken, open_pages, taken
from tests.battery.cast import Purse
from tests.battery.stage import Crash

SECRETS = ("whsec_old", "whsec_new")
ONCE = "H2 paid on a page is at most what was owed"
INSTRUMENTS = (
    *("visa",) * 8,
    "visa_debit",
    "visa_chargeDeclined",
    "visa_chargeDeclinedInsufficientFunds",
    "authenticationRequired",
    "authenticationRequiredOnSetup",
    "chargeCustomerFail",
    "createDispute",
    "createDisputeInquiry",
    "refundFail",
    "pendingRefund",
    "bank_success",
    "bank_success",
    "bank_insufficientFunds",
    "bank_debitNotAuthorized",
)
DOUBTFUL = (
    "chargeCustomerFail",
    "authenticationRequired",
    "bank_success",
    "bank_insufficientFunds",
)
WAITS = (
    timedelta(0),
    timedelta(seconds=40),
    timedelta(minutes=6),
    timedelta(minutes=20),
    timedelta(minutes=70),
    timedelta(hours=7),
    timedelta(hours=25),
    timedelta(days=4),
    timedelta(days=8),
    timedelta(days=31),
)
_PLACED = """
    SELECT coalesce(sum(amount_cents), 0) FROM ledger_entry
    WHERE account_id = %(account)s AND kind IN ('placed', 'adjusted')"""
_SENT_BACK = """
    SELECT payment_id, sum(amount_cents) FROM ledger_entry
    WHERE account_id = %(account)s AND kind IN ('refund', 'refund_failed') GROUP BY payment_id"""
_PAYMENTS = "SELECT id FROM payment WHERE account_id = %(account)s"


@dataclass
class World:
    """Everything that is not ours."""

    sim: Any
    rng: Random

    def pay(self, session: Session, purse: Purse) -> bool:
        """Go through a payment page that Dana was sent to, in whichever tab it is."""
        open_ones = {one["id"]: one for one in open_pages(self.sim.world)}
        mine = [page for page in purse.pages if page in open_ones]
        if not mine:
            return False
        page = self.rng.choice(mine)
        self._pay(purse, open_ones[page], self.rng.choice(INSTRUMENTS), self.rng.random() < 0.8)
        return True

    def pay_well(self, session: Session, purse: Purse) -> bool:
        """Pay on the page that Dana was sent to last, with a card that works."""
        open_ones = {one["id"]: one for one in open_pages(self.sim.world)}
        mine = [page for page in purse.pages if page in open_ones]
        if mine:
            self._pay(purse, open_ones[mine[-1]], "visa", True)
        return bool(mine)

    def save_other(self, session: Session, purse: Purse) -> bool:
        """Save a method on the newest page that banks may not honor later."""
        open_ones = {one["id"]: one for one in open_pages(self.sim.world)}
        mine = [page for page in purse.pages if page in open_ones]
        if mine:
            self._pay(purse, open_ones[mine[-1]], self.rng.choice(DOUBTFUL), True)
        return bool(mine)

    def _pay(self, purse: Purse, shown: Thing, name: str, passed: bool) -> None:
        page, owed = shown["id"], self._owed(purse)
        try:
            outcome = control.pay(self.sim.world, page, name, passed=passed)
        except ApiError:  # its time had just run out
            return
        self.sim.history.note(f"  page: {name} {outcome.step} {outcome.error}")
        amount = shown["amount_total"] or 0
        if outcome.step == "done" and amount > owed:
            self.sim.history.broke(ONCE, f"{page}: {amount} of {owed} cents")

    def _owed(self, purse: Purse) -> int:
        """What is owed at most, by Stripe's books: what banks gave back again is not counted.

        A refund that came to nothing counts as sent back for as long as the portal can not know.
        """
        (placed,) = self.sim.bench.rows(_PLACED, account=purse.account_id)[0]
        told = dict(self.sim.bench.rows(_SENT_BACK, account=purse.account_id))
        back = 0
        for one in self._taken(purse):
            if one.succeeded or one.status == "processing":
                withdrawn = sum(-m["amount"] for m in one.movements if m["amount"] < 0)
                refunded = max(one.refunded_cents, told.get(one.payment_id, 0))
                back += one.amount_cents - refunded - withdrawn
        return int(placed) - back

    def _taken(self, purse: Purse) -> list[Taken]:
        mine = {row[0] for row in self.sim.bench.rows(_PAYMENTS, account=purse.account_id)}
        return [one for one in taken(self.sim.world) if one.payment_id in mine]

    def refund(self, session: Session, purse: Purse) -> bool:
        """Somebody refunds a payment, or a part of it, in Stripe's dashboard."""
        paid = [one for one in self._taken(purse) if one.net_cents > 1]
        if paid:
            one = self.rng.choice(paid)
            part = self.rng.choice((None, one.net_cents // 2, max(one.net_cents // 3, 1)))
            self._try(control.refund, one.intent_id, amount=part)
        return bool(paid)

    def dispute(self, session: Session, purse: Purse) -> bool:
        """The bank disputes a payment, or goes on with a dispute."""
        paid = [one for one in self._taken(purse) if one.succeeded]
        if not paid:
            return False
        one = self.rng.choice(paid)
        known = self.sim.world.store.newest("dispute", intent=one.intent_id)
        if not known:
            self._try(control.dispute, one.intent_id, inquiry=self.rng.random() < 0.2)
        elif self.rng.random() < 0.3:
            self._try(control.escalate, known[0]["id"])
        else:
            self._try(control.close_dispute, known[0]["id"], won=self.rng.random() < 0.5)
        return True

    def decide(self, session: Session, purse: Purse) -> bool:
        """The bank gives back what it took by disputes."""
        for one in self._taken(purse):
            for dispute in self.sim.world.store.newest("dispute", intent=one.intent_id):
                self._try(control.close_dispute, dispute["id"], won=True)
        return True

    def fail_refund(self, session: Session, purse: Purse) -> bool:
        """A refund comes back from the bank, a month after it was made at the latest."""
        recently = (self.sim.now - timedelta(days=30)).timestamp()
        made = [one for paid in self._taken(purse) for one in paid.refunds]
        refunds = [one for one in made if one["created"] > recently]
        if refunds:
            self._try(control.finish_refund, self.rng.choice(refunds)["id"], failed=True)
        return bool(refunds)

    def wait(self, session: Session, purse: Purse) -> bool:
        """Time goes by, between a moment and a month."""
        self.sim.clock.advance(self.rng.choice(WAITS))
        return True

    def deliver(self, session: Session, purse: Purse) -> bool:
        """Stripe sends the webhooks that are due."""
        return bool(self.sim.sandbox.deliver())

    def sends_more(self) -> bool:
        """Whether a webhook is still to come."""
        return any(one["state"] == "pending" for one in waiting(self.sim.world))

    def _try(self, act: Any, thing_id: str, **given: Any) -> None:
        try:
            done: Thing = act(self.sim.world, thing_id, **given)
        except ApiError as refused:
            self.sim.history.note(f"  bank: {refused.body['error'].get('message')}")
        else:
            self.sim.history.note(f"  bank: {done['object']} {done['status']}")

    def receive(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Our webhook's door, as the web keeps it: verify, store, answer."""
        with self.sim.stage.operation(), self.sim.bench.web() as session:
            try:
                event = self.sim.gateway.verify_webhook(
                    body,
                    signature=headers["Stripe-Signature"],
                    secrets=SECRETS[1:],
                    now=self.sim.now,
                )
                inbox.receive(session, event, body, now=self.sim.now)
                self.sim.commit(session, "web.received")
            except WebhookRefused:
                self.sim.history.broke("a webhook of Stripe's is taken", url)
                return 400
            except (Crash, Exception) as error:
                self.sim.failed("receive", error)
                return 500
            return 200
