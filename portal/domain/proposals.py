"""A debtor's own proposal, the answers that it can get, and what makes no sense at all."""

from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from portal.domain import N_, DomainError
from portal.domain.admission import granted_terms
from portal.domain.facts import AccountFacts
from portal.domain.limits import allowed_method, check_start
from portal.domain.money import AmountNotPositive, Cents, Money, minimum_charge, share
from portal.domain.offers import chargeable
from portal.domain.paydays import EVERY_DAY, OpenDays, kept_days, open_days, paydays
from portal.domain.policy import Policy
from portal.domain.schedules import PARTS_A_YEAR, Frequency, parts_by_amount, schedule
from portal.domain.terms import Method, Terms

LONGEST_YEARS: Final = 30
LATEST_DAYS: Final = 366


class MoreThanOwed(DomainError):
    """A proposal above the balance."""

    message = N_("You owe %(balance)s. Enter that amount or less.")


class ProposalTooLong(DomainError):
    """A pace at which the debt is never paid."""

    message = N_("That would take more than %(years)s years. Enter a larger amount.")


class ProposalTooSmall(DomainError):
    """Payments that cannot be taken at all."""

    message = N_("The smallest payment we can take is %(minimum)s.")


class NothingToPropose(DomainError):
    """Nothing is owed, or nothing that can be charged."""

    message = N_("There is nothing to pay on this account now.")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a debtor suggests: pay ``total_cents`` (None: all that is owed) from a first date on.

    ``amount_cents`` is each payment (None: one payment of it all), ``frequency`` its rhythm, on
    ``days`` of the month where they are given.
    """

    first_on: date
    total_cents: Cents | None = None
    amount_cents: Cents | None = None
    frequency: Frequency = Frequency.MONTHLY
    method: Method = Method.MANUAL
    days: tuple[int, ...] = ()

    def sums(self, owed: Cents) -> tuple[Cents, Cents]:
        """What it comes to in all and each time, in cents."""
        total = owed if self.total_cents is None else self.total_cents
        return total, total if self.amount_cents is None else self.amount_cents


@dataclass(frozen=True, slots=True)
class Agreed:
    """The proposal can be accepted at once, as these terms; never for more than was proposed."""

    terms: Terms


class Axis(StrEnum):
    """In what an alternative differs from the proposal."""

    AMOUNT = "amount"
    LENGTH = "length"
    START = "start"


@dataclass(frozen=True, slots=True)
class Alternative:
    """Terms near the proposal that can be accepted at once; the reason says what changed and why.

    They are as close to the proposal as what may be agreed comes on their axis.
    """

    axis: Axis
    terms: Terms
    reason: str
    params: dict[str, object]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What could be agreed instead; the debtor may still ask a person for what they proposed."""

    why: str
    params: dict[str, object]
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class ForReview:
    """Nothing like it can be agreed without a person, who looks at it; the reason says why not."""

    reason: str
    params: dict[str, object]


Answer = Agreed | Alternatives | ForReview


def check_proposal(proposal: Proposal, account: AccountFacts, policy: Policy, today: date) -> Cents:
    """The total a proposal comes to, in cents, if it makes sense at all.

    Raises AmountNotPositive, MoreThanOwed, ProposalTooSmall, ProposalTooLong, FirstPaymentInPast,
    FirstPaymentTooLate, NothingToPropose, DayNotInMonth, DaysTooClose, each with what to enter
    instead. A rhythm that the policy does not offer is answered with the nearest that it does.
    """
    if not chargeable(account, policy):
        raise NothingToPropose
    owed, currency = account.balance_cents, account.currency
    total, amount = proposal.sums(owed)
    if total < 1 or amount < 1:
        raise AmountNotPositive
    if max(total, amount) > owed:
        raise MoreThanOwed(balance=Money(owed, currency))
    least = minimum_charge(currency)
    if min(total, amount) < least:
        raise ProposalTooSmall(minimum=Money(least, currency))
    down = share(owed, policy.plan.down_payment_bps) if policy.plan else 0
    if (total - min(down, total)) // amount > LONGEST_YEARS * PARTS_A_YEAR[proposal.frequency]:
        raise ProposalTooLong(years=LONGEST_YEARS)
    kept_days(proposal.frequency, proposal.days)
    latest = today + timedelta(days=LATEST_DAYS)
    check_start(proposal.first_on, today=today, latest=latest)
    return total


def begins_on(proposal: Proposal, owed: Cents, opened: OpenDays = EVERY_DAY) -> date:
    """The first day on which a proposal would be paid: the first of its days of the month.

    Dated the 30th from December 31 on, that is January 30. ``owed`` is in cents.
    """
    total, amount = proposal.sums(owed)
    days = kept_days(proposal.frequency, proposal.days) if amount < total else ()
    rhythm = proposal.frequency
    return paydays(proposal.first_on, rhythm, 1, days=days, opened=opened).dates[0]


def wish_terms(proposal: Proposal, account: AccountFacts, policy: Policy) -> Terms:
    """The proposal as terms, whatever the limits: what staff see, and may pass to ``grant``.

    Raises PartTooSmall, AmountNotPositive, ScheduleTooLong, DaysTooClose.
    """
    owed = account.balance_cents
    total = Cents(min(proposal.total_cents or owed, owed))
    least = minimum_charge(account.currency)
    parts = parts_by_amount(total, proposal.amount_cents or total, minimum=least)
    several, opened = len(parts) > 1, open_days(account, policy)
    days = kept_days(proposal.frequency, proposal.days) if several else ()
    found = paydays(proposal.first_on, proposal.frequency, len(parts), days=days, opened=opened)
    dated = schedule(total, parts, found.dates, currency=account.currency)
    return replace(
        granted_terms(account, policy, total=total, schedule=dated),
        frequency=proposal.frequency if several else None,
        method=allowed_method(proposal.method, policy),
        days=days,
        anchor_on=found.anchor_on,
    )


def to_dict(proposal: Proposal) -> dict[str, Any]:
    """A proposal as plain JSON values; what was left open is left out."""
    said = {
        **asdict(proposal),
        "first_on": proposal.first_on.isoformat(),
        "days": list(proposal.days) or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def from_dict(said: dict[str, Any]) -> Proposal:
    """The proposal of a dictionary that ``to_dict`` made. Raises KeyError, ValueError otherwise."""
    return Proposal(
        first_on=date.fromisoformat(said["first_on"]),
        total_cents=Cents(said["total_cents"]) if "total_cents" in said else None,
        amount_cents=Cents(said["amount_cents"]) if "amount_cents" in said else None,
        frequency=Frequency(said["frequency"]),
        method=Method(said["method"]),
        days=tuple(said.get("days", ())),
    )
