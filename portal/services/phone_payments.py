"""A payment while the debtor is on the line: a link that takes one amount, sent to them.

Staff type no card anywhere (PC-01): who holds the link sees an amount and a reference and pays at
Stripe. Whoever pays through it is not asked who they are, as with every such link (PR-05).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.money import Cents
from portal.domain.outgoing import Action
from portal.domain.statuses import PaymentStatus
from portal.models import Account, Contact, Debtor, Message, PayerLink, Payment, Staff
from portal.services import call_sessions, evidence, messages, payer_links
from portal.services.heard_addresses import NobodyOnTheLine
from portal.services.ledger import lock_account
from portal.services.payer_links import PayerState, PayerView
from portal.services.ways import Way, WayClosed

TEMPLATE = "payment_link"
GONE = (PaymentStatus.EXPIRED, PaymentStatus.CANCELED)


class Stage(StrEnum):
    """How far a payment on the phone is."""

    WAITING = "waiting"
    AT_CHECKOUT = "at_checkout"
    MOVING = "moving"
    PAID = "paid"
    DECLINED = "declined"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much the link takes; ``next_only``: for the next payment of the agreement."""

    amount_cents: Cents
    next_only: bool = False


def send_payment_link(
    session: Session, account: Account, way: Way, wanted: Wanted, *, staff: Staff, now: datetime
) -> PayerLink:
    """Make a link over an amount and send it to who is on the line; the caller commits.

    They wait for it, so hours and caps do not count (CT-04). An earlier link of the account that
    can still be paid is closed. Raises NobodyOnTheLine, WayClosed, and what ``issue`` raises.
    """
    account = lock_account(session, account.id)
    if not call_sessions.verified(session, staff, account, now):
        raise NobodyOnTheLine
    if way.contact is None or way.asked.action is Action.DROP:
        raise WayClosed(way.asked.rule)
    actor, cents = evidence.staff(staff.id), wanted.amount_cents
    payer_links.revoke(session, account, actor=actor, now=now)
    next_only = wanted.next_only
    link = payer_links.issue(session, account, cents, next_only=next_only, actor=actor, now=now)
    messages.queue(
        session,
        session.get_one(Debtor, (account.client_id, account.debtor_id)),
        template=TEMPLATE,
        context={"account": str(account.id), "payer_link": str(link.id)},
        account=account,
        contact=way.contact,
        channel=way.channel,
        dedupe_key=_fact(link.id),
        asked_for=True,
        by=staff.id,
        now=now,
    )
    return link


def _fact(link_id: UUID) -> str:
    return f"payer_link:{link_id}"


def sent_to(session: Session, account: Account, link_id: UUID) -> Contact | None:
    """The address to which staff sent a link; None where the debtor made it."""
    there = (Contact.client_id == Message.client_id) & (Contact.id == Message.contact_id)
    sent = Message.client_id == account.client_id, Message.dedupe_key == _fact(link_id)
    return session.scalars(select(Contact).join(Message, there).where(*sent)).first()


def stage_of(session: Session, view: PayerView) -> tuple[Stage, Payment | None]:
    """How far the payment of a link is, with its newest attempt."""
    newest = session.scalars(
        select(Payment)
        .where(Payment.client_id == view.link.client_id, Payment.payer_link_id == view.link.id)
        .order_by(Payment.created_at.desc(), Payment.id.desc())
        .limit(1)
    ).first()
    if view.state in (PayerState.PAID, PayerState.MOVING):
        return Stage(view.state.value), newest
    if view.state is not PayerState.LIVE:
        return Stage.OVER, newest
    if newest is None or newest.status in GONE:
        return Stage.WAITING, newest
    declined = newest.status == PaymentStatus.FAILED
    return (Stage.DECLINED if declined else Stage.AT_CHECKOUT), newest
