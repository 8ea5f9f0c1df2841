"""Help in Chromium: as near as paying, and back again."""

from tests.journeys.people import Person
from tests.journeys.serving import Portal

SENT = "We have your message"


def test_not_my_debt_is_four_pages_and_eight_interactions(dana: Person, portal: Portal) -> None:
    dana.open(portal.invite().url).answer()
    dana.tap("I need help or this is not right").unfold("This is not my debt")
    dana.tap("Send: this is not my debt")
    assert dana.heading == SENT
    assert "A person answers by" in dana.main
    dana.stayed_within(pages=4, interactions=8)


def test_help_messages_and_preferences_from_page_to_page(dana: Person, portal: Portal) -> None:
    dana.open(portal.invite().url).answer()
    dana.tap("I need help or this is not right").tap("I can't pay now")
    dana.choose("I lost my job").tap("Send")
    assert dana.heading == SENT
    dana.unfold("I want to take this back").tap("Take it back")
    assert dana.heading == "This is closed"
    dana.tap("Back").tap("Ask us something else")
    dana.fill("Your message", "Which card do you take?").tap("Send")
    assert "Which card do you take?" in dana.main
    dana.tap("How we contact you").tap("Write to me by letter only")
    assert "From now on we write to you by letter only." in dana.main
    dana.tap("Give us an email address").fill("Your new email address", "dana").tap("Save")
    assert dana.page.title().startswith("Problem:")
    dana.fill("Your new email address", "dana.reyes@example.com").tap("Save")
    assert "Thank you. We have your new address." in dana.main
    dana.at_ease()
