"""What a draft of limits would change for one account after the other, and the sums over all."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from portal.domain.building import settlement_floor
from portal.domain.facts import AccountFacts
from portal.domain.kept_offers import Shown, beside
from portal.domain.money import WHOLE_BPS, Cents
from portal.domain.offers import Offer, longest_plan, offers
from portal.domain.policy import PlanLimits, Policy, SavedMethod
from portal.domain.schedules import PARTS_A_YEAR
from portal.domain.terms import Kind

SMALLEST_FROM: Final = (0, 25_00, 50_00, 75_00, 100_00, 150_00, 200_00, 300_00, 500_00, 1_000_00)
"""Where the groups of smallest payments begin, in cents."""

MONTHS_FROM: Final = (1, 4, 7, 13, 19, 25, 37, 61)
ENOUGH_VISITS: Final = 200
"""Below so many debtors who came, what they agreed to tells nothing."""

ASSUMED_BPS: Final = 10_00
"""The take-up that is assumed then."""

_HARDER_METHODS: Final = {
    (SavedMethod.NOT_OFFERED, SavedMethod.REQUIRED),
    (SavedMethod.OFFERED, SavedMethod.REQUIRED),
    (SavedMethod.OFFERED, SavedMethod.NOT_OFFERED),
}

Offers = tuple[Offer, ...]
Sums = Mapping[str, int]


class Difference(StrEnum):
    """What a draft makes of an account's offers; ``different``: it loses one thing, gains another.

    What was offered and is not, or only for more, in fewer or larger payments, or for a shorter
    time, is lost; the other way round it is gained.
    """

    GONE = "gone"
    WORSE = "worse"
    DIFFERENT = "different"
    BETTER = "better"
    NEW = "new"


LOSING: Final = (Difference.GONE, Difference.WORSE, Difference.DIFFERENT)


class Gets(StrEnum):
    """What an account is offered, in all.

    ``agreed``: nothing, while its agreement runs; ``not_allowed``: a rule or a hold forbids it now.
    """

    BOTH = "both"
    SETTLEMENT = "settlement"
    PLAN = "plan"
    FULL = "full"
    NOTHING = "nothing"
    AGREED = "agreed"
    NOT_ALLOWED = "not_allowed"


@dataclass(frozen=True, slots=True)
class Change:
    """An account that would be offered something else."""

    difference: Difference
    before: Offers
    after: Offers
    seen: bool


def difference(
    before: Offers, after: Offers, plans: tuple[PlanLimits | None, PlanLimits | None]
) -> Difference | None:
    """How the offers of one account and one day differ under two policies, None: in nothing.

    ``plans`` are the plan limits of either, for what plans ask beside their payments.
    """
    if not before or not after:
        return None if before == after else Difference.GONE if before else Difference.NEW
    lost = gained = False
    if _has_plan(before) and _has_plan(after):
        lost, gained = _is_harder(*plans), _is_harder(*reversed(plans))
    lost = lost or any(not any(_is_as_good(new, old) for new in after) for old in before)
    gained = gained or any(not any(_is_as_good(old, new) for old in before) for new in after)
    if lost:
        return Difference.DIFFERENT if gained else Difference.WORSE
    return Difference.BETTER if gained else None


def _has_plan(made: Offers) -> bool:
    return any(offer.kind is Kind.PLAN for offer in made)


def _is_harder(before: PlanLimits | None, after: PlanLimits | None) -> bool:
    if before is None or after is None or before is after:
        return False
    return (
        not set(before.frequencies) <= set(after.frequencies)
        or after.down_payment_bps > before.down_payment_bps
        or after.first_payment_within_days < before.first_payment_within_days
        or (before.saved_method, after.saved_method) in _HARDER_METHODS
    )


def _is_as_good(offer: Offer, other: Offer) -> bool:
    return (
        offer.kind is other.kind
        and offer.total_cents <= other.total_cents
        and offer.parts >= other.parts
        and offer.from_cents <= other.from_cents
        and (offer.valid_until or date.max) >= (other.valid_until or date.max)
    )


def best(made: Offers, kind: Kind) -> Cents | None:
    """The lowest total of a settlement, or the smallest payment of a plan, in cents."""
    plan = kind is Kind.PLAN
    found = (one.from_cents if plan else one.total_cents for one in made if one.kind is kind)
    return min(found, default=None)


def written(made: Offers) -> str:
    """Offers as one line: what, the total or a plan's smallest payment in cents, and the parts."""
    return " ".join(
        f"{one.kind}:{one.from_cents if one.kind is Kind.PLAN else one.total_cents}:{one.parts}"
        for one in made
    )


def read(line: str) -> list[tuple[Kind, Cents, int]]:
    """What ``written`` wrote."""
    parted = (part.split(":") for part in line.split())
    return [(Kind(kind), Cents(int(cents)), int(parts)) for kind, cents, parts in parted]


def gets(made: Offers) -> Gets:
    """What an account is offered, in one word."""
    kinds = {offer.kind for offer in made}
    if Kind.SETTLEMENT in kinds:
        return Gets.BOTH if Kind.PLAN in kinds else Gets.SETTLEMENT
    if Kind.PLAN in kinds:
        return Gets.PLAN
    return Gets.FULL if kinds else Gets.NOTHING


class Rehearsing:
    """Weighs accounts, one after the other, under a draft and what is live, and adds them up."""

    def __init__(self, draft: Policy, live: Policy | None) -> None:
        newest = live.version if live else 0
        self.draft, self.live = replace(draft, version=newest + 1), live
        self._found: defaultdict[tuple[str, object], list[int]] = defaultdict(lambda: [0, 0])
        self._plans = (live.plan if live else None, draft.plan)
        self._bands = {id(band): n for n, band in enumerate(draft.bands)}

    @property
    def sums(self) -> Counter[str]:
        """So many accounts, and so many cents, of each kind.

        Under ``gets:plan``, ``band:3``, ``tier:3:1`` and the like the number of accounts, under
        ``gets_cents:plan`` what they owe; ``given`` is of discounts, ``live:`` what is of the live
        version.
        """
        found: Counter[str] = Counter()
        for (name, of), (accounts, cents) in self._found.items():
            found[f"{name}:{of}"], found[f"{name}_cents:{of}"] = accounts, cents
        return found

    def skip(self, account: AccountFacts, why: Gets) -> None:
        """Count an account that is offered nothing now, under whichever policy."""
        for side in ("", "live:"):
            self._add(f"{side}gets", why, account.balance_cents)

    def weigh(
        self, account: AccountFacts, today: date, *, seen: bool, shown: Sequence[Shown] = ()
    ) -> Change | None:
        """Count an account, and say what changes for it. ``seen``: its debtor saw its offers.

        What was ``shown`` and still stands is there before and after; sums are of either policy.
        """
        after = offers(account, self.draft, today)
        before = offers(account, self.live, today) if self.live else ()
        self._count("", self.draft, account, today, after)
        if self.live:
            self._count("live:", self.live, account, today, before)
        self._count_bands(account, today, after)
        self._count_plan(account, today, after)
        before, after = (beside(made, account, shown, today) for made in (before, after))
        found = difference(before, after, self._plans)
        if found is None:
            return None
        self._add("change", found, account.balance_cents)
        if seen:
            self._add("seen", found, account.balance_cents)
        return Change(found, before, after, seen)

    def _add(self, name: str, of: object, cents: Cents) -> None:
        found = self._found[name, of]
        found[0] += 1
        found[1] += cents

    def _count(
        self, side: str, policy: Policy, account: AccountFacts, today: date, made: Offers
    ) -> None:
        balance = account.balance_cents
        self._add(f"{side}gets", gets(made), balance)
        lowest = best(made, Kind.SETTLEMENT)
        if lowest is not None:
            self._add(f"{side}settles", "offered", balance)
            self._add(f"{side}given", "offered", Cents(balance - lowest))
        floor = settlement_floor(account, policy, today) if made else None
        agreed = min((cents for cents in (lowest, floor) if cents is not None), default=None)
        if agreed is not None:
            self._add(f"{side}settles", "agreed", balance)
            self._add(f"{side}given", "agreed", Cents(balance - agreed))

    def _count_bands(self, account: AccountFacts, today: date, made: Offers) -> None:
        band = self.draft.band(account, today)
        if band is None:
            return
        number, balance = self._bands[id(band)], account.balance_cents
        self._add("band", number, balance)
        keys = {one.key for one in made if one.kind is Kind.SETTLEMENT}
        for n, tier in enumerate(band.tiers):
            if tier.key in keys:
                self._add("tier", f"{number}:{n}", balance)

    def _count_plan(self, account: AccountFacts, today: date, made: Offers) -> None:
        longest = longest_plan(account, self.draft, today) if _has_plan(made) else None
        if longest is None:
            return
        rhythm, plan = longest
        months = -(-plan.count * 12 // PARTS_A_YEAR[rhythm])
        group = SMALLEST_FROM[bisect_right(SMALLEST_FROM, plan.amount_cents) - 1]
        self._add("months", months, account.balance_cents)
        self._add("smallest", group, account.balance_cents)


@dataclass(frozen=True, slots=True)
class Number:
    """So many accounts, and what they owe together, in cents."""

    accounts: int
    cents: Cents


@dataclass(frozen=True, slots=True)
class Figures:
    """What a rehearsal found, read from its sums."""

    sums: Sums

    def of(self, name: str, *ofs: object) -> Number:
        """The accounts and cents of one sum, or of several together."""
        accounts = sum(self.sums.get(f"{name}:{of}", 0) for of in ofs)
        cents = sum(self.sums.get(f"{name}_cents:{of}", 0) for of in ofs)
        return Number(accounts, Cents(cents))

    def given(self, how: str, side: str = "") -> Cents:
        """The discount, in cents, if every account settles at the lowest ``offered`` or ``agreed``.

        ``side``: ``live:`` for the live version.
        """
        return self.of(f"{side}given", how).cents

    @property
    def loses(self) -> Number:
        """The accounts that lose something that they are offered today."""
        return self.of("change", *LOSING)

    @property
    def seen_loses(self) -> Number:
        """Those among them whose debtors can have seen it."""
        return self.of("seen", *LOSING)

    @property
    def gains(self) -> Number:
        """The accounts that only gain."""
        return self.of("change", Difference.BETTER, Difference.NEW)

    @property
    def take_up_bps(self) -> int | None:
        """How many of the debtors who came agreed to a settlement; None: too few came to tell."""
        came = self.sums.get("take_up:came", 0)
        if came < ENOUGH_VISITS:
            return None
        return self.sums.get("take_up:settled", 0) * WHOLE_BPS // came

    @property
    def paid_bps(self) -> int | None:
        """The share of their balance that they agreed to pay, None where nobody did."""
        owed = self.sums.get("take_up:owed_cents", 0)
        return self.sums.get("take_up:paid_cents", 0) * WHOLE_BPS // owed if owed else None

    def expected(self, take_up_bps: int, side: str = "") -> Cents:
        """The discount, in cents, if so many of those who may settle do, each for the lowest."""
        return Cents(self.given("offered", side) * take_up_bps // WHOLE_BPS)

    def expected_as_paid(self, take_up_bps: int, side: str = "") -> Cents | None:
        """The same, if they pay the share of their balance that was paid so far."""
        if self.paid_bps is None:
            return None
        owed = self.of(f"{side}settles", "offered").cents * take_up_bps // WHOLE_BPS
        return Cents(owed * (WHOLE_BPS - self.paid_bps) // WHOLE_BPS)

    def months(self) -> list[tuple[int, int | None, int]]:
        """How many plans are how long: first and last month of each group, and its accounts."""
        return _grouped(self.sums, "months", MONTHS_FROM)

    def smallest(self) -> list[tuple[int, int | None, int]]:
        """How many plans ask how much each time, in groups of cents."""
        return _grouped(self.sums, "smallest", SMALLEST_FROM)


def _grouped(sums: Sums, name: str, begins: tuple[int, ...]) -> list[tuple[int, int | None, int]]:
    found: Counter[int] = Counter()
    for key, number in sums.items():
        if key.startswith(f"{name}:"):
            found[bisect_right(begins, int(key.partition(":")[2])) - 1] += number
    ends = (*(begin - 1 for begin in begins[1:]), None)
    return [(begin, end, found[n]) for n, (begin, end) in enumerate(zip(begins, ends, strict=True))]
