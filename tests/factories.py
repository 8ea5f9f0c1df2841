"""Rows for tests: plain typed functions that write what a test needs and no more.

The cast: Dana owes, Cleo's company placed the account, Sam supports, Otto operates.
"""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy.orm import Session

from portal.db import psycopg_connection, set_tenant
from portal.domain.identity import Factor, keyed_hash
from portal.domain.keys import Keys
from portal.domain.money import Cents
from portal.domain.policy import Band, PlanLimits, Policy, ProposalLimits, Tier
from portal.domain.schedules import Frequency
from portal.domain.statuses import ArrangementStatus, PaymentStatus
from portal.models import (
    AccessLink,
    Account,
    Arrangement,
    Channel,
    Client,
    CollectorRole,
    Contact,
    Debtor,
    DebtorSession,
    EntryKind,
    LedgerEntry,
    Payment,
    PaymentPurpose,
    Placement,
    PlacementKind,
    PlacementStatus,
    fresh_id,
)
from portal.services import evidence
from portal.services.links import IssuedLink, accounts_of, issue_link
from portal.services.policies import PublishedPolicy, publish_policy
from portal.services.visits import Visit
from portal.services.words import learn

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
"""The instant of most tests: a Monday at noon in New York."""

TODAY = date(2026, 11, 23)

KEYS = Keys((b"k" * 32,), b"p" * 32, "https://pay.example.com")
"""The secrets of tests that start no app; with one, take ``settings.keys``."""

BORN_ON, POSTAL_CODE, LAST_FOUR = date(1985, 3, 27), "12207", "4471"
"""Dana's right answers."""

Row = TypeVar("Row")

_numbers = itertools.count(1)


def make_client(session: Session, **given: Any) -> Client:
    """A first-party creditor; the session sees it beside the clients that it saw already."""
    n = next(_numbers)
    values: dict[str, Any] = {
        "slug": f"northgate-{n}",
        "legal_name": "Northgate Energy LLC",
        "trade_name": "Northgate Energy",
        "sender_name": "Harbor Services",
        "street_address": "12 Pier Road, Portland, OR 97201",
        "phone": "1-800-555-0100",
        "phone_hours": "Monday to Friday, 8 AM to 6 PM",
        "email": "help@harbor.example",
        "license_line": None,
        "country": "US",
        "currency": "USD",
        "time_zone": "America/New_York",
        "collector_role": CollectorRole.FIRST_PARTY_CREDITOR,
        "languages": ["en", "es", "fr"],
        "identity_factors": ["date_of_birth", "postal_code"],
        "created_at": NOW,
        "sms_registration": "brand B1, campaign C1",
    }
    client = Client(**(values | given))
    client.id = given.get("id") or fresh_id()
    set_tenant(session, *_seen(session), client.id)
    session.add(client)
    session.flush()
    return client


def make_debtor(session: Session, client: Client, **given: Any) -> Debtor:
    """Dana Reyes, with no identity answers on file."""
    values: dict[str, Any] = {
        "client_id": client.id,
        "first_name": "Dana",
        "last_name": "Reyes",
        "name_key": "dana reyes",
        "language": "en",
        "address_line": "4 Elm Street",
        "city": "Albany",
        "region": "NY",
        "postal_code": "12207",
        "country": client.country,
        "time_zone": client.time_zone,
        "created_at": NOW,
    }
    debtor = _add(session, Debtor(**(values | given)))
    learn(psycopg_connection(session), debtor.client_id, [debtor.name_key])
    return debtor


def make_contact(session: Session, debtor: Debtor, **given: Any) -> Contact:
    """Dana's e-mail address, given to the creditor with the application."""
    values: dict[str, Any] = {
        "client_id": debtor.client_id,
        "debtor_id": debtor.id,
        "channel": "email",
        "address": f"dana{next(_numbers)}@example.com",
        "permission_basis": "creditor_used",
        "source": "placement",
        "created_at": NOW,
    }
    return _add(session, Contact(**(values | given)))


def make_placement(session: Session, client: Client, **given: Any) -> Placement:
    """A placement of one account."""
    values: dict[str, Any] = {
        "client_id": client.id,
        "kind": PlacementKind.PLACED,
        "status": PlacementStatus.COMPLETED,
        "file_name": "november.csv",
        "started_at": NOW,
        "completed_at": NOW,
        "rows": 1,
        "landed": 1,
    }
    return _add(session, Placement(**(values | given)))


def make_account(
    session: Session, debtor: Debtor, *, balance_cents: int = 124_000, **given: Any
) -> Account:
    """An account with its placed entry: $1,240.00 to Northgate Energy, unless given otherwise."""
    client = session.get_one(Client, debtor.client_id)
    balance = Cents(balance_cents)
    values: dict[str, Any] = {
        "client_id": client.id,
        "debtor_id": debtor.id,
        "reference": f"NG-{4000 + next(_numbers)}",
        "original_creditor": "Northgate Energy",
        "current_creditor": "Northgate Energy",
        "product": "electricity",
        "debt_category": "utility",
        "debt_purpose": "consumer",
        "is_consumer_financial_product": False,
        "default_at_placement": True,
        "collector_role": client.collector_role,
        "default_on": date(2026, 5, 1),
        "currency": client.currency,
        "itemization_kind": "last_statement",
        "itemization_on": date(2026, 4, 1),
        "itemization_cents": balance,
        "interest_cents": Cents(0),
        "fees_cents": Cents(0),
        "payments_cents": Cents(0),
        "credits_cents": Cents(0),
        "itemized_cents": balance,
        "last_placed_cents": balance,
        "balance_cents": balance,
        "validation_notice_sent_on": date(2026, 8, 3),
        "validation_ends_on": date(2026, 9, 9),
        "sol_expires_on": date(2031, 5, 1),
        "row_sha256": sha256(b"row").digest(),
        "placed_at": NOW,
        "updated_at": NOW,
    }
    if "placement_id" not in given:
        values["placement_id"] = make_placement(session, client).id
    account = _add(session, Account(**(values | given)))
    entry = LedgerEntry(
        client_id=client.id,
        account_id=account.id,
        kind=EntryKind.PLACED,
        source=f"placement:{account.placement_id}",
        amount_cents=balance,
        at=NOW,
    )
    _add(session, entry)
    return account


def make_policy(session: Session, client: Client, **given: Any) -> PublishedPolicy:
    """Pay in full, 70 % at once or 80 % in three parts, and plans from $25.00 up to 24 months."""
    values: dict[str, Any] = {
        "version": 0,
        "currency": client.currency,
        "bands": (Band(tiers=(Tier(7_000), Tier(8_000, max_parts=3))),),
        "plan": PlanLimits(
            minimum_installment_cents=2_500, maximum_months=24, frequencies=tuple(Frequency)
        ),
        "agree": ProposalLimits(settlement_bps=6_500, maximum_months=30),
        "review": ProposalLimits(
            settlement_bps=4_000, minimum_installment_cents=1_000, maximum_months=48
        ),
    }
    return publish_policy(session, client.id, Policy(**(values | given)), by=None, now=NOW)


ANSWERS = {
    Factor.DATE_OF_BIRTH: BORN_ON.isoformat(),
    Factor.POSTAL_CODE: POSTAL_CODE,
    Factor.LAST_FOUR: LAST_FOUR,
}


def know_identity(
    session: Session,
    debtor: Debtor,
    *,
    keys: Keys = KEYS,
    factors: Sequence[Factor] = tuple(Factor),
) -> Debtor:
    """Put Dana's right answers on file, as keyed hashes."""
    for factor in factors:
        hashed = keyed_hash(keys.pepper, debtor.client_id, factor.value, ANSWERS[factor])
        setattr(debtor, f"{factor.value}_hash", hashed)
    session.flush()
    return debtor


def make_link(
    session: Session, debtor: Debtor, *, keys: Keys = KEYS, now: datetime = NOW, **given: Any
) -> IssuedLink:
    """A link of Dana's, by e-mail unless ``contact`` says otherwise; an account to owe exists."""
    if "contact" not in given:
        given["contact"] = make_contact(session, debtor)
    if not accounts_of(session, debtor):
        make_account(session, debtor)
    return issue_link(session, debtor, keys=keys, now=now, **given)


def make_visit(session: Session, account: Account, **given: Any) -> Visit:
    """A visit of the account's debtor who came by e-mail and passed the identity check."""
    n = next(_numbers)
    link = AccessLink(
        client_id=account.client_id,
        debtor_id=account.debtor_id,
        channel=Channel.EMAIL,
        public_id=f"link{n:08}",
        code_hash=sha256(f"code {n}".encode()).digest(),
        locale="en",
        issued_at=NOW,
        expires_at=NOW + timedelta(days=14),
    )
    _add(session, link)
    values: dict[str, Any] = {
        "client_id": account.client_id,
        "debtor_id": account.debtor_id,
        "identity_method": "date_of_birth+postal_code",
        "ip": "192.0.2.7",
        "user_agent": "Mozilla/5.0 (Linux; Android 15)",
        "started_at": NOW,
    }
    row = DebtorSession(
        **(values | given),
        link_id=link.id,
        token_hash=sha256(f"token {n}".encode()).digest(),
        expires_at=(values | given)["started_at"] + timedelta(hours=12),
    )
    _add(session, row)
    return Visit(**(values | given), session_id=row.id, link_id=link.id, locale="en")


def make_arrangement(session: Session, account: Account, **given: Any) -> Arrangement:
    """A plan paid by hand for the whole balance, awaiting its first payment, without parts yet."""
    values: dict[str, Any] = {
        "client_id": account.client_id,
        "account_id": account.id,
        "reference": f"PL-{next(_numbers)}",
        "kind": "plan",
        "status": ArrangementStatus.AWAITING_FIRST_PAYMENT,
        "method": "manual",
        "frequency": "monthly",
        "offer_key": "plan",
        "policy_version": 1,
        "total_cents": account.balance_cents,
        "balance_cents": account.balance_cents,
        "saved_cents": Cents(0),
        "currency": account.currency,
        "terms": "{}",
        "terms_sha256": sha256(b"{}").digest(),
        "locale": "en",
        "accepted_at": NOW,
    }
    return _add(session, Arrangement(**(values | given)))


def make_payment(session: Session, account: Account, **given: Any) -> Payment:
    """$104.00 by Visa, arrived, without its ledger entry."""
    values: dict[str, Any] = {
        "client_id": account.client_id,
        "account_id": account.id,
        "purpose": PaymentPurpose.ONE_OFF,
        "status": PaymentStatus.SUCCEEDED,
        "amount_cents": Cents(104_00),
        "currency": account.currency,
        "reference": f"PY-{next(_numbers)}",
        "locale": "en",
        "idempotency_key": f"payment-{fresh_id()}",
        "method_brand": "visa",
        "method_last4": "4242",
        "created_at": NOW,
        "settled_at": NOW,
    }
    return _add(session, Payment(**(values | given)))


def make_dana(session: Session, **given: Any) -> Account:
    """Dana's account with a client of its own, in one call."""
    return make_account(session, make_debtor(session, make_client(session)), **given)


def happened(session: Session, account: Account) -> list[evidence.Entry]:
    """What happened on an account, oldest first, but for letters that were put on the list."""
    found = evidence.account_leaves(session, account)
    return [leaf for leaf in found if leaf.type != "letter.queued"]


def _add(session: Session, row: Row) -> Row:
    session.add(row)
    session.flush()
    return row


def _seen(session: Session) -> tuple[UUID, ...]:
    return cast("tuple[UUID, ...]", tuple(session.info.get("client_ids", ())))
