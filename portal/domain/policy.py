"""A client's limits on what may be offered and agreed: one immutable document per version."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import rfc8785

from portal.domain import N_, DomainError, documents
from portal.domain.debts import CollectorRole
from portal.domain.facts import AccountFacts, PaymentHistory
from portal.domain.money import WHOLE_BPS, Cents
from portal.domain.schedules import Frequency

FORMAT: Final = 2
READABLE: Final = (1, 2)
"""Formats of stored documents: 1 has neither segments nor anything else that came after it."""


REMINDED_BEFORE: Final = 3
"""How many days before each payment of a plan its debtor is reminded anyway."""


class PolicyUnreadable(DomainError):
    """A stored or sent document is not an offer policy."""

    message = N_("This is not an offer policy: %(where)s is not what it should be.")


class DueDays(StrEnum):
    """On which days of the debtor's region a payment of a plan may be due."""

    ANY_DAY = "any_day"
    WEEKDAYS = "weekdays"
    WORKING_DAYS = "working_days"


class SavedMethod(StrEnum):
    """Whether a plan can be paid by a saved card or bank account; by hand it always can (PY-06)."""

    NOT_OFFERED = "not_offered"
    OFFERED = "offered"
    REQUIRED = "required"


class Answerer(StrEnum):
    """Who may answer a proposal that goes beyond what is agreed at once."""

    STAFF = "staff"
    SUPERVISORS = "supervisors"


@dataclass(frozen=True, slots=True)
class Segment:
    """A named set of accounts that bands can be for; what is left empty does not matter.

    Products are compared without regard to case; regions are states and provinces, such as CA.
    """

    name: str
    """What bands call it."""
    products: tuple[str, ...] = ()
    """The names of products, as files of placements have them."""
    regions: tuple[str, ...] = ()
    """States and provinces of debtors, two letters each."""
    collector_roles: tuple[CollectorRole, ...] = ()
    """In which role the client collects."""
    histories: tuple[PaymentHistory, ...] = ()
    """What is known of payments."""

    def holds(self, account: AccountFacts) -> bool:
        """Whether an account belongs here."""
        return (
            (not self.products or account.product.casefold() in _folded(self.products))
            and (not self.regions or account.region in self.regions)
            and (not self.collector_roles or account.collector_role in self.collector_roles)
            and (not self.histories or account.history in self.histories)
        )


@lru_cache(maxsize=1024)
def _folded(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


@dataclass(frozen=True, slots=True)
class Tier:
    """One way to close an account for less: what to pay, and in how many parts at most.

    Either ``pay_bps``, a share of the balance, or ``pay_cents``, an amount; the other is 0. An
    offer made today stands for at least half of ``valid_for_days`` and at most all of them, so
    that the date a debtor reads does not move every day.
    """

    pay_bps: int = 0
    """The share of the balance that closes the account, in hundredths of a per cent."""
    max_parts: int = 1
    """In how many parts it can be paid at most."""
    valid_for_days: int = 30
    """For how many days an offer stands at most."""
    pay_cents: int = 0
    """The amount that closes the account, in cents."""

    @property
    def key(self) -> str:
        """The name of the offers that come from it."""
        amount = f"{self.pay_cents}c" if self.pay_cents else str(self.pay_bps)
        return f"settlement:{amount}:{self.max_parts}"


@dataclass(frozen=True, slots=True)
class Band:
    """Accounts of one size and age, and the settlement tiers that they are offered.

    Cents and days since default; ``to_`` is exclusive, None means without end. ``segment`` names
    whom it is for; empty: everybody who is in no segment that another band is for. No tiers: no
    settlement is offered. ``agree_settlement_bps`` takes the place of the policy's own here.
    """

    from_balance_cents: int = 0
    """The smallest balance that belongs here, in cents."""
    to_balance_cents: int | None = None
    """The first balance, in cents, that does not belong here any more; left out: no end."""
    from_days: int = 0
    """The first day after default that belongs here."""
    to_days: int | None = None
    """The first day after default that does not belong here any more; left out: no end."""
    tiers: tuple[Tier, ...] = ()
    """The ways to close an account for less."""
    agree_settlement_bps: int | None = None
    """The lowest share that closes an account of this band without a person."""
    segment: str = ""
    """The segment whose accounts it is for; empty: all other accounts."""

    def holds(self, balance_cents: int, days: int) -> bool:
        """Whether an account of this balance (cents) and age (days) belongs here."""
        return (
            self.from_balance_cents <= balance_cents
            and (self.to_balance_cents is None or balance_cents < self.to_balance_cents)
            and self.from_days <= days
            and (self.to_days is None or days < self.to_days)
        )


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What a payment plan may look like; each payment but the last is at least the minimum.

    The smallest payment is the larger of an amount and a share of the balance. A plan keeps to
    each of the longest times that is given: months, payments, days from the first to the last.
    """

    minimum_installment_cents: int = 25_00
    """The smallest payment, in cents."""
    maximum_months: int = 12
    """The longest plan, in months."""
    frequencies: tuple[Frequency, ...] = (Frequency.MONTHLY,)
    """The rhythms in which a plan can be paid."""
    down_payment_bps: int = 0
    """The share of the balance that the first payment is at least."""
    first_payment_within_days: int = 30
    """How many days from today the first payment may be."""
    minimum_installment_bps: int = 0
    """The share of the balance that each payment is at least."""
    maximum_installments: int | None = None
    """How many payments a plan has at most."""
    maximum_days: int | None = None
    """How many days the last payment may be after the first."""
    due_days: DueDays = DueDays.ANY_DAY
    """On which days a payment may be due."""
    saved_method: SavedMethod = SavedMethod.OFFERED
    """Whether a plan can be paid by a saved card or bank account."""


@dataclass(frozen=True, slots=True)
class ProposalLimits:
    """How far a debtor's own proposal may go.

    ``settlement_bps`` is the lowest share of the balance that closes the account (10,000: none).
    """

    settlement_bps: int = WHOLE_BPS
    """The lowest share of the balance that closes the account; 10,000: none does."""
    minimum_installment_cents: int = 25_00
    """The smallest payment, in cents."""
    maximum_months: int = 12
    """The longest plan, in months."""


@dataclass(frozen=True, slots=True)
class Concessions:
    """How many times a debtor may change a running plan alone."""

    skips: int = 0
    """How many payments may be left out."""
    moves: int = 0
    """How many payments may be moved to another day."""
    pauses: int = 0
    """How many times the plan may rest."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How much patience there is with a running plan, and when its debtor is written to.

    A plan ends only when ``failures`` parts in a row came to nothing, or one is unpaid for more
    than ``grace_days``, whatever comes first. Reminders go three days before a payment anyway.
    """

    failures: int = 3
    """How many payments in a row may fail before a plan ends."""
    grace_days: int = 21
    """How many days a payment may be late before a plan ends."""
    extra_reminders: tuple[int, ...] = ()
    """How many days before a payment a reminder goes besides the one of the third day."""
    undo_hours: int = 24
    """For how many hours after agreeing, before any money moves, a debtor may take it back."""
    pause_days: int = 30
    """For how many days everything rests for a debtor who says that they cannot pay now."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The offer policy of a client: what is offered, agreed at once, and granted by staff.

    ``agree`` is what may be agreed or countered without a person, and is assumed to be public;
    ``review`` is what staff may grant, and is shown to no debtor. Settlements are rounded down to
    a multiple of ``rounding_cents``, but never below what may be agreed. The version comes into
    force on ``from_on``; after ``to_on`` only payment in full is offered. ``closest_when_late``: a
    proposal that nobody answered in time is answered with the closest terms that may be agreed.
    ``paying_part_may_cost_more`` lets a payment lead to dearer settlements, which is refused else.
    """

    version: int
    """The number of this version; the portal gives it when the policy is published."""
    currency: str
    """The currency of every amount: USD or CAD."""
    pay_in_full: bool = True
    """Whether to pay all of it at once is offered."""
    bands: tuple[Band, ...] = ()
    """Who is offered which settlements; each account is in exactly one band."""
    plan: PlanLimits | None = None
    """What a payment plan may look like; left out: no plans are offered."""
    agree: ProposalLimits = ProposalLimits()
    """What may be agreed without a person, assumed to be public."""
    review: ProposalLimits = ProposalLimits()
    """What staff may grant, shown to no debtor."""
    answer_working_days: int = 3
    """Within how many working days a person answers a proposal."""
    segments: tuple[Segment, ...] = ()
    """Named sets of accounts that bands are for."""
    concessions: Concessions = Concessions()
    """How many times a debtor may change a running plan alone."""
    answered_by: Answerer = Answerer.STAFF
    """Who may answer a proposal."""
    closest_when_late: bool = False
    """Whether a proposal that nobody answered in time gets the closest terms."""
    rounding_cents: int = 1
    """Settlements are rounded down to a multiple of this: 1, 100, 500 or 1,000."""
    from_on: date | None = None
    """The day on which this version comes into force."""
    to_on: date | None = None
    """The last day on which settlements and plans are offered."""
    paying_part_may_cost_more: bool = False
    """Whether closing the rest after a payment may take more than closing the whole took before."""
    keeping: Keeping = Keeping()
    """How much patience there is with a running plan."""

    def band(self, account: AccountFacts, today: date) -> Band | None:
        """The band that an account is in on a day."""
        balance, days = account.balance_cents, account.age_days(today)
        names = self.segments_of(account) or ("",)
        for band in self.bands:
            if band.segment in names and band.holds(balance, days):
                return band
        return None

    def segments_of(self, account: AccountFacts) -> tuple[str, ...]:
        """The names of the segments that an account is in, of those that bands are for."""
        if not self.segments:
            return ()
        return tuple([one.name for one in self.segments_used if one.holds(account)])

    @property
    def segments_used(self) -> tuple[Segment, ...]:
        """The segments that at least one band is for."""
        named = {band.segment for band in self.bands}
        return tuple([one for one in self.segments if one.name in named])

    def open_for(self, account: AccountFacts, today: date) -> bool:
        """Whether an account is offered settlements and plans on a day.

        What is offered never ends inside the validation period (VN-07).
        """
        return self.to_on is None or today <= max(
            self.to_on, account.earliest_deadline_on or self.to_on
        )

    def agreed_settlement_bps(self, band: Band | None) -> int:
        """The lowest share (bps) that closes an account of this band without a person."""
        if band is None or band.agree_settlement_bps is None:
            return self.agree.settlement_bps
        return band.agree_settlement_bps

    def rounded(self, cents: Cents) -> Cents:
        """An amount as this policy rounds it: down, to a multiple of ``rounding_cents``."""
        return Cents(cents // self.rounding_cents * self.rounding_cents)


CAME_LATER: Final = {"paying_part_may_cost_more": False, "keeping": Keeping()}
"""Fields that older documents do not have, with what is meant where they are left out."""


def to_dict(policy: Policy) -> dict[str, Any]:
    """The policy as plain JSON values; what is None is left out.

    So is what came after documents had been written, where it is as it was understood before.
    """
    document = {"format": FORMAT, **documents.plain(policy)}
    for name, before in CAME_LATER.items():
        if getattr(policy, name) == before:
            del document[name]
    return document


def from_dict(document: object) -> Policy:
    """The policy of a plain JSON document, read strictly. Raises PolicyUnreadable."""
    if not isinstance(document, Mapping) or document.get("format") not in READABLE:
        raise PolicyUnreadable(where="format")
    body = {name: value for name, value in document.items() if name != "format"}
    try:
        return documents.read(Policy, body, "policy")
    except documents.Unreadable as error:
        raise PolicyUnreadable(where=error.where) from error


def canonical_bytes(policy: Policy) -> bytes:
    """The one way to write a policy down (RFC 8785)."""
    return rfc8785.dumps(to_dict(policy))


@lru_cache(maxsize=512)
def from_bytes(text: bytes | str) -> Policy:
    """The policy of a stored document; versions never change, so each is read once a process.

    Raises PolicyUnreadable.
    """
    try:
        return from_dict(json.loads(text))
    except ValueError as error:
        raise PolicyUnreadable(where="JSON") from error


def sha256(policy: Policy) -> str:
    """The hash of the canonical document, as hex."""
    return hashlib.sha256(canonical_bytes(policy)).hexdigest()
