"""What offers need to know about one account."""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from portal.domain.money import Cents


class PaymentHistory(StrEnum):
    """What is known of payments on an account; a broken plan counts before all else."""

    NEVER_PAID = "never_paid"
    HAS_PAID = "has_paid"
    BROKE_PLAN = "broke_plan"


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One account as offers see it; dates are in the debtor's calendar.

    ``earliest_deadline_on`` is the first day on which an offer may end: the day after the
    validation period (VN-07), or None where there is none. ``region`` is a state or province;
    ``holidays`` are the days on which it does not work.
    """

    balance_cents: Cents
    currency: str
    placed_on: date
    default_on: date | None = None
    earliest_deadline_on: date | None = None
    region: str = ""
    collector_role: str = ""
    product: str = ""
    history: PaymentHistory = PaymentHistory.NEVER_PAID
    holidays: Container[date] = field(default=frozenset(), compare=False, repr=False)

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
