"""What one process works with: settings, sessions, the clock and the outside world."""

from dataclasses import dataclass

from sqlalchemy.orm import sessionmaker

from portal.config import Settings
from portal.db import PortalSession, make_engine, make_sessions
from portal.gateways.clock import Clock, SystemClock
from portal.gateways.payments import PaymentGateway
from portal.gateways.stripe import StripeGateway

SANDBOX_KEY = "sk_test_sandbox"


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Built once at the start of a process and handed to the app or the tasks."""

    settings: Settings
    sessions: sessionmaker[PortalSession]
    clock: Clock
    stripe: PaymentGateway

    @property
    def livemode(self) -> bool:
        """Whether real money moves: events of the other mode are not ours."""
        return "_live_" in (self.settings.stripe_secret_key or "")


def build_runtime(settings: Settings, *, worker: bool = False) -> Runtime:
    """Everything these settings describe; ``worker`` connects as the worker, directly."""
    url = settings.worker_database_url if worker else settings.database_url
    engine = make_engine(url, pooled=settings.pooled and not worker)
    return Runtime(
        settings=settings,
        sessions=make_sessions(engine),
        clock=SystemClock(),
        stripe=StripeGateway(
            settings.stripe_secret_key or SANDBOX_KEY,
            api_base=settings.stripe_api_base,
            checkout_origins=settings.stripe_checkout_origins,
        ),
    )
