"""How often a debtor may be written to (CT-05)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

WEEK = timedelta(hours=168)
DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ContactCap:
    """The most contacts in seven rolling days, and the most electronic ones in one."""

    per_week: int = 3
    per_day: int = 1


PRODUCT_CAP = ContactCap()


def next_contact(
    earlier: Iterable[datetime], now: datetime, cap: ContactCap = PRODUCT_CAP
) -> datetime:
    """The first instant from ``now`` on at which one more contact stays within the cap (CT-05).

    ``earlier`` are the contacts already made with the debtor on any electronic channel, without
    the copies that the law requires.
    """
    made = sorted(earlier)
    waits = [now]
    for most, span in ((cap.per_week, WEEK), (cap.per_day, DAY)):
        if len(made) >= most:
            waits.append(made[-most] + span)
    return max(waits)
