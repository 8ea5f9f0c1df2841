"""People at their browsers, who count what a page asks of them."""

import os
import re
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Frame, Locator, Page

from portal.domain import totp
from portal.models import Staff
from tests.factories import BORN_ON, POSTAL_CODE
from tests.journeys.looking import Looks
from tests.journeys.serving import Portal
from tests.pages.staff import PASSWORD, SECRET

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
PICTURES = os.environ.get("PORTAL_PICTURES")
"""A folder for a picture of every page of every journey."""


def press(target: Locator) -> None:
    """Click, and be there only when the page that it leads to has loaded."""
    target.click()
    target.page.wait_for_load_state()


class Person:
    """Somebody with a browser. Each page that they get is looked at; nothing may go wrong in it.

    ``pages`` counts what they saw, Stripe's pages too; ``interactions`` the fields they filled
    and the taps they made, Stripe's not.
    """

    scripts = True
    """Whether their browser runs scripts."""

    def __init__(self, portal: Portal, context: BrowserContext, looks: Looks, name: str) -> None:
        self.pages = self.interactions = 0
        self.page: Page = context.new_page()
        self._portal, self._looks = portal, looks
        self._folder = Path(PICTURES, name) if PICTURES else None
        self._numbers = count(1)
        self._wrong: list[str] = []
        self._looked_at = 0
        self._account = ""
        self.page.on("framenavigated", self._arrived)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._wrong.append(str(error)))

    def _arrived(self, frame: Frame) -> None:
        if frame == self.page.main_frame and "#" not in frame.url:
            self.pages += 1
            if found := re.search(r"/account/([0-9a-f-]{36})", frame.url):
                self._account = found[1]

    def _said(self, message: ConsoleMessage) -> None:
        refused = "Failed to load resource" in message.text and message.location["url"] in (
            self.page.url,
            self.page.url.partition("?")[0],
        )
        if message.type == "error" and not refused:  # a page may well answer 409 or 422
            self._wrong.append(message.text)

    @property
    def main(self) -> str:
        """The words of the page."""
        return self.page.inner_text("main")

    @property
    def heading(self) -> str:
        """The main heading of the page."""
        return self.page.inner_text("h1")

    @property
    def path(self) -> str:
        """Where the page is, within the portal."""
        return urlsplit(self.page.url).path

    @property
    def account_id(self) -> str:
        """The account whose pages were seen last."""
        return self._account

    @property
    def at_stripe(self) -> bool:
        """Whether the page is Stripe's."""
        return not self.page.url.startswith(self._portal.origin)

    def open(self, url: str) -> "Person":
        """Follow a link from a message, or type an address."""
        self.page.goto(url if "//" in url else self._portal.origin + url)
        return self._look()

    def tap(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> "Person":
        """Tap a link or a button by the words on it."""
        place = within or self.page
        target = place.get_by_role("link", name=name).or_(place.get_by_role("button", name=name))
        return self._tap(target)

    def unfold(self, words: str) -> "Person":
        """Tap what opens more of the page."""
        return self._tap(self.page.locator("summary").filter(has_text=words))

    def fill(self, label: str, value: str) -> "Person":
        """Fill one field."""
        self.page.get_by_role("textbox", name=label, exact=True).fill(value)
        self.interactions += not self.at_stripe
        return self

    def choose(self, label: str) -> "Person":
        """Choose one of several, or tick a box, by the first words of its label."""
        name = re.compile("^" + re.escape(label))
        radio = self.page.get_by_role("radio", name=name)
        radio.or_(self.page.get_by_role("checkbox", name=name)).check()
        self.interactions += 1
        return self

    def answer(self) -> "Person":
        """Pass the identity check with Dana's answers."""
        self.page.locator("[autocomplete=bday-month]").fill(str(BORN_ON.month))
        self.page.locator("[autocomplete=bday-day]").fill(str(BORN_ON.day))
        self.page.locator("[autocomplete=bday-year]").fill(str(BORN_ON.year))
        self.page.locator("[autocomplete=postal-code]").fill(POSTAL_CODE)
        self.interactions += 4
        return self._tap(self.page.locator("main form .btn").first)

    def log_in(self, staff: Staff) -> "Person":
        """Log in to the consoles."""
        return self.open("/log-in").log_in_here(staff)

    def log_in_here(self, staff: Staff) -> "Person":
        """Log in at the door that is open."""
        self.page.locator("[autocomplete=username]").fill(staff.email)
        self.page.locator("[autocomplete=current-password]").fill(PASSWORD)
        self._tap(self.page.locator("main form .btn"))
        now = self._portal.clock.now()
        code = totp.code_of(SECRET, totp.step_at(now))
        self.page.locator("[autocomplete=one-time-code]").fill(code)
        return self._tap(self.page.locator("main form .btn"))

    def pay_with(self, card: str) -> "Person":
        """Pay at Stripe with a test card's number, or a bank account's last digits."""
        assert self.at_stripe, self.page.url
        if len(card) > 4:
            self.page.locator("#number").fill(card)
            return self._tap(self.page.locator("form.typed button"))
        return self._tap(self.page.get_by_role("button", name=card))

    def back(self) -> "Person":
        """Go back with the browser's own button."""
        self.page.go_back()
        return self._look()

    def start_again(self) -> None:
        """Count from here on."""
        self.pages = self.interactions = self._looked_at = 0

    def stayed_within(self, *, pages: int, interactions: int) -> None:
        """Nothing asked more of them than it may."""
        assert self.pages <= pages, f"{self.pages} pages"
        assert self.interactions <= interactions, f"{self.interactions} interactions"
        self.at_ease()

    def at_ease(self) -> None:
        """Nothing went wrong on the way: no policy was violated, no script failed."""
        assert not self._wrong, self._wrong

    def _tap(self, target: Locator) -> "Person":
        self.interactions += not self.at_stripe
        press(target)
        return self._look()

    def _look(self) -> "Person":
        self.page.wait_for_load_state()
        if self.pages == self._looked_at:
            return self
        self._looked_at = self.pages
        if self._folder:
            self._picture(self._folder)
        if not self.at_stripe:
            self._looks.at(self.page, scripts=self.scripts)
        self.at_ease()
        return self

    def _picture(self, folder: Path) -> None:
        words = re.sub(r"\W+", "-", self.page.title().partition(" – ")[0]).strip("-").lower()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{next(self._numbers):02}-{words}.png"
        self.page.screenshot(path=path, full_page=True)
