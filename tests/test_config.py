"""Settings: production refuses what is missing or weak, the demo refuses what is dangerous."""

import pytest

from portal.config import DEMO_SECRET, BadSettings, Environment, Settings

PRODUCTION = {
    "PORTAL_ENV": "production",
    "DATABASE_URL": "postgresql://portal_app:database-word@db.example.com/portal",
    "SECRET_KEY": "k" * 32,
    "IDENTITY_PEPPER": "p" * 32,
    "STRIPE_SECRET_KEY": "sk_live_stripe-word",
    "STRIPE_WEBHOOK_SECRET": "whsec_one, whsec_two",
    "BASE_URL": "https://pay.example.com/",
    "SMTP_URL": "smtp://u:mail-word@mail.example.com",
    "TWILIO_AUTH_TOKEN": "twilio-word",
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


def test_production_names_everything_that_is_missing_at_once():
    lines = problems({"PORTAL_ENV": "production"})
    for name in set(PRODUCTION) - {"PORTAL_ENV", "SMTP_URL", "TWILIO_AUTH_TOKEN", "SMS_HTTP_TOKEN"}:
        assert [line for line in lines if line.startswith(name)], name
    assert all("\n" not in line for line in lines)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", DEMO_SECRET),
        ("SECRET_KEY", "k" * 32 + ",short"),
        ("IDENTITY_PEPPER", "short"),
        ("BASE_URL", "http://pay.example.com"),
        ("BASE_URL", "pay.example.com"),
        ("DATABASE_URL", "mysql://db.example.com/portal"),
        ("DATABASE_URL", "   "),
        ("PROXY_HOPS", "one"),
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


def test_the_demo_needs_its_own_secret_where_others_can_reach_it():
    address = {"BASE_URL": "http://192.168.1.20:8000"}
    (line,) = problems(address)
    assert "SECRET_KEY" in line
    assert Settings.from_env(address | {"SECRET_KEY": "own"}).secret_key == "own"


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
    words = repr(Settings.from_env(PRODUCTION))
    for secret in ("kkkk", "pppp", "-word", "whsec"):
        assert secret not in words
    assert "pay.example.com" in words
