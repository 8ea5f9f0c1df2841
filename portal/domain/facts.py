"""What offers need to know about one account."""

from dataclasses import dataclass
from datetime import date

from portal.domain.money import Cents


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One account as offers see it; dates are in the debtor's calendar.

    ``earliest_deadline_on`` is the first day on which an offer may end: the day after the
    validation period (VN-07), or None where there is none.
    """

    balance_cents: Cents
    currency: str
    placed_on: date
    default_on: date | None = None
    earliest_deadline_on: date | None = None
    region: str = ""
    collector_role: str = ""

    @property
    def aging_from(self) -> date:
        """The day from which the account's age is counted."""
        return self.default_on or self.placed_on

    def age_days(self, today: date) -> int:
        """Days since default; it stands still until the validation period is over.

        Otherwise an offer that may not end inside that period could lose its band in it.
        """
        waits = self.earliest_deadline_on is not None and today <= self.earliest_deadline_on
        on = min(self.placed_on, today) if waits else today
        return max((on - self.aging_from).days, 0)
