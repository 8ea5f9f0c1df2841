"""Whom a campaign is for: a segment of the client's limits, and a few plain filters."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from portal.domain import N_, DomainError
from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole
from portal.domain.facts import AccountFacts, PaymentHistory
from portal.domain.policy import Segment


class LastLink(StrEnum):
    """What became of the newest link of a debtor."""

    EXPIRED = "expired"
    UNOPENED = "unopened"
    BOUNCED = "bounced"


class BalancesCrossed(DomainError):
    """The smallest balance is above the largest."""

    message = N_("The smallest balance must not be above the largest.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Debtors with an account that all of this holds for; what is left out does not matter.

    Cents; ``to_balance_cents`` is included. ``regions`` are two letters each, ``placed_since`` is a
    day of the debtor's calendar. ``unagreed``: nothing was ever agreed on the account.
    ``unopened``: nobody ever opened a link of the debtor's. ``references``: only these accounts.
    ``last_link``, ``last_before`` (a day of the client's calendar) and ``last_channel`` are about
    the debtor's newest link.
    """

    segment: Segment | None = None
    from_balance_cents: int | None = None
    to_balance_cents: int | None = None
    regions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    placed_since: date | None = None
    unagreed: bool = False
    unopened: bool = False
    references: tuple[str, ...] = ()
    last_link: LastLink | None = None
    last_before: date | None = None
    last_channel: Channel | None = None

    def __post_init__(self) -> None:
        low, high = self.from_balance_cents, self.to_balance_cents
        if low is not None and high is not None and low > high:
            raise BalancesCrossed

    @property
    def asks_about_accounts(self) -> bool:
        """Whether an account's own facts decide, so that they must be read."""
        return any(
            not _is_left_out(one)
            for one in (
                self.segment,
                self.from_balance_cents,
                self.to_balance_cents,
                self.regions,
                self.placed_since,
                self.unagreed,
            )
        )

    @property
    def asks_about_links(self) -> bool:
        """Whether the newest link decides."""
        return any((self.last_link, self.last_before, self.last_channel))

    def holds(self, facts: AccountFacts, *, agreed: bool = False) -> bool:
        """Whether an account belongs here; ``agreed``: something was agreed on it before."""
        low, high = self.from_balance_cents, self.to_balance_cents
        return (
            (self.segment is None or self.segment.holds(facts))
            and (low is None or facts.balance_cents >= low)
            and (high is None or facts.balance_cents <= high)
            and (not self.regions or facts.region in self.regions)
            and (self.placed_since is None or facts.placed_on >= self.placed_since)
            and not (self.unagreed and agreed)
        )


EVERYBODY = Audience()
DAYS = frozenset({"placed_since", "last_before"})
CODES: dict[str, type[StrEnum]] = {"last_link": LastLink, "last_channel": Channel}


def to_json(audience: Audience) -> dict[str, Any]:
    """The audience as a row keeps it: what is left out is not there."""
    kept = {name: value for name, value in asdict(audience).items() if not _is_left_out(value)}
    for name in DAYS & kept.keys():
        kept[name] = kept[name].isoformat()
    for name in CODES.keys() & kept.keys():
        kept[name] = str(kept[name])
    if audience.segment:
        kept["segment"] = {name: value for name, value in kept["segment"].items() if value}
    return kept


def _is_left_out(value: object) -> bool:
    return value is None or value is False or value == ()


def from_json(kept: Mapping[str, Any]) -> Audience:
    """The audience that `to_json` wrote."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
    }
    for name in DAYS & given.keys():
        given[name] = date.fromisoformat(given[name])
    for name in CODES.keys() & given.keys():
        given[name] = CODES[name](given[name])
    if "segment" in given:
        given["segment"] = _segment(given["segment"])
    return Audience(**given)


def _segment(kept: Mapping[str, Any]) -> Segment:
    return Segment(
        name=kept["name"],
        products=tuple(kept.get("products", ())),
        regions=tuple(kept.get("regions", ())),
        collector_roles=tuple(CollectorRole(one) for one in kept.get("collector_roles", ())),
        histories=tuple(PaymentHistory(one) for one in kept.get("histories", ())),
    )
