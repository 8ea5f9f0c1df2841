"""What one process works with: settings, sessions, the clock and the outside world."""

from dataclasses import dataclass

from sqlalchemy.orm import sessionmaker

from portal.config import Settings
from portal.db import PortalSession, Reader, Reading, make_engine, make_sessions
from portal.gateways import vault
from portal.gateways.clock import Clock, SystemClock
from portal.gateways.mail import Mailer, NoMailer, OutboxMailer, SmtpMailer
from portal.gateways.payments import PaymentGateway
from portal.gateways.signer import Signer
from portal.gateways.sms import HttpTexter, NoTexter, OutboxTexter, Texter, TwilioTexter
from portal.gateways.stripe import StripeGateway

SANDBOX_KEY = "sk_test_sandbox"


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Built once at the start of a process and handed to the app or the tasks.

    ``read`` finds visits and what stands beside them, without a session.
    """

    settings: Settings
    read: Reading
    sessions: sessionmaker[PortalSession]
    clock: Clock
    stripe: PaymentGateway
    mailer: Mailer
    texter: Texter
    signer: Signer

    @property
    def livemode(self) -> bool:
        """Whether real money moves: events of the other mode are not ours."""
        return "_live_" in (self.settings.stripe_secret_key or "")


def build_runtime(settings: Settings, *, worker: bool = False) -> Runtime:
    """Everything these settings describe; ``worker`` connects as the worker, directly."""
    vault.use(vault.Vault(settings.evidence_keys))
    url = settings.worker_database_url if worker else settings.database_url
    pooled = settings.pooled and not worker
    engine = make_engine(url, pooled=pooled)
    return Runtime(
        settings=settings,
        read=Reader(url, pooled=pooled),
        sessions=make_sessions(engine),
        clock=SystemClock(),
        stripe=StripeGateway(
            settings.stripe_secret_key or SANDBOX_KEY,
            api_base=settings.stripe_api_base,
            checkout_origins=settings.stripe_checkout_origins,
        ),
        mailer=make_mailer(settings),
        texter=make_texter(settings),
        signer=Signer(settings.evidence_seed, settings.evidence_folder),
    )


def make_mailer(settings: Settings) -> Mailer:
    """Whoever carries e-mail by these settings; in the demo nothing leaves."""
    if settings.outbox:
        return OutboxMailer()
    if settings.smtp_url and settings.mail_from:
        return SmtpMailer(url=settings.smtp_url, sender=settings.mail_from)
    return NoMailer()


def make_texter(settings: Settings) -> Texter:
    """Whoever carries text messages by these settings, Twilio before another provider."""
    if settings.outbox:
        return OutboxTexter()
    twilio = (settings.twilio_account_sid, settings.twilio_auth_token, settings.twilio_from)
    if all(twilio):
        account_sid, auth_token, sender = (str(word) for word in twilio)
        secure = settings.base_url.startswith("https://")  # Twilio reaches no other address
        return TwilioTexter(
            account_sid=account_sid,
            auth_token=auth_token,
            sender=sender,
            status_url=f"{settings.base_url}/texts/twilio/status" if secure else None,
        )
    if settings.sms_http_url and settings.sms_http_token:
        roles = frozenset(settings.sms_http_roles)
        return HttpTexter(url=settings.sms_http_url, token=settings.sms_http_token, roles=roles)
    return NoTexter()
