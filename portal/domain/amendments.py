"""Changes of a running arrangement that its debtor can make alone: exact new dates and amounts.

What is left never changes but by what is paid, dates rise strictly, and the limits are those of the
policy version under which it was agreed.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

import rfc8785

from portal.domain import N_, DomainError
from portal.domain.money import Cents
from portal.domain.paydays import OpenDays, paydays
from portal.domain.policy import Concessions, Policy
from portal.domain.schedules import MOST_PARTS, Frequency, Schedule, ScheduleTooLong
from portal.domain.terms import Kind, Terms

DAY: Final = timedelta(days=1)


class Change(StrEnum):
    """What an amendment does to what is left."""

    MOVED = "moved"
    SKIPPED = "skipped"
    PAUSED = "paused"
    REPLANNED = "replanned"
    SHORTENED = "shortened"
    LOWERED = "lowered"
    SPREAD = "spread"


ASKS: Final = (Change.REPLANNED, Change.SPREAD)
"""The changes by which a saved method would be charged otherwise than was allowed (PY-05)."""


class NoChangeLeft(DomainError):
    """The client's concessions are used up, or there are none."""

    message = N_("You have used all the changes of this kind that you can make alone.")


class PartNotThere(DomainError):
    """No unpaid part has this date."""

    message = N_("That payment is not open any more. Here is your plan as it is now.")


class ChangeTooLate(DomainError):
    """The day on which a part could be changed has gone by."""

    message = N_("It is too late to change that payment. You could until %(until)s.")


class FirstPaymentFirst(DomainError):
    """Nothing was paid yet, so the arrangement can be taken back, or its first date moved."""

    message = N_("You can do this after your first payment.")


class DateNotPossible(DomainError):
    """A payment can not be on this day."""

    message = N_("Choose a date from %(earliest)s to %(latest)s.")


class NoDateLeft(DomainError):
    """Between a payment and the one after it there is no day to move it to."""

    message = N_("There is no later date for this payment, because the next one is too close.")


class DueFirst(DomainError):
    """A payment is due or late; money goes there first."""

    message = N_("Pay what is due now first. After that you can do this.")


class SettlementTooLong(DomainError):
    """A settlement is paid within the time that its offer has."""

    message = N_(
        "We offered to close your account for less if you pay by %(latest)s. This change would make"
        " it later, so it is not possible."
    )


class NothingChanges(DomainError):
    """What is asked for is what there is."""

    message = N_("That is what your plan is now. Nothing would change.")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often is paid, and the day from which dates are counted; ``days`` are those it keeps."""

    frequency: Frequency
    counted_from: date
    days: tuple[int, ...] = ()

    def dates_after(self, day: date, opened: OpenDays) -> Iterator[date]:
        """The dates of this rhythm after a day, each open; the anchor's day is kept (M-6).

        Raises DateTooFar, ScheduleTooLong.
        """
        count, told = 64, day
        while count <= MOST_PARTS:
            found = paydays(
                self.counted_from, self.frequency, count, days=self.days, opened=opened
            ).dates
            for due_on in found:
                if due_on > told:
                    told = due_on
                    yield due_on
            count *= 2
        raise ScheduleTooLong


def rhythm_of(terms: Terms) -> Rhythm:
    """The rhythm that was agreed; one payment alone has the rhythm of months."""
    return Rhythm(terms.frequency or Frequency.MONTHLY, terms.counted_from, terms.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running arrangement as its changes see it; amounts are what is left, in cents.

    ``parts`` are the unpaid ones, oldest first, ``paid_parts`` how many are paid. ``policy`` is the
    version under which it was agreed on ``agreed_on``, and ``used`` what was used of its
    concessions. ``automatic``: a saved method is charged on each date. ``waiting``: nothing was
    paid yet; ``first_until`` is then the last day for the first payment of a settlement. ``later``:
    the date of each part that waits by an omission of ours, and the day on which it is taken.
    """

    terms: Terms
    policy: Policy
    rhythm: Rhythm
    parts: Schedule
    paid_parts: int
    today: date
    agreed_on: date
    opened: OpenDays
    used: Concessions = Concessions()
    automatic: bool = False
    waiting: bool = False
    first_until: date | None = None
    later: tuple[tuple[date, date], ...] = ()

    @property
    def left_cents(self) -> Cents:
        """All that is left of the arrangement, in cents."""
        return Cents(sum(cents for _, cents in self.parts))

    @property
    def due(self) -> Schedule:
        """The parts that are too late to change: due, or late."""
        late = [n for n, part in enumerate(self.parts, 1) if self.until(part[0]) < self.today]
        return self.parts[: max(late, default=0)]

    @property
    def open(self) -> Schedule:
        """The parts that can still be changed."""
        return self.parts[len(self.due) :]

    @property
    def next_on(self) -> date:
        """The date of the rhythm after the last part. Raises DateTooFar, ScheduleTooLong."""
        last_on = max(self.parts[-1][0], self.today)
        return next(self.rhythm.dates_after(last_on, self.opened))

    def until(self, due_on: date) -> date:
        """The last day on which a part can be changed, to its end in the debtor's zone.

        A saved method is charged on the day itself, so that is the day before.
        """
        taken_on = self.taken_on(due_on)
        return taken_on - DAY if self.automatic else taken_on

    def taken_on(self, due_on: date) -> date:
        """The day on which a part is to be paid: its date, or the later one on which we take it."""
        return dict(self.later).get(due_on, due_on)

    @property
    def longest_on(self) -> date | None:
        """The last day on which it can end; None for a plan.

        A settlement can end when its offer could have, begun on its last day in all its parts.
        """
        terms, rhythm = self.terms, rhythm_of(self.terms)
        if terms.kind is Kind.PLAN:
            return None
        most = max(_tier_parts(self.policy, terms.key), len(terms.schedule))
        begun_on = max(terms.valid_until or rhythm.counted_from, rhythm.counted_from)
        found = paydays(begun_on, rhythm.frequency, most, days=rhythm.days, opened=self.opened)
        return max(terms.last_on, found.dates[-1])


def _tier_parts(policy: Policy, key: str) -> int:
    tiers = (tier for band in policy.bands for tier in band.tiers if tier.key == key)
    return max((tier.max_parts for tier in tiers), default=1)


@dataclass(frozen=True, slots=True)
class Amendment:
    """One change to the cent and the day: all that was left before, and all that is left after.

    ``counts``: it uses up one of the client's concessions. ``rhythm`` is the one from now on.
    """

    change: Change
    before: Schedule
    after: Schedule
    rhythm: Rhythm
    counts: bool = False

    @property
    def larger(self) -> bool:
        """Whether a payment becomes larger than each was before."""
        return max(c for _, c in self.after) > max(c for _, c in self.before)

    @property
    def sha256(self) -> str:
        """The hash of the canonical change, as hex: what a review shows, and what is agreed to."""
        return hashlib.sha256(rfc8785.dumps(to_dict(self))).hexdigest()


def to_dict(amendment: Amendment) -> dict[str, Any]:
    """The change as plain values: integers, strings, no nulls (EV-03)."""
    return {
        "v": 1,
        "kind": str(amendment.change),
        "before": _plain(amendment.before),
        "after": _plain(amendment.after),
        "rhythm": rhythm_to_dict(amendment.rhythm),
    }


def _plain(parts: Schedule) -> list[dict[str, Any]]:
    return [{"due_on": due_on.isoformat(), "left_cents": int(cents)} for due_on, cents in parts]


def rhythm_to_dict(rhythm: Rhythm) -> dict[str, Any]:
    """A rhythm as plain values."""
    said = {"frequency": str(rhythm.frequency), "from": rhythm.counted_from.isoformat()}
    return {**said, "days": list(rhythm.days)}


def rhythm_from_dict(said: dict[str, Any]) -> Rhythm:
    """The rhythm of values that ``rhythm_to_dict`` made."""
    counted_from, days = date.fromisoformat(said["from"]), tuple(said["days"])
    return Rhythm(Frequency(said["frequency"]), counted_from, days)


def moves_left(plan: Running) -> int:
    """How many payments the debtor may still move alone."""
    return plan.policy.concessions.moves - plan.used.moves


def skips_left(plan: Running) -> int:
    """How many payments the debtor may still skip alone."""
    return plan.policy.concessions.skips - plan.used.skips


def pauses_left(plan: Running) -> int:
    """How many times the plan may still rest."""
    return plan.policy.concessions.pauses - plan.used.pauses


def dates_for(plan: Running, due_on: date, *, cure_until: date | None = None) -> tuple[date, date]:
    """The first and the last day to which a part can be moved: later, and before the next one.

    ``cure_until``: the last day for a part that failed or was missed, which uses up no concession;
    until then it may be paid anyway, so no offer's last day comes before it. Raises PartNotThere,
    ChangeTooLate, NoDateLeft.
    """
    place = _place(plan, due_on)
    if cure_until is None and plan.until(due_on) < plan.today:
        raise ChangeTooLate(until=plan.until(due_on))
    later = plan.parts[place + 1 :]
    lasts = [later[0][0] - DAY if later else None, cure_until]
    if cure_until is None:
        lasts = [(later[0][0] if later else plan.next_on) - DAY, plan.longest_on]
    if plan.waiting and place == 0:
        lasts.append(plan.first_until)
    latest = min(day for day in lasts if day is not None)
    earliest = plan.opened.on_or_after(max(due_on, plan.today) + DAY)
    while latest >= earliest and plan.opened.on_or_after(latest) != latest:
        latest -= DAY
    if latest < earliest:
        raise NoDateLeft
    return earliest, latest


def move(plan: Running, due_on: date, to: date, *, cure_until: date | None = None) -> Amendment:
    """One part on another day; on a closed one it is due on the next open day.

    Raises NoChangeLeft, DateNotPossible and the errors of ``dates_for``.
    """
    if cure_until is None and moves_left(plan) < 1:
        raise NoChangeLeft
    earliest, latest = dates_for(plan, due_on, cure_until=cure_until)
    moved_to = plan.opened.on_or_after(to)
    if not earliest <= moved_to <= latest or to < earliest:
        raise DateNotPossible(earliest=earliest, latest=latest)
    place = _place(plan, due_on)
    part = (moved_to, plan.parts[place][1])
    after = (*plan.parts[:place], part, *plan.parts[place + 1 :])
    return Amendment(Change.MOVED, plan.parts, after, plan.rhythm, counts=cure_until is None)


def skip(plan: Running, due_on: date) -> Amendment:
    """One part not on its date: its amount goes to the end, on the next date of the rhythm.

    Raises NoChangeLeft, FirstPaymentFirst, PartNotThere, ChangeTooLate, SettlementTooLong.
    """
    _check(plan, left=skips_left(plan))
    place = _place(plan, due_on)
    if plan.until(due_on) < plan.today:
        raise ChangeTooLate(until=plan.until(due_on))
    last = (_next_within(plan), plan.parts[place][1])
    after = (*plan.parts[:place], *plan.parts[place + 1 :], last)
    return Amendment(Change.SKIPPED, plan.parts, after, plan.rhythm, counts=True)


def pause(plan: Running) -> Amendment:
    """The plan rests for one step of its rhythm: each payment on the date of the one after it.

    Raises NoChangeLeft, FirstPaymentFirst, PartNotThere, DueFirst, SettlementTooLong.
    """
    _check(plan, left=pauses_left(plan))
    if not plan.open:
        raise PartNotThere
    dates = [due_on for due_on, _ in plan.open[1:]]
    amounts = [cents for _, cents in plan.open]
    shifted = ((*dates, _next_within(plan)), amounts)
    if shifted[0][0] < plan.today:
        raise DueFirst
    return Amendment(
        Change.PAUSED,
        plan.parts,
        (*plan.due, *zip(*shifted, strict=True)),
        plan.rhythm,
        counts=True,
    )


def rest(plan: Running, until: date) -> Amendment | None:
    """Every part on a later date of the rhythm, so that none is due before a day; None if so now.

    What is due or late moves as well, and no concession is used. Raises FirstPaymentFirst,
    SettlementTooLong.
    """
    _check(plan, left=1)
    dates, amounts = [day for day, _ in plan.parts], [cents for _, cents in plan.parts]
    if not dates or dates[0] >= until:
        return None
    while dates[0] < until:
        shifted = replace(plan, parts=tuple(zip(dates, amounts, strict=True)))
        dates = [*dates[1:], _next_within(shifted)]
    after = tuple(zip(dates, amounts, strict=True))
    return Amendment(Change.PAUSED, plan.parts, after, plan.rhythm, counts=False)


def _check(plan: Running, *, left: int) -> None:
    if plan.waiting:
        raise FirstPaymentFirst
    if left < 1:
        raise NoChangeLeft


def _place(plan: Running, due_on: date) -> int:
    for place, (day, _) in enumerate(plan.parts):
        if day == due_on:
            return place
    raise PartNotThere


def _next_within(plan: Running) -> date:
    """The next date of the rhythm. Raises SettlementTooLong where a settlement would end later."""
    found, longest = plan.next_on, plan.longest_on
    if longest is not None and found > longest:
        raise SettlementTooLong(latest=longest)
    return found
