"""Ann has a check in her hand, and Sue looks at it too: on a phone and at a desk."""

from collections.abc import Callable
from datetime import timedelta

from portal.models import Role
from tests.factories import NOW
from tests.journeys.people import DESK, Person
from tests.journeys.serving import Portal


def test_a_large_check_is_recorded_by_two_people_and_taken_back(
    portal: Portal, someone: Callable[..., Person]
):
    guest = portal.invite(account={"placed_at": NOW - timedelta(days=30)})
    page = f"/support/accounts/{guest.account.id}"
    ann = someone().log_in(portal.hire(Role.AGENT, guest.client, name="Ann Bell"))
    ann.open(page).tap("Record a payment")
    ann.choose("Paper check").fill("Amount", "600").fill("Number", "1017")
    for box, typed in (("Month", "11"), ("Day", "20"), ("Year", "2026")):
        ann.fill(box, typed)
    ann.tap("See what it does")
    assert "Nothing moves until a second person has approved it." in ann.main
    ann.tap("Ask a second person")
    assert "$600.00 waits for a second person" in ann.main
    sue = someone(viewport=DESK).log_in(portal.hire(Role.SUPERVISOR, guest.client, name="Sue Park"))
    sue.tap("Second person", within=sue.page.locator("nav")).tap("Record a payment")
    assert "Ann Bell" in sue.main
    assert "Balance then" in sue.main
    sue.choose("Approve it").tap("Decide")
    assert "It is approved and done." in sue.main
    ann.open(page).tap("It came back")
    ann.choose("The bank returned it unpaid").fill("Reason", "No funds")
    ann.tap("See what it does").tap("Ask a second person")
    sue.tap("Second person", within=sue.page.locator("nav")).tap("Take a recorded payment back")
    sue.choose("Approve it").tap("Decide")
    assert "Came back" in ann.open(page).main


def test_an_admin_says_when_two_people_are_needed(portal: Portal, someone: Callable[..., Person]):
    guest = portal.invite()
    cora = someone().log_in(portal.hire(Role.CLIENT_ADMIN, guest.client, name="Cora Diaz"))
    cora.tap("Money", within=cora.page.locator("nav")).tap("When two people are needed")
    cora.fill("Refunds, up to", "0").tap("Save")
    assert "The limits hold from now on." in cora.main
