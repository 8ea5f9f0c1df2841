"""The pages before identity in Chromium: accessible, small, and as short as they promise to be."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from sqlalchemy import select
from werkzeug.serving import make_server

from portal.app import create_app
from portal.db import PortalSession, make_engine, make_sessions, set_tenant
from portal.domain.keys import Keys
from portal.gateways.clock import SetClock
from portal.models import ContactStop, OneTimeCode
from portal.runtime import build_runtime
from portal.services.identity import code_text
from portal.services.links import code_of
from tests.databases import Database
from tests.factories import BORN_ON, NOW, POSTAL_CODE, make_contact
from tests.journeys.people import press
from tests.pages.debtors import Dana, make_visitor

PHONE = {"width": 360, "height": 740}
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@dataclass
class Served:
    """The portal on a port, with Dana in its database."""

    origin: str
    clock: SetClock
    session: PortalSession
    dana: Dana
    keys: Keys


@pytest.fixture
def served(fresh_db: Database) -> Iterator[Served]:
    """The portal over HTTP on a database of its own."""
    clock = SetClock(NOW)
    sessions = make_sessions(make_engine(fresh_db.url("portal_app")))
    built = build_runtime(fresh_db.settings)
    app = create_app(fresh_db.settings, replace(built, sessions=sessions, clock=clock))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sessions() as session:
        dana = make_visitor(session, fresh_db.settings, NOW, sms_enabled=True)
        make_contact(session, dana.debtor, channel="sms", address="+15032260100")
        session.commit()
        yield Served(
            f"http://127.0.0.1:{server.server_port}", clock, session, dana, fresh_db.settings.keys
        )
    server.shutdown()
    sessions.kw["bind"].dispose()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A phone."""
    context = browser.new_context(viewport=PHONE)
    yield context.new_page()
    context.close()


def check(page: Page) -> None:
    """Axe finds nothing, and nothing sticks out at 360 px."""
    found = Axe().run(page, options={"runOnly": STANDARD})
    assert found.violations_count == 0, found.generate_report()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide)


@pytest.mark.parametrize("language", ["en", "es", "fr"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_pages_are_accessible(browser: Browser, served: Served, language, scheme):
    context = browser.new_context(viewport=PHONE, color_scheme=scheme)
    page = context.new_page()
    paths = [served.dana.path + part for part in ("", "/code", "/wrong-person")]
    paths += [f"/call-me/{served.dana.issued.token}", "/", "/new-link", "/new-link?asked=1"]
    for path in paths:
        page.goto(f"{served.origin}{path}{'&' if '?' in path else '?'}lang={language}")
        check(page)
    context.close()


def test_dana_comes_in_with_three_taps_and_five_boxes(page: Page, served: Served):
    page.goto(served.origin + served.dana.path)
    page.get_by_label("Month").fill(str(BORN_ON.month))
    page.get_by_label("Day").fill(str(BORN_ON.day))
    page.get_by_label("Year").fill(str(BORN_ON.year))
    page.get_by_label("ZIP code").fill(POSTAL_CODE)
    press(page.get_by_role("button", name="Continue"))
    assert page.url == f"{served.origin}/account/{served.dana.account.id}"


def test_wrong_answers_keep_what_was_typed_and_take_the_focus(page: Page, served: Served):
    page.goto(served.origin + served.dana.path)
    page.get_by_label("ZIP code").fill("90210")
    press(page.get_by_role("button", name="Continue"))
    assert page.title().startswith("Problem: Check it is you")
    assert page.evaluate("document.activeElement.className") == "errbox"
    assert page.get_by_label("ZIP code").input_value() == "90210"
    check(page)
    press(page.get_by_role("button", name="Español"))
    assert page.evaluate("document.documentElement.lang") == "es"
    assert page.locator("#postal_code").input_value() == "90210"


def test_the_wrong_person_is_rid_of_us_in_two_pages_and_two_taps(page: Page, served: Served):
    pages = []
    page.on("framenavigated", lambda frame: pages.append(frame.url))
    page.goto(served.origin + served.dana.path)
    press(page.get_by_text("This is not for me"))
    press(page.get_by_role("button", name="Wrong person"))
    assert "We do not write to this address any more" in page.inner_text("main")
    assert len(pages) == 2
    set_tenant(served.session, served.dana.client.id)
    assert served.session.scalars(select(ContactStop)).one()
    check(page)


def test_an_expired_link_is_renewed_in_two_pages_and_one_tap(page: Page, served: Served):
    served.clock.advance(timedelta(days=15))
    pages = []
    page.on("framenavigated", lambda frame: pages.append(frame.url))
    page.goto(served.origin + served.dana.path)
    check(page)
    press(page.get_by_role("button", name="Send me a new link"))
    assert "a new link is on its way" in page.inner_text("main")
    assert len(pages) == 2


def test_a_code_lets_in_without_javascript(browser: Browser, served: Served):
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.origin}/")
    page.get_by_label("Code").fill(code_of(served.keys, served.dana.issued.link))
    press(page.get_by_role("button", name="Continue"))
    press(page.get_by_role("link", name="Send me a code instead"))
    press(page.get_by_role("button", name="Send a code by text"))
    set_tenant(served.session, served.dana.client.id)
    sent = served.session.scalars(select(OneTimeCode)).one()
    page.get_by_label("Code").fill(code_text(served.keys, sent.id))
    press(page.get_by_role("button", name="Continue"))
    assert page.url.startswith(f"{served.origin}/account/")
    context.close()


def test_a_locked_page_is_accessible_and_shows_whom_to_call(page: Page, served: Served):
    page.goto(served.origin + served.dana.path)
    for _ in range(5):
        for name, value in (("Month", "1"), ("Day", "2"), ("Year", "1980")):
            page.get_by_label(name).fill(value)
        page.get_by_label("ZIP code").fill("90210")
        press(page.get_by_role("button", name="Continue"))
    assert "Please wait a little" in page.inner_text("h1")
    check(page)
    press(page.get_by_role("link", name="Ask us to call you"))
    page.get_by_label("Phone number").fill("503 226 0100")
    page.get_by_label("In the morning").check()
    press(page.get_by_role("button", name="Call me"))
    assert "We will call you" in page.inner_text("h1")
    check(page)
