"""The stage of a simulation: the portal, Stripe's stand-in and the post, on one clock."""

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random

from werkzeug.test import Client

from portal import tasks
from portal.app import create_app
from portal.config import Environment, Settings
from portal.db import Reader, make_engine, make_sessions
from portal.gateways import vault
from portal.gateways.clock import SetClock
from portal.gateways.mail import Mail, OutboxMailer
from portal.gateways.signer import Signer
from portal.gateways.sms import OutboxTexter, Text
from portal.gateways.stripe import StripeGateway
from portal.models.base import ids
from portal.runtime import SANDBOX_KEY, Runtime
from portal.sandbox.app import Sandbox
from portal.sandbox.inprocess import InProcess
from portal.sandbox.world import Endpoint, World
from portal.simulation.lines import LocalLine

PORTAL = "http://portal.simulation"
STRIPE = "http://stripe.simulation"
WEBHOOK_SECRET = "whsec_simulation"  # noqa: S105
TEXTS_TOKEN = "the token of simulated texts"  # noqa: S105


class NotForSimulation(RuntimeError):
    """The settings are those of real money or of a database that others use."""


def refuse_real(settings: Settings, environ: Mapping[str, str]) -> None:
    """Raise NotForSimulation where real money or somebody's database could be meant."""
    if settings.environment is Environment.PRODUCTION:
        raise NotForSimulation("PORTAL_ENV is production: a simulation is for the demo only.")
    if "_live_" in environ.get("STRIPE_SECRET_KEY", ""):
        raise NotForSimulation(
            "STRIPE_SECRET_KEY is a live key: a simulation is for the demo only."
        )
    if not settings.embedded:
        raise NotForSimulation(
            "DATABASE_URL is set: a simulation makes a database of its own and touches no other."
            " Run it without DATABASE_URL."
        )


@dataclass
class Post:
    """What arrived where: e-mails by address and texts by number, the newest last."""

    mails: dict[str, list[Mail]] = field(default_factory=dict)
    texts: dict[str, list[Text]] = field(default_factory=dict)


@dataclass(frozen=True)
class PostMailer(OutboxMailer):
    """Hands e-mail to the people of the simulation."""

    post: Post

    def send(self, mail: Mail, body: bytes) -> str:
        """Put it where its reader finds it."""
        self.post.mails.setdefault(mail.to.casefold(), []).append(mail)
        return super().send(mail, body)


@dataclass(frozen=True)
class PostTexter(OutboxTexter):
    """Hands texts to the people of the simulation."""

    post: Post

    def send(self, text: Text) -> str:
        """Put it where its reader finds it."""
        self.post.texts.setdefault(text.to, []).append(text)
        return super().send(text)


class Errors(logging.Handler):
    """What the portal logged as an error: nothing may fail in silence."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one error, with the line that raised it."""
        line = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            error, last = record.exc_info[1], record.exc_info[2]
            while last is not None and last.tb_next is not None:
                last = last.tb_next
            where = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last else ""
            line += f": {type(error).__name__}: {error} at {where}"
        self.found.append(" ".join(line.split())[:500])


class Stage:
    """Everything one simulation works with; ``set_up`` installs it in this process."""

    def __init__(self, settings: Settings, *, seed: int, start: datetime, folder: Path) -> None:
        self.seed, self.clock, self.post, self.errors = seed, SetClock(start), Post(), Errors()
        self.settings = dataclasses.replace(
            settings,
            base_url=PORTAL,
            trusted_hosts=("portal.simulation",),
            stripe_secret_key=None,
            stripe_webhook_secrets=(WEBHOOK_SECRET,),
            stripe_checkout_origins=(STRIPE,),
            sms_inbound_token=TEXTS_TOKEN,
            outbox=True,
            evidence_folder=folder,
        )
        self.world = World(
            clock=self.clock.now,
            rng=Random(f"{seed} stripe"),  # noqa: S311 - a simulation, no secret
            base_url=STRIPE,
            endpoints=(Endpoint(f"{PORTAL}/stripe/webhook", (WEBHOOK_SECRET,)),),
        )
        self.sandbox = Sandbox(self.world, post=self._webhook)
        gateway = StripeGateway(
            SANDBOX_KEY, checkout_origins=[STRIPE], http=InProcess(self.sandbox)
        )
        mail, texts = PostMailer(self.post), PostTexter(self.post)
        outside = {"clock": self.clock, "stripe": gateway, "mailer": mail, "texter": texts}
        self.worker = self._runtime(self.settings.worker_database_url, outside)
        self.web = self._runtime(self.settings.database_url, outside)
        self.app = create_app(self.settings, self.web)
        self._webhooks = Client(self.app)

    def _runtime(self, url: str, outside: Mapping[str, object]) -> Runtime:
        signer = Signer(self.settings.evidence_seed, self.settings.evidence_folder)
        given = {"settings": self.settings, "signer": signer, **outside}
        sessions = make_sessions(make_engine(url))
        return Runtime(sessions=sessions, read=Reader(url), **given)  # type: ignore[arg-type]

    def line(self, language: str) -> LocalLine:
        """A new browser's line: the portal and Stripe's pages, without cookies."""
        return LocalLine({PORTAL: self.app, STRIPE: self.sandbox}, language)

    def _webhook(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        path = url.removeprefix(PORTAL)
        answer = self._webhooks.post(path, base_url=PORTAL, data=body, headers=dict(headers))
        return answer.status_code

    @contextmanager
    def set_up(self) -> Iterator[None]:
        """Give the process this stage's time, chance and tasks, and take them away at the end."""
        source = Random(f"{self.seed} ids")  # noqa: S311
        before, last_ms = (ids.now_ms, ids.randbytes), 0

        def next_ms() -> int:
            nonlocal last_ms
            last_ms = max(last_ms + 1, int(self.clock.now().timestamp() * 1000))
            return last_ms

        ids.now_ms, ids.randbytes = next_ms, source.randbytes
        vault.use(vault.Vault(self.settings.evidence_keys))
        tasks.use(self.worker)
        logging.getLogger("portal").addHandler(self.errors)
        try:
            yield
        finally:
            logging.getLogger("portal").removeHandler(self.errors)
            tasks.use(None)
            ids.now_ms, ids.randbytes = before
            self._close()

    def _close(self) -> None:
        for runtime in (self.worker, self.web):
            runtime.sessions.kw["bind"].dispose()
            if isinstance(runtime.read, Reader):
                runtime.read.close()
        self.world.store.close()
