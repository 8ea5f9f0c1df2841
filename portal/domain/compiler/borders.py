"""Who pays a part never has to pay more to close the rest than closed the whole before.

A payment makes the balance smaller and, of an account that was never paid, one that was. What
closes an account never falls as the balance grows within a band, so that two things are to be
looked at: the payment of one cent over each border of balance, and, where other bands are for
accounts that were paid, the payment of one cent on every balance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from portal.domain import N_
from portal.domain.compiler.groups import Group, paying
from portal.domain.compiler.problems import Example, Place, Problem, Problems
from portal.domain.compiler.tiers import USUAL, Priced, reaching
from portal.domain.money import WHOLE_BPS, minimum_charge
from portal.domain.offers import tier_total
from portal.domain.policy import Policy, Tier

FIRST_PAYMENT: Final = 1_00
"""What somebody pays who pays a part, where that is enough to show what comes of it."""


@dataclass(frozen=True, slots=True)
class Dearer:
    """An account before and after a payment that makes it dearer to close; amounts in cents."""

    before: Priced
    after: Priced
    balance: int
    rest: int

    @property
    def first(self) -> bool:
        """Whether it is dear because the account was never paid before."""
        return self.before.group.account.history is not self.after.group.account.history

    @property
    def params(self) -> dict[str, object]:
        """What it costs: to close the whole, the part, the rest after it, and both together."""
        paid, rest = self.balance - self.rest, cheapest(self.after, self.rest)
        sums = {
            "balance": self.balance,
            "before": cheapest(self.before, self.balance),
            "part": paid,
            "rest": rest,
            "after": paid + rest,
        }
        return {name: self.before.money(cents) for name, cents in sums.items()}

    @property
    def place(self) -> Place:
        """What the account pays after the payment: the tier, or that there is none."""
        tiers = self.after.band.tiers
        dear = cheapest(self.after, self.rest)
        for number, tier in enumerate(tiers):
            if self.after.total(tier, self.rest) == dear:
                field = "pay_cents" if tier.pay_cents else "pay_bps"
                return Place(field, self.after.number, number)
        return Place("tiers", self.after.number)

    @property
    def example(self) -> Example:
        """The account, and the same after the payment."""
        days = max(self.before.band.from_days, self.after.band.from_days)
        account = self.before.group.member(self.balance, days)
        other = self.after.group.member(self.rest, days)
        return Example(account, account.placed_on, other=other)


def borders(policy: Policy) -> Problems:
    """No payment makes it dearer to close an account, unless the client allows it."""
    if policy.paying_part_may_cost_more:
        return
    for one in _dearer(policy):
        if one.first:
            text = N_(
                "Who owes %(balance)s and never paid can close the account for %(before)s; who pays"
                " %(part)s first has to pay %(rest)s for the rest. Let those who have paid pay"
                " less or those who never did more, or tick “Who pays a part may have to pay more"
                " to close the rest”."
            )
            yield Problem("borders.first_payment", text, one.params, one.place, one.example)
            continue
        text = N_(
            "Who owes %(balance)s can close the account for %(before)s; who pays %(part)s first has"
            " to pay %(rest)s for the rest. Let the smaller balance pay less or the larger one"
            " more, or tick “Who pays a part may have to pay more to close the rest”."
        )
        yield Problem("borders.part_payment", text, one.params, one.place, one.example)


def allowed(policy: Policy) -> Problems:
    """The same as cautions with the price, where the client allows it."""
    if not policy.paying_part_may_cost_more:
        return
    for one in _dearer(policy):
        if one.first:
            text = N_(
                "Who owes %(balance)s and never paid can close the account for %(before)s; who pays"
                " %(part)s first pays %(after)s in all."
            )
            yield Problem("cautions.first_payment", text, one.params, one.place, one.example)
            continue
        text = N_(
            "Who owes %(balance)s can close the account for %(before)s; who pays %(part)s first"
            " pays %(after)s in all."
        )
        yield Problem("cautions.part_payment", text, one.params, one.place, one.example)


def _dearer(policy: Policy) -> Iterator[Dearer]:
    """Where a payment makes it dearer, told once of each band that it can lead into."""
    seen, told = set[tuple[int, int]](), set[int]()
    for group, paid in paying(policy):
        for before, after in product(_bands(policy, group), _bands(policy, paid)):
            pair = before.number, after.number
            if pair in seen or after.number in told or not _same_age(before, after):
                continue
            seen.add(pair)
            balance = _balance(before, after)
            if balance is not None:
                told.add(after.number)
                yield Dearer(before, after, balance, _rest(before, after, balance))


def _bands(policy: Policy, group: Group) -> list[Priced]:
    bands = (Priced(policy, number, policy.bands[number], group) for number in group.bands)
    return [band for band in bands if band.low <= band.high]


def _same_age(one: Priced, other: Priced) -> bool:
    ages = [(band.band.from_days, band.band.to_days) for band in (one, other)]
    return overlap(*ages)


def overlap(one: tuple[int, int | None], two: tuple[int, int | None]) -> bool:
    """Whether two spans, each with its first number and the first beyond it, share a number."""
    (start, end), (other_start, other_end) = one, two
    return (end is None or other_start < end) and (other_end is None or start < other_end)


def cheapest(band: Priced, balance: int) -> int:
    """The least for which a balance of this band is closed: a settlement, or all of it."""
    account, policy = band.account(balance), band.policy
    totals = (tier_total(account, policy, tier, band.band) for tier in band.band.tiers)
    return min((total for total in totals if total < balance), default=balance)


def _dear(before: Priced, after: Priced, balance: int, paid: int = 1) -> bool:
    """Whether closing the rest after a payment, in cents, takes more than the whole did."""
    rest = balance - paid
    return after.low <= rest <= after.high and cheapest(after, rest) > cheapest(before, balance)


def _rest(before: Priced, after: Priced, balance: int) -> int:
    payments = (FIRST_PAYMENT, minimum_charge(before.policy.currency), 1)
    return balance - next(paid for paid in payments if _dear(before, after, balance, paid))


def _balance(before: Priced, after: Priced) -> int | None:
    """A balance on which a cent that is paid makes it dearer to close the account, or None.

    What closes it rises with the balance on both sides: between two balances nothing is dear if
    the rest of the larger one costs no more than the smaller one did. Else the middle is looked at,
    and so on, down to single cents where it is that close.
    """
    if before.number == after.number:
        return None
    low, high = max(before.low, after.low + 1), min(before.high, after.high + 1)
    if low > high or _all_right(before, after, low, high):
        return None
    for balance in (USUAL, low + FIRST_PAYMENT, *sorted(set(turns(before, after)))):
        if low <= balance <= high and _dear(before, after, balance):
            return balance
    return _searched(before, after, low, high)


def _searched(before: Priced, after: Priced, low: int, high: int) -> int | None:
    spans = [(low, high)]
    while spans:
        low, high = spans.pop()
        if low > high or _all_right(before, after, low, high):
            continue
        for balance in (low, high):
            if _dear(before, after, balance):
                return balance
        middle = (low + high) // 2
        spans += [(middle + 1, high - 1), (low + 1, middle)]
    return None


def _all_right(before: Priced, after: Priced, low: int, high: int) -> bool:
    """Whether no balance from low to high is dear: by its ends, or by the tiers themselves."""
    most = cheapest(after, high - 1)
    return most <= cheapest(before, low) or all(
        before.total(tier, low) >= most
        or any(_asks_no_more(after, other, before, tier, low) for other in after.band.tiers)
        for tier in before.band.tiers
    )


def turns(*bands: Priced) -> Iterator[int]:
    """Balances at which it changes what is cheapest: where a share comes to an amount."""
    yield USUAL
    for band in bands:
        yield from (band.low, band.high)
    tiers = [tier for band in bands for tier in band.band.tiers]
    amounts = {tier.pay_cents for tier in tiers if tier.pay_cents}
    shares = {tier.pay_bps for tier in tiers if tier.pay_bps}
    for amount in amounts:
        yield from (amount, amount + 1)
    for amount, bps in product(amounts, shares):
        yield from (reaching(amount, bps), reaching(amount + 1, bps))


def _asks_no_more(after: Priced, other: Tier, before: Priced, tier: Tier, low: int) -> bool:
    """Whether one tier asks no more than another from a balance on, whatever is rounded.

    Rounding takes less than a step, and nothing below the lowest share that may be agreed.
    """
    floors = [band.policy.agreed_settlement_bps(band.band) for band in (after, before)]
    if tier.pay_cents and other.pay_cents:
        return other.pay_cents <= tier.pay_cents and floors[0] <= floors[1]
    if tier.pay_cents or other.pay_cents or other.pay_bps > tier.pay_bps:
        return False
    least, own = min(other.pay_bps, floors[0]), min(tier.pay_bps, floors[1])
    lost = (before.policy.rounding_cents - 1) * WHOLE_BPS
    return least <= own or (tier.pay_bps - least) * low >= lost
