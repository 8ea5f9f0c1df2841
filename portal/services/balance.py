"""All that an account's page shows, read in one statement."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, load_only

from portal.domain import policy
from portal.domain.curing import DuePart
from portal.domain.debts import CollectorRole
from portal.domain.help import UNCLEAR_TEXT
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.statuses import (
    LIVE,
    AccountStatus,
    ArrangementStatus,
    InstallmentStatus,
    PaymentStatus,
    ProposalStatus,
)
from portal.models import Account, Client, Debtor, EntryKind, HelpStatus
from portal.services.kept import SHOWN as SHOWN_OFFERS
from portal.services.kept import shown_of
from portal.services.offers import OfferSheet, facts_of, history_of, sheet
from portal.services.policies import HAS_BEGUN, PublishedPolicy
from portal.services.standing import IN_FORCE, judge, today_of, zone_of
from portal.services.visits import Visit

_MORE = f"""
CAST(json_build_object(
  'entries', (SELECT json_agg(json_build_array(e.kind, e.amount_cents, e.at) ORDER BY e.at, e.id)
     FROM ledger_entry e WHERE e.client_id = account.client_id AND e.account_id = account.id
       AND e.kind <> 'placed'),
  'holds', (SELECT json_agg(h.kind ORDER BY h.starts_at, h.id) FROM hold h
     WHERE h.client_id = account.client_id AND h.account_id = account.id
       AND {IN_FORCE}),
  'policy', (SELECT json_build_array(p.version, p.document, encode(p.sha256, 'hex'))
     FROM offer_policy p WHERE p.client_id = account.client_id AND {HAS_BEGUN}
     ORDER BY p.version DESC LIMIT 1),
  'shown', ({SHOWN_OFFERS}),
  'arrangement', (SELECT json_build_array(r.id, r.reference, r.kind, r.status, r.method,
       (SELECT json_build_array(i.n, i.due_on, i.amount_cents - i.paid_cents, i.status,
          i.next_attempt_on)
        FROM installment i WHERE i.client_id = r.client_id AND i.arrangement_id = r.id
          AND i.status IN ('scheduled', 'failed', 'processing') ORDER BY i.n LIMIT 1))
     FROM arrangement r WHERE r.client_id = account.client_id AND r.account_id = account.id
     ORDER BY r.status IN ('awaiting_first_payment', 'active') DESC, r.accepted_at DESC LIMIT 1),
  'broke', EXISTS (SELECT FROM arrangement r WHERE r.client_id = account.client_id
     AND r.account_id = account.id AND r.status = 'broken'),
  'proposal', (SELECT json_build_array(s.reference, s.status, s.answer_due_on, s.granted_until)
     FROM proposal s WHERE s.client_id = account.client_id AND s.account_id = account.id
       AND s.status IN ('submitted', 'accepted', 'countered')),
  'payment', (SELECT json_build_array(t.id, t.status, t.amount_cents) FROM payment t
     WHERE t.client_id = account.client_id AND t.account_id = account.id
       AND t.status IN ('created', 'open', 'attempting', 'processing')),
  'requests', (SELECT json_agg(json_build_array(q.reference, q.topic, q.status, q.promised_on)
       ORDER BY q.opened_at DESC) FROM help_request q
     WHERE q.client_id = account.client_id AND q.account_id = account.id
       AND q.status <> 'closed' AND q.topic <> '{UNCLEAR_TEXT}'),
  'others', (SELECT count(*) FROM account o WHERE o.client_id = account.client_id
     AND o.debtor_id = account.debtor_id AND o.id <> account.id AND o.status <> 'recalled')
) AS text) AS more
"""  # noqa: S608

_WANTED = """
account.client_id = :client_id AND account.id = :account_id AND account.debtor_id = :debtor_id
"""

DEBTOR_COLUMNS = (
    Debtor.first_name,
    Debtor.last_name,
    Debtor.language,
    Debtor.region,
    Debtor.country,
    Debtor.time_zone,
)
CLIENT_COLUMNS = (
    Client.legal_name,
    Client.trade_name,
    Client.license_line,
    Client.street_address,
    Client.phone,
    Client.country,
    Client.answer_working_days,
    Client.frozen_at,
)
SHOWN = (
    (
        *(Account.id, Account.reference, Account.status),
        *(Account.original_creditor, Account.current_creditor, Account.currency),
        *(Account.product, Account.last_payment_on, Account.erased_at),
        *(Account.debt_purpose, Account.collector_role, Account.default_on, Account.placed_at),
        *(Account.itemization_kind, Account.itemization_on, Account.itemization_cents),
        *(Account.interest_cents, Account.fees_cents, Account.payments_cents),
        *(Account.credits_cents, Account.itemized_cents, Account.balance_cents),
        *(Account.validation_notice_sent_on, Account.validation_ends_on, Account.sol_expires_on),
    ),
    (Debtor.region, Debtor.country, Debtor.time_zone),
    (Client.trade_name, Client.frozen_at),
)
"""What a page that only shows an account needs of its row, its debtor's and its client's."""


@dataclass(frozen=True, slots=True)
class Line:
    """One movement since the account was placed; more owed is positive."""

    kind: EntryKind
    amount_cents: Cents
    at: datetime


@dataclass(frozen=True, slots=True)
class Agreement:
    """The account's live arrangement, or its newest one, with the part that is due next."""

    id: UUID
    reference: str
    kind: str
    status: ArrangementStatus
    method: str
    part: DuePart | None

    @property
    def due_on(self) -> date | None:
        """The date of what is due next."""
        return self.part.due_on if self.part else None

    @property
    def due_cents(self) -> Cents:
        """What of it is open, in cents."""
        return self.part.cents if self.part else Cents(0)

    @property
    def live(self) -> bool:
        """Whether it is not over."""
        return self.status in LIVE


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The account's proposal that is not over."""

    reference: str
    status: ProposalStatus
    answer_due_on: date
    granted_until: date | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A payment that is not resolved."""

    id: UUID
    status: PaymentStatus
    amount_cents: Cents


@dataclass(frozen=True, slots=True)
class AskedHelp:
    """A request for help that is not closed."""

    reference: str
    topic: str
    status: HelpStatus
    promised_on: date


@dataclass(frozen=True, slots=True)
class Balance:
    """One account with everything around it, as of one instant."""

    account: Account
    debtor: Debtor
    client: Client
    lines: tuple[Line, ...]
    offers: OfferSheet
    agreement: Agreement | None
    proposal: Suggestion | None
    attempt: Attempt | None
    requests: tuple[AskedHelp, ...]
    others: int
    as_of: datetime

    @property
    def live(self) -> Agreement | None:
        """The arrangement that is not over."""
        return self.agreement if self.agreement and self.agreement.live else None

    @property
    def next_on(self) -> date | None:
        """When its next payment is to be made or taken; None where that is over, or there is none.

        One that failed and is tried again comes on that day.
        """
        part = self.live.part if self.live else None
        return part.comes_on(self.today) if part else None

    @property
    def waits(self) -> bool:
        """Whether a hold lets an agreement wait: nothing is taken, and nothing is due."""
        return self.live is not None and not self.offers.capabilities.charge.allowed

    @property
    def rests(self) -> bool:
        """Whether its debtor said that they cannot pay now, and everything is quiet."""
        reasons = self.offers.capabilities.charge.reasons
        return any(reason.hold is HoldKind.HARDSHIP for reason in reasons)

    @property
    def paused(self) -> bool:
        """Whether no agreement is taken for now, because the client's record is in doubt."""
        return self.client.frozen_at is not None

    @property
    def zone(self) -> str:
        """The debtor's time zone."""
        return zone_of(self.debtor)

    @property
    def today(self) -> date:
        """The day it is for the debtor."""
        return self.offers.today


def read_balance(
    session: Session, visit: Visit, account_id: UUID, *, now: datetime
) -> Balance | None:
    """An account of the visit's own debtor, in one SELECT; None for any other."""
    found = read_with(session, visit, account_id, "NULL", now=now)
    return found[0] if found else None


def read_with(
    session: Session, visit: Visit, account_id: UUID, extra: str, *, now: datetime
) -> tuple[Balance, Any] | None:
    """The same with one more column: ``extra`` is SQL over ``account``, written by us."""
    row = session.execute(_statement(extra), _wanted(visit, account_id, now)).one_or_none()
    if row is None:
        return None
    account, debtor, client, more, found = row
    return _balance(account, debtor, client, more, now), found


def shown_balance(row: tuple[Any, ...], *, now: datetime) -> Balance | None:
    """The same from the row of ``BESIDE``, for a page that shows and changes nothing.

    Account, debtor and client are plain rows that no session knows. It costs a fifth.
    """
    if row[-1] is None:  # no such account of this debtor
        return None
    cells = iter(row)
    account, debtor, client = (
        SimpleNamespace(**dict(zip(names, cells, strict=False))) for names in NAMES
    )
    account.status = AccountStatus(account.status)
    account.collector_role = CollectorRole(account.collector_role)
    return _balance(
        cast("Account", account), cast("Debtor", debtor), cast("Client", client), row[-1], now
    )


def _wanted(visit: Visit, account_id: UUID, now: datetime) -> dict[str, object]:
    return {
        "now": now,
        "client_id": visit.client_id,
        "account_id": account_id,
        "debtor_id": visit.debtor_id,
    }


def _balance(
    account: Account, debtor: Debtor, client: Client, around: str, now: datetime
) -> Balance:
    more = json.loads(around)
    return Balance(
        account=account,
        debtor=debtor,
        client=client,
        lines=tuple(_line(*entry) for entry in more["entries"] or ()),
        offers=_offers(account, debtor, more, now, frozen=client.frozen_at is not None),
        agreement=_agreement(*more["arrangement"]) if more["arrangement"] else None,
        proposal=_suggestion(*more["proposal"]) if more["proposal"] else None,
        attempt=_attempt(*more["payment"]) if more["payment"] else None,
        requests=tuple(_request(*one) for one in more["requests"] or ()),
        others=more["others"],
        as_of=now,
    )


@lru_cache(16)
def _statement(extra: str) -> Any:
    wanted = select(Account, Debtor, Client, text(_MORE), text(f"({extra}) AS extra"))
    return (
        _joined(wanted)
        .options(load_only(*DEBTOR_COLUMNS), load_only(*CLIENT_COLUMNS))
        .execution_options(populate_existing=True)
    )


def _joined(wanted: Any) -> Any:
    return (
        wanted.join_from(
            Account,
            Debtor,
            (Debtor.client_id == Account.client_id) & (Debtor.id == Account.debtor_id),
        )
        .join(Client, Client.id == Account.client_id)
        .where(text(_WANTED))
    )


def _beside() -> str:
    columns = [column for kind in SHOWN for column in kind]
    statement = _joined(select(*columns, text(_MORE)))
    compiled = str(statement.compile(dialect=postgresql.psycopg.dialect()))  # type: ignore[no-untyped-call]
    return compiled.replace("%(client_id)s", "visit.client_id").replace(
        "%(debtor_id)s", "visit.debtor_id"
    )


NAMES = [[column.key for column in kind] for kind in SHOWN]
BESIDE = _beside()
"""What a page shows of one account, asked for beside the visit: its ``account_id`` and ``now``."""


def _offers(
    account: Account, debtor: Debtor, more: dict[str, Any], now: datetime, *, frozen: bool
) -> OfferSheet:
    today = today_of(debtor, now)
    published = None
    if more["policy"]:
        version, document, sha256 = more["policy"]
        published = PublishedPolicy(version, policy.from_bytes(document), sha256)
    allowed = judge(account, more["holds"] or (), today, frozen=frozen)
    paid = any(kind == EntryKind.PAYMENT for kind, *_ in more["entries"] or ())
    history = history_of(account, paid_here=paid, broke_plan=more["broke"])
    shown = shown_of(more["shown"], published.policy if published else None)
    return sheet(facts_of(account, debtor, history), published, allowed, today, shown)


def _line(kind: str, amount_cents: int, at: str) -> Line:
    return Line(EntryKind(kind), Cents(amount_cents), datetime.fromisoformat(at))


def _agreement(  # noqa: PLR0913
    id: str, reference: str, kind: str, status: str, method: str, due: list[Any] | None
) -> Agreement:
    return Agreement(
        id=UUID(id),
        reference=reference,
        kind=kind,
        status=ArrangementStatus(status),
        method=method,
        part=_part(*due) if due else None,
    )


def _part(n: int, due_on: str, cents: int, status: str, again_on: str | None) -> DuePart:
    return DuePart(
        n=n,
        due_on=date.fromisoformat(due_on),
        cents=Cents(cents),
        status=InstallmentStatus(status),
        again_on=date.fromisoformat(again_on) if again_on else None,
    )


def _suggestion(
    reference: str, status: str, answer_due_on: str, granted_until: str | None
) -> Suggestion:
    until = date.fromisoformat(granted_until) if granted_until else None
    return Suggestion(reference, ProposalStatus(status), date.fromisoformat(answer_due_on), until)


def _attempt(id: str, status: str, amount_cents: int) -> Attempt:
    return Attempt(UUID(id), PaymentStatus(status), Cents(amount_cents))


def _request(reference: str, topic: str, status: str, promised_on: str) -> AskedHelp:
    return AskedHelp(reference, topic, HelpStatus(status), date.fromisoformat(promised_on))
