"""Sofia of support, on a phone and at a desk: why can't they pay, one click, and what they see."""

from collections.abc import Callable
from datetime import timedelta

from portal.models import Role
from tests.journeys.people import DESK, Person
from tests.journeys.serving import Portal


def test_find_why_somebody_cannot_pay_and_let_them_in(
    portal: Portal, someone: Callable[..., Person], dana: Person
):
    guest = portal.invite(client={"trade_name": "Northgate Energy and Water Cooperative"})
    dana.open(guest.url)
    for _ in range(5):
        dana.page.locator("[name='date_of_birth-month']").fill("1")
        dana.page.locator("[name='date_of_birth-day']").fill("2")
        dana.page.locator("[name='date_of_birth-year']").fill("1999")
        dana.page.locator("[name=postal_code]").fill("90210")
        dana.page.locator("main form .btn").first.click()
    staff = portal.hire(Role.SUPERVISOR, guest.client, name="Sofia Lang")
    sofia = someone().log_in(staff)
    sofia.open(f"/support/accounts/{guest.account.id}")
    assert "the door is locked" in sofia.main
    sofia.tap("Let them try again").fill("Reason", "She knew her last payment")
    sofia.tap("Let them try again")
    assert "They can try again now." in sofia.page.locator("body").inner_text()
    sofia.open(f"/support/accounts/{guest.account.id}/why")
    assert "the door is locked" not in sofia.main
    dana.open(guest.url).answer()
    portal.clock.advance(timedelta(minutes=1))
    desk = someone(viewport=DESK).log_in(staff)
    desk.open(f"/support/accounts/{guest.account.id}").tap("See what they see")
    assert "You owe" in desk.main
    for person in (sofia, desk):
        for page in ("plan", "preferences", "messages", "history"):
            person.open(f"/support/accounts/{guest.account.id}/as-debtor/{page}")
