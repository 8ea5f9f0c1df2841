"""What Dana changes of a running plan: she reads the page of a change, and presses its button."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from portal.domain import DomainError
from portal.domain import amendments as law
from portal.domain.amendments import Change, Running
from portal.domain.extra_payments import Effect
from portal.domain.money import Cents
from portal.domain.replanning import frequencies_of, limits_of
from portal.models import Account, Arrangement, PaymentPurpose, fresh_id
from portal.services import amending, curing, payments
from portal.services.amending import Wish, change_for
from portal.services.amendment_record import Reviewed
from portal.services.arrangements import installments_of
from portal.services.evidence import debtor as the_debtor
from portal.services.keeping import read_patience
from portal.services.reviews import ShownDocument
from portal.services.running import possible, read_running
from tests.battery.cast import ChangePage, Purse

EFFECTS = {Change.SHORTENED: Effect.SHORTEN, Change.LOWERED: Effect.LOWER}
EXTRA = tuple(EFFECTS)


@dataclass
class Changes:
    """Dana at the pages of her plan: each method is one request, as the web handles it."""

    sim: Any
    rng: Random

    def read(self, session: Session, purse: Purse) -> bool:
        """Read the page of a change, which then lies in a tab."""
        found = self._running(session, purse)
        wish = self._wish(*found[1:]) if found else None
        if found is None or wish is None:
            return False
        _, plan, facts = found
        change = change_for(plan, facts, wish)
        page = ChangePage(wish, self._page(purse, change))
        self.sim.history.changes[page.reviewed.amendment_id] = change
        purse.changes.append(page)
        return True

    def change(self, session: Session, purse: Purse) -> bool:
        """Press the button of the page of a change, now and then an old one, or twice."""
        if not purse.changes or self.rng.random() < 0.8:
            self.read(session, purse)
            session.rollback()
        agreed = self.sim.dana.live(session, purse)
        if not purse.changes or agreed is None:
            return False
        page = purse.changes[-1] if self.rng.random() < 0.8 else self.rng.choice(purse.changes)
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            self._press(session, purse, agreed, page)
        if page.wish.change in EXTRA:
            self._pay_extra(session, purse, agreed, page.wish)
        return True

    def cure(self, session: Session, purse: Purse) -> bool:
        """Keep a plan with a late part: move it to another day, or spread it over the rest."""
        agreed = self.sim.dana.live(session, purse)
        if agreed is None:
            return False
        account = session.get_one(Account, (agreed.client_id, agreed.account_id))
        found = read_patience(session, account, agreed, now=self.sim.now).cure
        ways: list[date | None] = [*found.dates] if found else []
        ways += [None] if found and found.later else []
        self._let_go(session, purse)
        if ways:
            self._keep(session, purse, agreed, self.rng.choice(ways))
            self.sim.commit(session, "web.cured")
        return bool(ways)

    def end(self, session: Session, purse: Purse) -> bool:
        """End the agreement."""
        agreed = self.sim.dana.live(session, purse)
        if agreed is None:
            return False
        self._let_go(session, purse)
        actor = the_debtor(purse.visit.debtor_id)
        amending.cancel(session, agreed, actor=actor, now=self.sim.now)
        self.sim.stopped(session, "web.ended", purse.account_id, agreed.id)
        return True

    def _press(self, session: Session, purse: Purse, agreed: Arrangement, page: ChangePage) -> None:
        self._let_go(session, purse)
        act = amending.agree_to_extra if page.wish.change in EXTRA else amending.amend
        act(
            session,
            agreed,
            page.wish,
            reviewed=page.reviewed,
            actor=the_debtor(purse.visit.debtor_id),
            now=self.sim.now,
        )
        if page.wish.change is Change.REPLANNED and page.reviewed.ticked is None:
            self.sim.stopped(session, "web.amended", purse.account_id, agreed.id)
        else:
            self.sim.commit(session, "web.amended")

    def _keep(self, session: Session, purse: Purse, agreed: Arrangement, to: date | None) -> None:
        actor, now = the_debtor(purse.visit.debtor_id), self.sim.now
        if to is None:
            curing.spread_late(session, agreed, actor=actor, now=now)
        else:
            curing.move_late(session, agreed, to, actor=actor, now=now)

    def _pay_extra(self, session: Session, purse: Purse, agreed: Arrangement, wish: Wish) -> None:
        self.sim.dana.start(
            session,
            purse,
            PaymentPurpose.INSTALLMENT,
            wish.amount_cents,
            arrangement_id=agreed.id,
            effect=EFFECTS[wish.change],
        )

    def _let_go(self, session: Session, purse: Purse) -> None:
        session.commit()
        payments.release_checkout(session, self.sim.gateway, purse.account_id, now=self.sim.now)

    def _running(self, session: Session, purse: Purse) -> tuple[Arrangement, Running, Any] | None:
        agreed = self.sim.dana.live(session, purse)
        if agreed is None:
            return None
        account = session.get_one(Account, (agreed.client_id, agreed.account_id))
        parts = installments_of(session, agreed)
        return agreed, *read_running(session, account, agreed, parts, now=self.sim.now)

    def _wish(self, plan: Running, facts: Any) -> Wish | None:
        """Something that is possible by now, drawn; None where nothing is."""
        kinds = sorted(possible(plan, facts))
        kind = self.rng.choice(kinds) if kinds else None
        if kind is Change.SHORTENED:
            kind = self.rng.choice(EXTRA)
        try:
            wish = self._drawn(plan, facts, kind) if kind else None
            return wish if wish and change_for(plan, facts, wish) else None
        except DomainError:
            return None

    def _drawn(self, plan: Running, facts: Any, kind: Change) -> Wish:
        due_on = self.rng.choice(plan.open[:2])[0]
        part = Cents(max(plan.left_cents // self.rng.choice((2, 3, 5, 9)), 1))
        if kind is Change.MOVED:
            earliest, latest = law.dates_for(plan, due_on)
            days = self.rng.randint(0, (latest - earliest).days)
            return Wish(kind, due_on=due_on, to=earliest + timedelta(days=days))
        if kind is Change.REPLANNED:
            frequency = self.rng.choice(frequencies_of(plan, limits_of(plan, facts)))
            return Wish(kind, frequency=frequency, amount_cents=part)
        if kind in EXTRA:
            return Wish(kind, amount_cents=part)
        return Wish(kind, due_on=due_on if kind is Change.SKIPPED else None)

    def _page(self, purse: Purse, change: law.Amendment) -> Reviewed:
        names = ["change"]
        ticked = None
        if change.change is Change.REPLANNED and self.rng.random() < 0.8:
            names.append("authorization-changed")
            ticked = "I allow these payments"
        return Reviewed(
            amendment_id=fresh_id(),
            change_sha256=change.sha256,
            documents=tuple(
                ShownDocument(name, "1", "en", "text/plain", f"{name} {change.sha256}".encode())
                for name in names
            ),
            shown_at=self.sim.now,
            visit_id=purse.visit.session_id,
            control_label="Change my plan",
            build="test",
            ticked=ticked,
        )
