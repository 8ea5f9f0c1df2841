"""Somebody else pays: a link that a debtor shares, and what may be paid through it (PR-05).

Whoever holds it sees an amount, a reference and a neutral sender, never a debt. It is for one
payment; what may be taken is judged again under the account's lock when Checkout is opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain import N_, DomainError
from portal.domain.holds import Capability
from portal.domain.keys import Keys
from portal.domain.money import Cents, Money, minimum_charge, rest_of_part
from portal.domain.offers import RestTooSmall, part_payment
from portal.domain.statuses import LIVE, ArrangementStatus, PaymentStatus
from portal.models import Account, Arrangement, Client, Debtor, Installment, PayerLink, Payment
from portal.models.base import ids
from portal.models.payments import OPEN
from portal.services import evidence
from portal.services.arrangements import UNPAID, installments_of
from portal.services.evidence import Actor
from portal.services.ledger import lock_account, lock_row
from portal.services.links import PAYER, id_of_token, random_public_id, token_of_id
from portal.services.offers import read_facts
from portal.services.payable import Asked, NothingToPay
from portal.services.references import fresh_reference
from portal.services.standing import close_pages, standing

LASTS = timedelta(days=7)
MOVING = (PaymentStatus.ATTEMPTING, PaymentStatus.PROCESSING)

_RESOLVE = text("SELECT client_id, link_id FROM resolve_payer_link(:wanted)")


class PayerLinkOver(DomainError):
    """Nothing more can be paid through the link."""

    message = N_("Nothing can be paid with this link now.")


class FirstPaymentFirst(DomainError):
    """An agreement waits for its first payment, and less would not begin it."""

    message = N_("Your agreement waits for its first payment. Ask for %(minimum)s or more.")


class PayerState(StrEnum):
    """What has become of a link."""

    LIVE = "live"
    MOVING = "moving"
    PAID = "paid"
    REVOKED = "revoked"
    EXPIRED = "expired"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Askable:
    """What somebody else may be asked for: all that is left, and the next payment if one is due.

    ``least_cents`` is the smallest amount that does something; ``parts`` are the open amounts that
    money pays in this order.
    """

    all_cents: Cents
    next_cents: Cents
    next_part: Installment | None
    least_cents: Cents
    parts: tuple[Cents, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """What a link takes now, and what that pays; no amount where nothing can be paid."""

    amount_cents: Cents = Cents(0)
    arrangement_id: UUID | None = None
    installment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PayerView:
    """A link with its state, what it takes now, and the payment that came or is coming."""

    link: PayerLink
    account: Account
    client: Client
    state: PayerState
    due: Due
    payment: Payment | None


def askable(session: Session, account: Account) -> Askable:
    """What is open on an account now: of its agreement where one is live, else of the balance."""
    least, owed = minimum_charge(account.currency), Cents(max(account.balance_cents, 0))
    agreed = _live(session, account)
    if agreed is None:
        return Askable(owed, Cents(0), None, least, (owed,))
    unpaid = [part for part in installments_of(session, agreed) if part.status in UNPAID]
    parts = tuple(_open(part) for part in unpaid)
    left = Cents(min(sum(parts), owed))
    if not unpaid:
        return Askable(left, Cents(0), None, least, parts)
    due = Cents(min(parts[0], owed))
    waits = agreed.status == ArrangementStatus.AWAITING_FIRST_PAYMENT
    return Askable(left, due, unpaid[0], max(least, due) if waits else least, parts)


def issue(
    session: Session,
    account: Account,
    amount_cents: Cents,
    *,
    next_only: bool = False,
    actor: Actor | None = None,
    now: datetime,
) -> PayerLink:
    """Make a link over an amount, on the record; where one is live already, it is that one.

    ``next_only``: for the next payment of the agreement, and for no other. ``actor``: who made it,
    if not the debtor. Locks the account; the
    caller commits. Raises NotAllowedNow, NothingToPay, FirstPaymentFirst, and what
    ``part_payment`` raises.
    """
    account = lock_account(session, account.id)
    if found := live_link(session, account, now=now):
        return found
    standing(session, account, now).require(Capability.PAY)
    part = _part_of(session, account, amount_cents, next_only)
    link = PayerLink(
        client_id=account.client_id,
        account_id=account.id,
        installment_id=part.id if part else None,
        public_id=random_public_id(ids.randbytes),
        reference=fresh_reference(),
        amount_cents=amount_cents,
        currency=account.currency,
        issued_at=now,
        expires_at=now + LASTS,
    )
    session.add(link)
    session.flush()
    _record(session, account, link, "payer_link.issued", actor, now)
    return link


def _part_of(
    session: Session, account: Account, amount_cents: Cents, next_only: bool
) -> Installment | None:
    """The part that the amount is for, where it is for one alone; the amount can be paid."""
    open_now = askable(session, account)
    if not next_only:
        _check_amount(session, account, amount_cents, open_now)
        return None
    if open_now.next_part is None or amount_cents != open_now.next_cents:
        raise NothingToPay
    return open_now.next_part


def _check_amount(
    session: Session, account: Account, amount_cents: Cents, open_now: Askable
) -> None:
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    owed = replace(read_facts(session, account, debtor), balance_cents=open_now.all_cents)
    part_payment(amount_cents, owed)
    if amount_cents < open_now.least_cents:
        raise FirstPaymentFirst(minimum=Money(open_now.least_cents, account.currency))
    least, rest = minimum_charge(account.currency), rest_of_part(amount_cents, open_now.parts)
    if 0 < rest < least:
        raise RestTooSmall(
            rest=Money(rest, account.currency),
            balance=Money(Cents(amount_cents + rest), account.currency),
            most=Money(Cents(amount_cents + rest - least), account.currency),
        )


def revoke(
    session: Session, account: Account, *, actor: Actor | None = None, now: datetime
) -> None:
    """Close the account's live link for good, on the record, and a page opened with it at Stripe.

    Money that is on its way is taken over as ever. Doing it twice is doing it once. Locks the
    account; the caller commits.
    """
    account = lock_account(session, account.id)
    link = live_link(session, account, now=now)
    if link is None:
        return
    link.revoked_at = now
    _record(session, account, link, "payer_link.revoked", actor, now)
    paying = select(Payment.id).where(
        Payment.client_id == link.client_id,
        Payment.payer_link_id == link.id,
        Payment.status.in_(OPEN),
    )
    if session.scalar(paying.limit(1)) is not None:
        close_pages(session, account)


def live_link(session: Session, account: Account, *, now: datetime) -> PayerLink | None:
    """The account's link that can still be paid, or through which a payment is on its way."""
    newest = session.scalars(_of_account(account).limit(1)).first()
    if newest is None or newest.revoked_at is not None or newest.expires_at <= now:
        return None
    paid = _arrived(session, newest)
    return None if paid and paid.status == PaymentStatus.SUCCEEDED else newest


def links_of(session: Session, account: Account, *, now: datetime) -> Sequence[PayerView]:
    """The links of an account as they stand, newest first."""
    rows = session.scalars(_of_account(account).limit(20)).all()
    return [_view(session, link, account, now=now) for link in rows]


def view_of(session: Session, link: PayerLink, *, now: datetime) -> PayerView:
    """A link as it stands now."""
    account = session.get_one(Account, (link.client_id, link.account_id))
    return _view(session, link, account, now=now)


def token_of(keys: Keys, link: PayerLink) -> str:
    """What goes into the address of a link."""
    return token_of_id(keys, link.public_id, purpose=PAYER)


def url_of(keys: Keys, link: PayerLink) -> str:
    """The address that a debtor shares."""
    return f"{keys.base_url}/p/{token_of(keys, link)}"


def open_link(session: Session, token: str, *, keys: Keys, now: datetime) -> PayerView | None:
    """The link that a token names, with the session scoped to its client; writes nothing.

    None for every token that we did not sign for this, or whose link does not exist.
    """
    public_id = id_of_token(keys, token, purpose=PAYER)
    found = session.execute(_RESOLVE, {"wanted": public_id or ""}).one_or_none()
    if public_id is None or found is None:
        return None
    set_tenant(session, found.client_id)
    link = session.get_one(PayerLink, (found.client_id, found.link_id))
    account = session.get_one(Account, (link.client_id, link.account_id))
    return _view(session, link, account, now=now)


def payment_through(session: Session, link: PayerLink, payment_id: UUID) -> Payment | None:
    """One attempt to pay through this link; None for any other payment."""
    return session.scalars(
        select(Payment).where(
            Payment.client_id == link.client_id,
            Payment.id == payment_id,
            Payment.payer_link_id == link.id,
        )
    ).one_or_none()


def check_link(session: Session, account: Account, asked: Asked, *, now: datetime) -> None:
    """Go on only if the link takes exactly this now; the account is locked by the caller.

    Raises PayerLinkOver, NothingToPay.
    """
    link = lock_row(session, PayerLink, (account.client_id, asked.payer_link_id))
    found = _view(session, link, account, now=now)
    if link.account_id != account.id or found.state is not PayerState.LIVE:
        raise PayerLinkOver
    if found.due != Due(asked.amount_cents, asked.arrangement_id, asked.installment_id):
        raise NothingToPay


def _view(session: Session, link: PayerLink, account: Account, *, now: datetime) -> PayerView:
    client = session.get_one(Client, link.client_id)
    came, due = _arrived(session, link), _due(session, link, account)
    state = _state(link, came, now)
    payable = due.amount_cents and standing(session, account, now).pay.allowed
    if state is PayerState.LIVE and not payable:
        state = PayerState.CLOSED
    return PayerView(link, account, client, state, due, came)


def _state(link: PayerLink, came: Payment | None, now: datetime) -> PayerState:
    if came is not None:
        return PayerState.MOVING if came.status in MOVING else PayerState.PAID
    if link.revoked_at is not None:
        return PayerState.REVOKED
    return PayerState.LIVE if now < link.expires_at else PayerState.EXPIRED


def _due(session: Session, link: PayerLink, account: Account) -> Due:
    """What the link takes: what was asked for, but never more than is open of it now."""
    open_now, agreed = askable(session, account), _live(session, account)
    agreed_id = agreed.id if agreed else None
    if link.installment_id is not None:
        part = session.get_one(Installment, (link.client_id, link.installment_id))
        if part.arrangement_id != agreed_id or part.status not in UNPAID:
            return Due()
        owed = Cents(min(_open(part), max(account.balance_cents, 0)))
        parts: tuple[Cents, ...] = (owed,)
    else:
        owed, parts = open_now.all_cents, open_now.parts
    amount, least = Cents(min(link.amount_cents, owed)), minimum_charge(account.currency)
    rest = rest_of_part(amount, parts)
    if 0 < rest < least:  # nothing is left behind that could never be charged
        amount = Cents(amount + rest - least)
    too_little = amount < least if link.installment_id else amount < open_now.least_cents
    return Due() if too_little else Due(amount, agreed_id, link.installment_id)


def _live(session: Session, account: Account) -> Arrangement | None:
    return session.scalar(
        select(Arrangement)
        .where(
            Arrangement.client_id == account.client_id,
            Arrangement.account_id == account.id,
            Arrangement.status.in_(LIVE),
        )
        .execution_options(populate_existing=True)
    )


def _open(part: Installment) -> Cents:
    return Cents(part.amount_cents - part.paid_cents)


def _of_account(account: Account) -> Select[PayerLink]:
    return (
        select(PayerLink)
        .where(PayerLink.client_id == account.client_id, PayerLink.account_id == account.id)
        .order_by(PayerLink.issued_at.desc(), PayerLink.id.desc())
    )


def _arrived(session: Session, link: PayerLink) -> Payment | None:
    """The payment that came through a link, else the one that is on its way."""
    came = (PaymentStatus.SUCCEEDED, *MOVING)
    return session.scalars(
        select(Payment)
        .where(
            Payment.client_id == link.client_id,
            Payment.payer_link_id == link.id,
            Payment.status.in_(came),
        )
        .order_by((Payment.status == PaymentStatus.SUCCEEDED).desc(), Payment.id)
        .limit(1)
    ).first()


def _record(
    session: Session,
    account: Account,
    link: PayerLink,
    kind: str,
    actor: Actor | None,
    now: datetime,
) -> None:
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=kind,
        payload={
            "actor": actor or evidence.debtor(account.debtor_id),
            "payer_link": str(link.id),
            "reference": link.reference,
            "amount_cents": link.amount_cents,
            "currency": link.currency,
            "expires_at": link.expires_at.isoformat(),
        },
        now=now,
    )
