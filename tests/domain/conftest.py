"""Property tests of the domain try the same examples at every run; nightly, many new ones.

python -m pytest tests/domain --hypothesis-profile nightly
"""

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow]

settings.register_profile(
    "domain",
    derandomize=True,
    deadline=None,
    max_examples=200,
    suppress_health_check=SLOW,
)
settings.register_profile(
    "nightly",
    deadline=None,
    max_examples=10_000,
    suppress_health_check=SLOW,
)
settings.load_profile("domain")
