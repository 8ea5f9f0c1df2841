"""How a debtor wants to be written to: addresses, language, and whether at all (CT-08, EC-03)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.evidence import format_time
from portal.domain.holds import HoldKind
from portal.domain.permissions import Basis
from portal.models import (
    Account,
    Channel,
    Contact,
    ContactPermission,
    ContactStop,
    Debtor,
    Hold,
    StopKind,
)
from portal.rules.disclosures import LegalText
from portal.rules.emails import parse_email
from portal.rules.phones import parse_phone
from portal.services import esign, evidence, messages
from portal.services.ceasing import drop_invitations, lock_invitations
from portal.services.evidence import Actor
from portal.services.ledger import lock_accounts
from portal.services.links import accounts_of, tell_accounts
from portal.services.optouts import opt_out
from portal.services.standing import holds_in_force, lift_hold, set_hold
from portal.services.stops import OWN_WORD

CONSENT = "address-consent"
DIRECT_CONSENT = str(Basis.DIRECT_CONSENT)
SOURCE, ON_THE_PHONE = "preferences", "phone"
MOST_ADDRESSES = 5


class EmailUnreadable(DomainError):
    """No mail could be sent to what was typed."""

    message = N_("Enter an email address. For example, dana@example.com.")


class PhoneUnreadable(DomainError):
    """What was typed is no number that takes text messages."""

    message = N_("Enter a mobile number with its area code. For example, 503 226 0100.")


class TooManyAddresses(DomainError):
    """More addresses than one person needs."""

    message = N_("We have several addresses of yours already. Please call us to add this one.")


class AddressClosed(DomainError):
    """Somebody told us that the address is another person's, or it takes no mail (EC-08)."""

    message = N_("We cannot write to this address. Please use another one, or call us.")


class AddressStopped(DomainError):
    """An address that only staff, or whoever else reads there, may open again."""

    message = N_("Please call us to use this address again.")


@dataclass(frozen=True, slots=True)
class Consent:
    """The words to which a debtor said yes, and who heard it; ``by`` None: their own page."""

    words: LegalText
    by: UUID | None = None

    @property
    def source(self) -> str:
        """Where it was said."""
        return ON_THE_PHONE if self.by else SOURCE

    def actor(self, contact: Contact) -> Actor:
        """Who put it on the record."""
        return evidence.staff(self.by) if self.by else evidence.debtor(contact.debtor_id)


@dataclass(frozen=True, slots=True)
class Address:
    """An address on file, why it is closed if it is, and whether the debtor may open it."""

    contact: Contact
    stopped: StopKind | None
    openable: bool


def addresses(session: Session, debtor: Debtor) -> list[Address]:
    """The addresses of a debtor that are on file, in the order in which they came."""
    found = session.scalars(
        select(Contact)
        .where(
            Contact.client_id == debtor.client_id,
            Contact.debtor_id == debtor.id,
            Contact.retired_at.is_(None),
        )
        .order_by(Contact.created_at, Contact.id)
    )
    return [_address(session, contact) for contact in found]


def _address(session: Session, contact: Contact) -> Address:
    kinds = {stop.kind for stop in _stops(session, contact)}
    stopped = next((kind for kind in _STRICTEST if kind in kinds), None)
    openable = stopped in OWN_WORD and not _is_shared(session, contact)
    return Address(contact, stopped, openable)


_STRICTEST = (
    StopKind.WRONG_PERSON,
    StopKind.REASSIGNED,
    StopKind.BOUNCED,
    StopKind.OPTED_OUT,
    StopKind.UNREAD,
)


def _stops(session: Session, contact: Contact) -> Sequence[ContactStop]:
    session.flush()
    return session.scalars(
        select(ContactStop).where(
            ContactStop.client_id == contact.client_id,
            ContactStop.channel == contact.channel,
            ContactStop.address == contact.address,
            ContactStop.lifted_at.is_(None),
        )
    ).all()


def _is_shared(session: Session, contact: Contact) -> bool:
    """Whether the address also stands with another debtor, who may be the one who closed it."""
    others = session.scalar(
        select(func.count(Contact.id)).where(
            Contact.client_id == contact.client_id,
            Contact.channel == contact.channel,
            Contact.address == contact.address,
            Contact.debtor_id != contact.debtor_id,
        )
    )
    return bool(others)


def close_address(session: Session, contact: Contact, *, now: datetime) -> None:
    """Stop writing to an address at once, as its debtor wants; what waits is dropped (CT-08)."""
    actor = evidence.debtor(contact.debtor_id)
    opt_out(session, contact, source=SOURCE, actor=actor, now=now)


def open_address(session: Session, contact: Contact, *, consent: Consent, now: datetime) -> None:
    """Write to an address again: the debtor's new direct consent, with its words (EC-01, EC-03).

    Raises AddressStopped where the address was not closed by an opt-out, or is shared with others.
    """
    address = _address(session, contact)
    if address.stopped is None:
        return
    if not address.openable:
        raise AddressStopped
    for stop in _stops(session, contact):
        stop.lifted_at = now
    contact.permission_basis = DIRECT_CONSENT
    _tell_consent(session, contact, "contact.reopened", consent, now)


def close_all_addresses(session: Session, debtor: Debtor, *, now: datetime) -> None:
    """Write by letter only: every e-mail address and phone on file is closed (CT-08)."""
    for address in addresses(session, debtor):
        if address.stopped in (None, StopKind.UNREAD):
            close_address(session, address.contact, now=now)
    esign.withdraw(session, debtor, actor=evidence.debtor(debtor.id), now=now)


def add_address(
    session: Session,
    debtor: Debtor,
    channel: Channel,
    typed: str,
    *,
    consent: Consent,
    now: datetime,
) -> Contact:
    """Take a new address with the words that stood beside its field, or were read (EC-01 a, EC-03).

    Raises EmailUnreadable, PhoneUnreadable, AddressClosed, AddressStopped, TooManyAddresses.
    """
    text, zones = _read(typed, channel, debtor.country)
    contact = _on_file(session, debtor, channel, text)
    if contact is None:
        _require_room(session, debtor, channel)
        contact = Contact(
            client_id=debtor.client_id,
            debtor_id=debtor.id,
            channel=channel,
            address=text,
            zones=zones,
            permission_basis=DIRECT_CONSENT,
            source=consent.source,
            created_at=now,
        )
    address = _address(session, contact)
    if address.stopped in (StopKind.WRONG_PERSON, StopKind.REASSIGNED, StopKind.BOUNCED):
        raise AddressClosed
    if address.stopped is not None:
        open_address(session, contact, consent=consent, now=now)
    contact.retired_at, contact.permission_basis = None, DIRECT_CONSENT
    session.add(contact)
    session.flush()
    _tell_consent(session, contact, "contact.added", consent, now)
    _tell_others(session, debtor, contact, now)
    return contact


def _tell_others(session: Session, debtor: Debtor, added: Contact, now: datetime) -> None:
    """Say at the addresses that were there before, and are open, that another one came."""
    for one in addresses(session, debtor):
        if one.contact.id == added.id or one.stopped is not None:
            continue
        messages.queue(
            session,
            debtor,
            template="address_added",
            context={"contact": str(added.id)},
            contact=one.contact,
            dedupe_key=f"address_added:{added.id}:{format_time(now)}:{one.contact.id}",
            now=now,
        )


def _read(typed: str, channel: Channel, country: str) -> tuple[str, str | None]:
    if channel is Channel.EMAIL:
        if (email := parse_email(typed)) is None:
            raise EmailUnreadable
        return email.address, None
    phone = parse_phone(typed, country)
    if phone is None or not phone.textable:
        raise PhoneUnreadable
    return phone.e164, " ".join(phone.zones) or None


def _on_file(session: Session, debtor: Debtor, channel: Channel, text: str) -> Contact | None:
    return session.scalar(
        select(Contact).where(
            Contact.client_id == debtor.client_id,
            Contact.debtor_id == debtor.id,
            Contact.channel == channel,
            Contact.address == text,
        )
    )


def _require_room(session: Session, debtor: Debtor, channel: Channel) -> None:
    same = [one for one in addresses(session, debtor) if one.contact.channel == channel]
    if len(same) >= MOST_ADDRESSES:
        raise TooManyAddresses


def _tell_consent(
    session: Session, contact: Contact, kind: str, consent: Consent, now: datetime
) -> None:
    """The leaf of a consent, with the words that were beside it kept under their hash."""
    debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
    accounts, words = accounts_of(session, debtor), consent.words
    session.add(
        ContactPermission(
            client_id=contact.client_id,
            contact_id=contact.id,
            basis=Basis.DIRECT_CONSENT,
            source=consent.source,
            words=words.text,
            at=now,
            recorded_by=consent.by,
        )
    )
    kept = evidence.keep_with(session, accounts, "text/plain", words.text.encode(), now)
    told = {
        "actor": consent.actor(contact),
        "contact": str(contact.id),
        "channel": str(contact.channel),
        "permission_basis": DIRECT_CONSENT,
        "source": consent.source,
        "text": {
            "id": words.doc_id,
            "version": words.version,
            "locale": words.locale,
            "sha256": kept,
        },
    }
    tell_accounts(session, accounts, kind, told, now)


def stop_writing(session: Session, debtor: Debtor, *, now: datetime) -> None:
    """Stop writing first about every account of a debtor, by whatever way (CT-08).

    What waits to be sent and was not asked for is dropped.
    """
    actor = evidence.debtor(debtor.id)
    accounts = lock_accounts(session, debtor.client_id, debtor.id)
    waiting = lock_invitations(session, debtor)
    for account in accounts:
        if not _ceased(session, account, now):
            set_hold(session, account, HoldKind.CEASE_ALL, source=SOURCE, now=now, actor=actor)
    drop_invitations(session, waiting, now=now)


def write_again(session: Session, debtor: Debtor, *, now: datetime) -> None:
    """Let us write first again; only what was stopped by the debtor's own word is lifted."""
    actor = evidence.debtor(debtor.id)
    for account in lock_accounts(session, debtor.client_id, debtor.id):
        for hold in _ceased(session, account, now):
            lift_hold(session, hold, reason="debtor_allows", actor=actor, now=now)


def may_write(session: Session, debtor: Debtor, now: datetime) -> bool:
    """Whether the debtor has not told us to stop writing about every account."""
    accounts = accounts_of(session, debtor)
    return not accounts or not all(_ceased(session, account, now) for account in accounts)


def _ceased(session: Session, account: Account, now: datetime) -> list[Hold]:
    own = (SOURCE, "help:")
    return [
        hold
        for hold in holds_in_force(session, account, now)
        if hold.kind == HoldKind.CEASE_ALL and hold.source.startswith(own)
    ]


def contact_of(session: Session, debtor: Debtor, contact_id: UUID) -> Contact | None:
    """One address of this debtor that is on file."""
    found = session.get(Contact, (debtor.client_id, contact_id))
    mine = found is not None and found.debtor_id == debtor.id and found.retired_at is None
    return found if mine else None
