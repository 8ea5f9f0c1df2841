"""What Dana does: she chooses, agrees, pays, comes back, stops, and opens second tabs."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import hook
from portal.domain import terms as wording
from portal.domain.money import Cents
from portal.domain.offers import plan_presets
from portal.domain.proposals import Proposal as Suggestion
from portal.domain.schedules import Frequency
from portal.domain.statuses import LIVE, InstallmentStatus
from portal.domain.terms import Choice, Kind, Method
from portal.gateways.payments import PaymentGateway
from portal.models import (
    Account,
    Arrangement,
    Debtor,
    Installment,
    Payment,
    PaymentPurpose,
    fresh_id,
)
from portal.services import arrangements, payments, proposals
from portal.services.acceptance import accept
from portal.services.choices import Picked, draft
from portal.services.evidence import debtor as the_debtor
from portal.services.offers import offers_for
from portal.services.payments import CheckoutRequest
from portal.services.proposals import Wish
from portal.services.references import fresh_reference
from portal.services.reviews import Reviewed, ShownDocument
from portal.services.standing import today_of
from tests.battery.cast import Purse, Tab

TICK = "I allow these payments"


@dataclass
class Dana:
    """The debtor at her browser: each method is one request, as the web handles it."""

    sim: Any
    rng: Random

    @property
    def gateway(self) -> PaymentGateway:
        """The gateway that the web's services are given."""
        gateway: PaymentGateway = self.sim.gateway
        return gateway

    def review(self, session: Session, purse: Purse) -> bool:
        """Choose something and read its review page, which then lies in a tab."""
        account = self._account(session, purse)
        picked = self._pick(session, account)
        if picked is not None:
            self._open_tab(session, purse, account, picked)
        return picked is not None

    def suggest(self, session: Session, purse: Purse) -> bool:
        """Suggest other terms than are offered, which then wait for a person."""
        account = self._account(session, purse)
        today = offers_for(session, account, self.sim.now).today
        total = self.rng.choice((account.balance_cents, account.balance_cents * 3 // 4))
        wish = Suggestion(
            first_on=today + timedelta(days=self.rng.choice((0, 0, 7, 8))),
            total_cents=Cents(total),
            amount_cents=Cents(max(total // self.rng.choice((1, 3, 6)), 10_00)),
            method=self.rng.choice((Method.AUTOMATIC, Method.MANUAL)),
        )
        proposals.submit(session, account, Wish(wish), visit=purse.visit, now=self.sim.now)
        self.sim.commit(session, "web.suggested")
        return True

    def agree_granted(self, session: Session, purse: Purse) -> bool:
        """Agree to what a person has granted."""
        account = self._account(session, purse)
        proposal = proposals.open_proposal(session, account)
        if proposal is None or proposal.granted_terms is None:
            return False
        terms = wording.from_dict(proposal.granted_terms)
        choice = Choice(key=terms.key, first_on=terms.first_on)
        picked = Picked(choice, terms.policy_version, terms.balance_cents, proposal.id)
        self._open_tab(session, purse, account, picked)
        session.rollback()
        return self.agree(session, purse)

    def agree(self, session: Session, purse: Purse) -> bool:
        """Press the button of a review page, perhaps an old one, and go on to the payment."""
        if not purse.tabs:
            self.review(session, purse)
            session.rollback()
        if not purse.tabs:
            return False
        tab = purse.tabs[-1] if self.rng.random() < 0.8 else self.rng.choice(purse.tabs)
        account = self._account(session, purse)
        agreed = accept(
            session,
            account,
            picked=tab.picked,
            reviewed=tab.reviewed,
            visit=purse.visit,
            now=self.sim.now,
        )
        hook("before web.agreed")
        session.commit()
        hook("after web.agreed")
        self._go_on(session, purse, agreed)
        return True

    def begin_plan(self, session: Session, purse: Purse) -> bool:
        """Agree to a plan with automatic payments, the first of them today, and go on to pay it."""
        account = self._account(session, purse)
        sheet = offers_for(session, account, self.sim.now)
        if sheet.published is None:
            return False
        presets = plan_presets(sheet.facts, sheet.published.policy, sheet.today)
        if not presets:
            return False
        amount = self.rng.choice(presets).amount_cents
        choice = Choice(
            key="plan", amount_cents=amount, first_on=sheet.today, method=Method.AUTOMATIC
        )
        picked = Picked(choice, sheet.published.version, account.balance_cents)
        self._open_tab(session, purse, account, picked)
        session.rollback()
        return self.agree(session, purse)

    def pay_plan(self, session: Session, purse: Purse) -> bool:
        """Pay the next installment of a plan, or its first one, by hand."""
        agreed = self.live(session, purse)
        unpaid = (
            [p for p in arrangements.installments_of(session, agreed) if _open(p)] if agreed else []
        )
        if agreed and unpaid:
            self._checkout(session, purse, agreed, unpaid[0])
        return bool(unpaid)

    def pay_part(self, session: Session, purse: Purse) -> bool:
        """Pay a part of the balance today, without any agreement."""
        account = self._account(session, purse)
        if account.balance_cents < 2_00:
            return False
        whole = account.balance_cents
        amount = self.rng.choice((whole, max(whole // 2, 50), max(whole // 3, 50), 50_00))
        self.start(session, purse, PaymentPurpose.ONE_OFF, Cents(amount))
        return True

    def pay_all(self, session: Session, purse: Purse) -> bool:
        """Pay the whole balance today."""
        owed = self._account(session, purse).balance_cents
        self.start(session, purse, PaymentPurpose.ONE_OFF, owed)
        return True

    def change_method(self, session: Session, purse: Purse) -> bool:
        """Save another card for a plan's automatic payments."""
        agreed = self.live(session, purse)
        if agreed is None or agreed.method != "automatic":
            return False
        self.sim.history.allow_again(agreed.id)
        self.start(session, purse, PaymentPurpose.METHOD, Cents(0), arrangement_id=agreed.id)
        return True

    def choose_again(self, session: Session, purse: Purse) -> bool:
        """Take an unpaid agreement back: its page is closed, then it is withdrawn."""
        agreed = self.live(session, purse)
        if agreed is None:
            return False
        session.commit()
        payments.release_checkout(session, self.gateway, purse.account_id, now=self.sim.now)
        actor = the_debtor(purse.visit.debtor_id)
        arrangements.withdraw(session, agreed, actor=actor, now=self.sim.now)
        self.sim.stopped(session, "web.withdrawn", purse.account_id, agreed.id)
        return True

    def stop_automatic(self, session: Session, purse: Purse) -> bool:
        """Stop automatic payments."""
        agreed = self.live(session, purse)
        if agreed is None:
            return False
        actor = the_debtor(purse.visit.debtor_id)
        arrangements.stop_automatic(session, agreed, actor=actor, now=self.sim.now)
        self.sim.stopped(session, "web.stopped", purse.account_id, agreed.id)
        return True

    def land(self, session: Session, purse: Purse) -> bool:
        """Come to the landing page of a payment, any of them."""
        known = session.scalars(
            select(Payment.id).where(Payment.account_id == purse.account_id).order_by(Payment.id)
        ).all()
        if known:
            chosen = self.rng.choice(known[-2:])
            session.commit()
            payments.refresh(session, self.gateway, chosen, now=self.sim.now)
        return bool(known)

    def _account(self, session: Session, purse: Purse) -> Account:
        return session.scalars(select(Account).where(Account.id == purse.account_id)).one()

    def live(self, session: Session, purse: Purse) -> Arrangement | None:
        """The agreement that is in force, where there is one."""
        agreed = arrangements.arrangement_of(session, self._account(session, purse))
        return agreed if agreed is not None and agreed.status in LIVE else None

    def _go_on(self, session: Session, purse: Purse, agreed: Arrangement) -> None:
        parts = arrangements.installments_of(session, agreed)
        debtor = session.get_one(Debtor, (agreed.client_id, purse.visit.debtor_id))
        if parts[0].due_on <= today_of(debtor, self.sim.now):
            self._checkout(session, purse, agreed, parts[0])
        elif agreed.method == "automatic":
            self.start(session, purse, PaymentPurpose.METHOD, Cents(0), arrangement_id=agreed.id)

    def _checkout(
        self, session: Session, purse: Purse, agreed: Arrangement, part: Installment
    ) -> None:
        first = agreed.status == "awaiting_first_payment"
        purpose = PaymentPurpose.FIRST if first else PaymentPurpose.INSTALLMENT
        amount = Cents(part.amount_cents - part.paid_cents)
        self.start(
            session, purse, purpose, amount, arrangement_id=agreed.id, installment_id=part.id
        )

    def start(
        self,
        session: Session,
        purse: Purse,
        purpose: PaymentPurpose,
        amount: Cents,
        **given: Any,
    ) -> None:
        """Ask for a payment page, and be sent on to it."""
        wanted = CheckoutRequest(
            account_id=purse.account_id,
            purpose=purpose,
            amount_cents=amount,
            locale="en",
            landing=lambda payment_id: f"https://pay.example/payment/{payment_id}",
            **given,
        )
        session.commit()
        self.go_to_checkout(session, purse, wanted)

    def go_to_checkout(self, session: Session, purse: Purse, wanted: CheckoutRequest) -> None:
        """Be sent on to a payment page, whoever pays on it."""
        url = payments.start_checkout(session, self.gateway, wanted, now=self.sim.now)
        page = url.rpartition("/")[2]
        self.sim.history.handed[page] = purse.account_id
        purse.pages.append(page)

    def _pick(self, session: Session, account: Account) -> Picked | None:
        sheet = offers_for(session, account, self.sim.now)
        if not sheet.offers or sheet.published is None:
            return None
        weights = [1 if offer.kind is Kind.FULL else 3 for offer in sheet.offers]
        offer = self.rng.choices(sheet.offers, weights)[0]
        method = self.rng.choice((*(Method.AUTOMATIC,) * 4, Method.MANUAL))
        later = self.rng.choice((0, 0, 0, 7, 30))
        first_on = sheet.today + timedelta(days=later)
        if offer.kind is Kind.FULL:
            choice = Choice(key="full")
        elif offer.kind is Kind.SETTLEMENT:
            choice = self._settlement(offer, first_on, method)
        else:
            presets = plan_presets(sheet.facts, sheet.published.policy, sheet.today)
            preset = self.rng.choice(presets)
            choice = Choice(
                key="plan", amount_cents=preset.amount_cents, first_on=first_on, method=method
            )
        return Picked(choice, sheet.published.version, account.balance_cents)

    def _settlement(self, offer: Any, first_on: date, method: Method) -> Choice:
        parts = self.rng.randint(1, offer.parts)
        if parts == 1:
            return Choice(key=offer.key, valid_until=offer.valid_until)
        return Choice(
            key=offer.key,
            count=parts,
            frequency=self.rng.choice((Frequency.MONTHLY, Frequency.EVERY_TWO_WEEKS)),
            first_on=min(first_on, offer.valid_until or first_on),
            method=method,
            valid_until=offer.valid_until,
        )

    def _open_tab(self, session: Session, purse: Purse, account: Account, picked: Picked) -> None:
        purse.tabs.append(Tab(picked, self._page(session, account, picked)))

    def _page(self, session: Session, account: Account, picked: Picked) -> Reviewed:
        drafted = draft(session, account, picked, now=self.sim.now)
        names = ["terms", *(["authorization"] if drafted.automatic else [])]
        documents = tuple(
            ShownDocument(name, "1", "en", "text/plain", f"{name} {account.reference}".encode())
            for name in names
        )
        return Reviewed(
            arrangement_id=fresh_id(),
            reference=fresh_reference(),
            terms_sha256=wording.sha256(drafted.terms),
            shown=tuple(document.sha256 for document in documents),
            shown_at=self.sim.now,
            locale="en",
            documents=documents,
            copy=ShownDocument("agreement", "1", "en", "text/html", b"<p>Your agreement</p>"),
            control_label="Agree and pay",
            build="test",
            ticked=(TICK,) if drafted.automatic else (),
        )


def _open(part: Installment) -> bool:
    waiting = (InstallmentStatus.SCHEDULED, InstallmentStatus.FAILED)
    return part.status in waiting and part.paid_cents < part.amount_cents
