"""What a policy may do, but its client should know: borders at which a debtor's terms get worse."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations, product

from portal.domain import N_
from portal.domain.compiler.groups import Group
from portal.domain.compiler.problems import Example, Place, Problem, Problems, percent
from portal.domain.compiler.tiers import USUAL, Priced, reaching
from portal.domain.money import WHOLE_BPS
from portal.domain.policy import Band, Policy

FIRST_PAYMENT = 1_00
"""What somebody pays who pays a part, where a caution says what comes of it."""


def cautions(policy: Policy, found: list[Group]) -> Problems:
    """What changes nothing, what is agreed though not offered, and borders with worse terms behind.

    A border is one of balance or age behind which the same debt closes for more.
    """
    yield from _unused(policy)
    yield from _agreed_unoffered(policy)
    told: set[tuple[int, int]] = set()
    for group in found:
        bands = [Priced(policy, n, policy.bands[n], group) for n in group.bands]
        for before, after in permutations(bands, 2):
            if (before.number, after.number) in told:
                continue
            told.add((before.number, after.number))
            if _meet_in_balance(before.band, after.band):
                yield from _paid_a_part(before, after)
            if _meet_in_age(before.band, after.band):
                yield from _grew_older(before, after)


def _unused(policy: Policy) -> Problems:
    """Segments that no band is for change nothing, which is seldom what was meant."""
    used = {one.name for one in policy.segments_used}
    for n, segment in enumerate(policy.segments):
        if segment.name not in used:
            text = N_("No settlement is for “%(name)s”, so it changes nothing.")
            place = Place(segment=n, field="name")
            yield Problem("cautions.segment_unused", text, {"name": segment.name}, place)


def _agreed_unoffered(policy: Policy) -> Problems:
    """Where no settlement is offered, one may be agreed to all the same."""
    for n, band in enumerate(policy.bands):
        agreed = policy.agreed_settlement_bps(band)
        if not band.tiers and agreed < WHOLE_BPS:
            text = N_(
                "These accounts are offered no settlement, but %(share)s%% is agreed at once if"
                " their debtors propose it. Write 100 under “Agree down to” to agree to none."
            )
            place = Place(band=n, field="agree_settlement_bps")
            yield Problem("cautions.agreed_unoffered", text, {"share": percent(agreed)}, place)


def _meet_in_balance(upper: Band, lower: Band) -> bool:
    return lower.to_balance_cents == upper.from_balance_cents and _overlap(
        (upper.from_days, upper.to_days), (lower.from_days, lower.to_days)
    )


def _meet_in_age(before: Band, after: Band) -> bool:
    return before.to_days == after.from_days and _overlap(
        (before.from_balance_cents, before.to_balance_cents),
        (after.from_balance_cents, after.to_balance_cents),
    )


def _overlap(one: tuple[int, int | None], two: tuple[int, int | None]) -> bool:
    (start, end), (other_start, other_end) = one, two
    return (end is None or other_start < end) and (other_end is None or start < other_end)


def cheapest(band: Priced, balance: int) -> int:
    """The least for which a balance of this band is closed: a settlement, or all of it."""
    totals = (band.total(tier, balance) for tier in band.band.tiers)
    return min((total for total in totals if total < balance), default=balance)


def _paid_a_part(upper: Priced, lower: Priced) -> Problems:
    """Who pays a little, and so comes into a lower band, should not have to pay more than before.

    Looked at where it costs most: with the smallest balance of the upper band.
    """
    balance = upper.low
    left = balance - FIRST_PAYMENT
    if not lower.low <= left <= lower.high:
        return
    before, after = cheapest(upper, balance), cheapest(lower, left)
    if after <= before:
        return
    text = N_(
        "Who owes %(balance)s can close the account for %(before)s; who pays %(part)s first pays"
        " %(after)s in all."
    )
    params: dict[str, object] = {
        "balance": upper.money(balance),
        "before": upper.money(before),
        "part": upper.money(FIRST_PAYMENT),
        "after": upper.money(after + FIRST_PAYMENT),
    }
    days = max(upper.band.from_days, lower.band.from_days)
    account, other = upper.group.member(balance, days), lower.group.member(left, days)
    example = Example(account, account.placed_on, other=other)
    place = Place("to_balance_cents", band=lower.number)
    yield Problem("cautions.part_payment", text, params, place, example)


def _grew_older(before: Priced, after: Priced) -> Problems:
    low, high = max(before.low, after.low), min(before.high, after.high)
    worse = (
        balance
        for balance in sorted(set(_turns(before, after)), key=lambda one: one != USUAL)
        if low <= balance <= high and cheapest(after, balance) > cheapest(before, balance)
    )
    balance = next(worse, None)
    if balance is None:
        return
    text = N_(
        "Who owes %(balance)s can close the account for %(before)s up to day %(last)s after"
        " default, and for %(after)s from day %(first)s on."
    )
    first = after.band.from_days
    params: dict[str, object] = {
        "balance": before.money(balance),
        "before": before.money(cheapest(before, balance)),
        "after": before.money(cheapest(after, balance)),
        "last": first - 1,
        "first": first,
    }
    account = before.group.member(balance, first - 1)
    today = account.placed_on
    example = Example(account, today, later=today + timedelta(days=1))
    yield Problem("cautions.age", text, params, Place("from_days", band=after.number), example)


def _turns(*bands: Priced) -> Iterator[int]:
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
