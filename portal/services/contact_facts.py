"""What is known of addresses, wishes and first notices, for one debtor or a whole batch of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.capabilities import Capabilities
from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole, Country
from portal.domain.outgoing import Debt
from portal.domain.packs import ContactRules, packs_of, together
from portal.domain.permissions import Address, Proof, claimed
from portal.domain.wishes import NO_WISHES, Wishes, wishes_of
from portal.models import (
    Account,
    Contact,
    ContactPermission,
    ContactPreference,
    Debtor,
    FirstNotice,
)
from portal.rules.emails import EmailClass, parse_email
from portal.rules.holidays import region_holidays
from portal.rules.regions import find_region


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFacts:
    """Evidence by contact, wishes by debtor, and first notices by account."""

    permissions: dict[UUID, list[ContactPermission]]
    wishes: dict[UUID, Wishes]
    notices: dict[UUID, list[FirstNotice]]

    def address(self, contact: Contact, role: CollectorRole) -> Address:
        """An address with all that permits its use."""
        named = claimed(contact.permission_basis, role, contact.created_at)
        found = [_proof(row) for row in self.permissions.get(contact.id, ())]
        return Address(
            channel=contact.channel,
            id=contact.id,
            proofs=[*([named] if named else []), *found],
            at_work=contact.at_work,
            public=contact.channel != Channel.EMAIL or _is_public(contact.address),
        )

    def wished(self, debtor_id: UUID) -> Wishes:
        """How a debtor wants to be written to."""
        return self.wishes.get(debtor_id, NO_WISHES)

    def debt(self, account: Account, allowed: Capabilities) -> Debt:
        """An account with what is allowed on it, and the notices that still count."""
        rows = self.notices.get(account.id, ())
        missed = max((row.sent_on for row in rows if row.missed_at), default=date.min)
        mailed = [row.sent_on for row in rows if row.on_paper and row.sent_on > missed]
        written = [row.sent_on for row in rows if row.sent_on > missed]
        if (placed := account.validation_notice_sent_on) and placed > missed:
            written.append(placed)
        return Debt(
            id=account.id,
            allowed=allowed,
            written_on=max(written, default=None),
            mailed_on=max(mailed, default=None),
        )


def read_facts(
    session: Session,
    client_id: UUID,
    *,
    debtors: Collection[UUID],
    contacts: Collection[UUID],
    accounts: Collection[UUID],
) -> ContactFacts:
    """What is on file for these debtors, addresses and accounts of one client, in three queries."""
    session.flush()
    permissions: dict[UUID, list[ContactPermission]] = defaultdict(list)
    for row in session.scalars(
        select(ContactPermission).where(
            ContactPermission.client_id == client_id, ContactPermission.contact_id.in_(contacts)
        )
    ):
        permissions[row.contact_id].append(row)
    notices: dict[UUID, list[FirstNotice]] = defaultdict(list)
    for notice in session.scalars(
        select(FirstNotice).where(
            FirstNotice.client_id == client_id, FirstNotice.account_id.in_(accounts)
        )
    ):
        notices[notice.account_id].append(notice)
    wishes = _wishes(session, client_id, debtors)
    return ContactFacts(permissions=permissions, wishes=wishes, notices=notices)


def facts_about(
    session: Session, debtor: Debtor, contacts: Iterable[Contact], accounts: Iterable[Account]
) -> ContactFacts:
    """The same for one debtor."""
    return read_facts(
        session,
        debtor.client_id,
        debtors=[debtor.id],
        contacts=[contact.id for contact in contacts],
        accounts=[account.id for account in accounts],
    )


def _wishes(session: Session, client_id: UUID, debtors: Collection[UUID]) -> dict[UUID, Wishes]:
    stated: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    rows = session.execute(
        select(ContactPreference.debtor_id, ContactPreference.kind, ContactPreference.value)
        .where(
            ContactPreference.client_id == client_id,
            ContactPreference.debtor_id.in_(debtors),
            ContactPreference.ended_at.is_(None),
        )
        .order_by(ContactPreference.stated_at, ContactPreference.id)
    )
    for debtor_id, kind, value in rows:
        stated[debtor_id].append((kind, value))
    return {debtor_id: wishes_of(said) for debtor_id, said in stated.items()}


def rules_of(debtor: Debtor, role: CollectorRole) -> ContactRules:
    """The rules of every place where a debtor may live, for who writes in this role (SC-03)."""
    return _rules(debtor.country, debtor.region, debtor.postal_code, role)


@lru_cache(4096)
def _rules(
    country: str, region_name: str, postal_code: str | None, role: CollectorRole
) -> ContactRules:
    region = find_region(region_name, country)
    code = region.code if region else None
    return together(
        packs_of(Country(country), code, postal_code), role, region_holidays(country, code or "")
    )


def _proof(row: ContactPermission) -> Proof:
    return Proof(
        basis=row.basis,
        at=row.at,
        notice_sent_on=row.notice_sent_on,
        deadline_on=row.deadline_on,
        kept=row.document_sha256 is not None,
    )


@lru_cache(16_384)
def _is_public(address: str) -> bool:
    email = parse_email(address)
    return email is not None and email.email_class is EmailClass.PUBLIC_DOMAIN
