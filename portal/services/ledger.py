"""The ledger: every movement of an account's balance, once, under the account's lock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, TypeVar, Unpack
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain.evidence import format_time
from portal.domain.money import Cents, Money, is_too_little
from portal.domain.statuses import AccountStatus, move
from portal.models import Account, EntryKind, LedgerEntry, MoneyException, Payment, fresh_id
from portal.models.base import Owned
from portal.services import evidence
from portal.services.open_proposals import Closed, close_open

MONEY = (
    EntryKind.PAYMENT,
    EntryKind.REFUND,
    EntryKind.REFUND_FAILED,
    EntryKind.CHARGEBACK,
    EntryKind.CHARGEBACK_REVERSED,
    EntryKind.RETURNED,
)
"""Entries that are money paid here, or that went back."""

LEAVES = {
    EntryKind.ADJUSTED: "balance.adjusted",
    EntryKind.FORGIVEN: "balance.forgiven",
    EntryKind.FORGIVENESS_REVERSED: "balance.owed_again",
}
"""The leaf that binds each kind of entry that says what is owed."""

Row = TypeVar("Row", bound=Owned)

DONE = {AccountStatus.PAID, AccountStatus.SETTLED}
TOO_LITTLE = "too_little_left"
"""The kind of question that a rest raises which nobody can be charged."""
MOVED = "The balance has changed since."


class Moved(TypedDict, total=False):
    """The payment whose money a movement is, where it is some; who moved it, if not the portal."""

    payment: Payment
    actor: evidence.Actor


def lock_account(session: Session, account_id: UUID) -> Account:
    """The account as it stands, locked until the transaction ends: the first lock of all.

    Raises NoResultFound where the client's rows do not hold it.
    """
    return session.scalars(
        select(Account)
        .where(Account.id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def lock_accounts(session: Session, client_id: UUID, debtor_id: UUID) -> Sequence[Account]:
    """All accounts of a debtor as they stand, locked in the one order, for an act on the person.

    It comes before anything else of theirs: links, attempt counters, messages, chains.
    """
    return session.scalars(
        select(Account)
        .where(Account.client_id == client_id, Account.debtor_id == debtor_id)
        .order_by(Account.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def lock_row(session: Session, kind: type[Row], key: tuple[UUID, UUID | None]) -> Row:
    """A row by its key as it stands now, locked; its account was locked before.

    What a session has loaded may be older. Raises NoResultFound.
    """
    session.flush()
    return session.get_one(kind, key, with_for_update=True, populate_existing=True)


def lock_payment(session: Session, payment_id: UUID) -> tuple[Account, Payment]:
    """A payment and its account as they stand, both locked in their order. Raises NoResultFound."""
    found = select(Payment.client_id, Payment.account_id).where(Payment.id == payment_id)
    client_id, account_id = session.execute(found).one()
    account = lock_account(session, account_id)
    return account, lock_row(session, Payment, (client_id, payment_id))


def post(
    session: Session,
    account: Account,
    *,
    kind: EntryKind,
    source: str,
    amount_cents: Cents,
    now: datetime,
    **moved: Unpack[Moved],
) -> bool:
    """Move the balance of a locked account by signed cents; more owed is positive.

    ``source`` names the fact (``payment:<id>``): told again, it moves nothing and the answer is
    False. What says what is owed gets its leaf here; money gets it from whoever posts it. An
    account that owes again is opened again; one that owes nothing is closed by
    ``close_if_settled``. A rest too little to be charged is asked about. The caller commits.
    """
    entry = {"id": fresh_id(), "kind": kind, "source": source}
    if not _landed(session, account, entry | {"amount_cents": amount_cents, "at": now}, moved):
        return False
    account.balance_cents = Cents(account.balance_cents + amount_cents)
    account.updated_at = now
    if account.balance_cents > 0 and account.status in DONE:
        account.status = move(account.status, AccountStatus.OPEN)
    _ask_about_rest(session, account, source, Cents(account.balance_cents - amount_cents), now)
    return True


def _landed(session: Session, account: Account, entry: dict[str, Any], moved: Moved) -> bool:
    payment, type = moved.get("payment"), LEAVES.get(entry["kind"])
    landed = session.execute(
        insert(LedgerEntry)
        .values(
            **entry,
            client_id=account.client_id,
            account_id=account.id,
            payment_id=payment.id if payment else None,
            on_record=type is not None,
        )
        .on_conflict_do_nothing()
        .returning(LedgerEntry.id)
    ).first()
    if landed is not None and type is not None:
        actor = moved.get("actor", evidence.SYSTEM)
        chain = {"client_id": account.client_id, "chain_id": account.chain_id}
        payload = naming(entry, account.currency, actor)
        evidence.record(session, **chain, type=type, payload=payload, now=entry["at"])
    return landed is not None


def naming(entry: Mapping[str, Any], currency: str, actor: evidence.Actor) -> evidence.Payload:
    """What the leaf of an entry says: its id, kind, source, signed cents, currency and time."""
    return {
        "actor": actor,
        "entry": str(entry["id"]),
        "kind": str(entry["kind"]),
        "source": entry["source"],
        "amount_cents": entry["amount_cents"],
        "currency": currency,
        "effective_at": format_time(entry["at"]),
    }


def _ask_about_rest(
    session: Session, account: Account, source: str, before: Cents, now: datetime
) -> None:
    """Ask about what nobody can be charged; what was asked is moot once the balance moves on."""
    if is_too_little(before, account.currency):
        session.execute(
            update(MoneyException)
            .where(
                MoneyException.client_id == account.client_id,
                MoneyException.account_id == account.id,
                MoneyException.kind == TOO_LITTLE,
                MoneyException.resolved_at.is_(None),
            )
            .values(resolved_at=now, resolution=MOVED)
        )
    left = is_too_little(account.balance_cents, account.currency)
    if left and account.status == AccountStatus.OPEN:
        open_exception(
            session,
            account,
            kind=TOO_LITTLE,
            source=rest_source(account.id, source),
            detail=rest_detail(account.balance_cents, account.currency),
            now=now,
        )


def rest_source(account_id: UUID, source: str) -> str:
    """What names a rest: its account and the entry that left it."""
    return f"account:{account_id}:{source}"


def rest_detail(balance_cents: Cents, currency: str) -> str:
    """What staff read about a rest."""
    return f"{Money(balance_cents, currency)} is left, which is too little to be charged."


def record_money(
    session: Session,
    account: Account,
    payment: Payment,
    kind: str,
    facts: evidence.Payload,
    *,
    now: datetime,
) -> None:
    """Write the leaf of what Stripe said of a payment, with the balance that it left."""
    payload: evidence.Payload = {
        "actor": evidence.STRIPE,
        "payment": str(payment.id),
        "currency": payment.currency,
        "balance_cents": account.balance_cents,
        **facts,
    }
    if payment.arrangement_id is not None:
        payload["arrangement"] = str(payment.arrangement_id)
    evidence.record(
        session,
        client_id=payment.client_id,
        chain_id=account.chain_id,
        type=kind,
        payload=payload,
        now=now,
    )


def keep_object(
    session: Session, account: Account, name: str, raw: bytes, now: datetime
) -> evidence.Payload:
    """Keep what Stripe said, byte for byte, with the account's record; what a leaf says of it."""
    if not raw:
        return {}
    chain = (account.client_id, account.chain_id)
    digest = evidence.store_document(session, *chain, "application/json", raw, now)
    return {"objects": [{"name": name, "sha256": digest}]}


def close_if_settled(session: Session, account: Account, now: datetime) -> None:
    """Close an open account that owes nothing: settled where a part was forgiven, else paid.

    A proposal that waits on it is over too.
    """
    if account.balance_cents > 0 or account.status != AccountStatus.OPEN:
        return
    forgiven = _sum(session, account.id, (EntryKind.FORGIVEN, EntryKind.FORGIVENESS_REVERSED))
    account.status = move(
        account.status, AccountStatus.SETTLED if forgiven < 0 else AccountStatus.PAID
    )
    close_open(session, account, Closed.NOTHING_OWED, actor=evidence.SYSTEM, now=now)


def _sum(session: Session, account_id: UUID, kinds: Iterable[EntryKind]) -> Cents:
    total = session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.amount_cents), 0)).where(
            LedgerEntry.account_id == account_id, LedgerEntry.kind.in_(kinds)
        )
    )
    return Cents(int(total or 0))


def paid_cents(session: Session, account_id: UUID) -> Cents:
    """All that was paid here on an account, in cents, less what went back."""
    return Cents(-_sum(session, account_id, MONEY))


def open_exception(
    session: Session,
    account: Account,
    *,
    kind: str,
    source: str,
    detail: str,
    now: datetime,
) -> None:
    """Put a question about money before a person, once for each fact; the caller commits."""
    session.execute(
        insert(MoneyException)
        .values(
            client_id=account.client_id,
            id=fresh_id(),
            account_id=account.id,
            kind=kind,
            source=source,
            detail=detail,
            opened_at=now,
        )
        .on_conflict_do_nothing()
    )
