"""A rest for somebody who cannot pay now: how long everything is quiet, and how often."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.domain import N_, DomainError

APART = timedelta(days=183)
"""A debtor alone begins a whole rest at most once in six months; a person may give more."""
TOLD_BEFORE = timedelta(days=5)
"""How long before its end a debtor is told of it."""
SOURCE = "help:"
"""How the source of a rest begins: the request for help that asked for it."""


class RestTooLong(DomainError):
    """A rest would last longer than the client's limits allow."""

    message = N_("It may last until %(latest)s at most.")


class RestEndsInPast(DomainError):
    """A rest would end before it can be told."""

    message = N_("Choose a day after today, or end it now.")


@dataclass(frozen=True, slots=True)
class Rules:
    """The client's days of rest, the debtor's zone and the day it is there."""

    days: int
    zone: str
    today: date

    def ends_at(self, began: Iterable[datetime], answer_by: date, now: datetime) -> datetime:
        """When a rest that a debtor asks for now ends, at midnight in their zone.

        ``began``: when their earlier rests did. So soon after another one it lasts until the day
        after a person's answer was promised, who may lengthen it.
        """
        latest = self.latest(self.today)
        if any(one > now - APART for one in began):
            latest = min(max(answer_by, self.today) + timedelta(days=1), latest)
        return self.midnight(latest)

    def latest(self, began_on: date) -> date:
        """The last possible day on which a rest that began on a day ends."""
        return began_on + timedelta(days=self.days)

    def moved(self, began: datetime, to: date) -> datetime:
        """The new end that a person gives it. Raises RestTooLong, RestEndsInPast."""
        latest = self.latest(began.astimezone(ZoneInfo(self.zone)).date())
        if to > latest:
            raise RestTooLong(latest=latest)
        if to <= self.today:
            raise RestEndsInPast
        return self.midnight(to)

    def midnight(self, day: date) -> datetime:
        """The instant in which a day begins for the debtor."""
        return datetime.combine(day, time(), ZoneInfo(self.zone))
