"""Suggestions, help, several accounts, and the staff on the other side."""

import re
from collections.abc import Callable
from datetime import timedelta

from portal.models import Role
from tests.factories import NOW
from tests.journeys.people import DESK, Person, press
from tests.journeys.serving import Portal
from tests.journeys.test_paying import VISA

Meeting = Callable[..., Person]


def suggest(dana: Person) -> Person:
    dana.tap("Pay a bit each month").fill("Your amount", "20").choose("Every month")
    return dana.choose("Today").choose("I make each payment myself").tap("Continue")


def test_a_suggestion_is_countered_agreed_to_and_paid(portal: Portal, someone: Meeting):
    guest, dana = portal.invite(), someone()
    dana.open(guest.url).answer()
    suggest(dana)
    assert dana.heading == "We have your suggestion"
    dana.stayed_within(pages=4, interactions=11)
    sam = someone(viewport=DESK).log_in(portal.hire(Role.AGENT, guest.client))
    sam.open("/support/queues/proposals")
    sam.tap(re.compile("^[A-Z]{2}-"), within=sam.page.locator("tbody th"))
    sam.fill("Each payment", "40").tap("Offer your own terms")
    dana.start_again()
    dana.open(portal.send_link(guest)).answer().tap("See your suggestion")
    assert dana.heading == "We suggest something else"
    assert "$40.00" in dana.main
    dana.tap("See all of it").tap("Agree").pay_with(VISA)
    assert "You paid $40.00." in dana.main


def test_this_is_not_my_debt(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer().tap("I need help or this is not right")
    dana.unfold("This is not my debt").tap("Send: this is not my debt")
    assert dana.heading == "We have your message"
    dana.stayed_within(pages=4, interactions=8)
    dana.open(f"/account/{dana.account_id}")
    assert "The amount on file is $1,240.00." in dana.main


def test_the_wrong_person_says_so_without_any_check(portal: Portal, dana: Person):
    dana.open(portal.invite().url).unfold("This is not for me").tap("Wrong person")
    assert "We do not write to this address any more" in dana.main
    dana.stayed_within(pages=2, interactions=2)


def test_an_expired_link_is_renewed(portal: Portal, dana: Person):
    dana.open(portal.invite(issued_at=NOW - timedelta(days=20)).url).tap("Send me a new link")
    assert "a new link is on its way" in dana.main
    dana.stayed_within(pages=2, interactions=2)


def test_several_accounts_are_handled_one_at_a_time(portal: Portal, dana: Person):
    dana.open(portal.invite(balances=(124_000, 8_000)).url).answer()
    assert dana.heading == "Your accounts"
    dana.tap(re.compile(r"You owe \$80\.00")).tap("Pay it all today").tap("Agree").pay_with(VISA)
    dana.open("/accounts")
    assert "You owe $1,240.00" in dana.main
    assert "You owe nothing." in dana.main


def test_support_finds_the_account_and_sends_the_link_again(portal: Portal, someone: Meeting):
    guest = portal.invite()
    sam = someone(viewport=DESK).log_in(portal.hire(Role.AGENT, guest.client))
    sam.page.locator("form[role=search] input").fill("dana rey")
    press(sam.page.locator("form[role=search] button"))
    sam.tap(re.compile(guest.account.reference)).tap("Another way, or a code to read aloud")
    sam.page.locator("[name=way]").first.check()
    sam.tap("Make the link")
    assert "The link is on its way." in sam.page.inner_text("body")
    portal.work()
    assert guest.url not in portal.newest_mail(guest)
    dana = someone()
    link = re.search(r"http://\S+/l/\S+", portal.newest_mail(guest))
    assert link is not None
    dana.open(link[0]).answer()
    assert dana.heading == "You owe $1,240.00"
