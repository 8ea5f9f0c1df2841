"""Consent to get required copies online only: whether it stands, and its end (ES-01)."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.domain.evidence import format_time
from portal.domain.statuses import ConsentStatus, move
from portal.models import Contact, Debtor, EsignConsent, Message
from portal.services.evidence import Actor, Payload
from portal.services.links import accounts_of, tell_accounts

TEXT = "esign-consent"
SAMPLE = "esign-sample"
SCOPE = "required_copies"
STANDS_SINCE = 1
"""The oldest version of the statement whose consent still stands. A version that changes what a
debtor needs, may do or gets raises it, and everybody is asked anew."""


Key = UUID | InstrumentedAttribute[UUID]


def standing_for(client_id: Key, debtor_id: Key) -> ColumnElement[bool]:
    """The condition under which a row is the consent of a debtor that stands now."""
    return (
        (EsignConsent.client_id == client_id)
        & (EsignConsent.debtor_id == debtor_id)
        & (EsignConsent.status == ConsentStatus.CONSENTED)
        & (EsignConsent.text_version >= STANDS_SINCE)
    )


def standing_consent(session: Session, client_id: UUID, debtor_id: UUID) -> EsignConsent | None:
    """The consent of a debtor that stands now; None where required copies go on paper."""
    found = given_consent(session, client_id, debtor_id)
    return found if stands(found) else None


def given_consent(session: Session, client_id: UUID, debtor_id: UUID) -> EsignConsent | None:
    """The consent that a debtor gave and did not withdraw, even to an older statement."""
    return session.scalars(
        select(EsignConsent).where(
            EsignConsent.client_id == client_id,
            EsignConsent.debtor_id == debtor_id,
            EsignConsent.status == ConsentStatus.CONSENTED,
        )
    ).one_or_none()


def stands(found: EsignConsent | None) -> bool:
    """Whether a consent was given to a statement that says what today's does in substance."""
    return found is not None and found.text_version >= STANDS_SINCE


def covers(session: Session, message: Message) -> bool:
    """Whether a message may be the only copy: it goes to the very address that was tried out."""
    found = standing_consent(session, message.client_id, message.debtor_id)
    return found is not None and found.contact_id == message.contact_id


def withdraw(session: Session, debtor: Debtor, *, actor: Actor, now: datetime) -> bool:
    """Send required copies on paper from now on; False where no consent was given.

    Effective at once, on the record of each account. The caller commits.
    """
    found = session.scalars(
        select(EsignConsent)
        .where(
            EsignConsent.client_id == debtor.client_id,
            EsignConsent.debtor_id == debtor.id,
            EsignConsent.status == ConsentStatus.CONSENTED,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return False
    found.status = move(found.status, ConsentStatus.WITHDRAWN)
    found.withdrawn_at = now
    session.flush()
    told = {"actor": actor, "consent": str(found.id), "scope": found.scope}
    tell_accounts(session, accounts_of(session, debtor), "esign.withdrawn", told, now)
    return True


def consent_said(session: Session, found: EsignConsent) -> Payload:
    """A consent as the record of it, and of what is agreed while it stands, names it (17.1)."""
    contact = session.get_one(Contact, (found.client_id, found.contact_id))
    said: Payload = {
        "consent": str(found.id),
        "scope": found.scope,
        "text_sha256": found.text_sha256.hex(),
        "text_version": found.text_version,
        "locale": found.locale,
        "demonstration": {
            "method": "code_in_document",
            "document_sha256": found.sample_sha256.hex(),
            "contact": str(contact.id),
            "address_sha256": address_commit(found.id, contact),
            "asked_at": format_time(found.asked_at),
        },
    }
    if found.consented_at is not None:
        said["consented_at"] = format_time(found.consented_at)
        said["demonstration"]["passed_at"] = format_time(found.consented_at)
    return said


def address_commit(consent_id: UUID, contact: Contact) -> str:
    """The address of a consent as a hash of it with the consent's id, so that none is kept."""
    return sha256(f"{consent_id} {contact.address}".encode()).hexdigest()
