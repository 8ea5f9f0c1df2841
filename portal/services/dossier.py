"""All that staff see of one account, read by key."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import or_, select, true
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.capabilities import Capabilities
from portal.domain.help import kept_words
from portal.domain.money import Cents
from portal.models import (
    AccessLink,
    Account,
    Arrangement,
    Authorization,
    CallAttempt,
    Chargeback,
    Client,
    Contact,
    ContactPreference,
    ContactStop,
    Debtor,
    Delivery,
    EntryKind,
    EsignConsent,
    FirstNotice,
    HelpRequest,
    Hold,
    Installment,
    LedgerEntry,
    LookOutcome,
    Message,
    Payment,
    Proposal,
    Refund,
    SecondLook,
    Staff,
)
from portal.services import evidence
from portal.services.arrangements import arrangement_of, installments_of
from portal.services.authorizations import copy_left_at
from portal.services.clearance import SentLately, sent_lately
from portal.services.contact_wishes import in_force
from portal.services.deliveries import deliveries_of
from portal.services.esign import standing_consent
from portal.services.evidence import Entry, Span, some_leaves
from portal.services.first_notices import notices_of
from portal.services.letters import letter_stops
from portal.services.standing import holds_in_force, standing

REVEALED_FOR = timedelta(minutes=15)
MOST = 50
"""Of each thing: what is older is in the timeline, page by page."""
MOST_LINKS = 10
MOST_BACK = 20 * MOST

Row = TypeVar("Row")


class ReasonMissing(DomainError):
    """What is done for a reason, which is kept, was to be done without one."""

    message = N_("Write the reason. It is kept on the record.")


@dataclass(frozen=True, slots=True)
class Writing:
    """How a person wants to be written to, the first notices, and what went to them lately."""

    wishes: Sequence[ContactPreference]
    notices: Sequence[FirstNotice]
    lately: SentLately


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """One account with everything around it: the newest ``MOST`` of what goes on growing.

    ``returned`` are the payments of ``payments`` that staff recorded and that do not count any
    more; ``looks`` wait for a second person.
    """

    account: Account
    debtor: Debtor
    client: Client
    allowed: Capabilities
    others: Sequence[Account]
    entries: Sequence[LedgerEntry]
    contacts: Sequence[Contact]
    stops: Sequence[ContactStop]
    consent: EsignConsent | None
    writing: Writing
    links: Sequence[AccessLink]
    holds: Sequence[Hold]
    arrangement: Arrangement | None
    installments: Sequence[Installment]
    authorization: Authorization | None
    copy_left_at: datetime | None
    payments: Sequence[Payment]
    refunds: Sequence[Refund]
    chargebacks: Sequence[Chargeback]
    proposals: Sequence[Proposal]
    requests: Sequence[HelpRequest]
    messages: Sequence[Message]
    deliveries: Mapping[UUID, Sequence[Delivery]]
    calls: Sequence[CallAttempt]
    looks: Sequence[SecondLook]
    returned: Collection[UUID | None]
    most: int = MOST
    most_links: int = MOST_LINKS

    @property
    def has_older_entries(self) -> bool:
        """Whether the ledger began before the first of its ``entries``."""
        return bool(self.entries) and self.entries[0].kind != EntryKind.PLACED

    @property
    def before_entries_cents(self) -> Cents:
        """What the account owed before the first of its ``entries``, as far as they are shown."""
        return Cents(self.account.balance_cents - sum(one.amount_cents for one in self.entries))


def find_account(session: Session, account_id: UUID) -> Account:
    """An account of a client that the session sees. Raises NoResultFound."""
    return session.scalars(
        select(Account).where(
            Account.client_id.in_(session.info["client_ids"]), Account.id == account_id
        )
    ).one()


def read_dossier(session: Session, account: Account, *, now: datetime) -> Dossier:
    """All that a page shows of an account, the newest first where time goes by."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    agreed = arrangement_of(session, account)
    permission = _authorization(session, agreed)
    payments = _of(session, account, Payment, Payment.created_at.desc())
    paid = [payment.id for payment in payments]
    messages = _messages(session, account)
    contacts = _rows(session, Contact, account, Contact.debtor_id == debtor.id)
    return Dossier(
        account=account,
        debtor=debtor,
        client=session.get_one(Client, account.client_id),
        allowed=standing(session, account, now),
        others=_rows(
            session, Account, account, Account.debtor_id == debtor.id, Account.id != account.id
        ),
        entries=_of(session, account, LedgerEntry, LedgerEntry.at.desc())[::-1],
        contacts=contacts,
        stops=[*_stops(session, account, contacts), *letter_stops(session, debtor)],
        consent=standing_consent(session, account.client_id, debtor.id),
        writing=_writing(session, account, debtor, now),
        links=_links(session, account),
        holds=holds_in_force(session, account, now),
        arrangement=agreed,
        installments=installments_of(session, agreed) if agreed else (),
        authorization=permission,
        copy_left_at=copy_left_at(session, permission) if permission else None,
        payments=payments,
        refunds=_back(session, account, Refund, paid),
        chargebacks=_back(session, account, Chargeback, paid),
        proposals=_of(session, account, Proposal, Proposal.submitted_at.desc()),
        requests=_of(session, account, HelpRequest, HelpRequest.opened_at.desc()),
        messages=messages,
        deliveries=deliveries_of(session, messages),
        calls=_of(session, account, CallAttempt, CallAttempt.at.desc()),
        looks=_waiting(session, account),
        returned=_returned(session, account, paid),
    )


def contacts_of(session: Session, debtor: Debtor, *, retired: bool = False) -> Sequence[Contact]:
    """The addresses of a debtor that are in use; ``retired``: those that were, too."""
    return session.scalars(
        select(Contact)
        .where(
            Contact.client_id == debtor.client_id,
            Contact.debtor_id == debtor.id,
            true() if retired else Contact.retired_at.is_(None),
        )
        .order_by(Contact.id)
    ).all()


def _waiting(session: Session, account: Account) -> Sequence[SecondLook]:
    waits = (SecondLook.account_id == account.id, SecondLook.outcome == LookOutcome.WAITS)
    return _rows(session, SecondLook, account, *waits)


def _links(session: Session, account: Account) -> Sequence[AccessLink]:
    of_debtor = AccessLink.debtor_id == account.debtor_id
    order = AccessLink.issued_at.desc()
    return _rows(session, AccessLink, account, of_debtor, order=order, most=MOST_LINKS)


def _back(
    session: Session, account: Account, table: type[Row], paid: Sequence[UUID]
) -> Sequence[Row]:
    """Money of these payments that went back, all of it: what is left of each is told from it."""
    kind: Any = table
    of_these = kind.payment_id.in_(paid)
    return _rows(session, table, account, of_these, order=kind.id.desc(), most=MOST_BACK)[::-1]


def _returned(session: Session, account: Account, paid: Sequence[UUID]) -> set[UUID | None]:
    back = select(LedgerEntry.payment_id).where(
        LedgerEntry.client_id == account.client_id,
        LedgerEntry.kind == EntryKind.RETURNED,
        LedgerEntry.payment_id.in_(paid),
    )
    return set(session.scalars(back))


def _writing(session: Session, account: Account, debtor: Debtor, now: datetime) -> Writing:
    return Writing(
        in_force(session, debtor),
        notices_of(session, account),
        sent_lately(session, debtor, now),
    )


def _rows(
    session: Session,
    table: type[Row],
    account: Account,
    *where: Any,
    order: Any = None,
    most: int = MOST,
) -> Sequence[Row]:
    kind: Any = table
    query = select(table).where(kind.client_id == account.client_id, *where)
    by = (kind.id,) if order is None else (order, kind.id.desc())
    return session.scalars(query.order_by(*by).limit(most)).all()


def _of(session: Session, account: Account, table: type[Row], order: Any) -> Sequence[Row]:
    kind: Any = table
    return _rows(session, table, account, kind.account_id == account.id, order=order)


def _stops(
    session: Session, account: Account, contacts: Sequence[Contact]
) -> Sequence[ContactStop]:
    addresses = [contact.address for contact in contacts]
    return _rows(
        session,
        ContactStop,
        account,
        ContactStop.address.in_(addresses),
        ContactStop.lifted_at.is_(None),
    )


def _authorization(session: Session, agreed: Arrangement | None) -> Authorization | None:
    if agreed is None:
        return None
    return session.scalars(
        select(Authorization)
        .where(
            Authorization.client_id == agreed.client_id, Authorization.arrangement_id == agreed.id
        )
        .order_by(Authorization.created_at.desc())
        .limit(1)
    ).first()


def _messages(session: Session, account: Account) -> Sequence[Message]:
    """The debtor's newest messages about this account or about none in particular."""
    return session.scalars(
        select(Message)
        .where(
            Message.client_id == account.client_id,
            Message.debtor_id == account.debtor_id,
            or_(Message.account_id == account.id, Message.account_id.is_(None)),
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(MOST)
    ).all()


def reveal(session: Session, account: Account, *, reason: str, staff: Staff, now: datetime) -> None:
    """Let a member of staff see the debtor's personal data for a while, on the record.

    The caller commits. Raises ReasonMissing, TextTooLong, CardNumberTyped (PC-01).
    """
    words = kept_words(reason)
    if not words:
        raise ReasonMissing
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type="staff.revealed",
        payload={"actor": evidence.staff(staff.id), "reason": words},
        now=now,
    )


def looked_at_lately(session: Session, account: Account, *, now: datetime) -> Sequence[Entry]:
    """Who asked to see the personal data within the time that lets them see it, oldest first."""
    span = Span(since=now - REVEALED_FOR, types=["staff.revealed"])
    return some_leaves(session, account, span, most=MOST)[::-1]


def revealed_until(entries: Sequence[Entry], staff: Staff, *, now: datetime) -> datetime | None:
    """Until when this member of staff sees the personal data, from the account's leaves."""
    mine = evidence.staff(staff.id)
    for entry in reversed(entries):
        if entry.at + REVEALED_FOR <= now:
            break
        if entry.type == "staff.revealed" and entry.payload.get("actor") == mine:
            return entry.at + REVEALED_FOR
    return None
