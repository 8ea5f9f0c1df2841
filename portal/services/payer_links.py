"""Somebody else pays: a link to one amount, which shows its holder nothing of a debt (PR-05).

The debtor decides what is asked for and sees beforehand all that the other person will see. The
payment itself is like any other: one open attempt for each account, settled by ``settling``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain import N_, DomainError
from portal.domain.holds import Capability
from portal.domain.keys import Keys
from portal.domain.money import Cents
from portal.domain.statuses import ArrangementStatus, PaymentStatus
from portal.domain.terms import Method
from portal.models import Account, Client, PayerLink, Payment, PaymentPurpose
from portal.models.base import fresh_id, ids
from portal.services import evidence
from portal.services.arrangements import LIVE, UNPAID, arrangement_of, installments_of
from portal.services.evidence import Actor
from portal.services.ledger import lock_account
from portal.services.links import random_public_id, token_of_id, unsign
from portal.services.payable import Asked, NothingToPay, check_owed
from portal.services.payments import UNRESOLVED
from portal.services.references import fresh_reference
from portal.services.standing import standing

PURPOSE = "payer"
LASTS = timedelta(days=7)
_RESOLVE = text("SELECT client_id, link_id FROM resolve_payer_link(:wanted)")


class OwnCardNeeded(DomainError):
    """The first payment of an automatic plan saves the card that pays the later ones."""

    message = N_(
        "The first payment of your plan saves a card for the next ones, so make it yourself."
    )


class PayerLinkState(StrEnum):
    """What the holder of a link can do with it."""

    LIVE = "live"
    PAID = "paid"
    PROCESSING = "processing"
    CLOSED = "closed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class OpenedPayerLink:
    """A rightly signed link, whose sender it speaks for, and what became of it."""

    link: PayerLink
    client: Client
    state: PayerLinkState


def askable(session: Session, account: Account) -> Asked | None:
    """What a live agreement lets somebody else pay: its next part; None where there is none.

    Raises OwnCardNeeded for the first payment of an automatic plan.
    """
    agreed = arrangement_of(session, account)
    if agreed is None or agreed.status not in LIVE:
        return None
    waiting = agreed.status == ArrangementStatus.AWAITING_FIRST_PAYMENT
    if waiting and agreed.method == Method.AUTOMATIC:
        raise OwnCardNeeded
    parts = (one for one in installments_of(session, agreed) if one.status in UNPAID)
    part = next(parts, None)
    if part is None:
        raise NothingToPay
    return Asked(
        account_id=account.id,
        purpose=PaymentPurpose.FIRST if waiting else PaymentPurpose.INSTALLMENT,
        amount_cents=Cents(part.amount_cents - part.paid_cents),
        arrangement_id=agreed.id,
        installment_id=part.id,
    )


def issue_payer_link(
    session: Session, asked: Asked, *, locale: str, actor: Actor, now: datetime
) -> PayerLink:
    """Ask somebody else for this; whoever was asked before is no longer.

    Locks the account; the caller commits. Raises NotAllowedNow, and what ``check_owed`` raises.
    """
    account = lock_account(session, asked.account_id)
    standing(session, account, now).require(Capability.PAY)
    check_owed(session, account, asked, now=now)
    close_payer_links(session, account, reason="replaced", actor=actor, now=now)
    link = PayerLink(
        client_id=account.client_id,
        id=fresh_id(),
        account_id=account.id,
        public_id=random_public_id(ids.randbytes),
        purpose=asked.purpose,
        amount_cents=asked.amount_cents,
        currency=account.currency,
        arrangement_id=asked.arrangement_id,
        installment_id=asked.installment_id,
        reference=fresh_reference(),
        locale=locale,
        issued_at=now,
        expires_at=now + LASTS,
    )
    session.add(link)
    session.flush()
    told = {"reference": link.reference, "amount_cents": link.amount_cents}
    _tell(session, account, link, "payer_link.issued", {**told, "actor": actor}, now)
    return link


def close_payer_links(
    session: Session, account: Account, *, reason: str, actor: Actor, now: datetime
) -> None:
    """Take back what somebody else was asked for; the account is locked, the caller commits."""
    closed = session.scalars(
        update(PayerLink)
        .where(
            PayerLink.client_id == account.client_id,
            PayerLink.account_id == account.id,
            PayerLink.closed_at.is_(None),
        )
        .values(closed_at=now)
        .returning(PayerLink)
    ).all()
    for link in closed:
        _tell(session, account, link, "payer_link.closed", {"reason": reason, "actor": actor}, now)


def _tell(
    session: Session,
    account: Account,
    link: PayerLink,
    kind: str,
    payload: evidence.Payload,
    now: datetime,
) -> None:
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=kind,
        payload={"payer_link": str(link.id), **payload},
        now=now,
    )


def open_payer_link(session: Session, account: Account) -> PayerLink | None:
    """The account's link that is not closed, paid or expired as it may be."""
    return session.scalars(
        select(PayerLink).where(
            PayerLink.client_id == account.client_id,
            PayerLink.account_id == account.id,
            PayerLink.closed_at.is_(None),
        )
    ).one_or_none()


def payer_url(keys: Keys, link: PayerLink) -> str:
    """The address that the debtor passes on."""
    return f"{keys.base_url}/p/{token_of_id(keys, link.public_id, purpose=PURPOSE)}"


def open_payer_token(
    session: Session, token: str, *, keys: Keys, now: datetime
) -> OpenedPayerLink | None:
    """The link that a token names, with the session scoped to its client; writes nothing.

    None for every token that we did not sign for this purpose, or whose link does not exist.
    """
    public_id = unsign(token, keys, purpose=PURPOSE)
    found = session.execute(_RESOLVE, {"wanted": public_id or ""}).one_or_none()
    if not public_id or found is None:
        return None
    set_tenant(session, found.client_id)
    link = session.get_one(PayerLink, (found.client_id, found.link_id))
    client = session.get_one(Client, found.client_id)
    return OpenedPayerLink(link, client, payer_link_state(session, link, now=now))


def payer_link_state(session: Session, link: PayerLink, *, now: datetime) -> PayerLinkState:
    """What became of a link: paid before all, whatever else happened to it since."""
    statuses = set(
        session.scalars(
            select(Payment.status).where(
                Payment.client_id == link.client_id, Payment.payer_link_id == link.id
            )
        )
    )
    if PaymentStatus.SUCCEEDED in statuses:
        return PayerLinkState.PAID
    if PaymentStatus.PROCESSING in statuses:
        return PayerLinkState.PROCESSING
    if link.closed_at is not None:
        return PayerLinkState.CLOSED
    return PayerLinkState.LIVE if now < link.expires_at else PayerLinkState.EXPIRED


def asked_of(link: PayerLink) -> Asked:
    """What the holder of a link is asked for."""
    return Asked(
        account_id=link.account_id,
        purpose=link.purpose,
        amount_cents=link.amount_cents,
        arrangement_id=link.arrangement_id,
        installment_id=link.installment_id,
        payer_link_id=link.id,
    )


def is_being_paid(session: Session, link: PayerLink) -> bool:
    """Whether somebody else is paying the account right now: their page is not closed for this."""
    other = select(Payment.id).where(
        Payment.client_id == link.client_id,
        Payment.account_id == link.account_id,
        Payment.status.in_(UNRESOLVED),
        Payment.payer_link_id.is_distinct_from(link.id),
    )
    return session.scalar(other.limit(1)) is not None


def payment_of(session: Session, link: PayerLink, payment_id: UUID) -> Payment | None:
    """A payment that was made through this link; None for any other."""
    return session.scalars(
        select(Payment).where(Payment.id == payment_id, Payment.payer_link_id == link.id)
    ).one_or_none()
