"""What the tests of money share: an account, a sandbox under its judge, and short ways to act."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import terms as wording
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.noticing import Notice
from portal.domain.schedules import Frequency
from portal.domain.statuses import (
    ArrangementStatus,
    AuthorizationStatus,
    InstallmentStatus,
    MessageStatus,
)
from portal.domain.terms import Kind, Method, Terms
from portal.gateways.mail import OutboxMailer
from portal.gateways.sms import OutboxTexter
from portal.gateways.stripe import StripeGateway
from portal.models import (
    Account,
    Arrangement,
    Authorization,
    EntryKind,
    Installment,
    LedgerEntry,
    Message,
    MoneyException,
    Payment,
    PaymentPurpose,
    Refund,
    fresh_id,
)
from portal.sandbox import control
from portal.sandbox.instruments import BY_NAME, Card, Decline
from portal.services import authorizations, evidence, payments, plan_notices
from portal.services.dispatch import Carriers, dispatch
from portal.services.ledger import lock_account, post
from portal.services.payments import CheckoutRequest
from portal.services.standing import set_hold
from portal.services.stripe_lists import reconcile_account
from portal.services.verify import Broken, verify_client
from portal.writing import write
from tests.databases import acting_as
from tests.factories import KEYS, NOW, make_dana
from tests.sandbox.checked import CheckedStripe

A_DAY, FOREVER = timedelta(days=1), timedelta(days=400)


@dataclass
class Till:
    """Dana's account and the Stripe it is paid at; ``now`` is both their clocks."""

    session: Session
    stripe: CheckedStripe
    account: Account

    @property
    def gateway(self) -> StripeGateway:
        """The gateway that services are given."""
        return self.stripe.gateway

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.stripe.clock.now

    def wait(self, **given: float) -> None:
        """Let time pass; on each whole day the debtor is told of the payments that come."""
        left = timedelta(**given)
        while left > A_DAY and left < FOREVER:
            self.stripe.clock.advance(days=1)
            left -= A_DAY
            tell_of_plans(self)
        self.stripe.clock.advance(seconds=left.total_seconds())

    def request(self, amount: int = 50_00, **given: Any) -> CheckoutRequest:
        """A part payment of 50.00, unless given otherwise."""
        wanted: dict[str, Any] = {
            "account_id": self.account.id,
            "purpose": PaymentPurpose.ONE_OFF,
            "amount_cents": Cents(amount),
            "locale": "en",
            "landing": lambda payment_id: f"https://pay.example/payment/{payment_id}",
        }
        return CheckoutRequest(**(wanted | given))

    def start(self, amount: int = 50_00, **given: Any) -> Payment:
        """Open a Checkout page; returns our row of it."""
        payments.start_checkout(
            self.session, self.gateway, self.request(amount, **given), now=self.now
        )
        return self.newest()

    def pay(self, payment: Payment, name: str = "visa") -> None:
        """Go through the page with a test card or account."""
        control.pay(self.stripe.world, payment.checkout_id or "", name)

    def land(self, payment: Payment) -> Payment:
        """Come back to our page."""
        return payments.refresh(self.session, self.gateway, payment.id, now=self.now)

    def reconcile(self) -> None:
        """Go over Stripe's lists, as the worker does every hour."""
        with acting_as("portal_worker", self.session):
            reconcile_account(self.session, self.gateway, None, now=self.now)

    def paid(self, amount: int = 50_00, name: str = "visa", **given: Any) -> Payment:
        """Open a page, go through it and come back."""
        payment = self.start(amount, **given)
        self.pay(payment, name)
        return self.land(payment)

    def lower(self, cents: int) -> None:
        """The client places so much less than before."""
        post(
            self.session,
            lock_account(self.session, self.account.id),
            kind=EntryKind.ADJUSTED,
            source="question:later",
            amount_cents=Cents(-cents),
            now=self.now,
        )

    def hold(self, kind: HoldKind, *, now: datetime | None = None) -> None:
        """A help topic of Dana's holds the account."""
        set_hold(
            self.session,
            self.account,
            kind,
            source="help:HR-1",
            now=now or self.now,
            actor=evidence.debtor(self.account.debtor_id),
        )

    def newest(self) -> Payment:
        """Our latest attempt."""
        return self.session.scalars(
            select(Payment).order_by(Payment.created_at.desc(), Payment.id.desc()).limit(1)
        ).one()

    @property
    def balance(self) -> int:
        """What is owed, read again."""
        self.session.refresh(self.account)
        return self.account.balance_cents

    def all(self, kind: type[Any]) -> list[Any]:
        """Every row of a table, oldest first."""
        return list(self.session.scalars(select(kind).order_by(kind.id)))

    @property
    def entries(self) -> list[tuple[str, int]]:
        """The ledger after the placement, as (kind, cents)."""
        rows = self.session.scalars(select(LedgerEntry).order_by(LedgerEntry.id))
        return [(str(row.kind), row.amount_cents) for row in rows if row.kind != "placed"]

    @property
    def refunds(self) -> list[Refund]:
        """Every refund that was wanted or came."""
        return self.all(Refund)

    @property
    def questions(self) -> list[str]:
        """What stands before a person."""
        return [row.kind for row in self.all(MoneyException)]

    @property
    def charges(self) -> list[dict[str, Any]]:
        """What Stripe has taken, as it tells."""
        return [one for one in control.payments(self.stripe.world) if one["status"] == "succeeded"]

    def broken(self) -> list[Broken]:
        """The invariants that do not hold."""
        self.session.flush()
        return list(verify_client(self.session, self.account.client_id))


def make_till(session: Session, stripe: CheckedStripe, **given: Any) -> Till:
    """Dana owes $1,240.00, unless given otherwise, on the sandbox's clock."""
    stripe.clock.now = NOW
    return Till(session, stripe, make_dana(session, **given))


def make_plan(
    till: Till, parts: tuple[int, ...], *, method: str = "automatic", **given: Any
) -> Arrangement:
    """An arrangement as an acceptance leaves it: parts a month apart, the first one today."""
    total = Cents(sum(parts))
    days = [till.now.date() + timedelta(days=30 * n) for n in range(len(parts))]
    terms = Terms(
        kind=Kind(given.get("kind", "plan")),
        key="plan",
        policy_version=1,
        currency="USD",
        balance_cents=Cents(till.account.balance_cents),
        total_cents=total,
        schedule=tuple(zip(days, map(Cents, parts), strict=True)),
        frequency=Frequency.MONTHLY if given.get("frequency", "monthly") else None,
        method=Method(method),
        valid_until=given.get("valid_until"),
    )
    values: dict[str, Any] = {
        "client_id": till.account.client_id,
        "id": fresh_id(),
        "account_id": till.account.id,
        "reference": f"HR-{fresh_id().hex[-6:]}",
        "kind": "plan",
        "status": ArrangementStatus.AWAITING_FIRST_PAYMENT,
        "method": method,
        "frequency": "monthly",
        "offer_key": "plan",
        "policy_version": 1,
        "total_cents": total,
        "balance_cents": till.account.balance_cents,
        "saved_cents": till.account.balance_cents - total,
        "currency": "USD",
        "terms": wording.canonical_bytes(terms).decode(),
        "terms_sha256": bytes.fromhex(wording.sha256(terms)),
        "locale": "en",
        "accepted_at": till.now,
    }
    agreed = Arrangement(**(values | given))
    till.session.add(agreed)
    permission = evidence.store_document(
        till.session,
        *(agreed.client_id, till.account.chain_id, "text/plain", b"authorization", till.now),
    )
    said = {"terms_sha256": wording.sha256(terms)}
    _record(till, "terms.reviewed", said)
    accepted = {"arrangement": str(agreed.id), "terms": wording.to_dict(terms)}
    if method == "automatic":
        accepted["authorization"] = {"document_sha256": permission, "cap_cents": max(parts)}
    _record(till, "acceptance", said | accepted)
    for n, cents in enumerate(parts):
        till.session.add(
            Installment(
                client_id=agreed.client_id,
                arrangement_id=agreed.id,
                n=n + 1,
                due_on=days[n],
                amount_cents=cents,
                status=InstallmentStatus.SCHEDULED,
            )
        )
    if method == "automatic":
        till.session.add(
            Authorization(
                client_id=agreed.client_id,
                arrangement_id=agreed.id,
                status=AuthorizationStatus.AWAITING_METHOD,
                document_sha256=bytes.fromhex(permission),
                cap_cents=max(parts),
                created_at=till.now,
            )
        )
    till.session.flush()
    return agreed


def _record(till: Till, kind: str, said: dict[str, Any]) -> None:
    evidence.record(
        till.session,
        client_id=till.account.client_id,
        chain_id=till.account.chain_id,
        type=kind,
        payload={"actor": evidence.debtor(till.account.debtor_id), **said},
        now=till.now,
    )


def parts_of(till: Till, agreed: Arrangement) -> list[Installment]:
    """The installments in order, read again."""
    till.session.expire_all()
    return list(
        till.session.scalars(
            select(Installment)
            .where(Installment.arrangement_id == agreed.id)
            .order_by(Installment.n)
        )
    )


def first_payment(till: Till, agreed: Arrangement, name: str = "visa") -> Payment:
    """Pay the first installment on its Checkout page and come back."""
    first = parts_of(till, agreed)[0]
    return till.paid(
        first.amount_cents,
        name,
        purpose=PaymentPurpose.FIRST,
        arrangement_id=agreed.id,
        installment_id=first.id,
    )


def pay_part(till: Till, part: Installment) -> Payment:
    """Pay an installment by hand and come back."""
    return till.paid(
        part.amount_cents,
        purpose=PaymentPurpose.INSTALLMENT,
        arrangement_id=part.arrangement_id,
        installment_id=part.id,
    )


def send_copy(till: Till, mailer: OutboxMailer | None = None) -> None:
    """The job that sends the copy of a permission, so that it may be charged under (PY-05)."""
    send_waiting(till, authorizations.COPY, mailer)


def send_waiting(till: Till, template: str, mailer: OutboxMailer | None = None) -> None:
    """The job that sends what waits of one kind of message."""
    carriers = Carriers(
        mailer=mailer or OutboxMailer(), texter=OutboxTexter(), write=write, keys=KEYS
    )
    waiting = select(Message).where(
        Message.template == template, Message.status.in_(("queued", "deferred"))
    )
    for one in till.session.scalars(waiting).all():
        dispatch(till.session, one.client_id, one.id, carriers=carriers, now=till.now)


@contextmanager
def declining(code: str, advice: str | None = None, *, name: str = "visa") -> Iterator[None]:
    """A test card whose bank declines with this code for a while."""
    card = BY_NAME[name]
    decline = Decline("card_declined", code, advice_code=advice)
    BY_NAME[name] = replace(cast("Card", card), decline=decline)
    try:
        yield
    finally:
        BY_NAME[name] = card


def tell_of_plans(till: Till) -> None:
    """The hourly job that tells of debits, and the one that sends what it wrote (PY-07)."""
    if not plan_notices.give(till.session, till.account.client_id, now=till.now):
        return
    carriers = Carriers(mailer=OutboxMailer(), texter=OutboxTexter(), write=write, keys=KEYS)
    waiting = select(Message).where(
        Message.template == Notice.DEBIT, Message.status == MessageStatus.QUEUED
    )
    for notice in till.session.scalars(waiting).all():
        dispatch(till.session, notice.client_id, notice.id, carriers=carriers, now=till.now)


Landing = Callable[[UUID], str]
DUE_TODAY = date(2026, 11, 23)
