"""Where things go wrong: crashes, lost replies and second tabs at the portal's named points."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from sqlalchemy.exc import OperationalError

from portal.gateways.clock import SetClock
from tests.battery.bench import Bench
from tests.battery.history import History

DEEPEST = 2


class Crash(BaseException):
    """The process ends here."""


class ReplyLost(OperationalError):
    """COMMIT was done, or not, and nobody knows: the connection broke."""

    def __init__(self, name: str) -> None:
        super().__init__(name, None, Exception("server closed the connection unexpectedly"))


@dataclass
class Plan:
    """What befalls one operation: where it crashes, where somebody else comes between.

    ``crash_at`` counts named points, ``dies_at`` is the name of one.
    """

    crash_at: int = 0
    dies_at: str = ""
    reply_lost: bool = False
    between_at: int = 0
    points: int = 0
    decided: int = 0


@dataclass
class Stage:
    """The listener at every named point while a simulation runs.

    ``between`` performs another operation, as a second tab or worker would. ``calm`` ends all
    faults.
    """

    bench: Bench
    history: History
    clock: SetClock
    rng: Random
    between: Callable[[], None] = lambda: None
    crash_rate: float = 0.0
    between_rate: float = 0.0
    calm: bool = False
    plans: list[Plan] = field(default_factory=list)

    @contextmanager
    def operation(self) -> Iterator[Plan]:
        """One operation, with what befalls it drawn beforehand."""
        plan, draw = Plan(), self.rng
        if not self.calm and draw.random() < self.crash_rate:
            plan.crash_at, plan.reply_lost = draw.randint(1, 14), draw.random() < 0.3
        if not self.calm and len(self.plans) < DEEPEST and draw.random() < self.between_rate:
            plan.between_at = draw.randint(1, 10)
        self.plans.append(plan)
        try:
            yield plan
        finally:
            self.plans.pop()

    @property
    def decided(self) -> int:
        """Where in the history the operation at hand last decided to charge off-session."""
        return self.plans[-1].decided if self.plans else 0

    def __call__(self, name: str) -> None:
        """One named point of the portal."""
        self.history.note(f"  {name}")
        self.clock.advance(timedelta(milliseconds=self.rng.choice((1, 40, 900))))
        if not self.plans:
            return
        plan = self.plans[-1]
        if name == "before charge.drafted":
            plan.decided = self.history.place
        plan.points += 1
        self._come_between(plan)
        if name == plan.dies_at or (plan.crash_at and plan.points >= plan.crash_at):
            self._end(plan, name)

    def die_at(self, name: str) -> None:
        """Let the operation at hand end at this point, if it gets there before anything else."""
        if self.plans:
            self.plans[-1].dies_at, self.plans[-1].reply_lost = name, False

    def slow(self) -> None:
        """A request to Stripe takes its time: others go on meanwhile."""
        if self.plans and not self.calm and len(self.plans) <= DEEPEST:
            self.history.note("  slow")
            self.between()

    def _come_between(self, plan: Plan) -> None:
        if plan.between_at and plan.points >= plan.between_at and not self.bench.in_transaction:
            plan.between_at = 0
            self.between()

    def _end(self, plan: Plan, name: str) -> None:
        if plan.reply_lost and name.startswith("after "):
            plan.crash_at = 0
            self.history.note("  reply lost")
            raise ReplyLost(name)
        if not plan.reply_lost:
            plan.crash_at, plan.dies_at = 0, ""
            self.history.note("  crash")
            raise Crash(name)
