"""The tiers of a band beside each other: more money brings more time, on every balance."""

from itertools import permutations

from portal.domain import N_
from portal.domain.compiler.groups import Group
from portal.domain.compiler.problems import Place, Problem, Problems, percent
from portal.domain.compiler.tiers import USUAL, Priced, offered_at, priced, reaching, well_formed
from portal.domain.policy import Policy, Tier


def rivals(policy: Policy, found: list[Group]) -> Problems:
    """No tier asks more than another that can be paid in as many parts.

    Two shares, or two amounts, are in the same order on every balance. A share and an amount
    cross at one balance, which is found exactly.
    """
    for band in priced(policy, found):
        tiers = [(n, tier) for n, tier in enumerate(band.band.tiers) if well_formed(tier)]
        told: set[int] = set()
        for (n, tier), (m, other) in permutations(tiers, 2):
            if n in told or tier.max_parts > other.max_parts:
                continue
            place = Place("", band.number, n)
            if bool(tier.pay_cents) != bool(other.pay_cents):
                problem = _crossing(band, tier, other, place)
            elif _asks_no_less(band, tier, other) and (n > m or not _alike(band, tier, other)):
                problem = _never_chosen(band, tier, other, place)
            else:
                problem = None
            if problem is not None:
                told.add(n)
                yield problem


def _asks_no_less(band: Priced, tier: Tier, other: Tier) -> bool:
    if tier.pay_cents:
        return band.total(tier, band.high) >= band.total(other, band.high)
    return tier.pay_bps >= other.pay_bps


def _alike(band: Priced, tier: Tier, other: Tier) -> bool:
    return tier.max_parts == other.max_parts and _asks_no_less(band, other, tier)


def _crossing(band: Priced, tier: Tier, other: Tier, place: Place) -> Problem | None:
    balance = _crossed(band, tier, other)
    if balance is None:
        return None
    text = N_(
        "Who owes %(balance)s pays %(other)s in up to %(other_parts)s parts, but %(total)s in up"
        " to %(parts)s: more money must bring more time."
    )
    params: dict[str, object] = {
        "balance": band.money(balance),
        "other": band.money(band.total(tier, balance)),
        "other_parts": tier.max_parts,
        "total": band.money(band.total(other, balance)),
        "parts": other.max_parts,
    }
    return Problem("tiers.crossing", text, params, place, band.example(balance, tier, other))


def _never_chosen(band: Priced, tier: Tier, other: Tier, place: Place) -> Problem | None:
    balance = offered_at(band, tier)
    if balance is None:
        return None
    params: dict[str, object] = {"other_parts": tier.max_parts, "parts": other.max_parts}
    example = band.example(balance, tier, other)
    if tier.pay_cents:
        text = N_(
            "Nobody would choose %(other)s in up to %(other_parts)s parts: %(amount)s in up to"
            " %(parts)s is offered too."
        )
        params |= {"other": band.money(tier.pay_cents), "amount": band.money(other.pay_cents)}
        return Problem("tiers.never_chosen", text, params, place, example)
    text = N_(
        "Nobody would choose %(other)s%% in up to %(other_parts)s parts: "
        "%(percent)s%% in up to %(parts)s is offered too."
    )
    params |= {"other": percent(tier.pay_bps), "percent": percent(other.pay_bps)}
    return Problem("tiers.never_chosen", text, params, place, example)


def _crossed(band: Priced, tier: Tier, other: Tier) -> int | None:
    """A balance on which a tier asks more than another that has as many parts, or None.

    A share grows with the balance and an amount does not: it is the smallest balance that is
    offered the amount, where the share is the other's, else the first on which the share is more.
    """
    if tier.pay_cents:
        suspects = [USUAL, max(band.total(tier, band.high) + 1, band.low)]
    else:
        step = reaching(band.next_step(band.total(other, band.high)), tier.pay_bps)
        suspects = [USUAL, max(step, band.low), band.high, band.high - 1]
    for balance in suspects:
        if (
            band.offered(tier, balance)
            and band.offered(other, balance)
            and band.total(tier, balance) > band.total(other, balance)
        ):
            return balance
    return None
