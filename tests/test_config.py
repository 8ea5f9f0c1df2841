"""Settings: production refuses what is missing or weak, the demo refuses what is dangerous."""

import pytest

from portal import __version__
from portal.config import DEMO_SECRET, BadSettings, Environment, Settings
from portal.domain.debts import CollectorRole

PRODUCTION = {
    "PORTAL_ENV": "production",
    "DATABASE_URL": "postgresql://portal_app:database-word@db.example.com/portal",
    "SECRET_KEY": "key-of-the-tests-" * 2,
    "IDENTITY_PEPPER": "pepper-of-the-tests-" * 2,
    "EVIDENCE_KEY": "seal-of-the-tests-" * 2,
    "EVIDENCE_SIGNING_KEY": "signer-of-the-tests-" * 2,
    "EVIDENCE_FOLDER": "/srv/evidence",
    "STRIPE_SECRET_KEY": "sk_live_stripe-word",
    "STRIPE_WEBHOOK_SECRET": "whsec_one, whsec_two",
    "BASE_URL": "https://pay.example.com/",
}
CARRIERS = {
    "SMTP_URL": "smtp://u:mail-word@mail.example.com",
    "MAIL_FROM": "no-reply@example.com",
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKEN": "twilio-word",
    "TWILIO_FROM": "+15035550100",
    "SMS_HTTP_URL": "https://sms.example.com/send",
    "SMS_HTTP_TOKEN": "sms-word",
}


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(BadSettings) as refused:
        Settings.from_env(environ)
    return refused.value.problems


def test_production_starts_with_all_it_needs():
    settings = Settings.from_env(PRODUCTION)
    assert settings.environment is Environment.PRODUCTION
    assert settings.base_url == "https://pay.example.com"
    assert settings.trusted_hosts == ("pay.example.com",)
    assert settings.stripe_webhook_secrets == ("whsec_one", "whsec_two")
    assert settings.worker_database_url == settings.migration_database_url == settings.database_url
    assert not settings.outbox
    assert not settings.embedded


def test_the_build_is_the_version_with_its_commit_where_that_is_known():
    """EV-02: each acceptance keeps it."""
    assert Settings.from_env(PRODUCTION).build == __version__
    built = Settings.from_env(PRODUCTION | {"PORTAL_BUILD": "9cf3a6b"})
    assert built.build == f"{__version__}+9cf3a6b"


def test_production_names_everything_that_is_missing_at_once():
    lines = problems({"PORTAL_ENV": "production"})
    for name in set(PRODUCTION) - {"PORTAL_ENV"}:
        assert [line for line in lines if line.startswith(name)], name
    assert all("\n" not in line for line in lines)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", DEMO_SECRET),
        ("SECRET_KEY", "key-of-the-tests-" * 2 + ",short"),
        ("SECRET_KEY", "k" * 40),
        ("IDENTITY_PEPPER", "ab" * 20),
        ("EVIDENCE_KEY", "seal-of-the-tests-" * 2 + ",short"),
        ("EVIDENCE_SIGNING_KEY", "short"),
        ("STRIPE_SECRET_KEY", "hello"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_one, x"),
        ("STRIPE_API_BASE", "http://stripe.example.com"),
        ("STRIPE_CHECKOUT_ORIGINS", "http://pay.example.com"),
        ("TRUSTED_HOSTS", "*"),
        ("BASE_URL", "https://[::1"),
        ("DATABASE_URL", "postgresql://a:b@[h/d"),
        ("PROXY_HOPS", "²"),
        ("IDENTITY_PEPPER", "short"),
        ("BASE_URL", "http://pay.example.com"),
        ("BASE_URL", "pay.example.com"),
        ("DATABASE_URL", "mysql://db.example.com/portal"),
        ("DATABASE_URL", "   "),
        ("PROXY_HOPS", "one"),
        ("PORTAL_BUILD", "the one of Monday"),
        ("DATABASE_POOLER", "session"),
        ("STRIPE_CHECKOUT_ORIGINS", "https://pay.example.com/with/path"),
        ("STRIPE_API_BASE", "localhost:1234"),
    ],
)
def test_production_refuses_a_weak_or_malformed_value(name: str, value: str):
    lines = problems(PRODUCTION | {name: value})
    assert [line.split()[0] for line in lines] == [name] * len(lines)


def test_an_unknown_environment_is_refused():
    assert problems({"PORTAL_ENV": "staging"}) == [
        "PORTAL_ENV must be demo or production, not 'staging'."
    ]


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
def test_the_demo_refuses_a_live_key(key: str):
    (line,) = problems({"STRIPE_SECRET_KEY": key})
    assert "live key" in line
    assert key not in line


@pytest.mark.parametrize("key", ["sk_test_1", "rk_test_1", "sk_1"])
def test_production_refuses_a_test_key_in_one_line_that_says_what_to_do(key: str):
    """Else debtors would "pay" with test cards, and be told that they had."""
    (line,) = problems(PRODUCTION | {"STRIPE_SECRET_KEY": key})
    assert line.startswith("STRIPE_SECRET_KEY is not a live key, and this is production: use one")
    assert "PORTAL_ENV=demo" in line
    assert key not in line


def test_the_demo_needs_its_own_secret_where_others_can_reach_it():
    address = {"BASE_URL": "http://192.168.1.20:8000"}
    (line,) = problems(address)
    assert "SECRET_KEY" in line
    (line,) = problems(address | {"SECRET_KEY": "own"})
    assert "PORTAL_ENV" in line, "the outbox shows every message"
    meant = address | {"SECRET_KEY": "own", "PORTAL_ENV": "demo"}
    assert Settings.from_env(meant).secret_key == "own"


def test_the_demo_needs_nothing():
    settings = Settings.from_env({})
    assert settings.embedded
    assert settings.outbox
    assert settings.stripe_secret_key is None
    assert settings.stripe_checkout_origins == ("https://checkout.stripe.com",)
    assert "portal_app@" in settings.database_url
    assert "portal_owner@" in settings.migration_database_url


def test_the_newest_key_signs_and_the_oldest_makes_the_pepper():
    """A demo that rotates its key must still know the factors it stored."""
    before = Settings.from_env({"SECRET_KEY": "first"})
    after = Settings.from_env({"SECRET_KEY": "second, first"})
    assert after.secret_keys == ("second", "first")
    assert after.secret_key == "second"
    assert after.identity_pepper == before.identity_pepper


def test_no_secret_is_in_the_repr():
    words = repr(Settings.from_env(PRODUCTION | CARRIERS))
    for secret in ("kkkk", "pppp", "-word", "whsec"):
        assert secret not in words
    assert "pay.example.com" in words


@pytest.mark.parametrize("name", CARRIERS)
def test_a_carrier_of_messages_is_set_whole_or_not_at_all(name: str):
    half = {other: value for other, value in CARRIERS.items() if other != name}
    assert [line.split()[0] for line in problems(PRODUCTION | half)] == [name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "https://mail.example.com"),
        ("MAIL_FROM", "Harbor Services <no-reply@example.com>"),
        ("SMS_HTTP_URL", "http://sms.example.com/send"),
        ("SMS_HTTP_ROLES", "debt_buyer, everybody"),
    ],
)
def test_a_carrier_that_cannot_be_meant_is_refused(name: str, value: str):
    lines = problems(PRODUCTION | CARRIERS | {name: value})
    assert [line.split()[0] for line in lines] == [name]
    assert "-word" not in lines[0]


def test_a_provider_of_texts_carries_first_party_creditors_unless_told_otherwise():
    """EC-07"""
    assert Settings.from_env({}).sms_http_roles == (CollectorRole.FIRST_PARTY_CREDITOR,)
    told = Settings.from_env({"SMS_HTTP_ROLES": "law_firm,debt_buyer"})
    assert told.sms_http_roles == (CollectorRole.LAW_FIRM, CollectorRole.DEBT_BUYER)
