"""What a rule of the compiler says: its name, where it is broken, and an account to try it with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from portal.domain.facts import AccountFacts
from portal.domain.terms import Choice

LONGEST_MONTHS: Final = 120
LONGEST_DAYS: Final = 366
LONGEST_PLAN_DAYS: Final = 3_660
LONGEST_AGE_DAYS: Final = 36_500
MOST_BANDS: Final = 100
MOST_TIERS: Final = 20
MOST_SEGMENTS: Final = 30
MOST_NAMES: Final = 200
MOST_CONCESSIONS: Final = 24
KEEPING: Final = {
    "failures": (1, 12),
    "grace_days": (3, 90),
    "undo_hours": (0, 168),
    "pause_days": (7, 180),
}
"""From what to what each number of how a plan is kept may go."""
FARTHEST_REMINDER: Final = 9
MOST_SETTLEMENT_PARTS: Final = 60
ROUNDINGS: Final = (1, 100, 500, 1_000)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the document: the field's name, and which band, tier or segment, counted from 0."""

    field: str = ""
    band: int | None = None
    tier: int | None = None
    segment: int | None = None

    @property
    def path(self) -> str:
        """The place as a path into the document: bands[2].tiers[0].pay_bps."""
        rows = (("bands", self.band), ("tiers", self.tier), ("segments", self.segment))
        named = [f"{name}[{number}]" for name, number in rows if number is not None]
        return ".".join([*named, self.field] if self.field else named)


@dataclass(frozen=True, slots=True)
class Example:
    """An account and a day with which a rule can be seen to be broken.

    ``choice`` is what the account should not be offered, ``instead`` what shows why. ``other`` is
    the same account after a payment, ``later`` the day on which it is offered something worse.
    """

    account: AccountFacts
    today: date
    choice: Choice | None = None
    instead: Choice | None = None
    other: AccountFacts | None = None
    later: date | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or a caution: the rule, and a sentence with an example in it."""

    rule: str
    message: str
    params: dict[str, object] = field(default_factory=dict)
    place: Place = Place()
    example: Example | None = None

    def __str__(self) -> str:
        return self.message % self.params


Problems = Iterator[Problem]


def percent(bps: int) -> str:
    """Basis points as a person reads them: 7000 is 70, 6650 is 66.5."""
    whole, part = divmod(abs(bps), 100)
    text = f"{whole}.{part:02}".rstrip("0").rstrip(".")
    return f"-{text}" if bps < 0 else text
