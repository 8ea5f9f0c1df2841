"""Cure instead of break: how an arrangement with late parts can be kept, and until when.

Pure: parts, the client's patience, open days and the debtor's calendar in; ways out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from portal.domain import N_, DomainError
from portal.domain.amendments import Amendment, Change, Running
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
OPEN: Final = (
    *(InstallmentStatus.SCHEDULED, InstallmentStatus.FAILED, InstallmentStatus.PROCESSING),
)


class CureNotPossible(DomainError):
    """This way to keep an arrangement is not, or no longer, there."""

    message = N_("That is not possible any more. Please look at what you can choose now.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePart:
    """One part of an arrangement as curing sees it; ``cents`` are open.

    ``late_since``: from when it counts as late, where that is not its date. ``told_on``: when its
    debtor was told. ``again_on``: when it is tried again by itself, or taken at last, because its
    notice had not left in time (PY-07).
    """

    n: int
    due_on: date
    cents: Cents
    status: InstallmentStatus
    late_since: date | None = None
    told_on: date | None = None
    again_on: date | None = None

    @property
    def waits(self) -> bool:
        """Whether it was not taken on its date by an omission of ours, and is on a later one."""
        return self.status is InstallmentStatus.SCHEDULED and self.taken_on > self.due_on

    @property
    def taken_on(self) -> date:
        """The day on which it is to be paid: its own, or the later one on which we take it."""
        return max(self.due_on, self.again_on or self.due_on)

    def comes_on(self, today: date) -> date | None:
        """The day on which it is paid or taken next; None where that is over, so it is due now."""
        over = self.status is InstallmentStatus.FAILED and self.again_on is None
        return None if over or self.taken_on < today else self.taken_on

    def is_late(self, today: date) -> bool:
        """Whether it failed, or its day has passed unpaid; not while money is on its way."""
        if self.status is InstallmentStatus.FAILED:
            return True
        return self.status is InstallmentStatus.SCHEDULED and self.taken_on < today

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

    @property
    def by_paying(self) -> "Cure":
        """The same where nothing can be agreed to now, so that only paying keeps it."""
        return replace(self, dates=(), later=())


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
    grown = _grown(cents, [part.cents for part in ahead], largest)
    later = tuple((part.n, more) for part, more in zip(ahead, grown, strict=False))
    return Cure(late=late, cents=cents, until=until, dates=dates, later=later)


def spread(plan: Running, late_on: date) -> Amendment:
    """What is late, up to the part of a date, added to the payments that are left.

    As ``Cure.later`` says it; those of the next 14 days stay as they are, and those that wait by an
    omission of ours. Raises CureNotPossible.
    """
    late = [part for part in plan.parts if part[0] <= late_on and not _waits(plan, part[0])]
    ahead = [part for part in plan.parts if part[0] > plan.today + NOTICE]
    largest = max(cents for _, cents in plan.terms.schedule)
    cents = Cents(sum(open_cents for _, open_cents in late))
    grown = _grown(cents, [open_cents for _, open_cents in ahead], largest)
    if late_on > plan.today or late_on not in dict(late) or not grown:
        raise CureNotPossible
    near = [part for part in plan.parts if part not in late and part not in ahead]
    later = zip([due_on for due_on, _ in ahead], grown, strict=True)
    return Amendment(Change.SPREAD, plan.parts, (*near, *later), plan.rhythm)


def _waits(plan: Running, due_on: date) -> bool:
    return due_on < plan.taken_on(due_on) >= plan.today


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
    """The next days near paydays before the payment after it, up to the last one."""
    nexts = [part.due_on for part in parts if part.n > late.n and part.status in OPEN]
    last = min([until, *(due_on - A_DAY for due_on in nexts)])
    return likely_paydays(today + A_DAY, last, opened)[:MOST_DATES]


def _grown(cents: Cents, ahead: Sequence[Cents], largest: Cents) -> Sequence[Cents]:
    """What the payments that are left become, if none of them grows beyond what is bearable."""
    if len(ahead) < FEWEST_LEFT or cents < len(ahead):
        return ()
    grown = [Cents(one + more) for one, more in zip(ahead, split(cents, len(ahead)), strict=True)]
    return grown if max(grown) <= largest + largest // MOST_MORE else ()
