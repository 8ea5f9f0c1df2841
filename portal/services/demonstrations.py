"""How a debtor shows that they can open what we send: a sample with a code in it (ES-01)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, codes
from portal.domain.keys import Keys
from portal.domain.statuses import ConsentStatus, move
from portal.models import Channel, Contact, Debtor, EsignConsent, fresh_id
from portal.rules.disclosures import LegalText
from portal.services import evidence
from portal.services.esign import SCOPE, consent_said
from portal.services.evidence import Payload
from portal.services.links import accounts_of, tell_accounts
from portal.services.messages import contact_for, queue

TEMPLATE = "esign_sample"
MOST_TRIES = 5
MOST_SAMPLES = 5
DAY = timedelta(hours=24)
AT_ONCE = timedelta(minutes=1)
"""A sample that was asked for twice within this time is one."""


class NoEmailAddress(DomainError):
    """There is no e-mail address that copies could go to."""

    message = N_("We have no email address of yours that we may write to. Give us one first.")


class TooManySamples(DomainError):
    """Enough samples went out today."""

    message = N_("We sent you several samples today. Try again tomorrow. Until then you get paper.")


class Outcome(StrEnum):
    """What became of a code that was typed."""

    CONSENTED = "consented"
    WRONG_CODE = "wrong_code"
    SPENT = "spent"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Visiting:
    """Who acts: a debtor in one of their visits."""

    debtor: Debtor
    session_id: UUID


def email_for_copies(session: Session, debtor: Debtor) -> Contact | None:
    """The e-mail address that required copies go to, if there is one that is open."""
    return contact_for(session, debtor, Channel.EMAIL)


def asked_for(session: Session, debtor: Debtor) -> EsignConsent | None:
    """The sample whose code the debtor may still type, if it went where copies would go."""
    found = session.scalars(
        select(EsignConsent).where(
            EsignConsent.client_id == debtor.client_id,
            EsignConsent.debtor_id == debtor.id,
            EsignConsent.status == ConsentStatus.ASKED,
        )
    ).one_or_none()
    contact = email_for_copies(session, debtor)
    if found is None or contact is None or contact.id != found.contact_id:
        return None
    return found


def ask_sample(
    session: Session,
    who: Visiting,
    text: LegalText,
    *,
    write: Callable[[str], bytes],
    keys: Keys,
    now: datetime,
) -> tuple[EsignConsent, bool]:
    """Send a sample document to where copies would go; ``write`` makes it around its code.

    It takes the place of the sample before. Where that went a moment ago, nothing is sent, and the
    answer is that sample and False. The caller commits. Raises NoEmailAddress, TooManySamples.
    """
    contact = email_for_copies(session, who.debtor)
    if contact is None:
        raise NoEmailAddress
    before = _locked(session, who.debtor)
    if before and _is_fresh(before, contact, now):
        return before, False
    _require_room(session, who.debtor, now)
    if before is not None:
        before.status = move(before.status, ConsentStatus.REPLACED)
        session.flush()
    asked = _asked(session, who, contact, text, _new(write, keys), now)
    return _send(session, asked, now), True


def _is_fresh(asked: EsignConsent, contact: Contact, now: datetime) -> bool:
    went_there = asked.contact_id == contact.id and asked.tries < MOST_TRIES
    return went_there and now - asked.asked_at < AT_ONCE


def _new(write: Callable[[str], bytes], keys: Keys) -> tuple[UUID, bytes]:
    consent_id = fresh_id()
    return consent_id, write(sample_code(keys, consent_id))


def _asked(
    session: Session,
    who: Visiting,
    contact: Contact,
    text: LegalText,
    new: tuple[UUID, bytes],
    now: datetime,
) -> EsignConsent:
    client_id, accounts = who.debtor.client_id, accounts_of(session, who.debtor)
    sample = evidence.keep_with(session, accounts, "text/html", new[1], now)
    asked = EsignConsent(
        client_id=client_id,
        id=new[0],
        debtor_id=who.debtor.id,
        contact_id=contact.id,
        session_id=who.session_id,
        status=ConsentStatus.ASKED,
        scope=SCOPE,
        text_version=int(text.version),
        text_sha256=bytes.fromhex(text.sha256),
        locale=text.locale,
        sample_sha256=bytes.fromhex(sample),
        tries=0,
        asked_at=now,
    )
    session.add(asked)
    session.flush()
    return asked


def _send(session: Session, asked: EsignConsent, now: datetime) -> EsignConsent:
    debtor = session.get_one(Debtor, (asked.client_id, asked.debtor_id))
    told = {"documents": [{"name": "sample", "sha256": asked.sample_sha256.hex()}]}
    _tell(session, asked, "esign.asked", told, now)
    queue(
        session,
        debtor,
        template=TEMPLATE,
        context={"document": asked.sample_sha256.hex()},
        dedupe_key=f"{TEMPLATE}:{asked.id}",
        contact=session.get_one(Contact, (asked.client_id, asked.contact_id)),
        asked_for=True,
        now=now,
    )
    return asked


def agree(
    session: Session, who: Visiting, text: LegalText, typed: str, *, keys: Keys, now: datetime
) -> Outcome:
    """Consent, if what was typed is the code of the sample that went to the debtor's address.

    A wrong code is counted; with the last one the sample is spent. Done twice, it is done once.
    The caller commits whatever comes of it.
    """
    asked = _locked(session, who.debtor)
    if asked is None:
        return Outcome.NOT_ASKED
    contact = email_for_copies(session, who.debtor)
    if contact is None or contact.id != asked.contact_id:
        return Outcome.NOT_ASKED
    if asked.tries >= MOST_TRIES:
        return Outcome.SPENT
    if not _is_code(keys, asked.id, typed):
        asked.tries += 1
        return Outcome.SPENT if asked.tries >= MOST_TRIES else Outcome.WRONG_CODE
    _consent(session, asked, who, text, now)
    return Outcome.CONSENTED


def _consent(
    session: Session, asked: EsignConsent, who: Visiting, text: LegalText, now: datetime
) -> None:
    before = session.scalars(_of(who.debtor, ConsentStatus.CONSENTED)).one_or_none()
    if before is not None:
        before.status = move(before.status, ConsentStatus.REPLACED)
        session.flush()
    asked.status = move(asked.status, ConsentStatus.CONSENTED)
    asked.consented_at, asked.session_id = now, who.session_id
    asked.text_version, asked.locale = int(text.version), text.locale
    asked.text_sha256 = bytes.fromhex(text.sha256)
    accounts = accounts_of(session, who.debtor)
    evidence.keep_with(session, accounts, "text/plain", text.text.encode(), now)
    session.flush()
    told: Payload = {"replaces": str(before.id)} if before else {}
    _tell(session, asked, "esign.consented", told, now)


def _tell(session: Session, asked: EsignConsent, kind: str, told: Payload, now: datetime) -> None:
    debtor = session.get_one(Debtor, (asked.client_id, asked.debtor_id))
    said = {
        "actor": evidence.debtor(debtor.id),
        "visit": str(asked.session_id),
        **consent_said(session, asked),
        **told,
    }
    tell_accounts(session, accounts_of(session, debtor), kind, said, now)


def sample_code(keys: Keys, consent_id: UUID) -> str:
    """The code that stands in a sample, K7MP-42XD: derived from its id, so that no table has it."""
    derived = keys.peppered("esign sample", consent_id.bytes)
    return codes.spaced(codes.letter_code(lambda size: derived[:size]))


def _is_code(keys: Keys, consent_id: UUID, typed: str) -> bool:
    code = codes.normalize_letter_code(typed)
    wanted = codes.normalize_symbols(sample_code(keys, consent_id))
    return code is not None and compare_digest(code, wanted)


def _locked(session: Session, debtor: Debtor) -> EsignConsent | None:
    """The debtor's open sample; two requests at once go one after the other."""
    session.execute(
        select(Debtor.id)
        .where(Debtor.client_id == debtor.client_id, Debtor.id == debtor.id)
        .with_for_update(key_share=True)
    )
    return session.scalars(_of(debtor, ConsentStatus.ASKED)).one_or_none()


def _of(debtor: Debtor, status: ConsentStatus) -> Select[EsignConsent]:
    return (
        select(EsignConsent)
        .where(
            EsignConsent.client_id == debtor.client_id,
            EsignConsent.debtor_id == debtor.id,
            EsignConsent.status == status,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _require_room(session: Session, debtor: Debtor, now: datetime) -> None:
    sent = session.scalar(
        select(func.count(EsignConsent.id)).where(
            EsignConsent.client_id == debtor.client_id,
            EsignConsent.debtor_id == debtor.id,
            EsignConsent.asked_at > now - DAY,
        )
    )
    if (sent or 0) >= MOST_SAMPLES:
        raise TooManySamples
