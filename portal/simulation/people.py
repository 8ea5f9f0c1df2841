"""The people of a simulation: what they know, their phone, and when they look at it next."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random

from portal.demo.acting import prove
from portal.demo.browsing import Browser, NotOnThePage
from portal.sandbox import control
from portal.sandbox.errors import ApiError
from portal.sandbox.store import Thing
from portal.simulation.lines import PageRefused
from portal.simulation.portfolio import Neighbor
from portal.simulation.stage import PORTAL, STRIPE, Stage

CARDS = ("visa", "visa", "visa_debit", "mastercard", "mastercard_prepaid")
BANK = "bank_success"
OVER = 410
BANK_RATE = 0.15
_LINK = re.compile(rf"{re.escape(PORTAL)}/l/[\w~-]+(?:\.[\w~-]+)*")
_DAY = re.compile(r"DTSTART;VALUE=DATE:(\d{4})(\d{2})(\d{2})")


@dataclass
class Person:
    """One debtor: who they are, and what they hold in their hands."""

    stage: Stage
    neighbor: Neighbor
    rng: Random
    link: str = ""
    browser: Browser = field(init=False)
    pages: list[str] = field(default_factory=list)
    wakes_at: datetime | None = None
    read: int = 0
    texts_read: int = 0
    is_dry: bool = False
    has_paper: bool = True

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.stage.clock.now()

    def wake_in(self, days: float) -> None:
        """Look at the phone again after some days, or earlier if that was planned."""
        at = self.now + timedelta(days=days)
        if self.wakes_at is None or at < self.wakes_at:
            self.wakes_at = at

    def look_at_post(self) -> bool:
        """Take the newest link out of what arrived; whether something new has."""
        mails = self.stage.post.mails.get(self.neighbor.email, []) if self.neighbor.email else []
        texts = self.stage.post.texts.get(self.neighbor.phone, []) if self.neighbor.phone else []
        arrived = [mail.text for mail in mails[self.read :]]
        arrived += [text.body for text in texts[self.texts_read :]]
        self.read, self.texts_read = len(mails), len(texts)
        for words in arrived:
            if found := _LINK.findall(words):
                self.link = found[-1]
        return bool(arrived)

    def open_link(self) -> bool:
        """Open the newest link on a fresh phone; False where it is over and a new one was asked."""
        self.browser = Browser(self.stage.line(self.neighbor.language))
        try:
            self.browser.open(self.link)
        except PageRefused as refused:
            if refused.status != OVER:
                raise
            self.browser.url, self.browser.text = refused.url, refused.text
            self.browser.submit("/new-link")
            return False
        self._load_styles()
        return True

    def _load_styles(self) -> None:
        """Ask for the style of this page alone, as a browser does; no scanner would (0032)."""
        here = self.browser.url, self.browser.text
        for style in self.browser.styles("/l/"):
            self.browser.open(style)
            self.browser.url, self.browser.text = here

    def come_in(self) -> None:
        """Prove who they are, and go to the account, or to its plan where one runs."""
        prove(self.browser, self.neighbor.answers)
        if self.browser.url.endswith("/accounts"):
            self.browser.follow("/account/")
        here = self.browser.url
        if not here.endswith("/arrangement") and not self.has("/plan") and self.has("/arrangement"):
            self.browser.follow("/arrangement")
            if not self.runs:
                self.browser.open(here)

    @property
    def is_late(self) -> bool:
        """Whether the page says how a plan can be kept whose payment is late."""
        return 'id="keep"' in self.browser.text

    @property
    def runs(self) -> bool:
        """Whether the page is that of an agreement with payments to come."""
        return self.browser.url.endswith("/arrangement") and self.has("/dates.ics")

    def has(self, part: str) -> bool:
        """Whether the page has a link with this in its address."""
        return bool(self.browser.links(part))

    def has_form(self, part: str) -> bool:
        """Whether the page has a form to an address that ends so."""
        form = self.browser.form(part)
        return form is not None and form.action.endswith(part)

    def offered(self, name: str, part: str = "") -> list[str]:
        """What a list of the page's form offers."""
        form = self.browser.form(part)
        return form.offered.get(name, []) if form else []

    def at_checkout(self) -> bool:
        """Whether the page is Stripe's."""
        return self.browser.url.startswith(STRIPE)

    def pay(self, name: str | None = None) -> None:
        """Pay on Stripe's page: by card, or now and then by bank; with the bank's check, passed."""
        if not self.at_checkout():
            raise NotOnThePage(f"no Stripe page but {self.browser.url}")
        self.pages.append(self.browser.url.rpartition("/")[2])
        chosen = name or self.rng.choice(CARDS)
        if name is None and BANK in self.offered("name") and self.rng.random() < BANK_RATE:
            chosen = BANK
        self.browser.submit(name=chosen)
        if "/authenticate" in self.browser.url:
            self.browser.submit(passed="yes")

    def plan_dates(self) -> None:
        """Put the dates of the plan into the calendar: wake on the next of them, or soon after."""
        if not self.has("/dates.ics"):
            return
        self.browser.follow("/dates.ics")
        days = [date(*map(int, found)) for found in _DAY.findall(self.browser.text)]
        coming = [day for day in days if day >= self.now.date()]
        if coming:
            late = self.rng.choice((0, 0, 0, 1, 3, 9))
            noon = datetime(coming[0].year, coming[0].month, coming[0].day, 16, tzinfo=UTC)
            self.wakes_at = noon + timedelta(days=late)

    def charges(self) -> list[Thing]:
        """The payments that Stripe has of this person, the newest first."""
        world, found = self.stage.world, list[Thing]()
        for customer in self._customers():
            found += world.store.newest("payment_intent", customer=customer)
        return [one for one in found if one["status"] == "succeeded"]

    def cards(self) -> list[Thing]:
        """The cards of this person that Stripe keeps."""
        store, found = self.stage.world.store, list[Thing]()
        for customer in self._customers():
            found += store.newest("payment_method", customer=customer)
        return [one for one in found if one["type"] == "card"]

    def turn_cards(self, name: str) -> None:
        """Let every saved card behave like another test card from now on."""
        for card in self.cards():
            control.change_method(self.stage.world, card["id"], name)

    def dispute(self) -> bool:
        """Ask the bank for the newest payment back; whether the bank could be asked."""
        for one in self.charges()[:1]:
            try:
                control.dispute(self.stage.world, one["id"])
            except ApiError:
                return False
            return True
        return False

    def _customers(self) -> list[str]:
        store, found = self.stage.world.store, dict[str, None]()
        for page in self.pages:
            session = store.get(store.account_of(page) or "", "checkout.session", page)
            if session and session["customer"]:
                found[session["customer"]] = None
        return list(found)


Behavior = Callable[[Person], None]
Condition = Callable[[Person], bool]


def always(person: Person) -> bool:
    """Anybody would."""
    return True


def offers(part: str) -> Condition:
    """Whether the page has a link or a form with this in its address."""
    return lambda person: person.has(part) or person.browser.form(part) is not None


@dataclass(frozen=True)
class Way:
    """A way to behave: its share among others, what is done, and who would think of it."""

    name: str
    weight: float
    act: Behavior
    when: Condition = always


def drawn(person: Person, ways: tuple[Way, ...]) -> Way:
    """One of these ways by their shares, out of those that the person would think of here."""
    able = [one for one in ways if one.when(person)]
    return person.rng.choices(able, [one.weight for one in able])[0]
