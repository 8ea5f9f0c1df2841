"""The answer to a debtor's own proposal: agreed, alternatives, or a person looks at it.

The answer depends on the account, on what the policy lets the machine agree to, and on the day;
never on what staff may grant. More money, or the same sooner, never gets a worse answer, and asking
again gets the same one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from portal.domain import N_, DomainError
from portal.domain.admission import granted_terms
from portal.domain.building import (
    AGREED_PLAN,
    AGREED_SETTLEMENT,
    AGREED_WHOLE,
    build,
    settlement_floor,
    settlement_frequencies,
    settlement_latest,
    settlement_parts,
)
from portal.domain.facts import AccountFacts
from portal.domain.limits import (
    Bounds,
    FrequencyNotOffered,
    allowed_method,
    check_start,
    plan_bounds,
    smallest_amount,
)
from portal.domain.money import AmountNotPositive, Cents, Money, minimum_charge
from portal.domain.offers import Offer, chargeable, offers
from portal.domain.paydays import kept_days, open_days, paydays
from portal.domain.policy import Policy
from portal.domain.schedules import PARTS_A_YEAR, Frequency, count_parts, parts_by_amount, schedule
from portal.domain.terms import Basis, Choice, Kind, Method, Terms

LONGEST_YEARS: Final = 30
LATEST_DAYS: Final = 366
NOT_AT_ONCE: Final = N_("We cannot agree to that right away. A person will look at it.")
SAME_TOTAL: Final = N_("The same amount, with the first payment on %(first_on)s.")
LOWEST_TOTAL: Final = N_("The lowest amount that can close your account now.")
OFFERED: Final = N_("You can close your account like this.")


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


@dataclass(frozen=True, slots=True)
class Agreed:
    """The proposal can be accepted at once, as these terms; never for more than was proposed."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class Alternative:
    """Terms near the proposal that can be accepted at once, and why they are shown."""

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
    """Nothing near it can be agreed without a person; a person looks at it."""

    reason: str
    params: dict[str, object]


Answer = Agreed | Alternatives | ForReview


def answer(proposal: Proposal, account: AccountFacts, policy: Policy, today: date) -> Answer:
    """What the machine says to a proposal; total, deterministic, never below ``policy.agree``.

    Raises AmountNotPositive, MoreThanOwed, ProposalTooSmall, ProposalTooLong, FirstPaymentInPast,
    FirstPaymentTooLate, FrequencyNotOffered, NothingToPropose for what no answer can be given to.
    """
    total = check_proposal(proposal, account, policy, today)
    if total < account.balance_cents:
        return _answer_settlement(proposal, total, account, policy, today)
    return _answer_plan(proposal, account, policy, today)


def check_proposal(proposal: Proposal, account: AccountFacts, policy: Policy, today: date) -> Cents:
    """The total a proposal comes to, in cents, if it makes sense at all. Raises as ``answer``."""
    if not chargeable(account, policy):
        raise NothingToPropose
    owed, currency = account.balance_cents, account.currency
    total = owed if proposal.total_cents is None else proposal.total_cents
    amount = total if proposal.amount_cents is None else proposal.amount_cents
    if total < 1 or amount < 1:
        raise AmountNotPositive
    if max(total, amount) > owed:
        raise MoreThanOwed(balance=Money(owed, currency))
    least = minimum_charge(currency)
    if min(total, amount) < least:
        raise ProposalTooSmall(minimum=Money(least, currency))
    if total // amount > LONGEST_YEARS * PARTS_A_YEAR[proposal.frequency]:
        raise ProposalTooLong(years=LONGEST_YEARS)
    if amount < total and proposal.frequency not in settlement_frequencies(policy):
        raise FrequencyNotOffered
    kept_days(proposal.frequency, proposal.days)
    latest = today + timedelta(days=LATEST_DAYS)
    check_start(proposal.first_on, today=today, latest=latest)
    return total


def _answer_plan(proposal: Proposal, account: AccountFacts, policy: Policy, today: date) -> Answer:
    amount = min(proposal.amount_cents or account.balance_cents, account.balance_cents)
    wish = Choice(
        key="plan",
        amount_cents=amount,
        frequency=proposal.frequency,
        first_on=proposal.first_on,
        method=proposal.method,
        days=proposal.days,
    )
    keys = ("full",) if amount == account.balance_cents else ()
    for key in (*keys, "plan", AGREED_PLAN, AGREED_WHOLE):
        terms = _tried(replace(wish, key=key), account, policy, today)
        if terms is not None:
            return Agreed(terms)
    bounds = plan_bounds(account, policy, today, Basis.AGREED)
    found = _distinct(_plans_near(wish, account, policy, today, bounds=bounds) if bounds else ())
    if not found:
        total = account.balance_cents
        found = _distinct(_settlements_near(proposal, total, account, policy, today))
    if not found:
        return ForReview(NOT_AT_ONCE, {})
    return Alternatives(
        N_("We cannot agree to %(amount)s each time from %(first_on)s right away."),
        {"amount": Money(amount, account.currency), "first_on": proposal.first_on},
        found,
    )


def _plans_near(
    wish: Choice, account: AccountFacts, policy: Policy, today: date, *, bounds: Bounds
) -> Iterator[Alternative]:
    """Plans that can be agreed: the same but sooner, the same pace by the month, the smallest."""
    wanted = wish.amount_cents or account.balance_cents
    first_on = min(wish.first_on or today, bounds.latest_first_on)
    near = replace(wish, key=AGREED_PLAN, first_on=first_on)
    frequency = wish.frequency or bounds.main_frequency
    smallest = smallest_amount(account.balance_cents, bounds, frequency)
    for choice, reason in (
        (near, N_("The same payments, with the first on %(first_on)s.")),
        (_by_month(near, wanted, bounds), N_("The same pace, with one payment a month.")),
        (replace(near, amount_cents=smallest), N_("The smallest payment we can agree to now.")),
    ):
        terms = _tried(choice, account, policy, today) if choice else None
        if terms is not None:
            yield Alternative(terms, reason, {"first_on": first_on})


def _by_month(near: Choice, wanted: Cents, bounds: Bounds) -> Choice | None:
    frequency = near.frequency or bounds.main_frequency
    if frequency is Frequency.MONTHLY or Frequency.MONTHLY not in bounds.frequencies:
        return None
    monthly = Cents(-(-wanted * PARTS_A_YEAR[frequency] // PARTS_A_YEAR[Frequency.MONTHLY]))
    return replace(near, frequency=Frequency.MONTHLY, amount_cents=monthly, days=())


def _answer_settlement(
    proposal: Proposal, total: Cents, account: AccountFacts, policy: Policy, today: date
) -> Answer:
    for choice in _settlement_choices(proposal, total, account, policy, today):
        terms = _tried(choice, account, policy, today)
        if terms is not None:
            return Agreed(terms)
    found = _distinct(_settlements_near(proposal, total, account, policy, today))
    if not found:
        return ForReview(NOT_AT_ONCE, {})
    return Alternatives(
        N_("We cannot agree to close the account for %(total)s like that right away."),
        {"total": Money(total, account.currency)},
        found,
    )


def _settlement_choices(
    proposal: Proposal, total: Cents, account: AccountFacts, policy: Policy, today: date
) -> Iterator[Choice]:
    """What a proposed settlement could be agreed as, cheapest first: an offer, or the proposal."""
    own = _as_choice(proposal, AGREED_SETTLEMENT, total=total)
    if proposal.amount_cents is not None and proposal.amount_cents < total:
        own = replace(own, amount_cents=proposal.amount_cents, frequency=proposal.frequency)
    count = _count(proposal, total, account)
    for offer in _cheapest(account, policy, today):
        if offer.total_cents <= total and count <= offer.parts:
            yield replace(own, key=offer.key)
    yield own


def _settlements_near(
    proposal: Proposal, total: Cents, account: AccountFacts, policy: Policy, today: date
) -> Iterator[Alternative]:
    """The lowest settlement that can be agreed, the same in more parts, and a plan for it all."""
    latest = settlement_latest(account, policy, today)
    near = replace(proposal, first_on=min(proposal.first_on, latest))
    floor = settlement_floor(account, policy, today)
    choices: list[tuple[Choice, str]] = []
    if floor is not None:
        reason = SAME_TOTAL if total >= floor else LOWEST_TOTAL
        most = settlement_parts(account, policy, today)
        key = AGREED_WHOLE if total == account.balance_cents else AGREED_SETTLEMENT
        for count in (min(_count(near, total, account), most), most):
            lowest = _as_choice(near, key, count=count, total=max(floor, total))
            choices.append((lowest, reason))
    else:
        for offer in _cheapest(account, policy, today):
            first_on = min(near.first_on, offer.valid_until or today)
            offered = _as_choice(near, offer.key, count=offer.parts)
            choices.append((replace(offered, first_on=first_on), OFFERED))
    for choice, reason in choices:
        terms = _tried(choice, account, policy, today)
        if terms is not None:
            yield Alternative(terms, reason, {"first_on": terms.first_on})
    yield from _whole_plan(near, account, policy, today)


def _distinct(found: Iterable[Alternative]) -> tuple[Alternative, ...]:
    first: dict[Terms, Alternative] = {}
    for alternative in found:
        first.setdefault(alternative.terms, alternative)
    return tuple(first.values())


def _whole_plan(
    near: Proposal, account: AccountFacts, policy: Policy, today: date
) -> Iterator[Alternative]:
    bounds = plan_bounds(account, policy, today, Basis.AGREED)
    if bounds is None:
        return
    frequency = near.frequency if near.frequency in bounds.frequencies else bounds.main_frequency
    choice = Choice(
        key=AGREED_PLAN,
        amount_cents=smallest_amount(account.balance_cents, bounds, frequency),
        frequency=frequency,
        first_on=min(near.first_on, bounds.latest_first_on),
        method=near.method,
        days=near.days if frequency is near.frequency else (),
    )
    terms = _tried(choice, account, policy, today)
    if terms is not None:
        yield Alternative(terms, N_("You can pay all of it in small payments."), {})


def _cheapest(account: AccountFacts, policy: Policy, today: date) -> list[Offer]:
    made = (offer for offer in offers(account, policy, today) if offer.kind is Kind.SETTLEMENT)
    return sorted(made, key=lambda offer: (offer.total_cents, -offer.parts))


def _as_choice(
    proposal: Proposal, key: str, *, count: int = 1, total: Cents | None = None
) -> Choice:
    return Choice(
        key=key,
        count=count if count > 1 else None,
        frequency=proposal.frequency if count > 1 else None,
        first_on=proposal.first_on,
        method=proposal.method,
        total_cents=total,
        days=proposal.days,
    )


def _count(proposal: Proposal, total: Cents, account: AccountFacts) -> int:
    least = minimum_charge(account.currency)
    return count_parts(total, proposal.amount_cents or total, minimum=least)


def _tried(choice: Choice, account: AccountFacts, policy: Policy, today: date) -> Terms | None:
    try:
        return build(choice, account, policy, today)
    except DomainError:
        return None


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
