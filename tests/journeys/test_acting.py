"""What staff do for a debtor, in a browser: each page looked at, narrow and wide."""

from collections.abc import Callable

import pytest

from portal.models import Role
from tests.journeys.people import DESK, PHONE, Person
from tests.journeys.serving import Guest, Portal


def find(sam: Person, guest: Guest) -> Person:
    """Type the reference and press Enter: that opens the account."""
    box = sam.page.get_by_role("searchbox").first
    box.fill(guest.account.reference)
    box.press("Enter")
    sam.page.wait_for_url("**/accounts/*")
    return sam


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_a_note_a_mark_and_a_hold_are_made_and_taken_back(
    someone: Callable[..., Person], portal: Portal, screen: dict[str, int]
) -> None:
    """CT-08, DH-08: what each will do is read before."""
    dana = portal.invite()
    sue = portal.hire(Role.SUPERVISOR, dana.client, name="Sue Park")
    sam = someone(viewport=screen).log_in(sue)
    find(sam, dana).tap("Write a note").tap("Promises to pay")
    sam.fill("Note", "Will pay $40 by Friday.").tap("Keep the note")
    assert "Will pay $40 by Friday." in sam.main
    sam.tap("Something happened").tap("They have a lawyer")
    assert "Only the lawyer is written to and called" in sam.main
    sam.fill("Name of the lawyer", "Ada Law").fill(
        "Address, email or phone of the lawyer", "1 Main St"
    )
    sam.fill("How do we know? Who told us, or which paper?", "Her letter")
    sam.tap("Take it down and do all of this")
    assert "Ada Law" in sam.main
    sam.tap("Take it back").fill("Reason", "It was another Dana").tap("Take it back")
    assert "Ada Law" not in sam.page.locator("#person").inner_text()
    sam.tap("Hold this account").tap("Under review")
    assert "The portal takes no payment." in sam.main
    sam.fill("Reason", "The file looks wrong")
    sam.tap("Hold", within=sam.page.locator("main form"))
    sam.tap("Undo this hold")
    assert "The hold is undone." in sam.main


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_a_person_is_corrected_and_pays_while_on_the_line(
    someone: Callable[..., Person], portal: Portal, screen: dict[str, int]
) -> None:
    """PC-01, PR-01"""
    dana = portal.invite()
    sam = someone(viewport=screen).log_in(portal.hire(Role.AGENT, dana.client))
    find(sam, dana).tap("Somebody is on the line").choose("They called us").tap("Begin the call")
    sam.page.get_by_label("Month").fill("3")
    sam.page.get_by_label("Day").fill("27")
    sam.page.get_by_label("Year").fill("1985")
    sam.fill("ZIP code", "12207").tap("Check the answers")
    sam.tap("To the account", within=sam.page.locator(".actions"))
    sam.tap("Correct it").fill("First name", "Danielle").fill("Reason", "She spelled it")
    sam.tap("Show what changes").tap("Keep it so")
    assert "Danielle" in sam.main
    sam.tap("Send a page to pay on").choose("All that is left").choose("E-mail").tap(
        "Send the page"
    )
    assert "They have not opened the payment page yet." in sam.main
