"""How long the record of an account is kept: the latest of the days that rules name (RT-01)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from portal.domain import N_
from portal.domain.debts import Country

NO_ACTIVITY = (
    *("alarm.cleared", "alarm.raised", "export.made", "staff.looked", "staff.read"),
    "staff.revealed",
    *("letter.printed", "letter.put_back", "letter.queued", "link.revoked"),
    *("legal_hold.set", "legal_hold.lifted"),
    *("message.bounced", "message.complained", "message.delivered"),
    *("queue.assigned", "queue.given_back", "queue.taken"),
)
"""Leaves of an account that tell of no collection activity: checks, exports, and steps inside.

Every other leaf counts, one of a type that is new here too: a record is rather kept too long.
That a message or a charge was held back counts: it is evidence of refraining (RT-02, comment
100(a)-1).
"""
PREAUTHORIZED = ("authorization.granted", "authorization.revoked", "automatic.stopped")
"""Leaves about transfers that were agreed beforehand (12 CFR 1005.10(b))."""


class Rule(StrEnum):
    """Why a record is kept for so long."""

    COLLECTION = "collection"
    PREAUTHORIZED = "preauthorized"
    AUTHORIZATION = "authorization"
    NEW_YORK = "new_york"
    CALIFORNIA = "california"
    CANADA = "canada"
    LIMITATION = "limitation"


RULES = {
    Rule.COLLECTION: N_("3 years after the last collection activity (12 CFR 1006.100(a))"),
    Rule.PREAUTHORIZED: N_("2 years after the last preauthorized transfer (12 CFR 1005.13(b))"),
    Rule.AUTHORIZATION: N_("2 years after the permission to charge ended (Nacha)"),
    Rule.NEW_YORK: N_("3 years after the last activity (New York City)"),
    Rule.CALIFORNIA: N_("7 years after the last activity (California DFPI)"),
    Rule.CANADA: N_("6 years after the last activity (Canada)"),
    Rule.LIMITATION: N_("The limitation period of the debt"),
}
"""Each rule in the words of whoever reads why."""

YEARS = {
    Rule.COLLECTION: 3,
    Rule.PREAUTHORIZED: 2,
    Rule.AUTHORIZATION: 2,
    Rule.NEW_YORK: 3,
    Rule.CALIFORNIA: 7,
    Rule.CANADA: 6,
}


class Holding(StrEnum):
    """What keeps a record whatever its day."""

    LEGAL_HOLD = "legal_hold"
    OPEN = "open"
    ARRANGEMENT = "arrangement"
    AUTHORIZATION = "authorization"
    PAYMENT = "payment"
    MONEY_QUESTION = "money_question"
    HELP_REQUEST = "help_request"
    PROPOSAL = "proposal"
    HOLD = "hold"
    MESSAGE = "message"
    ALARM = "alarm"


HOLDINGS = {
    Holding.LEGAL_HOLD: N_("legal hold"),
    Holding.OPEN: N_("the account is open"),
    Holding.ARRANGEMENT: N_("an agreement is in force"),
    Holding.AUTHORIZATION: N_("a permission to charge is in force"),
    Holding.PAYMENT: N_("a payment or refund is on its way"),
    Holding.MONEY_QUESTION: N_("a question about money is open"),
    Holding.HELP_REQUEST: N_("a help request is open"),
    Holding.PROPOSAL: N_("a proposal is open"),
    Holding.HOLD: N_("the account is held"),
    Holding.MESSAGE: N_("a message waits to be sent"),
    Holding.ALARM: N_("an alarm about the record is open"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is known of one account's record; days are those of its client's time zone.

    ``last_activity_on`` is that of collection, or the day the account was placed where there was
    none. ``authorization_ended_on`` is that of the last permission to charge that is over.
    """

    country: str
    region: str
    last_activity_on: date
    preauthorized_on: date | None = None
    authorization_ended_on: date | None = None
    limitation_ends_on: date | None = None
    held_by: tuple[Holding, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule and the last day that it names."""

    rule: Rule
    last_day: date


@dataclass(frozen=True, slots=True)
class Term:
    """How long a record is kept: every rule that applies, the one that decides first."""

    reasons: Sequence[Reason]
    held_by: tuple[Holding, ...]

    @property
    def decided_by(self) -> Reason:
        """The rule with the latest day."""
        return self.reasons[0]

    @property
    def last_day(self) -> date:
        """The last day on which the record must be kept, as if nothing held it back."""
        return self.decided_by.last_day

    def is_over(self, today: date) -> bool:
        """Whether its last day has passed; what holds it back is another question."""
        return self.last_day < today

    def may_be_erased(self, today: date) -> bool:
        """Whether its last day has passed and nothing holds it back."""
        return self.is_over(today) and not self.held_by


def term(kept: Kept, *, limitation: bool = True) -> Term:
    """How long one account's record is kept: the latest day of all rules that apply (RT-01).

    ``limitation``: keep it until the debt's limitation period is over, too.
    """
    found = list(_reasons(kept, limitation=limitation))
    return Term(sorted(found, key=lambda one: one.last_day, reverse=True), kept.held_by)


def _reasons(kept: Kept, *, limitation: bool) -> Iterator[Reason]:
    active = kept.last_activity_on
    if kept.country == Country.CA:
        yield _after(Rule.CANADA, active)
    else:
        yield _after(Rule.COLLECTION, active)
        yield from _of_region(kept.region, active)
    if kept.preauthorized_on is not None:
        yield _after(Rule.PREAUTHORIZED, kept.preauthorized_on)
    if kept.authorization_ended_on is not None:
        yield _after(Rule.AUTHORIZATION, kept.authorization_ended_on)
    if limitation and kept.limitation_ends_on is not None:
        yield Reason(Rule.LIMITATION, kept.limitation_ends_on)


def _of_region(region: str, active: date) -> Iterator[Reason]:
    """The city of a debtor in New York is not known, so that the city's rule is taken to apply."""
    if region == "NY":
        yield _after(Rule.NEW_YORK, active)
    if region == "CA":
        yield _after(Rule.CALIFORNIA, active)


def _after(rule: Rule, day: date) -> Reason:
    year = day.year + YEARS[rule]
    leap = day.month == 2 and day.day == 29  # noqa: PLR2004
    return Reason(rule, date(year, 3, 1) if leap else day.replace(year=year))
