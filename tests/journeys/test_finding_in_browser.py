"""Sam finds an account with the keyboard alone, whatever the caller's name sounded like."""

from collections.abc import Callable

import pytest

from portal.models import Role
from tests.journeys.people import Person
from tests.journeys.serving import Portal

NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1440, "height": 900}


@pytest.fixture(params=[NARROW, WIDE], ids=["narrow", "wide"])
def sam(request, portal: Portal, someone: Callable[..., Person]) -> tuple[Person, str]:
    guest = portal.invite()
    sam = someone(viewport=request.param).log_in(portal.hire(Role.AGENT, guest.client))
    return sam.open("/support"), guest.account.reference


def test_a_name_is_searched_for_and_opened_by_keys(sam: tuple[Person, str]) -> None:
    person, reference = sam
    keys = person.page.keyboard
    keys.press("/")
    keys.type("Raiez")
    with person.page.expect_navigation():
        keys.press("Enter")
    person.open(person.page.url)
    assert "Name: it sounds alike" in person.main
    for key in ("/", "ArrowDown", "ArrowUp", "ArrowDown"):
        keys.press(key)
    assert person.page.evaluate("document.activeElement.textContent") == reference
    with person.page.expect_navigation():
        keys.press("Enter")
    assert reference in person.heading
    person.open("/support")
    assert "Opened last" in person.main
    person.at_ease()
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert person.page.evaluate(wide)


def test_the_key_can_be_turned_off_and_stays_off(sam: tuple[Person, str]) -> None:
    """WCAG 2.1.4: for who speaks to the machine, a sign is a word like others."""
    person, _ = sam
    focused = "document.activeElement.id"
    person.page.get_by_label("The key / goes to the search box").uncheck()
    person.open("/support/proposals")
    person.page.keyboard.press("/")
    assert person.page.evaluate(focused) != "q"
    person.open("/support")
    person.page.get_by_label("The key / goes to the search box").check()
    person.page.keyboard.press("/")
    assert person.page.evaluate(focused) == "q"


def test_what_was_typed_stays_in_the_box_and_can_be_read(sam: tuple[Person, str]) -> None:
    person, _ = sam
    person.open("/support?q=Reyse")
    box = person.page.get_by_label("Search accounts")
    assert box.input_value() == "Reyse"
    look = "box => [getComputedStyle(box).color, getComputedStyle(box).backgroundColor]"
    ink, paper = box.evaluate(look)
    assert ink != paper
