"""Somebody else pays: the link that Dana shares, and whoever opens it and goes on to Checkout."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.money import Cents
from portal.models import Account, PaymentPurpose
from portal.services import payer_links
from portal.services.ledger import lock_account
from portal.services.payer_links import Due, PayerState, PayerView
from portal.services.payments import CheckoutRequest
from tests.battery.cast import Purse


@dataclass
class Payer:
    """Dana as she asks somebody to pay, and whoever that is: each method is one request."""

    sim: Any
    rng: Random

    def ask(self, session: Session, purse: Purse) -> bool:
        """Dana makes a link: for the next payment of her plan, for all of it, or for a part."""
        account = lock_account(session, purse.account_id)
        open_now = payer_links.askable(session, account)
        next_only = open_now.next_part is not None and self.rng.random() < 0.5
        part = self.rng.choice((open_now.all_cents, open_now.all_cents // 2, 50_00))
        link = payer_links.issue(
            session,
            account,
            open_now.next_cents if next_only else Cents(part),
            next_only=next_only,
            now=self.sim.now,
        )
        token = payer_links.token_of(self.sim.bench.settings.keys, link)
        self.sim.commit(session, "web.asked")
        if token not in purse.tokens:
            purse.tokens.append(token)
        return True

    def take_back(self, session: Session, purse: Purse) -> bool:
        """Dana takes the link back; a page that was opened with it is closed by a job."""
        account = session.scalars(select(Account).where(Account.id == purse.account_id)).one()
        payer_links.revoke(session, account, now=self.sim.now)
        self.sim.commit(session, "web.link_revoked")
        return True

    def follow(self, session: Session, purse: Purse) -> bool:
        """Somebody opens a link, perhaps an old one, and presses the button of what it showed.

        The page may have lain there for a while: then what was shown before is asked for.
        """
        if not purse.tokens:
            return False
        token = purse.tokens[-1] if self.rng.random() < 0.8 else self.rng.choice(purse.tokens)
        view = self._open(session, token)
        if token not in purse.shown or self.rng.random() < 0.6:
            purse.shown[token] = view.state, view.due
        return self._press(session, purse, token, view)

    def dawdle(self, session: Session, purse: Purse) -> bool:
        """Somebody opens a link and presses its button days later, when it may have run out."""
        if not purse.tokens:
            return False
        token = purse.tokens[-1]
        view = self._open(session, token)
        purse.shown[token] = view.state, view.due
        session.commit()
        self.sim.clock.advance(timedelta(days=self.rng.choice((1, 7, 8))))
        return self._press(session, purse, token, view)

    def _open(self, session: Session, token: str) -> PayerView:
        keys = self.sim.bench.settings.keys
        view = payer_links.open_link(session, token, keys=keys, now=self.sim.now)
        assert view is not None
        return view

    def _press(self, session: Session, purse: Purse, token: str, view: PayerView) -> bool:
        state, due = purse.shown[token]
        if state is PayerState.LIVE:
            self._checkout(session, purse, view, due)
        return state is PayerState.LIVE

    def _checkout(self, session: Session, purse: Purse, view: PayerView, due: Due) -> None:
        wanted = CheckoutRequest(
            account_id=view.account.id,
            purpose=PaymentPurpose.ONE_OFF,
            amount_cents=due.amount_cents,
            arrangement_id=due.arrangement_id,
            installment_id=due.installment_id,
            payer_link_id=view.link.id,
            reference=view.link.reference,
            locale="en",
            landing=lambda payment_id: f"https://pay.example/p/token/{payment_id}",
        )
        session.commit()
        self.sim.dana.go_to_checkout(session, purse, wanted)
