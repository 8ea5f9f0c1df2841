"""One seed: a portal, a Stripe, people and accidents, then calm, and the judgement."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from portal import tasks
from portal.db import Reader, hook, set_hook
from portal.domain import DomainError
from portal.gateways.clock import SetClock
from portal.gateways.mail import OutboxMailer
from portal.gateways.payments import GatewayError
from portal.gateways.signer import Signer
from portal.gateways.sms import NoTexter
from portal.gateways.stripe import StripeGateway
from portal.models.base import ids
from portal.runtime import Runtime
from portal.sandbox.app import Sandbox
from portal.sandbox.faults import Fault
from portal.sandbox.world import Endpoint
from portal.sandbox.world import World as StripeWorld
from tests.battery.acts import Choice, choices, state
from tests.battery.agreed import heads
from tests.battery.bench import Bench
from tests.battery.cast import Cast, Purse, assemble
from tests.battery.changes import Changes
from tests.battery.debtor import Dana
from tests.battery.history import History, Stop
from tests.battery.house import House
from tests.battery.invariants import at_rest, judge
from tests.battery.outside import SECRETS, World
from tests.battery.payer import Payer
from tests.battery.stage import Crash, ReplyLost, Stage
from tests.battery.wire import Wire
from tests.factories import NOW

BASE_URL = "http://stripe.sandbox"
WEBHOOK = "http://portal.test/stripe/webhook"
EXPECTED = (DomainError, GatewayError, ReplyLost)
UNEXPECTED = "every failure is one that the portal foresees"
Act = Callable[[Session, Purse], object]
STEPS = 25
RUNNING_RATE, DOUBTFUL_RATE = 0.5, 0.3
TOLD_BEFORE, TOLD_UNTIL = (13, 12), 10
"""How many days before a debit the job that tells of it runs, and until when it can (PY-07)."""


class Loud(logging.Handler):
    """What the portal logs as an error breaks an invariant: nothing may fail in silence."""

    def __init__(self, history: History) -> None:
        super().__init__(logging.ERROR)
        self.history = history

    def emit(self, record: logging.LogRecord) -> None:
        """One error of the log."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, ReplyLost):
            why = f"{type(error).__name__}: {error}" if error else ""
            self.history.broke(UNEXPECTED, f"{record.getMessage()} {why}"[:400])


class Simulation:
    """One seed on a bench. ``run`` does it all; ``history`` tells what happened."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench, self.seed, self.history, self.counted = bench, seed, History(), 0
        self._loud = Loud(self.history)
        self.rng, self.clock = Random(f"{seed}"), SetClock(NOW)
        draw = self.rng
        self.stage = Stage(bench, self.history, self.clock, Random(f"{seed} stage"))
        self.stage.crash_rate = draw.choice((0, 0.1, 0.3))
        self.stage.between_rate = draw.choice((0, 0.2, 0.5))
        self.world = self._stripe_world()
        self.dana, self.outside = Dana(self, Random(f"{seed} d")), World(self, Random(f"{seed} w"))
        self.payer, self.changes = (
            Payer(self, Random(f"{seed} p")),
            Changes(self, Random(f"{seed} c")),
        )
        self.house = House(self, Random(f"{seed} h"))
        self.sandbox = Sandbox(self.world, post=self.outside.receive, wait=self.stage.slow)
        self.wire = self._wire()
        self.gateway = StripeGateway(
            "sk_test_battery",
            checkout_origins=[BASE_URL],
            http=self.wire,
            max_network_retries=draw.choice((0, 0, 2)),
        )
        self.stage.between = self._between
        self.cast: Cast

    def _stripe_world(self) -> StripeWorld:
        draw = self.rng
        world = StripeWorld(
            clock=self.clock.now,
            rng=Random(f"{self.seed} stripe"),
            base_url=BASE_URL,
            endpoints=(Endpoint(WEBHOOK, SECRETS),),
        )
        world.switches.drop = draw.choice((0, 0.1, 0.5, 1.0))
        world.switches.double = draw.choice((0, 0.3))
        world.switches.late = draw.choice((0, 0.3))
        world.switches.late_s = draw.choice((60, 3600, 2 * 86_400))
        world.switches.reorder = draw.random() < 0.5
        world.switches.list_lag_s = draw.choice((0, 0, 5))
        return world

    def _wire(self) -> Wire:
        kinds = self.rng.sample(list(Fault), 3)
        rate = self.rng.choice((0, 0.02, 0.1))
        return Wire(
            sandbox=self.sandbox,
            rng=Random(f"{self.seed} wire"),
            rates={kind: rate for kind in kinds if rate},
            bench=self.bench,
            history=self.history,
            stage=self.stage,
        )

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.clock.now()

    def run(self, steps: int = STEPS) -> History:
        """Set up, let things happen, end all faults, let it come to rest, and judge it."""
        self.bench.empty()
        with self._installed():
            self.cast = assemble(self.bench.worker, Random(f"{self.seed} cast"), self.seed)
            if self.rng.random() < RUNNING_RATE:
                self._begin_plan()
            for _ in range(steps):
                self._step()
            self._come_to_rest()
            judge(self)
        self.world.store.close()
        return self.history

    def _begin_plan(self) -> None:
        """Begin in the middle of a plan: its months are where most can go wrong."""
        self.stage.calm, purse = True, self.cast.purses[0]
        other = (self.other_method,) if self.rng.random() < DOUBTFUL_RATE else ()
        for act in (self.dana.begin_plan, self.outside.pay_well, self.dana.land, *other):
            self._do(act, purse)
        self.stage.calm = False

    @contextmanager
    def _installed(self) -> Iterator[None]:
        """The injected sources: time, chance, hooks and the outside world."""
        source, before = Random(f"{self.seed} ids"), (ids.now_ms, ids.randbytes)
        self._last_ms = 0
        ids.now_ms, ids.randbytes = self._next_ms, source.randbytes  # type: ignore[assignment]
        set_hook(self.stage)
        logging.getLogger("portal").addHandler(self._loud)
        tasks.use(self._runtime())
        try:
            yield
        finally:
            ids.now_ms, ids.randbytes = before  # type: ignore[assignment]
            set_hook(None)
            logging.getLogger("portal").removeHandler(self._loud)
            tasks.use(None)

    def _next_ms(self) -> int:
        """Milliseconds that always grow, so that ids sort as they were made."""
        self._last_ms = max(self._last_ms + 1, int(self.now.timestamp() * 1000))
        return self._last_ms

    def _runtime(self) -> Runtime:
        return Runtime(
            settings=self.bench.settings,
            sessions=self.bench.worker,
            read=Reader(self.bench.settings.database_url),
            clock=self.clock,
            stripe=self.gateway,
            mailer=OutboxMailer(),
            texter=NoTexter(),
            signer=Signer(self.bench.settings.evidence_seed, self.bench.settings.evidence_folder),
        )

    def month(self, session: Session, purse: Purse) -> bool:
        """Copies leave, the next part is told of as a rule, its day comes, and it is charged."""
        self._come_to_the_day(purse)
        self._do(self.house.charge_due, purse, inside=True)
        return True

    def stop_midway(self, session: Session, purse: Purse) -> bool:
        """The worker dies with a charge begun, then it is forbidden, and then somebody finds it."""
        stops = (self.dana.stop_automatic, self.house.hold, self.house.cancel)
        self._come_to_the_day(purse)
        for act in (self.house.begin_charge, self.rng.choice(stops)):
            self._do(act, purse, inside=True)
        self.clock.advance(timedelta(minutes=20))
        self._do(self.house.sweep, purse, inside=True)
        return True

    def _come_to_the_day(self, purse: Purse) -> None:
        """The day on which a part is due, or was before a change, or any other one."""
        self._pass_hours(purse)
        due = self.house.days_until_due(purse)
        days = self.rng.choice((*(due or (15, 30)) * 2, 15, 30))
        before = self.rng.choice(TOLD_BEFORE)
        if days >= TOLD_UNTIL and self.rng.random() < 0.9:
            self.clock.advance(timedelta(days=max(days - before, 0)))
            self._do(self.house.tell, purse, inside=True)
            self._pass_hours(purse)
            days = min(days, before)
        self.clock.advance(timedelta(days=days))
        self._pass_hours(purse)

    def patience(self, session: Session, purse: Purse) -> bool:
        """Days go by with a late part: its debtor is told, and it is tried again or given up."""
        self.clock.advance(timedelta(days=self.rng.choice((1, 5, 9, 25))))
        self._do(self.house.look_after, purse, inside=True)
        self._pass_hours(purse)
        self._do(self.house.charge_due, purse, inside=True)
        return True

    def other_method(self, session: Session, purse: Purse) -> bool:
        """Dana saves another method, of which nobody knows whether banks honor it."""
        for act in (self.dana.change_method, self.outside.save_other, self.dana.land):
            self._do(act, purse, inside=True)
        return True

    def _pass_hours(self, purse: Purse) -> None:
        """Some hours go by, and messages leave in their hours."""
        self.clock.advance(timedelta(hours=self.rng.choice((1, 2, 7, 11))))
        self._do(self.house.mail, purse, inside=True)

    def lapse(self, session: Session, purse: Purse) -> bool:
        """Days go by in which nobody pays or agrees, and what waited too long ends."""
        self.clock.advance(timedelta(days=self.rng.choice((5, 9, 40))))
        return self.house.expire(session, purse)

    def won_after_all(self, session: Session, purse: Purse) -> bool:
        """A bank takes a payment back, Dana pays again, and then the bank decides against her."""
        dana, house, outside = self.dana, self.house, self.outside
        again = (dana.pay_all, outside.pay_well, dana.land)
        for act in (outside.dispute, house.reconcile, *again, outside.decide, house.reconcile):
            self._do(act, purse, inside=True)
        return True

    def _step(self) -> None:
        purses = self.cast.purses
        purse = purses[0] if self.rng.random() < 0.5 else self.rng.choice(purses)
        self._do(self._drawn(self.rng, purse, choices(self)), purse)
        self.history.heads.update(heads(self.bench))

    def _between(self) -> None:
        """Somebody else acts in the middle of an operation, most often on the same account."""
        self.history.note("  between:")
        draw = self.stage.rng
        purse = draw.choice(self.cast.purses)
        short = tuple(one for one in choices(self) if not one.long)
        self._do(self._drawn(draw, purse, short), purse, inside=True)

    def _drawn(self, draw: Random, purse: Purse, of: tuple[Choice, ...]) -> Act:
        case = state(self, self.bench, purse)
        fitting = [one for one in of if one.needs in case] or [Choice(1, self.dana.land)]
        weights = [one.weight for one in fitting]
        return draw.choices([one.act for one in fitting], weights)[0]

    def _do(self, act: Act, purse: Purse, *, inside: bool = False) -> None:
        name, margin = act.__name__, "  " if inside else ""
        place = self.cast.purses.index(purse)
        self.history.note(f"{margin}{self.now.isoformat()} {name} {place}")
        with self.stage.operation(), self._session() as session:
            try:
                act(session, purse)
            except (Crash, Exception) as error:
                self.failed(name, error)
        self.wire.judge_pages()

    def _session(self) -> Session:
        return self.bench.web(info={"client_ids": (self.cast.client_id,)})

    def failed(self, name: str, error: BaseException) -> None:
        """Note how an operation ended; what nobody foresaw breaks an invariant."""
        self.history.note(f"  {name} ended with {type(error).__name__}")
        expected = isinstance(error, (Crash, *EXPECTED))
        if not expected:
            self.history.broke(UNEXPECTED, f"{name}: {type(error).__name__}: {error}"[:400])
        if isinstance(error, OperationalError) and not isinstance(error, ReplyLost):
            raise error

    def commit(self, session: Session, name: str) -> None:
        """Commit as a view or a job does, with named points on both sides."""
        hook(f"before {name}")
        session.commit()
        hook(f"after {name}")

    def stopped(
        self, session: Session, name: str, account_id: UUID, arrangement_id: UUID | None
    ) -> None:
        """Commit what forbids off-session charges from here on."""
        hook(f"before {name}")
        session.commit()
        here = self.history.place
        self.history.stops.append(Stop(account_id, arrangement_id, here, self.now))
        hook(f"after {name}")

    def lifted(self, session: Session, account_id: UUID) -> None:
        """Commit what ends an account's holds."""
        hook("before web.lifted")
        session.commit()
        for stop in self.history.stops:
            if stop.account_id == account_id and stop.arrangement_id is None:
                stop.lifted = stop.lifted or self.history.place
        hook("after web.lifted")

    def _come_to_rest(self) -> None:
        """Faults off: everything that is on its way arrives, and every job runs."""
        self.history.note("calm")
        self.stage.calm = True
        switches = self.world.switches
        switches.drop, switches.double, switches.late, switches.list_lag_s = 0, 0, 0, 0
        self._settle_down()
        for wait in (timedelta(minutes=90), timedelta(hours=25), timedelta(8)):
            if at_rest(self.bench) and not self.outside.sends_more():
                break
            self.clock.advance(wait)
            self._settle_down()
        self.clock.advance(timedelta(days=9))
        self._settle_down()

    def _settle_down(self) -> None:
        purse, house = self.cast.purses[0], self.house
        for act in (self.outside.deliver, house.handle_events, house.reconcile, house.expire):
            self._do(act, purse)
        for _ in range(50):
            with self._session() as session, suppress(GatewayError):  # a 500 that Stripe has kept
                if not house.work(session, purse):
                    break
