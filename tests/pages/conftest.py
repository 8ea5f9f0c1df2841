"""The portal in process: real database, fixed clock, a client that checks every page it gets."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.config import Settings
from portal.db import PortalSession, Reading
from portal.gateways.clock import SetClock
from portal.runtime import Runtime, build_runtime
from tests.pages.agreeing import enter
from tests.pages.debtors import Dana
from tests.pages.reading import check_page
from tests.sandbox.checked import CheckedStripe, checked_stripe


@pytest.fixture
def clock() -> SetClock:
    """Sunday noon in New York."""
    return SetClock(datetime(2026, 11, 22, 17, 0, tzinfo=UTC))


@pytest.fixture
def stripe(clock: SetClock) -> Iterator[CheckedStripe]:
    """The sandbox in process, under its judge, on the portal's clock when the test begins."""
    with checked_stripe() as stripe:
        stripe.clock.now = clock.now()
        yield stripe


@pytest.fixture
def runtime(
    settings: Settings,
    sessions: Callable[..., PortalSession],
    read: Reading,
    clock: SetClock,
    stripe: CheckedStripe,
) -> Runtime:
    """What the app works with, on the test's own connection."""
    given = {"sessions": sessions, "read": read, "clock": clock, "stripe": stripe.gateway}
    return dataclasses.replace(build_runtime(settings), **given)  # type: ignore[arg-type]


@pytest.fixture
def app(settings: Settings, runtime: Runtime) -> Flask:
    """The portal as gunicorn would run it."""
    app = create_app(settings, runtime)
    app.testing = True
    return app


class Reader(FlaskClient):
    """A client that looks at every page it gets: valid HTML, one heading, labels, headers."""

    def open(self, *args: Any, **given: Any) -> TestResponse:
        response = super().open(*args, **given)
        if response.data and response.mimetype == "text/html" and not response.content_encoding:
            check_page(response)
        return response


@pytest.fixture
def http(app: Flask) -> FlaskClient:
    """A person's browser."""
    app.test_client_class = Reader
    return app.test_client()


@pytest.fixture
def dana(http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    """Dana, past the identity check, whose client has a policy."""
    return enter(http, session, settings, clock)
