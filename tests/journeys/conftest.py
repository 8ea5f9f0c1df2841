"""A real browser (Debian's Chromium, driven by Playwright) in front of the whole portal."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import URL

from portal.services.clients import clients
from portal.services.verify import verify_client
from tests.databases import cloned
from tests.journeys.looking import Looks
from tests.journeys.people import PHONE, Person
from tests.journeys.serving import Portal, serving

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; where there is none the browser tests are skipped, and say so loudly.

    One for each file: Playwright keeps an event loop running, beside which no other test could run
    one of its own.
    """
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        missing = "NO CHROMIUM: the browser tests did NOT run (Debian: apt install chromium)"
        if os.environ.get("PORTAL_REQUIRE_BROWSER"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def portal(server: URL, template: str) -> Iterator[Portal]:
    """The product, running; every test brings debtors of its own."""
    with cloned(server, template) as database, serving(database) as running:
        yield running
        with running.runtime.sessions() as session:
            broken = [one for id in clients(session).values() for one in verify_client(session, id)]
        assert broken == [], "Every journey leaves its books and its record whole."


@pytest.fixture(scope="session")
def looks() -> Looks:
    """Who looks at pages, and remembers those that were seen."""
    return Looks()


@pytest.fixture
def someone(
    browser: Browser, portal: Portal, looks: Looks, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Person]]:
    """Makes people with a phone each; the arguments are those of a browser's window."""
    people: list[tuple[Person, Any]] = []
    portal.forget_tries()

    def meet(**given: Any) -> Person:
        context = browser.new_context(**({"viewport": PHONE, "locale": "en-US"} | given))
        context.set_default_timeout(5000)
        name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
        person = Person(portal, context, looks, f"{name}{'-' + str(len(people)) if people else ''}")
        person.scripts = given.get("java_script_enabled", True)
        people.append((person, context))
        return person

    yield meet
    for person, context in people:
        person.at_ease()
        context.close()


@pytest.fixture
def dana(someone: Callable[..., Person]) -> Person:
    """A debtor with a phone."""
    return someone()
