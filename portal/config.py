"""Settings, read from the environment once, at the door."""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from portal import __version__
from portal.domain.debts import CollectorRole
from portal.domain.keys import Keys

DEMO_DATABASE = "portal"
EVIDENCE_FOLDER = Path("var/evidence")
DEMO_SECRET = "the-demo-only-secret-key-never-for-production"  # noqa: S105
SHORTEST_SECRET = 32
FEWEST_SIGNS = 8
"""A secret of fewer different characters was typed by hand."""
STRIPE_KEYS = ("sk_", "rk_")
LIVE_KEYS = ("sk_live_", "rk_live_")
STRIPE_CHECKOUT = "https://checkout.stripe.com"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
POSTGRES = ("postgres", "postgresql")
CARRIERS = (
    ("SMTP_URL", "MAIL_FROM"),
    ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"),
    ("SMS_HTTP_URL", "SMS_HTTP_TOKEN"),
)


class Environment(StrEnum):
    """How much is at stake: the demo stores messages and talks to test modes only."""

    DEMO = "demo"
    PRODUCTION = "production"


class BadSettings(SystemExit):
    """The portal refuses to start; one line for each setting that is missing or weak."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the environment decides. Secrets are never in the repr."""

    environment: Environment
    build: str = __version__  # with the commit that was built, where it is known
    secret_keys: tuple[str, ...] = field(repr=False)  # newest first: it signs, all verify
    identity_pepper: str = field(repr=False)  # changing it makes every stored factor useless
    evidence_keys: tuple[bytes, ...] = field(repr=False)  # newest first: it wraps, all unwrap
    evidence_seed: bytes = field(repr=False)  # of the key that signs checkpoints
    evidence_folder: Path = EVIDENCE_FOLDER  # what was signed, outside of the database
    database_url: str = field(repr=False)
    worker_database_url: str = field(repr=False)
    migration_database_url: str = field(repr=False)
    embedded: bool = False  # the addresses are those of the server under var/
    pooled: bool = False  # database_url is a pooler in transaction mode
    base_url: str = "http://127.0.0.1:8000"
    trusted_hosts: tuple[str, ...] = LOOPBACK
    proxy_hops: int = 0
    stripe_secret_key: str | None = field(default=None, repr=False)  # None: the sandbox
    stripe_webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    stripe_api_base: str | None = None  # None: Stripe's
    stripe_checkout_origins: tuple[str, ...] = (STRIPE_CHECKOUT,)
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    mail_events_token: str | None = field(default=None, repr=False)
    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = field(default=None, repr=False)
    twilio_from: str | None = None
    sms_http_url: str | None = field(default=None, repr=False)
    sms_http_token: str | None = field(default=None, repr=False)
    sms_inbound_token: str | None = field(default=None, repr=False)
    sms_http_roles: tuple[CollectorRole, ...] = (CollectorRole.FIRST_PARTY_CREDITOR,)
    outbox: bool = False  # messages are stored for the outbox page, not sent

    @property
    def secret_key(self) -> str:
        """The key that signs; older ones only verify."""
        return self.secret_keys[0]

    @cached_property
    def keys(self) -> Keys:
        """The secrets as services take them."""
        signing = tuple(key.encode() for key in self.secret_keys)
        return Keys(signing, self.identity_pepper.encode(), self.base_url)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read and check the environment; raises ``BadSettings`` with every problem at once.

        Without ``DATABASE_URL`` the addresses are those of the embedded server, which is not
        started here.
        """
        env = {name: value.strip() for name, value in environ.items() if value.strip()}
        problems = _problems(env)
        if problems:
            raise BadSettings(problems)
        return cls(
            environment=_environment(env),
            build=_build(env),
            **_secrets(env),
            **_evidence(env),
            **_databases(env),
            **_web(env),
            **_stripe(env),
            **_messages(env),
        )


def load() -> Settings:
    """The settings of this process, with the embedded database running if it is the one used."""
    settings = Settings.from_env()
    if settings.embedded:
        from portal.embedded import EmbeddedServer, default_folder
        from portal.roles import ensure_database

        server = EmbeddedServer(default_folder()).start()
        ensure_database(server.dsn(), DEMO_DATABASE)
    return settings


def _environment(env: Mapping[str, str]) -> Environment:
    return Environment(env.get("PORTAL_ENV", "demo"))


def _build(env: Mapping[str, str]) -> str:
    return f"{__version__}+{env['PORTAL_BUILD']}" if "PORTAL_BUILD" in env else __version__


def _list(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())


def _secrets(env: Mapping[str, str]) -> dict[str, Any]:
    keys = _list(env, "SECRET_KEY") or (DEMO_SECRET,)
    derived = hmac.digest(keys[-1].encode(), b"identity pepper", hashlib.sha256).hex()
    return {"secret_keys": keys, "identity_pepper": env.get("IDENTITY_PEPPER", derived)}


def _evidence(env: Mapping[str, str]) -> dict[str, Any]:
    """Keys of 32 bytes, made of secrets of any length; the demo's follow from its secret key."""
    secret = (_list(env, "SECRET_KEY") or (DEMO_SECRET,))[-1]
    masters = _list(env, "EVIDENCE_KEY") or (secret,)
    seed = env.get("EVIDENCE_SIGNING_KEY", secret)
    return {
        "evidence_keys": tuple(_stretched(one, b"evidence key") for one in masters),
        "evidence_seed": _stretched(seed, b"evidence signing key"),
        "evidence_folder": Path(env.get("EVIDENCE_FOLDER", EVIDENCE_FOLDER)),
    }


def _stretched(secret: str, purpose: bytes) -> bytes:
    return hmac.digest(secret.encode(), purpose, hashlib.sha256)


def _databases(env: Mapping[str, str]) -> dict[str, Any]:
    web = env.get("DATABASE_URL")
    if web is None:
        from portal.embedded import EmbeddedServer, default_folder

        server = EmbeddedServer(default_folder(env))
        return {
            "embedded": True,
            "database_url": server.url(DEMO_DATABASE, "portal_app"),
            "worker_database_url": server.url(DEMO_DATABASE, "portal_worker"),
            "migration_database_url": server.url(DEMO_DATABASE, "portal_owner"),
        }
    return {
        "database_url": web,
        "worker_database_url": env.get("WORKER_DATABASE_URL", web),
        "migration_database_url": env.get("MIGRATION_DATABASE_URL", web),
        "pooled": env.get("DATABASE_POOLER") == "transaction",
    }


def _web(env: Mapping[str, str]) -> dict[str, Any]:
    base_url = env.get("BASE_URL", "http://127.0.0.1:8000").rstrip("/")
    host = urlsplit(base_url).hostname or ""
    hosts = _list(env, "TRUSTED_HOSTS") or (host,)
    if _environment(env) is Environment.DEMO:
        hosts = tuple(dict.fromkeys((*hosts, *LOOPBACK)))
    return {
        "base_url": base_url,
        "trusted_hosts": hosts,
        "proxy_hops": int(env.get("PROXY_HOPS", "0")),
    }


def _stripe(env: Mapping[str, str]) -> dict[str, Any]:
    return {
        "stripe_secret_key": env.get("STRIPE_SECRET_KEY"),
        "stripe_webhook_secrets": _list(env, "STRIPE_WEBHOOK_SECRET"),
        "stripe_api_base": env.get("STRIPE_API_BASE"),
        "stripe_checkout_origins": _list(env, "STRIPE_CHECKOUT_ORIGINS") or (STRIPE_CHECKOUT,),
    }


def _messages(env: Mapping[str, str]) -> dict[str, Any]:
    names = (
        *("smtp_url", "mail_from", "sms_http_url", "sms_http_token"),
        *("sms_inbound_token", "mail_events_token"),
        *("twilio_account_sid", "twilio_auth_token", "twilio_from"),
    )
    given: dict[str, Any] = {name: env.get(name.upper()) for name in names}
    if roles := _list(env, "SMS_HTTP_ROLES"):
        given["sms_http_roles"] = tuple(CollectorRole(role) for role in roles)
    return given | {"outbox": _environment(env) is Environment.DEMO}


def _problems(env: Mapping[str, str]) -> list[str]:
    if env.get("PORTAL_ENV", "demo") not in list(Environment):
        return [f"PORTAL_ENV must be demo or production, not {env['PORTAL_ENV']!r}."]
    problems = _malformed(env) + _malformed_carriers(env)
    if _environment(env) is Environment.PRODUCTION:
        return problems + _missing_in_production(env)
    return problems + _dangerous_in_demo(env)


def _malformed(env: Mapping[str, str]) -> list[str]:
    problems = [
        f"{name} must be a PostgreSQL address: postgresql://user:password@host:5432/database."
        for name in ("DATABASE_URL", "WORKER_DATABASE_URL", "MIGRATION_DATABASE_URL")
        if name in env and _scheme(env[name]).partition("+")[0] not in POSTGRES
    ]
    for name in ("BASE_URL", "STRIPE_API_BASE", "SMS_HTTP_URL"):
        if name in env and not _is_web_address(env[name]):
            problems.append(f"{name} must be an address such as https://pay.example.com.")
    for origin in _list(env, "STRIPE_CHECKOUT_ORIGINS"):
        if not _is_web_address(origin) or urlsplit(origin).path:
            problems.append("STRIPE_CHECKOUT_ORIGINS must be origins such as " + STRIPE_CHECKOUT)
    if not re.fullmatch(r"[0-9A-Za-z.-]{1,64}", env.get("PORTAL_BUILD", "0")):
        problems.append("PORTAL_BUILD must be the commit that was built, such as 9cf3a6b.")
    hops = env.get("PROXY_HOPS", "0")
    if not (hops.isascii() and hops.isdigit()):
        problems.append("PROXY_HOPS must be the number of proxies in front, such as 1.")
    if env.get("DATABASE_POOLER", "transaction") != "transaction":
        problems.append("DATABASE_POOLER must be 'transaction', or not set.")
    return problems


def _malformed_carriers(env: Mapping[str, str]) -> list[str]:
    problems = [
        f"{name} is not set, and {', '.join(known)} is: nothing can be sent without it."
        for names in CARRIERS
        if (known := [name for name in names if name in env])
        for name in names
        if name not in env
    ]
    server = urlsplit(env.get("SMTP_URL", "smtp://localhost"))
    if server.scheme not in ("smtp", "smtps") or not server.hostname:
        problems.append("SMTP_URL must be smtp://user:password@host:587, or smtps:// on port 465.")
    if "MAIL_FROM" in env and not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", env["MAIL_FROM"]):
        problems.append("MAIL_FROM must be the one address that e-mails come from, without a name.")
    url = urlsplit(env.get("SMS_HTTP_URL", "https:"))
    if url.scheme != "https" and url.hostname not in LOOPBACK:
        problems.append("SMS_HTTP_URL must begin with https://, unless it is on this machine.")
    if unknown := set(_list(env, "SMS_HTTP_ROLES")) - set(CollectorRole):
        roles = ", ".join(CollectorRole)
        problems.append(f"SMS_HTTP_ROLES has {', '.join(sorted(unknown))}; the roles are {roles}.")
    return problems


def _scheme(address: str) -> str:
    """The scheme of an address that can be read; nothing for any other."""
    try:
        return urlsplit(address).scheme
    except ValueError:
        return ""


def _is_web_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _missing_in_production(env: Mapping[str, str]) -> list[str]:
    checks = (
        ("DATABASE_URL", "DATABASE_URL is not set: production has its own PostgreSQL."),
        ("SECRET_KEY", "SECRET_KEY is not set: at least 32 random characters."),
        ("IDENTITY_PEPPER", "IDENTITY_PEPPER is not set: at least 32 random characters, for good."),
        ("EVIDENCE_KEY", "EVIDENCE_KEY is not set: 32 random characters that seal the record."),
        ("EVIDENCE_SIGNING_KEY", "EVIDENCE_SIGNING_KEY is not set: 32 random characters."),
        ("EVIDENCE_FOLDER", "EVIDENCE_FOLDER is not set: where signed checkpoints are kept."),
        ("STRIPE_SECRET_KEY", "STRIPE_SECRET_KEY is not set."),
        ("STRIPE_WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET is not set."),
        ("BASE_URL", "BASE_URL is not set: the https address that debtors see."),
    )
    problems = [line for name, line in checks if not _list(env, name)]
    if any(map(_is_weak, _list(env, "SECRET_KEY"))):
        problems.append("SECRET_KEY is weak: each key needs at least 32 random characters.")
    for name in ("IDENTITY_PEPPER", "EVIDENCE_KEY", "EVIDENCE_SIGNING_KEY", "MAIL_EVENTS_TOKEN"):
        if any(map(_is_weak, _list(env, name))):
            problems.append(f"{name} is weak: it needs at least 32 random characters.")
    return problems + _exposed_in_production(env)


def _is_weak(secret: str) -> bool:
    too_plain = len(set(secret)) < FEWEST_SIGNS
    return len(secret) < SHORTEST_SECRET or too_plain or secret == DEMO_SECRET


def _exposed_in_production(env: Mapping[str, str]) -> list[str]:
    """What would show secrets, or believe what anybody says."""
    problems = [
        f"{name} must begin with https:// in production."
        for name in ("BASE_URL", "STRIPE_API_BASE", "STRIPE_CHECKOUT_ORIGINS")
        if any(not one.startswith("https://") for one in _list(env, name))
    ]
    key = env.get("STRIPE_SECRET_KEY", "sk_live_")
    if not key.startswith(STRIPE_KEYS):
        problems.append("STRIPE_SECRET_KEY is no secret key of Stripe's: those begin with sk_.")
    elif not key.startswith(LIVE_KEYS):
        problems.append(
            "STRIPE_SECRET_KEY is not a live key, and this is production: use one (sk_live_...), "
            "or set PORTAL_ENV=demo."
        )
    if any(not one.startswith("whsec_") for one in _list(env, "STRIPE_WEBHOOK_SECRET")):
        problems.append("STRIPE_WEBHOOK_SECRET holds signing secrets, which begin with whsec_.")
    if "*" in env.get("TRUSTED_HOSTS", ""):
        problems.append("TRUSTED_HOSTS must name hosts: a * would believe any.")
    pooled = env.get("DATABASE_POOLER") == "transaction"
    if pooled and "WORKER_DATABASE_URL" not in env:
        problems.append("WORKER_DATABASE_URL is not set: workers do not go through the pooler.")
    return problems


def _dangerous_in_demo(env: Mapping[str, str]) -> list[str]:
    problems = []
    if env.get("STRIPE_SECRET_KEY", "").startswith(LIVE_KEYS):
        problems.append(
            "STRIPE_SECRET_KEY is a live key, and this is the demo: use a test key (sk_test_...), "
            "or set PORTAL_ENV=production."
        )
    host = urlsplit(env.get("BASE_URL", "http://127.0.0.1")).hostname
    if host not in LOOPBACK and "SECRET_KEY" not in env:
        problems.append(
            f"BASE_URL is on {host}, where others can reach it: set SECRET_KEY, because the "
            "demo's is public, or set PORTAL_ENV=production."
        )
    elif host not in LOOPBACK and "PORTAL_ENV" not in env:
        problems.append(
            f"PORTAL_ENV is not set, and BASE_URL is on {host}: the demo shows every message to "
            "anybody. Set PORTAL_ENV=production, or PORTAL_ENV=demo if that is meant."
        )
    return problems
