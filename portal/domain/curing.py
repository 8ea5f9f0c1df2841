"""Cure instead of break: how an arrangement with late parts can be kept, and until when.

Pure: parts, the client's patience, open days and the debtor's calendar in; ways out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from portal.domain import N_, DomainError
from portal.domain.deadlines import Held, Promise, last_day
from portal.domain.holds import Capability
from portal.domain.money import Cents, split
from portal.domain.paydays import OpenDays, likely_paydays
from portal.domain.policy import Keeping
from portal.domain.statuses import InstallmentStatus

CHANCE: Final = timedelta(days=3)
"""How long an arrangement stays at least once its debtor was told of what is late."""
MOST_DATES: Final = 3
FEWEST_LEFT: Final = 2
"""In how many payments that are left what is late can be spread at least."""
MOST_MORE: Final = 2
"""No payment grows beyond the largest that was agreed and this part of it: a half."""
NOTICE: Final = timedelta(days=14)
"""Payments nearer than this stay as they were announced (PY-07)."""
NEEDS: Final = (Capability.PAY, Capability.CHARGE, Capability.SEND)
"""What a hold must leave to the debtor and to us, else its days do not count."""
A_DAY: Final = timedelta(days=1)


class CureNotPossible(DomainError):
    """This way to keep an arrangement is not, or no longer, there."""

    message = N_("That is not possible any more. Please look at what you can choose now.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePart:
    """One part of an arrangement as curing sees it; ``cents`` are open.

    ``late_since``: from when it counts as late, where that is not its date. ``told_on``: when its
    debtor was told. ``again_on``: when it is tried again by itself.
    """

    n: int
    due_on: date
    cents: Cents
    status: InstallmentStatus
    late_since: date | None = None
    told_on: date | None = None
    again_on: date | None = None

    def is_late(self, today: date) -> bool:
        """Whether it failed, or its date has passed unpaid; not while money is on its way."""
        if self.status is InstallmentStatus.FAILED:
            return True
        return self.status is InstallmentStatus.SCHEDULED and self.due_on < today

    @property
    def since(self) -> date:
        """The day from which it counts as late."""
        return self.late_since or self.due_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The debtor's calendar, and the holds under which no day counts."""

    zone: str
    now: datetime
    holds: tuple[Held, ...] = ()
    barred_on: date | None = None

    @property
    def today(self) -> date:
        """The day it is for the debtor."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def moved(self, until: date, since: date) -> date:
        """A last day, moved by the holds since that other day."""
        began = datetime.combine(since, time(), ZoneInfo(self.zone))
        promise = Promise(until, began, NEEDS, self.zone, self.barred_on)
        return last_day(promise, self.holds, self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """The ways to keep an arrangement: pay ``cents`` until a day, move it, or spread it.

    ``until``: the last day, None while its debtor was not told. ``dates``: the days to which the
    one late part can be moved. ``later``: what the parts that are left would be, by their number,
    each with its new open cents; empty where what is late cannot be spread.
    """

    late: tuple[DuePart, ...]
    cents: Cents
    until: date | None
    dates: tuple[date, ...] = ()
    later: tuple[tuple[int, Cents], ...] = ()

    @property
    def again_on(self) -> date | None:
        """When the oldest late part is tried again by itself."""
        return self.late[0].again_on


def cure(
    parts: Sequence[DuePart], keeping: Keeping, times: Times, opened: OpenDays, *, largest: Cents
) -> Cure | None:
    """How an arrangement can be kept now; None where nothing is late or its last day is over.

    ``largest`` is the largest payment that was agreed.
    """
    today = times.today
    late = tuple(part for part in parts if part.is_late(today))
    if not late:
        return None
    until = ends_after(parts, keeping, times)
    if until is not None and until < today:
        return None
    cents, first = Cents(sum(part.cents for part in late)), late[0]
    dates: tuple[date, ...] = ()
    if len(late) == 1 and until is not None:
        patient_until = _patient_until(first, keeping, times)
        dates = _dates(first, parts, min(until, patient_until), today, opened)
    ahead = [part for part in parts if _is_ahead(part, today)]
    return Cure(
        late=late, cents=cents, until=until, dates=dates, later=_spread(cents, ahead, largest)
    )


def ends_after(parts: Sequence[DuePart], keeping: Keeping, times: Times) -> date | None:
    """The last day on which an arrangement with late parts can still be kept (client's rule).

    It ends when a part is late by more than the days of grace, or when so many parts in a row came
    to nothing; never before ``CHANCE`` after its debtor was told, nor before a try that was
    announced. None where nothing is late, or nobody was told yet.
    """
    late = [part for part in parts if part.is_late(times.today)]
    told = [(part, part.told_on) for part in late if part.told_on is not None]
    if not told:
        return None
    chances = [times.moved(on + CHANCE, on) for _, on in told]
    ends = [
        max(_patient_until(part, keeping, times), chance)
        for (part, _), chance in zip(told, chances, strict=True)
    ]
    if in_a_row(parts, times.today) >= keeping.failures and len(told) == len(late):
        ends.append(max(chances))
    return max([min(ends), *(part.again_on for part, _ in told if part.again_on is not None)])


def in_a_row(parts: Iterable[DuePart], today: date) -> int:
    """How many parts came to nothing, one after the other, up to today; a paid one begins anew."""
    row = 0
    for part in sorted(parts, key=lambda one: (one.due_on, one.n)):
        if part.is_late(today):
            row += 1
        elif part.status is InstallmentStatus.PAID:
            row = 0
    return row


def _patient_until(part: DuePart, keeping: Keeping, times: Times) -> date:
    """The last day of grace of a late part."""
    return times.moved(part.since + timedelta(days=keeping.grace_days), part.since)


def _is_ahead(part: DuePart, today: date) -> bool:
    return part.status is InstallmentStatus.SCHEDULED and part.due_on > today + NOTICE


def _dates(
    late: DuePart, parts: Sequence[DuePart], until: date, today: date, opened: OpenDays
) -> tuple[date, ...]:
    """The next days near paydays on which nothing else is due, up to the last one."""
    taken = {part.due_on for part in parts if part.n != late.n}
    days = likely_paydays(today + A_DAY, until, opened)
    return tuple(day for day in days if day not in taken)[:MOST_DATES]


def _spread(
    cents: Cents, ahead: Sequence[DuePart], largest: Cents
) -> tuple[tuple[int, Cents], ...]:
    """What the payments that are left become, if none of them grows beyond what is bearable."""
    if len(ahead) < FEWEST_LEFT or cents < len(ahead):
        return ()
    each = zip(ahead, split(cents, len(ahead)), strict=True)
    grown = tuple((part.n, Cents(part.cents + more)) for part, more in each)
    most = largest + largest // MOST_MORE
    return grown if all(amount <= most for _, amount in grown) else ()
