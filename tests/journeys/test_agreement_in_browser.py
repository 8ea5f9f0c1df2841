"""The pages of an agreement in Chromium: accessible, and nothing sticks out at 360 px."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from portal.app import create_app
from portal.db import make_engine, make_sessions
from portal.gateways.clock import SetClock
from portal.runtime import build_runtime
from tests.databases import Database
from tests.factories import BORN_ON, NOW, POSTAL_CODE, make_account, make_policy
from tests.journeys.people import press
from tests.pages.debtors import Dana, make_visitor
from tests.sandbox.checked import checked_stripe

PHONE = {"width": 360, "height": 740}
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@dataclass
class Served:
    """The portal on a port, with Dana in its database."""

    origin: str
    dana: Dana

    @property
    def account(self) -> str:
        """Dana's account."""
        return f"{self.origin}/account/{self.dana.account.id}"


@pytest.fixture
def served(fresh_db: Database) -> Iterator[Served]:
    """The portal over HTTP on a database of its own, with Stripe's stand-in."""
    clock = SetClock(NOW)
    sessions = make_sessions(make_engine(fresh_db.url("portal_app")))
    with checked_stripe() as stripe:
        stripe.clock.now = NOW
        built = replace(
            build_runtime(fresh_db.settings),
            sessions=sessions,
            clock=clock,
            stripe=stripe.gateway,
        )
        server = make_server("127.0.0.1", 0, create_app(fresh_db.settings, built), threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sessions() as session:
            dana = make_visitor(session, fresh_db.settings, NOW)
            make_account(session, dana.debtor, balance_cents=5_000)
            make_policy(session, dana.client)
            session.commit()
        yield Served(f"http://127.0.0.1:{server.server_port}", dana)
        server.shutdown()
    sessions.kw["bind"].dispose()


def enter(page: Page, served: Served) -> None:
    """Pass the identity check."""
    page.goto(served.origin + served.dana.path)
    for part in ("month", "day", "year"):
        page.locator(f"[name=date_of_birth-{part}]").fill(str(getattr(BORN_ON, part)))
    page.locator("[name=postal_code]").fill(POSTAL_CODE)
    press(page.locator("main button.btn").first)
    page.wait_for_url("**/accounts*")


def check(page: Page, name: str) -> None:
    """Axe finds nothing, and nothing sticks out at 360 px."""
    found = Axe().run(page, options={"runOnly": STANDARD})
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide), name


def choose(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.locator(f"[name={name}][value='{value}']").check()


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), ("dark", "es")])
def test_every_page_of_an_agreement_is_accessible(
    browser: Browser, served: Served, scheme: str, language: str
) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme=scheme)
    page = context.new_page()
    enter(page, served)
    page.goto(f"{served.origin}/accounts?lang={language}")
    check(page, f"accounts-{language}")
    page.goto(served.account)
    press(page.locator("summary").first)
    check(page, f"balance-{language}")
    for name in ("settle", "part"):
        page.goto(f"{served.account}/{name}")
        check(page, f"{name}-{language}")
    page.goto(f"{served.account}/plan")
    choose(page, frequency="twice_a_month", pair="other")
    check(page, f"plan-days-{language}")
    choose(page, frequency="monthly", monthday="other")
    check(page, f"plan-{language}")
    press(page.locator("form#form button.btn"))
    assert page.locator(".errbox").is_visible()
    check(page, f"plan-problem-{language}")
    choose(page, amount="10400", monthday="first", start="2026-12-01", method="manual")
    press(page.locator("form#form button.btn"))
    press(page.locator("summary").first)
    check(page, f"review-{language}")
    press(page.locator("form#form button.btn"))
    page.wait_for_url("**/arrangement")
    check(page, f"arrangement-{language}")
    page.goto(f"{served.account}/agreement")
    check(page, f"agreement-{language}")
    context.close()


def test_a_suggestion_and_an_automatic_plan_are_accessible(
    browser: Browser, served: Served
) -> None:
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    enter(page, served)
    page.goto(f"{served.account}/plan")
    choose(page, frequency="monthly", start="today", method="automatic")
    page.locator("[name=own]").fill("40")
    press(page.locator("form#form button.btn"))
    page.wait_for_url("**/proposal")
    check(page, "proposal")
    press(page.locator("main form button.btn"))
    page.goto(f"{served.account}/plan")
    choose(page, amount="10400", frequency="monthly", start="today", method="automatic")
    press(page.locator("form#form button.btn"))
    check(page, "review-automatic")
    context.close()
