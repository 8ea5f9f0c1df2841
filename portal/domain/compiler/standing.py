"""How long the tiers of a band stand: who pays more never has less time to decide."""

from itertools import permutations
from math import gcd, lcm

from portal.domain import N_
from portal.domain.compiler.groups import Group, first_day
from portal.domain.compiler.problems import LONGEST_DAYS, Example, Place, Problem, Problems
from portal.domain.compiler.tiers import Priced, offered_at, priced, well_formed
from portal.domain.offers import last_day, valid_until
from portal.domain.policy import Policy, Tier
from portal.domain.terms import Choice


def standing(policy: Policy, found: list[Group]) -> Problems:
    """No tier that asks more, for more parts, ends before one that asks less, on any day.

    Last days are fixed steps apart, half a term, so that a longer term alone does not make sure.
    """
    for band in priced(policy, found):
        tiers = [(n, tier) for n, tier in enumerate(band.band.tiers) if _looked_at(tier)]
        told: set[int] = set()
        for (n, tier), (_, other) in permutations(tiers, 2):
            balance = None if n in told else _both_offered(band, tier, other)
            since = None if balance is None else _ends_first(band, tier, other)
            if balance is not None and since is not None:
                told.add(n)
                yield _told(band, (n, tier), other, balance, since)


def _looked_at(tier: Tier) -> bool:
    return well_formed(tier) and 1 <= tier.valid_for_days <= LONGEST_DAYS


def _both_offered(band: Priced, tier: Tier, other: Tier) -> int | None:
    """A balance on which a tier has more parts than another and asks no less, or None."""
    balance = offered_at(band, tier) if tier.max_parts > other.max_parts else None
    if balance is None or band.total(other, balance) > band.total(tier, balance):
        return None
    return balance


def _ends_first(band: Priced, tier: Tier, other: Tier) -> int | None:
    """How many days after placement a tier ends before another does, or None where it never does.

    Every distance between their steps comes about that both can be divided by.
    """
    steps = [max(one.valid_for_days // 2, 1) for one in (tier, other)]
    if tier.valid_for_days - steps[0] + gcd(*steps) >= other.valid_for_days:
        return None
    for since in range(lcm(*steps)):
        ends = _end(band, since)
        if ends is not None and ends < since:
            return None
        last, later = (last_day(one.valid_for_days, since) for one in (tier, other))
        if last < (later if ends is None else min(later, ends)):
            return since
    return None


def _end(band: Priced, since: int) -> int | None:
    """The last day of an account in its band, or of the policy, counted from placement."""
    ends = []
    if band.band.to_days is not None:
        ends.append(since + band.band.to_days - 1 - max(band.band.from_days, since))
    if band.policy.to_on is not None:
        ends.append(since + (band.policy.to_on - first_day(band.policy)).days)
    return min(ends, default=None)


def _told(band: Priced, tier: tuple[int, Tier], other: Tier, balance: int, since: int) -> Problem:
    number, dear = tier
    today = first_day(band.policy)
    account = band.group.placed(balance, max(band.band.from_days, since), since, today)
    text = N_(
        "On %(today)s, who owes %(balance)s can take %(other)s until %(later)s, but %(total)s only"
        " until %(until)s: more money must not leave less time. Let both stand for the same days,"
        " or the dearer one for at least twice as many."
    )
    params: dict[str, object] = {
        "today": today,
        "balance": band.money(balance),
        "other": band.money(band.total(other, balance)),
        "later": valid_until(account, band.policy, other, today),
        "total": band.money(band.total(dear, balance)),
        "until": valid_until(account, band.policy, dear, today),
    }
    example = Example(account, today, Choice(key=dear.key), Choice(key=other.key))
    place = Place("valid_for_days", band.number, number)
    return Problem("tiers.ends_first", text, params, place, example)
