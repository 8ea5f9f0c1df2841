"""Every account is in exactly one band, and every segment means what it says."""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice
from typing import Final

from portal.domain import N_
from portal.domain.compiler.groups import Group
from portal.domain.compiler.problems import (
    LONGEST_AGE_DAYS,
    MOST_BANDS,
    MOST_NAMES,
    MOST_SEGMENTS,
    MOST_TIERS,
    Example,
    Place,
    Problem,
    Problems,
)
from portal.domain.money import LARGEST_CENTS, Cents, Money
from portal.domain.policy import Band, Policy

MOST_TOLD: Final = 5
"""How many gaps and overlaps are told at once: one that is mended often mends the others."""

_REGION: Final = re.compile(r"[A-Z]{2}")
Corner = tuple[int, int, int]


def sizes(policy: Policy) -> Problems:
    """No more bands, tiers and segments than a person can look through."""
    if len(policy.bands) > MOST_BANDS or any(len(b.tiers) > MOST_TIERS for b in policy.bands):
        text = N_("A policy has at most %(bands)s bands with %(tiers)s tiers each.")
        place = Place("bands")
        yield Problem("size", text, {"bands": MOST_BANDS, "tiers": MOST_TIERS}, place)
    most = max((len(one.products) + len(one.regions) for one in policy.segments), default=0)
    if len(policy.segments) > MOST_SEGMENTS or most > MOST_NAMES:
        text = N_("A policy has at most %(segments)s segments with %(names)s names each.")
        params: dict[str, object] = {"segments": MOST_SEGMENTS, "names": MOST_NAMES}
        yield Problem("size", text, params, Place("segments"))


def segments(policy: Policy) -> Problems:
    """Segments have names of their own and hold some accounts, not all; bands name them."""
    names = [one.name for one in policy.segments]
    for n, one in enumerate(policy.segments):
        place = Place("name", segment=n)
        if not one.name or one.name != one.name.strip():
            text = N_("Segment %(number)s needs a name, without spaces around it.")
            yield Problem("segments.name", text, {"number": n + 1}, place)
        elif one.name in names[:n]:
            text = N_("Two segments are called “%(name)s”. Give each a name of its own.")
            yield Problem("segments.twice", text, {"name": one.name}, place)
        if not (one.products or one.regions or one.collector_roles or one.histories):
            text = N_(
                "The segment “%(name)s” names nothing, so it would take every account. Choose a"
                " product, region, role or payment history."
            )
            yield Problem("segments.everybody", text, {"name": one.name}, Place("", segment=n))
        yield from _names(one.name, one.products, Place("products", segment=n))
        yield from _regions(one.name, one.regions, Place("regions", segment=n))
    for n, band in enumerate(policy.bands):
        if band.segment and band.segment not in names:
            text = N_("Band %(number)s is for “%(name)s”, which is no segment.")
            params = {"number": n + 1, "name": band.segment}
            yield Problem("bands.segment", text, params, Place("segment", band=n))


def _names(segment: str, products: Sequence[str], place: Place) -> Problems:
    if any(not name or name != name.strip() for name in products):
        text = N_("A product of the segment “%(name)s” is empty or has spaces around it.")
        yield Problem("segments.products", text, {"name": segment}, place)


def _regions(segment: str, regions: Sequence[str], place: Place) -> Problems:
    for region in regions:
        if not _REGION.fullmatch(region):
            text = N_(
                "“%(region)s” in the segment “%(name)s” is no state or province: write two"
                " letters, such as CA."
            )
            yield Problem("segments.regions", text, {"region": region, "name": segment}, place)


def borders(policy: Policy) -> Problems:
    """Each band begins before it ends, at a balance and an age that an account can have."""
    for n, band in enumerate(policy.bands):
        if _upside_down(band.from_balance_cents, band.to_balance_cents, LARGEST_CENTS):
            text = N_("A band from %(from)s to %(to)s holds no balance.")
            start = Money(Cents(band.from_balance_cents), policy.currency)
            end = Money(Cents(band.to_balance_cents or 0), policy.currency)
            place = Place("to_balance_cents", band=n)
            yield Problem("bands.balance", text, {"from": start, "to": end}, place)
        if _upside_down(band.from_days, band.to_days, LONGEST_AGE_DAYS):
            text = N_("A band from day %(from)s to day %(to)s holds no account.")
            days: dict[str, object] = {"from": band.from_days, "to": band.to_days or 0}
            yield Problem("bands.age", text, days, Place("to_days", band=n))


def _upside_down(start: int, end: int | None, last: int) -> bool:
    return not 0 <= start <= last or (end is not None and end <= start)


def cover(policy: Policy, found: list[Group]) -> Problems:
    """Each account of each group is in exactly one band."""
    if not policy.bands:
        return
    held = {number for group in found for number in group.bands}
    for n in range(len(policy.bands)):
        if n not in held:
            text = N_(
                "Band %(number)s is for nobody: every account is in a segment that another band"
                " is for."
            )
            yield Problem("bands.nobody", text, {"number": n + 1}, Place("segment", band=n))
    wrong = (_told(policy, group, corner) for group in found for corner in _wrong(policy, group))
    yield from islice(wrong, MOST_TOLD)


def _wrong(policy: Policy, group: Group) -> Iterable[Corner]:
    """The first corner of a group's grid that is in no band, or in more than one.

    How many bands hold an account changes at their borders only, so trying each crossing of a
    balance and an age at which one begins or ends tries them all. Each band adds one to its
    rectangle of the grid by its four corners; sums along both axes give the count everywhere.
    """
    bands = [policy.bands[n] for n in group.bands]
    cents = _corners(1, LARGEST_CENTS, ((b.from_balance_cents, b.to_balance_cents) for b in bands))
    ages = _corners(0, LONGEST_AGE_DAYS, ((b.from_days, b.to_days) for b in bands))
    column, row = ({at: n for n, at in enumerate(axis)} for axis in (cents, ages))
    steps = [[0] * (len(cents) + 1) for _ in range(len(ages) + 1)]
    for band in bands:
        left, right = _span(column, band.from_balance_cents, band.to_balance_cents)
        top, bottom = _span(row, band.from_days, band.to_days)
        if left < right and top < bottom:
            for line, sign in ((top, 1), (bottom, -1)):
                steps[line][left] += sign
                steps[line][right] -= sign
    held = [0] * (len(cents) + 1)
    for days, line_steps in zip(ages, steps, strict=False):
        held = [before + step for before, step in zip(held, line_steps, strict=True)]
        for balance, count in zip(cents, accumulate(held), strict=False):
            if count != 1:
                yield balance, days, count
                return


def _corners(least: int, most: int, ends: Iterable[tuple[int, int | None]]) -> list[int]:
    inside = {end for pair in ends for end in pair if end is not None and least < end <= most}
    return sorted({least} | inside)


def _span(axis: dict[int, int], start: int, end: int | None) -> tuple[int, int]:
    least = next(iter(axis))
    first = axis.get(max(start, least), len(axis))
    return first, len(axis) if end is None else axis.get(max(end, least), len(axis))


def _told(policy: Policy, group: Group, corner: Corner) -> Problem:
    balance, days, count = corner
    account = group.member(balance, days)
    example = Example(account, account.placed_on)
    params: dict[str, object] = {"balance": Money(Cents(balance), policy.currency), "days": days}
    if group.told is not None:
        params["who"] = group.told
    if count == 0:
        return Problem(
            "bands.gap", _gap_text(group), params, _beside(policy, group, corner), example
        )
    first, second = [n for n in group.bands if policy.bands[n].holds(balance, days)][:2]
    params |= {"first": first + 1, "second": second + 1}
    apart = policy.bands[first].segment != policy.bands[second].segment
    place = Place("segment" if apart else _border(policy.bands[second], balance), band=second)
    return Problem("bands.overlap", _overlap_text(group), params, place, example)


def _gap_text(group: Group) -> str:
    if group.told is None:
        return N_("A balance of %(balance)s, %(days)s days after default, is in no band.")
    return N_("A balance of %(balance)s, %(days)s days after default, %(who)s, is in no band.")


def _overlap_text(group: Group) -> str:
    if group.told is None:
        return N_(
            "A balance of %(balance)s, %(days)s days after default, is in two bands: %(first)s"
            " and %(second)s."
        )
    return N_(
        "A balance of %(balance)s, %(days)s days after default, %(who)s, is in two bands:"
        " %(first)s and %(second)s."
    )


def _border(band: Band, balance: int) -> str:
    return "from_balance_cents" if band.from_balance_cents == balance else "from_days"


def _beside(policy: Policy, group: Group, corner: Corner) -> Place:
    """The border that a gap begins at, if a band ends there."""
    balance, days, _ = corner
    for n in group.bands:
        if policy.bands[n].holds(balance, days - 1):
            return Place("to_days", band=n)
    for n in group.bands:
        if policy.bands[n].holds(balance - 1, days):
            return Place("to_balance_cents", band=n)
    return Place("bands")
