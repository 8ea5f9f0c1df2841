"""What the environment says: whether it is set, and a mark of each secret, never a secret."""

from collections.abc import Iterator
from typing import Any

from flask import current_app

from portal.blueprints.consoles import page
from portal.blueprints.operating import bp
from portal.config import Settings
from portal.domain.access import Permission
from portal.security import audience
from portal.services.record_state import clients_seen
from portal.services.tree import signing_key
from portal.web import session

PLAIN = (
    *("base_url", "trusted_hosts", "proxy_hops", "stripe_api_base", "mail_from", "twilio_from"),
    *("sms_http_roles", "outbox"),
)
SECRET = {
    "SECRET_KEY": "secret_keys",
    "IDENTITY_PEPPER": "identity_pepper",
    "EVIDENCE_KEY": "evidence_keys",
    "EVIDENCE_SIGNING_KEY": "evidence_seed",
    "STRIPE_SECRET_KEY": "stripe_secret_key",
    "STRIPE_WEBHOOK_SECRET": "stripe_webhook_secrets",
    "SMTP_URL": "smtp_url",
    "MAIL_EVENTS_TOKEN": "mail_events_token",
    "TWILIO_ACCOUNT_SID": "twilio_account_sid",
    "TWILIO_AUTH_TOKEN": "twilio_auth_token",
    "SMS_HTTP_URL": "sms_http_url",
    "SMS_HTTP_TOKEN": "sms_http_token",
    "SMS_INBOUND_TOKEN": "sms_inbound_token",
}
"""What the environment calls each secret, and where the settings have it."""


@bp.get("/settings")
@audience(Permission.OPERATE)
def settings() -> Any:
    """Each setting of this process, and since when each client's log is signed with its key."""
    known: Settings = current_app.extensions["portal"].settings
    return page(
        "operator/settings.html",
        section="settings",
        plain=[(name.upper(), _plain(getattr(known, name))) for name in PLAIN],
        secret=[(name, list(_marks(known, field))) for name, field in SECRET.items()],
        signing=[(one, signing_key(session, one.id)) for one in clients_seen(session)],
    )


def _plain(value: object) -> str:
    several = value if isinstance(value, tuple) else (value,)
    return ", ".join(str(one) for one in several if one is not None)


def _marks(known: Settings, name: str) -> Iterator[str]:
    """Eight characters of a keyed hash of each value: equal only where the values are."""
    value = getattr(known, name)
    for one in value if isinstance(value, tuple) else (value,):
        if one:
            raw = one if isinstance(one, bytes) else str(one).encode()
            yield known.keys.peppered("setting", name.encode(), raw).hex()[:8]
