"""Property tests of the domain try the same examples at every run."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "domain",
    derandomize=True,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("domain")
