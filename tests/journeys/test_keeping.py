"""Months of a plan on a phone, without a call: moved, skipped, failed, cured, paid off."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest

from portal import i18n
from portal.blueprints.debtor.review import ALLOWED
from portal.domain.policy import Concessions
from portal.jobs import enqueue
from portal.models import Account
from portal.sandbox import control
from tests.factories import NOW, make_link
from tests.journeys.people import Person
from tests.journeys.serving import Guest, Portal
from tests.journeys.test_paying import VISA
from tests.journeys.test_plans import agree_to_plan

GIVEN = {"concessions": Concessions(skips=1, moves=1)}
EMPTY = "visa_chargeDeclinedInsufficientFunds"
JOBS = ("plans.notify", "payments.charge_due", "arrangements.look_after")


class Months:
    """A debtor whose months go by, on the days that matter."""

    def __init__(self, portal: Portal, dana: Person, locale: str) -> None:
        self.portal, self.dana, self.locale = portal, dana, locale
        self.guest: Guest = portal.invite(limits=GIVEN, debtor={"language": locale})

    def say(self, words: str, **values: object) -> str:
        """Words of the pages in the debtor's language, as they are spoken."""
        return " ".join(i18n.translate(self.locale, words, values).split())

    def day(self, month: int, day: int, year: int = 2027) -> str:
        """A date as it is written for them."""
        return i18n.voice(self.locale).date(date(year, month, day))

    def tap(self, words: str, **values: object) -> Person:
        """Tap what has these words."""
        return self.dana.tap(self.say(words, **values))

    def until(self, month: int, day: int, year: int = 2027) -> None:
        """It is that day, and its jobs run."""
        self.portal.clock.at = datetime(year, month, day, NOW.hour, NOW.minute, tzinfo=UTC)
        with self.portal.session(self.guest.client) as session:
            for job in JOBS:
                enqueue(session, job, client_id=str(self.guest.client.id))
            session.commit()
        self.portal.work()

    def told(self, month: int, day: int, year: int = 2027) -> None:
        """The same on a day on which a notice is written, and sent."""
        self.until(month, day, year)
        self.portal.work()

    def come_back(self) -> str:
        """Follow a new link, answer, and read my plan."""
        with self.portal.session(self.guest.client) as session:
            link = make_link(
                session,
                self.guest.debtor,
                keys=self.portal.settings.keys,
                now=self.portal.clock.now(),
            )
            session.commit()
        self.dana.open(link.url).answer()
        return self.dana.open(f"/account/{self.guest.account.id}/arrangement").main

    def turn_card(self, name: str) -> None:
        """The saved card behaves like another test card from now on."""
        with self.portal.session(self.guest.client) as session:
            key = (self.guest.client.id, self.guest.account.id)
            customer = session.get_one(Account, key).stripe_customer
        world = self.portal.sandbox.sandbox.world
        for method in world.store.newest("payment_method", customer=customer):
            control.change_method(world, method["id"], name)


@pytest.fixture
def time_goes_by(portal: Portal) -> Iterator[None]:
    """Months go by here, and no other journey hears of it."""
    yield
    portal.clock.at = NOW


def begin(months: Months) -> None:
    """A plan of $104.00 a month from a saved card, the first payment made."""
    months.dana.open(months.guest.url).answer()
    months.tap("Pay a bit each month").choose("$104.00").choose(months.say("Every month"))
    months.dana.choose(months.say("Today")).choose(months.say("Take each payment automatically"))
    allowed = months.say(ALLOWED, company="~", total="~").partition("~")[0]
    months.tap("Continue").choose(allowed.strip())
    months.dana.tap("$104.00").pay_with(VISA)
    months.dana.open(f"/account/{months.guest.account.id}/arrangement")


@pytest.mark.usefixtures("time_goes_by")
def test_a_missing_payment_is_moved_missed_again_and_paid(portal: Portal, dana: Person):
    months = Months(portal, dana, "en")
    dana.open(months.guest.url).answer()
    agree_to_plan(dana, start="Today", method="I make each payment myself")
    dana.tap("Agree and pay").pay_with(VISA)
    months.until(12, 24, 2026)
    missing = "Your December 23, 2026 payment has not come yet. That happens."
    assert missing in months.come_back()
    dana.tap("December 28, 2026")
    assert "Your plan has changed. Thank you for telling us." in dana.main
    assert "$104.00 on December 28, 2026. You make this payment yourself." in dana.main
    months.until(12, 29, 2026)
    assert "Your December 28, 2026 payment has not come yet." in months.come_back()
    dana.tap("Pay $104.00 now").pay_with(VISA)
    assert "You have $1,032.00 left to pay." in dana.main


@pytest.mark.usefixtures("time_goes_by")
@pytest.mark.parametrize(
    ("locale", "scripts"), [("en", True), ("es", False)], ids=["en", "es without JavaScript"]
)
def test_a_plan_is_moved_skipped_cured_and_paid_off_without_a_call(
    portal: Portal, someone: Callable[..., Person], locale: str, *, scripts: bool
):
    dana = someone(locale=f"{locale}-US", java_script_enabled=scripts)
    months = Months(portal, dana, locale)
    begin(months)
    months.tap("Move a payment to another day").choose(months.day(12, 30, 2026))
    months.tap("Continue")
    months.tap("Move my payment to %(day)s", day=date(2026, 12, 30))
    assert months.say("Done. Your payment has its new date.") in dana.main
    months.told(12, 17, 2026)
    months.until(12, 30, 2026)
    assert "$208.00" in months.come_back()
    months.tap("Skip a payment")
    months.tap("Skip my payment of %(day)s", day=date(2027, 1, 23))
    months.told(2, 10)
    months.turn_card(EMPTY)
    months.until(2, 23)
    failed = "Your %(day)s payment did not go through. That happens."
    assert months.say(failed, day=date(2027, 2, 23)) in months.come_back()
    dana.tap("$115.60")
    assert months.say("Add what is missing to your later payments?") in dana.heading
    months.tap("Change nothing")
    dana.tap(months.day(3, 1))
    assert months.say("Your plan has changed. Thank you for telling us.") in dana.main
    assert months.day(3, 1) in dana.main
    months.turn_card("visa")
    months.until(3, 1)
    assert "$312.00" in months.come_back()
    months.tap("Pay all that is left")
    dana.tap("$928.00").pay_with(VISA)
    assert months.say("Payment received") in dana.heading
    assert months.say("This is done. You paid what we agreed. Thank you.") in months.come_back()
