"""Offers that an earlier policy version promised: they stand to their last day beside the new."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from portal.domain.facts import AccountFacts
from portal.domain.offers import Offer, at_least_as_good, offers
from portal.domain.policy import Policy
from portal.domain.terms import Kind

ORDER: Final = (Kind.PLAN, Kind.SETTLEMENT, Kind.FULL)


@dataclass(frozen=True, slots=True)
class Kept:
    """An earlier policy version, and the debtor's day on which its offers were shown last."""

    policy: Policy
    seen_on: date


def best(
    account: AccountFacts, live: Policy, kept: Sequence[Kept], today: date
) -> tuple[Offer, ...]:
    """What this account may choose today, each the best that any version still owes it.

    A kept offer stands beside the live ones until its last day, unless a live one is at least as
    good; a live one that loses to it in every way is not shown. Each says its ``policy_version``.
    """
    made = offers(account, live, today)
    if not kept:
        return made
    newest_first = sorted(kept, key=lambda one: (-one.policy.version, -one.seen_on.toordinal()))
    owed = (offer for one in newest_first for offer in promised(account, one, today))
    return tuple(sorted(_undominated([*made, *owed]), key=_order))


def promised(account: AccountFacts, kept: Kept, today: date) -> tuple[Offer, ...]:
    """The offers of an earlier version that were made when it was seen and still stand today.

    Only what has a last day was promised; that day is the one that was shown. An account that was
    placed later was shown nothing.
    """
    if kept.seen_on < account.placed_on:
        return ()
    still = {offer.key for offer in offers(account, kept.policy, today)}
    return tuple(
        offer
        for offer in offers(account, kept.policy, kept.seen_on)
        if offer.key in still and offer.valid_until is not None and today <= offer.valid_until
    )


def _undominated(found: Sequence[Offer]) -> Iterable[Offer]:
    """Those that no offer of another version beats or, being newer, equals."""
    for place, one in enumerate(found):
        others = (
            at_least_as_good(other, one) and (n < place or not at_least_as_good(one, other))
            for n, other in enumerate(found)
            if other.policy_version != one.policy_version
        )
        if not any(others):
            yield one


def _order(offer: Offer) -> tuple[int, int, int, int]:
    return ORDER.index(offer.kind), offer.from_cents, offer.total_cents, -offer.policy_version
