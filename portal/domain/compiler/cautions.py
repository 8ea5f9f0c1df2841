"""What a policy may do, but its client should know: borders at which a debtor's terms get worse."""

from datetime import timedelta
from itertools import permutations

from portal.domain import N_
from portal.domain.compiler import borders
from portal.domain.compiler.borders import cheapest, overlap, turns
from portal.domain.compiler.groups import Group
from portal.domain.compiler.problems import Example, Place, Problem, Problems, percent
from portal.domain.compiler.tiers import USUAL, Priced
from portal.domain.money import WHOLE_BPS
from portal.domain.policy import Band, Policy


def cautions(policy: Policy, found: list[Group]) -> Problems:
    """What changes nothing, what is agreed though not offered, and borders with worse terms behind.

    A border is one of age behind which the same debt closes for more, or one that a payment crosses
    where the client allows that it costs more.
    """
    yield from borders.allowed(policy)
    yield from _unused(policy)
    yield from _agreed_unoffered(policy)
    told: set[tuple[int, int]] = set()
    for group in found:
        bands = [Priced(policy, n, policy.bands[n], group) for n in group.bands]
        for before, after in permutations(bands, 2):
            if (before.number, after.number) in told:
                continue
            told.add((before.number, after.number))
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


def _meet_in_age(before: Band, after: Band) -> bool:
    return before.to_days == after.from_days and overlap(
        (before.from_balance_cents, before.to_balance_cents),
        (after.from_balance_cents, after.to_balance_cents),
    )


def _grew_older(before: Priced, after: Priced) -> Problems:
    low, high = max(before.low, after.low), min(before.high, after.high)
    worse = (
        balance
        for balance in sorted(set(turns(before, after)), key=lambda one: one != USUAL)
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
