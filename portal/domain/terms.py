"""The exact terms of one arrangement: what is reviewed, accepted, hashed and kept as evidence."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Any

import rfc8785

from portal.domain.money import NOTHING, Cents
from portal.domain.paydays import EVERY_DAY, LAST_WORKING_DAY, OpenDays, paydays
from portal.domain.schedules import Frequency, Schedule


class Kind(StrEnum):
    """What an offer or an arrangement is."""

    FULL = "full"
    SETTLEMENT = "settlement"
    PLAN = "plan"


class Method(StrEnum):
    """How the parts after today are paid."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Basis(StrEnum):
    """What stands behind terms: an offer, the machine's answer to a proposal, or a person's."""

    OFFERED = "offered"
    AGREED = "agreed"
    GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a debtor picked on a page: the parameters from which terms are computed again.

    ``key`` names the offer. A plan, or a settlement in parts, has an ``amount_cents`` or a
    ``count``, never both (the other follows); one payment has neither. ``first_on`` None is today.
    ``valid_until`` is the deadline that was shown, if one was. ``days`` are the days of the month
    that the rhythm keeps to (``paydays.kept_days``); the first payment is on the first of them.
    """

    key: str
    amount_cents: Cents | None = None
    count: int | None = None
    frequency: Frequency | None = None
    first_on: date | None = None
    method: Method = Method.MANUAL
    down_payment_cents: Cents | None = None
    total_cents: Cents | None = None
    valid_until: date | None = None
    days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """One arrangement to the cent and the day. The schedule sums to ``total_cents``.

    ``balance_cents`` is what was owed when they were computed, ``saved_cents`` what is forgiven at
    the end; ``down_payment_cents`` is what the first payment had to be at least (0: nothing asked).
    ``valid_until`` is the last day on which they can be accepted (None: no deadline). ``days`` are
    the days of the month that the rhythm keeps to; ``anchor_on`` is the day it is counted from,
    where the first payment moved away from it.
    """

    kind: Kind
    key: str
    policy_version: int
    currency: str
    balance_cents: Cents
    total_cents: Cents
    schedule: Schedule
    frequency: Frequency | None = None
    method: Method = Method.MANUAL
    down_payment_cents: Cents = NOTHING
    valid_until: date | None = None
    days: tuple[int, ...] = ()
    anchor_on: date | None = None

    @property
    def basis(self) -> Basis:
        """What stands behind these terms, as their key says."""
        return basis_of(self.key)

    @property
    def saved_cents(self) -> Cents:
        """What is forgiven once all is paid."""
        return Cents(self.balance_cents - self.total_cents)

    @property
    def first_on(self) -> date:
        """When the first payment is due."""
        return self.schedule[0][0]

    @property
    def counted_from(self) -> date:
        """The day that the dates are counted from: the first payment's, before it moved."""
        return self.anchor_on or self.first_on

    @property
    def moved(self) -> bool:
        """Whether a payment is later than its rhythm says, because that day is closed."""
        if self.days == (LAST_WORKING_DAY,):
            return False
        rhythm, count = self.frequency or Frequency.MONTHLY, len(self.schedule)
        counted = paydays(self.counted_from, rhythm, count, days=self.days)
        return counted.dates != tuple(due_on for due_on, _ in self.schedule)

    @property
    def last_on(self) -> date:
        """When the last payment is due."""
        return self.schedule[-1][0]

    @property
    def first_cents(self) -> Cents:
        """The first payment, a down payment if there is one."""
        return self.schedule[0][1]

    @property
    def last_cents(self) -> Cents:
        """The last payment, which carries the remainder."""
        return self.schedule[-1][1]

    @property
    def runs(self) -> tuple[tuple[int, Cents], ...]:
        """Equal payments in a row as (how many, how much): 11 of $104.00, then 1 of $96.00."""
        amounts = groupby(cents for _, cents in self.schedule)
        return tuple((len(list(same)), cents) for cents, same in amounts)

    def starting(self, start_on: date, opened: OpenDays = EVERY_DAY) -> "Terms":
        """The same payments from the first date on or after another day. Raises DateTooFar.

        From the first date that they have, they are what they were.
        """
        if start_on == self.first_on:
            return self
        rhythm, amounts = self.frequency or Frequency.MONTHLY, [cents for _, cents in self.schedule]
        found = paydays(start_on, rhythm, len(amounts), days=self.days, opened=opened)
        dated = tuple(zip(found.dates, amounts, strict=True))
        return replace(self, schedule=dated, anchor_on=found.anchor_on)

    def as_granted(self, valid_until: date | None) -> "Terms":
        """The same terms, granted by a person until a day."""
        key = f"{Basis.GRANTED}:{self.kind}"
        return replace(self, key=key, valid_until=valid_until)


def basis_of(key: str) -> Basis:
    """What stands behind an offer key."""
    head = key.partition(":")[0]
    return Basis(head) if head in (Basis.AGREED, Basis.GRANTED) else Basis.OFFERED


def to_dict(terms: Terms) -> dict[str, Any]:
    """The terms as plain values for evidence: integers, strings, no nulls (EV-03)."""
    said = {
        "v": 1,
        "kind": str(terms.kind),
        "offer_key": terms.key,
        "policy_version": terms.policy_version,
        "currency": terms.currency,
        "balance_cents": int(terms.balance_cents),
        "total_cents": int(terms.total_cents),
        "saved_cents": int(terms.saved_cents),
        "method": str(terms.method),
        "frequency": str(terms.frequency) if terms.frequency else None,
        "valid_until": terms.valid_until.isoformat() if terms.valid_until else None,
        "down_payment_cents": int(terms.down_payment_cents) or None,
        "days": list(terms.days) or None,
        "anchor_on": terms.anchor_on.isoformat() if terms.anchor_on else None,
        "schedule": [
            {"n": n, "due_on": due_on.isoformat(), "amount_cents": int(cents)}
            for n, (due_on, cents) in enumerate(terms.schedule, start=1)
        ],
    }
    return {name: value for name, value in said.items() if value is not None}


def from_dict(said: dict[str, Any]) -> Terms:
    """The terms of a dictionary that ``to_dict`` made. Raises KeyError, ValueError otherwise."""
    return Terms(
        kind=Kind(said["kind"]),
        key=said["offer_key"],
        policy_version=said["policy_version"],
        currency=said["currency"],
        balance_cents=Cents(said["balance_cents"]),
        total_cents=Cents(said["total_cents"]),
        schedule=tuple(
            (date.fromisoformat(part["due_on"]), Cents(part["amount_cents"]))
            for part in said["schedule"]
        ),
        frequency=Frequency(said["frequency"]) if "frequency" in said else None,
        method=Method(said["method"]),
        down_payment_cents=Cents(said.get("down_payment_cents", 0)),
        valid_until=date.fromisoformat(said["valid_until"]) if "valid_until" in said else None,
        days=tuple(said.get("days", ())),
        anchor_on=date.fromisoformat(said["anchor_on"]) if "anchor_on" in said else None,
    )


def canonical_bytes(terms: Terms) -> bytes:
    """The one way to write terms down (RFC 8785)."""
    return rfc8785.dumps(to_dict(terms))


def sha256(terms: Terms) -> str:
    """The hash of the canonical terms, as hex: what a review shows and an acceptance names."""
    return hashlib.sha256(canonical_bytes(terms)).hexdigest()
