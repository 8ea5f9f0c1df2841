"""Fixtures of the sandbox's own tests."""

from collections.abc import Iterator

import pytest

from tests.sandbox.checked import CheckedStripe, checked_stripe


@pytest.fixture
def stripe() -> Iterator[CheckedStripe]:
    """A sandbox under its judge, with the gateway that speaks to it."""
    with checked_stripe() as checked:
        yield checked


@pytest.fixture
def customer(stripe: CheckedStripe) -> str:
    """Dana's customer."""
    return stripe.gateway.create_customer(metadata={"client": "cleo"}, idempotency_key="customer")
