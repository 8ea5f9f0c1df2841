"""What proves that an address may be used: consents, texts, notices, checks (EC-01, EC-02)."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.outgoing import Rule
from portal.domain.permissions import NOTICE_DAYS, Basis
from portal.gateways.rnd import NumberCheck, Reassigned
from portal.models import Channel, Contact, ContactPermission, Debtor, StopKind
from portal.rules.emails import parse_email
from portal.services import evidence
from portal.services.links import accounts_of, tell_accounts
from portal.services.messages import drop, lock_waiting
from portal.services.stops import stop_address

RND = "rnd"
DAY = timedelta(days=1)
SHA256_BYTES = 32


class DeadlineTooSoon(DomainError):
    """A creditor's notice that leaves less than 35 days to say no permits nothing."""

    message = N_("The last day to say no must be at least 35 days after the notice was sent.")


class NoticeUnreadable(DomainError):
    """A line of the file describes no notice."""

    message = N_("Line %(line)s: %(why)s.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditorNotice:
    """A creditor's notice about an address, with the hash of the copy that is kept (EC-01 b)."""

    sent_on: date
    deadline_on: date
    document_sha256: bytes


def record_permission(
    session: Session,
    contact: Contact,
    basis: Basis,
    *,
    source: str,
    words: str | None = None,
    at: datetime,
) -> ContactPermission:
    """Keep one piece of evidence for an address, on the record. The caller commits."""
    row = ContactPermission(
        client_id=contact.client_id,
        contact_id=contact.id,
        basis=basis,
        source=source,
        words=words,
        at=at,
    )
    _keep(session, row, contact, at)
    return row


def record_notice(
    session: Session, contact: Contact, notice: CreditorNotice, *, source: str, now: datetime
) -> ContactPermission:
    """Keep a creditor's notice that an address goes over to us (EC-01 b). The caller commits.

    Raises DeadlineTooSoon.
    """
    if notice.deadline_on - notice.sent_on < timedelta(days=NOTICE_DAYS):
        raise DeadlineTooSoon
    row = ContactPermission(
        client_id=contact.client_id,
        contact_id=contact.id,
        basis=Basis.CREDITOR_NOTICE,
        source=source,
        notice_sent_on=notice.sent_on,
        deadline_on=notice.deadline_on,
        document_sha256=notice.document_sha256,
        at=now,
    )
    _keep(session, row, contact, now)
    return row


def read_notices(body: BinaryIO) -> Sequence[tuple[str, CreditorNotice]]:
    """The address and the notice of each line of a CSV file. Raises NoticeUnreadable."""
    rows = csv.DictReader(io.TextIOWrapper(body, "utf-8-sig", newline=""))
    found = []
    for row in rows:
        email = parse_email(row.get("email") or "")
        try:
            notice = CreditorNotice(
                sent_on=date.fromisoformat(row["sent_on"]),
                deadline_on=date.fromisoformat(row["deadline_on"]),
                document_sha256=bytes.fromhex(row["copy_sha256"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NoticeUnreadable(line=rows.line_num, why=str(error)) from None
        if email is None or len(notice.document_sha256) != SHA256_BYTES:
            why = "no e-mail address" if email is None else "copy_sha256 has 64 digits"
            raise NoticeUnreadable(line=rows.line_num, why=why)
        found.append((email.address, notice))
    return found


def record_notices(
    session: Session,
    client_id: UUID,
    notices: Iterable[tuple[str, CreditorNotice]],
    *,
    source: str,
    now: datetime,
) -> int:
    """Keep the notices about addresses that a client's debtors have; how many addresses these are.

    The caller commits. Raises DeadlineTooSoon.
    """
    known = 0
    for address, notice in notices:
        for contact in _at(session, client_id, Channel.EMAIL, address):
            record_notice(session, contact, notice, source=source, now=now)
            known += 1
    return known


def record_check(session: Session, client_id: UUID, check: NumberCheck, *, now: datetime) -> int:
    """Take over an answer of the reassigned numbers database; how many addresses it is about.

    ``no`` keeps a consent fresh for 60 days, ``yes`` closes the number, whoever has it on file. An
    answer that was taken over before is not taken twice. The caller commits.
    """
    contacts = _at(session, client_id, Channel.SMS, check.number)
    for contact in contacts:
        if check.result is Reassigned.YES:
            _quarantine(session, contact, now=now)
        elif check.result is Reassigned.NO and not _knows(
            session, contact, Basis.RND, check.checked_at
        ):
            record_permission(session, contact, Basis.RND, source=RND, at=check.checked_at)
    return len(contacts)


def record_text(session: Session, contacts: Iterable[Contact], *, now: datetime) -> None:
    """Somebody texted us from a number: it is in use, and theirs (EC-02); once a day is enough.

    The caller commits.
    """
    for contact in contacts:
        if not _knows(session, contact, Basis.USED, now - DAY):
            record_permission(session, contact, Basis.USED, source="text", at=now)


def _at(session: Session, client_id: UUID, channel: Channel, address: str) -> list[Contact]:
    found = session.scalars(
        select(Contact)
        .where(
            Contact.client_id == client_id,
            Contact.channel == channel,
            Contact.address == address,
        )
        .order_by(Contact.id)
    )
    return list(found)


def _knows(session: Session, contact: Contact, basis: Basis, since: datetime) -> bool:
    known = select(ContactPermission.id).where(
        ContactPermission.client_id == contact.client_id,
        ContactPermission.contact_id == contact.id,
        ContactPermission.basis == basis,
        ContactPermission.at >= since,
    )
    return session.scalar(known.limit(1)) is not None


def _quarantine(session: Session, contact: Contact, *, now: datetime) -> None:
    waiting = lock_waiting(session, contact)
    stop_address(session, contact, StopKind.REASSIGNED, source=RND, actor=evidence.SYSTEM, now=now)
    for message in waiting:
        drop(session, message, Rule.NUMBER_STALE, now=now)


def _keep(session: Session, row: ContactPermission, contact: Contact, now: datetime) -> None:
    session.add(row)
    session.flush()
    debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
    told = {
        "actor": evidence.SYSTEM,
        "contact": str(contact.id),
        "channel": str(contact.channel),
        "permission": str(row.id),
        "basis": str(row.basis),
        "source": row.source,
    }
    if row.notice_sent_on and row.deadline_on:
        told["notice_sent_on"] = row.notice_sent_on.isoformat()
        told["deadline_on"] = row.deadline_on.isoformat()
    if row.words:
        told["words"] = row.words
    tell_accounts(session, accounts_of(session, debtor), "contact.permitted", told, now)
