"""Each tier by itself: it can be paid, somebody is offered it, and it keeps to the lowest share.

Totals rise with the balance, so the balance that shows a mistake is found where a total is about
to step over the next multiple of the rounding, not by trying balances.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from portal.domain import N_
from portal.domain.compiler.groups import Group, balances, each_band
from portal.domain.compiler.problems import (
    LONGEST_DAYS,
    MOST_SETTLEMENT_PARTS,
    Example,
    Place,
    Problem,
    Problems,
    percent,
)
from portal.domain.facts import AccountFacts
from portal.domain.money import LARGEST_CENTS, WHOLE_BPS, Cents, Money, minimum_charge, share
from portal.domain.offers import tier_total
from portal.domain.policy import Band, Policy, Tier
from portal.domain.terms import Choice

USUAL: Final = 1_000_00
"""The balance that examples have where it shows the mistake."""


@dataclass(frozen=True, slots=True)
class Priced:
    """The tiers of one band as its accounts are asked to pay them; balances in cents."""

    policy: Policy
    number: int
    band: Band
    group: Group

    @property
    def low(self) -> int:
        """The smallest balance of the band."""
        return balances(self.band)[0]

    @property
    def high(self) -> int:
        """The largest balance of the band."""
        return balances(self.band)[1]

    def account(self, balance: int) -> AccountFacts:
        """An account of the band, as young as it may be."""
        return self.group.member(balance, self.band.from_days)

    def total(self, tier: Tier, balance: int) -> int:
        """What a tier asks of a balance."""
        return tier_total(self.account(balance), self.policy, tier, self.band)

    def offered(self, tier: Tier, balance: int) -> bool:
        """Whether a tier is offered on a balance: it asks less."""
        return self.low <= balance <= self.high and self.total(tier, balance) < balance

    def floor(self, balance: int) -> int:
        """The lowest total that may be agreed on a balance; all of it where none may."""
        bps = self.policy.agreed_settlement_bps(self.band)
        if bps >= WHOLE_BPS:
            return balance
        return max(share(Cents(balance), bps), minimum_charge(self.policy.currency))

    def next_step(self, total: int) -> int:
        """The next larger amount that a rounded total can be."""
        rounding = self.policy.rounding_cents
        return (total // rounding + 1) * rounding

    def money(self, cents: int) -> Money:
        """An amount of the policy's currency."""
        return Money(Cents(cents), self.policy.currency)

    def example(self, balance: int, tier: Tier, instead: Tier | None = None) -> Example:
        """An account of the band to which a tier is a mistake, and the tier that shows it."""
        account = self.account(balance)
        shown = None if instead is None else Choice(key=instead.key)
        return Example(account, account.placed_on, Choice(key=tier.key), shown)


def priced(policy: Policy, found: list[Group]) -> Iterator[Priced]:
    """The bands whose accounts can be offered something."""
    for number, band, group in each_band(policy, found):
        yield Priced(policy, number, band, group)


def reaching(total: int, bps: int) -> int:
    """The smallest balance whose share is at least this much, both in cents."""
    return (total - 1) * WHOLE_BPS // bps + 1


def shapes(policy: Policy) -> Problems:
    """Each tier is a share or an amount, in parts and for days that exist."""
    for n, band in enumerate(policy.bands):
        own = band.agree_settlement_bps
        if own is not None and not 1 <= own <= WHOLE_BPS:
            text = N_("The lowest share is from 0.01%% to 100%%, not %(percent)s%%.")
            place = Place("agree_settlement_bps", band=n)
            yield Problem("bands.agree_share", text, {"percent": percent(own)}, place)
        for m, tier in enumerate(band.tiers):
            yield from _amount(tier, n, m, policy.currency)
            yield from _parts_and_days(tier, n, m)


def _amount(tier: Tier, band: int, number: int, currency: str) -> Problems:
    if tier.pay_cents and tier.pay_bps:
        text = N_("A settlement is a share or an amount, not both: %(percent)s%% and %(amount)s.")
        amount = Money(Cents(tier.pay_cents), currency)
        params: dict[str, object] = {"percent": percent(tier.pay_bps), "amount": amount}
        yield Problem("tiers.both", text, params, Place("pay_cents", band, number))
    elif tier.pay_cents:
        place = Place("pay_cents", band, number)
        yield from payable(tier.pay_cents, "tiers.amount", place, currency)
    elif not 1 <= tier.pay_bps < WHOLE_BPS:
        text = N_("A settlement is for more than 0%% and less than 100%%, not %(percent)s%%.")
        place = Place("pay_bps", band, number)
        yield Problem("tiers.share", text, {"percent": percent(tier.pay_bps)}, place)


def payable(cents: int, rule: str, place: Place, currency: str) -> Problems:
    """A payment that can be taken: neither too small for Stripe nor larger than any debt."""
    least, amount = minimum_charge(currency), Money(Cents(cents), currency)
    if cents < least:
        text = N_("A payment of %(amount)s cannot be taken: the smallest is %(least)s.")
        yield Problem(rule, text, {"amount": amount, "least": Money(least, currency)}, place)
    if cents > LARGEST_CENTS:
        text = N_("A payment of %(amount)s cannot be taken: the largest is %(most)s.")
        yield Problem(rule, text, {"amount": amount, "most": Money(LARGEST_CENTS, currency)}, place)


def _parts_and_days(tier: Tier, band: int, number: int) -> Problems:
    if not 1 <= tier.max_parts <= MOST_SETTLEMENT_PARTS:
        text = N_("A settlement has 1 to 60 parts, not %(parts)s.")
        place = Place("max_parts", band, number)
        yield Problem("tiers.parts", text, {"parts": tier.max_parts}, place)
    if not 1 <= tier.valid_for_days <= LONGEST_DAYS:
        text = N_("An offer stands for 1 to %(most)s days, not %(days)s.")
        params: dict[str, object] = {"most": LONGEST_DAYS, "days": tier.valid_for_days}
        yield Problem("tiers.days", text, params, Place("valid_for_days", band, number))


def well_formed(tier: Tier) -> bool:
    """Whether a tier is one share or one amount, so that its totals can be looked at."""
    return (tier.pay_cents == 0 and 1 <= tier.pay_bps < WHOLE_BPS) or (
        tier.pay_bps == 0 and 1 <= tier.pay_cents <= LARGEST_CENTS
    )


def each_tier(policy: Policy, found: list[Group]) -> Problems:
    """Each tier is offered to somebody, and to nobody below the lowest share."""
    for band in priced(policy, found):
        for number, tier in enumerate(band.band.tiers):
            if well_formed(tier):
                yield from _nobody(band, number, tier)
                yield from _below(band, number, tier)


def _nobody(band: Priced, number: int, tier: Tier) -> Problems:
    if offered_at(band, tier) is not None:
        return
    text = N_(
        "Nobody is offered this: of %(balance)s, the largest balance of the band, it would take"
        " %(total)s."
    )
    total = band.money(band.total(tier, band.high))
    params: dict[str, object] = {"balance": band.money(band.high), "total": total}
    example = band.example(band.high, tier)
    yield Problem("tiers.nobody", text, params, Place("", band.number, number), example)


def offered_at(band: Priced, tier: Tier) -> int | None:
    """A balance of the band on which a tier is offered, or None if there is none.

    The larger the balance, the more a tier saves, but for rounding: a balance that is a multiple of
    it may save nothing, and then the one a cent below saves what any smaller one saves.
    """
    for balance in (USUAL, band.high, band.high - 1):
        if band.offered(tier, balance):
            return balance
    return None


def _below(band: Priced, number: int, tier: Tier) -> Problems:
    balance = next((at for at in _suspects(band, tier) if _too_low(band, tier, at)), None)
    if balance is None:
        return
    params: dict[str, object] = {
        "floor": percent(band.policy.agreed_settlement_bps(band.band)),
        "balance": band.money(balance),
        "total": band.money(band.total(tier, balance)),
        "least": band.money(band.floor(balance)),
    }
    place = Place("pay_cents" if tier.pay_cents else "pay_bps", band.number, number)
    example = band.example(balance, tier)
    if tier.pay_cents:
        text = N_(
            "A tier of %(amount)s is below the lowest share that may be agreed, %(floor)s%%: "
            "of %(balance)s, it takes %(total)s instead of %(least)s."
        )
        params["amount"] = band.money(tier.pay_cents)
    else:
        text = N_(
            "A tier of %(percent)s%% is below the lowest share that may be agreed, %(floor)s%%: "
            "of %(balance)s, it takes %(total)s instead of %(least)s."
        )
        params["percent"] = percent(tier.pay_bps)
    yield Problem("tiers.floor", text, params, place, example)


def _too_low(band: Priced, tier: Tier, balance: int) -> bool:
    return band.offered(tier, balance) and band.total(tier, balance) < band.floor(balance)


def _suspects(band: Priced, tier: Tier) -> Iterator[int]:
    """Balances of which one shows that a tier goes below the lowest share, if any does.

    The lowest total rises in steps. If a balance shows it, so does the smallest balance with the
    same lowest total, because the tier asks no more of that one.
    """
    floor = band.policy.agreed_settlement_bps(band.band)
    if not 1 <= floor <= WHOLE_BPS:
        return
    yield USUAL
    if tier.pay_cents:
        total = band.total(tier, band.high)
        step = total + 1 if floor >= WHOLE_BPS else reaching(total + 1, floor)
        yield max(band.low, total + 1, step)
    elif floor >= WHOLE_BPS:
        yield from (band.high, band.high - 1)
    elif tier.pay_bps < floor:
        balance = band.low
        while balance <= band.high:
            yield balance
            balance = max(reaching(band.floor(balance) + 1, floor), balance + 1)
