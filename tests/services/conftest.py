"""Fixtures of the services' tests."""

from collections.abc import Iterator

import pytest

from portal.db import PortalSession
from tests.sandbox.checked import checked_stripe
from tests.services.paying import Till, make_till


@pytest.fixture
def till(session: PortalSession) -> Iterator[Till]:
    """Dana's account beside a sandbox whose every word is held against Stripe's document."""
    with checked_stripe() as stripe:
        yield make_till(session, stripe)
