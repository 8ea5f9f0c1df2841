"""What a message may say: its facts, read from the rows at the moment it is written out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from portal.domain.debts import CollectorRole
from portal.domain.disclosures import collector_line
from portal.domain.keys import Keys
from portal.domain.noticing import EXEMPT_INCOME, is_new_york_collection
from portal.domain.outgoing import template_named
from portal.domain.statuses import ArrangementStatus
from portal.models import (
    AccessLink,
    Amendment,
    Arrangement,
    Authorization,
    Channel,
    Client,
    Contact,
    Debtor,
    EsignConsent,
    HelpRequest,
    Installment,
    Message,
    OneTimeCode,
    Payment,
    Proposal,
    Refund,
)
from portal.services import (
    authorizations,
    checkout_facts,
    cure_facts,
    evidence,
    optouts,
    phone_link_facts,
    plan_facts,
)
from portal.services.doors import door_of
from portal.services.identity import code_text
from portal.services.links import code_of, url_of
from portal.services.message_subject import OutOfDate, Subject, Values
from portal.services.messages import about
from portal.services.running import left_after
from portal.services.standing import zone_of
from portal.services.undoing import undo_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorized:
    """What the copy of a permission to charge says (PY-05)."""

    payer_name: str
    company: str
    creditor: str
    reference: str
    schedule: Sequence[tuple[date, int]]
    total_cents: int
    currency: str
    method_brand: str
    method_last4: str
    agreed_at: datetime
    identity_method: str
    phone: str
    address: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A document that goes along with a message: exactly the bytes that were kept."""

    name: str
    media: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """All that the words of one message are made from.

    ``private``: somebody proved who they are through this very address, so the message may say
    more than that there is something to read (EC-08). ``values`` are the template's own: amounts
    are (cents, currency), dates are of the debtor's calendar. ``copy`` is a document that goes
    along, as it was shown, ``laws`` the texts of law that do; ``link_code`` is what a letter prints
    to be typed; ``reply_to`` an address that may give away more than the sender's name.
    """

    template: str
    channel: Channel
    language: str
    country: str
    sender: str
    street_address: str
    phone: str
    private: bool
    link_url: str | None = field(repr=False)
    link_until: date | None
    unsubscribe_url: str | None
    values: Mapping[str, Any] = field(repr=False)
    link_code: str | None = field(repr=False, default=None)
    zone: str = "UTC"
    reply_to: str | None = None
    collector_line: str | None = None
    laws: Sequence[str] = ()
    copy: Copy | None = None
    authorized: Authorized | None = None


def facts_of(
    session: Session, message: Message, contact: Contact | None, *, keys: Keys, now: datetime
) -> MessageFacts:
    """The facts of a message that is about to go to this contact, or by letter where it is None.

    Makes the link that it brings, if it needs one and has none. Raises OutOfDate.
    """
    client = session.get_one(Client, message.client_id)
    debtor = session.get_one(Debtor, (client.id, message.debtor_id))
    subject = Subject(session, message, client, debtor, contact, keys, now)
    template = template_named(message.template)
    email = contact if contact and contact.channel == Channel.EMAIL else None
    private = template.private and (contact is None or bool(email and is_proven(session, email)))
    said = _SAID.get(template.name, _nothing)(subject)
    link = door_of(subject, template)
    return MessageFacts(
        template=template.name,
        channel=contact.channel if contact else Channel.LETTER,
        language=message.locale,
        country=client.country,
        sender=client.sender_name,
        street_address=client.street_address,
        phone=client.phone,
        private=private,
        link_url=url_of(keys, link) if link else None,
        link_code=code_of(keys, link) if link and contact is None else None,
        link_until=subject.day(link.expires_at) if link else None,
        unsubscribe_url=optouts.unsubscribe_url(keys, email) if email else None,
        values=said,
        zone=zone_of(debtor),
        reply_to=client.email if private else None,
        collector_line=_collector_line(subject) if private else None,
        laws=_laws(subject) if private else (),
        copy=_copy(subject) if private or template.name == "esign_sample" else None,
        authorized=_authorized(subject) if private else None,
    )


def is_proven(session: Session, contact: Contact) -> bool:
    """Whether somebody who is the debtor had what we sent to this very address (EC-08)."""
    by_link = exists().where(
        AccessLink.client_id == contact.client_id,
        AccessLink.contact_id == contact.id,
        AccessLink.verified_at.is_not(None),
    )
    by_code = exists().where(
        OneTimeCode.client_id == contact.client_id,
        OneTimeCode.contact_id == contact.id,
        OneTimeCode.passed_at.is_not(None),
    )
    by_sample = exists().where(
        EsignConsent.client_id == contact.client_id,
        EsignConsent.contact_id == contact.id,
        EsignConsent.consented_at.is_not(None),
    )
    return bool(session.scalar(select(by_link | by_code | by_sample)))


def _collector_line(subject: Subject) -> str | None:
    role = subject.account.collector_role if subject.message.account_id else None
    return collector_line(role, first=False) if role else None


def _laws(subject: Subject) -> Sequence[str]:
    """The texts of law that go with a message, by their ids, beside the collector's line."""
    if subject.message.template != "agreement_copy":
        return ()
    account, debtor = subject.account, subject.debtor
    role = CollectorRole(account.collector_role)
    new_york = is_new_york_collection(debtor.country, debtor.region, role)
    return (EXEMPT_INCOME,) if new_york else ()


def _copy(subject: Subject) -> Copy | None:
    kept = subject.message.context.get("document")
    if subject.message.template not in ("agreement_copy", "esign_sample") or not kept:
        return None
    document = evidence.kept_with(subject.session, about(subject.session, subject.message), kept)
    ending = "html" if document.media.startswith("text/html") else "txt"
    return Copy(f"copy.{ending}", document.media, document.body)


def _authorized(subject: Subject) -> Authorized | None:
    if subject.message.template != "authorization_copy":
        return None
    permission: Authorization = subject.row(Authorization, "authorization")
    if permission.granted_at is None:
        raise OutOfDate
    agreed = subject.session.get_one(Arrangement, (subject.client.id, permission.arrangement_id))
    account, client, debtor = subject.account, subject.client, subject.debtor
    return Authorized(
        payer_name=f"{debtor.first_name} {debtor.last_name}",
        company=client.trade_name,
        creditor=account.current_creditor,
        reference=account.reference,
        schedule=_schedule(subject.session, agreed),
        total_cents=permission.cap_cents,
        currency=agreed.currency,
        method_brand=permission.method_brand or "",
        method_last4=permission.method_last4 or "",
        agreed_at=authorizations.given_at(subject.session, permission),
        identity_method=_identity_method(subject, agreed),
        phone=client.phone,
        address=client.street_address,
    )


def _schedule(session: Session, agreed: Arrangement) -> list[tuple[date, int]]:
    parts = session.scalars(
        select(Installment)
        .where(Installment.client_id == agreed.client_id, Installment.arrangement_id == agreed.id)
        .order_by(Installment.n)
    )
    return [(part.due_on, part.amount_cents) for part in parts]


def _identity_method(subject: Subject, agreed: Arrangement) -> str:
    """How the debtor proved who they are when they agreed, as the record of it says."""
    for leaf in reversed(evidence.account_leaves(subject.session, subject.account)):
        if leaf.type == "acceptance" and leaf.payload.get("arrangement") == str(agreed.id):
            identity = leaf.payload.get("party", {}).get("identity", {})
            return str(identity.get("method", ""))
    return ""


def _nothing(subject: Subject) -> Values:
    return {}


def _code(subject: Subject) -> Values:
    code: OneTimeCode = subject.row(OneTimeCode, "code_id")
    if code.passed_at is not None or code.expires_at <= subject.now:
        raise OutOfDate
    return {"code": code_text(subject.keys, code.id)}


def _payment(subject: Subject) -> Values:
    payment: Payment = subject.row(Payment, "payment")
    return {
        "amount": (payment.amount_cents, payment.currency),
        "payment_reference": payment.reference,
        "account_reference": subject.account.reference,
        "on": subject.day(payment.settled_at or payment.created_at),
        # A helper's card is nobody else's business.
        "by_payer": payment.payer_link_id is not None,
        "method_brand": None if payment.payer_link_id else payment.method_brand,
        "method_last4": None if payment.payer_link_id else payment.method_last4,
        "counter": (payment.counter_kind, payment.counter_number),
    }


def _failed(subject: Subject) -> Values:
    return _payment(subject) | cure_facts.failed(subject)


def _receipt(subject: Subject) -> Values:
    payment: Payment = subject.row(Payment, "payment")
    at = payment.settled_at or payment.created_at
    return {**_payment(subject), "at": at, **plan_facts.left_of(subject, payment)}


def _refund(subject: Subject) -> Values:
    said = _payment(subject)
    refund = subject.session.scalars(
        select(Refund).where(
            Refund.client_id == subject.client.id,
            Refund.refund_id == subject.message.context.get("refund"),
        )
    ).one_or_none()
    if refund is not None:
        said["amount"] = (refund.amount_cents, said["amount"][1])
        said["on"] = subject.day(refund.created_at)
    return said


def _arrangement(subject: Subject) -> Values:
    agreed, owed = subject.row(Arrangement, "arrangement"), max(subject.account.balance_cents, 0)
    said = {"reference": agreed.reference, "why": agreed.ended_reason}
    return {**said, "owed": (owed, agreed.currency)}


def _agreed(subject: Subject) -> Values:
    """The same with until when it can be taken back, while it still can."""
    agreed: Arrangement = subject.row(Arrangement, "arrangement")
    until = undo_until(subject.session, agreed)
    waiting = agreed.status == ArrangementStatus.AWAITING_FIRST_PAYMENT
    open_still = until is not None and waiting and subject.now < until
    return {**_arrangement(subject), "undo_until": until if open_still else None}


def _changed(subject: Subject) -> Values:
    left = left_after(subject.session, subject.row(Amendment, "amendment"))
    if left is None:
        raise OutOfDate
    return left


def _proposal(subject: Subject) -> Values:
    proposal: Proposal = subject.row(Proposal, "proposal")
    return {"reference": proposal.reference, "answer_by": proposal.answer_due_on}


def _answer(subject: Subject) -> Values:
    """Whether a person answered; where nobody did, the portal offers something by itself."""
    proposal: Proposal = subject.row(Proposal, "proposal")
    return {"by_person": proposal.answered_by is not None}


def _closing(subject: Subject) -> Values:
    wording = subject.message.context["wording"]
    return {"reference": subject.account.reference, "wording": wording}


def _help(subject: Subject) -> Values:
    request: HelpRequest = subject.row(HelpRequest, "help")
    return {"reference": request.reference, "answer_by": request.promised_on}


_SAID: dict[str, Callable[[Subject], Values]] = {
    "one_time_code": _code,
    "payment_link": phone_link_facts.payment_link,
    "receipt": _receipt,
    "payment_failed": _failed,
    "payment_processing": _payment,
    "refund_made": _refund,
    "agreement_copy": _agreed,
    "arrangement_withdrawn": _arrangement,
    "arrangement_canceled": _arrangement,
    "plan_changed": _changed,
    "automatic_stopped": _arrangement,
    **cure_facts.SAID,
    "abandoned_checkout": checkout_facts.abandoned,
    **plan_facts.SAID,
    "proposal_received": _proposal,
    "proposal_accepted": _answer,
    "proposal_countered": _answer,
    "help_received": _help,
    "closing_notice": _closing,
}
