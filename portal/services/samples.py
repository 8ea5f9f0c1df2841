"""Accounts to look at limits with: of every band one, and those furthest apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from portal.domain.facts import AccountFacts
from portal.domain.policy import Band, Policy
from portal.domain.statuses import AccountStatus, ArrangementStatus
from portal.models import Account, Arrangement, Debtor, EntryKind, LedgerEntry
from portal.services.offers import facts_of, history_of
from portal.services.standing import today_of

LOOKED_AT: Final = 300
"""So many of a client's newest open accounts are looked at."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An account, and whether it is small and new beside the others; days are since default."""

    reference: str
    facts: AccountFacts
    days: int
    is_small: bool
    is_new: bool


def samples(session: Session, client_id: UUID, document: Policy, now: datetime) -> list[Sample]:
    """An account of each band, and the small, large, new and old ones; the smallest first."""
    from statistics import median_low  # noqa: PLC0415 - only who looks at an example pays for it

    found = _newest(session, client_id, document.currency, now)
    if not found:
        return []
    balance = median_low(facts.balance_cents for _, facts, _ in found)
    age = median_low(facts.age_days(today) for _, facts, today in found)
    known = [
        Sample(
            reference,
            facts,
            days := facts.age_days(today),
            is_small=facts.balance_cents <= balance,
            is_new=days <= age,
        )
        for reference, facts, today in found
    ]
    bands: dict[Band | None, Sample] = {}
    for sample, (_, facts, today) in zip(known, found, strict=True):
        bands.setdefault(document.band(facts, today), sample)
    chosen = {one.reference: one for one in (*_corners(known), *bands.values())}
    return sorted(chosen.values(), key=lambda one: (one.facts.balance_cents, one.days))


def _corners(known: Sequence[Sample]) -> list[Sample]:
    """The extremes: small and new, small and old, large and new, large and old."""
    size = {one.reference: n for n, one in enumerate(sorted(known, key=_balance))}
    age = {one.reference: n for n, one in enumerate(sorted(known, key=lambda one: one.days))}
    return [
        max(known, key=lambda one: large * size[one.reference] + old * age[one.reference])
        for large in (-1, 1)
        for old in (-1, 1)
    ]


def _balance(sample: Sample) -> int:
    return sample.facts.balance_cents


def _newest(
    session: Session, client_id: UUID, currency: str, now: datetime
) -> list[tuple[str, AccountFacts, date]]:
    paid = exists().where(
        LedgerEntry.client_id == client_id,
        LedgerEntry.account_id == Account.id,
        LedgerEntry.kind == EntryKind.PAYMENT,
    )
    broke = exists().where(
        Arrangement.client_id == client_id,
        Arrangement.account_id == Account.id,
        Arrangement.status == ArrangementStatus.BROKEN,
    )
    newest = (
        select(Account, Debtor, paid, broke)
        .join(Debtor, (Debtor.client_id == client_id) & (Debtor.id == Account.debtor_id))
        .where(
            Account.client_id == client_id,
            Account.status == AccountStatus.OPEN,
            Account.currency == currency,
        )
        .order_by(Account.id.desc())
        .limit(LOOKED_AT)
    )
    return [
        (
            account.reference,
            facts_of(
                account, debtor, history_of(account, paid_here=paid_here, broke_plan=broke_plan)
            ),
            today_of(debtor, now),
        )
        for account, debtor, paid_here, broke_plan in session.execute(newest)
    ]
