"""Accounts that differ in nothing but balance and age: one group for each set of segments."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from portal.domain import N_, Phrases
from portal.domain.compiler.problems import LONGEST_AGE_DAYS, LONGEST_DAYS
from portal.domain.debts import CollectorRole
from portal.domain.facts import AccountFacts, PaymentHistory
from portal.domain.money import LARGEST_CENTS, Cents
from portal.domain.policy import Band, Policy, Segment

EXAMPLE_DAY: Final = date(2026, 1, 5)
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2999
ELSEWHERE: Final = ""
"""A product or region that no segment can name."""

ROLES: Final[Mapping[str, str]] = {
    CollectorRole.FIRST_PARTY_CREDITOR: N_("collected by the creditor"),
    CollectorRole.SERVICER_CURRENT: N_("collected by a servicer"),
    CollectorRole.THIRD_PARTY_AGENCY: N_("collected by an agency"),
    CollectorRole.DEBT_BUYER: N_("collected by a debt buyer"),
    CollectorRole.LAW_FIRM: N_("collected by a law firm"),
}
HISTORIES: Final[Mapping[str, str]] = {
    PaymentHistory.NEVER_PAID: N_("never paid"),
    PaymentHistory.HAS_PAID: N_("has paid before"),
    PaymentHistory.BROKE_PLAN: N_("broke a plan"),
}
AFTER_PAYMENT: Final = {
    PaymentHistory.HAS_PAID: PaymentHistory.HAS_PAID,
    PaymentHistory.BROKE_PLAN: PaymentHistory.BROKE_PLAN,
    PaymentHistory.NEVER_PAID: PaymentHistory.HAS_PAID,
}
"""What each history is after one more payment; those that stay as they are come first."""

TRAITS: Final = {
    "products": "product",
    "regions": "region",
    "collector_roles": "collector_role",
    "histories": "history",
}
"""What a segment can name, and the fact of an account that decides it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts in the same segments: one of them, and the numbers of the bands for them."""

    account: AccountFacts
    bands: tuple[int, ...]
    told: Phrases | None

    def member(self, balance: int, days: int) -> AccountFacts:
        """An account of this group with a balance in cents and an age in days."""
        since = self.account.placed_on - timedelta(days=days)
        return replace(self.account, balance_cents=Cents(balance), default_on=since)

    def placed(self, balance: int, days: int, since: int, today: date) -> AccountFacts:
        """The same on a day, so many days after it was placed."""
        placed_on, default_on = (today - timedelta(days=back) for back in (since, days))
        account = replace(self.account, placed_on=placed_on, default_on=default_on)
        return replace(account, balance_cents=Cents(balance))


def example_day(policy: Policy) -> date:
    """A day on which the policy is in force."""
    day = EXAMPLE_DAY
    if policy.to_on is not None:
        day = min(day, policy.to_on)
    if policy.from_on is not None:
        day = max(day, policy.from_on)
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else EXAMPLE_DAY


def first_day(policy: Policy) -> date:
    """A day on which the policy is in force for as long as it can be."""
    day = policy.from_on or policy.to_on
    if day is None or not FIRST_YEAR < day.year <= LAST_YEAR:
        return EXAMPLE_DAY
    return day if policy.from_on else min(EXAMPLE_DAY, day - timedelta(days=LONGEST_DAYS))


def groups(policy: Policy) -> list[Group]:
    """Every set of segments that an account can be in, with one such account.

    Two products (or regions, roles, histories) that the same segments name are one; so are all
    that none names. What is left are the sets of segments, each once.
    """
    used, found = policy.segments_used, _by_all_but_history(policy)
    found = _combined(found, "history", _kinds(used, "histories", "history"))
    return [_group(policy, used, mask, account) for mask, account in found.items()]


def paying(policy: Policy) -> Iterator[tuple[Group, Group]]:
    """Every group that an account can be in, with the one that it is in after a payment.

    Who never paid has paid then, which can be another group, and which one depends on more than
    the segments before; whoever paid or broke a plan before stays in the same.
    """
    used, told = policy.segments_used, set[tuple[int, int]]()
    named = {
        history: sum((history in (one.histories or (history,))) << n for n, one in enumerate(used))
        for history in PaymentHistory
    }
    for mask, account in _by_all_but_history(policy).items():
        for before, after in AFTER_PAYMENT.items():
            both = mask & named[before], mask & named[after]
            if both not in told:
                told.add(both)
                first, then = (
                    _group(policy, used, one, replace(account, history=history))
                    for one, history in zip(both, (before, after), strict=True)
                )
                yield first, then


def _by_all_but_history(policy: Policy) -> dict[int, AccountFacts]:
    today, used = example_day(policy), policy.segments_used
    anybody = AccountFacts(Cents(0), policy.currency, placed_on=today, default_on=today)
    found = {(1 << len(used)) - 1: anybody}
    for names, trait in TRAITS.items():
        if trait != "history":
            found = _combined(found, trait, _kinds(used, names, trait))
    return found


def _combined(
    found: dict[int, AccountFacts], trait: str, kinds: dict[int, Any]
) -> dict[int, AccountFacts]:
    both: dict[int, AccountFacts] = {}
    for mask, account in found.items():
        for named, value in kinds.items():
            if mask & named not in both:
                both[mask & named] = replace(account, **{trait: value})
    return both


def _kinds(used: tuple[Segment, ...], names: str, trait: str) -> dict[int, Any]:
    """A value for each set of segments that a trait alone decides on, as a bit for each."""
    anybody = AccountFacts(Cents(0), "", EXAMPLE_DAY)
    alone = [replace(Segment(one.name), **{names: getattr(one, names)}) for one in used]
    found: dict[int, Any] = {}
    for value in _values(used, names):
        account = replace(anybody, **{trait: value})
        mask = sum(one.holds(account) << n for n, one in enumerate(alone))
        found.setdefault(mask, value)
    return found


def _values(used: tuple[Segment, ...], names: str) -> list[Any]:
    named = list(dict.fromkeys(value for one in used for value in getattr(one, names)))
    every: Mapping[str, list[Any]] = {
        "collector_roles": list(CollectorRole),
        "histories": list(PaymentHistory),
    }
    return [*named, *every.get(names, [ELSEWHERE])]


def _group(policy: Policy, used: tuple[Segment, ...], mask: int, account: AccountFacts) -> Group:
    names = {one.name for n, one in enumerate(used) if mask >> n & 1} or {""}
    bands = tuple(n for n, band in enumerate(policy.bands) if band.segment in names)
    return Group(account, bands, _told(used, account))


def _told(used: tuple[Segment, ...], account: AccountFacts) -> Phrases | None:
    """What is to be known of an account beside balance and age, or None where nothing is."""
    words: Mapping[str, Callable[[AccountFacts], str]] = {
        "products": lambda one: N_("product %(product)s") if one.product else N_("another product"),
        "regions": lambda one: N_("region %(region)s") if one.region else N_("another region"),
        "collector_roles": lambda one: ROLES[one.collector_role],
        "histories": lambda one: HISTORIES[one.history],
    }
    facts: dict[str, object] = {"product": account.product, "region": account.region}
    asked = [names for names in TRAITS if any(getattr(one, names) for one in used)]
    return Phrases(tuple((words[names](account), facts) for names in asked)) if asked else None


def group_of(found: list[Group], number: int) -> Group | None:
    """The first group that a band is for, or None."""
    return next((group for group in found if number in group.bands), None)


def balances(band: Band) -> tuple[int, int]:
    """The smallest and the largest balance of a band, in cents."""
    high = LARGEST_CENTS if band.to_balance_cents is None else band.to_balance_cents - 1
    return max(band.from_balance_cents, 1), min(high, LARGEST_CENTS)


def each_band(policy: Policy, found: list[Group]) -> Iterator[tuple[int, Band, Group]]:
    """The bands that hold a balance, each with its number and the accounts that it is for."""
    for number, band in enumerate(policy.bands):
        group = group_of(found, number)
        low, high = balances(band)
        if group is not None and low <= high and 0 <= band.from_days <= LONGEST_AGE_DAYS:
            yield number, band, group
