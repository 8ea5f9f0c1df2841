"""Somebody calls support: who they are is asked, and a link is sent while they wait."""

import re
from collections.abc import Callable
from datetime import timedelta

from portal.models import Role
from tests.factories import NOW
from tests.journeys.people import DESK, PHONE, Person
from tests.journeys.serving import Guest, Portal

WIDE = {"width": 1440, "height": 900}


def find(sam: Person, guest: Guest) -> Person:
    """Type the name that was said in the search box and press Enter, then open what was found."""
    box = sam.page.get_by_role("searchbox").first
    box.fill(f"{guest.debtor.first_name} {guest.debtor.last_name}")
    box.press("Enter")
    sam.interactions += 1
    sam.page.wait_for_load_state()
    return sam.tap(guest.account.reference)


def test_from_a_phone_call_to_a_new_link_in_three_interactions(
    someone: Callable[..., Person], portal: Portal
) -> None:
    """The best way is chosen already; the page then says how far the person came."""
    dana = portal.invite()
    sam = someone(viewport=DESK).log_in(portal.hire(Role.AGENT, dana.client))
    sam.start_again()
    find(sam, dana).tap("Send link")
    sam.stayed_within(pages=3, interactions=3)
    assert "The link is on its way." in sam.main
    assert "Sent: waiting for this" in sam.main
    portal.work()
    (link,) = (word for word in portal.newest_mail(dana).split() if "/l/" in word)
    reader = someone()
    reader.open(link).answer()
    panel = sam.page.locator("#progress")
    panel.get_by_text(re.compile("debt and the offers: Nov")).wait_for(timeout=12_000)
    assert "Agreed: waiting for this" in panel.inner_text()
    sam.tap("Look again")
    assert "Answered who they are" in sam.main


def test_pr_01_a_caller_is_known_without_a_script_on_a_narrow_screen(
    someone: Callable[..., Person], portal: Portal
) -> None:
    """PR-01: three questions less to click; everything works without JavaScript."""
    dana = portal.invite()
    sam = someone(viewport=PHONE, java_script_enabled=False)
    sam.log_in(portal.hire(Role.AGENT, dana.client))
    find(sam, dana).tap("Somebody is on the line").choose("They called us").tap("Begin the call")
    sam.page.get_by_label("Month").fill("3")
    sam.page.get_by_label("Day").fill("27")
    sam.page.get_by_label("Year").fill("1985")
    sam.fill("ZIP code", "12207").tap("Check the answers")
    assert "The answers match." in sam.main
    sam.tap("To the account", within=sam.page.locator(".actions"))
    assert "On a call with Dana Reyes" in sam.main
    sam.tap("Another way, or a code to read aloud").choose("Read a code aloud").tap("Make the link")
    assert re.search(r"as in (Alpha|Bravo|Charlie|[A-Z])|\d", sam.main)
    assert "Opened by a person: waiting for this" in sam.main
    sam.tap("Wrap up").choose("I spoke with the debtor").fill("What was said", "She pays.")
    sam.tap("Wrap up", within=sam.page.locator("main form"))
    assert "The call is wrapped up" in sam.main
    assert "Dana Reyes" not in sam.main


def test_links_are_sent_again_to_those_whose_ran_out(
    someone: Callable[..., Person], portal: Portal
) -> None:
    """RT-02: who gets one is counted first, and a page says how far it is."""
    dana = portal.invite(issued_at=NOW - timedelta(days=30))
    staff = portal.hire(Role.SUPERVISOR, dana.client, name="Sue Park")
    sue = someone(viewport=PHONE).log_in(staff)
    sue.tap("Send links again").choose("It ran out").tap("Count and look")
    assert "Go out\n1" in sue.main
    sue.tap("Send them")
    portal.work()
    sue.tap("Look again").at_ease()
    assert "Sent\n1" in sue.main
    assert "/l/" in portal.newest_mail(dana)


def test_a_known_person_gives_an_address_and_a_message_is_read_as_it_went(
    someone: Callable[..., Person], portal: Portal
) -> None:
    """EC-01 a: at a desk, with the ways, the words and the message looked at."""
    dana = portal.invite()
    sam = someone(viewport=WIDE).log_in(portal.hire(Role.AGENT, dana.client))
    find(sam, dana).tap("Somebody is on the line").choose("They called us").tap("Begin the call")
    sam.page.get_by_label("Month").fill("3")
    sam.page.get_by_label("Day").fill("27")
    sam.page.get_by_label("Year").fill("1985")
    sam.fill("ZIP code", "12207").tap("Check the answers")
    sam.tap("To the account", within=sam.page.locator(".actions"))
    sam.tap("Add an address").fill("Address or number", "dana.reyes@example.org")
    sam.choose("I read the words aloud").tap("Add it")
    sam.tap("Another way, or a code to read aloud").choose("E-mail: d•••@example.org")
    sam.unfold("E-mail: d•••@example.org · asked for").tap("Make the link")
    portal.work()
    sam.page.reload()
    sam.unfold("New link").tap("All of it").at_ease()
    assert "What opens a link is hidden" in sam.main
    sam.tap("Wrap up").choose("The call was cut off")
    sam.tap("Wrap up", within=sam.page.locator("main form"))
