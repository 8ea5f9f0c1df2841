"""A simulation from its first day to its judgement."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from portal.config import Settings
from portal.simulation import portfolio
from portal.simulation.calendar import Calendar
from portal.simulation.crowd import Crowd
from portal.simulation.report import Report, count_rows, judge
from portal.simulation.staff import Staff
from portal.simulation.stage import Stage

START = date(2027, 3, 1)
HOURS = (14, 18, 22)
"""The moments of a day, in UTC, at which the clock stops: all of America is awake by the second."""
LINKS_EVERY = timedelta(days=45)
SETTLING = (1, 4, 4)
"""Days until each look at what is on its way at the end; nobody acts in that time."""
SLOWEST = 8
TOLD_EVERY = 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How long, with how many generated accounts (None: the demo's own), by which seed."""

    days: int = 400
    accounts: int | None = None
    seed: int = 1
    start: date = START


def simulate(
    settings: Settings, wish: Wish, *, folder: Path, say: Callable[[str], None] = lambda line: None
) -> Report:
    """Live through the days of a wish on an empty database, and report; exits nothing.

    ``folder`` takes placement files and what the signer keeps.
    """
    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    start = datetime(wish.start.year, wish.start.month, wish.start.day, HOURS[0], tzinfo=UTC)
    stage = Stage(settings, seed=wish.seed, start=start, folder=folder / "evidence")
    with stage.set_up():
        year = _Year(stage, wish, folder)
        year.live(say)
        report = year.report()
    report.wall_s = time.perf_counter() - began
    return report


class _Year:
    def __init__(self, stage: Stage, wish: Wish, folder: Path) -> None:
        self.stage, self.wish = stage, wish
        self.calendar = Calendar(stage.worker, stage.clock.now())
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.happened = True
        files = None if wish.accounts is None else folder
        if files is None:
            people = list(portfolio.demo_people())
        else:
            people = portfolio.generated(
                wish.accounts or 0, seed=wish.seed, start=wish.start, folder=files
            )
        with stage.worker.sessions() as session:
            portfolio.place(session, stage.settings, files, now=stage.clock.now())
        self.crowd, self.staff = Crowd(stage, people), Staff(stage, portfolio.hired(files))

    def live(self, say: Callable[[str], None]) -> None:
        if self.wish.accounts is not None:
            self._timed("staff", self.staff.record_notices)
        first = self.stage.clock.now()
        for day in range(self.wish.days):
            for hour in HOURS:
                self.stage.clock.at = first + timedelta(days=day, hours=hour - HOURS[0])
                self._moment(day, hour)
            if day % TOLD_EVERY == TOLD_EVERY - 1:
                say(self._progress(day + 1))
        for days in SETTLING:
            self.stage.clock.advance(timedelta(days=days))
            self._timed("stripe", self.stage.sandbox.deliver)
            self._timed("jobs", self.calendar.work)

    def _progress(self, days: int) -> str:
        wrong = len(self.stage.errors.found) + self.crowd.broken_pages.total()
        spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items())
        return f"day {days} of {self.wish.days}: {wrong} errors; {spent}"

    def _moment(self, day: int, hour: int) -> None:
        """One moment of a day: jobs, staff at the first of them, then people."""
        told = self._timed("stripe", self.stage.sandbox.deliver)
        if hour == HOURS[0] or told or self.happened or self.calendar.is_ready():
            self._timed("jobs", self._jobs_of(hour))
        if hour == HOURS[0]:
            if day % LINKS_EVERY.days == 0:
                self._timed("staff", self._send_links)
            self._timed("staff", self.staff.work)
        self.happened = self._timed("people", self.crowd.act) or hour == HOURS[0]

    def _jobs_of(self, hour: int) -> Callable[[], None]:
        """Every job in the morning, what is often run at noon, what waits in the afternoon."""
        if hour == HOURS[-1]:
            return self.calendar.drain
        return partial(self.calendar.work, only_often=hour != HOURS[0])

    def _send_links(self) -> None:
        """Have the numbers checked, as whoever runs this does, and begin the campaigns."""
        numbers = dict.fromkeys(one.neighbor.phone for one in self.crowd.people)
        with self.stage.worker.sessions() as session:
            portfolio.confirm_numbers(session, filter(None, numbers), now=self.stage.clock.now())
        self.staff.send_links()

    def _timed(self, name: str, do: Callable[[], T]) -> T:
        began = time.perf_counter()
        done = do()
        self.seconds[name] += time.perf_counter() - began
        return done

    def report(self) -> Report:
        crowd, staff, calendar = self.crowd, self.staff, self.calendar
        report = Report(
            days=self.wish.days,
            seed=self.wish.seed,
            people=len(crowd.people),
            did=dict(sorted(crowd.did.items())),
            not_offered=dict(sorted(crowd.not_offered.items())),
            refused=dict(sorted(crowd.refused.items())),
            never=crowd.never(),
            staff=dict(sorted((staff.did + staff.refused).items())),
            jobs=dict(sorted(calendar.ran.items())),
            given_up=dict(calendar.given_up),
            broken_pages=dict(sorted(crowd.broken_pages.items())),
            errors=self.stage.errors.found,
        )
        with self.stage.worker.sessions() as session:
            count_rows(session, report)
            session.rollback()
            began = time.perf_counter()
            judge(session, self.stage.worker.signer, report)
        slowest = sorted(calendar.seconds.items(), key=lambda one: -one[1])[:SLOWEST]
        report.slowest_s = {**self.seconds, "verify": time.perf_counter() - began, **dict(slowest)}
        return report
