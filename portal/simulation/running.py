"""A simulation from its first day to its judgement."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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
SETTLING = timedelta(days=8)
"""What is on its way at the end arrives in this time, in which nobody acts."""
SLOWEST = 8

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
        self.calendar, self.staff = Calendar(stage.worker, stage.clock.now()), Staff(stage)
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
        self.crowd = Crowd(stage, people)

    def live(self, say: Callable[[str], None]) -> None:
        first = self.stage.clock.now()
        for day in range(self.wish.days):
            for hour in HOURS:
                self.stage.clock.at = first + timedelta(days=day, hours=hour - HOURS[0])
                self._moment(day, hour)
            if day % 50 == 49:
                say(f"day {day + 1} of {self.wish.days}")
        for _ in range(SETTLING.days):
            self.stage.clock.advance(timedelta(days=1))
            self._timed("stripe", self.stage.sandbox.deliver)
            self._timed("jobs", self.calendar.work)

    def _moment(self, day: int, hour: int) -> None:
        """One moment; jobs run at the first of each day, and wherever something has happened."""
        told = self._timed("stripe", self.stage.sandbox.deliver)
        if hour == HOURS[0] or told or self.happened or self.calendar.is_ready():
            self._timed("jobs", self.calendar.work)
        if hour == HOURS[0]:
            if day % LINKS_EVERY.days == 0:
                self._timed("staff", self.staff.send_links)
            self._timed("staff", self.staff.work)
        self.happened = self._timed("people", self.crowd.act) or hour == HOURS[0]

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
