"""Offers: what one account may choose today under one policy version. Pure and deterministic."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from portal.domain import N_, DomainError
from portal.domain.facts import AccountFacts
from portal.domain.limits import Bounds, OfferNotInPolicy, plan_bounds, smallest_amount
from portal.domain.money import MINIMUM_CHARGE_CENTS, NOTHING, Cents, Money, minimum_charge, share
from portal.domain.policy import Band, Policy, Tier
from portal.domain.schedules import Frequency, count_parts
from portal.domain.terms import Kind

WHOLE_UNIT = 100


class PaymentTooSmall(DomainError):
    """Less than can be charged at all."""

    message = N_("The smallest payment we can take is %(minimum)s.")


class PaymentTooLarge(DomainError):
    """More than is owed."""

    message = N_("You owe %(balance)s. Enter that amount or less.")


class RestTooSmall(DomainError):
    """What would stay owed could never be charged."""

    message = N_(
        "That would leave %(rest)s, which is too small to pay later. "
        "Pay %(balance)s, or %(most)s or less."
    )


class OnlyAllOfIt(DomainError):
    """So little is owed that it can only be paid at once."""

    message = N_("Pay %(balance)s in one payment. A smaller one would leave too little to take.")


@dataclass(frozen=True, slots=True)
class Offer:
    """One concrete choice for one account from one policy version.

    ``key`` names what it was computed from: ``full``, ``settlement:PAY_BPS:PARTS`` or ``plan``;
    it is unique within its ``policy_version``.
    ``parts`` is the most parts it can be paid in, ``from_cents`` the smallest regular payment
    then. ``valid_until`` is its last day (None: it has no deadline); it is never inside the
    validation period (VN-07). ``counted_cents``: what was paid since it was shown, and is off its
    total.
    """

    kind: Kind
    key: str
    policy_version: int
    currency: str
    total_cents: Cents
    saved_cents: Cents
    parts: int
    from_cents: Cents
    valid_until: date | None = None
    counted_cents: Cents = NOTHING

    @property
    def mark(self) -> str:
        """What tells it from every other offer that an account has at once."""
        return f"{self.key}@{self.policy_version}"


@dataclass(frozen=True, slots=True)
class Preset:
    """A ready-made plan: so much each time, so many times, and the last payment."""

    amount_cents: Cents
    count: int
    last_cents: Cents


def offers(account: AccountFacts, policy: Policy, today: date) -> tuple[Offer, ...]:
    """What this account may choose today, by what people can bear: plan, settlements, full.

    None at all where nothing can be charged: no balance, one below the smallest charge, or a
    policy of another currency.
    """
    if not chargeable(account, policy):
        return ()
    return (
        *_plan(account, policy, today),
        *_settlements(account, policy, today),
        *_full(account, policy),
    )


def at_least_as_good(one: Offer, other: Offer) -> bool:
    """Whether a debtor loses nothing with one offer in place of another of the same account.

    It asks for no more, in no fewer parts, and stands at least as long.
    """
    return (
        one.currency == other.currency
        and one.total_cents <= other.total_cents
        and one.parts >= other.parts
        and (one.valid_until or date.max) >= (other.valid_until or date.max)
    )


def chargeable(account: AccountFacts, policy: Policy) -> bool:
    """Whether there is anything to offer: a balance that can be charged, in the policy's money."""
    return (
        policy.currency == account.currency
        and account.currency in MINIMUM_CHARGE_CENTS
        and account.balance_cents >= minimum_charge(account.currency)
    )


def find_offer(key: str, account: AccountFacts, policy: Policy, today: date) -> Offer:
    """The offer of that key, if it is made today. Raises OfferNotInPolicy."""
    for offer in offers(account, policy, today):
        if offer.key == key:
            return offer
    raise OfferNotInPolicy


def plan_presets(
    account: AccountFacts, policy: Policy, today: date, frequency: Frequency | None = None
) -> tuple[Preset, ...]:
    """Up to three ready-made plans, smallest payment first, in whole dollars where that fits.

    They are the longest plan that is offered, one half as long and one a quarter as long. Empty
    where no plan of this rhythm (the main one if None) is offered.
    """
    bounds = plan_bounds(account, policy, today) if chargeable(account, policy) else None
    if bounds is None:
        return ()
    chosen = frequency or bounds.main_frequency
    if chosen not in bounds.frequencies:
        return ()
    return _presets(account.balance_cents, bounds, chosen)


def _presets(total: Cents, bounds: Bounds, frequency: Frequency) -> tuple[Preset, ...]:
    longest = _longest(total, bounds, frequency)
    if longest is None:
        return ()
    smallest = smallest_amount(total, bounds, frequency)
    counts = (max(longest.count // 2, 2), max(longest.count // 4, 2))
    amounts = (Cents(max(-(-total // count), smallest)) for count in counts)
    shorter = (_preset(total, amount, bounds) for amount in amounts)
    by_amount = {p.amount_cents: p for p in (longest, *shorter) if p is not None}
    return tuple(by_amount[amount] for amount in sorted(by_amount))


def _longest(total: Cents, bounds: Bounds, frequency: Frequency) -> Preset | None:
    return _preset(total, smallest_amount(total, bounds, frequency), bounds)


def _preset(total: Cents, amount: Cents, bounds: Bounds) -> Preset | None:
    least = minimum_charge(bounds.currency)
    whole = Cents(-(-amount // WHOLE_UNIT) * WHOLE_UNIT)
    down = bounds.down_payment_cents
    for each in (whole, amount):
        count = count_parts(total, each, minimum=least, down=down)
        if count > 1:
            last = total - max(each, down) - each * (count - 2)
            return Preset(each, count, Cents(last))
    return None


def longest_plan(
    account: AccountFacts, policy: Policy, today: date
) -> tuple[Frequency, Preset] | None:
    """The longest plan that is offered, in the first rhythm that has one: the main one, if it has.

    None where no plan is offered.
    """
    bounds = plan_bounds(account, policy, today)
    if bounds is None:
        return None
    main = bounds.main_frequency
    for frequency in (main, *(one for one in bounds.frequencies if one is not main)):
        found = _longest(account.balance_cents, bounds, frequency)
        if found is not None:
            return frequency, found
    return None


def _plan(account: AccountFacts, policy: Policy, today: date) -> tuple[Offer, ...]:
    found = longest_plan(account, policy, today)
    if found is None:
        return ()
    _, longest = found
    return (
        Offer(
            kind=Kind.PLAN,
            key="plan",
            policy_version=policy.version,
            currency=account.currency,
            total_cents=account.balance_cents,
            saved_cents=NOTHING,
            parts=longest.count,
            from_cents=longest.amount_cents,
        ),
    )


def _settlements(account: AccountFacts, policy: Policy, today: date) -> tuple[Offer, ...]:
    band = policy.band(account, today) if policy.open_for(account, today) else None
    if band is None:
        return ()
    made = (
        _settlement(
            tier,
            account,
            policy.version,
            total=tier_total(account, policy, tier, band),
            until=_until(account, policy, tier, today, band),
        )
        for tier in band.tiers
    )
    found = _worth_choosing(offer for offer in made if offer is not None)
    return tuple(sorted(found, key=lambda offer: (offer.from_cents, offer.total_cents)))


def _worth_choosing(made: Iterable[Offer]) -> Iterator[Offer]:
    """Offers of which none asks as much as another in no more parts, as rounding can make it."""
    most = 0
    for offer in sorted(made, key=lambda offer: (offer.total_cents, -offer.parts)):
        if offer.parts > most:
            most = offer.parts
            yield offer


def tier_total(account: AccountFacts, policy: Policy, tier: Tier, band: Band) -> Cents:
    """What a tier of a band asks of an account, in cents.

    It is rounded down, but never to less than may be agreed, or than can be charged.
    """
    asked = Cents(tier.pay_cents) or share(account.balance_cents, tier.pay_bps)
    least = share(account.balance_cents, policy.agreed_settlement_bps(band))
    rounded = max(policy.rounded(asked), min(asked, least))
    return Cents(max(rounded, minimum_charge(account.currency)))


def _settlement(
    tier: Tier, account: AccountFacts, version: int, *, total: Cents, until: date
) -> Offer | None:
    least = minimum_charge(account.currency)
    if total >= account.balance_cents:
        return None
    parts = max(min(tier.max_parts, total // least), 1)
    return Offer(
        kind=Kind.SETTLEMENT,
        key=tier.key,
        policy_version=version,
        currency=account.currency,
        total_cents=total,
        saved_cents=Cents(account.balance_cents - total),
        parts=parts,
        from_cents=Cents(total // parts),
        valid_until=until,
    )


def valid_until(account: AccountFacts, policy: Policy, tier: Tier, today: date) -> date:
    """The last day of an offer made today: a promise that the same policy version keeps.

    Days of deadline are counted from placement, half a term apart, so that the date stays put
    while a debtor thinks. It ends before the account leaves its band or the policy ends, and never
    inside the validation period (VN-03, VN-07).
    """
    return _until(account, policy, tier, today, policy.band(account, today))


def _until(
    account: AccountFacts, policy: Policy, tier: Tier, today: date, band: Band | None
) -> date:
    since_placed = (today - account.placed_on).days
    until = account.placed_on + timedelta(days=last_day(tier.valid_for_days, since_placed))
    if band is not None and band.to_days is not None:
        until = min(until, account.aging_from + timedelta(days=band.to_days - 1))
    if policy.to_on is not None:
        until = min(until, policy.to_on)
    return max(until, account.earliest_deadline_on or until)


def last_day(valid_for_days: int, since_placed: int) -> int:
    """The last day of an offer, before anything shortens it; all days are counted from placement.

    ``since_placed`` is the day on which it is made.
    """
    step = max(valid_for_days // 2, 1)
    return -(-max(since_placed + valid_for_days - step, 0) // step) * step


def _full(account: AccountFacts, policy: Policy) -> tuple[Offer, ...]:
    if not policy.pay_in_full:
        return ()
    total = account.balance_cents
    return (
        Offer(
            kind=Kind.FULL,
            key="full",
            policy_version=policy.version,
            currency=account.currency,
            total_cents=total,
            saved_cents=NOTHING,
            parts=1,
            from_cents=total,
        ),
    )


def part_payment(amount: Cents, account: AccountFacts) -> Cents:
    """An amount that can be paid today towards the balance, in cents.

    Nothing is left behind that could never be charged. Raises PaymentTooSmall, PaymentTooLarge,
    RestTooSmall, OnlyAllOfIt.
    """
    least, owed, currency = (
        minimum_charge(account.currency),
        account.balance_cents,
        account.currency,
    )
    if amount < least:
        raise PaymentTooSmall(minimum=Money(least, currency))
    if amount > owed:
        raise PaymentTooLarge(balance=Money(owed, currency))
    if amount < owed < 2 * least:
        raise OnlyAllOfIt(balance=Money(owed, currency))
    if 0 < owed - amount < least:
        raise RestTooSmall(
            rest=Money(Cents(owed - amount), currency),
            balance=Money(owed, currency),
            most=Money(Cents(owed - least), currency),
        )
    return amount
