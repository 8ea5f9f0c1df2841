"""Settlements that a debtor was shown: they stand to their last day, whatever changes meanwhile."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from portal.domain.facts import AccountFacts
from portal.domain.money import NOTHING, Cents, minimum_charge
from portal.domain.offers import Offer, at_least_as_good, offers
from portal.domain.policy import Policy
from portal.domain.terms import Kind

ORDER: Final = (Kind.PLAN, Kind.SETTLEMENT, Kind.FULL)


@dataclass(frozen=True, slots=True)
class Shown:
    """A settlement as an account's debtor was shown it, and what was paid since, in cents.

    ``policy`` is the version that made it, ``balance_cents`` what was owed then. ``paid_cents`` is
    less than nothing where money of before went back.
    """

    policy: Policy
    key: str
    total_cents: Cents
    balance_cents: Cents
    parts: int
    valid_until: date
    paid_cents: Cents = NOTHING


def choosable(
    account: AccountFacts, live: Policy, shown: Sequence[Shown], today: date
) -> tuple[Offer, ...]:
    """What this account may choose today: what is offered now, and what was shown and still stands.

    Where one is at least as good as another, only the better one is there. Each says its
    ``policy_version``.
    """
    return beside(offers(account, live, today), account, shown, today)


def beside(
    made: Sequence[Offer], account: AccountFacts, shown: Sequence[Shown], today: date
) -> tuple[Offer, ...]:
    """The same for offers that are made already."""
    owed = promised(account, shown, today) if shown else ()
    if not owed:
        return tuple(made)
    cheapest = {offer.mark: offer for offer in sorted([*made, *owed], key=_dearest_first)}
    newest_first = sorted(cheapest.values(), key=lambda offer: -offer.policy_version)
    return tuple(sorted(_undominated(newest_first), key=_order))


def promised(account: AccountFacts, shown: Sequence[Shown], today: date) -> tuple[Offer, ...]:
    """What was shown and still stands today.

    What was paid since counts: the settlement asks for what is left of its total, but never for
    less than can be charged. By what the debt grew since, it asks for more: it forgives what it
    did, of the debt that it was for.
    """
    return tuple(
        _left(one, account)
        for one in shown
        if today <= _until(one, account)
        and one.policy.currency == account.currency
        and _asked(one, account) < account.balance_cents
    )


def find_promise(
    key: str, version: int, account: AccountFacts, shown: Sequence[Shown], today: date
) -> Offer | None:
    """The cheapest settlement of this key and version that was shown and still stands."""
    found = [
        one
        for one in promised(account, shown, today)
        if (one.key, one.policy_version) == (key, version)
    ]
    return max(found, key=_dearest_first, default=None)


def _asked(one: Shown, account: AccountFacts) -> Cents:
    grown = max(account.balance_cents + one.paid_cents - one.balance_cents, 0)
    left = max(one.total_cents - one.paid_cents, 0) + grown
    return Cents(max(left, minimum_charge(account.currency)))


def _until(one: Shown, account: AccountFacts) -> date:
    """The last day that was shown, but never inside the validation period (VN-07)."""
    return max(one.valid_until, account.earliest_deadline_on or one.valid_until)


def _left(one: Shown, account: AccountFacts) -> Offer:
    total = _asked(one, account)
    parts = max(min(one.parts, total // minimum_charge(account.currency)), 1)
    return Offer(
        kind=Kind.SETTLEMENT,
        key=one.key,
        policy_version=one.policy.version,
        currency=account.currency,
        total_cents=total,
        saved_cents=Cents(account.balance_cents - total),
        parts=parts,
        from_cents=Cents(total // parts),
        valid_until=_until(one, account),
        counted_cents=Cents(max(one.paid_cents, 0)),
    )


def _dearest_first(offer: Offer) -> tuple[int, int]:
    return -offer.total_cents, (offer.valid_until or date.max).toordinal()


def _undominated(found: Sequence[Offer]) -> Iterable[Offer]:
    """Those that no other beats or, coming first, equals."""
    for place, one in enumerate(found):
        others = (
            at_least_as_good(other, one) and (n < place or not at_least_as_good(one, other))
            for n, other in enumerate(found)
            if n != place and other.kind is one.kind
        )
        if not any(others):
            yield one


def _order(offer: Offer) -> tuple[int, int, int, int]:
    return ORDER.index(offer.kind), offer.from_cents, offer.total_cents, -offer.policy_version
